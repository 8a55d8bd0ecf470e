"""The Data API's posted funding hours, Drift's and Velocity's alike.

They come oldest first, whatever the order of the answer. Sources: recorded bodies and Drift's API documentation.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from phantom_arbiter.core.perp.reading import FundingHour
from phantom_arbiter.core.units import NS_PER_SECOND
from phantom_arbiter.venues.drift.posted_hours import RATE_DECIMALS, check_explained, in_order
from phantom_arbiter.venues.wire import (
    AmountText,
    DecimalText,
    Seconds,
    Symbol,
    WireError,
    decode,
    scaled_exactly,
    scaled_positive,
)

_HOURS: Final = "GET /market/{symbol}/fundingRates"
_PX_DECIMALS: Final = 6


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
            rate_e9=scaled_exactly(_HOURS, f"{at}.fundingRate", row.funding_rate, RATE_DECIMALS),
            oracle_twap_px=scaled_positive(_HOURS, f"{at}.oraclePriceTwap", row.oracle_price_twap, _PX_DECIMALS),
            mark_twap_px=scaled_positive(_HOURS, f"{at}.markPriceTwap", row.mark_price_twap, _PX_DECIMALS),
        )
        check_explained(_HOURS, f"{at}.fundingRate", hour)
        hours.append(hour)
    next_page = answer.meta.next_page
    return FundingPage(in_order(_HOURS, "records", hours), None if next_page is None else str(next_page))
