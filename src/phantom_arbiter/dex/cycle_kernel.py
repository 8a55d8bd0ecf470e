"""The compiled search of `routes.py`: the best cycles of two to four hops through one pool, in float64.

Importing this module imports numba (about half a second): only `routes.RouteIndex` does, when it is made.
`best_cycles.py_func` is the plain-Python twin.

A pool's curve is concave, so its first rate is its best, and it lies below one Möbius curve of that rate and the least
depth. A path of token pairs is skipped where the product of the best rates is at most 1, or where the best rates with
the least depths make less than the least of the cycles already kept; so is each cycle of it, pool by pool.

The arrays, and what code, lane and detour mean: `route_graph`.
"""

import math

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

from phantom_arbiter.dex.arena_kernel import graph_of
from phantom_arbiter.dex.march_kernel import sized
from phantom_arbiter.dex.route_graph import (
    AMOUNT,
    BOUND_DEPTH,
    BOUND_RATE,
    CODE,
    DEPTH,
    GROSS_RATE,
    INLINED,
    KEEP,
    LANE,
    LANE_OF,
    LEAST_DEPTH,
    MAX_HOPS,
    NET_RATE,
    PROFIT,
    RATE,
    TOKEN,
    UNCOUNTED,
    VALUE,
    WALK,
    Floats,
    Graph,
    Ints,
)

FLOOR, LEAST_VALUE = range(2)
"""`marks`."""
WANTED, FOUND, QUEUED = range(3)
"""`counts`."""


@register_jitable(**UNCOUNTED)
def _may_enter(graph: Graph, hops: int) -> bool:
    """Whether rates and depths of `march` allow a cycle that is worth keeping from one of its bases."""
    march = graph.march
    rate = 1.0
    for step in range(hops):
        rate *= march[step, BOUND_RATE]
    if rate <= 1.0:
        return False
    gain = math.sqrt(rate) - 1.0
    for start in range(hops):
        base = graph.path[TOKEN, start]
        if base >= graph.base_lane.shape[0] or graph.terms[base, 0] <= 0.0:
            continue
        depth, onward = 0.0, 1.0
        for turn in range(hops):
            step = start + turn if start + turn < hops else start + turn - hops
            depth += onward * march[step, BOUND_DEPTH]
            onward *= march[step, BOUND_RATE]
        limit = graph.terms[base, 1]
        if gain < limit * depth:
            profit = gain * gain / depth
        else:
            profit = limit * (rate - 1.0 - depth * limit) / (1.0 + depth * limit) if limit < np.inf else np.inf
        if profit * graph.terms[base, 0] > graph.marks[LEAST_VALUE]:
            return True
    return False


@register_jitable(**INLINED)
def _offer(graph: Graph, hops: int) -> None:
    """Keep the cycle of `path` at its best start if it is worth more than the least of those kept."""
    best, best_amount, best_profit, best_start = graph.marks[LEAST_VALUE], 0.0, 0.0, -1
    for start in range(hops):
        base = graph.path[TOKEN, start]
        if base < graph.base_lane.shape[0] and graph.terms[base, 0] > 0.0:
            amount, profit = sized(graph, hops, start, graph.terms[base, 1])
            if profit * graph.terms[base, 0] > best:
                best, best_amount, best_profit, best_start = profit * graph.terms[base, 0], amount, profit, start
    if best_start < 0:
        return
    values, wanted = graph.values, graph.counts[WANTED]
    rank = min(graph.counts[FOUND] + 1, wanted)
    while rank > 1 and values[rank - 1, VALUE] < best:
        for column in range(5):
            values[rank, column] = values[rank - 1, column]
        for column in range(1 + MAX_HOPS):
            graph.routes[rank, column] = graph.routes[rank - 1, column]
        rank -= 1
    values[rank, VALUE], values[rank, AMOUNT], values[rank, PROFIT] = best, best_amount, best_profit
    values[rank, NET_RATE] = 1.0
    graph.routes[rank, 0] = hops
    for step in range(hops):
        code = graph.path[CODE, (best_start + step) % hops]
        values[rank, NET_RATE] *= graph.curves[code, RATE]
        graph.routes[rank, 1 + step] = code
    graph.counts[FOUND] = min(graph.counts[FOUND] + 1, wanted)
    if graph.counts[FOUND] == wanted:
        graph.marks[LEAST_VALUE] = values[wanted, VALUE]


