import pytest

from phantom_arbiter.dex.constant_product import ConstantProductPool
from phantom_arbiter.dex.pool import SwapRefusal
from phantom_arbiter.dex.sizing import optimal_input, quote_cycle, size_cycle

SOL_USDC_CHEAP = ConstantProductPool(50_000 * 10**9, 7_500_000 * 10**6, 25, 10_000)
SOL_USDC_DEAR = ConstantProductPool(20_000 * 10**9, 3_060_000 * 10**6, 25, 10_000)
GAP = [(SOL_USDC_DEAR, True), (SOL_USDC_CHEAP, False)]


def test_the_optimum_beats_its_neighbourhood():
    sized = size_cycle(GAP, 10**15)
    assert sized.profit_atoms > 0
    assert sized.amount_in_atoms == pytest.approx(optimal_input(GAP), rel=0.01)
    for factor in (0.5, 0.9, 0.99, 1.01, 1.1, 2.0):
        other = quote_cycle(GAP, int(sized.amount_in_atoms * factor))
        assert other.profit_atoms < sized.profit_atoms


def test_no_atom_of_input_is_spare():
    sized = size_cycle(GAP, 10**15)
    assert quote_cycle(GAP, sized.amount_in_atoms - 1).amount_out_atoms < sized.amount_out_atoms


def test_the_limit_holds_to_the_atom():
    sized = size_cycle(GAP, 1_000_000_007)
    assert sized.amount_in_atoms <= 1_000_000_007
    assert sized.amount_in_atoms > 999_000_000


def test_no_gain_is_refused():
    assert optimal_input(list(reversed([(p, not z) for p, z in GAP]))) == 0.0
    assert isinstance(size_cycle([(SOL_USDC_DEAR, True), (SOL_USDC_DEAR, False)], 10**12), SwapRefusal)


def test_an_empty_pool_is_refused():
    empty = ConstantProductPool(0, 0, 25, 10_000)
    assert isinstance(size_cycle([(SOL_USDC_DEAR, True), (empty, False)], 10**12), SwapRefusal)
