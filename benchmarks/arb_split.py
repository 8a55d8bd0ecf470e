"""Splits over parallel pools beside the exhaustive optimum, and the convex bound beside scipy's L-BFGS-B.

A thousand cycles of two or three stages with four to eight pools, at most five swaps: all constant product, then a
thousand of constant product, Whirlpool, CLMM and DLMM. The exhaustive optimum is in floats, of every set of pools, by
halving: compiled too, and it pays no rounding. The bound is over 1,000 pools of 400 tokens around three hubs; the peer
solves the same dual from the same prices in its own environment. Clocks hold CPU time.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import process_time_ns
from typing import Any, Final

import numpy as np

from benchmarks import Result
from benchmarks.arb_market import KINDS
from benchmarks.peers.environment import PeerMissingError, peer_python
from benchmarks.split_cases import CONSTANT_PRODUCT, exhaustive, gaining_cycles
from phantom_arbiter.dex.constant_product import ConstantProductPool
from phantom_arbiter.dex.convex_bound import PlacedPool, convex_bound
from phantom_arbiter.dex.pools import Moment, segments
from phantom_arbiter.dex.split import SplitCycle, split_cycle

CYCLES: Final = 1_000
POOLS: Final = 1_000
TOKENS: Final = 400
NOW: Final = Moment(0, 0, 0)
NO_LIMIT: Final = 10**18
LEAST_SHARE: Final = 0.99
SAME_BOUND: Final = 1e-3
"""Relative; both descend to the same dual optimum and stop a little above it."""
REQUIREMENT: Final = "scipy>=1.15"
PEER: Final = Path(__file__).parent / "peers" / "convex_dual.py"


def run() -> list[Result]:
    """Split time, split share, bound time; the last is left out where the peer is missing."""
    return [*_splits("split", CONSTANT_PRODUCT), *_splits("mixed", KINDS), *_bounds()]


def _splits(name: str, kinds: tuple[str, ...]) -> list[Result]:
    cycles = gaining_cycles(CYCLES, seed=7, kinds=kinds)
    split_cycle(cycles[0], NO_LIMIT, NOW)  # the compiled search is loaded
    ours_us, theirs_us, shares = [], [], []
    for stages in cycles:
        begin = process_time_ns()
        found = split_cycle(stages, NO_LIMIT, NOW)
        middle = process_time_ns()
        best = exhaustive(stages)
        ours_us.append((middle - begin) / 1e3)
        theirs_us.append((process_time_ns() - middle) / 1e3)
        shares.append(found.profit_atoms / best if isinstance(found, SplitCycle) else 0.0)
    good = min(shares) >= LEAST_SHARE
    times = [
        Result.compare(
            f"{name}_p{percent}",
            "µs",
            ours=float(np.percentile(ours_us, percent)),
            peer="exhaustive",
            peer_value=float(np.percentile(theirs_us, percent)),
            same_result=good,
        )
        for percent in (50, 99)
    ]
    least = min(shares)
    share = Result(  # more is better, and it is no rate: the ratio is the share itself
        name=f"{name}_least_share",
        unit="share",
        ours=least,
        peer="exhaustive",
        peer_value=1.0,
        ratio=least if good else None,
        same_result=good,
    )
    return [*times, share]


def market() -> list[PlacedPool]:
    """Pools of log-normal depth from three hubs to all tokens, prices some 40 bps off."""
    random = Random(7)
    worth = [1.0, 150.0, 150.0, *(random.lognormvariate(0.0, 2.0) for _ in range(TOKENS - 3))]
    pools = []
    for number in range(POOLS):
        hub = random.choice([0, 0, 0, 1, 1, 2])
        token = number % TOKENS if number % TOKENS != hub else (hub + 1) % TOKENS
        depth = random.lognormvariate(7.0, 1.5) * 1e9
        into = int(depth * worth[hub] * (1.0 + random.gauss(0.0, 0.004)))
        pool = ConstantProductPool(into, int(depth * worth[token]), random.choice([1, 5, 25, 30, 100]), 10_000)
        pools.append(PlacedPool(str(hub), str(token), pool))
    return pools


def _bounds() -> list[Result]:
    pools = market()
    values = {"0": 1.0}
    convex_bound(pools[:4], values, NOW)  # the compiled descent is loaded
    begin = process_time_ns()
    report = convex_bound(pools, values, NOW)
    ours_ms = (process_time_ns() - begin) / 1e6
    try:
        theirs = _peer(pools)
    except PeerMissingError as error:
        sys.stderr.write(f"arb_split: scipy skipped ({error}); our bound alone: {ours_ms:,.0f} ms\n")
        return []
    sys.stderr.write(f"arb_split: bound {report.bound:,.0f}, found {report.found:,.0f}, scipy {theirs['bound']:,.0f}\n")
    return [
        Result.compare(
            "convex_bound",
            "ms",
            ours=ours_ms,
            peer=f"scipy {theirs['version']} L-BFGS-B",
            peer_value=theirs["seconds"] * 1e3,
            same_result=abs(theirs["bound"] / report.bound - 1.0) <= SAME_BOUND,
        )
    ]


def _peer(pools: list[PlacedPool]) -> dict[str, Any]:
    """The peer's answer to the same instance; raises `PeerMissingError` where it fails."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "instance.json"
        path.write_text(json.dumps(_instance(pools)))
        command = [peer_python(REQUIREMENT), PEER, path]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PeerMissingError((done.stderr.strip().splitlines() or ["no message"])[-1])
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _instance(pools: list[PlacedPool]) -> dict[str, Any]:
    """The directions' forms, and first prices from the first pool that joins a token to what has one."""
    prices, rows = {"0": 1.0}, []
    while len(prices) < len({token for placed in pools for token in placed[:2]}):
        for token_0, token_1, pool in pools:
            assert isinstance(pool, ConstantProductPool)
            if token_0 in prices:
                prices.setdefault(token_1, prices[token_0] * pool.reserve_0_atoms / pool.reserve_1_atoms)
            elif token_1 in prices:
                prices[token_0] = prices[token_1] * pool.reserve_1_atoms / pool.reserve_0_atoms
    index = {token: at for at, token in enumerate(prices)}
    for token_0, token_1, pool in pools:
        for token_in, token_out, down in ((token_0, token_1, True), (token_1, token_0, False)):
            (form,) = segments(pool, down, NOW)
            rows.append((index[token_in], index[token_out], form.a, form.b, form.c))
    first = list(prices.values())
    return {"pools": rows, "prices": first, "floors": [1.0, *(price * 1e-12 for price in first[1:])], "unit": 1e9}
