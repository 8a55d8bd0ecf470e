"""The order book server: books that make sense or are refused, and every kind of WebSocket message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given

from phantom_arbiter.venues.drift.wire_dlob import (
    Book,
    BookUpdate,
    Heartbeat,
    Level,
    Subscribed,
    SubscriptionRefused,
    Trade,
    TradeUpdate,
    parse_l2,
    parse_ws,
)
from phantom_arbiter.venues.wire import WireError
from tests.venues.drift.damage import damages, survives

TS_MS = 1_783_268_433_645


def levels(*pairs: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"price": price, "size": size, "sources": {"dlob": size}} for price, size in pairs]


def l2(**changes: Any) -> bytes:
    answer = {
        "bids": levels(("81114210", "1000000000"), ("80260400", "406202100000")),
        "asks": levels(("81130450", "2000000000"), ("86603580", "61635300000")),
        "marketName": "SOL-PERP",
        "marketType": "perp",
        "marketIndex": 0,
        "ts": TS_MS,
        "slot": 474_184_487,
        "oracle": 81_122_330,
    }
    return msgspec.json.encode(answer | changes)


def ws(channel: str, data: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"channel": channel, "data": msgspec.json.encode(data).decode()})


def fill(**changes: Any) -> dict[str, Any]:
    return {
        "ts": 1_783_268_433,
        "slot": 474_184_487,
        "marketIndex": 0,
        "action": "fill",
        "baseAssetAmountFilled": 2.3,
        "quoteAssetAmountFilled": 186.5995,
        "oraclePrice": 81.12233,
        "takerOrderDirection": "short",
    } | changes


def test_recorded_book(recorded: Callable[[str], bytes]) -> None:
    book = parse_l2(recorded("dlob__l2__velocity_docs_2026-07"), "SOL-PERP")
    assert book.bids == (Level(81_114_210, 10**9), Level(80_260_400, 406_202_100_000))
    assert book.asks == (Level(81_130_450, 10**9), Level(86_603_580, 61_635_300_000))
    assert (book.symbol, book.oracle_px, book.slot, book.ts_ns) == (
        "SOL-PERP",
        81_122_330,
        474_184_487,
        TS_MS * 10**6,
    )


def test_recorded_messages(sample: Callable[[str], Any]) -> None:
    messages = sample("dlob__ws_orderbook__2026-02-19")["messages"]
    told = [parse_ws(msgspec.json.encode(message)) for message in messages]
    book = Book(None, (Level(81_868_100, 61_040_000_000),), (), None, None, None)
    assert told == [Subscribed("trades", "SOL-PERP"), Heartbeat(), BookUpdate(0, 1, book)]


def test_a_book_over_the_socket_in_strings_as_by_rest() -> None:
    book = msgspec.json.decode(l2())
    told = parse_ws(ws("orderbook_perp_3_grouped_10", book))
    assert told == BookUpdate(3, 10, parse_l2(l2()))


def test_text_and_bytes_are_one() -> None:
    assert parse_ws('{"channel":"heartbeat"}') == parse_ws(b'{"channel":"heartbeat"}') == Heartbeat()


def test_a_trade_is_exact() -> None:
    trade = Trade(1_783_268_433 * 10**9, 474_184_487, 2_300_000_000, 186_599_500, 81_122_330, taker_buys=False)
    assert parse_ws(ws("trades_perp_0", fill())) == TradeUpdate(0, trade)


def test_a_trade_off_by_a_float_is_the_nearest_atom() -> None:
    body = ws("trades_perp_0", fill()).replace(b"2.3,", b"2.2999999999999998,")
    told = parse_ws(body)
    assert isinstance(told, TradeUpdate)
    assert told.trade.base_atoms == 2_300_000_000


@pytest.mark.parametrize(("direction", "buys"), [("long", True), ("short", False), (None, None)])
def test_who_took(direction: str | None, buys: bool | None) -> None:
    told = parse_ws(ws("trades_perp_0", fill(takerOrderDirection=direction)))
    assert isinstance(told, TradeUpdate)
    assert told.trade.taker_buys is buys


def test_a_refused_subscription_is_told() -> None:
    told = parse_ws('{"channel":"orderbook","error":"Error subscribing to channel"}')
    assert told == SubscriptionRefused("orderbook", "Error subscribing to channel")


def test_one_side_may_be_empty() -> None:
    assert parse_l2(l2(bids=[], asks=[])).bids == ()
    assert len(parse_l2(l2(bids=[])).asks) == 2


BAD_BOOKS: list[tuple[dict[str, Any], str]] = [
    ({"bids": levels(("81130450", "1"))}, "bids[0].price: got 81130450, expected below the best ask 81130450"),
    ({"bids": levels(("81130451", "1"))}, "the book is crossed"),
    ({"bids": levels(("1", "1"), ("2", "1"))}, "bids[1].price: got 2, expected a price below 1"),
    ({"bids": levels(("2", "1"), ("2", "1"))}, "bids[1].price: got 2, expected a price below 2"),
    ({"asks": levels(("99999999", "1"), ("99999998", "1"))}, "asks[1].price: got 99999998, expected a price above"),
    ({"asks": levels(("99999999", "1"), ("99999999", "1"))}, "asks[1].price: got 99999999, expected a price above"),
    ({"bids": levels(("0", "1"))}, "bids[0].price: got 0, expected an integer above zero"),
    ({"bids": levels(("81114210", "0"))}, "bids[0].size: got 0, expected an integer above zero"),
    ({"bids": levels(("81114210", "18446744073709551616"))}, "bids[0].size: got 18446744073709551616"),
    ({"bids": levels(("81.114210", "1"))}, "bids[0].price: got '81.114210'"),
    ({"bids": levels(("-81114210", "1"))}, "bids[0].price: got '-81114210'"),
    ({"bids": [{"price": 81_114_210, "size": "1"}]}, "bids[0].price: got 81114210, expected `str`"),
    ({"bids": [{"price": "81114210"}]}, "bids[0].size: got None, expected this field to be there"),
    ({"oracle": 0}, "oracle: got 0, expected a price above zero"),
    ({"oracle": "81122330"}, "oracle: got '81122330', expected `int`"),
    ({"oracle": 81.12233}, "oracle: got 81.12233, expected `int`"),
    ({"ts": TS_MS // 1_000}, "ts: got 1783268433"),
    ({"slot": -1}, "slot: got -1"),
    ({"marketType": "spot"}, "marketType: got 'spot'"),
    ({"marketName": "BTC-PERP"}, "marketName: got 'BTC-PERP', expected SOL-PERP"),
]


@pytest.mark.parametrize(("changes", "message"), BAD_BOOKS)
def test_a_bad_book_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(WireError) as refused:
        parse_l2(l2(**changes), "SOL-PERP")
    assert message in str(refused.value)
    assert refused.value.endpoint == "GET /l2"


@pytest.mark.parametrize("name", ["bids", "asks", "marketName", "marketType", "ts", "slot", "oracle"])
def test_a_missing_field_is_named(name: str) -> None:
    answer = msgspec.json.decode(l2())
    del answer[name]
    with pytest.raises(WireError, match=f"{name}: got None, expected this field to be there"):
        parse_l2(msgspec.json.encode(answer))


def test_a_crossed_book_over_the_socket() -> None:
    crossed = {"bids": [{"price": 2, "size": 1}], "asks": [{"price": 1, "size": 1}]}
    with pytest.raises(WireError, match=r"orderbook_perp_0_grouped_1: bids\[0\]\.price: got 2, expected below"):
        parse_ws(ws("orderbook_perp_0_grouped_1", crossed))


BAD_FILLS: list[tuple[dict[str, Any], str]] = [
    ({"marketIndex": 1}, "marketIndex: got 1, expected 0, as the channel says"),
    ({"baseAssetAmountFilled": 0}, "baseAssetAmountFilled: got '0', expected a number above zero"),
    ({"baseAssetAmountFilled": -1.5}, "baseAssetAmountFilled: got '-1.5'"),
    ({"baseAssetAmountFilled": "2.3"}, "expected a JSON number"),
    ({"quoteAssetAmountFilled": None}, "quoteAssetAmountFilled: got b'null', expected a JSON number"),
    ({"quoteAssetAmountFilled": 1e30}, "quoteAssetAmountFilled"),
    ({"oraclePrice": [1]}, "oraclePrice: got b'[1]'"),
    ({"takerOrderDirection": "up"}, "takerOrderDirection: got 'up'"),
    ({"ts": TS_MS}, f"ts: got {TS_MS}"),
    ({"action": "cancel"}, "action: got 'cancel'"),
]


@pytest.mark.parametrize(("changes", "message"), BAD_FILLS)
def test_a_bad_trade_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(WireError) as refused:
        parse_ws(ws("trades_perp_0", fill(**changes)))
    assert message in str(refused.value)
    assert refused.value.endpoint == "trades_perp_0"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "whole and valid JSON"),
        ("<html>", "whole and valid JSON"),
        ('{"channel":"heart', "whole and valid JSON"),
        ("[]", "body: got [], expected `object`"),
        ("{}", "channel: got None, expected heartbeat"),
        ('{"channel":"priorityFees_perp_0"}', "channel: got 'priorityFees_perp_0', expected heartbeat"),
        ('{"channel":"orderbook_spot_1_grouped_1","data":"{}"}', "channel: got 'orderbook_spot_1_grouped_1'"),
        ('{"channel":"orderbook_perp_0_grouped_1"}', "data: got None, expected JSON in a string"),
        (
            '{"channel":"orderbook_perp_0_grouped_1","data":{"bids":[]}}',
            "data: got {'bids': []}, expected `str | null`",
        ),
        ('{"channel":"orderbook_perp_0_grouped_1","data":"{"}', "orderbook_perp_0_grouped_1: body"),
        ('{"channel":"orderbook_perp_0_grouped_1","data":"{}"}', "bids: got None, expected this field to be there"),
        ('{"message":"Welcome"}', "message: got 'Welcome'"),
    ],
)
def test_a_bad_message_is_refused(text: str, message: str) -> None:
    with pytest.raises(WireError) as refused:
        parse_ws(text)
    assert message in str(refused.value)


@given(damages)
def test_damage_is_refused_and_nothing_else(damage: tuple[bool, int, int]) -> None:
    assert survives(parse_l2, l2(), damage)
    assert survives(parse_ws, ws("orderbook_perp_0_grouped_1", msgspec.json.decode(l2())), damage)
    assert survives(parse_ws, ws("trades_perp_0", fill()), damage)


@given(damages)
def test_damage_of_a_recorded_body(
    recorded: Callable[[str], bytes], sample: Callable[[str], Any], damage: tuple[bool, int, int]
) -> None:
    assert survives(parse_l2, recorded("dlob__l2__velocity_docs_2026-07"), damage)
    for message in sample("dlob__ws_orderbook__2026-02-19")["messages"]:
        assert survives(parse_ws, msgspec.json.encode(message), damage)
