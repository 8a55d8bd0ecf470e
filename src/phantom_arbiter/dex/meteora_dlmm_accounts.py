"""Account bytes of Meteora DLMM: an LbPair (904 B) and its BinArrays (10,136 B, 70 bins of 144 B).

Layouts: the program's IDL 0.12.0. verified: program — a pair of version 1 with bin arrays of version 2, through its
swaps; decoded only: pairs of version 0 and arrays of version 1. An array of version 1 keeps old volume counters where
version 2 has limit orders; the counters are told as orders of both sides, so that a swap that needs them is refused.
"""

from __future__ import annotations

import struct
from typing import Final

from msgspec.structs import replace

from phantom_arbiter.core.units import BPS
from phantom_arbiter.dex.account_bytes import check_account, within
from phantom_arbiter.dex.meteora_dlmm import (
    BINS_PER_ARRAY,
    Activation,
    Bin,
    BinArray,
    DlmmPool,
    FeeParameters,
    Volatility,
)
from phantom_arbiter.dex.pool import AccountError

PROGRAM: Final = "LBUZKhRxPF3XUpBCjp4YzTKgLccjZhTSDM9YuVaPwxo"

PAIR_SIZE: Final = 904
PAIR_DISCRIMINATOR: Final = bytes((33, 11, 49, 98, 181, 101, 177, 13))
PAIR_VERSIONS: Final = (0, 1)
ARRAY_SIZE: Final = 10_136
ARRAY_DISCRIMINATOR: Final = bytes((92, 142, 92, 220, 5, 148, 70, 181))
COUNTERS_VERSION: Final = 1
ORDERS_VERSION: Final = 2

MAX_BIN_STEP_BPS: Final = 400
MAX_BIN_ID: Final = 443_636
MAX_BASE_FEE_POWER: Final = 9
"""Beyond it the base fee is above its cap by any factor."""

PERMISSION: Final = 1
CUSTOMIZABLE: Final = 2
"""The pair types that wait for their activation point; 0 and 3 are permissionless."""

_FEES: Final = struct.Struct("<8xHHHHIIii2xBBB")
_VOLATILITY: Final = struct.Struct("<40xIIi4xq")
_PAIR: Final = struct.Struct("<75xBiHB3xBx32s32s")
_BITMAP: Final = slice(584, 712)
_ACTIVATION_POINT: Final = struct.Struct("<816xQ")
_FLAGS: Final = struct.Struct("<880xBBB")
_ARRAY: Final = struct.Struct("<8xqB7x32s")
_BINS_OFFSET: Final = 56
_BIN: Final = struct.Struct("<QQQQ80xQ8xQ4xB3x")
_COUNTERS: Final = struct.Struct("<QQQQ80xQQQQ")


def _check(account: str, data: bytes, owner: str, size: int, discriminator: bytes) -> None:
    check_account(account, data, owner, owners=(PROGRAM,), lengths=(size,), discriminators=(discriminator,))


def decode_pool(data: bytes, owner: str, address: bytes) -> DlmmPool:
    """The pair without its bin arrays (`with_arrays` adds them).

    ``address``: the account's own key, 32 bytes. Raises AccountError, which names the account and the field, for
    another program's account, another length or kind, a disabled pair, an unknown version, or values out of range.
    """
    account = f"DLMM LbPair {address.hex()}"
    _check(account, data, owner, PAIR_SIZE, PAIR_DISCRIMINATOR)
    pair_type, active_id, bin_step, status, activation_type, mint_x, mint_y = _PAIR.unpack_from(data)
    if status != 0:
        raise AccountError(account, "status", status, "0, enabled")
    flag_x, flag_y, version = _FLAGS.unpack_from(data)
    if version not in PAIR_VERSIONS:
        raise AccountError(account, "version", version, "0 or 1")
    within(account, "pair_type", pair_type, 0, 3)
    within(account, "activation_type", activation_type, 0, 1)
    within(account, "token_mint_x_program_flag", flag_x, 0, 1)
    within(account, "token_mint_y_program_flag", flag_y, 0, 1)
    fees, lowest, highest = _fees(account, data, bin_step)
    (point,) = _ACTIVATION_POINT.unpack_from(data)
    waits = pair_type in (PERMISSION, CUSTOMIZABLE)
    return DlmmPool(
        address=address,
        token_x_mint=mint_x,
        token_y_mint=mint_y,
        token_2022=bool(flag_x or flag_y),
        fees=fees,
        volatility=Volatility(*_VOLATILITY.unpack_from(data)),
        active_id=within(account, "active_id", active_id, lowest, highest),
        bitmap=int.from_bytes(data[_BITMAP], "little"),
        activation=Activation(point, by_time=activation_type == 1) if waits else None,
        arrays={},
    )


