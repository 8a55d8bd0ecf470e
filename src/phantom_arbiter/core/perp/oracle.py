"""Whether a venue trusts its oracle, and what it still does when it does not.

Sources: drift protocol-v2 at 0ae3e3b1d and velocity-v1 at 016887df, ``math/oracle.rs``, unless a function names
another. Prices are at 1e6, ages in slots of 400 ms. A market's own thresholds for fills by the venue's market maker are
not here: the guard rail counts for all.
"""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import Final

from msgspec import Struct

from phantom_arbiter.core.perp.profile import ContractTier, VenueProfile
from phantom_arbiter.core.units import Rounding, mul_div

_MILLION: Final = 1_000_000
_LEAST_DIVERGENCE_E6: Final = 100_000
_STABLE_COIN_PATIENCE: Final = 3
_FUNDING_PERIOD_S: Final = 3_600


class OracleValidity(IntEnum):
    """What is wrong with an oracle's price; a lower one is worse and hides the higher ones."""

    NON_POSITIVE = 0
    TOO_VOLATILE = 1
    TOO_UNCERTAIN = 2
    STALE_FOR_MARGIN = 3
    INSUFFICIENT_DATA_POINTS = 4
    STALE_FOR_AMM = 5
    VALID = 6


class Act(Enum):
    """What a venue does with an oracle's price. FILL_MATCH: user against user; FILL_AMM: against its own maker."""

    UPDATE_TWAP = "update TWAP"
    TRIGGER_ORDER = "trigger order"
    LIQUIDATE = "liquidate"
    UPDATE_FUNDING = "update funding"
    SETTLE_PNL = "settle P&L"
    FILL_MATCH = "fill against a user"
    MARGIN = "margin"
    ORACLE_PRICE_ORDER = "order priced by the oracle"
    FILL_AMM = "fill against the market maker"


_WORST_ALLOWED: Final = {
    Act.UPDATE_TWAP: OracleValidity.TOO_VOLATILE,
    Act.TRIGGER_ORDER: OracleValidity.TOO_UNCERTAIN,
    Act.LIQUIDATE: OracleValidity.TOO_UNCERTAIN,
    Act.UPDATE_FUNDING: OracleValidity.STALE_FOR_MARGIN,
    Act.SETTLE_PNL: OracleValidity.STALE_FOR_MARGIN,
    Act.FILL_MATCH: OracleValidity.STALE_FOR_MARGIN,
    Act.MARGIN: OracleValidity.INSUFFICIENT_DATA_POINTS,
    Act.ORACLE_PRICE_ORDER: OracleValidity.INSUFFICIENT_DATA_POINTS,
    Act.FILL_AMM: OracleValidity.VALID,
}


class OraclePrice(Struct, frozen=True, gc=False):
    """An oracle's price with its confidence (both at 1e6), its age in slots, and whether enough publishers made it."""

    px: int
    confidence_px: int
    delay_slots: int
    has_enough_points: bool = True
    is_stable_coin: bool = False


def oracle_validity(price: OraclePrice, twap_px: int, profile: VenueProfile, tier: ContractTier) -> OracleValidity:
    """The worst thing that is wrong with ``price``; ``twap_px`` is the market's stored hourly oracle TWAP at 1e6.

    Source: ``oracle_validity`` and ``PerpMarket::get_max_confidence_interval_multiplier``. All comparisons are strict;
    ratios are divided downwards. The feeds made for stable coins may be three times older for margin.
    """
    rails = profile.guard_rails
    if price.px <= 0:
        return OracleValidity.NON_POSITIVE
    if max(price.px, twap_px) // max(1, min(price.px, twap_px)) > rails.too_volatile_ratio:
        return OracleValidity.TOO_VOLATILE
    confidence_e6 = price.confidence_px * _MILLION // price.px
    if confidence_e6 > rails.confidence_max_e6 * profile.confidence_multipliers[tier]:
        return OracleValidity.TOO_UNCERTAIN
    patience = _STABLE_COIN_PATIENCE if price.is_stable_coin else 1
    if price.delay_slots > rails.stale_for_margin_slots * patience:
        return OracleValidity.STALE_FOR_MARGIN
    if not price.has_enough_points:
        return OracleValidity.INSUFFICIENT_DATA_POINTS
    if price.delay_slots > rails.stale_for_amm_slots:
        return OracleValidity.STALE_FOR_AMM
    return OracleValidity.VALID


def allows(validity: OracleValidity, act: Act, profile: VenueProfile) -> bool:
    """Whether the venue acts on a price that is no better than ``validity``.

    Source: ``is_oracle_valid_for_action``. Velocity also matches no orders while the price is stale for margin.
    """
    if act is Act.FILL_MATCH and profile.fill_needs_margin_oracle:
        act = Act.MARGIN
    return validity >= _WORST_ALLOWED[act]


def mark_divergence_e6(mark_px: int, oracle_twap_5min_px: int) -> int:
    """How far the market maker's own price is above the oracle's five-minute TWAP, in millionths of that price.

    Source: ``math/amm.rs::calculate_oracle_twap_5min_price_spread_pct``; toward zero. ``mark_px`` must be positive.
    """
    return mul_div(mark_px - oracle_twap_5min_px, _MILLION, mark_px, Rounding.TRUNCATE)


def is_too_divergent(divergence_e6: int, profile: VenueProfile) -> bool:
    """Whether mark and oracle are further apart than the guard rail, which counts for at least 10 %.

    Source: ``math/amm.rs::is_oracle_mark_too_divergent``.
    """
    return abs(divergence_e6) > max(profile.guard_rails.mark_divergence_e6, _LEAST_DIVERGENCE_E6)


def blocks_funding(validity: OracleValidity, divergence_e6: int, amm_age_slots: int, profile: VenueProfile) -> bool:
    """Whether the hour's funding cannot be posted now, whatever the clock says.

    ``amm_age_slots``: since the market maker was last updated; more of them than the funding period has seconds block.
    Source: ``block_operation``. A pause of the venue or the market also does; that is its status, not the oracle.
    """
    fresh = allows(validity, Act.UPDATE_FUNDING, profile)
    return not fresh or is_too_divergent(divergence_e6, profile) or amm_age_slots > _FUNDING_PERIOD_S
