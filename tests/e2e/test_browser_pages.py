"""Every page at both widths in both themes: it fits, it reads, axe finds nothing, and it says PAPER."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.e2e.browsing import PAGES, TITLES, Tab, Width
from tests.e2e.conftest import OpenTab
from tests.e2e.live_server import LiveServer

pytestmark = pytest.mark.browser

LAB_CHARTS = ["Equity", "Equity by cause"]
PANELS = {
    "overview": ["Equity", "P&L by cause", *TITLES.values(), "Open positions", "Vault balances", "Tape"],
    "funding": ["Funding (Delta Neutral)", "Best markets", "Hedge", "Perp markets", "Funding payments"],
    "lst": ["LST (De-Pegger)", "Market against fair value", "Held, and the exit ladder", "Orders", "Last refusals"],
    "scalp": ["Scalp", "Pods", "Signals", "Under way", "Price and our fills", "Orders", "Last refusals"],
    "arb": ["Arb (Trip Hopper)", "Search", "Opportunities", "Cost waterfall", "Orders", "Last refusals"],
    "risk": ["Kill switch", "Alerts", "Gates", "Exposure", "Last refusals", "System"],
    "lab": ["Carry backtest", "Verdict", "Result by cause", *LAB_CHARTS, "Hours in position", "Decisions"],
    "log": ["Log"],
}
BARE = {"", "error", "null", "undefined", "nan", "[object object]"}


def expect_no_violation(tab: Tab, where: str, within: str | None = None) -> None:
    found = Axe().run(tab.page, within)
    assert found.violations_count == 0, f"{where}: {found.generate_report()}"


def expect_page_reads(tab: Tab, name: str) -> None:
    expect(tab.page.locator("[aria-busy=true]")).to_have_count(0)
    for title in PANELS[name]:
        panel = tab.panel(title)
        expect(panel).to_be_visible()
        said = panel.inner_text().replace(panel.get_by_role("heading").first.inner_text(), "", 1).strip()
        assert said.lower() not in BARE, f"{name}: {title} says nothing"
    text = tab.page.get_by_role("main").inner_text()
    for bad in ("NaN", "undefined", "[object", "Infinity"):
        assert bad not in text, f"{name}: {bad}"
    empty = tab.page.locator("main tbody:not(:has(tr))")
    expect(empty).to_have_count(0)


@pytest.mark.parametrize(("width", "theme"), [(1400, "dark"), (390, "light")])
def test_every_page_reads_fits_and_is_accessible(
    market: LiveServer, open_tab: OpenTab, width: Width, theme: str
) -> None:
    tab = open_tab(market, width=width, theme=theme).open()
    expect(tab.page.locator("html")).to_have_attribute("data-theme", theme)
    for name in PAGES:
        tab.go(name)
        expect_page_reads(tab, name)
        assert tab.overflow() <= 0, f"{name} is {tab.overflow()} px wider than {width}"
        expect_no_violation(tab, f"{name}, {width} px, {theme}")


@pytest.mark.parametrize("width", [1400, 390])
def test_paper_is_unmistakable(market: LiveServer, open_tab: OpenTab, width: Width) -> None:
    tab = open_tab(market, width=width).open()
    for name in PAGES:
        tab.go(name)
        word = tab.page.get_by_role("banner").get_by_text("PAPER")
        expect(word).to_be_visible()
        expect(word).to_be_in_viewport(ratio=1)
        expect(word).to_contain_text("no real money moves")
        assert tab.page.title().startswith("PAPER · ")
        tab.page.evaluate("scrollTo(0, document.body.scrollHeight)")
        expect(word).to_be_in_viewport(ratio=1)
        frame = tab.page.evaluate(
            """() => {
              const style = getComputedStyle(document.querySelector(".frame"), "::after");
              return [style.position, style.borderTopWidth, style.borderTopColor];
            }"""
        )
        assert frame == ["fixed", "3px", "rgb(31, 95, 209)"]  # blue


def test_the_theme_is_kept(market: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(market).open()
    tab.button("Use the light theme").click()
    tab.page.reload()
    tab.expect_live()
    expect(tab.page.locator("html")).to_have_attribute("data-theme", "light")
    tab.button("Use the dark theme").click()
    expect(tab.page.locator("html")).to_have_attribute("data-theme", "dark")


@pytest.mark.parametrize(
    ("name", "opener", "width"),
    [
        ("Kill switch", "Kill switch", 390),
        ("Keys and help", "Keys and help", 1400),
        ("Alerts", "Alerts", 390),
        ("Connection, feeds and venues", "Connected", 390),
    ],
)
def test_dialogs_are_accessible(market: LiveServer, open_tab: OpenTab, name: str, opener: str, width: Width) -> None:
    tab = open_tab(market, width=width).open()
    tab.page.get_by_role("banner").get_by_role("button", name=opener).click()
    expect(tab.page.get_by_role("dialog", name=name)).to_be_visible()
    expect_no_violation(tab, name, "dialog[open]")
    assert tab.overflow() <= 0
    tab.page.keyboard.press("Escape")
    expect(tab.page.get_by_role("dialog")).to_be_hidden()


@pytest.mark.parametrize(
    ("name", "title"),
    [("overview", "Equity"), ("funding", "Price and our fills"), ("lab", "Equity"), ("lab", "Equity by cause")],
)
def test_a_chart_is_drawn_and_can_be_read_as_a_table(
    market: LiveServer, open_tab: OpenTab, name: str, title: str
) -> None:
    panel = open_tab(market).open(name).panel(title)
    canvas = panel.locator("canvas").first
    expect(canvas).to_be_visible()
    assert (canvas.bounding_box() or {"width": 0.0})["width"] > 200
    expect(panel.get_by_role("img")).to_have_attribute("aria-label", re.compile(r"\d"))
    panel.get_by_role("button", name=f"{title}: Table").click()
    expect(panel.locator("canvas")).to_have_count(0)
    expect(panel.get_by_role("table").get_by_role("row").nth(1)).to_be_visible()


def test_a_run_that_has_not_begun_explains_its_empty_panels(idle: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(idle, width=390).open()
    for engine in TITLES:
        tab.expect_state(engine, "Stopped")
    expect(tab.panel("Open positions")).to_contain_text("Nothing is held.")
    for name in PAGES:
        tab.go(name)
        expect_page_reads(tab, name)
        assert tab.overflow() <= 0
    expect_no_violation(tab, "the last page, idle")
    tab.go("funding")
    expect(tab.panel("Funding payments")).to_contain_text("No funding was paid or received yet.")
