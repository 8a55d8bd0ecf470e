// Generated from the Python types by `python -m phantom_arbiter.dashboard.schema`. Do not edit.

export const PROTOCOL_VERSION = 1;

export const ENGINE_IDS = ["funding", "lst", "scalp", "arb"] as const;

export type EngineId = (typeof ENGINE_IDS)[number];

/** Mark an alert as seen. */
export interface AckAlert {
  id: string;
  action: "ACK_ALERT";
  alert_id: string;
}

/** The last thing an engine did, in words. */
export interface Act {
  ts: number;
  text: string;
}

/**
 * The last candidate, at its marginal rate: after the pools' fees (net) and before (gross). `route`: its base and
 * the pools in order.
 */
export interface ArbBest {
  route: string;
  net_bps: number;
  gross_bps: number;
  age_s: number;
}

/**
 * What all pools together would pay one trader at once, without costs or limits: no trade is worth more than
 * `bound_usd`, one worth `found_usd` exists. `age_slots`: when it was reckoned.
 */
export interface ArbBound {
  bound_usd: number;
  found_usd: number;
  age_slots: number;
}

/**
 * An opportunity that was not taken. `net_usd` is what it promised then; `lost` says why a number of
 * `would_usd` will never be known.
 */
export interface ArbGrave {
  id: string;
  ts: number;
  base: string;
  route: readonly string[];
  swaps: readonly ArbSwap[];
  size_usd: number;
  net_usd: number;
  reason: string;
  detail: string;
  would_usd: readonly (number | null)[];
  lost: readonly string[];
}

/**
 * A cycle that was proposed. `route` lists the assets in order, first and last the same.
 *
 * `net_usd` is what it pays if it lands, `expected_usd` what it is worth before: the chance to fail counted, as
 * the edge gate does. `verdict`: "refused" carries the gate in `reason`; "sent" the order in `order_id`; later
 * ones are what became of the order, with `reason` where it did not land and `realised_usd`, net of all that was
 * paid.
 */
export interface ArbOpportunity {
  id: string;
  ts: number;
  route: readonly string[];
  swaps: readonly ArbSwap[];
  size_usd: number;
  gross_bps: number;
  net_bps: number;
  net_usd: number;
  expected_usd: number;
  waterfall: readonly WaterfallStep[];
  verdict: "refused" | "sent" | "beaten" | "dropped" | "expired" | "failed" | "landed" | "reverted" | "unknown";
  reason: string;
  order_id: string;
  realised_usd: number | null;
}

/** An opportunity, new or with its verdict. */
export interface ArbOpportunityFrame {
  type: "ARB_OPPORTUNITY";
  seq: number;
  ts: number;
  data: ArbOpportunity;
}

/** Why opportunities were not taken, how many, and what they would have paid together. */
export interface ArbReason {
  reason: string;
  count: number;
  would_usd: readonly (number | null)[];
}

/**
 * A swap of a route. Swaps with the same two assets are one hop through parallel pools; `share` is this one's
 * part (0…1) of the hop's input. `venue` is empty where nobody named the pool's.
 */
export interface ArbSwap {
  pool: string;
  venue: string;
  in_asset: string;
  out_asset: string;
  share: number;
}

/**
 * The arb engine's page: counts since the start.
 *
 * `outcomes` counts what was sent by what became of it; `hoped` is the share (0…1) that should have landed by the
 * bids made, None before any. `ended` transactions were seen to end since the application started; `expected_usd`
 * and `realised_usd` are their sums. `search_us_*`: from a pool's fact to its verdict, of the last ones measured;
 * None while nobody looks. `graves` are at most 100, newest last; `unfollowed` opportunities were one too many to
 * be followed to a grave.
 */
export interface ArbUpdate {
  ts: number;
  pools: number;
  searches: number;
  found: number;
  fee_killed: number;
  sent: number;
  landed: number;
  failed: number;
  unknown: number;
  outcomes: Record<string, number>;
  hoped: number | null;
  ended: number;
  expected_usd: number;
  realised_usd: number;
  search_us_p50: number | null;
  search_us_p99: number | null;
  best: ArbBest | null;
  left_on_table: ArbBound | null;
  venues: readonly ArbVenue[];
  reasons: readonly ArbReason[];
  graves: readonly ArbGrave[];
  unfollowed: number;
  panel: Record<string, unknown>;
}

