import pytest

from phantom_arbiter.dex.constant_product import ConstantProductPool
from phantom_arbiter.dex.routes import BaseTerms, Hop, RouteIndex


def pool(reserve_0, reserve_1, fee_bps=25):
    return ConstantProductPool(reserve_0, reserve_1, fee_bps, 10_000)


@pytest.fixture(params=[True, False], ids=["compiled", "plain"])
def index(request):
    return RouteIndex(["SOL"], compiled=request.param)


def test_two_venues_with_a_gap_make_a_profitable_cycle(index):
    index.add("cheap", "SOL", "USDC", pool(1_000_000, 150_000_000))
    index.add("dear", "USDC", "SOL", pool(153_000_000, 1_000_000))
    cycle = index.best_cycle("cheap")
    assert cycle.base == "SOL"
    assert cycle.hops == (Hop("dear", False), Hop("cheap", False))
    assert cycle.profit_atoms > 0
    assert cycle.gross_rate == pytest.approx(1.02)
    assert cycle.net_rate == pytest.approx(1.02 * 0.9975**2)


def test_a_gap_that_fees_kill_is_still_reported(index):
    index.add("a", "SOL", "USDC", pool(1_000_000, 150_000_000))
    index.add("b", "SOL", "USDC", pool(1_000_000, 150_300_000))
    cycle = index.best_cycle("a")
    assert cycle.gross_rate == pytest.approx(1.002)
    assert cycle.net_rate < 1
    assert cycle.hops == (Hop("b", True), Hop("a", False))
    assert (cycle.amount_in_atoms, cycle.profit_atoms, cycle.value) == (0.0, 0.0, 0.0)


def test_three_hops_through_a_pool_of_two_other_tokens(index):
    index.add("sol-a", "SOL", "A", pool(1_000_000, 1_000_000))
    index.add("a-b", "A", "B", pool(1_000_000, 1_050_000))
    index.add("b-sol", "B", "SOL", pool(1_000_000, 1_000_000))
    cycle = index.best_cycle("a-b")
    assert cycle.hops == (Hop("sol-a", True), Hop("a-b", True), Hop("b-sol", True))
    assert cycle.profit_atoms > 0


def test_the_best_of_parallel_pools_is_taken(index):
    index.add("a", "SOL", "USDC", pool(1_000_000, 150_000_000))
    index.add("shallow", "SOL", "USDC", pool(10_000, 1_600_000))
    index.add("deep", "SOL", "USDC", pool(1_000_000, 155_000_000))
    assert index.best_cycle("a").hops[0] == Hop("deep", True)


def test_the_input_stops_at_the_limit(index):
    index.add("a", "SOL", "USDC", pool(1_000_000, 150_000_000))
    index.add("b", "SOL", "USDC", pool(1_000_000, 160_000_000))
    index.set_terms({"SOL": BaseTerms(1.0, 100.0)})
    cycle = index.best_cycle("a")
    assert cycle.amount_in_atoms == 100.0
    assert 0 < cycle.profit_atoms < 7


def test_a_removed_pool_is_back_after_its_update(index):
    index.add("a", "SOL", "USDC", pool(1_000_000, 150_000_000))
    index.add("b", "SOL", "USDC", pool(1_000_000, 160_000_000))
    index.remove_until_updated("b")
    assert index.best_cycle("a") is None
    index.update("b", pool(1_000_000, 160_000_000))
    assert index.best_cycle("a").profit_atoms > 0


def test_a_cycle_without_a_base_is_none(index):
    index.add("a", "A", "B", pool(1_000_000, 150_000_000))
    index.add("b", "A", "B", pool(1_000_000, 160_000_000))
    assert index.best_cycle("a") is None


def test_wrong_calls_are_refused(index):
    index.add("a", "SOL", "USDC", pool(1, 1))
    with pytest.raises(ValueError, match="in the index already"):
        index.add("a", "SOL", "USDC", pool(1, 1))
    with pytest.raises(ValueError, match="expected another than token_0"):
        index.add("b", "SOL", "SOL", pool(1, 1))
    with pytest.raises(ValueError, match="expected at least one"):
        RouteIndex([])
