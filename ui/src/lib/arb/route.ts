import type { ArbSwap } from "../messages";

/** A way through a hop: one pool, with its part (0…1) of the hop's input. */
export interface Lane {
  readonly pool: string;
  readonly venue: string;
  readonly share: number;
}

/** A step of a cycle, through one pool or several at once. */
export interface Hop {
  readonly from: string;
  readonly to: string;
  readonly lanes: readonly Lane[];
}

/** A drawing in pixels. Labels have two lines, at `y` and one line below. */
export interface Drawing {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly { asset: string; x: number; y: number; base: boolean }[];
  readonly lanes: readonly LaneDrawing[];
  /** Triangles, as points of a polygon: one where each hop arrives. */
  readonly heads: readonly string[];
}

export interface LaneDrawing {
  readonly path: string;
  readonly thickness: number;
  readonly lines: readonly [string, string];
  readonly x: number;
  readonly y: number;
  readonly anchor: "middle" | "start";
  /** From the lane to its label, where that stands apart. */
  readonly leader: string;
}

export const NODE = { width: 68, height: 26 } as const;
/** Narrower than this, a route runs down the page. */
const BAND_WIDTH = 600;
const HEAD = { length: 10, half: 7 } as const;
const MARGIN = 12;
const LINE = 14;
const LETTER = 6.5;
/** An address keeps enough of both ends to be told from others. */
const POOL_LETTERS = 16;
const THIN = 1.5;
const THICK = 7;

/** The hops of a route: neighbouring swaps of the same two assets are one. */
export function hopsOf(swaps: readonly ArbSwap[]): readonly Hop[] {
  const hops: { from: string; to: string; lanes: Lane[] }[] = [];
  for (const { in_asset: from, out_asset: to, pool, venue, share } of swaps) {
    const last = hops.at(-1);
    if (last?.from === from && last.to === to) last.lanes.push({ pool, venue, share });
    else hops.push({ from, to, lanes: [{ pool, venue, share }] });
  }
  return hops;
}

/** The route in words, for those who don't see it drawn. */
export function routeWords(hops: readonly Hop[]): string {
  const one = ({ from, to, lanes }: Hop): string => {
    const parts = lanes.map((lane) => (lanes.length > 1 ? `${percentOf(lane)} through ${lane.pool}` : `through ${lane.pool}`));
    return `${from} to ${to} ${parts.join(" and ")}`;
  };
  return hops.map(one).join(", then ");
}

/** A route from left to right, or down the page where `width` pixels are too few for that. */
export function drawRoute(hops: readonly Hop[], width: number): Drawing {
  return width >= BAND_WIDTH ? band(hops, width) : column(hops, width);
}

function band(hops: readonly Hop[], width: number): Drawing {
  const spread = 52;
  const most = Math.max(...hops.map((hop) => hop.lanes.length), 1);
  const height = most * spread + 2 * MARGIN;
  const middle = height / 2;
  const step = (width - 2 * MARGIN - NODE.width) / Math.max(hops.length, 1);
  const nodeX = (at: number): number => MARGIN + NODE.width / 2 + at * step;
  const room = Math.floor((step - NODE.width - 2 * HEAD.length) / LETTER);
  const lanes = hops.flatMap((hop, at) => {
    const [start, end] = [nodeX(at) + NODE.width / 2, nodeX(at + 1) - NODE.width / 2 - HEAD.length];
    const bend = Math.min((end - start) / 3, 48);
    return hop.lanes.map((lane, index): LaneDrawing => {
      const y = middle + (index - (hop.lanes.length - 1) / 2) * spread;
      const path =
        `M${start} ${middle} C${start + bend / 2} ${middle} ${start + bend / 2} ${y} ${start + bend} ${y} ` +
        `H${end - bend} C${end - bend / 2} ${y} ${end - bend / 2} ${middle} ${end} ${middle}`;
      const x = (start + end) / 2;
      return { ...common(lane, hop, room), path, x, y: y - 9, anchor: "middle", leader: "" };
    });
  });
  const heads = hops.map((_, at) => {
    const tip = nodeX(at + 1) - NODE.width / 2;
    return `${tip},${middle} ${tip - HEAD.length},${middle - HEAD.half} ${tip - HEAD.length},${middle + HEAD.half}`;
  });
  return { width, height, nodes: nodesOf(hops, (at) => [nodeX(at), middle]), lanes, heads };
}

