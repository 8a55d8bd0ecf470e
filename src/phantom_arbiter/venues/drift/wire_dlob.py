"""The order book server's answers: a book by REST, and the messages of its WebSocket.

Prices are integers at 1e6, sizes at 1e9: strings by REST; strings or numbers by WebSocket, where the server has sent
both. Trades carry JSON numbers in whole units. Sources: Velocity's "Orderbook + DLOB websocket" page of 2026-07, the
dlob-server at 4113523 (``wsConnectionManager.ts``, ``tradesPublisher.ts``), recorded bodies.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import pairwise
from typing import Annotated, Final, Literal

from msgspec import Meta, Raw, Struct

from phantom_arbiter.core.units import MAX_U64, NS_PER_SECOND
from phantom_arbiter.venues.wire import CountText, Millis, Seconds, Symbol, WireError, decode, number

_L2: Final = "GET /l2"
_WS: Final = "WS /ws"
_NS_PER_MILLISECOND: Final = 1_000_000
_BASE_DECIMALS: Final = 9
_QUOTE_DECIMALS: Final = 6
_ORDERBOOK: Final = re.compile(r"orderbook_perp_([0-9]{1,5})_grouped_([0-9]{1,6})(_indicative)?")
_TRADES: Final = re.compile(r"trades_perp_([0-9]{1,5})")
_SUBSCRIBED: Final = re.compile(r"Subscribe received for channel: (\w+), market: ([\w.-]{1,40}), marketType: perp")
_Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class Level(Struct, frozen=True, gc=False):
    """A price of the book, quote per base at 1e6, and the base on offer there at 1e9."""

    px: int
    size_atoms: int


class Book(Struct, frozen=True):
    """A perp market's book: bids from the best down, asks from the best up. None: not told by this endpoint."""

    symbol: str | None
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    oracle_px: int | None
    slot: int | None
    ts_ns: int | None


class Trade(Struct, frozen=True):
    """A fill: base at 1e9, quote and oracle price at 1e6. ``taker_buys`` None: a fill without a taker."""

    ts_ns: int
    slot: int
    base_atoms: int
    quote_atoms: int
    oracle_px: int
    taker_buys: bool | None


class Heartbeat(Struct, frozen=True):
    """The server is there; it says so every 5 seconds."""


class Subscribed(Struct, frozen=True):
    """A subscription was received."""

    channel: str
    symbol: str


class SubscriptionRefused(Struct, frozen=True):
    """A subscription the server did not take, in its words."""

    channel: str
    reason: str


class BookUpdate(Struct, frozen=True):
    """The whole book of a market, by its index; ``grouping``: ticks a level."""

    market_index: int
    grouping: int
    book: Book


class TradeUpdate(Struct, frozen=True):
    """One fill of a market, by its index."""

    market_index: int
    trade: Trade


WsMessage = Heartbeat | Subscribed | SubscriptionRefused | BookUpdate | TradeUpdate


class _RestLevel(Struct, frozen=True):
    price: CountText
    size: CountText


class _RestBook(Struct, frozen=True, rename="camel"):
    bids: tuple[_RestLevel, ...]
    asks: tuple[_RestLevel, ...]
    market_name: Symbol
    market_type: Literal["perp"]
    ts: Millis
    slot: _Count
    oracle: _Count


class _WsLevel(Struct, frozen=True):
    price: CountText | _Count
    size: CountText | _Count


class _WsBook(Struct, frozen=True, rename="camel"):
    bids: tuple[_WsLevel, ...]
    asks: tuple[_WsLevel, ...]
    market_name: Symbol | None = None
    ts: Millis | None = None
    slot: _Count | None = None
    oracle: _Count | None = None


class _Fill(Struct, frozen=True, rename="camel"):
    ts: Seconds
    slot: _Count
    market_index: _Count
    action: Literal["fill"]
    base_asset_amount_filled: Raw
    quote_asset_amount_filled: Raw
    oracle_price: Raw
    taker_order_direction: Literal["long", "short"] | None = None


class _Envelope(Struct, frozen=True):
    channel: str | None = None
    data: str | None = None
    message: str | None = None
    error: str | None = None


