"""Drift's and Velocity's Data API, read over HTTP."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Final

import httpx2
import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from phantom_arbiter.core.events import VenueStatus
from phantom_arbiter.core.perp.profile import DRIFT_V2, VenueProfile
from phantom_arbiter.core.perp.rate import HourlyRate, RateError
from phantom_arbiter.core.perp.reading import FundingHour, VenueReading
from phantom_arbiter.core.units import FUNDING_RATE_SCALE, MICROS_PER_USD
from phantom_arbiter.venues.drift.endpoints import ENDPOINTS
from phantom_arbiter.venues.drift.wire_data import (
    FundingPage,
    WireError,
    parse_market_funding_rates,
    parse_stats_markets,
)
from phantom_arbiter.venues.errors import VenueUnavailable
from phantom_arbiter.venues.history import FundingRow, FundingSpan, UnknownMarketError
from phantom_arbiter.venues.reads import ReadPolicy, VenueHttp

HISTORY_END: Final[Mapping[str, date]] = {DRIFT_V2.name: date(2026, 4, 2)}
"""The first day of which a venue's Data API has nothing: Drift's has been frozen since 2026-04-01 18:00 UTC."""

_BROWSER: Final[Mapping[str, Mapping[str, str]]] = {
    DRIFT_V2.name: {"origin": "https://app.drift.trade", "referer": "https://app.drift.trade/"}
}
"""Drift's Data API answered 403 without them in 2026-06."""

_FROZEN: Final = "its Data API has nothing newer than 2026-04-01 18:00 UTC"
_SYMBOL: Final = re.compile(r"[A-Za-z0-9]{1,24}-PERP")
_PAGE: Final = re.compile(r"[A-Za-z0-9._=-]{1,200}")
_MAX_PAGES: Final = 8
"""Of a day: the API gives 20 records a page, and a day has 24."""


class _RawPage(Struct):
    """A page whose records are not yet judged."""

    records: list[Raw]


