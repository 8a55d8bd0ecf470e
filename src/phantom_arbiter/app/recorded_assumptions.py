"""What recorded data do not say, and what is put in its place: the numbers, each with its reason, and their words."""

from __future__ import annotations

from typing import Final

from phantom_arbiter.core.events import FeesPosted, TokenAudited
from phantom_arbiter.core.units import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE
from phantom_arbiter.sim.liquidity import Impact

PERP_VENUE: Final = "drift"
PERP_CANDLE_VENUE: Final = "binance_usdm"
PERP_BASES: Final = ("SOL", "BTC", "ETH")
"""Bases whose spot price is also the oracle's price of their perp."""
MAX_CANDLE_NS: Final = 5 * NS_PER_MINUTE
"""Longer bars say too little about the price inside them."""
IRREGULAR_NS: Final = 30 * NS_PER_MINUTE
"""Pool states come when a pool moved: their prices count as a series of this step, so they may be an hour old."""

HALF_SPREAD_BPS: Final = 5
MAJOR_HALF_SPREAD_BPS: Final = 1
LST_HALF_SPREAD_BPS: Final = 16
"""Of an exchange's liquid staking token, whose price in SOL is the quotient of two closes in dollars.

A close is a trade at the bid or the ask, so its changes lean back: by Roll's estimator (1984) the half spread is
√−cov(Δp_t, Δp_t+1). Of BNSOL's discount in bars of 5 minutes (34,560 of them, standard deviation 12.28 bps,
autocorrelation 0.598 at lag 1, 0.578 at lag 3) 40 % of the variance is gone after one bar while the rest stays for
hours: √(0.40 · 12.28²) = 7.8 bps; from the changes themselves 7.6. SOL's own share, half a bp, is not taken out.
The close is itself at the bid or the ask: a half spread around *it* must be twice that, or who buys low closes would
gain a bounce that was never for sale."""
POOLED_LST_HALF_SPREAD_BPS: Final = 30
"""Of a token whose price in SOL was read from pools in dollars: who trades there pays the pool's fee, 25 bps at Raydium
and 30 at Orca's tick spacing 64, and SOL's own pool a few more."""
ORACLE_CONFIDENCE_BPS: Final = 5
REFERENCE_FEE_PPM: Final = 500
"""SOL/USDC pools up to this fee give SOL's price: in the real states of 2024 they agree to a basis point (median),
while the rest, stale between arbitrages, stray by hundreds."""

WITHDRAW_FEE_PPM: Final = 1_000
STAKE_SUPPLY_ATOMS: Final = 10**15

FEES: Final = FeesPosted(priority_micro_lamports=10_000, tip_floor_lamports=10_000)
"""Jito's landed tips on 2025-04-24: median 10,000 lamports (reference/trading-domain.md §2.2)."""

IMPACT: Final = Impact(
    depth_quote_atoms={
        "USDC": 1_000_000 * 10**6,
        "SOL/USDC": 20_000_000 * 10**6,
        "USDC/USDT": 10_000_000 * 10**6,
        **{f"{base}-PERP": 100_000_000 * 10**6 for base in PERP_BASES},
        "USDT": 1_000_000 * 10**6,
        "SOL": 10_000 * 10**9,
    }
)
"""Depth as the reserve of a constant-product pool on each side: a trade of 1 % of it moves its average price by 1 %.

LSTs in SOL: so that the volume of a median BNSOL bar of April 2025 (some 1,800 USDT, 14 SOL) moves it by 14 bps."""

THIN_LST_DEPTH_LAMPORTS: Final = 1_000 * 10**9
"""The depth of an LST whose ratio was read from pools: the largest of 2024 held some 780 mSOL."""


def assumed_audit(token: str) -> TokenAudited:
    """A clean audit: the data has none, and each of these tokens was listed on a large exchange by then."""
    return TokenAudited(
        token=token,
        mint_authority=False,
        freeze_authority=False,
        transfer_fee_bps=0,
        liquidity_usd_micros=10_000_000 * 10**6,
        top_holders_bps=1_500,
        holders=50_000,
        age_ns=365 * NS_PER_DAY,
        lp_burned_bps=10_000,
        sell_simulated=True,
    )


CANDLES: Final = (
    "A bar is told by its close alone, at the instant it ends: what happened inside it is not known.",
    f"Bid and ask lie {MAJOR_HALF_SPREAD_BPS} bp around the price of SOL, BTC, ETH and the stables, "
    f"{LST_HALF_SPREAD_BPS} bps for liquid staking tokens, {HALF_SPREAD_BPS} bps for other tokens.",
    "Prices in USDT are told as prices in USDC: both count as one dollar. USDC/USDT is quoted where it was recorded.",
    "Prices of an exchange stand for prices on the chain, also of tokens that are not on it.",
)
AUDITS: Final = "Every listed token counts as audited and clean: the data holds no audits (their source is 'assumed')."
PERPS: Final = (
    f"The oracle is the spot price, with a confidence of {ORACLE_CONFIDENCE_BPS} bps.",
    "Without perp candles a perp's mark is the oracle times one plus the premium of the last funding record; with "
    "perp candles and no spot, the oracle is the perp's price less that premium.",
    "Open interest and volume are not recorded: 0.",
)
TWAP: Final = "Where no price series covers a stretch, the oracle TWAP of each funding record is the price."
STAKE: Final = (
    f"Stake pools: a withdrawal costs {WITHDRAW_FEE_PPM} ppm, nothing can be redeemed at once, an epoch lasts as long "
    "as the one before it, and within an epoch a pool read once stays as it was read (told again every hour)."
)
RATIOS: Final = (
    f"LST prices in SOL of an exchange, quotients of two closes, come with {LST_HALF_SPREAD_BPS} bps on either side: "
    "twice the bounce that Roll's estimator finds in BNSOL's discount (√(40 % of the variance of 12.28² bps²) = 7.8 "
    "bps), since a close is itself at the bid or the ask."
)
POOLED_RATIOS: Final = (
    f"LST prices in SOL read from pools come with {POOLED_LST_HALF_SPREAD_BPS} bps on either side, the pools' fees; "
    "each is told as it was recorded, of several pools in turn, and offers what that pool held."
)
POOLS: Final = (
    "Pool states were recorded when two pools stood apart: they are no sample of calm times.",
    "Where a source gives only what the tick range holds, both reserves are cut to the smaller side at the row's "
    "price: never more than was there, and constant product inside the range is a lower bound.",
    f"SOL's price is that of the SOL/USDC pools with a fee up to {REFERENCE_FEE_PPM} ppm.",
)
ALWAYS: Final = (
    f"Landing costs: {FEES.priority_micro_lamports} micro-lamports a compute unit, tips from "
    f"{FEES.tip_floor_lamports} lamports; every venue that appears is live throughout.",
    "Depth behind a price is assumed (app/recorded_assumptions.py): quotes carry it, engines reckon with it, and fills "
    "pay their impact on it. For an LST in SOL it is 10,000 SOL of an exchange, 1,000 SOL of pools.",
)
STAKE_EVERY_NS: Final = NS_PER_HOUR
