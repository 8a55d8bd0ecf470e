"""The arrays of the route index and their layout: tokens, pairs of tokens and pools, rebuilt only when pools are added.

Words: a code is 2·pool + direction, direction 0 selling the token with the lower number; code ^ 1 is the way back.
A lane is a pair of tokens in one direction, 2·pair + direction; lane ^ 1 is the way back. A detour leads from one base
over a third token to another base.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]

UNCOUNTED: Final[dict[str, Any]] = {"_nrt": False}
"""numba options of the kernels: no reference counts. The caller holds the arrays and a kernel makes none; counting
them on every inner call took three quarters of the time."""
RATE, DEPTH, CAPACITY, LEAST_DEPTH = range(4)
"""Columns of `curves`; `lanes` has the first two of them, `segments` and `march` the first three."""
VALUE, AMOUNT, PROFIT, NET_RATE = range(4)
"""Columns of `values`."""
MAX_HOPS: Final = 4
MAX_COUNT: Final = 32
"""The most cycles that one search returns."""


class Graph(NamedTuple):
    """Tokens are numbered with the bases first. The compiled functions take the fields one by one, in this order."""

    curves: Floats
    """[code, 4] rate, depth and capacity of the first segment; the least depth of the curve. A dead one has rate 0."""
    ends: Ints
    """[code, 3] token sold, token bought, lane."""
    tails: Ints
    """[code, 2] where the other segments start in `segments`, and how many there are."""
    segments: Floats
    """[·, 3] rate, depth, capacity."""
    pair_start: Ints
    """[pair + 1] offsets into `pair_pools`."""
    pair_pools: Ints
    """[pool] the pools of each pair."""
    lanes: Floats
    """[lane, 2] the best rate and the least depth of its pools."""
    lane_best: Ints
    """[lane] the code of the best rate, or −1."""
    lane_from: Ints
    """[lane] the token it sells."""
    near_start: Ints
    """[token + 1] offsets into `near`."""
    near: Ints
    """[·, 2] neighbour, lane to it; by token."""
    inner: Ints
    """[·] the lanes between two tokens that are no bases."""
    base_lane: Ints
    """[base, token] the lane base → token, or −1."""
    detour_at: Ints
    """[base, base, token] the row in `detour_rates`, or −1; the same both ways."""
    detour_rates: Floats
    """[·, 2] products of the best rates from the lower base over the token to the higher, and back."""
    detour_start: Ints
    """[lower base · bases + higher base, + 1] offsets into `detour_rates`."""
    detour_thirds: Ints
    """[·] the token of each detour."""
    terms: Floats
    """[base, 2] value of an atom, largest input in atoms."""
    marks: Floats
    """Work, [2]: what a path's rate must exceed, what a cycle must be worth."""
    counts: Ints
    """[3] cycles wanted; out: cycles found; work: paths in the queue."""
    queue: Ints
    """Work, [path, 5] hops, code of the changed pool, the lanes after it. Two paths for each third token and for each
    lane between third and fourth are all there can be."""
    values: Floats
    """Out, [1 + rank, 4]: value, input, profit and net rate of the cycles kept, best first; row 0 is the cycle of the
    best net rate, whose first three are 0."""
    routes: Ints
    """Out, [1 + rank, 5]: their hops and codes; none of row 0 is no cycle."""
    path: Ints
    """Work, [6, hop] on the path from the changed pool on: lane, token sold, code, place of the walk in `pair_pools`;
    then of the cycle being sized: code, segment."""
    bounds: Floats
    """Work, [2, hop]: rate and depth that bound what is still open."""
    march: Floats
    """Work, [hop, 3]: rate, depth and capacity from where the march stands."""


class Ends(NamedTuple):
    """A pool's tokens by number, `low` < `high`."""

    low: int
    high: int


