"""The carry model: signs, the horizon integral, and the exit threshold of the reference."""

import math
import random

import pytest

from phantom_arbiter.core.units import HOURS_PER_YEAR
from phantom_arbiter.engines.funding import carry
from phantom_arbiter.engines.funding.carry import CarryHistory, CarryModel
from phantom_arbiter.engines.funding.settings import FundingConfig

CONFIG = FundingConfig()


def model(rate_apr=0.0, mean_apr=0.0, half_life=24.0, stdev_apr=0.2):
    return CarryModel(
        rate_apr / HOURS_PER_YEAR, mean_apr / HOURS_PER_YEAR, math.log(2) / half_life, (stdev_apr / HOURS_PER_YEAR) ** 2
    )


def test_a_positive_rate_pays_the_short():
    # 0.005 USD per SOL and hour at 100 USD: half a basis point an hour.
    assert carry.rate_of(5_000_000, 100_000_000) == pytest.approx(0.5e-4)
    assert carry.rate_of(-5_000_000, 100_000_000) == pytest.approx(-0.5e-4)


def test_the_predicted_rate_is_the_premium_and_the_offset_over_24_hours():
    assert carry.predicted_rate(100_000_000, 100_000_000, CONFIG) == pytest.approx(1 / 5_000 / 24)
    assert carry.predicted_rate(99_900_000, 100_000_000, CONFIG) == pytest.approx((-0.001 + 0.0002) / 24)
    assert carry.predicted_rate(200_000_000, 100_000_000, CONFIG) == pytest.approx(1 / 33 / 24)


@pytest.mark.parametrize(("rate", "mean"), [(0.5, 0.1), (-0.5, 0.1), (0.1, -0.2)])
def test_expected_carry_is_the_integral_of_the_decaying_rate(rate, mean):
    m, step = model(rate, mean), 0.01
    steps = range(int(100 / step))
    total = sum((m.mean + (m.rate - m.mean) * math.exp(-m.kappa * (i + 0.5) * step)) * step for i in steps)
    assert carry.expected_carry(m, 100) == pytest.approx(total, rel=1e-6)


def test_a_spike_pays_only_what_its_half_life_leaves():
    # Reference: with 24 h half-life, 30 % APR above the mean carries about 12 bps in all.
    assert carry.expected_carry(model(rate_apr=0.30), 10_000) * 1e4 == pytest.approx(11.85, abs=0.1)


def test_break_even_is_when_the_carry_has_paid_the_costs():
    m = model(rate_apr=0.1095, mean_apr=0.1095)
    assert carry.break_even_days(m, 12e-4, 8_760) == pytest.approx(4.0, abs=0.01)  # reference: 4.0 days
    assert carry.break_even_days(m, 12e-4, 48) is None
    assert carry.break_even_days(model(rate_apr=-0.1, mean_apr=-0.1), 12e-4, 8_760) is None


def test_before_anything_was_seen_there_is_no_model():
    assert carry.model_of(CarryHistory(), CONFIG) is None


def test_the_premium_is_the_prior_and_a_spike_in_it_is_capped():
    history = CarryHistory()
    carry.observe_premium(history, 1.0 / HOURS_PER_YEAR)
    m = carry.model_of(history, CONFIG)
    assert carry.apr(m.rate) == pytest.approx(1.0)
    assert carry.apr(m.mean) == pytest.approx(CONFIG.prior_cap_apr)


def test_one_hour_moves_the_mean_by_its_share_only():
    history = CarryHistory()
    for _ in range(50):
        carry.observe_hour(history, 0.18 / HOURS_PER_YEAR, CONFIG)
    carry.observe_hour(history, -2.0 / HOURS_PER_YEAR, CONFIG)
    m = carry.model_of(history, CONFIG)
    assert m.rate < 0 < m.mean
    assert carry.expected_carry(m, 720) > 0


def test_mean_spread_and_persistence_are_learnt_from_the_hours():
    rng, history, rate = random.Random(3), CarryHistory(), 0.0
    mean, sd, persistence = 0.15 / HOURS_PER_YEAR, 0.2 / HOURS_PER_YEAR, 0.9
    for _ in range(2_000):
        rate = mean + persistence * (rate - mean) + sd * math.sqrt(1 - persistence**2) * rng.gauss(0, 1)
        carry.observe_hour(history, rate, FundingConfig(mean_half_life_hours=8_000))
    m = carry.model_of(history, CONFIG)
    assert carry.apr(m.mean) == pytest.approx(0.15, abs=0.05)
    assert math.exp(-m.kappa) == pytest.approx(persistence, abs=0.03)
    assert math.sqrt(m.variance) == pytest.approx(sd, rel=0.2)
