import { describe, expect, it } from "vitest";
import type { CommandResult, OrderLeg, OrderRow, PreviewFigures, Saga } from "../messages";
import { DRAFT, advance, isUnderWay, legsBetween, type CommandEvent, type CommandState } from "./command_state";

const answer = (success: boolean, code = success ? "ok" : "health"): CommandResult => ({
  id: "c1",
  action: "TAKE_POSITION",
  success,
  code,
  message: "why",
  tx_signature: null,
  preview: null,
});
const leg = (kind: OrderLeg["kind"], status: OrderLeg["status"]): OrderLeg =>
  ({ kind, status, instrument: kind, in_asset: "", reason: status === "rejected" ? "no depth" : "" }) as OrderLeg;
const order = (status: OrderRow["status"], legs: readonly OrderLeg[], cause = "c1"): OrderRow =>
  ({ id: `${cause}-${legs.length}`, cause, status, legs, reason: "" }) as unknown as OrderRow;
const saga = (stage: Saga["stage"], cause = "c1"): Saga => ({ cause, stage, message: "told" }) as Saga;

function after(events: readonly CommandEvent[], from: CommandState = DRAFT): CommandState {
  return events.reduce(advance, from);
}
const seen = (orders: readonly OrderRow[], told: Saga | null = null): CommandEvent => ({ type: "seen", orders, saga: told });
const SENT: CommandEvent[] = [
  { type: "previewed", allowed: true },
  { type: "sent", needs: ["perp", "swap"] },
];
const ACCEPTED = after([...SENT, { type: "answered", result: answer(true) }]);

describe("before it is sent", () => {
  it("can be confirmed only after an allowing preview", () => {
    expect(after([{ type: "previewed", allowed: false }, { type: "sent", needs: [] }]).step).toBe("draft");
    expect(after(SENT).step).toBe("confirmed");
  });

  it("is a draft again when it is edited, but not once it is out", () => {
    expect(after([{ type: "previewed", allowed: true }, { type: "edited" }]).step).toBe("draft");
    expect(after([...SENT, { type: "edited" }, { type: "previewed", allowed: true }]).step).toBe("confirmed");
  });
});

describe("the answer", () => {
  it("accepts, refuses with the gate, or is unknown where none came", () => {
    const with_ = (result: CommandResult): CommandState => after([...SENT, { type: "answered", result }]);
    expect(with_(answer(true))).toMatchObject({ step: "accepted", id: "c1" });
    expect(with_(answer(false))).toMatchObject({ step: "failed", message: "Refused by health: why. Nothing was sent." });
    expect(with_(answer(false, "no_answer")).step).toBe("unknown");
    expect(with_(answer(false, "connection_lost")).step).toBe("unknown");
  });

  it("is not to be sent again while it is unknown", () => {
    const lost = after([...SENT, { type: "answered", result: answer(false, "no_answer") }]);
    expect([isUnderWay(lost), isUnderWay(after([{ type: "edited" }], ACCEPTED)), isUnderWay(DRAFT)]).toEqual([true, true, false]);
  });

  it("counts only while it is waited for", () => {
    expect(after([{ type: "answered", result: answer(true) }]).step).toBe("draft");
  });
});

describe("the orders", () => {
  it("go leg by leg to done", () => {
    const story = [
      [order("open", [leg("perp", "sent"), leg("swap", "new")])],
      [order("open", [leg("perp", "filled"), leg("swap", "sent")])],
      [order("done", [leg("perp", "filled"), leg("swap", "filled")])],
    ];
    let state = ACCEPTED;
    const steps = story.map((orders) => (state = advance(state, seen(orders))).step);
    expect(steps).toEqual(["leg_1", "leg_2", "done"]);
  });

  it("are not done while a kind of leg has not come at all", () => {
    expect(advance(ACCEPTED, seen([order("done", [leg("perp", "filled")])])).step).toBe("leg_2");
    expect(advance(ACCEPTED, seen([order("done", [leg("transfer", "filled")])])).step).toBe("leg_1");
  });

  it("of another command change nothing", () => {
    const other = order("done", [leg("perp", "filled"), leg("swap", "filled")], "c2");
    expect(advance(ACCEPTED, seen([other], saga("done", "c2")))).toBe(ACCEPTED);
  });

  it("fail with the leg's reason, and only when nothing is out any more", () => {
    const failed = order("failed", [leg("perp", "rejected")]);
    expect(advance(ACCEPTED, seen([failed]))).toMatchObject({ step: "failed", message: "perp: no depth" });
    expect(advance(ACCEPTED, seen([failed, order("open", [leg("swap", "sent")])])).step).toBe("leg_1");
  });

  it("make an unknown act known, and an unknown order the act unknown", () => {
    const lost = after([...SENT, { type: "answered", result: answer(false, "no_answer") }]);
    const done = order("done", [leg("perp", "filled"), leg("swap", "filled")]);
    expect(advance(lost, seen([done])).step).toBe("done");
    expect(advance(ACCEPTED, seen([order("unknown", [leg("perp", "unknown")])])).step).toBe("unknown");
  });
});

describe("the saga", () => {
  it("leads where it names the command", () => {
    expect(advance(ACCEPTED, seen([], saga("leg_2")))).toMatchObject({ step: "leg_2", message: "told" });
    expect(advance(ACCEPTED, seen([order("failed", [leg("perp", "rejected")])], saga("leg_1"))).step).toBe("leg_1");
    expect(advance(ACCEPTED, seen([], saga("failed"))).step).toBe("failed");
  });

  it("is not done while an order of it is out", () => {
    const open = order("open", [leg("perp", "filled"), leg("swap", "sent")]);
    expect(advance(ACCEPTED, seen([open], saga("done"))).step).toBe("leg_2");
    expect(advance(ACCEPTED, seen([order("done", [])], saga("done"))).step).toBe("done");
  });

  it("never goes back, and an end stays", () => {
    const second = advance(ACCEPTED, seen([], saga("leg_2")));
    expect(advance(second, seen([], saga("leg_1"))).step).toBe("leg_2");
    const done = advance(second, seen([], saga("done")));
    expect(advance(done, seen([], saga("failed"))).step).toBe("done");
  });
});

it("names the legs that an act needs by what it changes", () => {
  const at = (spot: number, perp: number): PreviewFigures => ({ spot, perp }) as PreviewFigures;
  expect(legsBetween(at(0, 0), at(4, -4))).toEqual(["perp", "swap"]);
  expect(legsBetween(at(4, -4), at(4, 0))).toEqual(["perp"]);
  expect(legsBetween(at(4, -4), at(4, -4))).toEqual(["transfer"]);
});
