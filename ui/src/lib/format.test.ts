import { describe, expect, it } from "vitest";
import * as format from "./format";

describe("numbers", () => {
  it("separates thousands, fixes decimals, and uses a real minus", () => {
    expect(format.number(-1_234.5)).toBe("−1,234.50");
    expect(format.usd(-1_234.5)).toBe("−$1,234.50");
  });

  it("always shows the sign of P&L, none of nothing", () => {
    expect([12.3, -0.004, 0.004, 0].map((value) => format.signedUsd(value))).toEqual(["+$12.30", "$0.00", "$0.00", "$0.00"]);
  });

  it("shows a dash for what is not known, never zero", () => {
    for (const make of [format.number, format.usd, format.signedUsd, format.price, format.size, format.percent, format.bps]) {
      expect([make(null), make(undefined), make(Number.NaN)]).toEqual(["–", "–", "–"]);
    }
  });

  it("keeps six digits of a price, however small", () => {
    expect([97_123.4, 151.2, 0.61, 0.0000102, 1.23456e-8].map(format.price)).toEqual([
      "97,123.40",
      "151.200",
      "0.610000",
      "0.0000102000",
      "0.0000000123456",
    ]);
  });

  it("shortens large amounts", () => {
    expect([950, 41_300, 41e6, 2.5e9].map(format.compactUsd)).toEqual(["$950", "$41.3 k", "$41.00 M", "$2.50 B"]);
  });

  it("reads a gate's measure in its unit", () => {
    expect(format.measure(620_000_000, "usd_micros")).toBe("$620.00");
    expect(format.measure(-6_700, "usd_micros")).toBe("−$0.0067");
    expect(format.measure(1_600_000_000, "lamports")).toBe("1.6000 SOL");
    expect(format.measure(4_200_000_000, "ns")).toBe("4.2 s");
    expect(format.measure(-4.1, "bps")).toBe("−4.1 bps");
    expect(format.measure(7, "slots")).toBe("7 slots");
    expect(format.measure(0, "")).toBe(format.DASH);
  });
});

describe("times", () => {
  it("says durations in words", () => {
    expect([3_900, 125_000, 14_580_000, 187_200_000].map(format.duration)).toEqual(["3 s", "2 min 5 s", "4 h 3 min", "2 d 4 h"]);
  });

  it("says now, not 0 s ago, and nothing of the future", () => {
    expect([-50, 999, 3_000].map(format.ago)).toEqual(["now", "now", "3 s ago"]);
  });
});
