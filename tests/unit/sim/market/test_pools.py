"""sim.market.pools: noise, arbitrageurs, quotes."""

import numpy as np
import pytest

from phantom_arbiter.core.events import check_fact
from phantom_arbiter.dex.constant_product import Quote, Refusal
from phantom_arbiter.sim.market import pools as module
from phantom_arbiter.sim.market.pools import PoolBook, PoolBookState
from phantom_arbiter.sim.market.source import BuiltinMarket
from phantom_arbiter.sim.market.streams import generator
from phantom_arbiter.sim.market.universe import POOL_INDEX, POOLS

ORCA = POOL_INDEX["orca:SOL/USDC"]


def book(patient: bool = True) -> tuple[PoolBook, list[float]]:
    market = BuiltinMarket(1)
    return PoolBook(1, market._pools.state(), patient), market._block.fair[0]


def price(pools: PoolBook, index: int) -> float:
    return pools.pools[index].reserve_1_atoms / pools.pools[index].reserve_0_atoms


def test_opens_at_fair_prices_and_listed_depth() -> None:
    pools, fair = book()
    for index in range(len(POOLS)):
        assert price(pools, index) == pytest.approx(fair[index], rel=1e-6)
    assert pools.pools[ORCA].reserve_1_atoms == 12_000_000_000_000


def test_arbitrageurs_without_patience_close_a_gap_at_once() -> None:
    pools, fair = book(patient=False)
    pools.swap(ORCA, True, pools.pools[ORCA].reserve_0_atoms // 50)
    assert price(pools, ORCA) < fair[ORCA] * 0.97
    pools.arbitrage(0, fair)
    assert price(pools, ORCA) == pytest.approx(fair[ORCA] * 0.9996, rel=1e-5)
    pools.swap(ORCA, False, pools.pools[ORCA].reserve_1_atoms // 50)
    pools.arbitrage(1, fair)
    assert price(pools, ORCA) == pytest.approx(fair[ORCA] / 0.9996, rel=1e-5)


def test_arbitrageurs_need_some_slots() -> None:
    lives = []
    for counter in range(200):
        pools, fair = book()
        pools = PoolBook(1, PoolBookState(pools.state().reserves, {}, counter * 10), True)
        pools.swap(ORCA, True, pools.pools[ORCA].reserve_0_atoms // 50)
        pools.arbitrage(ORCA, fair)
        life = 1
        while price(pools, ORCA) < fair[ORCA] * 0.99:
            pools.arbitrage(ORCA + life, fair)
            life += 1
        lives.append(life - 1)
    assert np.median(lives) == pytest.approx(3, abs=1)
    assert 1 <= min(lives) <= max(lives) <= 75
    assert 2 <= sum(life >= 15 for life in lives) <= 40


def test_gaps_within_the_fee_stay() -> None:
    pools, fair = book(patient=False)
    pools.swap(ORCA, True, pools.pools[ORCA].reserve_0_atoms // 10_000)
    before = pools.pools[ORCA]
    pools.arbitrage(0, fair)
    assert pools.pools[ORCA] is before


def test_quote_is_what_a_small_swap_pays() -> None:
    pools, _ = book()
    quoted = pools.quoted(ORCA, 3)
    assert quoted is not None
    check_fact(quoted)
    sold, bought = pools.quote(ORCA, True, 1_000_000_000), pools.quote(ORCA, False, 100_000_000)
    assert isinstance(sold, Quote)
    assert isinstance(bought, Quote)
    assert sold.amount_out_atoms <= quoted.bid_px
    assert sold.amount_out_atoms == pytest.approx(quoted.bid_px, rel=2e-5)
    assert 100_000_000 * 1e9 / bought.amount_out_atoms >= quoted.ask_px
    assert 100_000_000 * 1e9 / bought.amount_out_atoms == pytest.approx(quoted.ask_px, rel=2e-5)


def test_a_pulled_pool_refuses_and_has_no_quote() -> None:
    pools, fair = book()
    index = POOL_INDEX["pumpswap:PLOP/SOL"]
    pools.pull(index)
    pools.arbitrage(index, fair)
    assert pools.quote(index, True, 1_000) == Refusal("pool is empty")
    assert pools.quoted(index, 1) is None
    assert pools.fact(index, 1).reserve_0_atoms == 0
    assert list(pools.changed) == [index]


def test_noise_is_two_sided_and_about_as_frequent_as_listed() -> None:
    trades = [
        trade for number in range(60) for row in module.trade_block(generator(1, "flow", number), 1.0) for trade in row
    ]
    expected = 60 * sum(pool.trades_per_minute for pool in POOLS)
    assert len(trades) == pytest.approx(expected, rel=0.03)
    assert sum(base_in for _, base_in, _ in trades) == pytest.approx(expected / 2, rel=0.04)
    assert all(0.0 < share < 0.06 for _, _, share in trades)


def test_state_is_enough() -> None:
    one, fair = book()
    for index in range(0, len(POOLS), 3):
        one.swap(index, True, one.pools[index].reserve_0_atoms // 40)
    for slot in range(3):
        one.arbitrage(slot, fair)
    two = PoolBook(1, one.state(), True)
    for slot in range(3, 60):
        one.arbitrage(slot, fair)
        two.arbitrage(slot, fair)
    assert one.state() == two.state()
