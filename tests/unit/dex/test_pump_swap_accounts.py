"""Account bytes of PumpSwap: what is read, what is refused, the real fee configuration, and damage."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.dex.pool import AccountError
from phantom_arbiter.dex.pump_swap import FeeRates, FeeTier
from phantom_arbiter.dex.pump_swap_accounts import (
    FEE_CONFIG_ADDRESS,
    FEE_PROGRAM_ID,
    PROGRAM_ID,
    TOKEN_PROGRAM_ID,
    FeeConfig,
    GlobalConfig,
    PoolAccount,
    decode_fee_config,
    decode_global_config,
    decode_pool,
    decode_supply,
    decode_vault,
    pump_swap_pool,
)
from tests.unit.dex.pump_swap_bytes import (
    BASE_MINT,
    STRANGER,
    fees_bytes,
    global_bytes,
    mint_bytes,
    pool_bytes,
    vault_bytes,
)

CHECKOUT = Path(__file__).resolve().parents[3]
FIXTURES = Path(os.environ.get("PHANTOM_FIXTURES_DIR") or CHECKOUT.parent / "shared" / "fixtures")
FEE_FIXTURE = FIXTURES / "pump_swap_sdk" / "fee_config_mainnet_slot445186127.json"
TIERS = [(0, (2, 93, 30)), (420, (20, 5, 95))]
FEES = fees_bytes((25, 5, 0), TIERS)
TOKEN_2022 = "TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb"


def fees(data: bytes, owner: str = FEE_PROGRAM_ID, address: str = FEE_CONFIG_ADDRESS) -> FeeConfig:
    return decode_fee_config(data, owner, address)


def test_a_pool_of_pump():
    assert decode_pool(pool_bytes(creator_fee_bps=70), PROGRAM_ID) == PoolAccount(
        base_mint=BASE_MINT,
        quote_mint=bytes.fromhex("069b8857feab8184fb687f634618c035dac439dc1aeb3b5598a0f00000000001"),
        base_vault=b"\x0b" * 32,
        quote_vault=b"\x0c" * 32,
        canonical=True,
        has_coin_creator=True,
        creator_fee_bps=70,
    )


def test_a_pool_of_somebody_may_have_any_quote_token():
    pool = decode_pool(pool_bytes(creator=STRANGER, quote_mint=STRANGER, coin_creator=bytes(32)), PROGRAM_ID)
    assert (pool.canonical, pool.has_coin_creator, pool.quote_mint) == (False, False, STRANGER)


@pytest.mark.parametrize("length", [211, 243, 244, 245, 261, 270, 300])
def test_older_pools_read_as_zero_where_they_end(length):
    pool = decode_pool(pool_bytes(creator_fee_bps=70, length=length), PROGRAM_ID)
    assert (pool.has_coin_creator, pool.creator_fee_bps) == (length >= 243, 70 if length >= 270 else 0)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"mayhem": 1}, "is_mayhem_mode"),
        ({"cashback": 1}, "is_cashback_coin"),
        ({"virtual_quote_reserves": -1}, "virtual_quote_reserves"),
        ({"virtual_quote_reserves": 2**70}, "virtual_quote_reserves"),
        ({"quote_mint": STRANGER}, "quote_mint"),
        ({"creator_fee_bps": 10_001}, "creator_fee_bps"),
        ({"length": 301}, None),
        ({"length": 212}, "length"),
        ({"length": 0}, "length"),
    ],
)
def test_refused_pools(fields, field):
    if field is None:
        data, field = pool_bytes() + b"\0", "length"
    else:
        data = pool_bytes(**fields)
    with pytest.raises(AccountError, match="PumpSwap pool") as refused:
        decode_pool(data, PROGRAM_ID)
    assert refused.value.field == field


def test_fields_that_came_later_are_refused():
    with pytest.raises(AccountError, match="unknown fields"):
        decode_pool(pool_bytes()[:299] + b"\1", PROGRAM_ID)


def test_global_config():
    assert decode_global_config(global_bytes(), PROGRAM_ID) == GlobalConfig(True, True, False)
    closed = global_bytes(disable_flags=24, configurable=1)
    assert decode_global_config(closed, PROGRAM_ID) == GlobalConfig(False, False, True)
    assert decode_global_config(closed[:907], PROGRAM_ID) == GlobalConfig(False, False, False)
    for data, field in (
        (global_bytes(disable_flags=32), "disable_flags"),
        (global_bytes(configurable=2), "creator_fee_configurable"),
    ):
        with pytest.raises(AccountError) as refused:
            decode_global_config(data, PROGRAM_ID)
        assert refused.value.field == field


def test_fee_config():
    config = fees(FEES)
    assert config.flat == FeeRates(25, 5, 0)
    assert config.tiers == (FeeTier(0, FeeRates(2, 93, 30)), FeeTier(420, FeeRates(20, 5, 95)))
    assert fees(fees_bytes((25, 5, 0), TIERS, length=2512)) == fees(fees_bytes((25, 5, 0), TIERS, 4097)) == config


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (fees_bytes((25, 5, 0), []), "fee_tiers"),
        (fees_bytes((25, 5, 0), TIERS[:1] * 65), "fee_tiers"),
        (fees_bytes((25, 5, 0), TIERS[::-1]), "fee_tiers"),
        (fees_bytes((25, 5, 0), [TIERS[1], TIERS[1]]), "fee_tiers"),
        (fees_bytes((25, 5, 0), [(0, (9_000, 1_000, 1))]), "fee_tiers"),
        (fees_bytes((10_001, 0, 0), TIERS), "flat_fees"),
        (FEES[:-1], "length"),
    ],
)
def test_refused_fee_configs(data, field):
    with pytest.raises(AccountError, match="PumpSwap fee config") as refused:
        fees(data)
    assert refused.value.field == field


def test_pump_s_own_fee_config_is_told_apart_by_its_address():
    with pytest.raises(AccountError, match="address"):
        fees(FEES, address=PROGRAM_ID)


def test_the_real_fee_config():
    if not FEE_FIXTURE.is_file():
        pytest.skip(f"no fee configuration: {FEE_FIXTURE} is absent (PHANTOM_FIXTURES_DIR names the folder)")
    account = json.loads(FEE_FIXTURE.read_text(encoding="utf-8"))
    config = fees(base64.b64decode(account["data_base64"]), account["owner"], account["pubkey"])
    assert config.flat == FeeRates(25, 5, 0)
    assert len(config.tiers) == 25
    assert config.tiers[1] == FeeTier(420 * 10**9, FeeRates(20, 5, 95))


def test_vault_and_supply():
    assert decode_vault(vault_bytes(123), TOKEN_PROGRAM_ID, BASE_MINT) == 123
    assert decode_supply(mint_bytes(10**15), TOKEN_PROGRAM_ID) == 10**15
    for decode, field in (
        (lambda: decode_vault(vault_bytes(1), TOKEN_2022, BASE_MINT), "owner"),
        (lambda: decode_vault(vault_bytes(1)[:-1], TOKEN_PROGRAM_ID, BASE_MINT), "length"),
        (lambda: decode_vault(vault_bytes(1, mint=STRANGER), TOKEN_PROGRAM_ID, BASE_MINT), "mint"),
        (lambda: decode_vault(vault_bytes(1, state=2), TOKEN_PROGRAM_ID, BASE_MINT), "state"),
        (lambda: decode_supply(mint_bytes(1), TOKEN_2022), "owner"),
        (lambda: decode_supply(mint_bytes(1) + b"\0", TOKEN_PROGRAM_ID), "length"),
        (lambda: decode_supply(mint_bytes(1, initialized=0), TOKEN_PROGRAM_ID), "is_initialized"),
    ):
        with pytest.raises(AccountError) as refused:
            decode()
        assert refused.value.field == field


def test_fees_beyond_the_whole_amount_are_refused():
    pool = decode_pool(pool_bytes(creator_fee_bps=9_950), PROGRAM_ID)
    config = decode_global_config(global_bytes(configurable=1), PROGRAM_ID)
    with pytest.raises(AccountError, match="creator_fee_bps"):
        pump_swap_pool(pool, config, fees(FEES), base_reserve_atoms=1, quote_reserve_atoms=1, base_supply_atoms=1)


@pytest.mark.parametrize(
    ("decode", "data"),
    [
        (lambda data, owner: decode_pool(data, owner or PROGRAM_ID), pool_bytes()),
        (lambda data, owner: decode_global_config(data, owner or PROGRAM_ID), global_bytes()),
        (lambda data, owner: fees(data, owner or FEE_PROGRAM_ID), FEES),
    ],
)
def test_another_owner_or_discriminator_is_refused(decode, data):
    for damaged, owner, field in ((data, TOKEN_PROGRAM_ID, "owner"), (b"\0" + data[1:], "", "discriminator")):
        with pytest.raises(AccountError) as refused:
            decode(damaged, owner)
        assert refused.value.field == field


READ_OF_POOL = [*range(8), *range(11, 107), *range(139, 203), *range(243, 269), *range(270, 300)]


@given(st.sampled_from(READ_OF_POOL), st.integers(1, 255))
def test_a_flipped_byte_of_a_pool_is_refused_or_seen(at, flip):
    damaged = bytearray(pool_bytes())
    damaged[at] ^= flip
    try:
        seen = decode_pool(bytes(damaged), PROGRAM_ID)
    except AccountError:
        return
    assert seen != decode_pool(pool_bytes(), PROGRAM_ID)


@given(st.sampled_from([*range(8), *range(41, 149)]), st.integers(1, 255))
def test_a_flipped_byte_of_the_fees_is_refused_or_seen(at, flip):
    damaged = bytearray(FEES)
    damaged[at] ^= flip
    try:
        seen = fees(bytes(damaged))
    except AccountError:
        return
    assert seen != fees(FEES)
