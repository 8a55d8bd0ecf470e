"""The route index: all pools in flat arrays, and the best cycle of two or three hops through a changed pool.

The search is a screen in floats; `sizing.py` decides in integers. The arrays are rebuilt only after a
pool is added; an update writes one row. The method and its measurements: reference/solana-and-dex.md §4.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np

from phantom_arbiter.dex.constant_product import ConstantProductPool, reserves

_KEEP, _RATE = 2, 3
"""Columns of the table that `cycle_kernel` describes: γ, and the first net rate."""


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


NO_RATES: Final = Rates(0.0, 0.0)


class Cycle(msgspec.Struct, frozen=True, gc=False):
    """The best cycle found, in floats. It starts and ends in `base`.

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


class RouteIndex:
    """Pools by id, and the cycles through them that start in one of `bases`.

    `compiled=False` runs the plain-Python twin of the search. Raises ValueError for no base, or one twice.
    """

    def __init__(self, bases: Sequence[str], *, compiled: bool = True) -> None:
        if not bases or len(set(bases)) != len(bases):
            raise ValueError(f"bases are {list(bases)}, expected at least one and none twice")
        from phantom_arbiter.dex import cycle_kernel  # here: importing numba takes half a second

        self._update_pool = cycle_kernel.update_pool if compiled else cycle_kernel.update_pool.py_func
        self._best_cycle = cycle_kernel.best_cycle if compiled else cycle_kernel.best_cycle.py_func
        self._bases = tuple(bases)
        self._tokens: dict[str, int] = {}
        self._pools: dict[str, int] = {}
        self._pool_ids: list[str] = []
        self._low_high: list[tuple[int, int]] = []
        self._flipped: list[bool] = []
        self._rows: list[tuple[float, float, float]] = []
        self._keeps: list[float] = []
        self._found = np.zeros(4, np.float64)
        self._codes = np.zeros(8, np.int32)
        self._terms = np.tile([1.0, np.inf], (len(bases), 1))
        self._terms_given: dict[str, BaseTerms] | None = None
        self._table = np.zeros((0, 7), np.float64)
        self._fresh = False
        for base in bases:
            self._token(base)

    def __contains__(self, pool_id: str) -> bool:
        return pool_id in self._pools

    def __len__(self) -> int:
        return len(self._pool_ids)

    def _token(self, token: str) -> int:
        return self._tokens.setdefault(token, len(self._tokens))

    def add(self, pool_id: str, token_0: str, token_1: str, pool: ConstantProductPool) -> None:
        """Add a pool. Raises ValueError for a known id or a pool of one token."""
        if pool_id in self._pools:
            raise ValueError(f"pool_id {pool_id!r} is in the index already")
        if token_0 == token_1:
            raise ValueError(f"token_1 of pool {pool_id!r} is {token_1!r}, expected another than token_0")
        one, other = self._token(token_0), self._token(token_1)
        self._pools[pool_id] = len(self._pool_ids)
        self._pool_ids.append(pool_id)
        self._low_high.append((min(one, other), max(one, other)))
        self._flipped.append(one > other)
        self._rows.append(self._row(pool, one > other))
        self._keeps.append(self._rows[-1][_KEEP])
        self._fresh = False

    def update(self, pool_id: str, pool: ConstantProductPool) -> None:
        """Put a known pool's new state in place. Raises KeyError for one that was not added."""
        row = self._pools[pool_id]
        self._write(row, *self._row(pool, self._flipped[row]))

    def remove_until_updated(self, pool_id: str) -> None:
        """Leave a pool out of the search until its next update; for states too old to trust."""
        self._write(self._pools[pool_id], 0.0, 0.0, 1.0)

    @staticmethod
    def _row(pool: ConstantProductPool, flipped: bool) -> tuple[float, float, float]:
        """Reserve low, reserve high, γ."""
        low, high = reserves(pool, zero_for_one=not flipped)
        return float(low), float(high), 1.0 - pool.fee_numerator / pool.fee_denominator

    def _write(self, row: int, low: float, high: float, keep: float) -> None:
        if not self._fresh:
            self._build()
        self._keeps[row] = keep
        self._update_pool(row, low, high, keep, *self._update_arrays)

    def _build(self) -> None:
        """Lay out the arrays that `cycle_kernel` describes; reserves already written are kept."""
        count, tokens = len(self._pool_ids), len(self._tokens)
        table = np.zeros((count, 7), np.float64)
        table[:, :3] = self._rows
        table[: len(self._table), :3] = self._table[:, :3]
        self._table = table
        pairs: dict[tuple[int, int], int] = {}
        of_pool = [pairs.setdefault(low_high, len(pairs)) for low_high in self._low_high]
        pool_ids = np.array([(*both, pair) for both, pair in zip(self._low_high, of_pool, strict=True)], np.int32)
        pair_start = _offsets(of_pool, len(pairs))
        pair_pools = np.argsort(np.array(of_pool), kind="stable").astype(np.int32)
        pair_rate = np.zeros((len(pairs), 2), np.float64)
        ends = [(low, high, pair) for (low, high), pair in pairs.items()]
        sides = sorted([*ends, *((high, low, pair) for low, high, pair in ends)])
        near = np.array([(other, pair) for _, other, pair in sides], np.int32)
        base_pair = np.full((len(self._bases), tokens), -1, np.int32)
        for token, other, pair in sides:
            if token < len(self._bases):  # bases are the first tokens
                base_pair[token, other] = pair
        base_slot = np.full(tokens, -1, np.int32)
        base_slot[: len(self._bases)] = np.arange(len(self._bases))
        self._update_arrays = (table, pool_ids, pair_start, pair_pools, pair_rate)
        self._search_arrays = (
            *self._update_arrays,
            *(_offsets([token for token, _, _ in sides], tokens), near, base_slot, base_pair),
            *(self._terms, self._found, self._codes),
        )
        self._fresh = True
        for row, (low, high, keep) in enumerate(table[:, :3].tolist()):
            self._update_pool(row, low, high, keep, *self._update_arrays)

    def set_terms(self, terms: Mapping[str, BaseTerms]) -> None:
        """Put the bases' values and limits in place for the searches to come (before: 1 an atom, no limit).

        A base that `terms` leaves out is worth nothing: no cycle is started from it.
        """
        if terms == self._terms_given:
            return
        self._terms_given = dict(terms)
        for slot, base in enumerate(self._bases):
            self._terms[slot] = terms.get(base, (0.0, 0.0))

    def best_rates(self, pool_id: str) -> Rates:
        """The rates of the cycle through `pool_id` with the best net rate: what most searches end with, without
        the cycle itself. A cycle that gains has a net rate above 1."""
        codes = self._search(pool_id)
        if not codes[4]:
            return NO_RATES
        gross = net = float(self._found[3])
        for code in codes[5 : 5 + codes[4]]:
            gross /= self._keeps[code >> 1]
        return Rates(net, gross)

    def best_cycle(self, pool_id: str) -> Cycle | None:
        """The cycle through `pool_id` worth most, or None where no cycle passes it."""
        codes = self._search(pool_id)
        if codes[0]:
            return self._cycle(codes[1 : 1 + codes[0]], *self._found[:3].tolist())
        if codes[4]:
            return self._cycle(self._from_base(codes[5 : 5 + codes[4]]), 0.0, 0.0, 0.0)
        return None

    def _search(self, pool_id: str) -> list[int]:
        if not self._fresh:
            self._build()
        self._best_cycle(self._pools[pool_id], *self._search_arrays)
        codes: list[int] = self._codes.tolist()
        return codes

    def _from_base(self, codes: list[int]) -> list[int]:
        """The cycle turned so that it starts in a base."""
        starts = [self._low_high[code >> 1][code & 1] for code in codes]
        first = next(step for step, token in enumerate(starts) if token < len(self._bases))
        return codes[first:] + codes[:first]

    def _cycle(self, codes: list[int], value: float, amount_in: float, profit: float) -> Cycle:
        net = gross = 1.0
        hops = []
        for code in codes:
            row, direction = code >> 1, code & 1
            columns = self._table[row].tolist()
            net *= columns[_RATE + direction]
            gross *= columns[_RATE + direction] / columns[_KEEP]
            hops.append(Hop(self._pool_ids[row], (direction == 0) != self._flipped[row]))
        base = self._bases[self._low_high[codes[0] >> 1][codes[0] & 1]]
        return Cycle(base, tuple(hops), amount_in, profit, value, net, gross)


def _offsets(groups: list[int], count: int) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
    """Where each of `count` groups starts when the members of `groups` are laid out in group order."""
    sizes = np.bincount(np.array(groups), minlength=count)
    return np.concatenate(([0], np.cumsum(sizes))).astype(np.int32)
