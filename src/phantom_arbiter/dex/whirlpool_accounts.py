"""Orca Whirlpool accounts: bytes of a pool and of its tick arrays, fixed or dynamic → `Whirlpool` and `TickArray`.

Layout: the IDL (0.9.0) of ``Whirlpool`` (653 bytes), ``TickArray`` (9,988), ``DynamicTickArray`` (148 and 112 more for
each initialized tick) and ``Oracle`` (254), which a pool with an adaptive fee has; the program and its immutable copy
share it. What positions need (growth of fees and rewards, reward mints) is not read.

Verified: a real pool's bytes; program, for the swaps of `whirlpool` on fixed and on dynamic arrays, and of
`whirlpool_adaptive_fee` on oracles. What the IDL does not explain in a dynamic array is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import Struct as Layout
from typing import Final

from msgspec import Struct

from phantom_arbiter.dex.account_bytes import check_account, within
from phantom_arbiter.dex.pool import AccountError
from phantom_arbiter.dex.tick_math import (
    MAX_SQRT_PRICE_X64,
    MAX_TICK,
    MIN_SQRT_PRICE_X64,
    MIN_TICK,
    sqrt_price_at_tick,
    tick_at_sqrt_price,
)
from phantom_arbiter.dex.whirlpool import (
    MAX_FEE_PPM,
    MAX_PROTOCOL_FEE_BPS,
    TICKS_PER_ARRAY,
    TickArray,
    Whirlpool,
    tick_array,
    with_tick_arrays,
)
from phantom_arbiter.dex.whirlpool_adaptive_fee import (
    CONTROL_SCALE,
    REDUCTION_SCALE,
    AdaptiveFee,
)

PROGRAM_ID: Final = "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc"
IMMUTABLE_PROGRAM_ID: Final = "iwhrLHdsgrvmnwU8GF2FSmyabSMjfHwFGJAX2ufJ3ZN"
POOL_BYTES: Final = 653
FIXED_ARRAY_BYTES: Final = 9_988
MIN_DYNAMIC_ARRAY_BYTES: Final = 148
MAX_DYNAMIC_ARRAY_BYTES: Final = 10_004
ORACLE_BYTES: Final = 254

_PROGRAM_IDS: Final = (PROGRAM_ID, IMMUTABLE_PROGRAM_ID)
_POOL: Final = "Whirlpool pool"
_ARRAY: Final = "Whirlpool tick array"
_ORACLE: Final = "Whirlpool oracle"
_POOL_MARK: Final = bytes((63, 149, 209, 12, 225, 128, 99, 9))
_FIXED_MARK: Final = bytes((69, 97, 189, 190, 110, 7, 66, 187))
_DYNAMIC_MARK: Final = bytes((17, 216, 246, 142, 225, 199, 218, 56))
_ORACLE_MARK: Final = bytes((139, 194, 131, 179, 140, 179, 229, 244))
_HEAD: Final = Layout("<HHHH16s16siQQ32s32s16x32s32s")  # from tick_spacing to token_vault_b
_HEAD_AT: Final = 41
_FIXED_TICK_BYTES: Final = 113
_FIXED_POOL_AT: Final = 12 + TICKS_PER_ARRAY * _FIXED_TICK_BYTES
_DYNAMIC_BITMAP_AT: Final = 44
_DYNAMIC_TICKS_AT: Final = 60
_DYNAMIC_TICK_BYTES: Final = 112
_ORACLE_AT: Final = 40
_MAX_U32: Final = 2**32 - 1
_ORACLE_NUMBERS: Final = Layout("<QHHHIIHH16xQQIiI")  # from trade_enable_timestamp to volatility_accumulator


class WhirlpoolAccount(Struct, frozen=True, gc=False):
    """A pool's account: who it is (32-byte addresses, and the owning program in base58) and its state, no ticks yet and
    no adaptive fee; ``has_oracle`` says whether an account of that goes with it."""

    address: bytes
    owner: str
    token_a_mint: bytes
    token_b_mint: bytes
    token_a_vault: bytes
    token_b_vault: bytes
    has_oracle: bool
    pool: Whirlpool


def decode_pool(data: bytes, owner: str, address: bytes) -> WhirlpoolAccount:
    """The pool at ``address`` (32 bytes); ``owner`` is the owning program in base58.

    Raises AccountError for a wrong owner, length or discriminator, a value out of range, and a tick that is not the
    price's.
    """
    check_account(_POOL, data, owner, owners=_PROGRAM_IDS, lengths=(POOL_BYTES,), discriminators=(_POOL_MARK,))
    spacing, tier, fee, protocol_fee, liquidity, price, tick, owed_a, owed_b, *addresses = _HEAD.unpack_from(
        data, _HEAD_AT
    )
    mint_a, vault_a, mint_b, vault_b = addresses
    within(_POOL, "tick_spacing", spacing, 1, 65_535)
    sqrt_price_x64 = int.from_bytes(price, "little")
    within(_POOL, "fee_rate", fee, 0, MAX_FEE_PPM)
    within(_POOL, "protocol_fee_rate", protocol_fee, 0, MAX_PROTOCOL_FEE_BPS)
    within(_POOL, "sqrt_price", sqrt_price_x64, MIN_SQRT_PRICE_X64, MAX_SQRT_PRICE_X64)
    _check_tick(tick, sqrt_price_x64)
    if not mint_a < mint_b:
        raise AccountError(_POOL, "token_mint_b", mint_b.hex(), f"an address above token_mint_a's {mint_a.hex()}")
    pool = Whirlpool(
        spacing, fee, protocol_fee, int.from_bytes(liquidity, "little"), sqrt_price_x64, tick, owed_a, owed_b
    )
    has_oracle = tier != spacing  # the tiers without an adaptive fee are named by their tick spacing
    return WhirlpoolAccount(address, owner, mint_a, mint_b, vault_a, vault_b, has_oracle, pool)


def decode_tick_array(data: bytes, owner: str, account: WhirlpoolAccount) -> TickArray:
    """A tick array of that pool, of either kind. (One that does not exist on chain is ``TickArray(start_tick)``.)

    Raises AccountError for a wrong owner, length or discriminator, another pool's array, a start that the pool's
    spacing does not have, and ticks that are damaged.
    """
    if owner != account.owner:
        raise AccountError(_ARRAY, "owner", owner, f"{account.owner}, as the pool")
    mark = data[:8]
    if mark == _FIXED_MARK:
        if len(data) != FIXED_ARRAY_BYTES:
            raise AccountError(_ARRAY, "length", len(data), f"{FIXED_ARRAY_BYTES} bytes of a fixed array")
        whirlpool, ticks = data[_FIXED_POOL_AT:], _fixed_ticks(data)
    elif mark == _DYNAMIC_MARK:
        if not MIN_DYNAMIC_ARRAY_BYTES <= len(data) <= MAX_DYNAMIC_ARRAY_BYTES:
            expected = f"{MIN_DYNAMIC_ARRAY_BYTES} to {MAX_DYNAMIC_ARRAY_BYTES} bytes of a dynamic array"
            raise AccountError(_ARRAY, "length", len(data), expected)
        whirlpool, ticks = data[12:_DYNAMIC_BITMAP_AT], _dynamic_ticks(data)
    else:
        raise AccountError(_ARRAY, "discriminator", mark.hex(), f"{_FIXED_MARK.hex()} or {_DYNAMIC_MARK.hex()}")
    if whirlpool != account.address:
        raise AccountError(_ARRAY, "whirlpool", whirlpool.hex(), account.address.hex())
    return _array(_signed(data, 8, 4), ticks, account.pool.tick_spacing)


def decode_oracle(data: bytes, owner: str, account: WhirlpoolAccount) -> AdaptiveFee:
    """The adaptive fee of that pool.

    Raises AccountError for a wrong owner, length or discriminator, another pool's oracle, and numbers that the program
    lets no oracle have.
    """
    check_account(
        _ORACLE, data, owner, owners=(account.owner,), lengths=(ORACLE_BYTES,), discriminators=(_ORACLE_MARK,)
    )
    if data[8:_ORACLE_AT] != account.address:
        raise AccountError(_ORACLE, "whirlpool", data[8:_ORACLE_AT].hex(), account.address.hex())
    fee = AdaptiveFee(*_ORACLE_NUMBERS.unpack_from(data, _ORACLE_AT))
    spacing, size = account.pool.tick_spacing, fee.tick_group_size
    within(_ORACLE, "filter_period", fee.filter_seconds, 1, 65_534)
    within(_ORACLE, "decay_period", fee.decay_seconds, fee.filter_seconds + 1, 65_535)
    within(_ORACLE, "reduction_factor", fee.reduction_bps, 0, REDUCTION_SCALE - 1)
    within(_ORACLE, "adaptive_fee_control_factor", fee.control_factor, 0, CONTROL_SCALE - 1)
    if not size or spacing % size:
        raise AccountError(_ORACLE, "tick_group_size", size, f"a divisor of {spacing}, the tick spacing")
    within(_ORACLE, "max_volatility_accumulator", fee.max_volatility, 0, _MAX_U32 // size)
    within(_ORACLE, "major_swap_threshold_ticks", fee.major_swap_ticks, 1, min(spacing * TICKS_PER_ARRAY, 65_535))
    within(_ORACLE, "volatility_reference", fee.volatility_reference, 0, fee.max_volatility)
    within(_ORACLE, "volatility_accumulator", fee.volatility, 0, fee.max_volatility)
    lowest, highest = (MIN_TICK - 1) // size, MAX_TICK // size
    within(_ORACLE, "tick_group_index_reference", fee.reference_group, lowest, highest)
    return fee


def with_arrays(account: WhirlpoolAccount, arrays: Iterable[TickArray]) -> Whirlpool:
    """The state to quote: the pool knowing these arrays. Raises ValueError as `whirlpool.with_tick_arrays` does."""
    return with_tick_arrays(account.pool, arrays)


def _check_tick(tick: int, sqrt_price_x64: int) -> None:
    """A swap down onto an initialized tick leaves the price there and the tick one below."""
    at = tick_at_sqrt_price(sqrt_price_x64)
    if tick != at and not (tick == at - 1 and sqrt_price_at_tick(at) == sqrt_price_x64):
        raise AccountError(_POOL, "tick_current_index", tick, f"{at}, the tick of sqrt_price {sqrt_price_x64}")


def _array(start: int, ticks: Iterable[tuple[int, int, int]], spacing: int) -> TickArray:
    span = spacing * TICKS_PER_ARRAY
    if start % span or not MIN_TICK - span < start <= MAX_TICK:
        raise AccountError(_ARRAY, "start_tick_index", start, f"a multiple of {span} within ±{MAX_TICK}")
    pairs = []
    for place, net, gross in ticks:
        tick = start + place * spacing
        within(_ARRAY, f"ticks[{place}], its tick", tick, MIN_TICK, MAX_TICK)
        if gross == 0 or abs(net) > gross:
            expected = f"at least 1 and the {abs(net)} of liquidity_net"
            raise AccountError(_ARRAY, f"ticks[{place}].liquidity_gross", gross, expected)
        pairs.append((tick, net))
    return tick_array(start, pairs)


def _fixed_ticks(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(place, liquidity_net, liquidity_gross) of initialized ticks."""
    for place in range(TICKS_PER_ARRAY):
        at = 12 + place * _FIXED_TICK_BYTES
        within(_ARRAY, f"ticks[{place}].initialized", data[at], 0, 1)
        if data[at]:
            yield place, _signed(data, at + 1, 16), int.from_bytes(data[at + 17 : at + 33], "little")