@register_jitable(**UNCOUNTED)
def _open(graph: Graph, step: int) -> None:
    """Leave a hop open: the walk of its pools starts anew, the lane bounds them."""
    lane, march = graph.path[LANE, step], graph.march
    graph.path[WALK, step] = graph.pair_start[lane >> 1]
    march[step, BOUND_RATE], march[step, BOUND_DEPTH] = graph.lanes[lane, RATE], graph.lanes[lane, DEPTH]


@register_jitable(**INLINED)
def _walk(graph: Graph, row: int) -> None:
    """Offer every cycle of a queued path, pool by pool, depth first."""
    path, curves, march, hops, first = graph.path, graph.curves, graph.march, graph.queue[row, 0], graph.queue[row, 1]
    path[CODE, 0], path[TOKEN, 0] = first, graph.ends[first, 0]
    march[0, BOUND_RATE], march[0, BOUND_DEPTH] = curves[first, RATE], curves[first, LEAST_DEPTH]
    for step in range(1, hops):
        lane = graph.queue[row, 1 + step]
        path[LANE, step], path[TOKEN, step] = lane, graph.lane_from[lane]
        _open(graph, step)
    if not _may_enter(graph, hops):
        return
    step = 1
    while step > 0:
        lane = path[LANE, step]
        if path[WALK, step] == graph.pair_start[(lane >> 1) + 1]:
            _open(graph, step)
            step -= 1
            continue
        code = 2 * graph.pair_pools[path[WALK, step]] + (lane & 1)
        path[WALK, step] += 1
        if code >> 1 == first >> 1:  # a path of two hops meets its own pool
            continue
        path[CODE, step] = code
        march[step, BOUND_RATE], march[step, BOUND_DEPTH] = curves[code, RATE], curves[code, LEAST_DEPTH]
        if _may_enter(graph, hops):
            if step == hops - 1:
                _offer(graph, hops)
            else:
                step += 1


@register_jitable(**UNCOUNTED)
def _note(graph: Graph, rate: float) -> bool:
    """Remember the best net rate so far; whether it was one."""
    if rate <= graph.values[0, NET_RATE]:
        return False
    graph.values[0, NET_RATE] = rate
    graph.marks[FLOOR] = min(rate, 1.0) if graph.counts[WANTED] else rate
    return True


@register_jitable(**UNCOUNTED)
def _queue(graph: Graph, hops: int, code: int, lane_1: int, lane_2: int, lane_3: int) -> None:
    """Queue a path for the walk: inlining the walk into every scan would multiply the time to compile."""
    row = graph.counts[QUEUED]
    graph.counts[QUEUED] = row + 1
    graph.queue[row, 0], graph.queue[row, 1], graph.queue[row, 2] = hops, code, lane_1
    graph.queue[row, 3], graph.queue[row, 4] = lane_2, lane_3


@register_jitable(**UNCOUNTED)
def _take(graph: Graph, hops: int, code: int, lane_1: int, lane_2: int, lane_3: int, rate: float) -> None:
    """Look at a path of three or four hops whose product of best rates exceeds the floor."""
    if _note(graph, rate):
        routes, best = graph.routes, graph.lane_best
        routes[0, 0], routes[0, 1], routes[0, 2], routes[0, 3] = hops, code, best[lane_1], best[lane_2]
        if hops == 4:
            routes[0, 4] = best[lane_3]
    if rate > 1.0 and graph.counts[WANTED]:
        _queue(graph, hops, code, lane_1, lane_2, lane_3)


@register_jitable(**UNCOUNTED)
def _two_hops(graph: Graph, code: int) -> None:
    """The changed pool and another of the same two tokens."""
    lane, gains = graph.ends[code, LANE_OF], False
    for at in range(graph.pair_start[lane >> 1], graph.pair_start[(lane >> 1) + 1]):
        other = 2 * graph.pair_pools[at] + 1 - (code & 1)
        if other == code ^ 1:
            continue
        rate = graph.curves[code, RATE] * graph.curves[other, RATE]
        gains = gains or rate > 1.0
        if _note(graph, rate):
            graph.routes[0, 0], graph.routes[0, 1], graph.routes[0, 2] = 2, code, other
    if gains and graph.counts[WANTED]:
        _queue(graph, 2, code, lane ^ 1, 0, 0)


