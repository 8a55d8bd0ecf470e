"""Raydium CLMM: raw account bytes, as the program of 2024-11 had them before each swap."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

from phantom_arbiter.dex import raydium_clmm
from phantom_arbiter.dex.raydium_clmm_accounts import (
    CLMM_PROGRAM,
    clmm_pool,
    decode_clmm_config,
    decode_clmm_pool,
    decode_clmm_tick_array,
)
from tests.golden.measured import Case, answered, load, measured

UNIX_S = 1_731_000_000  # November 2024


def pool_of(case: dict) -> raydium_clmm.ClmmPool:
    """The pool to quote with."""
    account = decode_clmm_pool(case["pool"], b64decode(case["pd"]), CLMM_PROGRAM)
    config = decode_clmm_config(account.config, b64decode(case["cd"]), CLMM_PROGRAM)
    arrays = [decode_clmm_tick_array(at, b64decode(data), CLMM_PROGRAM, account) for at, data in case["ta"]]
    return clmm_pool(account, config, arrays, UNIX_S)


def cases(path: Path) -> Iterator[Case]:
    for number, case in enumerate(load(path)):
        pool, amount, zero_for_one = pool_of(case), int(case["amt"]), int(case["d"]) == 0
        answer = raydium_clmm.quote(pool, amount, zero_for_one)
        yield Case(f"{number} {case['pool']} {amount}: {answer}", measured(case["got"]), answered(answer))
