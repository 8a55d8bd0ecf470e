import type { OrderRow, Refusal } from "./messages";

/** A gate as the recent verdicts show it: its last refusal, and its tightest pass among the orders shown. */
export interface GateSummary {
  readonly gate: string;
  readonly refusals: number;
  readonly last: Refusal | null;
  readonly passes: number;
  readonly tightest: { value: number | null; limit: number | null; margin: number; unit: string } | null;
}

/** One summary a gate, those that refuse most first, then by name. */
export function summariseGates(orders: readonly OrderRow[], refusals: readonly Refusal[]): readonly GateSummary[] {
  const gates = new Map<string, GateSummary>();
  const of = (gate: string): GateSummary =>
    gates.get(gate) ?? { gate, refusals: 0, last: null, passes: 0, tightest: null };
  for (const refusal of refusals) {
    const known = of(refusal.gate);
    const last = known.last === null || refusal.ts >= known.last.ts ? refusal : known.last;
    gates.set(refusal.gate, { ...known, refusals: known.refusals + refusal.count, last });
  }
  for (const pass of orders.flatMap((order) => order.gates)) {
    const known = of(pass.gate);
    const { value, limit, margin, unit } = pass;
    const tighter = margin !== null && unit !== "" && (known.tightest === null || margin < known.tightest.margin);
    const tightest = tighter ? { value, limit, margin, unit } : known.tightest;
    gates.set(pass.gate, { ...known, passes: known.passes + 1, tightest });
  }
  return [...gates.values()].sort((a, b) => b.refusals - a.refusals || a.gate.localeCompare(b.gate));
}
