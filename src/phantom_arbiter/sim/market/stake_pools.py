"""Liquid staking tokens: redemption rates that grow with each epoch, and the market's discount to them.

The discount is an Ornstein-Uhlenbeck process around a mean, with small de-pegs on top. Calibration key
``bnsol_discount_bps_5m``: mean -17.26, sd 12.28, autocorrelation 0.60 at 5 minutes, 0.56 at an hour, 0.40 at a day.
What is gone within five minutes, 40 to 44 % of the variance, is taken for the bounce between bid and ask, which nobody
can trade: it is left out here, and pools bounce within their fees. The rest has sd 9.2; 0.40 / 0.56 a day is a memory
of about 2.5 days.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct

from phantom_arbiter.core.events import StakePoolRead
from phantom_arbiter.core.streams import Stream
from phantom_arbiter.core.units import BPS, LAMPORTS_PER_SOL, SLOT_NS, SLOTS_PER_EPOCH
from phantom_arbiter.sim.market.scenarios import Scenario, shape
from phantom_arbiter.sim.market.streams import BLOCK_SLOTS, FloatArray, between, ou_step
from phantom_arbiter.sim.market.universe import LST_INDEX, STAKE_POOLS

MEAN_BPS: Final = -17.26
SD_BPS: Final = 9.0
TAU_SECONDS: Final = 2.5 * 86_400
DEPEG_WINDOW_SECONDS: Final = 3 * 3_600
"""One de-peg of one token in each window."""
DEPEG_WINDOWS: Final = 9
"""So many de-pegs, the last ones, are still felt: after a day even the slowest has all but gone."""
NEVER_ABOVE: Final = (LST_INDEX["jitoSOL"],)
"""Tokens never worth more than their rate: whoever deposits with the pool (`sim.market.exact_pools`) and sells sees to
that."""
UPDATE_LAG_SLOTS: Final = 5 * BLOCK_SLOTS
"""How long after an epoch's end a pool is cranked: until then its rate is the old epoch's."""


class DiscountState(Struct):
    """Each token's discount but for de-pegs, in bps around the mean."""

    bps: list[float]


def first_discounts() -> DiscountState:
    """All at the mean."""
    return DiscountState([0.0] * len(STAKE_POOLS))


class Depeg(NamedTuple):
    """A fall to ``depth_bps`` within ``onset`` seconds and a recovery that halves it every ``half_life``."""

    token: int
    at: int
    depth_bps: float
    onset: int
    half_life: int


def depeg(seed: int, window: int) -> Depeg:
    """The de-peg of a window: 10 to 30 bps deep. The first comes 15 to 40 minutes after the start.

    No half-life of de-pegs was published: 10 minutes to 3 hours is assumed.
    """
    stream = Stream(seed, f"depeg/{window}")
    at = (
        900 + stream.below(1_500) if window == 0 else window * DEPEG_WINDOW_SECONDS + stream.below(DEPEG_WINDOW_SECONDS)
    )
    token, depth = stream.below(len(STAKE_POOLS)), 10.0 * 3.0 ** stream.uniform()
    return Depeg(token, at, -depth, 60 + stream.below(120), int(600 * 18.0 ** stream.uniform()))


def _depegs(seed: int, seconds: FloatArray) -> FloatArray:
    """The de-pegs of this and the last windows, (token, slot) in bps."""
    fall = np.zeros((len(STAKE_POOLS), len(seconds)))
    window = int(seconds[0]) // DEPEG_WINDOW_SECONDS
    for number in range(max(0, window + 1 - DEPEG_WINDOWS), window + 1):
        event = depeg(seed, number)
        since = seconds - event.at
        ramp = np.clip(since / event.onset, 0.0, 1.0)
        recovery = 0.5 ** (np.maximum(since - event.onset, 0.0) / event.half_life)
        fall[event.token] += event.depth_bps * ramp * recovery
    return fall


def discount_block(
    state: DiscountState, scenario: Scenario, seed: int, seconds: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, DiscountState]:
    """The discounts of a block in bps, (token, slot), negative below the redemption rate; and the state after it."""
    if not scenario.edges:
        return np.zeros((len(STAKE_POOLS), BLOCK_SLOTS)), state
    now = np.array(state.bps)
    after = ou_step(now, SD_BPS, TAU_SECONDS, rng.standard_normal(len(STAKE_POOLS)))
    paths = MEAN_BPS + between(now, after) + _depegs(seed, seconds)
    for index, spec in enumerate(STAKE_POOLS):
        paths[index] += shape(scenario.discount_shift_bps.get(spec.asset.symbol, ()), seconds)
    for index in NEVER_ABOVE:
        paths[index] = np.minimum(paths[index], 0.0)
    return paths, DiscountState(after.tolist())


def fair_log_rates(discounts_bps: FloatArray, rates_e9: list[int]) -> FloatArray:
    """Log of each token's market price in SOL, (token, slot)."""
    rates = np.log(np.array(rates_e9, dtype=np.float64) / 1e9)
    return rates[:, None] + np.log1p(np.maximum(discounts_bps, -0.9 * BPS) / BPS)


def first_rates() -> list[int]:
    """Lamports per whole token at the start."""
    return [spec.rate_e9 for spec in STAKE_POOLS]


def grow(rates_e9: list[int], scenario: Scenario) -> list[int]:
    """The rates after one more epoch's rewards, rounded down; the same without edges."""
    if not scenario.edges:
        return rates_e9
    return [
        rate + rate * spec.epoch_return_e9 // 1_000_000_000 for rate, spec in zip(rates_e9, STAKE_POOLS, strict=True)
    ]


def is_cranked(slot: int, first_slot: int) -> bool:
    """Whether the pools have seen the epoch of ``slot``; they have at the start of the run."""
    boundary = slot // SLOTS_PER_EPOCH * SLOTS_PER_EPOCH
    return boundary <= first_slot or slot - boundary >= UPDATE_LAG_SLOTS


def read_stake_pool(index: int, rate_e9: int, slot: int, first_slot: int) -> StakePoolRead:
    """The reading of a stake pool at ``slot``; stale between an epoch's end and the crank."""
    spec = STAKE_POOLS[index]
    epoch = slot // SLOTS_PER_EPOCH
    return StakePoolRead(
        token=spec.asset.symbol,
        total_lamports=spec.supply_tokens * rate_e9,
        supply_atoms=spec.supply_tokens * LAMPORTS_PER_SOL,
        updated_epoch=epoch if is_cranked(slot, first_slot) else epoch - 1,
        epoch=epoch,
        epoch_ends_ts_ns=(epoch + 1) * SLOTS_PER_EPOCH * SLOT_NS,
        withdraw_fee_ppm=spec.withdraw_fee_ppm,
        instant_fee_ppm=spec.instant_fee_ppm,
        reserve_lamports=spec.reserve_sol * LAMPORTS_PER_SOL,
    )
