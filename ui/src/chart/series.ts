import type { Candle, EquityPoint, Fill } from "../lib/messages";

export interface Point {
  readonly time: number;
  readonly value: number;
}

/** Points a chart takes: whole seconds, rising, one a second (the newest), what is not known left out. */
export function linePoints(history: readonly EquityPoint[], of: (point: EquityPoint) => number | null): Point[] {
  const points: Point[] = [];
  for (const entry of history) {
    const value = of(entry);
    if (value === null) continue;
    const time = Math.floor(entry.ts / 1_000);
    if (points.at(-1)?.time === time) points.pop();
    points.push({ time, value });
  }
  return points;
}

/** How `after` follows from `before`: the number of candles at its end that are new or changed; null: all anew. */
export function changedTail(before: readonly Candle[], after: readonly Candle[]): number | null {
  const last = before.at(-1);
  if (last === undefined) return null;
  const at = after.findLastIndex((candle) => candle.ts === last.ts);
  if (at < 0 || after.length - at > 10) return null;
  // The one before the running minute closes with its last told value.
  return after.length - Math.max(at - 1, 0);
}

export interface Mark {
  readonly time: number;
  readonly buy: boolean;
  readonly text: string;
  readonly id: string;
}

const MINUTE_S = 60;

/** Fills of one instrument as marks on its minute candles, oldest first; those before the first candle are left out. */
export function fillMarks(fills: readonly Fill[], instrument: string, firstTs: number): Mark[] {
  return fills
    .filter((fill) => fill.instrument === instrument && fill.ts >= firstTs)
    .map((fill) => ({
      id: fill.id,
      time: Math.floor(fill.ts / 1_000 / MINUTE_S) * MINUTE_S,
      buy: fill.side === "buy",
      text: fill.purpose === "entry" ? "in" : fill.purpose === "exit" ? "out" : "±",
    }))
    .sort((a, b) => a.time - b.time);
}

/** One of several lines over the same instants. `colour`: the name of a colour of the page, without its dashes. */
export interface ChartLine {
  readonly name: string;
  readonly colour: string;
  readonly style: "solid" | "dashed";
  readonly values: readonly number[];
}
