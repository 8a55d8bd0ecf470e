"""PumpSwap accounts: the bytes of the pool, both configurations, the vaults and the base mint → `PumpSwapPool`.

verified: sdk, for the fees of a real ``FeeConfig`` and of random accounts; formula (the IDL and the SDK's account
sizes) for the rest of the layouts. A feature that `pump_swap` refuses is an `AccountError`.
"""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import Final

from msgspec import Struct

from phantom_arbiter.core.units import BPS
from phantom_arbiter.dex.account_bytes import check_account, within
from phantom_arbiter.dex.pool import AccountError
from phantom_arbiter.dex.pump_swap import FeeRates, FeeTier, PumpSwapPool

PROGRAM_ID: Final = "pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA"
FEE_PROGRAM_ID: Final = "pfeeUxB6jkeY1Hxd7CsFCAjcbHA9rWtchMGdZ6VojVZ"
TOKEN_PROGRAM_ID: Final = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
GLOBAL_CONFIG_ADDRESS: Final = "ADyA8hdefvWN2dbGGWFotbzWxrAvLW83WG6QCVXvJKqw"
FEE_CONFIG_ADDRESS: Final = "5PHirr8joyTMp9JMm6nW7hNDVyEYdkzDqazxPD7RaTjx"
WRAPPED_SOL: Final = bytes.fromhex("069b8857feab8184fb687f634618c035dac439dc1aeb3b5598a0f00000000001")

_POOL: Final = "PumpSwap pool"
_GLOBAL: Final = "PumpSwap global config"
_FEES: Final = "PumpSwap fee config"
_VAULT: Final = "PumpSwap vault"
_MINT: Final = "PumpSwap base mint"
_POOL_BYTES: Final = (211, 243, 244, 245, 261, 270, 300)  # what an older one lacks is zero; 300 is 270 and room
_GLOBAL_BYTES: Final = (907, 940, 949)
_FEES_BYTES: Final = (2512, 4073, 4097)
_MAX_TIERS: Final = 64
_PUMP_PROGRAM: Final = bytes.fromhex("0156e0f693665acf44db1568bf175baa5189cb97f5d2ff3b655d2bb6fd6d18b0")


class PoolAccount(Struct, frozen=True, gc=False):
    """What the pool's own account says; ``canonical``: pump created it. Addresses are raw bytes."""

    base_mint: bytes
    quote_mint: bytes
    base_vault: bytes
    quote_vault: bytes
    canonical: bool
    has_coin_creator: bool
    creator_fee_bps: int


class GlobalConfig(Struct, frozen=True, gc=False):
    """The program's switches; ``creator_fee_configurable``: a pool's own creator fee replaces the tier's."""

    can_buy: bool
    can_sell: bool
    creator_fee_configurable: bool


class FeeConfig(Struct, frozen=True, gc=False):
    """The fees of pools that pump did not create (``flat``) and of its own in SOL (``tiers``)."""

    flat: FeeRates
    tiers: tuple[FeeTier, ...]


def decode_pool(data: bytes, owner: str) -> PoolAccount:
    """A ``Pool`` account. Raises AccountError; also for the features that `pump_swap` refuses."""
    data = _checked(_POOL, data, owner, PROGRAM_ID, "f19a6d0411b16dbc", _POOL_BYTES, 300)
    for field, offset, size in (
        ("is_mayhem_mode", 243, 1),
        ("is_cashback_coin", 244, 1),
        ("virtual_quote_reserves", 245, 16),
        ("unknown fields", 270, 30),
    ):
        if any(data[offset : offset + size]):
            raise AccountError(_POOL, field, data[offset : offset + size].hex(), "zero (anything else is not verified)")
    base_mint, quote_mint = data[43:75], data[75:107]
    canonical = _is_pool_authority(data[11:43], base_mint)
    if canonical and quote_mint != WRAPPED_SOL:
        raise AccountError(_POOL, "quote_mint", quote_mint.hex(), "wrapped SOL (other tiers are not verified)")
    creator_fee_bps = within(_POOL, "creator_fee_bps", _unsigned(data, 261, 8), 0, BPS)
    return PoolAccount(
        base_mint=base_mint,
        quote_mint=quote_mint,
        base_vault=data[139:171],
        quote_vault=data[171:203],
        canonical=canonical,
        has_coin_creator=any(data[211:243]),
        creator_fee_bps=creator_fee_bps,
    )


def decode_global_config(data: bytes, owner: str) -> GlobalConfig:
    """The ``GlobalConfig`` account. Raises AccountError."""
    data = _checked(_GLOBAL, data, owner, PROGRAM_ID, "95089ccaa0fcb0d9", _GLOBAL_BYTES, 949)
    disabled = within(_GLOBAL, "disable_flags", data[56], 0, 31)
    configurable = within(_GLOBAL, "creator_fee_configurable", data[940], 0, 1)
    return GlobalConfig(not disabled & 8, not disabled & 16, configurable == 1)


