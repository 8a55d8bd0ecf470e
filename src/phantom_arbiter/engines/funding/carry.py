"""Expected funding: an AR(1) of the hourly rate and its horizon integral.

Rates are fractions of notional an hour, positive when a short receives. Between posted hours nothing changes; one
hour's rate enters as the state that decays to the mean, never as the forecast (reference/trading-domain.md §5):

    E∫₀ᴴ f dt = μH + (f₀ − μ)(1 − e^(−κH)) / κ
"""

from __future__ import annotations

import math
from typing import Protocol

from msgspec import Struct

from phantom_arbiter.core.units import HOURS_PER_YEAR

MAX_PERSISTENCE = 0.995
MIN_PERSISTENCE = 0.05
PRIOR_MEMORY = 200
"""Premium readings over which the prior averages, once there are that many."""


class CarrySettings(Protocol):
    """The settings this module reads; `FundingConfig` has them."""

    @property
    def warmup_hours(self) -> int: ...
    @property
    def half_life_hours(self) -> float: ...
    @property
    def mean_half_life_hours(self) -> float: ...
    @property
    def prior_stdev_apr(self) -> float: ...
    @property
    def prior_cap_apr(self) -> float: ...
    @property
    def offset_denominator(self) -> int: ...
    @property
    def clamp_denominator(self) -> int: ...


class CarryHistory(Struct):
    """Exponentially weighted moments of the posted hourly rate, and the running prior from the premium."""

    hours: int = 0
    rate: float = 0.0
    mean: float = 0.0
    variance: float = 0.0
    covariance: float = 0.0
    readings: int = 0
    prior: float = 0.0


class CarryModel(Struct, frozen=True):
    """The rate now, where it returns to, how fast (per hour), and its variance around the mean."""

    rate: float
    mean: float
    kappa: float
    variance: float


def rate_of(rate_e9: int, oracle_twap_px: int) -> float:
    """A posted rate (quote per base at 1e9) as a fraction of the notional at the TWAP (1e6)."""
    return rate_e9 / (oracle_twap_px * 1_000)


def predicted_rate(mark_px: int, oracle_px: int, settings: CarrySettings) -> float:
    """The rate the venue would post at this premium: clamp(premium + 1/5000, ±1/33) / 24 (Drift's tiers A and B)."""
    premium = (mark_px - oracle_px) / oracle_px + 1.0 / settings.offset_denominator
    bound = 1.0 / settings.clamp_denominator
    return min(max(premium, -bound), bound) / 24.0


def observe_premium(history: CarryHistory, rate: float) -> None:
    """Take in a predicted rate; the prior is their running mean."""
    history.readings = min(history.readings + 1, PRIOR_MEMORY)
    history.prior += (rate - history.prior) / history.readings


def observe_hour(history: CarryHistory, rate: float, settings: CarrySettings) -> None:
    """Take in a posted hour. Weights are 1/n at first, then those of the mean's half-life."""
    weight = max(1.0 / (history.hours + 1), 1.0 - 0.5 ** (1.0 / settings.mean_half_life_hours))
    deviation = rate - history.mean if history.hours else 0.0
    before = history.rate - history.mean if history.hours else 0.0
    history.mean = rate if not history.hours else history.mean + weight * deviation
    history.variance += weight * (deviation * deviation - history.variance)
    history.covariance += weight * (deviation * before - history.covariance)
    history.rate = rate
    history.hours += 1


def model_of(history: CarryHistory, settings: CarrySettings) -> CarryModel | None:
    """The model to decide with; None before the first premium and the first posted hour.

    Until ``warmup_hours`` have been seen, mean, variance and persistence are blended with priors in proportion: the
    mean's prior is the rate the premium predicts, capped at ``prior_cap_apr``, as an early spike is no evidence that
    it will last a month.
    """
    if not history.hours and not history.readings:
        return None
    seen = min(1.0, history.hours / settings.warmup_hours)
    cap = settings.prior_cap_apr / HOURS_PER_YEAR
    prior = history.prior if history.readings else history.mean
    prior_mean = min(max(prior, -cap), cap)
    prior_variance = (settings.prior_stdev_apr / HOURS_PER_YEAR) ** 2
    prior_persistence = 0.5 ** (1.0 / settings.half_life_hours)
    observed = history.covariance / history.variance if history.variance > 0.0 else prior_persistence
    persistence = seen * observed + (1.0 - seen) * prior_persistence
    persistence = min(max(persistence, MIN_PERSISTENCE), MAX_PERSISTENCE)
    return CarryModel(
        rate=history.rate if history.hours else prior,
        mean=seen * history.mean + (1.0 - seen) * prior_mean,
        kappa=-math.log(persistence),
        variance=seen * history.variance + (1.0 - seen) * prior_variance,
    )


def expected_carry(model: CarryModel, hours: float) -> float:
    """E∫₀ᴴ of the rate: the fraction of notional a short expects to receive over ``hours``."""
    decay = (1.0 - math.exp(-model.kappa * hours)) / model.kappa
    return model.mean * hours + (model.rate - model.mean) * decay


def break_even_days(model: CarryModel, cost: float, hours: float) -> float | None:
    """Days until the expected carry has paid ``cost`` (fraction), by bisection; None beyond ``hours``."""
    if expected_carry(model, hours) < cost:
        return None
    low, high = 0.0, float(hours)
    for _ in range(40):
        middle = (low + high) / 2.0
        if expected_carry(model, middle) < cost:
            low = middle
        else:
            high = middle
    return high / 24.0


def apr(rate: float) -> float:
    """An hourly fraction as a yearly one."""
    return rate * HOURS_PER_YEAR
