"""Chart histories stay small and true."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.dashboard.history import CANDLE_MS, CandleSeries, EquityHistory
from phantom_arbiter.dashboard.rows import Candle, EquityPoint

gaps = st.lists(st.integers(0, 5_000), max_size=300)


@given(gaps, st.integers(2, 20))
def test_equity_is_bounded_ordered_and_ends_with_the_newest(steps, limit):
    history = EquityHistory(limit, step_ms=100)
    given_points, ts = [], 0
    for index, step in enumerate(steps):
        ts += step
        point = EquityPoint(ts=ts, equity_usd=float(index))
        given_points.append(point)
        history.add(point)
    kept = history.points
    assert len(kept) <= limit
    assert list(kept) == sorted(kept, key=lambda point: point.ts)
    assert set(kept) <= set(given_points)
    assert kept[-1:] == tuple(given_points[-1:])


def test_equity_covers_the_whole_run_evenly():
    history = EquityHistory(limit=100, step_ms=1_000)
    for second in range(10_000):
        history.add(EquityPoint(ts=second * 1_000, equity_usd=float(second)))
    stamps = [point.ts for point in history.points]
    assert len(stamps) > 50
    assert stamps[0] < 200_000
    assert max(b - a for a, b in pairwise(stamps)) <= 256_000


def test_equity_of_the_past_is_left_out():
    history = EquityHistory()
    history.add(EquityPoint(ts=5_000, equity_usd=1.0))
    history.add(EquityPoint(ts=3_000, equity_usd=2.0))
    assert [point.ts for point in history.points] == [5_000]


def test_a_history_of_one_point_is_refused():
    with pytest.raises(ValueError, match="limit"):
        EquityHistory(limit=1)


def test_candles():
    series = CandleSeries(limit=2)
    assert series.last(5) == ()
    start = 10 * CANDLE_MS
    for offset, price in ((1, 10.0), (2, 12.0), (3, 9.0), (4, 11.0)):
        series.add(start + offset, price)
    first = Candle(ts=start, open=10.0, high=12.0, low=9.0, close=11.0)
    assert series.last(2) == (first,)
    series.add(start + CANDLE_MS, 20.0)
    second = Candle(ts=start + CANDLE_MS, open=20.0, high=20.0, low=20.0, close=20.0)
    assert series.last(2) == (first, second)
    assert series.last(1) == (second,)
    assert series.last(0) == ()
    series.add(start + 2 * CANDLE_MS, 5.0)
    assert [candle.ts for candle in series.last(10)] == [second.ts, start + 2 * CANDLE_MS]
