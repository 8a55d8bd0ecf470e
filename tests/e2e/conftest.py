"""Chromium for the browser tests, and the real server that it is pointed at."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from loguru import logger
from playwright.sync_api import Browser, expect, sync_playwright

from tests.e2e.browsing import Tab
from tests.e2e.live_server import LiveServer

CHROMIUM_ARGUMENTS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
OpenTab = Callable[..., Tab]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Chromium. Without it the tests are skipped; in CI that is a failure.

    Not for the session: while it is open, Playwright has this thread's event loop, and no asynchronous test can run.
    """
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        reason = "Chromium is not installed: `make chromium` installs it"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    expect.set_options(timeout=15_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session", autouse=True)
def quiet() -> None:
    """The application's log goes to its own page, not to the terminal."""
    logger.remove()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    """A fresh run at 120 market seconds a second."""
    with LiveServer(tmp_path, speed=120.0) as live:
        yield live


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[LiveServer]:
    """A run to look at, not to act on: past its first funding payment, and slow from there on."""
    with LiveServer(tmp_path_factory.mktemp("market"), speed=1_200.0) as live:
        page = chromium.new_page()
        page.goto(live.url + "#/funding")
        payments = page.get_by_role("table", name="Funding payments").get_by_role("rowheader")
        expect(payments.first).to_be_visible(timeout=60_000)
        page.close()
        live.slow_down(60.0)
        yield live


@pytest.fixture
def idle(tmp_path: Path) -> Iterator[LiveServer]:
    """A run with no engine started, at a market that hardly moves."""
    with LiveServer(tmp_path, speed=1.0, autostart=False) as live:
        yield live


@pytest.fixture
def open_tab(chromium: Browser) -> Iterator[OpenTab]:
    """Opens pages and closes them after the test, which fails where one of them complained."""
    tabs: list[Tab] = []

    def make(server: LiveServer, **options: Any) -> Tab:
        tabs.append(Tab(chromium, server, **options))
        return tabs[-1]

    yield make
    for tab in tabs:
        tab.close()
