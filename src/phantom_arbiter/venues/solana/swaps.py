"""One pool's account and an order → the swap instruction of its own program, with what it should cost to run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from msgspec import Struct
from solders.instruction import Instruction
from solders.pubkey import Pubkey

from phantom_arbiter.core.events import AccountRead
from phantom_arbiter.dex import (
    meteora_damm_v2_accounts,
    meteora_dlmm_accounts,
    raydium_accounts,
    raydium_clmm_accounts,
    whirlpool_accounts,
)
from phantom_arbiter.dex.meteora_dlmm import DlmmPool
from phantom_arbiter.dex.pools import PoolState
from phantom_arbiter.dex.raydium_clmm import ClmmPool
from phantom_arbiter.venues.solana.instructions import (
    meteora_damm_v2,
    meteora_dlmm,
    raydium_amm_v4,
    raydium_clmm,
    raydium_cpmm,
    whirlpool,
)
from phantom_arbiter.venues.solana.instructions.order import SwapOrder

PoolKeys = (
    whirlpool.WhirlpoolKeys
    | raydium_cpmm.CpmmKeys
    | raydium_amm_v4.AmmV4Keys
    | raydium_clmm.ClmmKeys
    | meteora_dlmm.DlmmKeys
    | meteora_damm_v2.DammV2Keys
)
"""A pool's addresses; all have ``mint_0`` and ``mint_1``."""


class EncodedSwap(Struct, frozen=True, gc=False):
    """A swap to put into a transaction; ``compute_units`` is the most it should take (`dex.compute_units`)."""

    instruction: Instruction
    compute_units: int


class _Program(NamedTuple):
    """A program's encoders."""

    keys: Callable[[AccountRead], Any]
    swap: Callable[[Any, SwapOrder], Instruction]


_WHIRLPOOL: Final = _Program(whirlpool.keys, whirlpool.swap)
_PROGRAMS: Final[dict[str, _Program]] = {
    whirlpool_accounts.PROGRAM_ID: _WHIRLPOOL,
    whirlpool_accounts.IMMUTABLE_PROGRAM_ID: _WHIRLPOOL,
    raydium_accounts.CPMM_PROGRAM: _Program(raydium_cpmm.keys, raydium_cpmm.swap),
    raydium_accounts.AMM_V4_PROGRAM: _Program(raydium_amm_v4.keys, raydium_amm_v4.swap),
    raydium_clmm_accounts.CLMM_PROGRAM: _Program(raydium_clmm.keys, raydium_clmm.swap),
    meteora_dlmm_accounts.PROGRAM: _Program(meteora_dlmm.keys, meteora_dlmm.swap),
    meteora_damm_v2_accounts.PROGRAM_ID: _Program(meteora_damm_v2.keys, meteora_damm_v2.swap),
}


class NoEncoder(ValueError):
    """A pool of a program that has no encoder here."""


def pool_keys(pool: AccountRead) -> PoolKeys:
    """The addresses that swaps of this pool need, from its own account's bytes.

    Raises NoEncoder for another program's account, AccountError for a pool that is not quoted either.
    """
    keys: PoolKeys = _program(pool).keys(pool)
    return keys


def swap(pool: AccountRead, keys: PoolKeys, order: SwapOrder, compute_units: int) -> EncodedSwap:
    """The instruction for ``order``, which asks for so many units."""
    return EncodedSwap(_program(pool).swap(keys, order), compute_units)


def end_of(after: PoolState) -> int | None:
    """Where a swap ends that leaves the pool like this: `SwapOrder.end`."""
    match after:
        case ClmmPool():
            return after.tick_current
        case DlmmPool():
            return after.active_id
    return None


def mint_in(keys: PoolKeys, zero_for_one: bool) -> Pubkey:
    """The mint of what the swap sells."""
    return keys.mint_0 if zero_for_one else keys.mint_1


def mint_out(keys: PoolKeys, zero_for_one: bool) -> Pubkey:
    """The mint of what the swap buys."""
    return keys.mint_1 if zero_for_one else keys.mint_0


def _program(pool: AccountRead) -> _Program:
    program = _PROGRAMS.get(pool.owner)
    if program is None:
        raise NoEncoder(f"pool {pool.address}: owner: got {pool.owner}, expected one of {', '.join(_PROGRAMS)}")
    return program
