import { describe, expect, it } from "vitest";
import type { CarryLabResponse, LabHolding, LabPolicy } from "../messages";
import { bars, causeLines, equityLines, monthMarks, sampled } from "./lines";
import { comparisons, resultRows } from "./results";
import { axisLabel, monthName, utcMinute } from "./when";

const HOUR = 3_600_000;

function policy(name: LabPolicy["policy"], total: number, changes: Partial<LabPolicy> = {}): LabPolicy {
  return {
    policy: name,
    total_usd: total,
    causes: { funding: total + 10, perp_fees: -10 },
    basis_not_counted_usd: 1.5,
    return_apr: 0.024,
    max_drawdown_usd: 12.5,
    hours_in: 90,
    entries: 1,
    decision_count: 1,
    decisions: [],
    spans: [],
    series: { funding: [0, total + 10], perp_fees: [0, -10], borrow: [0, 0], total: [0, total] },
    ...changes,
  };
}

const held = (name: string, total_usd: number, staking_usd = 0): LabHolding => ({
  name,
  total_usd,
  price_usd: 630,
  staking_usd,
  costs_usd: -20,
  series: [0, total_usd],
});

const result = (policies: LabPolicy[], holding: LabHolding[]): CarryLabResponse =>
  ({
    policies,
    holding,
    hours: 100,
    capital_usd: 15_000,
    ranking: [...policies].sort((a, b) => b.total_usd - a.total_usd).map((one) => one.policy),
    ts: [0, HOUR],
  }) as unknown as CarryLabResponse;

const SOL = result(
  [policy("hold", 227), policy("sign-flip", -10_523.4), policy("hysteresis", 379.56)],
  [held("jitoSOL", 1_076.43, 467), held("SOL", 620)],
);

describe("the table", () => {
  const texts = (rows: ReturnType<typeof resultRows>["causes"], label: string): string[] | undefined =>
    rows.find((row) => row.label === label)?.cells.map((cell) => cell.text);

  it("has the policies in their order and then what is just held, each amount with its sign", () => {
    const { causes, sums } = resultRows(SOL);
    expect(causes.map((row) => row.label)).toEqual(["Funding", "Perp fees", "Price", "Buying and selling"]);
    expect(texts(causes, "Funding")).toEqual(["+237.00", "−10,513.40", "+389.56", "–", "–"]);
    expect(texts(causes, "Price")).toEqual(["–", "–", "–", "+630.00", "+630.00"]);
    expect(texts(sums, "Total")).toEqual(["+227.00", "−10,523.40", "+379.56", "+1,076.43", "+620.00"]);
    expect(texts(sums, "Return a year on capital")?.[0]).toBe("+2.40 %");
    expect(texts(sums, "Max drawdown")?.[0]).toBe("−12.50");
    expect(texts(sums, "Hours in position")?.[0]).toBe("90 (90 %)");
  });

  it("has no dash without a reason, and colours only what has a sign", () => {
    const { causes, sums } = resultRows(SOL);
    for (const cell of [...causes, ...sums].flatMap((row) => row.cells)) {
      if (cell.text === "–") expect(cell.why).not.toBe("");
      if (cell.way !== "") expect(cell.text).toMatch(cell.way === "up" ? /^\+/ : /^−/);
    }
  });

  it("shows a cause that one policy has not as no cause there, not as nothing", () => {
    const { causes } = resultRows(result([policy("hold", 1), policy("hysteresis", 1, { causes: { other: 1 } })], []));
    expect(causes.find((row) => row.label === "Other")?.cells[0]).toMatchObject({ text: "–", why: "not a cause here" });
  });
});

describe("in words", () => {
  it("says that hysteresis beat hold, and what just holding would have come to", () => {
    expect(comparisons(SOL)).toEqual([
      "Hysteresis beat hold by 152.56 USD.",
      "Hysteresis lost to just holding jitoSOL by 696.87 USD.",
    ]);
  });

  it("says plainly that hysteresis lost to hold", () => {
    const btc = result([policy("hold", 476.51), policy("hysteresis", 476.31)], [held("BTC", 100)]);
    expect(comparisons(btc)[0]).toBe("Hysteresis lost to hold by 0.20 USD.");
    expect(comparisons(btc)[1]).toContain("Hold beat");
  });

  it("says nothing of what was not run", () => {
    expect(comparisons(result([policy("hysteresis", 1)], []))).toEqual([]);
  });
});

describe("lines", () => {
  it("draws hold first and what is just held dashed", () => {
    expect(equityLines(SOL).map((line) => [line.name, line.style, line.values.at(-1)])).toEqual([
      ["Hold", "solid", 227],
      ["Sign-flip", "solid", -10_523.4],
      ["Hysteresis", "solid", 379.56],
      ["Just jitoSOL", "dashed", 1_076.43],
      ["Just SOL", "dashed", 620],
    ]);
  });

  it("draws the total and each cause that there is, in colours of their own", () => {
    const lines = causeLines(policy("hold", 5));
    expect(lines.map((line) => line.name)).toEqual(["Total", "Funding", "Perp fees"]);
    expect(new Set(lines.map((line) => line.colour)).size).toBe(lines.length);
  });

  it("picks rows evenly, the newest first and among them", () => {
    expect(sampled(5, 60)).toEqual([4, 3, 2, 1, 0]);
    expect(sampled(500, 3)).toEqual([499, 332, 165]);
    expect(sampled(0, 3)).toEqual([]);
  });

  it("begins a span with the hour that its first posting ends, and stays within the whole", () => {
    const spans = [
      { from_ts: 0, to_ts: 0 },
      { from_ts: 3 * HOUR, to_ts: 5 * HOUR },
      { from_ts: 10 * HOUR, to_ts: 11 * HOUR },
    ];
    expect(bars(spans, 0, 10 * HOUR)).toEqual([
      { x: 0, width: 0 },
      { x: 0.2, width: 0.3 },
      { x: 0.9, width: 0.1 },
    ]);
  });

  it("marks the months within, fewer where there are many", () => {
    const [from, to] = [Date.UTC(2025, 3, 14), Date.UTC(2026, 1, 3)];
    expect(monthMarks(from, to, 99).map((mark) => monthName(mark.ts))).toEqual([
      ...["May", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec"],
      ...["Jan 2026", "Feb"],
    ]);
    expect(monthMarks(from, to, 5).length).toBe(5);
    expect(monthMarks(from, from + HOUR)).toEqual([]);
  });

  it("tells hours in UTC, whatever the reader's zone", () => {
    const ts = Date.UTC(2025, 3, 14, 5);
    expect(utcMinute(ts)).toBe("2025-04-14 05:00");
    expect([0, 1, 2, 3].map((weight) => axisLabel(ts, weight))).toEqual(["2025", "Apr", "14 Apr", "05:00"]);
  });
});
