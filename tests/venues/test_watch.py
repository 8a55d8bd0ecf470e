"""What is known of a venue while it answers, fails, lies about the time, and comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from phantom_arbiter.core.events import VenueStatus
from phantom_arbiter.core.perp.profile import DRIFT_V2, VELOCITY
from phantom_arbiter.core.perp.rate import HourlyRate
from phantom_arbiter.core.perp.reading import MarketReading, VenueReading
from phantom_arbiter.core.units import NS_PER_SECOND
from phantom_arbiter.venues.drift.client import DriftClient
from phantom_arbiter.venues.errors import VenueUnavailable
from phantom_arbiter.venues.reads import ReadPolicy, open_http
from phantom_arbiter.venues.watch import VenueView, VenueWatch
from tests.venues.bodies import stats, stats_market
from tests.venues.venue_server import Reply, in_turn, serving, told

NOON = 1_771_502_400
QUICK = ReadPolicy(silence_s=5, deadline_s=10, wait_initial_s=0, wait_max_s=0, wait_jitter_s=0, attempts=1, rate=1_000)


def reading(as_of_s: float = NOON, status: VenueStatus = VenueStatus.LIVE, reason: str = "") -> VenueReading:
    profile = VELOCITY
    as_of_ns = int(as_of_s * NS_PER_SECOND)
    return VenueReading(profile.name, profile.title, profile.program, profile.quote, status, reason, (), as_of_ns)


class Told:
    """A reader that answers in turn; an exception is raised."""

    name = VELOCITY.name

    def __init__(self, *answers: VenueReading | Exception) -> None:
        self.answers = list(answers)

    async def read_markets(self) -> VenueReading:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Clock:
    def __init__(self) -> None:
        self.now_s = NOON

    def __call__(self) -> int:
        return self.now_s * NS_PER_SECOND


def after(*steps: tuple[int, VenueReading | Exception], then_s: int = 0, **options: Any) -> VenueView:
    """The view after polls, each so many seconds after the one before, and a while."""
    clock = Clock()
    watch = VenueWatch(Told(*(answer for _, answer in steps)), now_ns=clock, **options)

    async def main() -> VenueView:
        for wait_s, _ in steps:
            clock.now_s += wait_s
            await watch.poll()
        clock.now_s += then_s
        return watch.status()

    return asyncio.run(main())


DOWN = VenueUnavailable("HTTP 500 from somewhere: internal server error, tried 4 times in 6 s")


def test_a_venue_never_asked_is_absent() -> None:
    view = after()
    assert (view.status, view.reading, view.age_ns, view.stale) == (VenueStatus.ABSENT, None, None, True)
    assert view.reason == "never reached: it was not asked yet"


def test_a_venue_never_reached_is_absent_with_the_reason() -> None:
    view = after((0, DOWN))
    assert view.status is VenueStatus.ABSENT
    assert view.reason == f"never reached: {DOWN.reason}"


def test_a_paused_venue_never_reached_is_paused() -> None:
    view = after((0, DOWN), live_refused=DRIFT_V2.live_refused)
    assert view.status is VenueStatus.PAUSED
    assert view.reason == f"{DRIFT_V2.live_refused}; never reached: {DOWN.reason}"


@pytest.mark.parametrize("status", list(VenueStatus))
def test_a_fresh_answer_stands_as_it_is(status: VenueStatus) -> None:
    view = after((0, reading(status=status, reason="said so")), then_s=30)
    assert (view.status, view.reason, view.failure) == (status, "said so", "")
    assert (view.age_ns, view.stale) == (30 * NS_PER_SECOND, False)


def test_a_failure_keeps_the_last_good_answer_and_its_age() -> None:
    good = reading()
    view = after((0, good), (30, DOWN), then_s=10)
    assert view.reading == good
    assert (view.status, view.age_ns, view.stale) == (VenueStatus.LIVE, 40 * NS_PER_SECOND, False)
    assert view.failure == DOWN.reason


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (VenueStatus.LIVE, VenueStatus.REDUCE_ONLY),
        (VenueStatus.THIN, VenueStatus.REDUCE_ONLY),
        (VenueStatus.REDUCE_ONLY, VenueStatus.REDUCE_ONLY),
        (VenueStatus.PAUSED, VenueStatus.PAUSED),
        (VenueStatus.ABSENT, VenueStatus.ABSENT),
    ],
)
def test_old_data_let_nobody_in_and_open_no_closed_door(before: VenueStatus, now: VenueStatus) -> None:
    view = after((0, reading(status=before)), (30, DOWN), then_s=61)
    assert (view.status, view.stale) == (now, True)
    if before is VenueStatus.LIVE:
        assert view.reason == f"the last good answer is 91 s old: {DOWN.reason}"


def test_ninety_seconds_are_not_yet_old() -> None:
    assert not after((0, reading()), then_s=90).stale


def test_a_good_answer_ends_it() -> None:
    view = after((0, reading()), (200, DOWN), (30, reading(NOON + 230)))
    assert (view.status, view.failure, view.stale, view.age_ns) == (VenueStatus.LIVE, "", False, 0)


def test_time_going_backwards_is_refused_and_told() -> None:
    newer = reading(NOON)
    view = after((0, newer), (30, reading(NOON - 60)))
    assert view.reading == newer
    assert view.failure == (
        "the answer is of 2026-02-19 11:59:00 UTC, older than the one held, of 2026-02-19 12:00:00 UTC"
    )


def with_funding(next_s: int | None, as_of_s: float = NOON) -> VenueReading:
    """A reading whose one market has its next funding then."""
    next_ns = None if next_s is None else next_s * NS_PER_SECOND
    market = MarketReading("SOL-PERP", HourlyRate(0), True, None, None, None, None, next_ns, VenueStatus.LIVE)
    return replace(reading(as_of_s), markets=(market,))


def test_a_market_whose_time_goes_backwards_is_refused_and_told() -> None:
    newer = with_funding(NOON + 3_600)
    view = after((0, newer), (30, with_funding(NOON, NOON + 30)))
    assert view.reading == newer
    assert view.failure == (
        "SOL-PERP: next funding at 2026-02-19 12:00:00 UTC, before the time held, 2026-02-19 13:00:00 UTC"
    )


@pytest.mark.parametrize(("before", "now"), [(NOON, NOON), (NOON, NOON + 3_600), (NOON, None), (None, NOON)])
def test_a_market_whose_time_goes_on_or_is_not_told_is_no_step_back(before: int | None, now: int | None) -> None:
    assert after((0, with_funding(before)), (30, with_funding(now, NOON + 30))).failure == ""


def test_the_same_time_again_is_no_step_back() -> None:
    assert after((0, reading()), (30, reading(reason="again"))).reason == "again"


def test_an_answer_from_the_future_is_refused_and_told() -> None:
    view = after((0, reading(NOON + 31)))
    assert view.status is VenueStatus.ABSENT
    assert "2026-02-19 12:00:31 UTC, which is yet to come (it is 2026-02-19 12:00:00 UTC)" in view.reason


def test_a_clock_a_little_ahead_is_no_matter() -> None:
    view = after((0, reading(NOON + 30)))
    assert (view.status, view.age_ns) == (VenueStatus.LIVE, 0)


def test_our_own_clock_set_back_makes_the_answer_held_stale_and_the_next_one_good() -> None:
    assert after((0, reading()), then_s=-3_600).status is VenueStatus.REDUCE_ONLY
    view = after((0, reading()), (-3_600, reading(NOON - 3_600)))
    assert (view.status, view.failure, view.age_ns) == (VenueStatus.LIVE, "", 0)


def test_another_venues_answer_is_refused() -> None:
    view = after((0, replace(reading(), venue="drift-v2")))
    assert view.failure == "the answer is of drift-v2, expected velocity"


def run_until(watch: VenueWatch, done: Callable[[], bool]) -> None:
    """Run the watch as a task, until something is so, then cancel it."""

    async def main() -> None:
        task = asyncio.create_task(watch.run())
        for _ in range(1_000):
            if done() or task.done():
                break
            await asyncio.sleep(0)
        task.cancel()
        await task

    asyncio.run(main())


def test_it_polls_at_its_interval_until_cancelled() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)

    watch = VenueWatch(Told(*(reading() for _ in range(1_001))), interval_s=7, now_ns=Clock(), sleep=sleep)
    with pytest.raises(asyncio.CancelledError):
        run_until(watch, lambda: len(waits) >= 3)
    assert waits == [7.0, 7.0, 7.0]
    assert watch.status().status is VenueStatus.LIVE


def test_a_bug_of_the_reader_comes_out() -> None:
    watch = VenueWatch(Told(KeyError("a bug")), now_ns=Clock())
    with pytest.raises(KeyError, match="a bug"):
        asyncio.run(watch.run())


def test_only_one_task_runs_it_and_it_can_run_again_after() -> None:
    async def forever(seconds: float) -> None:
        await asyncio.get_running_loop().create_future()

    watch = VenueWatch(Told(reading(), reading()), now_ns=Clock(), sleep=forever)

    async def main() -> None:
        for _ in range(2):
            first = asyncio.create_task(watch.run())
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="velocity: is watched already"):
                await watch.run()
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first

    asyncio.run(main())


BAD_ANSWERS = {
    "429": told({}, 429),
    "500": told({}, 500),
    "half a JSON": Reply(b'{"success": true, "markets": [{"sym'),
    "missing field": told(stats({"symbol": "SOL-PERP"})),
    "string for a number": told(stats(stats_market(fundingRateUpdateTs="soon"))),
    "beyond the clamp": told(stats(stats_market(fundingRate={"long": "-12.5", "short": "12.5"}))),
    "cut off": told(stats())._replace(cut=10),
}


@pytest.mark.parametrize("bad", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_a_real_client_that_meets_a_bad_answer_changes_nothing(bad: Reply) -> None:
    clock = Clock()

    async def main(base_url: str) -> tuple[VenueView, VenueView]:
        async with open_http(QUICK) as http:
            watch = VenueWatch(DriftClient(VELOCITY, base_url, http, QUICK, clock), now_ns=clock)
            await watch.poll()
            good = watch.status()
            clock.now_s += 30
            await watch.poll()
            return good, watch.status()

    with serving(in_turn(told(stats()), bad)) as server:
        good, now = asyncio.run(main(server.base_url))
    assert good.failure == ""
    assert (now.reading, now.status, now.age_ns) == (good.reading, VenueStatus.LIVE, 30 * NS_PER_SECOND)
    assert now.failure != ""