/** The arb page changed. */
export interface ArbUpdateFrame {
  type: "ARB_UPDATE";
  seq: number;
  ts: number;
  data: ArbUpdate;
}

/**
 * A venue's pools: `exact` ones are decoded from account bytes. Ages are of the youngest and oldest state in use,
 * None where none is. `left_out`: too old or not decodable, `why` names the first reason.
 */
export interface ArbVenue {
  venue: string;
  pools: number;
  exact: number;
  youngest_slots: number | null;
  oldest_slots: number | null;
  left_out: number;
  why: string;
}

/** Allow an engine to trade with real money for a while. */
export interface ArmLive {
  id: string;
  action: "ARM_LIVE";
  engine: EngineId;
  confirmation: string;
}

/** The per-start token; the first message, within 5 s. */
export interface Auth {
  id?: string;
  action: "AUTH";
  token: string;
}

/** A minute of market time, by mid price; `ts` is its start and its key. */
export interface Candle {
  ts: number;
  open: number;
  high: number;
  low: number;
  close: number;
}

/**
 * `GET /api/lab/funding`. Policies hold first; `ranking` best first; `verdict` and `notes` in words.
 *
 * `markets`: what else there are hours of.
 */
export interface CarryLabResponse {
  venue: string;
  market: string;
  spot: "jitosol" | "native" | "sol";
  from_ts: number;
  to_ts: number;
  hours: number;
  notional_usd: number;
  capital_usd: number;
  round_trip_bps: number;
  policies: readonly LabPolicy[];
  ranking: readonly ("hold" | "hysteresis" | "sign-flip")[];
  verdict: readonly string[];
  holding: readonly LabHolding[];
  ts: readonly number[];
  notes: readonly string[];
  markets: readonly string[];
}

/** Ask an engine to leave one of its positions. On the wire `id` is the command's own, hence `position_id`. */
export interface ClosePositionRequest {
  id: string;
  action: "CLOSE_POSITION";
  engine: EngineId;
  position_id: string;
}

/**
 * The one answer to a command. Success means accepted: the gates passed and it is durable. `code` is "ok" or
 * names the error or gate; `message` says it in words. `id` is empty where the request had none to read.
 * `preview` answers PREVIEW.
 */
export interface CommandResult {
  id: string;
  action: string;
  success: boolean;
  code: string;
  message: string;
  tx_signature: string | null;
  preview: PreviewRow | null;
}

/** The answer to this client's command. */
export interface CommandResultFrame {
  type: "COMMAND_RESULT";
  seq: number;
  ts: number;
  data: CommandResult;
}

/** Take that back. */
export interface DisarmLive {
  id: string;
  action: "DISARM_LIVE";
}

/** Move `amount` quote units of the funding engine's free capital to the perp venue. */
export interface DriftDeposit {
  id: string;
  action: "DRIFT_DEPOSIT";
  amount: number;
}

/**
 * A perp market. `rate` is the hourly rate as a fraction, positive: longs pay shorts; `apr` is
 * rate · 24 · 365.25; `direction` is who receives; `oi` and `volume_24h` are USD. None: not known.
 */
export interface DriftMarket {
  symbol: string;
  rate: number;
  apr: number;
  direction: "longs" | "shorts";
  oi: number | null;
  volume_24h: number | null;
  mark_price: number | null;
  oracle_price: number | null;
  next_funding_ts: number | null;
  rate_ts: number | null;
  history: readonly number[];
}

/** Totals over the markets whose numbers are known; `avg_funding` is the plain mean hourly rate. */
export interface DriftStats {
  total_oi: number | null;
  volume_24h: number | null;
  avg_funding: number | null;
}

/** Move `amount` quote units back; refused where health would fall below 80. */
export interface DriftWithdraw {
  id: string;
  action: "DRIFT_WITHDRAW";
  amount: number;
}

