"""The messages of the WebSocket, server to client: ``{"type", "seq", "ts", "data"}``, one JSON object each.

``seq`` counts the broadcasts of a run from 1. SNAPSHOT and COMMAND_RESULT go to one client and carry the number of
the last broadcast before them. A gap means that newer state replaced older on the way; nothing is lost by it, since
every update carries whole rows, upserted by their key. ``ts`` is an integer: milliseconds since the Unix epoch, in
market time. Every field is always present.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct, field
from msgspec.json import Encoder

from phantom_arbiter.core.commands import KillLevel, Mode
from phantom_arbiter.dashboard import rows
from phantom_arbiter.dashboard.arb_rows import ArbOpportunity, ArbUpdate
from phantom_arbiter.dashboard.panels import (
    FundingUpdate,
    LstUpdate,
    PanelSet,
    PreviewRow,
    ScalpSignal,
    ScalpUpdate,
)

PROTOCOL_VERSION: Final = 1


class MarketData(rows.Row, frozen=True):
    """All last prices at once. ``prices`` maps an instrument to its mid in quote units; ``candles`` to its last two
    minutes, for the instruments that are charted. ``cold`` lists instruments whose price is too old to act on."""

    clock: rows.MarketClock
    sol_price: float | None = None
    btc_price: float | None = None
    eth_price: float | None = None
    prices: dict[str, float] = field(default_factory=dict)
    candles: dict[str, tuple[rows.Candle, ...]] = field(default_factory=dict)
    cold: tuple[str, ...] = ()


class VaultUpdate(rows.Row, frozen=True):
    """The money: every balance, the newest equity point, and today's P&L by engine and cause."""

    balances: tuple[rows.VaultBalance, ...]
    equity: rows.EquityPoint
    pnl_today_usd: float
    pnl_usd: float
    pnl_days: tuple[rows.PnlDay, ...] = ()


class HealthAlert(rows.Row, frozen=True):
    """An alert. Of margin health: WARNING below 50, CRITICAL below 20. ``health`` and ``liq_price`` are None for
    alerts of another ``source``. ``active`` False: it has passed. ``acknowledged``: somebody has seen it."""

    id: str
    ts: int
    level: rows.AlertLevel
    source: str
    message: str
    health: float | None = None
    liq_price: float | None = None
    active: bool = True
    acknowledged: bool = False


class CommandResult(rows.Row, frozen=True):
    """The one answer to a command. Success means accepted: the gates passed and it is durable. ``code`` is "ok" or
    names the error or gate; ``message`` says it in words. ``id`` is empty where the request had none to read.
    ``preview`` answers PREVIEW."""

    id: str
    action: str
    success: bool
    code: str
    message: str
    tx_signature: str | None = None
    preview: PreviewRow | None = None


class SystemStats(rows.Row, frozen=True):
    """The machine: wall time, feeds and venues, and what the kernel does. Latencies in microseconds."""

    wall_ms: int
    uptime_s: float
    events: int = 0
    events_per_s: float = 0.0
    step_us_p50: float | None = None
    step_us_p99: float | None = None
    journal_seq: int = 0
    journal_bytes: int | None = None
    memory_bytes: int | None = None
    clients: int = 0
    feeds: tuple[rows.FeedRow, ...] = ()
    venues: tuple[rows.VenueRow, ...] = ()
    kill: KillLevel | None = None


class RunInfo(rows.Row, frozen=True):
    """What runs. ``mode`` is live as soon as one engine is."""

    version: str
    run_id: str
    mode: Mode
    started_ts: int
    protocol: int = PROTOCOL_VERSION


