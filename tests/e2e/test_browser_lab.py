"""The Lab page: a carry backtest asked and read in the browser, on made-up hours, on the real ones, and on none."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.e2e.browsing import Tab
from tests.e2e.conftest import OpenTab
from tests.e2e.live_server import LiveServer
from tests.e2e.test_browser_pages import expect_no_violation

pytestmark = pytest.mark.browser

CHECKOUT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("PHANTOM_DATA_DIR", CHECKOUT.parent / "shared" / "data"))
# What Chromium itself logs of an answer that is not 200.
NOT_OK = ("Failed to load resource",)


@pytest.fixture
def real(tmp_path: Path) -> Iterator[LiveServer]:
    """A run whose data folder is the real one; skips the test where that is absent."""
    if not (DATA / "drift_funding_hourly").is_dir():
        pytest.skip(f"no posted hours: {DATA / 'drift_funding_hourly'} is absent (PHANTOM_DATA_DIR names the folder)")
    with LiveServer(tmp_path, speed=1.0, autostart=False, data=DATA) as live:
        yield live


@pytest.fixture
def without_data(tmp_path: Path) -> Iterator[LiveServer]:
    """A run whose data folder is not there."""
    with LiveServer(tmp_path, speed=1.0, autostart=False, data=tmp_path / "nowhere") as live:
        yield live


def result_table(tab: Tab) -> Locator:
    return tab.page.get_by_role("table", name=re.compile("^Result by cause"))


def by_tab(tab: Tab, wanted: Locator) -> None:
    """Move the focus there by the Tab key, from where it is."""
    for _ in range(40):
        tab.page.keyboard.press("Tab")
        if wanted.evaluate("(element) => element === document.activeElement"):
            break
    expect(wanted).to_be_focused()


def test_it_opens_and_runs_by_keyboard(idle: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(idle).open()
    keys = tab.page.keyboard
    keys.press("g")
    keys.press("b")
    expect(tab.page.get_by_role("heading", level=1)).to_be_focused()
    expect(tab.panel("Verdict")).to_contain_text("won with")  # it ran by itself
    heads = result_table(tab).get_by_role("columnheader").all_inner_texts()
    assert heads == ["Cause", "Hold", "Sign-flip", "Hysteresis", "Just hold jitoSOL", "Just hold SOL"]
    spot = tab.page.get_by_label("Spot leg")
    by_tab(tab, spot)
    keys.type("jito")
    expect(spot).to_have_value("jitosol")
    expect(tab.panel("Verdict")).to_contain_text("the form asks another question now")
    run = tab.button("Run SOL-PERP with jitoSOL")
    by_tab(tab, run)
    keys.press("Enter")
    expect(tab.panel("Verdict")).to_contain_text("spot leg jitoSOL")
    expect(tab.panel("Verdict")).not_to_contain_text("another question")
    flips = tab.panel("Decisions").get_by_role("button", name="Sign-flip")
    by_tab(tab, flips)
    keys.press("Enter")
    expect(tab.page.get_by_role("table", name="Decisions of Sign-flip").get_by_role("row").nth(2)).to_be_visible()
    expect(tab.panel("Equity by cause").get_by_role("button", name="Sign-flip")).to_have_attribute(
        "aria-pressed", "true"
    )
    assert tab.sent_actions() == ["AUTH"]


@pytest.mark.parametrize("width", [1400, 390])
def test_the_table_and_the_charts_are_those_of_the_answer(idle: LiveServer, open_tab: OpenTab, width: int) -> None:
    told = idle.get("api/lab/funding?market=SOL-PERP&spot=sol")
    tab = open_tab(idle, width=width).open("lab")
    total = result_table(tab).get_by_role("row", name=re.compile("^Total"))
    came_to = [one["total_usd"] for one in (*told["policies"], *told["holding"])]
    shown = [re.sub(r"[▲▼\s,]", "", text) for text in total.get_by_role("cell").all_inner_texts()]
    assert [float(text.replace("−", "-")) for text in shown] == [pytest.approx(usd, abs=0.005) for usd in came_to]
    verdict = tab.panel("Verdict").inner_text().lower()
    assert all(line.lower() in verdict for line in told["verdict"])
    legend = tab.panel("Equity").get_by_role("button", name=re.compile("^Hysteresis"))
    expect(legend).to_have_attribute("aria-pressed", "true")
    legend.click()
    expect(legend).to_have_attribute("aria-pressed", "false")
    strips = tab.panel("Hours in position").get_by_role("img")
    expect(strips).to_have_count(3)
    expect(strips.first).to_have_attribute("aria-label", re.compile(r"Hold: in position 239 of 240 hours"))
    assert tab.overflow() <= 0


def test_while_it_runs_it_says_so_and_shows_the_shape_to_come(idle: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(idle).open()
    held: list[Route] = []
    tab.page.route("**/api/lab/funding?*", lambda route: held.append(route))
    tab.page.get_by_role("navigation", name="Pages").get_by_role("link", name="Lab").click()
    expect(tab.page.get_by_role("progressbar", name="Backtest under way")).to_be_visible()
    run = tab.button("Running…")
    expect(run).to_have_attribute("aria-disabled", "true")
    expect(run).to_have_attribute("title", "a backtest is running")
    expect(tab.panel("Result by cause")).to_have_attribute("aria-busy", "true")
    expect_no_violation(tab, "lab, running")
    run.click(force=True)
    assert len(held) == 1  # no second question
    held[0].continue_()
    expect(result_table(tab)).to_be_visible()
    expect(tab.page.get_by_role("progressbar")).to_have_count(0)


def test_another_backtest_is_waited_for(idle: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(idle)
    tab.forgiven = NOT_OK
    asked: list[str] = []

    def busy_once(route: Route) -> None:
        asked.append(route.request.url)
        busy = {"code": "busy", "reason": "another backtest is running", "retry_after_s": 0}
        route.fulfill(status=503, json=busy) if len(asked) == 1 else route.continue_()

    tab.page.route("**/api/lab/funding?*", busy_once)
    tab.open("lab")
    expect(result_table(tab)).to_be_visible()
    assert len(asked) == 2


def test_a_span_without_hours_keeps_the_last_good_result(idle: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(idle)
    tab.forgiven = NOT_OK
    tab.open("lab")
    form = tab.panel("Carry backtest")
    before = result_table(tab).inner_text()
    form.get_by_label("From, UTC").fill("2030-01-01")
    tab.button("Run SOL-PERP with SOL").click()
    alert = form.get_by_role("alert")
    expect(alert).to_contain_text("0 posted hours in the span asked for")
    expect(alert).to_contain_text("the file has 2025-04-14")
    expect(alert).to_contain_text("You see the last good result: SOL-PERP, spot leg SOL, $10,000, all recorded hours")
    assert result_table(tab).inner_text() == before
    expect_no_violation(tab, "lab, failed")
    form.get_by_label("From, UTC").fill("2025-04-16")
    tab.button("Run SOL-PERP with SOL").click()
    expect(tab.panel("Verdict")).to_contain_text("192 posted hours of SOL-PERP")
    expect(form.get_by_role("alert")).to_be_empty()


@pytest.mark.parametrize(
    ("label", "typed", "told"),
    [
        ("Notional, USD", "0", "expected whole dollars from 100 to 10,000,000"),
        ("Notional, USD", "1e30", "expected whole dollars"),
        ("To, UTC", "1999-01-01", "expected a day not before 2025-04-16"),
        ("From, UTC", "2040-01-01", "expected a day from 1970 to 2038"),
    ],
)
def test_what_can_not_be_asked_is_not(idle: LiveServer, open_tab: OpenTab, label: str, typed: str, told: str) -> None:
    tab = open_tab(idle).open("lab")
    asked: list[str] = []
    tab.page.on("request", lambda request: asked.append(request.url))
    form = tab.panel("Carry backtest")
    form.get_by_label("From, UTC").fill("2025-04-16")
    form.get_by_label(label).fill(typed)
    expect(form.get_by_label(label)).to_have_attribute("aria-invalid", "true")
    expect(form.get_by_text(told).first).to_be_visible()
    run = tab.button("Run SOL-PERP with SOL")
    expect(run).to_have_attribute("aria-disabled", "true")
    run.click(force=True)
    form.get_by_label("Notional, USD").press("Enter")
    assert asked == []


def test_no_data_folder_says_what_to_do_and_can_be_retried(without_data: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(without_data, width=390)
    tab.forgiven = NOT_OK
    tab.open("lab")
    alert = tab.panel("Carry backtest").get_by_role("alert")
    expect(alert).to_contain_text("there is no recorded data")
    expect(alert).to_contain_text("set PHANTOM_DATA_DIR, or `phantom data fetch funding`")
    expect(tab.panel("Verdict")).to_contain_text("There is no result yet.")
    expect(result_table(tab)).to_have_count(0)
    assert tab.overflow() <= 0
    expect_no_violation(tab, "lab, no data")
    tab.page.route("**/api/lab/funding?*", lambda route: route.abort())
    alert.get_by_role("button", name="Retry").click()
    expect(alert).to_contain_text("Phantom Arbiter can't be reached")


@pytest.mark.realdata
def test_the_real_hours_say_who_won(real: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(real).open("lab")
    verdict = tab.panel("Verdict")
    expect(verdict).to_contain_text("5,544 posted hours of SOL-PERP")
    expect(verdict).to_contain_text("Hysteresis beat hold by")
    expect_no_violation(tab, "lab, real hours")
    market = tab.page.get_by_label("Market")
    market.select_option("BTC-PERP")
    expect(tab.page.get_by_label("Spot leg")).to_have_value("native")
    tab.button("Run BTC-PERP with BTC itself").click()
    expect(verdict).to_contain_text("4,080 posted hours of BTC-PERP")
    expect(verdict).to_contain_text(re.compile("hold won with", re.I))
    expect(verdict).to_contain_text("Hysteresis lost to hold by 0.20 USD.")
    heads = result_table(tab).get_by_role("columnheader").all_inner_texts()
    assert heads == ["Cause", "Hold", "Sign-flip", "Hysteresis", "Just hold BTC"]
