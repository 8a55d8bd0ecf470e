"""What differs between the venues that share Drift's program: their parameters, as data.

Sources: Drift protocol-v2 at 0ae3e3b1d (``math/constants.rs``, ``math/funding.rs``, ``state/state.rs``,
``state/perp_market.rs``); Velocity's documents and SDK of 2026-07 (``packages/sdk/src/math/funding.ts``) and its
program (velocity-v1 at 016887df, ``programs/velocity/src``); fee tables of both venues' documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct


class ContractTier(StrEnum):
    """How far a venue trusts a market; decides how wide funding may be."""

    A = "A"
    B = "B"
    C = "C"
    SPECULATIVE = "speculative"
    HIGHLY_SPECULATIVE = "highly_speculative"
    ISOLATED = "isolated"


class FeeTier(Struct, frozen=True, gc=False):
    """Perp fees of one volume tier, in millionths of the fill's quote value; ``maker_rebate_ppm`` is received.

    Applies below ``below_volume_usd`` of 30-day volume; 0: no bound.
    """

    below_volume_usd: int
    taker_fee_ppm: int
    maker_rebate_ppm: int


class OracleGuardRails(Struct, frozen=True, gc=False):
    """When an oracle's price is too old, too unsure or too far off; source: ``state/state.rs::OracleGuardRails``.

    Ages in slots of 400 ms; ``_e6``: millionths of the price. ``too_volatile_ratio``: price over its TWAP, or the
    reverse, divided downwards. ``mark_divergence_e6``: the program uses at least 10 %.
    """

    stale_for_amm_slots: int
    stale_for_margin_slots: int
    confidence_max_e6: int
    too_volatile_ratio: int
    mark_divergence_e6: int


class VenueProfile(Struct, frozen=True):
    """A venue's rules as numbers.

    Funding: the daily premium gets ``1/offset_denominator``; within ``dead_zone_bps`` of the oracle TWAP it counts as
    none, beyond it by ``ramp_e6`` millionths of the excess; it is clamped to ``1/clamp_denominators[tier]``.
    A new price moves a TWAP from at most ``1/sanitize_denominators[tier]`` away. A mark TWAP that nobody wrote for more
    than ``reseed_periods`` funding periods starts again at the oracle TWAP; 0: never.
    Oracle: ``confidence_multipliers[tier]`` widens the guard rail; ``fill_needs_margin_oracle``: no order is matched
    while the oracle is stale for margin.
    ``referee_discount_percent``: off the taker fee of who was referred.
    ``live_refused``: why no live order may go there; empty where it may.
    """

    name: str
    title: str
    program: str
    quote: str
    offset_denominator: int
    dead_zone_bps: int
    ramp_e6: int
    clamp_denominators: Mapping[ContractTier, int]
    sanitize_denominators: Mapping[ContractTier, int]
    reseed_periods: int
    guard_rails: OracleGuardRails
    confidence_multipliers: Mapping[ContractTier, int]
    fill_needs_margin_oracle: bool
    fee_tiers: tuple[FeeTier, ...]
    referee_discount_percent: int
    live_refused: str = ""


_CLAMPS: Final[Mapping[ContractTier, int]] = {
    ContractTier.A: 33,
    ContractTier.B: 33,
    ContractTier.C: 20,
    ContractTier.SPECULATIVE: 10,
    ContractTier.HIGHLY_SPECULATIVE: 10,
    ContractTier.ISOLATED: 10,
}
_SANITIZE: Final[Mapping[ContractTier, int]] = {
    ContractTier.A: 10,
    ContractTier.B: 5,
    ContractTier.C: 2,
    ContractTier.SPECULATIVE: 3,
    ContractTier.HIGHLY_SPECULATIVE: 3,
    ContractTier.ISOLATED: 3,
}
"""``get_sanitize_clamp_denominator``, and ``DEFAULT_MAX_TWAP_UPDATE_PRICE_BAND_DENOMINATOR`` where it gives none."""
_CONFIDENCE: Final[Mapping[ContractTier, int]] = {
    ContractTier.A: 1,
    ContractTier.B: 1,
    ContractTier.C: 2,
    ContractTier.SPECULATIVE: 10,
    ContractTier.HIGHLY_SPECULATIVE: 50,
    ContractTier.ISOLATED: 50,
}
"""``get_max_confidence_interval_multiplier``."""
_GUARD_RAILS: Final = OracleGuardRails(
    stale_for_amm_slots=10,
    stale_for_margin_slots=120,
    confidence_max_e6=20_000,
    too_volatile_ratio=5,
    mark_divergence_e6=100_000,
)
"""Both programs' defaults, and what Velocity's state account held on 2026-08-08."""
_FEE_TIERS: Final = (
    FeeTier(2_000_000, 350, 25),
    FeeTier(10_000_000, 300, 25),
    FeeTier(20_000_000, 275, 25),
    FeeTier(80_000_000, 250, 25),
    FeeTier(200_000_000, 225, 25),
    FeeTier(0, 200, 25),
)
"""3.5 to 2.0 bps for takers, 0.25 bps back to makers: the documents' table of both venues, and what Velocity's state
account held on 2026-08-08. Fees are the venue's to change: its later documents have three tiers, 4 bps below $5M.
"""

DRIFT_V2: Final = VenueProfile(
    name="drift-v2",
    title="Drift v2",
    program="dRiftyHA39MWEi3m9aunc5MzRF1JYuBsbn6VPcn33UH",
    quote="USDC",
    offset_denominator=5_000,
    dead_zone_bps=0,
    ramp_e6=1_000_000,
    clamp_denominators=_CLAMPS,
    sanitize_denominators=_SANITIZE,
    reseed_periods=0,
    guard_rails=_GUARD_RAILS,
    confidence_multipliers=_CONFIDENCE,
    fill_needs_margin_oracle=False,
    fee_tiers=_FEE_TIERS,
    referee_discount_percent=5,
    live_refused="Drift v2 has been paused since its exploit of 2026-04-01; it serves history and exact maths only",
)
VELOCITY: Final = VenueProfile(
    name="velocity",
    title="Velocity",
    program="vELoC1audYbSYVRXn1vPaV8Axoa9oU6BYmNGZZBDZ1P",
    quote="USDT",
    offset_denominator=3_333,
    dead_zone_bps=5,
    ramp_e6=1_000_000,
    clamp_denominators=_CLAMPS,
    sanitize_denominators=_SANITIZE,
    reseed_periods=3,
    guard_rails=_GUARD_RAILS,
    confidence_multipliers=_CONFIDENCE,
    fill_needs_margin_oracle=True,
    fee_tiers=_FEE_TIERS,
    referee_discount_percent=5,
)
PROFILES: Final[Mapping[str, VenueProfile]] = {profile.name: profile for profile in (DRIFT_V2, VELOCITY)}
