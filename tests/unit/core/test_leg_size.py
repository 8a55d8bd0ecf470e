"""A leg that hedges another follows its fill: sizes, price limits, reservations, and the order's end."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from phantom_arbiter.core.commands import Kill, KillLevel
from phantom_arbiter.core.events import LegReport, LegStatus, OrderReported
from phantom_arbiter.core.intents import Intent, PerpOrder, Policy, Side, Swap, hedged_leg
from phantom_arbiter.core.leg_size import least_out_atoms, leg_size
from phantom_arbiter.core.orders import LegState, Order, OrderStatus
from tests.unit.core.house import (
    SOL_PX,
    UNIVERSE,
    USD,
    WHOLE,
    House,
    buy,
    deposit,
    intent,
    perp_order,
    sell,
)

STEP = UNIVERSE.instruments["SOL-PERP"].step_base_atoms
TEN = 10 * WHOLE


def entry() -> Intent:
    """Short ten SOL, then buy what of them was shorted, for 1,500 USDC."""
    return intent(perp_order(Side.SELL, TEN), replace(buy(1_500), hedges=0), notional_micros=1_500 * USD)


def opened() -> tuple[House, Order]:
    house = House()
    first = house.order(intent(deposit(1_000)))
    house.report(first, LegStatus.FILLED, 1_000 * USD, 1_000 * USD)
    return house, house.order(entry())


def fill(house: House, order: Order, status: LegStatus, atoms: int) -> Any:
    """The short's report: ``atoms`` filled at 150."""
    return house.report(order, status, atoms, atoms * 150 // 1_000)


# Sizes


def with_fill(*legs: Any, filled: int) -> Order:
    order = Order("o", intent(*legs), 0, [LegState() for _ in legs])
    order.legs[0].in_atoms = filled
    return order


def test_a_leg_that_hedges_nothing_has_its_own_size() -> None:
    order = with_fill(perp_order(Side.SELL, TEN), buy(1_500), filled=1)
    assert leg_size(order, 0, UNIVERSE) == TEN
    assert leg_size(order, 1, UNIVERSE) == 1_500 * USD
    assert hedged_leg(deposit(1)) == -1


def test_a_hedge_is_pro_rata_and_rounds_up_to_hedge_fully() -> None:
    order = with_fill(perp_order(Side.SELL, TEN), replace(buy(1_500), hedges=0), filled=3_333_000_000)
    assert leg_size(order, 1, UNIVERSE) == 499_950_000
    order.legs[0].in_atoms = 3_333_000_001
    assert leg_size(order, 1, UNIVERSE) == 499_950_001


def test_a_perp_that_hedges_a_sale_is_in_whole_steps() -> None:
    cover = perp_order(Side.BUY, TEN, hedges=0, reduce_only=True)
    order = with_fill(sell(TEN), cover, filled=WHOLE + 1)
    assert leg_size(order, 1, UNIVERSE) == WHOLE + STEP
    order.legs[0].in_atoms = TEN
    assert leg_size(order, 1, UNIVERSE) == TEN


@given(filled=st.integers(0, TEN), usdc=st.integers(1, 10**12), least=st.integers(0, 10**12))
def test_a_hedge_never_exceeds_what_is_reserved_nor_loosens_the_price(filled: int, usdc: int, least: int) -> None:
    spot = Swap("SOL/USDC", "", "USDC", "SOL", usdc, least, least, hedges=0)
    size = leg_size(with_fill(perp_order(Side.SELL, TEN), spot, filled=filled), 1, UNIVERSE)
    assert size <= usdc
    assert (size == 0) == (filled == 0)
    assert size * TEN >= usdc * filled
    minimum = least_out_atoms(spot, size)
    assert minimum * usdc >= least * size, "no looser"
    assert (minimum - 1) * usdc < least * size or minimum == 0, "and no tighter than rounding makes it"


@pytest.mark.parametrize(
    ("legs", "policy"),
    [
        ((perp_order(Side.SELL, hedges=0),), Policy.SEQUENTIAL),
        ((perp_order(Side.SELL), replace(buy(), hedges=1)), Policy.SEQUENTIAL),
        ((perp_order(Side.SELL), replace(buy(), hedges=-2)), Policy.SEQUENTIAL),
        ((deposit(1), replace(buy(), hedges=0)), Policy.SEQUENTIAL),
        ((perp_order(Side.SELL), replace(buy(), hedges=0)), Policy.ATOMIC),
    ],
    ids=["itself", "itself, second", "below none", "a transfer", "atomic"],
)
def test_a_hedge_of_no_earlier_leg_is_refused(legs: tuple[Any, ...], policy: Policy) -> None:
    with pytest.raises(ValueError, match=r"legs\[\d\]\.hedges: got"):
        intent(*legs, policy=policy)


# Through the kernel


@pytest.mark.parametrize("filled", [TEN, 6 * WHOLE, STEP], ids=["all", "six tenths", "one step"])
def test_the_second_leg_hedges_what_the_first_one_filled(filled: int) -> None:
    house, order = opened()
    free = house.kernel.vault.available("funding", "USDC")
    if filled < TEN:
        assert not fill(house, order, LegStatus.PARTIAL, filled).dispatches, "more may still fill"
    outcome = fill(house, order, LegStatus.FILLED if filled == TEN else LegStatus.EXPIRED, filled)
    ((plan,),) = (dispatch.plans for dispatch in outcome.dispatches)
    spent = -(-1_500 * USD * filled // TEN)
    assert (plan.leg, plan.size_atoms) == (1, spent)
    assert order.status is OrderStatus.OPEN, "until the second leg has ended"
    house.report(order, LegStatus.SENT, leg=1)
    got = filled
    house.report(order, LegStatus.FILLED, spent, got, leg=1)
    assert order.status is (OrderStatus.DONE if filled == TEN else OrderStatus.PARTIAL)
    assert house.kernel.orders == {}
    assert house.book.perp_base_atoms("SOL-PERP") == -filled
    assert house.kernel.vault.deployed("funding", "SOL") == got
    assert house.kernel.vault.reservations() == ()
    assert house.kernel.vault.available("funding", "USDC") == free + 1_500 * USD - spent, "the rest is free again"
    assert set(house.sums().values()) == {0}


@pytest.mark.parametrize("status", [LegStatus.REJECTED, LegStatus.EXPIRED])
def test_nothing_is_hedged_where_nothing_filled(status: LegStatus) -> None:
    house, order = opened()
    outcome = fill(house, order, status, 0)
    assert outcome.dispatches == []
    assert order.status is OrderStatus.FAILED
    assert house.kernel.vault.reservations() == ()


def test_an_unknown_first_leg_is_waited_for() -> None:
    house, order = opened()
    assert fill(house, order, LegStatus.UNKNOWN, 0).dispatches == []
    assert order.status is OrderStatus.UNKNOWN
    assert fill(house, order, LegStatus.FILLED, TEN).dispatches


def test_a_repeated_report_sends_no_second_hedge() -> None:
    house, order = opened()
    assert len(fill(house, order, LegStatus.FILLED, TEN).dispatches) == 1
    again = OrderReported(order.id, (LegReport(0, LegStatus.FILLED, TEN, 1_500 * USD),))
    assert house.feed(again) is None
    assert order.next_leg() is None


def test_a_kill_leaves_the_hedge_of_an_entry_unsent() -> None:
    house, order = opened()
    house.command(Kill(KillLevel.CANCEL))
    assert fill(house, order, LegStatus.EXPIRED, WHOLE).dispatches == []
    assert order.status is OrderStatus.PARTIAL
    assert "kill" in order.legs[1].reason


def test_the_engine_hears_that_the_first_leg_filled() -> None:
    house, order = opened()
    before = house.puppet.state.changes
    fill(house, order, LegStatus.FILLED, TEN)
    assert house.puppet.state.changes == before + 1


def test_a_price_limit_of_a_perp_hedge_is_the_intents() -> None:
    cover = perp_order(Side.BUY, TEN, hedges=0)
    assert isinstance(cover, PerpOrder)
    assert cover.limit_px == SOL_PX * 1_005 // 1_000
