"""Dollar prices: a common factor with stochastic volatility and jumps, and a part of each token's own.

The logarithm of the volatility is a sum of three Ornstein-Uhlenbeck processes. They and the jumps are set so that the
5-minute returns of SOL are as calibration key ``hl_ret`` has them: 25.43 bps, excess kurtosis 12.6, autocorrelation of
absolute returns 0.27 at 5 minutes, 0.17 at an hour, 0.10 at a day, 0.60 % beyond 1 % and 0.056 % beyond 2 %. The median
of 24 seeds over 30 days: 24.9 bps, 11.2, 0.24, 0.13, 0.04, 0.54 % and 0.046 %.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct

from phantom_arbiter.sim.market.scenarios import Scenario, shape
from phantom_arbiter.sim.market.streams import BLOCK_SLOTS, FloatArray, ou_step
from phantom_arbiter.sim.market.universe import TOKENS

VOLATILITY_PARTS: Final = ((0.20, 4 * 86_400.0), (0.08, 6 * 3_600.0), (0.12, 1_200.0))
"""(variance of the log, memory in seconds): days, hours, minutes."""
LOG_VARIANCE: Final = sum(variance for variance, _ in VOLATILITY_PARTS)
JUMP_SD: Final = 0.012
JUMP_VARIANCE_SHARE: Final = 0.077
"""What one jump a day of `JUMP_SD` adds to SOL's daily variance, left out of the rest."""

_SLOTS_PER_5_MINUTES: Final = 750
_BLOCKS_PER_DAY: Final = 1_440
_RHO: Final = np.array([token.rho for token in TOKENS])
_SIGMA: Final = np.array([token.vol_bps for token in TOKENS]) * (
    1e-4 * ((1.0 - JUMP_VARIANCE_SHARE) / _SLOTS_PER_5_MINUTES) ** 0.5
)
_BETA: Final = _RHO * _SIGMA / _SIGMA[0]


class PriceState(Struct):
    """What prices carry from block to block: log dollar prices, and the parts of the log volatility."""

    log_prices: list[float]
    log_volatility: list[float]

    def volatility(self) -> float:
        """The common volatility now, over its root mean square of 1."""
        return float(np.exp(sum(self.log_volatility) - LOG_VARIANCE))


def first_prices() -> PriceState:
    """Prices at the start, in ordinary volatility."""
    ordinary = [LOG_VARIANCE / len(VOLATILITY_PARTS)] * len(VOLATILITY_PARTS)
    return PriceState([float(np.log(token.usd)) for token in TOKENS], ordinary)


def price_block(
    state: PriceState, scenario: Scenario, trends: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, PriceState]:
    """The log dollar prices of a block, (token, slot), and the state after it.

    ``trends`` is the expected log return of each token in one slot. Without trends every price is a martingale.
    """
    parts = np.array(state.log_volatility)
    normals = rng.standard_normal(len(VOLATILITY_PARTS))
    for index, (variance, tau) in enumerate(VOLATILITY_PARTS):
        parts[index : index + 1] = ou_step(parts[index : index + 1], variance**0.5, tau, normals[index : index + 1])
    sigma = _SIGMA * (scenario.volatility * state.volatility())
    steps = rng.standard_normal((len(TOKENS), BLOCK_SLOTS)) * np.sqrt(1.0 - _RHO**2)[:, None]
    steps += _RHO[:, None] * rng.standard_normal(BLOCK_SLOTS)[None, :]
    steps = steps * sigma[:, None] + (trends - 0.5 * sigma**2)[:, None]
    strikes, at, size = rng.random(), int(rng.integers(BLOCK_SLOTS)), JUMP_SD * rng.standard_normal()
    if strikes < scenario.jumps_per_day / _BLOCKS_PER_DAY:
        steps[:, at] += _BETA * size - 0.5 * (_BETA * JUMP_SD) ** 2
    paths = np.array(state.log_prices)[:, None] + np.cumsum(steps, axis=1)
    return paths, PriceState(paths[:, -1].tolist(), parts.tolist())


def add_shock(paths: FloatArray, scenario: Scenario, seconds: FloatArray) -> FloatArray:
    """``paths`` with the scenario's fall of SOL on top, and of all others by their beta."""
    if not scenario.sol_shock:
        return paths
    shocked: FloatArray = paths + np.minimum(_BETA, 1.5)[:, None] * shape(scenario.sol_shock, seconds)[None, :]
    return shocked
