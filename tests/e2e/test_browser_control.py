"""Commands in the browser: what is asked, what is answered, and that the page shows nothing before it is so."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.browsing import TITLES, Held
from tests.e2e.conftest import OpenTab
from tests.e2e.live_server import LiveServer

pytestmark = pytest.mark.browser


def test_an_engine_stops_and_starts_only_after_the_answer(server: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(server).open()
    tab.expect_state("lst", "Running")
    tab.note_changes(tab.panel(TITLES["lst"]).locator("header"), "card")
    for act, state in (("Stop LST", "Stopped"), ("Start LST", "Running")):
        tab.button(act).click()
        tab.expect_state("lst", state)
    story = [
        entry["data"] if entry["kind"] == "card" else entry["data"]["action"]
        for entry in tab.recorded()
        if entry["kind"] in ("card", "sent") or entry["type"] == "COMMAND_RESULT"
    ]
    words = [re.sub(r".*\W(?=\w+$)", "", one.strip()) for one in story]
    asked = ["AUTH", "Running", "STOP_ENGINE", "STOP_ENGINE", "Stopped", "START_ENGINE", "START_ENGINE", "Running"]
    assert words == asked


def test_while_the_answer_is_out_the_card_keeps_its_state(server: LiveServer, open_tab: OpenTab) -> None:
    asks, looks = open_tab(server), open_tab(server)
    held = Held(asks)
    asks.open()
    looks.open()
    asks.expect_state("scalp", "Running")
    held.hold()
    asks.button("Stop Scalp").click()
    looks.expect_state("scalp", "Stopped")  # so it is done, and only the asking page has not been told
    asking = asks.page.get_by_role("button", name="Stopping…")
    expect(asking).to_have_attribute("aria-disabled", "true")
    asks.expect_state("scalp", "Running")
    assert held.has("COMMAND_RESULT")
    held.release()
    asks.expect_state("scalp", "Stopped")
    expect(asks.button("Start Scalp")).to_have_attribute("aria-disabled", "false")


def test_a_refusal_says_why(server: LiveServer, open_tab: OpenTab) -> None:
    late, prompt = open_tab(server), open_tab(server)
    held = Held(late)
    late.open()
    prompt.open()
    late.expect_state("arb", "Running")
    held.hold("ENGINE_STATUS")
    prompt.button("Stop Arb").click()
    prompt.expect_state("arb", "Stopped")
    late.button("Stop Arb").click()
    refusal = late.panel(TITLES["arb"]).get_by_role("alert")
    expect(refusal).to_contain_text("not_running")
    expect(refusal).to_contain_text("arb is stopped")
    late.expect_state("arb", "Running")
    held.release()
    late.expect_state("arb", "Stopped")


def test_two_browsers_stay_in_step(server: LiveServer, open_tab: OpenTab) -> None:
    first, second = open_tab(server).open(), open_tab(server, width=390).open()
    first.button("Pause Funding").click()
    second.expect_state("funding", "Paused")
    second.button("Resume Funding").click()
    first.expect_state("funding", "Running")
    first.button("Stop Scalp").click()
    second.expect_state("scalp", "Stopped")
    run = "document.querySelector('footer').textContent"
    assert first.page.evaluate(run) == second.page.evaluate(run)


def test_buttons_work_by_keyboard_alone(server: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(server).open()
    tab.expect_state("lst", "Running")
    keys = tab.page.keyboard
    for act, state in (("Pause LST", "Paused"), ("Resume LST", "Running"), ("Stop LST", "Stopped")):
        tab.page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
        wanted = tab.button(act)
        for _ in range(80):
            keys.press("Tab")
            if wanted.evaluate("(element) => element === document.activeElement"):
                break
        expect(wanted).to_be_focused()
        keys.press("Enter")
        tab.expect_state("lst", state)
    assert tab.sent_actions() == ["AUTH", "PAUSE_ENGINE", "START_ENGINE", "STOP_ENGINE"]


def test_keys_move_about_and_send_nothing(server: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(server).open()
    keys, heading = tab.page.keyboard, tab.page.get_by_role("heading", level=1)
    titles = ("Funding", "LST", "Scalp", "Arb", "Risk", "Lab", "Log", "Overview")
    for letter, title in zip("flsarbjo", titles, strict=True):
        keys.press("g")
        keys.press(letter)
        expect(heading).to_have_text(title)
        expect(heading).to_be_focused()
        assert "PAPER" in tab.page.title()
    keys.press("?")
    help_dialog = tab.page.get_by_role("dialog", name="Keys and help")
    expect(help_dialog).to_be_visible()
    keys.press("Escape")
    expect(help_dialog).to_be_hidden()
    keys.press("?")
    expect(help_dialog).to_be_visible()
    # In one task, so that the dialog's close event comes after the key: it must not take the focus back.
    tab.page.evaluate(
        "() => { document.querySelector('dialog[open]').close();"
        " dispatchEvent(new KeyboardEvent('keydown', { key: '/', cancelable: true })); }"
    )
    expect(tab.page.get_by_label("Filter", exact=True)).to_be_focused()
    assert tab.sent_actions() == ["AUTH"]


def test_the_kill_dialog_traps_the_focus_and_escape_closes_it(server: LiveServer, open_tab: OpenTab) -> None:
    tab = open_tab(server).open()
    opener = tab.button("Kill switch")
    opener.click()
    dialog = tab.page.get_by_role("dialog", name="Kill switch")
    expect(dialog).to_be_visible()
    for level in ("1 · Pause", "2 · Cancel", "3 · Flatten"):
        expect(dialog.get_by_text(level)).to_be_visible()
    inside = "document.activeElement === document.body || document.activeElement.closest('dialog[open]') !== null"
    for key in ["Tab"] * 12 + ["Shift+Tab"] * 12:
        tab.page.keyboard.press(key)
        assert tab.page.evaluate(inside)
    tab.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    assert tab.sent_actions() == ["AUTH"]


def test_the_kill_switch_stops_entries_everywhere_and_is_released(server: LiveServer, open_tab: OpenTab) -> None:
    first, second = open_tab(server).open(), open_tab(server).open("risk")
    first.button("Kill switch").click()
    first.button("Pause all entries").click()
    for tab in (first, second):
        expect(tab.page.get_by_text("Kill switch on: pause.", exact=True)).to_be_visible()
    assert server.get("api/engines")["engines"][0]["status_reason"] != ""
    first.button("Killed: pause").click()
    first.button("Release the kill switch").click()
    for tab in (first, second):
        expect(tab.page.get_by_text("Kill switch on: pause.", exact=True)).to_be_hidden()
    assert first.sent_actions() == ["AUTH", "KILL", "RESET_KILL"]
