"""Raydium CLMM account bytes (pool 1,544, config 117, tick array 10,240) → a pool of `raydium_clmm`.

Layouts: the program's source of 2024-11 and of 2026-07, which gave fields to bytes that were spare before. Verified:
program (the accounts that the measured swaps ran on) and a real SOL/USDC pool of 2024. Not verified, so refused: a
dynamic fee, a fee that is not on the input; a tick with limit orders is marked and `raydium_clmm.quote` stops there.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct as Layout
from typing import Final

from msgspec import Struct

from phantom_arbiter.dex.account_bytes import AccountBytes
from phantom_arbiter.dex.pool import AccountError
from phantom_arbiter.dex.raydium_accounts import AMM_CONFIG, POOL_STATE
from phantom_arbiter.dex.raydium_clmm import (
    FEE_DENOMINATOR,
    MAX_SQRT_PRICE_X64,
    MAX_TICK,
    MIN_SQRT_PRICE_X64,
    MIN_TICK,
    ClmmPool,
    ClmmTick,
    sqrt_price_at_tick,
)

CLMM_PROGRAM: Final = "CAMMCzo5YL8w4VFF8KVHrK22GGUsp5VTaW7grrKgrWqK"
TICK_ARRAY_STATE: Final = bytes.fromhex("c09b55cd31f9812a")
POOL_BYTES: Final = 1544
CONFIG_BYTES: Final = 117
TICK_ARRAY_BYTES: Final = 10_240
TICKS_PER_ARRAY: Final = 60
MAX_TICK_SPACING: Final = 1_000
BITMAP_ARRAYS: Final = 1_024

_SWAP_OFF: Final = 1 << 4
_WHOLE_RANGE_SPACING: Final = 15
"""From this tick spacing on, the pool's own bitmap covers every tick."""
# tick, liquidity_net, liquidity_gross, growths, order_phase, orders_amount, part_filled_orders_remaining, rest
_TICK: Final = Layout("<i16s16s80x8xQQ28x")


class ClmmPoolAccount(Struct, frozen=True, gc=False):
    """A pool that swaps; bit n of ``tick_array_bitmap`` is the array that starts at (n − 512)·60·tick_spacing."""

    address: str
    config: str
    mint_0: str
    mint_1: str
    vault_0: str
    vault_1: str
    mint_0_decimals: int
    mint_1_decimals: int
    tick_spacing: int
    liquidity: int
    sqrt_price_x64: int
    tick_current: int
    tick_array_bitmap: int
    opens_unix_s: int


class ClmmConfig(Struct, frozen=True, gc=False):
    """Rates in 1e-6: of the input, and of the trade fee for ``protocol_fee_rate`` and ``fund_fee_rate``."""

    address: str
    tick_spacing: int
    trade_fee_rate: int
    protocol_fee_rate: int
    fund_fee_rate: int


class ClmmTickArray(Struct, frozen=True, gc=False):
    """The initialized ticks of an array, ascending."""

    address: str
    pool: str
    start_tick: int
    tick_spacing: int
    ticks: tuple[ClmmTick, ...]


def decode_clmm_pool(address: str, data: bytes, owner: str) -> ClmmPoolAccount:
    """Raises AccountError for other bytes, swaps switched off, a dynamic fee, a fee on the output, or a price and a
    tick that disagree."""
    pool = AccountBytes(
        f"Raydium CLMM pool {address}", data, owner, program=CLMM_PROGRAM, length=POOL_BYTES, discriminator=POOL_STATE
    )
    status, fee_on, dynamic_fee = data[389], data[390], data[1096:1176]
    pool.expect("status", status, not status & _SWAP_OFF, "swaps not disabled (bit 4 unset)")
    pool.expect("fee_on", fee_on, fee_on == 0, "0 (on the input): no vectors cover another")
    pool.expect("dynamic_fee_info", dynamic_fee.hex(), not any(dynamic_fee), "none: no vectors cover a dynamic fee")
    spacing, price, tick = pool.uint(235, 2), pool.uint(253, 16), pool.sint(269, 4)
    pool.expect("tick_spacing", spacing, 1 <= spacing <= MAX_TICK_SPACING, f"1 to {MAX_TICK_SPACING}")
    in_range = MIN_SQRT_PRICE_X64 <= price < MAX_SQRT_PRICE_X64
    pool.expect("sqrt_price_x64", price, in_range, f"{MIN_SQRT_PRICE_X64} to {MAX_SQRT_PRICE_X64 - 1}")
    pool.expect("tick_current", tick, _agree(price, tick), "the tick of sqrt_price_x64, or one below at its edge")
    return ClmmPoolAccount(
        address=address,
        config=pool.address(9),
        mint_0=pool.address(73),
        mint_1=pool.address(105),
        vault_0=pool.address(137),
        vault_1=pool.address(169),
        mint_0_decimals=data[233],
        mint_1_decimals=data[234],
        tick_spacing=spacing,
        liquidity=pool.uint(237, 16),
        sqrt_price_x64=price,
        tick_current=tick,
        tick_array_bitmap=pool.uint(904, 128),
        opens_unix_s=pool.uint(1080, 8),
    )


def _agree(price: int, tick: int) -> bool:
    """A swap that ends exactly on a tick from above leaves the tick below as the current one."""
    if not MIN_TICK - 1 <= tick < MAX_TICK:
        return False
    floor = sqrt_price_at_tick(tick) if tick >= MIN_TICK else 0
    return floor <= price <= sqrt_price_at_tick(tick + 1)


