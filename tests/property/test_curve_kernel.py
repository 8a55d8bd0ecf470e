"""The least depth of a curve: one Möbius curve above all of its segments, and none flatter touches it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phantom_arbiter.dex.curve_kernel import _set_least_depth
from phantom_arbiter.dex.route_graph import LEAST_DEPTH, TAIL_SIZE


@st.composite
def concave(draw):
    """Segments (rate, depth, capacity) whose rates never rise; the next begins at the marginal rate or below."""
    rate, rows = draw(st.floats(0.01, 100.0)), []
    for _ in range(draw(st.integers(1, 8))):
        depth, capacity = draw(st.one_of(st.just(0.0), st.floats(1e-6, 1.0))), draw(st.floats(0.1, 1e3))
        rows.append((rate, depth, capacity))
        rate = rate / (1.0 + depth * capacity) ** 2 * draw(st.floats(0.5, 1.0))
    return rows


def least_depth(rows):
    curves, ends = np.zeros((1, 5)), np.zeros((1, 5), np.int32)
    ends[0, TAIL_SIZE] = len(rows) - 1
    curves[0, :3] = rows[0]
    _set_least_depth(0, curves, ends, np.array(rows[1:]).reshape(-1, 3))
    return float(curves[0, LEAST_DEPTH])


def paid_at(rows, amount):
    paid = 0.0
    for rate, depth, capacity in rows:
        part = min(amount, capacity)
        paid += rate * part / (1.0 + depth * part)
        amount -= part
    return paid


@given(concave(), st.floats(1e-3, 1.0))
def test_the_curve_lies_below(rows, share):
    amount = share * sum(capacity for _, _, capacity in rows)
    bound = rows[0][0] * amount / (1.0 + least_depth(rows) * amount)
    assert paid_at(rows, amount) <= bound * (1.0 + 1e-9)


def test_the_least_depth_may_lie_within_a_segment():
    """A long flat stretch, then a steep one that begins a little below it."""
    rows = [(1.0, 0.01, 1.0), (0.5, 0.0, 1_000.0), (0.49, 0.05, 50.0)]
    amounts = [1_001.0 + 50.0 * at / 1_000 for at in range(1_001)]
    seen = [1.0 / paid_at(rows, amount) - 1.0 / amount for amount in amounts]
    assert min(seen) < min(seen[0], seen[-1])
    assert least_depth(rows) == pytest.approx(min(seen), rel=1e-5)


@settings(deadline=None)
@given(concave())
def test_it_is_met_somewhere(rows):
    """On a fine grid the best depth is the one found, but for the grid."""
    whole, rate = sum(capacity for _, _, capacity in rows), rows[0][0]
    least = least_depth(rows)
    grid = [whole * (at + 1) / 4_000 for at in range(4_000)]
    seen = min(rate / paid_at(rows, amount) - 1.0 / amount for amount in grid)
    assert least <= rows[0][1] + 1e-12
    assert least == pytest.approx(min(seen, rows[0][1]), rel=0.05, abs=2e-3 * max(1.0 / whole, rows[0][1]))
