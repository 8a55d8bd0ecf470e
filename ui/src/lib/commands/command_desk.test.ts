import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { CommandResult } from "../messages";
import { ANSWER_LIMIT_MS, CommandDesk } from "./command_desk";

let sent: Record<string, unknown>[];
let inFlight: string[][];
let connected: boolean;
let desk: CommandDesk;

beforeEach(() => {
  vi.useFakeTimers();
  [sent, inFlight, connected] = [[], [], true];
  let next = 0;
  desk = new CommandDesk({
    send: (text) => {
      if (connected) sent.push(JSON.parse(text) as Record<string, unknown>);
      return connected;
    },
    newId: () => `c${(next += 1)}`,
    changed: (scopes) => inFlight.push([...scopes]),
  });
});
afterEach(() => void vi.useRealTimers());

const answer = (id: string, success = true): CommandResult => ({
  id,
  action: "STOP_ENGINE",
  success,
  code: success ? "ok" : "refused",
  message: "",
  tx_signature: null,
  preview: null,
});
const stop = { action: "STOP_ENGINE", engine: "lst" } as const;

describe("CommandDesk", () => {
  it("sends with an id and resolves with the answer of that id", async () => {
    const result = desk.send(stop, "engine:lst");
    expect(sent).toEqual([{ id: "c1", ...stop }]);
    desk.answered(answer("other"));
    expect(inFlight).toEqual([["engine:lst"]]);
    desk.answered(answer("c1", false));
    expect(await result).toEqual(answer("c1", false));
    expect(inFlight.at(-1)).toEqual([]);
  });

  it("sends one of a scope at a time, and others beside it", async () => {
    void desk.send(stop, "engine:lst");
    expect((await desk.send(stop, "engine:lst")).code).toBe("in_flight");
    void desk.send({ action: "KILL", level: "pause" }, "kill");
    expect(sent.map((one) => one["action"])).toEqual(["STOP_ENGINE", "KILL"]);
  });

  it("says when it was not sent", async () => {
    connected = false;
    expect(await desk.send(stop, "engine:lst")).toMatchObject({ success: false, code: "not_connected" });
  });

  it("never claims success without an answer", async () => {
    const late = desk.send(stop, "engine:lst");
    vi.advanceTimersByTime(ANSWER_LIMIT_MS);
    expect(await late).toMatchObject({ success: false, code: "no_answer" });
    const lost = desk.send(stop, "engine:lst");
    desk.connectionLost();
    expect(await lost).toMatchObject({ success: false, code: "connection_lost" });
  });
});
