"""Meteora DLMM: ``swap2`` (IDL 0.12.0), the form that the program's makers use, without host fee.

The bitmap extension is left out: our quotes end where the pair's own bitmap does. Token-2022 is refused by quotes, so
both sides go by the SPL Token program.

verified: program of 2026-03 on a real pair, in LiteSVM (``tests/svm``).
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from solders.instruction import Instruction
from solders.pubkey import Pubkey

from phantom_arbiter.core.events import AccountRead
from phantom_arbiter.dex import meteora_dlmm_accounts
from phantom_arbiter.dex.meteora_dlmm import BINS_PER_ARRAY, BITMAP_ARRAYS
from phantom_arbiter.venues.solana.instructions.order import (
    MEMO_PROGRAM,
    TOKEN_PROGRAM,
    SwapOrder,
    arrays_on_the_way,
    discriminator,
    event_authority,
    read,
    sign,
    write,
)

PROGRAM: Final = Pubkey.from_string(meteora_dlmm_accounts.PROGRAM)
EVENT_AUTHORITY: Final = event_authority(PROGRAM)
_SWAP: Final = discriminator("swap2")
_NO_EXTRA_ACCOUNTS: Final = bytes(4)
_RESERVE_X, _RESERVE_Y, _ORACLE = slice(152, 184), slice(184, 216), slice(552, 584)


class DlmmKeys(Struct, frozen=True, gc=False):
    """A pair's addresses; bit n of ``bitmap`` is bin array n − 512."""

    pool: Pubkey
    mint_0: Pubkey
    mint_1: Pubkey
    vault_0: Pubkey
    vault_1: Pubkey
    oracle: Pubkey
    active_id: int
    bitmap: int


def keys(pool: AccountRead) -> DlmmKeys:
    """Raises AccountError where the account is no pair that can be quoted."""
    address = Pubkey.from_string(pool.address)
    pair = meteora_dlmm_accounts.decode_pool(pool.data, pool.owner, bytes(address))
    return DlmmKeys(
        pool=address,
        mint_0=Pubkey.from_bytes(pair.token_x_mint),
        mint_1=Pubkey.from_bytes(pair.token_y_mint),
        vault_0=Pubkey.from_bytes(pool.data[_RESERVE_X]),
        vault_1=Pubkey.from_bytes(pool.data[_RESERVE_Y]),
        oracle=Pubkey.from_bytes(pool.data[_ORACLE]),
        active_id=pair.active_id,
        bitmap=pair.bitmap,
    )


def bin_array(pool: Pubkey, index: int) -> Pubkey:
    """The address of a pair's bin array."""
    seeds = [b"bin_array", bytes(pool), index.to_bytes(8, "little", signed=True)]
    return Pubkey.find_program_address(seeds, PROGRAM)[0]


def swap_arrays(pool: DlmmKeys, order: SwapOrder) -> list[Pubkey]:
    """The bin arrays of a swap in its order."""
    end = pool.active_id if order.end is None else order.end
    first, last = (bin_id // BINS_PER_ARRAY + BITMAP_ARRAYS for bin_id in (pool.active_id, end))
    bits = arrays_on_the_way(pool.bitmap, first, last, order.zero_for_one)
    return [bin_array(pool.pool, bit - BITMAP_ARRAYS) for bit in bits]


def swap(pool: DlmmKeys, order: SwapOrder) -> Instruction:
    """Sell X for Y where ``order.zero_for_one``; the program tells the direction by the mint of ``order.source``.

    An optional account that is absent is told by the program's own address.
    """
    accounts = [
        write(pool.pool),
        read(PROGRAM),  # no bitmap extension
        write(pool.vault_0),
        write(pool.vault_1),
        write(order.source),
        write(order.destination),
        read(pool.mint_0),
        read(pool.mint_1),
        write(pool.oracle),
        read(PROGRAM),  # no host fee
        sign(order.payer),
        read(TOKEN_PROGRAM),
        read(TOKEN_PROGRAM),
        read(MEMO_PROGRAM),
        read(EVENT_AUTHORITY),
        read(PROGRAM),
        *[write(array) for array in swap_arrays(pool, order)],
    ]
    return Instruction(PROGRAM, _SWAP + order.amounts() + _NO_EXTRA_ACCOUNTS, accounts)
