"""The book as a pool: a quote never spends more than asked, is monotone, splits and returns never pay."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from phantom_arbiter.dex.phoenix import PhoenixMarket, PhoenixOrder, apply, quote, segments
from phantom_arbiter.dex.pool import SwapQuote

orders = st.lists(st.tuples(st.integers(0, 9), st.integers(1, 10**4)), min_size=1, max_size=8)


def book(middle, steps, sign):
    price, found = middle, []
    for step, lots in steps:
        price += sign * step
        found.append(PhoenixOrder(price, lots))
    return tuple(found)


markets = st.builds(
    lambda base_lot, quote_lot, per_unit, multiple, fee, bids, asks: PhoenixMarket(
        "base",
        "quote",
        base_lot,
        quote_lot,
        per_unit,
        per_unit * multiple,
        fee,
        book(500, bids, -1),
        book(501, asks, 1),
    ),
    st.sampled_from([1, 1_000, 10**6]),
    st.sampled_from([1, 7, 100]),
    st.sampled_from([1, 10, 1_000]),
    st.integers(1, 40),
    st.integers(0, 300),
    orders,
    orders,
)
shares = st.floats(0.0, 1.0)


def amount_of(market, share, is_sell):
    """A share of what the side's orders hold, in atoms of the input."""
    whole = sum(part.capacity_atoms for part in segments(market, is_sell, 0, 0))
    return max(1, int(whole * share))


@given(markets, shares, shares, st.booleans())
def test_more_in_is_not_less_out(market, one, other, is_sell):
    less, more = sorted(amount_of(market, share, is_sell) for share in (one, other))
    large, small = quote(market, more, is_sell, 0, 0), quote(market, less, is_sell, 0, 0)
    assume(isinstance(large, SwapQuote) and isinstance(small, SwapQuote))
    assert large.amount_in_atoms <= more
    assert small.amount_out_atoms <= large.amount_out_atoms


@given(markets, shares, shares, st.booleans())
def test_two_parts_do_not_pay_more_than_the_whole(market, one, other, is_sell):
    first = quote(market, amount_of(market, one / 2, is_sell), is_sell, 0, 0)
    assume(isinstance(first, SwapQuote))
    rest = apply(market, first, is_sell, 0, 0)
    assume(rest.bids and rest.asks)
    second = quote(rest, amount_of(market, other / 2, is_sell), is_sell, 0, 0)
    assume(isinstance(second, SwapQuote))
    whole = quote(market, first.amount_in_atoms + second.amount_in_atoms, is_sell, 0, 0)
    assume(isinstance(whole, SwapQuote))
    # a buy's budget is cut by the fee rounded down: spent exactly, it may miss its last lot
    lot = 0 if is_sell else market.base_lot_atoms
    assert first.amount_out_atoms + second.amount_out_atoms <= whole.amount_out_atoms + lot


@given(markets, shares, st.booleans())
def test_a_round_trip_does_not_pay(market, share, is_sell):
    first = quote(market, amount_of(market, share, is_sell), is_sell, 0, 0)
    assume(isinstance(first, SwapQuote))
    back = quote(apply(market, first, is_sell, 0, 0), first.amount_out_atoms, not is_sell, 0, 0)
    assume(isinstance(back, SwapQuote))
    assert back.amount_out_atoms <= first.amount_in_atoms


@given(markets, shares, st.booleans())
def test_lots_leave_the_book_as_the_swap_says(market, share, is_sell):
    answer = quote(market, amount_of(market, share, is_sell), is_sell, 0, 0)
    assume(isinstance(answer, SwapQuote))
    after = apply(market, answer, is_sell, 0, 0)
    before_side, after_side = (market.bids, after.bids) if is_sell else (market.asks, after.asks)
    gone = sum(order.base_lots for order in before_side) - sum(order.base_lots for order in after_side)
    assert gone * market.base_lot_atoms == (answer.amount_in_atoms if is_sell else answer.amount_out_atoms)
    assert len(before_side) - len(after_side) == answer.crossed


@given(markets, shares, st.booleans())
def test_segments_agree_with_the_quote(market, share, is_sell):
    answer = quote(market, amount_of(market, share, is_sell), is_sell, 0, 0)
    assume(isinstance(answer, SwapQuote))
    left, estimate = float(answer.amount_in_atoms), 0.0
    for part in segments(market, is_sell, 0, 0):
        taken = min(left, part.capacity_atoms)
        estimate, left = estimate + part.a * taken / (part.b + part.c * taken), left - taken
    lot = 2 * market.quote_lot_atoms if is_sell else market.base_lot_atoms
    assert abs(estimate - answer.amount_out_atoms) <= lot + 1e-9 * estimate
