from decimal import Decimal, getcontext
from fractions import Fraction
from math import ceil

import pytest
from msgspec.structs import replace

from phantom_arbiter.core.units import MAX_U64
from phantom_arbiter.dex.pool import SwapQuote, SwapRefusal
from phantom_arbiter.dex.raydium_clmm import (
    MAX_SQRT_PRICE_X64,
    MAX_TICK,
    MIN_SQRT_PRICE_X64,
    MIN_TICK,
    ClmmPool,
    ClmmTick,
    apply,
    quote,
    segments,
    sqrt_price_at_tick,
)

Q64 = 1 << 64


def tick(index: int, net: int, **more) -> ClmmTick:
    return ClmmTick(index, sqrt_price_at_tick(index), net, **more)


# Price 1 (tick 0); 10^9 of liquidity from −600 to 600, as much again from −60 to 60; 30 bps.
POOL = ClmmPool(
    fee_rate=3_000,
    liquidity=2 * 10**9,
    sqrt_price_x64=Q64,
    tick_current=0,
    ticks=(tick(-600, 10**9), tick(-60, 10**9), tick(60, -(10**9)), tick(600, -(10**9))),
    end_below="below is unknown",
    end_above="above is unknown",
)


def test_the_table_of_prices_ends_where_the_programs_does():
    assert sqrt_price_at_tick(MIN_TICK) == MIN_SQRT_PRICE_X64 == 4_295_048_016
    assert sqrt_price_at_tick(MAX_TICK) == MAX_SQRT_PRICE_X64 == 79_226_673_521_066_979_257_578_248_091
    assert sqrt_price_at_tick(0) == Q64
    for out_of_range in (MIN_TICK - 1, MAX_TICK + 1):
        with pytest.raises(ValueError, match=f"tick is {out_of_range}"):
            sqrt_price_at_tick(out_of_range)


def test_prices_rise_with_the_tick_and_are_near_the_power():
    getcontext().prec = 50
    before = 0
    for at in range(MIN_TICK, MAX_TICK + 1, 7_919):
        price = sqrt_price_at_tick(at)
        exact = Decimal("1.0001") ** (Decimal(at) / 2) * Q64
        assert before < price
        assert abs(price - exact) / exact < Decimal("1e-9")
        before = price


@pytest.mark.parametrize(
    ("at", "price"),
    [  # every factor takes part; worked out from the constants in the program's source
        (-262_143, 37_483_609_361_155),
        (-65_535, 696_492_473_860_388_424),
        (-21_845, 6_188_498_513_556_677_915),
        (1, 18_447_666_387_855_957_090),
        (10_922, 31_847_553_910_280_074_403),
        (43_690, 163_903_635_092_250_634_028),
        (131_071, 12_940_409_663_983_634_839_699),
        (300_000, 60_257_519_765_890_351_327_341_632),
    ],
)
def test_prices_to_the_last_bit(at, price):
    assert sqrt_price_at_tick(at) == price


def test_within_one_stretch_by_hand():
    # net = floor(1000·0.997) = 997; √P' = ceil(L·2^64/(L + 997)): Δ0 up = 997, fee 3; Δ1 down = 996
    assert quote(POOL, 1_000, True) == SwapQuote(1_000, 996, 3)
    # √P' = 1 + 997/L: Δ0 down = floor(L·997/(L + 997)) = 996
    assert quote(POOL, 1_000, False) == SwapQuote(1_000, 996, 3)


def test_a_tick_that_is_crossed_takes_its_liquidity():
    after = apply(POOL, quote(POOL, 10_000_000, True), True)
    assert (after.liquidity, quote(POOL, 10_000_000, True).crossed) == (10**9, 1)
    assert -600 < after.tick_current < -60
    risen = apply(POOL, quote(POOL, 10_000_000, False), False)
    assert (risen.liquidity, risen.ticks) == (10**9, POOL.ticks)
    assert 60 <= risen.tick_current < 600


def test_a_swap_that_ends_right_on_a_tick_crosses_it():
    edge = sqrt_price_at_tick(-60)
    net = ceil(Fraction(2 * 10**9 * (Q64 - edge), edge))  # L·(1/√P' − 1/√P), rounded up
    exact = ceil(Fraction(net * 1_000, 997))
    assert [quote(POOL, amount, True).crossed for amount in (exact - 1, exact)] == [0, 1]
    assert quote(POOL, exact, True).amount_out_atoms == 2 * 10**9 * (Q64 - edge) >> 64
    before, after = (apply(POOL, quote(POOL, amount, True), True) for amount in (exact - 1, exact))
    assert (before.liquidity, after.liquidity) == (2 * 10**9, 10**9)
    assert (after.sqrt_price_x64, after.tick_current) == (edge, -61)
    back = quote(after, 1_000, False)
    assert back.crossed == 1  # back through the tick first: a step of no size
    assert apply(after, back, False).liquidity == 2 * 10**9


