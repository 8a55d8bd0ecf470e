"""VirtualDriver: the paper venue and chain, without I/O. The same in backtest and in paper.

A dispatch is sent, waits for its leader's slot, and executes against the market of that slot; its reports follow. Time
comes from outside: `due_ns` says when there is something to do, `pop` does it. Luck is drawn per order
(`sim.landing`), so a decision elsewhere does not shift it.

Simplified: no sandwiching, no replacement or retry of transactions, no refund of token-account rent, oracle ages are
not checked, liquidation closes whole positions, and tokens other than SOL and the stables are no collateral.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import Final, Self

from msgspec import Struct, field

from phantom_arbiter.core.events import AnyFact, Envelope, Fee, FeeKind, LegReport, LegStatus, Liquidated, OrderReported
from phantom_arbiter.core.health import Margin
from phantom_arbiter.core.instruments import Universe
from phantom_arbiter.core.intents import PerpOrder, Policy
from phantom_arbiter.core.orders import Dispatch
from phantom_arbiter.core.units import SLOT_NS, slot_at
from phantom_arbiter.core.verdicts import Approved
from phantom_arbiter.runtime.ports import Arrival
from phantom_arbiter.sim.driver_config import DriverConfig
from phantom_arbiter.sim.execution import Execution, Executor
from phantom_arbiter.sim.landing import DROPPED, EXPIRED, Fate, draw_fate
from phantom_arbiter.sim.liquidity import Liquidity, RecordedLiquidity
from phantom_arbiter.sim.perp_venue import HEARD, PerpVenue, PerpVenueState

SOURCE: Final = "paper"
MAX_PENDING: Final = 4_096
"""More than the kernel's open orders could ever leave under way."""


class Flight(Struct, frozen=True, tag=True):
    """A transaction on its way to its slot."""

    due_ns: int
    seq: int
    dispatch: Dispatch
    fate: Fate


class Rest(Struct, frozen=True, tag=True):
    """What is left of a perp order that filled in part; ``done`` is its report so far."""

    due_ns: int
    seq: int
    dispatch: Dispatch
    done: LegReport
    left_atoms: int
    chain_fees: tuple[Fee, ...]


class News(Struct, frozen=True, tag=True):
    """Facts to be told at ``due_ns``. ``withheld``: the late end of an order reported UNKNOWN."""

    due_ns: int
    seq: int
    engine: str
    cause: str
    facts: tuple[AnyFact, ...]
    withheld: bool = False


Pending = Flight | Rest | News


class DriverState(Struct):
    """Everything to go on from, msgpack-ready. The liquidity keeps its own state."""

    next_seq: int = 0
    pending: list[Pending] = field(default_factory=list)
    venue: PerpVenueState = field(default_factory=PerpVenueState)
    token_accounts: list[str] = field(default_factory=list)


