"""Perp trading fees, exactly as Drift v2 and Velocity charge them.

Sources: drift protocol-v2 at 0ae3e3b1d and velocity-v1 at 0d3de6d7, ``math/fees.rs``. Amounts are quote atoms (1e6),
never negative. Not here: Drift's discount for staked tokens and its doubled fee in high-leverage mode, Velocity's
surcharge of single markets and its promotions, builders' fees.
"""

from __future__ import annotations

from typing import Final

from phantom_arbiter.core.perp.profile import FeeTier, VenueProfile
from phantom_arbiter.core.units import MICROS_PER_USD, Rounding, mul_div

_PPM: Final = 1_000_000
_PERCENT: Final = 100


def fee_tier(profile: VenueProfile, volume_30d_micros: int) -> FeeTier:
    """The tier of who traded that much in 30 days as maker and taker (millionths of a dollar).

    Source: ``determine_perp_fee_tier``: the first tier whose bound is above the volume, else the last.
    """
    if volume_30d_micros < 0:
        raise ValueError(f"volume_30d_micros: got {volume_30d_micros}, expected no negative volume")
    bounded = (tier for tier in profile.fee_tiers if volume_30d_micros < tier.below_volume_usd * MICROS_PER_USD)
    return next(bounded, profile.fee_tiers[-1])


def taker_fee_atoms(quote_atoms: int, tier: FeeTier, adjustment_percent: int = 0) -> int:
    """What a taker pays for a fill of ``quote_atoms``, rounded up.

    ``adjustment_percent``: the market's own ``fee_adjustment``, -100 to 100; what it takes off is rounded down and what
    it adds is rounded up. Source: ``calculate_taker_fee``.
    """
    _check(quote_atoms, adjustment_percent)
    fee = mul_div(quote_atoms, tier.taker_fee_ppm, _PPM, Rounding.UP)
    rounding = Rounding.UP if adjustment_percent > 0 else Rounding.TRUNCATE
    return fee + mul_div(fee, adjustment_percent, _PERCENT, rounding)


def maker_rebate_atoms(quote_atoms: int, tier: FeeTier, adjustment_percent: int = 0) -> int:
    """What a maker receives for a fill of ``quote_atoms``, rounded down.

    ``adjustment_percent`` as for `taker_fee_atoms`, always rounded against the maker. Source:
    ``calculate_maker_rebate``.
    """
    _check(quote_atoms, adjustment_percent)
    rebate = mul_div(quote_atoms, tier.maker_rebate_ppm, _PPM, Rounding.DOWN)
    return rebate + mul_div(rebate, adjustment_percent, _PERCENT, Rounding.DOWN)


def referee_discount_atoms(fee_atoms: int, profile: VenueProfile) -> int:
    """What a taker who was referred keeps of the fee, rounded down.

    Source: ``calculate_referee_fee_and_referrer_reward`` with ``get_proportion_u128``, which rounds down for shares of
    at most a half; 5 % on both venues.
    """
    return mul_div(fee_atoms, profile.referee_discount_percent, _PERCENT, Rounding.DOWN)


def _check(quote_atoms: int, adjustment_percent: int) -> None:
    if quote_atoms < 0:
        raise ValueError(f"quote_atoms: got {quote_atoms}, expected no negative amount")
    if abs(adjustment_percent) > _PERCENT:
        raise ValueError(f"adjustment_percent: got {adjustment_percent}, expected -100 to 100")
