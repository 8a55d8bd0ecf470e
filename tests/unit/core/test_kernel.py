"""One step of the kernel: who hears, what is judged, what is dispatched, and what a report does."""

from __future__ import annotations

import pytest

from phantom_arbiter.core.commands import Kill, KillLevel, ResetKill, StopEngine
from phantom_arbiter.core.events import Fee, FeeKind, LegReport, LegStatus, OrderReported, Quoted
from phantom_arbiter.core.intents import Policy, Purpose, Side
from phantom_arbiter.core.orders import OrderStatus
from phantom_arbiter.core.units import NS_PER_HOUR
from tests.unit.core.house import (
    SECOND,
    SOL_PX,
    USD,
    WHOLE,
    House,
    buy,
    deposit,
    intent,
    perp_order,
    sell,
)

S = LegStatus


def test_a_quote_nobody_wants_is_only_folded() -> None:
    house = House()
    facts = house.puppet.state.facts
    assert house.feed(Quoted("BONK/USDC", 90_000, 90_001, 5)) is None
    assert house.puppet.state.facts == facts
    quote = house.kernel.view.quote("BONK/USDC")
    assert quote is not None
    assert (quote.bid_px, house.kernel.view.slot, house.kernel.view.now_ns) == (90_000, 5, house.now_ns)


def test_only_running_engines_hear_and_what_they_heard_is_counted() -> None:
    house = House()
    before = house.puppets["lst"].state.facts
    for _ in range(3):
        house.feed(Quoted("SOL/USDC", SOL_PX, SOL_PX, 0))
    house.kernel.settle_counts()
    assert house.kernel.records["funding"].facts == house.puppet.state.facts == 4  # three quotes and a tick
    assert house.puppets["lst"].state.facts == before == 0


def test_an_approved_intent_is_reserved_and_its_first_leg_dispatched() -> None:
    house = House()
    outcome = house.ask(intent(deposit(100), buy(150)))
    (dispatch,) = outcome.dispatches
    assert [(plan.leg, plan.size_atoms) for plan in dispatch.plans] == [(0, 100 * USD)]
    order = house.kernel.orders["funding-1"]
    assert house.kernel.desks["funding"].orders == {"funding-1": order}
    assert house.vault.reserved("funding", "USDC") == 250 * USD
    assert [transaction.kind for transaction in outcome.transactions] == ["reserve"] * 3
    assert outcome.orders == [order]


def test_a_refusal_reserves_nothing_and_is_counted_by_gate() -> None:
    house = House()
    refused = house.refusal(intent(buy(20_000)))
    assert refused.result.gate == "capital"
    assert house.kernel.records["funding"].refused == {"capital": 1}
    assert house.vault.reservations() == ()
    assert house.kernel.orders == {}


def test_a_sequential_order_sends_each_leg_after_the_one_before() -> None:
    house = House()
    order = house.order(intent(deposit(100), buy(150)))
    assert house.report(order, S.SENT) is not None
    outcome = house.report(order, S.FILLED, 100 * USD, 100 * USD)
    assert outcome is not None
    (dispatch,) = outcome.dispatches
    assert [plan.leg for plan in dispatch.plans] == [1]
    outcome = house.report(order, S.FILLED, 150 * USD, WHOLE, leg=1)
    assert outcome is not None
    assert (outcome.dispatches, order.status, house.kernel.orders) == ([], OrderStatus.DONE, {})
    assert list(house.kernel.closed) == [order]


def test_an_atomic_order_sends_all_legs_at_once() -> None:
    house = House()
    outcome = house.ask(intent(deposit(1_000), perp_order(Side.SELL), policy=Policy.ATOMIC))
    (dispatch,) = outcome.dispatches
    assert [plan.leg for plan in dispatch.plans] == [0, 1]


def test_a_failed_leg_ends_the_order_and_frees_what_was_set_aside() -> None:
    house = House()
    order = house.order(intent(deposit(100), buy(150)))
    house.report(order, S.REJECTED)
    assert order.status is OrderStatus.FAILED
    assert house.vault.reservations() == ()
    assert house.vault.available("funding", "USDC") == 10_000 * USD


def test_reports_of_closed_and_unknown_orders_change_nothing() -> None:
    house = House()
    order = house.order(intent(buy(150)))
    house.report(order, S.FILLED, 150 * USD, WHOLE)
    balances = house.vault.balances()
    assert house.report(order, S.FILLED, 150 * USD, WHOLE) is None
    assert house.report("funding-99", S.FILLED, 1, 1) is None
    assert house.kernel.stray_reports == 2
    assert house.vault.balances() == balances


def test_chain_fees_of_a_repeated_report_are_paid_once() -> None:
    house = House()
    order = house.order(intent(deposit(100), buy(150)))
    fee = (Fee(FeeKind.BASE, "SOL", 5_000),)
    house.report(order, S.FILLED, 100 * USD, 100 * USD, chain_fees=fee)
    house.report(order, S.FILLED, 100 * USD, 100 * USD, chain_fees=fee)
    house.report(order, S.FILLED, 150 * USD, WHOLE, leg=1, chain_fees=fee)
    assert house.vault.available("funding", "SOL") == 20 * WHOLE - 10_000


