"""Positions by hand in the browser: preview, refusal, take leg by leg, leave, alerts, an upstream that is gone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from playwright.sync_api import Locator, expect

from phantom_arbiter.config import MarketConfig
from phantom_arbiter.core.limits import Limits
from phantom_arbiter.core.safety import SafetyConfig
from phantom_arbiter.engines.funding.settings import FundingConfig
from tests.e2e.browsing import Tab
from tests.e2e.conftest import OpenTab
from tests.e2e.live_server import LiveServer
from tests.e2e.test_browser_pages import expect_no_violation

pytestmark = pytest.mark.browser

Serve = Callable[..., LiveServer]
SPEED = 10.0
LIVE_STEP = "[aria-current=step]"


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Starts a run whose funding engine opens nothing by itself; it outlives the pages that look at it."""
    with ExitStack() as stack:

        def make(**changes: Any) -> LiveServer:
            server = LiveServer(tmp_path, speed=SPEED)
            server.config = structs.replace(server.config, funding=FundingConfig(enter="by_hand"), **changes)
            return stack.enter_context(server)

        yield make


@pytest.fixture
def hands(serve: Serve) -> LiveServer:
    return serve()


def take_form(tab: Tab, market: str = "SOL-PERP") -> Locator:
    """Open the form and wait for its first preview."""
    tab.button(f"Take {market}").click()
    form = tab.page.get_by_role("dialog", name=f"Take position: {market}")
    expect(form.get_by_role("table", name="The account before and after")).to_be_visible()
    return form


def size_field(form: Locator) -> Locator:
    return form.get_by_label("Size, SOL", exact=True)


def step(form: Locator) -> Locator:
    return form.locator(LIVE_STEP)


def confirm_button(form: Locator, words: str) -> Locator:
    return form.get_by_role("button", name=words, exact=True)


def seen(tab: Tab, name: str, pattern: str) -> bool:
    """Whether a noted element ever said that."""
    texts = [" ".join(entry["data"].split()) for entry in tab.recorded() if entry["kind"] == name]
    return any(re.search(pattern, text) for text in texts)


def take(tab: Tab, size: str = "4.2") -> Locator:
    form = take_form(tab)
    size_field(form).fill(size)
    confirm = confirm_button(form, f"Short {size} SOL-PERP, buy {size} SOL")
    expect(confirm).to_have_attribute("aria-disabled", "false")
    confirm.click()
    return form


def test_a_gate_that_refuses_is_shown_with_its_margin(serve: Serve, open_tab: OpenTab) -> None:
    limits = structs.replace(Limits(), order_notional_micros=300_000_000)
    server = serve(safety=SafetyConfig(limits=limits))
    tab = open_tab(server).open("funding")
    form = take_form(tab)
    size_field(form).fill("4.2")
    expect(form).to_contain_text(
        re.compile(r"Notional refuses\. \$[\d,.]+, must be at most \$300\.00: \$[\d,.]+ too much")
    )
    expect(form).to_contain_text("What would have to change: Take less.")
    confirm = confirm_button(form, "Short 4.2 SOL-PERP, buy 4.2 SOL")
    expect(confirm).to_have_attribute("aria-disabled", "true")
    expect(confirm).to_have_accessible_description(re.compile("Notional refuses"))
    confirm.click(force=True)
    form.get_by_text(re.compile(r"\d+ gates measured: Notional refuses")).click()
    assert form.get_by_role("table", name="Gates").get_by_role("row").count() > 10
    expect_no_violation(tab, "a refusing gate", "dialog[open]")
    size_field(form).fill("1")
    expect(confirm_button(form, "Short 1 SOL-PERP, buy 1 SOL")).to_have_attribute("aria-disabled", "false")
    assert set(tab.sent_actions()) == {"AUTH", "PREVIEW"}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("0", "Size: 0 is not above 0."),
        ("-1", "Size: -1 is not above 0."),
        ("NaN", "is not a number"),
        ("1e30", "expected at most 1,000,000,000,000"),
        ("0.00001", "below_minimum"),
        ("100000", "above_maximum"),
    ],
)
def test_a_bad_size_says_what_is_wrong_and_cannot_be_confirmed(
    hands: LiveServer, open_tab: OpenTab, typed: str, said: str
) -> None:
    tab = open_tab(hands).open("funding")
    form = take_form(tab)
    size_field(form).fill(typed)
    expect(form).to_contain_text(said)
    expect(form.locator(".button.primary")).to_have_attribute("aria-disabled", "true")
    form.locator(".button.primary").click(force=True)
    assert set(tab.sent_actions()) == {"AUTH", "PREVIEW"}


