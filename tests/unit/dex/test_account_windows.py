"""The windows of arrays around a price."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from phantom_arbiter.dex.account_windows import clmm_starts, dlmm_indices, whirlpool_starts
from phantom_arbiter.dex.meteora_dlmm_accounts import PROGRAM, decode_pool
from phantom_arbiter.dex.pool import SwapQuote
from phantom_arbiter.dex.raydium_clmm_accounts import CLMM_PROGRAM, decode_clmm_pool
from phantom_arbiter.dex.tick_math import MAX_TICK, MIN_TICK, sqrt_price_at_tick
from phantom_arbiter.dex.whirlpool import Whirlpool, quote, tick_array, with_tick_arrays
from tests.golden.onchain.meteora_dlmm import bitmap_bytes, pair_bytes
from tests.unit.dex.test_raydium_clmm_accounts import POOL, pool_bytes


def at(tick: int, spacing: int = 64) -> Whirlpool:
    return Whirlpool(spacing, 3_000, 300, 10**9, sqrt_price_at_tick(tick), tick)


def test_a_whirlpool_needs_three_arrays_each_way():
    span = 64 * 88
    assert whirlpool_starts(at(5)) == (-2 * span, -span, 0, span, 2 * span)
    # from the last usable tick on, a swap up begins in the next array
    assert whirlpool_starts(at(span - 64)) == (-2 * span, -span, 0, span, 2 * span, 3 * span)
    assert whirlpool_starts(at(span - 65), 1) == (0,)
    assert whirlpool_starts(at(span - 64), 1) == (0, span)


def test_no_array_beyond_the_last_tick():
    assert whirlpool_starts(at(0, 32_896)) == (-32_896 * 88, 0)
    assert max(whirlpool_starts(at(MAX_TICK - 1, 1))) == MAX_TICK // 88 * 88
    assert min(whirlpool_starts(at(MIN_TICK, 1))) == MIN_TICK // 88 * 88


@given(st.integers(-100_000, 100_000), st.booleans(), st.integers(1, 10**7))
def test_a_swap_that_any_arrays_answer_needs_no_others(tick, zero_for_one, atoms):
    pool, span = at(tick), 64 * 88
    home = tick // span * span
    everywhere = [tick_array(home + step * span, []) for step in range(-6, 7)]
    wide = with_tick_arrays(pool, everywhere)
    narrow = with_tick_arrays(pool, [array for array in everywhere if array.start_tick in whirlpool_starts(pool)])
    assert quote(narrow, atoms, zero_for_one) == quote(wide, atoms, zero_for_one)


def test_a_whirlpool_quotes_through_its_window():
    arrays = [tick_array(start, []) for start in whirlpool_starts(at(5))]
    assert isinstance(quote(with_tick_arrays(at(5), arrays), 10**6, True), SwapQuote)


def clmm(tick: int, *starts: int):
    bits = tuple(start // 600 + 512 for start in starts)
    return decode_clmm_pool(POOL, pool_bytes(tick=tick, bits=bits), CLMM_PROGRAM)


def test_a_clmm_pool_names_its_arrays_with_liquidity():
    starts = (-6_000, -3_000, -1_200, -600, 600, 1_200, 9_000, 12_000)
    assert clmm_starts(clmm(5, *starts)) == (-3_000, -1_200, -600, 600, 1_200, 9_000)
    assert clmm_starts(clmm(700, *starts), 2) == (-600, 600, 1_200)  # the price's own array counts both ways
    assert clmm_starts(clmm(5)) == ()
    assert clmm_starts(clmm(5, 600), 1) == (600,)


def test_a_price_beyond_the_bitmap_sees_what_lies_on_its_one_side():
    assert clmm_starts(clmm(400_000, 600, 1_200), 1) == (1_200,)
    assert clmm_starts(clmm(-400_000, 600, 1_200), 1) == (600,)


def test_a_dlmm_pair_names_its_arrays_with_liquidity():
    data = pair_bytes(pair_type=3, active_id=71, bin_array_bitmap=bitmap_bytes(-512, -3, 0, 1, 2, 511))
    pool = decode_pool(data, PROGRAM, bytes(32))
    assert dlmm_indices(pool) == (-3, 0, 1, 2, 511)
    assert dlmm_indices(pool, 1) == (1,)
    assert dlmm_indices(replace(pool, active_id=-1), 1) == (-3, 0)
    assert dlmm_indices(replace(pool, bitmap=0)) == ()
