import msgspec
import pytest

from phantom_arbiter.core.commands import Kill, KillLevel, ResetKill, StopEngine, UpdateConfig
from phantom_arbiter.core.events import (
    Commanded,
    Envelope,
    Fee,
    FeeKind,
    LegStatus,
    TimerFired,
)
from phantom_arbiter.core.intents import Policy
from phantom_arbiter.core.units import LAMPORTS_PER_SOL, NS_PER_SECOND, SLOT_NS
from phantom_arbiter.core.verdicts import Approved, Refused
from phantom_arbiter.dex.constant_product import ConstantProductPool, quote
from phantom_arbiter.engines.arb.settings import ArbConfig, ArbState
from tests.unit.engines.arb.conftest import gap, report


def test_two_venues_with_a_gap_make_an_approved_profitable_cycle(house):
    (verdict,) = gap(house)
    assert isinstance(verdict, Approved)
    intent = verdict.intent
    first, last = intent.legs
    assert intent.policy is Policy.ATOMIC
    assert last.expected_out_atoms > first.in_atoms
    assert intent.notional_micros * intent.edge_bps / 10_000 > intent.cost.total_micros
    assert {(first.pool, last.pool)} <= {("ray", "orca"), ("orca", "ray")}


def test_legs_are_the_pools_exact_quotes_chained(house):
    (verdict,) = gap(house)
    for leg in verdict.intent.legs:
        body = house.kernel.view.pool(leg.pool)
        pool = ConstantProductPool(body.reserve_0_atoms, body.reserve_1_atoms, body.fee_num, body.fee_den)
        assert quote(pool, leg.in_atoms, leg.in_asset == "SOL").amount_out_atoms == leg.expected_out_atoms
        assert leg.instrument == "SOL/USDC"
    first, last = verdict.intent.legs
    assert first.expected_out_atoms == last.in_atoms
    assert first.out_asset == last.in_asset
    assert first.in_asset == last.out_asset


def test_the_cost_waterfall_adds_up(house):
    (verdict,) = gap(house)
    intent = verdict.intent
    first, last = intent.legs
    micros = {"SOL": 150 * 10**6 / LAMPORTS_PER_SOL, "USDC": 1.0}[first.in_asset]
    profit = (last.expected_out_atoms - first.in_atoms) * micros
    gross = intent.notional_micros * intent.edge_bps / 10_000
    assert gross - intent.cost.pool_fee_micros == pytest.approx(profit, abs=3)
    assert intent.cost.pool_fee_micros == pytest.approx(intent.notional_micros * 0.005, rel=0.01)
    assert intent.cost.base_fee_micros == 750
    assert intent.cost.tip_micros == pytest.approx(intent.tip_lamports * 0.15, abs=1)
    assert intent.cost.priority_micros == pytest.approx(intent.priority_lamports * 0.15, abs=1)


def test_the_last_leg_never_pays_less_than_break_even(house):
    (verdict,) = gap(house)
    intent = verdict.intent
    first, last = intent.legs
    price = {"SOL": 1.0, "USDC": 0.15 / 1_000}[first.in_asset]
    chain = (5_000 + intent.priority_lamports + intent.tip_lamports) * price
    assert last.min_out_atoms >= first.in_atoms + int(chain)
    assert last.min_out_atoms <= last.expected_out_atoms


def test_three_hops_are_found(make_house):
    house = make_house()
    house.sol_usdc("sol-usdc", 149.3)
    house.pool("bonk-usdc", "BONK", "USDC", 10**11 * 10**5, 1_500_000 * 10**6)
    (verdict,) = house.pool("bonk-sol", "BONK", "SOL", 10**11 * 10**5, 10_300 * LAMPORTS_PER_SOL)
    assert isinstance(verdict, Approved)
    assert len(verdict.intent.legs) == 3
    assert verdict.intent.legs[0].in_asset == verdict.intent.legs[2].out_asset
    assert {leg.instrument for leg in verdict.intent.legs} == {"SOL/USDC", "BONK/USDC", "BONK/SOL"}


def test_size_stays_within_cap_and_capital(make_house):
    (capped,) = gap(make_house(config=ArbConfig(max_trade_usd_micros=200 * 10**6, persist_slots=0)))
    assert 199 * 10**6 < capped.intent.notional_micros <= 200 * 10**6 + 1
    poor = make_house(sol=1, usdc=100)
    (verdict,) = gap(poor)
    first = verdict.intent.legs[0]
    reserve = 50_000_000 if first.in_asset == "SOL" else 0
    assert first.in_atoms <= poor.vault.available("arb", first.in_asset) + first.in_atoms - reserve
    assert verdict.intent.notional_micros <= 150 * 10**6


