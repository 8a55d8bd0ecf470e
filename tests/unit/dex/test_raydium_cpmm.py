import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from phantom_arbiter.core.units import MAX_U64
from phantom_arbiter.dex.pool import SwapQuote, SwapRefusal
from phantom_arbiter.dex.raydium_cpmm import CpmmFees, CpmmPool, amount_in_for, apply, quote, segments

RATES = (2_500, 120_000, 40_000)
PLAIN = CpmmPool(10**9, 2 * 10**9, CpmmFees(*RATES))
ANY, TOKEN_0, TOKEN_1 = (CpmmPool(10**9, 2 * 10**9, CpmmFees(*RATES, 500, side)) for side in range(3))

reserve = st.integers(1, 10**15)
amounts = st.integers(1, 10**15)


@st.composite
def pools(draw):
    trade, protocol = draw(st.integers(0, 10**6)), draw(st.integers(0, 10**6))
    creator, fund = draw(st.integers(0, 10**6 - trade)), draw(st.integers(0, 10**6 - protocol))
    return CpmmPool(draw(reserve), draw(reserve), CpmmFees(trade, protocol, fund, creator, draw(st.integers(0, 2))))


def test_no_creator_by_hand():
    # fee = ceil(1000003·2500/10⁶) = 2501; net 997502; out = floor(2·10⁹·997502 / 1000997502) = 1993015
    assert quote(PLAIN, 1_000_003, True) == SwapQuote(1_000_003, 1_993_015, 2_501)
    # of the fee the protocol has floor(2501·0.12) = 300, the fund floor(2501·0.04) = 100
    after = apply(PLAIN, quote(PLAIN, 1_000_003, True), True)
    assert after == replace(PLAIN, reserve_0_atoms=10**9 + 1_000_003 - 400, reserve_1_atoms=2 * 10**9 - 1_993_015)


def test_a_creators_fee_on_the_output_by_hand():
    # as above, less ceil(1993015·500/10⁶) = 997
    swap = quote(TOKEN_1, 1_000_003, True)
    assert swap == SwapQuote(1_000_003, 1_992_018, 2_501, 997)
    after = apply(TOKEN_1, swap, True)
    assert after == replace(TOKEN_1, reserve_0_atoms=10**9 + 1_000_003 - 400, reserve_1_atoms=2 * 10**9 - 1_993_015)


def test_a_creators_fee_on_the_input_by_hand():
    # fee = ceil(1000003·3000/10⁶) = 3001; net 997002; out = floor(2·10⁹·997002 / 1000997002) = 1992017
    swap = quote(ANY, 1_000_003, True)
    assert swap == SwapQuote(1_000_003, 1_992_017, 3_001)
    # of it the creator has floor(3001·500/3000) = 500, and of the other 2501 protocol and fund 400
    after = apply(ANY, swap, True)
    assert after == replace(ANY, reserve_0_atoms=10**9 + 1_000_003 - 900, reserve_1_atoms=2 * 10**9 - 1_992_017)


@pytest.mark.parametrize("zero_for_one", [True, False])
def test_the_side_of_a_creators_fee(zero_for_one):
    on_input, on_output = (TOKEN_0, TOKEN_1) if zero_for_one else (TOKEN_1, TOKEN_0)
    assert quote(on_input, 10**6, zero_for_one) == quote(ANY, 10**6, zero_for_one)
    assert (
        quote(on_input, 10**6, zero_for_one).output_fee_atoms
        == 0
        < quote(on_output, 10**6, zero_for_one).output_fee_atoms
    )
    assert quote(on_output, 10**6, zero_for_one).input_fee_atoms == quote(PLAIN, 10**6, zero_for_one).input_fee_atoms


@pytest.mark.parametrize(
    ("pool", "amount", "reason"),
    [
        (PLAIN, 0, "amount is not positive"),
        (PLAIN, MAX_U64 - 10**9 + 1, "reserve would exceed u64"),
        (PLAIN, 1, "output is zero"),
        (TOKEN_1, 2, "output is zero"),
        (replace(PLAIN, reserve_0_atoms=0), 10, "pool is empty"),
        (replace(PLAIN, reserve_1_atoms=0), 10, "pool is empty"),
    ],
)
def test_refusals(pool, amount, reason):
    assert quote(pool, amount, True) == SwapRefusal(reason)


def test_the_largest_amount_the_vault_can_hold_is_quoted():
    assert isinstance(quote(PLAIN, MAX_U64 - 10**9, True), SwapQuote)


@pytest.mark.parametrize(
    ("made", "named"),
    [
        (lambda: CpmmFees(-1), "rates of the input"),
        (lambda: CpmmFees(999_999, creator_rate=2), r"rates of the input are \(999999, 2\), expected 0 to 1000000"),
        (lambda: CpmmFees(0, 600_000, 400_001), r"rates of the trade fee are \(600000, 400001\)"),
        (lambda: CpmmPool(-1, 5, CpmmFees(0)), "reserve_0_atoms is -1"),
        (lambda: CpmmPool(5, MAX_U64 + 1, CpmmFees(0)), "reserve_1_atoms"),
    ],
)
def test_unsound_pools_are_refused(made, named):
    with pytest.raises(ValueError, match=named):
        made()


def test_a_quote_of_another_state_is_not_applied():
    with pytest.raises(ValueError, match="is not an answer of this pool's state"):
        apply(PLAIN, quote(ANY, 10**6, True), True)


@given(pools(), amounts, st.booleans())
def test_a_swap_never_lowers_the_product(pool, amount, zero_for_one):
    swap = quote(pool, amount, zero_for_one)
    assume(isinstance(swap, SwapQuote))
    after = apply(pool, swap, zero_for_one)
    assert after.reserve_0_atoms * after.reserve_1_atoms >= pool.reserve_0_atoms * pool.reserve_1_atoms


@given(pools(), amounts, st.booleans())
def test_amount_in_for_is_the_smallest_that_pays(pool, amount_out, zero_for_one):
    amount_in = amount_in_for(pool, amount_out, zero_for_one)
    if isinstance(amount_in, SwapRefusal):
        most = quote(pool, MAX_U64 - max(pool.reserve_0_atoms, pool.reserve_1_atoms), zero_for_one)
        assert isinstance(most, SwapRefusal) or most.amount_out_atoms < amount_out
        return
    assert quote(pool, amount_in, zero_for_one).amount_out_atoms >= amount_out
    less = quote(pool, amount_in - 1, zero_for_one)
    assert isinstance(less, SwapRefusal) or less.amount_out_atoms < amount_out


@given(pools(), amounts, st.booleans())
def test_the_segment_pays_what_the_quote_does_within_rounding(pool, amount, zero_for_one):
    swap = quote(pool, amount, zero_for_one)
    (segment,) = segments(pool, zero_for_one)
    assert amount <= segment.capacity_atoms
    screened = segment.a * amount / (segment.b + segment.c * amount)
    paid = swap.amount_out_atoms if isinstance(swap, SwapQuote) else 0
    an_atom_in = max(pool.reserve_0_atoms / pool.reserve_1_atoms, pool.reserve_1_atoms / pool.reserve_0_atoms)
    assert -1e-6 * screened <= screened - paid <= 2 + an_atom_in + 1e-6 * screened


def test_an_empty_pool_has_no_segment():
    assert segments(replace(PLAIN, reserve_1_atoms=0), True) == ()
