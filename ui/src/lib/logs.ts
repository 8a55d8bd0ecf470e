import type { LogEntry } from "./messages";

export const LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] as const;

export type Level = (typeof LEVELS)[number];

/** The lines of at least a level that hold every word of the filter, in message, source or fields. */
export function filterLogs(logs: readonly LogEntry[], filter: string, level: Level): readonly LogEntry[] {
  const least = LEVELS.indexOf(level);
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  return logs.filter((entry) => {
    if (LEVELS.indexOf(entry.level) < least) return false;
    const text = [entry.level, entry.source, entry.message, ...Object.entries(entry.fields).flat()].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
