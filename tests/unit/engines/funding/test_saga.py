"""The saga's own sums: what counts as naked, for how long, when it must stop, and what the page is told."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.core.commands import DriftDeposit
from phantom_arbiter.core.events import Commanded, LegReport, LegStatus, Liquidated, OrderReported
from phantom_arbiter.core.intents import PerpOrder, Swap
from phantom_arbiter.core.units import NS_PER_SECOND
from phantom_arbiter.dashboard.panels import Saga
from phantom_arbiter.engines.funding import FundingConfig
from phantom_arbiter.engines.funding.saga import (
    LEG_WORST_NS,
    MAX_LEGS,
    SagaState,
    Seen,
    begin,
    dust_atoms,
    largest_notional_micros,
    must_unwind,
    observe,
    saga_row,
    under_way,
)
from tests.unit.engines.funding.position import bench, held, opened
from tests.unit.engines.market_builder import UNIVERSE, USD, WHOLE

CONFIG = FundingConfig()
MARKET = UNIVERSE.instruments["SOL-PERP"]
BARE = Seen(0, 0, 0, out=False)


def saga(notional_usd: int = 20_000) -> SagaState:
    return begin("open", "funding-1", "", 0, notional_usd * USD, CONFIG)


def naked(micros: int, doubt: int = 0, *, out: bool = False) -> Seen:
    return Seen(-micros, micros, doubt, out)


# The integral


@given(st.lists(st.tuples(st.integers(0, 10**11), st.integers(0, 10**11)), max_size=20))
def test_the_integral_is_exact_for_what_is_constant_between_looks(steps: list[tuple[int, int]]) -> None:
    made, now_ns, exact, before = saga(), 0, 0, 0
    for micros, wait_ns in steps:
        now_ns += wait_ns
        exact += before * wait_ns
        observe(made, now_ns, naked(micros))
        before = micros
    assert exact <= made.naked_micros_s * 10**9 < exact + max(1, len(steps)) * 10**9, "up by less than a unit a look"


def test_twenty_thousand_dollars_for_a_minute_are_1_2_million_dollar_seconds() -> None:
    made = saga()
    observe(made, 0, naked(20_000 * USD))
    observe(made, 60 * NS_PER_SECOND, BARE)
    observe(made, 90 * NS_PER_SECOND, BARE)
    row = saga_row(made)
    assert row is not None
    assert row["naked_usd_s"] == 1_200_000
    assert row["naked_cap_usd_s"] == 6_000_000


def test_the_same_instant_twice_and_an_instant_of_the_past_add_nothing() -> None:
    made = saga()
    observe(made, 0, naked(USD))
    for now_ns in (NS_PER_SECOND, NS_PER_SECOND, 0):
        observe(made, now_ns, naked(USD))
    assert made.naked_micros_s == USD
    assert made.seen_ns == NS_PER_SECOND


def test_a_fill_told_late_counts_from_its_sending() -> None:
    made = saga()
    observe(made, 0, Seen(0, 0, 500 * USD, out=True))
    observe(made, 30 * NS_PER_SECOND, naked(500 * USD))
    assert made.naked_micros_s == 500 * USD * 30
    assert made.doubt_micros_s == 0


def test_a_leg_that_filled_nothing_was_never_naked_but_counted_while_it_was_out() -> None:
    made = saga()
    observe(made, 0, Seen(0, 0, 500 * USD, out=True))
    observe(made, 30 * NS_PER_SECOND, Seen(0, 0, 500 * USD, out=True))
    row = saga_row(made)
    assert row is not None
    assert row["naked_usd_s"] == 15_000
    observe(made, 60 * NS_PER_SECOND, BARE)
    assert made.naked_micros_s == made.doubt_micros_s == 0


# Cap, deadline, size


def test_the_cap_is_the_notional_for_five_minutes_and_at_most_the_absolute_one() -> None:
    assert saga().cap_micros_s == 20_000 * USD * 300
    assert saga(1_000_000).cap_micros_s == 15_000_000 * USD


def test_it_must_stop_once_another_leg_that_never_lands_would_break_the_cap() -> None:
    made = saga()
    observe(made, 0, naked(20_000 * USD))
    assert must_unwind(made, 0) == ""
    observe(made, 238 * NS_PER_SECOND, naked(20_000 * USD))
    made.deadline_ns = 2**62
    assert must_unwind(made, made.seen_ns) == ""
    observe(made, 239 * NS_PER_SECOND, naked(20_000 * USD))
    assert "cap" in must_unwind(made, made.seen_ns)
    assert 239 + LEG_WORST_NS // NS_PER_SECOND > 300


def test_it_must_stop_at_the_deadline() -> None:
    made = saga()
    assert must_unwind(made, made.deadline_ns - 1) == ""
    assert "deadline" in must_unwind(made, made.deadline_ns)
    assert must_unwind(None, 2**62) == ""


def test_no_leg_is_sent_that_could_be_naked_twice_the_worst_time_beyond_the_cap() -> None:
    assert largest_notional_micros(CONFIG) * 2 * LEG_WORST_NS <= 15_000_000 * USD * NS_PER_SECOND
    assert largest_notional_micros(CONFIG) > CONFIG.max_notional_atoms
    assert largest_notional_micros(FundingConfig(naked_cap_s=123)) == 0


def test_a_small_cap_makes_a_small_position_and_a_short_one_none() -> None:
    made = bench(config=FundingConfig(naked_cap_usd_s=124_000))
    (intent,) = made.tick()
    assert intent.notional_micros == pytest.approx(1_000 * USD, rel=0.01)
    assert bench(config=FundingConfig(naked_cap_s=60)).tick() == []


def test_dust_is_a_step_or_the_band() -> None:
    assert dust_atoms(MARKET, 5) == MARKET.step_base_atoms
    assert dust_atoms(MARKET, WHOLE) == WHOLE


# With the engine


def test_an_entry_is_a_saga_from_its_order_to_its_last_leg() -> None:
    made = bench()
    (intent,) = made.tick()
    (order,) = made.desk.orders.values()
    made.post(OrderReported(order.id, (LegReport(0, LegStatus.SENT),)))
    made.dispatches.clear()
    state = made.engine.state.saga
    assert (state.kind, state.stage, state.started_ns) == ("open", "accepted", order.created_ns)
    assert [(leg.name, leg.status) for leg in state.legs] == [
        ("margin", "sent"),
        ("short", "waiting"),
        ("spot", "waiting"),
    ]
    assert under_way(state)
    assert state.cap_micros_s == intent.notional_micros * 300


def test_the_page_is_told_each_leg_in_words() -> None:
    made = opened()
    row = saga_row(made.engine.state.saga)
    told = msgspec.convert(row, Saga)
    assert (told.kind, told.stage, told.cause) == ("open", "done", "")
    assert [leg.status for leg in told.legs] == ["filled"] * 3
    assert "SOL at 100." in told.legs[1].detail
    assert "SOL bought at 100." in told.legs[2].detail
    assert 0 < told.naked_usd_s < told.naked_cap_usd_s
    assert saga_row(None) is None


def test_a_mended_leg_is_told_after_the_one_that_failed() -> None:
    made = bench()
    made.tick()
    made.fill(reject=(Swap,))
    state = made.engine.state.saga
    assert under_way(state)
    made.tick()
    made.fill()
    assert [(leg.name, leg.status) for leg in state.legs][1:] == [
        ("short", "filled"),
        ("spot", "failed"),
        ("spot", "filled"),
    ]
    assert made.engine.state.saga is state
    assert (state.kind, state.stage) == ("open", "done")


def test_the_legs_told_are_bounded() -> None:
    made = bench()
    made.tick()
    made.fill(reject=(Swap,))
    for _ in range(12):
        made.tick(3)
        made.fill(reject=(Swap, PerpOrder))
    assert len(made.engine.state.saga.legs) == MAX_LEGS


def test_a_first_leg_that_was_refused_is_a_saga_in_which_nothing_was_traded() -> None:
    made = bench()
    made.tick()
    made.fill(reject=(PerpOrder,))
    state = made.engine.state.saga
    assert (state.stage, state.message, state.naked_micros_s) == ("failed", "nothing was traded", 0)
    assert held(made) == (0, 0)


def test_a_hedge_that_a_liquidation_broke_is_a_saga_of_its_own() -> None:
    made = opened()
    first = made.engine.state.saga
    made.post(Liquidated("funding", "SOL-PERP", 10 * WHOLE, 1_000 * USD, USD))
    made.tick()
    state = made.engine.state.saga
    assert state.id != first.id
    assert (state.kind, under_way(state)) == ("hedge", True)
    made.tick(10)
    made.fill()
    assert state.stage == "done"
    assert state.naked_micros_s > 1_000 * USD


def test_stopped_in_the_middle_it_says_what_nobody_will_mend() -> None:
    made = bench()
    warning = "a hedge is half done: start the engine again, or nobody mends it"
    assert made.engine.unfinished() == ""
    made.tick()
    assert made.engine.unfinished() == warning, "its order is out, and no report came yet"
    made.fill(reject=(Swap,))
    assert made.engine.unfinished() == warning
    made.tick()
    made.fill()
    assert made.engine.unfinished() == ""


def test_margin_under_way_is_no_hedge_half_done() -> None:
    made = opened()
    made.post(Commanded("c", DriftDeposit(10.0)))
    assert made.desk.orders
    assert made.engine.unfinished() == ""


def test_it_survives_a_snapshot() -> None:
    state = opened().engine.state.saga
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=SagaState) == state
