"""The compiled search of `routes.py`: best cycle of two or three hops through one pool, in float64.

Importing this module imports numba (about half a second): only `routes.RouteIndex` does, when it is made.
`update_pool.py_func` and `best_cycle.py_func` are the plain-Python twins.

A hop pays r·x/(1 + d·x) with r = γ·reserve_out/reserve_in (the net marginal rate) and d = γ/reserve_in (γ = 1 −
fee). It is the Möbius form a·x/(b + c·x) of reference/solana-and-dex.md §4 divided by b, so that hops compose to
r = r₁r₂, d = d₁ + r₁d₂; the optimum input is (√r − 1)/d and the profit (√r − 1)²/d.

Arrays (low and high are the pool's tokens in index order; direction 0 sells low for high):
    pools       float64 [pool, 7]   reserve low, reserve high, γ, r of direction 0, of 1, d of direction 0, of 1
    pool_ids    int32   [pool, 3]   token low, token high, pair
    pair_start  int32   [pair + 1]  offsets into pair_pools
    pair_pools  int32   [pool]      the pools of each pair
    pair_rate   float64 [pair, 2]   the best r in each direction
    near_start  int32   [token + 1] offsets into near
    near        int32   [·, 2]      neighbour token, pair; ordered by token
    base_slot   int32   [token]     slot of a base token, else −1; bases are the first tokens
    base_pair   int32   [base, token] pair of the two, else −1
    base_terms  float64 [base, 2]   value of an atom, largest input in atoms
    found       float64 [4]         out: value, input, profit of the best cycle; best r of any cycle
    codes       int32   [8]         out: hops and hop codes of the best cycle, then of the best r
A hop code is 2·pool + direction; hops = 0 says none was found.
"""

import math

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

RATE, DEPTH = 3, 5
"""First column of r and of d in `pools`; the column of a direction follows by adding it."""


@njit(cache=True)
def update_pool(
    pool: int,
    reserve_low: float,
    reserve_high: float,
    keep: float,
    pools: Floats,
    pool_ids: Ints,
    pair_start: Ints,
    pair_pools: Ints,
    pair_rate: Floats,
) -> None:
    """Put a pool's reserves and γ = `keep` in place; zero reserves take it out of the search."""
    alive = reserve_low > 0.0 and reserve_high > 0.0
    pools[pool, 0] = reserve_low
    pools[pool, 1] = reserve_high
    pools[pool, 2] = keep
    pools[pool, RATE] = keep * reserve_high / reserve_low if alive else 0.0
    pools[pool, RATE + 1] = keep * reserve_low / reserve_high if alive else 0.0
    pools[pool, DEPTH] = keep / reserve_low if alive else 0.0
    pools[pool, DEPTH + 1] = keep / reserve_high if alive else 0.0
    pair = pool_ids[pool, 2]
    pair_rate[pair] = 0.0
    for at in range(pair_start[pair], pair_start[pair + 1]):
        for direction in range(2):
            rate = pools[pair_pools[at], RATE + direction]
            pair_rate[pair, direction] = max(pair_rate[pair, direction], rate)


@register_jitable
def _offer(
    hops: int,
    c0: int,
    c1: int,
    c2: int,
    rate: float,
    pools: Floats,
    pool_ids: Ints,
    base_slot: Ints,
    base_terms: Floats,
    found: Floats,
    codes: Ints,
) -> None:
    """Keep the cycle of net rate `rate` if, from one of its bases, it is worth more than the best so far."""
    for _ in range(hops):
        p0, p1, p2 = c0 >> 1, c1 >> 1, c2 >> 1
        slot = base_slot[pool_ids[p0, c0 & 1]]
        if slot >= 0:
            depth = pools[p1, DEPTH + (c1 & 1)]
            if hops == 3:
                depth += pools[p1, RATE + (c1 & 1)] * pools[p2, DEPTH + (c2 & 1)]
            depth = pools[p0, DEPTH + (c0 & 1)] + pools[p0, RATE + (c0 & 1)] * depth
            # √r − 1 ≤ (r − 1)/2: skip the root where even that bound is worth less than the best.
            bound = (rate - 1.0) * (rate - 1.0) * base_terms[slot, 0]
            if bound > 4.0 * depth * found[0]:
                gain = math.sqrt(rate) - 1.0
                amount_in = gain / depth
                profit = gain * amount_in
                if amount_in > base_terms[slot, 1]:
                    amount_in = base_terms[slot, 1]
                    profit = amount_in * (rate / (1.0 + depth * amount_in) - 1.0)
                value = profit * base_terms[slot, 0]
                if value > found[0]:
                    found[0], found[1], found[2] = value, amount_in, profit
                    codes[0], codes[1], codes[2], codes[3] = hops, c0, c1, c2
        if hops == 2:
            c0, c1 = c1, c0
        else:
            c0, c1, c2 = c1, c2, c0


@register_jitable
def _note(rate: float, hops: int, c0: int, c1: int, c2: int, found: Floats, codes: Ints) -> None:
    if rate > found[3]:
        found[3] = rate
        codes[4], codes[5], codes[6], codes[7] = hops, c0, c1, c2


