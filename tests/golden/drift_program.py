"""Drift's own program (v2.156.0, compiled for x86_64 Linux) through ctypes: what our integers are compared with.

The library's exports are those of drift-ffi-sys (``src/exports.rs``). Offsets are those of the zero-copy accounts in
the program's IDL, without the 8-byte discriminator; 128-bit integers are aligned to 8 in accounts. A Rust result is a
tag (0: ok) and, at the payload's alignment, the value.
"""

from __future__ import annotations

import ctypes
import hashlib
import struct
from collections.abc import Mapping, Sequence
from ctypes import POINTER, c_bool, c_int64, c_uint8, c_uint32, c_uint64, c_void_p
from functools import cache
from pathlib import Path

import pytest

from phantom_arbiter.core.health import Exposure, Holding, MarginAccount
from phantom_arbiter.core.perp.margin import MarginType, MarketMargin
from phantom_arbiter.core.perp.spot import CollateralWeight

LIBRARY = Path(__file__).resolve().parents[2] / ".oracles" / "libdrift_ffi_sys.so"
PROGRAM_ID = bytes.fromhex("0954dbbe9ec960c98a7a293fe21336966fe180d151ae4b8179561f89854a53f6")
TYPES = {MarginType.INITIAL: 0, MarginType.FILL: 1, MarginType.MAINTENANCE: 2}
LAZER_ORACLE, ACTIVE, QUOTE_DOLLAR_E10 = 12, 1, 10**10

PERP_MARKET = {
    "pubkey": (0, "32s"),
    "oracle": (32, "32s"),
    "last_oracle_price": (64, "q"),
    "quote_asset_amount": (376, "16s"),
    "funding_long": (600, "16s"),
    "funding_short": (616, "16s"),
    "oracle_source": (918, "B"),
    "pnl_max_imbalance": (1064, "Q"),
    "imf_factor": (1112, "I"),
    "pnl_imf_factor": (1116, "I"),
    "margin_initial": (1128, "I"),
    "margin_maintenance": (1132, "I"),
    "pnl_initial_weight": (1136, "I"),
    "pnl_maintenance_weight": (1140, "I"),
    "market_index": (1152, "H"),
    "status": (1154, "B"),
}
SPOT_MARKET = {
    "oracle": (32, "32s"),
    "deposit_balance": (424, "16s"),
    "deposit_interest": (456, "16s"),
    "borrow_interest": (472, "16s"),
    "asset_initial": (632, "I"),
    "asset_maintenance": (636, "I"),
    "liability_initial": (640, "I"),
    "liability_maintenance": (644, "I"),
    "imf_factor": (648, "I"),
    "decimals": (672, "I"),
    "market_index": (676, "H"),
    "oracle_source": (679, "B"),
    "status": (680, "B"),
    "scale_start": (712, "Q"),
}
PERP_POSITION = {
    "base": (8, "q"),
    "quote": (16, "q"),
    "quote_entry": (32, "q"),
    "open_bids": (40, "q"),
    "open_asks": (48, "q"),
    "market_index": (92, "H"),
    "open_orders": (94, "B"),
}
SPOT_POSITION = {"scaled_balance": (0, "Q"), "market_index": (32, "H"), "balance_type": (34, "B")}
ORDER = {
    "slot": (0, "Q"),
    "auction_start": (48, "q"),
    "auction_end": (56, "q"),
    "order_type": (83, "B"),
    "direction": (87, "B"),
    "auction_duration": (92, "B"),
}
LAZER = {"price": (0, "q"), "posted_slot": (16, "Q"), "exponent": (24, "i")}
SIZES = {"PerpMarket": 1208, "SpotMarket": 768, "PythLazerOracle": 40, "PerpPosition": 96, "SpotPosition": 40}
USER_SIZE, USER_SPOTS, USER_PERPS = 4368, 96, 416


