"""What the funding engine is told, and what it remembers."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct, field

from phantom_arbiter.core.units import NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND
from phantom_arbiter.engines.funding.carry import CarryHistory

Atoms = Annotated[int, Meta(ge=0, le=2**63 - 1)]
PositiveAtoms = Annotated[int, Meta(gt=0, le=2**63 - 1)]
Nanoseconds = Annotated[int, Meta(gt=0)]
HealthPoints = Annotated[float, Meta(ge=0, le=100)]

POSITION_ID: Final = "SOL-PERP"
"""The engine holds one position; its spot lot and its orders carry this id."""
NEVER_PX: Final = 2**63 - 1
"""A price that no quote reaches: nothing to guard."""


class FundingConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Settings. Rates ``*_apr`` are fractions a year, ``margin_bps`` is of the short's notional."""

    venue: str = "drift"
    market: str = "SOL-PERP"
    spot: str = "SOL/USDC"
    max_base_atoms: PositiveAtoms = 400 * 10**9
    capital_use_bps: Annotated[int, Meta(gt=0, le=10_000)] = 9_500
    margin_bps: Annotated[int, Meta(ge=1_250, le=20_000)] = 5_000
    taker_fee_bps: Annotated[float, Meta(ge=0, le=100)] = 3.5
    slippage_bps: Annotated[int, Meta(gt=0, le=1_000)] = 30
    max_impact_bps: Annotated[int, Meta(gt=0, le=1_000)] = 30
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
    band_atoms: PositiveAtoms = 50_000_000
    band_bps: Annotated[int, Meta(ge=0, le=10_000)] = 50
    health_floor: HealthPoints = 35.0
    health_top_up: HealthPoints = 60.0
    health_target: HealthPoints = 80.0
    min_top_up_atoms: Atoms = 5_000_000
    compute_units: Annotated[int, Meta(gt=0, le=1_400_000)] = 300_000
    propose_every_ns: Nanoseconds = 15 * NS_PER_MINUTE
    look_every_ns: Nanoseconds = 5 * NS_PER_SECOND
    retry_every_ns: Nanoseconds = 30 * NS_PER_SECOND
    complete_within_ns: Nanoseconds = 2 * NS_PER_MINUTE
    reentry_wait_ns: Nanoseconds = 6 * NS_PER_HOUR
    intent_life_ns: Nanoseconds = NS_PER_MINUTE
    """Covers all legs of a sequential order, one slow landing included."""
    max_age_ns: Nanoseconds = NS_PER_MINUTE

    def __post_init__(self) -> None:
        """Refuse health levels that are out of order."""
        if not self.health_floor < self.health_top_up < self.health_target:
            levels = f"{self.health_floor}, {self.health_top_up}, {self.health_target}"
            raise ValueError(f"health_floor, health_top_up, health_target: got {levels}, expected them to rise")


class FundingState(Struct):
    """What snapshots carry. What is held is read from the book, never remembered here."""

    history: CarryHistory = field(default_factory=CarryHistory)
    closing: bool = False
    closing_why: str = ""
    exit_hours: int = 0
    """Posted hours in a row that asked to leave."""
    unhedged_since_ns: int = 0
    """Since when the net delta has been beyond the band; 0 while it is inside."""
    danger_px: int = NEVER_PX
    """The perp price from which the margin must be looked at at once."""
    next_look_ns: int = 0
    next_proposal_ns: int = 0
    cost_bps: float = 0.0
    """The last reckoned round trip."""
    decision: str = "waiting for the market"
    decided_ns: int = 0
