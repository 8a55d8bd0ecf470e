"""What the funding engine is told, and what it remembers."""

from __future__ import annotations

import math
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, field

from phantom_arbiter.core.units import BPS, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND
from phantom_arbiter.engines.funding.carry import CarryHistory
from phantom_arbiter.engines.funding.saga import SagaState

Atoms = Annotated[int, Meta(ge=0, le=2**63 - 1)]
PositiveAtoms = Annotated[int, Meta(gt=0, le=2**63 - 1)]
Nanoseconds = Annotated[int, Meta(gt=0)]
HealthPoints = Annotated[float, Meta(ge=0, le=100)]
MarketName = Annotated[str, Meta(min_length=1, max_length=64)]

NEVER_PX: Final = 2**63 - 1
"""A price that no quote reaches: nothing to guard."""


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


class StakingSeen(Struct):
    """A stake pool's first and last reading by epoch: total lamports and supply, from which the yield is measured."""

    first_epoch: int
    first_lamports: int
    first_supply_atoms: int
    epoch: int
    lamports: int
    supply_atoms: int


class Candidate(Struct, frozen=True):
    """A hedged position the engine weighs: ``market`` short against ``spot_leg``. Rates a year as fractions.

    ``funding_apr`` is expected to the horizon, ``net_apr`` after staking, borrow and the round trip of ``cost_bps``, on
    the capital it takes; ``net_micros`` is the same in millionths of a dollar over the horizon, at the size that the
    capital, the settings and the depth allow. ``edge_bps`` is gross of costs, of ``notional_micros``. ``enters``:
    whether the policy would enter, with ``why``. ``traded`` False: compared only, for the reason in ``why_not``.
    """

    market: str
    spot_leg: str
    collateral: Literal["wallet", "venue"]
    rate_apr: float | None = None
    funding_apr: float | None = None
    staking_apr: float = 0.0
    borrow_apr: float = 0.0
    cost_bps: float | None = None
    net_apr: float | None = None
    break_even_days: float | None = None
    liq_price: float | None = None
    traded: bool = False
    why_not: str = ""
    edge_bps: float = 0.0
    net_micros: int = 0
    cost_micros: int = 0
    notional_micros: int = 0
    enters: bool = False
    why: str = ""


class ShownLeg(Struct, frozen=True):
    """The worst price of a leg that a preview showed: ``limit_px`` of a perp order, of a swap ``min_out_atoms`` for
    ``in_atoms``."""

    instrument: str
    buys: bool
    limit_px: int = 0
    in_atoms: int = 0
    min_out_atoms: int = 0


class Shown(Struct, frozen=True):
    """A preview that was given: what the act under its hash may do."""

    hash: str
    act: str
    market: str
    size_atoms: int
    made_ns: int
    legs: tuple[ShownLeg, ...]


class FundingState(Struct):
    """What snapshots carry. What is held is read from the book, never remembered here.

    ``market`` and ``spot_leg`` are those of the position, or of the last one put forward. ``by_hand``: a person took
    it, so the carry policy leaves it alone. ``keep_margin``: a person deposited margin, so it is not brought home.
    """

    histories: dict[str, CarryHistory] = field(default_factory=dict)
    staking: dict[str, StakingSeen] = field(default_factory=dict)
    candidates: list[Candidate] = field(default_factory=list)
    candidates_ns: int = 0
    preference: str = ""
    market: str = ""
    spot_leg: str = ""
    by_hand: bool = False
    keep_margin: bool = False
    drafts: list[Shown] = field(default_factory=list)
    saga: SagaState | None = None
    matched_spot_atoms: int = 0
    matched_perp_atoms: int = 0
    """The legs as they last matched: while they are those, what opens between them is drift, not a trade."""
    closing: bool = False
    closing_why: str = ""
    exit_hours: int = 0
    """Posted hours in a row that asked to leave."""
    danger_px: dict[str, int] = field(default_factory=dict)
    """By instrument: the price from which the margin must be looked at at once."""
    next_look_ns: int = 0
    next_proposal_ns: int = 0
    cost_bps: float = 0.0
    """The last reckoned round trip."""
    decision: str = "waiting for the market"
    decided_ns: int = 0
