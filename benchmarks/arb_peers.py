"""What other methods find on the market of `arb_search`: negative cycles, Brent's input of a cycle, the convex dual."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any, Final, NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.arb_exhaustive import Curve, Pool, sized
from benchmarks.arb_market import HUBS, NOW, Spec, state
from benchmarks.peers.environment import PeerMissingError, peer_python
from phantom_arbiter.dex.convex_bound import PlacedPool, convex_bound
from phantom_arbiter.dex.pools import segments
from phantom_arbiter.dex.routes import BaseTerms, Cycle

PEERS: Final = Path(__file__).parent / "peers"
REQUIREMENTS: Final = {
    "networkx": "networkx>=3",
    "rustworkx": "rustworkx>=0.15",
    "scipy": "scipy>=1.11",
    "cvxpy": "cvxpy>=1.5",
}
SOL: Final = 1e9


Method = tuple[str, str, str, str]
"""Its name, milliseconds, SOL it found, what it is."""


class Priced(NamedTuple):
    """What scipy said: each cycle's seconds and profit in atoms, and the dual's."""

    cycle_seconds: list[float]
    cycle_profits: list[float]
    dual_seconds: float
    dual_lamports: float
    dual_ended: bool
    version: str


def curves(made: Sequence[Spec]) -> list[Pool]:
    """Every pool as its two curves."""
    return [
        Pool(spec.token_0, spec.token_1, (Curve(segments(pool, True, NOW)), Curve(segments(pool, False, NOW))))
        for spec in made
        for pool in [state(spec, spec.noise)]
    ]


def priced_by_scipy(
    pools: list[Pool], cycles: Sequence[Cycle], terms: Mapping[str, BaseTerms], worth: Mapping[str, float]
) -> Priced | None:
    """Each cycle's input by Brent, and the dual over the whole market; None where scipy cannot be had."""
    asked = [
        {"limit": terms[cycle.base].limit_atoms, "hops": [_rows(pools, hop) for hop in cycle.hops]} for cycle in cycles
    ]
    answer = _ask("scipy", "scipy_routes.py", {"cycles": asked, **_market(pools, worth)})
    if answer is None:
        return None
    times, profits = zip(*answer["cycles"], strict=True)
    seconds, lamports, ended = answer["dual"]
    return Priced(list(times), list(profits), seconds, lamports, ended, answer["version"])


def _market(pools: list[Pool], worth: Mapping[str, float]) -> dict[str, Any]:
    """All segments, as the peers read them."""
    numbers = {token: number for number, token in enumerate(worth)}
    segments_of = [
        [numbers[sold], numbers[bought], *row]
        for pool in pools
        for sold, bought, curve in (
            (pool.token_0, pool.token_1, pool.curves[0]),
            (pool.token_1, pool.token_0, pool.curves[1]),
        )
        for row in _of_curve(curve)
    ]
    return {"market": segments_of, "worth": list(worth.values()), "bases": [numbers[base] for base in HUBS]}


def convex_rows(
    made: Sequence[Spec], pools: list[Pool], worth: Mapping[str, float], scipy: Priced | None
) -> list[Method]:
    """All cycles at once, on the same market: ours, the dual of CFMMRouter by scipy, and cvxpy's program."""
    placed = [PlacedPool(spec.token_0, spec.token_1, state(spec, spec.noise)) for spec in made]
    convex_bound(placed[:2], HUBS, NOW)  # compiled, or loaded, before it is timed
    start = process_time()
    ours = convex_bound(placed, HUBS, NOW)
    took, found = process_time() - start, f"{ours.found / SOL:,.4g}"
    rows = [("our bound, price by price", f"{took * 1e3:,.4g}", found, f"at most {ours.bound / SOL:,.4g}, all at once")]
    if scipy is not None:
        ended = "all at once" if scipy.dual_ended else "all at once, not converged"
        lamports = f"at most {scipy.dual_lamports / SOL:,.4g}"
        rows.append((f"scipy {scipy.version} dual, L-BFGS-B", f"{scipy.dual_seconds * 1e3:,.4g}", lamports, ended))
    answer = _ask("cvxpy", "cvxpy_market.py", _market(pools, worth))
    if answer is not None:
        seconds, lamports, accurate = answer["market"]
        said = "all at once" if accurate else "all at once; it says: inaccurate"
        rows.append((f"cvxpy {answer['version']}, Clarabel", f"{seconds * 1e3:,.4g}", f"{lamports / SOL:,.4g}", said))
    return rows


