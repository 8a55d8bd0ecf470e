"""Order life through the real kernel: whatever order reports come in, the books stay right.

Reports are drawn as a driver and a bad network would deliver them: partial fills, time-outs that resolve later,
duplicates, older reports after newer ones, reports of orders that are long closed.
"""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from msgspec import Struct, field

from phantom_arbiter.core.events import Fee, FeeKind, LegReport, LegStatus, OrderReported
from phantom_arbiter.core.intents import Intent, PerpOrder, Policy, Purpose, Side, Swap
from phantom_arbiter.core.orders import LEG_TRANSITIONS, TERMINAL, Order
from phantom_arbiter.core.outcome import Outcome
from phantom_arbiter.core.safety import SafetyConfig
from phantom_arbiter.core.snapshot import digest_items, state_hash
from phantom_arbiter.core.verdicts import Approved
from tests.unit.core.house import SOL_PX, USD, WHOLE, House, buy, deposit, intent, perp_order, sell

S = LegStatus
MOVING = (S.SENT, S.ACCEPTED, S.PARTIAL, S.UNKNOWN, S.FILLED, S.REJECTED, S.EXPIRED)
OPEN_GATES = ("duplicate", "rate", "staleness", "edge", "daily_loss", "drawdown", "concentration", "slippage")
STEPS, EXAMPLES = 100, 100
"""Ten thousand steps in all."""


class Told(Struct):
    """What was told of a leg so far."""

    status: LegStatus = S.NEW
    in_atoms: int = 0
    out_atoms: int = 0


class Model(Struct):
    """An order as the driver sees it."""

    order: Order
    legs: dict[int, Told] = field(default_factory=dict)
    past: list[OrderReported] = field(default_factory=list)
    closed: Any = None


def wishes() -> st.SearchStrategy[tuple[str, int]]:
    kinds = ["buy", "sell", "deposit", "withdraw", "short", "cover", "chain", "cycle", "bundle"]
    return st.tuples(st.sampled_from(kinds), st.integers(1, 40))