@register_jitable
def _two_hops(
    pool: int,
    pools: Floats,
    pool_ids: Ints,
    pair_start: Ints,
    pair_pools: Ints,
    base_slot: Ints,
    base_terms: Floats,
    found: Floats,
    codes: Ints,
) -> None:
    """All cycles of `pool` and another pool of the same two tokens."""
    pair = pool_ids[pool, 2]
    for at in range(pair_start[pair], pair_start[pair + 1]):
        other = pair_pools[at]
        if other == pool:
            continue
        for direction in range(2):
            out, back = 2 * pool + direction, 2 * other + 1 - direction
            rate = pools[pool, RATE + direction] * pools[other, RATE + 1 - direction]
            _note(rate, 2, out, back, 0, found, codes)
            if rate > 1.0:
                _offer(2, out, back, 0, rate, pools, pool_ids, base_slot, base_terms, found, codes)


@register_jitable
def _three_hops(
    first: int,
    pair_1: int,
    direction_1: int,
    pair_2: int,
    direction_2: int,
    pools: Floats,
    pool_ids: Ints,
    pair_start: Ints,
    pair_pools: Ints,
    pair_rate: Floats,
    base_slot: Ints,
    base_terms: Floats,
    found: Floats,
    codes: Ints,
) -> None:
    """All cycles first → a pool of pair_1 → a pool of pair_2 that gain or have the best rate so far."""
    rate_0 = pools[first >> 1, RATE + (first & 1)]
    for at_1 in range(pair_start[pair_1], pair_start[pair_1 + 1]):
        rate_1 = rate_0 * pools[pair_pools[at_1], RATE + direction_1]
        if rate_1 * pair_rate[pair_2, direction_2] < min(1.0, found[3]):
            continue
        code_1 = 2 * pair_pools[at_1] + direction_1
        for at_2 in range(pair_start[pair_2], pair_start[pair_2 + 1]):
            code_2 = 2 * pair_pools[at_2] + direction_2
            rate = rate_1 * pools[code_2 >> 1, RATE + direction_2]
            _note(rate, 3, first, code_1, code_2, found, codes)
            if rate > 1.0:
                _offer(
                    3, first, code_1, code_2, rate, pools, pool_ids, base_slot, base_terms, found, codes
                )  # fmt: skip


@njit(cache=True)
def best_cycle(
    pool: int,
    pools: Floats,
    pool_ids: Ints,
    pair_start: Ints,
    pair_pools: Ints,
    pair_rate: Floats,
    near_start: Ints,
    near: Ints,
    base_slot: Ints,
    base_pair: Ints,
    base_terms: Floats,
    found: Floats,
    codes: Ints,
) -> None:
    """Write the best cycle of two or three hops through `pool` that starts at a base to found and codes."""
    found[:] = 0.0
    codes[:] = 0
    low, high = pool_ids[pool, 0], pool_ids[pool, 1]
    near_base = base_slot[low] >= 0  # bases are the first tokens: the low one is a base if any is
    if near_base:
        _two_hops(pool, pools, pool_ids, pair_start, pair_pools, base_slot, base_terms, found, codes)
    # The third token: a base if neither end is one, else any neighbour of both. Walk the shorter list.
    anchor, walk = low, high
    if base_slot[high] >= 0 and near_start[high + 1] - near_start[high] > near_start[low + 1] - near_start[low]:
        anchor, walk = high, low
    rate_0, rate_1 = pools[pool, RATE], pools[pool, RATE + 1]
    count = near_start[walk + 1] - near_start[walk] if near_base else base_pair.shape[0]
    for at in range(count):
        if near_base:
            third = near[near_start[walk] + at, 0]
            pair_walk = near[near_start[walk] + at, 1]
            pair_anchor = base_pair[base_slot[anchor], third]
        else:
            third = at
            pair_walk, pair_anchor = base_pair[at, walk], base_pair[at, anchor]
        if pair_walk < 0 or pair_anchor < 0:  # also where the third is one of the two
            continue
        pair_low, pair_high = (pair_anchor, pair_walk) if walk == high else (pair_walk, pair_anchor)
        from_low, from_high = int(low > third), int(high > third)
        # Prune by the product of the best marginal rates: low → high → third → low, and the other way round.
        if rate_0 * pair_rate[pair_high, from_high] * pair_rate[pair_low, 1 - from_low] > min(1.0, found[3]):
            _three_hops(
                2 * pool, pair_high, from_high, pair_low, 1 - from_low, pools, pool_ids, pair_start, pair_pools,
                pair_rate, base_slot, base_terms, found, codes,
            )  # fmt: skip
        if rate_1 * pair_rate[pair_low, from_low] * pair_rate[pair_high, 1 - from_high] > min(1.0, found[3]):
            _three_hops(
                2 * pool + 1, pair_low, from_low, pair_high, 1 - from_high, pools, pool_ids, pair_start,
                pair_pools, pair_rate, base_slot, base_terms, found, codes,
            )  # fmt: skip
