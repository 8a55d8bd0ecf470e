"""Reading from a venue over HTTP: time limits, retries, a rate limit, a size limit, and one way to fail.

Only reads come through here: they may be asked twice. A body is handed on whole or not at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final, Literal
from urllib.parse import urlsplit

import httpx2
import stamina
from aiolimiter import AsyncLimiter
from msgspec import Struct

from phantom_arbiter.venues.errors import VenueUnavailable

_PASSING: Final = (httpx2.TimeoutException, httpx2.NetworkError, httpx2.RemoteProtocolError)
"""A silence, a connection refused or broken, an answer cut off: the next attempt may fare better."""

# A read that failed says how often it was tried; stamina's own log lines and counters would tell it twice.
stamina.instrumentation.set_on_retry_hooks([])


class ReadPolicy(Struct, frozen=True):
    """Limits of a read.

    ``silence_s`` bounds each wait for bytes, ``deadline_s`` the whole read with its attempts, waits and body. Waits
    double from ``wait_initial_s`` to ``wait_max_s``, plus up to ``wait_jitter_s``; a venue's Retry-After goes before.
    At most ``rate`` requests start in ``rate_period_s``. ``max_bytes`` counts the unpacked body.
    """

    connect_s: float = 5.0
    silence_s: float = 8.0
    deadline_s: float = 25.0
    attempts: int = 4
    wait_initial_s: float = 0.5
    wait_max_s: float = 6.0
    wait_jitter_s: float = 0.5
    rate: float = 5.0
    rate_period_s: float = 1.0
    max_bytes: int = 16 * 2**20


class _Refused(Exception):
    """An HTTP status other than 200."""

    def __init__(self, status: int, retry_after_s: float | None) -> None:
        super().__init__(status)
        self.status = status
        self.retry_after_s = retry_after_s


class _TooLong(Exception):
    """A body beyond the limit."""


def open_http(policy: ReadPolicy) -> httpx2.AsyncClient:
    """A client with the policy's timeouts; it follows no redirect."""
    timeout = httpx2.Timeout(policy.silence_s, connect=policy.connect_s)
    return httpx2.AsyncClient(timeout=timeout, limits=httpx2.Limits(max_connections=4), follow_redirects=False)


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """Seconds that a Retry-After asks to wait, told in seconds or as a date (RFC 9110 §10.2.3); None: not readable."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


class VenueHttp:
    """Reads bodies from one base URL under a policy.

    Raises ValueError where ``base_url`` is not an http(s) URL with a host. Messages name host and path only: what else
    a URL holds may be secret.
    """

    def __init__(self, base_url: str, http: httpx2.AsyncClient, policy: ReadPolicy) -> None:
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"base URL: got {parts.scheme}://{parts.hostname or ''}, expected http(s)://HOST")
        self._base = base_url.rstrip("/")
        self._host = parts.netloc.rpartition("@")[2]
        self._http = http
        self._policy = policy
        self._limiter = AsyncLimiter(policy.rate, policy.rate_period_s)

    async def get(self, path: str, *, headers: Mapping[str, str] | None = None) -> bytes:
        """The body at ``path``. Raises `VenueUnavailable`."""
        return await self._read("GET", path, dict(headers or {}), None)

    async def post(self, path: str, body: bytes) -> bytes:
        """The answer to a JSON question that changes nothing. Raises `VenueUnavailable`."""
        return await self._read("POST", path, {"content-type": "application/json"}, body)

    async def _read(
        self, method: Literal["GET", "POST"], path: str, headers: dict[str, str], body: bytes | None
    ) -> bytes:
        tries = _Tries(self._host + path.partition("?")[0], self._policy)
        try:
            async with asyncio.timeout(self._policy.deadline_s):
                async for attempt in stamina.retry_context(
                    on=tries.wait_s,
                    attempts=self._policy.attempts,
                    timeout=None,
                    wait_initial=self._policy.wait_initial_s,
                    wait_max=self._policy.wait_max_s,
                    wait_jitter=self._policy.wait_jitter_s,
                ):
                    with attempt:
                        async with self._limiter:
                            tries.begin()
                            return await self._once(method, path, headers, body)
        except (TimeoutError, httpx2.HTTPError, httpx2.InvalidURL, _Refused, _TooLong) as error:
            raise tries.unavailable(error) from error
        raise AssertionError("retry_context returns or raises")

    async def _once(self, method: str, path: str, headers: dict[str, str], body: bytes | None) -> bytes:
        async with self._http.stream(method, self._base + path, headers=headers, content=body) as response:
            if response.status_code != HTTPStatus.OK:
                after = retry_after_s(response.headers.get("retry-after"), datetime.now(UTC))
                raise _Refused(response.status_code, after)
            parts, size = [], 0
            async for part in response.aiter_bytes():
                size += len(part)
                if size > self._policy.max_bytes:
                    raise _TooLong
                parts.append(part)
            return b"".join(parts)


class _Tries:
    """One read's attempts: whether and when to try again, and what to say in the end."""

    def __init__(self, where: str, policy: ReadPolicy) -> None:
        self._where = where
        self._policy = policy
        self._clock = asyncio.get_running_loop().time
        self._began = self._clock()
        self._last: Exception | None = None
        self.count = 0

    def begin(self) -> None:
        """An attempt begins; what failed before is no longer the matter."""
        self.count += 1
        self._last = None

    def wait_s(self, error: Exception) -> bool | float:
        """Whether to try again after an error; a number: after that many seconds."""
        if isinstance(error, asyncio.CancelledError):  # stamina asks about these too: our deadline came
            return False
        self._last = error
        if not isinstance(error, _Refused):
            return isinstance(error, _PASSING)
        if error.status not in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS) and error.status < 500:
            return False
        if error.retry_after_s is None:
            return True
        left_s = self._policy.deadline_s - (self._clock() - self._began)
        return error.retry_after_s if error.retry_after_s < left_s else False

    def unavailable(self, error: Exception) -> VenueUnavailable:
        """The failure in words: what happened last, how often it was tried, in what time."""
        if self.count == 0:
            return VenueUnavailable(f"{self._where}: our own rate limit left no turn in {self._policy.deadline_s:g} s")
        last = self._last if isinstance(error, TimeoutError) and self._last is not None else error
        times = "once" if self.count == 1 else f"{self.count} times"
        status = last.status if isinstance(last, _Refused) else None
        elapsed_s = self._clock() - self._began
        return VenueUnavailable(f"{self._told(last)}, tried {times} in {elapsed_s:.0f} s", status)

    def _told(self, error: Exception) -> str:
        match error:
            case _Refused():
                words = httpx2.codes.get_reason_phrase(error.status).lower() or "unknown status"
                asked = "" if error.retry_after_s is None else f" (it asks to wait {error.retry_after_s:.0f} s)"
                return f"HTTP {error.status} from {self._where}: {words}{asked}"
            case _TooLong():
                return f"{self._where}: the answer is longer than {self._policy.max_bytes:,} bytes"
            case httpx2.ConnectTimeout():
                return f"{self._where}: no connection within {self._policy.connect_s:g} s"
            case httpx2.TimeoutException():
                return f"{self._where}: silent for {self._policy.silence_s:g} s"
            case TimeoutError():
                return f"{self._where}: no whole answer within {self._policy.deadline_s:g} s"
            case httpx2.ConnectError():
                return f"{self._where}: no connection ({error})"
            case httpx2.RemoteProtocolError():
                return f"{self._where}: the answer was cut off or no HTTP ({error})"
            case _:
                return f"{self._where}: {error or type(error).__name__}"
