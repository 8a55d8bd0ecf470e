import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { CommandResult, PreviewRow } from "../messages";
import { DEBOUNCE_MS, NO_PREVIEW, PreviewDesk, isBound, type PreviewRequest, type PreviewView } from "./preview_desk";

const take = (size: number): PreviewRequest => ({ of: "TAKE_POSITION", market: "SOL-PERP", size });
const row = (size: number): PreviewRow => ({ size, hash: `h${size}`, expires_ts: 100 }) as PreviewRow;
const result = (preview: PreviewRow | null, code = "ok"): CommandResult => ({
  id: "p",
  action: "PREVIEW",
  success: preview !== null,
  code,
  message: preview === null ? "below the minimum" : "",
  tx_signature: null,
  preview,
});

let asked: { request: PreviewRequest; answer: (result: CommandResult) => void }[];
let view: PreviewView;
let desk: PreviewDesk;

beforeEach(() => {
  vi.useFakeTimers();
  [asked, view] = [[], NO_PREVIEW];
  desk = new PreviewDesk({
    ask: (request) => new Promise((answer) => asked.push({ request, answer })),
    changed: (next) => (view = next),
  });
});
afterEach(() => void vi.useRealTimers());

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(DEBOUNCE_MS);
const answerTo = async (at: number, given: CommandResult): Promise<void> => {
  asked[at]!.answer(given);
  await vi.advanceTimersByTimeAsync(0);
};

describe("PreviewDesk", () => {
  it("asks once after a pause in typing", async () => {
    desk.want(take(1));
    await vi.advanceTimersByTimeAsync(DEBOUNCE_MS - 1);
    desk.want(take(2));
    await vi.advanceTimersByTimeAsync(DEBOUNCE_MS - 1);
    expect([asked.length, view.asking]).toEqual([0, true]);
    await settle();
    expect(asked.map((one) => one.request.size)).toEqual([2]);
  });

  it("drops the answer to a size that is no longer wanted and asks for the newest", async () => {
    desk.want(take(1));
    await settle();
    desk.want(take(2));
    desk.want(take(3));
    await settle();
    expect(asked.length).toBe(1);
    await answerTo(0, result(row(1)));
    expect([view.row, asked.at(-1)!.request.size]).toEqual([null, 3]);
    await answerTo(1, result(row(3)));
    expect(view).toEqual({ request: take(3), row: row(3), problem: null, asking: false });
  });

  it("shows a refusal to preview as a problem and no row", async () => {
    desk.want(take(1), true);
    await settle();
    await answerTo(0, result(null, "below_minimum"));
    expect(view).toMatchObject({ row: null, problem: { code: "below_minimum", message: "below the minimum" } });
  });

  it("forgets everything when stopped", async () => {
    desk.want(take(1), true);
    await settle();
    desk.stop();
    await answerTo(0, result(row(1)));
    expect(view).toEqual(NO_PREVIEW);
  });
});

it("binds a preview to its own size, market and time only", () => {
  const bound: PreviewView = { request: take(1), row: row(1), problem: null, asking: false };
  expect(isBound(bound, take(1), 99)).toBe(true);
  expect(isBound(bound, take(2), 99)).toBe(false);
  expect(isBound(bound, { ...take(1), market: "BTC-PERP" }, 99)).toBe(false);
  expect(isBound(bound, take(1), 100)).toBe(false);
  expect(isBound(NO_PREVIEW, take(1), 0)).toBe(false);
});
