"""Stake pools as pools: monotone, a split never pays more, a round trip never pays, segments agree."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from phantom_arbiter.dex.pool import SwapQuote
from phantom_arbiter.dex.stake_pool import StakePool, apply, quote, segments
from phantom_arbiter.dex.stake_pool_accounts import SANCTUM_SPL_MULTI_PROGRAM, decode_stake_pool
from tests.unit.dex.test_stake_pool_accounts import pool_bytes

fees = st.tuples(st.integers(0, 1_000), st.sampled_from([0, 1_000, 10_000, 123_457])).map(
    lambda fee: (min(fee[0], fee[1]), fee[1])
)
pools = st.builds(
    lambda supply, permille, deposit, withdrawal, reserve: StakePool(
        decode_stake_pool(
            pool_bytes(total=supply * permille // 1_000 + 1, supply=supply, deposit=deposit, withdrawal=withdrawal),
            SANCTUM_SPL_MULTI_PROGRAM,
        ),
        reserve,
    ),
    st.integers(1, 10**16),
    st.integers(500, 3_000),
    fees,
    fees,
    st.integers(0, 10**16),
)
amounts = st.integers(1, 10**14)


def paid(state, amount, is_deposit):
    answer = quote(state, amount, is_deposit, 7)
    return answer.amount_out_atoms if isinstance(answer, SwapQuote) else 0


@given(pools, amounts, amounts, st.booleans())
def test_more_in_is_not_less_out(state, one, other, is_deposit):
    less, more = sorted((one, other))
    answer = quote(state, more, is_deposit, 7)
    assume(isinstance(answer, SwapQuote))
    assert paid(state, less, is_deposit) <= answer.amount_out_atoms


@given(pools, amounts, amounts, st.booleans())
def test_two_parts_do_not_pay_more_than_the_whole(state, one, other, is_deposit):
    whole, first = quote(state, one + other, is_deposit, 7), quote(state, one, is_deposit, 7)
    assume(isinstance(whole, SwapQuote) and isinstance(first, SwapQuote))
    second = paid(apply(state, first, is_deposit), other, is_deposit)
    assert first.amount_out_atoms + second <= whole.amount_out_atoms


@given(pools, amounts, st.booleans())
def test_a_round_trip_does_not_pay(state, amount, is_deposit):
    first = quote(state, amount, is_deposit, 7)
    assume(isinstance(first, SwapQuote))
    assert paid(apply(state, first, is_deposit), first.amount_out_atoms, not is_deposit) <= amount


@given(pools, amounts, st.booleans())
def test_segments_agree_with_the_quote(state, amount, is_deposit):
    answer = quote(state, amount, is_deposit, 7)
    assume(isinstance(answer, SwapQuote))
    (segment,) = segments(state, is_deposit)
    assert amount <= segment.capacity_atoms * (1 + 1e-9) + 2
    estimate = segment.a * amount / (segment.b + segment.c * amount)
    rate = state.account.total_lamports / state.account.pool_token_supply_atoms
    assert abs(estimate - answer.amount_out_atoms) <= 2 + rate + 1e-9 * estimate
