"""What the dashboard needs of the application, and the answers of the HTTP interface.

Everything runs in one event loop: a port's methods read state that is in memory and return at once; only `command`
and `carry_lab` may wait.
"""

from __future__ import annotations

from typing import Any, Protocol

from phantom_arbiter.dashboard.frames import CommandResult, Snapshot
from phantom_arbiter.dashboard.lab import CarryLabResponse, LabQuery
from phantom_arbiter.dashboard.panels import MarketsResponse
from phantom_arbiter.dashboard.requests import CommandRequest
from phantom_arbiter.dashboard.rows import EngineCard, EquityPoint, Fill, PnlDay, Position, Row, VaultBalance


class Unavailable(Row, frozen=True):
    """No answer can be had: HTTP 503. ``code`` is one word for programs, ``reason`` a sentence for people."""

    code: str
    reason: str
    retry_after_s: int = 30


class NotFound(Row, frozen=True):
    """What was asked for does not exist: HTTP 404."""

    code: str
    message: str


class EnginesResponse(Row, frozen=True):
    """``GET /api/engines``."""

    engines: tuple[EngineCard, ...]


class PositionsResponse(Row, frozen=True):
    """``GET /api/positions``."""

    positions: tuple[Position, ...]


class TradesResponse(Row, frozen=True):
    """``GET /api/trades``: our fills, newest first."""

    trades: tuple[Fill, ...]


class VaultsResponse(Row, frozen=True):
    """``GET /api/vaults``: balances, the newest equity point, and P&L by day, engine and cause."""

    balances: tuple[VaultBalance, ...]
    equity: EquityPoint | None
    pnl_days: tuple[PnlDay, ...]


class JournalRow(Row, frozen=True):
    """An envelope of the journal: ``body`` is the fact as JSON, its ``kind`` beside it for filtering."""

    seq: int
    ts_ns: int
    source: str
    cause: str
    kind: str
    body: dict[str, Any]


class JournalResponse(Row, frozen=True):
    """``GET /api/journal``: newest first; ``next_before_seq`` asks for the next page, None at the end."""

    rows: tuple[JournalRow, ...]
    next_before_seq: int | None


class HealthCheck(Row, frozen=True):
    """One thing that must work. ``detail`` says what is wrong where it does not."""

    name: str
    ok: bool
    detail: str = ""


class HealthResponse(Row, frozen=True):
    """``GET /healthz``: HTTP 200 when every check passes, else 503."""

    ok: bool
    checks: tuple[HealthCheck, ...] = ()


class DashboardPort(Protocol):
    """What the application implements."""

    def snapshot(self) -> Snapshot:
        """The whole state, for a fresh client; `Projector.snapshot` makes it."""

    async def command(self, request: CommandRequest) -> CommandResult:
        """Carry out a command and answer within 5 s (after that the socket answers "timeout" for it).

        Refusals are answers with ``success=False``; an exception is a bug.
        """

    def markets(self) -> MarketsResponse | Unavailable:
        """The perp market table: the newest, the last good one marked stale, or why there is none."""

    def engines(self) -> EnginesResponse:
        """All four engines."""

    def positions(self) -> PositionsResponse:
        """Everything held."""

    def trades(self, limit: int) -> TradesResponse:
        """The last ``limit`` fills, newest first."""

    def vaults(self) -> VaultsResponse:
        """Balances and P&L."""

    def journal(self, limit: int, before_seq: int | None) -> JournalResponse:
        """The last ``limit`` envelopes before ``before_seq`` (None: the newest)."""

    async def carry_lab(self, query: LabQuery) -> CarryLabResponse | Unavailable | NotFound:
        """Funding policies over recorded hours; one runs at a time."""

    def health(self) -> HealthResponse:
        """Whether the application works."""
