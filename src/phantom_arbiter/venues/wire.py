"""From bytes to typed rows: the one way to refuse an answer, and to read exact numbers out of it.

A row's msgspec struct is the format. Numbers of money travel as text or raw bytes, never as floats.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta

_Row = TypeVar("_Row")

MAX_BODY_BYTES: Final = 16 * 2**20
_MAX_SHOWN: Final = 60

DecimalText = Annotated[str, Meta(pattern=r"^-?[0-9]{1,18}(\.[0-9]{1,18})?\Z")]
"""A number written out in a string: no exponent, no NaN, no Infinity."""
AmountText = Annotated[str, Meta(pattern=r"^[0-9]{1,18}(\.[0-9]{1,18})?\Z")]
"""The same, without a sign."""
CountText = Annotated[str, Meta(pattern=r"^[0-9]{1,20}\Z")]
Seconds = Annotated[int, Meta(ge=1_600_000_000, le=4_000_000_000)]
"""Seconds since 1970, from 2020 to 2096; milliseconds do not fit."""
Millis = Annotated[int, Meta(ge=1_600_000_000_000, le=4_000_000_000_000)]
Symbol = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}\Z")]

_PLACE = re.compile(r"^(?P<what>.*) - at `\$(?P<path>.*)`$", re.DOTALL)
_MISSING = re.compile(r"^Object missing required field `(?P<field>[^`]*)`$")
_EXPECTED = re.compile(r"^Expected (?P<expected>.*?)(, got `[^`]*`)?$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[([0-9]+)\]")
_JSON_NUMBER = re.compile(rb"^-?[0-9]{1,18}(\.[0-9]{1,25})?([eE][-+]?[0-9]{1,2})?\Z")


class WireError(ValueError):
    """An answer that is not what its format says; names where it came from, the field, the value, what was expected."""

    def __init__(self, endpoint: str, field: str, value: object, expected: str) -> None:
        """Keep the parts, so that a caller can tell them apart."""
        self.endpoint = endpoint
        self.field = field
        self.expected = expected
        shown = repr(value)
        if len(shown) > _MAX_SHOWN:
            shown = f"{shown[:_MAX_SHOWN]}…"
        super().__init__(f"{endpoint}: {field}: got {shown}, expected {expected}")


def decode(endpoint: str, body: bytes | str, kind: type[_Row]) -> _Row:
    """The body as ``kind``; unknown fields are passed over. Anything else is a `WireError`."""
    if len(body) > MAX_BODY_BYTES:
        raise WireError(endpoint, "body", f"{len(body)} bytes", f"at most {MAX_BODY_BYTES} bytes")
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise _misfit(endpoint, body, str(error)) from error
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise WireError(endpoint, "body", body[:_MAX_SHOWN], f"whole and valid JSON ({error})") from error


def _misfit(endpoint: str, body: bytes | str, message: str) -> WireError:
    """Say which value sits where the format wants another; msgspec's message names the place and the type."""
    place = _PLACE.match(message)
    what, path = (place["what"], place["path"]) if place else (message, "")
    missing = _MISSING.match(what)
    if missing:
        return WireError(endpoint, f"{path}.{missing['field']}".lstrip("."), None, "this field to be there")
    expected = _EXPECTED.match(what)
    text = expected["expected"] if expected else what
    return WireError(endpoint, path.lstrip(".") or "body", _value_at(body, path), text)


def _value_at(body: bytes | str, path: str) -> object:
    """The value a path points to, for a message; what follows a misfit may be broken, then the body's start."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return body[:_MAX_SHOWN]
    for name, index in _STEP.findall(path):
        if index and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        elif isinstance(value, dict):
            value = value.get(name)
    return value


def scaled(text: str, decimals: int) -> int:
    """A `DecimalText` times ``10**decimals``; further digits are cut off (toward zero)."""
    whole, _, fraction = text.partition(".")
    return int(whole + fraction[:decimals].ljust(decimals, "0"))


def scaled_exactly(endpoint: str, field: str, text: str, decimals: int) -> int:
    """A `DecimalText` times ``10**decimals``, refused where that is no whole number."""
    if text.partition(".")[2][decimals:].strip("0"):
        raise WireError(endpoint, field, text, f"at most {decimals} decimals")
    return scaled(text, decimals)


def scaled_positive(endpoint: str, field: str, text: str, decimals: int) -> int:
    """The same, refused where it is not above zero."""
    value = scaled_exactly(endpoint, field, text, decimals)
    if value <= 0:
        raise WireError(endpoint, field, text, "a number above zero")
    return value


def number(endpoint: str, field: str, raw: msgspec.Raw) -> Decimal:
    """A JSON number kept exact, whatever a float would make of it."""
    text = bytes(raw)
    if not _JSON_NUMBER.match(text):
        raise WireError(endpoint, field, text, "a JSON number")
    return Decimal(text.decode())
