import { describe, expect, it } from "vitest";
import { announce } from "./announce";
import type { Fill, HealthAlert } from "./messages";
import { emptyState } from "./store/state";

const fill = (id: string, size: number): Fill =>
  ({ id, size, engine: "funding", side: "sell", instrument: "SOL-PERP", price: 151.3 }) as Fill;
const alert = (level: HealthAlert["level"], active = true): HealthAlert =>
  ({ id: "h", level, active, message: "health 18" }) as HealthAlert;
const none = emptyState();

describe("announce", () => {
  it("tells a new fill and one that grew, not an old one", () => {
    const before = { ...none, fills: [fill("a", 1)] };
    expect(announce(before, { ...none, fills: [fill("a", 1)] }).polite).toBe("");
    expect(announce(before, { ...none, fills: [fill("a", 1), fill("b", 4.2)] }).polite).toBe(
      "Funding sold 4.2000 SOL-PERP at 151.300.",
    );
    expect(announce(before, { ...none, fills: [fill("b", 1), fill("a", 2)] }).polite).toContain("1 more fill");
  });

  it("tells an alert when it begins or gets another level, once", () => {
    const warned = { ...none, alerts: [alert("WARNING")] };
    expect(announce(none, warned).urgent).toBe("WARNING: health 18");
    expect(announce(warned, { ...none, alerts: [alert("WARNING")] }).urgent).toBe("");
    expect(announce(warned, { ...none, alerts: [alert("CRITICAL")] }).urgent).toBe("CRITICAL: health 18");
    expect(announce(warned, { ...none, alerts: [alert("WARNING", false)] }).urgent).toBe("");
    const near = { ...alert("CRITICAL"), liq_price: 174.757281 };
    expect(announce(none, { ...none, alerts: [near] }).urgent).toBe(
      "CRITICAL: health 18. Liquidation at 174.757 dollars.",
    );
  });
});
