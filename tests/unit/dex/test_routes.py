import subprocess
import sys
from itertools import pairwise

import pytest

from phantom_arbiter.dex.constant_product import ConstantProductPool
from phantom_arbiter.dex.phoenix import PhoenixMarket, PhoenixOrder
from phantom_arbiter.dex.pools import Moment
from phantom_arbiter.dex.route_graph import MAX_COUNT
from phantom_arbiter.dex.routes import MAX_SEGMENTS, BaseTerms, Hop, RouteIndex

NOW = Moment(0, 0, 0)


def pool(reserve_0, reserve_1, fee_bps=25):
    return ConstantProductPool(reserve_0, reserve_1, fee_bps, 10_000)


@pytest.fixture(params=[True, False], ids=["compiled", "plain"])
def index(request):
    return RouteIndex(["SOL"], compiled=request.param)


def test_two_venues_with_a_gap_make_a_profitable_cycle(index):
    index.add("cheap", "SOL", "USDC", pool(1_000_000, 150_000_000), NOW)
    index.add("dear", "USDC", "SOL", pool(153_000_000, 1_000_000), NOW)
    cycle = index.best_cycle("cheap")
    assert cycle.base == "SOL"
    assert cycle.hops == (Hop("dear", False), Hop("cheap", False))
    assert cycle.profit_atoms > 0
    assert cycle.gross_rate == pytest.approx(1.02)
    assert cycle.net_rate == pytest.approx(1.02 * 0.9975**2)


def test_a_gap_that_fees_kill_is_still_reported(index):
    index.add("a", "SOL", "USDC", pool(1_000_000, 150_000_000), NOW)
    index.add("b", "SOL", "USDC", pool(1_000_000, 150_300_000), NOW)
    cycle = index.best_cycle("a")
    assert cycle.gross_rate == pytest.approx(1.002)
    assert cycle.net_rate < 1
    assert cycle.hops == (Hop("b", True), Hop("a", False))
    assert (cycle.amount_in_atoms, cycle.profit_atoms, cycle.value) == (0.0, 0.0, 0.0)


def test_three_hops_through_a_pool_of_two_other_tokens(index):
    index.add("sol-a", "SOL", "A", pool(1_000_000, 1_000_000), NOW)
    index.add("a-b", "A", "B", pool(1_000_000, 1_050_000), NOW)
    index.add("b-sol", "B", "SOL", pool(1_000_000, 1_000_000), NOW)
    cycle = index.best_cycle("a-b")
    assert cycle.hops == (Hop("sol-a", True), Hop("a-b", True), Hop("b-sol", True))
    assert cycle.profit_atoms > 0


def test_the_best_of_parallel_pools_is_taken(index):
    index.add("a", "SOL", "USDC", pool(1_000_000, 150_000_000), NOW)
    index.add("shallow", "SOL", "USDC", pool(10_000, 1_600_000), NOW)
    index.add("deep", "SOL", "USDC", pool(1_000_000, 155_000_000), NOW)
    assert index.best_cycle("a").hops[0] == Hop("deep", True)


def test_the_input_stops_at_the_limit(index):
    index.add("a", "SOL", "USDC", pool(1_000_000, 150_000_000), NOW)
    index.add("b", "SOL", "USDC", pool(1_000_000, 160_000_000), NOW)
    index.set_terms({"SOL": BaseTerms(1.0, 100.0)})
    cycle = index.best_cycle("a")
    assert cycle.amount_in_atoms == 100.0
    assert 0 < cycle.profit_atoms < 7


def test_a_removed_pool_is_back_after_its_update(index):
    index.add("a", "SOL", "USDC", pool(1_000_000, 150_000_000), NOW)
    index.add("b", "SOL", "USDC", pool(1_000_000, 160_000_000), NOW)
    index.remove_until_updated("b")
    assert index.best_cycle("a") is None
    index.update("b", pool(1_000_000, 160_000_000), NOW)
    assert index.best_cycle("a").profit_atoms > 0