def test_no_capital_no_intent_and_it_is_counted(make_house):
    house = make_house(sol=0, usdc=0)
    assert gap(house) == []
    assert house.engine.state.unfunded == 1


def test_no_sol_price_no_intent_and_it_is_counted(make_house):
    house = make_house()
    house.kernel.view.oracles.clear()
    assert gap(house) == []
    assert house.engine.state.unpriced == 2


def test_a_gap_that_fees_kill_is_refused_by_the_edge_gate_at_probe_size(house):
    (verdict,) = gap(house, cheap=150.0, dear=150.3)
    assert isinstance(verdict, Refused)
    assert verdict.result.gate == "edge"
    assert verdict.intent.pod == "probe"
    assert verdict.intent.edge_bps > 0
    assert verdict.intent.notional_micros <= 10 * 10**6 + 1
    assert house.kernel.records["arb"].refused == {"edge": 1}
    assert (house.engine.state.fee_killed, house.engine.state.probes) == (1, 1)


def test_probes_are_rate_limited(house):
    gap(house, cheap=150.0, dear=150.3)
    seen = [house.sol_usdc("ray", 150.3 + i / 1_000) for i in range(60)]
    count = sum(len(verdicts) for verdicts in seen)
    assert 2 <= count <= 3  # 60 facts of 400 ms, one probe every 10 s
    assert house.engine.state.fee_killed == 61


def test_a_route_rests_after_a_proposal(house):
    (verdict,) = gap(house)
    house.feed(report(verdict.order_id, LegStatus.SENT, verdict.intent.legs))
    house.feed(report(verdict.order_id, LegStatus.REJECTED, verdict.intent.legs))
    assert house.sol_usdc("ray", 150.7) == []
    assert house.engine.state.cooling == 1
    (again,) = house.sol_usdc("ray", 150.7, after_ns=2 * NS_PER_SECOND)
    assert isinstance(again, Approved)


def test_a_pool_with_an_order_under_way_is_left_alone(house):
    gap(house)
    assert house.sol_usdc("ray", 150.7, after_ns=5 * NS_PER_SECOND) == []
    assert house.engine.state.busy == 1


def test_a_stale_pool_takes_no_part(make_house):
    house = make_house(config=ArbConfig(max_pool_age_slots=10, persist_slots=0))
    house.sol_usdc("orca", 149.3)
    assert house.sol_usdc("ray", 150.7, after_ns=20 * SLOT_NS) == []
    assert house.engine.state.stale_pools == 1
    (verdict,) = house.sol_usdc("orca", 149.3)
    assert isinstance(verdict, Approved)


def test_the_best_fresh_route_is_taken_when_a_better_one_is_stale(make_house):
    house = make_house(config=ArbConfig(max_pool_age_slots=10, persist_slots=0))
    house.sol_usdc("best but old", 148.9)
    house.sol_usdc("orca", 149.3, after_ns=8 * SLOT_NS)
    house.kernel.desks["arb"].orders.clear()
    (verdict,) = house.sol_usdc("ray", 150.7, after_ns=8 * SLOT_NS)
    assert {leg.pool for leg in verdict.intent.legs} == {"orca", "ray"}


def test_nothing_fills_without_a_report(house):
    (verdict,) = gap(house)
    order = house.kernel.orders[verdict.order_id]
    for _ in range(5):
        house.feed(TimerFired("tick"), after_ns=NS_PER_SECOND)
    state = house.engine.state
    assert (state.proposed, state.outcomes) == (1, {})
    assert house.kernel.desks["arb"].book.trades == 0
    assert all(leg.in_atoms == leg.out_atoms == 0 for leg in order.legs)


def test_what_a_report_says_is_counted_once(house):
    (verdict,) = gap(house)
    legs = verdict.intent.legs
    before = house.vault.available("arb", legs[0].in_asset) + legs[0].in_atoms
    house.feed(report(verdict.order_id, LegStatus.SENT, legs))
    assert house.engine.state.outcomes == {}
    fees = (Fee(FeeKind.BASE, "SOL", 5_000), Fee(FeeKind.TIP, "SOL", verdict.intent.tip_lamports))
    for _ in range(2):
        house.feed(report(verdict.order_id, LegStatus.FILLED, legs, chain_fees=fees))
    assert house.engine.state.outcomes == {"landed": 1}
    gained = legs[1].expected_out_atoms - legs[0].in_atoms
    paid = sum(fee.atoms for fee in fees) if legs[0].in_asset == "SOL" else 0
    assert gained > 0
    rent_and_fees_back = house.vault.available("arb", legs[0].in_asset)
    assert rent_and_fees_back - before >= gained - paid


