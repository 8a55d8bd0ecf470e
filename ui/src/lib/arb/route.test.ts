import { describe, expect, it } from "vitest";
import type { ArbSwap } from "../messages";
import { drawRoute, hopsOf, routeNameWords, routeWords, shorten } from "./route";

const swap = (pool: string, in_asset: string, out_asset: string, share = 1): ArbSwap => {
  const venue = pool.split(":")[0] ?? "";
  return { pool, venue, in_asset, out_asset, share };
};
const ADDRESS = "58oQChx4yWmvKdwLLZzBi4ChoCc2fqCUWBkwMihLYQo2";
const SWAPS = [
  swap("orca:SOL/USDC", "SOL", "USDC", 0.75),
  swap("raydium:SOL/USDC", "SOL", "USDC", 0.25),
  { ...swap(ADDRESS, "USDC", "SOL"), venue: "meteora_dlmm" },
];
const hops = hopsOf(SWAPS);

describe("hopsOf", () => {
  it("puts parallel pools into one hop, in their order", () => {
    expect(hops.map((hop) => [hop.from, hop.to, hop.lanes.map((lane) => lane.share)])).toEqual([
      ["SOL", "USDC", [0.75, 0.25]],
      ["USDC", "SOL", [1]],
    ]);
  });

  it("keeps apart what only returns to the same assets later", () => {
    const there = [swap("a", "SOL", "USDC"), swap("b", "USDC", "SOL"), swap("c", "SOL", "USDC")];
    expect(hopsOf(there).length).toBe(3);
  });
});

describe.each([
  ["a band", 900],
  ["a column", 360],
])("drawRoute as %s", (_, width) => {
  const drawing = drawRoute(hops, width);
  const places = drawing.nodes.map((node) => (width === 900 ? node.x : node.y));

  it("draws the assets in order, the base at both ends", () => {
    expect(drawing.nodes.map((node) => [node.asset, node.base])).toEqual([
      ["SOL", true],
      ["USDC", false],
      ["SOL", true],
    ]);
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(drawing.heads.length).toBe(2);
  });

  it("makes lanes as thick as their share, and labels each", () => {
    const [most, least, all] = drawing.lanes.map((lane) => lane.thickness);
    expect([most! > least!, all! > most!]).toEqual([true, true]);
    expect(drawing.lanes.map((lane) => lane.lines)).toEqual([
      ["orca", "75 % · SOL/USDC"],
      ["raydium", "25 % · SOL/USDC"],
      ["meteora dlmm", "58oQChx4…ihLYQo2"],
    ]);
  });

  it("stays within its frame", () => {
    for (const { x, y } of [...drawing.nodes, ...drawing.lanes]) {
      expect([x >= 0, x <= width, y >= 0, y <= drawing.height]).toEqual([true, true, true, true]);
    }
    const labels = drawing.lanes.map((lane) => `${lane.x} ${lane.y}`);
    expect(new Set(labels).size).toBe(labels.length);
    expect(JSON.stringify(drawing)).not.toMatch(/null|NaN/);
  });
});

it("draws nothing of no route", () => {
  expect(drawRoute([], 800)).toMatchObject({ nodes: [], lanes: [], heads: [] });
  expect(drawRoute([], 300)).toMatchObject({ nodes: [], lanes: [], heads: [] });
});

it("says a route in words", () => {
  expect(routeWords(hops)).toBe(
    `SOL to USDC 75 % through orca:SOL/USDC and 25 % through raydium:SOL/USDC, then USDC to SOL through ${ADDRESS}`,
  );
  expect(routeNameWords("SOL orca:WIF/SOL> raydium:WIF/SOL<")).toBe("SOL through orca:WIF/SOL, raydium:WIF/SOL");
  expect(routeNameWords(`SOL ${ADDRESS}>`)).toBe("SOL through 58oQChx4…ihLYQo2");
  expect(routeNameWords("none")).toBe("none");
});

it("shortens what is long and nothing else", () => {
  expect(shorten("short", 5)).toBe("short");
  expect(shorten("abcdefghij", 5)).toBe("ab…ij");
});
