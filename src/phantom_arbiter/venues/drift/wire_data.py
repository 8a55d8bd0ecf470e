"""The Data API's answers, Drift's and Velocity's alike: posted funding hours and what the markets look like now.

Posted hours come oldest first, whatever the order of the answer. Sources: recorded bodies of both hosts and Drift's
API documentation; the unit of every endpoint's rate stands at its parser.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Final

from msgspec import Struct

from phantom_arbiter.core.perp.profile import PROFILES
from phantom_arbiter.core.perp.rate import HourlyRate, RateError
from phantom_arbiter.core.perp.reading import FundingHour
from phantom_arbiter.core.units import BPS, NS_PER_SECOND, Rounding, mul_div
from phantom_arbiter.venues.drift.wire import (
    AmountText,
    CountText,
    DecimalText,
    IntText,
    Seconds,
    Symbol,
    WireError,
    decode,
    scaled_exactly,
    scaled_positive,
)
from phantom_arbiter.venues.drift.wire_stats import parse_contracts, parse_stats_funding_rates, parse_stats_markets

__all__ = [
    "FundingPage",
    "WireError",
    "parse_contracts",
    "parse_legacy_funding_rates",
    "parse_market_funding_rates",
    "parse_stats_funding_rates",
    "parse_stats_markets",
]

_HOURS: Final = "GET /market/{symbol}/fundingRates"
_LEGACY: Final = "GET /fundingRates"
_PX_DECIMALS: Final = 6
_RATE_DECIMALS: Final = 9
_FIRST_SECOND, _LAST_SECOND = 1_600_000_000, 4_000_000_000


class FundingPage(Struct, frozen=True):
    """One page of posted hours, oldest first; ``next_page`` is the cursor of the next older page."""

    records: tuple[FundingHour, ...]
    next_page: str | None


class _Hour(Struct, frozen=True, rename="camel"):
    ts: Seconds
    symbol: Symbol
    funding_rate: DecimalText
    oracle_price_twap: AmountText
    mark_price_twap: AmountText


class _Meta(Struct, frozen=True, rename="camel"):
    next_page: str | int | None


class _Hours(Struct, frozen=True):
    success: bool
    records: tuple[_Hour, ...]
    meta: _Meta


class _LegacyHour(Struct, frozen=True, rename="camel"):
    ts: CountText
    market_index: int
    funding_rate: IntText
    oracle_price_twap: CountText
    mark_price_twap: CountText


class _LegacyHours(Struct, frozen=True, rename="camel"):
    funding_rates: tuple[_LegacyHour, ...]


def parse_market_funding_rates(body: bytes, symbol: str) -> FundingPage:
    """``GET /market/{symbol}/fundingRates``, also with ``/{year}/{month}/{day}``.

    Rates and TWAPs are decimal strings in quote units per base; a positive rate: longs pay. Refused as `WireError`:
    what breaks the format, another market's rows, rows out of order or twice, a rate that its TWAPs do not explain.
    """
    answer = decode(_HOURS, body, _Hours)
    if not answer.success:
        raise WireError(_HOURS, "success", answer.success, "true")
    hours = []
    for index, row in enumerate(answer.records):
        at = f"records[{index}]"
        if row.symbol != symbol:
            raise WireError(_HOURS, f"{at}.symbol", row.symbol, symbol)
        hour = FundingHour(
            ts_ns=row.ts * NS_PER_SECOND,
            rate_e9=scaled_exactly(_HOURS, f"{at}.fundingRate", row.funding_rate, _RATE_DECIMALS),
            oracle_twap_px=scaled_positive(_HOURS, f"{at}.oraclePriceTwap", row.oracle_price_twap, _PX_DECIMALS),
            mark_twap_px=scaled_positive(_HOURS, f"{at}.markPriceTwap", row.mark_price_twap, _PX_DECIMALS),
        )
        _check_explained(_HOURS, f"{at}.fundingRate", hour)
        hours.append(hour)
    next_page = answer.meta.next_page
    return FundingPage(_in_order(_HOURS, "records", hours), None if next_page is None else str(next_page))


def parse_legacy_funding_rates(body: bytes) -> tuple[FundingHour, ...]:
    """``GET /fundingRates``: one market's last 30 days; integers in strings, rates at 1e9, TWAPs at 1e6."""
    answer = decode(_LEGACY, body, _LegacyHours)
    hours = []
    for index, row in enumerate(answer.funding_rates):
        at = f"fundingRates[{index}]"
        first = answer.funding_rates[0].market_index
        if row.market_index != first:
            raise WireError(_LEGACY, f"{at}.marketIndex", row.market_index, f"{first}, as in the first row")
        seconds = int(row.ts)
        if not _FIRST_SECOND <= seconds <= _LAST_SECOND:
            raise WireError(_LEGACY, f"{at}.ts", row.ts, "seconds since 1970, between 2020 and 2096")
        hour = FundingHour(
            ts_ns=seconds * NS_PER_SECOND,
            rate_e9=int(row.funding_rate),
            oracle_twap_px=scaled_positive(_LEGACY, f"{at}.oraclePriceTwap", row.oracle_price_twap, 0),
            mark_twap_px=scaled_positive(_LEGACY, f"{at}.markPriceTwap", row.mark_price_twap, 0),
        )
        _check_explained(_LEGACY, f"{at}.fundingRate", hour)
        hours.append(hour)
    return _in_order(_LEGACY, "fundingRates", hours)


