"""The arb engine: on a pool's update, the best cycle of two or three swaps through it, as one atomic intent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from phantom_arbiter.core.commands import EngineId
from phantom_arbiter.core.desk import Desk, Subscriptions
from phantom_arbiter.core.events import Envelope, PoolUpdated, Quoted
from phantom_arbiter.core.intents import Intent, Swap
from phantom_arbiter.core.orders import Order, OrderStatus
from phantom_arbiter.core.units import BPS, NS_PER_SECOND
from phantom_arbiter.dex.constant_product import ConstantProductPool
from phantom_arbiter.dex.pool import SwapRefusal
from phantom_arbiter.dex.routes import BaseTerms, Cycle, RouteIndex
from phantom_arbiter.dex.sizing import PoolHop, SizedCycle, quote_cycle, size_cycle
from phantom_arbiter.engines.arb.proposal import Candidate, Step, Values, assets_of, candidate_of, intent_of
from phantom_arbiter.engines.arb.settings import ArbConfig, ArbState
from phantom_arbiter.engines.base import BaseEngine
from phantom_arbiter.engines.sol_price import SOL_USDC, SolPrice

MAX_COOLDOWNS: Final = 512


class ArbEngine(BaseEngine):
    """Searches on every `PoolUpdated`, sizes in exact integers on the view's states, proposes at most one intent.

    A cycle whose expected value is positive is proposed at its best size within capital and cap; one that costs
    would turn to a loss is proposed as a small probe, so that its refusal is recorded. Fills are only what order
    reports say.
    """

    id: ClassVar[EngineId] = "arb"
    config: ArbConfig
    state: ArbState

    def __init__(self, *, live_mode: bool = False, config: ArbConfig | None = None) -> None:
        super().__init__(live_mode=live_mode)
        self.config = config or ArbConfig()
        self.state = ArbState()
        self._index: RouteIndex | None = None
        self._priced: list[tuple[str, float | None, int]] = []

    def bind(self, desk: Desk) -> None:
        """Take the desk; the index is laid out from the view at the next pool fact."""
        super().bind(desk)
        self._index = None
        self._sol = SolPrice(desk.view)

    def subscriptions(self) -> Subscriptions:
        """All pools, and SOL in dollars. The kernel asks when who-hears-what changes: facts may have been missed, so
        start over."""
        self._index = None
        self._sol = SolPrice(self.desk.view)
        return Subscriptions(frozenset({SOL_USDC}), (PoolUpdated,))

    def decide(self, envelope: Envelope) -> Sequence[Intent]:
        """Take in a pool's state and look for the best cycle through it; a quote says what SOL is worth."""
        body = envelope.body
        if type(body) is Quoted:
            self._sol.hear(body)
            return ()
        if type(body) is not PoolUpdated:
            return ()
        index = self._follow(body)
        if not self.desk.entries_allowed:
            return ()
        return self._search(index, body.pool, envelope.ts_ns)

    def on_order(self, order: Order) -> Sequence[Intent]:
        """Count what became of an order; nothing else counts as a fill."""
        match order.status:
            case OrderStatus.DONE:
                self.state.landed += 1
            case OrderStatus.FAILED | OrderStatus.PARTIAL:
                self.state.failed += 1
            case OrderStatus.UNKNOWN:
                self.state.unknown += 1
            case OrderStatus.OPEN:
                pass
        return ()

    def panel(self) -> dict[str, Any]:
        """Counts, and the last candidate: its rates as fractions above 1 (net of pool fees, and gross)."""
        state = self.state
        counts = ("searches", "found", "fee_killed", "proposed", "probes", "cooling", "busy", "stale_pools",
                  "unpriced", "unfunded", "landed", "failed", "unknown")  # fmt: skip
        age_ns = self.desk.view.now_ns - state.last_ts_ns
        return {
            "pools": len(self.desk.view.pools),
            **{name: getattr(state, name) for name in counts},
            "last_route": state.last_route,
            "last_net": state.last_net_rate_e6 / 1e6 - 1.0 if state.last_route else None,
            "last_gross": state.last_gross_rate_e6 / 1e6 - 1.0 if state.last_route else None,
            "last_age_s": age_ns / NS_PER_SECOND if state.last_route else None,
        }

    # The index

    def _follow(self, body: PoolUpdated) -> RouteIndex:
        """The index with this state in it; made of the whole view (which has it already) where there is none."""
        index = self._index
        if index is None:
            self._priced = []
            index = self._index = RouteIndex(self.config.base_assets)
            for pool_id in self.desk.view.pools:
                self._put(index, self._pool(pool_id))
        else:
            self._put(index, body)
        return index

    def _put(self, index: RouteIndex, body: PoolUpdated) -> None:
        if body.pool in index:
            index.update(body.pool, _exact(body))
        else:
            index.add(body.pool, body.asset_0, body.asset_1, _exact(body))

    def _pool(self, pool_id: str) -> PoolUpdated:
        body = self.desk.view.pool(pool_id)
        if body is None:
            raise KeyError(f"pool {pool_id!r} is in the index and not in the market view")
        return body

    def _search(self, index: RouteIndex, pool_id: str, now_ns: int) -> Sequence[Intent]:
        self.state.searches += 1
        lamport = self._sol.micros_per_lamport()
        if lamport is None:
            self.state.unpriced += 1
            return ()
        self._set_terms(index, lamport)
        rates = index.best_rates(pool_id)
        if rates.net <= 1.0 and now_ns < self.state.next_probe_ns:  # the most common end by far
            self.state.fee_killed += self._worth_a_look(rates.gross)
            return ()
        cycle = self._fresh_cycle(index, pool_id)
        if cycle is None or not self._worth_a_look(cycle.gross_rate):
            return ()
        if cycle.net_rate > 1.0:
            self.state.found += 1
        else:
            self.state.fee_killed += 1
            if now_ns < self.state.next_probe_ns:
                return ()
        return self._propose(cycle, lamport, now_ns)

    def _worth_a_look(self, gross_rate: float) -> bool:
        return gross_rate * BPS >= BPS + self.config.least_gross_bps

    def _fresh_cycle(self, index: RouteIndex, pool_id: str) -> Cycle | None:
        """The best cycle whose pools are all young enough; older ones leave the index until they speak again."""
        oldest_slot = self.desk.view.slot - self.config.max_pool_age_slots
        while True:
            cycle = index.best_cycle(pool_id)
            if cycle is None:
                return None
            stale = [hop.pool_id for hop in cycle.hops if self._pool(hop.pool_id).slot < oldest_slot]
            if not stale:
                return cycle
            for old in stale:  # each round takes at least one pool out, so this ends
                index.remove_until_updated(old)
            self.state.stale_pools += len(stale)

    # Values and limits

    def _micros_per_atom(self, asset: str) -> float | None:
        price = self.desk.view.usd_price(asset)
        known = self.desk.view.universe.assets.get(asset)
        return price * 1e6 / 10**known.decimals if price is not None and known is not None else None

    def _set_terms(self, index: RouteIndex, lamport: float) -> None:
        """Tell the index what an atom of each base is worth and how many may go in, if that changed."""
        desk = self.desk
        priced = [
            (base, lamport if base == "SOL" else self._micros_per_atom(base), desk.available(base))
            for base in self.config.base_assets
        ]
        if priced != self._priced:
            self._priced = priced
            index.set_terms(
                {
                    base: BaseTerms(value, float(self._limit_atoms(base, value, free)))
                    for base, value, free in priced
                    if value is not None
                }
            )

    def _limit_atoms(self, base: str, value: float, free: int) -> int:
        reserve = self.config.sol_reserve_lamports if base == "SOL" else 0
        return max(0, min(free - reserve, int(self.config.max_trade_usd_micros / value)))

    # Proposals

    def _propose(self, cycle: Cycle, lamport: float, now_ns: int) -> Sequence[Intent]:
        state = self.state
        steps = tuple((self._pool(hop.pool_id), hop.zero_for_one) for hop in cycle.hops)
        route = f"{'→'.join(assets_of(steps))}: {', '.join(pool.pool for pool, _ in steps)}"
        state.last_route, state.last_ts_ns = route, now_ns
        state.last_net_rate_e6, state.last_gross_rate_e6 = int(cycle.net_rate * 1e6), int(cycle.gross_rate * 1e6)
        if state.cooldowns.get(route, 0) > now_ns:
            state.cooling += 1
            return ()
        if self._busy({pool.pool for pool, _ in steps}):
            state.busy += 1
            return ()
        value = self._micros_per_atom(cycle.base)
        if value is None:
            state.unpriced += 1
            return ()
        values = Values(value, lamport)
        limit = self._limit_atoms(cycle.base, value, self.desk.available(cycle.base))
        if limit == 0:
            state.unfunded += 1
            return ()
        candidate = self._trade(steps, values, limit) or self._probe(steps, values, limit, now_ns)
        if candidate is None:
            return ()
        self._cool(route, now_ns)
        if candidate.probe:
            state.probes += 1
            state.next_probe_ns = now_ns + self.config.probe_interval_ns
        else:
            state.proposed += 1
        return (intent_of(candidate, self.desk.view.universe, self.config, now_ns),)

    def _trade(self, steps: tuple[Step, ...], values: Values, limit_atoms: int) -> Candidate | None:
        """The cycle at its best size, if it gains after all costs."""
        sized = size_cycle(_hops(steps), limit_atoms)
        if isinstance(sized, SwapRefusal):
            return None
        candidate = self._candidate(steps, sized, values, probe=False)
        return candidate if candidate.bid.expected_lamports > 0 else None

    def _probe(self, steps: tuple[Step, ...], values: Values, limit_atoms: int, now_ns: int) -> Candidate | None:
        """The cycle at probe size, if a probe is due and the size buys anything at all."""
        if now_ns < self.state.next_probe_ns:
            return None
        sized = quote_cycle(_hops(steps), min(limit_atoms, int(self.config.probe_usd_micros / values.base)))
        if isinstance(sized, SwapRefusal):
            return None
        return self._candidate(steps, sized, values, probe=True)

    def _candidate(self, steps: tuple[Step, ...], sized: SizedCycle, values: Values, *, probe: bool) -> Candidate:
        return candidate_of(steps, sized, values, self.desk.view.fees, self.config, probe=probe)

    def _busy(self, pools: set[str]) -> bool:
        """Whether an order that may still land goes through one of these pools: its quote would be spent twice."""
        return any(
            isinstance(leg, Swap) and leg.pool in pools
            for order in self.desk.orders.values()
            for leg in order.intent.legs
        )

    def _cool(self, route: str, now_ns: int) -> None:
        cooldowns = self.state.cooldowns
        cooldowns.pop(route, None)
        cooldowns[route] = now_ns + self.config.cooldown_ns
        while cooldowns and (len(cooldowns) > MAX_COOLDOWNS or next(iter(cooldowns.values())) <= now_ns):
            del cooldowns[next(iter(cooldowns))]


def _exact(body: PoolUpdated) -> ConstantProductPool:
    return ConstantProductPool(body.reserve_0_atoms, body.reserve_1_atoms, body.fee_num, body.fee_den)


def _hops(steps: tuple[Step, ...]) -> list[PoolHop]:
    return [(_exact(pool), zero_for_one) for pool, zero_for_one in steps]
