"""The route index: all pools in flat arrays, and the best cycles of two to four hops through a changed pool.

The search is a screen in floats; `sizing.py` decides in integers. A pool is its two lists of segments, whatever its
type; it is assumed that no segment pays a better rate than the one before it. The arrays are laid out anew only after a
pool is added; an update writes one pool's rows. The method and its measurements: reference/solana-and-dex.md §4.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from phantom_arbiter.core.units import MAX_U64
from phantom_arbiter.dex import pools
from phantom_arbiter.dex.constant_product import ConstantProductPool
from phantom_arbiter.dex.pools import Moment, PoolState
from phantom_arbiter.dex.raydium_cpmm import CpmmPool
from phantom_arbiter.dex.route_graph import (
    KEEP,
    MAX_COUNT,
    MAX_HOPS,
    TAIL_SIZE,
    TAIL_START,
    Ends,
    Graph,
    empty_graph,
    laid_out,
    packed,
    unpacked,
)

MAX_SEGMENTS: Final = 32
"""The most segments kept of a pool's direction, the first ones: what lies behind them is not searched. A cycle that
would reach beyond is undersized, never oversized; `sizing.py` has all segments."""


class Hop(NamedTuple):
    """One swap of a cycle: sells the pool's token 0 if `zero_for_one`."""

    pool_id: str
    zero_for_one: bool


class BaseTerms(NamedTuple):
    """What a base is worth per atom (any one unit for all bases) and the largest input in atoms."""

    value_per_atom: float
    limit_atoms: float


class Rates(NamedTuple):
    """Products of a cycle's marginal rates with the pools' fees and without; 0 where there is no cycle."""

    net: float
    gross: float


class Cycle(msgspec.Struct, frozen=True, gc=False):
    """A cycle of the search, in floats. It starts and ends in `base`.

    `net_rate` and `gross_rate` are the products of the marginal rates with and without the pools' fees. Where
    no cycle gains, the input, profit and value are 0 and the cycle is the one of the best net rate.
    """

    base: str
    hops: tuple[Hop, ...]
    amount_in_atoms: float
    profit_atoms: float
    value: float
    net_rate: float
    gross_rate: float


Found = tuple[int, int, int, int, int, int, int, float, float, float, float, float]
"""How many cycles gain; base, hops and codes of the best; its value, input, profit, net and gross rate."""


