"""What markets say of their venue, and when one is thin."""

from __future__ import annotations

import pytest

from phantom_arbiter.core.events import VenueStatus
from phantom_arbiter.core.perp.rate import HourlyRate
from phantom_arbiter.core.perp.reading import MarketReading
from phantom_arbiter.venues.status import venue_status, with_volume

LIVE, THIN, PAUSED = VenueStatus.LIVE, VenueStatus.THIN, VenueStatus.PAUSED
REDUCE_ONLY, ABSENT = VenueStatus.REDUCE_ONLY, VenueStatus.ABSENT
LIMIT = 10_000 * 10**6


def market(status: VenueStatus) -> MarketReading:
    return MarketReading("SOL-PERP", HourlyRate(0), True, None, None, None, None, None, status)


@pytest.mark.parametrize(
    ("told", "volume", "status"),
    [
        (LIVE, LIMIT, LIVE),
        (LIVE, LIMIT - 1, THIN),
        (PAUSED, 0, PAUSED),
        (REDUCE_ONLY, 0, REDUCE_ONLY),
        (ABSENT, 0, ABSENT),
    ],
)
def test_only_an_open_market_is_thin_and_only_below_the_limit(
    told: VenueStatus, volume: int, status: VenueStatus
) -> None:
    assert with_volume(told, volume) is status


@pytest.mark.parametrize(
    ("markets", "status", "reason"),
    [
        ((LIVE,), LIVE, ""),
        ((THIN, THIN, LIVE, PAUSED), LIVE, ""),
        ((THIN,), THIN, "1 of 1 markets traded less than $10,000 in 24 hours"),
        (
            (THIN, PAUSED),
            THIN,
            "1 of 2 markets traded less than $10,000 in 24 hours, 1 of 2 markets are paused",
        ),
        ((REDUCE_ONLY, ABSENT), REDUCE_ONLY, "1 of 2 markets let positions only shrink, 1 of 2 markets are delisted"),
        ((PAUSED,), PAUSED, "1 of 1 markets are paused"),
        ((), ABSENT, "the venue lists no perp market"),
    ],
)
def test_a_venue_is_as_good_as_its_best_market(
    markets: tuple[VenueStatus, ...], status: VenueStatus, reason: str
) -> None:
    assert venue_status([market(each) for each in markets]) == (status, reason)
