"""Signals on a tape of log prices, and the trials that measure what they are worth."""

from __future__ import annotations

from math import log
from statistics import pvariance

import pytest

from phantom_arbiter.core.streams import Stream
from phantom_arbiter.engines.scalp import signals
from phantom_arbiter.engines.scalp.settings import PodStats, ScalpConfig, Tape
from tests.unit.engines.scalp.stall import SNAPBACK, SURGE


def walk(count: int, lookback: int, sigma: float = 0.001) -> list[float]:
    """The stretches along a random walk, after a warm-up."""
    stream, tape, price, found = Stream(7, "walk"), Tape(0.0, sigma * sigma, 0.0, 0), 0.0, []
    for index in range(count):
        price += sigma * stream.normal()
        if index > 10 * lookback:
            found.append(signals.stretch(tape, price, lookback))
        signals.observe(tape, price, lookback)
    return found


@pytest.mark.parametrize("lookback", [20, 120])
def test_the_stretch_of_a_random_walk_is_near_a_standard_normal(lookback: int) -> None:
    found = walk(60_000, lookback)
    assert abs(sum(found) / len(found)) < 0.15
    assert 0.8 < pvariance(found) < 1.25


def test_a_still_tape_has_no_stretch() -> None:
    assert signals.stretch(Tape(1.0, 0.0, 1.0, 0), 2.0, 10) == 0.0


@pytest.mark.parametrize(("sign", "surge", "snapback"), [(1, True, False), (-1, False, True)])
def test_momentum_buys_rises_and_mean_reversion_falls(sign: int, surge: bool, snapback: bool) -> None:
    tape = Tape(0.0, 0.001**2, 0.0, 0, samples=10)
    price = sign * 2.01 * 0.001 * (10 / 4) ** 0.5
    assert signals.fires(SURGE, tape, price, 10) is surge
    assert signals.fires(SNAPBACK, tape, price, 10) is snapback
    assert not signals.fires(SURGE, tape, 0.99 * price, 10)


def test_no_signal_before_a_whole_lookback() -> None:
    assert not signals.fires(SURGE, Tape(0.0, 1e-6, 0.0, 0, samples=9), 1.0, 10)


def test_levels_are_distances_from_the_entry() -> None:
    trial = signals.levels(SURGE, log(2.0), 5)
    assert trial.target - trial.entry == pytest.approx(0.03)
    assert trial.entry - trial.stop == pytest.approx(0.015)
    assert trial.timeout_ns == 5 + SURGE.timeout_ns


@pytest.mark.parametrize(
    ("price", "now_ns", "ends"),
    [(0.029, 0, False), (0.030, 0, True), (-0.0149, 0, False), (-0.015, 0, True), (0.0, SURGE.timeout_ns, True)],
)
def test_a_trial_ends_by_target_stop_or_time(price: float, now_ns: int, ends: bool) -> None:
    assert signals.ended(signals.levels(SURGE, 0.0, 0), price, now_ns) is ends


def test_a_pod_without_a_record_claims_no_edge_and_a_short_one_is_shrunk() -> None:
    stats, config = PodStats(), ScalpConfig(prior_trials=10)
    assert signals.expected_bps(stats, config) == 0.0
    signals.learn(stats, 110.0, config.trial_memory)
    assert signals.expected_bps(stats, config) == pytest.approx(10.0)
    for _ in range(2_000):
        signals.learn(stats, 110.0, config.trial_memory)
    assert signals.expected_bps(stats, config) == pytest.approx(110 * 100 / 110)
    assert (stats.trials, stats.wins) == (2_001, 2_001)


def test_old_trials_fade() -> None:
    stats, config = PodStats(), ScalpConfig()
    for gross in (500.0, *[-50.0] * 500):
        signals.learn(stats, gross, config.trial_memory)
    assert -50 < signals.expected_bps(stats, config) < -40