class RouteIndex:
    """Pools by id, and the cycles through them that start in one of `bases`.

    A cycle meets each of its tokens once. `compiled=False` runs the plain-Python twin of the search. Raises ValueError
    for no base, or one twice.
    """

    def __init__(self, bases: Sequence[str], *, compiled: bool = True) -> None:
        if not bases or len(set(bases)) != len(bases):
            raise ValueError(f"bases are {list(bases)}, expected at least one and none twice")
        from phantom_arbiter.dex import curve_kernel, cycle_kernel  # here: importing numba takes half a second

        def chosen(kernel: Any) -> Callable[..., Any]:
            return kernel if compiled else kernel.py_func  # type: ignore[no-any-return]

        self._put_constant_product = chosen(curve_kernel.put_constant_product)
        self._settle = chosen(curve_kernel.settle)
        self._best_cycles = chosen(cycle_kernel.best_cycles)
        self._bases = tuple(bases)
        self._tokens = {base: number for number, base in enumerate(bases)}
        self._pools: dict[str, int] = {}
        self._ends: list[Ends] = []
        self._flipped: list[bool] = []
        self._hops: list[Hop] = []
        self._rooms: list[int] = []
        self._segments_used = 0
        self._waiting: dict[int, tuple[PoolState, Moment]] = {}
        self._terms_given: dict[str, BaseTerms] | None = None
        self._put(empty_graph(len(bases)))

    def __contains__(self, pool_id: str) -> bool:
        return pool_id in self._pools

    def __len__(self) -> int:
        return len(self._ends)

    def add(self, pool_id: str, token_0: str, token_1: str, pool: PoolState, moment: Moment) -> None:
        """Add a pool. Raises ValueError for a known id or a pool of one token."""
        if pool_id in self._pools:
            raise ValueError(f"pool_id {pool_id!r} is in the index already")
        if token_0 == token_1:
            raise ValueError(f"token_1 of pool {pool_id!r} is {token_1!r}, expected another than token_0")
        one, other = (self._tokens.setdefault(token, len(self._tokens)) for token in (token_0, token_1))
        row = self._pools[pool_id] = len(self._ends)
        self._ends.append(Ends(min(one, other), max(one, other)))
        self._flipped.append(one > other)
        for zero_for_one in (one < other, one > other):  # by code: direction 0 sells the lower token
            self._hops.append(Hop(pool_id, zero_for_one))
        self._rooms += (0, 0)
        self._waiting[row] = (pool, moment)

    def update(self, pool_id: str, pool: PoolState, moment: Moment) -> None:
        """Put a known pool's new state in place. Raises KeyError for one that was not added."""
        row = self._pools[pool_id]
        if self._waiting:
            self._waiting[row] = (pool, moment)
        else:
            self._write(row, pool, moment)

    def remove_until_updated(self, pool_id: str) -> None:
        """Leave a pool out of the search until its next update; for states too old to trust."""
        row = self._pools[pool_id]
        self._lay_out()
        self._put_constant_product(row, 0.0, 0.0, 1.0, 0.0, *self._arena)

    def _lay_out(self) -> None:
        """Lay the arrays out anew if pools were added, and write what waited for that."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, {}
        self._put(laid_out(self._graph, self._ends, len(self._tokens)))
        for row in range(len(self._ends)):
            if row in waiting:
                self._write(row, *waiting[row])
            else:
                self._settle(row, *self._arena)

    def _write(self, row: int, pool: PoolState, moment: Moment) -> None:
        flipped = self._flipped[row]
        product = _product(pool)
        if product is not None:  # the most common by far: no segments are made
            reserve_0, reserve_1, keep = product
            low, high = (reserve_1, reserve_0) if flipped else (reserve_0, reserve_1)
            self._put_constant_product(row, low, high, keep, float(MAX_U64), *self._arena)
            return
        for direction in range(2):
            zero_for_one = (direction == 0) != flipped
            self._graph.curves[2 * row + direction, KEEP] = pools.keep(pool, zero_for_one, moment)
            self._write_curve(
                2 * row + direction,
                [
                    (segment.a / segment.b, segment.c / segment.b, segment.capacity_atoms)
                    for segment in pools.segments(pool, zero_for_one, moment, MAX_SEGMENTS)
                    if segment.capacity_atoms > 0.0
                ],
            )
        self._settle(row, *self._arena)

    def _write_curve(self, code: int, rows: list[tuple[float, float, float]]) -> None:
        """Write rate, depth and capacity of a code's segments; a list that outgrows its room moves to the end."""
        graph = self._graph
        graph.curves[code, :3] = rows[0] if rows else 0.0
        more = max(0, len(rows) - 1)
        if more > self._rooms[code]:
            room = self._rooms[code] = 1 << (more - 1).bit_length()
            start, self._segments_used = self._segments_used, self._segments_used + room
            if self._segments_used > len(graph.segments):
                larger = np.zeros((2 * self._segments_used, 3))
                larger[:start] = graph.segments[:start]
                graph = self._put(graph._replace(segments=larger))
            graph.ends[code, TAIL_START] = start
        graph.ends[code, TAIL_SIZE] = more
        if more:
            start = int(graph.ends[code, TAIL_START])
            graph.segments[start : start + more] = rows[1:]

    def set_terms(self, terms: Mapping[str, BaseTerms]) -> None:
        """Put the bases' values and limits in place for the searches to come (before: 1 an atom, no limit).

        A base that `terms` leaves out is worth nothing: no cycle is started from it.
        """
        if terms == self._terms_given:
            return
        self._terms_given = dict(terms)
        for slot, base in enumerate(self._bases):
            self._graph.terms[slot] = terms.get(base, (0.0, 0.0))

    def best_rates(self, pool_id: str, max_hops: int = 3) -> Rates:
        """The rates of the cycle through `pool_id` with the best net rate: what most searches end with, without
        the cycle itself. A cycle that gains has a net rate above 1. Raises ValueError for hops outside 2 to 4."""
        return Rates(*self._search(pool_id, 0, max_hops)[-2:])

    def best_cycle(self, pool_id: str, max_hops: int = 3) -> Cycle | None:
        """The cycle through `pool_id` worth most, or None where no cycle passes it. Raises ValueError for hops outside
        2 to 4."""
        found = self._search(pool_id, 1, max_hops)
        return self._cycle(*found) if found[2] else None

    def best_cycles(self, pool_id: str, count: int, max_hops: int = 3) -> tuple[Cycle, ...]:
        """At most `count` different cycles through `pool_id` that gain, worth most first.

        Raises ValueError for a count outside 1 to `MAX_COUNT` or hops outside 2 to 4.
        """
        if not 1 <= count <= MAX_COUNT:
            raise ValueError(f"count is {count}, expected 1 to {MAX_COUNT}")
        found = self._search(pool_id, count, max_hops)
        if found[0] < 2:
            return (self._cycle(*found),) if found[0] else ()
        graph, ranks = self._graph, slice(1, 1 + found[0])
        rows = zip(graph.routes[ranks].tolist(), graph.values[ranks].tolist(), strict=True)
        return tuple([self._cycle(0, graph.ends[route[1], 0], *route, *value) for route, value in rows])

    def _search(self, pool_id: str, count: int, max_hops: int) -> Found:
        """Run the search."""
        if not 2 <= max_hops <= MAX_HOPS:
            raise ValueError(f"max_hops is {max_hops}, expected 2 to {MAX_HOPS}")
        row = self._pools[pool_id]
        if self._waiting:
            self._lay_out()
        return self._best_cycles(row, max_hops, count, *self._arena)  # type: ignore[no-any-return]

    def _cycle(
        self, _: int, base: int, hops: int, one: int, two: int, three: int, four: int,
        value: float, amount_in: float, profit: float, net: float, gross: float,
    ) -> Cycle:  # fmt: skip
        """The cycle that the search told."""
        of_code = self._hops
        if hops == 3:  # no list is made
            way: tuple[Hop, ...] = (of_code[one], of_code[two], of_code[three])
        elif hops == 2:
            way = (of_code[one], of_code[two])
        else:
            way = (of_code[one], of_code[two], of_code[three], of_code[four])
        return Cycle(self._bases[base], way, amount_in, profit, value, net, gross)

    def _put(self, graph: Graph) -> Graph:
        """Take this graph from now on, in an arena of its own."""
        self._arena = packed(graph)
        self._graph = unpacked(*self._arena)
        return self._graph


def _product(pool: PoolState) -> tuple[float, float, float] | None:
    """Reserves of tokens 0 and 1 and γ, of an x·y = k pool that takes the same share of the input both ways."""
    if type(pool) is ConstantProductPool:
        keep = 1.0 - pool.fee_numerator / pool.fee_denominator
        return float(pool.reserve_0_atoms), float(pool.reserve_1_atoms), keep
    if type(pool) is CpmmPool and not (pool.fees.creator_rate and pool.fees.creator_fee_on):
        return float(pool.reserve_0_atoms), float(pool.reserve_1_atoms), pool.fees.kept(True)
    return None
