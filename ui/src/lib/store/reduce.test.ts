import { describe, expect, it } from "vitest";
import type {
  ArbOpportunity,
  EngineCard,
  Fill,
  HealthAlert,
  MarketData,
  OrderRow,
  Refusal,
  ScalpSignal,
  ServerFrame,
  Snapshot,
  SystemStats,
  VaultUpdate,
} from "../messages";
import { FRAME_TYPES } from "./parse";
import { reduce } from "./reduce";
import { LIMITS, emptyState, type AppState } from "./state";

const TS = 1_790_000_000_000;
const AT = 5_000;

const market: MarketData = {
  clock: { now_ms: TS, source: "built-in", speed: 1, scenario: "calm" },
  sol_price: 150,
  btc_price: null,
  eth_price: null,
  prices: { "SOL/USDC": 150 },
  candles: {},
  cold: [],
};
const system: SystemStats = {
  wall_ms: TS,
  uptime_s: 1,
  events: 0,
  events_per_s: 0,
  step_us_p50: null,
  step_us_p99: null,
  journal_seq: 0,
  journal_bytes: null,
  memory_bytes: null,
  clients: 1,
  feeds: [],
  venues: [],
  kill: null,
};
const snapshot: Snapshot = {
  run: { version: "0.1.0", run_id: "r1", mode: "paper", started_ts: TS, protocol: 1 },
  market,
  system,
  vault: null,
  engines: [],
  panels: { funding: null, lst: null, scalp: null, arb: null },
  equity_history: [],
  pnl_days: [],
  candles: { "SOL/USDC": [{ ts: TS, open: 1, high: 1, low: 1, close: 1 }] },
  fills: [],
  orders: [],
  refusals: [],
  signals: [],
  opportunities: [],
  alerts: [],
  logs: [],
};
const card: EngineCard = {
  id: "lst",
  title: "LST",
  status: "running",
  mode: "paper",
  capital_usd: 1,
  pnl_today_usd: 0,
  pnl_usd: 0,
  trades: 0,
  pnl_by_cause: {},
  positions: [],
  max_drawdown_usd: 0,
  status_reason: "",
  last_act: null,
  last_refusal: null,
  entries_allowed: true,
  config: {},
};
const order = (id: string, status: OrderRow["status"] = "done"): OrderRow => ({
  id,
  engine: "lst",
  pod: "",
  purpose: "entry",
  policy: "atomic",
  status,
  reason: "",
  position_id: "",
  cause: "",
  created_ts: TS,
  updated_ts: TS,
  notional_usd: 1,
  edge_bps: 1,
  net_edge_bps: null,
  cost_usd: {},
  signature: "",
  legs: [],
  fees: [],
  gates: [],
});
const fill = (id: string, size: number): Fill => ({
  id,
  ts: TS,
  engine: "lst",
  instrument: "SOL/USDC",
  side: "buy",
  size,
  price: 1,
  order_id: "o1",
  purpose: "entry",
  position_id: "",
  slippage_bps: null,
});
const refusal = (id: string, count: number): Refusal => ({
  id,
  ts: TS,
  first_ts: TS,
  engine: "arb",
  pod: "",
  gate: "edge",
  value: 1,
  limit: 2,
  margin: -1,
  unit: "bps",
  message: "",
  reason: "",
  purpose: "entry",
  notional_usd: 1,
  count,
  cause: "",
});
const alert: HealthAlert = {
  id: "a",
  ts: TS,
  level: "WARNING",
  source: "venue",
  message: "",
  health: 45,
  liq_price: null,
  active: true,
  acknowledged: false,
};
const signal: ScalpSignal = {
  id: "s",
  ts: TS,
  pod: "p",
  token: "WIF",
  instrument: "WIF/USDC",
  price: 1,
  strength: 1,
  expectancy_bps: 1,
  p_win: null,
  p_star: null,
  verdict: "",
};
const opportunity: ArbOpportunity = {
  id: "c",
  ts: TS,
  route: ["SOL", "USDC", "SOL"],
  swaps: [],
  size_usd: 1,
  gross_bps: 1,
  net_bps: 1,
  net_usd: 1,
  expected_usd: 1,
  waterfall: [],
  verdict: "refused",
  reason: "",
  order_id: "",
  realised_usd: null,
};
const vault: VaultUpdate = {
  balances: [],
  equity: { ts: TS, equity_usd: 100, hold_sol_usd: null, hold_jitosol_usd: null },
  pnl_today_usd: 1,
  pnl_usd: 2,
  pnl_days: [{ day: "2026-01-01", engine: "lst", causes: { price: 1 } }],
};