class VirtualDriver:
    """Implements `runtime.ports.SimulatedDriver`."""

    def __init__(self, universe: Universe, liquidity: Liquidity, config: DriverConfig, seed: int) -> None:
        self.config = config
        self.seed = seed
        self.liquidity = liquidity
        self._next_seq = 0
        self._heap: list[tuple[int, int, Pending]] = []
        self._venue = PerpVenue(universe, config, PerpVenueState())
        self._token_accounts: set[str] = set()
        self._executor = Executor(universe, liquidity, config, seed, self._venue, self._token_accounts)

    # SimulatedDriver

    def submit(self, dispatch: Dispatch, now_ns: int) -> None:
        """Take an approved dispatch. Raises TypeError for anything else, ValueError for one that is under way or that
        sends several legs of a sequential intent."""
        approved = self._check(dispatch)
        intent = approved.intent
        fate = draw_fate(self.config, self.seed, _transaction_key(dispatch), now_ns)
        self._tell(now_ns, dispatch, LegStatus.SENT)
        if fate.sent_ns > intent.expires_ns:
            self._tell(fate.sent_ns, dispatch, LegStatus.EXPIRED, f"{EXPIRED}: the intent, before it could be sent")
        elif fate.lands:
            self._push(Flight(fate.land_ns, self._seq(), dispatch, fate))
        else:
            if fate.times_out:
                self._tell(fate.land_ns + self.config.notify_ns, dispatch, LegStatus.UNKNOWN, "no answer in time")
            reason = f"{DROPPED}: the transaction never landed, its blockhash expired"
            self._tell(fate.dead_ns + self.config.notify_ns, dispatch, LegStatus.EXPIRED, reason)

    def observe(self, envelope: Envelope) -> None:
        """See a market fact: margin, funding and liquidation follow it; recorded liquidity learns its prices."""
        if isinstance(self.liquidity, RecordedLiquidity):
            self.liquidity.observe(envelope)
        if type(envelope.body) not in HEARD:
            return
        facts = self._venue.observe(envelope)
        if facts:
            self._tell_venue_facts(facts, envelope.ts_ns)

    def due_ns(self) -> int | None:
        """The instant of the next act."""
        return self._heap[0][0] if self._heap else None

    def pop(self, now_ns: int) -> list[Arrival]:
        """Act on everything due up to ``now_ns``, in order, and return the facts."""
        arrivals: list[Arrival] = []
        while self._heap and self._heap[0][0] <= now_ns:
            _, _, item = heapq.heappop(self._heap)
            match item:
                case Flight():
                    self._land(item)
                case Rest():
                    self._finish_rest(item)
                case News():
                    arrivals += [Arrival(item.due_ns, SOURCE, fact, item.cause) for fact in item.facts]
        return arrivals

    # Reading

    def margin(self, engine: str, venue: str) -> Margin | str:
        """An engine's account at a venue as the venue sees it; a string where it cannot be priced."""
        return self._venue.margin(self._venue.account(engine, venue))

    def collateral_atoms(self, engine: str, venue: str, asset: str) -> int:
        """What the venue says it holds for an engine."""
        return self._venue.account(engine, venue).collateral.get(asset, 0)

    def base_atoms(self, engine: str, venue: str, instrument: str) -> int:
        """The signed position the venue says an engine has."""
        return self._venue.account(engine, venue).base_atoms(instrument)

    # Snapshot

    def state(self) -> DriverState:
        """The driver as plain data."""
        pending = [item for _, _, item in sorted(self._heap, key=lambda entry: entry[:2])]
        return DriverState(self._next_seq, pending, self._venue.state.copy(), sorted(self._token_accounts))

    @classmethod
    def from_state(
        cls, universe: Universe, liquidity: Liquidity, config: DriverConfig, seed: int, state: DriverState
    ) -> Self:
        """The inverse of `state`; the other arguments must be those of the first run."""
        driver = cls(universe, liquidity, config, seed)
        driver._next_seq = state.next_seq
        driver._heap = [(item.due_ns, item.seq, item) for item in state.pending]
        heapq.heapify(driver._heap)
        driver._venue.state = state.venue.copy()
        driver._token_accounts.update(state.token_accounts)
        return driver

    def digest_items(self) -> Iterator[str | int]:
        """Integers and strings that tell two drivers apart: feed them to the state hash."""
        yield self._next_seq
        for due_ns, seq, item in sorted(self._heap, key=lambda entry: entry[:2]):
            yield from (due_ns, seq, type(item).__name__)
            yield item.cause if isinstance(item, News) else _transaction_key(item.dispatch)
        yield from sorted(self._token_accounts)
        venue = self._venue.state
        for key, account in sorted(venue.accounts.items()):
            yield from (key, account.charged_ns)
            yield from _flat(account.collateral.items())
            for name, position in sorted(account.positions.items()):
                yield from (name, position.base_atoms, position.quote_atoms, position.funding_index_e9)
                yield account.settled_ns[name]
        yield from _flat(venue.oracle_px.items())
        yield from _flat(venue.funding_index_e9.items())
        yield from _flat(venue.borrow_ppm.items())
        yield from _flat((name, status.value) for name, status in venue.statuses.items())

    # Inside

    def _check(self, dispatch: Dispatch) -> Approved:
        if not isinstance(dispatch, Dispatch) or not isinstance(dispatch.approved, Approved):
            raise TypeError(f"dispatch: got {dispatch!r}, expected a Dispatch that carries an Approved")
        if not dispatch.plans:
            raise ValueError("dispatch.plans: got none, expected at least one leg")
        if dispatch.approved.intent.policy is Policy.SEQUENTIAL and len(dispatch.plans) > 1:
            raise ValueError(f"dispatch.plans: got {len(dispatch.plans)} legs of a sequential intent, expected one")
        key = _transaction_key(dispatch)
        if any(isinstance(item, Flight | Rest) and _transaction_key(item.dispatch) == key for _, _, item in self._heap):
            raise ValueError(f"transaction {key} is already under way")
        if len(self._heap) >= MAX_PENDING:
            raise ValueError(f"{len(self._heap)} acts are under way, at most {MAX_PENDING} allowed")
        return dispatch.approved

    def _land(self, flight: Flight) -> None:
        dispatch, fate = flight.dispatch, flight.fate
        done = self._executor.run(dispatch, flight.due_ns, fate)
        told_ns = flight.due_ns + self.config.notify_ns
        engine, order_id = dispatch.approved.intent.engine, dispatch.approved.order_id
        if done.rest_atoms:
            later_ns = flight.due_ns + self.config.rest_slots * SLOT_NS
            self._push(Rest(later_ns, self._seq(), dispatch, done.legs[0], done.rest_atoms, done.chain_fees))
            done.chain_fees = ()
        report = self._report(dispatch, done, flight.due_ns)
        if not fate.times_out:
            self._push(News(told_ns, self._seq(), engine, order_id, (*done.before, report, *done.after)))
            return
        if done.before:
            self._push(News(told_ns, self._seq(), engine, order_id, done.before))
        self._tell(told_ns, dispatch, LegStatus.UNKNOWN, "no answer in time")
        late_ns = told_ns + self.config.unknown_ns
        self._push(News(late_ns, self._seq(), engine, order_id, (report, *done.after), withheld=True))

    def _finish_rest(self, rest: Rest) -> None:
        intent = rest.dispatch.approved.intent
        order = intent.legs[rest.done.leg]
        assert isinstance(order, PerpOrder)
        facts, base, quote, fee = self._executor.run_rest(order, intent.engine, rest.left_atoms, rest.due_ns)
        before = rest.done.fees[0] if rest.done.fees else None
        fees = (Fee(FeeKind.PERP, before.asset, before.atoms + fee),) if before is not None else ()
        complete = base == rest.left_atoms
        leg = LegReport(
            rest.done.leg,
            LegStatus.FILLED if complete else LegStatus.EXPIRED,
            rest.done.in_atoms + base,
            rest.done.out_atoms + quote,
            fees,
            "" if complete else f"{EXPIRED}: the rest of the order found no taker within its limit and margin",
        )
        report = self._report(rest.dispatch, Execution((leg,), rest.chain_fees), rest.due_ns)
        told_ns, told = rest.due_ns + self.config.notify_ns, (*facts.before, report, *facts.after)
        self._push(News(told_ns, self._seq(), intent.engine, rest.dispatch.approved.order_id, told))

    def _report(self, dispatch: Dispatch, done: Execution, landed_ns: int) -> OrderReported:
        return OrderReported(
            dispatch.approved.order_id, done.legs, done.chain_fees, slot_at(landed_ns), _signature(dispatch)
        )

    def _tell(self, at_ns: int, dispatch: Dispatch, status: LegStatus, reason: str = "") -> None:
        """Report every leg of a dispatch in one state, with no fills and no fees."""
        legs = tuple(LegReport(plan.leg, status, reason=reason) for plan in dispatch.plans)
        order_id, engine = dispatch.approved.order_id, dispatch.approved.intent.engine
        report = OrderReported(order_id, legs, slot=slot_at(at_ns), signature=_signature(dispatch))
        self._push(News(at_ns, self._seq(), engine, order_id, (report,)))

    def _tell_venue_facts(self, facts: list[AnyFact], now_ns: int) -> None:
        """A liquidation is told after every fill it closed: what was withheld of that engine's orders comes first."""
        liquidated = {fact.engine for fact in facts if isinstance(fact, Liquidated)}
        told_ns = now_ns + self.config.notify_ns
        for _, _, item in sorted(self._heap, key=lambda entry: entry[:2]):
            if isinstance(item, News) and item.withheld and item.engine in liquidated:
                self._heap.remove((item.due_ns, item.seq, item))
                self._push(News(min(told_ns, item.due_ns), self._seq(), item.engine, item.cause, item.facts))
        heapq.heapify(self._heap)
        self._push(News(told_ns, self._seq(), "", "", tuple(facts)))

    def _push(self, item: Pending) -> None:
        heapq.heappush(self._heap, (item.due_ns, item.seq, item))

    def _seq(self) -> int:
        self._next_seq += 1
        return self._next_seq


def _transaction_key(dispatch: Dispatch) -> str:
    """One transaction's name: its order and first leg. All luck hangs on it."""
    return f"{dispatch.approved.order_id}/{dispatch.plans[0].leg}"


def _signature(dispatch: Dispatch) -> str:
    return f"paper:{_transaction_key(dispatch)}"


def _flat(pairs: Iterable[tuple[str, str | int]]) -> Iterator[str | int]:
    for key, value in sorted(pairs):
        yield key
        yield value
