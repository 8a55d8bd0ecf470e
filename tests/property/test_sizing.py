from hypothesis import given, settings
from hypothesis import strategies as st

from phantom_arbiter.dex.constant_product import ConstantProductPool
from phantom_arbiter.dex.pool import SwapRefusal
from phantom_arbiter.dex.sizing import quote_cycle, size_cycle


def pools(low, high):
    reserve = st.integers(low, high)
    fee = st.sampled_from([0, 1, 25, 100])
    return st.tuples(st.builds(ConstantProductPool, reserve, reserve, fee, st.just(10_000)), st.booleans())


def cycles(low, high):
    return st.lists(pools(low, high), min_size=2, max_size=3)


@settings(max_examples=300)
@given(cycles(10**6, 10**15), st.integers(1, 10**15))
def test_amounts_are_the_pools_own_and_within_the_limit(hops, limit):
    sized = size_cycle(hops, limit)
    if isinstance(sized, SwapRefusal):
        return
    assert 0 < sized.amount_in_atoms <= limit
    assert quote_cycle(hops, sized.amount_in_atoms) == sized
    for one, following in zip(sized.quotes, sized.quotes[1:], strict=False):
        assert following.amount_in_atoms == one.amount_out_atoms


@settings(max_examples=200)
@given(cycles(20, 2_000), st.integers(1, 3_000))
def test_no_more_than_two_atoms_below_the_best_of_all_inputs(hops, limit):
    sized = size_cycle(hops, limit)
    every = (quote_cycle(hops, amount) for amount in range(1, limit + 1))
    best = max((found.profit_atoms for found in every if not isinstance(found, SwapRefusal)), default=0)
    if isinstance(sized, SwapRefusal):
        return
    assert best - 2 <= sized.profit_atoms <= best
