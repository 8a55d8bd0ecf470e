"""Perp margin at its edges; the program itself answers in tests/golden/test_margin_against_program.py."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.core.perp.margin import (
    INITIAL_PROFIT_CAP_ATOMS,
    ONE_DOLLAR,
    MarginType,
    MarketMargin,
    StrictPrice,
    claimable_pnl_atoms,
    liability_atoms,
    margin_ratio_bps,
    pnl_weight_bps,
    position_value_atoms,
    size_discount_bps,
    size_premium_bps,
    unrealized_pnl_atoms,
    weighted_pnl_atoms,
    worst_case_base_atoms,
)

USD, WHOLE = 10**6, 10**9
INITIAL, FILL, MAINTENANCE = MarginType.INITIAL, MarginType.FILL, MarginType.MAINTENANCE
BASES = st.integers(-(10**15), 10**15)


@pytest.mark.parametrize(("kind", "ratio"), [(INITIAL, 500), (FILL, 403), (MAINTENANCE, 307)])
def test_a_fill_takes_the_average_of_both_ratios_rounded_down(kind, ratio):
    assert margin_ratio_bps(MarketMargin(500, 307), -10 * WHOLE, kind) == ratio


def test_the_ratio_of_a_large_position_grows_with_its_root():
    market = MarketMargin(500, 300, imf_e6=450)
    assert margin_ratio_bps(market, -20_000 * WHOLE, INITIAL) == 1_036  # the SDK's own figures
    assert margin_ratio_bps(market, 20_000 * WHOLE, MAINTENANCE) == 876
    assert margin_ratio_bps(market, 10 * WHOLE, INITIAL) == 500


@given(st.integers(1, 20_000), st.integers(0, 10**18), st.integers(0, 10**18), st.integers(0, 10**5))
def test_more_size_never_needs_a_smaller_share(ratio, size, more, imf):
    assert ratio <= size_premium_bps(ratio, size, imf) <= size_premium_bps(ratio, size + more, imf)
    assert ratio >= size_discount_bps(ratio, size, imf) >= size_discount_bps(ratio, size + more, imf)


def test_the_root_is_taken_of_ten_times_the_size_and_one():
    assert size_premium_bps(0, 12, 10**7) == 11
    assert size_discount_bps(10_000, 12, 10**11) == 11_000 // 12


def test_what_is_owned_counts_at_the_lower_price_and_what_is_owed_at_the_higher():
    price = StrictPrice(999_260, 999_289)
    assert (price.low, price.high, price.of_signed(0)) == (999_260, 999_289, 999_260)
    assert (price.of_signed(1), price.of_signed(-1)) == (999_260, 999_289)
    assert (StrictPrice(5).low, StrictPrice(5).high) == (5, 5)
    assert StrictPrice(7, 0).low == 0  # a TWAP of zero was told; only None was not


@pytest.mark.parametrize(("base", "value"), [(1, 0), (-1, 0), (3 * WHOLE // 2, 225 * USD), (-WHOLE - 1, -150 * USD)])
def test_a_position_is_worth_its_base_at_the_oracle_toward_zero(base, value):
    assert position_value_atoms(base, 150 * USD) == value
    assert unrealized_pnl_atoms(base, -7, 150 * USD) == value - 7


def test_a_price_below_zero_counts_as_zero():
    assert position_value_atoms(WHOLE, -150 * USD) == 0


@pytest.mark.parametrize(
    ("pnl", "quote", "entry", "excess", "claimable"),
    [
        (-50, 0, 0, 0, -50),
        (50, 30, 10, 0, 20),
        (50, 30, 10, 15, 35),
        (50, 30, 10, 100, 50),
        (50, 10, 30, 0, 0),
        (50, 30, 10, -5, 20),
    ],
)
def test_a_profit_settles_up_to_what_was_realised_and_the_pool_spares(pnl, quote, entry, excess, claimable):
    assert claimable_pnl_atoms(pnl, quote, entry, excess) == claimable


@pytest.mark.parametrize(
    ("base", "bids", "asks", "worst"),
    [(-10, 0, -5, -15), (-10, 30, -5, 20), (10, 5, -30, -20), (0, 5, -5, -5), (-10, 20, 0, -10), (7, 0, 0, 7)],
)
def test_the_worse_side_of_open_orders_counts_and_of_equals_the_asks(base, bids, asks, worst):
    assert worst_case_base_atoms(base * WHOLE, bids * WHOLE, asks * WHOLE, USD) == worst * WHOLE


@given(BASES, st.integers(0, 10**15), st.integers(-(10**15), 0), st.integers(1, 10**9))
def test_open_orders_never_lower_the_liability(base, bids, asks, px):
    worst = worst_case_base_atoms(base, bids, asks, px)
    assert worst in (base + bids, base + asks)
    assert liability_atoms(worst, px, ONE_DOLLAR) >= liability_atoms(base + bids, px, ONE_DOLLAR)
    assert liability_atoms(worst, px, ONE_DOLLAR) >= liability_atoms(base + asks, px, ONE_DOLLAR)


def test_a_liability_counts_at_the_higher_price_of_the_quote():
    assert liability_atoms(-10 * WHOLE, 150 * USD, StrictPrice(999_000, 1_001_000)) == 1_501_500_000


MARKET = MarketMargin(500, 300, pnl_initial_bps=8_000, pnl_imf_e6=50_000, pnl_max_imbalance_atoms=1_000)


def test_a_loss_counts_in_full_and_a_profit_by_its_weight():
    assert pnl_weight_bps(MARKET, -1, INITIAL) == pnl_weight_bps(MARKET, 0, INITIAL) == 10_000
    assert pnl_weight_bps(MARKET, 1, INITIAL) == pnl_weight_bps(MARKET, 1, FILL) == 8_000
    assert pnl_weight_bps(MARKET, 10**9, MAINTENANCE) == 10_000
    assert pnl_weight_bps(MarketMargin(), 10**9, INITIAL) == 0  # markets that are not listed


def test_a_large_profit_and_a_market_out_of_balance_count_less():
    assert pnl_weight_bps(MARKET, 100_000 * USD, INITIAL) == 654  # 1.1 / (1 + 0.05 · √100,000)
    assert pnl_weight_bps(MARKET, 1, INITIAL, market_pnl_atoms=1_000) == 8_000
    assert pnl_weight_bps(MARKET, 1, INITIAL, market_pnl_atoms=3_000) == 2_666
    assert pnl_weight_bps(MARKET, 1, MAINTENANCE, market_pnl_atoms=3_000) == 10_000


def test_only_the_initial_check_caps_a_profit():
    profit = 250 * USD
    assert weighted_pnl_atoms(profit, 10_000, ONE_DOLLAR, INITIAL) == INITIAL_PROFIT_CAP_ATOMS == 100 * USD
    assert weighted_pnl_atoms(profit, 10_000, ONE_DOLLAR, FILL) == profit
    assert weighted_pnl_atoms(-profit, 10_000, ONE_DOLLAR, INITIAL) == -profit


def test_a_profit_is_worth_the_lower_and_a_loss_the_higher_price_of_the_quote():
    quote = StrictPrice(999_000, 1_001_000)
    assert weighted_pnl_atoms(1_001, 5_000, quote, MAINTENANCE) == 499  # 500 after the weight, then 499.5
    assert weighted_pnl_atoms(-1_999, 10_000, quote, MAINTENANCE) == -2_000  # -2000.999
