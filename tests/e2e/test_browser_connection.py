"""The page loses its server, says so with the age of what it shows, and finds it again, as the same run."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.browsing import TITLES, Held, Tab
from tests.e2e.conftest import OpenTab
from tests.e2e.live_server import LiveServer

pytestmark = pytest.mark.browser

# What a browser itself logs while nothing listens.
REFUSED = ("net::ERR_CONNECTION_REFUSED", "WebSocket connection to 'ws://127.0.0.1:")


def banner(tab: Tab, words: str) -> None:
    expect(tab.page.get_by_role("status").filter(has_text=re.compile(words))).to_be_visible()


def test_a_lost_server_is_said_with_the_age_of_the_data(server: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(server).open()
    tab.forgiven = REFUSED
    tab.expect_state("funding", "Running")
    server.stop()
    banner(tab, r"Connection lost .*retrying in \d+ s — data is \d+ s old")
    expect(tab.page.get_by_role("banner")).to_contain_text("Disconnected")
    expect(tab.page.get_by_role("main")).to_have_css("filter", "grayscale(0.9)")
    expect(tab.panel(TITLES["funding"])).to_contain_text("Running")  # the last that was known, greyed
    stop = tab.button("Stop Funding")
    expect(stop).to_have_attribute("aria-disabled", "true")
    expect(stop).to_have_accessible_description("There is no connection to Phantom Arbiter.")
    stop.click(force=True)
    assert tab.sent_actions() == ["AUTH"]


def test_the_page_recovers_by_itself_from_a_restart_and_asks_for_a_reload_at_the_next(
    server: LiveServer, open_tab: OpenTab
) -> None:
    tab = open_tab(server).open("risk")
    tab.forgiven = REFUSED
    tab.button("Pause all entries…").click()
    tab.page.get_by_role("dialog").get_by_role("button", name="Pause all entries").click()
    latched = tab.page.get_by_text("Kill switch on: pause.", exact=True)
    expect(latched).to_be_visible()
    footer = tab.page.get_by_role("contentinfo")
    run = footer.text_content()
    server.stop()
    banner(tab, "Connection lost")
    with tab.page.expect_event("load"):  # the token is new: the page fetches itself anew, with it
        server.start()
    tab.expect_live()
    expect(tab.page.get_by_role("heading", level=1)).to_have_text("Risk")
    expect(latched).to_be_visible()
    assert footer.text_content() == run
    server.stop()
    server.start()
    banner(tab, "Phantom Arbiter was started anew; this page is of an earlier start")
    expect(tab.page.get_by_role("banner")).to_contain_text("Refused")
    tab.button("Reload the page").click()
    tab.expect_live()
    tab.go("overview")  # what came before this start is in the journal, not on the page
    expect(tab.panel(TITLES["funding"])).to_contain_text(re.compile(r"Last act\s*None since Phantom Arbiter started\."))


def test_a_page_that_is_refused_never_claims_to_be_connected(server: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(server)
    tab.forgiven = REFUSED
    tab.page.add_init_script("sessionStorage.setItem('phantom-reloaded', String(Date.now()))")
    tab.open()
    tab.note_changes(tab.page.get_by_role("banner").locator(".connection"), "connection")
    server.stop()
    server.start()
    banner(tab, "Phantom Arbiter was started anew")
    told = [entry["data"].split()[0] for entry in tab.recorded() if entry["kind"] == "connection"]
    lost = next(at for at, word in enumerate(told) if word != "●Connected")
    assert "●Connected" not in told[lost:], told[lost:]


def test_retry_now_does_not_wait(server: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(server)
    tab.forgiven = REFUSED
    tab.page.clock.install()
    tab.open()
    server.stop()
    banner(tab, "Connection lost")
    tab.page.clock.pause_at(tab.page.evaluate("Date.now() + 1"))  # no timer will try again
    server.start()
    tab.button("Retry now").click()
    tab.page.clock.resume()
    tab.expect_live()


def test_silence_is_said_though_the_connection_stands(server: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(server)
    held = Held(tab)
    tab.page.clock.install()
    tab.open()
    held.hold()
    tab.page.clock.run_for(8_000)
    banner(tab, r"No news for \d+ s\..*what you see is \d+ s ago")
    expect(tab.page.get_by_role("banner")).to_contain_text("Stale")
    held.release()
    tab.expect_live()
