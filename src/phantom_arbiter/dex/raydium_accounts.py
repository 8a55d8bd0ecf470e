"""Raydium CPMM and AMM v4 account bytes → pools of `raydium_cpmm` and `constant_product`.

Layouts: the programs' sources (raydium-cp-swap of 2025-12, raydium-amm of 2026-07). Verified: program, by swaps on
accounts of these layouts; formula (the source), for the creator's fields, which the binary at hand is older than.

Refused, because nothing verifies it: CPMM with a Token-2022 mint (it may take a transfer fee), AMM v4 in any status but
swap-only (6), so in particular with an order book (1).
"""

from __future__ import annotations

from typing import Final, cast

from msgspec import Struct

from phantom_arbiter.core.units import MAX_U64
from phantom_arbiter.dex.account_bytes import AccountBytes
from phantom_arbiter.dex.constant_product import ConstantProductPool
from phantom_arbiter.dex.pool import AccountError
from phantom_arbiter.dex.raydium_cpmm import FEE_DENOMINATOR, CpmmFees, CpmmPool, CreatorFeeOn

CPMM_PROGRAM: Final = "CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C"
AMM_V4_PROGRAM: Final = "675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8"
TOKEN_PROGRAM: Final = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
POOL_STATE: Final = bytes.fromhex("f7ede3f5d7c3de46")
AMM_CONFIG: Final = bytes.fromhex("daf42168cbcb2b6f")
CPMM_POOL_BYTES: Final = 637
CPMM_CONFIG_BYTES: Final = 236
AMM_V4_BYTES: Final = 752
SWAP_ONLY: Final = 6

_CPMM_SWAP_OFF: Final = 1 << 2


class CpmmAccount(Struct, frozen=True, gc=False):
    """A CPMM pool that swaps. Fees owed (protocol + fund + creator) are in the vaults and not in the reserves."""

    address: str
    config: str
    vault_0: str
    vault_1: str
    mint_0: str
    mint_1: str
    mint_0_decimals: int
    mint_1_decimals: int
    fees_owed_0_atoms: int
    fees_owed_1_atoms: int
    creator_fee_enabled: bool
    creator_fee_on: CreatorFeeOn
    opens_unix_s: int


class CpmmConfig(Struct, frozen=True, gc=False):
    """Rates in 1e-6: of the input, and of the trade fee for ``protocol_fee_rate`` and ``fund_fee_rate``."""

    address: str
    trade_fee_rate: int
    protocol_fee_rate: int
    fund_fee_rate: int
    creator_fee_rate: int


class AmmV4Pool(Struct, frozen=True, gc=False):
    """A swap-only AMM v4 pool. ``need_take_pnl`` is owed to the protocol, in the vaults and not in the reserves."""

    address: str
    coin_vault: str
    pc_vault: str
    coin_mint: str
    pc_mint: str
    coin_decimals: int
    pc_decimals: int
    need_take_pnl_coin_atoms: int
    need_take_pnl_pc_atoms: int
    fee_numerator: int
    fee_denominator: int


def decode_cpmm_pool(address: str, data: bytes, owner: str) -> CpmmAccount:
    """Raises AccountError for other bytes, swaps switched off, or a mint of another token program."""
    pool = AccountBytes(
        f"Raydium CPMM pool {address}",
        data,
        owner,
        program=CPMM_PROGRAM,
        length=CPMM_POOL_BYTES,
        discriminator=POOL_STATE,
    )
    status, side, enabled = data[329], data[389], data[390]
    pool.expect("status", status, not status & _CPMM_SWAP_OFF, "swaps not disabled (bit 2 unset)")
    for field, offset in (("token_0_program", 232), ("token_1_program", 264)):
        program = pool.address(offset)
        pool.expect(field, program, program == TOKEN_PROGRAM, f"{TOKEN_PROGRAM}: others may take a transfer fee")
    pool.expect("creator_fee_on", side, side <= 2, "0 to 2")
    pool.expect("enable_creator_fee", enabled, enabled <= 1, "0 or 1")
    return CpmmAccount(
        address=address,
        config=pool.address(8),
        vault_0=pool.address(72),
        vault_1=pool.address(104),
        mint_0=pool.address(168),
        mint_1=pool.address(200),
        mint_0_decimals=data[331],
        mint_1_decimals=data[332],
        fees_owed_0_atoms=pool.uint(341, 8) + pool.uint(357, 8) + pool.uint(397, 8),
        fees_owed_1_atoms=pool.uint(349, 8) + pool.uint(365, 8) + pool.uint(405, 8),
        creator_fee_enabled=bool(enabled),
        creator_fee_on=cast(CreatorFeeOn, side),
        opens_unix_s=pool.uint(373, 8),
    )


