"""Every cycle of a small graph, tried one by one in plain Python and sized by bisection: what the search must find."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from phantom_arbiter.dex.pool import Segment
from phantom_arbiter.dex.routes import BaseTerms

BISECTIONS: Final = 70

Way = tuple[tuple[int, bool], ...]
"""Pools by number, and whether token 0 is sold."""


class Curve:
    """What one direction of a pool pays, and its slope."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self.segments = segments
        self.capacity = sum(segment.capacity_atoms for segment in segments)

    def at(self, amount: float) -> tuple[float, float]:
        """Output and marginal rate; (nan, 0) beyond the capacity."""
        paid = 0.0
        for part in self.segments:
            if amount <= part.capacity_atoms:
                below = part.b + part.c * amount
                return paid + part.a * amount / below, part.a * part.b / below**2
            paid += part.a * part.capacity_atoms / (part.b + part.c * part.capacity_atoms)
            amount -= part.capacity_atoms
        return math.nan, 0.0


class Pool(NamedTuple):
    """A pool by its tokens and the curves that sell token 0 and token 1."""

    token_0: str
    token_1: str
    curves: tuple[Curve, Curve]

    def curve(self, zero_for_one: bool) -> Curve:
        """The curve that sells token 0, or the other."""
        return self.curves[0 if zero_for_one else 1]


def cycles(pools: Sequence[Pool], base: str, max_hops: int) -> Iterator[Way]:
    """Every cycle of 2 to `max_hops` different pools from `base` that meets each token once."""
    near: dict[str, list[tuple[str, tuple[int, bool]]]] = {}
    for number, pool in enumerate(pools):
        near.setdefault(pool.token_0, []).append((pool.token_1, (number, True)))
        near.setdefault(pool.token_1, []).append((pool.token_0, (number, False)))

    def onward(token: str, met: frozenset[str], way: Way) -> Iterator[Way]:
        for other, hop in near.get(token, ()):
            if any(hop[0] == number for number, _ in way):
                continue
            if other == base:
                yield (*way, hop)
            elif other not in met and len(way) + 1 < max_hops:
                yield from onward(other, met | {other}, (*way, hop))

    return (way for way in onward(base, frozenset({base}), ()) if len(way) > 1)


def sized(pools: Sequence[Pool], way: Way, limit: float) -> tuple[float, float]:
    """The input with the largest profit and that profit: bisects for a marginal rate of 1."""
    curves = [pools[number].curve(zero_for_one) for number, zero_for_one in way]

    def through(amount: float) -> tuple[float, float]:
        slope = 1.0
        for curve in curves:
            amount, rate = curve.at(amount)
            slope *= rate
        return amount, slope

    low, high = 0.0, min(limit, curves[0].capacity)
    if through(0.0)[1] <= 1.0:
        return 0.0, 0.0
    if through(high)[1] > 1.0:
        return high, through(high)[0] - high
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if through(middle)[1] > 1.0 else (low, middle)
    return low, through(low)[0] - low


def best_values(
    pools: Sequence[Pool], terms: Mapping[str, BaseTerms], through: int, max_hops: int
) -> dict[frozenset[tuple[int, bool]], float]:
    """What every gaining cycle through pool `through` is worth from its best base; a cycle is the set of its hops."""
    found: dict[frozenset[tuple[int, bool]], float] = {}
    for base, (value, limit) in terms.items():
        for way in cycles(pools, base, max_hops):
            if any(number == through for number, _ in way):
                worth = sized(pools, way, limit)[1] * value
                key = frozenset(way)
                if worth > found.get(key, 0.0):
                    found[key] = worth
    return found
