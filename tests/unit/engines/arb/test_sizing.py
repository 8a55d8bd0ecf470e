"""Routes as exactly quoted swaps, alone and over parallel pools."""

import pytest

from phantom_arbiter.dex.pools import quote
from phantom_arbiter.engines.arb.pools import PoolTable
from phantom_arbiter.engines.arb.sizing import of_size, sized, split

ROUTE = [("dear", True), ("cheap", False)]
LIMIT = 10**12


@pytest.fixture
def table(make_house):
    house = make_house(start=False)
    for name, price in (("dear", 151.0), ("cheap", 149.0), ("cheap too", 149.1), ("middle", 150.0)):
        house.sol_usdc(name, price, sol=5_000)
    return PoolTable(house.kernel.view, ("SOL", "USDC"))


def gain(swaps):
    last = swaps[-1].hop
    paid = sum(swap.quote.amount_out_atoms for swap in swaps if swap.hop == last)
    return paid - sum(swap.quote.amount_in_atoms for swap in swaps if swap.hop == 0)


def test_a_size_is_quoted_hop_by_hop(table):
    first, second = of_size(table, ROUTE, 10**9)
    assert first.quote == quote(table["dear"].state, 10**9, True, table.moment)
    assert second.quote.amount_in_atoms == first.quote.amount_out_atoms
    assert (first.hop, second.hop) == (0, 1)


def test_the_best_size_beats_its_neighbours_and_keeps_the_limit(table):
    best = sized(table, ROUTE, LIMIT)
    amount = best[0].quote.amount_in_atoms
    assert gain(best) > max(
        gain(of_size(table, ROUTE, amount * 9 // 10)), gain(of_size(table, ROUTE, amount * 11 // 10))
    )
    assert sized(table, ROUTE, 10**9)[0].quote.amount_in_atoms <= 10**9


def test_what_cannot_be_quoted_has_no_size(table):
    assert of_size(table, ROUTE, 0) is None


def test_parallel_pools_serve_the_hop_where_they_are_best(table):
    single, spread = sized(table, ROUTE, LIMIT), split(table, ROUTE, LIMIT, 0, 0, ())
    assert gain(spread) > gain(single)
    assert {(swap.pool.pool, swap.hop) for swap in spread} >= {("dear", 0), ("cheap", 1), ("cheap too", 1)}
    into = sum(swap.quote.amount_in_atoms for swap in spread if swap.hop == 1)
    assert into <= sum(swap.quote.amount_out_atoms for swap in spread if swap.hop == 0)


def test_pools_that_are_avoided_or_old_take_no_part(table):
    assert "cheap too" not in {swap.pool.pool for swap in split(table, ROUTE, LIMIT, 0, 0, {"cheap too"})}
    assert split(table, ROUTE, LIMIT, 0, 10**12, ()) is None


def test_a_swap_must_earn_its_keep(table):
    spread = split(table, ROUTE, LIMIT, 10**15, 0, ())
    assert spread is None or len(spread) == 2
