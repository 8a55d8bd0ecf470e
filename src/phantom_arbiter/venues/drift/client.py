"""Drift's and Velocity's Data API, read over HTTP."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from http import HTTPStatus
from typing import Final

import httpx2
import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from phantom_arbiter.core.events import VenueStatus
from phantom_arbiter.core.perp.profile import DRIFT_V2, VenueProfile
from phantom_arbiter.core.perp.rate import RateError
from phantom_arbiter.core.perp.reading import FundingHour, VenueReading
from phantom_arbiter.core.units import FUNDING_RATE_SCALE, MICROS_PER_USD
from phantom_arbiter.venues.drift.endpoints import ENDPOINTS
from phantom_arbiter.venues.drift.wire_data import FundingPage, parse_market_funding_rates
from phantom_arbiter.venues.drift.wire_stats import parse_stats_markets
from phantom_arbiter.venues.errors import VenueUnavailable
from phantom_arbiter.venues.history import FundingRow, FundingSpan, UnknownMarketError
from phantom_arbiter.venues.reads import ReadPolicy, VenueHttp
from phantom_arbiter.venues.wire import WireError

HISTORY_END: Final[Mapping[str, date]] = {DRIFT_V2.name: date(2026, 4, 2)}
"""The first day of which a venue's Data API has nothing: Drift's has been frozen since 2026-04-01 18:00 UTC."""

_BROWSER: Final[Mapping[str, Mapping[str, str]]] = {
    DRIFT_V2.name: {"origin": "https://app.drift.trade", "referer": "https://app.drift.trade/"}
}
"""Drift's Data API answered 403 without them in 2026-06."""

_FROZEN: Final = "its Data API has nothing newer than 2026-04-01 18:00 UTC"
_SYMBOL: Final = re.compile(r"[A-Za-z0-9]{1,24}-PERP")
_PAGE: Final = re.compile(r"[A-Za-z0-9._=-]{1,200}")
_PAGE_HOURS: Final = 750
"""The most that the API gives at once."""

_DAY_PAGES, _RECENT_PAGES = 8, 40
"""Without a limit the API gives 20 records a page, and a day has 24; 31 days come in one page, or in 38 of 20."""


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

    async def recent_hours(self, symbol: str) -> FundingSpan:
        """The posted hours of the last 31 days; records that are not sound are refused one by one.

        Raises `VenueUnavailable`; `UnknownMarketError` where the symbol is no perp's.
        """
        refused: list[str] = []
        hours = await self._hours(symbol, f"?limit={_PAGE_HOURS}", _RECENT_PAGES, refused)
        return _span(hours, refused)

    async def funding_days(self, symbol: str, first: date, days: int) -> FundingSpan:
        """The posted hours of UTC days; records that are not sound are refused one by one.

        A market that the venue did not know at the time (HTTP 404) has none. Raises as `recent_hours`.
        """
        hours: list[FundingHour] = []
        refused: list[str] = []
        for offset in range(days):
            day = first + timedelta(days=offset)
            try:
                hours += await self._hours(symbol, f"/{day.year}/{day.month}/{day.day}", _DAY_PAGES, refused)
            except VenueUnavailable as error:
                if error.status != HTTPStatus.NOT_FOUND:
                    raise
        return _span(hours, refused)

    async def _hours(self, symbol: str, which: str, most_pages: int, refused: list[str]) -> list[FundingHour]:
        """The hours under ``/market/{symbol}/fundingRates{which}``, page by page."""
        if not _SYMBOL.fullmatch(symbol):
            raise UnknownMarketError(f"market: got {symbol!r}, expected a perp's symbol such as SOL-PERP")
        path = f"/market/{symbol}/fundingRates{which}"
        hours: list[FundingHour] = []
        page: str | None = None
        for _ in range(most_pages):
            query = "" if page is None else f"{'&' if '?' in path else '?'}page={page}"
            found = _salvaged(await self._http.get(path + query, headers=self._headers), symbol, refused)
            hours += found.records
            if found.next_page is None or found.next_page == page:
                return hours
            page = found.next_page
            if not _PAGE.fullmatch(page):
                raise VenueUnavailable(f"{symbol}: the venue names a next page {page[:40]!r}, expected a plain token")
        raise VenueUnavailable(f"{symbol}: more than {most_pages} pages under {path}")


def _salvaged(body: bytes, symbol: str, refused: list[str]) -> FundingPage:
    """The page, without the records that are not sound; their number is limited by the page's size."""
    try:
        return parse_market_funding_rates(body, symbol)
    except (WireError, RateError) as whole:
        try:
            frame = msgspec.json.decode(body, type=dict[str, Raw])
            raw = msgspec.json.decode(body, type=_RawPage).records
            empty = parse_market_funding_rates(msgspec.json.encode(frame | {"records": []}), symbol)
        except (WireError, msgspec.DecodeError) as error:
            raise _unreadable(whole) from error
    sound: list[FundingHour] = []
    for number, record in enumerate(raw):
        try:
            sound += parse_market_funding_rates(msgspec.json.encode(frame | {"records": [record]}), symbol).records
        except (WireError, RateError) as error:
            refused.append(str(error).replace("records[0]", f"records[{number}]"))
    return FundingPage(tuple(sorted(sound)), empty.next_page)


def _span(hours: Sequence[FundingHour], refused: list[str]) -> FundingSpan:
    """Oldest first, each hour once; what two pages tell differently is refused."""
    rows: dict[int, FundingRow] = {}
    for hour in hours:
        row = _row(hour)
        if rows.setdefault(row.ts_ns, row) != row:
            refused.append(f"{row.ts_ns}: another rate for an hour told already")
    return FundingSpan(tuple(rows[ts_ns] for ts_ns in sorted(rows)), tuple(refused))


def _row(hour: FundingHour) -> FundingRow:
    rate = hour.rate_e9 / FUNDING_RATE_SCALE
    oracle_twap = hour.oracle_twap_px / MICROS_PER_USD
    return FundingRow(hour.ts_ns, rate / oracle_twap, rate, oracle_twap, hour.mark_twap_px / MICROS_PER_USD)


def _paused(reading: VenueReading, profile: VenueProfile) -> VenueReading:
    markets = tuple(replace(market, status=VenueStatus.PAUSED) for market in reading.markets)
    reason = f"{profile.live_refused}; {_FROZEN}" if profile.name in HISTORY_END else profile.live_refused
    return replace(reading, status=VenueStatus.PAUSED, reason=reason, markets=markets)


def _unreadable(error: ValueError) -> VenueUnavailable:
    return VenueUnavailable(f"the answer cannot be read: {error}")
