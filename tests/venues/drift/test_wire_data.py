"""Posted funding hours of the Data API: what is read, and that nothing wrong gets through."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given

from phantom_arbiter.core.perp.rate import HourlyRate
from phantom_arbiter.core.perp.reading import FundingHour
from phantom_arbiter.venues.drift.wire_data import parse_market_funding_rates
from phantom_arbiter.venues.wire import WireError
from tests.venues.drift.damage import damages, survives

T0 = 1_775_066_400


def hour(ts: int = T0, **changes: Any) -> dict[str, Any]:
    # (84.652352 − 84.693889 + 84.693889/5000) · 1/24 = −0.001024958, truncated in the program's integers
    return {
        "ts": ts,
        "symbol": "SOL-PERP",
        "fundingRate": "-0.001024958",
        "oraclePriceTwap": "84.693889",
        "markPriceTwap": "84.652352",
        "aFieldOfTomorrow": {"any": ["thing"]},
    } | changes


def page(*records: dict[str, Any], **changes: Any) -> bytes:
    return msgspec.json.encode({"success": True, "records": records, "meta": {"nextPage": None}} | changes)


def hours_of(body: bytes) -> object:
    return parse_market_funding_rates(body, "SOL-PERP")


HOUR = FundingHour(T0 * 10**9, -1_024_958, 84_693_889, 84_652_352)


def test_recorded_page(recorded: Callable[[str], bytes]) -> None:
    read = parse_market_funding_rates(recorded("data_api__market_fundingRates__2026-04-01"), "SOL-PERP")
    assert read.records == (HOUR,)
    assert read.next_page is None


def test_the_hour_and_its_strings_give_one_rate() -> None:
    (read,) = parse_market_funding_rates(page(hour()), "SOL-PERP").records
    assert read == HOUR
    by_program = HourlyRate.of_program(read.rate_e9, read.oracle_twap_px)
    by_decimal = HourlyRate.of_quote_per_base(Decimal("-0.001024958"), Decimal("84.693889"))
    assert abs(by_program.e12 - by_decimal.e12) <= 1
    assert by_program.receiver == "longs"


@pytest.mark.parametrize("times", [(3, 2, 1), (1, 2, 3)])
def test_oldest_first_whatever_the_order(times: tuple[int, ...]) -> None:
    records = [hour(T0 + 3_600 * step) for step in times]
    read = parse_market_funding_rates(page(*records), "SOL-PERP").records
    assert [one.ts_ns for one in read] == [(T0 + 3_600 * step) * 10**9 for step in (1, 2, 3)]


@pytest.mark.parametrize(("cursor", "told"), [("abc", "abc"), (7, "7"), (None, None)])
def test_the_cursor(cursor: object, told: str | None) -> None:
    assert parse_market_funding_rates(page(hour(), meta={"nextPage": cursor}), "SOL-PERP").next_page == told


def test_an_empty_page_is_no_error() -> None:
    assert parse_market_funding_rates(page(), "SOL-PERP").records == ()


def test_velocity_dead_zone_offset_and_clamp() -> None:
    # Velocity: offset 1/3333, dead zone 5 bps. 100 → 100.04 is inside; 100.15 leaves 0.10; 110 is clamped to 1/33.
    rows = [
        ("100.040000", "0.001250125"),
        ("100.150000", "0.005416791"),
        ("110.000000", "0.126262583"),
    ]
    for mark, rate in rows:
        row = hour(oraclePriceTwap="100.000000", markPriceTwap=mark, fundingRate=rate)
        assert parse_market_funding_rates(page(row), "SOL-PERP").records


def test_a_mark_that_went_stale_counts_as_the_oracle_at_velocity_alone() -> None:
    stale: dict[str, Any] = {"oraclePriceTwap": "100.000000", "markPriceTwap": "90.000000"}
    assert parse_market_funding_rates(page(hour(**stale, fundingRate="0.001250125")), "SOL-PERP").records
    with pytest.raises(WireError, match="what the record's TWAPs give"):  # Drift's offset alone
        parse_market_funding_rates(page(hour(**stale, fundingRate="0.000833333")), "SOL-PERP")


@pytest.mark.parametrize("times", [(1, 3, 2), (3, 1, 2), (2, 2), (1, 2, 2), (3, 2, 2)])
def test_time_going_back_or_standing_still_is_refused(times: tuple[int, ...]) -> None:
    body = page(*(hour(T0 + 3_600 * step) for step in times))
    with pytest.raises(WireError, match=r"records\[\d\]\.ts: got \d+, expected a time"):
        parse_market_funding_rates(body, "SOL-PERP")


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"fundingRate": -0.001024958}, "records[0].fundingRate: got -0.001024958, expected `str`"),
    ({"fundingRate": "NaN"}, "records[0].fundingRate: got 'NaN'"),
    ({"fundingRate": "Infinity"}, "records[0].fundingRate: got 'Infinity'"),
    ({"fundingRate": "1e-3"}, "records[0].fundingRate: got '1e-3'"),
    ({"fundingRate": ""}, "records[0].fundingRate: got ''"),
    ({"fundingRate": "-0.001024958\n"}, "records[0].fundingRate"),
    ({"fundingRate": "-0.0010249581"}, "at most 9 decimals"),
    ({"fundingRate": None}, "records[0].fundingRate: got None"),
    ({"ts": str(T0)}, f"records[0].ts: got '{T0}', expected `int`"),
    ({"ts": T0 * 1_000}, "records[0].ts"),
    ({"ts": float(T0) + 0.5}, "records[0].ts"),
    ({"ts": -1}, "records[0].ts: got -1"),
    ({"oraclePriceTwap": "0.000000"}, "records[0].oraclePriceTwap: got '0.000000', expected a number above zero"),
    ({"oraclePriceTwap": "-84.693889"}, "records[0].oraclePriceTwap"),
    ({"markPriceTwap": 84.652352}, "records[0].markPriceTwap: got 84.652352, expected `str`"),
    ({"symbol": "BTC-PERP"}, "records[0].symbol: got 'BTC-PERP', expected SOL-PERP"),
    # what the pitfalls are made of: a percentage, a fraction, and the sign turned
    ({"fundingRate": "-0.121019075"}, "what the record's TWAPs give, about -0.00"),
    ({"fundingRate": "-0.001210191"}, "what the record's TWAPs give"),
    ({"fundingRate": "-0.000012102"}, "what the record's TWAPs give"),
    ({"fundingRate": "0.001024958"}, "what the record's TWAPs give"),
    ({"fundingRate": "-8.5"}, "a wrong unit?"),
]


@pytest.mark.parametrize(("changes", "message"), WRONG)
def test_a_wrong_field_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(WireError) as refused:
        parse_market_funding_rates(page(hour(**changes)), "SOL-PERP")
    assert message in str(refused.value)
    assert refused.value.endpoint == "GET /market/{symbol}/fundingRates"
    assert refused.value.field


@pytest.mark.parametrize("name", ["ts", "symbol", "fundingRate", "oraclePriceTwap", "markPriceTwap"])
def test_a_missing_field_is_named(name: str) -> None:
    row = hour()
    del row[name]
    with pytest.raises(WireError, match=rf"records\[1\]\.{name}: got None, expected this field to be there"):
        parse_market_funding_rates(page(hour(), row), "SOL-PERP")


def test_a_lost_cursor_is_not_the_last_page() -> None:
    for meta in ({}, {"nextPag": None}):
        with pytest.raises(WireError, match=r"meta\.nextPage: got None, expected this field to be there"):
            parse_market_funding_rates(page(hour(), meta=meta), "SOL-PERP")


def test_failure_told_in_a_good_answer() -> None:
    with pytest.raises(WireError, match="success: got False, expected true"):
        parse_market_funding_rates(page(hour(), success=False), "SOL-PERP")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"<!DOCTYPE html><html></html>",
        page(hour())[:-20],
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"deep":' + b"[" * 200_000,
    ],
)
def test_what_is_no_answer(body: bytes) -> None:
    with pytest.raises(WireError, match="body"):
        hours_of(body)


def test_a_body_beyond_the_limit() -> None:
    with pytest.raises(WireError, match="at most 16777216 bytes"):
        hours_of(b" " * (16 * 2**20 + 1))


@given(damages)
def test_damage_is_refused_and_nothing_else(damage: tuple[bool, int, int]) -> None:
    assert survives(hours_of, page(hour(T0 + 3_600), hour()), damage)


@given(damages)
def test_damage_of_a_recorded_body(recorded: Callable[[str], bytes], damage: tuple[bool, int, int]) -> None:
    assert survives(hours_of, recorded("data_api__market_fundingRates__2026-04-01"), damage)
