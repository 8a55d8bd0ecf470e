"""The real application on free loopback ports, in a thread of its own, so that a test can stop and start it."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from phantom_arbiter.app.running import App
from phantom_arbiter.config import Config, MarketConfig, PerpVenueConfig, ServerConfig
from phantom_arbiter.sim.driver_config import DriverConfig
from tests.e2e.recorded_hours import write_hours

PATIENCE_S: Final = 30.0


class LiveServer:
    """One folder and one pair of ports; each `start` is a new application on them, with a new token.

    ``data``: the folder of recorded data, made-up hours where none is named.
    """

    def __init__(
        self,
        home: Path,
        *,
        speed: float,
        autostart: bool = True,
        data: Path | None = None,
        perp_venue: PerpVenueConfig | None = None,
    ) -> None:
        http_port, websocket_port = _free_ports(2)
        self.config = Config(
            market=MarketConfig(speed=speed),
            server=ServerConfig(http_port, websocket_port),
            perp_venue=perp_venue or PerpVenueConfig(),
            driver=DriverConfig(settle_min_atoms=1),  # funding is paid every hour, however little it is
            autostart=autostart,
        )
        self.url = f"http://127.0.0.1:{http_port}/"
        self._home = home
        self._data = data or write_hours(home / "recorded")
        self._thread: threading.Thread | None = None

    def __enter__(self) -> LiveServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Returns when the page can be had; raises what kept the application from starting."""
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("PHANTOM_DATA_DIR", str(self._data))
            self._app = app = App(self.config, self._home)
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._failure: BaseException | None = None
        up = threading.Event()

        async def serve() -> None:
            await app.start()
            up.set()
            try:
                await app.until(self._stop)
            finally:
                await app.stop()

        def main() -> None:
            try:
                self._loop.run_until_complete(serve())
            except BaseException as failure:  # noqa: BLE001 - handed over to the test's thread
                self._failure = failure
            finally:
                self._loop.close()
                up.set()

        self._thread = threading.Thread(target=main, name="live-server", daemon=True)
        self._thread.start()
        assert up.wait(PATIENCE_S), "the application did not start"
        if self._failure is not None:
            self.stop()

    def stop(self) -> None:
        """Returns when both ports are free again; raises what broke the application."""
        if self._thread is None:
            return
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), "the application did not stop"
        self._thread = None
        if self._failure is not None:
            raise self._failure

    def get(self, path: str) -> Any:
        """The JSON that the application answers under ``path``, whatever its status."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=PATIENCE_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return json.load(refusal)

    def slow_down(self, speed: float) -> None:
        """Go on at another speed, without a restart."""
        self._loop.call_soon_threadsafe(self._set_speed, speed)

    def _set_speed(self, speed: float) -> None:
        market = msgspec.structs.replace(self._app.config.market, speed=speed)
        self._app.config = msgspec.structs.replace(self._app.config, market=market)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in sockets]
    finally:
        for sock in sockets:
            sock.close()
