"""Stake pool accounts: the real ones decode to the rates they are told to have; damaged ones are refused."""

from __future__ import annotations

import base64
import json
import os
import struct
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.dex.pool import AccountError
from phantom_arbiter.dex.stake_pool_accounts import (
    SANCTUM_SPL_MULTI_PROGRAM,
    STAKE_PROGRAM,
    TOKEN_PROGRAM,
    Fee,
    FutureFee,
    check_reserve_stake,
    decode_mint_supply,
    decode_stake_pool,
    decode_token_balance,
)

CHECKOUT = Path(__file__).resolve().parents[3]
FIXTURES = Path(os.environ.get("PHANTOM_FIXTURES_DIR") or CHECKOUT.parent / "shared" / "fixtures") / "stake_pools"
TOKEN_PROGRAM_BYTES = bytes.fromhex("06ddf6e1d765a193d9cbe146ceeb79ac1cb485ed5f5b37913a8cf5857eff00a9")
KEYS = [bytes([number]) * 32 for number in range(1, 9)]


def real(name):
    """(bytes, owner, lamports) of a real account, or skip."""
    path = FIXTURES / f"{name}.json"
    if not path.exists():
        pytest.skip(f"no account {name}: {FIXTURES} lacks it (PHANTOM_FIXTURES_DIR names the folder's parent)")
    account = json.loads(path.read_bytes())["account"]
    return base64.b64decode(account["data"][0]), account["owner"], account["lamports"]


def fee_bytes(numerator, denominator):
    return struct.pack("<QQ", denominator, numerator)


def pool_bytes(
    total=1_100_000,
    supply=1_000_000,
    epoch=7,
    deposit=(0, 0),
    withdrawal=(0, 0),
    deposit_signer=b"",
    withdraw_signer=b"",
):
    """A stake pool account as the program writes it; a signer is 32 bytes or none."""

    def option(key):
        return b"\x01" + key if key else b"\x00"

    data = b"\x01" + b"".join(KEYS[:3]) + b"\xff" + b"".join(KEYS[3:7]) + TOKEN_PROGRAM_BYTES
    data += struct.pack("<QQQ", total, supply, epoch) + struct.pack("<qQ", 0, 0) + bytes(32)
    data += fee_bytes(5, 100) + b"\x02" + fee_bytes(6, 100) + option(KEYS[0]) + b"\x00"
    data += fee_bytes(0, 0) + fee_bytes(1, 1_000) + b"\x00" + b"\x32"
    data += option(deposit_signer) + fee_bytes(*deposit) + b"\x14" + option(withdraw_signer) + fee_bytes(*withdrawal)
    data += b"\x01" + fee_bytes(1, 500) + struct.pack("<QQ", 11, 12)
    return data + bytes(611 - len(data))


WRITTEN = 1 + 32 * 7 + 1 + 32 + 24 + 48 + 16 + 17 + 33 + 1 + 16 + 16 + 1 + 1 + 1 + 16 + 1 + 1 + 16 + 17 + 16


@pytest.mark.parametrize(
    ("name", "rate", "epoch"),
    [
        ("jupsol-pool", 1.1144, 0),
        ("blaze-pool", 1.10438, 561),
        ("jito-stake-pool", 1.0734, 539),
        ("pwr-pool", 1.00578, 573),
    ],
)
def test_real_pools_have_their_rates(name, rate, epoch):
    data, owner, _ = real(name)
    pool = decode_stake_pool(data, owner)
    assert pool.total_lamports / pool.pool_token_supply_atoms == pytest.approx(rate, abs=5e-5)
    assert pool.last_update_epoch == epoch  # jupSOL's was set to 0 by the authors of the fixture


def test_real_pools_have_their_keys_and_fees():
    jupsol = decode_stake_pool(*real("jupsol-pool")[:2])
    assert jupsol.pool_mint == "jupSoLaHXQiZZTSfEWMTRRgpnyFm8f6sZdosWBjx93v"
    assert (jupsol.sol_deposit_fee, jupsol.sol_withdrawal_fee) == (Fee(0, 100), Fee(1, 1_000))
    assert jupsol.sol_deposit_authority is None
    blaze = decode_stake_pool(*real("blaze-pool")[:2])
    assert blaze.reserve_stake == "rsrxDvYUXjH1RQj2Ke36LNZEVqGztATxFkqNukERqFT"
    assert blaze.next_sol_withdrawal_fee == FutureFee(1, Fee(10, 10_000))
    assert decode_stake_pool(*real("pwr-pool")[:2]).sol_withdraw_authority == "1" * 32
    assert decode_stake_pool(*real("jito-stake-pool")[:2]).pool_mint.startswith("J1toso1")