type DataOf<T extends ServerFrame["type"]> = Extract<ServerFrame, { type: T }>["data"];

function frame<T extends ServerFrame["type"]>(type: T, data: DataOf<T>, seq = 1): ServerFrame {
  return { type, seq, ts: TS, data } as unknown as ServerFrame;
}

const ready = reduce(emptyState(), frame("SNAPSHOT", snapshot), AT);
const after = (frames: readonly ServerFrame[], from: AppState = ready): AppState =>
  frames.reduce((state, one) => reduce(state, one, AT), from);

/** One message of each type, and what it must change. */
const EACH: { [T in ServerFrame["type"]]: { data: DataOf<T>; shows: (state: AppState) => unknown; value: unknown } } = {
  SNAPSHOT: { data: snapshot, shows: (state) => state.run?.run_id, value: "r1" },
  ENGINE_STATUS: { data: card, shows: (state) => state.engines.lst?.status, value: "running" },
  MARKET_DATA: { data: { ...market, sol_price: 151 }, shows: (state) => state.market?.sol_price, value: 151 },
  FUNDING_UPDATE: {
    data: { ts: 7, positions: [], cards: [], payments: [] } as unknown as DataOf<"FUNDING_UPDATE">,
    shows: (state) => state.panels.funding?.ts,
    value: 7,
  },
  LST_UPDATE: { data: { ts: 7, tokens: [], positions: [], panel: {} }, shows: (state) => state.panels.lst?.ts, value: 7 },
  SCALP_UPDATE: { data: { ts: 7, pods: [], positions: [], panel: {} }, shows: (state) => state.panels.scalp?.ts, value: 7 },
  ARB_UPDATE: {
    data: { ts: 7, pools: 3 } as unknown as DataOf<"ARB_UPDATE">,
    shows: (state) => state.panels.arb?.pools,
    value: 3,
  },
  SCALP_SIGNAL: { data: signal, shows: (state) => state.signals.map((one) => one.id), value: ["s"] },
  ARB_OPPORTUNITY: { data: opportunity, shows: (state) => state.opportunities.map((one) => one.id), value: ["c"] },
  VAULT_UPDATE: { data: vault, shows: (state) => [state.vault, state.equity, state.pnlDays], value: [vault, [vault.equity], vault.pnl_days] },
  ORDER_UPDATE: {
    data: { order: order("o1"), fills: [fill("o1/0", 2)] },
    shows: (state) => [state.orders.length, state.fills[0]?.size],
    value: [1, 2],
  },
  GATE_REFUSAL: { data: refusal("r", 1), shows: (state) => state.refusals[0]?.gate, value: "edge" },
  HEALTH_ALERT: { data: alert, shows: (state) => state.alerts[0]?.health, value: 45 },
  COMMAND_RESULT: {
    data: { id: "1", action: "KILL", success: true, code: "ok", message: "", tx_signature: null, preview: null },
    shows: (state) => state.results[0]?.action,
    value: "KILL",
  },
  SYSTEM_STATS: { data: { ...system, kill: "pause" }, shows: (state) => state.system?.kill, value: "pause" },
  LOG_ENTRY: {
    data: { id: "l", ts: TS, level: "INFO", source: "kernel", message: "m", fields: {} },
    shows: (state) => state.logs[0]?.message,
    value: "m",
  },
};

