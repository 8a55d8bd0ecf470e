"""Jito's requests as its documents have them, and its answers: what is read, and that nothing wrong gets through."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given

from phantom_arbiter.venues.jito import wire
from phantom_arbiter.venues.jito.wire import BundleRefused, BundleStatus, Inflight, InflightStatus, TipFloor
from phantom_arbiter.venues.wire import WireError
from tests.venues.drift.damage import damages, survives

ID = "892b79ed49138bfb3aa5441f0df6e06ef34f9ee8f3976c15b323605bae0cf51d"
TIP_ACCOUNT = "96gYZGLnJYVFmbjzopPSU6QiEV5fGqZNyN9nmNhvrZU5"


def answer(result: Any) -> bytes:
    return msgspec.json.encode({"jsonrpc": "2.0", "result": result, "id": 1})


def landed(**changes: Any) -> dict[str, Any]:
    row = {"bundle_id": ID, "transactions": ["3bC2M9"], "slot": 242_804_011, "confirmation_status": "finalized"}
    return row | {"err": {"Ok": None}} | changes


def status(**changes: Any) -> dict[str, Any]:
    return {"bundle_id": ID, "status": "Landed", "landed_slot": 280_999_028} | changes


def values(*rows: Any) -> bytes:
    return answer({"context": {"slot": 280_999_028}, "value": list(rows)})


FLOOR = (
    b'[{"time": "2024-09-01T12:58:00Z", "landed_tips_25th_percentile": 6.001000000000001e-06,'
    b'"landed_tips_50th_percentile": 1e-05, "landed_tips_75th_percentile": 3.6196500000000005e-05,'
    b'"landed_tips_95th_percentile": 0.0014479055000000002, "landed_tips_99th_percentile": 0.010007999,'
    b'"ema_landed_tips_50th_percentile": 9.836078125000002e-06}]'
)


def test_a_bundle_is_sent_in_base64_and_in_order() -> None:
    asked = msgspec.json.decode(wire.send_bundle([b"first", b"second"], 7))
    assert (asked["jsonrpc"], asked["id"], asked["method"]) == ("2.0", 7, "sendBundle")
    transactions, options = asked["params"]
    assert [b64decode(one) for one in transactions] == [b"first", b"second"]
    assert options == {"encoding": "base64"}


@pytest.mark.parametrize(
    ("asked", "method", "params"),
    [
        (wire.bundle_statuses([ID], 1), "getBundleStatuses", [[ID]]),
        (wire.inflight_statuses([ID, ID], 1), "getInflightBundleStatuses", [[ID, ID]]),
        (wire.tip_accounts(1), "getTipAccounts", []),
    ],
)
def test_questions(asked: bytes, method: str, params: list[Any]) -> None:
    assert msgspec.json.decode(asked) == {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


@pytest.mark.parametrize("count", [0, 6])
def test_no_more_than_five_and_not_none(count: int) -> None:
    for ask in (wire.bundle_statuses, wire.inflight_statuses):
        with pytest.raises(ValueError, match=f"bundle_ids: got {count}, expected 1 to 5"):
            ask([ID] * count, 1)
    with pytest.raises(ValueError, match=f"transactions: got {count}, expected 1 to 5"):
        wire.send_bundle([b"x"] * count, 1)


def test_answers_as_the_documents_have_them() -> None:
    assert wire.parse_sent(answer(ID)) == ID
    read = BundleStatus(ID, ("3bC2M9",), 242_804_011, "finalized", "")
    assert wire.parse_bundle_statuses(values(landed(), None)) == (read,)
    assert wire.parse_bundle_statuses(answer(None)) == ()
    assert wire.parse_inflight_statuses(values(status(), status(status="Invalid", landed_slot=None))) == (
        InflightStatus(ID, Inflight.LANDED, 280_999_028),
        InflightStatus(ID, Inflight.INVALID, None),
    )
    assert wire.parse_tip_accounts(answer([TIP_ACCOUNT])) == (TIP_ACCOUNT,)


def test_a_bundle_that_failed_on_chain_says_why() -> None:
    (read,) = wire.parse_bundle_statuses(values(landed(err={"Err": {"InstructionError": [3, "Custom"]}})))
    assert read.error == '{"Err":{"InstructionError":[3,"Custom"]}}'


def test_tips_are_rounded_up_to_lamports() -> None:
    assert wire.parse_tip_floor(FLOOR) == TipFloor(6_002, 10_000, 36_197, 1_447_906, 10_007_999, 9_837)


@pytest.mark.parametrize(
    "parse", [wire.parse_sent, wire.parse_bundle_statuses, wire.parse_inflight_statuses, wire.parse_tip_accounts]
)
def test_a_refusal_is_told_in_the_engines_words(parse: Callable[[bytes], object]) -> None:
    body = b'{"jsonrpc":"2.0","error":{"code":-32602,"message":"bundle contains an already processed transaction"}}'
    assert parse(body) == BundleRefused(-32_602, "bundle contains an already processed transaction")
    with pytest.raises(WireError, match="result: got None, expected a result or an error"):
        parse(b'{"jsonrpc":"2.0","id":1}')


WRONG: list[tuple[Callable[[bytes], object], bytes, str]] = [
    (wire.parse_sent, answer("short"), "POST sendBundle: result: got 'short'"),
    (wire.parse_sent, answer(None), "POST sendBundle: result: got None"),
    (wire.parse_bundle_statuses, values(landed(slot=-1)), "result.value[0].slot: got -1"),
    (wire.parse_bundle_statuses, values(landed(confirmation_status="sure")), "confirmation_status: got 'sure'"),
    (wire.parse_inflight_statuses, values(status(status="Lost")), "result.value[0].status: got 'Lost'"),
    (wire.parse_inflight_statuses, values(status(landed_slot=None)), "landed_slot: got None, expected a slot where"),
    (wire.parse_inflight_statuses, values(status(status="Failed")), "landed_slot: got 280999028, expected a slot"),
    (wire.parse_tip_accounts, answer([]), "result: got (), expected at least one account"),
    (wire.parse_tip_accounts, answer([TIP_ACCOUNT, "0OIl"]), "result[1]: got '0OIl', expected an address"),
    (wire.parse_tip_floor, b"[]", "GET tip_floor: body: got '0 rows'"),
    (wire.parse_tip_floor, FLOOR.replace(b"1e-05", b"-1e-05"), "landed_tips_50th_percentile: got '-0.00001'"),
    (wire.parse_tip_floor, FLOOR.replace(b"1e-05", b"1e+05"), "expected SOL, at least 0 and below 1000"),
    (wire.parse_tip_floor, FLOOR.replace(b"1e-05", b'"1e-05"'), "expected a JSON number"),
    (wire.parse_tip_floor, FLOOR.replace(b"1e-05", b"0.5"), "expected percentiles that do not fall"),
]


@pytest.mark.parametrize(("parse", "body", "message"), WRONG)
def test_a_wrong_field_is_named(parse: Callable[[bytes], object], body: bytes, message: str) -> None:
    with pytest.raises(WireError) as refused:
        parse(body)
    assert message in str(refused.value)


@given(damages)
def test_damage_is_refused_and_nothing_else(damage: tuple[bool, int, int]) -> None:
    assert survives(wire.parse_bundle_statuses, values(landed()), damage)
    assert survives(wire.parse_inflight_statuses, values(status()), damage)
    assert survives(wire.parse_tip_floor, FLOOR, damage)
