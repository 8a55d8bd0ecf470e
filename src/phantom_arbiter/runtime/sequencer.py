"""The sequencer: one writer. It stamps every fact, steps the kernel, journals, and only then lets orders out.

The order of things is the whole point: a dispatch reaches a driver after the verdict and everything before it is
durable, and a command is answered only then. Market facts that a seed or a dataset can produce again are not
journaled; reports, settlements and commands are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from phantom_arbiter.core.events import (
    Commanded,
    Envelope,
    Fact,
    FundingSettled,
    Liquidated,
    OrderReported,
    PnlSettled,
)
from phantom_arbiter.core.kernel import Kernel
from phantom_arbiter.core.outcome import Outcome
from phantom_arbiter.runtime.ports import Arrival, SimulatedDriver

JOURNALED: Final[frozenset[type[Fact]]] = frozenset({OrderReported, FundingSettled, PnlSettled, Liquidated, Commanded})
"""Facts that no seed or dataset can give back."""


class Journal(Protocol):
    """What the sequencer writes to."""

    def record(self, envelope: Envelope, outcome: Outcome | None) -> None:
        """Keep a fact and what it brought about; buffered until `commit`."""

    def commit(self) -> None:
        """Returns when everything recorded is durable."""


Listener = Callable[[Envelope, Outcome], None]


class Sequencer:
    """Owns ``seq`` and time. ``ts_ns`` never falls: a fact that arrives late is stamped with the latest time.

    ``step`` is the kernel's own; who measures it puts another in its place, which calls it.
    """

    def __init__(self, kernel: Kernel, journal: Journal, driver: SimulatedDriver) -> None:
        self.kernel = kernel
        self.step: Callable[[Envelope], Outcome | None] = kernel.step
        self.journal = journal
        self.driver = driver
        self.seq = kernel.seq
        self.now_ns = kernel.view.now_ns
        self.listeners: list[Listener] = []

    def feed(self, arrival: Arrival) -> Outcome | None:
        """Take one fact through kernel, journal and driver."""
        ts_ns, source, body, cause = arrival
        self.seq += 1
        if ts_ns > self.now_ns:
            self.now_ns = ts_ns
        envelope = Envelope(self.seq, self.now_ns, source, body, cause)
        outcome = self.step(envelope)
        if type(body) not in JOURNALED:
            self.driver.observe(envelope)
            if outcome is None:
                return None
        self.journal.record(envelope, outcome)
        if outcome is None:
            return None
        if outcome.dispatches or outcome.command is not None:
            self.journal.commit()
            for dispatch in outcome.dispatches:
                self.driver.submit(dispatch, self.now_ns)
        for listener in self.listeners:
            listener(envelope, outcome)
        return outcome
