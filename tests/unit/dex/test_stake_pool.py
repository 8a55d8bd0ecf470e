"""Deposits and withdrawals of SPL stake pools, to the unit of what the real program answered."""

from __future__ import annotations

import pytest

from phantom_arbiter.dex.pool import AccountError, SwapQuote, SwapRefusal
from phantom_arbiter.dex.stake_pool import (
    STAKE_ACCOUNT_RENT_LAMPORTS,
    StakePool,
    apply,
    decode,
    lamports_for,
    pool_tokens_for,
    quote,
    segments,
)
from phantom_arbiter.dex.stake_pool_accounts import (
    SANCTUM_SPL_MULTI_PROGRAM,
    STAKE_PROGRAM,
    decode_stake_pool,
)
from tests.unit.dex.test_stake_pool_accounts import pool_bytes, real


def pool(reserve=10**9, **fields):
    return StakePool(decode_stake_pool(pool_bytes(**fields), SANCTUM_SPL_MULTI_PROGRAM), reserve)


# total, supply, rate's epoch, epoch, deposit fee, withdrawal fee, reserve, amount in, deposit?, the program's out
MEASURED = [
    (5279156915932922, 4737129478525448, 0, 0, (0, 100), (1, 1000), 10**12, 10**9, True, 897326894),
    (5279156915932922, 4737129478525448, 0, 0, (0, 100), (1, 1000), 10**12, 5 * 10**8, False, 556653325),
    (7702819971666850, 4036843057188685, 2, 2, (1, 1000), (0, 0), 2282880, 328884645552, True, 172187334922),
    (6486, 6460, 1, 1, (30, 10000), (0, 0), 523942654064777, 908864786928, True, 902505816217),
    (8097, 4492, 4, 3, (2, 866652), (74, 836829), 914478860013564, 567870924515054, True, 315038941112094),
    (2714, 1898, 3, 3, (1, 1000), (0, 0), 2282881, 43, True, 29),
    (5292307210162935, 4242108564433550, 2, 2, (8, 10000), (30, 10000), 2282880, 20, True, 15),
    (5178, 4450, 0, 0, (0, 0), (8, 10000), 724469571549038, 4450, False, 5173),
    (1395, 714, 3, 3, (0, 0), (30, 10000), 21211247029732, 69, False, 132),
    (
        188458875929104,
        8562318993204686,
        4,
        4,
        (0, 0),
        (32, 239008),
        793368129911126,
        561048116627739,
        False,
        12347162146073,
    ),
    (7609077200430287, 4245971372543528, 2, 2, (0, 100), (1, 1000), 375738360244705, 557800135834, False, 998617178413),
    (
        5213881520607730,
        6000009748275447,
        2,
        2,
        (1, 1000),
        (8, 10000),
        497769600862098,
        2166566223100,
        False,
        1881194046619,
    ),
    (1000 * 10**9, 900 * 10**9, 1, 1, (0, 0), (0, 0), 2282880 + 1111111111, 10**9, False, 1111111111),
    (1000 * 10**9, 900 * 10**9, 1, 1, (0, 0), (0, 0), 2282880 + 1111111110, 10**9, False, None),
    (8808376343072290, 5498846146868985, 4, 5, (0, 0), (34, 497228), 2282881, 654339033724, False, None),
    (8027950242393061, 4305804577230861, 2, 2, (0, 100), (1, 1), 189203428313001, 66544904715, False, None),
    (2282, 2162, 4, 4, (1, 1), (1, 1), 292016228851330, 2162, True, None),
    (9456, 2399065044457164, 2, 2, (0, 100), (30, 10000), 2282881, 116029317715340, True, None),
]


@pytest.mark.parametrize("row", MEASURED)
def test_what_the_program_answered(row):
    total, supply, rate_epoch, epoch, deposit, withdrawal, reserve, amount, is_deposit, out = row
    state = pool(reserve, total=total, supply=supply, epoch=rate_epoch, deposit=deposit, withdrawal=withdrawal)
    answer = quote(state, amount, is_deposit, epoch)
    assert (answer.amount_out_atoms if isinstance(answer, SwapQuote) else None) == out


