"""What the dashboard's tables and charts are made of.

Conventions, for all of them: ``ts`` and ``*_ts`` are integer milliseconds since the Unix epoch, in market time;
``*_usd`` are dollars; amounts, sizes and prices are floats in whole units; ``*_bps`` are basis points; rates are
hourly fractions. ``None`` means "not known", never zero. Lists are upserted by ``id`` (or the field named in the
docstring), so that a row told twice changes nothing.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from phantom_arbiter.core.commands import EngineId, Mode
from phantom_arbiter.core.events import LegStatus, VenueStatus
from phantom_arbiter.core.intents import Policy, Purpose
from phantom_arbiter.core.orders import OrderStatus
from phantom_arbiter.engines.base import EngineStatus

ClockSource = Literal["built-in", "recorded", "live"]
AlertLevel = Literal["INFO", "WARNING", "CRITICAL"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
Receiver = Literal["shorts", "longs"]
Direction = Literal["long", "short"]


class Row(Struct, frozen=True, kw_only=True):
    """The base of all rows."""


class MarketClock(Row, frozen=True):
    """What time it is in the market, where that time comes from, and how fast it runs (1: real time)."""

    now_ms: int
    source: ClockSource
    speed: float
    scenario: str = ""


class Candle(Row, frozen=True):
    """A minute of market time, by mid price; ``ts`` is its start and its key."""

    ts: int
    open: float
    high: float
    low: float
    close: float


class Fill(Row, frozen=True):
    """What a leg of ours filled so far, for charts and the trades table.

    ``size`` is unsigned, in base units of ``instrument``; ``price`` is the mean in its quote; ``slippage_bps`` is
    against the price the decision saw, positive when worse.
    """

    id: str
    ts: int
    engine: EngineId
    instrument: str
    side: Literal["buy", "sell"]
    size: float
    price: float
    order_id: str
    purpose: Purpose
    position_id: str = ""
    slippage_bps: float | None = None


class EquityPoint(Row, frozen=True):
    """Equity, and what the same start would be worth held as SOL or as jitoSOL; ``ts`` is the key."""

    ts: int
    equity_usd: float
    hold_sol_usd: float | None = None
    hold_jitosol_usd: float | None = None


class PnlDay(Row, frozen=True):
    """One engine's P&L of one day (``YYYY-MM-DD``, UTC) by cause, in USD. Keyed by day and engine."""

    day: str
    engine: EngineId
    causes: dict[str, float]


class Position(Row, frozen=True):
    """Something held. ``size`` is signed in base units, long positive; ``value_usd`` is unsigned."""

    id: str
    engine: EngineId
    kind: Literal["perp", "spot", "collateral"]
    instrument: str
    venue: str
    size: float
    entry_price: float | None = None
    mark_price: float | None = None
    value_usd: float | None = None
    pnl_usd: float | None = None
    funding_usd: float | None = None
    liq_price: float | None = None
    opened_ts: int | None = None


class Act(Row, frozen=True):
    """The last thing an engine did, in words."""

    ts: int
    text: str


class Refusal(Row, frozen=True):
    """A gate said no. ``margin`` is negative: how far past the limit, in ``unit``. ``reason`` is the intent's.

    The same refusal again raises ``count`` and moves ``ts``; ``first_ts`` stays.
    """

    id: str
    ts: int
    first_ts: int
    engine: EngineId
    pod: str
    gate: str
    value: float | None
    limit: float | None
    margin: float | None
    unit: str
    message: str
    reason: str
    purpose: Purpose
    notional_usd: float
    count: int = 1
    cause: str = ""


class EngineCard(Row, frozen=True):
    """One engine at a glance. P&L by cause is since the start of the run; ``panel`` is the engine's own."""

    id: EngineId
    title: str
    status: EngineStatus
    mode: Mode
    capital_usd: float
    pnl_today_usd: float
    pnl_usd: float
    trades: int
    pnl_by_cause: dict[str, float] = field(default_factory=dict)
    positions: tuple[Position, ...] = ()
    max_drawdown_usd: float = 0.0
    status_reason: str = ""
    last_act: Act | None = None
    last_refusal: Refusal | None = None
    entries_allowed: bool = True
    config: dict[str, str | float | int | bool | None] = field(default_factory=dict)


class VaultBalance(Row, frozen=True):
    """One engine's holding of one asset in whole units; ``engine`` is "unallocated" for what no engine owns."""

    engine: str
    asset: str
    available: float
    reserved: float
    deployed: float
    value_usd: float | None = None


class GateMargin(Row, frozen=True):
    """How a gate measured an intent that passed."""

    gate: str
    value: float | None
    limit: float | None
    margin: float | None
    unit: str
    message: str = ""


class OrderFee(Row, frozen=True):
    """A fee in whole units of ``asset``."""

    kind: str
    asset: str
    amount: float


class OrderLeg(Row, frozen=True):
    """One leg. ``size`` is the planned input (swap, transfer) or base amount (perp); ``in_amount`` and ``out_amount``
    are what happened so far: spent and received, or for a perp base filled and its quote value."""

    index: int
    kind: Literal["swap", "perp", "transfer"]
    status: LegStatus
    instrument: str
    venue: str
    side: str
    in_asset: str
    out_asset: str
    size: float
    in_amount: float
    out_amount: float
    expected_price: float | None
    price: float | None
    fees: tuple[OrderFee, ...] = ()
    reason: str = ""


class OrderRow(Row, frozen=True):
    """An approved intent and what became of it, leg by leg. ``cause`` is the id of the command that asked, or empty.

    ``cost_usd`` maps a part of the expected cost (pool_fee, perp_fee, base_fee, priority, tip, rent, slippage,
    borrow) to dollars; ``net_edge_bps`` is the expected edge after all of them.
    """

    id: str
    engine: EngineId
    pod: str
    purpose: Purpose
    policy: Policy
    status: OrderStatus
    reason: str
    position_id: str
    cause: str
    created_ts: int
    updated_ts: int
    notional_usd: float
    edge_bps: float
    net_edge_bps: float | None
    cost_usd: dict[str, float]
    signature: str
    legs: tuple[OrderLeg, ...]
    fees: tuple[OrderFee, ...] = ()
    gates: tuple[GateMargin, ...] = ()


class VenueRow(Row, frozen=True):
    """A venue; keyed by name. ``program`` and ``quote`` are empty where they don't apply."""

    name: str
    status: VenueStatus
    reason: str = ""
    program: str = ""
    quote: str = ""


class FeedRow(Row, frozen=True):
    """A feed; keyed by name. ``age_ms`` is since its last fact, None before the first."""

    name: str
    up: bool
    reason: str = ""
    age_ms: int | None = None


class LogEntry(Row, frozen=True):
    """A line of the log, redacted. ``fields`` are its structured values as text."""

    id: str
    ts: int
    level: LogLevel
    source: str
    message: str
    fields: dict[str, str] = field(default_factory=dict)
