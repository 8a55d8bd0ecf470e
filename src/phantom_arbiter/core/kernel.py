"""The kernel: the only state transition. One envelope in; verdicts, dispatches and notices out.

`step` folds the fact into the market view and the books, lets the engines that subscribed decide, and puts every
intent before the gates. It reads no clock, does no I/O and mutates nothing but itself, so the same envelopes always
lead to the same state, which `state_hash` tells in one line.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from phantom_arbiter.core.accounting import Accounting
from phantom_arbiter.core.command_desk import CommandDesk
from phantom_arbiter.core.commands import KillLevel, Mode
from phantom_arbiter.core.desk import Desk, Engine
from phantom_arbiter.core.events import (
    Commanded,
    Envelope,
    Fact,
    FundingSettled,
    LegReport,
    LegStatus,
    Liquidated,
    OrderReported,
    PnlSettled,
    Quoted,
    StakePoolRead,
    TimerFired,
)
from phantom_arbiter.core.instruments import Universe
from phantom_arbiter.core.intents import CollateralTransfer, Intent, Policy, Purpose
from phantom_arbiter.core.leg_size import leg_size
from phantom_arbiter.core.lifecycle import ACTIVE, LIFE_CYCLE, EngineStatus
from phantom_arbiter.core.orders import Dispatch, LegPlan, LegState, Order, apply_report
from phantom_arbiter.core.outcome import Benchmark, EngineRecord, Outcome, StatusChange
from phantom_arbiter.core.portfolio import EngineBook
from phantom_arbiter.core.safety import SafetyGates
from phantom_arbiter.core.situation import Situation
from phantom_arbiter.core.units import NS_PER_DAY, NS_PER_MINUTE, NS_PER_SECOND
from phantom_arbiter.core.vault import VaultManager
from phantom_arbiter.core.verdicts import Approved, GateResult, Refused, Verdict
from phantom_arbiter.core.view import MarketView

MAX_CLOSED_ORDERS: Final = 1_000
"""Closed orders kept for the dashboard and for late reports; not part of the state hash."""

HALTING: Final = frozenset({KillLevel.CANCEL, KillLevel.FLATTEN})
"""Levels at which the legs of an entry that were not sent yet never are."""
FLATTEN_EVERY_NS: Final = 5 * NS_PER_SECOND
"""How often a flattening kill asks again: for what filled later, what failed, and what a gate refused."""

Decide = Callable[[Envelope], Sequence[Intent]]


class Route:
    """Who hears a kind of fact, and how many came."""

    __slots__ = ("count", "decides", "engines")

    def __init__(self, engines: list[Engine]) -> None:
        self.engines = tuple(engine.id for engine in engines)
        self.decides: tuple[Decide, ...] = tuple(engine.decide for engine in engines)
        self.count = 0


NOBODY: Final = Route([])


class Kernel:
    """Four engines, one vault, one set of gates, one market view."""

    def __init__(
        self, universe: Universe, engines: Sequence[Engine], vault: VaultManager, gates: SafetyGates, mode: Mode
    ) -> None:
        self.universe = universe
        self.mode = mode
        self.vault = vault
        self.gates = gates
        self.view = MarketView(universe)
        self.engines: dict[str, Engine] = {engine.id: engine for engine in engines}
        self.records: dict[str, EngineRecord] = {engine.id: EngineRecord() for engine in engines}
        self.desks: dict[str, Desk] = {
            engine.id: Desk(engine.id, self.view, EngineBook(engine.id), vault, {}) for engine in engines
        }
        self.accounting = Accounting(vault, self.view, self.desks)
        self.commands = CommandDesk(self)
        self.kill: KillLevel | None = None
        self.orders: dict[str, Order] = {}
        self.closed: deque[Order] = deque(maxlen=MAX_CLOSED_ORDERS)
        self.seq = 0
        self.stray_reports = 0
        self._out: Outcome | None = None
        self.minute = -1
        self.benchmark = Benchmark()
        self._quote_routes: dict[str, Route] = {}
        self._kind_routes: dict[type[Fact], Route] = {}
        self._handlers: dict[type[Fact], Callable[[Envelope], None]] = {
            OrderReported: self._on_report,
            FundingSettled: self._on_settlement,
            PnlSettled: self._on_settlement,
            Liquidated: self._on_settlement,
            StakePoolRead: self._on_stake_pool,
            TimerFired: self._on_timer,
            Commanded: self._on_command,
        }
        for engine in engines:
            engine.bind(self.desks[engine.id])

    def step(self, envelope: Envelope) -> Outcome | None:
        """Take one fact. None where nothing but the market view changed."""
        self.seq = envelope.seq
        body = envelope.body
        kind = type(body)
        self._out = None
        if kind is Quoted:
            self.view.fold_quote(envelope)
            route = self._quote_routes.get(body.instrument, NOBODY)  # type: ignore[union-attr]
        else:
            handler = self._handlers.get(kind)
            if handler is None:
                self.view.fold(envelope)
            else:
                self.view.now_ns = envelope.ts_ns
                handler(envelope)
            route = self._kind_routes.get(kind, NOBODY)
        route.count += 1
        for decide in route.decides:
            intents = decide(envelope)
            if intents:
                self._judge_all(intents)
        if self._out is None and not self.accounting.journal:
            return None
        return self._close_outcome()

    # Routes and life cycle

    def set_status(self, engine: str, status: EngineStatus, reason: str) -> None:
        """Move an engine along `LIFE_CYCLE`; raises `ValueError` for a step that it does not allow."""
        record = self.records[engine]
        if status not in LIFE_CYCLE[record.status]:
            raise ValueError(f"engine {engine}: {record.status} cannot become {status}")
        record.status = status
        self.outcome().statuses.append(StatusChange(engine, status, reason))
        self.refresh_routes()

    def refresh_routes(self) -> None:
        """Rebuild who hears what: running and paused engines, in the order they were given."""
        self.settle_counts()
        quotes: dict[str, list[Engine]] = {}
        kinds: dict[type[Fact], list[Engine]] = {}
        for engine_id, engine in self.engines.items():
            self.desks[engine_id].entries_allowed = self.entries_allowed(engine_id)
            if self.records[engine_id].status not in ACTIVE:
                continue
            wanted = engine.subscriptions()
            for instrument in wanted.quotes:
                quotes.setdefault(instrument, []).append(engine)
            heard: tuple[type[Fact], ...] = (*wanted.kinds, TimerFired)
            for kind in heard:
                kinds.setdefault(kind, []).append(engine)
        self._quote_routes = {key: Route(listeners) for key, listeners in quotes.items()}
        self._kind_routes = {key: Route(listeners) for key, listeners in kinds.items()}

    def settle_counts(self) -> None:
        """Credit what the routes counted to the engines that heard it."""
        for route in (*self._quote_routes.values(), *self._kind_routes.values()):
            for engine in route.engines:
                self.records[engine].facts += route.count
            route.count = 0

    def entries_allowed(self, engine: str) -> bool:
        """Whether an engine may open anything new."""
        return self.kill is None and self.records[engine].status is EngineStatus.RUNNING

    def replace_vault(self, vault: VaultManager) -> None:
        """Put a restored vault in the place of the one the kernel was built with."""
        self.vault = self.accounting.vault = vault
        for desk in self.desks.values():
            desk.vault = vault

    def outcome(self) -> Outcome:
        """The outcome of the step under way, made when first needed."""
        if self._out is None:
            self._out = Outcome([], [], [], [], [])
        return self._out

    def _close_outcome(self) -> Outcome | None:
        if self.accounting.journal:
            self.outcome().transactions.extend(self.accounting.take_journal())
        return self._out

    # Intents

    def submit(self, intents: Sequence[Intent]) -> list[Verdict]:
        """Judge intents that no fact called for (a command); the verdicts are also in the outcome."""
        return self._judge_all(intents)

    def measure(self, intent: Intent) -> tuple[tuple[GateResult, ...], GateResult | None]:
        """What the gates would say of an intent now; nothing is approved."""
        return self.gates.measure(intent, self.situation(intent.engine))

    def _judge_all(self, intents: Sequence[Intent]) -> list[Verdict]:
        verdicts = [self._judge(intent) for intent in intents]
        self.outcome().verdicts.extend(verdicts)
        return verdicts

    def _judge(self, intent: Intent) -> Verdict:
        record = self.records[intent.engine]
        record.intents += 1
        order_id = f"{intent.engine}-{record.orders + 1}"
        verdict = self.gates.judge(intent, order_id, self.situation(intent.engine))
        if isinstance(verdict, Refused):
            gate = verdict.result.gate
            record.refused[gate] = record.refused.get(gate, 0) + 1
            self.engines[intent.engine].on_refused(verdict)
            return verdict
        record.approved += 1
        record.orders += 1
        self._open(verdict)
        return verdict

    def situation(self, engine: str) -> Situation:
        """What the gates look at for this engine, now."""
        desk, record = self.desks[engine], self.records[engine]
        return Situation(
            desk=desk,
            mode=self.mode,
            status=record.status,
            kill=self.kill,
            equity_micros=self.accounting.own_equity_micros(engine),
            day_start_equity_micros=record.day_start_equity_micros,
            peak_equity_micros=desk.book.peak_equity_micros,
        )

    def _open(self, approved: Approved) -> None:
        intent, now_ns = approved.intent, self.view.now_ns
        order = Order(approved.order_id, intent, now_ns, [LegState() for _ in intent.legs], updated_ns=now_ns)
        self.accounting.open(order, now_ns)
        self.orders[order.id] = order
        self.desks[intent.engine].orders[order.id] = order
        legs = range(len(intent.legs)) if intent.policy is Policy.ATOMIC else range(1)
        self._dispatch(order, approved, legs)

    def _dispatch(self, order: Order, approved: Approved, legs: range) -> bool:
        """Send legs; False where the ledger holds too little and the order is over."""
        plans = []
        for index in legs:
            size = leg_size(order, index, self.universe)
            leg = order.intent.legs[index]
            withdrawal = isinstance(leg, CollateralTransfer) and leg.atoms < 0
            if withdrawal and not self.accounting.reserve_withdrawal(order, index, self.view.now_ns):
                self._fail_leg(order, index, "the ledger holds less than what is to be withdrawn")
                return False
            order.legs[index].size_atoms = size
            plans.append(LegPlan(index, size))
        self.outcome().dispatches.append(Dispatch(approved, tuple(plans)))
        self._touch(order)
        return True

    def _fail_leg(self, order: Order, index: int, reason: str) -> None:
        apply_report(order.legs[index], LegReport(index, LegStatus.REJECTED, reason=reason))
        self._after_report(order)

    # Reports

    def _on_report(self, envelope: Envelope) -> None:
        fact = envelope.body
        assert isinstance(fact, OrderReported)
        order = self.orders.get(fact.order_id)
        if order is None:
            self.stray_reports += 1
            return
        changed = False
        for report in fact.legs:
            if not 0 <= report.leg < len(order.legs) or not order.legs[report.leg].size_atoms:
                raise ValueError(f"order {order.id}: a report of leg {report.leg}, which was never sent")
            delta = apply_report(order.legs[report.leg], report)
            if delta is not None:
                changed = True
                self.accounting.apply_leg(order, delta, envelope.ts_ns)
        if fact.chain_fees:
            order.chain_fees = (*order.chain_fees, *fact.chain_fees) if changed else order.chain_fees
        order.signature = fact.signature or order.signature
        if changed:
            order.updated_ns = envelope.ts_ns
            self._after_report(order)

    def _after_report(self, order: Order) -> None:
        following = order.next_leg()
        if following is not None and self.kill in HALTING and order.intent.purpose is Purpose.ENTRY:
            self._fail_leg(order, following, f"not sent: the kill switch is on ({self.kill})")
            return
        if following is not None:
            approved = self.gates.carry_on(order, self.view.now_ns)
            if not self._dispatch(order, approved, range(following, following + 1)):
                return
        elif order.is_open:
            self._touch(order)
        else:
            self._close_order(order)
        if self.records[order.intent.engine].status in ACTIVE:
            intents = self.engines[order.intent.engine].on_order(order)
            if intents:
                self._judge_all(intents)

    def _close_order(self, order: Order) -> None:
        self.accounting.finish(order, self.view.now_ns)
        del self.orders[order.id]
        del self.desks[order.intent.engine].orders[order.id]
        self.closed.append(order)
        self._touch(order)

    def _touch(self, order: Order) -> None:
        self.outcome().orders.append(order)

    def _on_settlement(self, envelope: Envelope) -> None:
        self.outcome()
        match envelope.body:
            case FundingSettled() as fact:
                self.accounting.funding(fact, envelope.ts_ns, envelope.seq)
            case PnlSettled() as fact:
                self.accounting.pnl(fact, envelope.ts_ns, envelope.seq)
            case Liquidated() as fact:
                self.accounting.liquidated(fact, envelope.ts_ns, envelope.seq)
            case _:
                raise AssertionError(f"no settlement: {envelope.body!r}")

    def _on_stake_pool(self, envelope: Envelope) -> None:
        after = envelope.body
        assert isinstance(after, StakePoolRead)
        before = self.view.stake_pool(after.token)
        self.view.fold(envelope)
        if before is not None and (before.total_lamports, before.supply_atoms) != (
            after.total_lamports,
            after.supply_atoms,
        ):
            self.accounting.staking(before, after)

    # Time and commands

    def _on_timer(self, envelope: Envelope) -> None:
        minute = envelope.ts_ns // NS_PER_MINUTE
        if minute != self.minute:
            self.minute = minute
            self.mark_equity(envelope.ts_ns)
        if self.kill is KillLevel.FLATTEN and envelope.ts_ns % FLATTEN_EVERY_NS < NS_PER_SECOND:
            self.commands.flatten()

    def mark_equity(self, now_ns: int) -> None:
        """Once a minute: each engine's own equity, its peak and drawdown, and the start of its day."""
        day = now_ns // NS_PER_DAY
        for engine, record in self.records.items():
            book = self.desks[engine].book
            worth = self.accounting.equity_micros(engine)
            if worth is None:
                continue
            if record.day < 0:
                book.funded, book.funded_micros = self.vault.engine_assets(engine), worth
            equity = self.accounting.own_equity_micros(engine) or 0
            if day != record.day:
                record.day, record.day_start_equity_micros = day, equity
                record.day_start_pnl_micros = self.accounting.pnl_by_cause_micros(engine)
            self._begin_benchmark()
            book.peak_equity_micros = max(book.peak_equity_micros, equity)
            book.max_drawdown_micros = max(book.max_drawdown_micros, book.peak_equity_micros - equity)

    def _begin_benchmark(self) -> None:
        if self.benchmark.start_equity_micros:
            return
        equities = [self.accounting.equity_micros(engine) for engine in self.engines]
        sol_usd, pool = self.view.usd_price("SOL"), self.view.stake_pool("jitoSOL")
        if sol_usd is not None and None not in equities:
            rate = pool.total_lamports / pool.supply_atoms if pool is not None else 0.0
            self.benchmark = Benchmark(sum(equity or 0 for equity in equities), sol_usd, rate)

    def _on_command(self, envelope: Envelope) -> None:
        fact = envelope.body
        assert isinstance(fact, Commanded)
        self.outcome().command = self.commands.handle(fact)