class Snapshot(rows.Row, frozen=True):
    """Everything a fresh client needs. Lists are oldest first."""

    run: RunInfo
    market: MarketData
    system: SystemStats
    vault: VaultUpdate | None = None
    engines: tuple[rows.EngineCard, ...] = ()
    panels: PanelSet = field(default_factory=PanelSet)
    equity_history: tuple[rows.EquityPoint, ...] = ()
    pnl_days: tuple[rows.PnlDay, ...] = ()
    candles: dict[str, tuple[rows.Candle, ...]] = field(default_factory=dict)
    fills: tuple[rows.Fill, ...] = ()
    orders: tuple[rows.OrderRow, ...] = ()
    refusals: tuple[rows.Refusal, ...] = ()
    signals: tuple[ScalpSignal, ...] = ()
    opportunities: tuple[ArbOpportunity, ...] = ()
    alerts: tuple[HealthAlert, ...] = ()
    logs: tuple[rows.LogEntry, ...] = ()


class OrderUpdate(rows.Row, frozen=True):
    """An order as it now stands, and all its fills so far: one per leg, growing under the same id."""

    order: rows.OrderRow
    fills: tuple[rows.Fill, ...] = ()


class Frame(Struct, frozen=True, tag_field="type"):
    """The base of all messages."""

    seq: int
    ts: int


class SnapshotFrame(Frame, frozen=True, tag="SNAPSHOT"):
    """The first message after AUTH, and again where updates were left out (to a client that fell behind)."""

    data: Snapshot


class EngineStatusFrame(Frame, frozen=True, tag="ENGINE_STATUS"):
    """An engine's card changed."""

    data: rows.EngineCard


class MarketDataFrame(Frame, frozen=True, tag="MARKET_DATA"):
    """Prices moved; at most four a second."""

    data: MarketData


class FundingUpdateFrame(Frame, frozen=True, tag="FUNDING_UPDATE"):
    """The funding page changed."""

    data: FundingUpdate


class LstUpdateFrame(Frame, frozen=True, tag="LST_UPDATE"):
    """The LST page changed."""

    data: LstUpdate


class ScalpSignalFrame(Frame, frozen=True, tag="SCALP_SIGNAL"):
    """A signal, new or with its verdict."""

    data: ScalpSignal


class ScalpUpdateFrame(Frame, frozen=True, tag="SCALP_UPDATE"):
    """The scalp page changed."""

    data: ScalpUpdate


class ArbOpportunityFrame(Frame, frozen=True, tag="ARB_OPPORTUNITY"):
    """An opportunity, new or with its verdict."""

    data: ArbOpportunity


class ArbUpdateFrame(Frame, frozen=True, tag="ARB_UPDATE"):
    """The arb page changed."""

    data: ArbUpdate


class VaultUpdateFrame(Frame, frozen=True, tag="VAULT_UPDATE"):
    """The money changed."""

    data: VaultUpdate


class OrderUpdateFrame(Frame, frozen=True, tag="ORDER_UPDATE"):
    """An order was made or moved."""

    data: OrderUpdate


class GateRefusalFrame(Frame, frozen=True, tag="GATE_REFUSAL"):
    """A gate said no."""

    data: rows.Refusal


class HealthAlertFrame(Frame, frozen=True, tag="HEALTH_ALERT"):
    """An alert began, changed or passed."""

    data: HealthAlert


class CommandResultFrame(Frame, frozen=True, tag="COMMAND_RESULT"):
    """The answer to this client's command."""

    data: CommandResult


class SystemStatsFrame(Frame, frozen=True, tag="SYSTEM_STATS"):
    """The machine, about once a second."""

    data: SystemStats


class LogEntryFrame(Frame, frozen=True, tag="LOG_ENTRY"):
    """A line of the log."""

    data: rows.LogEntry


ServerFrame = (
    SnapshotFrame
    | EngineStatusFrame
    | MarketDataFrame
    | FundingUpdateFrame
    | LstUpdateFrame
    | ScalpSignalFrame
    | ScalpUpdateFrame
    | ArbOpportunityFrame
    | ArbUpdateFrame
    | VaultUpdateFrame
    | OrderUpdateFrame
    | GateRefusalFrame
    | HealthAlertFrame
    | CommandResultFrame
    | SystemStatsFrame
    | LogEntryFrame
)

_ENCODER: Final = Encoder()


def encode(frame: ServerFrame) -> bytes:
    """The frame as one JSON object, encoded once."""
    return _ENCODER.encode(frame)
