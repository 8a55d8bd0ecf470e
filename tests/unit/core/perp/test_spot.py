"""Spot balances, weights and interest at their edges; the program itself answers in tests/golden."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.core.perp.margin import MarginType, StrictPrice
from phantom_arbiter.core.perp.spot import (
    BorrowCurve,
    CollateralWeight,
    asset_weight_bps,
    borrow_rate_e6,
    deposit_rate_e6,
    liability_weight_bps,
    scaled_initial_bps,
    token_atoms,
    token_value_atoms,
    utilization_e6,
)

USD, WHOLE = 10**6, 10**9
SOL = CollateralWeight(8_000, 9_000, 12_000, 11_000)
CURVE = BorrowCurve(800_000, 100_000, 1_100_000, 5_000)
"""10 % at 80 % use, 110 % at full use, never below 0.5 %."""


def test_a_deposit_rounds_down_and_a_debt_up():
    assert token_atoms(1_999, 10**10, 6, borrowed=False) == 1
    assert token_atoms(1_001, 10**10, 6, borrowed=True) == 2
    assert token_atoms(2_000, 10**10, 6, borrowed=True) == token_atoms(2_000, 10**10, 6, borrowed=False) == 2
    assert token_atoms(2_000 * WHOLE, 10_000_000_526, 6, borrowed=False) == 2_000_000_105


def test_a_value_rounds_down_at_the_price_that_is_worse():
    price = StrictPrice(999_260, 999_289)
    assert token_value_atoms(2_000_000_105, 6, price) == 1_998_520_104
    assert token_value_atoms(-1, 6, price) == -1
    assert token_value_atoms(-(10**6), 6, price) == -999_289
    assert token_value_atoms(0, 6, price) == 0


@pytest.mark.parametrize(
    ("kind", "asset", "debt"),
    [(MarginType.INITIAL, 8_000, 12_000), (MarginType.FILL, 8_500, 11_500), (MarginType.MAINTENANCE, 9_000, 11_000)],
)
def test_weights_by_check(kind, asset, debt):
    assert asset_weight_bps(SOL, 10 * WHOLE, 9, kind) == asset
    assert liability_weight_bps(SOL, -10 * WHOLE, 9, kind) == debt


def test_weights_move_against_us_with_the_size_whatever_the_decimals():
    weight = CollateralWeight(8_000, 9_000, 12_000, 11_000, imf_e6=10_000)
    for decimals in (5, 6, 9, 12):
        size = 10_000 * 10**decimals
        assert asset_weight_bps(weight, size, decimals, MarginType.INITIAL) == 5_500  # 1.1 / (1 + 0.01 · √10,000)
        assert liability_weight_bps(weight, -size, decimals, MarginType.INITIAL) == 9_600 + 10_000


def test_the_initial_weight_shrinks_as_the_market_fills_up():
    weight = CollateralWeight(8_000, 9_000, scale_start_atoms=1_000)
    assert [scaled_initial_bps(weight, deposits) for deposits in (0, 999, 1_000, 1_001, 3_000)] == [
        *(8_000, 8_000, 8_000),
        *(7_992, 2_666),
    ]
    assert asset_weight_bps(weight, 1, 9, MarginType.INITIAL, 3_000) == 2_666
    assert asset_weight_bps(weight, 1, 9, MarginType.FILL, 3_000) == (2_666 + 9_000) // 2
    assert asset_weight_bps(weight, 1, 9, MarginType.MAINTENANCE, 3_000) == 9_000


@pytest.mark.parametrize(
    ("deposits", "borrows", "used"), [(0, 0, 0), (0, 5, 10**6), (3, 1, 333_333), (1, 2, 2_000_000)]
)
def test_utilisation(deposits, borrows, used):
    assert utilization_e6(deposits, borrows) == used


@pytest.mark.parametrize(
    ("used", "rate"),
    [
        (0, 5_000),
        (40_000, 5_000),
        (400_000, 50_000),
        (800_000, 100_000),
        (825_000, 125_000),
        (850_000, 150_000),
        (875_000, 200_000),
        (900_000, 250_000),
        (925_000, 325_000),
        (950_000, 400_000),
        (970_000, 500_000),
        (990_000, 600_000),
        (995_000, 850_000),
        (997_500, 975_000),
        (1_000_000, 1_100_000),
        (1_500_000, 1_100_000),
    ],
)
def test_the_borrow_curve_has_a_kink_at_every_segment(used, rate):
    assert borrow_rate_e6(CURVE, used) == rate


def test_the_first_segment_truncates_its_slope_and_the_lowest_rate_holds_in_all():
    assert borrow_rate_e6(BorrowCurve(700_000, 100_000, 200_000), 700_000) == 99_999
    assert borrow_rate_e6(BorrowCurve(800_000, 10, 20, 5_000), 900_000) == 5_000


@given(
    st.integers(1, 850_000),
    st.tuples(st.integers(0, 10**7), st.integers(0, 10**7)).map(sorted),
    st.lists(st.integers(0, 10**6), min_size=2, max_size=8).map(sorted),
)
def test_more_use_never_costs_less(optimal, rates, uses):
    curve = BorrowCurve(optimal, *rates)
    paid = [borrow_rate_e6(curve, used) for used in uses]
    assert all(later >= earlier for earlier, later in pairwise(paid))
    assert all(deposit_rate_e6(rate, used, 0) <= rate for rate, used in zip(paid, uses, strict=True))


def test_depositors_get_what_borrowers_pay_less_the_insurance_fund():
    assert deposit_rate_e6(100_000, 800_000, 0) == 80_000
    assert deposit_rate_e6(100_000, 800_000, 200_000) == 64_000
    assert deposit_rate_e6(3, 333_333, 1) == 0


@pytest.mark.parametrize(
    ("curve", "named"),
    [
        ((0, 1, 2), "optimal_utilization_e6: got 0"),
        ((850_001, 1, 2), "optimal_utilization_e6: got 850001"),
        ((800_000, 3, 2), "optimal_rate_e6 and max_rate_e6: got 3 and 2"),
        ((800_000, -1, 2), "optimal_rate_e6 and max_rate_e6: got -1 and 2"),
        ((800_000, 1, 2, -1), "min_rate_e6: got -1"),
    ],
)
def test_a_curve_that_the_program_could_not_compute_is_refused(curve, named):
    with pytest.raises(ValueError, match=named):
        BorrowCurve(*curve)
