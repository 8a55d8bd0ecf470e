"""Chromium for the browser tests, and the real server that it is pointed at."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
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


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for all tests. Without it they are skipped; in CI that is a failure."""
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


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    """A fresh run at 120 market seconds a second."""
    live = LiveServer(tmp_path, speed=120.0)
    live.start()
    yield live
    live.stop()


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A run to look at, not to act on: fast enough to be past its first funding hour within seconds."""
    live = LiveServer(tmp_path_factory.mktemp("market"), speed=600.0)
    live.start()
    yield live
    live.stop()


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
