"""A journal that keeps nothing: for backtests, where the report is all that is wanted."""

from __future__ import annotations

from phantom_arbiter.core.events import Envelope
from phantom_arbiter.core.outcome import Outcome


class MemoryJournal:
    """Implements `runtime.sequencer.Journal`; counts what it was given."""

    def __init__(self) -> None:
        self.recorded = 0

    def record(self, envelope: Envelope, outcome: Outcome | None) -> None:
        """Count it."""
        del envelope, outcome
        self.recorded += 1

    def commit(self) -> None:
        """Nothing to make durable."""
