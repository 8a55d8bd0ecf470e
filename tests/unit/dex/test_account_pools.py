"""Facts of account bytes: what they decode to, what is refused and why, and that changes are told as well as wholes."""

from __future__ import annotations

import os
from base64 import b64decode
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from phantom_arbiter.core.events import AccountRead, PoolAccountsRead
from phantom_arbiter.dex import pools, raydium_clmm_accounts
from phantom_arbiter.dex.account_assemblers import ASSEMBLERS
from phantom_arbiter.dex.account_pools import PoolDecoder, UnreadablePool, decode, moment_of
from phantom_arbiter.dex.constant_product import ConstantProductPool
from phantom_arbiter.dex.pool import AccountError, SwapQuote
from phantom_arbiter.dex.pools import Moment
from phantom_arbiter.dex.raydium_cpmm import CpmmFees, CpmmPool
from phantom_arbiter.dex.sanctum_inf import WRAPPED_SOL_MINT
from tests.golden.measured import load
from tests.golden.onchain import raydium_clmm as clmm_vectors
from tests.golden.onchain.meteora_dlmm import real_pool
from tests.unit.dex.account_facts import (
    EPOCH,
    MADE,
    REAL,
    SLOT,
    STRANGER,
    UNIX_S,
    absent,
    account,
    adaptive_whirlpool,
    fact,
    marinade_pool,
    real_blaze,
    real_damm_v2,
    real_dlmm,
    real_marinade,
    real_sanctum_pair,
    real_sdk_dlmm,
    real_whirlpool,
    token,
    whirlpool_array,
)

PROGRAMS = sorted(MADE)
GOLDEN = Path(os.environ.get("PHANTOM_GOLDEN_DIR") or Path(__file__).resolve().parents[4] / "shared" / "golden")


FURTHER_OUT = (("whirlpool", 2), ("whirlpool", 3), ("raydium_clmm", 2), ("meteora_dlmm", 1))
"""Arrays that no first swap from the pool's price reads."""
NAMED_OTHERWISE = {
    ("whirlpool", 1): "tick array 0: got None, expected its account",
    ("raydium_clmm", 3): "tick array 0: got None, expected its account",
    ("meteora_dlmm", 2): "bin array 0: got None, expected its account",
    ("marinade", 1): "liq_pool.sol_leg: got None, expected the address that MarBmsSgKX",
    ("sanctum_inf", 3): "reserves of ",
    ("sanctum_inf", 4): f"reserves of {WRAPPED_SOL_MINT}: got None",
    ("sanctum_inf", 5): "stake pool of ",
}


def with_account(fact: PoolAccountsRead, at: int, **changes: object) -> PoolAccountsRead:
    accounts = list(fact.accounts)
    accounts[at] = replace(accounts[at], **changes)
    return replace(fact, accounts=tuple(accounts))


def without(fact: PoolAccountsRead, at: int) -> PoolAccountsRead:
    return replace(fact, accounts=fact.accounts[:at] + fact.accounts[at + 1 :])


def flipped(data: bytes, at: int, mask: int) -> bytes:
    return data[:at] + bytes((data[at] ^ mask,)) + data[at + 1 :]


def places(programs: Iterable[str] = PROGRAMS) -> list[tuple[str, int]]:
    return [(program, at) for program in programs for at in range(len(MADE[program].accounts))]


def measured_clmm_cases() -> list[dict]:
    path = GOLDEN / "raydium_clmm_2024-11_raw_accounts.json.gz"
    if not path.exists():
        pytest.skip(f"no {path.name}: PHANTOM_GOLDEN_DIR names the folder, now {GOLDEN}")
    return load(path)


def test_every_program_has_a_fact_here():
    assert set(MADE) == set(ASSEMBLERS)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_whole_fact_is_a_pool_that_answers(program):
    fact = MADE[program]
    pool, moment = decode(fact), moment_of(fact)
    assert moment == Moment(SLOT, UNIX_S, EPOCH)
    answers = [pools.quote(pool, 10**5, zero_for_one, moment) for zero_for_one in (True, False)]
    assert all(isinstance(answer, SwapQuote) for answer in answers), answers


@pytest.mark.parametrize("name", REAL)
def test_a_real_pool_answers_through_its_fact(name):
    fact = REAL[name]()
    answers = [pools.quote(decode(fact), 10**6, zero_for_one, moment_of(fact)) for zero_for_one in (True, False)]
    assert all(isinstance(answer, SwapQuote) for answer in answers), answers


