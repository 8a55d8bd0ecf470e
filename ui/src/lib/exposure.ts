import type { Position } from "./messages";

export interface Exposure {
  readonly asset: string;
  readonly long: number;
  readonly short: number;
  readonly net: number;
}

/** The asset a position is exposed to: "SOL-PERP" and "SOL/USDC" are SOL. */
export function baseAsset(instrument: string): string {
  return instrument.split(/[/-]/)[0] ?? instrument;
}

/** Dollar exposure by base asset, long and short and netted, the largest first. Unpriced positions are left out. */
export function netExposure(positions: readonly Position[]): readonly Exposure[] {
  const table = new Map<string, Exposure>();
  for (const { instrument, size, value_usd } of positions) {
    if (value_usd === null) continue;
    const asset = baseAsset(instrument);
    const known = table.get(asset) ?? { asset, long: 0, short: 0, net: 0 };
    const long = known.long + (size > 0 ? value_usd : 0);
    const short = known.short + (size < 0 ? value_usd : 0);
    table.set(asset, { asset, long, short, net: long - short });
  }
  return [...table.values()].sort((a, b) => Math.abs(b.net) - Math.abs(a.net));
}
