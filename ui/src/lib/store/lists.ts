import type { ArbOpportunity, Candle, EquityPoint, OrderRow } from "../messages";

type Key<T> = (row: T) => string | number;

/** Replace the row with the same key, else append; the oldest go where there are more than `limit`. */
export function upsert<T>(rows: readonly T[], row: T, key: Key<T>, limit: number): readonly T[] {
  const wanted = key(row);
  const at = rows.findLastIndex((known) => key(known) === wanted);
  return at >= 0 ? rows.with(at, row) : newest([...rows, row], limit);
}

/** As `upsert`, but the row moves to the end: the list stays in the order of its last times. */
export function moveToEnd<T>(rows: readonly T[], row: T, key: Key<T>, limit: number): readonly T[] {
  const wanted = key(row);
  return newest([...rows.filter((known) => key(known) !== wanted), row], limit);
}

/** The last `limit` rows. */
export function newest<T>(rows: readonly T[], limit: number): readonly T[] {
  return rows.length > limit ? rows.slice(-limit) : rows;
}

/** Orders: when full, the oldest that is over goes first, so that an open one is not lost from sight. */
export function upsertOrder(rows: readonly OrderRow[], row: OrderRow, limit: number): readonly OrderRow[] {
  const next = upsert(rows, row, (order) => order.id, limit + 1);
  if (next.length <= limit) return next;
  const over = next.findIndex((order) => order.status !== "open" && order.status !== "unknown");
  return next.toSpliced(Math.max(over, 0), 1);
}

/** Opportunities: when full, the oldest of the refused or of those that were sent goes, whichever are more. */
export function upsertOpportunity(rows: readonly ArbOpportunity[], row: ArbOpportunity, limit: number): readonly ArbOpportunity[] {
  const full = rows.length >= limit && rows.every((known) => known.id !== row.id);
  const refused = rows.filter((known) => known.verdict === "refused").length;
  const goes = rows.findIndex((known) => (known.verdict === "refused") === refused * 2 >= rows.length);
  return upsert(full ? rows.toSpliced(goes, 1) : rows, row, (known) => known.id, limit);
}

/** Candles: those told replace or follow the known ones; an older one than the last is left out unless it is known. */
export function mergeCandles(known: readonly Candle[], told: readonly Candle[], limit: number): readonly Candle[] {
  let merged = known;
  for (const candle of told) {
    const last = merged.at(-1);
    const isNew = last === undefined || candle.ts > last.ts;
    if (isNew || merged.some((one) => one.ts === candle.ts)) {
      merged = upsert(merged, candle, (one) => one.ts, limit);
    }
  }
  return merged;
}

/** The equity curve: one point an instant; where there are too many, every second one goes but the newest stays. */
export function addEquity(known: readonly EquityPoint[], point: EquityPoint, limit: number): readonly EquityPoint[] {
  const last = known.at(-1);
  if (last !== undefined && point.ts < last.ts) return known;
  const next = last?.ts === point.ts ? known.with(-1, point) : [...known, point];
  return next.length > limit ? next.filter((_, index) => (next.length - 1 - index) % 2 === 0) : next;
}
