"""2,000 random pools of each kind: our outputs equal those of the DEX's own SDK, from the same bytes and numbers.

An SDK that says 0 where ours refuses is no difference: the programs pay out nothing or fail. Whirlpool's 1.0.2 (the
last under the Apache licence) runs forever where its tick arrays end, so it is asked only what ours answers. Raydium's
goes on where a step to the next tick would take more than a u64, on which the program of 2024-11 fails.
"""

from __future__ import annotations

import shutil
from itertools import islice, repeat
from random import Random

import pytest

from benchmarks.quote_cases import KINDS, Case, make
from benchmarks.quotes import FOLDER, answered_cases, ask, commands, paid
from phantom_arbiter.dex.pool import SwapRefusal
from phantom_arbiter.dex.pools import quote

CASES = 2_000
BEYOND_U64 = SwapRefusal("an amount exceeds u64")


def plain_cases(kind: str, random: Random) -> list[Case]:
    made = (make(kind, random) for _ in repeat(None))
    return list(islice((case for case in made if quote(*case[:4]) != BEYOND_U64), CASES))


@pytest.mark.parametrize("kind", KINDS)
def test_2000_random_swaps_are_answered_alike(kind: str) -> None:
    if shutil.which("node") is None or not (FOLDER / "node_modules").is_dir():
        pytest.skip("the SDKs are not here: run 'make oracles' with node and a network")
    random = Random(f"{kind} 2026")
    answerable = kind == "whirlpool"
    cases = answered_cases(kind, random, CASES) if answerable else plain_cases(kind, random)
    theirs = ask(commands(kind)[0], kind, cases)
    assert len(theirs.outs) == CASES
    differ = [
        (case.wire, ours, out)
        for case, ours, out in zip(cases, map(paid, cases), theirs.outs, strict=True)
        if ours != max(0, int(out or 0))
    ]
    assert differ == []
    assert sum(out is not None and int(out) > 0 for out in theirs.outs) > CASES / 2
