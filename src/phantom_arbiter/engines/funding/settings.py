"""What the funding engine is told."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from msgspec import Meta, Struct

from phantom_arbiter.core.units import BPS, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND

Atoms = Annotated[int, Meta(ge=0, le=2**63 - 1)]
PositiveAtoms = Annotated[int, Meta(gt=0, le=2**63 - 1)]
Nanoseconds = Annotated[int, Meta(gt=0)]
HealthPoints = Annotated[float, Meta(ge=0, le=100)]
MarketName = Annotated[str, Meta(min_length=1, max_length=64)]


class FundingConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Settings. Rates ``*_apr`` are fractions a year, ``margin_bps`` is of the short's notional.

    ``markets`` restricts which perps it may short (empty: all that it can hedge); ``spot_leg`` what it hedges SOL with.
    """

    venue: str = "drift"
    enter: Literal["auto", "by_hand"] = "auto"
    markets: Annotated[tuple[MarketName, ...], Meta(max_length=64)] = ()
    spot_leg: Literal["best", "base", "jitosol"] = "best"
    policy: Literal["hysteresis", "hold"] = "hysteresis"
    max_notional_atoms: PositiveAtoms = 50_000_000_000
    capital_use_bps: Annotated[int, Meta(gt=0, le=10_000)] = 9_500
    margin_bps: Annotated[int, Meta(ge=1_250, le=20_000)] = 5_000
    taker_fee_bps: Annotated[float, Meta(ge=0, le=100)] = 3.5
    slippage_bps: Annotated[int, Meta(gt=0, le=1_000)] = 30
    max_impact_bps: Annotated[int, Meta(gt=0, le=1_000)] = 30
    max_lst_premium_bps: Annotated[int, Meta(ge=0, le=1_000)] = 30
    horizon_hours: Annotated[int, Meta(gt=0, le=8_760)] = 720
    """How long the carry may take to earn its costs; the break-even limit."""
    warmup_hours: Annotated[int, Meta(gt=0, le=720)] = 24
    half_life_hours: Annotated[float, Meta(gt=0, le=720)] = 24.0
    mean_half_life_hours: Annotated[float, Meta(gt=0, le=8_760)] = 168.0
    prior_stdev_apr: Annotated[float, Meta(gt=0, le=10)] = 0.20
    prior_cap_apr: Annotated[float, Meta(gt=0, le=10)] = 0.20
    offset_denominator: Annotated[int, Meta(gt=0)] = 5_000
    clamp_denominator: Annotated[int, Meta(gt=0)] = 33
    exit_confirm_hours: Annotated[int, Meta(ge=2, le=168)] = 3
    borrow_apr: Annotated[float, Meta(ge=0, le=10)] = 0.10
    price_stdev: Annotated[float, Meta(gt=0, le=10)] = 0.80
    hedge_stdev: Annotated[float, Meta(gt=0, le=1)] = 0.01
    risk_aversion: Annotated[float, Meta(gt=0, le=100)] = 2.0
    health_floor: HealthPoints = 35.0
    health_top_up: HealthPoints = 60.0
    health_target: HealthPoints = 80.0
    health_withdraw: Annotated[float, Meta(ge=0, lt=100)] = 80.0
    min_top_up_atoms: Atoms = 5_000_000
    compute_units: Annotated[int, Meta(gt=0, le=1_400_000)] = 300_000
    propose_every_ns: Nanoseconds = 15 * NS_PER_MINUTE
    look_every_ns: Nanoseconds = 5 * NS_PER_SECOND
    retry_every_ns: Nanoseconds = 30 * NS_PER_SECOND
    complete_within_ns: Nanoseconds = 2 * NS_PER_MINUTE
    """A saga's deadline: until then a missing spot leg may be bought, after it the short is covered."""
    naked_cap_s: Annotated[int, Meta(gt=0, le=86_400)] = 300
    """A saga may be naked with all of its notional for this long: four legs in a row that never land."""
    naked_cap_usd_s: Annotated[int, Meta(gt=0, le=10**12)] = 15_000_000
    """And at most for so many dollar-seconds: the largest position ($50,000) for those 300 s."""
    reentry_wait_ns: Nanoseconds = 6 * NS_PER_HOUR
    preview_life_ns: Nanoseconds = 30 * NS_PER_MINUTE
    intent_life_ns: Nanoseconds = NS_PER_MINUTE
    """Covers all legs of a sequential order, one slow landing included."""
    max_age_ns: Nanoseconds = NS_PER_MINUTE

    @property
    def band_bps(self) -> int:
        """Half the width of the hedge's no-trade band, of the position: b* = (3kσ_x²/(2λσ_S²))^(1/3), in bps rounded
        down, with k the perp's taker fee. Price alone never leaves it: both legs move together.

        Source: reference/trading-domain.md §5. A drift beyond it is brought back to its edge, as the costs are
        proportional (the chain's own fee is a fraction of a cent); a hedge that a trade broke is restored in full.
        """
        cost, risk = self.taker_fee_bps / BPS, 2.0 * self.risk_aversion * self.price_stdev**2
        return int(math.pow(3.0 * cost * self.hedge_stdev**2 / risk, 1.0 / 3.0) * BPS)

    def __post_init__(self) -> None:
        """Refuse health levels that are out of order."""
        if not self.health_floor < self.health_top_up < self.health_target:
            levels = f"{self.health_floor}, {self.health_top_up}, {self.health_target}"
            raise ValueError(f"health_floor, health_top_up, health_target: got {levels}, expected them to rise")
