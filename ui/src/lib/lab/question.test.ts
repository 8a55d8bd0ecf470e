import { describe, expect, it } from "vitest";
import { addressOf, FIRST_QUESTION, marketChoices, problemOf, questionWords, sameQuestion, spotLegs, withMarket } from "./question";

describe("question", () => {
  it("offers SOL and jitoSOL for SOL, and only the asset itself for others", () => {
    expect(spotLegs("SOL-PERP").map((leg) => leg.id)).toEqual(["sol", "jitosol"]);
    expect(spotLegs("BTC-PERP")).toEqual([{ id: "native", label: "BTC itself" }]);
  });

  it("keeps the spot leg where the other market takes it", () => {
    const jito = { ...FIRST_QUESTION, spot: "jitosol" } as const;
    expect(withMarket(jito, "SOL-PERP").spot).toBe("jitosol");
    const btc = withMarket(jito, "BTC-PERP");
    expect([btc.market, btc.spot, withMarket(btc, "SOL-PERP").spot]).toEqual(["BTC-PERP", "native", "sol"]);
  });

  it("puts SOL-PERP first, and offers it before anything is known", () => {
    expect(marketChoices([], "SOL-PERP")).toEqual(["SOL-PERP"]);
    expect(marketChoices(["BTC-PERP", "ETH-PERP", "SOL-PERP"], "BTC-PERP")).toEqual(["SOL-PERP", "BTC-PERP", "ETH-PERP"]);
    expect(marketChoices(["BTC-PERP"], "BTC-PERP")).toEqual(["BTC-PERP"]);
  });

  it("asks for whole days, the last one to its end", () => {
    const day = { ...FIRST_QUESTION, from: "2025-04-14", to: "2025-04-14" };
    expect(addressOf(FIRST_QUESTION)).toBe("api/lab/funding?market=SOL-PERP&spot=sol&notional_usd=10000");
    expect(addressOf(day)).toBe(`${addressOf(FIRST_QUESTION)}&from_ts=1744588800000&to_ts=1744675200000`);
  });

  it("takes whole dollars within the server's bounds, however they are grouped", () => {
    const asked = (notional: string): string | null => problemOf({ ...FIRST_QUESTION, notional })?.field ?? null;
    for (const good of ["100", "10,000", "$ 10000", "10,000,000"]) expect(asked(good), good).toBeNull();
    for (const bad of ["", "0", "99", "10,000,001", "-500", "1e30", "NaN", "12.5", "ten"]) expect(asked(bad), bad).toBe("notional");
  });

  it("refuses days that are none, and a span that ends before it begins", () => {
    const asked = (from: string, to: string): string | null => problemOf({ ...FIRST_QUESTION, from, to })?.field ?? null;
    expect(asked("2025-04-14", "2025-04-14")).toBeNull();
    expect([asked("2025-02-30", ""), asked("20255-01-01", ""), asked("", "2039-01-01")]).toEqual(["from", "from", "to"]);
    expect(asked("2025-05-01", "2025-04-30")).toBe("to");
    expect(problemOf({ ...FIRST_QUESTION, from: "2025-05-01", to: "2025-04-30" })?.message).toContain("not before 2025-05-01");
  });

  it("says the question in words, and knows the same one again", () => {
    const span = { ...FIRST_QUESTION, spot: "jitosol", to: "2025-04-30" } as const;
    expect(questionWords(FIRST_QUESTION)).toBe("SOL-PERP, spot leg SOL, $10,000, all recorded hours");
    expect(questionWords(span)).toBe("SOL-PERP, spot leg jitoSOL, $10,000, to 2025-04-30 with its last hour");
    expect(sameQuestion(FIRST_QUESTION, { ...FIRST_QUESTION, notional: "10000" })).toBe(true);
    expect(sameQuestion(FIRST_QUESTION, span)).toBe(false);
  });
});
