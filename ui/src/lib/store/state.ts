import type {
  ArbOpportunity,
  Candle,
  CommandResult,
  EngineCard,
  EngineId,
  EquityPoint,
  Fill,
  HealthAlert,
  LogEntry,
  MarketData,
  OrderRow,
  PanelSet,
  PnlDay,
  Refusal,
  RunInfo,
  ScalpSignal,
  SystemStats,
  VaultUpdate,
} from "../messages";

/** How many rows of each kind are kept: the same numbers as the server's. */
export const LIMITS = {
  orders: 500,
  fills: 1_000,
  refusals: 200,
  logs: 500,
  alerts: 200,
  signals: 200,
  opportunities: 200,
  pnlDays: 400,
  equity: 2_000,
  candles: 360,
  results: 100,
} as const;

/**
 * Everything the pages show, folded from the server's messages. Lists are oldest first, candles by instrument.
 * `*At` are wall-clock milliseconds of this browser; all other times are market time, as the server tells them.
 */
export interface AppState {
  readonly ready: boolean;
  readonly seq: number;
  readonly ts: number;
  readonly receivedAt: number | null;
  readonly clockAt: number | null;
  readonly run: RunInfo | null;
  readonly market: MarketData | null;
  readonly system: SystemStats | null;
  readonly vault: VaultUpdate | null;
  readonly engines: Readonly<Partial<Record<EngineId, EngineCard>>>;
  readonly panels: PanelSet;
  readonly equity: readonly EquityPoint[];
  readonly pnlDays: readonly PnlDay[];
  readonly candles: Readonly<Record<string, readonly Candle[]>>;
  readonly fills: readonly Fill[];
  readonly orders: readonly OrderRow[];
  readonly refusals: readonly Refusal[];
  readonly signals: readonly ScalpSignal[];
  readonly opportunities: readonly ArbOpportunity[];
  readonly alerts: readonly HealthAlert[];
  readonly logs: readonly LogEntry[];
  readonly results: readonly CommandResult[];
}

/** The state before the first SNAPSHOT. */
export function emptyState(): AppState {
  return {
    ready: false,
    seq: 0,
    ts: 0,
    receivedAt: null,
    clockAt: null,
    run: null,
    market: null,
    system: null,
    vault: null,
    engines: {},
    panels: { funding: null, lst: null, scalp: null, arb: null },
    equity: [],
    pnlDays: [],
    candles: {},
    fills: [],
    orders: [],
    refusals: [],
    signals: [],
    opportunities: [],
    alerts: [],
    logs: [],
    results: [],
  };
}
