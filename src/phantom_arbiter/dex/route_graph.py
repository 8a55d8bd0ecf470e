"""The arrays of the route index and their layout: tokens, pairs of tokens and pools, rebuilt only when pools are added.

Words: a code is 2·pool + direction, direction 0 selling the token with the lower number; code ^ 1 is the way back.
A lane is a pair of tokens in one direction, 2·pair + direction; lane ^ 1 is the way back. A detour leads from one base
over a third token to another base.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Array = TypeVar("Array", Floats, Ints)

UNCOUNTED: Final[dict[str, Any]] = {"_nrt": False}
"""numba options of the kernels: no reference counts. The caller holds the arrays and a kernel makes none; counting
them on every inner call took three quarters of the time."""
INLINED: Final[dict[str, Any]] = {**UNCOUNTED, "forceinline": True}
"""For what is called from one place: handing over a graph as arguments costs more than the call is worth."""
RATE, DEPTH, CAPACITY, LEAST_DEPTH, KEEP = range(5)
"""Columns of `curves`; `lanes` has the first two of them, `segments` and `march` the first three."""
BOUND_RATE, BOUND_DEPTH = 3, 4
"""The other columns of `march`."""
LANE_OF, TAIL_START, TAIL_SIZE = 2, 3, 4
"""Columns of `ends` after the tokens."""
VALUE, AMOUNT, PROFIT, NET_RATE, GROSS_RATE = range(5)
"""Columns of `values`."""
LANE, TOKEN, CODE, WALK, SIZED, SEGMENT = range(6)
"""Rows of `path`."""
MAX_HOPS: Final = 4
MAX_COUNT: Final = 32
"""The most cycles that one search returns."""


class Graph(NamedTuple):
    """Tokens are numbered with the bases first. The floats come first, then the integers (see `packed`)."""

    curves: Floats
    """[code, 5] rate, depth and capacity of the first segment; the least depth of the curve; 1 − fee. A dead one has
    rate 0."""
    segments: Floats
    """[·, 3] rate, depth, capacity."""
    lanes: Floats
    """[lane, 2] the best rate and the least depth of its pools."""
    detour_rates: Floats
    """[·, 2] products of the best rates from the lower base over the token to the higher, and back."""
    terms: Floats
    """[base, 2] value of an atom, largest input in atoms."""
    values: Floats
    """Out, [1 + rank, 5]: value, input, profit, net and gross rate of the cycles kept, best first; row 0 is the cycle
    of the best net rate, whose first three are 0."""
    march: Floats
    """Work, [hop, 5]: rate, depth and capacity from where the march stands; rate and depth that bound what is still
    open."""
    marks: Floats
    """Work, [2]: what a path's rate must exceed, what a cycle must be worth."""
    ends: Ints
    """[code, 5] token sold, token bought, lane, where the other segments start in `segments`, how many there are."""
    near: Ints
    """[·, 2] neighbour, lane to it; by token."""
    base_lane: Ints
    """[base, token] the lane base → token, or −1."""
    detour_at: Ints
    """[base · bases + base, token] the row in `detour_rates`, or −1; the same both ways."""
    queue: Ints
    """Work, [path, 5] hops, code of the changed pool, the lanes after it. Two paths for each third token and for each
    lane between third and fourth are all there can be."""
    routes: Ints
    """Out, [1 + rank, 5]: hops and codes of the cycles; none of row 0 is no cycle."""
    path: Ints
    """Work, [6, hop] on the path from the changed pool on: lane, token sold, code, place of the walk in `pair_pools`;
    then of the cycle being sized: code, segment."""
    pair_start: Ints
    """[pair + 1] offsets into `pair_pools`."""
    pair_pools: Ints
    """[pool] the pools of each pair."""
    lane_best: Ints
    """[lane] the code of the best rate, or −1."""
    lane_from: Ints
    """[lane] the token it sells."""
    near_start: Ints
    """[token + 1] offsets into `near`."""
    inner: Ints
    """[·] the lanes between two tokens that are no bases."""
    detour_start: Ints
    """[lower base · bases + higher base, + 1] offsets into `detour_rates`."""
    detour_thirds: Ints
    """[·] the token of each detour."""
    counts: Ints
    """[3] cycles wanted; out: cycles found; work: paths in the queue."""


class Arena(NamedTuple):
    """A graph in three arrays, as the compiled functions take it: numba spends 50 ns on every array of a call."""

    floats: Floats
    """The graph's floats, field by field."""
    ints: Ints
    """Its integers."""
    starts: NDArray[np.int64]
    """Where each field starts in `floats`, and the end; then the same in `ints`."""


class Ends(NamedTuple):
    """A pool's tokens by number, `low` < `high`."""

    low: int
    high: int