@register_jitable(**UNCOUNTED)
def _over(graph: Graph, hops: int, sell: int, lane_1: int, lane_2: int, lane_3: int) -> None:
    """The path `sell` → lanes if its product of best rates exceeds the floor, and the same backwards."""
    lanes = graph.lanes
    rate = graph.curves[sell, RATE] * lanes[lane_1, RATE] * lanes[lane_2, RATE]
    back = graph.curves[sell ^ 1, RATE] * lanes[lane_1 ^ 1, RATE] * lanes[lane_2 ^ 1, RATE]
    back_1, back_2 = lane_2 ^ 1, lane_1 ^ 1
    if hops == 4:
        rate, back = rate * lanes[lane_3, RATE], back * lanes[lane_3 ^ 1, RATE]
        back_1, back_2 = lane_3 ^ 1, lane_2 ^ 1
    if rate > graph.marks[FLOOR]:
        _take(graph, hops, sell, lane_1, lane_2, lane_3, rate)
    if back > graph.marks[FLOOR]:
        _take(graph, hops, sell ^ 1, back_1, back_2, lane_1 ^ 1, back)


@register_jitable(**UNCOUNTED)
def _detours(graph: Graph, sell: int, into: int, base: int, last: int, skip: int, least: int) -> None:
    """All paths `sell` (→ lane `into`) → base over a third token → base `last`, where `sell` starts; `into` is −1
    where `sell` itself ends in `base`. The third token is not `skip` and not below `least`."""
    low, high = min(base, last), max(base, last)
    forth = 0 if base == low else 1
    rate, back = graph.curves[sell, RATE], graph.curves[sell ^ 1, RATE]
    if into >= 0:
        rate *= graph.lanes[into, RATE]
        back *= graph.lanes[into ^ 1, RATE]
    rates, hops = graph.detour_rates, 3 if into < 0 else 4
    pair = low * graph.base_lane.shape[0] + high
    for at in range(graph.detour_start[pair], graph.detour_start[pair + 1]):
        there, returned = rate * rates[at, forth], back * rates[at, 1 - forth]
        if max(there, returned) > graph.marks[FLOOR]:
            third = graph.detour_thirds[at]
            if third == skip or third < least:
                continue
            one, two = graph.base_lane[base, third], graph.base_lane[last, third] ^ 1
            if there > graph.marks[FLOOR]:
                lane_1, lane_2 = (one, two) if hops == 3 else (into, one)
                _take(graph, hops, sell, lane_1, lane_2, two, there)
            if returned > graph.marks[FLOOR]:
                _take(graph, hops, sell ^ 1, two ^ 1, one ^ 1, into ^ 1, returned)


@register_jitable(**INLINED)
def _from_base(graph: Graph, sell: int, max_hops: int) -> None:
    """Paths of three and four hops through a pool of one base that `sell` sells: base → far → … → base."""
    base, far = graph.ends[sell, 0], graph.ends[sell, 1]
    for at in range(graph.near_start[far], graph.near_start[far + 1]):
        third, lane_1 = graph.near[at, 0], graph.near[at, 1]
        if third == base:
            continue
        home = graph.base_lane[base, third]
        if home >= 0:
            _over(graph, 3, sell, lane_1, home ^ 1, 0)
        if max_hops < 4:
            continue
        if third < graph.base_lane.shape[0]:
            _detours(graph, sell, lane_1, third, base, far, 0)
            continue
        for next_at in range(graph.near_start[third], graph.near_start[third + 1]):
            fourth = graph.near[next_at, 0]
            home = graph.base_lane[base, fourth]
            if home >= 0 and fourth != far:
                _over(graph, 4, sell, lane_1, graph.near[next_at, 1], home ^ 1)


@register_jitable(**INLINED)
def _between_bases(graph: Graph, sell: int, max_hops: int) -> None:
    """Paths of three and four hops through a pool of two bases: `sell` → … → where it starts."""
    start, end = graph.ends[sell, 0], graph.ends[sell, 1]
    base_lane = graph.base_lane
    bases = base_lane.shape[0]
    _detours(graph, sell, -1, end, start, -1, 0)
    if max_hops < 4:
        return
    for base in range(bases):
        if base in (start, end):
            continue
        if base_lane[end, base] >= 0:  # over a base, then over any token
            _detours(graph, sell, base_lane[end, base], base, start, end, 0)
        if base_lane[start, base] >= 0:  # over a token that is no base, then over a base: the same from the other end
            _detours(graph, sell ^ 1, base_lane[start, base], base, end, start, bases)
    for at in range(len(graph.inner)):  # over two tokens that are no bases
        lane = graph.inner[at]
        out, home = base_lane[end, graph.lane_from[lane]], base_lane[start, graph.lane_from[lane ^ 1]]
        if out >= 0 and home >= 0:
            _over(graph, 4, sell, out, lane, home ^ 1)


