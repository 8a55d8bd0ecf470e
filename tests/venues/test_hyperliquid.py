"""Hyperliquid through its SDK, against a server that speaks its wire."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any, TypeVar

import msgspec
import pytest

from phantom_arbiter.core.events import VenueStatus
from phantom_arbiter.venues.errors import VenueUnavailable
from phantom_arbiter.venues.history import UnknownMarketError
from phantom_arbiter.venues.reads import ReadPolicy, open_http
from tests.venues.bodies import context, universe
from tests.venues.venue_server import Answer, Asked, Reply, in_turn, serving, told

pytest.importorskip("hyperliquid", reason="the extra [hyperliquid] is not installed")

from phantom_arbiter.venues.hyperliquid.reader import HyperliquidReader

T = TypeVar("T")
NOW = 1_771_480_000
DAY_MS = 86_400_000
FIRST = date(2025, 4, 14)
FIRST_MS = 1_744_588_800_000
QUICK = ReadPolicy(
    silence_s=5, deadline_s=10, wait_initial_s=0, wait_max_s=0, wait_jitter_s=0, rate=1_000, max_bytes=500_000
)


def reader_does(base_url: str, act: Callable[[HyperliquidReader], Awaitable[T]], policy: ReadPolicy = QUICK) -> T:
    async def main() -> T:
        async with open_http(policy) as http:
            return await act(HyperliquidReader(base_url, http, policy, lambda: NOW * 10**9))

    return asyncio.run(main())


def question(asked: Asked) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(asked.body)
    return parsed


def venue(history: Any, names: tuple[str, ...] = ("BTC", "SOL")) -> Answer:
    """A venue that knows its perps and tells one history."""

    def answer(asked: Asked) -> Reply:
        return told(universe(*names) if question(asked)["type"] == "meta" else history)

    return answer


def posted(ms: int, rate: str = "0.0000125", coin: str = "SOL") -> dict[str, Any]:
    return {"coin": coin, "fundingRate": rate, "premium": "0.0003", "time": ms}


def test_markets_in_our_units_and_signs() -> None:
    answer = [universe("BTC", "SOL"), [context(funding="-0.00002", markPx=None), context()]]
    with serving(in_turn(told(answer))) as server:
        reading = reader_does(server.base_url, lambda reader: reader.read_markets())
    assert [(asked.method, asked.path, question(asked)) for asked in server.asked] == [
        ("POST", "/info", {"type": "metaAndAssetCtxs"})
    ]
    btc, sol = reading.markets
    assert (reading.venue, reading.quote, reading.status, reading.reason) == (
        "hyperliquid",
        "USDC",
        VenueStatus.LIVE,
        "",
    )
    assert (btc.symbol, btc.rate.e12, btc.mark_px, btc.rate.receiver) == ("BTC-PERP", -20_000_000, None, "longs")
    assert (sol.symbol, sol.rate.e12, sol.rate_is_estimate) == ("SOL-PERP", 12_500_000, True)
    assert (sol.mark_px, sol.oracle_px) == (81_856_000, 81_889_000)
    assert sol.volume_24h_micros == 312_345_678_900_000
    assert sol.open_interest_micros == 344_944_774_570_630
    assert sol.next_funding_ts_ns == (NOW // 3_600 + 1) * 3_600 * 10**9


def test_a_delisted_market_is_none_and_a_thin_one_is_thin() -> None:
    answer = [universe("SOL", "TST", delisted=("OLD",)), [context(), context(dayNtlVlm="93.2"), context()]]
    with serving(in_turn(told(answer))) as server:
        reading = reader_does(server.base_url, lambda reader: reader.read_markets())
    assert {market.symbol: market.status for market in reading.markets} == {
        "SOL-PERP": VenueStatus.LIVE,
        "TST-PERP": VenueStatus.THIN,
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"funding": "NaN"}, "BTC.funding: got 'NaN', expected a finite number"),
        ({"funding": "1e30"}, "expected a finite number"),
        ({"funding": "0.5"}, "got 50 % an hour, expected at most 1 %"),
        ({"funding": "fast"}, "expected a decimal number"),
        ({"oraclePx": "0"}, "BTC.oraclePx: got '0', expected a price"),
        ({"openInterest": "-1"}, "BTC.openInterest: got '-1', expected at least 0"),
    ],
)
def test_a_market_that_is_not_sound_is_left_out_and_told(changes: dict[str, str], said: str) -> None:
    answer = [universe("BTC", "SOL"), [context(**changes), context()]]
    with serving(in_turn(told(answer))) as server:
        reading = reader_does(server.base_url, lambda reader: reader.read_markets())
    assert [market.symbol for market in reading.markets] == ["SOL-PERP"]
    assert reading.reason.startswith("1 markets left out: BTC (")
    assert said in reading.reason


@pytest.mark.parametrize(
    "answer",
    [
        {"error": "no"},
        [],
        [universe("BTC", "SOL"), [context()]],
        [universe("SOL"), [{"funding": "0.1"}]],
        [universe("SOL"), [context(funding=0.0000125)]],
        [universe("SOL"), [context(funding="NaN")]],
        None,
    ],
)
def test_wrong_content_is_no_reading(answer: Any) -> None:
    with (
        serving(in_turn(told(answer))) as server,
        pytest.raises(VenueUnavailable, match="the answer cannot be read: metaAndAssetCtxs"),
    ):
        reader_does(server.base_url, lambda reader: reader.read_markets())


@pytest.mark.parametrize(
    ("bad", "said", "times"),
    [
        (told({}, 429), "HTTP 429 .* too many requests, tried 4 times", 4),
        (told({}, 500), "HTTP 500 .*, tried 4 times", 4),
        (told({}, 422), "HTTP 422 .*, tried once", 1),
        (Reply(b'[{"universe"'), "cannot be read", 1),
        (told([])._replace(cut=1), "cut off .*tried 4 times", 4),
        (Reply(endless=True), "longer than 500,000 bytes", 1),
    ],
    ids=["429", "500", "422", "half a JSON", "cut", "endless"],
)
def test_failures_as_of_any_venue(bad: Reply, said: str, times: int) -> None:
    with serving(in_turn(bad)) as server:
        with pytest.raises(VenueUnavailable, match=said):
            reader_does(server.base_url, lambda reader: reader.read_markets())
        assert len(server.asked) == times


def test_reading_leaves_no_thread_behind_and_opens_no_web_socket() -> None:
    with serving(in_turn(told([universe("SOL"), [context()]]))) as server:
        before = set(threading.enumerate())
        reader_does(server.base_url, lambda reader: reader.read_markets())
        assert set(threading.enumerate()) <= before
        assert len(server.asked) == 1


def test_a_silent_venue_ends_with_the_deadline() -> None:
    brief = msgspec.structs.replace(QUICK, deadline_s=0.1)
    with (
        serving(in_turn(Reply(hang=True))) as server,
        pytest.raises(VenueUnavailable, match=r"no whole answer within 0\.1 s"),
    ):
        reader_does(server.base_url, lambda reader: reader.read_markets(), brief)


def test_history_is_told_oldest_first_as_a_fraction_an_hour() -> None:
    history = [posted(FIRST_MS + 3_600_076), posted(FIRST_MS + 76, "-0.0000021")]
    with serving(venue(history)) as server:
        span = reader_does(server.base_url, lambda reader: reader.funding_days("SOL-PERP", FIRST, 2))
    assert question(server.asked[-1]) == {
        "type": "fundingHistory",
        "coin": "SOL",
        "startTime": FIRST_MS,
        "endTime": FIRST_MS + 2 * DAY_MS - 1,
    }
    assert [(row.ts_ns // 10**6 - FIRST_MS, row.rate_fraction) for row in span.rows] == [
        (76, -0.0000021),
        (3_600_076, 0.0000125),
    ]
    assert {row.oracle_twap for row in span.rows} == {None}
    assert span.refused == ()


def test_the_recent_hours_are_those_of_the_last_thirty_days_and_today() -> None:
    midnight_ms = NOW // 86_400 * DAY_MS
    first_ms = midnight_ms - 30 * DAY_MS

    def answer(asked: Asked) -> Reply:
        wanted = question(asked)
        if wanted["type"] == "meta":
            return told(universe("SOL"))
        return told([posted(wanted["startTime"] + 76), posted(wanted["startTime"] + 77, "NaN")])

    with serving(answer) as server:
        span = reader_does(server.base_url, lambda reader: reader.recent_hours("SOL-PERP"))
    spans = [(question(asked)["startTime"], question(asked)["endTime"] + 1) for asked in server.asked[1:]]
    assert spans == [(first_ms, first_ms + 20 * DAY_MS), (first_ms + 20 * DAY_MS, midnight_ms + DAY_MS)]
    assert [row.ts_ns for row in span.rows] == [(start + 76) * 10**6 for start, _ in spans]
    assert len(span.refused) == 2


def test_history_rows_that_are_not_sound_are_refused_one_by_one() -> None:
    history = [
        posted(FIRST_MS),
        posted(FIRST_MS + 1, "NaN"),
        posted(FIRST_MS + 2, "0.02"),
        posted(FIRST_MS + 3, coin="BTC"),
        posted(FIRST_MS, "0.0001"),
        {"coin": "SOL"},
    ]
    with serving(venue(history)) as server:
        span = reader_does(server.base_url, lambda reader: reader.funding_days("SOL-PERP", FIRST, 1))
    assert [row.rate_fraction for row in span.rows] == [0.0000125]
    assert len(span.refused) == 5


@pytest.mark.parametrize("symbol", ["DOGE-PERP", "SOL", "", "sol-PERP"])
def test_an_unknown_market_is_not_asked_for(symbol: str) -> None:
    with serving(venue([])) as server:
        with pytest.raises(UnknownMarketError, match="expected one of Hyperliquid's"):
            reader_does(server.base_url, lambda reader: reader.funding_days(symbol, FIRST, 1))
        assert [question(asked)["type"] for asked in server.asked] == ["meta"]


@pytest.mark.parametrize(("first", "days"), [(FIRST, 21), (FIRST, 0), (date(2023, 6, 7), 1)])
def test_days_out_of_reach_are_refused(first: date, days: int) -> None:
    with pytest.raises(ValueError, match="expected at most 20, from 2023-06-08 on"):
        reader_does("http://127.0.0.1:9", lambda reader: reader.funding_days("SOL-PERP", first, days))


def test_the_names_are_asked_for_once() -> None:
    async def twice(reader: HyperliquidReader) -> None:
        await reader.funding_days("SOL-PERP", FIRST, 1)
        await reader.funding_days("BTC-PERP", FIRST, 1)

    with serving(venue([])) as server:
        reader_does(server.base_url, twice)
        assert [question(asked)["type"] for asked in server.asked] == ["meta", "fundingHistory", "fundingHistory"]


def test_without_the_extra_it_says_how_to_get_it() -> None:
    code = "import sys; sys.modules['hyperliquid'] = None; import phantom_arbiter.venues.hyperliquid.reader"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Hyperliquid needs its SDK: pip install 'phantom-arbiter[hyperliquid]'" in done.stderr
