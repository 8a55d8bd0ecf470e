import { describe, expect, it } from "vitest";
import { FRAME_TYPES, parseFrame } from "./parse";

const sound = { type: "LOG_ENTRY", seq: 1, ts: 2, data: {} };

describe("parseFrame", () => {
  it.each(FRAME_TYPES)("takes %s", (type) => {
    expect(parseFrame(JSON.stringify({ ...sound, type }))).toEqual({ frame: { ...sound, type } });
  });

  it.each([
    ["encoded twice", JSON.stringify(JSON.stringify(sound)), "JSON encoded twice"],
    ["with its data encoded twice", JSON.stringify({ ...sound, data: "{}" }), "data is JSON encoded twice"],
    ["that is no JSON", "{", "not JSON"],
    ["that is an array", "[]", "expected a JSON object"],
    ["of an unknown type", JSON.stringify({ ...sound, type: "toString" }), 'unknown value "toString"'],
    ["without a type", JSON.stringify({ seq: 1, ts: 2, data: {} }), "unknown value none"],
    ["with a text as seq", JSON.stringify({ ...sound, seq: "1" }), "seq is not an integer"],
    ["without ts", JSON.stringify({ ...sound, ts: undefined }), "ts is not an integer"],
    ["without data", JSON.stringify({ ...sound, data: null }), "data is not an object"],
    ["that is binary", new ArrayBuffer(1), "binary"],
  ])("refuses a message %s", (_, message, problem) => {
    expect(parseFrame(message)).toEqual({ problem: expect.stringContaining(problem) });
  });
});
