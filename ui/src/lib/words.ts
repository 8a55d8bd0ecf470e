import type { EngineId, EngineStatus, KillLevel, OrderStatus, Purpose, VenueStatus } from "./messages";
import { number } from "./format";

/** The words of the pages. */

export const ENGINE_NAMES: Record<EngineId, string> = {
  funding: "Funding",
  lst: "LST",
  scalp: "Scalp",
  arb: "Arb",
};

/** An engine by any name the server gives; "unallocated" is a vault's. */
export function engineName(id: string): string {
  return id in ENGINE_NAMES ? ENGINE_NAMES[id as EngineId] : sentence(id);
}

export const STATUS_WORDS: Record<EngineStatus, string> = {
  running: "Running",
  paused: "Paused",
  starting: "Starting",
  stopping: "Stopping",
  stopped: "Stopped",
  faulted: "Faulted",
};

export const ORDER_WORDS: Record<OrderStatus, string> = {
  open: "Under way",
  done: "Done",
  partial: "Partly done",
  failed: "Failed",
  unknown: "Unknown",
};

export const PURPOSE_WORDS: Record<Purpose, string> = { entry: "Entry", exit: "Exit", rebalance: "Rebalance" };

export const VENUE_WORDS: Record<VenueStatus, string> = {
  live: "Live",
  reduce_only: "Reduce only",
  paused: "Paused",
  absent: "Absent",
  thin: "Thin: little depth",
};

export const CLOCK_WORDS = { "built-in": "Built-in market", recorded: "Recorded data", live: "Live feeds" } as const;

export const KILL_LEVELS: readonly { level: KillLevel; title: string; does: string; act: string }[] = [
  {
    level: "pause",
    title: "1 · Pause",
    does: "No engine opens anything new. Open orders stay, exits go on, positions stay.",
    act: "Pause all entries",
  },
  {
    level: "cancel",
    title: "2 · Cancel",
    does: "As pause, and the legs of entries that are not sent yet are dropped. What is out finishes. Positions stay.",
    act: "Pause and drop unsent legs",
  },
  {
    level: "flatten",
    title: "3 · Flatten",
    does: "As cancel, and every position is closed at the market, with its costs.",
    act: "Close every position",
  },
];

export const KILL_STATES: Record<KillLevel, string> = {
  pause: "No engine opens anything new.",
  cancel: "No engine opens anything new; unsent legs of entries were dropped.",
  flatten: "No engine opens anything new; unsent legs were dropped and positions are being closed.",
};

/** Funding in words. `rate` is the hourly fraction, positive: longs pay shorts. */
export function fundingWords(rate: number, side: "long" | "short"): { receives: boolean | null; text: string } {
  const toYou = side === "short" ? rate : -rate;
  const hourly = `${number(Math.abs(rate) * 100, 4)} %/h`;
  const yearly = `${number(Math.abs(rate) * 24 * 365.25 * 100, 1)} %/yr`;
  if (rate === 0) return { receives: null, text: `You pay and receive nothing (${hourly})` };
  return { receives: toYou > 0, text: `You ${toYou > 0 ? "receive" : "pay"} ${hourly} (${yearly})` };
}

/** A pod's name and a reason; the reason alone where it begins with the name. */
export function withPod(pod: string, reason: string): string {
  return pod === "" || reason.startsWith(pod) ? reason : `${pod}: ${reason}`;
}

/** "1 order", "2 orders". */
export function counted(count: number, name: string): string {
  return `${number(count, 0)} ${name}${count === 1 ? "" : "s"}`;
}

const KEPT: Record<string, string> = {
  apr: "APR",
  bps: "bps",
  id: "id",
  lst: "LST",
  pnl: "P&L",
  sol: "SOL",
  usd: "USD",
  usdc: "USDC",
  us: "µs",
};

/** snake_case as words: "pool_fee" → "Pool fee", "carry_apr" → "Carry APR". */
export function sentence(name: string): string {
  const words = name.replaceAll("_", " ").trim().split(" ").map((word) => KEPT[word] ?? word);
  const first = words[0] ?? "";
  return [first.charAt(0).toUpperCase() + first.slice(1), ...words.slice(1)].join(" ");
}
