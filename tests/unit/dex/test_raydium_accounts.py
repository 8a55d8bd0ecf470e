import struct
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from phantom_arbiter.core.units import MAX_U64
from phantom_arbiter.dex.addresses import base58
from phantom_arbiter.dex.constant_product import ConstantProductPool
from phantom_arbiter.dex.pool import AccountError
from phantom_arbiter.dex.raydium_accounts import (
    AMM_V4_PROGRAM,
    CPMM_PROGRAM,
    TOKEN_PROGRAM,
    amm_v4_reserves,
    cpmm_pool,
    decode_amm_v4_pool,
    decode_cpmm_config,
    decode_cpmm_pool,
)
from phantom_arbiter.dex.raydium_cpmm import CpmmFees, CpmmPool

KEYS = [bytes([number]) * 32 for number in range(1, 12)]
POOL, CONFIG = "pool", base58(KEYS[0])
TOKEN = bytes.fromhex("06ddf6e1d765a193d9cbe146ceeb79ac1cb485ed5f5b37913a8cf5857eff00a9")
NOW = 1_700_000_000


def cpmm_bytes(status=0, programs=(TOKEN, TOKEN), side=0, enabled=0, opens=5) -> bytes:
    """Field by field in the program's order."""
    config, creator, vault_0, vault_1, lp, mint_0, mint_1, observation = KEYS[:8]
    keys = (config, creator, vault_0, vault_1, lp, mint_0, mint_1, *programs, observation)
    return b"".join(
        (
            sha256(b"account:PoolState").digest()[:8],
            *keys,
            bytes([254, status, 9, 9, 6]),
            struct.pack("<QQQQQQQ", 10**12, 100, 200, 10, 20, opens, 600),
            bytes([side, enabled]),
            bytes(6),
            struct.pack("<QQ", 1, 2),  # creator fees
            bytes(8 * 28),
        )
    )


def config_bytes(trade=2_500, creator=0, protocol=120_000) -> bytes:
    head = sha256(b"account:AmmConfig").digest()[:8] + bytes([255, 0]) + struct.pack("<H", 1)
    rates = struct.pack("<QQQQ", trade, protocol, 40_000, 150_000_000)
    return head + rates + KEYS[1] + KEYS[2] + struct.pack("<Q", creator) + bytes(8 * 15)


def amm_bytes(status=6, fee=(25, 10_000), mints=(KEYS[2], KEYS[3]), decimals=9) -> bytes:
    head = struct.pack("<16Q", status, 254, 7, 3, decimals, 6, 1, 0, 0, 500, 5, 0, 0, 1, 10**9, 10**9)
    fees = struct.pack("<8Q", 5, 10_000, 25, 10_000, 12, 100, *fee)
    state = struct.pack("<8Q", 11, 22, 0, 0, 5, 0, 0, 0) + bytes(16 * 2 + 8 + 16 * 2 + 8)
    keys = b"".join((KEYS[0], KEYS[1], *mints, *KEYS[4:9]))
    return head + fees + state + keys + bytes(64) + KEYS[9] + struct.pack("<QQQQ", 10**9, 0, 600, 0)


def cpmm(**change):
    return decode_cpmm_pool(POOL, cpmm_bytes(**change), CPMM_PROGRAM)


def config(**change):
    return decode_cpmm_config(CONFIG, config_bytes(**change), CPMM_PROGRAM)


def amm(**change):
    return decode_amm_v4_pool(POOL, amm_bytes(**change), AMM_V4_PROGRAM)


def test_addresses_are_written_as_solana_does():
    assert base58(TOKEN) == TOKEN_PROGRAM
    assert base58(bytes(32)) == "1" * 32  # the system program
    assert base58(b"\0\1") == "12"


def test_lengths():
    assert (len(cpmm_bytes()), len(config_bytes()), len(amm_bytes())) == (637, 236, 752)


def test_a_cpmm_pools_fields_and_reserves():
    pool = cpmm()
    assert (pool.config, pool.vault_0, pool.vault_1) == tuple(base58(KEYS[at]) for at in (0, 2, 3))
    assert (pool.mint_0, pool.mint_1) == (base58(KEYS[5]), base58(KEYS[6]))
    assert (pool.mint_0_decimals, pool.mint_1_decimals, pool.creator_fee_enabled) == (9, 6, False)
    assert (pool.fees_owed_0_atoms, pool.fees_owed_1_atoms) == (100 + 10 + 1, 200 + 20 + 2)
    fees = CpmmFees(2_500, 120_000, 40_000)
    assert cpmm_pool(pool, config(), 1_111, 2_222, NOW) == CpmmPool(1_000, 2_000, fees)