def _fees(account: str, data: bytes, bin_step: int) -> tuple[FeeParameters, int, int]:
    """The fee's parameters, and the lowest and the highest bin of the pair."""
    unpacked = _FEES.unpack_from(data)
    base_factor, filter_s, decay_s, reduction, control, highest_volatility = unpacked[:6]
    lowest, highest, power, function_type, collect_fee_mode = unpacked[6:]
    within(account, "function_type", function_type, 0, 2)
    fees = FeeParameters(
        bin_step_bps=within(account, "bin_step", bin_step, 1, MAX_BIN_STEP_BPS),
        base_factor=base_factor,
        base_fee_power=within(account, "base_fee_power_factor", power, 0, MAX_BASE_FEE_POWER),
        variable_fee_control=control,
        max_volatility=highest_volatility,
        filter_period_s=filter_s,
        decay_period_s=decay_s,
        reduction_bps=within(account, "reduction_factor", reduction, 0, BPS),
        collect_fee_mode=within(account, "collect_fee_mode", collect_fee_mode, 0, 1),
    )
    return fees, lowest, highest


def decode_bin_array(data: bytes, owner: str, pool: bytes) -> BinArray:
    """A bin array of the pair whose key is ``pool``. Raises AccountError like `decode_pool`, and for another pair's."""
    account = f"DLMM BinArray of {pool.hex()}"
    _check(account, data, owner, ARRAY_SIZE, ARRAY_DISCRIMINATOR)
    index, version, pair = _ARRAY.unpack_from(data)
    if pair != pool:
        raise AccountError(account, "lb_pair", pair.hex(), pool.hex())
    account = f"{account}, index {index}"
    reach = MAX_BIN_ID // BINS_PER_ARRAY + 1
    within(account, "index", index, -reach, reach)
    if version not in (COUNTERS_VERSION, ORDERS_VERSION):
        raise AccountError(account, "version", version, "1 or 2")
    decode = _bin if version == ORDERS_VERSION else _bin_with_counters
    places = range(_BINS_OFFSET, ARRAY_SIZE, _BIN.size)
    return BinArray(index, tuple([decode(account, data, offset) for offset in places]))


def _bin(account: str, data: bytes, offset: int) -> Bin:
    x, y, price_low, price_high, open_, processed, ask_side = _BIN.unpack_from(data, offset)
    if ask_side > 1:
        raise AccountError(account, f"limit_order_ask_side at byte {offset}", ask_side, "0 or 1")
    orders = tuple([atoms for atoms in (processed, open_) if atoms]) if processed or open_ else ()
    return _priced(account, offset, x, y, price_low | price_high << 64, *((orders, ()) if ask_side else ((), orders)))


def _bin_with_counters(account: str, data: bytes, offset: int) -> Bin:
    x, y, price_low, price_high, *counters = _COUNTERS.unpack_from(data, offset)
    return replace(_priced(account, offset, x, y, price_low | price_high << 64, (), ()), counters=any(counters))


def _priced(
    account: str, offset: int, x: int, y: int, price_x64: int, asks: tuple[int, ...], bids: tuple[int, ...]
) -> Bin:
    if price_x64 == 0 and (x or y):
        raise AccountError(account, f"price at byte {offset}", 0, "a price where there is liquidity")
    return Bin(x, y, price_x64, asks, bids)