def test_take_goes_leg_by_leg_and_leave_flattens_in_two_browsers(hands: LiveServer, open_tab: OpenTab) -> None:
    acts, looks = open_tab(hands).open("funding"), open_tab(hands, width=390).open("funding")
    form = take_form(acts)
    size_field(form).fill("4.2")
    expect(step(form)).to_have_text("Previewed")
    acts.note_changes(acts.panel("Hedge under way"), "saga")
    acts.note_changes(acts.panel("Open positions"), "positions")
    hands.slow_down(1.0)  # so that each leg can be seen
    take_it = confirm_button(form, "Short 4.2 SOL-PERP, buy 4.2 SOL")
    expect(take_it).to_have_attribute("aria-disabled", "false")
    take_it.click()
    expect(step(form)).to_contain_text("Done", timeout=30_000)
    assert seen(acts, "saga", r"Leg 1.*Short the perp.*waiting\W+Spot leg")
    assert seen(acts, "saga", r"Leg 2.*filled\W+Short the perp.*sent\W+Spot leg")
    assert seen(acts, "positions", r"^(?!.*SOL/USDC).*SOL-PERP")
    form.get_by_role("button", name="Close", exact=True).last.click()
    expect(acts.button("Take SOL-PERP")).to_be_focused()
    for tab in (acts, looks):
        held = tab.panel("Open positions").get_by_role("row", name=re.compile("SOL-PERP"))
        expect(held).to_contain_text("−4.2000")
        expect(tab.panel("Hedge")).to_contain_text("taken by hand")
        expect(tab.panel("Hedge under way")).to_contain_text("Done")
        expect(tab.panel("Hedge under way").get_by_role("meter")).to_be_visible()
    sent = next(
        one["data"] for one in acts.recorded() if one["kind"] == "sent" and one["data"]["action"] == "TAKE_POSITION"
    )
    assert sent["size"] == 4.2
    assert sent["preview_hash"]

    acts.button("Leave SOL-PERP").click()
    leave = acts.page.get_by_role("dialog", name="Leave position: SOL-PERP")
    leave_it = leave.get_by_role("button", name=re.compile(r"^Cover 4\.2 SOL-PERP, sell 4\.\d+ SOL$"))
    expect(leave_it).to_have_attribute("aria-disabled", "false")
    leave_it.click()
    expect(step(leave)).to_contain_text("Done", timeout=30_000)
    for tab in (acts, looks):
        expect(tab.panel("Open positions")).not_to_contain_text("SOL-PERP")
    assert [one for one in acts.sent_actions() if one != "PREVIEW"] == ["AUTH", "TAKE_POSITION", "LEAVE_POSITION"]