class DriftClient:
    """Reads one venue of Drift's kind. ``base_url`` None: the profile's own."""

    days_at_once: Final = 1
    first_day: Final = None

    def __init__(
        self,
        profile: VenueProfile,
        base_url: str | None,
        http: httpx2.AsyncClient,
        policy: ReadPolicy | None = None,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.profile = profile
        self._http = VenueHttp(base_url or ENDPOINTS[profile.name].data_url, http, policy or ReadPolicy())
        self._headers = _BROWSER.get(profile.name, {})
        self._now_ns = now_ns

    @property
    def name(self) -> str:
        """The profile's name."""
        return self.profile.name

    @property
    def end_day(self) -> date | None:
        """The first day of which the Data API has nothing."""
        return HISTORY_END.get(self.name)

    async def read_markets(self) -> VenueReading:
        """``GET /stats/markets``; a venue that refuses live orders is paused whatever it tells.

        Raises `VenueUnavailable`.
        """
        body = await self._http.get("/stats/markets", headers=self._headers)
        try:
            reading = parse_stats_markets(body, self.profile, self._now_ns())
        except (WireError, RateError) as error:
            raise _unreadable(error) from error
        return _paused(reading, self.profile) if self.profile.live_refused else reading

    async def funding_page(self, symbol: str, day: date | None = None, page: str | None = None) -> FundingPage:
        """Posted hours of a UTC day, or without one the newest; ``page`` as the page before named it.

        Raises `VenueUnavailable`; `UnknownMarketError` where the symbol is no perp's.
        """
        return self._parsed(await self._funding_body(symbol, day, page), symbol)

    async def funding_days(self, symbol: str, first: date, days: int) -> FundingSpan:
        """The posted hours of UTC days, page by page; records that are not sound are refused one by one.

        A market that the venue did not know at the time (HTTP 404) has none. Raises `VenueUnavailable`.
        """
        hours: dict[int, FundingRow] = {}
        refused: list[str] = []
        for offset in range(days):
            for hour in await self._day(symbol, first + timedelta(days=offset), refused):
                try:
                    row = _row(hour)
                except RateError as error:
                    refused.append(f"{hour.ts_ns}: {error}")
                    continue
                if hours.setdefault(row.ts_ns, row) != row:
                    refused.append(f"{row.ts_ns}: another rate for an hour told already")
        return FundingSpan(tuple(hours[ts_ns] for ts_ns in sorted(hours)), tuple(refused))

    async def _day(self, symbol: str, day: date, refused: list[str]) -> list[FundingHour]:
        hours: list[FundingHour] = []
        page: str | None = None
        for _ in range(_MAX_PAGES):
            try:
                body = await self._funding_body(symbol, day, page)
            except VenueUnavailable as error:
                if error.status == 404 and page is None:
                    return []
                raise
            found = self._salvaged(body, symbol, refused)
            hours += found.records
            if found.next_page is None or found.next_page == page:
                return hours
            page = found.next_page
        raise VenueUnavailable(f"{symbol} {day}: more than {_MAX_PAGES} pages for one day")

    def _salvaged(self, body: bytes, symbol: str, refused: list[str]) -> FundingPage:
        """The page, without the records that are not sound; their number is limited by the page's size."""
        try:
            return parse_market_funding_rates(body, symbol)
        except (WireError, RateError) as whole:
            try:
                raw = msgspec.json.decode(body, type=_RawPage).records
                frame = parse_market_funding_rates(_with_records(body, []), symbol)
            except (WireError, msgspec.DecodeError) as error:
                raise _unreadable(whole) from error
        sound: list[FundingHour] = []
        for number, record in enumerate(raw):
            try:
                sound += parse_market_funding_rates(_with_records(body, [record]), symbol).records
            except (WireError, RateError) as error:
                refused.append(str(error).replace("records[0]", f"records[{number}]"))
        return FundingPage(tuple(sorted(sound)), frame.next_page)

    def _parsed(self, body: bytes, symbol: str) -> FundingPage:
        try:
            return parse_market_funding_rates(body, symbol)
        except (WireError, RateError) as error:
            raise _unreadable(error) from error

    async def _funding_body(self, symbol: str, day: date | None, page: str | None) -> bytes:
        if not _SYMBOL.fullmatch(symbol):
            raise UnknownMarketError(f"market: got {symbol!r}, expected a perp's symbol such as SOL-PERP")
        if page is not None and not _PAGE.fullmatch(page):
            raise VenueUnavailable(f"{symbol}: the venue names a next page {page[:40]!r}, expected a plain token")
        path = f"/market/{symbol}/fundingRates"
        if day is not None:
            path += f"/{day.year}/{day.month}/{day.day}"
        query = "" if page is None else f"?page={page}"
        return await self._http.get(path + query, headers=self._headers)


def _with_records(body: bytes, records: list[Raw]) -> bytes:
    return msgspec.json.encode(msgspec.json.decode(body, type=dict[str, Raw]) | {"records": records})


def _row(hour: FundingHour) -> FundingRow:
    """Raises `RateError` where only a mistaken unit explains the rate."""
    HourlyRate.of_program(hour.rate_e9, hour.oracle_twap_px)
    rate = hour.rate_e9 / FUNDING_RATE_SCALE
    oracle_twap = hour.oracle_twap_px / MICROS_PER_USD
    return FundingRow(hour.ts_ns, rate / oracle_twap, rate, oracle_twap, hour.mark_twap_px / MICROS_PER_USD)


def _paused(reading: VenueReading, profile: VenueProfile) -> VenueReading:
    markets = tuple(replace(market, status=VenueStatus.PAUSED) for market in reading.markets)
    reason = f"{profile.live_refused}; {_FROZEN}" if profile.name in HISTORY_END else profile.live_refused
    return replace(reading, status=VenueStatus.PAUSED, reason=reason, markets=markets)


def _unreadable(error: ValueError) -> VenueUnavailable:
    return VenueUnavailable(f"the answer cannot be read: {error}")
