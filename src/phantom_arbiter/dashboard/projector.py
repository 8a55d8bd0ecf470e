"""The dashboard's replica of a run: folds what the kernel did into rows, and tells clients what changed.

Pure and bounded: no clock, no I/O. Changes wait, the newest of each row, until `Projector.flush`; prices go out at
most four times a second of the time handed to it. Should more rows change between two flushes than are kept, the
flush is one SNAPSHOT instead.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from msgspec import structs

from phantom_arbiter.core.events import Envelope, LinkChanged, OraclePosted, Quoted, VenueStatusChanged
from phantom_arbiter.core.instruments import Universe
from phantom_arbiter.core.orders import Order, OrderStatus
from phantom_arbiter.core.verdicts import Approved, GateResult, Refused, Verdict
from phantom_arbiter.dashboard import arb_rows, frames, panels, rows
from phantom_arbiter.dashboard.history import CandleSeries, EquityHistory
from phantom_arbiter.dashboard.order_rows import NS_PER_MS, fill_rows, order_row, refusal_row

MAX_ORDERS: Final = 500
MAX_FILLS: Final = 1_000
MAX_REFUSALS: Final = 200
MAX_LOGS: Final = 500
MAX_ALERTS: Final = 200
MAX_SIGNALS: Final = 200
MAX_OPPORTUNITIES: Final = 200
MAX_PNL_DAYS: Final = 400
MAX_FEEDS: Final = 64
MAX_CHARTED: Final = 16
MAX_PENDING: Final = 2_000
PRICE_PERIOD_MS: Final = 250

K = TypeVar("K")
V = TypeVar("V")
R = TypeVar("R")


class Projector:
    """Tell it everything that happens (in order), flush it a few times a second, and publish what it returns.

    ``charted`` names the instruments whose candles are kept (at most 16). ``venues`` are the venues' fixed facts.
    A price older than ``cold_after_ms`` of market time is listed as cold.
    """

    def __init__(
        self,
        universe: Universe,
        run: frames.RunInfo,
        clock: rows.MarketClock,
        *,
        charted: Sequence[str] = (),
        venues: Sequence[rows.VenueRow] = (),
        cold_after_ms: int = 30_000,
    ) -> None:
        if len(charted) > MAX_CHARTED:
            raise ValueError(f"charted: got {len(charted)} instruments, expected at most {MAX_CHARTED}")
        self._universe = universe
        self._run = run
        self._clock = clock
        self._now_ms = clock.now_ms
        self._cold_after_ms = cold_after_ms
        self._seq = 0
        self._pending: dict[tuple[object, str], Callable[[int, int], frames.ServerFrame]] = {}
        self._resync = False
        self._prices_changed = False
        self._prices_sent_ms: float = float("-inf")
        self._prices: dict[str, float] = {}
        self._price_ts: dict[str, int] = {}
        self._oracles: dict[str, float] = {}
        self._candles = {instrument: CandleSeries() for instrument in charted}
        self._feeds: dict[str, rows.FeedRow] = {}
        self._feed_ts: dict[str, int] = {}
        self._venues = {venue.name: venue for venue in venues}
        self._gates: dict[str, tuple[GateResult, ...]] = {}
        self._orders: dict[str, rows.OrderRow] = {}
        self._fills: dict[str, rows.Fill] = {}
        self._refusals: dict[tuple[str, ...], rows.Refusal] = {}
        self._refusals_made = 0
        self._cards: dict[str, rows.EngineCard] = {}
        self._acts: dict[str, rows.Act] = {}
        self._last_refusals: dict[str, rows.Refusal] = {}
        self._panels = panels.PanelSet()
        self._signals: dict[str, panels.ScalpSignal] = {}
        self._opportunities: dict[str, arb_rows.ArbOpportunity] = {}
        self._equity = EquityHistory()
        self._vault: frames.VaultUpdate | None = None
        self._pnl_days: dict[tuple[str, str], rows.PnlDay] = {}
        self._alerts: dict[str, frames.HealthAlert] = {}
        self._logs: deque[rows.LogEntry] = deque(maxlen=MAX_LOGS)
        self._system = frames.SystemStats(wall_ms=clock.now_ms, uptime_s=0.0)

    @property
    def seq(self) -> int:
        """The number of the last frame made."""
        return self._seq

    def fold(self, envelope: Envelope) -> None:
        """Take in one fact of the journal."""
        ts = envelope.ts_ns // NS_PER_MS
        self._now_ms = max(self._now_ms, ts)
        if envelope.source in self._feeds:
            self._feed_ts[envelope.source] = ts
        match envelope.body:
            case Quoted() as quote:
                self._quote(quote, ts)
            case OraclePosted() as oracle:
                self._oracles[oracle.instrument] = self._universe.instruments[oracle.instrument].price(oracle.px)
                self._prices_changed = True
            case LinkChanged() as link:
                _keep(self._feeds, link.feed, rows.FeedRow(name=link.feed, up=link.up, reason=link.reason), MAX_FEEDS)
            case VenueStatusChanged() as venue:
                known = self._venues.get(venue.venue) or rows.VenueRow(name=venue.venue, status=venue.status)
                row = structs.replace(known, status=venue.status, reason=venue.reason)
                _keep(self._venues, venue.venue, row, MAX_FEEDS)
            case _:
                pass

    def clock(self, clock: rows.MarketClock) -> None:
        """The market clock was set: another speed or source."""
        self._clock = clock
        self._now_ms = clock.now_ms
        self._prices_changed = True

    def verdict(self, verdict: Verdict) -> None:
        """The gates answered an intent. Of an approval its margins are kept for the order that follows."""
        match verdict:
            case Approved():
                _keep(self._gates, verdict.order_id, verdict.results, MAX_ORDERS)
            case Refused():
                self._refuse(verdict)

    def order(self, order: Order) -> None:
        """An order was made or changed."""
        row = order_row(order, self._gates.get(order.id, ()), self._universe)
        fills = fill_rows(row)
        if row.id not in self._orders and len(self._orders) >= MAX_ORDERS:
            self._forget_an_order()
        self._orders[row.id] = row
        for fill in fills:
            _keep(self._fills, fill.id, fill, MAX_FILLS)
        self._acts[row.engine] = rows.Act(ts=row.updated_ts, text=f"{row.purpose} {row.status}: {row.reason}")
        update = frames.OrderUpdate(order=row, fills=fills)
        self._tell(frames.OrderUpdateFrame, row.id, update)

    def engine(self, card: rows.EngineCard) -> None:
        """An engine's card. Its last act and refusal are filled in where it names none."""
        card = structs.replace(
            card,
            last_act=card.last_act or self._acts.get(card.id),
            last_refusal=card.last_refusal or self._last_refusals.get(card.id),
        )
        if self._cards.get(card.id) == card:
            return
        self._cards[card.id] = card
        self._tell(frames.EngineStatusFrame, card.id, card)

    def panel(self, panel: panels.EnginePanel) -> None:
        """An engine's page."""
        match panel:
            case panels.FundingUpdate():
                self._panels = structs.replace(self._panels, funding=panel)
                self._tell(frames.FundingUpdateFrame, "funding", panel)
            case panels.LstUpdate():
                self._panels = structs.replace(self._panels, lst=panel)
                self._tell(frames.LstUpdateFrame, "lst", panel)
            case panels.ScalpUpdate():
                self._panels = structs.replace(self._panels, scalp=panel)
                self._tell(frames.ScalpUpdateFrame, "scalp", panel)
            case arb_rows.ArbUpdate():
                self._panels = structs.replace(self._panels, arb=panel)
                self._tell(frames.ArbUpdateFrame, "arb", panel)

    def signal(self, signal: panels.ScalpSignal) -> None:
        """A scalp signal, new or with its verdict."""
        _keep(self._signals, signal.id, signal, MAX_SIGNALS)
        self._tell(frames.ScalpSignalFrame, signal.id, signal)

    def opportunity(self, found: arb_rows.ArbOpportunity) -> None:
        """An arbitrage opportunity, new or with its verdict."""
        if found.id not in self._opportunities and len(self._opportunities) >= MAX_OPPORTUNITIES:
            self._forget_an_opportunity()
        self._opportunities[found.id] = found
        self._tell(frames.ArbOpportunityFrame, found.id, found)

    def vault(self, vault: frames.VaultUpdate) -> None:
        """Balances, equity and today's P&L."""
        self._equity.add(vault.equity)
        for day in vault.pnl_days:
            _keep(self._pnl_days, (day.day, day.engine), day, MAX_PNL_DAYS)
        self._vault = vault
        self._tell(frames.VaultUpdateFrame, "", vault)

    def alert(self, alert: frames.HealthAlert) -> None:
        """An alert began, changed or passed. One that was seen stays so while its level is the same."""
        before = self._alerts.get(alert.id)
        if before is not None and before.acknowledged and before.active and before.level == alert.level:
            alert = structs.replace(alert, acknowledged=True)
        if before == alert:
            return
        _keep(self._alerts, alert.id, alert, MAX_ALERTS)
        self._tell(frames.HealthAlertFrame, alert.id, alert)

    def acknowledge(self, alert_id: str) -> bool:
        """Somebody has seen an alert: every client learns it. False where there is none of that id."""
        alert = self._alerts.get(alert_id)
        if alert is None:
            return False
        self.alert(structs.replace(alert, acknowledged=True))
        return True

    def log(self, entry: rows.LogEntry) -> None:
        """A line of the log."""
        self._logs.append(entry)
        self._tell(frames.LogEntryFrame, entry.id, entry)

    def system(self, stats: frames.SystemStats) -> None:
        """The machine's numbers; feeds and venues are added here from the facts told."""
        feeds = tuple(self._feed_row(feed) for feed in self._feeds.values())
        self._system = stats = structs.replace(stats, feeds=feeds, venues=tuple(self._venues.values()))
        self._tell(frames.SystemStatsFrame, "", stats)

    def flush(self, now_ms: float) -> tuple[frames.ServerFrame, ...]:
        """What changed since the last flush, numbered. ``now_ms`` is any steady clock's milliseconds."""
        if self._resync:
            self._pending.clear()
            self._resync = False
            return (frames.SnapshotFrame(self._next_seq(), self._now_ms, self.snapshot()),)
        made = [make(self._next_seq(), self._now_ms) for make in self._pending.values()]
        self._pending.clear()
        if self._prices_changed and now_ms - self._prices_sent_ms >= PRICE_PERIOD_MS:
            self._prices_sent_ms, self._prices_changed = now_ms, False
            made.append(frames.MarketDataFrame(self._next_seq(), self._now_ms, self._market(candles=2)))
        return tuple(made)

    def snapshot(self) -> frames.Snapshot:
        """Everything, as it stands now."""
        return frames.Snapshot(
            run=self._run,
            market=self._market(candles=0),
            system=self._system,
            vault=self._vault,
            engines=tuple(self._cards.values()),
            panels=self._panels,
            equity_history=self._equity.points,
            pnl_days=tuple(self._pnl_days.values()),
            candles={name: series.last(10_000) for name, series in self._candles.items()},
            fills=tuple(self._fills.values()),
            orders=tuple(self._orders.values()),
            refusals=tuple(self._refusals.values()),
            signals=tuple(self._signals.values()),
            opportunities=tuple(self._opportunities.values()),
            alerts=tuple(self._alerts.values()),
            logs=tuple(self._logs),
        )

    def run(self, run: frames.RunInfo) -> None:
        """The run's own facts changed (its mode); clients learn it with a fresh SNAPSHOT."""
        self._run = run
        self._resync = True

    def _quote(self, quote: Quoted, ts: int) -> None:
        price = self._universe.instruments[quote.instrument].price(quote.bid_px + quote.ask_px) / 2
        self._prices[quote.instrument] = price
        self._price_ts[quote.instrument] = ts
        self._prices_changed = True
        series = self._candles.get(quote.instrument)
        if series is not None:
            series.add(ts, price)

    def _refuse(self, refused: Refused) -> None:
        intent = refused.intent
        subject = getattr(intent.legs[0], "instrument", "") if intent.legs else ""
        key = (intent.engine, intent.pod, refused.result.gate, intent.purpose, subject)
        # Taken out and put back at the end: the list stays in the order of its last times.
        before = self._refusals.pop(key, None)
        self._refusals_made += before is None
        row = refusal_row(refused, f"refusal-{self._refusals_made}", before)
        _keep(self._refusals, key, row, MAX_REFUSALS)
        self._last_refusals[row.engine] = row
        self._tell(frames.GateRefusalFrame, row.id, row)

    def _forget_an_order(self) -> None:
        """The oldest that is over; with none over, the oldest."""
        over = (row.id for row in self._orders.values() if row.status not in (OrderStatus.OPEN, OrderStatus.UNKNOWN))
        del self._orders[next(over, next(iter(self._orders)))]

    def _forget_an_opportunity(self) -> None:
        """The oldest of the refused or of those that were sent, whichever are more: else a few sent are soon lost."""
        refused = [row.id for row in self._opportunities.values() if row.verdict == "refused"]
        sent = [row.id for row in self._opportunities.values() if row.verdict != "refused"]
        del self._opportunities[max(refused, sent, key=len)[0]]

    def _feed_row(self, feed: rows.FeedRow) -> rows.FeedRow:
        last = self._feed_ts.get(feed.name)
        return feed if last is None else structs.replace(feed, age_ms=self._now_ms - last)

    def _market(self, candles: int) -> frames.MarketData:
        now = self._now_ms
        return frames.MarketData(
            clock=structs.replace(self._clock, now_ms=now),
            sol_price=self._usd("SOL"),
            btc_price=self._usd("BTC"),
            eth_price=self._usd("ETH"),
            prices=dict(self._prices),
            candles={name: last for name, series in self._candles.items() if (last := series.last(candles))},
            cold=tuple(name for name, ts in self._price_ts.items() if now - ts > self._cold_after_ms),
        )

    def _usd(self, base: str) -> float | None:
        oracle = self._oracles.get(f"{base}-PERP")
        return oracle if oracle is not None else self._prices.get(f"{base}/USDC", self._prices.get(f"{base}/USDT"))

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq

    def _tell(self, frame: Callable[[int, int, R], frames.ServerFrame], key: str, row: R) -> None:
        """Have the row go out with the next flush, in place of an older one of the same kind and key."""
        if len(self._pending) < MAX_PENDING or (frame, key) in self._pending:
            self._pending[frame, key] = lambda seq, ts: frame(seq, ts, row)
        else:
            self._resync = True


def _keep(table: dict[K, V], key: K, row: V, limit: int) -> None:
    """Put a row in; the oldest goes where the table is full."""
    table[key] = row
    if len(table) > limit:
        del table[next(iter(table))]
