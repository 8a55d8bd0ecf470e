"""The Data API's list of contracts, written for CoinGecko: all perp markets with their last posted hour."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from msgspec import Struct

from phantom_arbiter.core.events import VenueStatus
from phantom_arbiter.core.perp.profile import VenueProfile
from phantom_arbiter.core.perp.reading import MarketReading, VenueReading
from phantom_arbiter.core.units import NS_PER_HOUR, Rounding, mul_div
from phantom_arbiter.venues.drift.endpoints import ENDPOINTS
from phantom_arbiter.venues.drift.market_rows import (
    BASE_DECIMALS,
    BASE_SCALE,
    PX_DECIMALS,
    rate_of_percent,
    reading_of,
    refuse_twice,
)
from phantom_arbiter.venues.status import with_volume
from phantom_arbiter.venues.wire import (
    AmountText,
    CountText,
    DecimalText,
    Symbol,
    WireError,
    decode,
    scaled,
    scaled_positive,
)

_NS_PER_MILLISECOND: Final = 1_000_000


class _Perp(Struct, frozen=True, tag_field="product_type", tag="PERP"):
    ticker_id: Symbol
    index_price: AmountText
    quote_volume: AmountText
    open_interest: AmountText
    funding_rate: DecimalText
    next_funding_rate_timestamp: CountText
    end_timestamp: CountText


class _Spot(Struct, frozen=True, tag_field="product_type", tag="SPOT"):
    pass


class _Contracts(Struct, frozen=True):
    contracts: tuple[_Perp | _Spot, ...]


def parse_contracts(body: bytes, profile: VenueProfile) -> VenueReading:
    """``GET /contracts`` (Velocity: ``/external/coingecko/contracts``): every perp market, with its last posted hour.

    Rates are percent an hour, positive where longs pay. Open interest is both sides' base units together, so that ours
    is half of it at the index price. No mark price and no status is told: a market is live, or thin by its volume.
    ``as_of_ns`` is the newest ``end_timestamp``. Refused as `WireError`: what breaks the format, a market told twice,
    no perp market at all, a rate beyond the venue's widest clamp. Source: a recorded body of Drift's.
    """
    endpoint = f"GET {ENDPOINTS[profile.name].contracts_path}"
    answer = decode(endpoint, body, _Contracts)
    rows = [(f"contracts[{at}]", row) for at, row in enumerate(answer.contracts) if isinstance(row, _Perp)]
    refuse_twice(endpoint, [(f"{at}.ticker_id", row.ticker_id) for at, row in rows])
    times_ns = [_time_ns(endpoint, f"{at}.end_timestamp", row.end_timestamp) for at, row in rows]
    if not times_ns:
        raise WireError(endpoint, "contracts", [], "at least one perp market, whose time is the answer's")
    return reading_of(profile, max(times_ns), tuple(_market(endpoint, at, row, profile) for at, row in rows))


def _market(endpoint: str, at: str, row: _Perp, profile: VenueProfile) -> MarketReading:
    index_px = scaled_positive(endpoint, f"{at}.index_price", row.index_price, PX_DECIMALS)
    volume_micros = scaled(row.quote_volume, PX_DECIMALS)
    both_atoms = scaled(row.open_interest, BASE_DECIMALS)
    next_ns = _time_ns(endpoint, f"{at}.next_funding_rate_timestamp", row.next_funding_rate_timestamp)
    return MarketReading(
        symbol=row.ticker_id,
        rate=rate_of_percent(endpoint, f"{at}.funding_rate", Decimal(row.funding_rate), profile),
        rate_is_estimate=False,
        mark_px=None,
        oracle_px=index_px,
        open_interest_micros=mul_div(both_atoms, index_px, 2 * BASE_SCALE, Rounding.DOWN),
        volume_24h_micros=volume_micros,
        next_funding_ts_ns=next_ns // NS_PER_HOUR * NS_PER_HOUR,
        status=with_volume(VenueStatus.LIVE, volume_micros),
    )


def _time_ns(endpoint: str, name: str, text: str) -> int:
    """A time told in milliseconds."""
    millis = int(text)
    if not 1_600_000_000_000 <= millis <= 4_000_000_000_000:
        raise WireError(endpoint, name, text, "milliseconds since 1970, between 2020 and 2096")
    return millis * _NS_PER_MILLISECOND
