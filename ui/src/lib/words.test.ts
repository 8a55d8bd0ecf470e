import { describe, expect, it } from "vitest";
import { fundingWords, sentence, withPod } from "./words";

describe("fundingWords", () => {
  it.each([
    [0.000021, "short", true, "You receive 0.0021 %/h (18.4 %/yr)"],
    [0.000021, "long", false, "You pay 0.0021 %/h (18.4 %/yr)"],
    [-0.000021, "short", false, "You pay 0.0021 %/h (18.4 %/yr)"],
    [-0.000021, "long", true, "You receive 0.0021 %/h (18.4 %/yr)"],
    [0, "short", null, "You pay and receive nothing (0.0000 %/h)"],
  ] as const)("rate %d, %s", (rate, side, receives, text) => {
    expect(fundingWords(rate, side)).toEqual({ receives, text });
  });
});

it("writes names as words", () => {
  expect(["pool_fee", "carry_apr", "sol_reserve"].map(sentence)).toEqual(["Pool fee", "Carry APR", "SOL reserve"]);
});

it("names the pod once", () => {
  expect([withPod("", "a"), withPod("surge", "surge: a"), withPod("depeg", "a")]).toEqual(["a", "surge: a", "depeg: a"]);
});
