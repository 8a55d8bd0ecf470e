"""What is held of each market's last 30 days while the venue answers, fails, and comes back."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest

from phantom_arbiter.core.events import VenueStatus
from phantom_arbiter.core.perp.rate import HourlyRate
from phantom_arbiter.core.perp.reading import MarketReading, VenueReading
from phantom_arbiter.core.units import NS_PER_DAY, NS_PER_HOUR, NS_PER_SECOND
from phantom_arbiter.venues.errors import VenueUnavailable
from phantom_arbiter.venues.history import FundingRow, FundingSpan, UnknownMarketError
from phantom_arbiter.venues.history_watch import (
    FIRST_LOOK_S,
    MAX_MARKETS,
    RETRY_S,
    ROUND_S,
    HistoryWatch,
    MarketHours,
)
from phantom_arbiter.venues.watch import VenueView

NOON_NS = 1_771_502_400 * NS_PER_SECOND
DOWN = VenueUnavailable("HTTP 500 from somewhere")


def row(hours_ago: float, rate: float = 1e-5) -> FundingRow:
    return FundingRow(NOON_NS - int(hours_ago * NS_PER_HOUR), rate)


class Venue:
    """Markets by volume, their hours (or what goes wrong), and the test's own time."""

    name = "velocity"
    days_at_once = 1
    first_day = end_day = None

    def __init__(self, **told: FundingSpan | Exception) -> None:
        self.told = {f"{coin}-PERP": answer for coin, answer in told.items()}
        self.volumes: dict[str, int | None] = {symbol: 10**9 - at for at, symbol in enumerate(self.told)}
        self.known = True
        self.asked: list[str] = []
        self.waits: list[float] = []
        self.now_ns = NOON_NS
        self.watch = HistoryWatch(self, self.view, now_ns=lambda: self.now_ns, sleep=self.sleep)

    def view(self) -> VenueView:
        markets = tuple(
            MarketReading(symbol, HourlyRate(0), True, None, None, None, volume, None, VenueStatus.LIVE)
            for symbol, volume in self.volumes.items()
        )
        reading = VenueReading(self.name, "", "", "USDT", VenueStatus.LIVE, "", markets, self.now_ns)
        return VenueView(self.name, VenueStatus.LIVE, "", reading if self.known else None, 0, False, "")

    async def recent_hours(self, symbol: str) -> FundingSpan:
        self.asked.append(symbol)
        answer = self.told[symbol]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def funding_days(self, symbol: str, first: date, days: int) -> FundingSpan:
        raise AssertionError(f"asked for {days} days of {symbol} from {first}: the watch needs recent hours only")

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now_ns += int(seconds * NS_PER_SECOND)
        self.known = True
        if len(self.waits) == 3:
            raise asyncio.CancelledError

    def read(self) -> bool:
        return asyncio.run(self.watch.read())


def span(*rows: FundingRow) -> FundingSpan:
    return FundingSpan(rows, ())


def test_each_market_is_asked_once_the_busiest_first() -> None:
    venue = Venue(SOL=span(row(2), row(1)), BTC=span(row(1, 2e-5)))
    venue.volumes = {"SOL-PERP": None, "BTC-PERP": 5}
    assert venue.read()
    assert venue.asked == ["BTC-PERP", "SOL-PERP"]
    assert venue.watch.hours() == {
        "BTC-PERP": MarketHours((row(1, 2e-5),), "", NOON_NS),
        "SOL-PERP": MarketHours((row(2), row(1)), "", NOON_NS),
    }


def test_no_more_markets_are_asked_for_than_the_limit() -> None:
    venue = Venue(**{f"A{number}": span() for number in range(MAX_MARKETS + 5)})
    assert venue.read()
    assert venue.asked == [f"A{number}-PERP" for number in range(MAX_MARKETS)]


def test_nothing_older_than_thirty_days_is_held_and_no_more_than_720_hours() -> None:
    venue = Venue(SOL=span(*(row(hours / 2) for hours in range(1_500, 0, -1))))
    venue.read()
    held = venue.watch.hours()["SOL-PERP"].rows
    assert (len(held), held[0], held[-1]) == (720, row(360), row(0.5))
    venue.now_ns += 29 * NS_PER_DAY
    assert [each.ts_ns for each in venue.watch.hours()["SOL-PERP"].rows] == [
        row(each / 2).ts_ns for each in range(48, 0, -1)
    ]
    venue.now_ns += 2 * NS_PER_DAY
    assert venue.watch.hours()["SOL-PERP"].rows == ()


def test_a_failure_is_kept_as_words_beside_what_was_held() -> None:
    venue = Venue(SOL=span(row(1)), BTC=span(row(1)))
    venue.read()
    venue.now_ns += NS_PER_HOUR
    venue.told["SOL-PERP"] = DOWN
    assert not venue.read()
    held = venue.watch.hours()
    assert held["SOL-PERP"] == MarketHours((row(1),), DOWN.reason, NOON_NS)
    assert held["BTC-PERP"].failure == ""
    venue.told["SOL-PERP"] = span(row(0))
    venue.asked.clear()
    assert venue.read()
    assert venue.asked == ["SOL-PERP"]  # the other was read within the hour
    assert venue.watch.hours()["SOL-PERP"] == MarketHours((row(0),), "", NOON_NS + NS_PER_HOUR)


def test_a_market_never_told_is_empty_and_says_why() -> None:
    venue = Venue(SOL=UnknownMarketError("market: got 'SOL-PERP'"))
    assert not venue.read()
    assert venue.watch.hours() == {"SOL-PERP": MarketHours((), "market: got 'SOL-PERP'", 0)}


def test_three_failures_in_a_row_end_the_round() -> None:
    venue = Venue(A=DOWN, B=span(), C=DOWN, D=DOWN, E=DOWN, F=span())
    assert not venue.read()
    assert venue.asked == [f"{coin}-PERP" for coin in "ABCDE"]
    assert venue.watch.hours()["F-PERP"] == MarketHours()


def test_hours_refused_or_yet_to_come_are_told_and_not_held() -> None:
    venue = Venue(SOL=FundingSpan((row(1), row(-1)), ("records[3]: bad", "records[4]: bad")))
    assert venue.read()
    assert venue.watch.hours()["SOL-PERP"] == MarketHours((row(1),), "3 hours refused: records[3]: bad", NOON_NS)
    venue = Venue(SOL=span(row(-1)))
    venue.read()
    assert venue.watch.hours()["SOL-PERP"].failure == "1 hours refused: 1 hours are yet to come"


def test_a_market_that_is_gone_is_held_no_longer() -> None:
    venue = Venue(SOL=span(row(1)), BTC=span(row(1)))
    venue.read()
    del venue.volumes["SOL-PERP"]
    venue.read()
    assert list(venue.watch.hours()) == ["BTC-PERP"]


@pytest.mark.parametrize(
    ("answer", "waits", "asked"),
    [(span(), [FIRST_LOOK_S, ROUND_S, ROUND_S], 2), (DOWN, [FIRST_LOOK_S, RETRY_S, RETRY_S], 2)],
)
def test_it_waits_for_the_markets_then_asks_every_hour_or_sooner_after_a_failure(
    answer: FundingSpan | Exception, waits: list[float], asked: int
) -> None:
    venue = Venue(SOL=answer)
    venue.known = False
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(venue.watch.run())
    assert (venue.waits, len(venue.asked)) == (waits, asked)


def test_a_bug_of_the_reader_comes_out() -> None:
    with pytest.raises(KeyError):
        asyncio.run(Venue(SOL=KeyError("a bug")).watch.run())