def decode_fee_config(data: bytes, owner: str, address: str) -> FeeConfig:
    """pump-fees' ``FeeConfig`` for PumpSwap; ``address`` tells it from the one for pump's bonding curve.

    Raises AccountError; also for tiers that are not sorted or take more than the whole amount.
    """
    if address != FEE_CONFIG_ADDRESS:
        raise AccountError(_FEES, "address", address, FEE_CONFIG_ADDRESS)
    data = _checked(_FEES, data, owner, FEE_PROGRAM_ID, "8f3492bbdb7b4c9b", _FEES_BYTES, 4097)
    count = _unsigned(data, 65, 4)
    if not 1 <= count <= _MAX_TIERS:
        raise AccountError(_FEES, "fee_tiers", count, f"1 to {_MAX_TIERS} tiers")
    offsets = range(69, 69 + 40 * count, 40)
    tiers = tuple(FeeTier(_unsigned(data, at, 16), _rates("fee_tiers", data, at + 16)) for at in offsets)
    thresholds = [tier.from_market_cap for tier in tiers]
    if any(first >= second for first, second in pairwise(thresholds)):
        raise AccountError(_FEES, "fee_tiers", thresholds, "rising market caps")
    return FeeConfig(_rates("flat_fees", data, 41), tiers)


def decode_vault(data: bytes, owner: str, mint: bytes) -> int:
    """Atoms in a pool's vault, an SPL Token account of ``mint``. Raises AccountError."""
    _check_token(_VAULT, data, owner, 165)
    if data[:32] != mint:
        raise AccountError(_VAULT, "mint", data[:32].hex(), mint.hex())
    if data[108] != 1:
        raise AccountError(_VAULT, "state", data[108], "1 (initialized, not frozen)")
    return _unsigned(data, 64, 8)


def decode_supply(data: bytes, owner: str) -> int:
    """Atoms in existence of an SPL Token mint. Raises AccountError."""
    _check_token(_MINT, data, owner, 82)
    if data[45] != 1:
        raise AccountError(_MINT, "is_initialized", data[45], "1")
    return _unsigned(data, 36, 8)


def pump_swap_pool(
    pool: PoolAccount,
    config: GlobalConfig,
    fees: FeeConfig,
    *,
    base_reserve_atoms: int,
    quote_reserve_atoms: int,
    base_supply_atoms: int,
) -> PumpSwapPool:
    """The tradable state of what the accounts say. Raises AccountError if the fees take more than the whole amount."""
    tiers = fees.tiers if pool.canonical else (FeeTier(0, fees.flat),)
    configured = pool.creator_fee_bps if config.creator_fee_configurable and pool.creator_fee_bps else None
    creator_bps = configured if pool.has_coin_creator else 0
    if any(tier.rates.lp_bps + tier.rates.protocol_bps + (creator_bps or 0) > BPS for tier in tiers):
        raise AccountError(_POOL, "creator_fee_bps", creator_bps, f"at most {BPS} with the other fees")
    return PumpSwapPool(
        base_mint=pool.base_mint,
        quote_mint=pool.quote_mint,
        base_vault=pool.base_vault,
        quote_vault=pool.quote_vault,
        base_reserve_atoms=base_reserve_atoms,
        quote_reserve_atoms=quote_reserve_atoms,
        base_supply_atoms=base_supply_atoms,
        tiers=tiers,
        creator_bps=creator_bps,
        can_buy=config.can_buy,
        can_sell=config.can_sell,
    )


def _is_pool_authority(creator: bytes, base_mint: bytes) -> bool:
    """Whether ``creator`` is pump's authority for pools of this base token, which only pump can sign for.

    Its address has one valid bump; a creator that equals another bump's hash could not have signed at all.
    """
    tail = _PUMP_PROGRAM + b"ProgramDerivedAddress"
    seeds = b"pool-authority" + base_mint
    return any(hashlib.sha256(seeds + bytes((bump,)) + tail).digest() == creator for bump in range(255, -1, -1))


def _rates(field: str, data: bytes, offset: int) -> FeeRates:
    rates = FeeRates(*(_unsigned(data, at, 8) for at in range(offset, offset + 24, 8)))
    if rates.total_bps > BPS:
        raise AccountError(_FEES, field, rates, f"at most {BPS} bps together")
    return rates


def _check_token(kind: str, data: bytes, owner: str, length: int) -> None:
    if owner != TOKEN_PROGRAM_ID:
        raise AccountError(kind, "owner", owner, f"{TOKEN_PROGRAM_ID} (Token-2022 is not verified)")
    if len(data) != length:
        raise AccountError(kind, "length", len(data), f"{length} bytes")


def _checked(
    kind: str, data: bytes, owner: str, program: str, discriminator: str, lengths: tuple[int, ...], size: int
) -> bytes:
    """The data, filled up with zeros to the newest layout's ``size``: what an older account lacks reads as zero."""
    marks = (bytes.fromhex(discriminator),)
    check_account(kind, data, owner, owners=(program,), lengths=lengths, discriminators=marks)
    return data.ljust(size, b"\0")


def _unsigned(data: bytes, offset: int, size: int) -> int:
    return int.from_bytes(data[offset : offset + size], "little")
