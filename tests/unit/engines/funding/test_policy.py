"""Policies and their band, held against the dynamic programme of the domain reference and against the formula."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phantom_arbiter.core.units import HOURS_PER_YEAR
from phantom_arbiter.engines.funding.carry import CarryModel
from phantom_arbiter.engines.funding.policy import Act, Band, Policy, band_of, half_width, wants

COST = 0.0012


def model(half_life: float = 24.0, *, mean: float = 0.0, deviation: float = 0.2, rate: float = 0.0) -> CarryModel:
    """Yearly figures in, hourly ones out."""
    return CarryModel(
        rate=rate / HOURS_PER_YEAR,
        mean=mean / HOURS_PER_YEAR,
        kappa=math.log(2) / half_life,
        variance=(deviation / HOURS_PER_YEAR) ** 2,
    )


def yearly(band: Band) -> tuple[float, float]:
    return band.enter * HOURS_PER_YEAR, band.leave * HOURS_PER_YEAR


@pytest.mark.parametrize(
    ("half_life", "bps", "mean", "enter", "leave"),
    [
        (24, 12, 0.0, 0.27, -0.27),
        (72, 12, 0.0, 0.18, -0.18),
        (168, 12, 0.0, 0.13, -0.13),
        (24, 25, 0.0, 0.41, -0.41),
        (72, 25, 0.11, 0.17, -0.34),
    ],
)
def test_the_band_is_that_of_the_dynamic_programme(
    half_life: float, bps: float, mean: float, enter: float, leave: float
) -> None:
    """The reference's table, told there to a hundredth, for a standard deviation of 20 % a year."""
    assert yearly(band_of(model(half_life, mean=mean), bps / 1e4)) == pytest.approx((enter, leave), abs=0.009)


def test_the_formula_is_the_cube_root_of_the_reference() -> None:
    assert half_width(model(24), COST) * HOURS_PER_YEAR == pytest.approx(0.263, abs=5e-4)
    assert half_width(model(72), COST) * HOURS_PER_YEAR == pytest.approx(0.182, abs=6e-4)
    assert half_width(model(24), 0.0025) * HOURS_PER_YEAR == pytest.approx(0.336, abs=5e-4)


def test_inside_its_range_the_formula_is_the_band_whatever_the_hurdle() -> None:
    for hurdle in (0.0, -0.07, 0.05):
        band = band_of(model(72, mean=hurdle), COST, hurdle / HOURS_PER_YEAR)
        assert not band.exact
        assert not band.formula_low
        assert (band.enter - band.hurdle, band.hurdle - band.leave) == pytest.approx((band.formula,) * 2)


def test_beyond_one_and_a_half_deviations_the_formula_is_low_and_not_used() -> None:
    band = band_of(model(24), 0.0025)
    assert band.formula_low
    assert band.exact
    assert band.enter > 1.2 * band.formula


def test_with_the_mean_far_above_one_practically_never_leaves() -> None:
    """Reference: mean 11 %, deviation 20 %, half-life of a day, 25 bps: never exit."""
    held = band_of(model(24, mean=0.11), 0.0025)
    assert (held.hurdle - held.leave) * HOURS_PER_YEAR + 0.11 > 4 * 0.2
    assert 0.0 < held.enter * HOURS_PER_YEAR < 0.2
    quiet = band_of(model(12, mean=0.11, deviation=0.01), 0.0025)
    assert quiet.leave == -math.inf
    assert "ever to leave" in wants(Policy.HYSTERESIS, quiet, model(12, mean=0.11, deviation=0.01), True).why


def test_with_the_mean_far_below_one_never_enters() -> None:
    poor = model(12, mean=-0.11, deviation=0.01, rate=0.5)
    band = band_of(poor, 0.0025)
    assert band.enter == math.inf
    decision = wants(Policy.HYSTERESIS, band, poor, False)
    assert (decision.act, "ever to enter" in decision.why) == (Act.STAY, True)


@pytest.mark.parametrize(("mean", "enter", "leave"), [(1.0, 0.0, -math.inf), (-1.0, math.inf, 0.0)])
def test_without_noise_only_the_mean_decides(mean: float, enter: float, leave: float) -> None:
    band = band_of(model(mean=mean, deviation=0.0), COST)
    assert (band.enter, band.leave) == (enter, leave)


