"""Raydium AMM v4 of 2024-11, swap-only. Rows: vaults, need_take_pnl of both, direction (0 sells coin), in, out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from phantom_arbiter.dex.constant_product import quote, raydium_amm_v4_pool
from tests.golden.measured import Case, answered, load, measured


def cases(path: Path) -> Iterator[Case]:
    for number, (coin, pc, pnl_coin, pnl_pc, direction, amount, out) in enumerate(load(path)["cases"]):
        pool = raydium_amm_v4_pool(int(coin), int(pc), int(pnl_coin), int(pnl_pc))
        answer = quote(pool, int(amount), int(direction) == 0)
        yield Case(f"{number} {pool} {amount}: {answer}", measured(out), answered(answer))
