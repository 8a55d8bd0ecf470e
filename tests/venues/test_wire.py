"""From bytes to typed rows, and exact numbers out of text."""

from __future__ import annotations

import pytest
from msgspec import Raw, Struct

from phantom_arbiter.venues.wire import AmountText, WireError, decode, number, scaled, scaled_exactly, scaled_positive


class Inner(Struct):
    px: AmountText


class Answer(Struct):
    rows: list[Inner]


def test_a_body_becomes_rows_and_unknown_fields_are_passed_over() -> None:
    assert decode("GET /x", b'{"rows": [{"px": "1.5", "more": 1}], "also": null}', Answer).rows[0].px == "1.5"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"rows": [{"px": 1.5}]}', "GET /x: rows[0].px: got 1.5, expected `str`"),
        (b'{"rows": [{}]}', "GET /x: rows[0].px: got None, expected this field to be there"),
        (b"{}", "GET /x: rows: got None, expected this field to be there"),
        (b'{"rows": [{"px": "-1"}]}', "GET /x: rows[0].px: got '-1', expected `str` matching regex"),
        (b'{"rows": [', "GET /x: body: got b'{\"rows\": [', expected whole and valid JSON"),
        (b"[]", "GET /x: body: got [], expected `object`"),
    ],
)
def test_a_misfit_names_the_field_the_value_and_what_was_expected(body: bytes, message: str) -> None:
    with pytest.raises(WireError) as refused:
        decode("GET /x", body, Answer)
    assert str(refused.value).startswith(message)


def test_a_long_value_is_shown_in_part() -> None:
    with pytest.raises(WireError) as refused:
        decode("GET /x", b'{"rows": "' + b"z" * 10_000 + b'"}', Answer)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("text", "value"), [("1", 1_000), ("-0.5", -500), ("0.0009", 0), ("-0.0009", 0), ("2.5", 2_500)]
)
def test_scaling_cuts_toward_zero(text: str, value: int) -> None:
    assert scaled(text, 3) == value


def test_scaling_exactly_refuses_what_would_be_cut() -> None:
    assert scaled_exactly("GET /x", "px", "1.5000", 3) == 1_500
    with pytest.raises(WireError, match=r"px: got '1\.5001', expected at most 3 decimals"):
        scaled_exactly("GET /x", "px", "1.5001", 3)
    with pytest.raises(WireError, match="px: got '0', expected a number above zero"):
        scaled_positive("GET /x", "px", "0", 3)


def test_a_raw_number_stays_exact() -> None:
    assert str(number("GET /x", "size", Raw(b"0.1000000000000000055"))) == "0.1000000000000000055"
    with pytest.raises(WireError, match="size: got b'\"1\"', expected a JSON number"):
        number("GET /x", "size", Raw(b'"1"'))
