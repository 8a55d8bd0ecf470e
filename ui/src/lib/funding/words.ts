import { DASH, measure, number, price, size, usd } from "../format";
import type { GateMargin, PreviewRow, SagaLeg, VenueStatus } from "../messages";
import { sentence } from "../words";
import type { Step } from "./command_state";

/** The words of acts by hand. */

type Act = PreviewRow["of"];

export const STEP_WORDS: Record<Step, string> = {
  draft: "Draft",
  previewed: "Previewed",
  confirmed: "Confirmed",
  accepted: "Accepted",
  leg_1: "Leg 1",
  leg_2: "Leg 2",
  done: "Done",
  failed: "Failed",
  unknown: "Unknown",
};

export const SAGA_KINDS = { open: "Opening", close: "Leaving", hedge: "Rebalancing", unwind: "Unwinding" } as const;

export const LEG_WORDS: Record<SagaLeg["name"], string> = {
  margin: "Margin to the venue",
  short: "Short the perp",
  cover: "Cover the perp",
  spot: "Spot leg",
  withdraw: "Margin back home",
};

/** What a venue's state means for the one who looks. */
export const VENUE_EFFECTS: Record<VenueStatus, string> = {
  live: "Positions may be taken and left.",
  thin: "Little rests in the books: nothing new is opened, positions may be left at a worse price.",
  reduce_only: "Positions can only be made smaller or left; nothing new is opened.",
  paused: "Nothing trades; what is held stays as it is, and funding may stand still.",
  absent: "It answers nobody: nothing can be opened or left there, and its numbers are not known.",
};

/** What would have to change, by gate. */
const CURES: Record<string, string> = {
  state: "Start the engine, or release the kill switch.",
  market: "Wait until the venue is live again.",
  size: "Take more.",
  duplicate: "Wait a moment: the same order was approved just now.",
  rate: "Wait: too many orders in too short a time.",
  staleness: "Wait for fresh data.",
  notional: "Take less.",
  capital: "Take less, or give the engine more capital.",
  sol_reserve: "Leave more SOL for fees: take less.",
  slippage: "Take less, or wait for more depth.",
  oracle_confidence: "Wait until the oracle is sure of its price again.",
  price_band: "Wait until the price is back near the oracle's.",
  edge: "Funding has to rise or costs to fall; a larger size spreads fixed costs.",
  health: "Take less, or deposit margin first.",
  withdrawal: "Withdraw less, or make the position smaller first.",
  daily_loss: "Wait for the next day (UTC).",
  drawdown: "The engine has lost too much from its peak: review it first.",
  concentration: "Take less: one asset would be too large a share.",
};

export function cure(gate: string): string {
  return CURES[gate] ?? "See the gate on the Risk page.";
}

/** A gate's number; shares and healths have their own units. */
export function gateNumber(value: number | null, unit: string): string {
  if (value !== null && unit === "health") return `${number(value, 0)} of 100`;
  return measure(value, unit);
}

/** "$620.00, may be at most $500.00: $120.00 too much"; the gate's own words where it measures nothing. */
export function gateWords({ value, limit, margin, unit, message }: GateMargin): string {
  if (value === null || limit === null || margin === null || unit === "") return message || DASH;
  const atLeast = Math.abs(value - limit - margin) <= Math.abs(limit - value - margin);
  const off = gateNumber(Math.abs(margin), unit).replace(" of 100", " points");
  const bound = `${gateNumber(value, unit)}, must be at ${atLeast ? "least" : "most"} ${gateNumber(limit, unit)}`;
  if (margin < 0) return `${bound}: ${off} too ${atLeast ? "little" : "much"}`;
  return `${bound}: ${off} to spare`;
}

/** The asset of a market: "SOL-PERP" → "SOL". */
export function base(market: string): string {
  return market.split("-")[0] ?? market;
}

function amount(value: number): string {
  return size(Math.abs(value)).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
}

/** What the button that acts says: "Short 4.2 SOL-PERP, buy 4.2 SOL". */
export function actWords(row: PreviewRow): string {
  if (row.of === "DRIFT_DEPOSIT") return `Deposit ${usd(row.size)} of margin`;
  if (row.of === "DRIFT_WITHDRAW") return `Withdraw ${usd(row.size)} of margin`;
  const [perp, spot] = [row.after.perp - row.before.perp, row.after.spot - row.before.spot];
  const parts: string[] = [];
  if (perp !== 0) parts.push(`${perpVerb(row)} ${amount(perp)} ${row.market}`);
  if (spot !== 0) parts.push(`${spot > 0 ? "buy" : "sell"} ${spotWords(row, spot)}`);
  const text = parts.join(", ");
  return text === "" ? `${row.of === "TAKE_POSITION" ? "Take" : "Leave"} ${row.market}` : sentence(text);
}

/** The spot leg in its own units: an LST is not its base. */
function spotWords(row: PreviewRow, spot: number): string {
  if (row.spot_asset === null || row.spot_amount === null) return `${amount(spot)} ${base(row.market)}`;
  return `${amount(row.spot_amount)} ${row.spot_asset}`;
}

function perpVerb({ before, after }: PreviewRow): string {
  if (after.perp < before.perp) return before.perp > 0 ? "sell" : "short";
  return before.perp < 0 ? "cover" : "buy";
}

export const ACT_TITLES: Record<Act, string> = {
  TAKE_POSITION: "Take position",
  LEAVE_POSITION: "Leave position",
  DRIFT_DEPOSIT: "Deposit margin",
  DRIFT_WITHDRAW: "Withdraw margin",
};

export interface Change {
  readonly label: string;
  readonly before: string;
  readonly after: string;
  /** Why a figure is not known. */
  readonly why: string;
}

/** The account before and after, line by line. */
export function changes({ before, after, market }: PreviewRow): readonly Change[] {
  const asset = base(market);
  const line = (label: string, of: (figures: typeof before) => string, why = "no account is open then"): Change => ({
    label,
    before: of(before),
    after: of(after),
    why,
  });
  const times = (value: number | null): string => (value === null ? DASH : `${number(value, 2)}×`);
  return [
    line(`Spot, ${asset}`, (one) => number(one.spot, 4)),
    line(`Perp, ${asset}`, (one) => number(one.perp, 4)),
    line(`Delta, ${asset}`, (one) => number(one.delta, 4)),
    line("Health, of 100", (one) => number(one.health, 0)),
    line("Liquidation price, USD", (one) => price(one.liq_price), "nothing that could be liquidated then"),
    line("Leverage", (one) => times(one.leverage)),
    line("Collateral, USD", (one) => number(one.collateral_usd)),
    line("Free collateral, USD", (one) => number(one.free_collateral_usd)),
  ];
}
