"""A real perp venue's markets on the dashboard, for reading: orders of a paper run go to its own market."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from phantom_arbiter.app.venue_readers import live_refused, reader_of
from phantom_arbiter.config import PerpVenueConfig
from phantom_arbiter.core.perp.reading import MarketReading
from phantom_arbiter.core.units import MICROS_PER_USD
from phantom_arbiter.dashboard.panels import DriftMarket, DriftStats, MarketsResponse, VenueInfo
from phantom_arbiter.dashboard.port import Unavailable
from phantom_arbiter.venues.reads import ReadPolicy, open_http
from phantom_arbiter.venues.watch import VenueView, VenueWatch

NS_PER_MS: Final = 1_000_000
READ_ONLY: Final = "for reading; paper orders go to the built-in market"


@asynccontextmanager
async def watching(config: PerpVenueConfig) -> AsyncIterator[VenueWatch]:
    """A watch on the configured venue; its `run` is the caller's to start."""
    async with open_http(ReadPolicy()) as http:
        reader = reader_of(config.source, config.base_url or None, http)
        yield VenueWatch(reader, interval_s=config.refresh_s, live_refused=live_refused(config.source))


def venue_table(view: VenueView) -> MarketsResponse | Unavailable:
    """The market table as the venue last told it, with its age; Unavailable where it never answered."""
    reading = view.reading
    if reading is None or view.age_ns is None:
        return Unavailable(code="unreachable", reason=f"{view.venue}: {view.reason}")
    markets = tuple(_market(market) for market in reading.markets)
    rates = [market.rate for market in markets]
    reason = f"{view.reason}; {READ_ONLY}" if view.reason else READ_ONLY
    return MarketsResponse(
        venue=VenueInfo(
            name=reading.venue, program=reading.program, quote=reading.quote, status=view.status, reason=reason
        ),
        markets=markets,
        stats=DriftStats(
            total_oi=_total([market.oi for market in markets]),
            volume_24h=_total([market.volume_24h for market in markets]),
            avg_funding=sum(rates) / len(rates) if rates else None,
        ),
        as_of=reading.as_of_ns // NS_PER_MS,
        age_ms=view.age_ns // NS_PER_MS,
        stale=view.stale or bool(view.failure),
        stale_reason=view.failure or (view.reason if view.stale else ""),
    )


def _market(market: MarketReading) -> DriftMarket:
    return DriftMarket(
        symbol=market.symbol,
        rate=market.rate.fraction,
        apr=market.rate.apr,
        direction="longs" if market.rate.receiver == "longs" else "shorts",
        oi=_usd(market.open_interest_micros),
        volume_24h=_usd(market.volume_24h_micros),
        mark_price=_usd(market.mark_px),
        oracle_price=_usd(market.oracle_px),
        next_funding_ts=market.next_funding_ts_ns // NS_PER_MS if market.next_funding_ts_ns is not None else None,
    )


def _usd(micros: int | None) -> float | None:
    return micros / MICROS_PER_USD if micros is not None else None


def _total(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