def packed(size: int, layout: Mapping[str, tuple[int, str]], **values: int | bytes) -> bytearray:
    """Zeros of that size with the named fields set; ``16s`` takes a signed integer."""
    body = bytearray(size)
    for name, value in values.items():
        offset, form = layout[name]
        wide = form == "16s" and isinstance(value, int)
        struct.pack_into("<" + form, body, offset, value.to_bytes(16, "little", signed=True) if wide else value)
    return body


def perp_market(market: MarketMargin, **more: int | bytes) -> bytearray:
    """The program's account of a market with our parameters."""
    return packed(
        SIZES["PerpMarket"],
        PERP_MARKET,
        imf_factor=market.imf_e6,
        pnl_imf_factor=market.pnl_imf_e6,
        margin_initial=market.initial_bps,
        margin_maintenance=market.maintenance_bps,
        pnl_initial_weight=market.pnl_initial_bps,
        pnl_maintenance_weight=market.pnl_maintenance_bps,
        pnl_max_imbalance=market.pnl_max_imbalance_atoms,
        status=ACTIVE,
        oracle_source=LAZER_ORACLE,
        **more,
    )


def spot_market(weight: CollateralWeight, decimals: int, **more: int | bytes) -> bytearray:
    """The program's account of a spot market with our parameters; interest has not begun unless told."""
    interest = {"deposit_interest": QUOTE_DOLLAR_E10, "borrow_interest": QUOTE_DOLLAR_E10}
    return packed(
        SIZES["SpotMarket"],
        SPOT_MARKET,
        asset_initial=weight.initial_bps,
        asset_maintenance=weight.maintenance_bps,
        liability_initial=weight.debt_initial_bps,
        liability_maintenance=weight.debt_maintenance_bps,
        imf_factor=weight.imf_e6,
        scale_start=weight.scale_start_atoms,
        decimals=decimals,
        status=ACTIVE,
        oracle_source=LAZER_ORACLE,
        **(interest | more),
    )


class _Narrow(ctypes.Structure):
    _fields_ = (("tag", c_uint8), ("value", c_uint32))


class _Half(ctypes.Structure):
    _fields_ = (("tag", c_uint8), ("value", c_uint64))


class _Wide(ctypes.Structure):
    _fields_ = (("tag", c_uint8), ("_pad", c_uint64), ("low", c_uint64), ("high", c_int64))


class _Margin(ctypes.Structure):
    _fields_ = (("tag", c_uint8), ("_pad", c_uint64), ("collateral", c_uint64 * 2), ("requirement", c_uint64 * 2))
    _fields_ += (("_rest", c_uint8 * 2048),)


class _Optional(ctypes.Structure):
    _fields_ = (("none", c_uint8), ("value", c_int64))


class _Account(ctypes.Structure):
    _fields_ = (("key", c_uint8 * 32), ("lamports", c_uint64), ("capacity", c_uint64), ("data", c_void_p))
    _fields_ += (("length", c_uint64), ("owner", c_uint8 * 32), ("executable", c_bool), ("rent_epoch", c_uint64))


class _Slice(ctypes.Structure):
    _fields_ = (("first", POINTER(_Account)), ("length", c_uint64))


class _Accounts(ctypes.Structure):
    _fields_ = (("perps", _Slice), ("spots", _Slice), ("oracles", _Slice), ("guard_rails", c_uint64 * 7))
    _fields_ += (("slot", c_uint64),)


def _halves(value: int) -> tuple[int, int]:
    return value & (2**64 - 1), value >> 64


def _pointer(body: bytes | bytearray) -> ctypes.Array[ctypes.c_char]:
    return ctypes.create_string_buffer(bytes(body), len(body))


