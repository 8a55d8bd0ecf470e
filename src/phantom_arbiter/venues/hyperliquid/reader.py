"""Hyperliquid's public information, asked for through its official SDK and fetched by our own bounded HTTP.

The SDK knows the venue's questions and names. Its transport is not used: it has no deadline, no limit on a body and
no retry. The SDK is synchronous, so it runs in a thread, and each of its questions comes back to the event loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import httpx2
import msgspec

from phantom_arbiter.core.perp.reading import VenueReading
from phantom_arbiter.core.units import NS_PER_SECOND
from phantom_arbiter.venues.errors import VenueUnavailable
from phantom_arbiter.venues.history import FundingSpan, UnknownMarketError
from phantom_arbiter.venues.hyperliquid.wire import (
    NAME,
    SUFFIX,
    parse_coins,
    parse_funding,
    parse_markets,
)
from phantom_arbiter.venues.reads import ReadPolicy, VenueHttp
from phantom_arbiter.venues.wire import WireError

try:
    from hyperliquid.info import Info
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "Hyperliquid needs its SDK: pip install 'phantom-arbiter[hyperliquid]'", name=error.name
    ) from error

BASE_URL: Final = "https://api.hyperliquid.xyz"
POLICY: Final = ReadPolicy(rate=8, rate_period_s=20.0)
"""The venue allows a weight of 1,200 a minute; a question for funding of 20 days weighs 44, for all markets 20."""

HOURLY_SINCE: Final = date(2023, 6, 8)
"""Funding before was for eight hours."""

RECENT_DAYS: Final = 30


class _Questions(Info):
    """The SDK's questions, each answered by ``ask``. No socket is opened, and none is asked to begin with."""

    def __init__(self, ask: Callable[[str, Any], Any], universe: list[Any]) -> None:
        self._ask = ask
        super().__init__(BASE_URL, skip_ws=True, meta={"universe": universe}, spot_meta={"universe": [], "tokens": []})

    def post(self, url_path: str, payload: Any = None) -> Any:
        return self._ask(url_path, payload)


class HyperliquidReader:
    """Reads Hyperliquid; nothing here can trade."""

    days_at_once: Final = 20
    first_day: Final = HOURLY_SINCE
    end_day: Final = None
    name: Final = NAME

    def __init__(
        self,
        base_url: str | None,
        http: httpx2.AsyncClient,
        policy: ReadPolicy = POLICY,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._http = VenueHttp(base_url or BASE_URL, http, policy)
        self._now_ns = now_ns
        self._coins: frozenset[str] = frozenset()

    async def read_markets(self) -> VenueReading:
        """All perps with their running hour's funding. Raises `VenueUnavailable`."""
        answer = await self._asked(lambda info: info.meta_and_asset_ctxs())
        try:
            return parse_markets(answer, self._now_ns())
        except WireError as error:
            raise VenueUnavailable(f"the answer cannot be read: {error}") from error

    async def recent_hours(self, symbol: str) -> FundingSpan:
        """Hours posted on the last 30 UTC days and today, in two questions. Raises as `funding_days`."""
        today = datetime.fromtimestamp(self._now_ns() // NS_PER_SECOND, UTC).date()
        first = today - timedelta(days=RECENT_DAYS)
        older = await self.funding_days(symbol, first, self.days_at_once)
        newer_first = first + timedelta(days=self.days_at_once)
        newer = await self.funding_days(symbol, newer_first, (today - newer_first).days + 1)
        return FundingSpan(older.rows + newer.rows, older.refused + newer.refused)

    async def funding_days(self, symbol: str, first: date, days: int) -> FundingSpan:
        """Hours posted on ``days`` UTC days from ``first`` on, at most `days_at_once`.

        Raises `VenueUnavailable`, `UnknownMarketError`; ValueError where the days are too many or too early.
        """
        if not 1 <= days <= self.days_at_once or first < self.first_day:
            raise ValueError(
                f"{days} days from {first}: expected at most {self.days_at_once}, from {self.first_day} on"
            )
        coin = symbol.removesuffix(SUFFIX)
        start_ms, end_ms = (_ms(first + timedelta(days=offset)) for offset in (0, days))
        try:
            if not self._coins:
                self._coins = parse_coins(await self._asked(lambda info: info.meta()))
            if coin + SUFFIX != symbol or coin not in self._coins:
                raise UnknownMarketError(f"market: got {symbol!r}, expected one of Hyperliquid's, such as SOL-PERP")
            answer = await self._asked(lambda info: info.funding_history(coin, start_ms, end_ms - 1))
            return parse_funding(answer, coin)
        except WireError as error:
            raise VenueUnavailable(f"the answer cannot be read: {error}") from error

    async def _asked(self, ask: Callable[[Info], Any]) -> Any:
        loop = asyncio.get_running_loop()

        universe = [{"name": coin, "szDecimals": 0} for coin in sorted(self._coins)]

        def answer(path: str, payload: Any) -> Any:
            """In the SDK's thread; each answer has the policy's deadline, so the thread ends too."""
            asked = self._http.post(path, msgspec.json.encode(payload))
            body = asyncio.run_coroutine_threadsafe(asked, loop).result()
            try:
                return msgspec.json.decode(body)
            except msgspec.DecodeError as error:
                raise VenueUnavailable(f"the answer cannot be read: {error}") from error

        return await asyncio.to_thread(lambda: ask(_Questions(answer, universe)))


def _ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000
