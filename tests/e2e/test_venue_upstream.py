"""A real venue's markets on the real application while the venue answers, fails, lies, and comes back."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from phantom_arbiter.config import PerpVenueConfig
from tests.e2e.live_server import PATIENCE_S, LiveServer
from tests.venues.bodies import hour, page, stats, stats_market
from tests.venues.venue_server import Asked, Reply, VenueServer, serving, told

STARTED_S: Final = int(time.time())
"""The application asks on the real clock, so the venue has to live on it too."""
HOUR_S: Final = 3_600
WELL_MARK: Final = 81.85615
"""The mark price `well` tells, so that a test knows its answer has been read and not an earlier one's."""


def market(**changes: Any) -> dict[str, Any]:
    return stats_market(fundingRateUpdateTs=STARTED_S - HOUR_S, **changes)


def well(asked: Asked) -> Reply:
    """A venue with one market, and three posted hours of it."""
    if asked.path.startswith("/stats/markets"):
        return told(stats(market()))
    last_s = STARTED_S // HOUR_S * HOUR_S
    return told(page(*(hour(last_s - HOUR_S * ago) for ago in range(3))))


def lacking(field: str) -> dict[str, Any]:
    return {name: value for name, value in market().items() if name != field}


FAULTS: Final[dict[str, tuple[Reply, str]]] = {
    "429": (told({}, 429, retry_after="3600"), "HTTP 429"),
    "500": (told({}, 500, retry_after="0"), "HTTP 500"),
    "half a JSON": (Reply(json.dumps(stats(market())).encode()[:-40]), "whole and valid JSON"),
    "a missing field": (told(stats(lacking("fundingRate"))), "markets[0].fundingRate: got None"),
    "a string for a number": (
        told(stats(market() | {"fundingRateUpdateTs": "soon"})),
        "fundingRateUpdateTs: got 'soon'",
    ),
    "a number for a string": (told(stats(market(oraclePrice=81.9))), "markets[0].oraclePrice: got 81.9"),
    "percent where a fraction is due": (
        told(stats(market(fundingRate={"long": "-12.5", "short": "12.5"}))),
        "markets[0].fundingRate.long: got '12.5'",
    ),
    "time going backwards": (
        told(stats(market() | {"fundingRateUpdateTs": STARTED_S - 5 * HOUR_S})),
        "SOL-PERP: next funding at",
    ),
    "time-out": (Reply(hang=True), "no whole answer within 10 s"),
}


def until(what: Callable[[], Any]) -> Any:
    """The first answer that is true, within patience; each look is a request to the running application."""
    end_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < end_s:
        found = what()
        if found:
            return found
    raise AssertionError(f"nothing of the kind within {PATIENCE_S:g} s: {what()}")


def velocity(base_url: str) -> PerpVenueConfig:
    return PerpVenueConfig(source="velocity", base_url=base_url, refresh_s=1.0)


@pytest.fixture(scope="module")
def upstream() -> Iterator[VenueServer]:
    with serving(well) as venue:
        yield venue


@pytest.fixture(scope="module")
def live(upstream: VenueServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    home = tmp_path_factory.mktemp("upstream")
    with LiveServer(home, speed=60.0, perp_venue=velocity(upstream.base_url)) as server:
        yield server


def table(live: LiveServer, **wanted: Any) -> Any:
    """The market table once it has these values."""

    def look() -> Any:
        answer = live.get("api/drift/markets")
        return answer if all(answer.get(name) == value for name, value in wanted.items()) else None

    return until(look)


def journal_seq(live: LiveServer) -> int:
    return int(live.get("api/journal?limit=1")["rows"][0]["seq"])


def test_the_table_shows_the_venues_numbers_and_its_posted_hours(live: LiveServer) -> None:
    answer = until(lambda: (found := table(live, stale=False))["markets"][0]["history"] and found)
    (row,) = answer["markets"]
    assert answer["venue"]["name"] == "velocity"
    assert answer["venue"]["status"] == "live"
    assert row["symbol"] == "SOL-PERP"
    assert row["rate"] == pytest.approx(0.0000125)
    assert row["direction"] == "shorts"
    assert (row["mark_price"], row["oracle_price"]) == (WELL_MARK, 81.889579)
    assert row["oi"] == pytest.approx(471_252.73 * 81.889579)
    assert row["history"] == [pytest.approx(-0.001024958 / 84.693889)] * 3
    assert row["rate_ts"] == STARTED_S // HOUR_S * HOUR_S * 1_000
    assert answer["age_ms"] < 1_000 * PATIENCE_S


def test_it_comes_back_with_the_venue(live: LiveServer, upstream: VenueServer) -> None:
    upstream.answer = lambda asked: told({}, 503, retry_after="0")
    table(live, stale=True)
    upstream.answer = lambda asked: told(stats(market(markPrice="90.000000")))
    answer = table(live, stale=False, stale_reason="")
    assert until(lambda: table(live, stale=False)["markets"][0]["mark_price"] == 90.0)
    assert answer["venue"]["status"] == "live"


@pytest.mark.parametrize(("bad", "said"), FAULTS.values(), ids=FAULTS)
def test_a_fault_keeps_the_last_good_numbers_and_trading_goes_on(
    live: LiveServer, upstream: VenueServer, bad: Reply, said: str
) -> None:
    upstream.answer = well
    good = until(lambda: (found := table(live, stale=False))["markets"][0]["mark_price"] == WELL_MARK and found)
    upstream.answer = lambda asked: bad
    stale = table(live, stale=True)
    assert said in stale["stale_reason"]
    assert stale["markets"][0] | {"history": [], "rate_ts": 0} == good["markets"][0] | {"history": [], "rate_ts": 0}
    assert stale["as_of"] >= good["as_of"]
    seq = journal_seq(live)
    older = until(lambda: (later := table(live, stale=True))["age_ms"] > stale["age_ms"] and later)
    assert (older["as_of"], older["markets"]) == (stale["as_of"], stale["markets"])
    until(lambda: journal_seq(live) > seq)


def nowhere() -> str:
    """An address where a venue was, and is no more."""
    with serving(well) as gone:
        return gone.base_url


def test_a_venue_never_reached_is_no_table_but_the_reason(tmp_path: Path) -> None:
    with LiveServer(tmp_path, speed=60.0, perp_venue=velocity(nowhere())) as live:
        answer = until(lambda: "no connection" in (found := live.get("api/drift/markets")).get("reason", "") and found)
        assert answer["code"] == "unreachable"
        assert "markets" not in answer
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(live.url + "api/drift/markets", timeout=PATIENCE_S)
        with refused.value as response:
            assert response.status == 503
            assert int(response.headers["Retry-After"]) > 0
        seq = journal_seq(live)
        until(lambda: journal_seq(live) > seq)
