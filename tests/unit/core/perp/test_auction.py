"""Auctions: the vectors of the program's own tests, ticks, and what it refuses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.core.intents import Side
from phantom_arbiter.core.perp.auction import (
    Auction,
    default_ends_px,
    fixed_px,
    is_complete,
    on_tick_px,
    oracle_offset_px,
)

BUY, SELL = Side.BUY, Side.SELL
ONE = 1_000_000


@pytest.mark.parametrize(
    ("side", "start", "end", "prices"),
    [
        (BUY, -100_000, 100_000, (900_000, 1_000_000, 1_100_000)),
        (BUY, -200_000, -100_000, (800_000, 850_000, 900_000)),
        (BUY, 100_000, 200_000, (1_100_000, 1_150_000, 1_200_000)),
        (SELL, 100_000, -100_000, (1_100_000, 1_000_000, 900_000)),
        (SELL, 200_000, 100_000, (1_200_000, 1_150_000, 1_100_000)),
        (SELL, -100_000, -200_000, (900_000, 850_000, 800_000)),
        (BUY, 500_000, 500_000, (1_500_000,) * 3),
        (SELL, 500_000, 500_000, (1_500_000,) * 3),
    ],
)
def test_offsets_from_the_oracle(side, start, end, prices):
    """Program: long_oracle_order, short_oracle_order, same_auction_start_and_end."""
    auction = Auction(side, start, end, slot=0, duration_slots=10)
    assert tuple(oracle_offset_px(auction, slot, ONE) for slot in (0, 5, 10)) == prices


@pytest.mark.parametrize(
    ("side", "start", "end", "prices"),
    [
        (BUY, 5 * ONE, 10 * ONE, (105_000_000, 107_500_000, 110_000_000)),
        (SELL, -5 * ONE, -10 * ONE, (95_000_000, 92_500_000, 90_000_000)),
    ],
)
def test_limit_orders_with_an_offset(side, start, end, prices):
    """Program: long_ and short_order_with_auction_and_oracle_price_offset."""
    auction = Auction(side, start, end, slot=0, duration_slots=10)
    assert tuple(oracle_offset_px(auction, slot, 100 * ONE) for slot in (0, 5, 10)) == prices


def test_fixed_prices_run_from_start_to_end_and_stay():
    buy = Auction(BUY, 100, 110, slot=7, duration_slots=3)
    assert [fixed_px(buy, slot) for slot in (7, 8, 9, 10, 11)] == [100, 103, 106, 110, 110]
    sell = Auction(SELL, 110, 100, slot=7, duration_slots=3)
    assert [fixed_px(sell, slot) for slot in (7, 8, 9, 10, 11)] == [110, 107, 104, 100, 100]
    for side in Side:
        assert fixed_px(Auction(side, ONE, ONE, slot=0, duration_slots=10), 5) == ONE
        assert fixed_px(Auction(side, 0, ONE, slot=0, duration_slots=0), 0) == ONE


def test_an_offset_against_its_side_is_interpolated_toward_zero():
    assert oracle_offset_px(Auction(BUY, 0, -10, slot=0, duration_slots=3), 1, 1_000) == 997
    assert oracle_offset_px(Auction(SELL, 0, 10, slot=0, duration_slots=3), 1, 1_000) == 1_003


@pytest.mark.parametrize(("px", "buy", "sell"), [(100, 100, 100), (101, 100, 105), (104, 100, 105), (0, 0, 0)])
def test_ticks_favour_the_order(px, buy, sell):
    assert (on_tick_px(px, 5, BUY), on_tick_px(px, 5, SELL)) == (buy, sell)


def test_prices_land_on_the_tick_and_never_below_one():
    assert fixed_px(Auction(BUY, 100, 110, slot=0, duration_slots=3, tick_px=5), 2) == 105
    assert fixed_px(Auction(SELL, 110, 101, slot=0, duration_slots=3, tick_px=5), 2) == 105
    assert oracle_offset_px(Auction(BUY, -ONE, -ONE, slot=0, duration_slots=0, tick_px=10), 0, 500) == 10
    assert oracle_offset_px(Auction(SELL, -500, -500, slot=0, duration_slots=1, tick_px=10), 1, 507) == 10


@pytest.mark.parametrize(
    ("side", "limit", "ends"),
    [
        (BUY, 0, (100_000_000, 100_500_000)),
        (SELL, 0, (100_000_000, 99_500_000)),
        (BUY, 90_000_000, (89_550_000, 90_000_000)),
        (BUY, 99_999_999, (99_500_000, 99_999_999)),
        (BUY, 110_000_000, (100_000_000, 100_500_000)),
        (BUY, 100_400_000, (100_000_000, 100_400_000)),
        (BUY, 100_000_000, (100_000_000, 100_000_000)),
        (SELL, 110_000_000, (110_550_000, 110_000_000)),
        (SELL, 100_000_001, (100_500_001, 100_000_001)),
        (SELL, 90_000_000, (100_000_000, 99_500_000)),
        (SELL, 99_999_999, (100_000_000, 99_999_999)),
        (SELL, 100_000_000, (100_000_000, 100_000_000)),
    ],
)
def test_default_ends(side, limit, ends):
    """Program: the ten cases of calculate_auction_prices, and a limit at the oracle."""
    assert default_ends_px(100 * ONE, side, limit) == ends


def test_an_auction_is_over_one_slot_after_its_end():
    auction = Auction(BUY, 1, 2, slot=5, duration_slots=10)
    assert [is_complete(auction, slot) for slot in (5, 15, 16)] == [False, False, True]
    assert is_complete(Auction(BUY, 1, 2, slot=5, duration_slots=0), 5)


@pytest.mark.parametrize(
    "bad",
    [
        lambda: Auction(BUY, 1, 2, slot=0, duration_slots=256),
        lambda: Auction(BUY, 1, 2, slot=0, duration_slots=-1),
        lambda: Auction(BUY, 1, 2, slot=0, duration_slots=1, tick_px=0),
        lambda: fixed_px(Auction(BUY, 2, 1, slot=0, duration_slots=1), 0),
        lambda: fixed_px(Auction(SELL, 1, 2, slot=0, duration_slots=1), 0),
        lambda: fixed_px(Auction(BUY, -1, 2, slot=0, duration_slots=1), 0),
        lambda: fixed_px(Auction(BUY, 1, 2, slot=9, duration_slots=1), 8),
        lambda: oracle_offset_px(Auction(BUY, 1, 2, slot=9, duration_slots=1), 8, ONE),
        lambda: default_ends_px(0, BUY),
        lambda: default_ends_px(ONE, BUY, -1),
    ],
)
def test_what_no_order_can_carry_is_refused(bad):
    with pytest.raises(ValueError, match="got"):
        bad()


@given(st.integers(1, 10**12), st.integers(0, 10**9), st.integers(0, 255), st.integers(0, 300), st.sampled_from(Side))
def test_a_price_gives_way_monotonically_between_its_ends(start, width, duration, elapsed, side):
    end = start + width if side is BUY else max(0, start - width)
    auction = Auction(side, start, end, slot=0, duration_slots=duration)
    here, then = fixed_px(auction, elapsed), fixed_px(auction, elapsed + 1)
    low, high = sorted((start, end))
    assert low <= here <= high
    assert here <= then if side is BUY else here >= then