/** One engine at a glance. P&L by cause is since the start of the run; `panel` is the engine's own. */
export interface EngineCard {
  id: EngineId;
  title: string;
  status: EngineStatus;
  mode: Mode;
  capital_usd: number;
  pnl_today_usd: number;
  pnl_usd: number;
  trades: number;
  pnl_by_cause: Record<string, number>;
  positions: readonly Position[];
  max_drawdown_usd: number;
  status_reason: string;
  last_act: Act | null;
  last_refusal: Refusal | null;
  entries_allowed: boolean;
  config: Record<string, string | number | boolean | null>;
}

/** Where an engine's life stands. */
export type EngineStatus = "faulted" | "paused" | "running" | "starting" | "stopped" | "stopping";

/** An engine's card changed. */
export interface EngineStatusFrame {
  type: "ENGINE_STATUS";
  seq: number;
  ts: number;
  data: EngineCard;
}

/** `GET /api/engines`. */
export interface EnginesResponse {
  engines: readonly EngineCard[];
}

/** Equity, and what the same start would be worth held as SOL or as jitoSOL; `ts` is the key. */
export interface EquityPoint {
  ts: number;
  equity_usd: number;
  hold_sol_usd: number | null;
  hold_jitosol_usd: number | null;
}

/** A feed; keyed by name. `age_ms` is since its last fact, None before the first. */
export interface FeedRow {
  name: string;
  up: boolean;
  reason: string;
  age_ms: number | null;
}

/**
 * What a leg of ours filled so far, for charts and the trades table.
 *
 * `size` is unsigned, in base units of `instrument`; `price` is the mean in its quote; `slippage_bps` is
 * against the price the decision saw, positive when worse.
 */
export interface Fill {
  id: string;
  ts: number;
  engine: EngineId;
  instrument: string;
  side: "buy" | "sell";
  size: number;
  price: number;
  order_id: string;
  purpose: Purpose;
  position_id: string;
  slippage_bps: number | null;
}

/**
 * A hedged position the engine weighs: `market` short against `spot_leg`. Rates a year as fractions.
 *
 * `funding_apr` is expected to the horizon, `net_apr` on the capital it takes, after staking, borrow and the
 * round trip of `cost_bps`. `collateral`: where the spot leg lies. `traded` False: compared only, for the reason
 * in `why_not`.
 */
export interface FundingCandidate {
  market: string;
  spot_leg: string;
  collateral: "venue" | "wallet";
  rate_apr: number | null;
  funding_apr: number | null;
  staking_apr: number;
  borrow_apr: number;
  cost_bps: number | null;
  net_apr: number | null;
  break_even_days: number | null;
  liq_price: number | null;
  traded: boolean;
  why_not: string;
}

/** One of the three best markets. `side` is what to hold there; net of all costs over `hold_days`. */
export interface FundingCard {
  symbol: string;
  side: "long" | "short";
  rate: number;
  apr: number;
  net_apr: number;
  break_even_days: number | null;
  cost_bps: number;
  hold_days: number;
  available: boolean;
  why_not: string;
}

/** A funding settlement; `amount_usd` positive when received. */
export interface FundingPayment {
  id: string;
  ts: number;
  instrument: string;
  rate: number | null;
  amount_usd: number;
}

/**
 * The funding engine. `health` is 0…100; the account fields are None with no account open; dollars but for
 * `spot_sol`, `perp_sol` (signed) and `net_delta` (their sum, in SOL); `drift_pct` = 100·net_delta/spot.
 * `market` is that of the position held (those three are in its base), `by_hand` whether a person opened it.
 */
export interface FundingUpdate {
  ts: number;
  spot_sol: number;
  perp_sol: number;
  net_delta: number;
  drift_pct: number | null;
  sol_price: number | null;
  health: number | null;
  total_collateral: number | null;
  equity: number | null;
  maintenance_margin: number | null;
  free_collateral: number | null;
  leverage: number | null;
  liq_price: number | null;
  positions: readonly Position[];
  market: string | null;
  by_hand: boolean;
  candidates: readonly FundingCandidate[];
  saga: Saga | null;
  cards: readonly FundingCard[];
  payments: readonly FundingPayment[];
  market_table: MarketsResponse | null;
  panel: Record<string, unknown>;
}

/** The funding page changed. */
export interface FundingUpdateFrame {
  type: "FUNDING_UPDATE";
  seq: number;
  ts: number;
  data: FundingUpdate;
}

