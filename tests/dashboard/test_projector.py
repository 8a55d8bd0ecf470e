"""The replica: what it tells, how often, how much it keeps, and that a client that applies it sees the same."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phantom_arbiter.core.commands import Mode
from phantom_arbiter.core.events import (
    AnyFact,
    Envelope,
    Fee,
    FeeKind,
    LegStatus,
    LinkChanged,
    OraclePosted,
    Quoted,
    VenueStatus,
    VenueStatusChanged,
)
from phantom_arbiter.core.intents import CollateralTransfer, Cost, Intent, Leg, PerpOrder, Policy, Purpose, Side, Swap
from phantom_arbiter.core.orders import LegState, Order
from phantom_arbiter.core.verdicts import Approved, GateResult, Refused
from phantom_arbiter.dashboard import arb_rows, frames, panels, projector, rows, schema
from phantom_arbiter.dashboard.projector import Projector
from tests.dashboard.harness import START_MS, UNIVERSE, engine_card, vault_update

NS = 1_000_000
RUN = frames.RunInfo(version="0.1.0", run_id="r", mode=Mode.PAPER, started_ts=START_MS)
CLOCK = rows.MarketClock(now_ms=START_MS, source="built-in", speed=1.0)
BUY_SOL = Swap("SOL/USDC", "pool-1", "USDC", "SOL", 300_000_000, 2_000_000_000, 1_990_000_000)
SELL_SOL = Swap("SOL/USDC", "pool-1", "SOL", "USDC", 2_000_000_000, 300_000_000, 299_000_000)
SHORT_SOL = PerpOrder("SOL-PERP", "velocity", Side.SELL, 2_000_000_000, 150_000_000, 149_000_000)


def make(**options: Any) -> Projector:
    return Projector(UNIVERSE, RUN, CLOCK, **options)


def fact(body: AnyFact, ms: int = 0, source: str = "feed") -> Envelope:
    return Envelope(1, (START_MS + ms) * NS, source, body)


def quote(price: float, instrument: str = "SOL/USDC") -> Quoted:
    px = UNIVERSE.instruments[instrument].px_from_float(price)
    return Quoted(instrument, px, px, 1)


def intent(*legs: Leg, **changes: Any) -> Intent:
    base = {
        "engine": "funding",
        "pod": "",
        "purpose": Purpose.ENTRY,
        "policy": Policy.SEQUENTIAL,
        "legs": legs,
        "notional_micros": 300_000_000,
        "edge_bps": 20.0,
        "cost": Cost(tip_micros=60_000, slippage_micros=90_000),
        "expires_ns": 0,
        "reason": "funding pays",
        "command_id": "c1",
    }
    return Intent(**{**base, **changes})


def order(*pairs: tuple[Leg, LegState], order_id: str = "o1", ms: int = 0) -> Order:
    legs = tuple(leg for leg, _ in pairs)
    stamp = (START_MS + ms) * NS
    return Order(order_id, intent(*legs), stamp, [state for _, state in pairs], updated_ns=stamp)


def refused(gate: str = "edge", ms: int = 0, margin: float = -2.0, **changes: Any) -> Refused:
    result = GateResult(gate, 3.0, 5.0, margin, "bps", "2 bps short")
    return Refused(intent(BUY_SOL, **changes), result, (START_MS + ms) * NS)


def test_prices_at_most_four_times_a_second():
    replica = make()
    sent = 0
    for ms in range(0, 2_000, 10):
        replica.fold(fact(quote(150 + ms / 1_000), ms))
        sent += len(replica.flush(ms))
    assert sent == 8


def test_a_held_back_price_goes_out_later_and_once():
    replica = make()
    replica.fold(fact(quote(150.0)))
    assert len(replica.flush(0)) == 1
    replica.fold(fact(quote(151.0), 1))
    assert replica.flush(100) == ()
    (late,) = replica.flush(250)
    assert isinstance(late, frames.MarketDataFrame)
    assert late.data.prices == {"SOL/USDC": 151.0}
    assert replica.flush(500) == ()


def test_the_oracle_is_preferred_for_the_sol_price():
    replica = make()
    replica.fold(fact(quote(150.0)))
    assert replica.snapshot().market.sol_price == 150.0
    replica.fold(fact(OraclePosted("SOL-PERP", 149_500_000, 0, 1)))
    assert replica.snapshot().market.sol_price == 149.5
    assert replica.snapshot().market.eth_price is None


def test_a_price_that_stays_away_is_cold():
    replica = make(cold_after_ms=1_000)
    replica.fold(fact(quote(150.0)))
    replica.fold(fact(quote(60_000.0, "BTC/USDC"), 1_001))
    assert replica.snapshot().market.cold == ("SOL/USDC",)


def test_market_time_is_the_frames_time():
    replica = make()
    replica.fold(fact(quote(150.0), 5_000))
    (frame,) = replica.flush(0)
    assert frame.ts == START_MS + 5_000
    assert replica.snapshot().market.clock.now_ms == START_MS + 5_000


def test_an_approved_order_carries_its_margins_costs_and_cause():
    replica = make()
    gates = (GateResult("edge", 20.0, 5.0, 15.0, "bps"), GateResult("size", 1.0, float("inf"), 1.0, "count"))
    one = order((BUY_SOL, LegState()))
    replica.verdict(Approved("o1", one.intent, gates, 0))
    replica.order(one)
    (frame,) = replica.flush(0)
    assert isinstance(frame, frames.OrderUpdateFrame)
    row = frame.data.order
    assert (row.cause, row.notional_usd, row.cost_usd["tip"]) == ("c1", 300.0, 0.06)
    assert row.net_edge_bps == pytest.approx(20.0 - 5.0)
    assert [(gate.gate, gate.margin, gate.limit) for gate in row.gates] == [("edge", 15.0, 5.0), ("size", 1.0, None)]
    assert frame.data.fills == ()


@pytest.mark.parametrize(
    ("leg", "state", "side", "size", "price", "slippage_bps"),
    [
        (BUY_SOL, LegState(LegStatus.FILLED, 0, 300_000_000, 1_980_000_000), "buy", 1.98, 300 / 1.98, 101.01),
        (SELL_SOL, LegState(LegStatus.FILLED, 0, 2_000_000_000, 297_000_000), "sell", 2.0, 148.5, 100.0),
        (SHORT_SOL, LegState(LegStatus.PARTIAL, 0, 1_000_000_000, 150_300_000), "sell", 1.0, 150.3, -20.0),
    ],
    ids=["buy", "sell", "perp"],
)
def test_a_fill_has_our_side_size_price_and_slippage(leg, state, side, size, price, slippage_bps):
    replica = make()
    replica.order(order((leg, state)))
    (fill,) = replica.snapshot().fills
    assert (fill.id, fill.side, fill.size) == ("o1/0", side, size)
    assert fill.price == pytest.approx(price)
    assert fill.slippage_bps == pytest.approx(slippage_bps, abs=0.01)


def test_fills_grow_under_one_id_and_a_transfer_is_none():
    replica = make()
    transfer = CollateralTransfer("velocity", "USDC", -5_000_000)
    for filled in (500_000_000, 2_000_000_000):
        state = LegState(LegStatus.PARTIAL, 0, filled, filled * 15 // 100)
        replica.order(order((SHORT_SOL, state), (transfer, LegState(LegStatus.FILLED, 0, 5_000_000, 5_000_000))))
    snapshot = replica.snapshot()
    assert [fill.size for fill in snapshot.fills] == [2.0]
    leg = snapshot.orders[0].legs[1]
    assert (leg.side, leg.size, leg.price) == ("withdraw", 5.0, None)


def test_fees_are_in_whole_units():
    replica = make()
    replica.order(order((BUY_SOL, LegState(fees=(Fee(FeeKind.SWAP, "USDC", 750_000),)))))
    assert replica.snapshot().orders[0].legs[0].fees == (rows.OrderFee(kind="swap", asset="USDC", amount=0.75),)


def test_the_same_refusal_again_is_counted():
    replica = make()
    for ms in (0, 10, 20):
        replica.verdict(refused(ms=ms))
    replica.verdict(refused("size"))
    (frame, other) = replica.flush(0)
    assert isinstance(frame, frames.GateRefusalFrame)
    row = frame.data
    assert (row.count, row.first_ts, row.ts) == (3, START_MS, START_MS + 20)
    assert (row.gate, row.value, row.limit, row.margin, row.unit) == ("edge", 3.0, 5.0, -2.0, "bps")
    assert other.data.id != row.id
    assert [kept.gate for kept in replica.snapshot().refusals] == ["edge", "size"]


def test_a_card_shows_the_last_act_and_refusal():
    replica = make()
    replica.order(order((BUY_SOL, LegState(LegStatus.SENT))))
    replica.verdict(refused())
    replica.engine(engine_card())
    (card,) = replica.snapshot().engines
    assert card.last_act is not None
    assert card.last_act.text == "entry open: funding pays"
    assert card.last_refusal is not None
    assert card.last_refusal.gate == "edge"


def test_what_did_not_change_is_not_told():
    replica = make()
    replica.engine(engine_card())
    assert len(replica.flush(0)) == 1
    replica.engine(engine_card())
    assert replica.flush(1) == ()


def test_feeds_and_venues_come_with_the_system():
    known = rows.VenueRow(name="velocity", status=VenueStatus.ABSENT, program="vELo", quote="USDT")
    replica = make(venues=(known,))
    replica.fold(fact(LinkChanged("hermes", True, "")))
    replica.fold(fact(quote(150.0), 400, source="hermes"))
    replica.fold(fact(VenueStatusChanged("velocity", VenueStatus.THIN, "little volume"), 1_000))
    replica.system(frames.SystemStats(wall_ms=1, uptime_s=1.0))
    system = replica.snapshot().system
    assert system.feeds == (rows.FeedRow(name="hermes", up=True, age_ms=600),)
    (venue,) = system.venues
    assert (venue.status, venue.reason, venue.program) == (VenueStatus.THIN, "little volume", "vELo")


def log(index: int) -> rows.LogEntry:
    return rows.LogEntry(id=str(index), ts=START_MS, level="INFO", source="t", message="m")


def signal(index: int) -> panels.ScalpSignal:
    return panels.ScalpSignal(
        id=str(index),
        ts=START_MS,
        pod="p",
        token="BONK",
        instrument="BONK/SOL",
        price=1e-8,
        strength=0.5,
        expectancy_bps=1.0,
        p_win=None,
        p_star=None,
    )


def test_memory_is_bounded():
    replica = make(charted=("SOL/USDC",))
    for index in range(3_000):
        replica.order(order((BUY_SOL, LegState(LegStatus.FILLED, 0, 1, 1)), order_id=f"o{index}"))
        replica.verdict(refused(gate=f"g{index}"))
        replica.verdict(Approved(f"a{index}", intent(BUY_SOL), (), 0))
        replica.log(log(index))
        replica.signal(signal(index))
        replica.alert(frames.HealthAlert(id=str(index), ts=0, level="INFO", source="s", message=""))
        replica.vault(vault_update(START_MS + index * 1_000))
        replica.fold(fact(quote(150.0), index * 60_000))
        replica.fold(fact(LinkChanged(f"feed{index}", True, "")))
    kept = replica.snapshot()
    assert len(kept.orders) == projector.MAX_ORDERS
    assert len(kept.fills) == projector.MAX_FILLS
    assert len(kept.refusals) == projector.MAX_REFUSALS
    assert len(kept.logs) == projector.MAX_LOGS
    assert len(kept.signals) == projector.MAX_SIGNALS
    assert len(kept.alerts) == projector.MAX_ALERTS
    assert len(kept.equity_history) <= 2_000
    assert len(kept.candles["SOL/USDC"]) == 360
    assert kept.orders[-1].id == "o2999"
    (only,) = replica.flush(0)
    assert isinstance(only, frames.SnapshotFrame)
    assert only.data == kept
    (after,) = replica.flush(1)
    assert isinstance(after, frames.MarketDataFrame), "what the snapshot holds is not told again"


def test_open_orders_are_kept_longest():
    replica = make()
    replica.order(order((BUY_SOL, LegState(LegStatus.SENT)), order_id="open"))
    for index in range(600):
        replica.order(order((BUY_SOL, LegState(LegStatus.FILLED, 0, 1, 1)), order_id=f"o{index}"))
    ids = [row.id for row in replica.snapshot().orders]
    assert ids[0] == "open"
    assert ids[1] == "o101"


def opportunity(row_id: str, verdict: Any) -> arb_rows.ArbOpportunity:
    return arb_rows.ArbOpportunity(
        id=row_id,
        ts=START_MS,
        route=("SOL", "USDC", "SOL"),
        swaps=(),
        size_usd=1.0,
        gross_bps=1.0,
        net_bps=1.0,
        net_usd=1.0,
        expected_usd=1.0,
        waterfall=(),
        verdict=verdict,
    )


def test_a_few_sent_opportunities_outlast_many_refused():
    replica, most = make(), projector.MAX_OPPORTUNITIES
    for index in range(3 * most):
        replica.opportunity(opportunity(f"a{index}", "refused" if index % 100 else "landed"))
    kept = replica.snapshot().opportunities
    assert len(kept) == most
    assert [row.id for row in kept if row.verdict == "landed"] == ["a0", "a100", "a200", "a300", "a400", "a500"]
    assert kept[-1].id == f"a{3 * most - 1}"
    for index in range(most):
        replica.opportunity(opportunity(f"b{index}", "beaten"))
    kept = replica.snapshot().opportunities
    assert most // 2 - [row.verdict for row in kept].count("refused") in (0, 1)
    assert kept[-1].id == f"b{most - 1}"


def test_another_mode_is_told_with_a_snapshot():
    replica = make()
    replica.run(msgspec.structs.replace(RUN, mode=Mode.LIVE))
    (frame,) = replica.flush(0)
    assert isinstance(frame, frames.SnapshotFrame)
    assert frame.data.run.mode is Mode.LIVE


def test_too_many_charts_are_refused():
    with pytest.raises(ValueError, match="charted"):
        make(charted=[f"I{index}" for index in range(17)])


def apply(state: dict[str, dict[str, Any]], frame: frames.ServerFrame) -> None:
    """What a client does with a frame, for the tables of this test."""
    match frame:
        case frames.SnapshotFrame(data=data):
            state.clear()
            for name in ("orders", "refusals", "logs", "engines", "fills"):
                state[name] = {row.id: row for row in getattr(data, name)}
        case frames.OrderUpdateFrame(data=data):
            state["orders"][data.order.id] = data.order
            state["fills"].update({fill.id: fill for fill in data.fills})
        case frames.GateRefusalFrame(data=data):
            state["refusals"][data.id] = data
        case frames.LogEntryFrame(data=data):
            state["logs"][data.id] = data
        case frames.EngineStatusFrame(data=data):
            state["engines"][data.id] = data
        case _:
            pass


STEPS = st.lists(
    st.tuples(st.sampled_from(["order", "refuse", "log", "engine", "quote", "flush", "join"]), st.integers(0, 9)),
    max_size=60,
)
VALIDATOR = jsonschema.Draft202012Validator(schema.server_schema())


@given(STEPS)
@settings(max_examples=60, deadline=None)
def test_a_client_that_applies_every_frame_sees_what_a_fresh_one_does(steps):
    replica = make()
    client: dict[str, dict[str, Any]] = {}
    apply(client, frames.SnapshotFrame(0, 0, replica.snapshot()))
    last_seq = 0
    for now, (kind, number) in enumerate(steps):
        match kind:
            case "order":
                status = list(LegStatus)[number % 8]
                state = LegState(status, 0, now, now)  # fills only grow, as reports are cumulative
                replica.order(order((SELL_SOL, state), order_id=f"o{number % 3}", ms=now))
            case "refuse":
                replica.verdict(refused(f"g{number % 3}", ms=now))
            case "log":
                replica.log(log(now))
            case "engine":
                replica.engine(engine_card(trades=number))
            case "quote":
                replica.fold(fact(quote(100.0 + number), now))
            case "join":  # a client that connects between two flushes, and hears the pending changes again
                client.clear()
                apply(client, frames.SnapshotFrame(replica.seq, 0, replica.snapshot()))
            case _:
                for frame in replica.flush(now * 100):
                    assert frame.seq == last_seq + 1
                    last_seq = frame.seq
                    VALIDATOR.validate(json.loads(frames.encode(frame)))
                    apply(client, frame)
    for frame in replica.flush(10**9):
        apply(client, frame)
    fresh: dict[str, dict[str, Any]] = {}
    apply(fresh, frames.SnapshotFrame(0, 0, replica.snapshot()))
    assert client == fresh
