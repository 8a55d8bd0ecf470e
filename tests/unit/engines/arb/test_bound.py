"""The bound is reckoned once a minute, over fresh pools alone."""

import pytest

from phantom_arbiter.dex.routes import BaseTerms
from phantom_arbiter.engines.arb.bound import EVERY_SLOTS, BoundReport
from phantom_arbiter.engines.arb.pools import PoolTable

TERMS = {"SOL": BaseTerms(0.15, 1e12), "USDC": BaseTerms(1.0, 1e12)}


@pytest.fixture
def table(make_house):
    house = make_house(start=False)
    house.sol_usdc("cheap", 149.0)
    house.sol_usdc("dear", 151.0)
    return house, PoolTable(house.kernel.view, ("SOL", "USDC"))


def test_a_gap_is_something_to_be_had(table):
    _, pools = table
    row = BoundReport().row(pools, TERMS, 0)
    assert row["bound_usd"] >= row["found_usd"] > 1.0
    assert row["age_slots"] == 0


def test_it_is_kept_for_a_minute(table):
    house, pools = table
    report = BoundReport()
    first = report.row(pools, TERMS, 0)
    house.sol_usdc("dear", 149.0)
    pools.follow(house.kernel.view.pool("dear"), house.now_ns)
    assert report.row(pools, TERMS, 0) == {**first, "age_slots": 1}
    house.sol_usdc("dear", 149.0, after_ns=EVERY_SLOTS * 400_000_000)
    pools.follow(house.kernel.view.pool("dear"), house.now_ns)
    assert report.row(pools, TERMS, 0)["bound_usd"] == pytest.approx(0.0, abs=1e-6)


def test_old_pools_are_left_out(table):
    _, pools = table
    assert BoundReport().row(pools, TERMS, pools["dear"].slot)["bound_usd"] == pytest.approx(0.0, abs=1e-6)


def test_without_a_price_or_a_pool_there_is_none(table, house):
    _, pools = table
    assert BoundReport().row(pools, {}, 0) is None
    assert BoundReport().row(PoolTable(house.kernel.view, ("SOL",)), TERMS, 0) is None
