"""``phantom data fetch funding``: a venue's posted hours into a folder or a catalogue, a day at a time."""

from __future__ import annotations

import asyncio
import re
import signal
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import httpx2
from msgspec import Struct

from phantom_arbiter.app.console import out, print_json, progress_bar
from phantom_arbiter.app.fetched_days import HIDDEN, FetchedDays, dataset_of, write_whole
from phantom_arbiter.app.stopping import SIGNALS, Interrupted
from phantom_arbiter.app.venue_readers import reader_of
from phantom_arbiter.config import ConfigError
from phantom_arbiter.core.units import NS_PER_DAY, NS_PER_MINUTE
from phantom_arbiter.storage.catalogue import staging
from phantom_arbiter.storage.importer import import_file
from phantom_arbiter.storage.reports import ImportReport
from phantom_arbiter.storage.schemas import DataError
from phantom_arbiter.venues.errors import VenueUnavailable
from phantom_arbiter.venues.history import FundingHistory, FundingRow, UnknownMarketError
from phantom_arbiter.venues.reads import ReadPolicy, open_http

DEFAULT_DAYS: Final = 30
MAX_DAYS: Final = 3_660
REFUSALS_TOLD: Final = 3

_MARKET: Final = re.compile(r"[A-Za-z0-9]{1,24}-PERP")
_SETTLED: Final = timedelta(hours=1)
"""A day's last hour is posted by then."""

_EDGE_NS: Final = 5 * NS_PER_MINUTE
"""A settlement may be told with a day that it is just outside of."""


class FetchRequest(Struct, frozen=True):
    """What to fetch: days from ``first`` on and before ``end``; None: the last thirty. Exactly one target is given."""

    venue: str
    market: str
    first: datetime | None
    end: datetime | None
    base_url: str | None
    to_folder: Path | None
    into: Path | None
    as_json: bool


class FetchSummary(Struct, frozen=True):
    """What came of it. ``open_days``: kept as far as told and asked for again: not over, empty, or with refused rows.

    ``rows`` and the times are of ``file``, which holds every day fetched so far; ``refused`` shows the first few.
    """

    venue: str
    market: str
    days: int
    days_there_before: int
    days_fetched: int
    open_days: tuple[str, ...]
    rows: int
    rows_refused: int
    refused: tuple[str, ...]
    first_ts: str
    last_ts: str
    file: str
    imported: ImportReport | None


class _Progressed(Struct):
    """How far a fetch came."""

    fetched: int
    open_days: list[str]
    refused: list[str]


def fetch_funding(request: FetchRequest, policy: ReadPolicy | None = None, now: datetime | None = None) -> int:
    """Fetch the days that are missing, then write them as one data set.

    Raises `ConfigError` for a wrong request, `VenueUnavailable` where the venue can't be read, `Interrupted` on a
    signal: the days fetched until then stay, and the same command goes on after them.
    """
    summary = asyncio.run(_fetch(request, policy, now or datetime.now(UTC)))
    if request.as_json:
        print_json(summary)
    else:
        _print(summary)
    return 0


async def _fetch(request: FetchRequest, policy: ReadPolicy | None, now: datetime) -> FetchSummary:
    async with open_http(policy or ReadPolicy()) as http:
        history = _history(request, policy, http)
        days = _days(request, history, now.date())
        parts, target = _places(request)
        with parts.held():
            before = parts.whole() & set(days)
            missing = [day for day in days if day not in before]
            progressed = await _fetch_days(history, request.market, missing, parts, now)
            rows = parts.assembled()
            if rows.is_empty():
                raise DataError(f"{request.venue} tells no funding of {request.market} from {days[0]} to {days[-1]}")
            write_whole(rows, target)
            imported = None
            if request.into is not None:
                imported = import_file(request.into, target, dataset_of(request.venue, request.market, target))
    times = rows["ts"].dt.to_string("%Y-%m-%dT%H:%M:%SZ")
    return FetchSummary(
        venue=request.venue,
        market=request.market,
        days=len(days),
        days_there_before=len(before),
        days_fetched=progressed.fetched,
        open_days=tuple(progressed.open_days),
        rows=rows.height,
        rows_refused=len(progressed.refused),
        refused=tuple(progressed.refused[:REFUSALS_TOLD]),
        first_ts=times[0],
        last_ts=times[-1],
        file=str(target),
        imported=imported,
    )


def _history(request: FetchRequest, policy: ReadPolicy | None, http: httpx2.AsyncClient) -> FundingHistory:
    if not _MARKET.fullmatch(request.market):
        raise ConfigError(f"--market: got {request.market!r}, expected a perp's symbol such as SOL-PERP")
    return reader_of(request.venue, request.base_url, http, policy)


def _days(request: FetchRequest, history: FundingHistory, today: date) -> list[date]:
    """The days to have, in order."""
    tomorrow = today + timedelta(days=1)
    bound = min(tomorrow, history.end_day or tomorrow)
    end = bound if request.end is None else _day("--to", request.end)
    first = end - timedelta(days=DEFAULT_DAYS) if request.first is None else _day("--from", request.first)
    if end > tomorrow:
        raise ConfigError(f"--to: got {end}, expected at most {tomorrow}: the days after are yet to come")
    if history.first_day is not None and first < history.first_day:
        raise ConfigError(f"--from: got {first}, expected {history.first_day} or later: {request.venue} has no more")
    if first >= bound:
        raise ConfigError(f"--from: got {first}, expected a day before {bound}, where {request.venue}'s hours end")
    if not 0 < (end - first).days <= MAX_DAYS:
        raise ConfigError(f"--from, --to: expected two days in order, at most {MAX_DAYS} apart; got {first} and {end}")
    return [first + timedelta(days=offset) for offset in range((min(end, bound) - first).days)]


