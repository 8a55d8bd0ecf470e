"""What the scalp engine is told, and what it remembers."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct, field

from phantom_arbiter.core.units import NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND

Micros = Annotated[int, Meta(gt=0, le=10**15)]
Nanoseconds = Annotated[int, Meta(gt=0)]
Bps = Annotated[int, Meta(gt=0, le=10_000)]
Positive = Annotated[float, Meta(gt=0, le=1_000)]


class Strategy(StrEnum):
    """MOMENTUM buys what rose more than its noise, MEAN_REVERSION what fell more than its noise."""

    MOMENTUM = "momentum"
    MEAN_REVERSION = "mean_reversion"


class PodConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """A pod. ``budget_micros`` is the most it may have in positions, ``trade_micros`` one trade's size.

    ``entry_z``: how many standard deviations a move must be. Target and stop are distances from the entry's mid.
    A pod that lost ``max_loss_bps`` of its budget within a UTC day makes no entry until the next.
    """

    name: Annotated[str, Meta(min_length=1, max_length=24)]
    strategy: Strategy
    budget_micros: Micros = 1_000_000_000
    trade_micros: Micros = 100_000_000
    entry_z: Positive = 2.0
    target_bps: Bps = 300
    stop_bps: Bps = 150
    timeout_ns: Nanoseconds = 5 * NS_PER_MINUTE
    max_loss_bps: Bps = 300


def _pods() -> tuple[PodConfig, ...]:
    return (
        PodConfig("surge", Strategy.MOMENTUM),
        PodConfig("snapback", Strategy.MEAN_REVERSION, target_bps=200, stop_bps=200),
    )


class ScalpConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Settings. ``tokens``: what may be traded; empty means every spot token but SOL, stables, LSTs and majors.

    ``lookback_samples`` is the tape's memory, one for all pods. ``prior_trials``: a pod's measured edge counts in full
    only when it rests on many more trials than this.
    """

    pods: Annotated[tuple[PodConfig, ...], Meta(min_length=1, max_length=16)] = field(default_factory=_pods)
    tokens: tuple[str, ...] = ()
    excluded: tuple[str, ...] = (
        "SOL",
        "BTC",
        "ETH",
        "HYPE",
        "USDC",
        "USDT",
        "jitoSOL",
        "mSOL",
        "bSOL",
        "JupSOL",
        "BNSOL",
    )
    sample_ns: Nanoseconds = NS_PER_SECOND
    lookback_samples: Annotated[int, Meta(ge=5, le=10_000)] = 120
    signal_gap_ns: Nanoseconds = NS_PER_MINUTE
    retry_ns: Nanoseconds = 5 * NS_PER_SECOND
    intent_life_ns: Nanoseconds = 10 * NS_PER_SECOND
    prior_trials: Positive = 10.0
    trial_memory: Annotated[float, Meta(gt=0.5, lt=1)] = 0.99
    entry_slippage_bps: Bps = 100
    exit_slippage_bps: Annotated[tuple[Bps, ...], Meta(min_length=1, max_length=8)] = (300, 1_000, 5_000)
    p_fail_bps: Annotated[int, Meta(ge=0, le=9_999)] = 300
    compute_units: Annotated[int, Meta(gt=0, le=1_400_000)] = 120_000
    stale_gap_ns: Nanoseconds = 10 * NS_PER_MINUTE

    def __post_init__(self) -> None:
        names = [pod.name for pod in self.pods]
        if len(set(names)) != len(names):
            raise ValueError(f"pods: names must differ, got {', '.join(names)}")


class Tape(Struct):
    """An instrument's running statistics: exponential mean of the log price, variance of one sample's change."""

    mean: float
    variance: float
    last: float
    next_ns: int
    samples: int = 0


class Trial(Struct):
    """A signal followed to its end by price alone, traded or not: what the pod's edge is measured from."""

    pod: str
    entry: float
    target: float
    stop: float
    timeout_ns: int


class PodStats(Struct):
    """A pod's record. ``weight`` and ``sum_bps`` are discounted counts and gross returns of trials."""

    weight: float = 0.0
    sum_bps: float = 0.0
    trials: int = 0
    wins: int = 0
    signals: int = 0
    trades: int = 0
    won: int = 0
    day: int = -1
    day_pnl_micros: int = 0
    pnl_micros: int = 0


class Holding(Struct):
    """A position under way. Levels are log mid prices; ``exits`` counts failed attempts to leave, ``why`` is the reason
    once one has begun."""

    pod: str
    instrument: str
    token: str
    cost_micros: int
    entry: float
    target: float
    stop: float
    timeout_ns: int
    opened_ns: int
    filled: bool = False
    exits: int = 0
    retry_ns: int = 0
    why: str = ""


class ScalpState(Struct):
    """What snapshots carry: tapes and trials by instrument, pods by name, holdings by position id."""

    tapes: dict[str, Tape] = field(default_factory=dict)
    trials: dict[str, list[Trial]] = field(default_factory=dict)
    pods: dict[str, PodStats] = field(default_factory=dict)
    holdings: dict[str, Holding] = field(default_factory=dict)
    signal_after_ns: dict[str, int] = field(default_factory=dict)
    positions: int = 0
    last: str = "waiting for the first prices"


MAX_TRIALS = 16
"""Trials that may run at once on one instrument."""
DAY_NS = 24 * NS_PER_HOUR