@register_jitable(**INLINED)
def _between(graph: Graph, sell: int, max_hops: int) -> None:
    """Paths of three and four hops through a pool whose tokens are no bases: near → far → … → near."""
    near, far = graph.ends[sell, 0], graph.ends[sell, 1]
    bases = graph.base_lane.shape[0]
    for base in range(bases):
        to_near, to_far = graph.base_lane[base, near], graph.base_lane[base, far]
        if to_near >= 0 and to_far >= 0:
            _over(graph, 3, sell, to_far ^ 1, to_near, 0)
        if max_hops < 4:
            continue
        if to_far >= 0:  # near → far → base → fourth → near
            for at in range(graph.near_start[near], graph.near_start[near + 1]):
                fourth, lane = graph.near[at, 0], graph.near[at, 1]
                onward = graph.base_lane[base, fourth]
                if fourth != far and onward >= 0:
                    _over(graph, 4, sell, to_far ^ 1, onward, lane ^ 1)
        if to_near >= 0:  # near → far → third → base → near, the third no base: those are above
            for at in range(graph.near_start[far], graph.near_start[far + 1]):
                third, lane = graph.near[at, 0], graph.near[at, 1]
                onward = graph.base_lane[base, third]
                if third != near and third >= bases and onward >= 0:
                    _over(graph, 4, sell, lane, onward ^ 1, to_near)


@register_jitable(**INLINED)
def _paths(graph: Graph, sell: int, max_hops: int) -> None:
    """All paths through the pool that `sell` sells in direction 0, by number of hops."""
    low, high, bases = graph.ends[sell, 0], graph.ends[sell, 1], graph.base_lane.shape[0]
    near_base = low < bases  # the lower token is a base if either is
    if near_base:
        _two_hops(graph, sell)
        _two_hops(graph, sell ^ 1)
    if max_hops == 2:
        return
    if not near_base:
        _between(graph, sell, max_hops)
    elif high < bases:
        _between_bases(graph, sell, max_hops)
    else:
        _from_base(graph, sell, max_hops)


@register_jitable(**UNCOUNTED)
def _finish(graph: Graph, row: int) -> None:
    """Turn the cycle in this row of the answers to begin with a base, and note its gross rate."""
    route, net = graph.routes[row], graph.values[row, NET_RATE]
    for _ in range(route[0]):
        if graph.ends[route[1], 0] < graph.base_lane.shape[0]:
            break
        first = route[1]
        for step in range(1, route[0]):
            route[step] = route[step + 1]
        route[route[0]] = first
    for step in range(1, route[0] + 1):
        net /= graph.curves[route[step], KEEP]
    graph.values[row, GROSS_RATE] = net


@njit(cache=True, **UNCOUNTED)
def best_cycles(
    pool: int, max_hops: int, count: int, floats: Floats, ints: Ints, starts: NDArray[np.int64]
) -> tuple[int, int, int, int, int, int, int, float, float, float, float, float]:
    """Write to `values` and `routes` the best cycles of at most `max_hops` hops through `pool` that gain, no more than
    `count`, and the one of the best net rate. How many gain, then base, hops, codes and values of the first of them, or
    else of the one of the best net rate: as a tuple, because to look into arrays from Python takes longer."""
    graph = graph_of(floats, ints, starts)
    graph.marks[FLOOR], graph.marks[LEAST_VALUE], graph.values[0, NET_RATE] = 0.0, 0.0, 0.0
    graph.counts[WANTED], graph.counts[FOUND], graph.counts[QUEUED] = count, 0, 0
    graph.routes[0, 0] = 0
    _paths(graph, 2 * pool, max_hops)
    for row in range(graph.counts[QUEUED]):
        _walk(graph, row)
    found = int(graph.counts[FOUND])
    for row in range(1 if found else 0, 1 + found):
        _finish(graph, row)
    route, value = graph.routes[1 if found else 0], graph.values[1 if found else 0]
    base = graph.ends[route[1], 0]
    return (
        found, base, route[0], route[1], route[2], route[3], route[4], value[0], value[1], value[2], value[3], value[4]
    )  # fmt: skip
