"""A small application behind the dashboard's port, kept in memory, and helpers to talk to its servers."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import ClientConnection

from phantom_arbiter.core.commands import Mode
from phantom_arbiter.core.events import VenueStatus
from phantom_arbiter.core.instruments import SOL, USDC, Asset, Universe, perp, spot
from phantom_arbiter.dashboard import port as ports
from phantom_arbiter.dashboard.frames import CommandResult, RunInfo, Snapshot, VaultUpdate
from phantom_arbiter.dashboard.lab import LabQuery
from phantom_arbiter.dashboard.panels import DriftMarket, DriftStats, MarketsResponse, VenueInfo
from phantom_arbiter.dashboard.projector import Projector
from phantom_arbiter.dashboard.requests import CommandRequest
from phantom_arbiter.dashboard.rows import EngineCard, EquityPoint, MarketClock, Position, VaultBalance
from phantom_arbiter.dashboard.server import DashboardServer
from phantom_arbiter.engines.base import EngineStatus

START_MS = 1_790_000_000_000
JITOSOL = Asset("JitoSOL", 9)
BTC = Asset("BTC", 8)
UNIVERSE = Universe.of(
    (SOL, USDC, JITOSOL, BTC),
    (
        spot(SOL, USDC, price_decimals=6),
        spot(JITOSOL, SOL, price_decimals=9),
        spot(BTC, USDC, price_decimals=4),
        perp("SOL", USDC, min_base_atoms=1, step_base_atoms=1),
    ),
)


def engine_card(**changes: Any) -> EngineCard:
    base = {
        "id": "funding",
        "title": "Funding",
        "status": EngineStatus.RUNNING,
        "mode": Mode.PAPER,
        "capital_usd": 5_000.0,
        "pnl_today_usd": 1.5,
        "pnl_usd": 12.25,
        "trades": 4,
        "pnl_by_cause": {"funding": 13.0, "fees": -0.75},
        "positions": (
            Position(id="p1", engine="funding", kind="perp", instrument="SOL-PERP", venue="velocity", size=-10.0),
        ),
    }
    return EngineCard(**{**base, **changes})


def vault_update(ts: int = START_MS, equity: float = 10_000.0) -> VaultUpdate:
    return VaultUpdate(
        balances=(VaultBalance(engine="funding", asset="USDC", available=100.0, reserved=5.0, deployed=40.0),),
        equity=EquityPoint(ts=ts, equity_usd=equity),
        pnl_today_usd=1.5,
        pnl_usd=12.25,
    )


def markets_response(**changes: Any) -> MarketsResponse:
    rate = 0.00002
    market = DriftMarket(
        symbol="SOL-PERP",
        rate=rate,
        apr=rate * 24 * 365.25,
        direction="shorts",
        oi=1_000_000.0,
        volume_24h=None,
        mark_price=150.1,
        oracle_price=150.0,
        next_funding_ts=START_MS + 60_000,
    )
    base = {
        "venue": VenueInfo(name="velocity", program="vELo", quote="USDT", status=VenueStatus.LIVE),
        "markets": (market,),
        "stats": DriftStats(total_oi=1_000_000.0, volume_24h=None, avg_funding=rate),
        "as_of": START_MS,
        "age_ms": 1_500,
    }
    return MarketsResponse(**{**base, **changes})


class MemoryPort:
    """An application that holds everything in memory and records what it was asked for."""

    def __init__(self) -> None:
        clock = MarketClock(now_ms=START_MS, source="built-in", speed=1.0, scenario="calm")
        run = RunInfo(version="0.1.0", run_id="r1", mode=Mode.PAPER, started_ts=START_MS)
        self.projector = Projector(UNIVERSE, run, clock, charted=("SOL/USDC",))
        self.projector.engine(engine_card())
        self.projector.vault(vault_update())
        self.projector.flush(0)
        self.requests: list[CommandRequest] = []
        self.hold: asyncio.Event | None = None
        self.bug: Exception | None = None
        self.market_answer: MarketsResponse | ports.Unavailable = markets_response()
        self.checks = (ports.HealthCheck(name="journal", ok=True),)
        self.journal_asked: list[tuple[int, int | None]] = []

    def snapshot(self) -> Snapshot:
        return self.projector.snapshot()

    async def command(self, request: CommandRequest) -> CommandResult:
        self.requests.append(request)
        if self.hold is not None:
            await self.hold.wait()
        if self.bug is not None:
            raise self.bug
        action = str(type(request.command).__struct_config__.tag)
        return CommandResult(id=request.id, action=action, success=True, code="ok", message="accepted")

    def markets(self) -> MarketsResponse | ports.Unavailable:
        return self.market_answer

    def engines(self) -> ports.EnginesResponse:
        return ports.EnginesResponse(engines=self.snapshot().engines)

    def positions(self) -> ports.PositionsResponse:
        return ports.PositionsResponse(positions=tuple(p for card in self.snapshot().engines for p in card.positions))

    def trades(self, limit: int) -> ports.TradesResponse:
        return ports.TradesResponse(trades=tuple(reversed(self.snapshot().fills))[:limit])

    def vaults(self) -> ports.VaultsResponse:
        vault = vault_update()
        return ports.VaultsResponse(balances=vault.balances, equity=vault.equity, pnl_days=())

    def journal(self, limit: int, before_seq: int | None) -> ports.JournalResponse:
        self.journal_asked.append((limit, before_seq))
        body = {"kind": "TimerFired", "name": "tick"}
        row = ports.JournalRow(seq=7, ts_ns=START_MS * 10**6, source="clock", cause="", kind="TimerFired", body=body)
        return ports.JournalResponse(rows=(row,), next_before_seq=None)

    async def carry_lab(self, query: LabQuery) -> ports.NotFound:
        return ports.NotFound(code="no_hours", message=f"no hours of {query.market}")

    def health(self) -> ports.HealthResponse:
        return ports.HealthResponse(ok=all(check.ok for check in self.checks), checks=self.checks)


class Answer:
    """An HTTP answer, read whole."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self) -> Any:
        return json.loads(self.body)


Get = Callable[..., Any]


async def receive(connection: ClientConnection) -> dict[str, Any]:
    """The next message."""
    async with asyncio.timeout(5):
        message = json.loads(await connection.recv())
    assert isinstance(message, dict)
    return message


async def ask(connection: ClientConnection, message: Any) -> dict[str, Any]:
    """Send a message and return the data of its answer."""
    await connection.send(message if isinstance(message, (str, bytes)) else json.dumps(message))
    frame = await receive(connection)
    assert frame["type"] == "COMMAND_RESULT"
    return dict(frame["data"])


async def log_in(connection: ClientConnection, server: DashboardServer) -> dict[str, Any]:
    """AUTH, and the SNAPSHOT that answers it."""
    await connection.send(json.dumps({"action": "AUTH", "token": server.token}))
    frame = await receive(connection)
    assert frame["type"] == "SNAPSHOT"
    return frame
