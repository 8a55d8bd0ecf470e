"""The markets as the Data API tells them now: percent an hour, each side's profit, open interest, status."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given

from phantom_arbiter.core.events import VenueStatus
from phantom_arbiter.core.perp.profile import DRIFT_V2, VELOCITY
from phantom_arbiter.core.perp.rate import HourlyRate
from phantom_arbiter.core.perp.reading import VenueReading
from phantom_arbiter.venues.drift.wire_stats import parse_stats_markets
from phantom_arbiter.venues.wire import WireError
from tests.venues.drift.damage import damages, survives

UPDATED = 1_771_477_206
NOW_NS = (UPDATED + 1_000) * 10**9
NEXT_HOUR_NS = 1_771_480_800 * 10**9


def perp(**changes: Any) -> dict[str, Any]:
    return {
        "symbol": "SOL-PERP",
        "marketIndex": 0,
        "marketType": "perp",
        "status": "active",
        "oraclePrice": "81.889579",
        "markPrice": "81.856150",
        "quoteVolume": "32153510.020148",
        "openInterest": {"long": "471252.73", "short": "-471093.53"},
        "fundingRate": {"long": "-0.000022", "short": "0.000022"},
        "fundingRateUpdateTs": UPDATED,
        "aFieldOfTomorrow": None,
    } | changes


def markets(*rows: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"success": True, "markets": rows})


def read(*rows: dict[str, Any]) -> VenueReading:
    return parse_stats_markets(markets(*rows), VELOCITY, NOW_NS)


def stats_of(body: bytes) -> object:
    return parse_stats_markets(body, DRIFT_V2, NOW_NS)


def test_recorded_markets(recorded: Callable[[str], bytes]) -> None:
    reading = parse_stats_markets(recorded("data_api__stats_markets__2026-02-19"), DRIFT_V2, NOW_NS)
    assert (reading.venue, reading.status, reading.reason, reading.as_of_ns) == (
        "drift-v2",
        VenueStatus.LIVE,
        "",
        NOW_NS,
    )
    (market,) = reading.markets
    assert market.rate == HourlyRate.of_fraction(Decimal("0.00000022"))
    assert market.rate.receiver == "shorts"
    assert market.rate_is_estimate
    assert (market.oracle_px, market.mark_px) == (81_889_579, 81_856_150)
    assert market.open_interest_micros == 471_252_730_000_000 * 81_889_579 // 10**9
    assert market.volume_24h_micros == 32_153_510_020_148
    assert market.next_funding_ts_ns == NEXT_HOUR_NS


def test_longs_in_profit_receive() -> None:
    (market,) = read(perp(fundingRate={"long": "0.0100", "short": "-0.0100"})).markets
    assert market.rate == HourlyRate.of_percent(Decimal("-0.01"))
    assert market.rate.receiver == "longs"


def test_the_greater_side_is_the_open_interest() -> None:
    (market,) = read(perp(oraclePrice="2.000000", openInterest={"long": "1.5", "short": "-2.5"})).markets
    assert market.open_interest_micros == 5_000_000


def test_on_the_full_hour_the_next_is_an_hour_away() -> None:
    (market,) = read(perp(fundingRateUpdateTs=1_771_477_200)).markets
    assert market.next_funding_ts_ns == NEXT_HOUR_NS


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("active", VenueStatus.LIVE),
        ("Active", VenueStatus.LIVE),
        ("reduceOnly", VenueStatus.REDUCE_ONLY),
        ("reduce_only", VenueStatus.REDUCE_ONLY),
        ("initialized", VenueStatus.PAUSED),
        ("fillPaused", VenueStatus.PAUSED),
        ("settlement", VenueStatus.PAUSED),
        ("delisted", VenueStatus.ABSENT),
    ],
)
def test_status_words(word: str, status: VenueStatus) -> None:
    reading = read(perp(status=word))
    assert reading.markets[0].status is status
    assert reading.status is status


def test_a_paused_market_is_not_called_thin() -> None:
    assert read(perp(status="fillPaused", quoteVolume="0")).markets[0].status is VenueStatus.PAUSED


def test_spot_markets_are_passed_over() -> None:
    reading = read({"marketType": "spot", "symbol": "USDT", "oraclePrice": None}, perp())
    assert [market.symbol for market in reading.markets] == ["SOL-PERP"]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"fundingRate": {"long": "-0.5", "short": "0.5"}}, "markets[0].fundingRate.long: got '0.5', expected at most"),
    ({"fundingRate": {"long": "-22", "short": "22"}}, "a wrong unit?"),
    (
        {"fundingRate": {"long": "0.01", "short": "0.01"}},
        "markets[0].fundingRate.short: got '0.01', expected the other",
    ),
    ({"fundingRate": {"long": -0.000022, "short": "0.000022"}}, "markets[0].fundingRate.long: got -2.2e-05"),
    ({"fundingRate": "-0.000022"}, "markets[0].fundingRate: got '-0.000022', expected `object`"),
    ({"fundingRate": {"long": "NaN", "short": "NaN"}}, "markets[0].fundingRate.long: got 'NaN'"),
    ({"status": "asleep"}, "markets[0].status: got 'asleep', expected one of active"),
    ({"status": None}, "markets[0].status: got None"),
    ({"marketType": "prediction"}, "markets[0].marketType: got 'prediction'"),
    ({"oraclePrice": "0"}, "markets[0].oraclePrice: got '0', expected a number above zero"),
    ({"oraclePrice": 81.889579}, "markets[0].oraclePrice: got 81.889579, expected `str`"),
    ({"quoteVolume": "-1"}, "markets[0].quoteVolume: got '-1'"),
    ({"openInterest": {"long": "1"}}, "markets[0].openInterest.short: got None, expected this field"),
    ({"symbol": "SOL PERP"}, "markets[0].symbol: got 'SOL PERP'"),
    ({"marketIndex": -1}, "markets[0].marketIndex: got -1"),
    ({"fundingRateUpdateTs": UPDATED * 1_000}, "markets[0].fundingRateUpdateTs"),
    ({"fundingRateUpdateTs": UPDATED + 1_301}, "markets[0].fundingRateUpdateTs: got 1771478507, expected a time up to"),
]


@pytest.mark.parametrize(("changes", "message"), WRONG)
def test_a_wrong_field_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(WireError) as refused:
        read(perp(**changes))
    assert message in str(refused.value)
    assert refused.value.endpoint == "GET /stats/markets"


@pytest.mark.parametrize(
    "name", ["symbol", "marketType", "status", "oraclePrice", "openInterest", "fundingRate", "fundingRateUpdateTs"]
)
def test_a_missing_field_is_named(name: str) -> None:
    row = perp()
    del row[name]
    with pytest.raises(WireError, match=rf"markets\[0\]\.{name}: got None, expected this field to be there"):
        read(row)


@pytest.mark.parametrize("twin", [{"marketIndex": 1}, {"symbol": "BTC-PERP"}])
def test_a_market_told_twice_is_refused(twin: dict[str, Any]) -> None:
    with pytest.raises(WireError, match="expected a market only once"):
        read(perp(), perp(**twin))


def test_failure_told_in_a_good_answer() -> None:
    with pytest.raises(WireError, match="success: got False, expected true"):
        stats_of(b'{"success":false,"markets":[]}')


@pytest.mark.parametrize("body", [b"", b"<html>502 Bad Gateway</html>", b'{"markets":', b"[]", b"{}"])
def test_what_is_no_answer(body: bytes) -> None:
    with pytest.raises(WireError, match="GET /stats/markets: "):
        stats_of(body)


@given(damages)
def test_damage_is_refused_and_nothing_else(damage: tuple[bool, int, int]) -> None:
    assert survives(stats_of, markets(perp(), perp(symbol="BTC-PERP", marketIndex=1)), damage)


@given(damages)
def test_damage_of_a_recorded_body(recorded: Callable[[str], bytes], damage: tuple[bool, int, int]) -> None:
    assert survives(stats_of, recorded("data_api__stats_markets__2026-02-19"), damage)
