import { number, percent, signedUsd, usd } from "../format";
import type { ArbGrave, ArbOpportunity, ArbReason } from "../messages";
import { sentence } from "../words";

export type Verdict = ArbOpportunity["verdict"];

/** After how many slots what was left alone is quoted again. */
export const SLOTS = [1, 2, 4, 8] as const;

export interface VerdictWords {
  readonly word: string;
  readonly glyph: string;
  readonly tone: "" | "good" | "bad" | "caution" | "info";
  readonly means: string;
}

export const VERDICTS: Record<Verdict, VerdictWords> = {
  refused: { word: "Refused", glyph: "⊘", tone: "caution", means: "A safety gate said no: it was not sent" },
  sent: { word: "Sent", glyph: "◐", tone: "info", means: "Under way: nobody knows yet what becomes of it" },
  landed: { word: "Landed", glyph: "✓", tone: "good", means: "Every swap went through, and the guard was met" },
  beaten: { word: "Beaten", glyph: "⇄", tone: "bad", means: "A rival who bid more took the gap first" },
  reverted: { word: "Reverted", glyph: "↩", tone: "bad", means: "The gap had moved: the guard undid every swap" },
  dropped: { word: "Dropped", glyph: "∅", tone: "bad", means: "It never reached a block before its blockhash ran out" },
  expired: { word: "Expired", glyph: "⌛", tone: "bad", means: "Too late to be worth sending" },
  failed: { word: "Failed", glyph: "✕", tone: "bad", means: "It failed on chain, for a reason that no price explains" },
  unknown: { word: "Unknown", glyph: "?", tone: "caution", means: "No answer yet: its money stays set aside until the chain proves what happened" },
};

/** What became of what was sent, from the best to the open. */
export const OUTCOMES = ["landed", "beaten", "reverted", "dropped", "expired", "failed", "unknown"] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface OutcomePart {
  readonly outcome: Outcome;
  readonly count: number;
  /** Part (0…1) of all. */
  readonly share: number;
}

/** The landing classes that occurred, in the order of `OUTCOMES`. */
export function outcomeParts(counts: Readonly<Record<string, number>>): readonly OutcomePart[] {
  const all = OUTCOMES.reduce((sum, outcome) => sum + (counts[outcome] ?? 0), 0);
  return OUTCOMES.map((outcome) => ({ outcome, count: counts[outcome] ?? 0, share: (counts[outcome] ?? 0) / (all || 1) })).filter(
    (part) => part.count > 0,
  );
}

export function outcomeSummary(parts: readonly OutcomePart[]): string {
  return parts.map(({ outcome, count, share }) => `${VERDICTS[outcome].word.toLowerCase()} ${number(count, 0)} (${percent(share, 0)})`).join(", ");
}

const REASONS: Record<string, string> = {
  busy: "Pool in use",
  costs: "Costs exceed it",
  frozen: "Frozen token",
  paused: "Venue paused",
  stale: "Stale pool",
  taxed: "Taxed token",
  vanished: "Gone a slot later",
};

/** Why something was not taken: the engine's word, "gate: …", or what became of it once it was sent. */
export function reasonWords(reason: string): string {
  return REASONS[reason] ?? sentence(reason);
}

/** "Would have paid +$0.12 after 1 slot, then −$0.03 after 2". */
export function wouldWords({ would_usd, lost }: Pick<ArbGrave, "would_usd" | "lost">): string {
  const told = SLOTS.flatMap((slots, at) => {
    const value = would_usd[at];
    return typeof value === "number" ? [`${signedUsd(value, 4)} after ${slots}`] : [];
  });
  const unknown = whyUnknown({ would_usd, lost });
  if (told.length === 0) return unknown === "" ? "" : sentence(unknown);
  const [first, ...later] = told;
  const end = unknown === "" ? "" : `; ${unknown}`;
  return `Would have paid ${[`${first} ${first?.endsWith(" 1") ? "slot" : "slots"}`, ...later].join(", then ")}${end}`;
}

/** Why not every number of what it would have paid is there; empty where all are. */
export function whyUnknown({ would_usd, lost }: Pick<ArbGrave, "would_usd" | "lost">): string {
  if (SLOTS.every((_, at) => typeof would_usd[at] === "number")) return "";
  const reasons = [...new Set(lost.filter((reason) => reason !== ""))];
  return reasons.length > 0 ? `no later quote: ${reasons.join(", ")}` : "later slots have not come yet";
}

/** "Not having them cost $0.31 by the next slot, saved $0.20 by slot 8". Empty while nothing is known. */
export function missedWords({ would_usd }: Pick<ArbReason, "would_usd">): string {
  const known = SLOTS.flatMap((slots, at) => {
    const value = would_usd[at];
    return typeof value === "number" ? [{ slots, value }] : [];
  });
  const ends = known.filter((_, at) => at === 0 || at === known.length - 1);
  const parts = ends.map(({ slots, value }) => {
    const amount = usd(Math.abs(value), Math.abs(value) < 1 ? 4 : 2);
    return `${value > 0 ? "cost" : "saved"} ${amount} by ${slots === 1 ? "the next slot" : `slot ${slots}`}`;
  });
  return parts.length === 0 ? "" : `Not having them ${parts.join(", ")}`;
}

/** How many of the graves kept have each reason, most first. */
export function gravesByReason(graves: readonly ArbGrave[]): readonly { reason: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const { reason } of graves) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].map(([reason, count]) => ({ reason, count })).sort((a, b) => b.count - a.count || a.reason.localeCompare(b.reason));
}
