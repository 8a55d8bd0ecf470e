"""Gates on the order itself: each passes, refuses with its numbers, and refuses where data are missing."""

from __future__ import annotations

from typing import Any

import pytest

from phantom_arbiter.core import gates
from phantom_arbiter.core.commands import Kill, KillLevel, Mode, PauseEngine, ResetKill
from phantom_arbiter.core.events import LegStatus, LinkChanged, VenueStatus, VenueStatusChanged
from phantom_arbiter.core.intents import Intent, Policy, Purpose, Side, Swap
from phantom_arbiter.core.limits import Limits
from phantom_arbiter.core.safety import ENTRY_ONLY, GATES, SafetyConfig, gates_for
from phantom_arbiter.core.verdicts import Approved, Refused
from tests.unit.core.house import SECOND, SOL_PX, USD, VENUE, WHOLE, House, buy, deposit, intent, perp_order, sell


def limited(**limits: Any) -> House:
    return House(safety=SafetyConfig(limits=Limits(**limits)))


def refused_by(house: House, wish: Intent, gate: str) -> Refused:
    refusal = house.refusal(wish)
    assert refusal.result.gate == gate, refusal.result
    assert refusal.result.margin < 0
    return refusal


def exit_of(house: House) -> Intent:
    """Buy a SOL and return the wish to sell it."""
    order = house.order(intent(buy(), position_id="p"))
    house.report(order, LegStatus.FILLED, 150 * USD, WHOLE)
    return intent(sell(), purpose=Purpose.EXIT, position_id="p")


def test_an_ordinary_entry_passes_all_of_them_and_keeps_its_margins() -> None:
    verdict = House().verdict(intent(buy()))
    assert isinstance(verdict, Approved)
    assert [result.gate for result in verdict.results] == [gate.name for gate in GATES]
    assert all(result.margin >= 0 for result in verdict.results)


def test_exits_and_rebalances_skip_the_gates_that_only_guard_entries() -> None:
    names = [gate.name for gate in gates_for(Purpose.EXIT)]
    assert set(names) == {gate.name for gate in GATES} - ENTRY_ONLY
    assert gates_for(Purpose.REBALANCE) == gates_for(Purpose.EXIT)
    house = limited(min_net_micros=10**9, daily_loss_bps=0, drawdown_bps=0)
    house.kernel.gates.config = SafetyConfig(force_open=("edge",))
    wish = exit_of(house)
    house.kernel.gates.config = SafetyConfig(limits=Limits(min_net_micros=10**9, asset_share_bps=0))
    assert isinstance(house.verdict(wish), Approved)


@pytest.mark.parametrize("level", list(KillLevel))
def test_the_kill_switch_latches_against_entries_and_lets_exits_through(level: KillLevel) -> None:
    house = House()
    wish = exit_of(house)
    house.command(Kill(level))
    for _ in range(3):
        assert "kill switch" in refused_by(house, intent(buy(160)), "state").result.message
    assert isinstance(house.verdict(wish), Approved)
    house.command(ResetKill())
    assert isinstance(house.verdict(intent(buy(170))), Approved)


def test_a_paused_engine_only_exits() -> None:
    house = House()
    wish = exit_of(house)
    house.command(PauseEngine("funding"))
    assert "paused" in refused_by(house, intent(buy(160)), "state").result.message
    assert isinstance(house.verdict(wish), Approved)


def test_live_is_not_available() -> None:
    house = House()
    house.kernel.mode = Mode.LIVE
    assert "live" in refused_by(house, intent(buy()), "mode").result.message