def _day(name: str, moment: datetime) -> date:
    utc = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    if (utc.hour, utc.minute, utc.second) != (0, 0, 0):
        raise ConfigError(f"{name}: got {moment}, expected a whole UTC day, such as 2025-04-14")
    return utc.date()


def _places(request: FetchRequest) -> tuple[FetchedDays, Path]:
    """Where the days are kept, and the file they become; refuses to write over a file that no fetch of this made."""
    file = f"{request.market}_1h.parquet"
    if (request.to_folder is None) == (request.into is None):
        raise ConfigError("data fetch funding: expected --to-folder FOLDER or --into CATALOGUE, one of them")
    if request.into is not None:
        with staging(request.into):  # makes it, or refuses a folder that is no catalogue
            kept = request.into / HIDDEN / request.venue
        return FetchedDays(kept / request.market), kept / file
    assert request.to_folder is not None
    hidden = request.to_folder / HIDDEN
    ours = hidden / request.venue / request.market
    others = [path.parent.name for path in hidden.glob(f"*/{request.market}") if path != ours]
    if others:
        raise DataError(f"{request.to_folder.name}: holds {request.market} of {others[0]}; give each venue its folder")
    if (request.to_folder / file).exists() and not ours.exists():
        raise DataError(f"{request.to_folder.name}/{file}: is there, and was not fetched here; give another folder")
    return FetchedDays(ours), request.to_folder / file


async def _fetch_days(
    history: FundingHistory, market: str, missing: Sequence[date], parts: FetchedDays, now: datetime
) -> _Progressed:
    progressed = _Progressed(0, [], [])
    with progress_bar() as bar, _Stoppable() as stop:
        task = bar.add_task(f"{history.name} {market}", total=len(missing))
        try:
            for span in _spans(missing, history.days_at_once):
                await _fetch_span(history, market, span, parts, now, progressed)
                bar.advance(task, len(span))
        except UnknownMarketError as error:
            raise ConfigError(f"--market: {error}") from error
        except VenueUnavailable as error:
            raise VenueUnavailable(f"{error.reason}; {_kept(progressed, missing)}", error.status) from error
        except asyncio.CancelledError:
            if stop.signal_number:
                raise Interrupted(stop.signal_number, _kept(progressed, missing)) from None
            raise
    return progressed


def _kept(progressed: _Progressed, missing: Sequence[date]) -> str:
    return f"{progressed.fetched} of {len(missing)} days were fetched and stay; the same command goes on"


async def _fetch_span(
    history: FundingHistory,
    market: str,
    span: Sequence[date],
    parts: FetchedDays,
    now: datetime,
    progressed: _Progressed,
) -> None:
    told = await history.funding_days(market, span[0], len(span))
    by_day: dict[date, list[FundingRow]] = defaultdict(list)
    refused = list(told.refused)
    begin_ns, end_ns = _start_ns(span[0]), _start_ns(span[-1]) + NS_PER_DAY
    for row in told.rows:
        if begin_ns - _EDGE_NS <= row.ts_ns < end_ns + _EDGE_NS:
            index = (min(max(row.ts_ns, begin_ns), end_ns - 1) - begin_ns) // NS_PER_DAY
            by_day[span[index]].append(row)
        else:
            refused.append(f"{row.ts_ns}: told with {span[0]}, and is not of that day")
    for day in span:
        rows = by_day[day]
        over = now >= datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1) + _SETTLED
        whole = over and bool(rows) and not refused
        if rows:
            parts.keep(day, rows, whole=whole)
        if not whole:
            progressed.open_days.append(str(day))
        progressed.fetched += 1
    progressed.refused += refused


def _spans(days: Sequence[date], longest: int) -> Iterator[list[date]]:
    """Runs of days without a gap, none longer than ``longest``."""
    span: list[date] = []
    for day in days:
        if span and (len(span) == longest or day - span[-1] != timedelta(days=1)):
            yield span
            span = []
        span.append(day)
    if span:
        yield span


def _start_ns(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000_000


class _Stoppable:
    """Within it a signal cancels the task that entered; outside, the handlers are as they were."""

    def __init__(self) -> None:
        self.signal_number = 0

    def __enter__(self) -> _Stoppable:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._before = {number: signal.getsignal(number) for number in SIGNALS}
        for number in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._stop, int(number))
        return self

    def __exit__(self, *_: object) -> None:
        for number in SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number)
            signal.signal(number, self._before[number])

    def _stop(self, number: int) -> None:
        self.signal_number = number
        self._task.cancel()


def _print(summary: FetchSummary) -> None:
    out.print(
        f"{summary.venue} {summary.market}: {summary.rows:,} hours from {summary.first_ts} to {summary.last_ts}",
        markup=False,
    )
    out.print(
        f"{summary.days} days: {summary.days_there_before} were there, {summary.days_fetched} fetched, "
        f"{len(summary.open_days)} to be asked for again; {summary.rows_refused} rows refused",
        markup=False,
    )
    for reason in summary.refused:
        out.print(f"  refused: {reason}", markup=False)
    out.print(summary.file, markup=False, soft_wrap=True)
