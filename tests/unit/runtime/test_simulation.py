"""The loop: market, driver and timer merged in market time, in slices of any size."""

from __future__ import annotations

from collections import deque

import pytest

from phantom_arbiter.core.commands import Kill, KillLevel
from phantom_arbiter.core.events import AnyFact, Commanded, Envelope, OrderReported, Quoted, TimerFired
from phantom_arbiter.core.outcome import Outcome
from phantom_arbiter.core.snapshot import digest_items, state_hash
from phantom_arbiter.runtime.ports import Arrival
from phantom_arbiter.runtime.sequencer import Sequencer
from phantom_arbiter.runtime.simulation import PastCommand, Progress, Simulation
from phantom_arbiter.sim.driver import VirtualDriver
from phantom_arbiter.sim.driver_config import IDEAL
from phantom_arbiter.sim.liquidity import Impact, RecordedLiquidity
from tests.unit.core.house import SECOND, SOL_PX, UNIVERSE, House, buy, intent

ALL = 10**9


class Recording:
    """A market source of given facts."""

    def __init__(self, *arrivals: tuple[int, AnyFact]) -> None:
        self.rows = deque(Arrival(ts_ns, "market", body) for ts_ns, body in arrivals)

    def peek_ns(self) -> int | None:
        return self.rows[0].ts_ns if self.rows else None

    def pop(self) -> Arrival:
        return self.rows.popleft()


class Log:
    """A journal that keeps the rows."""

    def __init__(self) -> None:
        self.rows: list[Envelope] = []

    def record(self, envelope: Envelope, outcome: Outcome | None) -> None:
        self.rows.append(envelope)

    def commit(self) -> None:
        """In memory."""


class Run:
    """A simulation of a house with a wish at its first quote; offsets in seconds from its start."""

    def __init__(self, *seconds: float, tick: float = 10**6) -> None:
        self.house = House()
        self.house.puppet.wishes = [intent(buy())]
        self.start_ns = self.house.now_ns
        quotes = [(self.at(second), Quoted("SOL/USDC", SOL_PX, SOL_PX, 0)) for second in seconds]
        self.heard: list[tuple[str, int]] = []
        liquidity = RecordedLiquidity(UNIVERSE, 0, Impact(depth_quote_atoms={"USDC": 10**15}))
        driver = VirtualDriver(UNIVERSE, liquidity, IDEAL, 7)
        sequencer = Sequencer(self.house.kernel, Log(), driver)
        step = self.house.kernel.step

        def heard(envelope: Envelope) -> Outcome | None:
            self.heard.append((type(envelope.body).__name__, envelope.ts_ns - self.start_ns))
            return step(envelope)

        sequencer.step = heard
        source = Recording(*quotes)
        self.simulation = Simulation(sequencer, source, driver, self.start_ns, self.at(tick))

    def at(self, second: float) -> int:
        return self.start_ns + round(second * SECOND)

    def advance(self, until: float, acts: int = ALL) -> Progress:
        return self.simulation.advance(self.at(until), acts)


def test_at_one_instant_the_market_comes_first_then_the_driver_then_the_timer() -> None:
    run = Run(1, 1, tick=1)
    assert run.advance(1) is Progress.ENDED
    kinds = [kind for kind, at in run.heard if at == SECOND]
    assert kinds[:2] == ["Quoted", "Quoted"]
    assert kinds[2] == "OrderReported"


def test_it_stops_at_the_instant_and_goes_on_from_there() -> None:
    run = Run(1, 2, 3, tick=1.5)
    assert run.advance(2) is Progress.REACHED
    assert [at for kind, at in run.heard if kind == "Quoted"] == [SECOND, 2 * SECOND]
    assert run.simulation.now_ns == run.at(2)
    run.advance(3)
    assert [at for kind, at in run.heard if kind == "Quoted"][-1] == 3 * SECOND


def test_the_timer_fires_every_second_where_the_market_is_silent() -> None:
    run = Run(10.5, tick=1)
    run.advance(10.5)
    assert [at for kind, at in run.heard if kind == "TimerFired"] == [second * SECOND for second in range(1, 11)]


def test_the_driver_finishes_what_is_due_after_the_market_ended() -> None:
    run = Run(1)
    assert run.advance(0.5) is Progress.REACHED
    assert run.advance(2) is Progress.ENDED
    assert run.house.kernel.orders == {}
    assert run.house.vault.deployed("funding", "SOL") > 0


@pytest.mark.parametrize("acts", [1, 2, 3, 7])
def test_slices_of_any_size_give_the_same_run(acts: int) -> None:
    whole, sliced = Run(1, 2, 2, 3, 9, tick=1), Run(1, 2, 2, 3, 9, tick=1)
    whole.advance(8)
    while sliced.advance(8, acts) is Progress.MORE:
        pass
    assert sliced.heard == whole.heard
    hashes = [state_hash(digest_items(run.house.kernel)) for run in (whole, sliced)]
    assert hashes[0] == hashes[1]


def test_a_command_is_taken_at_the_markets_time() -> None:
    run = Run(1, 2)
    run.advance(1)
    outcome = run.simulation.command(Commanded("c", Kill(KillLevel.PAUSE)))
    assert outcome is not None
    assert outcome.command is not None
    assert run.heard[-1] == ("Commanded", SECOND)


def test_commands_of_a_killed_run_are_done_again_in_their_place() -> None:
    first = Run(1, 2, 3)
    first.advance(2)
    first.simulation.command(Commanded("c", Kill(KillLevel.PAUSE)))
    place = first.simulation.sequencer.seq
    first.advance(3)
    again = Run(1, 2, 3)
    again.simulation.redo.append(PastCommand(place, Commanded("c", Kill(KillLevel.PAUSE))))
    again.advance(3)
    assert again.heard == first.heard
    assert again.house.kernel.kill is KillLevel.PAUSE


def test_the_facts_are_of_the_expected_kinds() -> None:
    run = Run(1, tick=1)
    run.advance(2)
    assert {kind for kind, _ in run.heard} <= {Quoted.__name__, OrderReported.__name__, TimerFired.__name__}