def test_an_expired_intent_is_not_sent() -> None:
    house = House()
    result = refused_by(house, intent(buy(), expires_ns=house.now_ns), "expiry").result
    assert (result.value - result.limit, result.unit) == (SECOND // 10, "ns")


@pytest.mark.parametrize("status", [VenueStatus.PAUSED, VenueStatus.ABSENT, VenueStatus.REDUCE_ONLY, VenueStatus.THIN])
def test_a_venue_that_is_not_live_takes_no_entries(status: VenueStatus) -> None:
    house = House()
    house.feed(VenueStatusChanged(VENUE, status, "test"))
    assert status.value in refused_by(house, intent(deposit(100)), "market").result.message


@pytest.mark.parametrize(("status", "closed"), [(VenueStatus.PAUSED, True), (VenueStatus.REDUCE_ONLY, False)])
def test_an_exit_needs_a_venue_that_is_open_at_all(status: VenueStatus, closed: bool) -> None:
    house = House()
    house.report(house.order(intent(deposit(100))), LegStatus.FILLED, 100 * USD, 100 * USD)
    house.feed(VenueStatusChanged(VENUE, status, "test"))
    wish = intent(deposit(-50), purpose=Purpose.EXIT)
    assert isinstance(house.verdict(wish), Refused) is closed


@pytest.mark.parametrize(
    ("leg", "word"),
    [
        (Swap("X/USDC", "", "USDC", "X", USD, 1, 1), "instrument X/USDC is not known"),
        (Swap("SOL/USDC", "nowhere", "USDC", "SOL", USD, 1, 1), "pool nowhere is not known"),
        (deposit(0), "size"),
    ],
)
def test_what_is_not_known_is_not_traded(leg: Any, word: str) -> None:
    result = House().refusal(intent(leg)).result
    assert word in (result.message, result.gate)


def test_an_unknown_perp_is_not_traded() -> None:
    wish = intent(perp_order(Side.SELL))
    unknown = type(wish.legs[0])("X-PERP", VENUE, Side.SELL, WHOLE, SOL_PX, SOL_PX)  # type: ignore[call-arg, arg-type]
    assert refused_by(House(), intent(unknown), "size").result.message == "instrument X-PERP is not known"


def test_a_venue_nobody_spoke_of_is_absent() -> None:
    stranger = type(deposit(1))("nowhere", "USDC", USD)
    assert "absent" in refused_by(House(), intent(stranger), "market").result.message


@pytest.mark.parametrize(
    ("legs", "value", "limit"),
    [
        ((buy(0, expected=1),), 0, 1),
        ((deposit(0),), 0, 1),
        ((perp_order(Side.SELL, 9_999_999),), 9_999_999, 10_000_000),
        ((deposit(1),) * 9, 9, 8),
    ],
    ids=["swap", "transfer", "perp", "too many legs"],
)
def test_every_leg_has_a_size(legs: tuple[Any, ...], value: int, limit: int) -> None:
    result = refused_by(House(), intent(*legs), "size").result
    assert (result.value, result.limit) == (value, limit)


def test_an_intent_without_legs_is_refused() -> None:
    refused_by(House(), intent(), "size")


def test_the_same_order_twice_within_moments_is_a_slip() -> None:
    house = House()
    house.order(intent(buy()))
    result = refused_by(house, intent(buy()), "duplicate").result
    assert (result.value, result.limit) == (SECOND // 10, 2 * SECOND)
    house.order(intent(buy(), pod="other"))
    house.now_ns += 2 * SECOND
    house.order(intent(buy()))


@pytest.mark.parametrize(("limit", "window_s"), [("orders_per_second", 1), ("orders_per_minute", 60)])
def test_orders_are_paced(limit: str, window_s: int) -> None:
    house = limited(**{limit: 2})
    for usdc in (100, 101):
        house.order(intent(buy(usdc), notional_micros=usdc * USD))
    result = refused_by(house, intent(buy(102)), "rate").result
    assert (result.value, result.limit) == (3, 2)
    house.now_ns += window_s * SECOND
    house.market()
    house.order(intent(buy(102)))


def test_open_orders_are_limited_for_entries_only() -> None:
    house = limited(open_orders=2)
    wish = exit_of(house)
    house.order(intent(buy(100)))
    house.order(intent(buy(101)))
    result = refused_by(house, intent(buy(102)), "rate").result
    assert (result.value, result.limit, result.message) == (3, 2, "open orders")
    assert isinstance(house.verdict(wish), Approved)


def test_old_prices_stop_entries_at_once_and_exits_much_later() -> None:
    house = House()
    house.report(house.order(intent(deposit(1_000), perp_order(Side.SELL))), LegStatus.FILLED, 10**9, 10**9)
    house.now_ns += 11 * SECOND
    wish = intent(perp_order(Side.BUY, WHOLE, reduce_only=True))
    result = refused_by(house, wish, "staleness").result
    assert (result.limit, result.unit) == (10 * SECOND, "ns")
    house.verdict(intent(*wish.legs, purpose=Purpose.EXIT, pod="x"))
    house.now_ns += 3_600 * SECOND
    refused_by(house, intent(*wish.legs, purpose=Purpose.EXIT), "staleness")


@pytest.mark.parametrize(
    ("table", "subject", "leg"),
    [
        ("quotes", "BONK/USDC", Swap("BONK/USDC", "", "USDC", "BONK", 150 * USD, 1_500_000_000, 1_490_000_000)),
        ("oracles", "SOL-PERP", perp_order(Side.SELL)),
    ],
)
def test_an_order_on_a_price_nobody_saw_is_refused(table: str, subject: str, leg: Any) -> None:
    house = House()
    del getattr(house.kernel.view, table)[subject]
    refused_by(house, intent(leg), "staleness")


def test_a_feed_that_is_down_stops_entries_not_exits() -> None:
    house = House()
    wish = exit_of(house)
    house.feed(LinkChanged("pools", False, "silent"))
    assert "silent" in refused_by(house, intent(buy(160)), "staleness").result.message
    assert isinstance(house.verdict(wish), Approved)
    house.feed(LinkChanged("pools", True, "back"))
    assert isinstance(house.verdict(intent(buy(160))), Approved)


@pytest.mark.parametrize("notional", [0, -1])
def test_a_notional_is_positive(notional: int) -> None:
    refused_by(House(), intent(buy(), notional_micros=notional), "notional")


def test_the_notional_of_an_order_and_of_an_engine_are_limited() -> None:
    result = refused_by(limited(order_notional_micros=149 * USD), intent(buy()), "notional").result
    assert (result.value, result.limit, result.margin) == (150 * USD, 149 * USD, -USD)
    house = limited(engine_notional_micros=299 * USD)
    exit_of(house)
    result = refused_by(house, intent(buy(151), notional_micros=151 * USD), "notional").result
    assert (result.value, result.limit) == (301 * USD, 299 * USD)


def test_capital_counts_what_is_reserved_and_all_legs_together() -> None:
    house = House()
    house.order(intent(buy(6_000)))
    result = refused_by(house, intent(buy(2_000), deposit(2_001)), "capital").result
    assert (result.value, result.limit, result.margin) == (4_001 * USD, 4_000 * USD, -USD)
    assert isinstance(house.verdict(intent(buy(2_000), deposit(2_000))), Approved)


def test_a_position_that_is_not_there_cannot_be_sold() -> None:
    result = refused_by(House(), intent(sell(), purpose=Purpose.EXIT), "capital").result
    assert (result.value, result.limit) == (WHOLE, 0)


def test_sol_for_the_way_out_is_kept() -> None:
    house = limited(sol_reserve_lamports=20 * WHOLE)
    result = refused_by(house, intent(buy()), "sol_reserve").result
    assert result.limit == 20 * WHOLE
    assert result.value == 20 * WHOLE - 5_000 - 2_039_280


@pytest.mark.parametrize(
    ("leg", "passes"),
    [
        (buy(minimum=990_000_000), True),
        (buy(minimum=989_999_999), False),
        (buy(minimum=-1), False),
        (buy(expected=0, minimum=0), False),
        (perp_order(Side.BUY, limit_px=151_500_000), True),
        (perp_order(Side.BUY, limit_px=151_500_001), False),
        (perp_order(Side.SELL, limit_px=148_500_000), True),
        (perp_order(Side.SELL, limit_px=148_499_999), False),
        (perp_order(Side.SELL, limit_px=0), False),
        (perp_order(Side.SELL, expected_px=0), False),
    ],
)
def test_a_fill_may_land_one_percent_below_the_expectation(leg: Any, passes: bool) -> None:
    house = House()
    house.report(house.order(intent(deposit(1_000))), LegStatus.FILLED, 1_000 * USD, 1_000 * USD)
    house.kernel.gates.config = SafetyConfig(force_open=("price_band",))
    verdict = house.verdict(intent(leg))
    assert isinstance(verdict, Approved) is passes
    if isinstance(verdict, Refused):
        assert verdict.result.gate == "slippage"


@pytest.mark.parametrize("expected", [3, 7, 1_013, 999_983, 123_456_789])
@pytest.mark.parametrize("bps", [1, 37, 100])
def test_exactly_the_limit_passes_whatever_the_size(expected: int, bps: int) -> None:
    least = -(-expected * (10_000 - bps) // 10_000)
    house = limited(slippage_bps=bps)
    house.kernel.gates.config = SafetyConfig(limits=Limits(slippage_bps=bps), force_open=("price_band",))
    assert isinstance(house.verdict(intent(buy(expected=expected, minimum=least))), Approved)


def test_an_exit_may_slip_further() -> None:
    house = House()
    wish = exit_of(house)
    leg = wish.legs[0]
    assert isinstance(leg, Swap)
    assert leg.min_out_atoms * 10 == leg.expected_out_atoms * 9
    assert isinstance(house.verdict(wish), Approved)


def test_an_atomic_intent_is_sent_with_one_fee_reserved() -> None:
    house = House()
    house.order(intent(deposit(100), deposit(101), policy=Policy.ATOMIC))
    assert house.vault.reserved("funding", "SOL") == 5_000
    assert gates.MAX_LEGS == 8