/** How a gate measured an intent that passed. */
export interface GateMargin {
  gate: string;
  value: number | null;
  limit: number | null;
  margin: number | null;
  unit: string;
  message: string;
}

/** A gate said no. */
export interface GateRefusalFrame {
  type: "GATE_REFUSAL";
  seq: number;
  ts: number;
  data: Refusal;
}

/**
 * An alert. Of margin health: WARNING below 50, CRITICAL below 20. `health` and `liq_price` are None for
 * alerts of another `source`. `active` False: it has passed. `acknowledged`: somebody has seen it.
 */
export interface HealthAlert {
  id: string;
  ts: number;
  level: "CRITICAL" | "INFO" | "WARNING";
  source: string;
  message: string;
  health: number | null;
  liq_price: number | null;
  active: boolean;
  acknowledged: boolean;
}

/** An alert began, changed or passed. */
export interface HealthAlertFrame {
  type: "HEALTH_ALERT";
  seq: number;
  ts: number;
  data: HealthAlert;
}

/** One thing that must work. `detail` says what is wrong where it does not. */
export interface HealthCheck {
  name: string;
  ok: boolean;
  detail: string;
}

/** `GET /healthz`: HTTP 200 when every check passes, else 503. */
export interface HealthResponse {
  ok: boolean;
  checks: readonly HealthCheck[];
}

/** `GET /api/journal`: newest first; `next_before_seq` asks for the next page, None at the end. */
export interface JournalResponse {
  rows: readonly JournalRow[];
  next_before_seq: number | null;
}

/** An envelope of the journal: `body` is the fact as JSON, its `kind` beside it for filtering. */
export interface JournalRow {
  seq: number;
  ts_ns: number;
  source: string;
  cause: string;
  kind: string;
  body: Record<string, unknown>;
}

/** The kill switch. It latches: it survives a restart until it is reset. */
export interface Kill {
  id: string;
  action: "KILL";
  level: KillLevel;
}

/** `pause`: no new entries; `cancel`: also cancel what is open; `flatten`: also close every position. */
export type KillLevel = "cancel" | "flatten" | "pause";

/** A decision with its numbers. Rates are fractions an hour; `enter` and `leave`: the band, None where none. */
export interface LabDecision {
  ts: number;
  act: string;
  why: string;
  rate: number;
  mean: number;
  enter: number | null;
  leave: number | null;
  cost: number;
}

/** The same notional simply held. */
export interface LabHolding {
  name: string;
  total_usd: number;
  price_usd: number;
  staking_usd: number;
  costs_usd: number;
  series: readonly number[];
}

/** What a policy came to. `series`: running totals by cause, and `total`, at `CarryLabResponse.ts`. */
export interface LabPolicy {
  policy: "hold" | "hysteresis" | "sign-flip";
  total_usd: number;
  causes: Record<string, number>;
  basis_not_counted_usd: number;
  return_apr: number;
  max_drawdown_usd: number;
  hours_in: number;
  entries: number;
  decision_count: number;
  decisions: readonly LabDecision[];
  spans: readonly LabSpan[];
  series: Record<string, readonly number[]>;
}

/** In position from the first to the last hour that was earned. */
export interface LabSpan {
  from_ts: number;
  to_ts: number;
}

/** Leave a hedged funding position that was previewed: both legs, and the margin comes home. */
export interface LeavePosition {
  id: string;
  action: "LEAVE_POSITION";
  market: string;
  preview_hash: string;
}

/** Where a leg stands. The order of life is in `core.orders`. */
export type LegStatus = "accepted" | "expired" | "filled" | "new" | "partial" | "rejected" | "sent" | "unknown";

/** A line of the log, redacted. `fields` are its structured values as text. */
export interface LogEntry {
  id: string;
  ts: number;
  level: "CRITICAL" | "DEBUG" | "ERROR" | "INFO" | "WARNING";
  source: string;
  message: string;
  fields: Record<string, string>;
}

/** A line of the log. */
export interface LogEntryFrame {
  type: "LOG_ENTRY";
  seq: number;
  ts: number;
  data: LogEntry;
}

/** An LST held, and how it is to be left. `plan` names the rung of the exit ladder. */
export interface LstPosition {
  id: string;
  token: string;
  size: number;
  entry_sol: number;
  now_sol: number | null;
  pnl_usd: number | null;
  opened_ts: number;
  plan: string;
  target_discount_bps: number | null;
}

