"""Who is traded where: tokens, perps, stake pools and pools of the built-in market, as tables.

Prices and sizes at the start are round figures of the right order. Volatilities named ``hl_ret`` and funding named
``hl_funding_apr_mean_last_year`` are those keys of the calibration; the rest are our own estimates.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from phantom_arbiter.core.instruments import SOL, USDC, USDT, Asset, Instrument, Universe, perp, spot

PERP_VENUE: Final = "drift"


class Token(Struct, frozen=True):
    """A token with a dollar price of its own. ``vol_bps``: standard deviation of a 5-minute return; ``rho``: the
    correlation of its returns with SOL's. ``launch`` marks a young memecoin."""

    asset: Asset
    usd: float
    vol_bps: float
    rho: float
    launch: bool = False


TOKENS: Final = (
    Token(SOL, 125.0, 25.43, 1.0),  # hl_ret
    Token(Asset("BTC", 8), 88_000.0, 13.93, 0.8),  # hl_ret
    Token(Asset("ETH", 8), 3_000.0, 20.0, 0.8),
    Token(Asset("HYPE", 8), 25.0, 32.0, 0.6),
    Token(Asset("JUP", 6, "JUPyiwrYJFskUPiHa7hkeR8VUtAeFoSYbKedZNsDvCN"), 0.2, 36.0, 0.7),
    Token(Asset("JTO", 9, "jtojtomepa8beP8AuQc6eXt5FriJwfFMwQx2v2f9mCL"), 0.4, 38.0, 0.7),
    Token(Asset("WIF", 6, "EKpQGSJtjMFqKZ9KQanSqYXRcF8fBopzLHYxdM65zcjm"), 0.35, 44.96, 0.65),  # hl_ret
    Token(Asset("FARTCOIN", 6, "9BB6NFEcjBCtnNLFko2FqVQBq8HHM13kCyYcdQbgpump"), 0.3, 70.87, 0.55),  # hl_ret
    Token(Asset("BONK", 5, "DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263"), 0.000_008, 45.71, 0.65),  # hl_ret kBONK
    Token(Asset("POPCAT", 9, "7GCihgDB8fe6KNjn2MYtkzZcRjQy3t9GHdC8uHYmW2hr"), 0.12, 62.33, 0.55),  # hl_ret
    Token(Asset("PENGU", 6, "2zMMhcVQEXDtdE6vsFS7S7D5oUodfJHE8vd1gnBouauv"), 0.01, 54.71, 0.55),  # hl_ret
    Token(Asset("PLOP", 6), 0.000_9, 150.0, 0.25, launch=True),
    Token(Asset("ZORP", 6), 0.000_04, 180.0, 0.2, launch=True),
    Token(Asset("MUNCH", 6), 0.000_002, 200.0, 0.2, launch=True),
    Token(Asset("DRIP", 6), 0.000_006, 220.0, 0.15, launch=True),
    Token(Asset("QUACK", 6), 0.000_001_3, 220.0, 0.15, launch=True),
)
TOKEN_INDEX: Final = {token.asset.symbol: index for index, token in enumerate(TOKENS)}
LAUNCHES: Final = tuple(token.asset.symbol for token in TOKENS if token.launch)
MEMECOINS: Final = ("WIF", "FARTCOIN", "BONK", "POPCAT", "PENGU", *LAUNCHES)


class StakePoolSpec(Struct, frozen=True):
    """A liquid staking token. Rate and epoch return: calibration key ``lst_rates``; fees: reference §1.3."""

    asset: Asset
    rate_e9: int
    epoch_return_e9: int
    supply_tokens: int
    reserve_sol: int
    withdraw_fee_ppm: int
    instant_fee_ppm: int


STAKE_POOLS: Final = (
    StakePoolSpec(
        Asset("jitoSOL", 9, "J1toso1uCk3RLmjorhTtrVwY9HJ7X8V9yYac6Y7kGCPn"),
        *(1_297_000_000, 300_800, 10_000_000, 3_000, 1_000, 1_000),
    ),
    StakePoolSpec(
        Asset("mSOL", 9, "mSoLzYCxHdYgdzU16g5QSh3i5K3z3KZK7ytfqcJm7So"),
        *(1_401_000_000, 320_400, 2_500_000, 20_000, 1_000, 3_000),
    ),
    StakePoolSpec(
        Asset("bSOL", 9, "bSo13r4TkiE4KumL71LsHTPpL2euBYLFx6h9HP3piy1"),
        *(1_312_000_000, 287_200, 800_000, 500, 1_000, 1_000),
    ),
    StakePoolSpec(
        Asset("JupSOL", 9, "jupSoLaHXQiZZTSfEWMTRRgpnyFm8f6sZdosWBjx93v"),
        *(1_205_000_000, 324_700, 3_500_000, 1_000, 1_000, 1_000),
    ),
)
LST_INDEX: Final = {pool.asset.symbol: index for index, pool in enumerate(STAKE_POOLS)}


