"""The schema, the generated TypeScript, and frames held against both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest

from phantom_arbiter.core.commands import Mode
from phantom_arbiter.core.events import LegStatus
from phantom_arbiter.core.intents import Policy, Purpose
from phantom_arbiter.core.orders import OrderStatus
from phantom_arbiter.dashboard import arb_rows, frames, panels, rows, schema
from tests.dashboard.harness import START_MS, engine_card, markets_response, vault_update
from tests.dashboard.test_ws import EXAMPLES

ROOT = Path(__file__).parents[2]

REFUSAL = rows.Refusal(
    id="r1",
    ts=START_MS,
    first_ts=START_MS,
    engine="arb",
    pod="",
    gate="edge",
    value=1.5,
    limit=None,
    margin=-0.5,
    unit="bps",
    message="too thin",
    reason="cycle",
    purpose=Purpose.ENTRY,
    notional_usd=100.0,
)
LEG = rows.OrderLeg(
    index=0,
    kind="swap",
    status=LegStatus.FILLED,
    instrument="SOL/USDC",
    venue="pool",
    side="buy",
    in_asset="USDC",
    out_asset="SOL",
    size=150.0,
    in_amount=150.0,
    out_amount=1.0,
    expected_price=150.0,
    price=150.0,
    fees=(rows.OrderFee(kind="swap", asset="USDC", amount=0.4),),
)
ORDER = rows.OrderRow(
    id="o1",
    engine="funding",
    pod="",
    purpose=Purpose.ENTRY,
    policy=Policy.SEQUENTIAL,
    status=OrderStatus.DONE,
    reason="funding pays",
    position_id="p1",
    cause="c1",
    created_ts=START_MS,
    updated_ts=START_MS,
    notional_usd=150.0,
    edge_bps=12.0,
    net_edge_bps=None,
    cost_usd={"tip": 0.01},
    signature="",
    legs=(LEG,),
    gates=(rows.GateMargin(gate="edge", value=12.0, limit=5.0, margin=7.0, unit="bps"),),
)
FILL = rows.Fill(
    id="o1/0",
    ts=START_MS,
    engine="funding",
    instrument="SOL/USDC",
    side="buy",
    size=1.0,
    price=150.0,
    order_id="o1",
    purpose=Purpose.ENTRY,
)
MARKET = frames.MarketData(
    clock=rows.MarketClock(now_ms=START_MS, source="built-in", speed=60.0),
    sol_price=150.0,
    prices={"SOL/USDC": 150.0},
    candles={"SOL/USDC": (rows.Candle(ts=START_MS, open=1.0, high=2.0, low=0.5, close=1.5),)},
)
FUNDING = panels.FundingUpdate(
    ts=START_MS,
    spot_sol=10.0,
    perp_sol=-10.0,
    net_delta=0.0,
    drift_pct=0.0,
    sol_price=150.0,
    health=88.0,
    total_collateral=1_000.0,
    equity=1_000.0,
    maintenance_margin=120.0,
    free_collateral=880.0,
    leverage=1.5,
    liq_price=None,
    cards=(
        panels.FundingCard(
            symbol="SOL-PERP",
            side="short",
            rate=1e-5,
            apr=0.08766,
            net_apr=0.05,
            break_even_days=3.0,
            cost_bps=20.0,
            hold_days=14.0,
            available=True,
        ),
    ),
    market_table=markets_response(),
    panel={"anything": [1, {"deep": None}]},
)
LST = panels.LstUpdate(
    ts=START_MS,
    tokens=(panels.LstToken(token="JitoSOL", price_sol=1.29, fair_sol=1.3, discount_bps=77.0, band_bps=30.0),),
)
SIGNAL = panels.ScalpSignal(
    id="s1",
    ts=START_MS,
    pod="p",
    token="BONK",
    instrument="BONK/SOL",
    price=1e-8,
    strength=0.7,
    expectancy_bps=12.0,
    p_win=None,
    p_star=0.4,
)
SCALP = panels.ScalpUpdate(
    ts=START_MS, pods=(panels.ScalpPod(id="p", token="BONK", instrument="BONK/SOL", status="watching"),)
)
SWAPS = (
    arb_rows.ArbSwap(pool="x", venue="orca", in_asset="SOL", out_asset="USDC", share=1.0),
    arb_rows.ArbSwap(pool="y", venue="", in_asset="USDC", out_asset="SOL", share=1.0),
)
FOUND = arb_rows.ArbOpportunity(
    id="a1",
    ts=START_MS,
    route=("SOL", "USDC", "SOL"),
    swaps=SWAPS,
    size_usd=500.0,
    gross_bps=20.0,
    net_bps=4.0,
    net_usd=0.2,
    expected_usd=0.17,
    waterfall=(arb_rows.WaterfallStep(label="gross", usd=1.0), arb_rows.WaterfallStep(label="tip", usd=-0.8)),
    verdict="refused",
    reason="edge",
)
ARB = arb_rows.ArbUpdate(
    ts=START_MS,
    outcomes={"landed": 3, "beaten": 1},
    search_us_p50=12.5,
    best=arb_rows.ArbBest(route="SOL x> y<", net_bps=-3.0, gross_bps=40.0, age_s=1.5),
    venues=(
        arb_rows.ArbVenue(
            venue="orca", pools=3, exact=2, youngest_slots=0, oldest_slots=None, left_out=1, why="too old"
        ),
    ),
    reasons=(arb_rows.ArbReason(reason="stale pool", count=2, would_usd=(0.1, None, None, None)),),
    graves=(
        arb_rows.ArbGrave(
            id="g1",
            ts=START_MS,
            base="SOL",
            route=("SOL", "USDC", "SOL"),
            swaps=SWAPS,
            size_usd=500.0,
            net_usd=0.2,
            reason="stale pool",
            detail="x is 40 slots old",
            would_usd=(0.1, None, None, None),
            lost=("x vanished",),
        ),
    ),
)
ALERT = frames.HealthAlert(
    id="h1", ts=START_MS, level="WARNING", source="health", message="low", health=49.0, liq_price=180.0
)
SNAPSHOT = frames.Snapshot(
    run=frames.RunInfo(version="0.1.0", run_id="r", mode=Mode.PAPER, started_ts=START_MS),
    market=MARKET,
    system=frames.SystemStats(wall_ms=START_MS, uptime_s=1.0, feeds=(rows.FeedRow(name="f", up=True),)),
    vault=vault_update(),
    engines=(engine_card(last_refusal=REFUSAL, last_act=rows.Act(ts=START_MS, text="entry done")),),
    panels=panels.PanelSet(funding=FUNDING, lst=LST, scalp=SCALP, arb=ARB),
    equity_history=(vault_update().equity,),
    pnl_days=(rows.PnlDay(day="2026-11-22", engine="lst", causes={"staking": 1.0}),),
    fills=(FILL,),
    orders=(ORDER,),
    refusals=(REFUSAL,),
    signals=(SIGNAL,),
    opportunities=(FOUND,),
    alerts=(ALERT,),
    logs=(rows.LogEntry(id="1", ts=START_MS, level="INFO", source="app", message="up"),),
)
RESULT = frames.CommandResult(id="1", action="KILL", success=False, code="busy", message="later")
DATA: dict[type, Any] = {
    frames.SnapshotFrame: SNAPSHOT,
    frames.EngineStatusFrame: SNAPSHOT.engines[0],
    frames.MarketDataFrame: MARKET,
    frames.FundingUpdateFrame: FUNDING,
    frames.LstUpdateFrame: LST,
    frames.ScalpSignalFrame: SIGNAL,
    frames.ScalpUpdateFrame: SCALP,
    frames.ArbOpportunityFrame: FOUND,
    frames.ArbUpdateFrame: ARB,
    frames.VaultUpdateFrame: vault_update(),
    frames.OrderUpdateFrame: frames.OrderUpdate(order=ORDER, fills=(FILL,)),
    frames.GateRefusalFrame: REFUSAL,
    frames.HealthAlertFrame: ALERT,
    frames.CommandResultFrame: RESULT,
    frames.SystemStatsFrame: SNAPSHOT.system,
    frames.LogEntryFrame: SNAPSHOT.logs[0],
}
CONTRACT = [
    "SNAPSHOT",
    "ENGINE_STATUS",
    "MARKET_DATA",
    "FUNDING_UPDATE",
    "LST_UPDATE",
    "SCALP_SIGNAL",
    "SCALP_UPDATE",
    "ARB_OPPORTUNITY",
    "ARB_UPDATE",
    "VAULT_UPDATE",
    "ORDER_UPDATE",
    "GATE_REFUSAL",
    "HEALTH_ALERT",
    "COMMAND_RESULT",
    "SYSTEM_STATS",
    "LOG_ENTRY",
]


@pytest.fixture(scope="module")
def server_validator() -> jsonschema.Draft202012Validator:
    document = schema.server_schema()
    jsonschema.Draft202012Validator.check_schema(document)
    return jsonschema.Draft202012Validator(document)


@pytest.fixture(scope="module")
def client_validator() -> jsonschema.Draft202012Validator:
    document = schema.client_schema()
    jsonschema.Draft202012Validator.check_schema(document)
    return jsonschema.Draft202012Validator(document)


def test_the_types_are_those_of_the_contract():
    assert [frame.__struct_config__.tag for frame in get_args(frames.ServerFrame)] == CONTRACT
    assert set(DATA) == set(get_args(frames.ServerFrame))


@pytest.mark.parametrize("frame", get_args(frames.ServerFrame), ids=lambda frame: frame.__struct_config__.tag)
def test_every_frame_satisfies_the_schema(server_validator, frame):
    message = json.loads(frames.encode(frame(3, START_MS, DATA[frame])))
    assert list(message) == ["type", "seq", "ts", "data"]
    server_validator.validate(message)


@pytest.mark.parametrize("damage", ["missing", "extra", "type", "deep"])
def test_the_schema_refuses_what_is_no_frame(server_validator, damage):
    message = json.loads(frames.encode(frames.EngineStatusFrame(3, START_MS, SNAPSHOT.engines[0])))
    match damage:
        case "missing":
            del message["data"]["trades"]
        case "extra":
            message["data"]["surprise"] = 1
        case "type":
            message["type"] = "ENGINE_STATE"
        case "deep":
            message["data"]["positions"][0]["size"] = "10"
    assert not server_validator.is_valid(message)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["action"])
def test_client_messages_satisfy_their_schema(client_validator, example):
    client_validator.validate({"id": "1", **example})
    assert not client_validator.is_valid(example), "a command needs an id"
    assert not client_validator.is_valid({"id": "1", **example, "surprise": 1})


def test_auth_needs_no_id(client_validator):
    client_validator.validate({"action": "AUTH", "token": "t"})


def test_the_funding_update_and_the_alert_carry_what_the_contract_lists():
    names = "ts spot_sol perp_sol net_delta drift_pct sol_price health total_collateral equity maintenance_margin"
    more = "free_collateral leverage liq_price positions"
    assert {*names.split(), *more.split()} <= set(panels.FundingUpdate.__struct_fields__)
    assert {"level", "health", "liq_price", "message"} <= set(frames.HealthAlert.__struct_fields__)


def test_the_typescript_file_is_up_to_date():
    written = (ROOT / schema.TYPESCRIPT_PATH).read_text(encoding="utf-8")
    assert written == schema.typescript(), "run `python -m phantom_arbiter.dashboard.schema`"
