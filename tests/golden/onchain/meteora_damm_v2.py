"""Meteora DAMM v2: swaps of the program's build of 2026-03 on a real SOL/USDC pool, each from the same state."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from phantom_arbiter.dex.meteora_damm_v2 import quote
from phantom_arbiter.dex.meteora_damm_v2_accounts import PROGRAM_ID, decode_pool
from tests.golden.measured import Case, answered, load, measured

CHECKOUT = Path(__file__).resolve().parents[3]
FIXTURES = Path(os.environ.get("PHANTOM_FIXTURES_DIR") or CHECKOUT.parent / "shared" / "fixtures")
POOL = FIXTURES / "meteora_zap_program" / "damm_v2_pool_8Pm2kZpnxD3hoMmt4bjStX2Pw2Z9abpbHzZxMPqxPmie.bin"


def cases(path: Path) -> Iterator[Case]:
    """Every swap of the file: [1 if A to B, amount in, output]."""
    if not POOL.is_file():
        pytest.skip(f"no pool account: {POOL} is absent (PHANTOM_FIXTURES_DIR names the folder)")
    vectors = load(path)
    pool = decode_pool(POOL.read_bytes(), PROGRAM_ID)
    for a_to_b, amount_in, out in vectors["cases"]:
        answer = quote(pool, int(amount_in), bool(a_to_b), unix_time_s=vectors["ts"], slot=vectors["slot"])
        yield Case(f"{a_to_b} {amount_in}", measured(out), answered(answer))