def test_a_failed_and_an_unknown_order_are_counted_as_such(house):
    (verdict,) = gap(house)
    house.feed(report(verdict.order_id, LegStatus.SENT, verdict.intent.legs))
    house.feed(report(verdict.order_id, LegStatus.UNKNOWN, verdict.intent.legs))
    assert (house.engine.state.unknown, house.engine.state.outcomes) == (1, {})
    house.feed(report(verdict.order_id, LegStatus.EXPIRED, verdict.intent.legs))
    assert (house.engine.state.unknown, house.engine.state.outcomes) == (1, {"failed": 1})


def test_a_killed_house_proposes_nothing_but_keeps_its_index(house):
    house.feed(Commanded("c2", Kill(KillLevel.PAUSE)))
    assert gap(house) == []
    house.feed(Commanded("c3", ResetKill()))
    (verdict,) = house.sol_usdc("ray", 150.7)
    assert isinstance(verdict, Approved)


def test_pools_that_moved_while_it_was_stopped_are_known_at_the_start(make_house):
    house = make_house(start=False)
    house.sol_usdc("orca", 150.7)
    house.start()
    house.sol_usdc("ray", 150.7)
    house.feed(Commanded("c2", StopEngine("arb")))
    house.sol_usdc("orca", 149.3)
    house.start()
    (verdict,) = house.sol_usdc("ray", 150.7)
    assert isinstance(verdict, Approved)


def test_settings_change_at_run_time_and_bad_ones_do_not(house):
    gap_before = house.engine.config
    outcome = house.feed(Commanded("c2", UpdateConfig("arb", {"base_assets": ["USDC"], "tip_share_bps": 0})))
    assert outcome.command.code == "ok"
    (verdict,) = gap(house)
    assert verdict.intent.legs[0].in_asset == "USDC"
    assert verdict.intent.tip_lamports == 1_000
    changed = house.engine.config
    assert changed != gap_before
    for bad in ({"base_assets": []}, {"tip_share_bps": 10_001}, {"expiry_slots": 0}, {"no_such": 1}):
        assert house.feed(Commanded("c3", UpdateConfig("arb", bad))).command.code in ("bad_value", "unknown_key")
    assert house.engine.config == changed


def test_a_restored_engine_decides_the_same(house):
    house.sol_usdc("orca", 149.3)
    house.sol_usdc("third", 150.0)
    restored = type(house.engine)(config=house.engine.config)
    restored.state = msgspec.msgpack.decode(msgspec.msgpack.encode(house.engine.state), type=ArbState)
    restored.bind(house.kernel.desks["arb"])
    fact = msgspec.structs.replace(house.kernel.view.pool("third"), pool="ray", reserve_1_atoms=7_535_000 * 10**6)
    envelope = Envelope(house.seq + 1, house.now_ns + SLOT_NS, "test", fact)
    house.kernel.view.fold(envelope)
    (intent,) = restored.decide(envelope)
    (verdict,) = house.feed(fact).verdicts
    assert verdict.intent == intent
    assert restored.state == house.engine.state


def test_the_panel_is_json_and_tells_the_counts(house):
    empty = msgspec.json.decode(msgspec.json.encode(house.engine.panel()))
    assert empty["best"] is None
    assert empty["hoped"] is None
    assert empty["left_on_table"] is None
    gap(house)
    panel = msgspec.json.decode(msgspec.json.encode(house.engine.panel()))
    assert (panel["pools"], panel["searches"], panel["found"], panel["proposed"]) == (2, 2, 1, 1)
    assert panel["best"]["gross_bps"] == pytest.approx((150.7 / 149.3 - 1) * 10_000, abs=0.02)
    assert panel["best"]["net_bps"] == pytest.approx((150.7 / 149.3 * 0.9975**2 - 1) * 10_000, abs=0.02)
    assert panel["venues"] == [
        {"venue": "raydium", "pools": 2, "exact": 0, "youngest_slots": 0, "oldest_slots": 1, "left_out": 0, "why": ""}
    ]
    assert panel["hoped"] == pytest.approx(0.97 * 4 / 9 / 2, abs=0.001), (
        "before any order ended gaps last half the time"
    )
    left = panel["left_on_table"]
    assert left["bound_usd"] >= left["found_usd"] > 0, "the gap is still there: nothing has landed"
    assert left["age_slots"] == 0
