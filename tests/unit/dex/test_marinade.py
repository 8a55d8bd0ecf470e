"""Marinade's deposit and liquid unstake, to the unit of what the real program answered."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import structs

from phantom_arbiter.core.units import BPS
from phantom_arbiter.dex.marinade import (
    MARINADE_PROGRAM,
    MARINADE_STATE_BYTES,
    MarinadePool,
    apply,
    decode_marinade_state,
    quote,
    segments,
    unstake_fee_bps,
)
from phantom_arbiter.dex.pool import AccountError, SwapQuote, SwapRefusal
from phantom_arbiter.dex.stake_pool_accounts import TOKEN_PROGRAM, decode_mint_supply, decode_token_balance
from tests.unit.dex.test_stake_pool_accounts import real

RENT = 2_039_280
NO_CAP = 2**64 - 1
OFFSETS = {
    "rent": (138, 8),
    "delayed": (226, 8),
    "active": (376, 8),
    "target": (452, 8),
    "max_fee": (460, 4),
    "min_fee": (464, 4),
    "cut": (468, 4),
    "reserve": (496, 8),
    "supply": (504, 8),
    "ticket": (528, 8),
    "min_deposit": (544, 8),
    "min_withdraw": (552, 8),
    "cap": (560, 8),
    "emergency": (568, 8),
    "paused": (608, 1),
    "upgrader": (638, 1),
    "deposit_fee": (659, 4),
}
NORMAL = {
    "rent": RENT,
    "active": 12 * 10**14,
    "target": 21_000 * 10**9,
    "max_fee": 900,
    "min_fee": 1,
    "cut": 5_000,
    "supply": 10**15,
    "min_deposit": 1,
    "min_withdraw": 1,
    "cap": NO_CAP,
}


def state_bytes(**fields):
    data = bytearray(bytes.fromhex("d8926b5e684bb6b1") + bytes(MARINADE_STATE_BYTES - 8))
    for name, value in (NORMAL | fields).items():
        offset, size = OFFSETS[name]
        data[offset : offset + size] = value.to_bytes(size, "little")
    return bytes(data)


def pool(sol_leg=RENT + 30_000 * 10**9, msol_leg=0, mint_supply=None, treasury=True, **fields):
    state = decode_marinade_state(state_bytes(**fields), MARINADE_PROGRAM)
    return MarinadePool(
        state, sol_leg, msol_leg, state.msol_supply_atoms if mint_supply is None else mint_supply, treasury
    )


def staked(active, reserve, ticket, emergency, delayed, supply, target, fees, cap=NO_CAP):
    names = (
        "active",
        "reserve",
        "ticket",
        "emergency",
        "delayed",
        "supply",
        "target",
        "max_fee",
        "min_fee",
        "cut",
        "cap",
    )
    return dict(zip(names, (active, reserve, ticket, emergency, delayed, supply, target, *fees, cap), strict=True))


# state, SOL leg, mSOL leg, mint's supply, amount in, deposit?, the program's out
MEASURED = [
    (
        staked(
            2452179021632521,
            55116046488003,
            59224407771246,
            8639741035537,
            0,
            2298447294205408,
            21000 * 10**9,
            (16, 16, 2295),
        ),
        (2039280, 64913680, 2298447294205408, 74, True, 69),
    ),
    (
        staked(
            1660822538884979,
            58582837627286,
            46466083833724,
            8051263886317,
            10**10,
            1041055575130755,
            21000 * 10**9,
            (900, 39, 182),
        ),
        (710850170, 962521988, 1041055575072831, 48206308007662, True, 29854508680473),
    ),
    (
        staked(
            3805583534331748, 35440501507817, 46002032511168, 0, 0, 3533305071612635, 21000 * 10**9, (502, 72, 5103)
        ),
        (21854414632818, 0, 3533305071579608, 4869411111, False, 5192438632),
    ),
    (
        staked(
            2621976535711131,
            68597185515414,
            1261574210170,
            0,
            10**10,
            2074494764217481,
            96815643577509,
            (405, 31, 6881),
        ),
        (4146782793981, 0, 2074494764217481, 9672130046, False, 12049693499),
    ),
    (
        staked(
            1559265532961676,
            42685428050633,
            34354216555417,
            402905288196,
            0,
            1587281963497573,
            85973587135797,
            (900, 82, 896),
        ),
        (21475637049791, 36798240880720, 1587281963432858, 2873864652, False, 2641361799),
    ),
    (
        staked(
            934024916258220,
            57248813788956,
            77584279168393,
            1463897578970,
            0,
            765512047234351,
            72232206784102,
            (74, 3, 3280),
        ),
        (2039280, 225182357, 765512047234351, 51, False, None),
    ),
    (
        staked(
            1056630967317989, 14223673327790, 8426772886191, 0, 10**10, 1062776442126733, 21000 * 10**9, (900, 93, 5273)
        ),
        (2544915, 0, 1062776442126734, 78, True, None),
    ),
    (
        staked(
            6573694196014693,
            43884691506539,
            4724304128321,
            1316992384292,
            0,
            4276550554089746,
            21000 * 10**9,
            (9, 9, 6037),
        ),
        (2039280, 0, 4276550554089746, 8652351335, False, None),
    ),
]


@pytest.mark.parametrize(("fields", "rest"), MEASURED)
def test_what_the_program_answered(fields, rest):
    sol_leg, msol_leg, mint_supply, amount, is_deposit, out = rest
    answer = quote(pool(sol_leg, msol_leg, mint_supply, **fields), amount, is_deposit)
    assert (answer.amount_out_atoms if isinstance(answer, SwapQuote) else None) == out


@pytest.mark.parametrize(("name", "rate"), [("marinade-state", 1.16176), ("msol-pool", 1.29873)])
def test_the_real_state_has_its_rate(name, rate):
    state = decode_marinade_state(*real(name)[:2])
    assert state.staked_lamports / state.msol_supply_atoms == pytest.approx(rate, abs=1e-5)
    assert state.msol_price_x32 / 2**32 == pytest.approx(rate, abs=1e-5)  # the account's own statement of it
    assert state.msol_mint == "mSoLzYCxHdYgdzU16g5QSh3i5K3z3KZK7ytfqcJm7So"
    assert (state.max_fee_bps, state.min_fee_bps, state.liquidity_target_lamports) == (900, 1, 21_000 * 10**9)


def test_the_real_liquidity_pool_quotes():
    state = decode_marinade_state(*real("marinade-state")[:2])
    msol_leg = decode_token_balance(*real("marinade-liq-pool-msol-leg")[:2], state.msol_mint)
    supply = decode_mint_supply(*real("msol-mint")[:2])
    live = MarinadePool(state, real("marinade-liq-pool-sol-leg")[2], msol_leg, min(supply, state.msol_supply_atoms))
    assert quote(live, 10**9, True) == SwapQuote(10**9, 860_762_509, 0)
    assert quote(live, 5 * 10**8, False) == SwapQuote(5 * 10**8, 580_822_229, 50_000)


def test_a_deposit_empties_the_leg_first_and_mints_the_rest():
    before = pool(msol_leg=400)
    answer = quote(before, 1_201, True)
    assert answer == SwapQuote(1_201, 1_000, 0)  # 1201 / 1.2, down
    after = apply(before, answer, True)
    assert (after.msol_leg_atoms, after.sol_leg_lamports) == (0, before.sol_leg_lamports + 480)
    assert after.state.msol_supply_atoms == after.msol_mint_supply_atoms == 10**15 + 600
    assert after.state.reserve_lamports == 721
    whole = apply(pool(msol_leg=5_000), answer, True)
    assert (whole.msol_leg_atoms, whole.sol_leg_lamports) == (4_000, before.sol_leg_lamports + 1_201)
    assert whole.state == before.state


def test_an_unstake_pays_from_the_leg_and_the_treasury_takes_its_cut():
    before = pool()
    answer = quote(before, 1_000_000, False)
    assert answer == SwapQuote(1_000_000, 1_199_880, 100)
    after = apply(before, answer, False)
    assert (after.sol_leg_lamports, after.msol_leg_atoms) == (before.sol_leg_lamports - 1_199_880, 999_950)
    assert apply(structs.replace(before, treasury_takes_cut=False), answer, False).msol_leg_atoms == 1_000_000
    with pytest.raises(ValueError, match="quoted for another state"):
        apply(pool(sol_leg=RENT - 1_000_000), answer, False)


def test_the_fee_curve_by_hand():
    state = pool().state
    assert [unstake_fee_bps(state, left) for left in (-1, 0, 10_500 * 10**9, 21_000 * 10**9, 10**15)] == [
        900,
        900,
        451,
        1,
        1,
    ]


@pytest.mark.parametrize(
    ("state", "amount", "is_deposit", "words"),
    [
        (pool(), 0, True, "amount is 0"),
        (pool(), 2**64, False, "amount is"),
        (pool(deposit_fee=10), 10, True, "deposit fee of 10 ppm"),
        (pool(min_deposit=11), 10, True, "at least 11 lamports"),
        (pool(), 1, True, "pays nothing"),
        (pool(cap=12 * 10**14), 10, True, "capped"),
        (pool(mint_supply=10**15 + 1), 10, True, "more mSOL exists"),
        (pool(supply=0), 10, True, "empty"),
        (pool(ticket=12 * 10**14), 10, False, "empty"),
        (pool(sol_leg=RENT + 10), 10, False, "the liquidity pool has"),
        (pool(min_withdraw=100), 10, False, "at least 100 lamports"),
    ],
)
def test_refusals_say_why(state, amount, is_deposit, words):
    answer = quote(state, amount, is_deposit)
    assert isinstance(answer, SwapRefusal)
    assert words in answer.reason


@pytest.mark.parametrize(
    ("data", "owner", "field"),
    [
        (state_bytes(), TOKEN_PROGRAM, "owner"),
        (state_bytes()[:-1], MARINADE_PROGRAM, "length"),
        (b"\0" * MARINADE_STATE_BYTES, MARINADE_PROGRAM, "discriminator"),
        (state_bytes(paused=1), MARINADE_PROGRAM, "paused"),
        (state_bytes(target=0), MARINADE_PROGRAM, "liq_pool.lp_liquidity_target"),
        (state_bytes(max_fee=10_000), MARINADE_PROGRAM, "liq_pool.lp_max_fee"),
        (state_bytes(upgrader=3), MARINADE_PROGRAM, "delinquent_upgrader"),
    ],
)
def test_bad_state_is_refused_with_the_field(data, owner, field):
    with pytest.raises(AccountError, match="Marinade state") as refused:
        decode_marinade_state(data, owner)
    assert refused.value.field == field


@given(st.sampled_from(sorted(OFFSETS)), st.integers(0, 7), st.integers(1, 255))
def test_a_flipped_byte_is_refused_or_seen(name, byte, flip):
    data, (offset, size) = bytearray(state_bytes()), OFFSETS[name]
    data[offset + byte % size] ^= flip
    with suppress(AccountError):
        state = decode_marinade_state(bytes(data), MARINADE_PROGRAM)
        assert name == "upgrader" or state != decode_marinade_state(state_bytes(), MARINADE_PROGRAM)


pools = st.builds(
    lambda active, target, low, span, sol, msol: pool(
        RENT + sol, msol, active=active, target=target, min_fee=low, max_fee=low + span
    ),
    st.integers(9 * 10**14, 2 * 10**15),
    st.integers(50 * 10**9, 10**14),
    st.integers(0, 100),
    st.integers(0, 900),
    st.integers(0, 10**14),
    st.integers(0, 10**13),
)
amounts = st.integers(1, 10**14)


@given(pools, amounts, amounts)
def test_deposits_are_monotone_and_do_not_split_well(state, one, other):
    whole, first = quote(state, one + other, True), quote(state, one, True)
    assume(isinstance(whole, SwapQuote) and isinstance(first, SwapQuote))
    assert first.amount_out_atoms <= whole.amount_out_atoms
    second = quote(apply(state, first, True), other, True)
    gained = second.amount_out_atoms if isinstance(second, SwapQuote) else 0
    assert first.amount_out_atoms + gained <= whole.amount_out_atoms + 1  # minting rounds down, so the rate may gain


@given(pools, amounts, st.booleans())
def test_a_round_trip_does_not_pay(state, amount, is_deposit):
    first = quote(state, amount, is_deposit)
    assume(isinstance(first, SwapQuote))
    back = quote(apply(state, first, is_deposit), first.amount_out_atoms, not is_deposit)
    assert not isinstance(back, SwapQuote) or back.amount_out_atoms <= amount


@given(pools, amounts, st.booleans())
def test_segments_stay_near_the_quote(state, amount, is_deposit):
    answer = quote(state, amount, is_deposit)
    assume(isinstance(answer, SwapQuote))
    left, estimate = float(amount), 0.0
    parts = segments(state, is_deposit)
    assert len(parts) <= 36
    for part in parts:
        taken = min(left, part.capacity_atoms)
        estimate, left = estimate + part.a * taken / (part.b + part.c * taken), left - taken
    value = amount * state.state.staked_lamports / state.state.msol_supply_atoms
    assume(left == 0.0)
    span = state.state.max_fee_bps - state.state.min_fee_bps
    steps = 0.0 if is_deposit else (2 + span / 30) / BPS
    assert abs(estimate - answer.amount_out_atoms) <= 4 + steps * value + 1e-9 * estimate
