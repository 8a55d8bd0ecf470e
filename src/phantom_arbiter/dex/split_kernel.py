"""The compiled search of `split.py`: the best set of pools for a cycle of stages with parallel pools, in float64.

Importing this module imports numba (about half a second): only `split.split_cycle` does, when it is called.
`best_split.py_func` is the plain-Python twin.

A pool that answers a·x/(b + c·x) has the marginal price p = ab/(b + cx)². In s = 1/√p its input is linear,

    x = w·(s − s₀)  with  w = √(ab)/c,  s₀ = √(b/a),  and  y = w·(1/s₀ − 1/s),

so parallel pools at one marginal price add up to one pool with the sum of their w: water-filling without a search. A
stage at s is again of the form x/(s² + (s/w)·x); a constant price is a flat piece at its s. The march of
`sizing.optimal_input` then goes along the stages' merged pieces, merged only as far as it comes.

Arrays:
    pieces       float64 [piece, 3]  s where it starts, s where it ends, w; for a flat piece both s and its capacity
    piece_start  int32 [pool + 1]    offsets into pieces, which ascend in s within a pool
    stage_start  int32 [stage + 1]   offsets into the pools, which are in stage order
    amounts      float64 [2, pool]   out: input atoms of each pool in the best set, in the best set of one pool a stage
    values       float64 [2]         out: profit less the cost of the swaps for both; 0 where nothing gains
"""

import math

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]


@register_jitable
def _merge(
    stage: int, chosen: int, pieces: Floats, piece_start: Ints, stage_start: Ints, at: Ints, level: Floats
) -> tuple[float, float, float]:
    """From the stage's level on: capacity of flat pieces there, else summed w and where that ends; all 0 at the end."""
    while True:
        flat, weight, following = 0.0, 0.0, math.inf
        for pool in range(stage_start[stage], stage_start[stage + 1]):
            if not chosen >> pool & 1:
                continue
            here, end = at[pool], piece_start[pool + 1]
            while here < end and (
                pieces[here, 1] < level[stage]
                or (pieces[here, 1] == level[stage] and pieces[here, 0] < pieces[here, 1])
            ):
                here += 1
            at[pool] = here
            if here == end:
                continue
            if pieces[here, 0] > level[stage]:
                following = min(following, pieces[here, 0])
            elif pieces[here, 0] == pieces[here, 1]:
                flat += pieces[here, 2]
            else:
                weight += pieces[here, 2]
                following = min(following, pieces[here, 1])
        if flat > 0.0 or weight > 0.0:
            return flat, weight, following
        if following == math.inf:
            return 0.0, 0.0, 0.0
        level[stage] = following


@register_jitable
def _leave_flat(
    stage: int, chosen: int, pieces: Floats, piece_start: Ints, stage_start: Ints, at: Ints, level: Floats
) -> None:
    """Go past the flat pieces at the stage's level."""
    for pool in range(stage_start[stage], stage_start[stage + 1]):
        here = at[pool]
        if chosen >> pool & 1 and here < piece_start[pool + 1] and pieces[here, 0] == pieces[here, 1] == level[stage]:
            at[pool] += 1