def empty_graph(bases: int) -> Graph:
    """A graph without pools, every base worth 1 an atom and without limit."""
    blank = Graph(
        curves=np.zeros((0, 5)), segments=np.zeros((0, 3)), lanes=np.zeros((0, 2)), detour_rates=np.zeros((0, 2)),
        terms=np.tile([1.0, np.inf], (bases, 1)), values=np.zeros((1 + MAX_COUNT, 5)), march=np.zeros((MAX_HOPS, 5)),
        marks=np.zeros(2), ends=_ints(0, 5), near=_ints(0, 2), base_lane=_ints(bases, bases),
        detour_at=_ints(bases * bases, bases), queue=_ints(0, 1 + MAX_HOPS), routes=_ints(1 + MAX_COUNT, 1 + MAX_HOPS),
        path=_ints(6, MAX_HOPS), pair_start=_ints(1), pair_pools=_ints(0), lane_best=_ints(0), lane_from=_ints(0),
        near_start=_ints(1), inner=_ints(0), detour_start=_ints(bases * bases + 1), detour_thirds=_ints(0),
        counts=_ints(3),
    )  # fmt: skip
    return laid_out(blank, (), bases)


def packed(graph: Graph) -> Arena:
    """A copy of the graph in one piece of memory for each type."""
    floats, ints = ([field for field in graph if field.dtype == kind] for kind in (np.float64, np.int32))
    starts = [np.cumsum([0, *(field.size for field in fields)]) for fields in (floats, ints)]
    return Arena(
        np.concatenate([field.ravel() for field in floats]),
        np.concatenate([field.ravel() for field in ints]),
        np.concatenate(starts, dtype=np.int64),
    )


def table(flat: Array, start: int, end: int, columns: int) -> tuple[Array]:
    """Rows of `columns` from a piece of an arena, as a view; in a tuple, because a compiled function may not return a
    bare array without counting references."""
    return (flat[start:end].reshape(-1, columns),)


def unpacked(floats: Floats, ints: Ints, starts: NDArray[np.int64]) -> Graph:
    """The graph that lies in an arena: views, no copies."""
    at = starts
    tokens = (at[12] - at[11]) * 2 // (at[5] - at[4])
    return Graph(
        table(floats, at[0], at[1], 5)[0],  # curves
        table(floats, at[1], at[2], 3)[0],  # segments
        table(floats, at[2], at[3], 2)[0],  # lanes
        table(floats, at[3], at[4], 2)[0],  # detour_rates
        table(floats, at[4], at[5], 2)[0],  # terms
        table(floats, at[5], at[6], 5)[0],  # values
        table(floats, at[6], at[7], 5)[0],  # march
        floats[at[7] : at[8]],  # marks
        table(ints, at[9], at[10], 5)[0],  # ends
        table(ints, at[10], at[11], 2)[0],  # near
        table(ints, at[11], at[12], tokens)[0],  # base_lane
        table(ints, at[12], at[13], tokens)[0],  # detour_at
        table(ints, at[13], at[14], 1 + MAX_HOPS)[0],  # queue
        table(ints, at[14], at[15], 1 + MAX_HOPS)[0],  # routes
        table(ints, at[15], at[16], MAX_HOPS)[0],  # path
        ints[at[16] : at[17]],  # pair_start
        ints[at[17] : at[18]],  # pair_pools
        ints[at[18] : at[19]],  # lane_best
        ints[at[19] : at[20]],  # lane_from
        ints[at[20] : at[21]],  # near_start
        ints[at[21] : at[22]],  # inner
        ints[at[22] : at[23]],  # detour_start
        ints[at[23] : at[24]],  # detour_thirds
        ints[at[24] : at[25]],  # counts
    )


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
        for row in ((low, high, 2 * pair, 0, 0), (high, low, 2 * pair + 1, 0, 0))
    ]
    return old._replace(
        curves=np.concatenate((old.curves, np.zeros((2 * len(pools) - len(old.curves), 5)))),
        ends=np.concatenate((old.ends, np.array(ends[len(old.ends) :], np.int32).reshape(-1, 5))),
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
    at = np.full((bases * bases, tokens), -1, np.int32)
    thirds: list[int] = []
    start = [0]
    for low in range(bases):
        for high in range(bases):
            both = np.flatnonzero((base_lane[low] >= 0) & (base_lane[high] >= 0)) if low < high else ()
            for third in map(int, both):
                at[low * bases + high, third] = at[high * bases + low, third] = len(thirds)
                thirds.append(third)
            start.append(len(thirds))
    return at, np.array(start, np.int32), np.array(thirds, np.int32)


def _ints(*shape: int) -> Ints:
    return np.zeros(shape, np.int32)


def _offsets(groups: Sequence[int], count: int) -> Ints:
    """Where each of `count` groups starts when the members of `groups` are laid out in group order."""
    sizes = np.bincount(np.array(groups, np.int64), minlength=count)
    return np.concatenate(([0], np.cumsum(sizes))).astype(np.int32)
