"""Meteora DAMM v2: ``swap`` (IDL 0.2.5), an exact input without referral.

verified: program of 2026-03 on a real pool, in LiteSVM (``tests/svm``).
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from solders.instruction import Instruction
from solders.pubkey import Pubkey

from phantom_arbiter.core.events import AccountRead
from phantom_arbiter.dex.meteora_damm_v2_accounts import PROGRAM_ID, decode_pool
from phantom_arbiter.venues.solana.instructions.order import (
    TOKEN_PROGRAM,
    SwapOrder,
    discriminator,
    event_authority,
    read,
    sign,
    write,
)

PROGRAM: Final = Pubkey.from_string(PROGRAM_ID)
AUTHORITY: Final = Pubkey.find_program_address([b"pool_authority"], PROGRAM)[0]
EVENT_AUTHORITY: Final = event_authority(PROGRAM)
_SWAP: Final = discriminator("swap")


class DammV2Keys(Struct, frozen=True, gc=False):
    """A pool's addresses."""

    pool: Pubkey
    mint_0: Pubkey
    mint_1: Pubkey
    vault_0: Pubkey
    vault_1: Pubkey


def keys(pool: AccountRead) -> DammV2Keys:
    """Raises AccountError where the account is no pool that can be quoted."""
    account = decode_pool(pool.data, pool.owner)
    return DammV2Keys(
        pool=Pubkey.from_string(pool.address),
        mint_0=Pubkey.from_bytes(account.token_a_mint),
        mint_1=Pubkey.from_bytes(account.token_b_mint),
        vault_0=Pubkey.from_bytes(account.token_a_vault),
        vault_1=Pubkey.from_bytes(account.token_b_vault),
    )


def swap(pool: DammV2Keys, order: SwapOrder) -> Instruction:
    """The program tells the direction by the mint of ``order.source``; its own address says: no referral."""
    accounts = [
        read(AUTHORITY),
        write(pool.pool),
        write(order.source),
        write(order.destination),
        write(pool.vault_0),
        write(pool.vault_1),
        read(pool.mint_0),
        read(pool.mint_1),
        sign(order.payer),
        read(TOKEN_PROGRAM),
        read(TOKEN_PROGRAM),
        read(PROGRAM),
        read(EVENT_AUTHORITY),
        read(PROGRAM),
    ]
    return Instruction(PROGRAM, _SWAP + order.amounts(), accounts)
