"""From a pool's fact to its verdict, by a clock that the test turns."""

from __future__ import annotations

from itertools import count

import pytest

from phantom_arbiter.app.search_time import MAX_TIMES, SearchTime
from phantom_arbiter.core.commands import Mode, StartEngine
from phantom_arbiter.core.events import Commanded, Envelope, PoolUpdated, Quoted
from phantom_arbiter.core.instruments import SOL, USDC, Universe, spot
from phantom_arbiter.core.kernel import Kernel
from phantom_arbiter.core.safety import SafetyGates
from phantom_arbiter.core.vault import VaultManager
from phantom_arbiter.dashboard.arb_rows import ArbUpdate
from phantom_arbiter.engines.arb.logic import ArbEngine

PAGE = ArbUpdate(ts=1)


class Watched:
    """A kernel with the arb engine, and a clock on which the n-th step takes n microseconds."""

    def __init__(self) -> None:
        universe = Universe.of((SOL, USDC), (spot(SOL, USDC, 6),))
        self.kernel = Kernel(universe, [ArbEngine()], VaultManager(), SafetyGates(), Mode.PAPER)
        self._readings = count()
        self.time = SearchTime(self.kernel, self._clock_ns)

    def _clock_ns(self) -> int:
        pair, second = divmod(next(self._readings), 2)
        return (pair + 1) * 1_000 if second else 0

    def start(self) -> None:
        self.kernel.step(Envelope(self.kernel.seq + 1, 1, "test", Commanded("c", StartEngine("arb"))))

    def feed(self, times: int, *, looked_at: bool = True) -> None:
        step = self.time.step_for(looked_at=looked_at)
        for _ in range(times):
            pool = PoolUpdated("p", "orca", "SOL", "USDC", 10**12, 10**12, 25, 10_000, 1)
            step(Envelope(self.kernel.seq + 1, 1, "test", pool))

    def figures(self) -> tuple[float | None, float | None]:
        page = self.time.measured(PAGE)
        return page.search_us_p50, page.search_us_p99


@pytest.fixture
def watched() -> Watched:
    made = Watched()
    made.start()
    return made


def test_the_median_and_the_slowest_of_a_hundred(watched: Watched) -> None:
    assert watched.figures() == (None, None)
    watched.feed(100)
    assert watched.figures() == (51.0, 100.0)
    assert "p" in watched.kernel.view.pools  # the kernel did its work


def test_only_the_last_ones_count(watched: Watched) -> None:
    watched.feed(MAX_TIMES + 1_000)
    assert watched.figures() == (2_001.0, 2_981.0)


def test_only_facts_of_pools_are_measured(watched: Watched) -> None:
    step = watched.time.step_for(looked_at=True)
    step(Envelope(watched.kernel.seq + 1, 1, "test", Quoted("SOL/USDC", 1, 1, 1)))
    assert watched.figures() == (None, None)


def test_nothing_is_spent_while_nobody_looks(watched: Watched) -> None:
    watched.feed(10)
    assert watched.time.step_for(looked_at=False) == watched.kernel.step
    assert watched.figures() == (None, None)


def test_nothing_is_told_of_an_engine_that_does_not_search() -> None:
    stopped = Watched()
    stopped.feed(10)
    assert stopped.figures() == (None, None)
