"""When to hold the short that is paid by funding: three policies, and the band of rates they decide by.

``hold`` enters once and stays. ``sign-flip`` follows the sign of the last posted hour; it exists to be compared with.
``hysteresis`` enters above a band around the hurdle and leaves below it, so that a switch is worth what it costs.

Rates, means and bands are fractions of the notional an hour, positive when a short receives; a cost is a fraction of
the notional for one round trip, in and out. The state is the last posted hour of the AR(1) model (`carry.CarryModel`).

Between two switches the worth of being in rather than out, w(f), obeys for an Ornstein-Uhlenbeck rate with mean μ, pull
κ and variance V around a hurdle r:  κV·w″ − κ(f − μ)·w′ + (f − r) = 0.  Leaving at a and entering at b are best where
w′(a) = w′(b) = 0 and w(b) − w(a) = C (smooth fit). With μ = r and a small C that is r ± h, h = (3η²C/4)^(1/3),
η² = 2κV: the formula of reference/trading-domain.md §5. Its two caveats are cases of the same equation:

* beyond h = 1.5 standard deviations the formula is low: the pull brings the rate back before a switch has paid;
* with the mean well above the hurdle the leaving rate falls so far that, in practice, one never leaves; with the mean
  well below it, one never enters.

So the formula is used where it holds, the equation everywhere else (`Band.exact`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum
from typing import Final

from msgspec import Struct

from phantom_arbiter.engines.funding.carry import CarryModel, apr

FORMULA_REACH: Final = 1.5
"""Standard deviations up to which the cube root holds (reference §5, checked there by dynamic programming)."""
FORMULA_OFFSET: Final = 0.1
"""How far from the hurdle the mean may be, in units of h, for the band still to count as symmetric."""
OVERSHOOT: Final = 0.5826
"""Mean overshoot of a threshold watched once a step, in standard deviations of the step: −ζ(1/2)/√(2π) (Chernoff;
Broadie, Glasserman and Kou 1997). Rates are posted hourly, so that far the exact thresholds move inward."""
NEVER: Final = 30.0
"""Standard deviations from the mean beyond which a threshold is no threshold."""
_STEPS: Final = 64
_HALVINGS: Final = 48
_ROUNDS: Final = 60
_PRECISION: Final = 1e-9


class Policy(StrEnum):
    """How to decide."""

    HOLD = "hold"
    SIGN_FLIP = "sign-flip"
    HYSTERESIS = "hysteresis"


class Act(StrEnum):
    """What to do now."""

    ENTER = "enter"
    LEAVE = "leave"
    STAY = "stay"


class Band(Struct, frozen=True):
    """Enter above ``enter``, leave below ``leave`` (hourly rates; ±infinity: never, null in JSON).

    ``formula`` is h by the cube root; ``formula_low``: it is beyond 1.5 standard deviations, so too narrow; ``exact``:
    the thresholds are the equation's, not ``hurdle`` ± ``formula``.
    """

    enter: float
    leave: float
    hurdle: float
    formula: float
    formula_low: bool
    exact: bool


class Decision(Struct, frozen=True):
    """What a policy wants, why, and the numbers it went by (hourly rates; ``cost``: fraction of the round trip)."""

    act: Act
    why: str
    rate: float
    mean: float
    enter: float
    leave: float


def band_of(model: CarryModel, cost: float, hurdle: float = 0.0) -> Band:
    """The band for a round trip of ``cost`` around ``hurdle``, the hourly rate at which being in earns nothing.

    A yield that comes only while in (an LST's staking) lowers the hurdle: −yield. Source: see the module.
    """
    deviation = math.sqrt(max(model.variance, 0.0))
    formula = half_width(model, cost)
    low = formula > FORMULA_REACH * deviation
    if formula > 0.0 and not low and abs(model.mean - hurdle) <= FORMULA_OFFSET * formula:
        return Band(hurdle + formula, hurdle - formula, hurdle, formula, formula_low=False, exact=False)
    enter, leave = _thresholds(model, deviation, max(cost, 0.0), hurdle)
    return Band(enter, leave, hurdle, formula, formula_low=low, exact=True)


def half_width(model: CarryModel, cost: float) -> float:
    """h = (3η²C/4)^(1/3) with η² = 2κ·Var(f), an hourly rate (reference/trading-domain.md §5; Dixit 1991)."""
    return math.pow(1.5 * model.kappa * max(model.variance, 0.0) * max(cost, 0.0), 1.0 / 3.0)


def wants(policy: Policy, band: Band, model: CarryModel, in_position: bool) -> Decision:
    """What ``policy`` does now; the caller gives a model of posted hours only, so nothing later can matter."""
    match policy:
        case Policy.HOLD:
            act, why = (Act.STAY, "holds") if in_position else (Act.ENTER, "hold: enters once and stays")
        case Policy.SIGN_FLIP:
            act, why = _by_sign(model, in_position)
        case Policy.HYSTERESIS:
            act, why = _by_band(band, model, in_position)
    return Decision(act, why, model.rate, model.mean, band.enter, band.leave)


def _by_sign(model: CarryModel, in_position: bool) -> tuple[Act, str]:
    if in_position and model.rate < 0.0:
        return Act.LEAVE, f"the last hour paid {percent(model.rate)} a year: below zero"
    if not in_position and model.rate > 0.0:
        return Act.ENTER, f"the last hour paid {percent(model.rate)} a year: above zero"
    return Act.STAY, "the sign has not turned"


def _by_band(band: Band, model: CarryModel, in_position: bool) -> tuple[Act, str]:
    rate, mean = percent(model.rate), percent(model.mean)
    if not in_position:
        if model.rate > band.enter:
            return Act.ENTER, f"{rate} a year is above {percent(band.enter)} (mean {mean})"
        return Act.STAY, f"{rate} a year, {_entering(band)} (mean {mean})"
    if model.rate < band.leave:
        return Act.LEAVE, f"{rate} a year is below {percent(band.leave)} (mean {mean})"
    return Act.STAY, f"{rate} a year, {_leaving(band)} (mean {mean})"


def _entering(band: Band) -> str:
    return f"enters above {percent(band.enter)}" if math.isfinite(band.enter) else "the mean is too low ever to enter"


def _leaving(band: Band) -> str:
    return f"leaves below {percent(band.leave)}" if math.isfinite(band.leave) else "the mean is too high ever to leave"


def percent(rate: float) -> str:
    """An hourly rate as percent a year."""
    return f"{apr(rate) * 100:+.1f} %"


def _thresholds(model: CarryModel, deviation: float, cost: float, hurdle: float) -> tuple[float, float]:
    """Where to enter and where to leave, by the equation above, moved inward by the hourly overshoot."""
    offset = model.mean - hurdle
    if cost == 0.0:
        return hurdle, hurdle
    if abs(offset) >= NEVER * deviation:  # no noise to speak of: only the mean decides
        return (hurdle if offset > 0.0 else math.inf), (hurdle if offset < 0.0 else -math.inf)
    far, near = _switches(abs(offset) / deviation, model.kappa * cost / deviation)
    inward = OVERSHOOT * math.sqrt(2.0 * model.kappa)
    below = max(0.0, -far - abs(offset) / deviation - inward) * deviation
    above = max(0.0, near + abs(offset) / deviation - inward) * deviation
    if offset < 0.0:  # the mirror image: the far threshold is the one to enter at
        below, above = above, below
    return hurdle + above, hurdle - below


def _switches(offset: float, price: float) -> tuple[float, float]:
    """(leave, enter) as standard deviations from the mean, for a mean ``offset`` ≥ 0 deviations above the hurdle.

    With y = (f − μ)/√V, m = ``offset`` and q = κC/√V = ``price``: w′(y) = e^(y²/2)·(G(a) − G(y)) where
    G(y) = m√(2π)·Φ(y) − e^(−y²/2), which falls to y = −m and rises after, so G(b) = G(a) has one b above −m; the width
    ∫ₐᵇ w′ = q gives a. The integral grows as a falls; −infinity where it is still short of q at `NEVER`.
    """
    low, high, step = -offset, -offset, 0.5
    missing = short = -price
    while missing < 0.0:
        if low <= -NEVER:
            return -math.inf, _partner(offset, -NEVER) if offset > 0.0 else math.inf
        high, short, low, step = low, missing, max(low - step, -NEVER), step * 2.0
        missing = _worth(offset, low) - price
    leave = _root(lambda y: _worth(offset, y) - price, low, missing, high, short)
    return leave, _partner(offset, leave)


def _root(function: Callable[[float], float], low: float, at_low: float, high: float, at_high: float) -> float:
    """Where ``function`` is zero between two points of other signs: regula falsi, Illinois variant."""
    middle, moved_low = low, False
    for turn in range(_ROUNDS):
        middle = (low * at_high - high * at_low) / (at_high - at_low)
        value = function(middle)
        if abs(value) < _PRECISION:
            break
        moves_low = (value > 0.0) == (at_low > 0.0)
        again = 0.5 if turn and moves_low == moved_low else 1.0
        if moves_low:
            low, at_low, at_high = middle, value, at_high * again
        else:
            high, at_high, at_low = middle, value, at_low * again
        moved_low = moves_low
    return middle


def _level(offset: float, y: float) -> float:
    return offset * math.sqrt(math.pi / 2.0) * math.erfc(-y / math.sqrt(2.0)) - math.exp(-y * y / 2.0)


def _partner(offset: float, leave: float) -> float:
    """The b above −m with G(b) = G(a)."""
    level, low, high = _level(offset, leave), -offset, NEVER
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        if _level(offset, middle) < level:
            low = middle
        else:
            high = middle
    return low


def _worth(offset: float, leave: float) -> float:
    """∫ₐᵇ w′ dy by Simpson's rule, on points that crowd at both ends, where w′ bends: y = a + (b − a)(3t² − 2t³)."""
    level, width = _level(offset, leave), _partner(offset, leave) - leave
    total = 0.0
    for index in range(1, _STEPS):
        t = index / _STEPS
        y = leave + width * t * t * (3.0 - 2.0 * t)
        slope = math.exp(y * y / 2.0) * (level - _level(offset, y))
        total += (4.0 if index % 2 else 2.0) * slope * 6.0 * t * (1.0 - t)
    return total * width / (3.0 * _STEPS)
