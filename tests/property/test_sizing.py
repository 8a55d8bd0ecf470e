from hypothesis import given, settings
from hypothesis import strategies as st

from phantom_arbiter.dex.constant_product import ConstantProductPool
from phantom_arbiter.dex.phoenix import PhoenixMarket, PhoenixOrder
from phantom_arbiter.dex.pool import SwapRefusal
from phantom_arbiter.dex.pools import Moment
from phantom_arbiter.dex.sizing import quote_cycle, size_cycle
from phantom_arbiter.dex.tick_math import sqrt_price_at_tick
from phantom_arbiter.dex.whirlpool import Whirlpool, tick_array, with_tick_arrays

NOW = Moment(0, 0, 0)


def constant_products(low, high):
    reserve = st.integers(low, high)
    fee = st.sampled_from([0, 1, 25, 100])
    return st.builds(ConstantProductPool, reserve, reserve, fee, st.just(10_000))


def ticked(liquidity, tick, inner, outer):
    """Liquidity about the price, less or more of it from the two next ticks on, and none in the end."""
    ticks = [(tick - 16, outer), (tick - 4, inner), (tick + 4, -inner), (tick + 16, -outer)]
    pool = Whirlpool(1, 100, 0, liquidity + inner + outer, sqrt_price_at_tick(tick), tick)
    home = tick // 88
    return with_tick_arrays(
        pool,
        [tick_array(88 * at, [one for one in ticks if one[0] // 88 == at]) for at in range(home - 3, home + 4)],
    )


def ticked_pools(high):
    size = st.integers(high // 10, high)
    return st.builds(ticked, size, st.integers(-30, 30), size, size)


def book(price, bids, asks):
    return PhoenixMarket(
        "a", "b", 1, 1, 100, 100, 1,
        tuple(PhoenixOrder(price - 1 - at, lots) for at, lots in enumerate(bids)),
        tuple(PhoenixOrder(price + 1 + at, lots) for at, lots in enumerate(asks)),
    )  # fmt: skip


def books(low, high):
    lots = st.lists(st.integers(low, high), min_size=1, max_size=4)
    return st.builds(book, st.integers(90, 110), lots, lots)


def cycles(low, high):
    pools = st.one_of(constant_products(low, high), ticked_pools(10 * high), books(1, high))
    return st.lists(st.tuples(pools, st.booleans()), min_size=2, max_size=3)


@settings(max_examples=300)
@given(cycles(10**6, 10**15), st.integers(1, 10**15))
def test_amounts_are_the_pools_own_and_within_the_limit(hops, limit):
    sized = size_cycle(hops, limit, NOW)
    if isinstance(sized, SwapRefusal):
        return
    assert 0 < sized.amount_in_atoms <= limit
    assert quote_cycle(hops, sized.amount_in_atoms, NOW) == sized
    for one, following in zip(sized.quotes, sized.quotes[1:], strict=False):
        assert following.amount_in_atoms <= one.amount_out_atoms


@settings(max_examples=200)
@given(cycles(20, 2_000), st.integers(1, 3_000))
def test_within_the_roundings_of_the_best_of_all_inputs(hops, limit):
    sized = size_cycle(hops, limit, NOW)
    every = (quote_cycle(hops, amount, NOW) for amount in range(1, limit + 1))
    best = max((found.profit_atoms for found in every if not isinstance(found, SwapRefusal)), default=0)
    if isinstance(sized, SwapRefusal):
        return
    worth = max(1, -(-sized.amount_out_atoms // min(answer.amount_out_atoms for answer in sized.quotes)))
    # a range or order left behind rounds its input, its fee and its output; the floats round nothing
    roundings = 2 + 3 * sum(answer.crossed for answer in sized.quotes)
    assert best - roundings * worth <= sized.profit_atoms <= best
