"""Splits over pools of all shapes: exact legs that fit together, never worse than one pool a stage, twin = compiled."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from phantom_arbiter.dex.pool import SwapRefusal
from phantom_arbiter.dex.pools import Moment, quote
from phantom_arbiter.dex.sizing import size_cycle
from phantom_arbiter.dex.split import MAX_SWAPS, SplitCycle, split_cycle
from tests.property.test_sizing import books, constant_products, ticked_pools

NOW = Moment(0, 0, 0)

hops = st.tuples(st.one_of(constant_products(10**8, 10**10), ticked_pools(10**11), books(10**4, 10**6)), st.booleans())
stages = st.lists(st.lists(hops, min_size=1, max_size=3), min_size=2, max_size=3).filter(
    lambda found: sum(len(stage) for stage in found) <= 8
)
limits = st.sampled_from([10**6, 10**9, 10**15])


@settings(max_examples=150, deadline=None)
@given(stages, limits, st.sampled_from([0, 1_000]))
def test_legs_are_exact_fit_together_and_beat_any_single_cycle(stages, limit, cost):
    found = split_cycle(stages, limit, NOW, cost_per_swap_atoms=cost)
    singles = [size_cycle(cycle, limit, NOW) for cycle in product(*stages)]
    best = max(
        (one for one in singles if not isinstance(one, SwapRefusal)), default=None, key=lambda one: one.profit_atoms
    )
    if isinstance(found, SwapRefusal):
        assert best is None or best.profit_atoms <= cost * len(stages)
        return
    assert len(found.legs) <= MAX_SWAPS
    assert 0 < found.amount_in_atoms <= limit
    total = found.amount_in_atoms
    for stage, pools in enumerate(stages):
        legs = [leg for leg in found.legs if leg.stage == stage]
        assert len({leg.pool for leg in legs}) == len(legs) > 0
        for leg in legs:
            assert quote(pools[leg.pool][0], leg.quote.amount_in_atoms, pools[leg.pool][1], NOW) == leg.quote
        assert sum(leg.quote.amount_in_atoms for leg in legs) <= total
        total = sum(leg.quote.amount_out_atoms for leg in legs)
    assert found.profit_atoms == total - found.amount_in_atoms
    kept = found.profit_atoms - cost * len(found.legs)
    assert best is not None
    # floats choose which single cycle is sized exactly: two that differ by roundings may change places
    assert kept >= best.profit_atoms - cost * len(stages) - roundings(found) - roundings(best)


def roundings(cycle):
    """What the roundings of a cycle may come to, in atoms of its base: some of its coarsest token's."""
    quotes = [leg.quote for leg in cycle.legs] if isinstance(cycle, SplitCycle) else cycle.quotes
    coarsest = min(min(answer.amount_in_atoms, answer.amount_out_atoms) for answer in quotes)
    return -(-cycle.amount_out_atoms // coarsest) * (2 + 3 * sum(answer.crossed for answer in quotes))


@settings(max_examples=60, deadline=None)
@given(stages, limits, st.sampled_from([0, 1_000]))
def test_the_plain_twin_answers_the_same(stages, limit, cost):
    answers = [split_cycle(stages, limit, NOW, cost_per_swap_atoms=cost, compiled=kind) for kind in (True, False)]
    assert answers[0] == answers[1]
    assert isinstance(answers[0], SplitCycle | SwapRefusal)