def decode_cpmm_config(address: str, data: bytes, owner: str) -> CpmmConfig:
    """Raises AccountError for other bytes, or rates that are no fraction or together take more than there is."""
    config = AccountBytes(
        f"Raydium CPMM config {address}",
        data,
        owner,
        program=CPMM_PROGRAM,
        length=CPMM_CONFIG_BYTES,
        discriminator=AMM_CONFIG,
    )
    offsets = {"trade_fee_rate": 12, "protocol_fee_rate": 20, "fund_fee_rate": 28, "creator_fee_rate": 108}
    rates = {name: config.uint(offset, 8) for name, offset in offsets.items()}
    for name, rate in rates.items():
        config.expect(name, rate, rate < FEE_DENOMINATOR, "below 1,000,000")
    for one, other in (("trade_fee_rate", "creator_fee_rate"), ("protocol_fee_rate", "fund_fee_rate")):
        both = rates[one] + rates[other]
        config.expect(f"{one} + {other}", both, both <= FEE_DENOMINATOR, "at most 1,000,000")
    return CpmmConfig(address, **rates)


def cpmm_pool(pool: CpmmAccount, config: CpmmConfig, vault_0_atoms: int, vault_1_atoms: int, unix_s: int) -> CpmmPool:
    """The pool to quote with: reserves are the vaults less all fees owed.

    Raises AccountError for another config, a pool that is not open yet, or vaults below the fees owed.
    """
    account = f"Raydium CPMM pool {pool.address}"
    if config.address != pool.config:
        raise AccountError(account, "config", config.address, pool.config)
    if unix_s < pool.opens_unix_s:
        raise AccountError(account, "open_time", pool.opens_unix_s, f"at most now, {unix_s}")
    creator_rate = config.creator_fee_rate if pool.creator_fee_enabled else 0
    rates = config.trade_fee_rate, config.protocol_fee_rate, config.fund_fee_rate, creator_rate
    return CpmmPool(
        _reserve(account, "vault_0", vault_0_atoms, pool.fees_owed_0_atoms),
        _reserve(account, "vault_1", vault_1_atoms, pool.fees_owed_1_atoms),
        CpmmFees(*rates, pool.creator_fee_on),
    )


def decode_amm_v4_pool(address: str, data: bytes, owner: str) -> AmmV4Pool:
    """Raises AccountError for other bytes or a status other than swap-only. AMM v4 has no discriminator."""
    pool = AccountBytes(f"Raydium AMM v4 pool {address}", data, owner, program=AMM_V4_PROGRAM, length=AMM_V4_BYTES)
    status = pool.uint(0, 8)
    pool.expect("status", status, status == SWAP_ONLY, f"{SWAP_ONLY} (swap only; 1 trades with an order book)")
    decimals = {"coin_decimals": pool.uint(32, 8), "pc_decimals": pool.uint(40, 8)}
    for name, value in decimals.items():
        pool.expect(name, value, value < 256, "a mint's decimals")
    fee = pool.uint(176, 8), pool.uint(184, 8)
    pool.expect("swap_fee", fee, fee[0] < fee[1], "a fraction below 1")
    mints = pool.address(400), pool.address(432)
    pool.expect("pc_vault_mint", mints[1], mints[0] != mints[1], "another mint than the coin vault's")
    return AmmV4Pool(
        address=address,
        coin_vault=pool.address(336),
        pc_vault=pool.address(368),
        coin_mint=mints[0],
        pc_mint=mints[1],
        **decimals,
        need_take_pnl_coin_atoms=pool.uint(192, 8),
        need_take_pnl_pc_atoms=pool.uint(200, 8),
        fee_numerator=fee[0],
        fee_denominator=fee[1],
    )


def amm_v4_reserves(pool: AmmV4Pool, coin_vault_atoms: int, pc_vault_atoms: int) -> ConstantProductPool:
    """The pool to quote with, coin as token 0: reserves are the vaults less need_take_pnl.

    Raises AccountError for vaults below what is owed.
    """
    account = f"Raydium AMM v4 pool {pool.address}"
    return ConstantProductPool(
        _reserve(account, "coin_vault", coin_vault_atoms, pool.need_take_pnl_coin_atoms),
        _reserve(account, "pc_vault", pc_vault_atoms, pool.need_take_pnl_pc_atoms),
        pool.fee_numerator,
        pool.fee_denominator,
    )


def _reserve(account: str, vault: str, vault_atoms: int, owed_atoms: int) -> int:
    if not owed_atoms <= vault_atoms <= MAX_U64:
        raise AccountError(account, vault, vault_atoms, f"at least the {owed_atoms} atoms owed and at most 2^64 - 1")
    return vault_atoms - owed_atoms
