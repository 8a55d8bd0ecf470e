"""Pool bytes: what is read, what is refused, and that no damage passes in silence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.dex.meteora_damm_v2 import FeeSchedule, VolatilityFee
from phantom_arbiter.dex.meteora_damm_v2_accounts import PROGRAM_ID, decode_pool
from phantom_arbiter.dex.pool import AccountError
from tests.unit.dex.damm_v2_bytes import DYNAMIC, FIELDS, NOT_IN_THE_STATE, pool_bytes

COUNTED = {"layout_version": 1, "token_a_amount": 10**12, "token_b_amount": 10**12}
SOUND = pool_bytes(**DYNAMIC, **COUNTED)
READ = sorted(
    byte
    for field, (offset, size) in FIELDS.items()
    if field not in NOT_IN_THE_STATE
    for byte in (*range(8), *range(offset, offset + size))
)


def test_every_field_has_its_place():
    pool = decode_pool(
        pool_bytes(
            **DYNAMIC,
            layout_version=1,
            token_a_amount=11,
            token_b_amount=12,
            token_a_mint=1,
            token_b_mint=2,
            token_a_vault=3,
            token_b_vault=4,
            base_fee_mode=1,
            number_of_period=7,
            period_frequency=8,
            fee_reduction_factor=9,
            collect_fee_mode=1,
        ),
        PROGRAM_ID,
    )
    assert [key[0] for key in (pool.token_a_mint, pool.token_b_mint, pool.token_a_vault, pool.token_b_vault)] == [
        1,
        2,
        3,
        4,
    ]
    assert (pool.reserve_a_atoms, pool.reserve_b_atoms) == (11, 12)
    assert (pool.sqrt_min_price_x64, pool.sqrt_price_x64, pool.sqrt_max_price_x64) == (2**62, 2**64, 2**66)
    assert (pool.liquidity, pool.activation_point, pool.by_timestamp) == (10**12 << 64, 1_000, True)
    assert (pool.fee_only_in_b, pool.max_fee_e9) == (True, 990_000_000)
    assert pool.schedule == FeeSchedule(True, 2_500_000, 7, 8, 9)
    assert pool.volatility == VolatilityFee(
        14_460_000, 956, 1, 1_844_674_407_370_955, 10, 120, 5_000, 990, 2**64, 3_000_000, 100_000
    )


def test_an_old_layout_s_reserves_are_those_of_the_range():
    pool = decode_pool(pool_bytes(), PROGRAM_ID)
    assert (pool.reserve_a_atoms, pool.reserve_b_atoms) == (750_000_000_000, 750_000_000_000)
    assert pool.volatility is None


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"base_fee_mode": 2}, "base_fee_mode"),
        ({"base_fee_mode": 3}, "base_fee_mode"),
        ({"base_fee_mode": 5}, "base_fee_mode"),
        ({"pool_status": 1}, "pool_status"),
        ({"token_a_flag": 1}, "token_a_flag"),
        ({"token_b_flag": 1}, "token_b_flag"),
        ({"collect_fee_mode": 2}, "collect_fee_mode"),
        ({"compounding_fee_bps": 1}, "compounding_fee_bps"),
        ({"fee_version": 2}, "fee_version"),
        ({"layout_version": 2}, "layout_version"),
        ({"activation_type": 2}, "activation_type"),
        ({"initialized": 2}, "dynamic_fee.initialized"),
        ({"sqrt_min_price": 4_295_048_015}, "sqrt_min_price"),
        ({"sqrt_max_price": 2**97}, "sqrt_max_price"),
        ({"sqrt_price": 2**66 + 1}, "sqrt_price"),
        ({"liquidity": 2**127, "sqrt_price": 2**62}, "token_a_amount"),
        (DYNAMIC | {"bin_step_u128": 0}, "dynamic_fee.bin_step_u128"),
        (DYNAMIC | {"sqrt_price_reference": 1}, "dynamic_fee.sqrt_price_reference"),
        (DYNAMIC | {"volatility_accumulator": 2**32}, "dynamic_fee.volatility_accumulator"),
        (DYNAMIC | {"volatility_reference": 2**64}, "dynamic_fee.volatility_reference"),
    ],
)
def test_what_nothing_verifies_or_makes_no_sense_is_refused(fields, field):
    with pytest.raises(AccountError, match="Meteora DAMM v2 pool") as refused:
        decode_pool(pool_bytes(**fields), PROGRAM_ID)
    assert refused.value.field == field


def test_another_owner_length_or_discriminator_is_refused():
    for data, owner, field in (
        (SOUND, "LBUZKhRxPF3XUpBCjp4YzTKgLccjZhTSDM9YuVaPwxo", "owner"),
        (SOUND[:-1], PROGRAM_ID, "length"),
        (SOUND + b"\0", PROGRAM_ID, "length"),
        (b"", PROGRAM_ID, "length"),
        (b"\0" + SOUND[1:], PROGRAM_ID, "discriminator"),
    ):
        with pytest.raises(AccountError) as refused:
            decode_pool(data, owner)
        assert refused.value.field == field


@given(st.sampled_from(READ), st.integers(1, 255))
def test_a_flipped_byte_is_refused_or_seen(at, flip):
    damaged = bytearray(SOUND)
    damaged[at] ^= flip
    try:
        seen = decode_pool(bytes(damaged), PROGRAM_ID)
    except AccountError:
        return
    assert seen != decode_pool(SOUND, PROGRAM_ID)


@given(st.binary(max_size=1112))
def test_noise_raises_only_account_errors(noise):
    data = noise.ljust(1112, b"\xff")
    with pytest.raises(AccountError):
        decode_pool(noise, PROGRAM_ID)
    with pytest.raises(AccountError):
        decode_pool(SOUND[:8] + data[8:], PROGRAM_ID)
