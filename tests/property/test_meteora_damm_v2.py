"""DAMM v2 for any sound state: monotone, split ≤ whole, no free money, segments that agree, reserves that add up."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from phantom_arbiter.dex.meteora_damm_v2 import (
    DammV2Pool,
    FeeSchedule,
    VolatilityFee,
    apply,
    quote,
    reserves_of_range,
    segments,
)
from phantom_arbiter.dex.pool import SwapQuote

NOW_S = 1_700_000_000


@st.composite
def pools(draw: st.DrawFn, *, dynamic: bool = False) -> DammV2Pool:
    low, price, high = sorted(draw(st.lists(st.integers(2**50, 2**78), min_size=3, max_size=3)))
    liquidity = draw(st.integers(2**64, 2**110))
    reserve_a, reserve_b = reserves_of_range(liquidity, low, price, high)
    assume(max(reserve_a, reserve_b) < 2**62)
    volatility = VolatilityFee(2**24, 956, 1, 1_844_674_407_370_955, 10, 120, 5_000, NOW_S - 30, price, 10**6, 0)
    return DammV2Pool(
        token_a_mint=b"a" * 32,
        token_b_mint=b"b" * 32,
        token_a_vault=b"c" * 32,
        token_b_vault=b"d" * 32,
        liquidity=liquidity,
        sqrt_min_price_x64=low,
        sqrt_max_price_x64=high,
        sqrt_price_x64=price,
        reserve_a_atoms=reserve_a,
        reserve_b_atoms=reserve_b,
        activation_point=NOW_S - draw(st.integers(0, 10_000)),
        by_timestamp=True,
        fee_only_in_b=draw(st.booleans()),
        max_fee_e9=990_000_000,
        schedule=FeeSchedule(draw(st.booleans()), draw(st.integers(5_000, 10**9)), 100, draw(st.integers(0, 600)), 50),
        volatility=volatility if dynamic else None,
    )


def swap(pool: DammV2Pool, amount: int, a_to_b: bool) -> SwapQuote | None:
    answer = quote(pool, amount, a_to_b, unix_time_s=NOW_S, slot=0)
    return answer if isinstance(answer, SwapQuote) else None


def after(pool: DammV2Pool, answer: SwapQuote, a_to_b: bool) -> DammV2Pool:
    return apply(pool, answer, a_to_b, unix_time_s=NOW_S)


amounts = st.integers(1, 2**60)


@given(pools(dynamic=True), amounts, st.integers(0, 2**40), st.booleans())
def test_more_in_is_never_less_out(pool, amount, more, a_to_b):
    less, whole = swap(pool, amount, a_to_b), swap(pool, amount + more, a_to_b)
    if whole is not None:
        assert less is not None
        assert less.amount_out_atoms <= whole.amount_out_atoms


@given(pools(), st.integers(1, 2**59), st.integers(1, 2**59), st.booleans())
def test_two_swaps_never_beat_one(pool, first, second, a_to_b):
    whole, one = swap(pool, first + second, a_to_b), swap(pool, first, a_to_b)
    assume(whole is not None and one is not None)
    two = swap(after(pool, one, a_to_b), second, a_to_b)
    assert two is None or one.amount_out_atoms + two.amount_out_atoms <= whole.amount_out_atoms


@given(pools(dynamic=True), amounts, st.booleans())
def test_no_round_trip_pays(pool, amount, a_to_b):
    there = swap(pool, amount, a_to_b)
    assume(there is not None and there.amount_out_atoms > 0)
    back = swap(after(pool, there, a_to_b), there.amount_out_atoms, not a_to_b)
    assert back is None or back.amount_out_atoms <= amount


@given(pools(dynamic=True), amounts, st.booleans())
def test_the_state_after_is_the_state_before_and_the_flows(pool, amount, a_to_b):
    answer = swap(pool, amount, a_to_b)
    assume(answer is not None)
    then = after(pool, answer, a_to_b)
    came = answer.amount_in_atoms - answer.input_fee_atoms
    left = answer.amount_out_atoms + answer.output_fee_atoms
    change_a, change_b = then.reserve_a_atoms - pool.reserve_a_atoms, then.reserve_b_atoms - pool.reserve_b_atoms
    assert (change_a, change_b) == ((came, -left) if a_to_b else (-left, came))
    assert pool.sqrt_min_price_x64 <= then.sqrt_price_x64 <= pool.sqrt_max_price_x64


@given(pools(dynamic=True), amounts, st.booleans())
def test_segments_agree_within_rounding(pool, amount, a_to_b):
    (segment,) = segments(pool, a_to_b, unix_time_s=NOW_S, slot=0)
    answer = swap(pool, amount, a_to_b)
    if answer is None:
        assert amount >= segment.capacity_atoms * (1 - 1e-9) - 2
        return
    # At the range's end, input that moves the price by less than one Q64.64 step is still taken.
    step = pool.liquidity / (pool.sqrt_min_price_x64**2 if a_to_b else 2**128)
    assert amount <= segment.capacity_atoms * (1 + 1e-9) + 2 + step / segment.c
    screened = segment.a * amount / (segment.b + segment.c * amount)
    # One atom of input, one Q64.64 step of the price and one atom of output may be lost to rounding.
    step = pool.liquidity / pool.sqrt_price_x64**2 + pool.liquidity / 2**128
    lost = 2 + segment.a / (segment.b * segment.c) + 2 * step
    assert screened * (1 - 1e-9) - lost <= answer.amount_out_atoms <= screened * (1 + 1e-9) + 1
