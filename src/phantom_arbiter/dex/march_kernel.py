"""The compiled sizing of a cycle of `cycle_kernel.py`: its input with the largest profit, in float64.

A segment pays r·x/(1 + d·x), r the net marginal rate and d the depth (a/b and c/b of `pool.Segment`). Hops compose to
r = r₁r₂, d = d₁ + r₁d₂; the optimum input is (√r − 1)/d and the profit (√r − 1)²/d (reference/solana-and-dex.md §4).
"""

import math

import numpy as np
from numba.extending import register_jitable

from phantom_arbiter.dex.route_graph import (
    CAPACITY,
    CODE,
    DEPTH,
    INLINED,
    RATE,
    SEGMENT,
    SIZED,
    TAIL_SIZE,
    TAIL_START,
    UNCOUNTED,
    Graph,
)


@register_jitable(**UNCOUNTED)
def _enter(graph: Graph, step: int, code: int, segment: int) -> None:
    """Stand at the start of a segment of the hop's curve."""
    if segment == 0:
        for column in range(3):
            graph.march[step, column] = graph.curves[code, column]
        return
    row = graph.ends[code, TAIL_START] + segment - 1
    for column in range(3):
        graph.march[step, column] = graph.segments[row, column]


@register_jitable(**UNCOUNTED)
def _piece(graph: Graph, hops: int) -> tuple[float, float, float, int]:
    """Rate and depth of the cycle from where the march stands, the input up to the first segment's end, and the hop
    that ends there."""
    rate, depth, reach, ending = 1.0, 0.0, np.inf, -1
    for step in range(hops):
        room = graph.march[step, CAPACITY]
        left = rate - depth * room  # room = rate·x / (1 + depth·x), solved for x
        if left > 0.0 and room < reach * left:
            reach, ending = room / left, step
        depth += rate * graph.march[step, DEPTH]
        rate *= graph.march[step, RATE]
    return rate, depth, reach, ending


@register_jitable(**UNCOUNTED)
def _advance(graph: Graph, hops: int, amount: float) -> None:
    """Move every hop's stand by what `amount` at the start sends through it."""
    for step in range(hops):
        rate, depth = graph.march[step, RATE], graph.march[step, DEPTH]
        grown = 1.0 + depth * amount
        graph.march[step, RATE] = rate / (grown * grown)
        graph.march[step, DEPTH] = depth / grown
        graph.march[step, CAPACITY] = max(0.0, graph.march[step, CAPACITY] - amount)
        amount = rate * amount / grown


@register_jitable(**INLINED)
def sized(graph: Graph, hops: int, start: int, limit: float) -> tuple[float, float]:
    """Input and profit of the cycle in `path` from its hop `start`: marches the joint segments, each of them one
    Möbius curve, until the marginal rate is 1, the limit is reached or a pool ends."""
    codes, at = graph.path[SIZED], graph.path[SEGMENT]
    for step in range(hops):
        codes[step] = graph.path[CODE, (start + step) % hops]
        at[step] = 0
        _enter(graph, step, codes[step], 0)
    total, profit = 0.0, 0.0
    while True:
        rate, depth, reach, ending = _piece(graph, hops)
        if rate <= 1.0:
            return total, profit
        amount = (math.sqrt(rate) - 1.0) / depth if depth > 0.0 else np.inf
        last = amount <= reach or limit - total <= reach
        amount = min(amount, reach, limit - total)
        total += amount
        profit += amount * (rate - 1.0 - depth * amount) / (1.0 + depth * amount)
        if last:
            return total, profit
        at[ending] += 1
        if at[ending] > graph.ends[codes[ending], TAIL_SIZE]:
            return total, profit
        _advance(graph, hops, amount)
        _enter(graph, ending, codes[ending], at[ending])
