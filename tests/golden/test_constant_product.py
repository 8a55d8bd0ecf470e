"""Every vector measured on the real Raydium programs, answered atom for atom."""

import gzip
import json
import os
from pathlib import Path

import pytest

from phantom_arbiter.dex.constant_product import (
    ConstantProductPool,
    Refusal,
    quote,
    raydium_amm_v4_pool,
    raydium_cpmm_pool,
)

CHECKOUT = Path(__file__).resolve().parents[2]
GOLDEN_DIR = Path(os.environ.get("PHANTOM_GOLDEN_DIR", CHECKOUT.parent / "shared" / "golden"))


def load(name):
    path = GOLDEN_DIR / name
    if not path.exists():
        pytest.skip(f"no golden vectors: {path} is absent (PHANTOM_GOLDEN_DIR names the folder)")
    return json.loads(gzip.decompress(path.read_bytes()))


def check(pool: ConstantProductPool, amount_in: str, zero_for_one: bool, program_out: str | None, case) -> None:
    answer = quote(pool, int(amount_in), zero_for_one)
    if program_out in (None, "None"):
        assert isinstance(answer, Refusal), case
    else:
        assert not isinstance(answer, Refusal), (case, answer)
        assert answer.amount_out_atoms == int(program_out), case


def test_raydium_cpmm_vectors():
    cases = load("raydium_cpmm_2025-02.json.gz")
    assert len(cases) >= 100
    for case in cases:
        reserve_0, reserve_1, rate, direction, amount_in, program_out, _sdk_out = case
        pool = raydium_cpmm_pool(int(reserve_0), int(reserve_1), int(rate))
        check(pool, amount_in, direction == "0", program_out, case)


def test_raydium_amm_v4_vectors():
    cases = load("raydium_amm_v4_2024-11.json.gz")["cases"]
    assert len(cases) >= 100
    for case in cases:
        coin, pc, pnl_coin, pnl_pc, direction, amount_in, program_out = case
        pool = raydium_amm_v4_pool(int(coin), int(pc), int(pnl_coin), int(pnl_pc))
        check(pool, amount_in, direction == "0", program_out, case)
