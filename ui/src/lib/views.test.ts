import { describe, expect, it } from "vitest";
import { changedTail, fillMarks, linePoints } from "../chart/series";
import { engineControls } from "./engine_controls";
import { netExposure } from "./exposure";
import { summariseGates } from "./gates";
import { filterLogs } from "./logs";
import type { Candle, Fill, LogEntry, OrderRow, Position, Refusal, VaultBalance } from "./messages";
import { causeTable, dayBars } from "./pnl";
import { makeTape } from "./tape";
import { waterfallBars } from "./waterfall";

describe("engineControls", () => {
  it.each([
    ["stopped", ["start"]],
    ["starting", ["stop"]],
    ["running", ["pause", "stop"]],
    ["paused", ["start", "stop"]],
    ["stopping", []],
    ["faulted", ["stop"]],
  ] as const)("offers for %s: %s", (status, offered) => {
    const controls = engineControls(status, null);
    const usable = (["start", "pause", "stop"] as const).filter((name) => controls[name].why === null);
    expect(usable).toEqual(offered);
  });

  it("offers nothing while blocked, with the reason", () => {
    const controls = engineControls("running", "no connection");
    expect([controls.start.why, controls.pause.why, controls.stop.why]).toEqual(Array(3).fill("no connection"));
  });
});

describe("pnl", () => {
  const days = [
    { day: "2026-01-02", engine: "arb", causes: { tips: -1, price: 4 } },
    { day: "2026-01-01", engine: "lst", causes: { price: 2, other: 1 } },
    { day: "2026-01-02", engine: "lst", causes: { price: -3 } },
  ] as const;

  it("makes a table of causes and engines, known causes first", () => {
    expect(causeTable(days)).toEqual([
      { cause: "price", engines: { arb: 4, lst: -1 }, total: 3 },
      { cause: "tips", engines: { arb: -1 }, total: -1 },
      { cause: "other", engines: { lst: 1 }, total: 1 },
    ]);
  });

  it("makes a bar a day, oldest first", () => {
    expect(dayBars(days, 1)).toEqual([{ day: "2026-01-02", causes: { price: 1, tips: -1 }, up: 1, down: -1 }]);
    expect(dayBars(days, 9).map((bar) => bar.day)).toEqual(["2026-01-01", "2026-01-02"]);
  });
});

it("nets what the vaults hold and the perps by asset", () => {
  const position = (kind: Position["kind"], instrument: string, size: number, value_usd: number | null): Position =>
    ({ kind, instrument, size, value_usd }) as Position;
  const balance = (engine: string, asset: string, parts: [number, number, number], value_usd: number | null): VaultBalance => {
    const [available, reserved, deployed] = parts;
    return { engine, asset, available, reserved, deployed, value_usd };
  };
  const balances = [
    balance("funding", "SOL", [1, 2, 4], 1_050),
    balance("arb", "SOL", [3, 0, 0], 450),
    balance("scalp", "WIF", [5, 0, 0], null),
    balance("lst", "WIF", [0, 0, 0], 0),
  ];
  const positions = [
    position("perp", "SOL-PERP", -4, 600),
    position("spot", "SOL/USDC", 4, 610),
    position("perp", "BTC-PERP", 0.5, 40_000),
  ];
  expect(netExposure(balances, positions)).toEqual([
    { asset: "BTC", held: 0, perps: 0.5, net: 0.5, net_usd: 40_000 },
    { asset: "SOL", held: 10, perps: -4, net: 6, net_usd: 900 },
    { asset: "WIF", held: 5, perps: 0, net: 5, net_usd: null },
  ]);
});

it("sums up gates: times refused, the last refusal, the tightest pass", () => {
  const refused = (ts: number, count: number): Refusal => ({ gate: "edge", ts, count }) as Refusal;
  const passed = (margin: number | null, unit = "count"): OrderRow =>
    ({ gates: [{ gate: "health", value: 1, limit: 2, margin, unit, message: "" }] }) as unknown as OrderRow;
  const rows = summariseGates([passed(3), passed(1), passed(null), passed(0, "")], [refused(5, 2), refused(4, 7)]);
  expect(rows.map((row) => [row.gate, row.refusals, row.last?.ts ?? null, row.passes, row.tightest?.margin ?? null])).toEqual([
    ["edge", 9, 5, 0, null],
    ["health", 0, null, 4, 1],
  ]);
});

it("filters the log by level and by every word", () => {
  const line = (id: string, level: LogEntry["level"], message: string): LogEntry => ({
    id,
    ts: 1,
    level,
    source: "kernel",
    message,
    fields: { pool: "orca" },
  });
  const logs = [line("a", "DEBUG", "stale"), line("b", "ERROR", "Stale quote"), line("c", "ERROR", "fine")];
  expect(filterLogs(logs, "stale ORCA", "INFO").map((one) => one.id)).toEqual(["b"]);
  expect(filterLogs(logs, " ", "DEBUG").length).toBe(3);
});

it("puts orders and refusals on one tape, newest first", () => {
  const order = (id: string, updated_ts: number): OrderRow => ({ id, updated_ts, engine: "arb" }) as OrderRow;
  const refusal = (id: string, ts: number): Refusal => ({ id, ts, engine: "lst" }) as Refusal;
  expect(makeTape([order("o1", 1), order("o2", 5)], [refusal("r1", 3)], 2).map((line) => line.id)).toEqual(["o2", "r1"]);
});

it("hangs the costs of a waterfall on the gross edge and stands the net on zero", () => {
  const bars = waterfallBars([
    { label: "gross", usd: 10 },
    { label: "tip", usd: -12 },
    { label: "net", usd: -2 },
  ]);
  expect(bars.map((bar) => [bar.label, bar.start * 12, bar.width * 12, bar.total])).toEqual([
    ["gross", 2, 10, true],
    ["tip", 0, 12, false],
    ["net", 0, 2, true],
  ]);
});

describe("chart series", () => {
  const candle = (ts: number, close = 1): Candle => ({ ts, open: 1, high: 1, low: 1, close });

  it("gives one point a second, rising, the newest of it", () => {
    const history = [1_000, 1_500, 3_000].map((ts, at) => ({ ts, equity_usd: at, hold_sol_usd: at === 2 ? null : at, hold_jitosol_usd: null }));
    expect(linePoints(history, (point) => point.equity_usd)).toEqual([
      { time: 1, value: 1 },
      { time: 3, value: 2 },
    ]);
    expect(linePoints(history, (point) => point.hold_sol_usd)).toEqual([{ time: 1, value: 1 }]);
  });

  it("finds the candles that changed", () => {
    const before = [1, 2, 3].map((ts) => candle(ts));
    expect(changedTail(before, before.with(2, candle(3, 9)))).toBe(2);
    expect(changedTail(before, [...before, candle(4)])).toBe(3);
    expect(changedTail([], before)).toBeNull();
    expect(changedTail(before, [candle(9)])).toBeNull();
  });

  it("marks fills of the instrument on their minute", () => {
    const fill = (id: string, instrument: string, ts: number): Fill =>
      ({ id, instrument, ts, side: "buy", purpose: "entry" }) as Fill;
    const marks = fillMarks([fill("a", "X", 185_000), fill("b", "Y", 185_000), fill("c", "X", 65_000), fill("d", "X", 5)], "X", 60_000);
    expect(marks.map((mark) => [mark.id, mark.time])).toEqual([
      ["c", 60],
      ["a", 180],
    ]);
  });
});
