"""The one writer: it stamps, steps, journals, and only then lets an order out or a command be answered."""

from __future__ import annotations

from typing import Any

import pytest

from phantom_arbiter.core.commands import Kill, KillLevel
from phantom_arbiter.core.events import Commanded, Envelope, FundingPosted, LegReport, LegStatus, OrderReported, Quoted
from phantom_arbiter.core.outcome import Outcome
from phantom_arbiter.runtime.ports import Arrival
from phantom_arbiter.runtime.sequencer import JOURNALED, Sequencer
from phantom_arbiter.sim.driver import VirtualDriver
from phantom_arbiter.sim.driver_config import IDEAL
from phantom_arbiter.sim.liquidity import Impact, RecordedLiquidity
from tests.unit.core.house import SOL_PX, UNIVERSE, House, buy, intent


class DiskFullError(OSError):
    """The journal cannot write."""


class Tape:
    """A journal in memory that notes in which order things happened, and may fail."""

    def __init__(self, *, full: bool = False) -> None:
        self.full = full
        self.steps: list[str] = []
        self.rows: list[Envelope] = []

    def record(self, envelope: Envelope, outcome: Outcome | None) -> None:
        self.steps.append(f"record {type(envelope.body).__name__}")
        self.rows.append(envelope)

    def commit(self) -> None:
        if self.full:
            raise DiskFullError("no space left")
        self.steps.append("commit")


class Desk:
    """A sequencer on a real kernel and driver."""

    def __init__(self, *, full: bool = False) -> None:
        self.house = House()
        self.journal = Tape(full=full)
        liquidity = RecordedLiquidity(UNIVERSE, 0, Impact(depth_quote_atoms={"USDC": 10**15}))
        self.driver = VirtualDriver(UNIVERSE, liquidity, IDEAL, 7)
        self.sequencer = Sequencer(self.house.kernel, self.journal, self.driver)
        self.sequencer.listeners.append(lambda envelope, outcome: self.journal.steps.append("listener"))

    def feed(self, body: Any, *, after_ns: int = 1, source: str = "test") -> Outcome | None:
        return self.sequencer.feed(Arrival(self.sequencer.now_ns + after_ns, source, body))

    def wish(self) -> None:
        self.house.puppet.wishes = [intent(buy())]
        self.feed(Quoted("SOL/USDC", SOL_PX, SOL_PX, 0))


def test_an_order_reaches_the_driver_after_it_is_durable() -> None:
    desk = Desk()
    steps = desk.journal.steps
    submit = desk.driver.submit

    def noted(dispatch: Any, now_ns: int) -> None:
        steps.append("submit")
        submit(dispatch, now_ns)

    desk.driver.submit = noted  # type: ignore[method-assign]
    desk.wish()
    assert steps == ["record Quoted", "commit", "submit", "listener"]
    assert desk.driver.due_ns() is not None


def test_if_the_journal_cannot_write_nothing_reaches_the_driver() -> None:
    desk = Desk(full=True)
    with pytest.raises(DiskFullError):
        desk.wish()
    assert desk.driver.due_ns() is None
    assert "listener" not in desk.journal.steps


def test_a_command_is_answered_only_when_it_is_durable() -> None:
    desk = Desk(full=True)
    with pytest.raises(DiskFullError):
        desk.feed(Commanded("c", Kill(KillLevel.PAUSE)))
    assert "listener" not in desk.journal.steps
    desk = Desk()
    desk.feed(Commanded("c", Kill(KillLevel.PAUSE)))
    assert desk.journal.steps == ["record Commanded", "commit", "listener"]


def test_time_never_falls_and_numbers_have_no_gaps() -> None:
    desk = Desk()
    sequencer, seen = desk.sequencer, desk.journal.rows
    first, now = sequencer.seq, sequencer.now_ns
    for ts_ns in (now + 10, now + 5, now - 10**12, now + 11):
        sequencer.feed(Arrival(ts_ns, "test", Commanded("c", Kill(KillLevel.PAUSE))))
    assert [row.ts_ns - now for row in seen] == [10, 10, 10, 11]
    assert [row.seq for row in seen] == [first + 1, first + 2, first + 3, first + 4]
    assert desk.house.kernel.view.now_ns == now + 11


def test_market_facts_that_change_nothing_are_not_journaled_and_reports_always_are() -> None:
    desk = Desk()
    assert desk.feed(Quoted("BONK/USDC", 1, 1, 0)) is None
    assert desk.journal.rows == []
    stray = OrderReported("nobody-1", (LegReport(0, LegStatus.FILLED),))
    assert desk.feed(stray) is None
    assert [row.body for row in desk.journal.rows] == [stray]
    assert {OrderReported, Commanded} < JOURNALED


def test_source_and_cause_are_kept() -> None:
    desk = Desk()
    body = Commanded("abc", Kill(KillLevel.PAUSE))
    desk.sequencer.feed(Arrival(desk.sequencer.now_ns, "command", body, "abc"))
    (row,) = desk.journal.rows
    assert (row.source, row.cause) == ("command", "abc")


def test_the_driver_sees_market_facts_and_not_its_own_reports() -> None:
    desk = Desk()
    before = list(desk.driver.digest_items())
    desk.feed(FundingPosted("SOL-PERP", 10_000_000, SOL_PX, SOL_PX, 0))
    after = list(desk.driver.digest_items())
    assert after != before
    desk.feed(OrderReported("nobody-1", (LegReport(0, LegStatus.FILLED),)))
    assert list(desk.driver.digest_items()) == after


def test_a_resumed_sequencer_goes_on_counting() -> None:
    desk = Desk()
    desk.feed(Commanded("c", Kill(KillLevel.PAUSE)))
    again = Sequencer(desk.house.kernel, Tape(), desk.driver)
    assert (again.seq, again.now_ns) == (desk.sequencer.seq, desk.sequencer.now_ns)