/**
 * An LST: SOL per token in the market, and at redemption after its fee. `discount_bps` positive: the market
 * is below fair. `band_bps` is the discount at which the engine enters.
 */
export interface LstToken {
  token: string;
  price_sol: number | null;
  fair_sol: number | null;
  discount_bps: number | null;
  band_bps: number | null;
  epoch: number | null;
  epoch_end_ts: number | null;
  instant_fee_bps: number | null;
  reserve_sol: number | null;
  paused: boolean;
  why_not: string;
}

/** The LST engine's page. */
export interface LstUpdate {
  ts: number;
  tokens: readonly LstToken[];
  positions: readonly LstPosition[];
  panel: Record<string, unknown>;
}

/** The LST page changed. */
export interface LstUpdateFrame {
  type: "LST_UPDATE";
  seq: number;
  ts: number;
  data: LstUpdate;
}

/** What time it is in the market, where that time comes from, and how fast it runs (1: real time). */
export interface MarketClock {
  now_ms: number;
  source: "built-in" | "live" | "recorded";
  speed: number;
  scenario: string;
}

/**
 * All last prices at once. `prices` maps an instrument to its mid in quote units; `candles` to its last two
 * minutes, for the instruments that are charted. `cold` lists instruments whose price is too old to act on.
 */
export interface MarketData {
  clock: MarketClock;
  sol_price: number | null;
  btc_price: number | null;
  eth_price: number | null;
  prices: Record<string, number>;
  candles: Record<string, readonly Candle[]>;
  cold: readonly string[];
}

/** Prices moved; at most four a second. */
export interface MarketDataFrame {
  type: "MARKET_DATA";
  seq: number;
  ts: number;
  data: MarketData;
}

/**
 * The answer of `GET /api/drift/markets`. `as_of` is when it was read, `age_ms` how long ago that was.
 *
 * `stale` with `stale_reason`: the last good answer, since a newer one could not be had.
 */
export interface MarketsResponse {
  venue: VenueInfo;
  markets: readonly DriftMarket[];
  stats: DriftStats;
  as_of: number;
  age_ms: number;
  stale: boolean;
  stale_reason: string;
}

/** Where orders go. Backtest and replay run as paper. */
export type Mode = "live" | "paper";

/** What was asked for does not exist: HTTP 404. */
export interface NotFound {
  code: string;
  message: string;
}

/** A fee in whole units of `asset`. */
export interface OrderFee {
  kind: string;
  asset: string;
  amount: number;
}

/**
 * One leg. `size` is the planned input (swap, transfer) or base amount (perp); `in_amount` and `out_amount`
 * are what happened so far: spent and received, or for a perp base filled and its quote value.
 */
export interface OrderLeg {
  index: number;
  kind: "perp" | "swap" | "transfer";
  status: LegStatus;
  instrument: string;
  venue: string;
  side: string;
  in_asset: string;
  out_asset: string;
  size: number;
  in_amount: number;
  out_amount: number;
  expected_price: number | null;
  price: number | null;
  fees: readonly OrderFee[];
  reason: string;
}

/**
 * An approved intent and what became of it, leg by leg. `cause` is the id of the command that asked, or empty.
 *
 * `cost_usd` maps a part of the expected cost (pool_fee, perp_fee, base_fee, priority, tip, rent, slippage,
 * borrow) to dollars; `net_edge_bps` is the expected edge after all of them.
 */
export interface OrderRow {
  id: string;
  engine: EngineId;
  pod: string;
  purpose: Purpose;
  policy: Policy;
  status: OrderStatus;
  reason: string;
  position_id: string;
  cause: string;
  created_ts: number;
  updated_ts: number;
  notional_usd: number;
  edge_bps: number;
  net_edge_bps: number | null;
  cost_usd: Record<string, number>;
  signature: string;
  legs: readonly OrderLeg[];
  fees: readonly OrderFee[];
  gates: readonly GateMargin[];
}

/** What an order amounts to. */
export type OrderStatus = "done" | "failed" | "open" | "partial" | "unknown";

