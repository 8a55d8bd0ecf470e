import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { retryDelay } from "./backoff";
import { Link, type LinkStatus, type Socket } from "./link";

class Wire implements Socket {
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  readonly sent: string[] = [];
  closed = false;
  send(text: string): void {
    this.sent.push(text);
  }
  close(): void {
    this.closed = true;
  }
}

let wires: Wire[];
let statuses: LinkStatus[];
let messages: unknown[];
let link: Link;

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  [wires, statuses, messages] = [[], [], []];
  link = new Link(
    { token: "secret", url: "ws://localhost:1/" },
    { message: (data) => (messages.push(data), data === "snapshot"), status: (status) => statuses.push(status) },
    {
      open: () => {
        const wire = new Wire();
        wires.push(wire);
        return wire;
      },
      now: Date.now,
      random: () => 0.5,
    },
  );
});
afterEach(() => {
  link.stop();
  vi.useRealTimers();
});

const last = (): Wire => wires.at(-1)!;
const kinds = (): string[] => statuses.map((status) => status.kind);

describe("Link", () => {
  it("authenticates first, and is live with the snapshot", () => {
    link.connect();
    last().onopen?.();
    expect(JSON.parse(last().sent[0]!)).toEqual({ action: "AUTH", token: "secret" });
    expect(link.send("x")).toBe(false);
    last().onmessage?.({ data: "snapshot" });
    expect([kinds(), messages, link.send("x")]).toEqual([["connecting", "live"], ["snapshot"], true]);
  });

  it("is not live with a message that is no snapshot, and still waits for one only 8 s", () => {
    link.connect();
    vi.advanceTimersByTime(7_999);
    last().onmessage?.({ data: "refusal" });
    expect([kinds(), messages, link.send("x")]).toEqual([["connecting"], ["refusal"], false]);
    vi.advanceTimersByTime(1);
    expect(statuses.at(-1)).toMatchObject({ kind: "lost", reason: "no answer" });
  });

  it("tries again with growing pauses, and says since when it is lost", () => {
    link.connect();
    last().onmessage?.({ data: "snapshot" });
    for (const wait of [500, 500, 1_000, 2_000]) {
      last().onclose?.({ code: 1006, reason: "" });
      const status = statuses.at(-1)!;
      expect(status).toMatchObject({ kind: "lost", since: 0, retryAt: Date.now() + wait });
      const before = wires.length;
      vi.advanceTimersByTime(wait - 1);
      expect(wires.length).toBe(before);
      vi.advanceTimersByTime(1);
      expect(wires.length).toBe(before + 1);
    }
  });

  it("gives up a connection that is silent for 20 s", () => {
    link.connect();
    last().onmessage?.({ data: "snapshot" });
    vi.advanceTimersByTime(19_999);
    last().onmessage?.({ data: "news" });
    vi.advanceTimersByTime(19_999);
    expect(kinds().at(-1)).toBe("live");
    vi.advanceTimersByTime(1);
    expect(statuses.at(-1)).toMatchObject({ kind: "lost", reason: "nothing came for 20 s" });
    expect(wires[0]!.closed).toBe(true);
  });

  it("does not try again with a token that was refused", () => {
    link.connect();
    last().onclose?.({ code: 4401, reason: "not authenticated" });
    vi.advanceTimersByTime(600_000);
    expect([kinds().at(-1), wires.length]).toEqual(["refused", 1]);
  });
});

describe("retryDelay", () => {
  it("doubles to 15 s, 20 % more or less", () => {
    expect([1, 2, 3, 6, 60].map((attempt) => retryDelay(attempt, () => 0.5))).toEqual([500, 1_000, 2_000, 15_000, 15_000]);
    expect([retryDelay(1, () => 0), retryDelay(1, () => 1)]).toEqual([400, 600]);
  });
});
