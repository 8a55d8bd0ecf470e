"""What the Data API's two formats of posted funding hours share: their order, and rates that their TWAPs explain."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Final

from phantom_arbiter.core.perp.funding import hourly_rate_e9
from phantom_arbiter.core.perp.profile import PROFILES, ContractTier
from phantom_arbiter.core.perp.rate import HourlyRate, RateError
from phantom_arbiter.core.perp.reading import FundingHour
from phantom_arbiter.core.units import NS_PER_SECOND
from phantom_arbiter.venues.wire import WireError

RATE_DECIMALS: Final = 9


def in_order(endpoint: str, name: str, hours: list[FundingHour]) -> tuple[FundingHour, ...]:
    """Oldest first; the times of the rows under ``name`` must fall or rise all the way, else `WireError`."""
    falling = len(hours) > 1 and hours[1].ts_ns < hours[0].ts_ns
    for index, (one, other) in enumerate(pairwise(hours), start=1):
        if one.ts_ns == other.ts_ns or (other.ts_ns < one.ts_ns) is not falling:
            seconds, last = other.ts_ns // NS_PER_SECOND, one.ts_ns // NS_PER_SECOND
            order = "before" if falling else "after"
            raise WireError(endpoint, f"{name}[{index}].ts", seconds, f"a time {order} {last}, as the rows above go")
    return tuple(reversed(hours) if falling else hours)


def check_explained(endpoint: str, name: str, hour: FundingHour) -> None:
    """Refuse a rate in another unit: the TWAPs it came from must give it within 1 % by some venue's rule."""
    try:
        HourlyRate.of_program(hour.rate_e9, hour.oracle_twap_px)
    except RateError as error:
        raise WireError(endpoint, name, hour.rate_e9, f"a rate its TWAPs explain ({error})") from error
    expected = _rates_e9(hour.mark_twap_px, hour.oracle_twap_px)
    if not any(abs(hour.rate_e9 - rate) <= max(2, abs(rate) // 100) for rate in expected):
        about = Decimal(next(_rates_e9(hour.mark_twap_px, hour.oracle_twap_px))).scaleb(-RATE_DECIMALS)
        raise WireError(endpoint, name, hour.rate_e9, f"what the record's TWAPs give, about {about} quote per base")


def _rates_e9(mark_twap_px: int, oracle_twap_px: int) -> Iterator[int]:
    """What each venue's rule makes of these TWAPs in each tier of its clamp, at 1e9."""
    for profile in PROFILES.values():
        for tier in ContractTier:
            yield hourly_rate_e9(mark_twap_px, oracle_twap_px, profile, tier)
            if profile.reseed_periods:  # a mark TWAP that went stale counted as the oracle's
                yield hourly_rate_e9(oracle_twap_px, oracle_twap_px, profile, tier)
