"""Impact on a depth: a constant-product pool's own, rounded against the trade."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.dex.constant_product import ConstantProductPool, quote
from phantom_arbiter.dex.impact import impacted_px

PX = 10**9
DEPTH = 10_000 * 10**9


@given(atoms=st.integers(10**6, DEPTH // 2))
def test_a_purchase_pays_what_a_pool_of_that_reserve_would_charge(atoms):
    px = impacted_px(PX, buys=True, quote_atoms=atoms, depth_quote_atoms=DEPTH)
    answer = quote(ConstantProductPool(DEPTH, DEPTH, 0, 1), atoms, True)
    average = Fraction(PX * atoms, answer.amount_out_atoms)
    assert px == pytest.approx(float(average), rel=2e-6)
    assert px >= PX + PX * atoms // DEPTH


def test_a_sale_falls_by_the_same_ratio_and_never_to_nothing():
    bought = impacted_px(PX, buys=True, quote_atoms=DEPTH, depth_quote_atoms=DEPTH)
    sold = impacted_px(PX, buys=False, quote_atoms=DEPTH, depth_quote_atoms=DEPTH)
    assert (bought, sold) == (2 * PX, PX // 2)
    assert impacted_px(PX, buys=False, quote_atoms=1_000 * DEPTH, depth_quote_atoms=DEPTH) > 0


def test_what_is_gone_already_counts_twice():
    part, whole = (impacted_px(PX, buys=True, quote_atoms=n, depth_quote_atoms=DEPTH) for n in (10**12, 2 * 10**12))
    after = impacted_px(PX, buys=True, quote_atoms=10**12, depth_quote_atoms=DEPTH, used_quote_atoms=10**12)
    assert part + after == 2 * whole


def test_fixed_part_and_slope():
    assert impacted_px(PX, buys=True, quote_atoms=1, depth_quote_atoms=DEPTH, fixed_ppm=100, slope_ppm=0) == PX + 10**5