@pytest.mark.parametrize("leg", [-1, 1, 2])
def test_a_report_of_a_leg_that_was_never_sent_is_an_error(leg: int) -> None:
    house = House()
    order = house.order(intent(deposit(100), buy(150)))
    with pytest.raises(ValueError, match="never sent"):
        house.report(order, S.FILLED, 1, 1, leg=leg)


def test_an_order_of_unknown_outcome_keeps_its_reservation_for_ever() -> None:
    house = House()
    order = house.order(intent(buy(150)))
    house.report(order, S.UNKNOWN)
    house.now_ns += 48 * NS_PER_HOUR
    house.tick()
    assert house.vault.reserved("funding", "USDC") == 150 * USD
    house.report(order, S.FILLED, 150 * USD, WHOLE)
    assert house.vault.reservations() == ()
    assert house.vault.deployed("funding", "SOL") == WHOLE


def test_an_order_without_news_for_hours_is_still_booked_when_news_comes() -> None:
    house = House()
    order = house.order(intent(buy(150)))
    for _ in range(3):
        house.tick(seconds=3_600)
    house.report(order, S.FILLED, 150 * USD, WHOLE)
    assert house.vault.deployed("funding", "SOL") == WHOLE


def test_a_withdrawal_of_what_another_one_took_already_is_rejected_by_the_ledger() -> None:
    house = House()
    house.report(house.order(intent(deposit(100))), S.FILLED, 100 * USD, 100 * USD)
    house.order(intent(deposit(-80), purpose=Purpose.EXIT))
    outcome = house.ask(intent(deposit(-70), purpose=Purpose.EXIT))
    assert outcome.dispatches == []
    order = outcome.orders[-1]
    assert (order.status, order.legs[0].status) == (OrderStatus.FAILED, S.REJECTED)
    assert house.vault.reserved("funding", "USDC") == 80 * USD


def test_on_order_is_told_to_a_running_engine_only() -> None:
    house = House()
    first, second = house.order(intent(buy(150))), house.order(intent(buy(160)))
    house.report(first, S.FILLED, 150 * USD, WHOLE)
    assert house.puppet.state.changes == 1
    house.command(StopEngine("funding"))
    house.report(second, S.FILLED, 160 * USD, WHOLE)
    assert house.puppet.state.changes == 1
    assert house.vault.deployed("funding", "SOL") == 2 * WHOLE


@pytest.mark.parametrize(("level", "sent"), [(KillLevel.PAUSE, True), (KillLevel.CANCEL, False)])
def test_cancel_does_not_send_the_legs_of_an_entry_that_still_wait(level: KillLevel, sent: bool) -> None:
    house = House()
    order = house.order(intent(deposit(100), buy(150)))
    house.command(Kill(level))
    outcome = house.report(order, S.FILLED, 100 * USD, 100 * USD)
    assert outcome is not None
    assert bool(outcome.dispatches) is sent
    assert order.status is (OrderStatus.OPEN if sent else OrderStatus.PARTIAL)


def test_flatten_goes_on_until_what_filled_later_is_closed_too() -> None:
    house = House()
    order = house.order(intent(buy(150), position_id="p"))
    assert "0 closing orders" in house.command(Kill(KillLevel.FLATTEN)).message
    house.report(order, S.FILLED, 150 * USD, WHOLE)
    house.puppet.exits = [intent(sell(WHOLE), purpose=Purpose.EXIT, position_id="p")]
    asked = [outcome for _ in range(10) if (outcome := house.tick()) and outcome.dispatches]
    assert len(asked) == 1, "asked every five seconds, and left alone while it is under way"
    (exit_order,) = house.kernel.orders.values()
    house.report(exit_order, S.FILLED, WHOLE, 150 * USD)
    assert house.vault.deployed("funding", "SOL") == 0
    house.puppet.exits = []
    house.command(ResetKill())
    assert house.kernel.kill is None


def test_equity_is_marked_each_minute_and_a_new_day_begins_at_midnight() -> None:
    house = House()
    house.now_ns = (house.now_ns // (86_400 * SECOND) + 1) * 86_400 * SECOND - 60 * SECOND
    house.tick()
    record, book = house.kernel.records["funding"], house.book
    assert record.day_start_equity_micros == book.peak_equity_micros == 13_000 * USD
    house.market(SOL_PX // 2)
    house.tick(60)
    assert house.kernel.accounting.equity_micros("funding") == 11_500 * USD
    assert record.day_start_equity_micros == 13_000 * USD, "holding SOL while its price halves is not its own result"
    assert book.max_drawdown_micros == 0


def test_several_legs_in_one_report() -> None:
    house = House()
    order = house.order(intent(deposit(1_000), perp_order(Side.SELL), policy=Policy.ATOMIC))
    legs = (LegReport(0, S.FILLED, 1_000 * USD, 1_000 * USD), LegReport(1, S.FILLED, WHOLE, 150 * USD))
    house.feed(OrderReported(order.id, legs))
    assert order.status is OrderStatus.DONE
    assert house.book.perp_base_atoms("SOL-PERP") == -WHOLE


def test_an_engine_hears_what_the_gates_refused() -> None:
    house = House()
    refusal = house.refusal(intent(buy(), edge_bps=-5.0))
    assert house.puppet.refused == [refusal]
    house.order(intent(buy()))
    assert len(house.puppet.refused) == 1
