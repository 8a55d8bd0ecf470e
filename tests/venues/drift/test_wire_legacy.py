"""Posted funding hours in the older format of raw integers: what is read, and that nothing wrong gets through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given

from phantom_arbiter.core.perp.reading import FundingHour
from phantom_arbiter.venues.drift.wire_data import parse_market_funding_rates
from phantom_arbiter.venues.drift.wire_legacy import parse_legacy_funding_rates
from phantom_arbiter.venues.wire import WireError
from tests.venues.drift.damage import damages, survives

T0 = 1_775_066_400
HOUR = FundingHour(T0 * 10**9, -1_024_958, 84_693_889, 84_652_352)


def legacy(**changes: Any) -> dict[str, Any]:
    return {
        "ts": str(T0),
        "marketIndex": 0,
        "fundingRate": "-1024958",
        "oraclePriceTwap": "84693889",
        "markPriceTwap": "84652352",
        "aFieldOfTomorrow": None,
    } | changes


def body_of(*rows: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"fundingRates": rows})


def test_recorded_hour(recorded: Callable[[str], bytes]) -> None:
    (read,) = parse_legacy_funding_rates(recorded("data_api__fundingRates_legacy_raw_ints"))
    assert read == FundingHour(1_771_383_600 * 10**9, -1_889_875, 84_642_173, 84_579_888)


def test_both_formats_give_one_hour(recorded: Callable[[str], bytes]) -> None:
    newer = parse_market_funding_rates(recorded("data_api__market_fundingRates__2026-04-01"), "SOL-PERP").records
    assert parse_legacy_funding_rates(body_of(legacy())) == (HOUR,) == newer


@pytest.mark.parametrize("times", [(3, 2, 1), (1, 2, 3)])
def test_oldest_first_whatever_the_order(times: tuple[int, ...]) -> None:
    read = parse_legacy_funding_rates(body_of(*(legacy(ts=str(T0 + 3_600 * step)) for step in times)))
    assert [one.ts_ns for one in read] == [(T0 + 3_600 * step) * 10**9 for step in (1, 2, 3)]


@pytest.mark.parametrize("times", [(1, 3, 2), (2, 2), (3, 2, 2)])
def test_time_going_back_or_standing_still_is_refused(times: tuple[int, ...]) -> None:
    with pytest.raises(WireError, match=r"fundingRates\[\d\]\.ts: got \d+, expected a time"):
        parse_legacy_funding_rates(body_of(*(legacy(ts=str(T0 + 3_600 * step)) for step in times)))


def test_no_hours_are_no_error() -> None:
    assert parse_legacy_funding_rates(body_of()) == ()


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"fundingRate": -1_024_958}, "fundingRates[0].fundingRate: got -1024958, expected `str`"),
    ({"fundingRate": "-0.001024958"}, "fundingRates[0].fundingRate: got '-0.001024958'"),
    ({"fundingRate": "-1024958\n"}, "fundingRates[0].fundingRate: got"),
    ({"ts": "1775066400000"}, "fundingRates[0].ts: got '1775066400000', expected seconds"),
    ({"ts": T0}, "fundingRates[0].ts: got 1775066400, expected `str`"),
    ({"marketIndex": "0"}, "fundingRates[0].marketIndex: got '0', expected `int`"),
    ({"oraclePriceTwap": "0"}, "fundingRates[0].oraclePriceTwap: got '0', expected a number above zero"),
    ({"markPriceTwap": "84.652352"}, "fundingRates[0].markPriceTwap: got '84.652352'"),
    # the sign turned, a scale of 1e6, one of 1e12, and the most digits there are
    ({"fundingRate": "1024958"}, "what the record's TWAPs give"),
    ({"fundingRate": "-1025"}, "what the record's TWAPs give"),
    ({"fundingRate": "-1024958000"}, "a wrong unit?"),
    ({"fundingRate": "-99999999999999999999"}, "a wrong unit?"),
]


@pytest.mark.parametrize(("changes", "message"), WRONG)
def test_a_wrong_field_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(WireError) as refused:
        parse_legacy_funding_rates(body_of(legacy(**changes)))
    assert message in str(refused.value)
    assert refused.value.endpoint == "GET /fundingRates"


@pytest.mark.parametrize("name", ["ts", "marketIndex", "fundingRate", "oraclePriceTwap", "markPriceTwap"])
def test_a_missing_field_is_named(name: str) -> None:
    row = legacy()
    del row[name]
    with pytest.raises(WireError, match=rf"fundingRates\[1\]\.{name}: got None, expected this field to be there"):
        parse_legacy_funding_rates(body_of(legacy(), row))


def test_rows_of_two_markets_are_refused() -> None:
    with pytest.raises(WireError, match=r"fundingRates\[1\].marketIndex: got 1, expected 0"):
        parse_legacy_funding_rates(body_of(legacy(), legacy(ts=str(T0 + 3_600), marketIndex=1)))


@pytest.mark.parametrize("body", [b"", b"  ", b"<!DOCTYPE html>", body_of(legacy())[:-20], b"[]", b"null", b"\xff\xfe"])
def test_what_is_no_answer(body: bytes) -> None:
    with pytest.raises(WireError, match="GET /fundingRates: body"):
        parse_legacy_funding_rates(body)


def test_a_body_beyond_the_limit() -> None:
    with pytest.raises(WireError, match="at most 16777216 bytes"):
        parse_legacy_funding_rates(b" " * (16 * 2**20 + 1))


@given(damages)
def test_damage_is_refused_and_nothing_else(damage: tuple[bool, int, int]) -> None:
    assert survives(parse_legacy_funding_rates, body_of(legacy(ts=str(T0 + 3_600)), legacy()), damage)


@given(damages)
def test_damage_of_a_recorded_body(recorded: Callable[[str], bytes], damage: tuple[bool, int, int]) -> None:
    assert survives(parse_legacy_funding_rates, recorded("data_api__fundingRates_legacy_raw_ints"), damage)
