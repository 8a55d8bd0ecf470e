import type { Position, VaultBalance } from "./messages";

/** What is held of an asset and through perps on it, in whole units. `net_usd` is null where a part has no price. */
export interface Exposure {
  readonly asset: string;
  readonly held: number;
  readonly perps: number;
  readonly net: number;
  readonly net_usd: number | null;
}

/** The asset a position is exposed to: "SOL-PERP" and "SOL/USDC" are SOL. */
export function baseAsset(instrument: string): string {
  return instrument.split(/[/-]/)[0] ?? instrument;
}

/**
 * The vaults' balances and the perps' signed sizes by asset over all engines, the largest value first. Spot lots and
 * collateral are no parts of their own: the vaults hold them.
 */
export function netExposure(balances: readonly VaultBalance[], positions: readonly Position[]): readonly Exposure[] {
  const table = new Map<string, Exposure>();
  const add = (asset: string, held: number, perps: number, usd: number | null): void => {
    const known = table.get(asset) ?? { asset, held: 0, perps: 0, net: 0, net_usd: 0 };
    table.set(asset, {
      asset,
      held: known.held + held,
      perps: known.perps + perps,
      net: known.net + held + perps,
      net_usd: known.net_usd === null || usd === null ? null : known.net_usd + usd,
    });
  };
  for (const { asset, available, reserved, deployed, value_usd } of balances) {
    const held = available + reserved + deployed;
    if (held !== 0) add(asset, held, 0, value_usd);
  }
  for (const { kind, instrument, size, value_usd } of positions) {
    if (kind !== "perp") continue;
    add(baseAsset(instrument), 0, size, value_usd === null ? null : Math.sign(size) * value_usd);
  }
  return [...table.values()].sort((a, b) => Math.abs(b.net_usd ?? 0) - Math.abs(a.net_usd ?? 0));
}
