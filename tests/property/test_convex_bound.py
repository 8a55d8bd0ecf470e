"""The convex bound over random pools: no cycle is worth more, what was found is no more than it, twin = compiled."""

from itertools import permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phantom_arbiter.dex.convex_bound import PlacedPool, convex_bound
from phantom_arbiter.dex.pool import SwapRefusal
from phantom_arbiter.dex.pools import Moment
from phantom_arbiter.dex.sizing import size_cycle
from tests.property.test_sizing import books, constant_products, ticked_pools

NOW = Moment(0, 0, 0)
TOKENS = ("SOL", "A", "B")

pools = st.one_of(constant_products(10**8, 10**10), ticked_pools(10**11), books(10**4, 10**6))
placed = st.builds(
    lambda tokens, pool: PlacedPool(tokens[0], tokens[1], pool), st.permutations(TOKENS).map(tuple), pools
)
markets = st.lists(placed, min_size=2, max_size=5)


def sides(market, token_in, token_out):
    """The pools that trade one for the other, by number, with their direction."""
    return [
        (number, entry.token_0 == token_in)
        for number, entry in enumerate(market)
        if {entry.token_0, entry.token_1} == {token_in, token_out}
    ]


def best_cycle(market):
    """The most that any cycle of two or three hops from SOL makes."""
    best = 0
    for count in (1, 2):
        for between in permutations(TOKENS[1:], count):
            path = ("SOL", *between, "SOL")
            choices = [sides(market, path[at], path[at + 1]) for at in range(len(path) - 1)]
            for steps in product(*choices):
                if len({number for number, _ in steps}) < len(steps):
                    continue
                sized = size_cycle([(market[number].pool, down) for number, down in steps], 10**18, NOW)
                best = max(best, 0 if isinstance(sized, SwapRefusal) else sized.profit_atoms)
    return best


@settings(max_examples=150, deadline=None)
@given(markets)
def test_no_cycle_is_worth_more_than_the_bound(market):
    report = convex_bound(market, {"SOL": 1.0}, NOW)
    assert 0.0 <= report.found <= report.bound * (1 + 1e-9) + 2
    assert best_cycle(market) <= report.bound * (1 + 1e-9) + 2


@settings(max_examples=20, deadline=None)
@given(markets)
def test_the_plain_twin_answers_the_same(market):
    one, other = (convex_bound(market, {"SOL": 1.0}, NOW, compiled=kind) for kind in (True, False))
    assert one.bound == pytest.approx(other.bound, rel=1e-6, abs=2.0)
