"""Raydium CPMM: ``swap_base_input`` (raydium-cp-swap's source).

verified: program of 2025-02, in LiteSVM (``tests/svm``).
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from solders.instruction import Instruction
from solders.pubkey import Pubkey

from phantom_arbiter.core.events import AccountRead
from phantom_arbiter.dex.raydium_accounts import CPMM_PROGRAM, decode_cpmm_pool
from phantom_arbiter.venues.solana.instructions.order import (
    TOKEN_PROGRAM,
    SwapOrder,
    discriminator,
    read,
    sign,
    write,
)

PROGRAM: Final = Pubkey.from_string(CPMM_PROGRAM)
AUTHORITY: Final = Pubkey.find_program_address([b"vault_and_lp_mint_auth_seed"], PROGRAM)[0]
_SWAP: Final = discriminator("swap_base_input")
_OBSERVATION: Final = slice(296, 328)


class CpmmKeys(Struct, frozen=True, gc=False):
    """A pool's addresses."""

    pool: Pubkey
    config: Pubkey
    mint_0: Pubkey
    mint_1: Pubkey
    vault_0: Pubkey
    vault_1: Pubkey
    observation: Pubkey


def keys(pool: AccountRead) -> CpmmKeys:
    """Raises AccountError where the account is no pool that can be quoted."""
    account = decode_cpmm_pool(pool.address, pool.data, pool.owner)
    return CpmmKeys(
        pool=Pubkey.from_string(pool.address),
        config=Pubkey.from_string(account.config),
        mint_0=Pubkey.from_string(account.mint_0),
        mint_1=Pubkey.from_string(account.mint_1),
        vault_0=Pubkey.from_string(account.vault_0),
        vault_1=Pubkey.from_string(account.vault_1),
        observation=Pubkey.from_bytes(pool.data[_OBSERVATION]),
    )


def swap(pool: CpmmKeys, order: SwapOrder) -> Instruction:
    """Sell token 0 for 1 where ``order.zero_for_one``."""
    sides = [(pool.vault_0, pool.mint_0), (pool.vault_1, pool.mint_1)]
    (vault_in, mint_in), (vault_out, mint_out) = sides if order.zero_for_one else sides[::-1]
    accounts = [
        sign(order.payer),
        read(AUTHORITY),
        read(pool.config),
        write(pool.pool),
        write(order.source),
        write(order.destination),
        write(vault_in),
        write(vault_out),
        read(TOKEN_PROGRAM),
        read(TOKEN_PROGRAM),
        read(mint_in),
        read(mint_out),
        write(pool.observation),
    ]
    return Instruction(PROGRAM, _SWAP + order.amounts(), accounts)
