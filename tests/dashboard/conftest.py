"""The fixtures of the dashboard's tests: both servers on free loopback ports."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from phantom_arbiter.dashboard.server import DashboardServer
from phantom_arbiter.dashboard.ws import WsLimits
from tests.dashboard.harness import Answer, Get, MemoryPort


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def port() -> MemoryPort:
    return MemoryPort()


@pytest.fixture
def limits() -> WsLimits:
    """Generous, so that only the tests about a limit meet it."""
    return WsLimits(burst=1_000)


@pytest.fixture
def web_dir(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><html><head><title>P</title></head><body></body></html>")
    (tmp_path / "assets" / "app.js").write_text("export {};")
    return tmp_path


@pytest.fixture
async def server(port: MemoryPort, limits: WsLimits, web_dir: Path) -> AsyncIterator[DashboardServer]:
    running = DashboardServer(port, http_port=0, ws_port=0, limits=limits, web_dir=web_dir)
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
def get(server: DashboardServer) -> Get:
    def ask(path: str, method: str, hosts: list[str], headers: dict[str, str]) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=5)
        try:
            connection.putrequest(method, path, skip_host=True)
            for host in hosts:
                connection.putheader("Host", host)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.endheaders()
            return Answer(connection.getresponse())
        finally:
            connection.close()

    async def get(path: str, method: str = "GET", host: Any = None, headers: dict[str, str] | None = None) -> Answer:
        hosts = [f"127.0.0.1:{server.http_port}"] if host is None else host
        return await asyncio.to_thread(ask, path, method, hosts, headers or {})

    return get


@pytest.fixture
def dial(server: DashboardServer) -> Callable[..., connect]:
    """Opens a socket as the dashboard's own page does."""

    def dial(**options: Any) -> connect:
        options.setdefault("origin", f"http://localhost:{server.http_port}")
        options.setdefault("open_timeout", 5)
        return connect(f"ws://127.0.0.1:{server.ws_port}/", compression=None, proxy=None, max_size=None, **options)

    return dial
