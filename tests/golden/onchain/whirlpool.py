"""Orca Whirlpool: swaps through three fixed tick arrays, from pool and ticks as numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from phantom_arbiter.dex.whirlpool import Whirlpool, quote, tick_array, with_tick_arrays
from tests.golden.measured import Case, answered, load, measured


def pool_of(row: dict[str, Any]) -> Whirlpool:
    """The pool of a vector, with its three arrays."""
    spacing = row["ts"]
    arrays = [
        tick_array(start, [(start + at * spacing, int(tick[1])) for at, tick in enumerate(ticks) if tick[0]])
        for start, ticks in row["arrs"]
    ]
    pool = Whirlpool(spacing, row["fee"], row["proto"], int(row["liq"]), int(row["s"]), row["cur"])
    return with_tick_arrays(pool, arrays)


def cases(path: Path) -> Iterator[Case]:
    for number, row in enumerate(load(path)):
        answer = quote(pool_of(row), int(row["amt"]), row["a2b"])
        yield Case(f"swap {number}", measured(row["got"]), answered(answer))
