"""The arb engine: on a pool's update, the best cycle of two to four hops through it, as one atomic intent."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Final

from phantom_arbiter.core.commands import EngineId
from phantom_arbiter.core.desk import Desk, Subscriptions
from phantom_arbiter.core.events import Envelope, PoolAccountsRead, PoolUpdated, Quoted
from phantom_arbiter.core.intents import Intent, Swap
from phantom_arbiter.core.orders import Order, OrderStatus
from phantom_arbiter.core.units import BPS
from phantom_arbiter.core.verdicts import Refused
from phantom_arbiter.dex.routes import Cycle
from phantom_arbiter.engines.arb import graveyard, patience
from phantom_arbiter.engines.arb.bound import BoundReport
from phantom_arbiter.engines.arb.costs import PARALLEL_UNITS, floor_lamports, survive_bps
from phantom_arbiter.engines.arb.obstacles import TRUSTED, Obstacle, obstacle_of
from phantom_arbiter.engines.arb.panel import panel_of
from phantom_arbiter.engines.arb.patience import route_key
from phantom_arbiter.engines.arb.pools import PoolTable
from phantom_arbiter.engines.arb.proposal import Candidate, PlannedSwap, Values, candidate_of, grave_of, intent_of
from phantom_arbiter.engines.arb.settings import ArbConfig, ArbState
from phantom_arbiter.engines.arb.sizing import Route, of_size, sized, split
from phantom_arbiter.engines.arb.terms import Terms
from phantom_arbiter.engines.base import BaseEngine
from phantom_arbiter.engines.sol_price import SOL_USDC

OUTCOMES: Final = ("beaten", "reverted", "dropped", "expired", "failed")
"""How an order that did not land may end: the first word of the driver's reason, the last where it says another."""


