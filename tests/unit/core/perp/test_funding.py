"""Funding: rate, hour, cap, index and estimate. Numbers marked "program" or "SDK" are those of its own tests."""

from __future__ import annotations

from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.core.perp import funding
from phantom_arbiter.core.perp.funding import (
    FundingIndex,
    MarketBook,
    MarketNow,
    SideRates,
    Twap,
    hourly_rate_e9,
    side_rates,
)
from phantom_arbiter.core.perp.profile import DRIFT_V2, VELOCITY, ContractTier

A, B, C, SPECULATIVE = ContractTier.A, ContractTier.B, ContractTier.C, ContractTier.SPECULATIVE
SOL = 10**9
PX = 100_000_000


@pytest.mark.parametrize(
    ("mark", "oracle", "tier", "rate"),
    [
        (PX, PX, A, 833_333),  # the offset alone: 20_000 · 1000 / 24
        (PX - 20_000, PX, A, 0),
        (99_900_000, PX, A, -3_333_333),  # toward zero
        (47_629_736, 51_000_000, SPECULATIVE, -140_002_666),  # program: unsettled_funding_pnl
        (2 * PX, PX, A, 126_262_625),  # 1/33 of the oracle
        (2 * PX, PX, B, 126_262_625),
        (2 * PX, PX, C, 208_333_333),  # 1/20
        (2 * PX, PX, SPECULATIVE, 416_666_666),  # 1/10
        (0, PX, ContractTier.HIGHLY_SPECULATIVE, -416_666_666),
        (0, PX, ContractTier.ISOLATED, -416_666_666),
        (2 * 49_000_000, 49_000_000, B, 1_484_848 * 1_000 // 24),  # program: max_funding_rates
        (2 * 49_000_000, 49_000_000, SPECULATIVE, 4_900_000 * 1_000 // 24),
    ],
)
def test_drifts_rate(mark, oracle, tier, rate):
    assert hourly_rate_e9(mark, oracle, DRIFT_V2, tier) == rate


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(
    ("spread", "premium"),
    [(0, 0), (49_999, 0), (50_000, 0), (50_001, 1), (100_000, 50_000)],  # program: a zone of 5 bps, then 1:1 beyond it
)
def test_velocitys_dead_zone_is_left_without_a_step(spread, premium, side):
    offset = PX // 3_333
    expected = int(Fraction((offset + side * premium) * 1_000, 24))
    assert hourly_rate_e9(PX + side * spread, PX, VELOCITY, A) == expected


def test_velocitys_ramp_scales_the_excess_toward_zero():
    steep = msgspec.structs.replace(VELOCITY, ramp_e6=1_500_000)
    assert hourly_rate_e9(PX + 50_003, PX, steep, A) == (4 + PX // 3_333) * 1_000 // 24
    assert hourly_rate_e9(PX - 50_003, PX, steep, A) == (-4 + PX // 3_333) * 1_000 // 24
    assert hourly_rate_e9(2 * PX, PX, VELOCITY, A) == 126_262_625


@pytest.mark.parametrize(("mark", "oracle"), [(PX, 0), (PX, -1), (-1, PX)])
def test_a_twap_that_is_no_price_is_refused(mark, oracle):
    with pytest.raises(ValueError, match="TWAPs"):
        hourly_rate_e9(mark, oracle, DRIFT_V2, A)


@pytest.mark.parametrize(
    ("now", "last", "wait"),
    [
        (0, 0, 3_600),  # program: unsettled_funding_pnl
        (3_600, 0, 0),
        (3_599, 0, 1),
        (7_199, 3_601, 1),
        (7_200, 3_600 + 1_200, 0),  # a third of an hour late: the next hour stays
        (7_200, 3_600 + 1_201, 3_600),  # later than that: the next hour is skipped
        (10_799, 3_600 + 1_201, 1),
        (10_800, 3_600 + 3_599, 0),
        (100_000, 3_600, 0),
    ],
)
def test_funding_falls_on_the_hour_and_skips_one_after_a_late_update(now, last, wait):
    assert funding.seconds_until_due(now, last) == wait
    assert funding.is_due(now, last) == (wait == 0)


def test_a_period_must_be_positive():
    assert funding.seconds_until_due(5, 5, period_s=1) == 1
    with pytest.raises(ValueError, match="period_s"):
        funding.is_due(1, 0, 0)


BASE = 12_295_081_967
RATE = 41_666_666
MORE_SHORTS = MarketBook(BASE, -2 * BASE, -BASE)
MORE_LONGS = MarketBook(2 * BASE, -BASE, BASE)


@pytest.mark.parametrize(
    ("rate", "book", "fee_pool", "rates"),
    [
        (RATE, MORE_SHORTS, 250_000, SideRates(RATE, 24_222_164)),  # program: capped_sym_funding_test
        (RATE, MORE_SHORTS, 500_000, SideRates(RATE, 27_611_040)),  # Velocity's program, the same test
        (-RATE, MORE_LONGS, 250_000, SideRates(-24_222_164, -RATE)),
        (RATE, MORE_LONGS, 0, SideRates(RATE, RATE)),  # the market maker earns
        (RATE, MarketBook(BASE, -BASE, 0), 0, SideRates(RATE, RATE)),
        (RATE, MarketBook(0, -BASE, -BASE), 0, SideRates(RATE, 0)),  # nobody pays, nothing to give
        (RATE, MarketBook(BASE, 0, -BASE), 0, SideRates(RATE, 0)),
        (0, MORE_SHORTS, 0, SideRates(0, 0)),
        # It would pay 512_295 atoms: a third of the pool allows that, or just not.
        (RATE, MORE_SHORTS, 3 * 512_295, SideRates(RATE, RATE)),
        (RATE, MORE_SHORTS, 3 * 512_295 - 1, SideRates(RATE, 41_666_578)),
    ],
)
def test_only_the_receiving_side_is_capped(rate, book, fee_pool, rates):
    assert side_rates(rate, book, fee_pool) == rates


@pytest.mark.parametrize("book", [MarketBook(-1, 0, 0), MarketBook(0, 1, 0)])
def test_a_book_with_a_wrong_sign_is_refused(book):
    with pytest.raises(ValueError, match="side_rates"):
        side_rates(RATE, book, 0)
    with pytest.raises(ValueError, match="fee pool of -1"):
        side_rates(RATE, MORE_LONGS, -1)


def test_the_index_sums_each_side_and_pays_by_the_side_held():
    index = FundingIndex().post(SideRates(50, 20)).post(SideRates(-10, -30))
    assert index == FundingIndex(40, -10)
    assert (index.side_e9(1), index.side_e9(-1)) == (40, -10)
    later = index.post(SideRates(50_000_000, 25_000_000))
    assert later.payment_atoms(10 * SOL, index.long_e9) == -500_000
    assert later.payment_atoms(-10 * SOL, index.short_e9) == 250_000
    assert later.payment_atoms(0, 0) == 0


def test_the_24_hour_average_is_the_programs():
    assert funding.new_24h_average_e9(-140_002_666, 3_600, 0, 0) == -140_002_666 // 24 + 2  # program: trunc, + 1
    assert funding.new_24h_average_e9(7, 10, 5, 10) == 5


@pytest.mark.parametrize(
    ("value", "now", "last", "since", "period", "expected"),
    [
        (965_045, 1_710_344_006, 0, 7_898, 3_600, 965_044),  # program: a first value after a long gap
        (1_000_001, 150, 965_044, 0, 300, 982_521),  # program: 982_522.5, less the bias
        (1_000_001, 150, 965_044, 0, 3_600, 966_501),  # program: 966_500.5, plus the bias
        (-3, 1_800, 0, 0, 3_600, 0),  # -1.5, toward zero, plus 1
        (0, 10, 5, 10, 3_600, 5),
        (9, 5, 5, 10, 3_600, 5),  # time goes back: nothing new
    ],
)
def test_new_twap(value, now, last, since, period, expected):
    assert funding.new_twap(value, now, last, since, period) == expected


def test_a_mean_of_zero_is_not_pushed_below_zero():
    assert funding.weighted_average(3, 0, 1, 10) == 0
    assert funding.weighted_average(2, -2, 10, 10) == 0
    assert funding.weighted_average(-2, 2, 10, 10) == 1
    assert funding.weighted_average(30, 0, 1, 10) == 1
    assert funding.weighted_average(8, 4, 0, 10) == 4
    assert funding.weighted_average(8, 4, 10, 0) == 8


@pytest.mark.parametrize(("tier", "low", "high"), [(A, 90, 110), (B, 80, 120), (C, 50, 150)])
def test_a_price_is_taken_in_only_near_its_twap(tier, low, high):
    assert funding.sanitized_px(1, 100, DRIFT_V2, tier) == low
    assert funding.sanitized_px(1_000, 100, DRIFT_V2, tier) == high
    assert funding.sanitized_px(101, 100, DRIFT_V2, tier) == 101
    assert funding.sanitized_px(1_000, 0, DRIFT_V2, tier) == 1_000
    assert funding.sanitized_px(1_000, 100, DRIFT_V2, SPECULATIVE) == 133


RNDR = MarketNow(Twap(1_945_594, 1_688_877_729), Twap(1_942_449, 1_688_878_333), 1_984_300, 1_953_500)
OP = MarketNow(Twap(1_218_363, 1_688_878_815), Twap(1_220_964, 1_688_879_991), 1_224_200, 1_224_000)
FAR = MarketNow(Twap(1_218_363, 1_688_878_815), Twap(1_820_964, 1_688_879_991), 1_224_200, 1_924_000)


@pytest.mark.parametrize(
    ("market", "now", "tier", "twaps", "percent_e6"),
    [
        (RNDR, 1_688_878_353, A, (1_949_826, 1_942_510), 16_525),
        (OP, 1_688_881_915, A, (1_222_131, 1_222_586), -719),
        (FAR, 1_688_881_915, A, (1_680_634, 1_876_031), -126_261),
        (FAR, 1_688_881_915, C, (1_680_634, 1_876_031), -208_332),
    ],
)
def test_the_running_hours_estimate_is_the_sdks(market, now, tier, twaps, percent_e6):
    """The SDK's own four vectors; it tells percent at 1e6, truncated twice."""
    assert funding.projected_twaps_px(market, now, DRIFT_V2, tier) == twaps
    rate = funding.predicted_rate_e9(market, now, DRIFT_V2, tier)
    assert rate == hourly_rate_e9(*twaps, DRIFT_V2, tier)
    assert abs(Fraction(rate, 10) / twaps[1] * 10**6 - percent_e6) < 1


def test_an_oracle_that_jumps_counts_only_to_its_tiers_band():
    market = MarketNow(Twap(PX, 0), Twap(PX, 0), PX, 3 * PX)
    half_an_hour = [funding.projected_twaps_px(market, 1_800, DRIFT_V2, tier)[1] for tier in (A, B, C, SPECULATIVE)]
    assert half_an_hour == [105_000_000, 110_000_000, 125_000_000, 116_666_666]


def test_an_oracle_behind_its_mark_is_drawn_to_it():
    market = MarketNow(Twap(110, 900), Twap(100, 0), 110, 100)
    # Both stand still; 900 seconds without an oracle, of which the hour has 2,700 left: (110·900 + 100·2700) / 3600.
    assert funding.projected_twaps_px(market, 900, DRIFT_V2, A) == (110, 102)
    with pytest.raises(ValueError, match="now_s"):
        funding.projected_twaps_px(market, 899, DRIFT_V2, A)


def test_velocity_restarts_a_mark_that_nobody_wrote_for_three_hours():
    stale = MarketNow(Twap(110 * 10**6, 0), Twap(PX, 0), 102 * 10**6, PX)
    assert not funding.mark_twap_restarts(stale.mark, 10_800, VELOCITY)
    assert funding.mark_twap_restarts(stale.mark, 10_801, VELOCITY)
    assert not funding.mark_twap_restarts(stale.mark, 10_801, DRIFT_V2)
    assert not funding.mark_twap_restarts(stale.mark, 3_600, VELOCITY, period_s=1)
    assert funding.mark_twap_restarts(stale.mark, 3_601, VELOCITY, period_s=1)
    offset_alone = hourly_rate_e9(PX, PX, VELOCITY, A)
    assert funding.predicted_rate_e9(stale, 10_801, VELOCITY, A) == offset_alone
    assert funding.predicted_rate_e9(stale, 10_800, VELOCITY, A) != offset_alone


@given(st.integers(0, 10**12), st.integers(1, 10**12), st.sampled_from(ContractTier))
def test_a_rate_never_passes_its_tiers_clamp(mark, oracle, tier):
    for profile in (DRIFT_V2, VELOCITY):
        bound = oracle // profile.clamp_denominators[tier] * 1_000 // 24
        assert abs(hourly_rate_e9(mark, oracle, profile, tier)) <= bound
