"""sim.market.pools: noise, arbitrageurs, quotes."""

import numpy as np
import pytest

from phantom_arbiter.core.fact_checks import check_fact
from phantom_arbiter.dex.pool import SwapQuote, SwapRefusal
from phantom_arbiter.sim.market import pools as module
from phantom_arbiter.sim.market.pools import PoolBook
from phantom_arbiter.sim.market.source import BuiltinMarket
from phantom_arbiter.sim.market.streams import generator
from phantom_arbiter.sim.market.universe import POOL_INDEX, POOLS

ORCA = POOL_INDEX["orca:SOL/USDC"]


def book(gaps: bool = True) -> tuple[PoolBook, list[float]]:
    market = BuiltinMarket(1)
    return PoolBook(market._pools.state(), gaps), market._block.fair[0]


def price(pools: PoolBook, index: int) -> float:
    return pools.pools[index].reserve_1_atoms / pools.pools[index].reserve_0_atoms


def test_opens_at_fair_prices_and_listed_depth() -> None:
    pools, fair = book()
    for index in range(len(POOLS)):
        assert price(pools, index) == pytest.approx(fair[index], rel=1e-6)
    assert pools.pools[ORCA].reserve_1_atoms == 12_000_000_000_000


@pytest.mark.parametrize("gaps", [False, True])
def test_ordinary_gaps_are_closed_within_the_slot(gaps: bool) -> None:
    pools, fair = book(gaps)
    pools.trade((ORCA, True, 0.02, 0), 0)
    assert price(pools, ORCA) < fair[ORCA] * 0.97
    pools.arbitrage(0, fair)
    assert price(pools, ORCA) == pytest.approx(fair[ORCA] * 0.9996, rel=1e-5)
    pools.trade((ORCA, False, 0.02, 0), 1)
    pools.arbitrage(1, fair)
    assert price(pools, ORCA) == pytest.approx(fair[ORCA] / 0.9996, rel=1e-5)


def test_a_whales_gap_stays_for_its_life() -> None:
    pools, fair = book()
    pools.trade((ORCA, True, 0.02, 3), 10)
    pools.trade((ORCA, True, 0.001, 60), 11)  # a second whale does not prolong the first one's gap
    for slot in (10, 11, 12):
        pools.arbitrage(slot, fair)
        assert price(pools, ORCA) < fair[ORCA] * 0.97
    pools.arbitrage(13, fair)
    assert price(pools, ORCA) == pytest.approx(fair[ORCA] * 0.9996, rel=1e-5)


def test_without_gaps_whales_leave_none() -> None:
    pools, fair = book(gaps=False)
    pools.trade((ORCA, True, 0.02, 60), 0)
    pools.arbitrage(0, fair)
    assert price(pools, ORCA) == pytest.approx(fair[ORCA] * 0.9996, rel=1e-5)


def test_gaps_live_as_recorded() -> None:
    """Median 3 slots, a tenth longer than 26."""
    lives = np.array([trade[3] for number in range(6_000) for row in _trades(number) for trade in row if trade[3]])
    assert len(lives) > 1_000
    assert np.median(lives) == 3
    assert lives.max() <= 60
    assert np.mean(lives > 25) == pytest.approx(0.1, abs=0.03)


def _trades(number: int) -> list[list[module.Trade]]:
    return module.trade_block(generator(2, "flow", number), 1.0)


@pytest.mark.parametrize("gaps", [False, True])
def test_gaps_within_the_fee_stay(gaps: bool) -> None:
    pools, fair = book(gaps)
    pools.trade((ORCA, True, 1e-4, 0), 0)
    before = pools.pools[ORCA]
    pools.arbitrage(0, fair)
    assert pools.pools[ORCA] is before


def test_a_gap_that_does_not_pay_is_left() -> None:
    """In the deepest pool a gap of 0.1 bp earns less than a transaction costs."""
    pools, fair = book()
    at_bound = fair.copy()
    at_bound[ORCA] = price(pools, ORCA) * 0.9996 * (1.0 - 1e-5)
    before = pools.pools[ORCA]
    pools.arbitrage(0, at_bound)
    assert pools.pools[ORCA] is before
    at_bound[ORCA] = price(pools, ORCA) * 0.9996 * (1.0 - 2e-5)
    pools.arbitrage(0, at_bound)
    assert pools.pools[ORCA] is not before


def test_quote_is_what_a_small_swap_pays() -> None:
    pools, _ = book()
    quoted = pools.quoted(ORCA, 3)
    assert quoted is not None
    check_fact(quoted)
    sold, bought = pools.quote(ORCA, True, 1_000_000_000), pools.quote(ORCA, False, 100_000_000)
    assert isinstance(sold, SwapQuote)
    assert isinstance(bought, SwapQuote)
    assert sold.amount_out_atoms <= quoted.bid_px
    assert sold.amount_out_atoms == pytest.approx(quoted.bid_px, rel=2e-5)
    assert 100_000_000 * 1e9 / bought.amount_out_atoms >= quoted.ask_px
    assert 100_000_000 * 1e9 / bought.amount_out_atoms == pytest.approx(quoted.ask_px, rel=2e-5)


def test_a_pulled_pool_refuses_and_has_no_quote() -> None:
    pools, fair = book()
    index = POOL_INDEX["pumpswap:PLOP/SOL"]
    pools.pull(index)
    pools.arbitrage(index, fair)
    assert pools.quote(index, True, 1_000) == SwapRefusal("pool is empty")
    assert pools.quoted(index, 1) is None
    assert pools.fact(index, 1).reserve_0_atoms == 0
    assert list(pools.changed) == [index]


def test_noise_is_two_sided_and_about_as_frequent_as_listed() -> None:
    trades = [
        trade for number in range(60) for row in module.trade_block(generator(1, "flow", number), 1.0) for trade in row
    ]
    expected = 60 * sum(pool.trades_per_minute for pool in POOLS)
    assert len(trades) == pytest.approx(expected, rel=0.03)
    assert sum(base_in for _, base_in, _, _ in trades) == pytest.approx(expected / 2, rel=0.04)
    assert all(0.0 < share < 0.06 for _, _, share, _ in trades)


def test_state_is_enough() -> None:
    one, fair = book()
    for index in range(0, len(POOLS), 3):
        one.trade((index, True, 0.02, index % 7 * 8), 0)
    for slot in range(3):
        one.arbitrage(slot, fair)
    two = PoolBook(one.state(), True)
    for slot in range(3, 60):
        one.arbitrage(slot, fair)
        two.arbitrage(slot, fair)
    assert one.state() == two.state()
    assert not one.state().due_slots
