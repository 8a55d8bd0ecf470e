"""The plugs in which backtest, paper and live differ: where facts come from, who answers, who reads a venue."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from phantom_arbiter.core.events import AnyFact, Envelope
from phantom_arbiter.core.orders import Dispatch
from phantom_arbiter.core.perp.reading import VenueReading


class Arrival(NamedTuple):
    """A fact on its way to the sequencer."""

    ts_ns: int
    source: str
    body: AnyFact
    cause: str = ""


class MarketSource(Protocol):
    """A stream of market facts in time order: the built-in market, a recording, or live feeds behind a queue."""

    def peek_ns(self) -> int | None:
        """The instant of the next fact; None at the end."""

    def pop(self) -> Arrival:
        """Take the next fact."""


class SimulatedDriver(Protocol):
    """A driver without I/O: it is told the time, and answers with facts."""

    def submit(self, dispatch: Dispatch, now_ns: int) -> None:
        """Take an approved dispatch; its outcome comes later, from `pop`."""

    def observe(self, envelope: Envelope) -> None:
        """See a market fact (already folded by the kernel)."""

    def due_ns(self) -> int | None:
        """The instant of its next act; None when nothing is under way."""

    def pop(self, now_ns: int) -> list[Arrival]:
        """Act on everything due up to ``now_ns`` and return the facts, in order."""


class PerpVenueReader(Protocol):
    """A perp venue that can be read: nothing of it can trade."""

    @property
    def name(self) -> str:
        """The venue's name, as in `VenueReading.venue`."""

    async def read_markets(self) -> VenueReading:
        """All markets as they are now; an error says why not, and never stands for a number."""
