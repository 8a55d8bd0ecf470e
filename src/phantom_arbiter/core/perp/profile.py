"""What differs between the venues that share Drift's program: their parameters, as data.

Sources: Drift protocol-v2 at 0ae3e3b1d (``math/constants.rs``, ``math/funding.rs``, ``state/state.rs``); Velocity's
documents and SDK of 2026-07 (``packages/sdk/src/math/funding.ts``); fee tables of both venues' documents.
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


class VenueProfile(Struct, frozen=True):
    """A venue's rules as numbers.

    Funding: the daily premium gets ``1/offset_denominator``; within ``dead_zone_bps`` of the oracle TWAP it counts as
    none, beyond it by ``ramp_e6`` millionths of the excess; it is clamped to ``1/clamp_denominators[tier]``.
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
    fee_tiers: tuple[FeeTier, ...]
    live_refused: str = ""


_CLAMPS: Final[Mapping[ContractTier, int]] = {
    ContractTier.A: 33,
    ContractTier.B: 33,
    ContractTier.C: 20,
    ContractTier.SPECULATIVE: 10,
    ContractTier.HIGHLY_SPECULATIVE: 10,
    ContractTier.ISOLATED: 10,
}
_FEE_TIERS: Final = (
    FeeTier(2_000_000, 350, 25),
    FeeTier(10_000_000, 300, 25),
    FeeTier(20_000_000, 275, 25),
    FeeTier(80_000_000, 250, 25),
    FeeTier(200_000_000, 225, 25),
    FeeTier(0, 200, 25),
)
"""3.5 to 2.0 bps for takers, 0.25 bps back to makers: the documents' table of both venues."""

DRIFT_V2: Final = VenueProfile(
    name="drift-v2",
    title="Drift v2",
    program="dRiftyHA39MWEi3m9aunc5MzRF1JYuBsbn6VPcn33UH",
    quote="USDC",
    offset_denominator=5_000,
    dead_zone_bps=0,
    ramp_e6=1_000_000,
    clamp_denominators=_CLAMPS,
    fee_tiers=_FEE_TIERS,
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
    fee_tiers=_FEE_TIERS,
)
PROFILES: Final[Mapping[str, VenueProfile]] = {profile.name: profile for profile in (DRIFT_V2, VELOCITY)}
