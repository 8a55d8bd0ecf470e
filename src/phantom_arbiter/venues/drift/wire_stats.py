"""The Data API's ``/stats/markets``: all perp markets as they are now. Rates are percent an hour here."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Final

from msgspec import Meta, Struct

from phantom_arbiter.core.events import VenueStatus
from phantom_arbiter.core.perp.profile import VenueProfile
from phantom_arbiter.core.perp.rate import HourlyRate
from phantom_arbiter.core.perp.reading import MarketReading, VenueReading
from phantom_arbiter.core.units import NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND, Rounding, mul_div
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
    DecimalText,
    Seconds,
    Symbol,
    WireError,
    decode,
    scaled,
    scaled_positive,
)

_MARKETS: Final = "GET /stats/markets"
_MAX_AHEAD_NS: Final = 5 * NS_PER_MINUTE
"""How far a venue's clock may be before ours."""

_MARKET_STATUS: Final[Mapping[str, VenueStatus]] = {
    "active": VenueStatus.LIVE,
    "initialized": VenueStatus.PAUSED,
    "fundingpaused": VenueStatus.PAUSED,
    "ammpaused": VenueStatus.PAUSED,
    "fillpaused": VenueStatus.PAUSED,
    "withdrawpaused": VenueStatus.PAUSED,
    "reduceonly": VenueStatus.REDUCE_ONLY,
    "settlement": VenueStatus.PAUSED,
    "delisted": VenueStatus.ABSENT,
}
"""The program's ``MarketStatus`` names in lower case (protocol-v2, ``state/perp_market.rs``)."""

_Index = Annotated[int, Meta(ge=0, le=65_535)]


class _Sides(Struct, frozen=True):
    long: DecimalText
    short: DecimalText


class _Perp(Struct, frozen=True, rename="camel", tag_field="marketType", tag="perp"):
    symbol: Symbol
    market_index: _Index
    status: str
    oracle_price: AmountText
    mark_price: AmountText
    quote_volume: AmountText
    open_interest: _Sides
    funding_rate: _Sides
    funding_rate_update_ts: Seconds


class _Spot(Struct, frozen=True, tag_field="marketType", tag="spot"):
    pass


class _Markets(Struct, frozen=True):
    success: bool
    markets: tuple[_Perp | _Spot, ...]


def parse_stats_markets(body: bytes, profile: VenueProfile, now_ns: int) -> VenueReading:
    """``GET /stats/markets``: every perp market, with the running hour's estimate of its funding.

    The answer tells a rate as each side's profit, in percent an hour: longs at a loss pay, so ours is the long side's
    with its sign turned. Open interest is base units of each side; ours is the greater side at the oracle price. The
    next funding is the first full hour after the last. The answer has no time of its own: ``as_of_ns`` is ``now_ns``.
    """
    answer = decode(_MARKETS, body, _Markets)
    if not answer.success:
        raise WireError(_MARKETS, "success", answer.success, "true")
    rows = [(f"markets[{at}]", row) for at, row in enumerate(answer.markets) if isinstance(row, _Perp)]
    refuse_twice(_MARKETS, [(f"{at}.symbol", row.symbol) for at, row in rows])
    refuse_twice(_MARKETS, [(f"{at}.marketIndex", row.market_index) for at, row in rows])
    return reading_of(profile, now_ns, tuple(_market(at, row, profile, now_ns) for at, row in rows))


def _market(at: str, row: _Perp, profile: VenueProfile, now_ns: int) -> MarketReading:
    told = "".join(filter(str.isalpha, row.status.lower()))
    status = _MARKET_STATUS.get(told)
    if status is None:
        raise WireError(_MARKETS, f"{at}.status", row.status, f"one of {', '.join(_MARKET_STATUS)}")
    updated_ns = row.funding_rate_update_ts * NS_PER_SECOND
    if updated_ns > now_ns + _MAX_AHEAD_NS:
        limit = f"a time up to now ({now_ns // NS_PER_SECOND})"
        raise WireError(_MARKETS, f"{at}.fundingRateUpdateTs", row.funding_rate_update_ts, limit)
    oracle_px = scaled_positive(_MARKETS, f"{at}.oraclePrice", row.oracle_price, PX_DECIMALS)
    volume_micros = scaled(row.quote_volume, PX_DECIMALS)
    base_atoms = max(abs(scaled(side, BASE_DECIMALS)) for side in (row.open_interest.long, row.open_interest.short))
    return MarketReading(
        symbol=row.symbol,
        rate=_rate_of_sides(f"{at}.fundingRate", row.funding_rate, profile),
        rate_is_estimate=True,
        mark_px=scaled_positive(_MARKETS, f"{at}.markPrice", row.mark_price, PX_DECIMALS),
        oracle_px=oracle_px,
        open_interest_micros=mul_div(base_atoms, oracle_px, BASE_SCALE, Rounding.DOWN),
        volume_24h_micros=volume_micros,
        next_funding_ts_ns=(updated_ns // NS_PER_HOUR + 1) * NS_PER_HOUR,
        status=with_volume(status, volume_micros),
    )


def _rate_of_sides(at: str, sides: _Sides, profile: VenueProfile) -> HourlyRate:
    """What longs pay. The other side must not be paid by the same sign (a cap may make it receive less)."""
    long, short = Decimal(sides.long), Decimal(sides.short)
    if (long > 0 and short > 0) or (long < 0 and short < 0):
        raise WireError(_MARKETS, f"{at}.short", sides.short, f"the other sign than the long side's {sides.long}")
    return rate_of_percent(_MARKETS, f"{at}.long", -long, profile)
