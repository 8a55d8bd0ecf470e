"""Raydium AMM v4: ``swap_base_in`` (tag 9) on a swap-only pool (status 6, the only kind that is quoted).

Such a pool reads none of its order book's accounts: the pool itself stands in each of their places, so the instruction
costs the transaction no address more.

verified: program of 2024-11, in LiteSVM (``tests/svm``).
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from solders.instruction import Instruction
from solders.pubkey import Pubkey

from phantom_arbiter.core.events import AccountRead
from phantom_arbiter.dex.raydium_accounts import AMM_V4_PROGRAM, decode_amm_v4_pool
from phantom_arbiter.venues.solana.instructions.order import TOKEN_PROGRAM, SwapOrder, read, sign, write

PROGRAM: Final = Pubkey.from_string(AMM_V4_PROGRAM)
AUTHORITY: Final = Pubkey.find_program_address([b"amm authority"], PROGRAM)[0]
_SWAP_BASE_IN: Final = b"\x09"
_MARKET_ACCOUNTS: Final = 8
"""Its program, the market, bids, asks, events, both vaults and their signer."""


class AmmV4Keys(Struct, frozen=True, gc=False):
    """A pool's addresses; coin is token 0."""

    pool: Pubkey
    mint_0: Pubkey
    mint_1: Pubkey
    vault_0: Pubkey
    vault_1: Pubkey


def keys(pool: AccountRead) -> AmmV4Keys:
    """Raises AccountError where the account is no pool that can be quoted."""
    account = decode_amm_v4_pool(pool.address, pool.data, pool.owner)
    return AmmV4Keys(
        pool=Pubkey.from_string(pool.address),
        mint_0=Pubkey.from_string(account.coin_mint),
        mint_1=Pubkey.from_string(account.pc_mint),
        vault_0=Pubkey.from_string(account.coin_vault),
        vault_1=Pubkey.from_string(account.pc_vault),
    )


def swap(pool: AmmV4Keys, order: SwapOrder) -> Instruction:
    """The program tells the direction by the mint of ``order.source``."""
    accounts = [
        read(TOKEN_PROGRAM),
        write(pool.pool),
        read(AUTHORITY),
        write(pool.pool),  # open orders
        write(pool.vault_0),
        write(pool.vault_1),
        *[write(pool.pool)] * _MARKET_ACCOUNTS,
        write(order.source),
        write(order.destination),
        sign(order.payer),
    ]
    return Instruction(PROGRAM, _SWAP_BASE_IN + order.amounts(), accounts)