/** An order as it now stands, and all its fills so far: one per leg, growing under the same id. */
export interface OrderUpdate {
  order: OrderRow;
  fills: readonly Fill[];
}

/** An order was made or moved. */
export interface OrderUpdateFrame {
  type: "ORDER_UPDATE";
  seq: number;
  ts: number;
  data: OrderUpdate;
}

/** The last state of each engine's page; None until the engine first spoke. */
export interface PanelSet {
  funding: FundingUpdate | null;
  lst: LstUpdate | null;
  scalp: ScalpUpdate | null;
  arb: ArbUpdate | null;
}

/** No new entries; exits go on. */
export interface PauseEngine {
  id: string;
  action: "PAUSE_ENGINE";
  engine: EngineId;
}

/** One engine's P&L of one day (`YYYY-MM-DD`, UTC) by cause, in USD. Keyed by day and engine. */
export interface PnlDay {
  day: string;
  engine: EngineId;
  causes: Record<string, number>;
}

/** ATOMIC: all legs in one transaction, all or none. SEQUENTIAL: each leg waits for the one before it. */
export type Policy = "atomic" | "sequential";

/** Something held. `size` is signed in base units, long positive; `value_usd` is unsigned. */
export interface Position {
  id: string;
  engine: EngineId;
  kind: "collateral" | "perp" | "spot";
  instrument: string;
  venue: string;
  size: number;
  entry_price: number | null;
  mark_price: number | null;
  value_usd: number | null;
  pnl_usd: number | null;
  funding_usd: number | null;
  liq_price: number | null;
  opened_ts: number | null;
}

/** `GET /api/positions`. */
export interface PositionsResponse {
  positions: readonly Position[];
}

/**
 * What an act by hand would do: before and after, costs, and the gate that would refuse it. Changes nothing.
 *
 * `size` is in base units for TAKE_POSITION, in quote units for DRIFT_DEPOSIT and DRIFT_WITHDRAW; LEAVE_POSITION
 * takes none.
 */
export interface Preview {
  id: string;
  action: "PREVIEW";
  of: "DRIFT_DEPOSIT" | "DRIFT_WITHDRAW" | "LEAVE_POSITION" | "TAKE_POSITION";
  market: string;
  size?: number | null;
}

/** The funding account before or after an act. Base units signed, dollars, liquidation price in dollars. */
export interface PreviewFigures {
  spot: number;
  perp: number;
  delta: number;
  collateral_usd: number;
  free_collateral_usd: number | null;
  health: number | null;
  liq_price: number | null;
  leverage: number | null;
}

/**
 * What an act by hand would do. Sizes in base units (a transfer: quote units); rates and APR as fractions.
 *
 * `spot_asset` and `spot_amount`: what the spot leg buys or sells, None without one.
 * `gates` are all measured, in their order; `refused` is the first that says no. The act must name `hash` before
 * `expires_ts` (market time).
 */
export interface PreviewRow {
  of: "DRIFT_DEPOSIT" | "DRIFT_WITHDRAW" | "LEAVE_POSITION" | "TAKE_POSITION";
  market: string;
  size: number;
  min_size: number;
  max_size: number;
  step: number;
  spot_asset: string | null;
  spot_amount: number | null;
  before: PreviewFigures;
  after: PreviewFigures;
  words: string;
  hash: string;
  expires_ts: number;
  cost_usd: Record<string, number>;
  total_cost_usd: number;
  break_even_days: number | null;
  net_apr: number | null;
  gates: readonly GateMargin[];
  refused: GateMargin | null;
}

/** Entries must earn their costs; the rest reduce risk and pass halts that stop entries. */
export type Purpose = "entry" | "exit" | "rebalance";

/**
 * A gate said no. `margin` is negative: how far past the limit, in `unit`. `reason` is the intent's.
 *
 * The same refusal again raises `count` and moves `ts`; `first_ts` stays.
 */
export interface Refusal {
  id: string;
  ts: number;
  first_ts: number;
  engine: EngineId;
  pod: string;
  gate: string;
  value: number | null;
  limit: number | null;
  margin: number | null;
  unit: string;
  message: string;
  reason: string;
  purpose: Purpose;
  notional_usd: number;
  count: number;
  cause: string;
}

