"""A real perp venue's markets on the dashboard, for reading: orders of a paper run go to its own market."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Final

from msgspec.structs import replace

from phantom_arbiter.app.venue_readers import DEADLINE_S, live_refused, reader_of
from phantom_arbiter.config import PerpVenueConfig
from phantom_arbiter.core.perp.reading import MarketReading
from phantom_arbiter.core.units import MICROS_PER_USD
from phantom_arbiter.dashboard.panels import DriftMarket, DriftStats, MarketsResponse, VenueInfo
from phantom_arbiter.dashboard.port import Unavailable
from phantom_arbiter.venues.history_watch import HistoryWatch, MarketHours
from phantom_arbiter.venues.reads import ReadPolicy, open_http
from phantom_arbiter.venues.watch import VenueView, VenueWatch

NS_PER_MS: Final = 1_000_000
RATE_DECIMALS: Final = 12
"""As exact as `HourlyRate`; more digits would double the answer."""

SHORTEST_S: Final = 10.0
"""Time for a second attempt after a silence."""

READ_ONLY: Final = "for reading; paper orders go to the built-in market"


class VenueFeed:
    """A watched venue's table. Each of `loops` is a task of the caller's."""

    def __init__(self, watch: VenueWatch, history: HistoryWatch) -> None:
        self._watch = watch
        self._history = history

    def loops(self) -> tuple[Coroutine[None, None, None], ...]:
        """Reading the markets, and reading their history."""
        return self._watch.run(), self._history.run()

    def table(self) -> MarketsResponse | Unavailable:
        """The market table as it stands now."""
        return venue_table(self._watch.status(), self._history.hours())


@asynccontextmanager
async def watching(config: PerpVenueConfig) -> AsyncIterator[VenueFeed]:
    """A feed of the configured venue."""
    async with open_http(ReadPolicy()) as http:
        deadline_s = min(DEADLINE_S, max(SHORTEST_S, config.refresh_s))  # who asks often wants to know soon
        reader = reader_of(config.source, config.base_url or None, http, deadline_s=deadline_s)
        watch = VenueWatch(reader, interval_s=config.refresh_s, live_refused=live_refused(config.source))
        yield VenueFeed(watch, HistoryWatch(reader, watch.status))


def venue_table(view: VenueView, history: Mapping[str, MarketHours]) -> MarketsResponse | Unavailable:
    """The market table as the venue last told it, with its age; Unavailable where it never answered.

    A market without posted hours has an empty history; what could not be read of it is said in the venue's reason.
    """
    reading = view.reading
    if reading is None or view.age_ns is None:
        return Unavailable(code="unreachable", reason=f"{view.venue}: {view.reason}")
    markets = tuple(_market(market, history.get(market.symbol, MarketHours())) for market in reading.markets)
    rates = [market.rate for market in markets]
    reason = "; ".join(filter(None, (view.reason, _missing(history), READ_ONLY)))
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


def without_history(table: MarketsResponse) -> MarketsResponse:
    """The table for a frame that is sent every second: thirty days of every market are asked for, not sent."""
    return replace(table, markets=tuple(replace(market, history=()) for market in table.markets))


def _missing(history: Mapping[str, MarketHours]) -> str:
    """Whose history could not be read whole, and why the first one could not."""
    failed = [(symbol, hours.failure) for symbol, hours in history.items() if hours.failure]
    return f"history of {len(failed)} markets is not whole: {': '.join(failed[0])}" if failed else ""


def _market(market: MarketReading, hours: MarketHours) -> DriftMarket:
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
        rate_ts=hours.rows[-1].ts_ns // NS_PER_MS if hours.rows else None,
        history=tuple(round(row.rate_fraction, RATE_DECIMALS) for row in hours.rows),
    )


def _usd(micros: int | None) -> float | None:
    return micros / MICROS_PER_USD if micros is not None else None


def _total(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