def test_nothing_to_gain_and_no_noise_moves_nobody() -> None:
    still = model(deviation=0.0)
    band = band_of(still, COST)
    for held in (False, True):
        assert wants(Policy.HYSTERESIS, band, still, held).act is Act.STAY


def test_a_free_switch_has_no_band() -> None:
    assert yearly(band_of(model(mean=0.05), 0.0)) == (0.0, 0.0)


def models(fastest: float, quietest: float) -> st.SearchStrategy[CarryModel]:
    return st.builds(
        lambda half_life, mean, deviation: model(half_life, mean=mean, deviation=deviation),
        st.floats(fastest, 400.0),
        st.floats(-0.5, 0.5),
        st.floats(quietest, 1.0),
    )


MODELS = models(1.0, 0.01)


@settings(max_examples=60, deadline=None)
@given(models(24.0, 0.1), st.floats(1e-4, 0.004), st.floats(-0.2, 0.2))
def test_the_band_encloses_the_hurdle_and_moves_with_it(given_model: CarryModel, cost: float, hurdle: float) -> None:
    hourly = hurdle / HOURS_PER_YEAR
    band = band_of(given_model, cost)
    assert band.leave <= 0.0 <= band.enter
    moved = CarryModel(given_model.rate, given_model.mean + hourly, given_model.kappa, given_model.variance)
    shifted = band_of(moved, cost, hourly)
    assert (shifted.enter - hourly, shifted.leave - hourly) == pytest.approx((band.enter, band.leave), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(MODELS, st.floats(1e-4, 0.01))
def test_who_is_paid_for_being_out_has_the_mirrored_band(given_model: CarryModel, cost: float) -> None:
    band = band_of(given_model, cost)
    mirrored = CarryModel(given_model.rate, -given_model.mean, given_model.kappa, given_model.variance)
    other = band_of(mirrored, cost)
    assert (other.enter, other.leave) == pytest.approx((-band.leave, -band.enter), abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(MODELS)
def test_a_dearer_switch_is_asked_for_later(given_model: CarryModel) -> None:
    cheap, dear = band_of(given_model, 0.001), band_of(given_model, 0.004)
    assert dear.enter >= cheap.enter - 1e-12
    assert dear.leave <= cheap.leave + 1e-12


BAND = Band(2e-5, -3e-5, 0.0, 2e-5, formula_low=False, exact=False)


@pytest.mark.parametrize(
    ("policy", "rate", "held", "act"),
    [
        (Policy.HOLD, -1.0, False, Act.ENTER),
        (Policy.HOLD, -1.0, True, Act.STAY),
        (Policy.SIGN_FLIP, 1e-9, False, Act.ENTER),
        (Policy.SIGN_FLIP, 1e-9, True, Act.STAY),
        (Policy.SIGN_FLIP, -1e-9, True, Act.LEAVE),
        (Policy.SIGN_FLIP, -1e-9, False, Act.STAY),
        (Policy.SIGN_FLIP, 0.0, False, Act.STAY),
        (Policy.SIGN_FLIP, 0.0, True, Act.STAY),
        (Policy.HYSTERESIS, 1.9e-5, False, Act.STAY),
        (Policy.HYSTERESIS, 2.1e-5, False, Act.ENTER),
        (Policy.HYSTERESIS, 2.1e-5, True, Act.STAY),
        (Policy.HYSTERESIS, -2.9e-5, True, Act.STAY),
        (Policy.HYSTERESIS, -3.1e-5, True, Act.LEAVE),
        (Policy.HYSTERESIS, -3.1e-5, False, Act.STAY),
    ],
)
def test_what_each_policy_wants(policy: Policy, rate: float, held: bool, act: Act) -> None:
    decision = wants(policy, BAND, CarryModel(rate, 1e-6, 0.03, 1e-10), held)
    assert decision.act is act
    assert decision.why
    assert (decision.rate, decision.mean, decision.enter, decision.leave) == (rate, 1e-6, 2e-5, -3e-5)