/** Release the kill latch. Engines stay as they are. */
export interface ResetKill {
  id: string;
  action: "RESET_KILL";
}

/** Paper only: start over with these balances, in whole units of each asset as decimal strings. */
export interface ResetPaper {
  id: string;
  action: "RESET_PAPER";
  balances: Record<string, string>;
}

/** What runs. `mode` is live as soon as one engine is. */
export interface RunInfo {
  version: string;
  run_id: string;
  mode: Mode;
  started_ts: number;
  protocol: number;
}

/**
 * A hedge under way or the last one. `cause`: the command's id, empty where the engine acted by itself.
 *
 * `naked_usd_s` is the dollar-seconds of unhedged exposure it has had so far, `naked_cap_usd_s` what it may have.
 */
export interface Saga {
  id: string;
  kind: "close" | "hedge" | "open" | "unwind";
  cause: string;
  stage: "accepted" | "done" | "failed" | "leg_1" | "leg_2" | "unknown";
  legs: readonly SagaLeg[];
  started_ts: number;
  deadline_ts: number;
  naked_usd_s: number;
  naked_cap_usd_s: number;
  message: string;
}

/** A leg of a hedge under way. `detail` in words: "9.5 of 10 SOL filled at 125.31". */
export interface SagaLeg {
  name: "cover" | "margin" | "short" | "spot" | "withdraw";
  status: "failed" | "filled" | "partial" | "sent" | "unknown" | "waiting";
  detail: string;
}

/**
 * A pod of the scalp grid: one strategy. `p_win` is the measured share of its trials that ended in a gain,
 * `p_star` the share of target hits it needs to break even after costs, None where these differ by token.
 */
export interface ScalpPod {
  id: string;
  token: string;
  instrument: string;
  status: "blocked" | "cooling" | "in_position" | "off" | "signal" | "watching";
  trades: number;
  wins: number;
  pnl_usd: number;
  p_win: number | null;
  p_star: number | null;
  price: number | null;
  why_not: string;
}

/** A scalp under way, with the prices and the instant at which it ends. */
export interface ScalpPosition {
  id: string;
  pod: string;
  token: string;
  instrument: string;
  size: number;
  entry_price: number;
  price: number | null;
  target_price: number;
  stop_price: number;
  timeout_ts: number;
  opened_ts: number;
  pnl_usd: number | null;
}

/** A signal: what it expects after costs against what it needs; `verdict` says what became of it. */
export interface ScalpSignal {
  id: string;
  ts: number;
  pod: string;
  token: string;
  instrument: string;
  price: number;
  strength: number;
  expectancy_bps: number;
  p_win: number | null;
  p_star: number | null;
  verdict: string;
}

/** A signal, new or with its verdict. */
export interface ScalpSignalFrame {
  type: "SCALP_SIGNAL";
  seq: number;
  ts: number;
  data: ScalpSignal;
}

/** The scalp engine's page. */
export interface ScalpUpdate {
  ts: number;
  pods: readonly ScalpPod[];
  positions: readonly ScalpPosition[];
  panel: Record<string, unknown>;
}

/** The scalp page changed. */
export interface ScalpUpdateFrame {
  type: "SCALP_UPDATE";
  seq: number;
  ts: number;
  data: ScalpUpdate;
}

/** Everything a fresh client needs. Lists are oldest first. */
export interface Snapshot {
  run: RunInfo;
  market: MarketData;
  system: SystemStats;
  vault: VaultUpdate | null;
  engines: readonly EngineCard[];
  panels: PanelSet;
  equity_history: readonly EquityPoint[];
  pnl_days: readonly PnlDay[];
  candles: Record<string, readonly Candle[]>;
  fills: readonly Fill[];
  orders: readonly OrderRow[];
  refusals: readonly Refusal[];
  signals: readonly ScalpSignal[];
  opportunities: readonly ArbOpportunity[];
  alerts: readonly HealthAlert[];
  logs: readonly LogEntry[];
}

/** The first message after AUTH, and again where updates were left out (to a client that fell behind). */
export interface SnapshotFrame {
  type: "SNAPSHOT";
  seq: number;
  ts: number;
  data: Snapshot;
}