def _in_order(endpoint: str, name: str, hours: list[FundingHour]) -> tuple[FundingHour, ...]:
    """Oldest first; the answer's times must fall or rise all the way."""
    falling = len(hours) > 1 and hours[1].ts_ns < hours[0].ts_ns
    for index, (one, other) in enumerate(pairwise(hours), start=1):
        if one.ts_ns == other.ts_ns or (other.ts_ns < one.ts_ns) is not falling:
            seconds, last = other.ts_ns // NS_PER_SECOND, one.ts_ns // NS_PER_SECOND
            order = "before" if falling else "after"
            raise WireError(endpoint, f"{name}[{index}].ts", seconds, f"a time {order} {last}, as the rows above go")
    return tuple(reversed(hours) if falling else hours)


def _check_explained(endpoint: str, name: str, hour: FundingHour) -> None:
    """Refuse a rate in another unit: the TWAPs it came from must give it within 1 % by some venue's rule."""
    try:
        HourlyRate.of_program(hour.rate_e9, hour.oracle_twap_px)
    except RateError as error:
        raise WireError(endpoint, name, hour.rate_e9, f"a rate its TWAPs explain ({error})") from error
    expected = _rates_e9(hour.mark_twap_px, hour.oracle_twap_px)
    if not any(abs(hour.rate_e9 - rate) <= max(2, abs(rate) // 100) for rate in expected):
        told = Decimal(expected[0]).scaleb(-_RATE_DECIMALS)
        raise WireError(endpoint, name, hour.rate_e9, f"what the record's TWAPs give, about {told} quote per base")


def _rates_e9(mark_twap_px: int, oracle_twap_px: int) -> list[int]:
    """What each venue's rule makes of these TWAPs, for each width of the clamp, at 1e9.

    The last premium is none: Velocity takes the oracle's TWAP for the mark's where that went stale.
    """
    rates = []
    for profile in PROFILES.values():
        spread = mark_twap_px - oracle_twap_px
        beyond = max(0, abs(spread) - oracle_twap_px * profile.dead_zone_bps // BPS) * profile.ramp_e6 // 10**6
        for premium in (beyond if spread > 0 else -beyond, 0):
            daily = premium + oracle_twap_px // profile.offset_denominator
            for denominator in sorted(set(profile.clamp_denominators.values())):
                limit = oracle_twap_px // denominator
                rates.append(mul_div(min(limit, max(-limit, daily)), 1_000, 24, Rounding.TRUNCATE))
    return rates
