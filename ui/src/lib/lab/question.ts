import { number } from "../format";
import type { CarryLabResponse } from "../messages";

export type SpotLeg = CarryLabResponse["spot"];

/** What the form asks. Days are UTC, "2025-04-14"; "": as far as the hours go. `to` is asked for with its last hour. */
export interface Question {
  readonly market: string;
  readonly spot: SpotLeg;
  readonly notional: string;
  readonly from: string;
  readonly to: string;
}

export type Field = keyof Question;

export const FIRST_MARKET = "SOL-PERP";
export const FIRST_QUESTION: Question = { market: FIRST_MARKET, spot: "sol", notional: "10,000", from: "", to: "" };

const LEAST_USD = 100;
const MOST_USD = 10_000_000;
const DAY_MS = 86_400_000;
/** The server takes Unix milliseconds up to 2^41, in the year 2039. */
const LAST_YEAR = 2038;

export function assetOf(market: string): string {
  return market.split("-")[0] ?? market;
}

/** The spot legs that hedge a market. For SOL, "the asset itself" is SOL. */
export function spotLegs(market: string): readonly { readonly id: SpotLeg; readonly label: string }[] {
  if (assetOf(market) !== "SOL") return [{ id: "native", label: `${assetOf(market)} itself` }];
  return [
    { id: "sol", label: "SOL" },
    { id: "jitosol", label: "jitoSOL" },
  ];
}

export function spotLabel(market: string, spot: SpotLeg): string {
  if (spot === "native") return `${assetOf(market)} itself`;
  return spot === "sol" ? "SOL" : "jitoSOL";
}

/** The same question of another market; the spot leg stays where it hedges that one too. */
export function withMarket(question: Question, market: string): Question {
  const legs = spotLegs(market);
  const spot = legs.find((leg) => leg.id === question.spot)?.id ?? legs[0]?.id ?? "native";
  return { ...question, market, spot };
}

/** The markets to choose from, SOL-PERP first. */
export function marketChoices(known: readonly string[], chosen: string): readonly string[] {
  const others = [...new Set([...known, chosen])].filter((market) => market !== FIRST_MARKET).sort();
  return known.length === 0 || known.includes(FIRST_MARKET) ? [FIRST_MARKET, ...others] : others;
}

export interface Problem {
  readonly field: Field;
  readonly message: string;
}

/** What is wrong with a question before anybody is asked; null: nothing. */
export function problemOf(question: Question): Problem | null {
  const usd = dollars(question.notional);
  if (usd === null || usd < LEAST_USD || usd > MOST_USD) {
    const expected = `whole dollars from ${number(LEAST_USD, 0)} to ${number(MOST_USD, 0)}`;
    return { field: "notional", message: `Notional: got “${question.notional}”, expected ${expected}` };
  }
  for (const field of ["from", "to"] as const) {
    const day = question[field];
    if (day !== "" && dayStart(day) === null) {
      return { field, message: `${field === "from" ? "From" : "To"}: got “${day}”, expected a day from 1970 to ${LAST_YEAR}` };
    }
  }
  if (question.from !== "" && question.to !== "" && question.from > question.to) {
    return { field: "to", message: `To: got ${question.to}, expected a day not before ${question.from}` };
  }
  return null;
}

/** Where the answer to a sound question is. */
export function addressOf(question: Question): string {
  const from = dayStart(question.from);
  const lastDay = dayStart(question.to);
  const query = new URLSearchParams({
    market: question.market,
    spot: question.spot,
    notional_usd: String(dollars(question.notional) ?? ""),
  });
  if (from !== null) query.set("from_ts", String(from));
  if (lastDay !== null) query.set("to_ts", String(lastDay + DAY_MS));
  return `api/lab/funding?${query.toString()}`;
}

/** "SOL-PERP, spot leg jitoSOL, $10,000, all recorded hours". */
export function questionWords(question: Question): string {
  const { from, to } = question;
  const span =
    from === "" && to === ""
      ? "all recorded hours"
      : [from && `from ${from}`, to && `to ${to} with its last hour`].filter(Boolean).join(" ");
  const usd = number(dollars(question.notional), 0);
  return `${question.market}, spot leg ${spotLabel(question.market, question.spot)}, $${usd}, ${span}`;
}

export function sameQuestion(one: Question, other: Question): boolean {
  return addressOf(one) === addressOf(other);
}

function dollars(typed: string): number | null {
  const plain = typed.replaceAll(/[,\s$]/g, "");
  return /^\d{1,9}$/.test(plain) ? Number(plain) : null;
}

/** The day's first millisecond; null where it is none. */
function dayStart(day: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) return null;
  const ts = Date.parse(`${day}T00:00:00Z`);
  if (!Number.isFinite(ts) || new Date(ts).toISOString().slice(0, 10) !== day) return null;
  const year = Number(day.slice(0, 4));
  return year >= 1970 && year <= LAST_YEAR ? ts : null;
}
