import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from phantom_arbiter.dex.meteora_dlmm import (
    Bin,
    BinArray,
    DlmmPool,
    FeeParameters,
    Volatility,
    apply,
    quote,
    segments,
    with_arrays,
)
from phantom_arbiter.dex.pool import SwapRefusal

AMOUNTS = st.integers(1, 10**13)
ATOMS = st.one_of(st.just(0), st.integers(1, 10**4), st.integers(1, 10**12))
RESERVES = st.lists(ATOMS, min_size=8, max_size=8)


@st.composite
def pools(draw):
    """X in the active bin and above, Y in it and below; swaps within the filter period are one storm."""
    step, active = draw(st.sampled_from([1, 10, 100, 400])), draw(st.integers(-72, 72))
    xs = dict(zip(range(active, active + 8), draw(RESERVES), strict=True))
    ys = dict(zip(range(active, active - 8, -1), draw(RESERVES), strict=True))
    arrays = [
        BinArray(
            index, tuple([Bin(xs.get(n, 0), ys.get(n, 0), price(step, n)) for n in range(70 * index, 70 * index + 70)])
        )
        for index in range(-2, 3)
    ]
    fees = FeeParameters(step, draw(st.integers(0, 20_000)), 0, draw(st.integers(0, 100_000)), 350_000, 10, 120, 5_000)
    volatility = Volatility(draw(st.integers(0, 350_000)), draw(st.integers(0, 350_000)), active, 0)
    bitmap = sum(1 << array.index + 512 for array in arrays)
    key = bytes(32)
    return with_arrays(DlmmPool(key, key, key, False, fees, volatility, active, bitmap, None, {}), arrays)


def price(step, bin_id):
    return int((1 + step / 10_000) ** bin_id * 2**64)


def total(pool, token):
    return sum(getattr(bin_, f"amount_{token}_atoms") for array in pool.arrays.values() for bin_ in array.bins)


def out(answer):
    return 0 if isinstance(answer, SwapRefusal) else answer.amount_out_atoms


@given(pools(), AMOUNTS, AMOUNTS, st.booleans(), st.integers(0, 200))
def test_more_in_never_pays_less(pool, one, other, zero_for_one, now):
    low, high = (quote(pool, amount, zero_for_one, now, 0) for amount in sorted((one, other)))
    if not isinstance(high, SwapRefusal):
        assert out(low) <= out(high)


@given(pools(), AMOUNTS, st.integers(0, 10**6), st.booleans(), st.integers(0, 200))
def test_a_split_swap_pays_no_more_than_the_whole(pool, amount, share_ppm, zero_for_one, now):
    """But where the fee decays: a swap inside a bin leaves the clock, so the next one halves the volatility again."""
    elapsed_s = now - pool.volatility.last_update_s
    assume(not pool.fees.filter_period_s <= elapsed_s < pool.fees.decay_period_s)
    whole = quote(pool, amount, zero_for_one, now, 0)
    first = amount * share_ppm // 10**6
    part = quote(pool, first, zero_for_one, now, 0)
    if isinstance(whole, SwapRefusal) or isinstance(part, SwapRefusal):
        return
    rest = quote(apply(pool, part, zero_for_one, now, 0), amount - first, zero_for_one, now, 0)
    assert part.amount_out_atoms + out(rest) <= whole.amount_out_atoms


@given(pools(), AMOUNTS, st.booleans(), st.integers(0, 200))
def test_a_round_trip_is_never_free_money(pool, amount, zero_for_one, now):
    there = quote(pool, amount, zero_for_one, now, 0)
    if isinstance(there, SwapRefusal):
        return
    back = quote(apply(pool, there, zero_for_one, now, 0), there.amount_out_atoms, not zero_for_one, now, 0)
    assert out(back) <= amount


@given(pools(), AMOUNTS, st.booleans(), st.integers(0, 200))
def test_the_state_after_is_the_state_before_and_the_flows(pool, amount, zero_for_one, now):
    swap = quote(pool, amount, zero_for_one, now, 0)
    if isinstance(swap, SwapRefusal):
        return
    after = apply(pool, swap, zero_for_one, now, 0)
    into, of = ("x", "y") if zero_for_one else ("y", "x")
    assert total(after, into) == total(pool, into) + amount - swap.input_fee_atoms
    assert total(after, of) == total(pool, of) - swap.amount_out_atoms
    assert abs(after.active_id - pool.active_id) == swap.crossed
    assert after.volatility.last_update_s == (now if swap.crossed else pool.volatility.last_update_s)
    assert after.fees == pool.fees


@settings(max_examples=200)
@given(pools(), AMOUNTS, st.booleans(), st.integers(0, 200))
def test_segments_answer_like_the_quote_within_its_rounding(pool, amount, zero_for_one, now):
    swap = quote(pool, amount, zero_for_one, now, 0)
    parts = segments(pool, zero_for_one, now, 0)
    if isinstance(swap, SwapRefusal):
        return
    left, paid, dearest = float(amount), 0.0, 0.0
    for part in parts:
        taken = min(left, part.capacity_atoms)
        left, paid, dearest = left - taken, paid + part.a * taken / (part.b + part.c * taken), max(dearest, part.a)
        if left <= 0:
            break
    # each bin rounds its price, its fee and its output by less than one atom
    slack = len(parts) * (2 * dearest + 1)
    assert paid == pytest.approx(swap.amount_out_atoms, rel=1e-9, abs=slack)
    assert paid >= swap.amount_out_atoms * (1 - 1e-9) - 1e-6
