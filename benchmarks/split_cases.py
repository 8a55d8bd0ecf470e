"""Random cycles over parallel pools, and their exhaustive optimum by a method of its own.

The optimum is found for every set of pools: at one marginal rate λ a segment that pays r·x/(1 + d·x) takes
(√(r/λ) − 1)/d, at most its capacity, which halving inverts stage by stage; the cycle's best input is where the stages'
rates multiply to 1. Slow, and shares nothing with what it judges but the pools' segments.
"""

from __future__ import annotations

from random import Random
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from benchmarks.arb_market import NOW, Spec, state
from phantom_arbiter.dex.constant_product import ConstantProductPool
from phantom_arbiter.dex.pools import segments
from phantom_arbiter.dex.sizing import PoolHop

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
UNITS: Final = (10.0**9, 150.0 * 10**6, 3.0 * 10**9)
"""Atoms of SOL, USDC and a third token that are worth one SOL."""
HALVINGS: Final = 56
LEAST_PROFIT_LAMPORTS: Final = 5_000
"""A transaction's base fee: below it an optimum in floats is made of what the programs round away."""
CONSTANT_PRODUCT: Final = ("constant product",)
WIDTH: Final = 1e-7
"""A constant price falls by this share over its segment, so that a marginal rate tells how far it is used."""
RATE, DEPTH, CAPACITY = range(3)
"""Columns of ``forms``."""


def gaining_cycles(count: int, seed: int, kinds: tuple[str, ...] = CONSTANT_PRODUCT) -> list[list[list[PoolHop]]]:
    """That many cycles of two or three stages with four to eight pools of these kinds that pay more than a
    transaction's fee."""
    random = Random(seed)
    found: list[list[list[PoolHop]]] = []
    while len(found) < count:
        stages = _stages(random, kinds)
        if exhaustive(stages) > LEAST_PROFIT_LAMPORTS:
            found.append(stages)
    return found


def _stages(random: Random, kinds: tuple[str, ...]) -> list[list[PoolHop]]:
    pools, hops = random.randint(4, 8), random.randint(2, 3)
    sizes = [1] * hops
    for _ in range(pools - hops):
        sizes[random.randrange(hops)] += 1
    units = [UNITS[at] for at in range(hops)]
    return [
        [_pool(random, random.choice(kinds), units[at], units[(at + 1) % hops], at % 2 == 0) for _ in range(size)]
        for at, size in enumerate(sizes)
    ]


def _pool(random: Random, kind: str, unit_in: float, unit_out: float, zero_for_one: bool) -> PoolHop:
    """Log-normal liquidity, a usual fee, and a price some 40 bps off."""
    depth, fee, off = random.lognormvariate(8.0, 1.5), random.choice([1, 5, 25, 30, 100]), random.gauss(0.0, 0.004)
    if kind == "constant product":
        into, out = int(depth * unit_in * (1.0 + off)), int(depth * unit_out)
        return ConstantProductPool(*((into, out) if zero_for_one else (out, into)), fee, 10_000), zero_for_one
    unit_0, unit_1 = (unit_in, unit_out) if zero_for_one else (unit_out, unit_in)
    return state(Spec(kind, "0", "1", unit_1 / unit_0, depth * unit_0, fee / 1e4, off), off), zero_for_one


def exhaustive(stages: list[list[PoolHop]], most: int = 5) -> float:
    """The largest profit in atoms, in floats, of any set of at most ``most`` pools."""
    hops = [(stage, hop) for stage, parallel in enumerate(stages) for hop in parallel]
    forms, owners = [], []
    for number, (stage, (pool, zero_for_one)) in enumerate(hops):
        for part in segments(pool, zero_for_one, NOW):
            forms.append((part.a / part.b, part.c / part.b, part.capacity_atoms))
            owners.append((number, stage))
    return float(_best(np.array(forms), np.array(owners), len(hops), len(stages), most))


@njit(cache=True)
def _amount(forms: Floats, low: int, high: int, rate: float) -> tuple[float, float]:
    """Input and output of the segments from ``low`` to ``high`` when they are brought to the marginal rate."""
    into, out = 0.0, 0.0
    for at in range(low, high):
        if forms[at, RATE] > rate:
            if forms[at, DEPTH] > 0.0:
                amount = ((forms[at, RATE] / rate) ** 0.5 - 1.0) / forms[at, DEPTH]
            else:
                amount = forms[at, CAPACITY] * (forms[at, RATE] - rate) / (forms[at, RATE] * WIDTH)
            amount = min(amount, forms[at, CAPACITY])
            into += amount
            out += forms[at, RATE] * amount / (1.0 + forms[at, DEPTH] * amount)
    return into, out


@njit(cache=True)
def _profit(forms: Floats, starts: Ints, first_rate: float) -> tuple[float, float]:
    """The cycle's profit when the first stage goes to that rate, and the product of all marginal rates there."""
    into, amount = _amount(forms, starts[0], starts[1], first_rate)
    rates = first_rate
    for stage in range(1, len(starts) - 1):
        low, high = 1e-12, 1e12
        for _ in range(2 * HALVINGS):
            middle = (low * high) ** 0.5
            if _amount(forms, starts[stage], starts[stage + 1], middle)[0] > amount:
                low = middle
            else:
                high = middle
        amount = _amount(forms, starts[stage], starts[stage + 1], high)[1]
        rates *= high
    return amount - into, rates


@njit(cache=True)
def _best(forms: Floats, owners: Ints, pools: int, stages: int, most: int) -> float:
    best, used, starts = 0.0, np.zeros_like(forms), np.zeros(stages + 1, np.int64)
    for chosen in range(1, 1 << pools):
        swaps = 0
        for pool in range(pools):
            swaps += chosen >> pool & 1
        if swaps > most or (swaps < most and swaps < pools):  # a larger set is never worse
            continue
        rows, high = 0, 0.0
        for at in range(len(forms)):  # they come stage by stage
            if chosen >> owners[at, 0] & 1:
                used[rows] = forms[at]
                rows += 1
                if owners[at, 1] == 0:
                    high = max(high, forms[at, RATE])
            starts[owners[at, 1] + 1] = rows
        low = high * 0.25
        if high == 0.0:
            continue
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            profit, rates = _profit(used, starts, middle)
            best = max(best, profit)
            if rates > 1.0:
                high = middle
            else:
                low = middle
    return best
