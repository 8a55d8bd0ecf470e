"""The Data API's ``/stats/*`` and ``/contracts``: all markets as they are now. Rates are percent an hour here."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Final

from msgspec import Meta, Struct
from msgspec import field as renamed

from phantom_arbiter.core.events import VenueStatus
from phantom_arbiter.core.perp.profile import VenueProfile
from phantom_arbiter.core.perp.rate import HourlyRate, RateError
from phantom_arbiter.core.perp.reading import MarketReading, VenueReading
from phantom_arbiter.core.units import NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND, Rounding, mul_div
from phantom_arbiter.venues.drift.status import MARKET_STATUS, venue_status, with_volume
from phantom_arbiter.venues.drift.wire import (
    AmountText,
    CountText,
    DecimalText,
    Seconds,
    Symbol,
    WireError,
    decode,
    scaled,
    scaled_positive,
)

_MARKETS: Final = "GET /stats/markets"
_AVERAGES: Final = "GET /stats/fundingRates"
_CONTRACTS: Final = "GET /contracts"
_BASE_DECIMALS: Final = 9
_BASE_SCALE: Final = 10**_BASE_DECIMALS
_PX_DECIMALS: Final = 6
_NS_PER_MILLISECOND: Final = 1_000_000
_MAX_AHEAD_NS: Final = 5 * NS_PER_MINUTE
"""How far a venue's clock may be before ours."""
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


class _PerpContract(Struct, frozen=True, tag_field="product_type", tag="PERP"):
    ticker_id: Symbol
    index_price: AmountText
    quote_volume: AmountText
    open_interest: AmountText
    funding_rate: DecimalText
    next_funding_rate_timestamp: CountText
    end_timestamp: CountText


class _SpotContract(Struct, frozen=True, tag_field="product_type", tag="SPOT"):
    pass


class _Contracts(Struct, frozen=True):
    contracts: tuple[_PerpContract | _SpotContract, ...]


class FundingAverages(Struct, frozen=True):
    """A market's mean hourly funding over each window; None: not told (the market is younger)."""

    symbol: str
    day: HourlyRate | None
    week: HourlyRate | None
    month: HourlyRate | None
    year: HourlyRate | None


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
    _refuse_twice(_MARKETS, [(f"{at}.symbol", row.symbol) for at, row in rows])
    _refuse_twice(_MARKETS, [(f"{at}.marketIndex", row.market_index) for at, row in rows])
    return _reading(profile, now_ns, tuple(_market(at, row, profile, now_ns) for at, row in rows))


