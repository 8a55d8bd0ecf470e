"""What a venue's markets say of their venue, and when a market is thin: one rule for every venue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from phantom_arbiter.core.events import VenueStatus
from phantom_arbiter.core.perp.reading import MarketReading
from phantom_arbiter.core.units import MICROS_PER_USD

THIN_BELOW_MICROS: Final = 10_000 * MICROS_PER_USD
"""A market that trades less than $10,000 in 24 hours: a position cannot be closed there at the price shown.

There is no second limit for a venue's total: a position is closed in its own market, and neither a busy neighbour nor
many idle ones change what that costs. A venue is thin where some of its markets are open and all of those are thin.
"""

_BEST_FIRST: Final = (
    VenueStatus.LIVE,
    VenueStatus.THIN,
    VenueStatus.REDUCE_ONLY,
    VenueStatus.PAUSED,
    VenueStatus.ABSENT,
)
_WORDS: Final[Mapping[VenueStatus, str]] = {
    VenueStatus.THIN: f"traded less than ${THIN_BELOW_MICROS // MICROS_PER_USD:,} in 24 hours",
    VenueStatus.REDUCE_ONLY: "let positions only shrink",
    VenueStatus.PAUSED: "are paused",
    VenueStatus.ABSENT: "are delisted",
}


def with_volume(status: VenueStatus, volume_24h_micros: int) -> VenueStatus:
    """A market's status: one that is open but hardly trades is thin."""
    return VenueStatus.THIN if status is VenueStatus.LIVE and volume_24h_micros < THIN_BELOW_MICROS else status


def venue_status(markets: Sequence[MarketReading]) -> tuple[VenueStatus, str]:
    """The best any market offers, with the reason in words; empty where the venue is live."""
    if not markets:
        return VenueStatus.ABSENT, "the venue lists no perp market"
    best = min((market.status for market in markets), key=_BEST_FIRST.index)
    if best is VenueStatus.LIVE:
        return best, ""
    told = []
    for status in _BEST_FIRST[1:]:
        count = sum(market.status is status for market in markets)
        if count:
            told.append(f"{count} of {len(markets)} markets {_WORDS[status]}")
    return best, ", ".join(told)
