"""Watching a perp venue: its last good answer, how old that is, what failed since, and what the venue lets us do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from phantom_arbiter.core.events import VenueStatus
from phantom_arbiter.core.perp.reading import VenueReading
from phantom_arbiter.core.units import NS_PER_SECOND
from phantom_arbiter.runtime.ports import PerpVenueReader
from phantom_arbiter.venues.errors import VenueUnavailable

POLL_S: Final = 30.0
STALE_AFTER_NS: Final = 90 * NS_PER_SECOND
"""Three polls missed."""

AHEAD_NS: Final = 30 * NS_PER_SECOND
"""How far a venue's clock may be ahead of ours."""


class VenueView(Struct, frozen=True):
    """A venue as it is known now.

    ``reading`` is the last good answer and ``age_ns`` how old it is; both None where there never was one. ``failure``
    says why the last poll brought nothing; empty where it did.
    """

    venue: str
    status: VenueStatus
    reason: str
    reading: VenueReading | None
    age_ns: int | None
    stale: bool
    failure: str


class VenueWatch:
    """Polls a reader and keeps the last good answer. One task runs it; anyone may look.

    ``live_refused``: why the venue counts as paused whether it can be read or not (`VenueProfile.live_refused`).
    """

    def __init__(
        self,
        reader: PerpVenueReader,
        *,
        interval_s: float = POLL_S,
        stale_after_ns: int = STALE_AFTER_NS,
        live_refused: str = "",
        now_ns: Callable[[], int] = time.time_ns,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._reader = reader
        self._interval_s = interval_s
        self._stale_after_ns = stale_after_ns
        self._live_refused = live_refused
        self._now_ns = now_ns
        self._sleep = sleep
        self._running = False
        self._reading: VenueReading | None = None
        self._failure = "it was not asked yet"

    async def run(self) -> None:
        """Poll until cancelled. Raises RuntimeError where it runs already; a reader's bug comes out as it is."""
        if self._running:
            raise RuntimeError(f"{self._reader.name}: is watched already")
        self._running = True
        try:
            while True:
                await self.poll()
                await self._sleep(self._interval_s)
        finally:
            self._running = False

    async def poll(self) -> None:
        """Ask once. What cannot be had, or is older than what is held, changes nothing but the failure told."""
        try:
            reading = await self._reader.read_markets()
        except VenueUnavailable as error:
            self._failure = error.reason
            return
        self._failure = self._refusal(reading)
        if not self._failure:
            self._reading = reading

    def status(self) -> VenueView:
        """The venue now. Old data let nobody in, and still let everybody out: stale is reduce-only."""
        name, reading = self._reader.name, self._reading
        if reading is None:
            reason = f"never reached: {self._failure}"
            status = VenueStatus.ABSENT
            if self._live_refused:
                status, reason = VenueStatus.PAUSED, f"{self._live_refused}; {reason}"
            return VenueView(name, status, reason, None, None, stale=True, failure=self._failure)
        age_ns = self._now_ns() - reading.as_of_ns
        stale = not -AHEAD_NS <= age_ns <= self._stale_after_ns
        status, reason = reading.status, reading.reason
        if stale and status in (VenueStatus.LIVE, VenueStatus.THIN):
            why = f": {self._failure}" if self._failure else ""
            told = f"{age_ns // NS_PER_SECOND} s old" if age_ns > 0 else "of a time yet to come: our clock went back"
            status, reason = VenueStatus.REDUCE_ONLY, f"the last good answer is {told}{why}"
        return VenueView(name, status, reason, reading, max(0, age_ns), stale, self._failure)

    def _refusal(self, reading: VenueReading) -> str:
        held, now_ns = self._reading, self._now_ns()
        if reading.venue != self._reader.name:
            return f"the answer is of {reading.venue}, expected {self._reader.name}"
        if reading.as_of_ns > now_ns + AHEAD_NS:
            return f"the answer is of {_clock(reading.as_of_ns)}, which is yet to come (it is {_clock(now_ns)})"
        # A held answer that is itself yet to come is no measure: then our own clock was wrong.
        if held is not None and reading.as_of_ns < held.as_of_ns <= now_ns + AHEAD_NS:
            return f"the answer is of {_clock(reading.as_of_ns)}, older than the one held, of {_clock(held.as_of_ns)}"
        return _stepped_back(held, reading) if held is not None and held.as_of_ns <= reading.as_of_ns else ""


def _stepped_back(held: VenueReading, reading: VenueReading) -> str:
    """Why a venue's own time went backwards, in words; empty: it did not. Not every venue dates its answers."""
    before = {market.symbol: market.next_funding_ts_ns for market in held.markets}
    for market in reading.markets:
        was, now = before.get(market.symbol), market.next_funding_ts_ns
        if was is not None and now is not None and now < was:
            return f"{market.symbol}: next funding at {_clock(now)}, before the time held, {_clock(was)}"
    return ""


def _clock(ts_ns: int) -> str:
    return datetime.fromtimestamp(ts_ns // NS_PER_SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
