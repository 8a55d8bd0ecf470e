from random import Random

import pytest

from phantom_arbiter.dex.constant_product import ConstantProductPool
from phantom_arbiter.dex.convex_bound import PlacedPool, convex_bound
from phantom_arbiter.dex.phoenix import PhoenixMarket, PhoenixOrder
from phantom_arbiter.dex.pools import Moment
from phantom_arbiter.dex.sizing import size_cycle
from phantom_arbiter.dex.split import split_cycle

NOW = Moment(0, 0, 0)
NO_LIMIT = 10**18
DEAR = ConstantProductPool(20_000 * 10**9, 3_060_000 * 10**6, 25, 10_000)
CHEAP = ConstantProductPool(50_000 * 10**9, 7_500_000 * 10**6, 25, 10_000)
BOOK = PhoenixMarket(
    "SOL", "USDC", 10**6, 1, 1_000, 1_000, 2, (), tuple(PhoenixOrder(148_000 + 200 * at, 20_000) for at in range(8))
)
"""Asks of 20 SOL each, from 148 USDC on."""


def test_one_cycle_is_its_own_bound():
    pools = [PlacedPool("SOL", "USDC", DEAR), PlacedPool("SOL", "USDC", CHEAP)]
    best = size_cycle([(DEAR, True), (CHEAP, False)], NO_LIMIT, NOW).profit_atoms
    report = convex_bound(pools, {"SOL": 1.0}, NOW)
    assert report.bound == pytest.approx(best, rel=1e-6)
    assert report.found == pytest.approx(report.bound, rel=1e-6)
    assert abs(report.gap) <= 1e-6 * best


def test_one_cycle_over_three_tokens_and_a_book():
    other = ConstantProductPool(9_500_000 * 10**6, 61_000 * 10**9, 5, 10_000)
    third = ConstantProductPool(40_000 * 10**9, 41_000 * 10**9, 5, 10_000)
    pools = [PlacedPool("USDC", "X", other), PlacedPool("X", "SOL", third), PlacedPool("SOL", "USDC", BOOK)]
    hops = [(third, False), (other, False), (BOOK, False)]
    best = size_cycle(hops, NO_LIMIT, NOW).profit_atoms
    assert best > 10**8
    report = convex_bound(pools, {"SOL": 1.0}, NOW)
    assert best * (1 - 1e-9) <= report.bound <= best * 1.001
    assert report.found <= report.bound * (1 + 1e-9)


def test_parallel_pools_are_bounded_by_their_split_without_a_count():
    stages = [[(DEAR, True), (DEAR, True)], [(CHEAP, False), (BOOK, False)]]
    pools = [PlacedPool("SOL", "USDC", pool) for pool in (DEAR, DEAR, CHEAP, BOOK)]
    split = split_cycle(stages, NO_LIMIT, NOW).profit_atoms
    assert split * (1 - 1e-9) <= convex_bound(pools, {"SOL": 1.0}, NOW).bound <= split * 1.001


def test_values_scale_the_bound_and_another_base_is_no_arbitrage_by_itself():
    pools = [PlacedPool("SOL", "USDC", DEAR), PlacedPool("SOL", "USDC", CHEAP)]
    one = convex_bound(pools, {"SOL": 1.0}, NOW).bound
    assert convex_bound(pools, {"SOL": 7.0}, NOW).bound == pytest.approx(7.0 * one, rel=1e-9)
    assert convex_bound(pools[:1], {"SOL": 1.0, "USDC": 1.0}, NOW).bound == pytest.approx(0.0, abs=1.0)


def test_pools_that_touch_no_base_or_hold_nothing_are_left_out():
    empty = ConstantProductPool(0, 0, 25, 10_000)
    pools = [PlacedPool("A", "B", DEAR), PlacedPool("A", "B", CHEAP), PlacedPool("SOL", "A", empty)]
    assert convex_bound(pools, {"SOL": 1.0}, NOW).bound == 0.0
    assert convex_bound([], {"SOL": 1.0}, NOW).bound == 0.0


def test_a_value_that_is_not_positive_is_an_error():
    with pytest.raises(ValueError, match="expected positive"):
        convex_bound([], {"SOL": 0.0}, NOW)


def test_many_pools_leave_a_small_gap_and_the_same_answer_twice():
    random = Random(5)
    pools = [market(random, number) for number in range(150)]
    report = convex_bound(pools, {"0": 1.0, "1": 1.0}, NOW)
    assert report.bound > 0.0
    assert report.gap <= 0.01 * report.bound
    assert convex_bound(pools, {"0": 1.0, "1": 1.0}, NOW) == report


def market(random, number):
    hub, token = random.randrange(2), 2 + number % 40
    depth = random.lognormvariate(7.0, 1.5) * 10**9
    return PlacedPool(
        str(hub),
        str(token),
        ConstantProductPool(int(depth * (1 + random.gauss(0.0, 0.004))), int(depth), random.choice([1, 5, 25]), 10_000),
    )
