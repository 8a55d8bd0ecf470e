"""The compiled dual of `convex_bound.py`: coordinate descent on token prices, in float64.

Importing this module imports numba: only `convex_bound.convex_bound` does, when it is called. The
functions' ``py_func`` are the plain-Python twins.

At prices ν a pool that takes token i for token j is traded until its marginal price is ν_i/ν_j, that is to
s = √(ν_j/ν_i), where its input is linear in s (`split_kernel.py`). So what is left of a token when all its pools have
answered is K − M/√ν on every stretch, and Newton's step is its root.

Arrays (a direction is 2·pool, token 0 in, or 2·pool + 1):
    raw        float64 [piece, 3]    as in `split_kernel`, of all directions in turn
    soft       float64 [piece, 5]    s where it starts, s where it ends, w, input and output before it
    start      int32 [direction + 1] offsets into raw and soft
    ends       int32 [direction, 2]  token in, token out
    near_start int32 [token + 1]     offsets into near
    near       int32 [·]             the directions that touch the token
    root       float64 [token]       √ν
    floor      float64 [token]       least √ν: √(value of an atom) of a base, else above 0
    trades     float64 [direction, 2] out: input, output
"""

import math

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

NEWTON_STEPS = 60


@njit(cache=True)
def soften(raw: Floats, start: Ints, width: float, soft: Floats) -> None:
    """Write `soft`: flat pieces get this relative width in s, so that the dual has no edge on which descent stops."""
    for direction in range(len(start) - 1):
        end, amount_in, amount_out = 0.0, 0.0, 0.0
        for piece in range(start[direction], start[direction + 1]):
            first = max(end, raw[piece, 0])
            if raw[piece, 1] > raw[piece, 0]:
                weight = raw[piece, 2]
                end = max(first, raw[piece, 1])
            else:
                end = first * (1.0 + width)
                weight = raw[piece, 2] / (end - first)
            soft[piece, 0], soft[piece, 1], soft[piece, 2] = first, end, weight
            soft[piece, 3], soft[piece, 4] = amount_in, amount_out
            amount_in += weight * (end - first)
            amount_out += weight * (1.0 / first - 1.0 / end)


@register_jitable
def _answer(direction: int, s: float, soft: Floats, start: Ints) -> tuple[float, float, float]:
    """Input and output of a direction that is brought to s, and the w that is active there."""
    low, high = start[direction], start[direction + 1]
    if low == high or s <= soft[low, 0]:
        return 0.0, 0.0, 0.0
    while high - low > 1:
        middle = (low + high) >> 1
        if soft[middle, 0] < s:
            low = middle
        else:
            high = middle
    first, weight, reach = soft[low, 0], soft[low, 2], min(s, soft[low, 1])
    amount_in = soft[low, 3] + weight * (reach - first)
    amount_out = soft[low, 4] + weight * (1.0 / first - 1.0 / reach)
    return amount_in, amount_out, weight if s < soft[low, 1] else 0.0


@register_jitable
def _left(
    token: int, of_token: float, soft: Floats, start: Ints, ends: Ints, near_start: Ints, near: Ints, root: Floats
) -> tuple[float, float]:
    """(what is left of the token at √ν = `of_token`, M): paid out by its pools less put into them."""
    left, slope = 0.0, 0.0
    for at in range(near_start[token], near_start[token + 1]):
        direction = near[at]
        if ends[direction, 1] == token:
            other = root[ends[direction, 0]]
            _, amount_out, weight = _answer(direction, of_token / other, soft, start)
            left += amount_out
        else:
            other = root[ends[direction, 1]]
            amount_in, _, weight = _answer(direction, other / of_token, soft, start)
            left -= amount_in
        slope += weight * other
    return left, slope