def test_the_real_whirlpool_with_arrays_that_are_not_on_chain():
    # 1e6·0.06300679·0.9999 / (1 + 999900·0.2510115 / 3236145213) = 62995.6
    assert pools.quote(decode(real_whirlpool()), 1_000_000, True, Moment(1, 1, 1)) == SwapQuote(1_000_000, 62_995, 100)


def test_the_real_dlmm_pair_is_that_of_the_vectors():
    assert decode(real_dlmm()) == real_pool()


@pytest.mark.parametrize(
    ("pool", "active_id"),
    [
        ("EtAdVRLFH22rjWh3mcUasKFF27WtHhsaCvK27tPFFWig", 15),
        ("9t3EyC9FweyL7PBWvKz3mrXg8B9fwFc9SK3QxM4ENqhd", 0),
        ("B5Eia4cE71tKuEDaqPHucJLG2fxySKyKzLMewd2nUvoc", 0),
    ],
)
def test_the_sdks_dlmm_pairs_decode(pool, active_id):
    state = decode(real_sdk_dlmm(pool))
    assert (state.active_id, sorted(state.arrays)) == (active_id, [-1, 0])


def test_the_real_damm_v2_pool_has_its_price():
    state = decode(real_damm_v2())
    assert (state.sqrt_price_x64 / 2**64) ** 2 * 1_000 == pytest.approx(165.42, abs=0.01)


def test_the_real_stake_pools_answer_as_their_own_tests_say():
    blaze = decode(real_blaze())
    assert blaze.reserve_lamports == 25_138_642_843_993
    answer = pools.quote(blaze, 10**9, True, Moment(1, 1, 561))
    assert answer == SwapQuote(10**9, 904_760_111, 0, 724_388)
    pair, moment = decode(real_sanctum_pair()), Moment(1, 1, 0)
    assert pools.quote(pair, 10**9, True, moment) == SwapQuote(10**9, 1_112_193_344, 1_000_000)
    msol = decode(real_marinade())
    assert pools.quote(msol, 5 * 10**8, False, moment) == SwapQuote(5 * 10**8, 580_822_229, 50_000)
    assert not msol.treasury_takes_cut


def test_the_reserves_of_raydiums_pools_are_their_vaults_less_what_is_owed():
    assert decode(MADE["raydium_cpmm"]) == CpmmPool(10**12 - 111, 10**11 - 222, CpmmFees(2_500, 120_000, 40_000))
    assert decode(MADE["raydium_amm_v4"]) == ConstantProductPool(10**12 - 11, 10**11 - 22, 25, 10_000)


def test_marinades_treasury_may_not_exist():
    assert decode(MADE["marinade"]).treasury_takes_cut
    assert not decode(marinade_pool(treasury_exists=False)).treasury_takes_cut


@pytest.mark.parametrize(("program", "at"), [place for place in places() if place not in FURTHER_OUT])
def test_a_missing_account_is_named(program, at):
    fact = MADE[program]
    with pytest.raises(AccountError) as refused:
        decode(without(fact, at))
    assert str(refused.value).startswith(f"pool {fact.pool}: ")
    name = NAMED_OTHERWISE.get((program, at), f"expected account {fact.accounts[at].address}")
    assert name in str(refused.value)


@pytest.mark.parametrize(("program", "at"), FURTHER_OUT)
def test_arrays_further_out_may_be_unknown(program, at):
    decode(without(MADE[program], at))


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_surplus_account_is_refused(program):
    fact = MADE[program]
    stranger = token(STRANGER, b"\x07" * 32, 5)
    with pytest.raises(AccountError, match=STRANGER):
        decode(replace(fact, accounts=(*fact.accounts, stranger)))


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_surplus_account_that_is_not_on_chain_is_refused(program):
    fact = MADE[program]
    with pytest.raises(AccountError, match=STRANGER):
        decode(replace(fact, accounts=(*fact.accounts, absent(STRANGER))))


@pytest.mark.parametrize(("program", "at"), places())
def test_another_programs_account_is_refused(program, at):
    fact = MADE[program]
    with pytest.raises(AccountError, match=rf"^pool {fact.pool}: .*"):
        decode(with_account(fact, at, owner=STRANGER, lamports=1))


