import type { ChartLine } from "../../chart/series";
import type { CarryLabResponse, LabPolicy, LabSpan } from "../messages";
import { sentence } from "../words";
import { POLICY_WORDS } from "./results";

const POLICY_LOOKS: Record<LabPolicy["policy"], Pick<ChartLine, "colour" | "style">> = {
  hold: { colour: "accent", style: "solid" },
  "sign-flip": { colour: "cause-slippage", style: "solid" },
  hysteresis: { colour: "cause-tips", style: "solid" },
};
const CAUSE_COLOURS: Record<string, string> = {
  funding: "cause-funding",
  staking: "cause-staking",
  borrow: "cause-borrow",
  perp_fees: "cause-fees",
  swap_fees: "cause-tips",
  slippage: "cause-slippage",
  basis: "cause-price",
};

/** Equity of each policy, hold first, and of what was just held; USD from the start. */
export function equityLines(result: CarryLabResponse): readonly ChartLine[] {
  const policies = result.policies.map((policy) => ({
    name: POLICY_WORDS[policy.policy],
    ...POLICY_LOOKS[policy.policy],
    values: policy.series["total"] ?? [],
  }));
  const held = result.holding.map((one) => ({
    name: `Just ${one.name}`,
    colour: one.name === "jitoSOL" ? "cause-staking" : "muted",
    style: "dashed" as const,
    values: one.series,
  }));
  return [...policies, ...held];
}

/** Running totals of a policy by cause, those that stay at nothing left out, and of all together. */
export function causeLines(policy: LabPolicy): readonly ChartLine[] {
  const causes = Object.entries(policy.series)
    .filter(([name, values]) => name !== "total" && values.some((value) => value !== 0))
    .map(([name, values]) => ({
      name: sentence(name),
      colour: CAUSE_COLOURS[name] ?? "muted",
      style: "solid" as const,
      values,
    }));
  const total = policy.series["total"] ?? [];
  return [{ name: "Total", colour: "text", style: "dashed", values: total }, ...causes];
}

/** At most `limit` indices of `count`, evenly spread, the last among them, newest first. */
export function sampled(count: number, limit: number): readonly number[] {
  const step = Math.max(Math.ceil(count / limit), 1);
  const picked: number[] = [];
  for (let index = count - 1; index >= 0; index -= step) picked.push(index);
  return picked;
}

const HOUR_MS = 3_600_000;

export interface Bar {
  readonly x: number;
  readonly width: number;
}

/** Spans as parts of [from, to], each from the beginning of its first hour: an hour is posted at its end. */
export function bars(spans: readonly LabSpan[], from: number, to: number): readonly Bar[] {
  const whole = Math.max(to - from, 1);
  return spans.map((span) => {
    const begin = Math.max(span.from_ts - HOUR_MS, from);
    return { x: (begin - from) / whole, width: (Math.min(span.to_ts, to) - begin) / whole };
  });
}

/** The first days of the months within (from, to) as parts of it, every second, third … one where there are many. */
export function monthMarks(from: number, to: number, most = 8): readonly { readonly x: number; readonly ts: number }[] {
  const months: number[] = [];
  const start = new Date(from);
  for (let month = start.getUTCMonth() + 1; ; month += 1) {
    const ts = Date.UTC(start.getUTCFullYear(), month, 1);
    if (ts >= to) break;
    months.push(ts);
  }
  const step = Math.max(Math.ceil(months.length / most), 1);
  return months.filter((_, index) => index % step === 0).map((ts) => ({ ts, x: (ts - from) / (to - from) }));
}
