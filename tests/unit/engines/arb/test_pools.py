"""The table of pools: facts of both kinds, ages, and pools that cannot be read."""

import pytest
from msgspec.structs import replace

from phantom_arbiter.core.events import AccountRead, PoolAccountsRead
from phantom_arbiter.dex.pool import SwapQuote
from phantom_arbiter.dex.pools import quote
from phantom_arbiter.engines.arb.pools import PoolTable
from phantom_arbiter.sim.market.exact_pools import EXACT_POOLS
from tests.unit.sim.market.test_account_writers import fact, opened


def damaged(house, slot=None):
    account = AccountRead("pool", "nobody", 1, b"\0" * 10)
    return PoolAccountsRead(
        "exact", "whirlpool", "orca", "SOL", "USDC", slot or house.slot, house.now_ns // 10**9, 1, (account,)
    )


@pytest.fixture
def table(house):
    house.sol_usdc("a", 150.0)
    house.sol_usdc("b", 151.0)
    return PoolTable(house.kernel.view, ("SOL", "USDC"))


def test_it_starts_with_what_the_view_has(table):
    assert len(table) == 2
    assert "a" in table
    assert table["a"].other("SOL") == "USDC"
    assert {pool.pool for pool in table.parallel("USDC", "SOL", 0)} == {"a", "b"}
    assert table.index.best_cycle("a") is not None


def test_a_fact_replaces_the_state(house, table):
    house.sol_usdc("a", 140.0)
    table.follow(house.kernel.view.pool("a"), house.now_ns)
    answer = quote(table["a"].state, 10**9, True, table.moment)
    assert isinstance(answer, SwapQuote)
    assert table.requote("a", "SOL", 10**9) == answer.amount_out_atoms
    assert answer.amount_out_atoms == pytest.approx(140 * 10**6 * 0.9975, rel=1e-3)


def test_old_pools_are_not_parallel_and_are_counted(house, table):
    young = table["b"].slot
    assert [pool.pool for pool in table.parallel("SOL", "USDC", young)] == ["b"]
    assert [pool.pool for pool in table.fresh(young)] == ["b"]
    (row,) = table.venue_rows(young)
    assert (row["pools"], row["left_out"], row["youngest_slots"], row["oldest_slots"]) == (2, 1, 0, 1)
    assert row["why"].startswith("a last spoke in slot")


def test_a_pool_that_cannot_be_read_is_out_and_says_why(house, table):
    assert not table.follow(damaged(house), house.now_ns)
    assert "exact" not in table
    assert "owner" in table.unreadable["exact"] or "exact" in table.unreadable["exact"]
    assert table.requote("exact", "SOL", 1).startswith("exact cannot be read")
    assert table.requote("nowhere", "SOL", 1) == "nowhere is not known"


def test_a_pool_that_breaks_leaves_the_search_until_it_can_be_read_again(table):
    spec = next(spec for spec in EXACT_POOLS if {spec.asset_0, spec.asset_1} == {"SOL", "USDC"})
    whole = fact(spec, spec.writer.accounts(opened(spec)))
    broken = replace(whole, accounts=(replace(whole.accounts[0], data=b""), *whole.accounts[1:]))
    for told, readable in ((whole, True), (broken, False), (whole, True)):
        assert table.follow(told, 10**18) is readable
        assert (table.index.best_cycle(spec.id) is not None) is readable
        assert (spec.id in table.unreadable) is not readable
    assert table[spec.id].exact
