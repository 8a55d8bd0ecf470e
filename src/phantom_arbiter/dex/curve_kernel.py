"""The compiled update of `routes.py`: one pool's curves, the best of its pair, and the detours that use the pair.

Importing this module imports numba (about half a second): only `routes.RouteIndex` does, when it is made.
``.py_func`` of each entry is its plain-Python twin. The arrays are those of `route_graph.Graph`, in an `Arena`.
"""

import math

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

from phantom_arbiter.dex.arena_kernel import graph_of
from phantom_arbiter.dex.route_graph import (
    CAPACITY,
    DEPTH,
    KEEP,
    LANE_OF,
    LEAST_DEPTH,
    RATE,
    TAIL_SIZE,
    TAIL_START,
    UNCOUNTED,
    Floats,
    Graph,
    Ints,
)


@register_jitable(**UNCOUNTED)
def _flattest(rate: float, paid: float, put: float, segment_rate: float, depth: float, room: float) -> float:
    """The least d such that rate·x/(1 + d·x) pays no less than the curve on this segment, ``put`` in and ``paid`` out
    before it.

    The d that meets the curve at x is rate/paid(x) − 1/x. Within a segment it has at most one minimum, where
    paid(x)/x = √(rate·marginal rate): a linear equation in x.
    """
    end = room
    root = math.sqrt(rate * segment_rate)
    slope = paid * depth + segment_rate - root
    if slope > 0.0:
        end = min(room, max(0.0, (put * root - paid) / slope))
    least = rate / (paid + segment_rate * room / (1.0 + depth * room)) - 1.0 / (put + room)
    if 0.0 < end < room:
        least = min(least, rate / (paid + segment_rate * end / (1.0 + depth * end)) - 1.0 / (put + end))
    return max(0.0, least)


@register_jitable(**UNCOUNTED)
def _set_least_depth(code: int, curves: Floats, ends: Ints, segments: Floats) -> None:
    rate, depth, room = curves[code, RATE], curves[code, DEPTH], curves[code, CAPACITY]
    if rate == 0.0:
        return
    least, put, paid = depth, room, rate * room / (1.0 + depth * room)
    for at in range(ends[code, TAIL_START], ends[code, TAIL_START] + ends[code, TAIL_SIZE]):
        next_rate, next_depth, next_room = segments[at, RATE], segments[at, DEPTH], segments[at, CAPACITY]
        least = min(least, _flattest(rate, paid, put, next_rate, next_depth, next_room))
        put += next_room
        paid += next_rate * next_room / (1.0 + next_depth * next_room)
    curves[code, LEAST_DEPTH] = least


@register_jitable(**UNCOUNTED)
def _set_lanes(graph: Graph, pair: int) -> None:
    """The best rate of each direction of the pair, its pool, and the least depth of any of its pools."""
    curves = graph.curves
    for direction in range(2):
        rate, depth, best = 0.0, np.inf, -1
        for at in range(graph.pair_start[pair], graph.pair_start[pair + 1]):
            code = 2 * graph.pair_pools[at] + direction
            if curves[code, RATE] > 0.0:
                depth = min(depth, curves[code, LEAST_DEPTH])
                if curves[code, RATE] > rate:
                    rate, best = curves[code, RATE], code
        lane = 2 * pair + direction
        graph.lanes[lane, RATE], graph.lanes[lane, DEPTH], graph.lane_best[lane] = rate, depth, best


@register_jitable(**UNCOUNTED)
def _set_detours(graph: Graph, base: int, third: int) -> None:
    """The products of the best rates over `third` between `base` and every other base."""
    base_lane, lanes, rates = graph.base_lane, graph.lanes, graph.detour_rates
    for other in range(base_lane.shape[0]):
        at = graph.detour_at[base * base_lane.shape[0] + other, third]
        if at >= 0:
            low, high = base_lane[min(base, other), third], base_lane[max(base, other), third]
            rates[at, 0] = lanes[low, RATE] * lanes[high ^ 1, RATE]
            rates[at, 1] = lanes[high, RATE] * lanes[low ^ 1, RATE]


@register_jitable(**UNCOUNTED)
def _settle(graph: Graph, pool: int) -> None:
    low, high, lane = graph.ends[2 * pool, 0], graph.ends[2 * pool, 1], graph.ends[2 * pool, LANE_OF]
    _set_lanes(graph, lane >> 1)
    if low < graph.base_lane.shape[0]:
        _set_detours(graph, low, high)
    if high < graph.base_lane.shape[0]:
        _set_detours(graph, high, low)


@njit(cache=True, **UNCOUNTED)
def settle(pool: int, floats: Floats, ints: Ints, starts: NDArray[np.int64]) -> None:
    """Bring what depends on a pool's curves up to date after they were written."""
    graph = graph_of(floats, ints, starts)
    for code in range(2 * pool, 2 * pool + 2):
        _set_least_depth(code, graph.curves, graph.ends, graph.segments)
    _settle(graph, pool)


@njit(cache=True, **UNCOUNTED)
def put_constant_product(
    pool: int,
    reserve_low: float,
    reserve_high: float,
    keep: float,
    most: float,
    floats: Floats,
    ints: Ints,
    starts: NDArray[np.int64],
) -> None:
    """Write a constant-product pool's two curves, γ = `keep`, reserves up to `most`; an empty reserve takes the pool
    out of the search."""
    graph = graph_of(floats, ints, starts)
    curves = graph.curves
    alive = reserve_low > 0.0 and reserve_high > 0.0
    for direction in range(2):
        code = 2 * pool + direction
        reserve_in, reserve_out = (reserve_low, reserve_high) if direction == 0 else (reserve_high, reserve_low)
        curves[code, RATE] = keep * reserve_out / reserve_in if alive else 0.0
        curves[code, DEPTH] = curves[code, LEAST_DEPTH] = keep / reserve_in if alive else 0.0
        curves[code, CAPACITY] = most - reserve_in if alive else 0.0
        curves[code, KEEP] = keep
        graph.ends[code, TAIL_SIZE] = 0
    _settle(graph, pool)
