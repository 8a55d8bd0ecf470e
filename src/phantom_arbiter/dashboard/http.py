"""The HTTP interface (:8000): the page, the reading API, health and metrics. Nothing here changes state."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import UNSET, Struct, UnsetType
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from phantom_arbiter.dashboard.lab import LabQuery
from phantom_arbiter.dashboard.openapi import API, Parameter, TextParameter, openapi_document
from phantom_arbiter.dashboard.panels import MarketsResponse
from phantom_arbiter.dashboard.port import DashboardPort, NotFound, Unavailable
from phantom_arbiter.dashboard.security import AllowList, Guard

WEB_DIR: Final = Path(__file__).parent / "web"
TOKEN_META: Final = "phantom-token"
WS_META: Final = "phantom-ws-port"

NOT_BUILT: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Phantom Arbiter</title></head><body>
<h1>The dashboard's page is not built</h1>
<p>Phantom Arbiter runs, and its API answers at <a href="/api/openapi.json">/api/openapi.json</a>.
To build the page, with Node.js 20.19 or newer, in the checkout:</p>
<pre>cd ui
npm ci --ignore-scripts
npm run build</pre>
<p>Then reload.</p>
</body></html>
"""


class Problem(Struct, frozen=True, omit_defaults=True):
    """What is wrong with a request."""

    code: str
    message: str
    field: str | UnsetType = UNSET
    expected: str | UnsetType = UNSET


class BadQueryError(ValueError):
    """A query parameter that is not sound."""

    def __init__(self, name: str, value: str, expected: str) -> None:
        super().__init__(f"{name}: got {value!r}, expected {expected}")
        self.problem = Problem("invalid_parameter", str(self), name, expected)


class Pages:
    """The handlers. All read state in memory, within the event loop."""

    def __init__(
        self, port: DashboardPort, token: str, ws_port: int, web_dir: Path, registry: CollectorRegistry
    ) -> None:
        self._port = port
        self._token = token
        self._ws_port = ws_port
        self._web_dir = web_dir
        self._registry = registry
        self._markets: tuple[MarketsResponse | None, bytes] = (None, b"")

    def page(self, request: Request) -> Response:
        """The built page, with this run's token in it. (A plain function: Starlette runs it in a thread.)"""
        del request
        try:
            html = (self._web_dir / "index.html").read_text(encoding="utf-8")
        except FileNotFoundError:
            return HTMLResponse(NOT_BUILT)
        metas = (
            f'<meta name="{TOKEN_META}" content="{escape(self._token)}">'
            f'<meta name="{WS_META}" content="{self._ws_port}">'
        )
        return HTMLResponse(html.replace("<head>", f"<head>{metas}", 1))

    async def markets(self, request: Request) -> Response:
        """The perp market table. Encoded once for as long as the application hands out the same answer."""
        _query(request)
        answer = self._port.markets()
        if isinstance(answer, Unavailable):
            return _json(answer, 503, {"Retry-After": str(answer.retry_after_s)})
        told, body = self._markets
        if told is not answer:
            body = msgspec.json.encode(answer)
            self._markets = (answer, body)
        return Response(body, media_type="application/json")

    async def engines(self, request: Request) -> Response:
        """All engines."""
        _query(request)
        return _json(self._port.engines())

    async def positions(self, request: Request) -> Response:
        """Everything held."""
        _query(request)
        return _json(self._port.positions())

    async def trades(self, request: Request) -> Response:
        """Our last fills."""
        return _json(self._port.trades(_query(request)["limit"]))

    async def vaults(self, request: Request) -> Response:
        """Balances and P&L."""
        _query(request)
        return _json(self._port.vaults())

    async def journal(self, request: Request) -> Response:
        """A page of the journal."""
        query = _query(request)
        return _json(self._port.journal(query["limit"], query["before_seq"]))

    async def carry_lab(self, request: Request) -> Response:
        """A backtest; it may take a second."""
        answer = await self._port.carry_lab(msgspec.convert(_query(request), LabQuery))
        if isinstance(answer, Unavailable):
            return _json(answer, 503, {"Retry-After": str(answer.retry_after_s)})
        return _json(answer, 404 if isinstance(answer, NotFound) else 200)

    async def health(self, request: Request) -> Response:
        """200 when everything works, else 503."""
        _query(request)
        health = self._port.health()
        return _json(health, 200 if health.ok else 503)

    async def metrics(self, request: Request) -> Response:
        """Prometheus text."""
        del request
        return Response(generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def openapi(self, request: Request) -> Response:
        """The OpenAPI document."""
        del request
        return JSONResponse(openapi_document())


def build_app(
    port: DashboardPort,
    *,
    token: str,
    allow: AllowList,
    ws_port: int,
    registry: CollectorRegistry,
    web_dir: Path = WEB_DIR,
) -> Starlette:
    """The ASGI application."""
    pages = Pages(port, token, ws_port, web_dir, registry)
    routes: list[BaseRoute] = [
        Route("/", pages.page, methods=["GET"]),
        Route("/index.html", pages.page, methods=["GET"]),
        *(Route(route.path, getattr(pages, route.name), methods=["GET"]) for route in API),
    ]
    if web_dir.is_dir():
        routes.append(Mount("/", StaticFiles(directory=web_dir)))
    return Starlette(
        routes=routes,
        middleware=[Middleware(Guard, allow=allow, ws_port=ws_port)],
        exception_handlers={HTTPException: _http_problem, BadQueryError: _query_problem},
    )


def _query(request: Request) -> dict[str, Any]:
    """The route's parameters, checked; a parameter it does not have is refused."""
    route = next(route for route in API if route.path == request.url.path)
    known = {parameter.name: parameter for parameter in route.parameters}
    values: dict[str, Any] = {name: parameter.default for name, parameter in known.items()}
    for name, text in request.query_params.multi_items():
        if name not in known:
            raise BadQueryError(name[:64], text[:64], f"no such parameter (known: {', '.join(known) or 'none'})")
        parameter = known[name]
        values[name] = _text(parameter, text) if isinstance(parameter, TextParameter) else _integer(parameter, text)
    return values


def _text(parameter: TextParameter, text: str) -> str:
    if re.fullmatch(parameter.pattern, text) is None:
        raise BadQueryError(parameter.name, text[:64], f"text that matches {parameter.pattern}")
    return text


def _integer(parameter: Parameter, text: str) -> int:
    sound = text.isascii() and text.isdecimal() and len(text) <= len(str(parameter.maximum))
    if not sound or not parameter.minimum <= int(text) <= parameter.maximum:
        expected = f"an integer from {parameter.minimum} to {parameter.maximum}"
        raise BadQueryError(parameter.name, text[:64], expected)
    return int(text)


def _json(body: Struct, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(body), status, headers, media_type="application/json")


async def _http_problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "http_error")
    problem = Problem(code, f"{request.method} {request.url.path}: {error.detail}")
    return _json(problem, error.status_code, dict(error.headers or {}))


async def _query_problem(request: Request, error: Exception) -> Response:
    del request
    if not isinstance(error, BadQueryError):
        raise error
    return _json(error.problem, 400)