/** Start an engine; starting one that runs is refused. */
export interface StartEngine {
  id: string;
  action: "START_ENGINE";
  engine: EngineId;
  mode?: Mode;
}

/** Stop an engine; it keeps what it holds and makes no further order. */
export interface StopEngine {
  id: string;
  action: "STOP_ENGINE";
  engine: EngineId;
}

/** The machine: wall time, feeds and venues, and what the kernel does. Latencies in microseconds. */
export interface SystemStats {
  wall_ms: number;
  uptime_s: number;
  events: number;
  events_per_s: number;
  step_us_p50: number | null;
  step_us_p99: number | null;
  journal_seq: number;
  journal_bytes: number | null;
  memory_bytes: number | null;
  clients: number;
  feeds: readonly FeedRow[];
  venues: readonly VenueRow[];
  kill: KillLevel | null;
}

/** The machine, about once a second. */
export interface SystemStatsFrame {
  type: "SYSTEM_STATS";
  seq: number;
  ts: number;
  data: SystemStats;
}

/** Open (or add to) a hedged funding position that was previewed; `size` in base units. */
export interface TakePosition {
  id: string;
  action: "TAKE_POSITION";
  market: string;
  size: number;
  preview_hash: string;
}

/** `GET /api/trades`: our fills, newest first. */
export interface TradesResponse {
  trades: readonly Fill[];
}

/** No answer can be had: HTTP 503. `code` is one word for programs, `reason` a sentence for people. */
export interface Unavailable {
  code: string;
  reason: string;
  retry_after_s: number;
}

/** Change settings of one engine; unknown keys are refused and nothing is half-applied. */
export interface UpdateConfig {
  id: string;
  action: "UPDATE_CONFIG";
  engine: EngineId;
  config: Record<string, unknown>;
}

/** One engine's holding of one asset in whole units; `engine` is "unallocated" for what no engine owns. */
export interface VaultBalance {
  engine: string;
  asset: string;
  available: number;
  reserved: number;
  deployed: number;
  value_usd: number | null;
}

/** The money: every balance, the newest equity point, and today's P&L by engine and cause. */
export interface VaultUpdate {
  balances: readonly VaultBalance[];
  equity: EquityPoint;
  pnl_today_usd: number;
  pnl_usd: number;
  pnl_days: readonly PnlDay[];
}

/** The money changed. */
export interface VaultUpdateFrame {
  type: "VAULT_UPDATE";
  seq: number;
  ts: number;
  data: VaultUpdate;
}

/** `GET /api/vaults`: balances, the newest equity point, and P&L by day, engine and cause. */
export interface VaultsResponse {
  balances: readonly VaultBalance[];
  equity: EquityPoint | null;
  pnl_days: readonly PnlDay[];
}

/** The perp venue a market table comes from. */
export interface VenueInfo {
  name: string;
  program: string;
  quote: string;
  status: VenueStatus;
  reason: string;
}

/** A venue; keyed by name. `program` and `quote` are empty where they don't apply. */
export interface VenueRow {
  name: string;
  status: VenueStatus;
  reason: string;
  program: string;
  quote: string;
}

/** What a venue lets us do. */
export type VenueStatus = "absent" | "live" | "paused" | "reduce_only" | "thin";

/** A bar of the cost waterfall: gross edge first (positive), costs after it (negative), net last. */
export interface WaterfallStep {
  label: string;
  usd: number;
}

export type ServerFrame =
  | SnapshotFrame
  | EngineStatusFrame
  | MarketDataFrame
  | FundingUpdateFrame
  | LstUpdateFrame
  | ScalpSignalFrame
  | ScalpUpdateFrame
  | ArbOpportunityFrame
  | ArbUpdateFrame
  | VaultUpdateFrame
  | OrderUpdateFrame
  | GateRefusalFrame
  | HealthAlertFrame
  | CommandResultFrame
  | SystemStatsFrame
  | LogEntryFrame;

export type ClientMessage =
  | Auth
  | StartEngine
  | StopEngine
  | PauseEngine
  | ClosePositionRequest
  | ResetPaper
  | UpdateConfig
  | Kill
  | ResetKill
  | Preview
  | TakePosition
  | LeavePosition
  | DriftDeposit
  | DriftWithdraw
  | AckAlert
  | ArmLive
  | DisarmLive;