def decode_clmm_config(address: str, data: bytes, owner: str) -> ClmmConfig:
    """Raises AccountError for other bytes or rates that are no fraction."""
    config = AccountBytes(
        f"Raydium CLMM config {address}",
        data,
        owner,
        program=CLMM_PROGRAM,
        length=CONFIG_BYTES,
        discriminator=AMM_CONFIG,
    )
    offsets = {"trade_fee_rate": 47, "protocol_fee_rate": 43, "fund_fee_rate": 53}
    rates = {name: config.uint(offset, 4) for name, offset in offsets.items()}
    for name, rate in rates.items():
        config.expect(name, rate, rate < FEE_DENOMINATOR, "below 1,000,000")
    spacing = config.uint(51, 2)
    config.expect("tick_spacing", spacing, 1 <= spacing <= MAX_TICK_SPACING, f"1 to {MAX_TICK_SPACING}")
    return ClmmConfig(address, spacing, **rates)


def decode_clmm_tick_array(address: str, data: bytes, owner: str, pool: ClmmPoolAccount) -> ClmmTickArray:
    """Raises AccountError for other bytes, another pool's array, or ticks that are not where they belong."""
    array = AccountBytes(
        f"Raydium CLMM tick array {address}",
        data,
        owner,
        program=CLMM_PROGRAM,
        length=TICK_ARRAY_BYTES,
        discriminator=TICK_ARRAY_STATE,
    )
    belongs, start, span = array.address(8), array.sint(40, 4), TICKS_PER_ARRAY * pool.tick_spacing
    array.expect("pool_id", belongs, belongs == pool.address, pool.address)
    array.expect("start_tick_index", start, start % span == 0, f"a multiple of {span}")
    ticks = []
    for slot, (index, net, gross, *orders) in enumerate(_TICK.iter_unpack(data[44:10_124])):
        has_orders = any(orders)
        references, change = int.from_bytes(gross, "little"), int.from_bytes(net, "little", signed=True)
        array.expect(f"ticks[{slot}].liquidity_net", change, abs(change) <= references, f"within ±{references}")
        if not references and not has_orders:
            continue
        at = start + slot * pool.tick_spacing
        array.expect(f"ticks[{slot}].tick", index, index == at and abs(at) <= MAX_TICK, f"{at}, within ±{MAX_TICK}")
        ticks.append(ClmmTick(index, sqrt_price_at_tick(index), change, has_orders))
    return ClmmTickArray(address, belongs, start, pool.tick_spacing, tuple(ticks))


def clmm_pool(pool: ClmmPoolAccount, config: ClmmConfig, arrays: Iterable[ClmmTickArray], unix_s: int) -> ClmmPool:
    """The pool to quote with: the arrays that the bitmap names, outwards from the price up to the first one missing.

    Raises AccountError for another pool's array, another config, or a pool that is not open yet.
    """
    account = f"Raydium CLMM pool {pool.address}"
    if (config.address, config.tick_spacing) != (pool.config, pool.tick_spacing):
        came, wanted = (config.address, config.tick_spacing), (pool.config, pool.tick_spacing)
        raise AccountError(account, "config", came, f"{wanted}")
    if unix_s <= pool.opens_unix_s:
        raise AccountError(account, "open_time", pool.opens_unix_s, f"before now, {unix_s}")
    given: dict[int, ClmmTickArray] = {}
    for array in arrays:
        if (array.pool, array.tick_spacing) != (pool.address, pool.tick_spacing):
            raise AccountError(f"Raydium CLMM tick array {array.address}", "pool_id", array.pool, pool.address)
        given[array.start_tick] = array
    below, end_below = _known(pool, given, upwards=False)
    above, end_above = _known(pool, given, upwards=True)
    return ClmmPool(
        fee_rate=config.trade_fee_rate,
        liquidity=pool.liquidity,
        sqrt_price_x64=pool.sqrt_price_x64,
        tick_current=pool.tick_current,
        ticks=tuple(sorted({*below, *above}, key=lambda tick: tick.index)),
        end_below=end_below,
        end_above=end_above,
    )


def _known(pool: ClmmPoolAccount, given: dict[int, ClmmTickArray], *, upwards: bool) -> tuple[list[ClmmTick], str]:
    """All ticks from the current array on, and why there are no more."""
    span = TICKS_PER_ARRAY * pool.tick_spacing
    current = pool.tick_current // span + BITMAP_ARRAYS // 2
    if not 0 <= current < BITMAP_ARRAYS:
        return [], "the price is outside of the pool's own tick array bitmap"
    ahead = pool.tick_array_bitmap
    ahead = ahead >> current << current if upwards else ahead & ((2 << current) - 1)
    ticks: list[ClmmTick] = []
    while ahead:
        bit = (ahead & -ahead if upwards else ahead).bit_length() - 1
        ahead ^= 1 << bit
        start = (bit - BITMAP_ARRAYS // 2) * span
        array = given.get(start)
        if array is None:
            return ticks, f"the tick array that starts at {start} is not known"
        if not array.ticks and bit != current:
            return ticks, f"the tick array that starts at {start} is empty: the program fails on it"
        ticks += array.ticks
    end = "no liquidity further out" if pool.tick_spacing >= _WHOLE_RANGE_SPACING else "the pool's own bitmap ends"
    return ticks, end
