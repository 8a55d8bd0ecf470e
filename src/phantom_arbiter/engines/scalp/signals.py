"""A tape of log prices, and how far out of the ordinary the present one is. Floats: this screens, it never settles."""

from __future__ import annotations

from math import sqrt

from phantom_arbiter.engines.scalp.settings import PodConfig, PodStats, ScalpConfig, Strategy, Tape, Trial


def observe(tape: Tape, price: float, lookback: int) -> None:
    """Take one sample: exponential mean of the log price over ``lookback`` samples, variance of its changes."""
    alpha = 2.0 / (lookback + 1.0)
    change = price - tape.last
    tape.variance += alpha * (change * change - tape.variance)
    tape.mean += alpha * (price - tape.mean)
    tape.last = price
    tape.samples += 1


def stretch(tape: Tape, price: float, lookback: int) -> float:
    """Distance from the mean in standard deviations.

    For a random walk with step variance v the distance from an exponential mean over n samples has variance
    v · n / 4 (the sum of the squared weights of past steps), so this is near a standard normal without a trend.
    """
    spread = sqrt(tape.variance * lookback / 4.0)
    return (price - tape.mean) / spread if spread > 0 else 0.0


def fires(pod: PodConfig, tape: Tape, price: float, lookback: int) -> bool:
    """Whether a pod wants to buy here. It must have seen a whole lookback first."""
    if tape.samples < lookback:
        return False
    z = stretch(tape, price, lookback)
    return z >= pod.entry_z if pod.strategy is Strategy.MOMENTUM else z <= -pod.entry_z


def levels(pod: PodConfig, price: float, now_ns: int) -> Trial:
    """Target and stop around an entry at the log mid ``price``."""
    return Trial(
        pod.name, price, price + pod.target_bps / 10_000, price - pod.stop_bps / 10_000, now_ns + pod.timeout_ns
    )


def ended(trial: Trial, price: float, now_ns: int) -> bool:
    """Target, stop or time-out is reached. A gap through a level counts at the price beyond it."""
    return price >= trial.target or price <= trial.stop or now_ns >= trial.timeout_ns


def learn(stats: PodStats, gross_bps: float, memory: float) -> None:
    """Add one ended trial to a pod's record; older ones fade by ``memory`` each."""
    stats.weight = stats.weight * memory + 1.0
    stats.sum_bps = stats.sum_bps * memory + gross_bps
    stats.trials += 1
    stats.wins += gross_bps > 0


def expected_bps(stats: PodStats, config: ScalpConfig) -> float:
    """The gross edge a pod has shown, shrunk toward zero: no record, no edge."""
    return stats.sum_bps / (stats.weight + config.prior_trials)
