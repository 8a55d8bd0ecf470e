import { describe, expect, it } from "vitest";
import type { ArbGrave } from "../messages";
import { gravesByReason, missedWords, outcomeParts, outcomeSummary, reasonWords, wouldWords } from "./words";

describe("wouldWords", () => {
  it.each([
    [[0.12, -0.03, -0.05, 0], [], "Would have paid +$0.1200 after 1 slot, then −$0.0300 after 2, then −$0.0500 after 4, then $0.0000 after 8"],
    [[0.12, null, null, null], [], "Would have paid +$0.1200 after 1 slot; later slots have not come yet"],
    [[null, 0.5, 0.5, 0.5], ["x vanished"], "Would have paid +$0.5000 after 2 slots, then +$0.5000 after 4, then +$0.5000 after 8; no later quote: x vanished"],
    [[null, null, null, null], [], "Later slots have not come yet"],
    [[null, null, null, null], ["x vanished", "x vanished"], "No later quote: x vanished"],
  ])("tells %j, lost %j", (would_usd, lost, words) => {
    expect(wouldWords({ would_usd, lost })).toBe(words);
  });
});

describe("missedWords", () => {
  it.each([
    [[0.31, 5, 5, -0.2], "Not having them cost $0.3100 by the next slot, saved $0.2000 by slot 8"],
    [[null, 2, null, null], "Not having them cost $2.00 by slot 2"],
    [[null, null, null, null], ""],
  ])("tells %j", (would_usd, words) => {
    expect(missedWords({ would_usd })).toBe(words);
  });
});

it("shares out what became of what was sent, in a fixed order, without what never happened", () => {
  const parts = outcomeParts({ beaten: 1, landed: 3, dropped: 0, other: 9 });
  expect(parts).toEqual([
    { outcome: "landed", count: 3, share: 0.75 },
    { outcome: "beaten", count: 1, share: 0.25 },
  ]);
  expect(outcomeSummary(parts)).toBe("landed 3 (75 %), beaten 1 (25 %)");
  expect(outcomeParts({})).toEqual([]);
});

it("counts graves by reason, most first", () => {
  const graves = ["stale", "gate: edge", "stale", "costs"].map((reason) => ({ reason }) as ArbGrave);
  expect(gravesByReason(graves)).toEqual([
    { reason: "stale", count: 2 },
    { reason: "costs", count: 1 },
    { reason: "gate: edge", count: 1 },
  ]);
});

it("reads the engine's reasons", () => {
  expect(["stale", "gate: edge", "new_reason"].map(reasonWords)).toEqual(["Stale pool", "Gate: edge", "New reason"]);
});
