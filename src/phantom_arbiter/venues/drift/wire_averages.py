"""The Data API's ``/stats/fundingRates``: mean funding of all markets over four windows, in percent an hour."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from msgspec import Struct
from msgspec import field as renamed

from phantom_arbiter.core.perp.profile import VenueProfile
from phantom_arbiter.core.perp.rate import HourlyRate
from phantom_arbiter.venues.drift.market_rows import rate_of_percent, refuse_twice
from phantom_arbiter.venues.wire import DecimalText, Symbol, WireError, decode

_AVERAGES: Final = "GET /stats/fundingRates"


class _Windows(Struct, frozen=True):
    day: DecimalText | None = renamed(name="24h")
    week: DecimalText | None = renamed(name="7d")
    month: DecimalText | None = renamed(name="30d")
    year: DecimalText | None = renamed(name="1y")


class _Average(Struct, frozen=True, rename="camel"):
    symbol: Symbol
    funding_rates: _Windows


class _Averages(Struct, frozen=True):
    success: bool
    markets: tuple[_Average, ...]


class FundingAverages(Struct, frozen=True):
    """A market's mean hourly funding over each window; None: told as null (the market is younger)."""

    symbol: str
    day: HourlyRate | None
    week: HourlyRate | None
    month: HourlyRate | None
    year: HourlyRate | None


def parse_stats_funding_rates(body: bytes, profile: VenueProfile) -> tuple[FundingAverages, ...]:
    """``GET /stats/fundingRates``: means over 24 hours, 7 days, 30 days and a year, in percent an hour.

    Signed as the program's rate: positive, longs pay. Refused as `WireError`: what breaks the format, a window that is
    not there, a market told twice, a rate beyond the venue's widest clamp. Source: a recorded body.
    """
    answer = decode(_AVERAGES, body, _Averages)
    if not answer.success:
        raise WireError(_AVERAGES, "success", answer.success, "true")
    refuse_twice(_AVERAGES, [(f"markets[{at}].symbol", row.symbol) for at, row in enumerate(answer.markets)])
    return tuple(_average(f"markets[{at}]", row, profile) for at, row in enumerate(answer.markets))


def _average(at: str, row: _Average, profile: VenueProfile) -> FundingAverages:
    told = row.funding_rates
    windows: Mapping[str, str | None] = {"24h": told.day, "7d": told.week, "30d": told.month, "1y": told.year}
    rates = (
        None if text is None else rate_of_percent(_AVERAGES, f"{at}.fundingRates.{window}", Decimal(text), profile)
        for window, text in windows.items()
    )
    return FundingAverages(row.symbol, *rates)
