"""The Arb page of a whole run: its tape agrees with what the engine counts and with what the ledger holds."""

from __future__ import annotations

from collections import Counter

import pytest

from phantom_arbiter.app.arb_page import MAX_GRAVES, arb_page
from phantom_arbiter.app.arb_tape import ArbTape
from phantom_arbiter.core.events import Envelope
from phantom_arbiter.core.outcome import Outcome
from phantom_arbiter.dashboard.arb_rows import ArbOpportunity
from phantom_arbiter.dashboard.frames import ArbUpdateFrame, encode
from tests.simulation.runs import Run

MOST_BYTES = 2**17


class Told:
    """Two hours of a volatile market, and every row as it was last told."""

    def __init__(self) -> None:
        self.run = Run(1, "volatile", engines=("arb",))
        self.tape = ArbTape(self.run.kernel.view)
        self.rows: dict[str, ArbOpportunity] = {}
        self.run.session.sequencer.listeners.append(self._hear)
        self.run.until(120)
        self.page = self.tape.totals(arb_page(self.run.kernel.engines["arb"].panel(), 1))

    def _hear(self, envelope: Envelope, outcome: Outcome) -> None:
        told = [self.tape.verdict(verdict, envelope.ts_ns) for verdict in outcome.verdicts]
        told += [row for order in outcome.orders if (row := self.tape.order(order)) is not None]
        self.rows |= {row.id: row for row in told}


@pytest.fixture(scope="module")
def told() -> Told:
    return Told()


def test_every_transaction_ends_on_the_tape_as_the_engine_counts_it(told: Told) -> None:
    verdicts = Counter(row.verdict for row in told.rows.values())
    ended = {verdict: count for verdict, count in verdicts.items() if verdict not in ("refused", "sent", "unknown")}
    assert ended == told.page.outcomes
    assert sum(ended.values()) == told.page.ended > 0


def test_what_was_realised_is_what_the_ledger_gained(told: Told) -> None:
    """But for what leftovers of other assets have gained or lost since."""
    causes = told.run.kernel.accounting.pnl_by_cause_micros("arb")
    assert told.page.realised_usd == pytest.approx(sum(causes.values()) / 1e6, abs=0.05)


def test_a_page_is_small(told: Told) -> None:
    assert len(told.page.graves) == MAX_GRAVES
    assert len(encode(ArbUpdateFrame(1, 1, told.page))) < MOST_BYTES