class ArbEngine(BaseEngine):
    """Searches on every fact of a pool, sizes in exact integers on the newest states, proposes at most one intent.

    A cycle whose expected value is positive is proposed at its best size within capital and cap, once it has been seen
    in two slots; one that costs would turn to a loss is proposed as a small probe, so that its refusal is recorded.
    What is not taken goes to the graveyard with its reason. Fills are only what order reports say.
    """

    id: ClassVar[EngineId] = "arb"
    config: ArbConfig
    state: ArbState

    def __init__(self, *, live_mode: bool = False, config: ArbConfig | None = None) -> None:
        super().__init__(live_mode=live_mode)
        self.config = config or ArbConfig()
        self.state = ArbState()
        self._table: PoolTable | None = None
        self._slot = 0
        self._terms_stale = True
        self._bound = BoundReport()

    def bind(self, desk: Desk) -> None:
        """Take the desk; the pools are laid out from the view when they are first needed."""
        super().bind(desk)
        self._table = None
        self._start_over()

    def subscriptions(self) -> Subscriptions:
        """All pools, and SOL in dollars. The kernel asks when who-hears-what changes: facts may have been missed, so
        start over."""
        self._table = PoolTable(self.desk.view, self.config.base_assets)
        self._start_over()
        return Subscriptions(frozenset({SOL_USDC}), (PoolUpdated, PoolAccountsRead))

    def _start_over(self) -> None:
        self._terms = Terms(self.desk, self.config)
        self._terms_stale = True

    def decide(self, envelope: Envelope) -> Sequence[Intent]:
        """Take in a pool's state and look for the best cycle through it; a quote says what SOL is worth."""
        body = envelope.body
        if type(body) is Quoted:
            self._terms.hear(body)
            return ()
        if not isinstance(body, PoolUpdated | PoolAccountsRead):
            return ()
        table, now_ns = self._pools(), envelope.ts_ns
        new_slot = body.slot > self._slot
        if new_slot:  # what the slots before left behind, before anything of this one counts
            self._slot = body.slot
            graveyard.settle(self.state.graveyard, body.slot, table.requote)
        readable = table.follow(body, now_ns)
        self.state.unreadable += not readable
        if not self.desk.entries_allowed:
            return ()
        if not self._terms.priced:
            self.state.unpriced += 1
            return ()
        if new_slot or self._terms_stale:
            table.index.set_terms(self._terms.for_search())
            self._terms_stale = False
        seen_again = self._look_again(table, now_ns) if new_slot and self.state.sightings else ()
        return seen_again or (self._search(table, body.pool, now_ns) if readable else ())

    def on_order(self, order: Order) -> Sequence[Intent]:
        """Note what became of an order; nothing else counts as a fill."""
        self._terms_stale = True
        legs = [leg for leg in order.intent.legs if isinstance(leg, Swap)]
        key = ",".join(leg.pool for leg in legs)
        match order.status:
            case OrderStatus.DONE:
                self._count("landed")
                opened = self.state.open_accounts
                opened += sorted({leg.out_asset for leg in legs} - TRUSTED - set(opened))
                graveyard.forget(self.state.graveyard, self.state.sent.pop(key, ""))
            case OrderStatus.FAILED | OrderStatus.PARTIAL:
                why = next((leg.reason for leg in order.legs if leg.reason), "")
                word = why.split(":")[0]
                outcome = word if word in OUTCOMES else OUTCOMES[-1]
                self._count(outcome)
                graveyard.resolve(self.state.graveyard, self.state.sent.pop(key, ""), outcome, why)
            case OrderStatus.UNKNOWN:
                self.state.unknown += 1
            case OrderStatus.OPEN:
                pass
        return ()

    def on_refused(self, refused: Refused) -> None:
        """A gate said no: the opportunity is not taken."""
        if refused.intent.pod == "probe":
            return
        self.state.proposed -= 1
        self.state.hoped_bps -= BPS - refused.intent.p_fail_bps
        key = ",".join(leg.pool for leg in refused.intent.legs if isinstance(leg, Swap))
        gate = refused.result.gate
        graveyard.resolve(self.state.graveyard, self.state.sent.pop(key, ""), f"gate: {gate}", refused.result.message)

    def panel(self) -> dict[str, Any]:
        """Counts, the pools by venue, what was not taken and why, and the last candidate."""
        table, oldest_slot = self._pools(), self._oldest_slot()
        bound = self._bound.row(table, self._terms.for_search(), oldest_slot)
        return {**panel_of(self.state, table, oldest_slot), "left_on_table": bound}

    def _pools(self) -> PoolTable:
        if self._table is None:
            self._table = PoolTable(self.desk.view, self.config.base_assets)
        return self._table

    def _oldest_slot(self) -> int:
        return self.desk.view.slot - self.config.max_pool_age_slots

    def _count(self, outcome: str) -> None:
        self.state.outcomes[outcome] = self.state.outcomes.get(outcome, 0) + 1

    # The search

    def _search(self, table: PoolTable, pool: str, now_ns: int) -> Sequence[Intent]:
        self.state.searches += 1
        rates = table.index.best_rates(pool, self.config.max_hops)
        if rates.net <= 1.0 and now_ns < self.state.next_probe_ns:  # the most common end by far
            self.state.fee_killed += self._worth_a_look(rates.gross)
            return ()
        cycle = self._fresh_cycle(table, pool, now_ns)
        if cycle is None or not self._worth_a_look(cycle.gross_rate):
            return ()
        route = [(hop.pool_id, hop.zero_for_one) for hop in cycle.hops]
        self._note(cycle, now_ns)
        if cycle.net_rate <= 1.0:
            self.state.fee_killed += 1
            return self._probe(table, cycle.base, route, now_ns)
        self.state.found += 1
        if self._is_dust(cycle):
            graveyard.count(self.state.graveyard, "dust")
            return self._probe(table, cycle.base, route, now_ns)
        return self._weigh(table, cycle.base, route, now_ns)

    def _is_dust(self, cycle: Cycle) -> bool:
        """Whether a cycle's gain at its best size is less than any transaction costs. One without capital is none."""
        stake = self._terms.stake(cycle.base)
        if stake is None or stake.limit_atoms == 0:
            return False
        return cycle.value < floor_lamports(self.desk.view.fees) * stake.values.lamport

    def _worth_a_look(self, gross_rate: float) -> bool:
        return gross_rate * BPS >= BPS + self.config.least_gross_bps

    def _fresh_cycle(self, table: PoolTable, pool: str, now_ns: int) -> Cycle | None:
        """The best cycle whose pools are all young enough; older ones leave the index until they speak again."""
        oldest_slot = self._oldest_slot()
        while True:
            cycle = table.index.best_cycle(pool, self.config.max_hops)
            if cycle is None:
                return None
            stale = [hop.pool_id for hop in cycle.hops if table[hop.pool_id].slot < oldest_slot]
            if not stale:
                return cycle
            if cycle.net_rate > 1.0:
                self._bury_stale(table, cycle, stale, now_ns)
            for old in stale:  # each round takes at least one pool out, so this ends
                table.index.remove_until_updated(old)
            self.state.stale_pools += len(stale)

    def _bury_stale(self, table: PoolTable, cycle: Cycle, stale: list[str], now_ns: int) -> None:
        route = [(hop.pool_id, hop.zero_for_one) for hop in cycle.hops]
        candidate = self._candidate(table, cycle.base, route)
        if candidate is not None and candidate.bid.expected_lamports > 0:
            last = min(table[pool].slot for pool in stale)
            self._bury(cycle.base, route, candidate, Obstacle("stale", f"{stale[0]} last spoke in slot {last}"), now_ns)

    def _note(self, cycle: Cycle, now_ns: int) -> None:
        state = self.state
        state.last_route = route_key(cycle.base, [(hop.pool_id, hop.zero_for_one) for hop in cycle.hops])
        state.last_ts_ns = now_ns
        state.last_net_rate_e6, state.last_gross_rate_e6 = int(cycle.net_rate * 1e6), int(cycle.gross_rate * 1e6)

    # Candidates

    def _weigh(self, table: PoolTable, base: str, route: Route, now_ns: int) -> Sequence[Intent]:
        """What becomes of a cycle that gains: proposed, waited for, probed or buried."""
        key = route_key(base, route)
        if patience.rests(self.state, key, now_ns):
            self.state.cooling += 1
            return ()
        candidate = self._candidate(table, base, route)
        if candidate is None:
            return ()
        if candidate.bid.expected_lamports <= 0:
            self._bury(base, route, candidate, Obstacle("costs", "it gains less than the chain takes"), now_ns)
            return self._probe(table, base, route, now_ns)
        obstacle = self._obstacle(candidate)
        if obstacle is not None:
            self._bury(base, route, candidate, obstacle, now_ns)
            return ()
        graveyard.watch(self.state.graveyard, key, grave_of(candidate, now_ns, self._slot))
        if not patience.persists(self.state, self.config, base, route, self._slot):
            return ()
        return self._propose(self._spread(table, base, route, candidate), key, now_ns)

    def _look_again(self, table: PoolTable, now_ns: int) -> Sequence[Intent]:
        """Weigh once more what was seen long enough ago; the first that holds is proposed."""
        for key in patience.due(self.state, self.config, self._slot):
            seen = self.state.sightings[key]
            intents = self._weigh(table, seen.base, seen.hops, now_ns)
            del self.state.sightings[key]
            if intents:
                return intents
            grave = self.state.graveyard.open.get(key)
            if grave is not None and not grave.reason:
                graveyard.resolve(self.state.graveyard, key, "vanished", "it was gone a slot later")
        return ()

    def _candidate(self, table: PoolTable, base: str, route: Route) -> Candidate | None:
        """The route at its best size, quoted exactly, with its bid; None where nothing can be put in or paid out."""
        stake = self._terms.stake(base)
        if stake is None or stake.limit_atoms == 0:
            self.state.unpriced += stake is None
            self.state.unfunded += stake is not None
            return None
        if any(pool in table.unreadable for pool, _ in route):
            return None
        swaps = sized(table, route, stake.limit_atoms)
        return None if swaps is None else self._bid(swaps, stake.values)

    def _spread(self, table: PoolTable, base: str, route: Route, single: Candidate) -> Candidate:
        """The candidate over parallel pools, where that is expected to earn more."""
        stake = self._terms.stake(base)
        if stake is None:
            return single
        each = PARALLEL_UNITS * self.desk.view.fees.priority_micro_lamports / 1e6
        cost_atoms = math.ceil(each * stake.values.lamport / stake.values.base)
        swaps = split(table, route, stake.limit_atoms, cost_atoms, self._oldest_slot(), self._under_way())
        venues = {swap.pool.venue for swap in swaps or ()}
        if swaps is None or obstacle_of(self.desk.view, venues, ()) is not None:
            return single
        spread = self._bid(swaps, stake.values)
        return spread if spread.bid.expected_lamports > single.bid.expected_lamports else single

    def _bid(self, swaps: tuple[PlannedSwap, ...], values: Values, *, probe: bool = False) -> Candidate:
        assets = {swap.out_asset for swap in swaps} - TRUSTED - set(self.state.open_accounts)
        survives = survive_bps(self.state.outcomes)
        return candidate_of(swaps, values, self.desk.view.fees, len(assets), survives, self.config, probe=probe)

    def _obstacle(self, candidate: Candidate) -> Obstacle | None:
        """Why a candidate must not be sent. A pool with an order that may still land would be spent twice."""
        venues = sorted({swap.pool.venue for swap in candidate.swaps})
        obstacle = obstacle_of(self.desk.view, venues, candidate.assets)
        if obstacle is not None:
            return obstacle
        taken = sorted(self._under_way() & {swap.pool.pool for swap in candidate.swaps})
        if not taken:
            return None
        self.state.busy += 1
        return Obstacle("busy", f"an order through {taken[0]} is under way")

    def _under_way(self) -> set[str]:
        legs: Iterator[Any] = (leg for order in self.desk.orders.values() for leg in order.intent.legs)
        return {leg.pool for leg in legs if isinstance(leg, Swap)}

    def _bury(self, base: str, route: Route, candidate: Candidate, why: Obstacle, now_ns: int) -> None:
        key = route_key(base, route)
        graveyard.watch(self.state.graveyard, key, grave_of(candidate, now_ns, self._slot))
        graveyard.resolve(self.state.graveyard, key, *why)

    def _propose(self, candidate: Candidate, key: str, now_ns: int) -> Sequence[Intent]:
        intent = intent_of(candidate, self.desk.view.universe, self.config, now_ns)
        patience.rest(self.state, key, now_ns, now_ns + self.config.cooldown_ns)
        self.state.proposed += 1
        self.state.hoped_bps += candidate.bid.win_bps
        self.state.sent[",".join(swap.pool.pool for swap in candidate.swaps)] = key
        return (intent,)

    def _probe(self, table: PoolTable, base: str, route: Route, now_ns: int) -> Sequence[Intent]:
        """The cycle at probe size, if a probe is due and the size buys anything at all."""
        stake = self._terms.stake(base)
        if now_ns < self.state.next_probe_ns or stake is None or stake.limit_atoms == 0:
            return ()
        probe_atoms = int(self.config.probe_usd_micros / stake.values.base)
        swaps = of_size(table, route, min(stake.limit_atoms, probe_atoms))
        if swaps is None:
            return ()
        self.state.probes += 1
        self.state.next_probe_ns = now_ns + self.config.probe_interval_ns
        candidate = self._bid(swaps, stake.values, probe=True)
        return (intent_of(candidate, self.desk.view.universe, self.config, now_ns),)