def test_real_reserve_mint_and_token_accounts():
    check_reserve_stake(*real("blaze-reserves")[:2])
    assert decode_mint_supply(*real("bsol-mint")[:2]) == 2_059_171_164_052_311
    mint = "jupSoLaHXQiZZTSfEWMTRRgpnyFm8f6sZdosWBjx93v"
    assert decode_token_balance(*real("jupsol-reserves")[:2], mint) == 88_541_486_281_106
    with pytest.raises(AccountError, match="token account: mint"):
        decode_token_balance(*real("jupsol-reserves")[:2], "another")


def test_synthetic_pool_decodes_every_field():
    pool = decode_stake_pool(pool_bytes(deposit=(1, 100), withdrawal=(3, 1_000)), SANCTUM_SPL_MULTI_PROGRAM)
    assert (pool.total_lamports, pool.pool_token_supply_atoms, pool.last_update_epoch) == (1_100_000, 1_000_000, 7)
    assert (pool.sol_deposit_fee, pool.sol_withdrawal_fee) == (Fee(1, 100), Fee(3, 1_000))
    assert (pool.next_epoch_fee, pool.next_sol_withdrawal_fee) == (FutureFee(2, Fee(6, 100)), FutureFee(1, Fee(1, 500)))
    assert (pool.stake_referral_percent, pool.sol_referral_percent) == (50, 20)
    assert (pool.last_epoch_pool_token_supply_atoms, pool.last_epoch_total_lamports) == (11, 12)


@pytest.mark.parametrize(
    ("damage", "field"),
    [
        (lambda data: (data, TOKEN_PROGRAM), "owner"),
        (lambda data: (data[:-1], SANCTUM_SPL_MULTI_PROGRAM), "length"),
        (lambda data: (b"\x02" + data[1:], SANCTUM_SPL_MULTI_PROGRAM), "account_type"),
        (lambda data: (data[:230] + b"\x07" + data[231:], SANCTUM_SPL_MULTI_PROGRAM), "token_program_id"),
        (lambda data: (data[:330] + fee_bytes(2, 1) + data[346:], SANCTUM_SPL_MULTI_PROGRAM), "epoch_fee"),
        (lambda data: (data[:346] + b"\x03" + data[347:], SANCTUM_SPL_MULTI_PROGRAM), "next_epoch_fee"),
        (lambda data: (data[:363] + b"\x02" + data[364:], SANCTUM_SPL_MULTI_PROGRAM), "preferred_deposit_validator"),
        (lambda data: (data[:430] + b"\x65" + data[431:], SANCTUM_SPL_MULTI_PROGRAM), "stake_referral_fee"),
    ],
)
def test_bad_pool_is_refused_with_the_field(damage, field):
    with pytest.raises(AccountError) as refused:
        decode_stake_pool(*damage(pool_bytes()))
    assert refused.value.account == "stake pool"
    assert refused.value.field == field


@given(st.integers(0, WRITTEN - 1), st.integers(1, 255))
def test_a_flipped_byte_is_refused_or_seen(position, flip):
    data = bytearray(pool_bytes(deposit=(1, 100)))
    whole = decode_stake_pool(bytes(data), SANCTUM_SPL_MULTI_PROGRAM)
    data[position] ^= flip
    with suppress(AccountError):
        assert decode_stake_pool(bytes(data), SANCTUM_SPL_MULTI_PROGRAM) != whole


def test_bad_reserve_mint_and_token_account_are_refused():
    initialized = struct.pack("<I", 1) + bytes(196)
    check_reserve_stake(initialized, STAKE_PROGRAM)
    with pytest.raises(AccountError, match="reserve stake: state: got 2"):
        check_reserve_stake(struct.pack("<I", 2) + bytes(196), STAKE_PROGRAM)
    with pytest.raises(AccountError, match="reserve stake: owner"):
        check_reserve_stake(initialized, TOKEN_PROGRAM)
    with pytest.raises(AccountError, match="mint: is_initialized"):
        decode_mint_supply(bytes(82), TOKEN_PROGRAM)
    with pytest.raises(AccountError, match="token account: state"):
        decode_token_balance(bytes(165), TOKEN_PROGRAM, "1" * 32)
