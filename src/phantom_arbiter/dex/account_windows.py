"""Which tick or bin arrays a pool's price needs: those that swaps of both directions reach first."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

from phantom_arbiter.dex import meteora_dlmm, raydium_clmm_accounts, whirlpool
from phantom_arbiter.dex.meteora_dlmm import DlmmPool
from phantom_arbiter.dex.raydium_clmm_accounts import ClmmPoolAccount
from phantom_arbiter.dex.tick_math import MAX_TICK, MIN_TICK
from phantom_arbiter.dex.whirlpool import Whirlpool

EACH_WAY: Final = 3
"""Arrays ahead of the price in a direction: what one Whirlpool swap may use, and as much as fits a transaction."""


def whirlpool_starts(pool: Whirlpool, each_way: int = EACH_WAY) -> tuple[int, ...]:
    """Start ticks, ascending: ``each_way`` arrays from the first one of each direction, as far as ticks go."""
    span = pool.tick_spacing * whirlpool.TICKS_PER_ARRAY
    down, up = (whirlpool.first_array(pool, zero_for_one) for zero_for_one in (True, False))
    starts = {first + step * span for first, sign in ((down, -1), (up, 1)) for step in range(0, sign * each_way, sign)}
    return tuple(sorted(start for start in starts if MIN_TICK - span < start <= MAX_TICK))


def clmm_starts(pool: ClmmPoolAccount, each_way: int = EACH_WAY) -> tuple[int, ...]:
    """Start ticks, ascending, of arrays with liquidity: the pool's own bitmap names them."""
    span, middle = raydium_clmm_accounts.TICKS_PER_ARRAY * pool.tick_spacing, raydium_clmm_accounts.BITMAP_ARRAYS // 2
    return tuple(
        (bit - middle) * span for bit in _nearest(pool.tick_array_bitmap, pool.tick_current // span + middle, each_way)
    )


def dlmm_indices(pool: DlmmPool, each_way: int = EACH_WAY) -> tuple[int, ...]:
    """Indices, ascending, of bin arrays with liquidity: the pair's own bitmap names them."""
    middle = meteora_dlmm.BITMAP_ARRAYS
    active = pool.active_id // meteora_dlmm.BINS_PER_ARRAY + middle
    return tuple(bit - middle for bit in _nearest(pool.bitmap, active, each_way))


def _nearest(bitmap: int, middle: int, each_way: int) -> list[int]:
    """Up to ``each_way`` set bits at or below ``middle`` and as many at or above it, ascending."""
    below = bitmap & ((2 << middle) - 1) if middle >= 0 else 0
    above = bitmap >> middle << middle if middle >= 0 else bitmap
    return sorted({*islice(_set_bits(below, from_top=True), each_way), *islice(_set_bits(above), each_way)})


def _set_bits(bitmap: int, *, from_top: bool = False) -> Iterator[int]:
    while bitmap:
        bit = (bitmap if from_top else bitmap & -bitmap).bit_length() - 1
        yield bit
        bitmap ^= 1 << bit
