"""The loop of backtest, paper and replay: market, driver, timer and commands, merged in market time.

It has no clock of its own: `advance` runs up to an instant and returns. A backtest calls it without pause, paper calls
it with the wall clock times the speed.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import Final

from msgspec import Struct

from phantom_arbiter.core.events import Commanded, TimerFired
from phantom_arbiter.core.outcome import Outcome
from phantom_arbiter.core.units import NS_PER_SECOND
from phantom_arbiter.runtime.ports import Arrival, MarketSource, SimulatedDriver
from phantom_arbiter.runtime.sequencer import Sequencer

TICK: Final = TimerFired("tick")
NEVER_NS: Final = 2**63 - 1


class Progress(Enum):
    """How a call of `Simulation.advance` ended."""

    REACHED = "everything up to the instant is done"
    MORE = "the limit was reached first: call again"
    ENDED = "the market has no more facts"


class PastCommand(Struct, frozen=True):
    """A journaled command and the place it had in the run."""

    seq: int
    body: Commanded


class Simulation:
    """Drives a sequencer. ``redo`` are journaled commands of a killed run, to be fed again at their own seq."""

    def __init__(
        self, sequencer: Sequencer, source: MarketSource, driver: SimulatedDriver, start_ns: int, tick_ns: int | None
    ) -> None:
        self.sequencer = sequencer
        self.source = source
        self.driver = driver
        self.start_ns = start_ns
        self.tick_ns = tick_ns if tick_ns is not None else start_ns + NS_PER_SECOND
        self.redo: deque[PastCommand] = deque()

    @property
    def now_ns(self) -> int:
        """The market's time."""
        return max(self.sequencer.now_ns, self.start_ns)

    def command(self, body: Commanded) -> Outcome | None:
        """Carry out a command now, at the market's time."""
        return self.sequencer.feed(Arrival(self.now_ns, "command", body, body.command_id))

    def advance(self, until_ns: int, max_acts: int) -> Progress:
        """Run everything up to ``until_ns``, but no more than ``max_acts`` facts or acts of the driver.

        At the same instant the market comes first, then the driver, then the timer.
        """
        feed, source, driver = self.sequencer.feed, self.source, self.driver
        for _ in range(max_acts):
            if self.redo and self.redo[0].seq == self.sequencer.seq + 1:
                self.command(self.redo.popleft().body)
                continue
            source_ns, due_ns = source.peek_ns(), driver.due_ns()
            if source_ns is None and (due_ns is None or due_ns > until_ns):
                return Progress.ENDED
            next_ns = NEVER_NS if source_ns is None else source_ns
            if due_ns is not None and due_ns < next_ns:
                next_ns = due_ns
            if next_ns > until_ns and self.tick_ns > until_ns:
                return Progress.REACHED
            if self.tick_ns < next_ns:
                tick_ns, self.tick_ns = self.tick_ns, self.tick_ns + NS_PER_SECOND
                feed(Arrival(tick_ns, "timer", TICK))
            elif next_ns == source_ns:
                feed(source.pop())
            else:
                for arrival in driver.pop(next_ns):
                    feed(arrival)
        return Progress.MORE
