"""Swaps that Meteora's DLMM program answered on a real pool (SOL/USDC, step 1), and the account bytes of tests."""

from __future__ import annotations

import base64
import json
import os
import struct
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from phantom_arbiter.dex import meteora_dlmm_accounts as accounts
from phantom_arbiter.dex.meteora_dlmm import BINS_PER_ARRAY, BinArray, DlmmPool, quote, with_arrays
from tests.golden.measured import Case, answered, load, measured

CHECKOUT = Path(__file__).resolve().parents[3]
FIXTURES = Path(os.environ.get("PHANTOM_FIXTURES_DIR") or CHECKOUT.parent / "shared" / "fixtures")
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

PAIR_FIELDS = {
    "base_factor": (8, "H"),
    "filter_period": (10, "H"),
    "decay_period": (12, "H"),
    "reduction_factor": (14, "H"),
    "variable_fee_control": (16, "I"),
    "max_volatility_accumulator": (20, "I"),
    "min_bin_id": (24, "i"),
    "max_bin_id": (28, "i"),
    "base_fee_power_factor": (34, "B"),
    "function_type": (35, "B"),
    "collect_fee_mode": (36, "B"),
    "volatility_accumulator": (40, "I"),
    "volatility_reference": (44, "I"),
    "index_reference": (48, "i"),
    "last_update_timestamp": (56, "q"),
    "pair_type": (75, "B"),
    "active_id": (76, "i"),
    "bin_step": (80, "H"),
    "status": (82, "B"),
    "activation_type": (86, "B"),
    "token_x_mint": (88, "32s"),
    "token_y_mint": (120, "32s"),
    "bin_array_bitmap": (584, "128s"),
    "activation_point": (816, "Q"),
    "token_mint_x_program_flag": (880, "B"),
    "token_mint_y_program_flag": (881, "B"),
    "version": (882, "B"),
}
BIN_FIELDS = {
    "amount_x": (0, "Q"),
    "amount_y": (8, "Q"),
    "price": (16, "16s"),
    "open_order_amount": (112, "Q"),
    "processed_order_remaining_amount": (128, "Q"),
    "limit_order_ask_side": (140, "B"),
}


def key(text: str) -> bytes:
    """The 32 bytes of a base58 key."""
    number = 0
    for letter in text:
        number = number * 58 + ALPHABET.index(letter)
    return number.to_bytes(32, "big")


def pair_bytes(**values: int | bytes) -> bytes:
    """An LbPair account with the named fields set, the rest as a plain pair has them."""
    plain = {"base_factor": 10_000, "bin_step": 10, "min_bin_id": -43_670, "max_bin_id": 43_670, "version": 1}
    data = bytearray(accounts.PAIR_DISCRIMINATOR.ljust(accounts.PAIR_SIZE, b"\0"))
    for name, value in (plain | values).items():
        offset, form = PAIR_FIELDS[name]
        struct.pack_into("<" + form, data, offset, value)
    return bytes(data)


def bitmap_bytes(*indices: int) -> bytes:
    return sum(1 << index + 512 for index in indices).to_bytes(128, "little")


def array_bytes(
    index: int, address: bytes, bins: Mapping[int, Mapping[str, int]] | None = None, *, version: int = 2, step: int = 10
) -> bytes:
    """A BinArray account; ``bins`` are fields by bin id. Prices are those of the step where none is told."""
    data = bytearray(accounts.ARRAY_SIZE)
    struct.pack_into("<8sqB7x32s", data, 0, accounts.ARRAY_DISCRIMINATOR, index, version, address)
    for place in range(BINS_PER_ARRAY):
        bin_id = index * BINS_PER_ARRAY + place
        values = {"price": int((1 + step / 10_000) ** bin_id * 2**64)} | dict((bins or {}).get(bin_id, {}))
        for name, value in values.items():
            offset, form = BIN_FIELDS[name]
            packed = value.to_bytes(16, "little") if name == "price" else value
            struct.pack_into("<" + form, data, 56 + 144 * place + offset, packed)
    return bytes(data)


def fixture(name: str) -> Path:
    """A file of the fixtures; skips the test where it is absent."""
    path = FIXTURES / name
    if not path.exists():
        pytest.skip(f"no {name}: PHANTOM_FIXTURES_DIR names the folder, now {FIXTURES}")
    return path


@cache
def reference() -> tuple[dict[str, Any], bytes, list[bytes]]:
    """The real pool: its facts, its pair and its 47 bin arrays."""
    facts = json.loads(fixture("meteora_dlmm_pypi/reference_HTvjzsf_SOL_USDC.json").read_text())
    arrays = [base64.b64decode(array["data"]) for array in facts["binArraysB64"]]
    return facts, base64.b64decode(facts["lbPairB64"]), arrays


@cache
def real_pool() -> DlmmPool:
    facts, pair, arrays = reference()
    return decoded(pair, arrays, key(facts["pool"]))


def decoded(pair: bytes, arrays: list[bytes], address: bytes) -> DlmmPool:
    pool = accounts.decode_pool(pair, accounts.PROGRAM, address)
    return with_arrays(pool, [decoded_array(array, address) for array in arrays])


def decoded_array(data: bytes, address: bytes) -> BinArray:
    return accounts.decode_bin_array(data, accounts.PROGRAM, address)


def cases(path: Path) -> Iterator[Case]:
    vectors = load(path)
    facts, _, _ = reference()
    assert vectors["pool"] == facts["pool"]
    for x_to_y, amount_in, program_out, _compute_units in vectors["cases"]:
        answer = quote(real_pool(), int(amount_in), x_to_y, vectors["clock"], 0)
        yield Case(f"{'X to Y' if x_to_y else 'Y to X'} {amount_in}: {answer}", measured(program_out), answered(answer))
