"""Exact quotes beside each DEX's own SDK: the same random pools and amounts, every output compared to the unit.

Ours is `dex.pools.quote`, which the whole system calls. A peer is the SDK's own quote function on its own decoded
state, run by node (`peers/quotes.mjs`) or, for DLMM, by Python as well (`peers/dlmm.py`), in a process of its own;
``make oracles`` fetches them. Both sides are timed on swaps that are answered, the best of several passes each.
"""

from __future__ import annotations

import gc
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, Final, NamedTuple

from benchmarks import Result
from benchmarks.peers.environment import PeerMissingError
from benchmarks.quote_cases import KINDS, Case, make
from phantom_arbiter.dex.pool import SwapQuote
from phantom_arbiter.dex.pools import quote

COUNT: Final = 300
SEED: Final = 20_261_128
PASS_SECONDS: Final = 0.7
PEER_SECONDS: Final = 120
FOLDER: Final = Path(__file__).resolve().parents[1] / ".oracles"
PEERS: Final = Path(__file__).parent / "peers"


class Answers(NamedTuple):
    """What a peer gave: its name and version, outputs in atoms (None: refused), seconds of a pass if it was timed."""

    peer: str
    outs: list[str | None]
    seconds: float | None


def run() -> list[Result]:
    """Every kind of pool beside its SDKs; ours alone, on the error stream, where a peer is missing."""
    results: list[Result] = []
    for kind in KINDS:
        cases = answered_cases(kind, Random(SEED), COUNT)
        for command in commands(kind):
            before = pass_seconds(cases)
            try:
                theirs = ask(command, kind, cases, timed=True)
            except PeerMissingError as error:
                sys.stderr.write(f"quotes {kind}: peer skipped ({error}); ours {COUNT / before:,.0f} calls/s\n")
                continue
            results.append(
                Result.compare(
                    f"quotes {kind}",
                    "calls/s",
                    ours=COUNT / min(before, pass_seconds(cases)),
                    peer=theirs.peer,
                    peer_value=COUNT / (theirs.seconds or 0.0),
                    same_result=theirs.outs == [str(paid(case)) for case in cases],
                )
            )
    return results


def answered_cases(kind: str, random: Random, count: int) -> list[Case]:
    """Random swaps that ours answers with more than nothing for the whole amount."""
    cases: list[Case] = []
    while len(cases) < count:
        case = make(kind, random)
        if paid(case):
            cases.append(case)
    return cases


def paid(case: Case) -> int:
    """Output atoms of ours for the whole amount; 0 for a refusal."""
    answer = quote(*case[:4])
    whole = isinstance(answer, SwapQuote) and answer.amount_in_atoms == case.amount_in_atoms
    return answer.amount_out_atoms if whole and isinstance(answer, SwapQuote) else 0


def commands(kind: str) -> list[list[str]]:
    """How to start each peer of a kind."""
    found = [["node", str(PEERS / "quotes.mjs"), str(FOLDER)]]
    if kind == "meteora_dlmm":
        found.append([sys.executable, str(PEERS / "dlmm.py"), str(FOLDER)])
    return found


def ask(command: Sequence[str], kind: str, cases: Sequence[Case], *, timed: bool = False) -> Answers:
    """A peer's answers to the cases; raises `PeerMissingError` where it is not here or fails."""
    program = shutil.which(command[0])
    if program is None:
        raise PeerMissingError(f"no {command[0]} on this machine")
    with TemporaryDirectory() as folder:
        file = Path(folder) / "cases.json"
        file.write_text(json.dumps({"kind": kind, "timed": timed, "cases": [case.wire for case in cases]}))
        try:
            done = subprocess.run(
                [program, *command[1:], file], capture_output=True, text=True, check=False, timeout=PEER_SECONDS
            )
        except subprocess.TimeoutExpired as error:
            raise PeerMissingError(f"no answer within {PEER_SECONDS} s") from error
    if done.returncode:
        lines = re.findall(r"^\w*Error.*", done.stderr, re.MULTILINE)
        raise PeerMissingError(lines[0] if lines else "it failed without a message")
    answer: dict[str, Any] = json.loads(done.stdout)
    return Answers(answer["peer"], answer["outs"], answer["seconds"])


def pass_seconds(cases: Sequence[Case]) -> float:
    """Seconds of one pass of ours over the cases, the best of those that fit into ``PASS_SECONDS``."""
    calls = [case[:4] for case in cases]
    best, end = float("inf"), perf_counter() + PASS_SECONDS
    gc.collect()
    while perf_counter() < end:
        start = perf_counter()
        for pool, amount, zero_for_one, moment in calls:
            quote(pool, amount, zero_for_one, moment)
        best = min(best, perf_counter() - start)
    return best
