"""The list of contracts: the last posted hour in percent, both sides' open interest, times in milliseconds."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given

from phantom_arbiter.core.events import VenueStatus
from phantom_arbiter.core.perp.profile import DRIFT_V2, VELOCITY, VenueProfile
from phantom_arbiter.core.perp.rate import HourlyRate
from phantom_arbiter.core.perp.reading import VenueReading
from phantom_arbiter.venues.drift.wire_contracts import parse_contracts
from phantom_arbiter.venues.drift.wire_stats import parse_stats_markets
from phantom_arbiter.venues.wire import WireError
from tests.venues.drift.damage import damages, survives

END_NS = 1_771_478_151_595 * 10**6
NEXT_HOUR_NS = 1_771_480_800 * 10**9


def contract(**changes: Any) -> dict[str, Any]:
    return {
        "ticker_id": "SOL-PERP",
        "product_type": "PERP",
        "index_price": "81.683295",
        "quote_volume": "32232930.657246",
        "open_interest": "943191.730000000",
        "funding_rate": "0.000281332",
        "next_funding_rate_timestamp": "1771480806000",
        "end_timestamp": "1771478151595",
        "a_field_of_tomorrow": None,
    } | changes


def body_of(*rows: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"contracts": rows})


def contracts_of(body: bytes) -> VenueReading:
    return parse_contracts(body, DRIFT_V2)


def read(*rows: dict[str, Any]) -> VenueReading:
    return contracts_of(body_of(*rows))


def test_recorded_contracts(recorded: Callable[[str], bytes]) -> None:
    reading = contracts_of(recorded("data_api__contracts__2026-02-19"))
    assert (reading.venue, reading.status, reading.as_of_ns) == ("drift-v2", VenueStatus.LIVE, END_NS)
    (market,) = reading.markets
    assert market.rate == HourlyRate.of_percent(Decimal("0.000281332"))
    assert market.rate.receiver == "shorts"
    assert not market.rate_is_estimate
    assert (market.oracle_px, market.mark_px) == (81_683_295, None)
    assert market.volume_24h_micros == 32_232_930_657_246
    assert market.next_funding_ts_ns == NEXT_HOUR_NS


def test_recorded_contracts_agree_with_the_markets(recorded: Callable[[str], bytes]) -> None:
    (market,) = contracts_of(recorded("data_api__contracts__2026-02-19")).markets
    (other,) = parse_stats_markets(recorded("data_api__stats_markets__2026-02-19"), DRIFT_V2, END_NS).markets
    # the two answers are some minutes apart: one side of the open interest within 1 % of each other
    assert market.open_interest_micros == pytest.approx(other.open_interest_micros, rel=0.01)
    assert market.next_funding_ts_ns == other.next_funding_ts_ns


def test_half_of_both_sides_is_the_open_interest() -> None:
    assert read(contract(index_price="2.000000", open_interest="5.0")).markets[0].open_interest_micros == 5_000_000


def test_longs_receive_a_negative_rate() -> None:
    assert read(contract(funding_rate="-0.01")).markets[0].rate == HourlyRate.of_percent(Decimal("-0.01"))


def test_the_newest_time_is_the_answers() -> None:
    older = contract(ticker_id="BTC-PERP", end_timestamp="1771478151594")
    assert read(older, contract()).as_of_ns == read(contract(), older).as_of_ns == END_NS


def test_a_market_that_hardly_trades_is_thin() -> None:
    assert read(contract(quote_volume="9999.999999")).status is VenueStatus.THIN
    assert read(contract(quote_volume="10000.000000")).status is VenueStatus.LIVE


def test_spot_markets_are_passed_over() -> None:
    reading = read({"product_type": "SPOT", "ticker_id": "SOL_USDC"}, contract())
    assert [market.symbol for market in reading.markets] == ["SOL-PERP"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"funding_rate": "0.5"}, "contracts[0].funding_rate: got '0.5', expected at most 0.4167"),
        ({"funding_rate": "22"}, "a wrong unit?"),
        ({"funding_rate": 0.000281332}, "contracts[0].funding_rate: got 0.000281332, expected `str`"),
        ({"index_price": "0"}, "contracts[0].index_price: got '0', expected a number above zero"),
        ({"quote_volume": "-1"}, "contracts[0].quote_volume: got '-1'"),
        ({"open_interest": "-1"}, "contracts[0].open_interest: got '-1'"),
        ({"end_timestamp": "1771478151"}, "contracts[0].end_timestamp: got '1771478151', expected milliseconds"),
        ({"end_timestamp": 1_771_478_151_595}, "contracts[0].end_timestamp: got 1771478151595, expected `str`"),
        ({"next_funding_rate_timestamp": "0"}, "contracts[0].next_funding_rate_timestamp: got '0', expected millis"),
        ({"product_type": "OPTION"}, "contracts[0].product_type: got 'OPTION'"),
        ({"ticker_id": "SOL PERP"}, "contracts[0].ticker_id: got 'SOL PERP'"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(WireError) as refused:
        read(contract(**changes))
    assert message in str(refused.value)


@pytest.mark.parametrize("name", [name for name in contract() if name != "a_field_of_tomorrow"])
def test_a_missing_field_is_named(name: str) -> None:
    row = contract()
    del row[name]
    with pytest.raises(WireError, match=rf"contracts\[0\]\.{name}: got None, expected this field to be there"):
        read(row)


def test_a_market_told_twice_is_refused() -> None:
    with pytest.raises(WireError, match=r"contracts\[1\]\.ticker_id: got 'SOL-PERP', expected a market only once"):
        read(contract(), contract())


def test_contracts_without_a_perp_have_no_time() -> None:
    with pytest.raises(WireError, match="at least one perp market"):
        read({"product_type": "SPOT"})


@pytest.mark.parametrize(
    ("profile", "endpoint"), [(DRIFT_V2, "GET /contracts"), (VELOCITY, "GET /external/coingecko/contracts")]
)
@pytest.mark.parametrize("body", [b"", b"<html>502 Bad Gateway</html>", b'{"contracts":', b"[]", b"{}"])
def test_what_is_no_answer_names_the_venues_own_path(body: bytes, profile: VenueProfile, endpoint: str) -> None:
    with pytest.raises(WireError) as refused:
        parse_contracts(body, profile)
    assert refused.value.endpoint == endpoint


@given(damages)
def test_damage_is_refused_and_nothing_else(damage: tuple[bool, int, int]) -> None:
    assert survives(contracts_of, body_of(contract(), contract(ticker_id="BTC-PERP")), damage)


@given(damages)
def test_damage_of_a_recorded_body(recorded: Callable[[str], bytes], damage: tuple[bool, int, int]) -> None:
    assert survives(contracts_of, recorded("data_api__contracts__2026-02-19"), damage)