class PerpSpec(Struct, frozen=True):
    """A perp market. ``half_spread_e6``: half the bid-ask spread in millionths of the mark; ``depth_usd``: size that
    moves the price by 1 bp; ``oracle_gap_slots``: shortest and longest wait between oracle posts, the shortest after
    a move of ``oracle_move_bps``."""

    instrument: Instrument
    token: int
    funding_apr: float
    half_spread_e6: int
    depth_usd: float
    open_interest_usd: float
    volume_usd: float
    oracle_gap_slots: tuple[int, int]
    oracle_move_bps: float


def _perp(
    base: str, min_base: int, apr: float, numbers: tuple[int, float, float, float], gap: int, move: float
) -> PerpSpec:
    instrument = perp(base, USDC, min_base_atoms=min_base, step_base_atoms=min_base)
    return PerpSpec(instrument, TOKEN_INDEX[base], apr, *numbers, (3, gap), move)


PERPS: Final = (
    # SOL: +18 % a year is kinder than history (-3.7 %); BTC: drift_BTC_funding_frac_1h; rest: hl_funding_apr_mean.
    _perp("SOL", 10_000_000, 0.18, (50, 400_000, 180e6, 900e6), 5, 2.0),
    _perp("BTC", 100_000, 0.0799, (50, 800_000, 240e6, 1_500e6), 20, 2.0),
    _perp("ETH", 1_000_000, 0.1186, (50, 500_000, 120e6, 700e6), 20, 3.0),
    _perp("HYPE", 10_000_000, 0.4609, (100, 80_000, 30e6, 90e6), 25, 7.0),
    _perp("JUP", 1_000_000_000, 0.04125, (150, 40_000, 8e6, 12e6), 25, 8.0),
    _perp("JTO", 1_000_000_000, 0.1249, (150, 30_000, 6e6, 9e6), 25, 8.0),
    _perp("WIF", 1_000_000_000, 0.1928, (150, 40_000, 9e6, 20e6), 25, 10.0),
    _perp("FARTCOIN", 1_000_000_000, 0.4263, (150, 40_000, 10e6, 30e6), 25, 15.0),
)
PERP_INDEX: Final = {spec.instrument.id: index for index, spec in enumerate(PERPS)}


class PoolSpec(Struct, frozen=True):
    """A constant-product pool: its fee in 1e-6 of the input, dollars on each side, and noise trades a minute."""

    id: str
    venue: str
    base: str
    quote: str
    fee_e6: int
    side_usd: float
    trades_per_minute: float


def _pools(pair: str, *rows: tuple[str, int, float, float]) -> tuple[PoolSpec, ...]:
    """Pools of one pair, the deepest first; rows: venue, fee in bps, thousands of dollars a side, trades a minute."""
    base, quote = pair.split("/")
    return tuple(
        PoolSpec(f"{venue}:{pair}", venue, base, quote, fee_bps * 100, thousands * 1_000.0, rate)
        for venue, fee_bps, thousands, rate in rows
    )


