"""Raydium CPMM of 2025-02, no creator fee. Rows: reserves, fee rate in 1e-6, direction (0 sells token 0), in, out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from phantom_arbiter.dex.raydium_cpmm import CpmmFees, CpmmPool, quote
from tests.golden.measured import Case, answered, load, measured


def cases(path: Path) -> Iterator[Case]:
    for number, (reserve_0, reserve_1, rate, direction, amount, out, _sdk_out) in enumerate(load(path)):
        pool = CpmmPool(int(reserve_0), int(reserve_1), CpmmFees(int(rate)))
        answer = quote(pool, int(amount), int(direction) == 0)
        yield Case(f"{number} {pool} {amount}: {answer}", measured(out), answered(answer))
