"""Hyperliquid's answers to typed values. Its numbers are decimal strings, its funding a fraction an hour.

Source: the official SDK's docstrings of ``meta_and_asset_ctxs`` and ``funding_history``.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec
from msgspec import Struct

from phantom_arbiter.core.events import VenueStatus
from phantom_arbiter.core.perp.rate import HourlyRate, RateError
from phantom_arbiter.core.perp.reading import MarketReading, VenueReading
from phantom_arbiter.core.units import MICROS_PER_USD, NS_PER_HOUR
from phantom_arbiter.venues.history import FundingRow, FundingSpan
from phantom_arbiter.venues.status import venue_status, with_volume
from phantom_arbiter.venues.wire import WireError

NAME: Final = "hyperliquid"
SUFFIX: Final = "-PERP"
_MARKETS: Final = "metaAndAssetCtxs"
_HISTORY: Final = "fundingHistory"
_NS_PER_MS: Final = 1_000_000
_LIMIT: Final = 10**18


class _Asset(Struct, frozen=True, rename="camel"):
    name: str
    is_delisted: bool = False


class _Meta(Struct, frozen=True):
    universe: list[_Asset]


class _Context(Struct, frozen=True, rename="camel"):
    funding: str
    open_interest: str
    day_ntl_vlm: str
    oracle_px: str
    mark_px: str | None = None


class _Posted(Struct, frozen=True, rename="camel"):
    coin: str
    funding_rate: str
    time: int


def parse_markets(answer: Any, now_ns: int) -> VenueReading:
    """The answer to ``metaAndAssetCtxs``: two lists, side by side. It tells no time of its own: ``now_ns`` stands.

    A delisted market is no market. One whose numbers are not sound is left out, and the reason says so.
    """
    meta, contexts = _convert(answer, tuple[_Meta, list[_Context]], _MARKETS)
    if len(meta.universe) != len(contexts):
        raise WireError(_MARKETS, "contexts", len(contexts), f"one for each of {len(meta.universe)} markets")
    markets, refused = [], []
    for asset, context in zip(meta.universe, contexts, strict=True):
        if asset.is_delisted:
            continue
        try:
            markets.append(_market(asset.name, context, now_ns))
        except (WireError, RateError) as error:
            refused.append(f"{asset.name} ({error})")
    if not markets:
        raise WireError(_MARKETS, "universe", refused[:3], "at least one sound market")
    status, reason = venue_status(markets)
    if refused:
        reason = "; ".join(filter(None, (reason, f"{len(refused)} markets left out: {', '.join(refused[:3])}")))
    return VenueReading(NAME, "Hyperliquid", "", "USDC", status, reason, tuple(markets), now_ns)


def parse_coins(answer: Any) -> frozenset[str]:
    """The names of all perps, delisted ones too, in the answer to ``meta``."""
    meta: _Meta = _convert(answer, _Meta, "meta")
    return frozenset(asset.name for asset in meta.universe)


def parse_funding(answer: Any, coin: str) -> FundingSpan:
    """The answer to ``fundingHistory``, oldest first."""
    rows: dict[int, FundingRow] = {}
    refused: list[str] = []
    for number, entry in enumerate(_convert(answer, list[Any], _HISTORY)):
        try:
            posted = _convert(entry, _Posted, f"{_HISTORY}[{number}]")
            if posted.coin != coin:
                raise WireError(_HISTORY, f"[{number}].coin", posted.coin, coin)
            fraction = _decimal(_HISTORY, f"[{number}].fundingRate", posted.funding_rate)
            HourlyRate.of_fraction(fraction)
        except (WireError, RateError) as error:
            refused.append(str(error))
            continue
        row = FundingRow(posted.time * _NS_PER_MS, float(fraction))
        if rows.setdefault(row.ts_ns, row) != row:
            refused.append(f"{_HISTORY}: [{number}].time: {posted.time} was told already, with another rate")
    return FundingSpan(tuple(rows[ts_ns] for ts_ns in sorted(rows)), tuple(refused))


def _market(name: str, context: _Context, now_ns: int) -> MarketReading:
    oracle_px = _price(f"{name}.oraclePx", context.oracle_px)
    mark_px = None if context.mark_px is None else _price(f"{name}.markPx", context.mark_px)
    base = _not_negative(f"{name}.openInterest", context.open_interest)
    volume_micros = int(_not_negative(f"{name}.dayNtlVlm", context.day_ntl_vlm) * MICROS_PER_USD)
    return MarketReading(
        symbol=name + SUFFIX,
        rate=HourlyRate.of_fraction(_decimal(_MARKETS, f"{name}.funding", context.funding)),
        rate_is_estimate=True,
        mark_px=mark_px,
        oracle_px=oracle_px,
        open_interest_micros=int(base * oracle_px),
        volume_24h_micros=volume_micros,
        next_funding_ts_ns=(now_ns // NS_PER_HOUR + 1) * NS_PER_HOUR,
        status=with_volume(VenueStatus.LIVE, volume_micros),
    )


def _price(field: str, text: str) -> int:
    px = int(_decimal(_MARKETS, field, text) * MICROS_PER_USD)
    if px <= 0:
        raise WireError(_MARKETS, field, text, "a price of at least 0.000001 USD")
    return px


def _not_negative(field: str, text: str) -> Decimal:
    value = _decimal(_MARKETS, field, text)
    if value < 0:
        raise WireError(_MARKETS, field, text, "at least 0")
    return value


def _decimal(endpoint: str, field: str, text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise WireError(endpoint, field, text, "a decimal number") from error
    if not value.is_finite() or abs(value) >= _LIMIT:
        raise WireError(endpoint, field, text, "a finite number below 1e18")
    return value


def _convert(value: Any, kind: Any, where: str) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise WireError(where, "body", value, str(error)) from error
