import type { WaterfallStep } from "./messages";

/** A bar of a waterfall: where it starts and how wide it is, as parts (0…1) of the whole drawing. */
export interface Bar {
  readonly label: string;
  readonly usd: number;
  readonly start: number;
  readonly width: number;
  readonly total: boolean;
}

/** First and last step stand on the zero line, those between hang on the one before. */
export function waterfallBars(steps: readonly WaterfallStep[]): readonly Bar[] {
  let level = 0;
  const spans = steps.map(({ label, usd }, at) => {
    const total = at === 0 || at === steps.length - 1;
    const from = total ? 0 : level;
    level = from + usd;
    return { label, usd, total, low: Math.min(from, level), high: Math.max(from, level) };
  });
  const low = Math.min(0, ...spans.map((span) => span.low));
  const range = Math.max(0, ...spans.map((span) => span.high)) - low || 1;
  return spans.map(({ label, usd, total, low: from, high }) => ({
    label,
    usd,
    total,
    start: (from - low) / range,
    width: (high - from) / range,
  }));
}
