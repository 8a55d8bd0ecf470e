"""What the dashboard may ask of a running application without changing it."""

from __future__ import annotations

from phantom_arbiter.app import cards
from phantom_arbiter.app.feed import Feed
from phantom_arbiter.app.journaled import Opened
from phantom_arbiter.app.lab import Lab
from phantom_arbiter.dashboard import frames
from phantom_arbiter.dashboard.lab import CarryLabResponse, LabQuery
from phantom_arbiter.dashboard.panels import MarketsResponse
from phantom_arbiter.dashboard.port import (
    EnginesResponse,
    JournalResponse,
    JournalRow,
    NotFound,
    PositionsResponse,
    TradesResponse,
    Unavailable,
    VaultsResponse,
)
from phantom_arbiter.dashboard.projector import Projector


class DashboardReads:
    """The reading half of `dashboard.port.DashboardPort`; the application sets what it reads from."""

    def __init__(self, lab: Lab) -> None:
        self._opened: Opened | None = None
        self._feed: Feed | None = None
        self._projector: Projector | None = None
        self._lab = lab

    def _live(self) -> Opened:
        assert self._opened is not None, "the application is not running"
        return self._opened

    def snapshot(self) -> frames.Snapshot:
        """Everything, for a new client."""
        assert self._projector is not None
        return self._projector.snapshot()

    def markets(self) -> MarketsResponse | Unavailable:
        """``/api/drift/markets``."""
        if self._feed is None:
            return Unavailable(code="starting", reason="the application is starting")
        return self._feed.markets()

    def engines(self) -> EnginesResponse:
        """``/api/engines``."""
        return EnginesResponse(engines=self.snapshot().engines)

    def positions(self) -> PositionsResponse:
        """``/api/positions``."""
        kernel = self._live().session.kernel
        held = tuple(row for desk in kernel.desks.values() for row in cards.positions(kernel, desk.engine))
        return PositionsResponse(positions=held)

    def trades(self, limit: int) -> TradesResponse:
        """``/api/trades``."""
        return TradesResponse(trades=tuple(reversed(self.snapshot().fills[-limit:])))

    def vaults(self) -> VaultsResponse:
        """``/api/vaults``."""
        kernel = self._live().session.kernel
        update = cards.vault_update(kernel)
        return VaultsResponse(
            balances=cards.balances(kernel),
            equity=update.equity if update is not None else None,
            pnl_days=update.pnl_days if update is not None else (),
        )

    def journal(self, limit: int, before_seq: int | None) -> JournalResponse:
        """``/api/journal``: rows on disk, newest first."""
        found = self._live().journal.page(limit, before_seq)
        page = tuple(
            JournalRow(
                seq=row.seq, ts_ns=row.ts_ns, source="journal", cause="", kind=row.kind, body={"value": row.decoded()}
            )
            for row in found.rows
        )
        return JournalResponse(rows=page, next_before_seq=found.next_before_seq)

    async def carry_lab(self, query: LabQuery) -> CarryLabResponse | Unavailable | NotFound:
        """``/api/lab/funding``."""
        return await self._lab.carry(query)
