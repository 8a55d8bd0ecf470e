import type { DriftMarket } from "../messages";

export type MarketColumn = "symbol" | "rate" | "oi" | "volume_24h" | "next_funding_ts";

/** Markets in the order of a column; what is not known comes last both ways. */
export function sortMarkets(
  markets: readonly DriftMarket[],
  column: MarketColumn,
  down: boolean,
): readonly DriftMarket[] {
  const way = down ? -1 : 1;
  return [...markets].sort((a, b) => {
    const [one, other] = [a[column], b[column]];
    if (one === null || other === null) return Number(one === null) - Number(other === null);
    const order = typeof one === "string" ? one.localeCompare(String(other)) : one - Number(other);
    return order * way || a.symbol.localeCompare(b.symbol);
  });
}

const HOUR_MS = 3_600_000;
const DAY_HOURS = 24;

export interface RatePoint {
  readonly ts: number;
  readonly rate: number;
}

/** The hourly rates with their times: the last is of `rateTs`, or of the last full hour before `now`. */
export function ratePoints(market: DriftMarket, now: number): readonly RatePoint[] {
  const last = market.rate_ts ?? Math.floor(now / HOUR_MS) * HOUR_MS;
  return market.history.map((rate, at) => ({ rate, ts: last - (market.history.length - 1 - at) * HOUR_MS }));
}

export interface RateDay {
  readonly ts: number;
  readonly hours: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** One row a day (24 hours back from the last rate), newest first. */
export function rateDays(points: readonly RatePoint[]): readonly RateDay[] {
  const days: RateDay[] = [];
  for (let end = points.length; end > 0; end -= DAY_HOURS) {
    const part = points.slice(Math.max(end - DAY_HOURS, 0), end);
    const rates = part.map((point) => point.rate);
    days.push({
      ts: part[0]!.ts,
      hours: part.length,
      mean: rates.reduce((sum, rate) => sum + rate, 0) / rates.length,
      low: Math.min(...rates),
      high: Math.max(...rates),
    });
  }
  return days;
}
