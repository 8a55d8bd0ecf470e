"""Where a swap of ours trades: the pool, in one of the two tables, and the direction."""

from __future__ import annotations

from typing import NamedTuple

from phantom_arbiter.core.intents import Swap
from phantom_arbiter.sim.market.exact_pools import EXACT_INDEX, EXACT_POOLS
from phantom_arbiter.sim.market.pools import DEEPEST
from phantom_arbiter.sim.market.universe import POOL_INDEX, POOLS


class Place(NamedTuple):
    """A pool of ``EXACT_POOLS`` or ``POOLS``, and whether its token 0 (the base) goes in."""

    exact: bool
    pool: int
    zero_for_one: bool


def place_of(leg: Swap) -> Place | str:
    """The pool that a leg names, else the deepest of its instrument; a string says why there is none."""
    exact = leg.pool in EXACT_INDEX
    index = EXACT_INDEX[leg.pool] if exact else POOL_INDEX.get(leg.pool) if leg.pool else DEEPEST.get(leg.instrument)
    if index is None:
        return f"no pool {leg.pool or leg.instrument}"
    tokens = _tokens(exact, index)
    for zero_for_one in (True, False):
        if (leg.in_asset, leg.out_asset) == (tokens if zero_for_one else tokens[::-1]):
            return Place(exact, index, zero_for_one)
    return f"pool {leg.pool or POOLS[index].id} does not trade {leg.in_asset} for {leg.out_asset}"


def _tokens(exact: bool, index: int) -> tuple[str, str]:
    if exact:
        return EXACT_POOLS[index].asset_0, EXACT_POOLS[index].asset_1
    return POOLS[index].base, POOLS[index].quote
