import { describe, expect, it } from "vitest";
import type { DriftMarket, GateMargin, PreviewFigures, PreviewRow } from "../messages";
import { rateDays, ratePoints, sortMarkets } from "./markets";
import { firstSize, fit, readSize, snap, stepDecimals } from "./size";
import { actWords, changes, gateWords } from "./words";

const market = (symbol: string, rate: number, oi: number | null, history: number[] = []): DriftMarket =>
  ({ symbol, rate, oi, history, rate_ts: 7_200_000 }) as unknown as DriftMarket;

describe("markets", () => {
  const markets = [market("SOL-PERP", 2, null), market("BTC-PERP", 1, 5), market("ETH-PERP", 3, 9)];
  const names = (...given: Parameters<typeof sortMarkets>): string[] => sortMarkets(...given).map((one) => one.symbol[0]!);

  it("sort both ways, what is not known last", () => {
    expect(names(markets, "rate", true)).toEqual(["E", "S", "B"]);
    expect(names(markets, "symbol", false)).toEqual(["B", "E", "S"]);
    expect([names(markets, "oi", true), names(markets, "oi", false)]).toEqual([["E", "B", "S"], ["B", "E", "S"]]);
  });

  it("give each hourly rate its hour, and each day its mean", () => {
    const points = ratePoints(market("X", 0, 0, [1, 2, 3]), 0);
    expect(points.map((point) => point.ts)).toEqual([0, 3_600_000, 7_200_000]);
    const days = rateDays(Array.from({ length: 26 }, (_, ts) => ({ ts, rate: ts })));
    expect(days.map(({ hours, low, high, mean }) => [hours, low, high, mean])).toEqual([[24, 2, 25, 13.5], [2, 0, 1, 0.5]]);
  });
});

describe("sizes", () => {
  it.each(["", "abc", "NaN", "0", "-1", "1e30", "Infinity"])("refuses %j with its value and what was expected", (typed) => {
    expect(readSize(typed, "SOL")).toHaveProperty("problem", expect.stringMatching(/^Size: /));
  });

  it("reads what a person types", () => {
    expect([readSize(" 4.2 ", "SOL"), readSize("1,000", "SOL")]).toEqual([{ size: 4.2 }, { size: 1000 }]);
  });

  it("snaps to steps without noise, within the bounds", () => {
    expect([snap(0.3, 0.1), snap(4.27, 0.1), snap(5, 0)]).toEqual([0.3, 4.2, 5]);
    expect([stepDecimals(0.01), stepDecimals(1), stepDecimals(0.001)]).toEqual([2, 0, 3]);
    const bounds = { min: 0.1, max: 10.05, step: 0.1 };
    expect([fit(50, bounds), fit(0.01, bounds), fit(4.2, bounds)]).toEqual([10, 0.1, 4.2]);
    expect([firstSize(150), firstSize(97_000), firstSize(null)]).toEqual([3, 0.005, 1]);
  });
});

describe("words", () => {
  const gate = (value: number | null, limit: number | null, margin: number | null, unit: string): GateMargin => ({
    gate: "health",
    value,
    limit,
    margin,
    unit,
    message: "no oracle",
  });

  it("say a gate's value, limit and how far off, both ways", () => {
    expect(gateWords(gate(41, 60, -19, "health"))).toBe("41 of 100, must be at least 60 of 100: 19 points too little");
    expect(gateWords(gate(620e6, 500e6, -120e6, "usd_micros"))).toBe("$620.00, must be at most $500.00: $120.00 too much");
    expect(gateWords(gate(20, 50, 30, "bps"))).toBe("20.0 bps, must be at most 50.0 bps: 30.0 bps to spare");
    expect(gateWords(gate(1, 0, -1, ""))).toBe("no oracle");
  });

  const figures = (spot: number, perp: number): PreviewFigures => ({ spot, perp, delta: spot + perp }) as PreviewFigures;
  const row = (of: PreviewRow["of"], before: PreviewFigures, after: PreviewFigures): PreviewRow =>
    ({ of, market: "SOL-PERP", size: 250, before, after, spot_asset: null, spot_amount: null }) as PreviewRow;

  it("say the act", () => {
    const take = row("TAKE_POSITION", figures(0, 0), figures(4.2, -4.2));
    expect(actWords(take)).toBe("Short 4.2 SOL-PERP, buy 4.2 SOL");
    const lst = { ...take, spot_asset: "jitoSOL", spot_amount: 3.2382 };
    expect(actWords(lst)).toBe("Short 4.2 SOL-PERP, buy 3.2382 jitoSOL");
    expect(actWords(row("LEAVE_POSITION", figures(4.2, -4.2), figures(0, 0)))).toBe("Cover 4.2 SOL-PERP, sell 4.2 SOL");
    expect(actWords(row("DRIFT_WITHDRAW", figures(1, -1), figures(1, -1)))).toBe("Withdraw $250.00 of margin");
    expect(changes(take)[1]).toMatchObject({ label: "Perp, SOL", before: "0.0000", after: "−4.2000" });
  });
});
