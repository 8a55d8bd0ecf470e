"""What the Data API's answers about all markets share: rates in percent an hour, each market once, one reading."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from phantom_arbiter.core.perp.profile import VenueProfile
from phantom_arbiter.core.perp.rate import HourlyRate, RateError
from phantom_arbiter.core.perp.reading import MarketReading, VenueReading
from phantom_arbiter.venues.status import venue_status
from phantom_arbiter.venues.wire import WireError

BASE_DECIMALS: Final = 9
BASE_SCALE: Final = 10**BASE_DECIMALS
PX_DECIMALS: Final = 6


def rate_of_percent(endpoint: str, name: str, percent: Decimal, profile: VenueProfile) -> HourlyRate:
    """The rate; `WireError` where the venue's widest clamp (daily) cannot let it through."""
    widest = min(profile.clamp_denominators.values())
    try:
        rate = HourlyRate.of_percent(percent)
    except RateError as error:
        raise WireError(endpoint, name, str(percent), f"percent an hour ({error})") from error
    if abs(rate.e12) * widest * 24 > 10**12:
        limit = f"at most {100 / widest / 24:.4f} percent an hour, the venue's widest clamp"
        raise WireError(endpoint, name, str(percent), limit)
    return rate


def refuse_twice(endpoint: str, named: list[tuple[str, object]]) -> None:
    """`WireError` for the first of the (field, value) pairs whose value came before."""
    seen: set[object] = set()
    for name, value in named:
        if value in seen:
            raise WireError(endpoint, name, value, "a market only once")
        seen.add(value)


def reading_of(profile: VenueProfile, as_of_ns: int, markets: tuple[MarketReading, ...]) -> VenueReading:
    """The venue's reading; its status and reason are what its markets say."""
    status, reason = venue_status(markets)
    return VenueReading(
        venue=profile.name,
        title=profile.title,
        program=profile.program,
        quote=profile.quote,
        status=status,
        reason=reason,
        markets=markets,
        as_of_ns=as_of_ns,
    )