@pytest.mark.parametrize(
    ("pool", "amount", "zero_for_one", "reason"),
    [
        (POOL, 0, True, "amount is 0"),
        (POOL, MAX_U64 + 1, True, "amount is 18446744073709551616"),
        (POOL, 10**9, True, "below is unknown"),
        (POOL, 10**9, False, "above is unknown"),
        (POOL, 1, True, "output is zero"),
        (replace(POOL, ticks=()), 1_000, True, "below is unknown"),
        (replace(POOL, sqrt_price_x64=MIN_SQRT_PRICE_X64), 1_000, True, "the price is at the end of the range"),
        (replace(POOL, sqrt_price_x64=sqrt_price_at_tick(-61)), 1_000, True, "tick -60 is behind the price"),
        (replace(POOL, sqrt_price_x64=sqrt_price_at_tick(61)), 1_000, False, "tick 60 is behind the price"),
        (replace(POOL, liquidity=10), 10**7, True, "tick -60 would leave a liquidity of -999999990"),
    ],
)
def test_refusals(pool, amount, zero_for_one, reason):
    answer = quote(pool, amount, zero_for_one)
    assert isinstance(answer, SwapRefusal)
    assert answer.reason.startswith(reason)


def test_the_range_ends_one_short_of_the_lowest_price():
    thin = replace(POOL, liquidity=1, ticks=(tick(MIN_TICK, 1),))
    assert quote(thin, MAX_U64, True) == SwapRefusal("the price reaches the end of the range")


def test_an_amount_beyond_u64_is_refused():
    price = sqrt_price_at_tick(400_000)
    huge = replace(POOL, liquidity=1 << 127, sqrt_price_x64=price, tick_current=400_000, ticks=(tick(399_000, 0),))
    assert quote(huge, MAX_U64, True) == SwapRefusal("an amount exceeds u64")


@pytest.mark.parametrize("down", [True, False])
def test_a_stretch_that_would_take_more_than_u64_is_refused_even_for_a_small_amount(down):
    """The program of 2024-11 works out the whole stretch first, and fails there."""
    edge = MAX_U64 << 64
    deep = replace(POOL, liquidity=edge // (sqrt_price_at_tick(60) - Q64) * 11 // 10)
    assert quote(deep, 10**6, down) == SwapRefusal("an amount exceeds u64")
    below = replace(POOL, liquidity=edge // (sqrt_price_at_tick(60) - Q64) * 9 // 10)
    assert isinstance(quote(below, 10**6, down), SwapQuote)


def test_outputs_that_exceed_u64_together_are_refused():
    """At a price of 7 each of two stretches pays nine tenths of a u64 of token 1."""
    price, near = sqrt_price_at_tick(20_000), sqrt_price_at_tick(19_940)
    liquidity = (MAX_U64 << 64) * 9 // 10 // (price - near)
    ticks = tick(19_880, liquidity), tick(19_940, 0)
    pool = replace(POOL, liquidity=liquidity, sqrt_price_x64=price, tick_current=20_000, ticks=ticks)
    first = int(segments(pool, True)[0].capacity_atoms)
    assert isinstance(quote(pool, first, True), SwapQuote)
    assert quote(pool, first * 3 // 2, True) == SwapRefusal("an amount exceeds u64")


def test_a_tick_with_limit_orders_is_a_wall_only_for_who_gets_there():
    walled = replace(POOL, ticks=(tick(-600, 10**9), tick(-60, 10**9, has_limit_orders=True), *POOL.ticks[2:]))
    assert quote(walled, 1_000, True) == quote(POOL, 1_000, True)
    assert quote(walled, 10_000_000, True) == SwapRefusal("tick -60 holds limit orders, which nothing verifies")
    assert len(segments(walled, True)) == 1
    assert len(segments(POOL, True)) == 2


def test_a_gap_without_liquidity_is_jumped():
    gap = replace(POOL, ticks=(tick(-600, 10**9), tick(-300, -(10**9)), tick(-60, 2 * 10**9)))
    answer = quote(gap, 10_000_000, True)
    assert answer.crossed == 2
    assert len(segments(gap, True)) == 2
    assert apply(gap, answer, True).liquidity == 10**9


def test_another_states_quote_is_not_applied():
    with pytest.raises(ValueError, match=r"amount_out_atoms is 996, expected this pool's quote: 995 atoms"):
        apply(replace(POOL, fee_rate=4_000), quote(POOL, 1_000, True), True)
    with pytest.raises(ValueError, match="expected this pool's quote: below is unknown"):
        apply(replace(POOL, ticks=()), quote(POOL, 1_000, True), True)
