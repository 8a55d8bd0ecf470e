"""Meteora DAMM v2 accounts: the bytes of a ``Pool`` (1112, zero-copy) → `DammV2Pool`.

verified: program, as `meteora_damm_v2` says. Layout: the ``Pool`` of cp-amm's IDL (0.2.5). A disabled pool, a version
or a feature that nothing verifies is an `AccountError`, so a state that exists can be quoted.
"""

from __future__ import annotations

from typing import Final

from phantom_arbiter.core.units import MAX_U64
from phantom_arbiter.dex.account_bytes import check_account, within
from phantom_arbiter.dex.meteora_damm_v2 import DammV2Pool, FeeSchedule, VolatilityFee, reserves_of_range
from phantom_arbiter.dex.pool import AccountError

PROGRAM_ID: Final = "cpamdpZCGKUy5JxQXB4dcpGPiikHawvSWAd6mEn1sGG"
POOL_BYTES: Final = 1112
MIN_SQRT_PRICE_X64: Final = 4_295_048_016
MAX_SQRT_PRICE_X64: Final = 79_226_673_521_066_979_257_578_248_091

_KIND: Final = "Meteora DAMM v2 pool"
_DISCRIMINATOR: Final = bytes((241, 154, 109, 4, 17, 177, 109, 188))
_MAX_FEE_E9: Final = (500_000_000, 990_000_000)  # by the pool's fee version
_FEE_MODES: Final = ("linear schedule", "exponential schedule", "rate limiter", "market-cap linear", "market-cap exp.")
_MAX_U32: Final = 2**32 - 1


def decode_pool(data: bytes, owner: str) -> DammV2Pool:
    """A ``Pool`` account; ``owner`` is the owning program in base58.

    Raises AccountError for a wrong owner, length or discriminator, a value out of range, a disabled pool, and for the
    features that `meteora_damm_v2` refuses.
    """
    lengths, discriminators = (POOL_BYTES,), (_DISCRIMINATOR,)
    check_account(_KIND, data, owner, owners=(PROGRAM_ID,), lengths=lengths, discriminators=discriminators)
    _check_features(data)
    price, low, high = (_unsigned(data, offset, 16) for offset in (456, 424, 440))
    within(_KIND, "sqrt_min_price", low, MIN_SQRT_PRICE_X64, MAX_SQRT_PRICE_X64)
    within(_KIND, "sqrt_max_price", high, low, MAX_SQRT_PRICE_X64)
    within(_KIND, "sqrt_price", price, low, high)
    liquidity = _unsigned(data, 360, 16)
    counted = _one_of(data, "layout_version", 696, 2) == 1
    reserve_a, reserve_b = (
        (_unsigned(data, 680, 8), _unsigned(data, 688, 8))
        if counted
        else reserves_of_range(liquidity, low, price, high)
    )
    return DammV2Pool(
        token_a_mint=data[168:200],
        token_b_mint=data[200:232],
        token_a_vault=data[232:264],
        token_b_vault=data[264:296],
        liquidity=liquidity,
        sqrt_min_price_x64=low,
        sqrt_max_price_x64=high,
        sqrt_price_x64=price,
        reserve_a_atoms=within(_KIND, "token_a_amount", reserve_a, 0, MAX_U64),
        reserve_b_atoms=within(_KIND, "token_b_amount", reserve_b, 0, MAX_U64),
        activation_point=_unsigned(data, 472, 8),
        by_timestamp=_one_of(data, "activation_type", 480, 2) == 1,
        fee_only_in_b=data[484] == 1,
        max_fee_e9=_MAX_FEE_E9[_one_of(data, "fee_version", 486, 2)],
        schedule=FeeSchedule(
            exponential=data[16] == 1,
            cliff_fee_e9=_unsigned(data, 8, 8),
            periods=_unsigned(data, 22, 2),
            period_points=_unsigned(data, 24, 8),
            reduction=_unsigned(data, 32, 8),
        ),
        volatility=_volatility(data, low, high) if _one_of(data, "dynamic_fee.initialized", 56, 2) else None,
    )


def _check_features(data: bytes) -> None:
    fee_mode = _one_of(data, "base_fee_mode", 16, len(_FEE_MODES))
    if fee_mode > 1:
        raise AccountError(_KIND, "base_fee_mode", _FEE_MODES[fee_mode], "a fee schedule by time (0 or 1)")
    if data[481] != 0:
        raise AccountError(_KIND, "pool_status", data[481], "0 (enabled)")
    for field, offset in (("token_a_flag", 482), ("token_b_flag", 483)):
        if data[offset] != 0:
            raise AccountError(_KIND, field, data[offset], "0 (SPL Token; Token-2022 can take fees of its own)")
    if data[484] > 1:
        raise AccountError(_KIND, "collect_fee_mode", data[484], "0 or 1 (compounding is not verified)")
    compounding_bps = _unsigned(data, 54, 2)
    if compounding_bps:
        raise AccountError(_KIND, "compounding_fee_bps", compounding_bps, "0 (compounding is not verified)")


def _volatility(data: bytes, low: int, high: int) -> VolatilityFee:
    reference = _unsigned(data, 104, 16)
    if reference:  # 0 until the first swap
        within(_KIND, "dynamic_fee.sqrt_price_reference", reference, low, high)
    return VolatilityFee(
        max_accumulator=_unsigned(data, 64, 4),
        control=_unsigned(data, 68, 4),
        bin_step_bps=_unsigned(data, 72, 2),
        bin_step_x64=within(_KIND, "dynamic_fee.bin_step_u128", _unsigned(data, 88, 16), 1, 2**64),
        filter_period_s=_unsigned(data, 74, 2),
        decay_period_s=_unsigned(data, 76, 2),
        decay_bps=_unsigned(data, 78, 2),
        last_update_s=_unsigned(data, 80, 8),
        sqrt_price_reference_x64=reference,
        accumulator=within(_KIND, "dynamic_fee.volatility_accumulator", _unsigned(data, 120, 16), 0, _MAX_U32),
        reference=within(_KIND, "dynamic_fee.volatility_reference", _unsigned(data, 136, 16), 0, MAX_U64),
    )


def _unsigned(data: bytes, offset: int, size: int) -> int:
    return int.from_bytes(data[offset : offset + size], "little")


def _one_of(data: bytes, field: str, offset: int, values: int) -> int:
    return within(_KIND, field, data[offset], 0, values - 1)
