"""What the Funding page shows of a real venue that stops answering, or never did."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import OpenTab
from tests.e2e.live_server import LiveServer
from tests.e2e.test_venue_upstream import nowhere, table, velocity, well
from tests.venues.venue_server import serving, told

pytestmark = pytest.mark.browser

Watching = Callable[[str], LiveServer]
MARKETS = "Perp markets"


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    """Starts a run that shows the venue at an address; it outlives the pages that look at it."""
    with ExitStack() as stack:
        yield lambda base_url: stack.enter_context(LiveServer(tmp_path, speed=60.0, perp_venue=velocity(base_url)))


def test_a_venue_that_stops_answering_shows_the_age_and_the_reason(watching: Watching, open_tab: OpenTab) -> None:
    with serving(well) as upstream:
        live = watching(upstream.base_url)
        table(live, stale=False)
        tab = open_tab(live).open("funding")
        row = tab.panel(MARKETS).get_by_role("row", name=re.compile("SOL-PERP"))
        expect(row).to_contain_text("+0.0013")  # 0.00125 % an hour, as the venue told it
        before = row.get_by_role("cell").nth(1).inner_text()
        upstream.answer = lambda asked: told({}, 500, retry_after="0")
        table(live, stale=True)
        tab.button("Refresh the market table").click()
        expect(tab.panel(MARKETS)).to_contain_text(re.compile(r"Old by \d+.*HTTP 500"))
        assert row.get_by_role("cell").nth(1).inner_text() == before


def test_a_venue_never_reached_shows_the_reason_and_no_number(watching: Watching, open_tab: OpenTab) -> None:
    tab = open_tab(watching(nowhere()))
    tab.forgiven = ("Failed to load resource",)
    tab.open("funding")
    panel = tab.panel(MARKETS)
    expect(panel.get_by_role("alert")).to_contain_text("never reached")
    expect(panel.get_by_role("table")).to_have_count(0)
    expect(panel).not_to_contain_text(re.compile(r"\d%|\$\d"))
