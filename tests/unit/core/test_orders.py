"""The life of a leg and of an order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.core.events import Fee, FeeKind, LegReport, LegStatus
from phantom_arbiter.core.intents import Policy
from phantom_arbiter.core.orders import (
    LEG_TRANSITIONS,
    TERMINAL,
    LegState,
    Order,
    OrderStatus,
    add_fees,
    apply_report,
    subtract_fees,
)
from tests.unit.core.house import buy, intent

S = LegStatus


def order(*statuses: LegStatus, policy: Policy = Policy.SEQUENTIAL, filled: int = 0) -> Order:
    legs = [LegState(status, in_atoms=filled if status in (S.FILLED, S.EXPIRED) else 0) for status in statuses]
    return Order("o", intent(*[buy() for _ in statuses], policy=policy), 0, legs)


def test_every_state_is_in_the_table_and_only_terminal_ones_are_ends() -> None:
    assert set(LEG_TRANSITIONS) == set(LegStatus)
    assert {status for status, following in LEG_TRANSITIONS.items() if not following} == TERMINAL


def test_a_report_moves_a_leg_and_tells_what_was_new() -> None:
    state = LegState(S.SENT)
    delta = apply_report(state, LegReport(0, S.PARTIAL, 40, 4))
    assert delta is not None
    assert (delta.in_atoms, delta.out_atoms, delta.ended) == (40, 4, False)
    delta = apply_report(state, LegReport(0, S.FILLED, 100, 10))
    assert delta is not None
    assert (delta.in_atoms, delta.out_atoms, delta.ended) == (60, 6, True)
    assert (state.status, state.in_atoms, state.out_atoms) == (S.FILLED, 100, 10)


@pytest.mark.parametrize(
    "late",
    [
        LegReport(0, S.FILLED, 100, 10),
        LegReport(0, S.PARTIAL, 40, 4),
        LegReport(0, S.SENT),
        LegReport(0, S.UNKNOWN, 100, 10),
    ],
    ids=["duplicate", "older fill", "older state", "time-out after the end"],
)
def test_a_duplicate_or_older_report_changes_nothing(late: LegReport) -> None:
    state = LegState(S.FILLED, 100, 100, 10)
    assert apply_report(state, late) is None
    assert state == LegState(S.FILLED, 100, 100, 10)


@pytest.mark.parametrize(
    "report",
    [LegReport(0, S.REJECTED), LegReport(0, S.EXPIRED, 99, 10), LegReport(0, S.FILLED, 101, 10)],
    ids=["filled, then rejected", "fills fell", "more after the end"],
)
def test_a_report_that_contradicts_the_record_is_an_error_and_changes_nothing(report: LegReport) -> None:
    state = LegState(S.FILLED, 100, 100, 10)
    with pytest.raises(ValueError, match="leg 0"):
        apply_report(state, report)
    assert state == LegState(S.FILLED, 100, 100, 10)


@pytest.mark.parametrize("status", [S.ACCEPTED, S.PARTIAL, S.FILLED, S.UNKNOWN])
def test_a_report_may_overtake_the_one_that_says_sent(status: LegStatus) -> None:
    state = LegState()
    assert apply_report(state, LegReport(0, status, 5, 1)) is not None
    assert apply_report(state, LegReport(0, S.SENT)) is None
    assert state.status is status


def test_unknown_is_no_end() -> None:
    state = LegState(S.UNKNOWN, 100, 40, 4)
    assert order(S.UNKNOWN).status is not OrderStatus.FAILED
    assert order(S.UNKNOWN).is_open
    assert apply_report(state, LegReport(0, S.FILLED, 100, 10)) is not None


def test_an_old_partial_fill_does_not_end_the_doubt() -> None:
    state = LegState(S.UNKNOWN, 100, 40, 4)
    assert apply_report(state, LegReport(0, S.PARTIAL, 40, 4)) is None
    assert state.status is S.UNKNOWN
    assert apply_report(state, LegReport(0, S.PARTIAL, 50, 5)) is not None


def test_fees_are_cumulative_and_one_that_a_report_leaves_out_stands() -> None:
    state = LegState(S.SENT)
    reports = [
        LegReport(0, S.PARTIAL, 50, 5, (Fee(FeeKind.PERP, "USDC", 5),)),
        LegReport(0, S.UNKNOWN, 50, 5),
        LegReport(0, S.FILLED, 100, 10, (Fee(FeeKind.PERP, "USDC", 10),)),
    ]
    deltas = [apply_report(state, report) for report in reports]
    assert sum(fee.atoms for delta in deltas if delta for fee in delta.fees) == 10
    assert state.fees == (Fee(FeeKind.PERP, "USDC", 10),)


@given(st.lists(st.tuples(st.sampled_from([FeeKind.PERP, FeeKind.SWAP]), st.integers(0, 9)), max_size=4))
def test_what_was_subtracted_adds_up_again(rows: list[tuple[FeeKind, int]]) -> None:
    told: tuple[Fee, ...] = ()
    for kind, atoms in rows:
        told = add_fees(told, (Fee(kind, "USDC", atoms),))
    before = tuple(Fee(fee.kind, fee.asset, fee.atoms // 2) for fee in told)
    again = add_fees(before, subtract_fees(told, before))
    assert {fee for fee in again if fee.atoms} == {fee for fee in told if fee.atoms}


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ((S.NEW,), OrderStatus.OPEN),
        ((S.FILLED, S.NEW), OrderStatus.OPEN),
        ((S.FILLED, S.FILLED), OrderStatus.DONE),
        ((S.FILLED, S.REJECTED), OrderStatus.PARTIAL),
        ((S.REJECTED, S.NEW), OrderStatus.FAILED),
        ((S.EXPIRED, S.NEW), OrderStatus.PARTIAL),
        ((S.FILLED, S.UNKNOWN), OrderStatus.UNKNOWN),
        ((S.REJECTED, S.SENT), OrderStatus.OPEN),
    ],
)
def test_an_orders_status_follows_from_its_legs(statuses: tuple[LegStatus, ...], expected: OrderStatus) -> None:
    assert order(*statuses, filled=5).status is expected


def test_the_next_leg_waits_for_all_before_it() -> None:
    assert order(S.NEW, S.NEW).next_leg() == 0
    assert order(S.FILLED, S.NEW).next_leg() == 1
    assert order(S.PARTIAL, S.NEW).next_leg() is None
    assert order(S.UNKNOWN, S.NEW).next_leg() is None
    assert order(S.EXPIRED, S.NEW).next_leg() is None
    assert order(S.FILLED, S.FILLED).next_leg() is None
    assert order(S.NEW, S.NEW, policy=Policy.ATOMIC).next_leg() is None
