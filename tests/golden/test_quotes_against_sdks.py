"""2,000 random pools of each kind: our outputs equal those of the DEX's own SDK, from the same bytes and numbers.

An SDK that says 0 where ours refuses is no difference: the programs pay out nothing or fail. Whirlpool's 1.0.2 (the
last under the Apache licence) runs forever where its tick arrays end, so it is asked only what ours answers.
"""

from __future__ import annotations

import shutil
from random import Random

import pytest

from benchmarks.quote_cases import KINDS, make
from benchmarks.quotes import FOLDER, answered_cases, ask, commands, paid

CASES = 2_000


@pytest.mark.parametrize("kind", KINDS)
def test_2000_random_swaps_are_answered_alike(kind: str) -> None:
    if shutil.which("node") is None or not (FOLDER / "node_modules").is_dir():
        pytest.skip("the SDKs are not here: run 'make oracles' with node and a network")
    random = Random(f"{kind} 2026")
    answerable = kind == "whirlpool"
    cases = answered_cases(kind, random, CASES) if answerable else [make(kind, random) for _ in range(CASES)]
    theirs = ask(commands(kind)[0], kind, cases)
    assert len(theirs.outs) == CASES
    differ = [
        (case.wire, ours, out)
        for case, ours, out in zip(cases, map(paid, cases), theirs.outs, strict=True)
        if ours != max(0, int(out or 0))
    ]
    assert differ == []
    assert sum(out is not None and int(out) > 0 for out in theirs.outs) > CASES / 2
