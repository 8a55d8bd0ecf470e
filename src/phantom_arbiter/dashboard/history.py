"""Bounded histories for charts."""

from __future__ import annotations

from collections import deque
from typing import Final

from phantom_arbiter.dashboard.rows import Candle, EquityPoint

CANDLE_MS: Final = 60_000


class EquityHistory:
    """At most ``limit`` points, one per step of time; where they are too many, the step doubles.

    The last point of a step stands for it, so the newest value is always there.
    """

    def __init__(self, limit: int = 2_000, step_ms: int = 1_000) -> None:
        if limit < 2:
            raise ValueError(f"limit of an equity history: got {limit}, expected at least 2")
        self._limit = limit
        self._step_ms = step_ms
        self._points: list[EquityPoint] = []

    @property
    def points(self) -> tuple[EquityPoint, ...]:
        """Oldest first."""
        return tuple(self._points)

    def add(self, point: EquityPoint) -> None:
        """Take in a point; one that is older than the newest is left out."""
        if self._points and point.ts < self._points[-1].ts:
            return
        self._put(point)
        while len(self._points) > self._limit:
            self._step_ms *= 2
            points, self._points = self._points, []
            for known in points:
                self._put(known)

    def _put(self, point: EquityPoint) -> None:
        if self._points and self._points[-1].ts // self._step_ms == point.ts // self._step_ms:
            self._points[-1] = point
        else:
            self._points.append(point)


class CandleSeries:
    """The last ``limit`` minutes of one instrument."""

    def __init__(self, limit: int = 360) -> None:
        self._closed: deque[Candle] = deque(maxlen=limit - 1)
        self._start = self._open = self._high = self._low = self._close = 0.0

    def add(self, ts: int, price: float) -> None:
        """Take in a price; one from before the running minute counts to that minute."""
        start = ts - ts % CANDLE_MS
        if start > self._start:
            if self._start:
                self._closed.append(self._running())
            self._start = start
            self._open = self._high = self._low = self._close = price
            return
        self._high = max(self._high, price)
        self._low = min(self._low, price)
        self._close = price

    def last(self, count: int) -> tuple[Candle, ...]:
        """The newest ``count`` candles, oldest first; the last one still runs."""
        if not self._start or count < 1:
            return ()
        closed = list(self._closed)[-(count - 1) :] if count > 1 else []
        return (*closed, self._running())

    def _running(self) -> Candle:
        return Candle(ts=int(self._start), open=self._open, high=self._high, low=self._low, close=self._close)
