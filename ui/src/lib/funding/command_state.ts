import type { CommandResult, OrderRow, PreviewFigures, Saga } from "../messages";

/** The steps of an act by hand, in their order; the last three are ends. */
export const STEPS = ["draft", "previewed", "confirmed", "accepted", "leg_1", "leg_2", "done", "failed", "unknown"] as const;

export type Step = (typeof STEPS)[number];

type LegKind = "perp" | "swap" | "transfer";

/**
 * An act by hand. `needs`: the kinds of legs that must fill before it is done. `id`: the command's, null until it was
 * answered. `message` says why it stands where it stands, where there is a why.
 */
export interface CommandState {
  readonly step: Step;
  readonly id: string | null;
  readonly needs: readonly LegKind[];
  readonly message: string;
}

export type CommandEvent =
  | { readonly type: "edited" }
  | { readonly type: "previewed"; readonly allowed: boolean }
  | { readonly type: "sent"; readonly needs: readonly LegKind[] }
  | { readonly type: "answered"; readonly result: CommandResult }
  | { readonly type: "seen"; readonly orders: readonly OrderRow[]; readonly saga: Saga | null };

export const DRAFT: CommandState = { step: "draft", id: null, needs: [], message: "" };

/** Answers made by the page itself where none came: nobody knows whether the act was taken up. */
const NO_ANSWER = new Set(["no_answer", "connection_lost"]);

/** The state after an event. Pure. An event that does not belong to the step changes nothing. */
export function advance(state: CommandState, event: CommandEvent): CommandState {
  switch (event.type) {
    case "edited":
      return isUnderWay(state) ? state : DRAFT;
    case "previewed":
      if (isUnderWay(state)) return state;
      return event.allowed ? { ...DRAFT, step: "previewed" } : DRAFT;
    case "sent":
      return state.step === "previewed" ? { ...state, step: "confirmed", needs: event.needs } : state;
    case "answered":
      return state.step === "confirmed" ? answered(state, event.result) : state;
    case "seen":
      return seen(state, event.orders, event.saga);
  }
}

/** Sent, and neither refused nor at its end: it must not be sent again. An unknown act may still be at work. */
export function isUnderWay(state: CommandState): boolean {
  return ["confirmed", "accepted", "leg_1", "leg_2", "unknown"].includes(state.step);
}

/** Which kinds of legs turn `before` into `after`. */
export function legsBetween(before: PreviewFigures, after: PreviewFigures): readonly LegKind[] {
  const kinds: LegKind[] = [];
  if (before.perp !== after.perp) kinds.push("perp");
  if (before.spot !== after.spot) kinds.push("swap");
  return kinds.length === 0 ? ["transfer"] : kinds;
}

function answered(state: CommandState, result: CommandResult): CommandState {
  const { id, code, message } = result;
  if (result.success) return { ...state, step: "accepted", id, message };
  if (NO_ANSWER.has(code)) return { ...state, step: "unknown", id, message };
  return { ...state, step: "failed", id, message: `Refused by ${code}: ${message}. Nothing was sent.` };
}

/** Moves on by what the orders and the saga of this command say; never back, but an unknown act may become known. */
function seen(state: CommandState, orders: readonly OrderRow[], saga: Saga | null): CommandState {
  const { step, id } = state;
  if (id === null || !["accepted", "leg_1", "leg_2", "unknown"].includes(step)) return state;
  const mine = orders.filter((order) => order.cause === id);
  const told = saga !== null && saga.cause === id ? bySaga(saga, mine) : byOrders(mine, state.needs);
  if (told === null || told.step === step) return state;
  const back = step !== "unknown" && STEPS.indexOf(told.step) < STEPS.indexOf(step);
  return back ? state : { ...state, ...told };
}

type Told = Pick<CommandState, "step" | "message"> | null;

function bySaga(saga: Saga, orders: readonly OrderRow[]): Told {
  // The saga's end counts once no order of it is out any more.
  const out = orders.some((order) => order.status === "open" || order.status === "unknown");
  if (saga.stage === "done" && out) return { step: "leg_2", message: saga.message };
  return { step: saga.stage, message: saga.message };
}

function byOrders(orders: readonly OrderRow[], needs: readonly LegKind[]): Told {
  if (orders.length === 0) return null;
  const lost = orders.find((order) => order.status === "unknown");
  if (lost !== undefined) return { step: "unknown", message: lost.reason };
  const filled = needs.filter((kind) => fills(orders, kind)).length;
  const open = orders.some((order) => order.status === "open");
  const failed = orders.find((order) => order.status === "failed" || order.status === "partial");
  if (!open && failed !== undefined) return { step: "failed", message: whyFailed(failed) };
  if (!open && filled === needs.length) return { step: "done", message: "" };
  return { step: filled > 0 && needs.length > 1 ? "leg_2" : "leg_1", message: "" };
}

function fills(orders: readonly OrderRow[], kind: LegKind): boolean {
  const legs = orders.flatMap((order) => order.legs).filter((leg) => leg.kind === kind);
  return legs.length > 0 && legs.every((leg) => leg.status === "filled");
}

function whyFailed(order: OrderRow): string {
  const leg = order.legs.find((one) => one.reason !== "");
  return leg === undefined ? `The order ended as ${order.status}.` : `${leg.instrument || leg.in_asset}: ${leg.reason}`;
}