class Program:
    """The program's functions; each answers None where the program answers with an error."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library

    def _call(self, name: str, result: type[ctypes.Structure], *arguments: object) -> ctypes.Structure | None:
        function = getattr(self._library, name)
        function.restype = result
        answer = function(*arguments)
        return answer if answer.tag == 0 else None

    def _signed(self, name: str, *arguments: object) -> int | None:
        answer = self._call(name, _Wide, *arguments)
        return None if answer is None else (answer.high << 64) + answer.low

    def _value(self, name: str, result: type[ctypes.Structure], *arguments: object) -> int | None:
        answer = self._call(name, result, *arguments)
        return None if answer is None else answer.value

    def margin_ratio_bps(self, market: bytearray, base_atoms: int, margin_type: MarginType) -> int | None:
        low, high = _halves(abs(base_atoms))
        arguments = _pointer(market), c_uint64(low), c_uint64(high), c_uint8(TYPES[margin_type]), c_bool(False)
        return self._value("perp_market_get_margin_ratio", _Narrow, *arguments)

    def asset_weight_bps(self, market: bytearray, atoms: int, px: int, margin_type: MarginType) -> int | None:
        low, high = _halves(atoms)
        arguments = _pointer(market), c_uint64(low), c_uint64(high), c_int64(px), c_uint8(TYPES[margin_type])
        return self._value("spot_market_get_asset_weight", _Narrow, *arguments)

    def liability_weight_bps(self, market: bytearray, atoms: int, margin_type: MarginType) -> int | None:
        low, high = _halves(atoms)
        arguments = _pointer(market), c_uint64(low), c_uint64(high), c_uint8(TYPES[margin_type])
        return self._value("spot_market_get_liability_weight", _Narrow, *arguments)

    def token_atoms(self, market: bytearray, scaled_balance: int, *, borrowed: bool) -> int | None:
        low, high = _halves(scaled_balance)
        arguments = c_uint64(low), c_uint64(high), _pointer(market), _pointer(bytes([borrowed]))
        return self._signed("spot_balance_get_token_amount", *arguments)

    def unrealized_pnl_atoms(self, position: bytearray, oracle_px: int) -> int | None:
        return self._signed("perp_position_get_unrealized_pnl", _pointer(position), c_int64(oracle_px))

    def claimable_pnl_atoms(self, position: bytearray, oracle_px: int, pool_excess_atoms: int) -> int | None:
        low, high = _halves(pool_excess_atoms)
        arguments = _pointer(position), c_int64(oracle_px), c_uint64(low), c_int64(high)
        return self._signed("perp_position_get_claimable_pnl", *arguments)

    def worst_case_base_atoms(self, position: bytearray, oracle_px: int) -> int | None:
        arguments = _pointer(position), c_int64(oracle_px), c_uint8(0)
        return self._signed("perp_position_worst_case_base_asset_amount", *arguments)

    def auction_px(self, order: bytearray, slot: int, tick_px: int, oracle_px: int | None) -> int | None:
        oracle = _Optional(oracle_px is None, oracle_px or 0)
        arguments = _pointer(order), c_uint64(slot), c_uint64(tick_px), oracle, c_bool(False)
        return self._value("math_calculate_auction_price", _Half, *arguments)

    def collateral_and_requirement(
        self, account: MarginAccount, indices_e9: Sequence[int], margin_type: MarginType
    ) -> tuple[int, int] | None:
        """The margin of a whole account: its first holding is the quote asset, whose oracle prices ``account.quote``;
        positions begin at funding index 0 and their markets now stand at ``indices_e9``."""
        name = "math_calculate_margin_requirement_and_total_collateral_and_liability_info"
        accounts, alive = _accounts(account, indices_e9)
        mode = c_uint64(2 | TYPES[margin_type] << 32)
        answer = self._call(name, _Margin, _pointer(_user(account)), ctypes.byref(accounts), mode)
        del alive
        if answer is None:
            return None
        collateral = int.from_bytes(bytes(answer.collateral), "little", signed=True)
        return collateral, int.from_bytes(bytes(answer.requirement), "little")


def _user(account: MarginAccount) -> bytearray:
    user = bytearray(USER_SIZE)
    for index, holding in enumerate(account.holdings):
        balance = abs(holding.atoms) * 10 ** (9 - holding.decimals)
        owed = int(holding.atoms < 0)
        body = packed(40, SPOT_POSITION, scaled_balance=balance, market_index=index, balance_type=owed)
        user[USER_SPOTS + 40 * index : USER_SPOTS + 40 * (index + 1)] = body
    for index, exposure in enumerate(account.exposures):
        user[USER_PERPS + 96 * index : USER_PERPS + 96 * (index + 1)] = perp_position(exposure, market_index=index)
    return user


def perp_position(exposure: Exposure, **more: int) -> bytearray:
    """The program's record of a position."""
    return packed(
        SIZES["PerpPosition"],
        PERP_POSITION,
        base=exposure.base_atoms,
        quote=exposure.quote_atoms,
        open_bids=exposure.open_bids_atoms,
        open_asks=exposure.open_asks_atoms,
        open_orders=exposure.open_orders,
        **more,
    )