def _rows(pools: list[Pool], hop: Any) -> list[list[float]]:
    return _of_curve(pools[int(hop.pool_id)].curve(hop.zero_for_one))


def _of_curve(curve: Curve) -> list[list[float]]:
    return [[part.capacity_atoms, part.a / part.b, part.c / part.b] for part in curve.segments]


def _ask(library: str, script: str, asked: Any, *options: str) -> Any | None:
    """The peer's answer; None, with the reason on stderr, where it cannot be had."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "asked.json"
        path.write_text(json.dumps(asked), encoding="utf-8")
        try:
            python = peer_python(REQUIREMENTS[library])
        except PeerMissingError as error:
            sys.stderr.write(f"arb_search: {library} skipped ({error})\n")
            return None
        done = subprocess.run([python, PEERS / script, *options, path], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.stderr.write(
            f"arb_search: {library} skipped ({(done.stderr.strip().splitlines() or ['no message'])[-1]})\n"
        )
        return None
    return json.loads(done.stdout)


def best_pools(pools: Sequence[Pool]) -> dict[tuple[str, str], tuple[float, int, bool]]:
    """The best net rate of each pair of tokens in each direction, its pool, and whether token 0 is sold."""
    best: dict[tuple[str, str], tuple[float, int, bool]] = {}
    for number, pool in enumerate(pools):
        for zero_for_one in (True, False):
            ends = (pool.token_0, pool.token_1) if zero_for_one else (pool.token_1, pool.token_0)
            rate = pool.curve(zero_for_one).at(0.0)[1]
            if rate > best.get(ends, (0.0, 0, True))[0]:
                best[ends] = (rate, number, zero_for_one)
    return best


def cycle_rows(pools: list[Pool], ours: tuple[float, Cycle]) -> list[Method]:
    """What finds one cycle, on one market that nobody has arbitraged."""
    seconds, cycle = ours
    rows = [
        ("best cycle of 4 hops through any pool", f"{seconds * 1e3:,.4g}", f"{cycle.value / SOL:,.4g}", "one cycle")
    ]
    best = best_pools(pools)
    edges = [(*ends, -math.log(rate)) for ends, (rate, _, _) in best.items()]
    for library in ("networkx", "rustworkx"):
        answer = _ask(library, "negative_cycle.py", [edges], library)
        if answer is not None:
            took, tokens = answer["answers"][0]
            kind, lamports = _worth(pools, best, tokens)
            name = f"{library} {answer['version']} negative cycle"
            rows.append((name, f"{took * 1e3:,.4g}", f"{lamports / SOL:,.4g}", kind))
    return rows


def _worth(pools: list[Pool], best: Mapping[tuple[str, str], Any], tokens: list[str] | None) -> tuple[str, float]:
    """What kind of cycle it is, and lamports at its best input from its best base."""
    if tokens is None:
        return "none found", 0.0
    steps = list(pairwise(tokens))
    way = [best[step][1:] for step in steps]
    values = [
        sized(pools, (*way[turn:], *way[:turn]), 1e12)[1] * HUBS[steps[turn][0]]
        for turn in range(len(steps))
        if steps[turn][0] in HUBS
    ]
    return f"one cycle of {len(steps)}" + ("" if values else ", through no base"), max(values, default=0.0)


def show(times: Mapping[str, Mapping[str, list[int]]], methods: Sequence[Method]) -> None:
    """Print all measures, then the other methods."""
    shown = Table("market", "event", title="Microseconds of CPU time an event")
    for column in ("events", "p50", "p99"):
        shown.add_column(column, justify="right")
    for market, measures in times.items():
        for name, taken in sorted(measures.items()):
            ordered = sorted(taken)
            p99 = ordered[max(0, math.ceil(len(ordered) * 0.99) - 1)] / 1e3
            shown.add_row(market, name, str(len(taken)), f"{median(taken) / 1e3:,.2f}", f"{p99:,.2f}")
    others = Table("method", "ms", "SOL found", "what", title="Other methods, on the market that nobody has arbitraged")
    for row in methods:
        others.add_row(*row)
    Console().print(shown, others)
