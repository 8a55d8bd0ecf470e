"""The Data API's client against a server that answers well, badly, slowly, endlessly, or not at all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import TypeVar

import msgspec
import pytest

from phantom_arbiter.core.events import VenueStatus
from phantom_arbiter.core.perp.profile import DRIFT_V2, VELOCITY, VenueProfile
from phantom_arbiter.venues.drift.client import DriftClient
from phantom_arbiter.venues.errors import VenueUnavailable
from phantom_arbiter.venues.history import UnknownMarketError
from phantom_arbiter.venues.reads import ReadPolicy, VenueHttp, open_http, retry_after_s
from tests.venues.bodies import DAY, hour, page, stats, stats_market
from tests.venues.venue_server import Reply, VenueServer, in_turn, serving, told

T = TypeVar("T")
NOW = 1_771_480_000
MIDNIGHT = 1_775_001_600
QUICK = ReadPolicy(
    silence_s=5, deadline_s=10, wait_initial_s=0, wait_max_s=0, wait_jitter_s=0, rate=1_000, max_bytes=200_000
)
"""No waits: only a test that wants silence meets it, with limits of its own."""


def client_does(
    base_url: str,
    act: Callable[[DriftClient], Awaitable[T]],
    policy: ReadPolicy = QUICK,
    profile: VenueProfile = VELOCITY,
) -> T:
    async def main() -> T:
        async with open_http(policy) as http:
            return await act(DriftClient(profile, base_url, http, policy, lambda: NOW * 10**9))

    return asyncio.run(main())


def refusal(server: VenueServer, policy: ReadPolicy = QUICK) -> VenueUnavailable:
    with pytest.raises(VenueUnavailable) as failed:
        client_does(server.base_url, lambda client: client.read_markets(), policy)
    return failed.value


# What goes well


def test_markets_are_read_in_our_units() -> None:
    with serving(in_turn(told(stats()))) as server:
        reading = client_does(server.base_url, lambda client: client.read_markets())
    (market,) = reading.markets
    assert server.asked[0][:2] == ("GET", "/stats/markets")
    assert (reading.venue, reading.quote, reading.status, reading.as_of_ns) == (
        "velocity",
        "USDT",
        VenueStatus.LIVE,
        NOW * 10**9,
    )
    # longs lose 0.00125 % an hour: they pay
    assert (market.symbol, market.rate.e12, market.oracle_px) == ("SOL-PERP", 12_500_000, 81_889_579)


def test_drift_v2_is_paused_whatever_it_tells_and_asked_as_by_a_browser() -> None:
    with serving(in_turn(told(stats()))) as server:
        reading = client_does(server.base_url, lambda client: client.read_markets(), profile=DRIFT_V2)
    assert reading.status is VenueStatus.PAUSED
    assert {market.status for market in reading.markets} == {VenueStatus.PAUSED}
    assert "exploit of 2026-04-01" in reading.reason
    assert "nothing newer than 2026-04-01 18:00 UTC" in reading.reason
    assert server.asked[0].headers["origin"] == "https://app.drift.trade"
    assert server.asked[0].headers["referer"] == "https://app.drift.trade/"


def test_velocity_is_asked_as_what_we_are() -> None:
    with serving(in_turn(told(stats()))) as server:
        client_does(server.base_url, lambda client: client.read_markets())
    assert "origin" not in server.asked[0].headers


def test_the_recent_hours_come_in_one_page_or_in_many() -> None:
    hours = [hour(MIDNIGHT + 3_600 * each) for each in range(30)]
    pages = in_turn(told(page(*hours[8:], next_page=2)), told(page(*hours[:10])))
    with serving(pages) as server:
        span = client_does(server.base_url, lambda client: client.recent_hours("SOL-PERP"))
    assert [row.ts_ns for row in span.rows] == [(MIDNIGHT + 3_600 * each) * 10**9 for each in range(30)]
    assert span.refused == ()
    assert [asked.path for asked in server.asked] == [
        "/market/SOL-PERP/fundingRates?limit=750",
        "/market/SOL-PERP/fundingRates?limit=750&page=2",
    ]


def test_a_market_without_recent_hours_is_told_as_such() -> None:
    with (
        serving(in_turn(Reply(b"", 404))) as server,
        pytest.raises(VenueUnavailable, match="HTTP 404"),
    ):
        client_does(server.base_url, lambda client: client.recent_hours("SOL-PERP"))


def test_an_hour_that_two_pages_tell_differently_is_refused() -> None:
    other = hour(MIDNIGHT, rate="-0.001024957")
    with serving(in_turn(told(page(hour(MIDNIGHT), next_page=2)), told(page(other)))) as server:
        span = client_does(server.base_url, lambda client: client.recent_hours("SOL-PERP"))
    assert [row.rate_quote_per_base for row in span.rows] == [-0.001024958]
    assert span.refused == (f"{MIDNIGHT}000000000: another rate for an hour told already",)


def test_a_next_page_that_is_no_token_gets_into_no_address() -> None:
    with serving(in_turn(told({**page(hour(MIDNIGHT)), "meta": {"nextPage": "2&x=/../y"}}))) as server:
        with pytest.raises(VenueUnavailable, match="expected a plain token"):
            client_does(server.base_url, lambda client: client.recent_hours("SOL-PERP"))
        assert len(server.asked) == 1


def test_a_day_is_read_page_by_page_and_edges_told_twice_count_once() -> None:
    hours = [hour(MIDNIGHT + 3_600 * each) for each in range(24)]
    pages = in_turn(told(page(*hours[4:], next_page=2)), told(page(*hours[:6])))
    with serving(pages) as server:
        span = client_does(server.base_url, lambda client: client.funding_days("SOL-PERP", date(2026, 4, 1), 1))
    assert [row.ts_ns for row in span.rows] == [(MIDNIGHT + 3_600 * each) * 10**9 for each in range(24)]
    assert span.rows[0].rate_quote_per_base == -0.001024958
    assert span.rows[0].rate_fraction == -0.001024958 / 84.693889
    assert span.refused == ()


def test_a_record_that_is_not_sound_is_refused_alone() -> None:
    rows = [hour(MIDNIGHT), hour(MIDNIGHT + 3_600, oraclePriceTwap="nan"), hour(MIDNIGHT + 7_200)]
    rows += [hour(MIDNIGHT + 10_800, rate="-0.1024958"), hour(MIDNIGHT + 14_400, symbol="BTC-PERP")]
    with serving(in_turn(told({"success": True, "records": rows, "meta": {"nextPage": None}}))) as server:
        span = client_does(server.base_url, lambda client: client.funding_days("SOL-PERP", date(2026, 4, 1), 1))
    assert [row.ts_ns // 10**9 - MIDNIGHT for row in span.rows] == [0, 7_200]
    assert len(span.refused) == 3
    assert "records[1]" in span.refused[0]
    assert "nan" in span.refused[0]


def test_a_market_that_was_not_there_yet_has_no_hours() -> None:
    with serving(in_turn(Reply(b"", 404))) as server:
        span = client_does(server.base_url, lambda client: client.funding_days("SOL-PERP", date(2022, 4, 1), 1))
    assert (span.rows, span.refused) == ((), ())


@pytest.mark.parametrize("symbol", ["", "SOL", "../SOL-PERP", "SOL-PERP?x=1", "SOL PERP", "SOL-PERP/../../x"])
def test_only_a_symbol_gets_into_an_address(symbol: str) -> None:
    with serving(in_turn(told(page()))) as server:
        with pytest.raises(UnknownMarketError, match="expected a perp's symbol"):
            client_does(server.base_url, lambda client: client.recent_hours(symbol))
        assert server.asked == []


@pytest.mark.parametrize(
    ("ask", "most"),
    [
        (lambda client: client.funding_days("SOL-PERP", date(2026, 4, 1), 1), 8),
        (lambda client: client.recent_hours("SOL-PERP"), 40),
    ],
    ids=["a day", "recent hours"],
)
def test_a_next_page_without_end_is_given_up(ask: Callable[[DriftClient], Awaitable[object]], most: int) -> None:
    numbers = iter(range(2, 1_000))
    with serving(lambda asked: told(page(hour(MIDNIGHT), next_page=next(numbers)))) as server:
        with pytest.raises(VenueUnavailable, match=f"SOL-PERP: more than {most} pages"):
            client_does(server.base_url, ask)
        assert len(server.asked) == most


# What may be tried again


@pytest.mark.parametrize(
    "bad",
    [
        told({}, 429, retry_after="0"),
        told({}, 500),
        told({}, 503),
        told({}, 408),
        told(stats())._replace(cut=40),
        Reply(b"", cut=0, headers={"content-length": "9"}),
    ],
    ids=["429", "500", "503", "408", "half a body", "two lengths"],
)
def test_what_passes_is_tried_again(bad: Reply) -> None:
    with serving(in_turn(bad, bad, told(stats()))) as server:
        reading = client_does(server.base_url, lambda client: client.read_markets())
    assert len(reading.markets) == 1
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("status", "words", "times"),
    [
        (429, "too many requests", 4),
        (500, "internal server error", 4),
        (502, "bad gateway", 4),
        (599, "unknown status", 4),
        (301, "moved permanently", 1),
        (400, "bad request", 1),
        (403, "forbidden", 1),
        (404, "not found", 1),
        (204, "no content", 1),
    ],
)
def test_a_status_is_told_in_words_and_tried_only_where_that_helps(status: int, words: str, times: int) -> None:
    with serving(in_turn(Reply(b"", status, {"location": "/elsewhere"}))) as server:
        failed = refusal(server)
    host = server.base_url.removeprefix("http://")
    told_times = "once" if times == 1 else f"{times} times"
    assert failed.reason == f"HTTP {status} from {host}/stats/markets: {words}, tried {told_times} in 0 s"
    assert failed.status == status
    assert len(server.asked) == times


def test_a_venue_that_asks_to_wait_longer_than_we_would_is_not_asked_again() -> None:
    with serving(in_turn(told({}, 429, retry_after="3600"))) as server:
        failed = refusal(server)
    assert "too many requests (it asks to wait 3600 s), tried once in 0 s" in failed.reason
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7.0),
        (" 0 ", 0.0),
        ("Sun, 22 Nov 2026 10:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 09:00:00 GMT", 0.0),
        ("-3", None),
        ("soon", None),
        ("1.5", None),
    ],
)
def test_retry_after_in_both_forms(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, datetime(2026, 11, 22, 10, tzinfo=UTC)) == seconds


# What fails, within its limits


def test_nobody_listens() -> None:
    with serving(in_turn(Reply())) as server:
        gone = server.base_url
    with pytest.raises(VenueUnavailable, match=r"127\.0\.0\.1:\d+/stats/markets: no connection .*tried 4 times in 0 s"):
        client_does(gone, lambda client: client.read_markets())


def test_a_silent_venue_is_left_after_the_silence_allowed() -> None:
    brief = msgspec.structs.replace(QUICK, silence_s=0.05, attempts=2)
    with serving(in_turn(Reply(hang=True))) as server:
        failed = refusal(server, brief)
    assert "silent for 0.05 s, tried 2 times" in failed.reason
    assert server.clients_gone.wait(5)


def test_a_body_that_stops_half_way_is_left_after_the_silence_allowed() -> None:
    brief = msgspec.structs.replace(QUICK, silence_s=0.05, attempts=1)
    with serving(in_turn(told(stats())._replace(cut=30, hang=True))) as server:
        assert "silent for 0.05 s, tried once" in refusal(server, brief).reason


def test_the_deadline_bounds_everything() -> None:
    brief = msgspec.structs.replace(QUICK, silence_s=60, deadline_s=0.1)
    began = time.monotonic()
    with serving(in_turn(Reply(hang=True))) as server:
        failed = refusal(server, brief)
    assert "no whole answer within 0.1 s" in failed.reason
    assert time.monotonic() - began < 5


def test_the_deadline_also_ends_a_wait_and_the_reason_stays_the_failure() -> None:
    brief = msgspec.structs.replace(QUICK, deadline_s=0.2, wait_initial_s=60, wait_max_s=60)
    with serving(in_turn(told({}, 500))) as server:
        assert "HTTP 500 from" in refusal(server, brief).reason


def test_an_endless_body_is_cut_at_the_size_limit() -> None:
    with serving(in_turn(Reply(endless=True))) as server:
        failed = refusal(server)
        assert "the answer is longer than 200,000 bytes, tried once" in failed.reason
        assert server.clients_gone.wait(5)


def test_the_rate_limit_spaces_requests() -> None:
    slow = msgspec.structs.replace(QUICK, rate=1, rate_period_s=60, deadline_s=0.2)

    async def twice(client: DriftClient) -> None:
        await client.read_markets()
        await client.read_markets()

    with serving(in_turn(told(stats()))) as server:
        with pytest.raises(VenueUnavailable, match=r"our own rate limit left no turn in 0\.2 s"):
            client_does(server.base_url, twice, slow)
        assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"success": true, "mark', "whole and valid JSON"),
        (b"<html>rate limited</html>", "valid JSON"),
        (b"", "valid JSON"),
        (b"[]", "got"),
        (b'{"success": false, "markets": []}', "success"),
        (msgspec.json.encode(stats({**stats_market(), "fundingRate": {"long": "-12.5", "short": "12.5"}})), "percent"),
        (msgspec.json.encode(stats({**stats_market(), "oraclePrice": 81.889579})), "oraclePrice"),
        (msgspec.json.encode(stats({**stats_market(), "oraclePrice": "NaN"})), "oraclePrice"),
        (msgspec.json.encode(stats({k: v for k, v in stats_market().items() if k != "fundingRate"})), "fundingRate"),
    ],
    ids=["half", "html", "empty", "list", "no success", "12 %", "number", "nan", "missing"],
)
def test_wrong_content_is_no_reading_and_is_not_asked_for_again(body: bytes, said: str) -> None:
    with serving(in_turn(Reply(body))) as server:
        failed = refusal(server)
    assert "the answer cannot be read" in failed.reason
    assert said in failed.reason
    assert len(server.asked) == 1


@pytest.mark.parametrize("base_url", ["", "data.velocity.exchange", "ftp://x", "http://", "file:///etc/passwd"])
def test_an_address_that_is_none_is_refused(base_url: str) -> None:
    async def main() -> None:
        async with open_http(QUICK) as http:
            VenueHttp(base_url, http, QUICK)

    with pytest.raises(ValueError, match=r"expected http\(s\)://HOST"):
        asyncio.run(main())


def test_a_failure_does_not_tell_the_secrets_of_an_address() -> None:
    with serving(in_turn(Reply(b"", 403))) as server:
        secret = server.base_url.replace("http://", "http://me:hunter2@")
        with pytest.raises(VenueUnavailable) as failed:
            client_does(secret + "/key-of-mine/", lambda client: client.read_markets())
    assert "hunter2" not in failed.value.reason
    assert "key-of-mine" not in failed.value.reason


def test_midnight_is_the_day_asked_for() -> None:
    assert MIDNIGHT % DAY == 0
    assert datetime.fromtimestamp(MIDNIGHT, UTC).date() == date(2026, 4, 1)
