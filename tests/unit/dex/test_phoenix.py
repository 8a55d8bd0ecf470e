"""The Phoenix book: what the real program took and paid on markets made up here, and the account's decoding."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.dex.phoenix import (
    MARKET_DISCRIMINANT,
    PHOENIX_PROGRAM,
    PhoenixMarket,
    PhoenixOrder,
    apply,
    decode_phoenix_market,
    market_bytes,
    quote,
    segments,
)
from phantom_arbiter.dex.pool import AccountError, SwapQuote, SwapRefusal
from phantom_arbiter.dex.stake_pool_accounts import TOKEN_PROGRAM

SLOT, UNIX_S = 100, 50
BIDS, ASKS, TREE = 880, 880 + 32 + 512 * 64, 32

# (base lot, quote lot, base lots per unit, tick, fee bps), the side's orders, amount asked, sell?, spent, got
MEASURED = [
    (
        (1000, 100, 1, 1, 1),
        ((626549, 6, 101, 50), (626550, 83108, 0, 51)),
        4313393236627,
        False,
        4313350871400,
        68836000,
    ),
    (
        (1, 1, 10, 60, 2),
        ((26134, 187, 0, 0), (26135, 8845, 0, 0), (26138, 8931, 0, 0)),
        259837805,
        False,
        259728174,
        1656,
    ),
    ((1000000, 1, 10, 10, 5), ((214805, 4, 0, 0), (214806, 4299, 100, 0)), 183638469, False, 183536043, 854000000),
    (
        (1, 1, 100000, 1000000, 20),
        ((294384, 277, 99, 51), (294384, 99, 0, 50), (294385, 459, 100, 0)),
        1022734556,
        False,
        1020608253,
        346,
    ),
    ((1000, 1, 100000, 100000, 5), ((757864, 8, 100, 0), (757863, 4359, 0, 0)), 3755263, True, 3755000, 2844352685),
    (
        (1000000, 1, 1000, 1000, 5),
        ((868034, 53, 101, 0), (868035, 624, 0, 0), (868036, 5, 0, 0)),
        485017795,
        False,
        484605659,
        558000000,
    ),
    (
        (1000000, 1, 1, 1, 5),
        ((713458, 96, 0, 50), (713458, 3213, 0, 50), (713437, 890, 0, 50)),
        4077447494,
        True,
        4077000000,
        2907297761,
    ),
    (
        (1000000, 1, 1000, 31000, 1),
        ((340284, 254, 101, 0), (340293, 674086, 0, 0), (340293, 423, 0, 49)),
        1044773583950,
        False,
        1044769536048,
        99029000000,
    ),
    (
        (1000, 1, 10, 280, 1),
        ((37499, 715329, 0, 51), (37499, 2, 101, 0), (37499, 966, 0, 0)),
        359857742925,
        False,
        359857186633,
        342696000,
    ),
    (
        (1, 1, 100000, 4200000, 2),
        ((404912, 3, 99, 0), (404912, 4893, 0, 0), (404883, 654, 101, 51)),
        1583,
        True,
        1583,
        26915595036,
    ),
]


def market(terms=(1_000, 10, 100, 1_000, 10), bids=(), asks=()):
    orders = [tuple(PhoenixOrder(*order) for order in side) for side in (bids, asks)]
    return PhoenixMarket("4" * 43 + "A", "5" * 43 + "A", *terms, *orders)


def tree_bytes(orders, is_bid, first_sequence):
    """A balanced tree of the orders in their order, its nodes stored back to front."""
    count, nodes = len(orders), [bytes(64)] * 512

    def build(low, high, parent):
        if low >= high:
            return 0
        middle = (low + high) // 2
        index, order = count - middle, orders[middle]
        sequence = first_sequence + middle
        links = (build(low, middle, index), build(middle + 1, high, index), parent, 0)
        key = (order.price_ticks, 2**64 - 1 - sequence if is_bid else sequence)
        value = (1, order.base_lots, order.last_valid_slot, order.last_valid_s)
        nodes[index - 1] = struct.pack("<4I6Q", *links, *key, *value)
        return index

    root = build(0, count, 0)
    return struct.pack("<4IQ2I", root, 0, 0, 0, count, count + 1, count + 1) + b"".join(nodes)


def account_bytes(state, status=1, sequence=1_000):
    data = struct.pack("<5Q", MARKET_DISCRIMINANT, status, 512, 512, 128)
    data += struct.pack("<2I", 9, 255) + b"\x11" * 32 + bytes(32) + struct.pack("<Q", state.base_lot_atoms)
    data += struct.pack("<2I", 6, 255) + b"\x12" * 32 + bytes(32) + struct.pack("<Q", state.quote_lot_atoms)
    data += struct.pack("<Q", state.tick_quote_lots_per_unit * state.quote_lot_atoms)
    data += bytes(576 - len(data)) + bytes(256)
    data += struct.pack("<2Q", state.base_lots_per_unit, state.tick_quote_lots_per_unit)
    data += struct.pack("<4Q", sequence, state.taker_fee_bps, 7, 3)
    data += tree_bytes(state.bids, True, 1) + tree_bytes(state.asks, False, 500)
    return data + bytes(market_bytes(512, 128) - len(data))


BOOK = market(
    bids=[(99, 5), (99, 7, 100), (97, 1, 0, 50), (90, 400)],
    asks=[(101, 4), (102, 9, 99), (102, 3), (150, 2)],
)


@pytest.mark.parametrize("row", MEASURED)
def test_what_the_program_took_and_paid(row):
    terms, orders, asked, is_sell, spent, got = row
    state = market(terms, bids=orders if is_sell else (), asks=() if is_sell else orders)
    answer = quote(state, asked, is_sell, SLOT, UNIX_S)
    assert isinstance(answer, SwapQuote)
    assert (answer.amount_in_atoms, answer.amount_out_atoms) == (spent, got)


def test_a_sell_by_hand():
    # 6 lots: 5 + 1 at 99 ticks of 1000 / 100 = 10 quote lots a base lot: 5940 lots; fee ceil(594000·10/10^4/100) = 6
    answer = quote(BOOK, 6_999, True, SLOT, UNIX_S)
    assert answer == SwapQuote(6_000, 59_340, 0, 60, crossed=1)
    after = apply(BOOK, answer, True, SLOT, UNIX_S)
    assert after.bids == (PhoenixOrder(99, 6, 100), *BOOK.bids[2:])
    assert after.asks == BOOK.asks


def test_a_buy_by_hand_skips_expired_orders():
    # 4 lots at 101 cost 4040 quote lots, 2 at 102 cost 2040: 6080, fee ceil(608000·10/10^4 / 100) = 7 lots
    answer = quote(BOOK, 61_000, False, SLOT, UNIX_S)
    assert answer == SwapQuote(60_870, 6_000, 70, crossed=1)
    assert apply(BOOK, answer, False, SLOT, UNIX_S).asks == (PhoenixOrder(102, 1), PhoenixOrder(150, 2))
    earlier = quote(BOOK, 61_000, False, 99, UNIX_S)
    assert earlier == SwapQuote(60_870, 6_000, 70, crossed=1)
    assert apply(BOOK, earlier, False, 99, UNIX_S).asks[0] == PhoenixOrder(102, 7, 99)


def test_apply_refuses_a_quote_of_another_book():
    with pytest.raises(ValueError, match="quoted for another state"):
        apply(market(), SwapQuote(1_000, 1, 0), True, SLOT, UNIX_S)


@pytest.mark.parametrize(
    ("state", "amount", "is_sell", "words"),
    [
        (BOOK, 0, True, "amount is 0"),
        (BOOK, 999, True, "less than one lot of 1000"),
        (BOOK, 9, False, "less than one lot of 10"),
        (BOOK, 20, False, "pays nothing"),
        (BOOK, 10**9, True, "cannot fill"),
        (BOOK, 10**9, False, "cannot fill"),
        (market(), 10**4, True, "cannot fill"),
        (market((1, 1, 2**40, 2**40, 0), asks=[(1, 1)]), 2**63, False, "exceeds u64"),
        (market((1, 1, 1, 2**40, 0), bids=[(2**20, 2**10)]), 1, True, "an order exceeds u64"),
    ],
)
def test_refusals_say_why(state, amount, is_sell, words):
    answer = quote(state, amount, is_sell, SLOT, UNIX_S)
    assert isinstance(answer, SwapRefusal)
    assert words in answer.reason


def test_segments_are_the_live_orders():
    parts = segments(BOOK, False, SLOT, UNIX_S)
    assert [part.a for part in parts] == [4_000.0, 3_000.0, 2_000.0]
    assert parts[0].capacity_atoms == pytest.approx(40_400 * 1.001)
    assert len(segments(BOOK, True, 101, 51)) == 2


def test_an_account_decodes_to_its_market():
    decoded = decode_phoenix_market(account_bytes(BOOK), PHOENIX_PROGRAM)
    assert (decoded.bids, decoded.asks) == (BOOK.bids, BOOK.asks)
    assert decoded.taker_fee_bps == 10
    assert decode_phoenix_market(account_bytes(market()), PHOENIX_PROGRAM).bids == ()


def patched(offset, replacement, state=BOOK):
    data = account_bytes(state)
    return data[:offset] + replacement + data[offset + len(replacement) :]


@pytest.mark.parametrize(
    ("data", "owner", "field"),
    [
        (account_bytes(BOOK), TOKEN_PROGRAM, "owner"),
        (account_bytes(BOOK)[:-1], PHOENIX_PROGRAM, "length"),
        (patched(0, b"\0"), PHOENIX_PROGRAM, "discriminant"),
        (account_bytes(BOOK, status=3), PHOENIX_PROGRAM, "status"),
        (patched(16, b"\1"), PHOENIX_PROGRAM, "bids_size"),
        (account_bytes(BOOK, sequence=0), PHOENIX_PROGRAM, "order_sequence_number"),
        (patched(832 + 8, b"\1"), PHOENIX_PROGRAM, "tick_size_in_quote_lots"),
        (patched(832, b"\x33"), PHOENIX_PROGRAM, "terms"),
        (patched(832 + 24, b"\xff\xff"), PHOENIX_PROGRAM, "terms"),
        (patched(BIDS, b"\x09"), PHOENIX_PROGRAM, "bids[9]"),
        (patched(BIDS + 1, b"\xff"), PHOENIX_PROGRAM, "bids tree"),
        (patched(BIDS + 16, b"\x03"), PHOENIX_PROGRAM, "bids tree"),
        (patched(BIDS + 16, b"\x05"), PHOENIX_PROGRAM, "bids.size"),
        (patched(BIDS + 16, b"\xff\xff"), PHOENIX_PROGRAM, "bids.size"),
        (patched(ASKS + TREE + 64, struct.pack("<I", 2)), PHOENIX_PROGRAM, "asks tree"),
        (patched(ASKS + TREE + 16, b"\1"), PHOENIX_PROGRAM, "asks[1]"),
    ],
)
def test_a_damaged_account_is_refused_with_the_field(data, owner, field):
    with pytest.raises(AccountError, match="Phoenix market") as refused:
        decode_phoenix_market(data, owner)
    assert refused.value.field == field


@given(st.integers(0, ASKS + TREE + 256), st.integers(1, 255))
def test_any_flip_raises_nothing_but_account_errors(position, flip):
    data = bytearray(account_bytes(BOOK))
    data[position] ^= flip
    with suppress(AccountError):
        decode_phoenix_market(bytes(data), PHOENIX_PROGRAM)
