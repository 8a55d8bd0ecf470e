import pytest

from benchmarks.arb_market import KINDS
from benchmarks.split_cases import CONSTANT_PRODUCT, exhaustive, gaining_cycles
from phantom_arbiter.dex.constant_product import ConstantProductPool
from phantom_arbiter.dex.phoenix import PhoenixMarket, PhoenixOrder
from phantom_arbiter.dex.pool import SwapRefusal
from phantom_arbiter.dex.pools import Moment
from phantom_arbiter.dex.sizing import size_cycle
from phantom_arbiter.dex.split import MAX_SWAPS, SplitCycle, split_cycle

NOW = Moment(0, 0, 0)
NO_LIMIT = 10**18
DEAR = ConstantProductPool(20_000 * 10**9, 3_060_000 * 10**6, 25, 10_000)
SMALL = ConstantProductPool(1_000 * 10**9, 153_000 * 10**6, 25, 10_000)
DEEP = ConstantProductPool(200_000 * 10**9, 30_600_000 * 10**6, 25, 10_000)
CHEAP = ConstantProductPool(50_000 * 10**9, 7_500_000 * 10**6, 25, 10_000)
BOOK = PhoenixMarket(
    "SOL", "USDC", 10**6, 1, 1_000, 1_000, 2, (), tuple(PhoenixOrder(148_000 + 200 * at, 20_000) for at in range(8))
)
"""Asks of 20 SOL each, from 148 USDC on, in lots of 0.001 SOL."""


def test_two_equal_pools_take_equal_parts():
    split = split_cycle([[(DEAR, True), (DEAR, True)], [(CHEAP, False)]], NO_LIMIT, NOW)
    one, other, back = split.legs
    assert [(leg.stage, leg.pool) for leg in split.legs] == [(0, 0), (0, 1), (1, 0)]
    assert one.quote.amount_in_atoms == pytest.approx(other.quote.amount_in_atoms, rel=1e-6)
    assert back.quote.amount_in_atoms == one.quote.amount_out_atoms + other.quote.amount_out_atoms
    assert split.profit_atoms == back.quote.amount_out_atoms - split.amount_in_atoms
    assert split.profit_atoms > size_cycle([(DEAR, True), (CHEAP, False)], NO_LIMIT, NOW).profit_atoms * 1.2


def test_a_swap_must_earn_its_keep():
    stages = [[(DEAR, True), (SMALL, True)], [(CHEAP, False)]]
    single = size_cycle([(DEAR, True), (CHEAP, False)], NO_LIMIT, NOW)
    gain = split_cycle(stages, NO_LIMIT, NOW).profit_atoms - single.profit_atoms
    assert len(split_cycle(stages, NO_LIMIT, NOW, cost_per_swap_atoms=gain - 1_000).legs) == 3
    kept = split_cycle(stages, NO_LIMIT, NOW, cost_per_swap_atoms=gain + 1_000)
    assert tuple(leg.quote for leg in kept.legs) == single.quotes


def test_a_book_beside_a_curve_is_eaten_to_its_end():
    split = split_cycle([[(DEEP, True)], [(CHEAP, False), (BOOK, False)]], NO_LIMIT, NOW)
    of_curve, of_book = (leg.quote for leg in split.legs[1:])
    assert of_book.amount_out_atoms == pytest.approx(160 * 10**9, abs=BOOK.base_lot_atoms)
    assert of_curve.amount_out_atoms > 10**9


def test_a_book_is_eaten_to_the_price_of_the_curve_beside_it():
    dearer = PhoenixMarket("SOL", "USDC", 10**6, 1, 1_000, 1_000, 2, (), BOOK.asks[-1:] + dear_asks())
    split = split_cycle([[(DEEP, True)], [(CHEAP, False), (dearer, False)]], NO_LIMIT, NOW)
    of_curve, of_book = (leg.quote for leg in split.legs[1:])
    into, out = CHEAP.reserve_1_atoms + of_curve.amount_in_atoms, CHEAP.reserve_0_atoms - of_curve.amount_out_atoms
    marginal = (into / 10**6) / (out / 10**9) / 0.9975
    last = (150.0 + 0.1 * (of_book.crossed - 1)) * 1.0002  # the order that is eaten in part, with the book's fee
    assert of_book.crossed > 10
    assert last - 0.001 <= marginal <= last + 0.101


def dear_asks():
    """A SOL each at 150.0, 150.1, …"""
    return tuple(PhoenixOrder(150_000 + 100 * at, 1_000) for at in range(60))


def test_the_limit_holds_over_all_first_legs():
    split = split_cycle([[(DEAR, True), (DEAR, True)], [(CHEAP, False)]], 1_000_000_007, NOW)
    assert 999_900_000 < split.amount_in_atoms <= 1_000_000_007


def test_no_more_swaps_than_a_transaction_holds():
    split = split_cycle([[(DEAR, True)] * 4, [(CHEAP, False)] * 4], NO_LIMIT, NOW)
    assert len(split.legs) == MAX_SWAPS


def test_what_gains_nothing_is_refused():
    assert isinstance(split_cycle([[(CHEAP, True)] * 2, [(DEAR, False)]], NO_LIMIT, NOW), SwapRefusal)
    empty = ConstantProductPool(0, 0, 25, 10_000)
    assert isinstance(split_cycle([[(DEAR, True)], [(empty, False)]], NO_LIMIT, NOW), SwapRefusal)
    assert isinstance(
        split_cycle([[(DEAR, True)], [(CHEAP, False)]], NO_LIMIT, NOW, cost_per_swap_atoms=10**12), SwapRefusal
    )


@pytest.mark.parametrize("stages", [[], [[(DEAR, True)], []], [[(DEAR, True)]] * 6, [[(DEAR, True)] * 9]])
def test_what_no_transaction_can_be_is_an_error(stages):
    with pytest.raises(ValueError, match="expected"):
        split_cycle(stages, NO_LIMIT, NOW)


@pytest.mark.parametrize(("kinds", "beyond"), [(CONSTANT_PRODUCT, 1e-9), (KINDS, 0.01)])
def test_99_percent_of_the_exhaustive_optimum(kinds, beyond):
    """Of constant prices the exhaustive search sees only where they end, so there it can be beaten."""
    for stages in gaining_cycles(100, seed=11, kinds=kinds):
        split, best = split_cycle(stages, NO_LIMIT, NOW), exhaustive(stages)
        assert isinstance(split, SplitCycle)
        assert 0.99 * best <= split.profit_atoms <= best * (1 + beyond)