describe("reduce", () => {
  it.each(FRAME_TYPES)("folds %s into the state", (type) => {
    const { data, shows, value } = EACH[type] as { data: never; shows: (state: AppState) => unknown; value: unknown };
    const state = reduce(ready, frame(type, data, 9), 6_000);
    expect(shows(state)).toEqual(value);
    expect([state.seq, state.receivedAt]).toEqual([9, 6_000]);
  });

  it("changes nothing of the state before", () => {
    const before = structuredClone(ready);
    for (const type of FRAME_TYPES) reduce(ready, frame(type, EACH[type].data as never), AT);
    expect(ready).toEqual(before);
  });

  it("waits for the snapshot: updates before it are left out", () => {
    expect(reduce(emptyState(), frame("ENGINE_STATUS", card), AT)).toEqual(emptyState());
  });

  it("starts anew with a snapshot: nothing of the run before stays", () => {
    const dirty = after([frame("GATE_REFUSAL", refusal("r", 1)), frame("ENGINE_STATUS", card)]);
    const fresh = reduce(dirty, frame("SNAPSHOT", snapshot), AT);
    expect([fresh.refusals, fresh.engines]).toEqual([[], {}]);
  });

  it("takes a row told twice once", () => {
    const state = after([frame("HEALTH_ALERT", alert), frame("HEALTH_ALERT", { ...alert, active: false })]);
    expect(state.alerts.map((one) => one.active)).toEqual([false]);
  });

  it("lets a fill grow under its id", () => {
    const state = after([
      frame("ORDER_UPDATE", { order: order("o1", "open"), fills: [fill("o1/0", 1)] }),
      frame("ORDER_UPDATE", { order: order("o1"), fills: [fill("o1/0", 3), fill("o1/1", 2)] }),
    ]);
    expect(state.fills.map((one) => one.size)).toEqual([3, 2]);
    expect(state.orders.map((one) => one.status)).toEqual(["done"]);
  });

  it("moves a repeated refusal to the end", () => {
    const state = after([refusal("a", 1), refusal("b", 1), refusal("a", 2)].map((one) => frame("GATE_REFUSAL", one)));
    expect(state.refusals.map((one) => [one.id, one.count])).toEqual([
      ["b", 1],
      ["a", 2],
    ]);
  });

  it("keeps an open order when the list is full, and drops the oldest that is over", () => {
    const many = Array.from({ length: LIMITS.orders + 1 }, (_, at) => order(`o${at}`, at === 0 ? "unknown" : "done"));
    const state = after(many.map((one) => frame("ORDER_UPDATE", { order: one, fills: [] })));
    expect(state.orders.length).toBe(LIMITS.orders);
    expect(state.orders.slice(0, 2).map((one) => one.id)).toEqual(["o0", "o2"]);
  });

  it("keeps a few sent opportunities longer than many refused ones", () => {
    const many = Array.from({ length: 3 * LIMITS.opportunities }, (_, at): ArbOpportunity => {
      return { ...opportunity, id: `a${at}`, verdict: at % 100 === 0 ? "landed" : "refused" };
    });
    const state = after(many.map((one) => frame("ARB_OPPORTUNITY", one)));
    expect(state.opportunities.length).toBe(LIMITS.opportunities);
    const landed = state.opportunities.filter((one) => one.verdict === "landed").map((one) => one.id);
    expect(landed).toEqual(["a0", "a100", "a200", "a300", "a400", "a500"]);
    expect(state.opportunities.at(-1)?.id).toBe(many.at(-1)?.id);
  });

  it("bounds every list", () => {
    const frames = Array.from({ length: 2_500 }, (_, at) => [
      frame("LOG_ENTRY", { id: `${at}`, ts: at, level: "INFO", source: "", message: "", fields: {} }),
      frame("HEALTH_ALERT", { ...alert, id: `${at}` }),
      frame("SCALP_SIGNAL", { ...signal, id: `${at}` }),
      frame("ARB_OPPORTUNITY", { ...opportunity, id: `${at}` }),
      frame("GATE_REFUSAL", refusal(`${at}`, 1)),
      frame("VAULT_UPDATE", { ...vault, equity: { ...vault.equity, ts: TS + at }, pnl_days: [] }),
      frame("COMMAND_RESULT", { ...EACH.COMMAND_RESULT.data, id: `${at}` }),
    ]).flat();
    const state = after(frames);
    expect([state.logs, state.alerts, state.signals, state.opportunities, state.refusals, state.results].map((rows) => rows.length)).toEqual([
      LIMITS.logs,
      LIMITS.alerts,
      LIMITS.signals,
      LIMITS.opportunities,
      LIMITS.refusals,
      LIMITS.results,
    ]);
    expect(state.equity.length).toBeLessThanOrEqual(LIMITS.equity);
    expect(state.equity.at(-1)?.ts).toBe(TS + 2_499);
  });

  it("merges the last candles: the running one is replaced, a new minute follows", () => {
    const next = { ts: TS + 60_000, open: 2, high: 2, low: 2, close: 2 };
    const changed = { ts: TS, open: 1, high: 3, low: 1, close: 3 };
    const state = after([frame("MARKET_DATA", { ...market, candles: { "SOL/USDC": [changed, next] } })]);
    expect(state.candles["SOL/USDC"]).toEqual([changed, next]);
  });
});
