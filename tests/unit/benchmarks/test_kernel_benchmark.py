"""The kernel benchmark measures what it says: all rows, all four engines, no order. Nothing here is timed."""

from __future__ import annotations

from hashlib import blake2b
from itertools import pairwise

import pytest

from benchmarks import kernel as bench
from phantom_arbiter.core.commands import ENGINE_IDS

COUNT = 500


@pytest.fixture(scope="module")
def session():
    return bench.warm_session()


@pytest.fixture(scope="module")
def rows(session):
    return bench.price_rows(session, COUNT)


def test_the_rows_are_sound_quotes_a_second_apart(rows):
    instants, bids, asks = rows[::3], rows[1::3], rows[2::3]
    assert {later - sooner for sooner, later in pairwise(instants)} == {10**9}
    assert all(0 < bid < ask for bid, ask in zip(bids, asks, strict=True))
    assert len(set(bids)) > COUNT // 2


@pytest.mark.parametrize("measure", [bench.step_seconds, bench.feed_seconds])
def test_a_run_reaches_all_four_engines_and_no_order_follows(session, rows, measure):
    kernel = session.kernel
    kernel.settle_counts()
    before = {name: kernel.records[name].facts for name in ENGINE_IDS}
    orders, seq = len(kernel.orders), kernel.seq
    measure(session, rows)
    assert {name: kernel.records[name].facts - before[name] for name in ENGINE_IDS} == dict.fromkeys(ENGINE_IDS, COUNT)
    assert (len(kernel.orders), kernel.seq) == (orders, seq + COUNT)
    assert kernel.view.quote(bench.PAIR).bid_px == rows[-2]


def test_every_row_is_a_sample_of_the_scalp_tape(session, rows):
    bench.step_seconds(session, rows)
    assert session.kernel.engines["scalp"].state.tapes[bench.PAIR].samples == COUNT - 1


def test_the_digest_is_that_of_the_bids(session, rows):
    assert bench.digest_of_engines(session, rows) == blake2b(rows[1::3].tobytes(), digest_size=16).hexdigest()


def test_a_run_that_an_engine_misses_is_refused(session, rows):
    kernel = session.kernel
    routes = kernel._quote_routes
    kernel._quote_routes = {}
    with pytest.raises(AssertionError, match=r"heard 0 of 500 facts"):
        bench.step_seconds(session, rows)
    kernel._quote_routes = routes


def test_alternating_takes_the_median_and_swaps_the_order():
    called: list[str] = []

    def measure(name: str, values: list[float]):
        def one() -> float:
            called.append(name)
            return values.pop(0)

        return one

    found = bench.alternate({"a": measure("a", [3.0, 1.0, 2.0]), "b": measure("b", [5.0, 5.0, 9.0])})
    assert found == {"a": 2.0, "b": 5.0}
    assert called == ["a", "b", "b", "a", "a", "b"]
