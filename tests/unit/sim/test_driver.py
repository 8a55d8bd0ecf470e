"""VirtualDriver: what is reported when, what it costs, and that a crash changes nothing."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from phantom_arbiter.core.events import FeeKind, LegStatus, OrderReported
from phantom_arbiter.core.intents import Policy, Purpose, Side, Swap
from phantom_arbiter.core.orders import Dispatch, LegPlan, LegState, apply_report
from phantom_arbiter.core.reservation_plan import chain_fee_lamports
from phantom_arbiter.core.units import SLOT_NS
from phantom_arbiter.core.verdicts import Approved, GateResult, Refused
from phantom_arbiter.sim.driver import DriverState, VirtualDriver
from phantom_arbiter.sim.driver_config import IDEAL, DriverConfig
from phantom_arbiter.sim.liquidity import RecordedLiquidity, RecordedState
from tests.simulation.paper import (
    DEEP,
    QUIET,
    SECOND,
    START,
    UNIVERSE,
    USD,
    VENUE,
    WHOLE,
    World,
    buy,
    intent,
    leg_of,
    order,
    paid,
    reports,
    sell,
    statuses,
    transfer,
)

BIDS = {"priority_lamports": 40_000, "tip_lamports": 0}


def test_only_an_approved_dispatch_is_taken():
    world = World()
    refused = Refused(intent(buy(1)), GateResult("g", 0, 0, -1, "bps"), START)
    with pytest.raises(TypeError, match="expected a Dispatch that carries an Approved"):
        world.driver.submit(Dispatch(refused, (LegPlan(0, 1),)), START)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        world.driver.submit(intent(buy(1)), START)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected at least one leg"):
        world.driver.submit(Dispatch(Approved("o", intent(buy(1)), (), START), ()), START)
    with pytest.raises(ValueError, match="expected one"):
        world.submit(intent(buy(1), sell(1)), plans=(LegPlan(0, 1), LegPlan(1, 1)))
    assert world.driver.due_ns() is None


def test_the_same_transaction_is_not_sent_twice():
    world = World(QUIET)
    world.submit(intent(buy(1)))
    with pytest.raises(ValueError, match="already under way"):
        world.submit(intent(buy(1)))


def test_sent_at_once_then_filled_a_few_slots_later():
    world = World(QUIET)
    world.submit(intent(buy(150)))
    assert world.driver.due_ns() == START
    assert statuses(world.pass_time(0)) == [LegStatus.SENT]
    due = world.driver.due_ns()
    assert due is not None
    assert due % SLOT_NS == 0
    assert due > START
    assert world.pass_time(due - START) == []
    assert world.driver.due_ns() == due + QUIET.notify_ns
    told = reports(world.pass_time(QUIET.notify_ns))
    assert statuses(told) == [LegStatus.FILLED]
    assert told[0].slot == due // SLOT_NS
    assert told[0].signature == "paper:o-1/0"


def test_arrivals_name_source_cause_and_instant():
    world = World(QUIET)
    world.submit(intent(buy(150)))
    arrivals = world.driver.pop(START + 100 * SECOND)
    assert {(arrival.source, arrival.cause) for arrival in arrivals} == {("paper", "o-1")}
    assert [arrival.ts_ns for arrival in arrivals] == sorted(arrival.ts_ns for arrival in arrivals)
    assert arrivals[-1].ts_ns < START + 10 * SECOND


def test_it_never_fills_at_the_decision_quote_when_the_market_moved():
    world = World(QUIET)
    world.submit(intent(sell(1)))
    world.price(120 * USD)
    filled = leg_of(reports(world.pass_time(60 * SECOND))[-1])
    assert filled.out_atoms == pytest.approx(120 * USD, rel=1e-5)


def test_a_worse_price_than_the_minimum_reverts():
    world = World(QUIET)
    world.submit(intent(sell(1, minimum=149 * USD), **BIDS))
    world.price(148 * USD)
    report = reports(world.pass_time(60 * SECOND))[-1]
    assert leg_of(report).status is LegStatus.REJECTED
    assert "is below the minimum 149000000 USDC atoms" in leg_of(report).reason
    assert leg_of(report).in_atoms == leg_of(report).out_atoms == 0
    assert paid(report) == {FeeKind.BASE: 5_000, FeeKind.PRIORITY: 40_000}


def test_fees_of_a_transaction_that_lands():
    report = World(QUIET).end(intent(buy(1), priority_lamports=40_000, tip_lamports=7_000))
    assert paid(report) == {FeeKind.BASE: 5_000, FeeKind.PRIORITY: 40_000, FeeKind.TIP: 7_000}


def test_a_failed_transaction_pays_base_and_priority_a_failed_bundle_nothing():
    unlucky = replace(QUIET, failure_ppm=1_000_000)
    plain = World(unlucky).end(intent(buy(1), **BIDS))
    assert leg_of(plain).status is LegStatus.REJECTED
    assert paid(plain) == {FeeKind.BASE: 5_000, FeeKind.PRIORITY: 40_000}
    bundle = World(unlucky).end(intent(buy(1), priority_lamports=40_000, tip_lamports=7_000))
    assert leg_of(bundle).status is LegStatus.REJECTED
    assert paid(bundle) == {}


def test_a_dropped_transaction_expires_with_its_blockhash_and_costs_nothing():
    world = World(replace(QUIET, drop_ppm=1_000_000))
    world.submit(intent(buy(1), **BIDS))
    assert statuses(world.pass_time(59 * SECOND)) == [LegStatus.SENT]
    report = reports(world.pass_time(3 * SECOND))[0]
    assert leg_of(report).status is LegStatus.EXPIRED
    assert paid(report) == {}


def test_an_intent_that_expires_while_it_is_built_is_not_sent():
    world = World(QUIET)
    facts = world.run(intent(buy(1), expires_ns=START + 1_000_000, **BIDS))
    assert statuses(facts) == [LegStatus.SENT, LegStatus.EXPIRED]
    assert paid(reports(facts)[-1]) == {}


def test_a_time_out_is_unknown_until_the_final_report():
    world = World(replace(QUIET, unknown_ppm=1_000_000))
    facts = world.run(intent(buy(150), **BIDS))
    assert statuses(facts) == [LegStatus.SENT, LegStatus.UNKNOWN, LegStatus.FILLED]
    assert [bool(report.chain_fees) for report in reports(facts)] == [False, False, True]


def test_a_lost_transaction_may_be_unknown_before_it_expires():
    world = World(replace(QUIET, unknown_ppm=1_000_000, drop_ppm=1_000_000))
    facts = world.run(intent(buy(150), **BIDS))
    assert statuses(facts) == [LegStatus.SENT, LegStatus.UNKNOWN, LegStatus.EXPIRED]


def test_an_unknown_order_ends_in_one_report():
    world = World(replace(QUIET, unknown_ppm=1_000_000, partial_ppm=1_000_000))
    world.deposit(300)
    facts = world.run(intent(order(Side.SELL, 10 * WHOLE)), "p")
    assert statuses(facts) == [LegStatus.SENT, LegStatus.UNKNOWN, LegStatus.FILLED]


def bonk(pool: str = "", **changes: object) -> Swap:
    swap = Swap("BONK/USDC", pool, "USDC", "BONK", 10 * USD, 0, 0)
    return replace(swap, **changes)


def test_rent_is_paid_at_an_engines_first_purchase_of_a_token():
    world = World(QUIET)
    assert paid(world.end(intent(bonk()), "a"))[FeeKind.RENT] == 2_039_280
    assert FeeKind.RENT not in paid(world.end(intent(bonk()), "b"))
    assert paid(world.end(intent(bonk(), engine="scalp"), "c"))[FeeKind.RENT] == 2_039_280
    assert FeeKind.RENT not in paid(world.end(intent(buy(1)), "d"))


def test_a_reverted_first_purchase_pays_no_rent():
    world = World(QUIET)
    assert FeeKind.RENT not in paid(world.end(intent(bonk(min_out_atoms=10**18)), "a"))
    assert FeeKind.RENT in paid(world.end(intent(bonk()), "b"))


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("policy", Policy)
def test_chain_fees_stay_within_what_the_ledger_reserves(purpose, policy):
    wish = intent(bonk(), policy=policy, purpose=purpose, priority_lamports=40_000, tip_lamports=7_000)
    assert sum(paid(World(QUIET).end(wish)).values()) <= chain_fee_lamports(wish)


# Partial fills


def test_a_partial_fill_is_told_and_the_rest_filled_some_slots_later():
    world = World(replace(QUIET, partial_ppm=1_000_000, bids_paid=True))
    world.deposit(300)
    facts = reports(world.run(intent(order(Side.SELL, 10 * WHOLE), **BIDS), "p"))
    assert statuses(facts) == [LegStatus.SENT, LegStatus.PARTIAL, LegStatus.FILLED]
    _, partial, final = facts
    assert 0 < leg_of(partial).in_atoms < 10 * WHOLE == leg_of(final).in_atoms
    assert leg_of(partial).in_atoms % 1_000_000 == 0
    assert final.slot - partial.slot == QUIET.rest_slots
    # The chain's fees are told once, the perp fee cumulates.
    assert (partial.chain_fees, set(paid(final))) == ((), {FeeKind.BASE, FeeKind.PRIORITY})
    assert leg_of(final).fees[0].atoms > leg_of(partial).fees[0].atoms
    assert leg_of(final).fees[0].atoms == pytest.approx(1_500 * USD * 35 / 100_000, abs=100)
    state = LegState(LegStatus.SENT)
    assert [apply_report(state, leg_of(report)) is not None for report in facts[1:]] == [True, True]


def test_a_rest_that_finds_no_taker_expires_and_keeps_what_was_filled():
    world = World(replace(QUIET, partial_ppm=1_000_000))
    world.deposit(300)
    world.submit(intent(order(Side.SELL, 10 * WHOLE, limit_px=149 * USD)), "p")
    seen = []
    while LegStatus.PARTIAL not in statuses(seen):
        seen += world.pass_time(SLOT_NS)
    world.price(148 * USD)
    seen += world.pass_time(60 * SECOND)
    final = leg_of(reports(seen)[-1])
    assert final.status is LegStatus.EXPIRED
    assert 0 < final.in_atoms < 10 * WHOLE
    assert world.driver.base_atoms("funding", VENUE, "SOL-PERP") == -final.in_atoms


# State


def busy(seed: int = 11) -> World:
    """Everything under way at once, with the default luck and some accounts."""
    world = World(replace(DriverConfig(), partial_ppm=500_000, unknown_ppm=300_000), seed=seed)
    world.pool(100_000, 15_300_000)
    world.submit(intent(transfer(2_000 * USD)), "d")
    world.pass_time(200 * SECOND)
    for index in range(12):
        world.submit(intent(order(Side.SELL, (index + 1) * 100_000_000)), f"perp-{index}")
        world.submit(intent(bonk()), f"swap-{index}")
        world.submit(intent(sell(10, pool="pool"), buy(1_500), policy=Policy.ATOMIC), f"cycle-{index}")
        world.pass_time(SECOND // 3)
    return world


def test_a_restored_driver_goes_on_exactly():
    world = busy()
    assert isinstance(world.liquidity, RecordedLiquidity)
    stored = msgspec.msgpack.encode(world.driver.state())
    market = msgspec.msgpack.decode(msgspec.msgpack.encode(world.liquidity.state), type=RecordedState)
    liquidity = RecordedLiquidity(UNIVERSE, 0, DEEP, market)
    restored = VirtualDriver.from_state(
        UNIVERSE, liquidity, world.config, world.seed, msgspec.msgpack.decode(stored, type=DriverState)
    )
    assert list(restored.digest_items()) == list(world.driver.digest_items())
    end_ns = world.now_ns + 300 * SECOND
    told = world.driver.pop(end_ns)
    assert len(told) > 10
    assert restored.pop(end_ns) == told
    assert list(restored.digest_items()) == list(world.driver.digest_items())


def test_a_state_does_not_change_under_its_reader():
    world = busy()
    state = world.driver.state()
    before = msgspec.msgpack.encode(state)
    world.pass_time(300 * SECOND)
    assert msgspec.msgpack.encode(state) == before


def test_digest_items_are_integers_and_strings_and_tell_states_apart():
    world, twin, other = busy(), busy(), busy(seed=12)
    items = list(world.driver.digest_items())
    assert {type(item) for item in items} == {int, str}
    assert items == list(twin.driver.digest_items())
    assert items != list(other.driver.digest_items())


def test_an_order_elsewhere_does_not_shift_anothers_luck():
    alone, crowded = World(DriverConfig()), World(DriverConfig())
    for index in range(5):
        crowded.submit(intent(bonk()), f"noise-{index}")
    for world in (alone, crowded):
        world.submit(intent(buy(150)), "mine")
    mine = [
        [f for f in world.pass_time(300 * SECOND) if isinstance(f, OrderReported) and f.order_id == "mine"]
        for world in (alone, crowded)
    ]
    assert [(r.slot, statuses([r])) for r in mine[0]] == [(r.slot, statuses([r])) for r in mine[1]]


def test_the_ideal_profile_fills_in_the_same_instant_without_fees():
    world = World(IDEAL)
    world.submit(intent(buy(150), priority_lamports=40_000, tip_lamports=9_000))
    facts = world.pass_time(0)
    assert statuses(facts) == [LegStatus.SENT, LegStatus.FILLED]
    assert paid(reports(facts)[-1]) == {}
