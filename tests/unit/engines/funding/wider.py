"""A market with three perps: SOL (hedged with SOL or jitoSOL), JUP (a token of six decimals) and BTC (no spot)."""

from typing import Any

from phantom_arbiter.core.events import AnyFact, OraclePosted, PoolUpdated, Quoted
from phantom_arbiter.core.instruments import SOL, USDC, Asset, Universe, perp, spot
from phantom_arbiter.engines.funding import FundingConfig, FundingEngine
from tests.unit.engines.market_builder import USD, WHOLE, Bench, hour, price, sol_pool, stake_pool, stats

JITOSOL, JUP = Asset("jitoSOL", 9), Asset("JUP", 6)
WIDER = Universe.of(
    (SOL, USDC, JITOSOL, JUP),
    (
        spot(SOL, USDC, 6),
        spot(JITOSOL, USDC, 6),
        spot(JUP, USDC, 6),
        perp("SOL", USDC, min_base_atoms=10_000_000, step_base_atoms=10_000_000),
        perp("JUP", USDC, min_base_atoms=WHOLE, step_base_atoms=WHOLE),
        perp("BTC", USDC, min_base_atoms=100_000, step_base_atoms=100_000),
    ),
)
RATE = 1.25


def jito(usd: float, tokens: int = 80_000, fee_bps: int = 5) -> list[AnyFact]:
    """jitoSOL against dollars, at what it redeems for: a quote, and a pool as deep as SOL's with a higher fee."""
    px = round(usd * RATE * USD)
    pool = PoolUpdated("orca:jitoSOL/USDC", "orca", "jitoSOL", "USDC", tokens * WHOLE, tokens * px, fee_bps, 10_000, 0)
    return [Quoted("jitoSOL/USDC", px - px // 20_000, px + px // 20_000, 0), pool]


def jup_pool(usd: float, tokens: int = 50_000_000, fee_bps: int = 20) -> PoolUpdated:
    return PoolUpdated(
        "orca:JUP/USDC", "orca", "JUP", "USDC", tokens * USD, round(tokens * usd * USD), fee_bps, 10_000, 0
    )


def wider(
    usdc: float = 10_000, premium_bps: float = 10.0, jup_premium_bps: float = -5.0, config: FundingConfig | None = None
) -> Bench:
    """Flat, with SOL at 100 and JUP at 0.5; SOL's premium pays, JUP's does not."""
    made = Bench(FundingEngine(config=config), WIDER, USDC=usdc, SOL=1)
    made.show(*price(100, premium_bps), sol_pool(100), *jito(100), stake_pool(rate=RATE))
    made.show(OraclePosted("BTC-PERP", 60_000 * USD, 10 * USD, 0), Quoted("BTC-PERP", 60_000 * USD, 60_001 * USD, 0))
    made.show(*price(0.5, jup_premium_bps, "JUP"), jup_pool(0.5))
    made.show(stats(100, premium_bps), stats(0.5, jup_premium_bps, "JUP"), stats(60_000, 10, "BTC"))
    return made


def hours(made: Bench, count: int, **apr: float) -> None:
    """Post so many hours of each base's yearly rate."""
    usd = {"SOL": 100.0, "JUP": 0.5, "BTC": 60_000.0}
    for _ in range(count):
        for base, rate in apr.items():
            made.post(hour(rate, usd[base], base))


def epochs(made: Bench, count: int, growth: float) -> None:
    """A stake pool's rate after so many epochs of ``growth`` each."""
    made.show(
        stake_pool(rate=RATE * (1 + growth) ** count, updated_epoch=1_000 + count, epoch=1_000 + count),
    )


def row(made: Bench, market: str, leg: str | None = None, collateral: str = "wallet") -> dict[str, Any]:
    found = (c for c in made.engine.panel()["candidates"] if (c["market"], c["collateral"]) == (market, collateral))
    return next(c for c in found if leg in (None, c["spot_leg"]))