def wish(kind: str, size: int) -> Intent:
    """An intent of one of the shapes that engines use."""
    changes: dict[str, Any] = {"notional_micros": size * USD, "position_id": "p", "tip_lamports": size}
    short = perp_order(Side.SELL, size * WHOLE // 10)
    match kind:
        case "buy":
            return intent(buy(size), **changes)
        case "sell":
            return intent(sell(size * WHOLE // 50), **changes | {"purpose": Purpose.EXIT})
        case "deposit":
            return intent(deposit(size * 10), **changes)
        case "withdraw":
            return intent(deposit(-size), **changes | {"purpose": Purpose.REBALANCE})
        case "short":
            return intent(short, **changes)
        case "cover":
            return intent(perp_order(Side.BUY, size * WHOLE // 10), **changes | {"purpose": Purpose.REBALANCE})
        case "chain":
            return intent(deposit(size * 10), short, buy(size), **changes)
        case "cycle":
            back = Swap("SOL/USDC", "", "SOL", "USDC", size * WHOLE // 150, size * USD, size * USD * 99 // 100)
            return intent(buy(size), back, **changes | {"policy": Policy.ATOMIC})
        case _:
            return intent(deposit(size * 10), short, **changes | {"policy": Policy.ATOMIC})


class OrderLife(RuleBasedStateMachine):
    """Wishes and reports in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House(safety=SafetyConfig(force_open=OPEN_GATES))
        self.models: dict[str, Model] = {}
        self.resolved: set[str] = set()
        self.spent = {"USDC": 0, "SOL": 0}
        self.house.report(self.house.order(intent(deposit(1_000))), S.FILLED, 1_000 * USD, 1_000 * USD)

    # What happens

    @rule(what=wishes())
    def wish(self, what: tuple[str, int]) -> None:
        outcome = self.house.ask(wish(*what))
        self.watch(outcome)
        for verdict in outcome.verdicts:
            if isinstance(verdict, Approved) and verdict.order_id in self.house.kernel.orders:
                self.models[verdict.order_id] = Model(self.house.kernel.orders[verdict.order_id])

    @precondition(lambda self: any(model.closed is None for model in self.models.values()))
    @rule(data=st.data(), share=st.integers(0, 100), status=st.sampled_from(MOVING))
    def report(self, data: st.DataObject, share: int, status: LegStatus) -> None:
        live = [model for model in self.models.values() if model.closed is None]
        self.tell(data.draw(st.sampled_from(live)), status, share)

    @precondition(lambda self: any(model.past for model in self.models.values()))
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        """A report that came before comes again: nothing may change."""
        model = data.draw(st.sampled_from([model for model in self.models.values() if model.past]))
        again = data.draw(st.sampled_from(model.past))
        before = self.digest()
        assert self.house.feed(again) is None
        assert self.digest() == before

    @precondition(lambda self: any(model.closed is not None for model in self.models.values()))
    @rule(data=st.data(), status=st.sampled_from(MOVING), share=st.integers(0, 200))
    def too_late(self, data: st.DataObject, status: LegStatus, share: int) -> None:
        """Anything at all about a closed order: nothing may change."""
        model = data.draw(st.sampled_from([model for model in self.models.values() if model.closed is not None]))
        before = self.digest()
        assert self.house.feed(OrderReported(model.order.id, (LegReport(0, status, share, share),))) is None
        assert self.digest() == before

    @rule(seconds=st.sampled_from([1, 60, 4_000]))
    def pass_time(self, seconds: int) -> None:
        self.watch(self.house.tick(seconds))
        self.house.market()

    # A driver's side of it

    def tell(self, model: Model, status: LegStatus, share: int) -> None:
        """Report the legs that are under way: all of an atomic order, else the one that was sent last."""
        order, atomic = model.order, model.order.intent.policy is Policy.ATOMIC
        sent = [index for index, leg in enumerate(order.legs) if leg.size_atoms and leg.status not in TERMINAL]
        if atomic and status is S.PARTIAL:
            status = S.FILLED
        reports = [self.leg_report(model, index, status, share) for index in sent]
        if not reports or any(report is None for report in reports):
            return
        legs = tuple(report for report in reports if report is not None)
        fees = (Fee(FeeKind.BASE, "SOL", 5_000),) if status in TERMINAL else ()
        fact = OrderReported(order.id, legs, fees)
        model.past.append(fact)
        self.spent["SOL"] += sum(fee.atoms for fee in fees)
        self.book(model, legs)
        self.watch(self.house.feed(fact))
        if order.id not in self.house.kernel.orders:
            model.closed = [(leg.status, leg.in_atoms, leg.out_atoms, leg.fees) for leg in order.legs]

    def leg_report(self, model: Model, index: int, status: LegStatus, share: int) -> LegReport | None:
        told = model.legs.setdefault(index, Told())
        if status not in LEG_TRANSITIONS[told.status] or (status is S.REJECTED and told.in_atoms):
            return None
        size = model.order.legs[index].size_atoms
        in_atoms = told.in_atoms
        if status is S.FILLED:
            in_atoms = size
        elif status is S.PARTIAL:
            in_atoms += (size - told.in_atoms) * share // 101
            if in_atoms == told.in_atoms:
                return None
        out_atoms = self.out_atoms(model.order.intent.legs[index], in_atoms)
        leg = model.order.intent.legs[index]
        fees = (Fee(FeeKind.PERP, "USDC", in_atoms // 10**6),) if isinstance(leg, PerpOrder) else ()
        return LegReport(index, status, in_atoms, out_atoms, tuple(fee for fee in fees if fee.atoms))

    def out_atoms(self, leg: Any, in_atoms: int) -> int:
        match leg:
            case Swap(in_asset="USDC"):
                return in_atoms * 1_000 // 150
            case Swap():
                return in_atoms * 150 // 1_000
            case PerpOrder():
                return in_atoms * SOL_PX // WHOLE
            case _:
                return in_atoms

    def book(self, model: Model, legs: tuple[LegReport, ...]) -> None:
        """What the engine's assets must have changed by, reckoned from the reports alone."""
        for report in legs:
            told, leg = model.legs[report.leg], model.order.intent.legs[report.leg]
            fee = sum(fee.atoms for fee in report.fees)
            before = told.in_atoms // 10**6 if isinstance(leg, PerpOrder) else 0
            self.spent["USDC"] += fee - before
            told.status, told.in_atoms, told.out_atoms = report.status, report.in_atoms, report.out_atoms
            if isinstance(leg, Swap) and report.status in TERMINAL and model.order.intent.policy is not Policy.ATOMIC:
                self.spent[leg.in_asset] += report.in_atoms
                self.spent[leg.out_asset] -= report.out_atoms
        if isinstance(leg, Swap) and model.order.intent.policy is Policy.ATOMIC and report.status is S.FILLED:
            first, last = model.order.intent.legs[0], leg
            assert isinstance(first, Swap)
            self.spent[first.in_asset] += legs[0].in_atoms
            self.spent[last.out_asset] -= legs[-1].out_atoms

    def watch(self, outcome: Outcome | None) -> None:
        """Every reservation ends once."""
        for transaction in outcome.transactions if outcome is not None else ():
            if transaction.kind in ("post", "void", "expire"):
                assert transaction.id not in self.resolved
                self.resolved.add(transaction.id)

    def digest(self) -> str:
        items = list(digest_items(self.house.kernel))[1:]  # but for the count of facts
        return state_hash(iter(items))

    # What always holds

    @invariant()
    def the_ledger_balances_and_nothing_held_is_negative(self) -> None:
        assert set(self.house.sums().values()) <= {0}
        rows = self.house.vault.balances()
        assert all(row.atoms >= 0 for row in rows if row.bucket in ("available", "reserved", "deployed", "cash"))

    @invariant()
    def legs_are_where_their_reports_say(self) -> None:
        for model in self.models.values():
            for index, told in model.legs.items():
                leg = model.order.legs[index]
                if told.status is not S.NEW:
                    assert (leg.status, leg.in_atoms, leg.out_atoms) == (told.status, told.in_atoms, told.out_atoms)

    @invariant()
    def only_open_orders_hold_reservations_and_closed_ones_never_change(self) -> None:
        owners = {reservation.id.rpartition(":")[0] for reservation in self.house.vault.reservations()}
        assert owners == set(self.house.kernel.orders)
        for model in self.models.values():
            now = [(leg.status, leg.in_atoms, leg.out_atoms, leg.fees) for leg in model.order.legs]
            assert model.closed in (None, now)

    @invariant()
    def collateral_is_what_the_ledger_has_at_the_venue(self) -> None:
        lots = sum(lot.atoms for lot in self.house.book.lots.values() if lot.asset == "USDC")
        open_withdrawals = sum(
            r.atoms for r in self.house.vault.reservations() if r.asset == "USDC" and r.source == "deployed"
        )
        collateral = sum(self.house.book.collateral.values())
        assert collateral == self.house.vault.deployed("funding", "USDC") + open_withdrawals - lots

    def teardown(self) -> None:
        """In the end every order is told, and the engine owns what the reports add up to."""
        for model in self.models.values():
            while model.closed is None:
                before = len(model.past)
                self.tell(model, S.FILLED, 100)
                assert len(model.past) > before
        self.the_ledger_balances_and_nothing_held_is_negative()
        assert self.house.vault.reservations() == ()
        owned = self.house.vault.engine_assets("funding")
        assert owned.get("USDC", 0) == 10_000 * USD - self.spent["USDC"]
        assert owned.get("SOL", 0) == 20 * WHOLE - self.spent["SOL"]


OrderLife.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # shrinking a run of a hundred steps takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestOrderLife = OrderLife.TestCase