def test_a_creator_fee_counts_only_where_it_is_on():
    def fees(enabled, rate, side):
        return cpmm_pool(cpmm(enabled=enabled, side=side), config(creator=rate), 1_111, 2_222, NOW).fees

    for side in range(3):
        assert fees(1, 500, side) == CpmmFees(2_500, 120_000, 40_000, 500, side)
        assert fees(0, 500, side) == fees(1, 0, side) == CpmmFees(2_500, 120_000, 40_000, 0, side)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"creator": 997_501}, r"trade_fee_rate \+ creator_fee_rate: got 1000001"),
        ({"protocol": 960_001}, r"protocol_fee_rate \+ fund_fee_rate: got 1000001"),
    ],
)
def test_cpmm_rates_that_take_more_than_there_is(change, named):
    with pytest.raises(AccountError, match=f"Raydium CPMM config {CONFIG}: {named}, expected at most 1,000,000"):
        config(**change)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"status": 4}, "status: got 4"),
        ({"programs": (TOKEN, KEYS[10])}, "token_1_program"),
        ({"programs": (KEYS[10], TOKEN)}, "token_0_program"),
        ({"side": 3}, "creator_fee_on: got 3"),
        ({"enabled": 2}, "enable_creator_fee: got 2"),
    ],
)
def test_what_a_cpmm_pool_may_not_be(change, named):
    with pytest.raises(AccountError, match=f"Raydium CPMM pool pool: {named}"):
        cpmm(**change)


def test_a_cpmm_pool_that_only_stops_liquidity_still_swaps():
    assert cpmm(status=0b11).config == CONFIG


def test_what_does_not_belong_to_a_cpmm_pool_is_refused():
    with pytest.raises(AccountError, match="config: got 'other'"):
        cpmm_pool(cpmm(), replace(config(), address="other"), 1_111, 2_222, NOW)
    with pytest.raises(AccountError, match="open_time: got 5, expected at most now, 4"):
        cpmm_pool(cpmm(), config(), 1_111, 2_222, 4)
    assert cpmm_pool(cpmm(), config(), 1_111, 2_222, 5).reserve_0_atoms == 1_000
    with pytest.raises(AccountError, match="vault_1: got 221, expected at least the 222 atoms owed"):
        cpmm_pool(cpmm(), config(), 1_111, 221, NOW)
    with pytest.raises(AccountError, match="vault_0: got 18446744073709551616"):
        cpmm_pool(cpmm(), config(), MAX_U64 + 1, 2_222, NOW)
    with pytest.raises(AccountError, match=f"Raydium CPMM config {CONFIG}: trade_fee_rate: got 1000000"):
        config(trade=1_000_000)


def test_an_amm_v4_pools_fields_and_reserves():
    pool = amm()
    assert (pool.coin_vault, pool.pc_vault) == (base58(KEYS[0]), base58(KEYS[1]))
    assert (pool.coin_mint, pool.pc_mint) == (base58(KEYS[2]), base58(KEYS[3]))
    assert (pool.coin_decimals, pool.pc_decimals) == (9, 6)
    assert amm_v4_reserves(pool, 1_011, 2_022) == ConstantProductPool(1_000, 2_000, 25, 10_000)
    with pytest.raises(AccountError, match="Raydium AMM v4 pool pool: pc_vault: got 21, expected at least the 22"):
        amm_v4_reserves(pool, 1_011, 21)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        *(({"status": status}, f"status: got {status}") for status in (0, 1, 2, 3, 4, 5, 7, 8)),
        ({"fee": (1, 1)}, "swap_fee"),
        ({"fee": (0, 0)}, "swap_fee"),
        ({"mints": (KEYS[2], KEYS[2])}, "pc_vault_mint"),
        ({"decimals": 256}, "coin_decimals: got 256"),
    ],
)
def test_what_an_amm_v4_pool_may_not_be(change, named):
    with pytest.raises(AccountError, match=f"Raydium AMM v4 pool pool: {named}"):
        amm(**change)


@pytest.mark.parametrize(
    ("decode", "data", "program"),
    [
        (decode_cpmm_pool, cpmm_bytes(), CPMM_PROGRAM),
        (decode_cpmm_config, config_bytes(), CPMM_PROGRAM),
        (decode_amm_v4_pool, amm_bytes(), AMM_V4_PROGRAM),
    ],
)
def test_other_owners_lengths_and_kinds_are_refused(decode, data, program):
    with pytest.raises(AccountError, match="owner: got 'other'"):
        decode(POOL, data, "other")
    for length in (0, 7, len(data) - 1):
        with pytest.raises(AccountError, match=f"length: got {length}, expected {len(data)} bytes"):
            decode(POOL, data[:length], program)
    if program == CPMM_PROGRAM:
        with pytest.raises(AccountError, match="discriminator"):
            decode(POOL, b"\0" + data[1:], program)


def decoded(decode, data, program):
    """None where it is refused."""
    try:
        return decode(POOL, bytes(data), program)
    except AccountError:
        return None


CPMM_READ = [*range(40), *range(72, 136), *range(168, 296), *range(331, 333), *range(341, 381), *range(389, 391)]
AMM_READ = [*range(8), *range(32, 48), *range(176, 208), *range(336, 464)]


@given(st.sampled_from([*CPMM_READ, *range(397, 413)]), st.integers(1, 255))
def test_a_damaged_cpmm_byte_that_is_read_is_seen(offset, mask):
    damaged = bytearray(cpmm_bytes())
    damaged[offset] ^= mask
    assert decoded(decode_cpmm_pool, damaged, CPMM_PROGRAM) != cpmm()


@given(st.sampled_from(AMM_READ), st.integers(1, 255))
def test_a_damaged_amm_v4_byte_that_is_read_is_seen(offset, mask):
    damaged = bytearray(amm_bytes())
    damaged[offset] ^= mask
    assert decoded(decode_amm_v4_pool, damaged, AMM_V4_PROGRAM) != amm()