function column(hops: readonly Hop[], width: number): Drawing {
  const [spread, label, ends] = [16, 2 * LINE + 8, 22];
  const x = MARGIN + NODE.width / 2;
  let top = MARGIN + NODE.height / 2;
  const nodeYs = [top];
  const lanes: LaneDrawing[] = [];
  const heads: string[] = [];
  for (const hop of hops) {
    const start = top + NODE.height / 2;
    const tip = start + hop.lanes.length * label + 2 * ends;
    const end = tip - HEAD.length;
    const textX = x + (hop.lanes.length - 1) * spread + 20;
    const room = Math.floor((width - textX - MARGIN) / LETTER);
    hop.lanes.forEach((lane, index) => {
      const laneX = x + index * spread;
      const y = start + ends + index * label + LINE;
      const path =
        `M${x} ${start} C${x} ${start + ends / 2} ${laneX} ${start + ends / 2} ${laneX} ${start + ends} ` +
        `V${end - ends} C${laneX} ${end - ends / 2} ${x} ${end - ends / 2} ${x} ${end}`;
      const leader = `M${laneX} ${y - 4} H${textX - 5}`;
      lanes.push({ ...common(lane, hop, room), path, x: textX, y, anchor: "start", leader });
    });
    heads.push(`${x},${tip} ${x - HEAD.half},${end} ${x + HEAD.half},${end}`);
    top = tip + NODE.height / 2;
    nodeYs.push(top);
  }
  const nodes = nodesOf(hops, (at) => [x, nodeYs[at] ?? top]);
  return { width, height: top + NODE.height / 2 + MARGIN, nodes, lanes, heads };
}

function common(lane: Lane, hop: Hop, room: number): { thickness: number; lines: readonly [string, string] } {
  const share = hop.lanes.length > 1 ? `${percentOf(lane)} · ` : "";
  const venue = lane.venue === "" ? "venue unknown" : lane.venue.replaceAll("_", " ");
  const pool = lane.venue !== "" && lane.pool.startsWith(`${lane.venue}:`) ? lane.pool.slice(lane.venue.length + 1) : lane.pool;
  const part = Math.min(Math.max(lane.share, 0), 1);
  return {
    thickness: THIN + (THICK - THIN) * part,
    lines: [shorten(venue, room), share + shorten(pool, Math.min(room - share.length, POOL_LETTERS))],
  };
}

function nodesOf(hops: readonly Hop[], place: (at: number) => readonly [number, number]): Drawing["nodes"] {
  const first = hops[0];
  const assets = first === undefined ? [] : [first.from, ...hops.map((hop) => hop.to)];
  return assets.map((asset, at) => {
    const [x, y] = place(at);
    return { asset: shorten(asset, 10), x, y, base: asset === first?.from };
  });
}

/** The engine's name of a route, "SOL orca:SOL/USDC> raydium:SOL/USDC<", in words. */
export function routeNameWords(name: string): string {
  const [base = "", ...pools] = name.split(" ");
  return pools.length === 0 ? name : `${base} through ${pools.map((pool) => poolName(pool.replace(/[<>]$/, ""))).join(", ")}`;
}

/** A pool's name; of an address, both ends. */
export function poolName(pool: string): string {
  return pool.includes(":") ? pool : shorten(pool, POOL_LETTERS);
}

/** Long names and addresses keep both ends. */
export function shorten(text: string, most: number): string {
  if (text.length <= most) return text;
  const kept = Math.max(most - 1, 2);
  return `${text.slice(0, Math.ceil(kept / 2))}…${text.slice(text.length - Math.floor(kept / 2))}`;
}

export function percentOf(lane: Lane): string {
  return `${Math.round(lane.share * 100)} %`;
}
