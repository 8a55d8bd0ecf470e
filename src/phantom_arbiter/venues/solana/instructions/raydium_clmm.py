"""Raydium CLMM: ``swap_v2`` (raydium-clmm's source) with an exact input and no price limit of our own.

The bitmap extension is left out: our quotes end where the pool's own bitmap does.

verified: program of 2024-11, in LiteSVM (``tests/svm``).
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from solders.instruction import Instruction
from solders.pubkey import Pubkey

from phantom_arbiter.core.events import AccountRead
from phantom_arbiter.dex.raydium_clmm_accounts import (
    BITMAP_ARRAYS,
    CLMM_PROGRAM,
    TICKS_PER_ARRAY,
    decode_clmm_pool,
)
from phantom_arbiter.venues.solana.instructions.order import (
    MEMO_PROGRAM,
    TOKEN_2022_PROGRAM,
    TOKEN_PROGRAM,
    SwapOrder,
    arrays_on_the_way,
    discriminator,
    read,
    sign,
    write,
)

PROGRAM: Final = Pubkey.from_string(CLMM_PROGRAM)
_SWAP: Final = discriminator("swap_v2")
_NO_PRICE_LIMIT: Final = bytes(16)
_EXACT_INPUT: Final = b"\x01"
_OBSERVATION: Final = slice(201, 233)


class ClmmKeys(Struct, frozen=True, gc=False):
    """A pool's addresses; bit n of ``bitmap`` is the tick array that starts at (n − 512)·60·tick_spacing."""

    pool: Pubkey
    config: Pubkey
    mint_0: Pubkey
    mint_1: Pubkey
    vault_0: Pubkey
    vault_1: Pubkey
    observation: Pubkey
    tick_spacing: int
    tick: int
    bitmap: int


def keys(pool: AccountRead) -> ClmmKeys:
    """Raises AccountError where the account is no pool that can be quoted."""
    account = decode_clmm_pool(pool.address, pool.data, pool.owner)
    return ClmmKeys(
        pool=Pubkey.from_string(pool.address),
        config=Pubkey.from_string(account.config),
        mint_0=Pubkey.from_string(account.mint_0),
        mint_1=Pubkey.from_string(account.mint_1),
        vault_0=Pubkey.from_string(account.vault_0),
        vault_1=Pubkey.from_string(account.vault_1),
        observation=Pubkey.from_bytes(pool.data[_OBSERVATION]),
        tick_spacing=account.tick_spacing,
        tick=account.tick_current,
        bitmap=account.tick_array_bitmap,
    )


def tick_array(pool: Pubkey, start_tick: int) -> Pubkey:
    """The address of the tick array that starts there."""
    seeds = [b"tick_array", bytes(pool), start_tick.to_bytes(4, "big", signed=True)]
    return Pubkey.find_program_address(seeds, PROGRAM)[0]


def swap_arrays(pool: ClmmKeys, order: SwapOrder) -> list[Pubkey]:
    """The tick arrays of a swap in its order; the program fails on one that does not exist."""
    span, middle = TICKS_PER_ARRAY * pool.tick_spacing, BITMAP_ARRAYS // 2
    end = pool.tick if order.end is None else order.end
    bits = arrays_on_the_way(pool.bitmap, pool.tick // span + middle, end // span + middle, order.zero_for_one)
    return [tick_array(pool.pool, (bit - middle) * span) for bit in bits]


def swap(pool: ClmmKeys, order: SwapOrder) -> Instruction:
    """Sell token 0 for 1 where ``order.zero_for_one``."""
    sides = [(pool.vault_0, pool.mint_0), (pool.vault_1, pool.mint_1)]
    (vault_in, mint_in), (vault_out, mint_out) = sides if order.zero_for_one else sides[::-1]
    accounts = [
        sign(order.payer),
        read(pool.config),
        write(pool.pool),
        write(order.source),
        write(order.destination),
        write(vault_in),
        write(vault_out),
        write(pool.observation),
        read(TOKEN_PROGRAM),
        read(TOKEN_2022_PROGRAM),
        read(MEMO_PROGRAM),
        read(mint_in),
        read(mint_out),
        *[write(array) for array in swap_arrays(pool, order)],
    ]
    return Instruction(PROGRAM, _SWAP + order.amounts() + _NO_PRICE_LIMIT + _EXACT_INPUT, accounts)
