"""Who may talk to the servers: host and origin allow-lists, the per-start token, and what a page may do.

Both servers listen on loopback only, but any web page that a browser on this machine shows can send requests there,
and with DNS rebinding even read the answers. Hence: a Host outside the list is refused (rebinding), a foreign Origin
is refused (cross-site), and whatever changes state needs the token that only our own page carries. No cookies (they
ignore ports) and no CORS headers.
"""

from __future__ import annotations

import secrets
from hmac import compare_digest
from typing import Final

from msgspec import Struct
from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")


def new_token() -> str:
    """A fresh token of 256 bits, safe in HTML and URLs."""
    return secrets.token_urlsafe(32)


def token_matches(expected: str, given: str) -> bool:
    """Compare in constant time."""
    return compare_digest(expected.encode(), given.encode())


class AllowList(Struct, frozen=True):
    """The Host values of one server, and the origins of the dashboard's own page."""

    hosts: frozenset[str]
    origins: frozenset[str]

    @staticmethod
    def of(port: int, page_port: int) -> AllowList:
        """For the server on ``port``, with the page served on ``page_port``."""
        return AllowList(
            hosts=frozenset(f"{name}:{port}" for name in LOOPBACK_NAMES),
            origins=frozenset(f"http://{name}:{page_port}" for name in LOOPBACK_NAMES),
        )

    def refusal(self, hosts: list[str], origins: list[str]) -> str | None:
        """Why a request with these Host and Origin headers is refused; None where it may pass.

        A missing Origin passes here: programs send none, and a browser always does where it matters.
        """
        if len(hosts) != 1 or hosts[0].lower() not in self.hosts:
            given = hosts[0] if len(hosts) == 1 else f"{len(hosts)} values"
            return f"Host: got {given!r}, expected one of {', '.join(sorted(self.hosts))}"
        if len(origins) > 1 or (origins and origins[0] not in self.origins):
            return f"Origin: got {', '.join(origins)!r}, expected one of {', '.join(sorted(self.origins))}"
        return None


def content_security_policy(ws_port: int) -> str:
    """The page may load own files, talk to the two servers, and nothing else."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            f"connect-src 'self' ws://localhost:{ws_port} ws://127.0.0.1:{ws_port}",
            "img-src 'self' data:",
            "font-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        )
    )


class Guard:
    """ASGI middleware: refuses foreign hosts (421) and origins (403), and sets the security headers of every answer."""

    def __init__(self, app: ASGIApp, *, allow: AllowList, ws_port: int) -> None:
        self._app = app
        self._allow = allow
        self._headers = {
            "Content-Security-Policy": content_security_policy(ws_port),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check, then pass on."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
        refusal = self._allow.refusal(hosts, origins)
        if refusal is None:
            await self._app(scope, receive, send_with_headers)
            return
        host_refused = refusal.startswith("Host")
        code = "host_refused" if host_refused else "origin_refused"
        answer = JSONResponse({"code": code, "message": refusal}, status_code=421 if host_refused else 403)
        await answer(scope, receive, send_with_headers)
