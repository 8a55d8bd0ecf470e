"""Both servers together, on loopback."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from phantom_arbiter.dashboard.frames import ServerFrame
from phantom_arbiter.dashboard.http import WEB_DIR, build_app
from phantom_arbiter.dashboard.listening import listen_loopback
from phantom_arbiter.dashboard.metrics import metrics_registry
from phantom_arbiter.dashboard.port import DashboardPort
from phantom_arbiter.dashboard.security import AllowList, new_token
from phantom_arbiter.dashboard.ws import WebSocketServer, WsLimits

HTTP_PORT: Final = 8000
WS_PORT: Final = 8765
START_POLL_S: Final = 0.005


class _Uvicorn(uvicorn.Server):
    """Uvicorn that leaves signals to the application."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """An ASGI application served on listening sockets."""

    def __init__(self, app: ASGIApp) -> None:
        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            http="h11",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=128,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=3,
        )
        self._server = _Uvicorn(config)
        self._task: asyncio.Task[None] | None = None

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """Returns when it answers requests."""
        self._task = asyncio.create_task(self._server.serve(list(sockets)))
        while not self._server.started:
            if self._task.done():
                await self._task
                raise RuntimeError("the HTTP server ended while starting")
            await asyncio.sleep(START_POLL_S)

    async def stop(self) -> None:
        """Finish requests under way (3 s at most) and close."""
        if self._task is not None:
            self._server.should_exit = True
            await self._task
            self._task = None


class DashboardServer:
    """The page and API on ``http_port``, the WebSocket on ``ws_port`` (0: any free port; read them after `start`).

    ``token`` is this start's; `publish` sends frames to every client.
    """

    def __init__(
        self,
        port: DashboardPort,
        *,
        http_port: int = HTTP_PORT,
        ws_port: int = WS_PORT,
        web_dir: Path = WEB_DIR,
        limits: WsLimits | None = None,
    ) -> None:
        self.token = new_token()
        self.http_port = http_port
        self.ws_port = ws_port
        self._port = port
        self._web_dir = web_dir
        self._limits = limits
        self._http: HttpServer | None = None
        self._ws: WebSocketServer | None = None

    @property
    def url(self) -> str:
        """Where a browser finds the page."""
        return f"http://127.0.0.1:{self.http_port}/"

    @property
    def clients(self) -> int:
        """Authenticated WebSocket clients."""
        return self._ws.clients if self._ws is not None else 0

    async def start(self) -> None:
        """Take both ports, then serve. Raises `listening.PortInUseError`; nothing is left open then."""
        if self._ws is not None:
            raise RuntimeError("the dashboard is started already")
        http_sockets = listen_loopback(self.http_port, "server.http_port")
        try:
            ws_sockets = listen_loopback(self.ws_port, "server.websocket_port")
        except OSError:
            for sock in http_sockets:
                sock.close()
            raise
        self.http_port = http_sockets[0].getsockname()[1]
        self.ws_port = ws_sockets[0].getsockname()[1]
        self._ws = WebSocketServer(
            self._port, self.token, AllowList.of(self.ws_port, page_port=self.http_port), self._limits
        )
        app = build_app(
            self._port,
            token=self.token,
            allow=AllowList.of(self.http_port, page_port=self.http_port),
            ws_port=self.ws_port,
            registry=metrics_registry(self._port, lambda: self.clients),
            web_dir=self._web_dir,
        )
        self._http = HttpServer(app)
        await self._ws.start(ws_sockets)
        await self._http.start(http_sockets)

    async def stop(self) -> None:
        """Close both servers; does nothing where they don't run."""
        http, ws, self._http, self._ws = self._http, self._ws, None, None
        if ws is not None:
            await ws.stop()
        if http is not None:
            await http.stop()

    def publish(self, frames: Sequence[ServerFrame]) -> None:
        """Send frames to every client; never waits."""
        if self._ws is not None:
            self._ws.publish(frames)
