import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.core.units import MAX_U64
from phantom_arbiter.dex.constant_product import (
    ConstantProductPool,
    amount_in_for,
    apply,
    quote,
    raydium_amm_v4_pool,
    segments,
)
from phantom_arbiter.dex.pool import SwapQuote, SwapRefusal

POOL = ConstantProductPool(1_000_000, 2_000_000, 25, 10_000)

reserve = st.integers(1, 10**15)
pools = st.builds(lambda r0, r1, fee: ConstantProductPool(r0, r1, fee, 10_000), reserve, reserve, st.integers(0, 9_999))


def test_quote_by_hand():
    # fee = ceil(1001·25/10000) = 3; net 998; out = floor(2000000·998/1000998) = 1994
    assert quote(POOL, 1_001, True) == SwapQuote(1_001, 1_994, 3)
    # the other way: net 998, out = floor(1000000·998/2000998) = 498
    assert quote(POOL, 1_001, False) == SwapQuote(1_001, 498, 3)


@pytest.mark.parametrize(
    ("pool", "amount", "reason"),
    [
        (POOL, 0, "amount is not positive"),
        (POOL, -5, "amount is not positive"),
        (POOL, MAX_U64 + 1, "amount exceeds u64"),
        (POOL, MAX_U64 - 999_999, "reserve would exceed u64"),
        (POOL, 1, "fee takes the whole amount"),
        (ConstantProductPool(1_000_000, 10, 25, 10_000), 1_000, "output is zero"),
        (ConstantProductPool(0, 10, 25, 10_000), 1_000, "pool is empty"),
        (ConstantProductPool(10, 0, 25, 10_000), 1_000, "pool is empty"),
    ],
)
def test_refusals(pool, amount, reason):
    assert quote(pool, amount, True) == SwapRefusal(reason)


def test_the_largest_amount_the_vault_can_hold_is_quoted():
    assert isinstance(quote(POOL, MAX_U64 - 1_000_000, True), SwapQuote)


@pytest.mark.parametrize("amount_out", [2_000_000, 2_000_001])
def test_the_whole_reserve_cannot_be_bought(amount_out):
    assert amount_in_for(POOL, amount_out, True) == SwapRefusal("output exceeds the reserve")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ((-1, 5, 0, 1), "reserve_0_atoms is -1"),
        ((5, MAX_U64 + 1, 0, 1), "reserve_1_atoms"),
        ((5, 5, 1, 1), "fee is 1/1"),
        ((5, 5, -1, 10), "fee is -1/10"),
        ((5, 5, 0, 0), "fee is 0/0"),
    ],
)
def test_unsound_pools_are_refused(fields, named):
    with pytest.raises(ValueError, match=named):
        ConstantProductPool(*fields)


def test_programs_pools():
    assert raydium_amm_v4_pool(100, 200, 1, 2) == ConstantProductPool(99, 198, 25, 10_000)


@given(pools, st.integers(1, 10**15), st.booleans())
def test_a_swap_never_lowers_the_product(pool, amount, zero_for_one):
    swap = quote(pool, amount, zero_for_one)
    if isinstance(swap, SwapRefusal):
        return
    after = apply(pool, swap, zero_for_one)
    assert after.reserve_0_atoms * after.reserve_1_atoms >= pool.reserve_0_atoms * pool.reserve_1_atoms
    moved = after.reserve_0_atoms - pool.reserve_0_atoms, after.reserve_1_atoms - pool.reserve_1_atoms
    expected = (swap.amount_in_atoms, -swap.amount_out_atoms)
    assert moved == (expected if zero_for_one else expected[::-1])


@given(pools, st.integers(1, 10**15), st.booleans())
def test_amount_in_for_is_the_smallest_that_pays(pool, amount_out, zero_for_one):
    amount_in = amount_in_for(pool, amount_out, zero_for_one)
    if isinstance(amount_in, SwapRefusal):
        return
    swap = quote(pool, amount_in, zero_for_one)
    assert isinstance(swap, SwapQuote)
    assert swap.amount_out_atoms >= amount_out
    less = quote(pool, amount_in - 1, zero_for_one)
    assert isinstance(less, SwapRefusal) or less.amount_out_atoms < amount_out


@given(pools, st.integers(1, 10**15), st.booleans())
def test_the_segment_pays_what_the_quote_does_within_rounding(pool, amount, zero_for_one):
    swap = quote(pool, amount, zero_for_one)
    (segment,) = segments(pool, zero_for_one)
    assert amount <= segment.capacity_atoms
    screened = segment.a * amount / (segment.b + segment.c * amount)
    paid = swap.amount_out_atoms if isinstance(swap, SwapQuote) else 0
    atom_in = segment.a / segment.b / segment.c  # what the atom that the fee rounds up would have bought
    assert -1e-6 * screened <= screened - paid <= 1 + atom_in + 1e-6 * screened


def test_an_empty_pool_has_no_segment():
    assert segments(ConstantProductPool(0, 10, 25, 10_000), True) == ()
