import type { EngineCard, EngineId, MarketData, ServerFrame, Snapshot, VaultUpdate } from "../messages";
import { addEquity, mergeCandles, moveToEnd, newest, upsert, upsertOpportunity, upsertOrder } from "./lists";
import { LIMITS, emptyState, type AppState } from "./state";

/**
 * The state after a message. Pure: the same state and frame give the same state. `at` is this browser's wall time in
 * milliseconds. Before the first SNAPSHOT only a SNAPSHOT or a COMMAND_RESULT says anything.
 */
export function reduce(state: AppState, frame: ServerFrame, at: number): AppState {
  if (!state.ready && frame.type !== "SNAPSHOT" && frame.type !== "COMMAND_RESULT") return state;
  return { ...fold(state, frame, at), seq: frame.seq, ts: frame.ts, receivedAt: at };
}

function fold(state: AppState, frame: ServerFrame, at: number): AppState {
  switch (frame.type) {
    case "SNAPSHOT":
      return fromSnapshot(frame.data, state, at);
    case "ENGINE_STATUS":
      return { ...state, engines: { ...state.engines, [frame.data.id]: frame.data } };
    case "MARKET_DATA":
      return withMarket(state, frame.data, at);
    case "FUNDING_UPDATE":
      return { ...state, panels: { ...state.panels, funding: frame.data } };
    case "LST_UPDATE":
      return { ...state, panels: { ...state.panels, lst: frame.data } };
    case "SCALP_UPDATE":
      return { ...state, panels: { ...state.panels, scalp: frame.data } };
    case "ARB_UPDATE":
      return { ...state, panels: { ...state.panels, arb: frame.data } };
    case "SCALP_SIGNAL":
      return { ...state, signals: upsert(state.signals, frame.data, byId, LIMITS.signals) };
    case "ARB_OPPORTUNITY":
      return { ...state, opportunities: upsertOpportunity(state.opportunities, frame.data, LIMITS.opportunities) };
    case "VAULT_UPDATE":
      return withVault(state, frame.data);
    case "ORDER_UPDATE":
      return {
        ...state,
        orders: upsertOrder(state.orders, frame.data.order, LIMITS.orders),
        fills: frame.data.fills.reduce((rows, fill) => upsert(rows, fill, byId, LIMITS.fills), state.fills),
      };
    case "GATE_REFUSAL":
      return { ...state, refusals: moveToEnd(state.refusals, frame.data, byId, LIMITS.refusals) };
    case "HEALTH_ALERT":
      return { ...state, alerts: upsert(state.alerts, frame.data, byId, LIMITS.alerts) };
    case "COMMAND_RESULT":
      return { ...state, results: newest([...state.results, frame.data], LIMITS.results) };
    case "SYSTEM_STATS":
      return { ...state, system: frame.data };
    case "LOG_ENTRY":
      return { ...state, logs: upsert(state.logs, frame.data, byId, LIMITS.logs) };
  }
}

function fromSnapshot(data: Snapshot, before: AppState, at: number): AppState {
  return {
    ...emptyState(),
    ready: true,
    clockAt: at,
    run: data.run,
    market: data.market,
    system: data.system,
    vault: data.vault,
    engines: byEngine(data.engines),
    panels: data.panels,
    equity: newest(data.equity_history, LIMITS.equity),
    pnlDays: newest(data.pnl_days, LIMITS.pnlDays),
    candles: Object.fromEntries(
      Object.entries(data.candles).map(([name, candles]) => [name, newest(candles, LIMITS.candles)]),
    ),
    fills: newest(data.fills, LIMITS.fills),
    orders: newest(data.orders, LIMITS.orders),
    refusals: newest(data.refusals, LIMITS.refusals),
    signals: newest(data.signals, LIMITS.signals),
    opportunities: newest(data.opportunities, LIMITS.opportunities),
    alerts: newest(data.alerts, LIMITS.alerts),
    logs: newest(data.logs, LIMITS.logs),
    results: before.results,
  };
}

function byEngine(cards: readonly EngineCard[]): Partial<Record<EngineId, EngineCard>> {
  return Object.fromEntries(cards.map((card) => [card.id, card]));
}

function withMarket(state: AppState, market: MarketData, at: number): AppState {
  const candles = { ...state.candles };
  for (const [name, told] of Object.entries(market.candles)) {
    candles[name] = mergeCandles(candles[name] ?? [], told, LIMITS.candles);
  }
  return { ...state, market, candles, clockAt: at };
}

function withVault(state: AppState, vault: VaultUpdate): AppState {
  return {
    ...state,
    vault,
    equity: addEquity(state.equity, vault.equity, LIMITS.equity),
    pnlDays: vault.pnl_days.reduce(
      (rows, day) => upsert(rows, day, (one) => `${one.day} ${one.engine}`, LIMITS.pnlDays),
      state.pnlDays,
    ),
  };
}

const byId = (row: { readonly id: string }): string => row.id;