@register_jitable
def _settle(
    token: int, soft: Floats, start: Ints, ends: Ints, near_start: Ints, near: Ints, root: Floats, floor: Floats
) -> None:
    """Move the token's price to where nothing is left of it, or to its floor where something is left even there."""
    low, high, now, low_is_short = floor[token], math.inf, root[token], False
    for _ in range(NEWTON_STEPS):
        left, slope = _left(token, now, soft, start, ends, near_start, near, root)
        if left == 0.0 or (left > 0.0 and now <= floor[token]):
            break
        if left < 0.0:
            low, low_is_short = now, True
        else:
            high = now
        inverse = 1.0 / now + left / slope if slope > 0.0 else 0.0
        following = 1.0 / inverse if inverse > 0.0 else math.inf
        if following <= low and not low_is_short:
            following = low
        elif not low < following < high:
            following = math.sqrt(low * high) if high < math.inf else now * 2.0
        if abs(following - now) <= 1e-15 * now:
            break
        now = following
    root[token] = now


@njit(cache=True)
def descend(
    sweeps: int,
    tolerance: float,
    overshoot: float,
    soft: Floats,
    start: Ints,
    ends: Ints,
    near_start: Ints,
    near: Ints,
    root: Floats,
    floor: Floats,
) -> int:
    """Settle tokens in turn, up to `sweeps` times, until none has a neighbour whose √ν moved by `tolerance` of itself;
    sweeps done. Each √ν goes on by its ratio to the `overshoot`: between 1 and 2 that ends sooner, where the dual is
    smooth, than 1 does."""
    waiting = np.ones(len(root), np.bool_)
    for sweep in range(sweeps):
        still = False
        for token in range(len(root)):
            if not waiting[token]:
                continue
            waiting[token] = False
            before = root[token]
            _settle(token, soft, start, ends, near_start, near, root, floor)
            root[token] = max(floor[token], before * (root[token] / before) ** overshoot)
            if abs(root[token] - before) <= tolerance * before:
                continue
            still = True
            for at in range(near_start[token], near_start[token + 1]):
                waiting[ends[near[at], 0]] = True
                waiting[ends[near[at], 1]] = True
            waiting[token] = False
        if not still:
            return sweep + 1
    return sweeps


@njit(cache=True)
def dual_value(raw: Floats, start: Ints, ends: Ints, root: Floats) -> float:
    """What all pools are worth at these prices, flat pieces as they are: no feasible trade is worth more."""
    value = 0.0
    for direction in range(len(start) - 1):
        price_in, price_out = root[ends[direction, 0]] ** 2, root[ends[direction, 1]] ** 2
        s, end = math.sqrt(price_out / price_in), 0.0
        for piece in range(start[direction], start[direction + 1]):
            first = max(end, raw[piece, 0])
            if first >= s:
                break
            if raw[piece, 1] > raw[piece, 0]:
                reach = min(s, raw[piece, 1])
                value += raw[piece, 2] * (price_out * (1.0 / first - 1.0 / reach) - price_in * (reach - first))
            else:
                value += raw[piece, 2] * (price_out / (first * first) - price_in)
            end = raw[piece, 1]
    return value


@njit(cache=True)
def trade(raw: Floats, soft: Floats, start: Ints, ends: Ints, root: Floats, trades: Floats) -> None:
    """Write every direction's input at these prices, and what the pool pays for it without the softening."""
    for direction in range(len(start) - 1):
        s = root[ends[direction, 1]] / root[ends[direction, 0]]
        amount_in, _, _ = _answer(direction, s, soft, start)
        trades[direction, 0], rest, amount_out = amount_in, amount_in, 0.0
        for piece in range(start[direction], start[direction + 1]):
            first, weight = raw[piece, 0], raw[piece, 2]
            if raw[piece, 1] > first:
                taken = min(rest, weight * (raw[piece, 1] - first))
                amount_out += weight * (1.0 / first - 1.0 / (first + taken / weight))
            else:
                taken = min(rest, weight)
                amount_out += taken / (first * first)
            rest -= taken
            if rest <= 0.0:
                break
        trades[direction, 1] = amount_out
