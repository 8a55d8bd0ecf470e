"""The Arb page in the browser: the tape, a route and its costs, what became of what was sent, and the graveyard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import pytest
from msgspec import structs
from playwright.sync_api import Browser, Locator, expect

from phantom_arbiter.config import MarketConfig
from tests.e2e.browsing import Tab, Width
from tests.e2e.conftest import OpenTab
from tests.e2e.live_server import LiveServer
from tests.e2e.test_browser_pages import expect_no_violation

pytestmark = pytest.mark.browser

TALK: Final = ["Search", "Opportunities", "Route", "Cost waterfall", "Not taken, and what that cost"]
MORE: Final = ["What became of those sent", "Graveyard", "Pools by venue"]
IN_FRAME: Final = """(svg) => {
  const frame = svg.getBoundingClientRect();
  return [...svg.querySelectorAll("text, rect, path, polygon")].filter((one) => {
    const box = one.getBoundingClientRect();
    const across = box.left < frame.left - 1 || box.right > frame.right + 1;
    return across || box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
  }).map((one) => one.textContent || one.tagName);
}"""


@pytest.fixture(scope="module")
def arb(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[LiveServer]:
    """A volatile market in which something was sent, ended, and was passed over; slow from there on."""
    server = LiveServer(tmp_path_factory.mktemp("arb"), speed=1_200.0)
    server.config = structs.replace(server.config, market=MarketConfig(speed=1_200.0, scenario="volatile"))
    with server as live:
        page = chromium.new_page()
        page.goto(live.url + "#/arb")
        for table in ("Transactions by what became of them", "Opportunities not taken"):
            expect(page.get_by_role("table", name=table)).to_be_visible(timeout=60_000)
        page.close()
        live.slow_down(20.0)
        yield live


def tape(tab: Tab) -> Locator:
    return tab.page.get_by_role("table", name="Arbitrage opportunities")


def look(tab: Tab, row: Locator) -> str:
    """Choose a row, while the tape stands still under the pointer; its route as the tape shows it."""
    row.hover()
    route = row.get_by_role("rowheader").inner_text()
    row.get_by_role("button").click()
    return route


def graves(tab: Tab) -> Locator:
    return tab.page.get_by_role("table", name="Opportunities not taken")


def money(text: str) -> float:
    return float(re.sub(r"[^\d.−]", "", text).replace("−", "-"))


def test_a_chosen_opportunity_has_its_route_drawn_and_its_costs_taken_apart(arb: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(arb).open("arb")
    expect(tab.panel("Route")).to_contain_text("of the newest opportunity")
    route = look(tab, tape(tab).locator("tbody tr").nth(3))
    for title in ("Route", "Cost waterfall"):
        expect(tab.panel(title)).to_contain_text("of the one you chose")
    assets = route.split(" → ")
    drawing = tab.panel("Route").get_by_role("img")
    expect(drawing).to_have_accessible_name(re.compile(f"^Route: {assets[0]} to {assets[1]} .*through "))
    assert drawing.locator(".asset").all_text_contents() == assets
    assert drawing.evaluate(IN_FRAME) == []
    waterfall = tab.page.get_by_role("table", name=f"Cost waterfall of {' to '.join(assets)}")
    steps = waterfall.locator("tbody th").all_inner_texts()
    assert steps == ["Gross", "Pool fees", "Base fee", "Priority", "Tip", "Rent", "Net"]
    figures = [money(text) for text in waterfall.locator("tbody td.num").all_inner_texts()]
    assert sum(figures[:-1]) == pytest.approx(figures[-1], abs=5e-4)
    assert all(cost <= 0 for cost in figures[1:-1])


def test_what_was_sent_says_what_became_of_it(arb: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(arb).open("arb")
    tab.button("Sent").click()
    expect(tape(tab)).not_to_contain_text("Refused")
    ended = tape(tab).get_by_role("row", name=re.compile("Landed|Beaten|Reverted|Dropped|Expired|Failed")).first
    ended.hover()
    verdict = ended.locator(".badge").inner_text().split()[-1]
    look(tab, ended)
    expect(tab.panel("Cost waterfall")).to_contain_text(re.compile(rf"{verdict}\s*Realised .*\$\d+\.\d{{4}}"))
    outcomes = tab.panel("What became of those sent")
    bar = outcomes.get_by_role("img")
    expect(bar).to_have_accessible_name(re.compile(r"^Landing: \w+ \d+ \(\d+ %\)"))
    told = re.findall(r"(\d+) \((\d+) %\)", bar.get_attribute("aria-label") or "")
    whole = sum(int(count) for count, _ in told)
    assert all(abs(100 * int(count) / whole - int(share)) <= 0.5 for count, share in told)
    for stat in ("Hit rate", "Hoped for", "Expected", "Realised"):
        expect(outcomes.locator(".stat").filter(has_text=stat)).to_contain_text(re.compile(r"\d"))


def test_the_graveyard_is_filtered_by_reason_with_counts(arb: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(arb).open("arb")
    choices = tab.page.get_by_role("group", name="Filter by reason").get_by_role("button")
    expect(choices.first).to_have_attribute("aria-pressed", "true")
    choice = choices.nth(1)
    choice.hover()  # the list stands still while it is pointed at
    tab.panel("Graveyard").get_by_role("table").hover()
    reason, count = re.fullmatch(r"(.+?)\s+(\d+)", choice.inner_text()).groups()  # type: ignore[union-attr]
    choice.press("Enter")
    expect(choice).to_have_attribute("aria-pressed", "true")
    expect(graves(tab).locator("tbody .badge")).to_have_text([reason] * int(count))
    opener = graves(tab).get_by_role("button", name=re.compile("^Route of ")).first
    opener.press("Enter")
    expect(opener).to_have_attribute("aria-expanded", "true")
    opened = graves(tab).locator(".more")
    expect(opened).to_contain_text(
        re.compile(r"Why: .+ It promised .?\$\d.+(Would have paid|Later slots|No later quote)")
    )
    assert opened.get_by_role("img").evaluate(IN_FRAME) == []
    opener.press("Enter")
    expect(opened).to_have_count(0)
    sums = tab.panel("Not taken, and what that cost")
    expect(sums).to_contain_text(re.compile(r"Not having them (cost|saved) \$[\d.]+ by the next slot"))
    expect(sums).to_contain_text("They know nothing of our own luck")


def test_the_search_is_timed_while_somebody_looks(arb: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(arb).open("arb")
    for stat in ("Fact to verdict, p50", "Fact to verdict, p99"):
        expect(tab.panel("Search").locator(".stat").filter(has_text=stat)).to_contain_text(re.compile(r"\d (µs|ms)"))
    venues = tab.page.get_by_role("table", name="Pools by venue and their age")
    pools = sum(int(text) for text in venues.locator("tbody td:nth-child(2)").all_inner_texts())
    watched = tab.panel("Search").locator(".stat").filter(has_text="Pools watched").locator("dd")
    assert pools == int(watched.inner_text()) > 0
    assert all(re.fullmatch(r"[\d,]+", text) for text in venues.locator("tbody td:nth-child(4)").all_inner_texts())


def test_everything_can_be_reached_by_keyboard(arb: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(arb).open("arb")
    keys = tab.page.keyboard
    tape(tab).get_by_role("button", name=re.compile("^Route and costs of ")).nth(2).focus()
    keys.press("Enter")
    expect(tab.page.locator(":focus")).to_have_attribute("aria-pressed", "true")
    tab.button("Route: Table").focus()
    keys.press("Space")
    table = tab.panel("Route").get_by_role("table")
    expect(table).to_be_visible()
    expect(table.locator("tbody td.num").first).to_have_text(re.compile(r"^\d+ %$"))
    keys.press("Space")
    expect(tab.panel("Route").get_by_role("img")).to_be_visible()


@pytest.mark.parametrize(("width", "theme"), [(1400, "light"), (390, "dark"), (390, "light")])
def test_with_everything_open_it_reads_and_fits(arb: LiveServer, open_tab: OpenTab, width: Width, theme: str) -> None:
    tab = open_tab(arb, width=width, theme=theme).open("arb")
    # By keyboard: on a narrow page the table's head stays in view above the first row, where a pointer would meet it.
    tape(tab).get_by_role("button", name=re.compile("^Route and costs of ")).first.press("Enter")
    graves(tab).get_by_role("button", name=re.compile("^Route of ")).first.click()
    for title in (*TALK, *MORE):
        expect(tab.panel(title)).to_be_visible()
    drawing = tab.panel("Route").get_by_role("img")
    assert drawing.evaluate(IN_FRAME) == []
    assert (drawing.bounding_box() or {"width": 0.0})["width"] > 300
    assert tab.overflow() <= 0
    expect_no_violation(tab, f"arb, {width} px, {theme}")


def test_before_anything_was_seen_each_panel_says_why(idle: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(idle).open("arb")
    for title, why in (
        ("Search", "the engine does not search now"),
        ("Opportunities", "No cycle has been proposed since Phantom Arbiter started."),
        ("Route", "No opportunity to draw yet."),
        ("Cost waterfall", "No opportunity to take apart yet."),
        ("What became of those sent", "No transaction was sent in this run."),
        ("Not taken, and what that cost", "No opportunity was passed over in this run."),
        ("Graveyard", "No opportunity was passed over in this run."),
    ):
        expect(tab.panel(title)).to_contain_text(why)
    expect_no_violation(tab, "arb, idle")