def _dynamic_ticks(data: bytes) -> Iterator[tuple[int, int, int]]:
    """The same; the bitmap must agree, and nothing but zeros may follow the last tick."""
    bitmap = int.from_bytes(data[_DYNAMIC_BITMAP_AT:_DYNAMIC_TICKS_AT], "little")
    if bitmap >> TICKS_PER_ARRAY:
        raise AccountError(_ARRAY, "tick_bitmap", f"{bitmap:#x}", f"no bit above {TICKS_PER_ARRAY - 1}")
    needed = MIN_DYNAMIC_ARRAY_BYTES + bitmap.bit_count() * _DYNAMIC_TICK_BYTES
    if len(data) < needed:
        raise AccountError(_ARRAY, "length", len(data), f"at least {needed} bytes for the ticks of tick_bitmap")
    at = _DYNAMIC_TICKS_AT
    for place in range(TICKS_PER_ARRAY):
        if data[at] != bitmap >> place & 1:
            raise AccountError(_ARRAY, f"ticks[{place}]", data[at], f"{bitmap >> place & 1}, as tick_bitmap says")
        if data[at]:
            yield place, _signed(data, at + 1, 16), int.from_bytes(data[at + 17 : at + 33], "little")
            at += _DYNAMIC_TICK_BYTES
        at += 1
    if any(data[at:]):
        raise AccountError(_ARRAY, "bytes after the ticks", data[at:].hex()[:32], "zeros")


def _signed(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little", signed=True)
