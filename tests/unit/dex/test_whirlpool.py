import pytest

from phantom_arbiter.core.units import MAX_U64
from phantom_arbiter.dex.pool import SwapQuote, SwapRefusal
from phantom_arbiter.dex.tick_math import (
    MAX_SQRT_PRICE_X64,
    MAX_TICK,
    MIN_SQRT_PRICE_X64,
    MIN_TICK,
    Q64,
    sqrt_price_at_tick,
)
from phantom_arbiter.dex.whirlpool import (
    TickArray,
    Whirlpool,
    apply,
    first_array,
    quote,
    segments,
    tick_array,
    with_tick_arrays,
)

L = 1_000_000_000
SPACING = 64
SPAN = 88 * SPACING
BARE = Whirlpool(SPACING, 3_000, 2_500, L, Q64, 0)


def empty(*places):
    return [TickArray(place * SPAN) for place in places]


def pool_with(ticks, arrays, pool=BARE):
    """``ticks``: {tick: liquidity_net}; ``arrays``: which arrays are known."""
    return with_tick_arrays(
        pool,
        [
            tick_array(at * SPAN, sorted((tick, net) for tick, net in ticks.items() if tick // SPAN == at))
            for at in arrays
        ],
    )


WIDE = with_tick_arrays(BARE, empty(-3, -2, -1, 0, 1, 2))


def test_quote_by_hand_inside_one_range():
    # fee 3000; net 997000; out = floor(1e9·997000 / (1e9 + 997000)) = 996006, both ways at a price of one
    assert quote(WIDE, 1_000_000, True) == SwapQuote(1_000_000, 996_006, 3_000)
    assert quote(WIDE, 1_000_000, False) == SwapQuote(1_000_000, 996_006, 3_000)


def test_a_swap_too_small_to_move_pays_it_all_as_a_fee():
    assert quote(WIDE, 1, True) == SwapQuote(1, 0, 1)
    assert apply(WIDE, SwapQuote(1, 0, 1), True) == WIDE


def test_crossing_takes_the_liquidity_of_the_tick():
    halved = pool_with({-64: L // 2, 64: -L // 2}, (-2, -1, 0, 1))
    for down in (True, False):
        near, far = quote(halved, 3_000_000, down), quote(halved, 10_000_000, down)
        assert near == quote(WIDE, 3_000_000, down)
        assert far.crossed == 1
        assert far.amount_out_atoms < quote(WIDE, 10_000_000, down).amount_out_atoms
        assert apply(halved, far, down).liquidity == L // 2


def test_crossing_by_hand():
    # to tick −64: in = ceil(1e9·(1.0001^32 − 1)) = 3204965, out = floor(1e9·(1 − 1.0001^−32)) = 3194725,
    # fee = ceil(3204965·3/997) = 9644
    pool = pool_with({-64: L}, (-2, -1, 0))
    reached = SwapQuote(3_214_609, 3_194_725, 9_644, crossed=1)
    assert quote(pool, 3_214_609, True) == reached
    after = apply(pool, reached, True)
    assert (after.sqrt_price_x64, after.tick, after.liquidity) == (sqrt_price_at_tick(-64), -65, 0)
    assert after.protocol_fee_owed_a_atoms == 9_644 // 4
    assert after.protocol_fee_owed_b_atoms == 0
    # and back over the same tick
    back = quote(after, 1_000_000, False)
    assert back.crossed == 1
    assert apply(after, back, False).liquidity == L


def test_without_liquidity_left_the_program_takes_only_a_part():
    edge = MIN_TICK // SPAN
    price = sqrt_price_at_tick(edge * SPAN + SPAN)
    pool = pool_with({}, (edge, edge + 1), Whirlpool(SPACING, 3_000, 0, 1_000, price, edge * SPAN + SPAN))
    part = quote(pool, MAX_U64, True)
    assert isinstance(part, SwapQuote)
    assert part.amount_in_atoms < MAX_U64
    assert apply(pool, part, True).sqrt_price_x64 == MIN_SQRT_PRICE_X64
    top = MAX_TICK // SPAN
    pool = pool_with({}, (top,), Whirlpool(SPACING, 3_000, 0, 1_000, sqrt_price_at_tick(top * SPAN), top * SPAN))
    part = quote(pool, MAX_U64, False)
    assert apply(pool, part, False).sqrt_price_x64 == MAX_SQRT_PRICE_X64


def test_nothing_is_taken_where_no_liquidity_is_left_and_nothing_moves():
    """Both binaries take 0 and pay 0 while there is a price left to go; at the last one their source refuses."""
    spacing, span = 32_896, 88 * 32_896
    arrays = [TickArray(-span), TickArray(0)]
    dry = with_tick_arrays(Whirlpool(spacing, 3_000, 2_500, 0, Q64, 0), arrays)
    for down in (True, False):
        assert quote(dry, 5, down) == SwapQuote(0, 0, 0)
        assert apply(dry, SwapQuote(0, 0, 0), down) == dry
    lowest = with_tick_arrays(Whirlpool(spacing, 3_000, 2_500, L, MIN_SQRT_PRICE_X64, MIN_TICK), arrays)
    highest = with_tick_arrays(Whirlpool(spacing, 3_000, 2_500, L, MAX_SQRT_PRICE_X64, MAX_TICK), arrays)
    end = SwapRefusal("the price is at the end of the range")
    assert (quote(lowest, 5, True), quote(highest, 5, False)) == (end, end)


def test_three_arrays_and_no_more():
    for down, places in ((True, (0, -1, -2, -3)), (False, (0, 1, 2, 3))):
        three = with_tick_arrays(BARE, empty(*places[:3]))
        four = with_tick_arrays(BARE, empty(*places))
        for amount in (10**8, 5 * 10**8, 10**9, 10**12):
            assert quote(three, amount, down) == quote(four, amount, down)
        assert isinstance(quote(three, 5 * 10**8, down), SwapQuote)
        refused = quote(three, 10**12, down)
        assert isinstance(refused, SwapRefusal)
        assert "tick arrays end before the input does" in refused.reason


def test_a_gap_ends_the_arrays():
    gap = with_tick_arrays(BARE, empty(0, -2, -3))
    assert quote(gap, 1_000, True) == SwapRefusal("the known tick arrays end before the input does: 1000 atoms remain")


def test_beyond_the_88th_tick_of_the_last_array_nothing_is_swapped():
    last = 3 * SPAN - SPACING
    pool = pool_with({last: 0}, (0, 1, 2))
    to_last, to_end = (round(L * (sqrt_price_at_tick(tick) / Q64 - 1) / 0.997) for tick in (last, 3 * SPAN - 1))
    between = (to_last + to_end) // 2
    assert isinstance(quote(WIDE, between, False), SwapQuote)  # no initialized tick there: up to the very end
    assert isinstance(quote(pool, to_last - 100, False), SwapQuote)
    assert isinstance(quote(pool, between, False), SwapRefusal)


@pytest.mark.parametrize(
    ("tick", "down", "first"),
    [(0, True, 0), (0, False, 0), (-1, True, -SPAN), (-1, False, 0), (-65, False, -SPAN), (SPAN - 64, False, SPAN)],
)
def test_the_first_array(tick, down, first):
    pool = Whirlpool(SPACING, 0, 0, L, sqrt_price_at_tick(tick), tick)
    assert first_array(pool, down) == first
    assert quote(pool, 1, down) == SwapRefusal(f"the tick array that starts at {first} is not known")
    assert segments(pool, down) == ()


@pytest.mark.parametrize("amount", [0, -1, MAX_U64 + 1])
def test_amounts_that_no_program_takes(amount):
    assert quote(WIDE, amount, True) == SwapRefusal(f"amount_in_atoms is {amount}, expected 1 to 2^64 - 1")


def test_numbers_beyond_the_program_are_refused():
    deep = with_tick_arrays(
        Whirlpool(SPACING, 3_000, 0, 2**128 - 1, sqrt_price_at_tick(64), 64), empty(-2, -1, 0, 1, 2)
    )
    assert quote(deep, 1, True) == SwapQuote(1, 0, 1)  # nothing left after the fee, so the price is not asked for
    assert quote(deep, 2, True) == SwapRefusal("an amount of a step is beyond the program's numbers")
    assert isinstance(quote(deep, 10**6, False), SwapQuote)
    for ticks, down in (({-64: 2 * L}, True), ({64: -2 * L}, False), ({64: 2**128}, False)):
        refused = quote(pool_with(ticks, (-2, -1, 0, 1)), 10**8, down)
        assert refused == SwapRefusal(f"liquidity beyond tick {next(iter(ticks))} is beyond the program's numbers")


def test_a_quote_of_another_state_is_not_applied():
    swap = quote(WIDE, 1_000_000, True)
    with pytest.raises(ValueError, match="got 996006 atoms out, expected 9"):
        apply(apply(WIDE, swap, True), swap, True)
    with pytest.raises(ValueError, match="not known"):
        apply(BARE, swap, True)


def test_segments_of_two_ranges():
    halved = pool_with({-64: L // 2}, (-2, -1, 0))
    near, far = segments(halved, True)
    assert near.capacity_atoms == pytest.approx(3_204_964.9636 / 0.997)
    assert (near.a, near.b, near.c) == pytest.approx((0.997, 1.0, 0.997 / L))
    assert (far.a, far.c) == pytest.approx((0.997 * 1.0001**-64, 0.997 * 1.0001**-32 / (L / 2)))


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ([TickArray(64)], "start_tick is 64, expected a multiple of 5632"),
        ([TickArray(79 * SPAN)], "start_tick is 444928"),
        ([TickArray(-80 * SPAN)], "start_tick is -450560"),
        ([TickArray(0), TickArray(0)], "expected each only once"),
        ([tick_array(0, [(SPAN, 1)])], "expected multiples of 64 inside of it"),
        ([tick_array(0, [(63, 1)])], "expected multiples of 64 inside of it"),
        ([tick_array(0, [(64, 1), (0, 1)])], "expected them ascending"),
    ],
)
def test_arrays_that_the_pool_cannot_have(arrays, reason):
    with pytest.raises(ValueError, match=reason):
        with_tick_arrays(BARE, arrays)