def parse_l2(body: bytes, symbol: str | None = None) -> Book:
    """``GET /l2?marketName=…``: the book of a perp market, of ``symbol`` where that is given.

    Refused as `WireError`: what breaks the format, another market, a crossed or unsorted book.
    """
    answer = decode(_L2, body, _RestBook)
    if symbol is not None and answer.market_name != symbol:
        raise WireError(_L2, "marketName", answer.market_name, symbol)
    return _book(_L2, answer)


def parse_ws(text: str | bytes) -> WsMessage:
    """One message of the WebSocket; ``data`` is JSON within a JSON string."""
    envelope = decode(_WS, text, _Envelope)
    if envelope.error is not None:
        return SubscriptionRefused(envelope.channel or "", envelope.error)
    if envelope.message is not None:
        told = _SUBSCRIBED.fullmatch(envelope.message)
        if told is None:
            raise WireError(_WS, "message", envelope.message, "Subscribe received for channel: …, market: …")
        return Subscribed(told[1], told[2])
    channel = envelope.channel
    if channel == "heartbeat":
        return Heartbeat()
    if channel is not None and (told := _ORDERBOOK.fullmatch(channel)):
        return BookUpdate(int(told[1]), int(told[2]), _book(channel, decode(channel, _data(envelope), _WsBook)))
    if channel is not None and (told := _TRADES.fullmatch(channel)):
        return TradeUpdate(int(told[1]), _trade(channel, decode(channel, _data(envelope), _Fill), int(told[1])))
    raise WireError(_WS, "channel", channel, "heartbeat, orderbook_perp_… or trades_perp_…")


def _data(envelope: _Envelope) -> str:
    if envelope.data is None:
        raise WireError(_WS, "data", None, "JSON in a string")
    return envelope.data


def _book(endpoint: str, answer: _RestBook | _WsBook) -> Book:
    bids = _levels(endpoint, "bids", answer.bids, falling=True)
    asks = _levels(endpoint, "asks", answer.asks, falling=False)
    if bids and asks and bids[0].px >= asks[0].px:
        raise WireError(endpoint, "bids[0].price", bids[0].px, f"below the best ask {asks[0].px}: the book is crossed")
    if answer.oracle == 0:
        raise WireError(endpoint, "oracle", 0, "a price above zero")
    return Book(
        symbol=answer.market_name,
        bids=bids,
        asks=asks,
        oracle_px=answer.oracle,
        slot=answer.slot,
        ts_ns=None if answer.ts is None else answer.ts * _NS_PER_MILLISECOND,
    )


def _levels(endpoint: str, side: str, rows: Sequence[_RestLevel | _WsLevel], *, falling: bool) -> tuple[Level, ...]:
    levels = tuple(Level(int(row.price), int(row.size)) for row in rows)
    for index, level in enumerate(levels):
        for name, value in (("price", level.px), ("size", level.size_atoms)):
            if not 0 < value <= MAX_U64:
                raise WireError(endpoint, f"{side}[{index}].{name}", value, "an integer above zero, of 64 bits")
    for index, (better, worse) in enumerate(pairwise(levels), start=1):
        if better.px == worse.px or (worse.px < better.px) is not falling:
            order = "below" if falling else "above"
            raise WireError(endpoint, f"{side}[{index}].price", worse.px, f"a price {order} {better.px}")
    return levels


def _trade(channel: str, fill: _Fill, market_index: int) -> Trade:
    if fill.market_index != market_index:
        raise WireError(channel, "marketIndex", fill.market_index, f"{market_index}, as the channel says")
    return Trade(
        ts_ns=fill.ts * NS_PER_SECOND,
        slot=fill.slot,
        base_atoms=_atoms(channel, "baseAssetAmountFilled", fill.base_asset_amount_filled, _BASE_DECIMALS),
        quote_atoms=_atoms(channel, "quoteAssetAmountFilled", fill.quote_asset_amount_filled, _QUOTE_DECIMALS),
        oracle_px=_atoms(channel, "oraclePrice", fill.oracle_price, _QUOTE_DECIMALS),
        taker_buys=None if fill.taker_order_direction is None else fill.taker_order_direction == "long",
    )


def _atoms(channel: str, name: str, raw: Raw, decimals: int) -> int:
    """The nearest atom: the server sends a whole number of atoms through a float."""
    value = number(channel, name, raw)
    if not 0 < value < Decimal(10) ** 15:
        raise WireError(channel, name, str(value), "a number above zero and below 1e15")
    return int(value.scaleb(decimals).to_integral_value(ROUND_HALF_EVEN))