@register_jitable
def _march(
    chosen: int,
    pieces: Floats,
    piece_start: Ints,
    stage_start: Ints,
    limit: float,
    at: Ints,
    level: Floats,
    flat_used: Floats,
    terms: Floats,
) -> float:
    """The largest profit with the chosen pools and at most `limit` in; where it stops is left in at, level, flat_used.

    `terms` [stage, 6] is scratch: the stage's input as a form of the cycle's, then what `_merge` answered.
    """
    stages = len(stage_start) - 1
    for pool in range(stage_start[stages]):
        at[pool] = piece_start[pool]
    level[:] = 0.0
    flat_used[:] = 0.0
    total, profit = 0.0, 0.0
    while True:
        a, b, c = 1.0, 1.0, 0.0
        room, first_to_end = limit - total, -1
        for stage in range(stages):
            flat, weight, following = _merge(stage, chosen, pieces, piece_start, stage_start, at, level)
            if flat == 0.0 and weight == 0.0:
                return profit
            terms[stage, 0], terms[stage, 1], terms[stage, 2] = a, b, c
            terms[stage, 3], terms[stage, 4], terms[stage, 5] = flat, weight, following
            s = level[stage]
            left = flat - flat_used[stage] if flat > 0.0 else weight * (following - s)
            if a > c * left and left * b < room * (a - c * left):
                room, first_to_end = max(0.0, left * b / (a - c * left)), stage
            slope = 0.0 if flat > 0.0 else s / weight
            a, b, c = a, b * s * s, c * s * s + slope * a
        if a <= b:
            return profit
        best = (math.sqrt(a * b) - b) / c if c > 0.0 else math.inf
        amount = min(best, room)
        profit += a * amount / (b + c * amount) - amount
        total += amount
        for stage in range(stages):
            taken = terms[stage, 0] * amount / (terms[stage, 1] + terms[stage, 2] * amount)
            ended = best > room and stage == first_to_end
            if terms[stage, 3] > 0.0:
                flat_used[stage] += taken
                if ended:
                    flat_used[stage] = 0.0
                    _leave_flat(stage, chosen, pieces, piece_start, stage_start, at, level)
            elif ended:
                level[stage] = terms[stage, 5]
            else:
                level[stage] = min(terms[stage, 5], level[stage] + taken / terms[stage, 4])
        if best <= room or first_to_end < 0:
            return profit


@register_jitable
def _assign(
    chosen: int,
    pieces: Floats,
    piece_start: Ints,
    stage_start: Ints,
    at: Ints,
    level: Floats,
    flat_used: Floats,
    amounts: Floats,
) -> None:
    """Each pool's input where a march stopped; of flat pieces at the level the first pool is filled first."""
    amounts[:] = 0.0
    for stage in range(len(stage_start) - 1):
        flat_left = flat_used[stage]
        for pool in range(stage_start[stage], stage_start[stage + 1]):
            if not chosen >> pool & 1:
                continue
            for piece in range(piece_start[pool], min(at[pool] + 1, piece_start[pool + 1])):
                start, end, weight = pieces[piece, 0], pieces[piece, 1], pieces[piece, 2]
                if start < end:
                    amounts[pool] += weight * max(0.0, min(end, level[stage]) - start)
                elif piece < at[pool]:
                    amounts[pool] += weight
                elif start == level[stage]:
                    amounts[pool] += min(weight, flat_left)
                    flat_left -= min(weight, flat_left)


@register_jitable
def _swaps(chosen: int, stage_start: Ints) -> int:
    """How many pools are chosen, 0 where a stage has none."""
    swaps = 0
    for stage in range(len(stage_start) - 1):
        here = 0
        for pool in range(stage_start[stage], stage_start[stage + 1]):
            here += chosen >> pool & 1
        if here == 0:
            return 0
        swaps += here
    return swaps


@njit(cache=True)
def best_split(
    pieces: Floats,
    piece_start: Ints,
    stage_start: Ints,
    limit: float,
    max_swaps: int,
    cost_per_swap: float,
    amounts: Floats,
    values: Floats,
) -> None:
    """Every set of at most `max_swaps` pools, larger sets first; a size of set that cannot beat the best is skipped."""
    stages, pools = len(stage_start) - 1, len(piece_start) - 1
    at, level = np.zeros(pools, np.int32), np.zeros(stages)
    flat_used, terms = np.zeros(stages), np.zeros((stages, 6))
    best, whole = np.zeros(2, np.int64), (1 << pools) - 1
    values[:] = 0.0
    bound = _march(whole, pieces, piece_start, stage_start, limit, at, level, flat_used, terms)
    for swaps in range(min(max_swaps, pools), stages - 1, -1):
        if swaps > stages and bound - cost_per_swap * swaps <= values[0]:
            continue
        for chosen in range(1, whole + 1):
            if _swaps(chosen, stage_start) != swaps:
                continue
            value = _march(chosen, pieces, piece_start, stage_start, limit, at, level, flat_used, terms)
            value -= cost_per_swap * swaps
            if value > values[0]:
                values[0], best[0] = value, chosen
            if swaps == stages and value > values[1]:
                values[1], best[1] = value, chosen
    for which in range(2):
        _march(best[which], pieces, piece_start, stage_start, limit, at, level, flat_used, terms)
        _assign(best[which], pieces, piece_start, stage_start, at, level, flat_used, amounts[which])
