"""Keeps the dashboard's projector fed: from the kernel's outcomes as they happen, and from its state a few times a
second. Reads only."""

from __future__ import annotations

from collections import deque
from itertools import count
from typing import Final

from msgspec import structs

from phantom_arbiter.app import cards, pages, perp_table
from phantom_arbiter.app.arb_tape import ArbTape
from phantom_arbiter.app.health_watch import HealthWatch
from phantom_arbiter.app.log import tell_outcome
from phantom_arbiter.app.search_time import SearchTime
from phantom_arbiter.app.venue_feed import VenueFeed, without_history
from phantom_arbiter.core.events import Envelope, FundingPosted, FundingSettled, LinkChanged, VenueStatusChanged
from phantom_arbiter.core.kernel import Kernel
from phantom_arbiter.core.outcome import Outcome
from phantom_arbiter.core.verdicts import Verdict
from phantom_arbiter.dashboard.arb_rows import ArbUpdate
from phantom_arbiter.dashboard.panels import FundingPayment, FundingUpdate, MarketsResponse
from phantom_arbiter.dashboard.port import Unavailable
from phantom_arbiter.dashboard.projector import Projector

CHARTED: Final = (
    *("SOL/USDC", "SOL-PERP", "jitoSOL/SOL", "mSOL/SOL", "bSOL/SOL", "JupSOL/SOL"),
    *("BONK/SOL", "WIF/SOL", "POPCAT/SOL", "PENGU/SOL", "FARTCOIN/SOL", "PLOP/SOL", "ZORP/SOL", "MUNCH/SOL"),
)
MAX_PAYMENTS: Final = 200


class Feed:
    """Listens to a sequencer and polls a kernel; everything goes into one `Projector`."""

    def __init__(self, kernel: Kernel, projector: Projector, venue: VenueFeed | None = None) -> None:
        self.kernel = kernel
        self.projector = projector
        self.venue = venue
        self.funding_history: dict[str, list[float]] = {}
        self._numbers = count(1)
        self._seen_seq = 0
        self._seen_links: dict[str, LinkChanged] = {}
        self._seen_venues: dict[str, VenueStatusChanged] = {}
        self._seen_funding: dict[str, int] = {}
        self._payments: deque[FundingPayment] = deque(maxlen=MAX_PAYMENTS)
        self._arb = ArbTape(kernel.view)
        self.search_time = SearchTime(kernel)
        self._markets: MarketsResponse | Unavailable = Unavailable(code="starting", reason="the market is starting")
        self._health = HealthWatch()

    def on_outcome(self, envelope: Envelope, outcome: Outcome) -> None:
        """What a step brought about, at once."""
        tell_outcome(outcome)
        if isinstance(envelope.body, FundingSettled):
            self._payments.append(perp_table.funding_payment(self.kernel, envelope, envelope.body))
        for verdict in outcome.verdicts:
            self._tell_verdict(verdict, envelope.ts_ns)
        for order in outcome.orders:
            self.projector.order(order)
            row = self._arb.order(order)
            if row is not None:
                self.projector.opportunity(row)
        for status in outcome.statuses:
            self.projector.engine(cards.engine_card(self.kernel, self.kernel.desks[status.engine].engine))

    def _tell_verdict(self, verdict: Verdict, ts_ns: int) -> None:
        self.projector.verdict(verdict)
        engine = verdict.intent.engine
        if engine == "arb":
            self.projector.opportunity(self._arb.verdict(verdict, ts_ns))
        elif engine == "scalp":
            signal = pages.scalp_signal(next(self._numbers), self.kernel, verdict, ts_ns)
            if signal is not None:
                self.projector.signal(signal)

    def poll_prices(self) -> None:
        """What changed of links and venues, then the newest facts: prices, and how old each feed is."""
        view, newest = self.kernel.view, self._seen_seq
        for feed, link in view.links.items():
            if self._seen_links.get(feed) != link:
                self._seen_links[feed] = link
                self.projector.fold(Envelope(newest, view.now_ns, "view", link))
        for name, status in view.venues.items():
            if self._seen_venues.get(name) != status:
                self._seen_venues[name] = status
                self.projector.fold(Envelope(newest, view.now_ns, "view", status))
        for table in (view.quotes, view.oracles, view.perps, view.stake_pools):
            for envelope in table.values():
                if envelope.seq > self._seen_seq:
                    self.projector.fold(envelope)
                    newest = max(newest, envelope.seq)
        self._seen_seq = newest

    def poll_state(self) -> None:
        """Cards, pages, money and health alerts; about once a second."""
        self._note_funding()
        markets = perp_table.perp_markets(self.kernel, self.funding_history)
        self._markets = markets if self.venue is None else self.venue.table()
        table = markets if isinstance(markets, MarketsResponse) else None
        for engine in self.kernel.engines:
            self.projector.engine(cards.engine_card(self.kernel, self.kernel.desks[engine].engine))
            page = pages.engine_page(self.kernel, engine, table, tuple(self._payments))
            if isinstance(page, FundingUpdate) and self.venue is not None:
                shown = without_history(self._markets) if isinstance(self._markets, MarketsResponse) else None
                page = structs.replace(page, market_table=shown)
            elif isinstance(page, ArbUpdate):
                page = self.search_time.measured(self._arb.totals(page))
            self.projector.panel(page)
            if isinstance(page, FundingUpdate):
                alert = self._health.look(page.health, page.liq_price, page.ts)
                if alert is not None:
                    self.projector.alert(alert)
        vault = cards.vault_update(self.kernel)
        if vault is not None:
            self.projector.vault(vault)

    def markets(self) -> MarketsResponse | Unavailable:
        """The perp market table as of the last poll: asking often costs nothing."""
        return self._markets

    def _note_funding(self) -> None:
        for name, envelope in self.kernel.view.fundings.items():
            if self._seen_funding.get(name) != envelope.seq and isinstance(envelope.body, FundingPosted):
                self._seen_funding[name] = envelope.seq
                history = self.funding_history.setdefault(name, [])
                history.append(perp_table.hourly_fraction(envelope.body))
                del history[: -perp_table.HISTORY_HOURS]
