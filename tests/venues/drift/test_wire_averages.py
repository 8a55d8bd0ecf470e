"""Mean funding over a day, a week, a month and a year: percent an hour, signed as the program's rate."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given

from phantom_arbiter.core.perp.profile import DRIFT_V2, VELOCITY
from phantom_arbiter.core.perp.rate import HourlyRate
from phantom_arbiter.venues.drift.wire_averages import FundingAverages, parse_stats_funding_rates
from phantom_arbiter.venues.wire import WireError
from tests.venues.drift.damage import damages, survives


def averages(symbol: str = "SOL-PERP", **changes: Any) -> dict[str, Any]:
    windows = {"24h": "-0.001275543", "7d": "-0.001733966", "30d": "-0.002012817", "1y": "-0.000692263"}
    return {"symbol": symbol, "marketIndex": 0, "fundingRates": windows | changes}


def body_of(*rows: dict[str, Any], **changes: Any) -> bytes:
    return msgspec.json.encode({"success": True, "markets": rows} | changes)


def averages_of(body: bytes) -> tuple[FundingAverages, ...]:
    return parse_stats_funding_rates(body, DRIFT_V2)


def test_recorded_averages(recorded: Callable[[str], bytes]) -> None:
    (told,) = averages_of(recorded("data_api__stats_fundingRates__2026-02-19"))
    assert told.symbol == "SOL-PERP"
    rates = [told.day, told.week, told.month, told.year]
    assert rates == [HourlyRate(-12_755_430), HourlyRate(-17_339_660), HourlyRate(-20_128_170), HourlyRate(-6_922_630)]
    assert told.day is not None
    assert told.day.receiver == "longs"


def test_an_average_of_a_young_market_is_not_told() -> None:
    windows = {"24h": "0.01", "7d": None, "30d": None, "1y": None}
    (told,) = parse_stats_funding_rates(body_of(averages("HYPE-PERP", **windows)), VELOCITY)
    assert told == FundingAverages("HYPE-PERP", HourlyRate.of_percent(Decimal("0.01")), None, None, None)


def test_every_market_in_the_order_of_the_answer() -> None:
    assert [told.symbol for told in averages_of(body_of(averages(), averages("BTC-PERP")))] == ["SOL-PERP", "BTC-PERP"]
    assert averages_of(body_of()) == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"24h": "0.5"}, "markets[0].fundingRates.24h: got '0.5', expected at most 0.4167 percent an hour"),
        ({"1y": "-0.5"}, "markets[0].fundingRates.1y: got '-0.5', expected at most 0.4167 percent an hour"),
        ({"30d": "22"}, "a wrong unit?"),
        ({"7d": -0.001733966}, "markets[0].fundingRates.7d: got -0.001733966, expected `str | null`"),
        ({"7d": "NaN"}, "markets[0].fundingRates.7d: got 'NaN'"),
    ],
)
def test_a_wrong_window_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(WireError) as refused:
        averages_of(body_of(averages(**changes)))
    assert message in str(refused.value)
    assert refused.value.endpoint == "GET /stats/fundingRates"


@pytest.mark.parametrize("window", ["24h", "7d", "30d", "1y"])
def test_a_missing_window_is_named(window: str) -> None:
    row = averages()
    del row["fundingRates"][window]
    with pytest.raises(WireError, match=rf"markets\[0\]\.fundingRates\.{window}: got None, expected this field"):
        averages_of(body_of(row))


def test_a_market_told_twice_is_refused() -> None:
    with pytest.raises(WireError, match=r"markets\[1\]\.symbol: got 'SOL-PERP', expected a market only once"):
        averages_of(body_of(averages(), averages()))


def test_failure_told_in_a_good_answer() -> None:
    with pytest.raises(WireError, match="success: got False, expected true"):
        averages_of(body_of(success=False))


@pytest.mark.parametrize("body", [b"", b"<html>502 Bad Gateway</html>", b'{"markets":', b"[]", b"{}"])
def test_what_is_no_answer(body: bytes) -> None:
    with pytest.raises(WireError, match="GET /stats/fundingRates: "):
        averages_of(body)


@given(damages)
def test_damage_is_refused_and_nothing_else(damage: tuple[bool, int, int]) -> None:
    assert survives(averages_of, body_of(averages(), averages("BTC-PERP")), damage)


@given(damages)
def test_damage_of_a_recorded_body(recorded: Callable[[str], bytes], damage: tuple[bool, int, int]) -> None:
    assert survives(averages_of, recorded("data_api__stats_fundingRates__2026-02-19"), damage)