POOLS: Final = (
    *_pools("SOL/USDC", ("orca", 4, 12_000, 22), ("raydium", 25, 8_000, 12), ("meteora", 10, 4_000, 9)),
    *_pools("SOL/USDC", ("phoenix", 2, 3_000, 9), ("lifinity", 3, 2_000, 7)),
    *_pools("SOL/USDT", ("orca", 5, 2_000, 5), ("raydium", 25, 1_500, 4), ("meteora", 10, 800, 3)),
    *_pools("USDC/USDT", ("orca", 1, 5_000, 4), ("lifinity", 1, 2_500, 3)),
    *_pools("jitoSOL/SOL", ("orca", 1, 9_000, 7), ("meteora", 2, 3_000, 4), ("raydium", 5, 2_000, 3)),
    *_pools("mSOL/SOL", ("orca", 3, 4_000, 5), ("raydium", 5, 1_500, 3), ("lifinity", 3, 1_000, 2)),
    *_pools("bSOL/SOL", ("orca", 3, 1_800, 3), ("raydium", 5, 700, 2)),
    *_pools("JupSOL/SOL", ("orca", 2, 3_500, 4), ("meteora", 5, 1_500, 3)),
    *_pools("jitoSOL/USDC", ("orca", 5, 2_500, 4)),
    *_pools("mSOL/USDC", ("raydium", 25, 600, 2)),
    *_pools("JUP/USDC", ("meteora", 20, 1_500, 5), ("orca", 30, 900, 3), ("phoenix", 5, 300, 3)),
    *_pools("JUP/SOL", ("raydium", 25, 1_200, 4), ("orca", 30, 600, 3)),
    *_pools("JTO/USDC", ("raydium", 25, 500, 3)),
    *_pools("JTO/SOL", ("orca", 30, 700, 3), ("meteora", 20, 400, 2)),
    *_pools("BONK/SOL", ("raydium", 25, 2_500, 10), ("orca", 30, 1_500, 6), ("meteora", 20, 800, 4)),
    *_pools("BONK/USDC", ("orca", 30, 800, 4), ("lifinity", 10, 250, 2)),
    *_pools("WIF/SOL", ("raydium", 25, 2_200, 9), ("orca", 30, 900, 5)),
    *_pools("WIF/USDC", ("raydium", 25, 600, 3), ("phoenix", 5, 200, 3)),
    *_pools("POPCAT/SOL", ("raydium", 25, 1_500, 7), ("meteora", 30, 500, 3)),
    *_pools("PENGU/SOL", ("orca", 30, 1_400, 7), ("raydium", 25, 900, 5)),
    *_pools("FARTCOIN/SOL", ("raydium", 25, 2_000, 10), ("meteora", 20, 900, 5)),
    *_pools("FARTCOIN/USDC", ("raydium", 25, 500, 3)),
    *_pools("PLOP/SOL", ("pumpswap", 30, 900, 30), ("raydium", 25, 250, 10)),
    *_pools("ZORP/SOL", ("pumpswap", 55, 300, 26), ("meteora", 60, 90, 8)),
    *_pools("MUNCH/SOL", ("pumpswap", 95, 120, 22), ("raydium", 100, 30, 6)),
    *_pools("DRIP/SOL", ("pumpswap", 110, 70, 20)),
    *_pools("QUACK/SOL", ("pumpswap", 120, 50, 18)),
)
POOL_INDEX: Final = {pool.id: index for index, pool in enumerate(POOLS)}
POOL_VENUES: Final = tuple(sorted({pool.venue for pool in POOLS}))

_PRICE_DECIMALS: Final = {
    **{"SOL/USDC": 6, "SOL/USDT": 6, "USDC/USDT": 8, "jitoSOL/USDC": 6, "mSOL/USDC": 6},
    **{"jitoSOL/SOL": 9, "mSOL/SOL": 9, "bSOL/SOL": 9, "JupSOL/SOL": 9},
    **{"JUP/USDC": 8, "JUP/SOL": 11, "JTO/USDC": 8, "JTO/SOL": 11, "BONK/SOL": 15, "BONK/USDC": 13},
    **{"WIF/SOL": 11, "WIF/USDC": 8, "POPCAT/SOL": 11, "PENGU/SOL": 12, "FARTCOIN/SOL": 11, "FARTCOIN/USDC": 8},
    **{"PLOP/SOL": 14, "ZORP/SOL": 15, "MUNCH/SOL": 16, "DRIP/SOL": 16, "QUACK/SOL": 16},
}
"""Seven or more significant digits at the start, so that six remain after a fall to a tenth."""


def universe() -> Universe:
    """Every asset and instrument of the built-in market."""
    assets = (SOL, USDC, USDT, *(pool.asset for pool in STAKE_POOLS), *(t.asset for t in TOKENS if _on_chain(t)))
    by_symbol = {asset.symbol: asset for asset in assets}
    pairs = {f"{pool.base}/{pool.quote}": pool for pool in POOLS}
    spots = tuple(spot(by_symbol[p.base], by_symbol[p.quote], _PRICE_DECIMALS[pair]) for pair, p in pairs.items())
    return Universe.of(assets, (*spots, *(spec.instrument for spec in PERPS)))


def _on_chain(token: Token) -> bool:
    symbol = token.asset.symbol
    return symbol != "SOL" and any(symbol in (pool.base, pool.quote) for pool in POOLS)