def test_a_cycle_without_a_base_is_none(index):
    index.add("a", "A", "B", pool(1_000_000, 150_000_000), NOW)
    index.add("b", "A", "B", pool(1_000_000, 160_000_000), NOW)
    assert index.best_cycle("a") is None


def test_wrong_calls_are_refused(index):
    index.add("a", "SOL", "USDC", pool(1, 1), NOW)
    with pytest.raises(ValueError, match="in the index already"):
        index.add("a", "SOL", "USDC", pool(1, 1), NOW)
    with pytest.raises(ValueError, match="expected another than token_0"):
        index.add("b", "SOL", "SOL", pool(1, 1), NOW)
    with pytest.raises(ValueError, match="expected at least one"):
        RouteIndex([])


def test_a_ring_of_four_bases_is_found_once_each_way():
    index = RouteIndex(["SOL", "USDC", "USDT", "jitoSOL"])
    ring = ["SOL", "USDC", "USDT", "jitoSOL", "SOL"]
    for token, other in pairwise(ring):
        index.add(f"{token}-{other}", token, other, pool(1_000_000, 1_100_000, fee_bps=1), NOW)
    for token, other in pairwise(ring):
        (only,) = index.best_cycles(f"{token}-{other}", 8, 4)
        assert {hop.pool_id for hop in only.hops} == {f"{one}-{two}" for one, two in pairwise(ring)}
        assert index.best_cycles(f"{token}-{other}", 8, 3) == ()


def test_a_second_segment_is_used_where_the_first_ends():
    """A book that pays 2 for 100 atoms and 1 for 100 more, and a pool that sells 1.5 atoms for 1."""
    index = RouteIndex(["SOL"])
    book = PhoenixMarket("A", "SOL", 1, 1, 1, 1, 0, (PhoenixOrder(2, 100), PhoenixOrder(1, 100)), ())
    index.add("book", "A", "SOL", book, NOW)
    index.add("pool", "SOL", "A", pool(10**12, 15 * 10**11, fee_bps=0), NOW)
    cycle = index.best_cycle("book")
    assert cycle.hops == (Hop("pool", True), Hop("book", True))
    assert cycle.amount_in_atoms == pytest.approx(200 / 1.5)
    assert cycle.profit_atoms == pytest.approx(300 - 200 / 1.5)


def test_a_list_of_segments_may_grow_and_shrink(index):
    def book(levels):
        orders = tuple(PhoenixOrder(200 - level, 100) for level in range(levels))
        return PhoenixMarket("A", "SOL", 1, 1, 1, 1, 0, orders, ())

    index.add("book", "A", "SOL", book(2), NOW)
    index.add("other", "A", "SOL", book(1), NOW)
    index.add("pool", "SOL", "A", pool(10**12, 10**12, fee_bps=0), NOW)
    for levels in (2, 40, 3, 90, MAX_SEGMENTS + 1, 1):
        index.update("book", book(levels), NOW)
        assert index.best_cycle("book").amount_in_atoms == pytest.approx(100 * min(levels, MAX_SEGMENTS), rel=1e-6)
        assert index.best_cycle("other").amount_in_atoms == pytest.approx(100, rel=1e-6)


def test_limits_of_a_question_are_checked(index):
    index.add("a", "SOL", "USDC", pool(1, 1), NOW)
    for hops in (1, 5):
        with pytest.raises(ValueError, match="max_hops is"):
            index.best_rates("a", hops)
    for count in (0, MAX_COUNT + 1):
        with pytest.raises(ValueError, match="count is"):
            index.best_cycles("a", count)
    with pytest.raises(KeyError):
        index.update("b", pool(1, 1), NOW)


def test_a_base_without_terms_starts_no_cycle(index):
    index.add("a", "SOL", "USDC", pool(1_000_000, 150_000_000), NOW)
    index.add("b", "SOL", "USDC", pool(1_000_000, 160_000_000), NOW)
    index.set_terms({})
    assert index.best_cycles("a", 1) == ()
    assert index.best_rates("a").net > 1.0


def test_importing_routes_does_not_import_numba():
    code = "import sys, phantom_arbiter.dex.routes; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
