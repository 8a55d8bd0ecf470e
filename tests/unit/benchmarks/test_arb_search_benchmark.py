"""The arbitrage benchmark measures what it says: a market without a gain, events of both classes. Nothing is timed."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from benchmarks import arb_search as bench
from benchmarks.arb_exhaustive import best_values, sized
from benchmarks.arb_market import HUBS, KINDS, NOW, shocks, specs, state
from benchmarks.arb_peers import best_pools, curves
from phantom_arbiter.dex.pool import SwapQuote
from phantom_arbiter.dex.pools import quote

HUB_POOLS = 12


@pytest.fixture(scope="module")
def made():
    return specs(Random(1), 40, 120, HUB_POOLS, arbitraged=True)


def test_every_kind_of_pool_is_there_and_answers_both_ways(made):
    assert {spec.kind for spec in made} == set(KINDS)
    for spec in made:
        for way in (True, False):
            amount = int(spec.depth_atoms * (1 if way else spec.price) / 1_000) + 10
            assert isinstance(quote(state(spec, spec.noise), amount, way, NOW), SwapQuote)


def test_the_first_pools_are_between_hubs_and_the_others_are_not(made):
    assert [{spec.token_0, spec.token_1} <= set(HUBS) for spec in made] == [at < HUB_POOLS for at in range(120)]
    places = Counter(at < HUB_POOLS for at, _ in shocks(Random(1), made, HUB_POOLS, 100))
    assert places == {True: 50, False: 50}


def test_nobody_gains_in_the_arbitraged_market(made):
    index = bench.index_of(made)
    assert all(index.best_rates(str(number), 4).net <= 1.0 for number in range(len(made)))
    raw = bench.index_of(specs(Random(1), 40, 120, HUB_POOLS, arbitraged=False))
    assert any(raw.best_cycles(str(number), 1, 4) for number in range(len(made)))


def test_the_plain_search_finds_the_same_events(made):
    one = bench.timed(bench.index_of(made), made, 20)
    assert one.found == bench.timed(bench.index_of(made, compiled=False), made, 20).found
    assert any(one.found)


def test_the_exhaustive_search_knows_a_cycle_worked_out_by_hand():
    """Two pools of 1,000,000 without a fee, one of them at 1.21: √(1.21) − 1 of the depth."""
    (one, two) = (specs(Random(1), 40, 2, 2, arbitraged=True)[at] for at in (0, 1))
    flat = one._replace(kind="constant product", token_0="SOL", token_1="USDC", price=1.0, depth_atoms=1e6, fee=0.0)
    pools = curves([flat._replace(noise=0.0), two._replace(**flat._replace(noise=0.19062)._asdict())])
    (value,) = best_values(pools, {"SOL": bench.TERMS["SOL"]}, 0, 2).values()
    amount, profit = sized(pools, ((1, True), (0, False)), 1e12)
    assert value == profit
    depth = 1 / 1e6 * 1.1 + 1.21 / 1e6
    assert profit == pytest.approx((1.1 - 1) ** 2 / depth, rel=1e-3)
    assert amount == pytest.approx(0.1 / depth, rel=1e-3)


def test_the_best_pool_of_a_pair_is_the_one_of_the_best_rate(made):
    pools = curves(made)
    for (sold, bought), (rate, number, zero_for_one) in best_pools(pools).items():
        pool = pools[number]
        assert (sold, bought) == ((pool.token_0, pool.token_1) if zero_for_one else (pool.token_1, pool.token_0))
        assert rate == pool.curve(zero_for_one).at(0.0)[1]
