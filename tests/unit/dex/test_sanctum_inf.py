"""INF's accounts and its swaps between LSTs: the real accounts decode; the quotes follow the formula."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import structs

from phantom_arbiter.dex.pool import AccountError, SwapQuote, SwapRefusal
from phantom_arbiter.dex.sanctum_inf import (
    FLAT_SLAB_PROGRAM,
    INF_PROGRAM,
    SPL_CALCULATORS,
    WRAPPED_SOL_CALCULATOR,
    WRAPPED_SOL_MINT,
    InfLst,
    InfPair,
    LstState,
    SlabFee,
    apply,
    decode_inf_pool_state,
    decode_lst_states,
    decode_slab_fees,
    quote,
    segments,
)
from phantom_arbiter.dex.stake_pool_accounts import SANCTUM_SPL_MULTI_PROGRAM, TOKEN_PROGRAM, Fee, decode_stake_pool
from tests.unit.dex.test_stake_pool_accounts import pool_bytes, real

SPL = min(SPL_CALCULATORS)


def wrapped_sol(reserves=10**12, in_nanos=5_000_000, out_nanos=6_000_000):
    state = LstState(False, 0, WRAPPED_SOL_MINT, WRAPPED_SOL_CALCULATOR)
    return InfLst(state, SlabFee(WRAPPED_SOL_MINT, in_nanos, out_nanos), reserves)


def lst(total=1_100_000, supply=1_000_000, fee=(1, 1_000), reserves=10**12, in_nanos=-1_000_000, out_nanos=-2_000_000):
    pool = decode_stake_pool(pool_bytes(total=total, supply=supply), SANCTUM_SPL_MULTI_PROGRAM)
    pool = structs.replace(pool, stake_withdrawal_fee=Fee(*fee))
    state = LstState(False, 0, pool.pool_mint, SPL)
    return InfLst(state, SlabFee(pool.pool_mint, in_nanos, out_nanos), reserves, pool)


def test_the_real_accounts_decode():
    pool = decode_inf_pool_state(*real("pool-state")[:2])
    assert pool.lp_token_mint == "5oVNBeEEQvYi1cX3ir8Dx5n1P7pdxydbGF2X4TxVusJm"
    assert (pool.protocol_fee_nanos, pool.owed_lamports) == (100_000_000, 1_000_000_068)
    states = decode_lst_states(*real("lst-state-list")[:2])
    assert [state.mint[:5] for state in states] == ["So111", "7dHbW", "mSoLz", "jupSo"]
    assert sum(state.sol_value_lamports for state in states) == pool.total_sol_value_lamports
    assert states[0].sol_value_calculator == WRAPPED_SOL_CALCULATOR
    assert states[3].sol_value_calculator in SPL_CALCULATORS


def test_the_real_jupsol_swaps_for_wrapped_sol_at_its_rate():
    stake_pool = decode_stake_pool(*real("jupsol-pool")[:2])
    state = decode_lst_states(*real("lst-state-list")[:2])[3]
    jupsol = InfLst(state, SlabFee(state.mint, 0, 0), 10**12, stake_pool)
    pair = InfPair(jupsol, wrapped_sol(out_nanos=1_000_000))
    # 10^9 less 0.1 % is 999000000; · 5279156915932922 / 4737129478525448 = 1113306651; less 10^6/10^9 = 1112193344
    assert quote(pair, 10**9, True, 0) == SwapQuote(10**9, 1_112_193_344, 1_000_000)


def test_quotes_by_hand():
    pair = InfPair(wrapped_sol(), lst())
    # fee 5 000 000 − 2 000 000 nanos; value 997; floor(997/1.1) = 906; floor(906·1000/999) = 906
    assert quote(pair, 1_000, True, 7) == SwapQuote(1_000, 906, 3)
    # 1000 − ceil(1) = 999; floor(999·1.1) = 1098; fee −1 000 000 + 6 000 000 nanos: floor(1098·0.995) = 1092
    assert quote(pair, 1_000, False, 7) == SwapQuote(1_000, 1_092, 5)
    after = apply(pair, quote(pair, 1_000, False, 7), False)
    assert (after.lst_0.reserves_atoms, after.lst_1.reserves_atoms) == (10**12 - 1_092, 10**12 + 1_000)
    with pytest.raises(ValueError, match="quoted for another state"):
        apply(pair, SwapQuote(1, 10**13, 0), True)


def disabled(item):
    return structs.replace(item, state=structs.replace(item.state, input_disabled=True))


def calculated_by(item, calculator):
    return structs.replace(item, state=structs.replace(item.state, sol_value_calculator=calculator))


@pytest.mark.parametrize(
    ("pair", "amount", "epoch", "words"),
    [
        (InfPair(wrapped_sol(), lst()), 0, 7, "amount is 0"),
        (InfPair(wrapped_sol(), lst()), 10**9, 8, "is of epoch 7"),
        (InfPair(disabled(wrapped_sol()), lst()), 10**9, 7, "disabled"),
        (InfPair(wrapped_sol(), wrapped_sol()), 10**9, 7, "same LST"),
        (InfPair(wrapped_sol(in_nanos=0), lst()), 10**9, 7, "fee is -2000000 nanos"),
        (
            InfPair(wrapped_sol(), calculated_by(lst(), "mare3SCyfZkAndpBRBeonETmkCCB3TJTTrz8ZN2dnhP")),
            9,
            7,
            "not verified",
        ),
        (InfPair(structs.replace(lst(), stake_pool=None), wrapped_sol()), 9, 7, "no stake pool given"),
        (InfPair(wrapped_sol(), lst(total=0)), 10**9, 7, "empty"),
        (InfPair(wrapped_sol(), lst(reserves=10)), 10**9, 7, "the pool holds 10 atoms"),
        (InfPair(wrapped_sol(), lst()), 1, 7, "pays nothing"),
    ],
)
def test_refusals_say_why(pair, amount, epoch, words):
    answer = quote(pair, amount, True, epoch)
    assert isinstance(answer, SwapRefusal)
    assert words in answer.reason


def test_an_lst_takes_its_own_fee_and_pool_only():
    with pytest.raises(ValueError, match="fee is of mint x"):
        InfLst(wrapped_sol().state, SlabFee("x", 0, 0), 1)
    with pytest.raises(ValueError, match="stake pool is of mint"):
        InfLst(wrapped_sol().state, wrapped_sol().fee, 1, lst().stake_pool)


def slab_bytes(*entries):
    return bytes(32) + b"".join(
        bytes([number]) * 32 + struct.pack("<ii", *fee) for number, fee in enumerate(entries, 1)
    )


def test_slab_fees_decode_and_bad_ones_are_refused():
    fees = decode_slab_fees(slab_bytes((5_000_000, -6_000_000), (0, 10**9)), FLAT_SLAB_PROGRAM)
    assert [(fee.in_nanos, fee.out_nanos) for fee in fees] == [(5_000_000, -6_000_000), (0, 10**9)]
    with pytest.raises(AccountError, match="flat slab: out_fee_nanos"):
        decode_slab_fees(slab_bytes((0, 10**9 + 1)), FLAT_SLAB_PROGRAM)
    with pytest.raises(AccountError, match="flat slab: length"):
        decode_slab_fees(slab_bytes((0, 0))[:-1], FLAT_SLAB_PROGRAM)
    with pytest.raises(AccountError, match="flat slab: owner"):
        decode_slab_fees(slab_bytes((0, 0)), TOKEN_PROGRAM)


@pytest.mark.parametrize(
    ("offset", "byte", "field"), [(12, 1, "version"), (13, 1, "is_disabled"), (14, 1, "is_rebalancing")]
)
def test_a_pool_that_does_not_trade_is_refused(offset, byte, field):
    data = bytearray(real("pool-state")[0])
    data[offset] = byte
    with pytest.raises(AccountError, match="INF pool state") as refused:
        decode_inf_pool_state(bytes(data), INF_PROGRAM)
    assert refused.value.field == field


def test_damaged_lists_are_refused():
    with pytest.raises(AccountError, match="INF LST list: length"):
        decode_lst_states(bytes(81), INF_PROGRAM)
    with pytest.raises(AccountError, match="is_input_disabled"):
        decode_lst_states(b"\x02" + bytes(79), INF_PROGRAM)
    with pytest.raises(AccountError, match="INF pool state: length"):
        decode_inf_pool_state(bytes(176), INF_PROGRAM)


@given(st.binary(max_size=400))
def test_other_bytes_raise_nothing_but_account_errors(data):
    for decode, owner in ((decode_inf_pool_state, INF_PROGRAM), (decode_slab_fees, FLAT_SLAB_PROGRAM)):
        with suppress(AccountError):
            decode(data, owner)


pairs = st.builds(
    lambda supply, permille, fee, inward, outward: InfPair(
        wrapped_sol(2**63, inward, outward),
        lst(supply * permille // 1_000 + 1, supply, (fee, 10_000), 2**63, inward, outward),
    ),
    st.integers(10**6, 10**16),
    st.integers(900, 2_500),
    st.integers(0, 200),
    st.integers(0, 10**7),
    st.integers(0, 10**7),
)
amounts = st.integers(1, 10**14)


@given(pairs, amounts, amounts, st.booleans())
def test_monotone_and_a_split_does_not_pay_more(pair, one, other, zero_for_one):
    whole, first = quote(pair, one + other, zero_for_one, 7), quote(pair, one, zero_for_one, 7)
    assume(isinstance(whole, SwapQuote) and isinstance(first, SwapQuote))
    assert first.amount_out_atoms <= whole.amount_out_atoms
    second = quote(apply(pair, first, zero_for_one), other, zero_for_one, 7)
    gained = second.amount_out_atoms if isinstance(second, SwapQuote) else 0
    assert first.amount_out_atoms + gained <= whole.amount_out_atoms


@given(pairs, amounts, st.booleans())
def test_a_round_trip_does_not_pay(pair, amount, zero_for_one):
    first = quote(pair, amount, zero_for_one, 7)
    assume(isinstance(first, SwapQuote))
    back = quote(apply(pair, first, zero_for_one), first.amount_out_atoms, not zero_for_one, 7)
    assert not isinstance(back, SwapQuote) or back.amount_out_atoms <= amount


@given(pairs, amounts, st.booleans())
def test_segments_agree_with_the_quote(pair, amount, zero_for_one):
    answer = quote(pair, amount, zero_for_one, 7)
    assume(isinstance(answer, SwapQuote))
    (segment,) = segments(pair, zero_for_one, 7)
    assert abs(segment.a * amount - answer.amount_out_atoms) <= 8 + 1e-9 * answer.amount_out_atoms
