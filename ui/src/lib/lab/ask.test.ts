import { describe, expect, it } from "vitest";
import { ask, BUSY_TRIES, type Answer } from "./ask";

const RESULT = { policies: [], verdict: ["hold won"] };
const BUSY = { code: "busy", reason: "another backtest is running", retry_after_s: 2 };

/** Answers one after another; a string is an unreadable body. Returns the answer, what was asked and the pauses. */
async function told(...answers: [status: number, body: unknown][]): Promise<{ answer: Answer; asked: number; waits: number[] }> {
  const waits: number[] = [];
  let asked = 0;
  const answer = await ask("api/lab/funding", {
    fetch: () => {
      const [status, body] = answers[Math.min(asked, answers.length - 1)]!;
      asked += 1;
      return Promise.resolve(new Response(typeof body === "string" ? body : JSON.stringify(body), { status }));
    },
    wait: (ms) => (waits.push(ms), Promise.resolve()),
  });
  return { answer, asked, waits };
}

describe("ask", () => {
  it("hands over the result", async () => {
    expect((await told([200, RESULT])).answer).toEqual({ result: RESULT });
  });

  it.each([
    [400, { code: "invalid_parameter", message: "to_ts: got …", field: "to_ts" }, "to_ts: got …", "to_ts"],
    [404, { code: "no_hours", message: "0 posted hours" }, "0 posted hours", ""],
    [503, { code: "no_data", reason: "set PHANTOM_DATA_DIR", retry_after_s: 30 }, "set PHANTOM_DATA_DIR", ""],
  ])("tells the cause of a %i as the server says it, and asks once", async (status, body, message, field) => {
    const { answer, asked } = await told([status, body]);
    expect([answer, asked]).toEqual([{ failure: { code: body.code, message, field } }, 1]);
  });

  it.each([
    [500, "<html>", "http_500"],
    [200, '{"policies": [', "http_200"],
    [200, "null", "http_200"],
    [200, {}, "http_200"],
  ])("makes a failure of an answer of status %i that is none: %s", async (status, body, code) => {
    const { answer } = await told([status, body]);
    expect(answer).toMatchObject({ failure: { code, field: "" } });
    expect("failure" in answer && answer.failure.message).not.toBe("");
  });

  it("waits for another backtest, as long as the server says", async () => {
    const { answer, waits } = await told([503, BUSY], [503, BUSY], [200, RESULT]);
    expect([answer, waits]).toEqual([{ result: RESULT }, [2_000, 2_000]]);
  });

  it("gives up on a server that stays busy", async () => {
    const { answer, asked } = await told([503, BUSY]);
    expect([answer, asked]).toEqual([{ failure: { code: "busy", message: BUSY.reason, field: "" } }, BUSY_TRIES]);
  });

  it.each([
    [new TypeError("Failed to fetch"), "unreachable"],
    [new DOMException("late", "TimeoutError"), "late"],
  ])("says when nobody answers: %s", async (error, code) => {
    const answer = await ask("x", { fetch: () => Promise.reject(error), wait: () => Promise.resolve() });
    expect(answer).toMatchObject({ failure: { code } });
  });
});
