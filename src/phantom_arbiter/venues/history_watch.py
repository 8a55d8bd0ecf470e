"""Keeping the last 30 days of funding of a watched venue's markets, beside the poll of what they are now."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from phantom_arbiter.core.perp.reading import MarketReading
from phantom_arbiter.core.units import NS_PER_DAY, NS_PER_MINUTE, NS_PER_SECOND
from phantom_arbiter.venues.errors import VenueUnavailable
from phantom_arbiter.venues.history import FundingHistory, FundingRow, UnknownMarketError
from phantom_arbiter.venues.watch import VenueView

KEPT_NS: Final = 30 * NS_PER_DAY
KEPT_HOURS: Final = 720
MAX_MARKETS: Final = 60
"""The markets with the greatest volume: Hyperliquid has over 200, and its rate limit lets us ask twice in 5 s."""

ROUND_S: Final = 3_600.0
RETRY_S: Final = 600.0
FIRST_LOOK_S: Final = 1.0
"""Until the venue's markets are known: a look at what is held, no question to the venue."""

DUE_NS: Final = int(ROUND_S * NS_PER_SECOND) - 10 * NS_PER_MINUTE
"""Hours read less than this ago are not asked for again by a round that mends another's failures."""

MAX_FAILURES: Final = 3
"""So many in a row end a round: then it is the venue, not a market."""


class MarketHours(Struct, frozen=True):
    """A market's posted hours, oldest first. ``failure``: what the last attempt to read them could not have; empty:
    nothing. ``read_ts_ns``: when they were read; 0: never.
    """

    rows: tuple[FundingRow, ...] = ()
    failure: str = ""
    read_ts_ns: int = 0


class HistoryWatch:
    """Asks for each market's posted hours at the start and then once an hour, one market after the other.

    Apart from `VenueWatch`, so that slow or failing history never keeps the markets from being read. One task runs it;
    anyone may look.
    """

    def __init__(
        self,
        history: FundingHistory,
        view: Callable[[], VenueView],
        *,
        now_ns: Callable[[], int] = time.time_ns,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._history = history
        self._view = view
        self._now_ns = now_ns
        self._sleep = sleep
        self._held: dict[str, MarketHours] = {}

    async def run(self) -> None:
        """Read until cancelled; a reader's bug comes out as it is."""
        while True:
            if self._view().reading is None:
                await self._sleep(FIRST_LOOK_S)
            else:
                await self._sleep(ROUND_S if await self.read() else RETRY_S)

    async def read(self) -> bool:
        """One round over the markets that are due; whether all of them could be read."""
        reading = self._view().reading
        symbols = _busiest(reading.markets) if reading is not None else ()
        self._held = {symbol: self._held.get(symbol, MarketHours()) for symbol in symbols}
        failed = in_a_row = 0
        for symbol in symbols:
            if 0 <= self._now_ns() - self._held[symbol].read_ts_ns < DUE_NS:
                continue
            sound = await self._read_market(symbol)
            in_a_row = 0 if sound else in_a_row + 1
            failed += not sound
            if in_a_row == MAX_FAILURES:
                break
        return failed == 0

    def hours(self) -> Mapping[str, MarketHours]:
        """What is held, by market: nothing older than 30 days, and no more than `KEPT_HOURS` of each."""
        start_ns = self._now_ns() - KEPT_NS
        return {symbol: replace(held, rows=_since(held.rows, start_ns)) for symbol, held in self._held.items()}

    async def _read_market(self, symbol: str) -> bool:
        try:
            span = await self._history.recent_hours(symbol)
        except (VenueUnavailable, UnknownMarketError) as error:
            self._held[symbol] = replace(self._held[symbol], failure=str(error))
            return False
        now_ns = self._now_ns()
        ahead = sum(row.ts_ns > now_ns for row in span.rows)
        refused = [*span.refused, *([f"{ahead} hours are yet to come"] if ahead else [])]
        rows = span.rows[: len(span.rows) - ahead]
        words = f"{len(span.refused) + ahead} hours refused: {refused[0]}" if refused else ""
        self._held[symbol] = MarketHours(_since(rows, now_ns - KEPT_NS), words, now_ns)
        return True


def _busiest(markets: Sequence[MarketReading]) -> tuple[str, ...]:
    by_volume = sorted(markets, key=lambda market: market.volume_24h_micros or 0, reverse=True)
    return tuple(market.symbol for market in by_volume[:MAX_MARKETS])


def _since(rows: tuple[FundingRow, ...], start_ns: int) -> tuple[FundingRow, ...]:
    return rows[bisect_left(rows, start_ns, key=lambda row: row.ts_ns) :][-KEPT_HOURS:]