def _accounts(account: MarginAccount, indices_e9: Sequence[int]) -> tuple[_Accounts, list[object]]:
    """The markets' and oracles' accounts; the list keeps alive what they point to."""
    alive: list[object] = []
    perps, spots, oracles = [], [], []
    for index, holding in enumerate(account.holdings):
        spots.append(_account(alive, bytes([1, index]), "SpotMarket", _spot_of(index, holding)))
        px = account.quote.px if index == 0 else holding.px
        oracles.append(_account(alive, _spot_oracle(index), "PythLazerOracle", _lazer(px)))
    for index, exposure in enumerate(account.exposures):
        market = _perp_of(index, exposure, indices_e9[index])
        perps.append(_account(alive, bytes([2, index]), "PerpMarket", market))
        oracles.append(_account(alive, _perp_oracle(index), "PythLazerOracle", _lazer(exposure.oracle_px)))
    slices = [_slice(alive, rows) for rows in (perps, spots, oracles)]
    return _Accounts(*slices, slot=1), alive


def _spot_of(index: int, holding: Holding) -> bytearray:
    tokens = -(-holding.deposits_value_atoms * 10**holding.decimals // holding.px)
    return spot_market(
        holding.weight,
        holding.decimals,
        oracle=_spot_oracle(index).ljust(32, b"\0"),
        market_index=index,
        deposit_balance=tokens * 10 ** (9 - holding.decimals),
    )


def _perp_of(index: int, exposure: Exposure, index_e9: int) -> bytearray:
    return perp_market(
        exposure.margin,
        pubkey=bytes([2, index]).ljust(32, b"\0"),
        oracle=_perp_oracle(index).ljust(32, b"\0"),
        market_index=index,
        last_oracle_price=exposure.oracle_px,
        quote_asset_amount=exposure.market_pnl_atoms,
        funding_long=index_e9,
        funding_short=index_e9,
    )


def _spot_oracle(index: int) -> bytes:
    return bytes([3, index])


def _perp_oracle(index: int) -> bytes:
    return bytes([4, index])


def _lazer(px: int) -> bytearray:
    return packed(SIZES["PythLazerOracle"], LAZER, price=px, posted_slot=1, exponent=-6)


def _account(alive: list[object], key: bytes, kind: str, body: bytearray) -> _Account:
    raw = _pointer(hashlib.sha256(f"account:{kind}".encode()).digest()[:8] + bytes(body))
    alive.append(raw)
    account = _Account(lamports=1, capacity=len(raw), data=ctypes.addressof(raw), length=len(raw))
    account.key[:] = key.ljust(32, b"\0")
    account.owner[:] = PROGRAM_ID
    return account


def _slice(alive: list[object], rows: Sequence[_Account]) -> _Slice:
    array = (_Account * len(rows))(*rows)
    alive.append(array)
    return _Slice(ctypes.cast(array, POINTER(_Account)), len(rows))


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(str(LIBRARY))


def load() -> Program:
    """The program; skips the test where it was not fetched."""
    if not LIBRARY.exists():
        pytest.skip("Drift's compiled program is not here (Linux on x86_64 only): run 'make oracles'")
    return Program(_library())
