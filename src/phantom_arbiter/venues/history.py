"""Posted funding of a perp venue, hour by hour, whoever tells it."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from msgspec import Struct


class FundingRow(Struct, frozen=True):
    """One posted hour. Positive rates: longs pay shorts. None: the venue does not tell it.

    ``rate_fraction`` is of the notional an hour; ``rate_quote_per_base`` and the TWAPs are in quote units per base.
    """

    ts_ns: int
    rate_fraction: float
    rate_quote_per_base: float | None = None
    oracle_twap: float | None = None
    mark_twap: float | None = None


class FundingSpan(Struct, frozen=True):
    """What a venue told of some days: sound rows, oldest first, and why others were refused."""

    rows: tuple[FundingRow, ...]
    refused: tuple[str, ...]


class UnknownMarketError(ValueError):
    """A market that the venue does not have."""


class FundingHistory(Protocol):
    """A venue's funding of the past.

    ``days_at_once``: the most days one call may ask for. Hours are told from ``first_day`` on, and before
    ``end_day``; None: no bound is known.
    """

    @property
    def days_at_once(self) -> int: ...

    @property
    def first_day(self) -> date | None: ...

    @property
    def end_day(self) -> date | None: ...

    @property
    def name(self) -> str:
        """The venue's name."""

    async def recent_hours(self, symbol: str) -> FundingSpan:
        """Hours posted in the last 30 days or a little more.

        Raises `UnknownMarketError`, and `VenueUnavailable` where they can't be told.
        """

    async def funding_days(self, symbol: str, first: date, days: int) -> FundingSpan:
        """Hours posted on ``days`` UTC days from ``first`` on. Raises as `recent_hours`."""
