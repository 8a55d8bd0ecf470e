"""Whirlpools with any adaptive fee: what must hold for every swap at any time, whatever the oracle says."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from phantom_arbiter.dex.pool import SwapQuote
from phantom_arbiter.dex.whirlpool import PPM, Whirlpool, apply, first_fee_ppm, quote, segments
from phantom_arbiter.dex.whirlpool_adaptive_fee import MAX_TOTAL_FEE_PPM, AdaptiveFee
from tests.property.test_whirlpool import amounts
from tests.property.test_whirlpool import pools as plain_pools

START = 1_780_000_000


@st.composite
def fees(draw: st.DrawFn, pool: Whirlpool) -> AdaptiveFee:
    size = draw(st.sampled_from([size for size in (1, 2, 8, 64, 128) if pool.tick_spacing % size == 0]))
    filter_seconds, most = draw(st.integers(1, 100)), draw(st.integers(0, 500_000))
    return AdaptiveFee(
        trade_enabled_from_s=0,
        filter_seconds=filter_seconds,
        decay_seconds=filter_seconds + draw(st.integers(1, 1_000)),
        reduction_bps=draw(st.integers(0, 9_999)),
        control_factor=draw(st.integers(0, 99_999)),
        max_volatility=most,
        tick_group_size=size,
        major_swap_ticks=draw(st.integers(1, 88)),
        reference_updated_s=START - draw(st.integers(0, 5_000)),
        major_swap_s=START - draw(st.integers(0, 5_000)),
        volatility_reference=draw(st.integers(0, most)),
        reference_group=pool.tick // size + draw(st.integers(-60, 60)),
        volatility=draw(st.integers(0, most)),
    )


@st.composite
def pools(draw: st.DrawFn) -> Whirlpool:
    pool, _ = draw(plain_pools())
    return replace(pool, adaptive_fee=draw(fees(pool)))


seconds = st.integers(0, 8_000).map(lambda after: START + after)


@given(pools(), amounts, st.booleans(), seconds)
def test_it_never_pays_more_than_the_base_fee_would(pool, amount, down, now):
    swap, plain = quote(pool, amount, down, now), quote(replace(pool, adaptive_fee=None), amount, down)
    assume(isinstance(swap, SwapQuote) and isinstance(plain, SwapQuote))
    assert swap.amount_out_atoms <= plain.amount_out_atoms + swap.crossed  # a step may round in its favour
    assert swap.input_fee_atoms <= swap.amount_in_atoms
    assert pool.fee_ppm <= first_fee_ppm(pool, now) <= MAX_TOTAL_FEE_PPM


@given(pools(), amounts, amounts, st.booleans(), seconds)
def test_more_in_is_never_less_out(pool, first, second, down, now):
    part, whole = quote(pool, first, down, now), quote(pool, first + second, down, now)
    assume(isinstance(whole, SwapQuote))
    assert isinstance(part, SwapQuote)
    assert part.amount_out_atoms <= whole.amount_out_atoms


@given(pools(), amounts, st.booleans(), seconds)
def test_without_a_control_factor_the_price_moves_as_with_the_base_fee(pool, amount, down, now):
    free = replace(pool, adaptive_fee=replace(pool.adaptive_fee, control_factor=0))
    plain = replace(pool, adaptive_fee=None)
    swap = quote(free, amount, down, now)
    assert swap == quote(plain, amount, down) or not isinstance(swap, SwapQuote)
    assume(isinstance(swap, SwapQuote))
    assert replace(apply(free, swap, down, now), adaptive_fee=None) == apply(plain, swap, down)


@given(pools(), st.lists(st.tuples(amounts, st.booleans(), st.integers(0, 4_000)), max_size=6))
def test_an_oracle_stays_within_its_own_limits(pool, swaps):
    now, constants = START, pool.adaptive_fee
    for amount, down, wait in swaps:
        now += wait
        before, swap = pool.adaptive_fee, quote(pool, amount, down, now)
        if not isinstance(swap, SwapQuote):
            continue
        pool = apply(pool, swap, down, now)
        fee = pool.adaptive_fee
        assert 0 <= fee.volatility_reference <= fee.max_volatility
        assert 0 <= fee.volatility <= fee.max_volatility
        assert before.reference_updated_s <= fee.reference_updated_s <= now
        assert fee.major_swap_s in (before.major_swap_s, now)
        assert fee.reference_updated_s == now or fee.reference_group == before.reference_group
    variables = ("reference_updated_s", "major_swap_s", "volatility_reference", "reference_group", "volatility")
    same = {name: getattr(constants, name) for name in variables}
    assert replace(pool.adaptive_fee, **same) == constants


@given(pools(), amounts, st.booleans(), seconds)
def test_segments_answer_as_the_program_within_its_roundings(pool, amount, down, now):
    swap = quote(pool, amount, down, now)
    assume(isinstance(swap, SwapQuote))
    rest, out, best = float(swap.amount_in_atoms), 0.0, 0.0
    for segment in segments(pool, down, None, now):
        taken = min(rest, segment.capacity_atoms)
        out += segment.a * taken / (segment.b + segment.c * taken)
        best = max(best, segment.a / segment.b)
        rest -= taken
    noise = 1e-9 * out + 1e-6
    assert swap.amount_out_atoms <= out + noise
    assert swap.amount_out_atoms >= out - (swap.crossed + 1) * (3 * best * PPM / (PPM - MAX_TOTAL_FEE_PPM) + 2) - noise