@pytest.mark.parametrize(("program", "at"), places())
def test_a_truncated_account_is_refused(program, at):
    fact = MADE[program]
    whole = fact.accounts[at]
    if not whole.data:
        return  # an account without bytes has none to lose
    for size in {0, 1, len(whole.data) // 2, len(whole.data) - 1}:
        with pytest.raises(AccountError, match=rf"^pool {fact.pool}: .*"):
            decode(with_account(fact, at, data=whole.data[:size]))


@pytest.mark.parametrize("program", set(PROGRAMS) - {"raydium_amm_v4", "spl_stake_pool", "sanctum_inf"})
def test_a_flipped_byte_of_the_discriminator_is_refused(program):
    for at in range(8):
        data = flipped(MADE[program].accounts[0].data, at, 0x20)
        with pytest.raises(AccountError, match=r"discriminator|discriminant"):
            decode(with_account(MADE[program], 0, data=data))


@settings(max_examples=300)
@given(st.data())
def test_one_flipped_byte_decodes_or_is_an_account_error(data):
    program, at = data.draw(st.sampled_from(places()))
    fact = MADE[program]
    whole = fact.accounts[at].data
    if not whole:
        return
    byte = data.draw(st.integers(0, len(whole) - 1))
    damaged = with_account(fact, at, data=flipped(whole, byte, data.draw(st.integers(1, 255))))
    after = PoolDecoder().read(damaged)
    if isinstance(after, UnreadablePool):
        assert after.reason.startswith(f"pool {fact.pool}: ")
        return
    for zero_for_one in (True, False):
        pools.quote(after, 10**5, zero_for_one, moment_of(fact))


def test_the_oracle_of_an_adaptive_fee_is_taken_by_its_address():
    fact, decoder = adaptive_whirlpool(), PoolDecoder()
    first = decoder.read(fact)
    assert first == decode(fact)
    assert first == replace(decode(MADE["whirlpool"]), adaptive_fee=first.adaptive_fee)
    assert (first.adaptive_fee.reference_group, first.adaptive_fee.volatility) == (-3, 20_000)
    *others, oracle = fact.accounts
    later = decoder.read(replace(fact, accounts=(replace(oracle, data=flipped(oracle.data, 106, 1)),)))
    assert later.adaptive_fee.volatility == 20_001
    assert later.known is first.known
    with pytest.raises(AccountError, match="oracle: got None, expected the address that whirLbM"):
        decode(replace(fact, accounts=tuple(others)))
    with pytest.raises(AccountError, match="Whirlpool oracle: owner: got '1111"):
        decode(replace(fact, accounts=(*others, absent(oracle.address))))


def test_an_unknown_program_names_the_known_ones():
    with pytest.raises(AccountError, match="program: got 'lifinity', expected one of whirlpool, raydium_cpmm"):
        decode(replace(MADE["phoenix"], program="lifinity"))


@pytest.mark.parametrize("pool", ["", "0OIl", "1" * 44, STRANGER[:-2]])
def test_a_pool_is_named_by_an_address(pool):
    with pytest.raises(AccountError, match="an address in base58"):
        decode(replace(MADE["phoenix"], pool=pool))


def test_a_pair_of_inf_is_named_by_two_mints():
    fact = MADE["sanctum_inf"]
    state, lst, _ = fact.pool.split(":")
    for pool in (state, f"{state}:{lst}"):
        with pytest.raises(AccountError, match="two mints"):
            decode(replace(fact, pool=pool))
    with pytest.raises(AccountError, match=f"reserves of {STRANGER}"):
        decode(replace(fact, pool=f"{state}:{STRANGER}:{WRAPPED_SOL_MINT}"))


def test_a_pool_tells_too_many_accounts_has_to_be_told_anew():
    fact, decoder = MADE["phoenix"], PoolDecoder()
    many = [absent(whirlpool_array(STRANGER, 88 * at)) for at in range(64)]
    refused = decoder.read(replace(fact, accounts=(*fact.accounts, *many)))
    assert isinstance(refused, UnreadablePool)
    assert "accounts: got 65, expected at most 64" in refused.reason
    assert decoder.read(fact) == decode(fact)


def test_a_pool_that_points_to_another_vault_is_out_until_that_is_told():
    fact, decoder = MADE["raydium_cpmm"], PoolDecoder()
    decoder.read(fact)
    other = b"\x77" * 32
    main = fact.accounts[0]
    moved = replace(main, data=main.data[:72] + other + main.data[104:])
    refused = decoder.read(replace(fact, accounts=(moved,), slot=SLOT + 1))
    assert isinstance(refused, UnreadablePool)
    assert (refused.pool, refused.slot) == (fact.pool, SLOT + 1)
    assert "vault_0: got None, expected account 93MB2" in refused.reason
    assert decoder.read(replace(fact, accounts=(main,))) == decode(fact)


def test_a_damaged_pool_is_back_when_its_bytes_are_sound():
    fact, decoder = MADE["whirlpool"], PoolDecoder()
    assert decoder.read(fact) == decode(fact)
    main = fact.accounts[0]
    refused = decoder.read(replace(fact, accounts=(replace(main, data=main.data[:-1]),)))
    assert isinstance(refused, UnreadablePool)
    assert f"pool {fact.pool}: {main.address}: Whirlpool pool: length: got 652" in refused.reason
    assert isinstance(decoder.read(replace(fact, accounts=fact.accounts[1:])), UnreadablePool)
    assert decoder.read(replace(fact, accounts=(main,))) == decode(fact)


def test_another_program_has_none_of_the_accounts_told_before():
    fact, decoder = MADE["raydium_cpmm"], PoolDecoder()
    decoder.read(fact)
    refused = decoder.read(replace(fact, program="raydium_amm_v4"))
    assert isinstance(refused, UnreadablePool)
    assert "Raydium AMM v4 pool" in refused.reason


def test_a_change_of_one_account_decodes_no_other():
    """A bin array is the same object as before unless its bytes changed."""
    fact, decoder = MADE["meteora_dlmm"], PoolDecoder()
    before = decoder.read(fact)
    main, _, above = fact.accounts
    after = decoder.read(replace(fact, accounts=(main, replace(above, data=flipped(above.data, 500, 1)))))
    assert after.arrays[-1] is before.arrays[-1]
    assert after.arrays[0] is not before.arrays[0]
    assert (
        decoder.read(replace(fact, accounts=(replace(main, data=flipped(main.data, 40, 1)),))).arrays[0]
        is (after.arrays[0])
    )


CHANGES = {
    "whirlpool": ((0, 49), (1, 20), (2, 70)),
    "raydium_clmm": ((0, 235), (0, 237), (2, 60), (3, 60)),
    "meteora_dlmm": ((0, 40), (1, 90), (2, 90)),
    "raydium_cpmm": ((0, 168), (0, 341), (1, 12), (2, 64), (3, 64)),
    "pump_swap": ((0, 261), (1, 56), (2, 41), (3, 64), (4, 64), (5, 36)),
    "marinade": ((0, 504), (2, 64), (3, 36)),
    "sanctum_inf": ((0, 0), (1, 8), (2, 64), (3, 64), (5, 258)),
}
"""Bytes of each account that a pool may change: some states stay sound, others do not."""


@settings(max_examples=200)
@given(st.data())
def test_changes_told_one_by_one_are_the_whole_told_at_once(data):
    program = data.draw(st.sampled_from(sorted(CHANGES)))
    fact, decoder = MADE[program], PoolDecoder()
    now: dict[str, AccountRead] = {}
    told = list(fact.accounts)
    for _ in range(data.draw(st.integers(1, 8))):
        now |= {account.address: account for account in told}
        try:
            whole: object = decode(replace(fact, accounts=tuple(now.values())))
        except AccountError as error:
            whole = UnreadablePool(fact.pool, fact.slot, str(error))
        assert decoder.read(replace(fact, accounts=tuple(told))) == whole
        at, byte = data.draw(st.sampled_from(CHANGES[program]))
        account = now[fact.accounts[at].address]
        told = [replace(account, data=flipped(account.data, byte, data.draw(st.integers(1, 255))))]


def test_the_clmm_pools_that_the_program_swapped_on_come_out_the_same():
    cases = measured_clmm_cases()
    for case in cases:
        owner = raydium_clmm_accounts.CLMM_PROGRAM
        pool = account(case["pool"], owner, b64decode(case["pd"]))
        config = raydium_clmm_accounts.decode_clmm_pool(pool.address, pool.data, owner).config
        arrays = [account(address, owner, b64decode(data)) for address, data in case["ta"]]
        told = fact("raydium_clmm", pool.address, pool, account(config, owner, b64decode(case["cd"])), *arrays)
        assert decode(replace(told, unix_time_s=clmm_vectors.UNIX_S)) == clmm_vectors.pool_of(case)
    assert len(cases) == 48
