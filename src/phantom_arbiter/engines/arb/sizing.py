"""From a route the search found to exactly quoted swaps: within capital, over parallel pools where that pays."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from phantom_arbiter.dex.pool import SwapRefusal
from phantom_arbiter.dex.pools import segments
from phantom_arbiter.dex.sizing import PoolHop, SizedCycle, quote_cycle, size_cycle
from phantom_arbiter.dex.split import MAX_POOLS, split_cycle
from phantom_arbiter.engines.arb.pools import KnownPool, PoolTable
from phantom_arbiter.engines.arb.proposal import PlannedSwap

Route = Sequence[tuple[str, bool]]
"""Each hop's pool and whether its token 0 is sold."""


def sized(table: PoolTable, route: Route, limit_atoms: int) -> tuple[PlannedSwap, ...] | None:
    """The route at its best size up to ``limit_atoms``, or None where it cannot be quoted."""
    return _planned(table, route, size_cycle(_hops(table, route), limit_atoms, table.moment))


def of_size(table: PoolTable, route: Route, amount_in_atoms: int) -> tuple[PlannedSwap, ...] | None:
    """The route with this much put in, or None where it cannot be quoted."""
    return _planned(table, route, quote_cycle(_hops(table, route), amount_in_atoms, table.moment))


def _hops(table: PoolTable, route: Route) -> list[PoolHop]:
    return [(table[pool].state, zero_for_one) for pool, zero_for_one in route]


def _planned(table: PoolTable, route: Route, cycle: SizedCycle | SwapRefusal) -> tuple[PlannedSwap, ...] | None:
    if isinstance(cycle, SwapRefusal):
        return None
    legs = zip(route, cycle.quotes, strict=True)
    return tuple(PlannedSwap(hop, table[pool], down, quote) for hop, ((pool, down), quote) in enumerate(legs))


class _Rival(NamedTuple):
    """A pool that could take a part of a hop. ``rate``: its marginal rate over that of the route's own pool."""

    rate: float
    hop: int
    pool: KnownPool
    zero_for_one: bool


def split(
    table: PoolTable,
    route: Route,
    limit_atoms: int,
    cost_per_swap_atoms: int,
    oldest_slot: int,
    avoided: Collection[str],
) -> tuple[PlannedSwap, ...] | None:
    """The route spread over parallel pools of its hops, at most five swaps in all; None where there are none to spread
    to. A further swap must earn ``cost_per_swap_atoms``. Pools older than ``oldest_slot`` or ``avoided`` take no part.
    """
    stages = [[(table[pool], zero_for_one)] for pool, zero_for_one in route]
    spare = MAX_POOLS - len(stages)
    rivals = sorted(_rivals(table, route, oldest_slot, avoided), key=lambda rival: -rival.rate)
    for rival in rivals[:spare]:
        stages[rival.hop].append((rival.pool, rival.zero_for_one))
    if not rivals:
        return None
    hops = [[(pool.state, zero_for_one) for pool, zero_for_one in stage] for stage in stages]
    found = split_cycle(hops, limit_atoms, table.moment, cost_per_swap_atoms=cost_per_swap_atoms)
    if isinstance(found, SwapRefusal):
        return None
    return tuple(PlannedSwap(leg.stage, *stages[leg.stage][leg.pool], leg.quote) for leg in found.legs)


def _rivals(table: PoolTable, route: Route, oldest_slot: int, avoided: Collection[str]) -> list[_Rival]:
    """Every other pool of the route's pairs at the hop where it is best; a pool may serve one hop only."""
    used = {pool for pool, _ in route} | set(avoided)
    best: dict[str, _Rival] = {}
    for hop, (name, zero_for_one) in enumerate(route):
        own = table[name]
        sold = own.asset_0 if zero_for_one else own.asset_1
        base_rate = _marginal(table, own, zero_for_one)
        for pool in table.parallel(own.asset_0, own.asset_1, oldest_slot):
            if pool.pool in used or base_rate <= 0.0:
                continue
            down = pool.asset_0 == sold
            rival = _Rival(_marginal(table, pool, down) / base_rate, hop, pool, down)
            if rival.rate > best.get(pool.pool, _Rival(0.0, 0, pool, down)).rate:
                best[pool.pool] = rival
    return list(best.values())


def _marginal(table: PoolTable, pool: KnownPool, zero_for_one: bool) -> float:
    """What the first atom brings, fee taken off; 0 where the pool pays nothing."""
    curve = segments(pool.state, zero_for_one, table.moment)
    return curve[0].a / curve[0].b if curve else 0.0