def test_the_real_jupsol_pool_answers_as_measured():
    state = StakePool(decode_stake_pool(*real("jupsol-pool")[:2]), 10**12)
    assert quote(state, 10**9, True, 0) == SwapQuote(10**9, 897_326_894, 0, 0)
    assert quote(state, 5 * 10**8, False, 0) == SwapQuote(5 * 10**8, 556_653_325, 500_000)


def test_the_real_blaze_pool_and_reserve():
    reserve = real("blaze-reserves")
    state = decode(*real("blaze-pool")[:2], *reserve)
    assert state.reserve_lamports == 25_138_642_843_993
    # floor(10^9·2059171165005782/2274109789060512) = 905484499; fee ceil(·8/10^4) = 724388
    assert quote(state, 10**9, True, 561) == SwapQuote(10**9, 904_760_111, 0, 724_388)
    assert isinstance(quote(state, 10**9, True, 562), SwapRefusal)
    assert (lamports_for(state.account, 10**9), pool_tokens_for(state.account, 10**9)) == (1_104_381_135, 905_484_499)


def test_state_after_is_state_before_and_flows():
    state = pool(deposit=(1, 100), withdrawal=(1, 100), reserve=STAKE_ACCOUNT_RENT_LAMPORTS + 5_000)
    paid_in = quote(state, 1_100, True, 7)
    assert paid_in == SwapQuote(1_100, 990, 0, 10)
    after = apply(state, paid_in, True)
    assert (after.account.total_lamports, after.account.pool_token_supply_atoms) == (1_101_100, 1_001_000)
    assert after.reserve_lamports == STAKE_ACCOUNT_RENT_LAMPORTS + 6_100
    paid_out = quote(after, 1_000, False, 7)
    assert paid_out == SwapQuote(1_000, 1_089, 10)
    last = apply(after, paid_out, False)
    assert (last.account.total_lamports, last.account.pool_token_supply_atoms) == (1_100_011, 1_000_010)
    with pytest.raises(ValueError, match="quoted for another state"):
        apply(last, SwapQuote(10**9, 10**9, 0), False)


@pytest.mark.parametrize(
    ("state", "amount", "is_deposit", "words"),
    [
        (pool(), 0, True, "amount is 0"),
        (pool(), 2**64, False, "amount is 18446744073709551616"),
        (pool(epoch=6), 10, True, "rate is of epoch 6"),
        (pool(epoch=6), 10, False, "rate is of epoch 6"),
        (pool(deposit_signer=b"\x09" * 32), 10, True, "deposits need the signature"),
        (pool(withdraw_signer=b"\x09" * 32), 10, False, "withdrawals need the signature"),
        (pool(total=0), 10, True, "empty"),
        (pool(supply=0), 10, False, "empty"),
        (pool(), 1, True, "mints nothing"),
        (pool(withdrawal=(1, 1)), 10, False, "pays nothing"),
        (pool(), 1_000_001, False, "more pool tokens than exist"),
        (pool(reserve=STAKE_ACCOUNT_RENT_LAMPORTS - 1), 10, False, "at most 0 lamports"),
        (pool(), 2**64 - 1, True, "exceed u64"),
    ],
)
def test_refusals_say_why(state, amount, is_deposit, words):
    answer = quote(state, amount, is_deposit, 7)
    assert isinstance(answer, SwapRefusal)
    assert words in answer.reason


def test_segments_are_empty_where_every_amount_is_refused():
    assert segments(pool(deposit_signer=b"\x09" * 32), True) == ()
    assert segments(pool(withdraw_signer=b"\x09" * 32), False) == ()
    assert segments(pool(total=0), True) == ()
    assert segments(pool(reserve=STAKE_ACCOUNT_RENT_LAMPORTS), False) == ()


def test_a_bad_reserve_or_an_empty_pool_is_an_error():
    with pytest.raises(AccountError, match="reserve stake: lamports"):
        decode(pool_bytes(), SANCTUM_SPL_MULTI_PROGRAM, b"\x01" + bytes(199), STAKE_PROGRAM, -1)
    with pytest.raises(ValueError, match="is empty"):
        lamports_for(pool(supply=0).account, 1)
