"""A real venue's table: what it told, how old that is, and never a number it did not tell."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from phantom_arbiter.app.venue_feed import venue_table, without_history
from phantom_arbiter.core.events import VenueStatus
from phantom_arbiter.core.perp.profile import VELOCITY
from phantom_arbiter.dashboard.panels import MarketsResponse
from phantom_arbiter.dashboard.port import Unavailable
from phantom_arbiter.venues.drift.client import DriftClient
from phantom_arbiter.venues.history import FundingRow
from phantom_arbiter.venues.history_watch import MarketHours
from phantom_arbiter.venues.reads import ReadPolicy, open_http
from phantom_arbiter.venues.watch import VenueWatch
from tests.venues.bodies import stats, stats_market
from tests.venues.venue_server import Answer, Reply, in_turn, serving, told

pytestmark = pytest.mark.anyio

AS_OF_NS = 1_771_477_300 * 10**9
POLICY = ReadPolicy(attempts=1, deadline_s=5.0)
DOWN = Reply(b"", 500)


class Polled:
    """A watch on a served venue, on a clock that the test moves."""

    def __init__(self, answer: Answer, history: Mapping[str, MarketHours] | None = None) -> None:
        self.answer = answer
        self.history = history or {}
        self.now_ns = AS_OF_NS

    async def tables(self, *waits_s: int) -> list[MarketsResponse | Unavailable]:
        """The table after each poll, the given seconds apart."""
        found = []
        with serving(self.answer) as server:
            async with open_http(POLICY) as http:
                client = DriftClient(VELOCITY, server.base_url, http, POLICY, lambda: self.now_ns)
                watch = VenueWatch(client, now_ns=lambda: self.now_ns)
                for wait_s in waits_s:
                    self.now_ns += wait_s * 10**9
                    await watch.poll()
                    found.append(venue_table(watch.status(), self.history))
        return found


async def test_the_table_says_what_the_venue_said() -> None:
    (table,) = await Polled(in_turn(told(stats()))).tables(0)
    assert isinstance(table, MarketsResponse)
    (market,) = table.markets
    assert (market.symbol, market.direction) == ("SOL-PERP", "shorts")
    assert market.rate == pytest.approx(0.0000125)
    assert market.apr == pytest.approx(0.0000125 * 24 * 365.25)
    assert market.oi == pytest.approx(471_252.73 * 81.889579)
    assert market.volume_24h == pytest.approx(32_153_510.020148)
    assert (table.venue.name, table.venue.program, table.venue.quote) == ("velocity", VELOCITY.program, "USDT")
    assert table.venue.status is VenueStatus.LIVE
    assert "built-in market" in table.venue.reason
    assert not table.stale


@pytest.mark.parametrize("field", ["quoteVolume", "markPrice", "oraclePrice", "openInterest", "fundingRate"])
async def test_a_field_that_is_missing_is_named_and_the_table_stays(field: str) -> None:
    lacking = {name: value for name, value in stats_market().items() if name != field}
    fresh, kept = await Polled(in_turn(told(stats()), told(stats(lacking)))).tables(0, 1)
    assert isinstance(fresh, MarketsResponse)
    assert isinstance(kept, MarketsResponse)
    assert (kept.markets, kept.stale) == (fresh.markets, True)
    assert f"markets[0].{field}" in kept.stale_reason


async def test_a_failure_keeps_the_last_good_answer_and_tells_its_age() -> None:
    fresh, stale = await Polled(in_turn(told(stats()), DOWN)).tables(0, 31)
    assert isinstance(fresh, MarketsResponse)
    assert isinstance(stale, MarketsResponse)
    assert stale.markets == fresh.markets
    assert (stale.stale, stale.age_ms - fresh.age_ms) == (True, 31_000)
    assert "HTTP 500" in stale.stale_reason


async def test_a_venue_that_never_answered_has_no_table() -> None:
    (table,) = await Polled(in_turn(DOWN)).tables(0)
    assert isinstance(table, Unavailable)
    assert table.code == "unreachable"
    assert "HTTP 500" in table.reason


async def test_posted_hours_stand_beside_their_market() -> None:
    rows = tuple(FundingRow(AS_OF_NS - hours * 3_600 * 10**9, rate) for hours, rate in ((2, -1e-5), (1, 1 / 30_000)))
    history = {"SOL-PERP": MarketHours(rows), "BTC-PERP": MarketHours((), "HTTP 500 from somewhere")}
    served = told(
        stats(stats_market(), stats_market("BTC-PERP", marketIndex=1), stats_market("ETH-PERP", marketIndex=2))
    )
    (table,) = await Polled(in_turn(served), history).tables(0)
    assert isinstance(table, MarketsResponse)
    assert {market.symbol: (market.history, market.rate_ts) for market in table.markets} == {
        "SOL-PERP": ((-1e-5, 0.000033333333), AS_OF_NS // 10**6 - 3_600_000),
        "BTC-PERP": ((), None),
        "ETH-PERP": ((), None),
    }
    assert table.venue.reason == (
        "history of 1 markets is not whole: BTC-PERP: HTTP 500 from somewhere; "
        "for reading; paper orders go to the built-in market"
    )
    assert [market.history for market in without_history(table).markets] == [(), (), ()]
