"""Fees: tiers by volume, rounding, the market's adjustment; amounts and percents of the program's own tests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.core.perp.fees import fee_tier, maker_rebate_atoms, referee_discount_atoms, taker_fee_atoms
from phantom_arbiter.core.perp.profile import DRIFT_V2, PROFILES, FeeTier

TEN_BPS = FeeTier(0, 1_000, 600)
"""The fees of the program's tests: 10 bps, 6 back."""
HUNDRED = 100_000_000


@pytest.mark.parametrize(
    ("volume_usd", "ppm"),
    [
        (0, 350),
        (1_999_999, 350),
        (2_000_000, 300),
        (9_999_999, 300),
        (10_000_000, 275),
        (20_000_000, 250),
        (70_000_000, 250),  # program: test_calc_taker_tiers
        (80_000_000, 225),
        (200_000_000, 200),
        (280_000_000, 200),
    ],
)
@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_the_tier_is_the_first_whose_bound_is_above_the_volume(profile, volume_usd, ppm):
    tier = fee_tier(profile, volume_usd * 10**6)
    assert (tier.taker_fee_ppm, tier.maker_rebate_ppm) == (ppm, 25)


def test_a_micro_below_the_bound_is_below():
    assert fee_tier(DRIFT_V2, 2_000_000 * 10**6 - 1).taker_fee_ppm == 350
    with pytest.raises(ValueError, match="volume"):
        fee_tier(DRIFT_V2, -1)


@pytest.mark.parametrize(
    ("percent", "fee", "rebate"),
    [(0, 100_000, 60_000), (-50, 50_000, 30_000), (50, 150_000, 90_000), (-100, 0, 0), (100, 200_000, 120_000)],
)
def test_fees_of_the_programs_tests(percent, fee, rebate):
    assert taker_fee_atoms(HUNDRED, TEN_BPS, percent) == fee
    assert maker_rebate_atoms(HUNDRED, TEN_BPS, percent) == rebate


def test_every_rounding_is_against_the_trader():
    tier = FeeTier(0, 350, 25)
    assert taker_fee_atoms(1, tier) == 1
    assert maker_rebate_atoms(39_999, tier) == 0
    assert maker_rebate_atoms(40_000, tier) == 1
    # 3 atoms less 50 %: 1.5 come off, 1 does. 3 more 50 %: 1.5 come on, 2 do.
    assert taker_fee_atoms(8_000, tier) == 3
    assert taker_fee_atoms(8_000, tier, -50) == 2
    assert taker_fee_atoms(8_000, tier, 50) == 5
    assert maker_rebate_atoms(120_000, tier) == 3
    assert maker_rebate_atoms(120_000, tier, -50) == 1
    assert maker_rebate_atoms(120_000, tier, 50) == 4


@pytest.mark.parametrize(("quote", "percent"), [(-1, 0), (1, 101), (1, -101)])
def test_bad_amounts_are_refused(quote, percent):
    for charge in (taker_fee_atoms, maker_rebate_atoms):
        with pytest.raises(ValueError, match="got"):
            charge(quote, TEN_BPS, percent)


@pytest.mark.parametrize(("fee", "discount"), [(100_000, 5_000), (19, 0), (20, 1), (0, 0)])
@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_who_was_referred_keeps_five_percent_rounded_down(profile, fee, discount):
    assert referee_discount_atoms(fee, profile) == discount


@given(st.integers(0, 10**15), st.sampled_from(DRIFT_V2.fee_tiers), st.integers(-100, 100))
def test_a_fill_never_costs_the_venue_more_rebate_than_it_takes_in(quote, tier, percent):
    assert 0 <= maker_rebate_atoms(quote, tier, percent) <= taker_fee_atoms(quote, tier, percent)
