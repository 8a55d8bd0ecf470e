"""Orca Whirlpool: ``swap`` (IDL 0.9.0), of the main program and its immutable copy.

``swap`` and not ``swap_v2``: eleven accounts instead of fifteen, and what v2 adds (Token-2022, supplemental tick
arrays) our quotes refuse. The price limit is 0, none: an input that is not used up fails. The oracle is written where
the pool has an adaptive fee.

verified: program, both ids, in LiteSVM (``tests/svm``).
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from solders.instruction import Instruction
from solders.pubkey import Pubkey

from phantom_arbiter.core.events import AccountRead
from phantom_arbiter.dex.tick_math import MAX_TICK, MIN_TICK
from phantom_arbiter.dex.whirlpool import ARRAYS_PER_SWAP, TICKS_PER_ARRAY, first_array
from phantom_arbiter.dex.whirlpool_accounts import decode_pool
from phantom_arbiter.venues.solana.instructions.order import (
    TOKEN_PROGRAM,
    SwapOrder,
    discriminator,
    read,
    sign,
    write,
)

_SWAP: Final = discriminator("swap")
_NO_PRICE_LIMIT: Final = bytes(16)
_EXACT_INPUT: Final = b"\x01"


class WhirlpoolKeys(Struct, frozen=True, gc=False):
    """A pool's addresses and the start ticks of its first array down (0 → 1) and up."""

    program: Pubkey
    pool: Pubkey
    mint_0: Pubkey
    mint_1: Pubkey
    vault_0: Pubkey
    vault_1: Pubkey
    tick_spacing: int
    first_down: int
    first_up: int
    has_oracle: bool


def keys(pool: AccountRead) -> WhirlpoolKeys:
    """Raises AccountError where the account is no pool that can be quoted."""
    address = Pubkey.from_string(pool.address)
    account = decode_pool(pool.data, pool.owner, bytes(address))
    return WhirlpoolKeys(
        program=Pubkey.from_string(pool.owner),
        pool=address,
        mint_0=Pubkey.from_bytes(account.token_a_mint),
        mint_1=Pubkey.from_bytes(account.token_b_mint),
        vault_0=Pubkey.from_bytes(account.token_a_vault),
        vault_1=Pubkey.from_bytes(account.token_b_vault),
        tick_spacing=account.pool.tick_spacing,
        first_down=first_array(account.pool, zero_for_one=True),
        first_up=first_array(account.pool, zero_for_one=False),
        has_oracle=account.has_oracle,
    )


def tick_array(program: Pubkey, pool: Pubkey, start_tick: int) -> Pubkey:
    """The address of the tick array that starts there."""
    return Pubkey.find_program_address([b"tick_array", bytes(pool), str(start_tick).encode()], program)[0]


def oracle(program: Pubkey, pool: Pubkey) -> Pubkey:
    """The address of the pool's adaptive fee; without one there is no account."""
    return Pubkey.find_program_address([b"oracle", bytes(pool)], program)[0]


def swap_arrays(pool: WhirlpoolKeys, zero_for_one: bool) -> list[Pubkey]:
    """The three tick arrays of a swap; where the range of prices ends, the last one again."""
    span = pool.tick_spacing * TICKS_PER_ARRAY
    start, step = (pool.first_down, -span) if zero_for_one else (pool.first_up, span)
    starts = [start]
    for _ in range(ARRAYS_PER_SWAP - 1):
        ahead = starts[-1] + step
        starts.append(ahead if MIN_TICK - span < ahead <= MAX_TICK else starts[-1])
    return [tick_array(pool.program, pool.pool, start) for start in starts]


def swap(pool: WhirlpoolKeys, order: SwapOrder) -> Instruction:
    """Sell token A for B where ``order.zero_for_one``."""
    owner_a, owner_b = (order.source, order.destination) if order.zero_for_one else (order.destination, order.source)
    accounts = [
        read(TOKEN_PROGRAM),
        sign(order.payer),
        write(pool.pool),
        write(owner_a),
        write(pool.vault_0),
        write(owner_b),
        write(pool.vault_1),
        *[write(array) for array in swap_arrays(pool, order.zero_for_one)],
        (write if pool.has_oracle else read)(oracle(pool.program, pool.pool)),
    ]
    data = _SWAP + order.amounts() + _NO_PRICE_LIMIT + _EXACT_INPUT + bytes([order.zero_for_one])
    return Instruction(pool.program, data, accounts)
