import pytest

from phantom_arbiter.dex import sizing
from phantom_arbiter.dex.constant_product import ConstantProductPool
from phantom_arbiter.dex.phoenix import PhoenixMarket, PhoenixOrder
from phantom_arbiter.dex.pool import SwapRefusal
from phantom_arbiter.dex.pools import Moment, quote
from phantom_arbiter.dex.pump_swap import FeeRates, FeeTier, PumpSwapPool
from phantom_arbiter.dex.sizing import TRIM_SHIFT, least_input, optimal_input, paying_segments, quote_cycle, size_cycle
from phantom_arbiter.dex.tick_math import sqrt_price_at_tick
from phantom_arbiter.dex.whirlpool import Whirlpool, tick_array, with_tick_arrays

NOW = Moment(0, 0, 0)
SOL_USDC_CHEAP = ConstantProductPool(50_000 * 10**9, 7_500_000 * 10**6, 25, 10_000)
SOL_USDC_DEAR = ConstantProductPool(20_000 * 10**9, 3_060_000 * 10**6, 25, 10_000)
GAP = [(SOL_USDC_DEAR, True), (SOL_USDC_CHEAP, False)]

TICKED = with_tick_arrays(
    Whirlpool(64, 400, 1_300, 10**13, sqrt_price_at_tick(-18_780), -18_780),
    [
        tick_array(-5_632 * at, [(tick, 10**10) for tick in range(-5_632 * at, -5_632 * (at - 1), 64)])
        for at in (3, 4, 5)
    ],
)
"""SOL/USDC at about 153, a tick of less liquidity every 0.64 %, downwards."""
BOOK = PhoenixMarket(
    "SOL", "USDC", 10**6, 1, 1_000, 1_000, 2, (), tuple(PhoenixOrder(148_000 + 200 * at, 20_000) for at in range(8))
)
"""Asks of 20 SOL each, from 148 USDC on, in lots of 0.001 SOL."""


def test_the_optimum_beats_its_neighbourhood():
    sized = size_cycle(GAP, 10**15, NOW)
    assert sized.profit_atoms > 0
    assert sized.amount_in_atoms == pytest.approx(optimal_input(GAP, NOW), rel=0.01)
    for factor in (0.5, 0.9, 0.99, 1.01, 1.1, 2.0):
        other = quote_cycle(GAP, int(sized.amount_in_atoms * factor), NOW)
        assert other.profit_atoms < sized.profit_atoms


def test_one_segment_each_is_the_closed_form():
    a, b, c = 1.0, 1.0, 0.0
    for pool, down in GAP:
        into, out = (pool.reserve_0_atoms, pool.reserve_1_atoms)[:: 1 if down else -1]
        a, b, c = a * 0.9975 * out, b * into, into * c + 0.9975 * a
    assert optimal_input(GAP, NOW) == pytest.approx(((a * b) ** 0.5 - b) / c, rel=1e-9)


@pytest.mark.parametrize(
    "hops", [GAP, [(TICKED, True), (SOL_USDC_CHEAP, False)], [(SOL_USDC_DEAR, True), (BOOK, False)]]
)
def test_no_atom_of_input_is_spare(hops):
    sized = size_cycle(hops, 10**15, NOW)
    assert sized.profit_atoms > 0
    spare = 1 if hops == GAP else 1 + (sized.amount_in_atoms >> TRIM_SHIFT)
    assert quote_cycle(hops, sized.amount_in_atoms - spare, NOW).amount_out_atoms < sized.amount_out_atoms


def test_a_march_crosses_ticks_and_orders():
    across = size_cycle([(TICKED, True), (SOL_USDC_CHEAP, False)], 10**15, NOW)
    assert across.quotes[0].crossed > 0
    eaten = size_cycle([(SOL_USDC_DEAR, True), (BOOK, False)], 10**15, NOW)
    assert eaten.quotes[1].crossed > 1


def test_the_limit_holds_to_the_atom():
    sized = size_cycle(GAP, 1_000_000_007, NOW)
    assert sized.amount_in_atoms <= 1_000_000_007
    assert sized.amount_in_atoms > 999_000_000


def test_no_gain_is_refused():
    assert optimal_input(list(reversed([(p, not z) for p, z in GAP])), NOW) == 0.0
    assert isinstance(size_cycle([(SOL_USDC_DEAR, True), (SOL_USDC_DEAR, False)], 10**12, NOW), SwapRefusal)


def test_an_empty_pool_is_refused():
    empty = ConstantProductPool(0, 0, 25, 10_000)
    assert optimal_input([(SOL_USDC_DEAR, True), (empty, False)], NOW) == 0.0
    assert isinstance(size_cycle([(SOL_USDC_DEAR, True), (empty, False)], 10**12, NOW), SwapRefusal)


def test_the_least_input_of_a_book_is_whole_lots_and_found_in_few_quotes(monkeypatch):
    asked = []
    monkeypatch.setattr(sizing, "quote", lambda *arguments: asked.append(arguments) or quote(*arguments))
    generous = quote(BOOK, 10**9, False, NOW)
    least = least_input((BOOK, False), generous, generous.amount_out_atoms, NOW)
    assert least.amount_out_atoms == generous.amount_out_atoms
    below = quote(BOOK, least.amount_in_atoms - 1 - (10**9 >> TRIM_SHIFT), False, NOW)
    assert below.amount_out_atoms < least.amount_out_atoms
    assert len(asked) <= sizing.MAX_TRIM_QUOTES


def test_a_fee_of_everything_is_no_part_of_a_march():
    tiers, key = (FeeTier(0, FeeRates(20, 80, 9_900)),), bytes(32)
    greedy = PumpSwapPool(key, key, key, key, 10**12, 10**12, 10**15, tiers, None, can_buy=True, can_sell=True)
    assert paying_segments((greedy, True), NOW) == ()
    assert len(paying_segments((greedy, False), NOW)) == 1
    assert optimal_input([(greedy, True), (SOL_USDC_CHEAP, False)], NOW) == 0.0
