"""Random cycles over parallel constant-product pools, and their exhaustive optimum by a method of its own.

The optimum is found for every set of pools: inputs at one marginal rate λ are max(0, (√(ab/λ) − b)/c), which halving
inverts stage by stage; the cycle's best input is where the stages' rates multiply to 1. Slow, and shares nothing with
what it judges.
"""

from __future__ import annotations

from random import Random
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from phantom_arbiter.dex.constant_product import ConstantProductPool, reserves
from phantom_arbiter.dex.sizing import PoolHop

Floats = NDArray[np.float64]
UNITS: Final = (10.0**9, 150.0 * 10**6, 3.0 * 10**9)
"""Atoms of SOL, USDC and a third token that are worth one SOL."""
HALVINGS: Final = 56
LEAST_PROFIT_LAMPORTS: Final = 5_000
"""A transaction's base fee: below it an optimum in floats is made of what the programs round away."""


def gaining_cycles(count: int, seed: int) -> list[list[list[PoolHop]]]:
    """That many cycles of two or three stages with four to eight pools that pay more than a transaction's fee."""
    random = Random(seed)
    found: list[list[list[PoolHop]]] = []
    while len(found) < count:
        stages = _stages(random)
        if exhaustive(stages) > LEAST_PROFIT_LAMPORTS:
            found.append(stages)
    return found


def _stages(random: Random) -> list[list[PoolHop]]:
    pools, hops = random.randint(4, 8), random.randint(2, 3)
    sizes = [1] * hops
    for _ in range(pools - hops):
        sizes[random.randrange(hops)] += 1
    units = [UNITS[at] for at in range(hops)]
    return [
        [_pool(random, units[at], units[(at + 1) % hops], at % 2 == 0) for _ in range(size)]
        for at, size in enumerate(sizes)
    ]


def _pool(random: Random, unit_in: float, unit_out: float, zero_for_one: bool) -> PoolHop:
    """Log-normal liquidity, a usual fee, and a price some 40 bps off."""
    depth, fee = random.lognormvariate(8.0, 1.5), random.choice([1, 5, 25, 30, 100])
    into, out = int(depth * unit_in * (1.0 + random.gauss(0.0, 0.004))), int(depth * unit_out)
    return ConstantProductPool(*((into, out) if zero_for_one else (out, into)), fee, 10_000), zero_for_one


def exhaustive(stages: list[list[PoolHop]], most: int = 5) -> float:
    """The largest profit in atoms, in floats, of any set of at most ``most`` pools."""
    forms = []
    for stage, hops in enumerate(stages):
        for pool, zero_for_one in hops:
            assert isinstance(pool, ConstantProductPool)
            into, out = reserves(pool, zero_for_one)
            keep = 1.0 - pool.fee_numerator / pool.fee_denominator
            forms.append((keep * out, into, keep, stage))
    return float(_best(np.array(forms, np.float64), len(stages), most))


@njit(cache=True)
def _amount(forms: Floats, chosen: int, stage: int, rate: float) -> tuple[float, float]:
    """A stage's input and output when its chosen pools are brought to the marginal rate."""
    into, out = 0.0, 0.0
    for pool in range(len(forms)):
        a, b, c = forms[pool, 0], forms[pool, 1], forms[pool, 2]
        if chosen >> pool & 1 and forms[pool, 3] == stage and a / b > rate:
            amount = ((a * b / rate) ** 0.5 - b) / c
            into += amount
            out += a * amount / (b + c * amount)
    return into, out


@njit(cache=True)
def _profit(forms: Floats, chosen: int, stages: int, first_rate: float) -> tuple[float, float]:
    """The cycle's profit when the first stage goes to that rate, and the product of all marginal rates there."""
    into, amount = _amount(forms, chosen, 0, first_rate)
    rates = first_rate
    for stage in range(1, stages):
        low, high = 1e-12, 1e12
        for _ in range(2 * HALVINGS):
            middle = (low * high) ** 0.5
            if _amount(forms, chosen, stage, middle)[0] > amount:
                low = middle
            else:
                high = middle
        amount = _amount(forms, chosen, stage, high)[1]
        rates *= high
    return amount - into, rates


@njit(cache=True)
def _best(forms: Floats, stages: int, most: int) -> float:
    best = 0.0
    for chosen in range(1, 1 << len(forms)):
        used = 0
        for pool in range(len(forms)):
            used += chosen >> pool & 1
        if used > most or (used < most and used < len(forms)):  # a larger set is never worse
            continue
        low, high = 1e-12, 0.0
        for pool in range(len(forms)):
            if chosen >> pool & 1 and forms[pool, 3] == 0:
                high = max(high, forms[pool, 0] / forms[pool, 1])
        low = high * 0.25
        if high == 0.0:
            continue
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            profit, rates = _profit(forms, chosen, stages, middle)
            best = max(best, profit)
            if rates > 1.0:
                high = middle
            else:
                low = middle
    return best