def test_nothing_is_done_before_the_answer_and_the_orders_say_so(hands: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(hands).open("funding")
    take(tab)
    expect(step(tab.page.get_by_role("dialog"))).to_contain_text("Done", timeout=30_000)
    told = [one for one in tab.recorded() if one["kind"] == "sent" or one["kind"] == "frame"]
    sent = next(at for at, one in enumerate(told) if one["kind"] == "sent" and one["data"]["action"] == "TAKE_POSITION")
    after = [one["type"] for one in told[sent + 1 :] if one["kind"] == "frame"]
    assert after.index("COMMAND_RESULT") < after.index("ORDER_UPDATE")


def test_slider_number_and_max_stay_in_step_by_keyboard(hands: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(hands).open("funding")
    opener = tab.button("Take SOL-PERP")
    opener.focus()
    keys = tab.page.keyboard
    keys.press("Enter")
    form = tab.page.get_by_role("dialog", name="Take position: SOL-PERP")
    expect(form.get_by_role("table", name="The account before and after")).to_be_visible()
    slider, number = form.get_by_role("slider"), size_field(form)
    assert slider.input_value() == number.input_value()
    slider.focus()
    keys.press("Home")
    expect(number).to_have_value("0.01")
    keys.press("ArrowRight")
    expect(number).to_have_value("0.02")
    keys.press("Tab")
    expect(form.get_by_role("button", name="Max")).to_be_focused()
    keys.press("Enter")
    expect(number).not_to_have_value("0.02")
    most = float(number.input_value())
    assert most > 1
    assert float(slider.input_value()) == pytest.approx(most)
    assert slider.get_attribute("aria-valuetext") == f"{number.input_value()} SOL"
    number.fill("2")
    assert float(slider.input_value()) == pytest.approx(2)
    confirm = confirm_button(form, "Short 2 SOL-PERP, buy 2 SOL")
    expect(confirm).to_have_attribute("aria-disabled", "false")
    for _ in range(12):
        keys.press("Tab")
        if confirm.evaluate("(element) => element === document.activeElement"):
            break
    expect(confirm).to_be_focused()
    keys.press("Enter")
    expect(step(form)).to_contain_text("Done", timeout=30_000)
    keys.press("Escape")
    expect(form).to_be_hidden()
    expect(opener).to_be_focused()


def test_margin_is_moved_both_ways(hands: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(hands).open("funding")
    take(tab)
    expect(step(tab.page.get_by_role("dialog"))).to_contain_text("Done", timeout=30_000)
    tab.page.keyboard.press("Escape")
    for opener, title, words in (
        ("Deposit", "Deposit margin", "Deposit $50.00 of margin"),
        ("Withdraw", "Withdraw margin", "Withdraw $50.00 of margin"),
    ):
        tab.button(opener).click()
        form = tab.page.get_by_role("dialog", name=title)
        form.get_by_label(re.compile("^Amount, [A-Z]+$")).fill("50")
        confirm = confirm_button(form, words)
        expect(confirm).to_have_attribute("aria-disabled", "false")
        expect_no_violation(tab, title, "dialog[open]")
        confirm.click()
        expect(step(form)).to_contain_text("Done", timeout=30_000)
        tab.page.keyboard.press("Escape")
        expect(tab.button(opener)).to_be_focused()


def test_columns_sort_by_keyboard(hands: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(hands).open("funding")
    table = tab.page.get_by_role("table", name="Perp markets and their funding")
    heads = table.get_by_role("columnheader", name=re.compile("^Market"))
    heads.get_by_role("button").focus()
    names: list[list[str]] = []
    for way in ("ascending", "descending"):
        tab.page.keyboard.press("Enter")
        expect(heads).to_have_attribute("aria-sort", way)
        names.append(table.locator("tbody th").all_inner_texts())
    assert names[0] == sorted(names[0])
    assert names[1] == names[0][::-1]
    tab.page.get_by_role("button", name="SOL-PERP: rates of 30 days").press("Enter")
    history = tab.page.get_by_role("dialog", name="SOL-PERP: funding of the last 30 days")
    expect(history).to_be_visible()
    expect_no_violation(tab, "history", "dialog[open]")


def test_an_upstream_that_is_gone_shows_the_age_and_no_made_up_number(hands: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(hands)
    tab.forgiven = ("Failed to load resource",)
    tab.open("funding")
    panel = tab.panel("Perp markets")
    asked: list[str] = []
    tab.page.on("request", lambda request: asked.append(request.url) if "drift/markets" in request.url else None)
    before = panel.locator("tbody").inner_text()
    assert "SOL-PERP" in before
    rates = panel.locator("tbody td:nth-child(3)").all_inner_texts()
    reason = '{"code": "no_upstream", "reason": "the venue did not answer", "retry_after_s": 30}'
    tab.page.route("**/api/drift/markets", lambda route: route.fulfill(status=503, body=reason))
    tab.button("Refresh the market table").click()
    expect(panel.get_by_role("alert")).to_contain_text("the venue did not answer")
    expect(panel).to_contain_text(
        re.compile(r"Old by \d+ s\. the venue did not answer\. These are the last good numbers")
    )
    assert panel.locator("tbody td:nth-child(3)").all_inner_texts() == rates
    assert len(asked) == 1  # the ring asks every 30 s, not all the time
    fresh = open_tab(hands)
    fresh.forgiven = ("Failed to load resource",)
    fresh.page.route("**/api/drift/markets", lambda route: route.fulfill(status=503, body=reason))
    fresh.open("funding")
    expect(fresh.panel("Perp markets")).to_contain_text("No number is shown, since none is known.")
    expect(fresh.panel("Perp markets").get_by_role("table")).to_have_count(0)


def test_a_critical_health_is_announced_and_quiet_once_seen(serve: Serve, open_tab: OpenTab) -> None:
    server = serve(market=MarketConfig(speed=3.0, scenario="squeeze"))  # slow: the most is soon less, or too much
    tab, other = open_tab(server).open("funding"), open_tab(server).open("funding")
    form = take_form(tab)
    form.get_by_role("button", name="Max").click()
    expect(form.locator(".button.primary")).to_have_attribute("aria-disabled", "false")
    form.locator(".button.primary").click()
    expect(step(form)).to_contain_text("Done", timeout=30_000)
    tab.page.keyboard.press("Escape")
    server.slow_down(300.0)
    banner = tab.page.get_by_role("region", name="Notices")
    expect(banner).to_contain_text(re.compile(r"Critical · Funding:.*[Ll]iquidation at"), timeout=60_000)
    urgent = tab.page.locator("body > #app > [aria-live=assertive], [aria-live=assertive]").first
    expect(urgent).to_have_text(re.compile(r"CRITICAL: .*[Ll]iquidation at"))
    expect_no_violation(tab, "critical")
    banner.get_by_role("button", name=re.compile("^Acknowledge")).first.press("Enter")
    for one in (tab, other):
        expect(one.page.get_by_role("region", name="Notices")).to_contain_text("seen")
        expect(one.page.get_by_role("region", name="Notices").locator(".banner.bad")).to_have_count(0)
