"""The best cycle through a changed pool on 10,000 mixed pools, beside plain Python and the libraries that look for one.

Half of the events are on pools between hubs. Most trades are small beside their pool, a few are large
(`arb_market.shocks`); "large trades" in the table are those alone, of which more than half open a cycle that gains.
Times are CPU time of the calling thread, less what reading that clock takes (half a microsecond): the search alone, the
answer as an object included; the update before it is measured apart. The pool is made in plain Python before, so that
a search finds memory as cold as after a decoding. The rows compare what gives the same result: the same search in plain
Python, scipy's bounded Brent on the same cycles, every cycle of small graphs tried one by one. What gives another
result (a negative cycle is some cycle, the dual is all of them at once) stands in a table of its own, with the profit
it found.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Mapping
from random import Random
from statistics import median
from time import thread_time_ns
from typing import Final, NamedTuple

from benchmarks import Result
from benchmarks.arb_exhaustive import best_values
from benchmarks.arb_market import HUBS, KINDS, LARGE_SHARE, NOW, Spec, shocks, specs, state, worths
from benchmarks.arb_peers import Priced, convex_rows, curves, cycle_rows, priced_by_scipy, show
from phantom_arbiter.dex.routes import BaseTerms, Cycle, RouteIndex

TOKENS: Final = 3_000
POOLS: Final = 10_000
HUB_POOLS: Final = 72
EVENTS: Final = 8_000
EVENTS_LARGE: Final = 3_000
EVENTS_RAW: Final = 1_500
EVENTS_PLAIN: Final = 120
GRAPHS: Final = 300
SIZED: Final = 300
ROWS: Final = {"leaf_p99": "leaf, 3 hops", "hub_p99": "hub, 3 hops", "four_hop_p99": "4 hops"}
"""Each row is about the measures with these words in their names."""
TERMS: Final = {base: BaseTerms(worth, 1e12) for base, worth in HUBS.items()}
"""Lamports an atom; at most 1,000 SOL, or as many atoms of the others, go in."""


class Timed(NamedTuple):
    """Nanoseconds by measure ("hub, 3 hops, none", "leaf update, dlmm", …) and what the searches found, in order."""

    taken: dict[str, list[int]]
    found: list[tuple[Cycle, ...]]


def market(*, arbitraged: bool) -> list[Spec]:
    """The pools of the benchmark, those between hubs first."""
    return specs(Random(7), TOKENS, POOLS, HUB_POOLS, arbitraged=arbitraged)


def index_of(made: list[Spec], terms: Mapping[str, BaseTerms] = TERMS, *, compiled: bool = True) -> RouteIndex:
    """All pools, laid out."""
    index = RouteIndex(list(HUBS), compiled=compiled)
    for number, spec in enumerate(made):
        index.add(str(number), spec.token_0, spec.token_1, state(spec, spec.noise), NOW)
    index.set_terms(terms)
    index.best_cycles("0", 1, 4)
    return index


def clock_ns() -> int:
    """What reading the clock adds to each time."""
    return int(median(-thread_time_ns() + thread_time_ns() for _ in range(10_000)))


def timed(index: RouteIndex, made: list[Spec], events: int, large_share: float = LARGE_SHARE) -> Timed:
    """Move a pool, search through it, put it back; both at three and at four hops."""
    answer, clock = Timed({}, []), clock_ns()
    gc.collect()
    gc.disable()
    for number, noise in shocks(Random(11), made, HUB_POOLS, events, large_share):
        place, pool_id, moved = "hub" if number < HUB_POOLS else "leaf", str(number), state(made[number], noise)
        start = thread_time_ns()
        index.update(pool_id, moved, NOW)
        taken = thread_time_ns() - start - clock
        answer.taken.setdefault(f"{place} update, {made[number].kind}", []).append(taken)
        for max_hops in (3, 4):
            start = thread_time_ns()
            cycles = index.best_cycles(pool_id, 1, max_hops)
            taken, outcome = thread_time_ns() - start - clock, "gain" if cycles else "none"
            answer.taken.setdefault(f"{place}, {max_hops} hops, {outcome}", []).append(taken)
            answer.found.append(cycles)
        index.update(pool_id, state(made[number], made[number].noise), NOW)
    gc.enable()
    return answer


def microseconds(taken: list[int], share: float) -> float:
    """The smallest time that at least ``share`` of all do not exceed."""
    return sorted(taken)[max(0, math.ceil(len(taken) * share) - 1)] / 1e3


def same(one: list[tuple[Cycle, ...]], other: list[tuple[Cycle, ...]]) -> bool:
    """Whether two runs of the same events found the same."""
    count = min(len(one), len(other))
    return one[:count] == other[:count]


def profit_share() -> Result:
    """What the search finds of the optimum on small random graphs."""
    random, found, optimum = Random(3), 0.0, 0.0
    tokens = [*HUBS, "A", "B"]
    for _ in range(GRAPHS):
        made = [
            Spec(random.choice(KINDS), *_pair(random, tokens), 1.0, 10 ** random.uniform(6, 10),
                 10 ** random.uniform(-4, -2), random.gauss(0.0, 0.01))
            for _ in range(9)
        ]  # fmt: skip
        terms = {base: BaseTerms(1.0, 10 ** random.uniform(5, 12)) for base in HUBS}
        index = index_of(made, terms)
        found += sum(cycle.value for cycle in index.best_cycles("0", 1, 4))
        optimum += max(best_values(curves(made), terms, 0, 4).values(), default=0.0)
    return Result.compare(
        "arb_search profit_share",
        "share",
        ours=found / optimum,
        peer="every cycle tried",
        peer_value=1.0,
        same_result=found / optimum >= 0.999,
    )


def _pair(random: Random, tokens: list[str]) -> tuple[str, str]:
    one, other = random.sample(tokens, 2)
    return one, other


def run() -> list[Result]:
    """The rows; prints the table of all measures and of the other methods before."""
    made, raw_made = market(arbitraged=True), market(arbitraged=False)
    index = index_of(made)
    ours, large = timed(index, made, EVENTS), timed(index, made, EVENTS_LARGE, 1.0)
    plain = timed(index_of(made, compiled=False), made, EVENTS_PLAIN)
    raw_index = index_of(raw_made)
    raw = timed(raw_index, raw_made, EVENTS_RAW)
    start = thread_time_ns()
    every = [cycle for number in range(POOLS) for cycle in raw_index.best_cycles(str(number), 1, 4)]
    best = ((thread_time_ns() - start) / 1e9, max(every, key=lambda cycle: cycle.value))
    cycles = Random(5).sample(every, SIZED)
    pools, worth = curves(raw_made), worths(Random(7), TOKENS)
    scipy = priced_by_scipy(pools, cycles, TERMS, worth)
    tables = {"arbitraged": ours.taken, "arbitraged, large trades": large.taken, "not arbitraged": raw.taken}
    show(tables, [*cycle_rows(pools, best), *convex_rows(raw_made, pools, worth, scipy)])
    rows = [
        Result.compare(
            f"arb_search {name}",
            "µs",
            ours=microseconds(_of(ours, words), 0.99),
            peer="the same in plain Python",
            peer_value=microseconds(_of(plain, words), 0.99),
            same_result=same(ours.found, plain.found),
        )
        for name, words in ROWS.items()
    ]
    return [*rows, *_sizing(raw_made, cycles, scipy), profit_share()]


def _of(measured: Timed, words: str) -> list[int]:
    return [taken for measure, each in measured.taken.items() if words in measure for taken in each]


def _sizing(made: list[Spec], cycles: list[Cycle], scipy: Priced | None) -> list[Result]:
    """The input of one cycle: ours is the search of an index that holds its pools alone."""
    if scipy is None:
        return []
    taken, profit, clock = [], 0.0, clock_ns()
    for cycle in cycles:
        numbers = [int(hop.pool_id) for hop in cycle.hops]
        index = index_of([made[number] for number in numbers])
        start = thread_time_ns()
        found = index.best_cycles("0", 1, len(numbers))
        taken.append(thread_time_ns() - start - clock)
        profit += found[0].value
    theirs = sum(
        gain * HUBS[cycle.base] for gain, cycle in zip(scipy.cycle_profits, cycles, strict=True)
    )  # fmt: skip
    return [
        Result.compare(
            "arb_search size_cycle p50",
            "µs",
            ours=microseconds(taken, 0.5),
            peer=f"scipy {scipy.version} bounded Brent",
            peer_value=median(scipy.cycle_seconds) * 1e6,
            same_result=abs(theirs / profit - 1.0) <= 0.001,
        )
    ]