def _market(at: str, row: _Perp, profile: VenueProfile, now_ns: int) -> MarketReading:
    told = "".join(filter(str.isalpha, row.status.lower()))
    status = MARKET_STATUS.get(told)
    if status is None:
        raise WireError(_MARKETS, f"{at}.status", row.status, f"one of {', '.join(MARKET_STATUS)}")
    updated_ns = row.funding_rate_update_ts * NS_PER_SECOND
    if updated_ns > now_ns + _MAX_AHEAD_NS:
        limit = f"a time up to now ({now_ns // NS_PER_SECOND})"
        raise WireError(_MARKETS, f"{at}.fundingRateUpdateTs", row.funding_rate_update_ts, limit)
    oracle_px = scaled_positive(_MARKETS, f"{at}.oraclePrice", row.oracle_price, _PX_DECIMALS)
    volume_micros = scaled(row.quote_volume, _PX_DECIMALS)
    base_atoms = max(abs(scaled(side, _BASE_DECIMALS)) for side in (row.open_interest.long, row.open_interest.short))
    return MarketReading(
        symbol=row.symbol,
        rate=_rate_of_sides(f"{at}.fundingRate", row.funding_rate, profile),
        rate_is_estimate=True,
        mark_px=scaled_positive(_MARKETS, f"{at}.markPrice", row.mark_price, _PX_DECIMALS),
        oracle_px=oracle_px,
        open_interest_micros=mul_div(base_atoms, oracle_px, _BASE_SCALE, Rounding.DOWN),
        volume_24h_micros=volume_micros,
        next_funding_ts_ns=(updated_ns // NS_PER_HOUR + 1) * NS_PER_HOUR,
        status=with_volume(status, volume_micros),
    )


def _rate_of_sides(at: str, sides: _Sides, profile: VenueProfile) -> HourlyRate:
    """What longs pay. The other side must not be paid by the same sign (a cap may make it receive less)."""
    long, short = Decimal(sides.long), Decimal(sides.short)
    if (long > 0 and short > 0) or (long < 0 and short < 0):
        raise WireError(_MARKETS, f"{at}.short", sides.short, f"the other sign than the long side's {sides.long}")
    return _rate_of_percent(_MARKETS, f"{at}.long", -long, profile)


def parse_stats_funding_rates(body: bytes, profile: VenueProfile) -> tuple[FundingAverages, ...]:
    """``GET /stats/fundingRates``: means over 24 hours, 7 days, 30 days and a year, in percent an hour.

    Signed as the program's rate: positive, longs pay.
    """
    answer = decode(_AVERAGES, body, _Averages)
    if not answer.success:
        raise WireError(_AVERAGES, "success", answer.success, "true")
    _refuse_twice(_AVERAGES, [(f"markets[{at}].symbol", row.symbol) for at, row in enumerate(answer.markets)])
    averages = []
    for index, row in enumerate(answer.markets):
        windows: Mapping[str, str | None] = {
            "24h": row.funding_rates.day,
            "7d": row.funding_rates.week,
            "30d": row.funding_rates.month,
            "1y": row.funding_rates.year,
        }
        rates = [
            None
            if text is None
            else _rate_of_percent(_AVERAGES, f"markets[{index}].fundingRates.{window}", Decimal(text), profile)
            for window, text in windows.items()
        ]
        averages.append(FundingAverages(row.symbol, *rates))
    return tuple(averages)


def parse_contracts(body: bytes, profile: VenueProfile) -> VenueReading:
    """``GET /contracts`` (Velocity: ``/external/coingecko/contracts``): every perp market, with its last posted hour.

    Rates are percent an hour, positive where longs pay. Open interest is both sides' base units together, so that ours
    is half of it at the index price. No mark price and no status is told: a market is live, or thin by its volume.
    ``as_of_ns`` is the newest ``end_timestamp``.
    """
    answer = decode(_CONTRACTS, body, _Contracts)
    rows = [(f"contracts[{at}]", row) for at, row in enumerate(answer.contracts) if isinstance(row, _PerpContract)]
    _refuse_twice(_CONTRACTS, [(f"{at}.ticker_id", row.ticker_id) for at, row in rows])
    times = [_millis(f"{at}.end_timestamp", row.end_timestamp) for at, row in rows]
    if not times:
        raise WireError(_CONTRACTS, "contracts", [], "at least one perp market, whose time is the answer's")
    return _reading(profile, max(times), tuple(_contract(at, row, profile) for at, row in rows))


def _contract(at: str, row: _PerpContract, profile: VenueProfile) -> MarketReading:
    index_px = scaled_positive(_CONTRACTS, f"{at}.index_price", row.index_price, _PX_DECIMALS)
    volume_micros = scaled(row.quote_volume, _PX_DECIMALS)
    both_atoms = scaled(row.open_interest, _BASE_DECIMALS)
    next_ns = _millis(f"{at}.next_funding_rate_timestamp", row.next_funding_rate_timestamp)
    return MarketReading(
        symbol=row.ticker_id,
        rate=_rate_of_percent(_CONTRACTS, f"{at}.funding_rate", Decimal(row.funding_rate), profile),
        rate_is_estimate=False,
        mark_px=None,
        oracle_px=index_px,
        open_interest_micros=mul_div(both_atoms, index_px, 2 * _BASE_SCALE, Rounding.DOWN),
        volume_24h_micros=volume_micros,
        next_funding_ts_ns=next_ns // NS_PER_HOUR * NS_PER_HOUR,
        status=with_volume(VenueStatus.LIVE, volume_micros),
    )


def _rate_of_percent(endpoint: str, name: str, percent: Decimal, profile: VenueProfile) -> HourlyRate:
    """The rate, refused where the venue's widest clamp (daily) cannot let it through."""
    widest = min(profile.clamp_denominators.values())
    try:
        rate = HourlyRate.of_percent(percent)
    except RateError as error:
        raise WireError(endpoint, name, str(percent), f"percent an hour ({error})") from error
    if abs(rate.e12) * widest * 24 > 10**12:
        limit = f"at most {100 / widest / 24:.4f} percent an hour, the venue's widest clamp"
        raise WireError(endpoint, name, str(percent), limit)
    return rate


def _reading(profile: VenueProfile, as_of_ns: int, markets: tuple[MarketReading, ...]) -> VenueReading:
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


def _millis(name: str, text: str) -> int:
    """Nanoseconds of a time in milliseconds."""
    millis = int(text)
    if not 1_600_000_000_000 <= millis <= 4_000_000_000_000:
        raise WireError(_CONTRACTS, name, text, "milliseconds since 1970, between 2020 and 2096")
    return millis * _NS_PER_MILLISECOND


def _refuse_twice(endpoint: str, named: list[tuple[str, object]]) -> None:
    seen: set[object] = set()
    for name, value in named:
        if value in seen:
            raise WireError(endpoint, name, value, "a market only once")
        seen.add(value)
