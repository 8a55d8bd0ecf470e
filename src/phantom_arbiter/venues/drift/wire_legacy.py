"""The Data API's older format of posted funding hours: the program's own integers, written as text."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct

from phantom_arbiter.core.perp.reading import FundingHour
from phantom_arbiter.core.units import NS_PER_SECOND
from phantom_arbiter.venues.drift.posted_hours import check_explained, in_order
from phantom_arbiter.venues.wire import CountText, WireError, decode, scaled_positive

_LEGACY: Final = "GET /fundingRates"
_FIRST_SECOND, _LAST_SECOND = 1_600_000_000, 4_000_000_000
_IntText = Annotated[str, Meta(pattern=r"^-?[0-9]{1,20}\Z")]


class _Hour(Struct, frozen=True, rename="camel"):
    ts: CountText
    market_index: int
    funding_rate: _IntText
    oracle_price_twap: CountText
    mark_price_twap: CountText


class _Hours(Struct, frozen=True, rename="camel"):
    funding_rates: tuple[_Hour, ...]


def parse_legacy_funding_rates(body: bytes) -> tuple[FundingHour, ...]:
    """``GET /fundingRates``: one market's last 30 days, oldest first.

    Integers in strings: rates in quote per base at 1e9, TWAPs at 1e6; a positive rate: longs pay. Refused as
    `WireError`: what breaks the format, rows of two markets, rows out of order or twice, a rate that its TWAPs do not
    explain. Source: a recorded body.
    """
    answer = decode(_LEGACY, body, _Hours)
    hours = []
    for index, row in enumerate(answer.funding_rates):
        at = f"fundingRates[{index}]"
        first = answer.funding_rates[0].market_index
        if row.market_index != first:
            raise WireError(_LEGACY, f"{at}.marketIndex", row.market_index, f"{first}, as in the first row")
        hour = _hour(at, row)
        check_explained(_LEGACY, f"{at}.fundingRate", hour)
        hours.append(hour)
    return in_order(_LEGACY, "fundingRates", hours)


def _hour(at: str, row: _Hour) -> FundingHour:
    seconds = int(row.ts)
    if not _FIRST_SECOND <= seconds <= _LAST_SECOND:
        raise WireError(_LEGACY, f"{at}.ts", row.ts, "seconds since 1970, between 2020 and 2096")
    return FundingHour(
        ts_ns=seconds * NS_PER_SECOND,
        rate_e9=int(row.funding_rate),
        oracle_twap_px=scaled_positive(_LEGACY, f"{at}.oraclePriceTwap", row.oracle_price_twap, 0),
        mark_twap_px=scaled_positive(_LEGACY, f"{at}.markPriceTwap", row.mark_price_twap, 0),
    )
