import { DASH, number, signed, signedPercent } from "../format";
import type { CarryLabResponse, LabHolding, LabPolicy } from "../messages";
import { sentence } from "../words";

export const POLICY_WORDS: Record<LabPolicy["policy"], string> = {
  hold: "Hold",
  "sign-flip": "Sign-flip",
  hysteresis: "Hysteresis",
};

/** A cell: a signed amount that is coloured, or a plain text; null with the reason why there is none. */
export interface Cell {
  readonly text: string;
  readonly way: "up" | "down" | "";
  readonly why: string;
}

export interface ResultRow {
  readonly label: string;
  readonly hint: string;
  readonly cells: readonly Cell[];
}

const HINTS: Record<string, string> = {
  funding: "Received from longs (+) or paid to them (−), settled hourly",
  staking: "Yield of the spot leg, valued when it accrues",
  borrow: "Interest on what the short lost beyond its margin",
  perp_fees: "Taker fees of the perp",
  swap_fees: "Fees of the spot swaps; leaving jitoSOL costs more",
  slippage: "Assumed, on both legs of each fill",
  basis: "A premium of the perp against us at a fill",
};

const HEDGED = "the short and the spot leg cancel each other's price";
const NO_PERP = "nothing but spot is held";
const IN_FEES = "fees and slippage stand above, each on its own";

/** One row a cause, with a cell for each policy (hold first) and then each asset just held; and what it came to. */
export function resultRows(result: CarryLabResponse): { causes: readonly ResultRow[]; sums: readonly ResultRow[] } {
  const { policies, holding } = result;
  const row = (
    label: string,
    hint: string,
    ofPolicy: (policy: LabPolicy) => Cell,
    ofHolding: (held: LabHolding) => Cell,
  ): ResultRow => ({ label, hint, cells: [...policies.map(ofPolicy), ...holding.map(ofHolding)] });
  const causes = causesOf(result).map((cause) =>
    row(
      sentence(cause),
      HINTS[cause] ?? "",
      (policy) => amount(policy.causes[cause] ?? null, "not a cause here"),
      (held) => (cause === "staking" ? amount(held.staking_usd, "") : none(NO_PERP)),
    ),
  );
  return {
    causes: [
      ...causes,
      row("Price", "Of what is held without a hedge", () => none(HEDGED), (held) => amount(held.price_usd, "")),
      row("Buying and selling", "Fees and slippage of just holding", () => none(IN_FEES), (held) => amount(held.costs_usd, "")),
    ],
    sums: [
      row("Total", "All causes", (policy) => amount(policy.total_usd, ""), (held) => amount(held.total_usd, "")),
      row(
        "Return a year on capital",
        `Simple, on ${number(result.capital_usd, 0)} USD: the notional and the short's margin`,
        (policy) => share(policy.return_apr),
        () => none("just holding needs no margin, so its capital is another"),
      ),
      row(
        "Max drawdown",
        "The deepest fall from the highest point before it",
        (policy) => amount(-policy.max_drawdown_usd, ""),
        () => none("worked out for the policies only"),
      ),
      row(
        "Hours in position",
        `Of ${number(result.hours, 0)} hours`,
        (policy) => plain(`${number(policy.hours_in, 0)} (${number((policy.hours_in / result.hours) * 100, 0)} %)`),
        () => none("always in"),
      ),
      row("Times entered", "", (policy) => plain(number(policy.entries, 0)), () => none("bought once")),
      row(
        "Premium not counted",
        "A premium of the perp in our favour at a fill: a TWAP is no quote, so it is not counted as profit",
        (policy) => plain(signed(policy.basis_not_counted_usd)),
        () => none(NO_PERP),
      ),
    ],
  };
}

/** The causes that any policy has, in the server's order. */
export function causesOf(result: CarryLabResponse): readonly string[] {
  return [...new Set(result.policies.flatMap((policy) => Object.keys(policy.causes)))];
}

/** What hysteresis came to against hold, and the best policy against just holding jitoSOL, in words. */
export function comparisons(result: CarryLabResponse): readonly string[] {
  const total = (name: LabPolicy["policy"]): number | null =>
    result.policies.find((policy) => policy.policy === name)?.total_usd ?? null;
  const [hold, hysteresis] = [total("hold"), total("hysteresis")];
  const said: string[] = [];
  if (hold !== null && hysteresis !== null) said.push(`Hysteresis ${against(hysteresis - hold, "hold")}.`);
  const best = result.policies.find((policy) => policy.policy === result.ranking[0]);
  const held = result.holding.find((one) => one.name === "jitoSOL") ?? result.holding[0];
  if (best !== undefined && held !== undefined) {
    const other = `just holding ${held.name}`;
    said.push(`${POLICY_WORDS[best.policy]} ${against(best.total_usd - held.total_usd, other)}.`);
  }
  return said;
}

function against(gap: number, other: string): string {
  const text = number(Math.abs(gap));
  if (!/[1-9]/.test(text)) return `came out even with ${other}`;
  return gap > 0 ? `beat ${other} by ${text} USD` : `lost to ${other} by ${text} USD`;
}

function amount(usd: number | null, why: string): Cell {
  const text = signed(usd);
  return { text, way: wayOf(text), why };
}

function share(fraction: number): Cell {
  const text = signedPercent(fraction, 2);
  return { text, way: wayOf(text), why: "" };
}

function plain(text: string): Cell {
  return { text, way: "", why: "" };
}

function none(why: string): Cell {
  return { text: DASH, way: "", why };
}

function wayOf(text: string): Cell["way"] {
  return text.startsWith("+") ? "up" : text.startsWith("−") ? "down" : "";
}