def empty_graph(bases: int) -> Graph:
    """A graph without pools, every base worth 1 an atom and without limit."""
    blank = Graph(
        curves=np.zeros((0, 4)), ends=_ints(0, 3), tails=_ints(0, 2), segments=np.zeros((0, 3)),
        pair_start=_ints(1), pair_pools=_ints(0), lanes=np.zeros((0, 2)), lane_best=_ints(0), lane_from=_ints(0),
        near_start=_ints(1), near=_ints(0, 2), inner=_ints(0), base_lane=_ints(bases, bases),
        detour_at=_ints(bases, bases, bases), detour_rates=np.zeros((0, 2)), detour_start=_ints(bases * bases + 1),
        detour_thirds=_ints(0), terms=np.tile([1.0, np.inf], (bases, 1)), marks=np.zeros(2), counts=_ints(3),
        queue=_ints(0, 1 + MAX_HOPS), values=np.zeros((1 + MAX_COUNT, 4)), routes=_ints(1 + MAX_COUNT, 1 + MAX_HOPS),
        path=_ints(6, MAX_HOPS), bounds=np.zeros((2, MAX_HOPS)), march=np.zeros((MAX_HOPS, 3)),
    )  # fmt: skip
    return laid_out(blank, (), bases)


def laid_out(old: Graph, pools: Sequence[Ends], tokens: int) -> Graph:
    """The graph of `pools`, the first of which `old` holds; their curves are kept, the new ones are dead.

    Lanes and detours are empty until each pool is settled (`curve_kernel.settle`).
    """
    bases = len(old.terms)
    pairs: dict[Ends, int] = {}
    of_pool = [pairs.setdefault(ends, len(pairs)) for ends in pools]
    near = sorted(
        side
        for (low, high), pair in pairs.items()
        for side in ((low, high, 2 * pair), (high, low, 2 * pair + 1))
    )  # fmt: skip
    base_lane = np.full((bases, tokens), -1, np.int32)
    for token, other, lane in near:
        if token < bases:
            base_lane[token, other] = lane
    detour_at, detour_start, detour_thirds = _detours(base_lane)
    ends = [
        row
        for (low, high), pair in zip(pools, of_pool, strict=True)
        for row in ((low, high, 2 * pair), (high, low, 2 * pair + 1))
    ]
    return old._replace(
        curves=np.concatenate((old.curves, np.zeros((2 * len(pools) - len(old.curves), 4)))),
        tails=np.concatenate((old.tails, _ints(2 * len(pools) - len(old.tails), 2))),
        ends=np.array(ends, np.int32).reshape(-1, 3),
        pair_start=_offsets(of_pool, len(pairs)),
        pair_pools=np.argsort(np.array(of_pool, np.int32), kind="stable").astype(np.int32),
        lanes=np.tile([0.0, np.inf], (2 * len(pairs), 1)),
        lane_best=np.full(2 * len(pairs), -1, np.int32),
        lane_from=np.array([token for both in pairs for token in both], np.int32),
        near_start=_offsets([token for token, _, _ in near], tokens),
        near=np.array([side[1:] for side in near], np.int32).reshape(-1, 2),
        inner=np.array([lane for token, other, lane in near if min(token, other) >= bases], np.int32),
        queue=_ints(2 + 2 * tokens + 4 * len(pairs), 1 + MAX_HOPS),
        base_lane=base_lane,
        detour_at=detour_at,
        detour_rates=np.zeros((len(detour_thirds), 2)),
        detour_start=detour_start,
        detour_thirds=detour_thirds,
    )


def _detours(base_lane: Ints) -> tuple[Ints, Ints, Ints]:
    bases, tokens = base_lane.shape
    at = np.full((bases, bases, tokens), -1, np.int32)
    thirds: list[int] = []
    start = [0]
    for low in range(bases):
        for high in range(bases):
            both = np.flatnonzero((base_lane[low] >= 0) & (base_lane[high] >= 0)) if low < high else ()
            for third in map(int, both):
                at[low, high, third] = at[high, low, third] = len(thirds)
                thirds.append(third)
            start.append(len(thirds))
    return at, np.array(start, np.int32), np.array(thirds, np.int32)


def _ints(*shape: int) -> Ints:
    return np.zeros(shape, np.int32)


def _offsets(groups: Sequence[int], count: int) -> Ints:
    """Where each of `count` groups starts when the members of `groups` are laid out in group order."""
    sizes = np.bincount(np.array(groups, np.int64), minlength=count)
    return np.concatenate(([0], np.cumsum(sizes))).astype(np.int32)
