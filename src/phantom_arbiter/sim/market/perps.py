"""Perp markets: premium of the mark over the oracle, TWAPs, hourly funding, open interest, and fills.

Funding is Drift v2's, for a market of tier A: 1/24 of the hour's mean premium plus 1/5000 (`core.perp.funding`).
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct

from phantom_arbiter.core.events import FundingPosted, OraclePosted, PerpStatsRead, Quoted
from phantom_arbiter.core.intents import PerpOrder, Side
from phantom_arbiter.core.perp.funding import PERIODS_PER_DAY, hourly_rate_e9
from phantom_arbiter.core.perp.profile import DRIFT_V2, ContractTier
from phantom_arbiter.core.units import BPS, HOURS_PER_YEAR, NS_PER_HOUR, NS_PER_SECOND, SLOT_NS, Rounding, mul_div
from phantom_arbiter.sim.market.scenarios import Scenario, shape
from phantom_arbiter.sim.market.streams import SLOTS_PER_HOUR, FloatArray, between, ou_step
from phantom_arbiter.sim.market.universe import PERPS, PerpSpec

PREMIUM_TAU_SECONDS: Final = 17.5 * 3_600
"""From ``drift_SOL_premium_bps``: autocorrelation 0.2532 at 24 hours."""
NOISE_SD_BPS: Final = 1.0
NOISE_TAU_SECONDS: Final = 300.0
INTEREST_SD: Final = 0.2
INTEREST_TAU_SECONDS: Final = 86_400.0
OFFSET_BPS: Final = BPS / DRIFT_V2.offset_denominator
TWAP_SCALE: Final = 1_000_000
"""TWAPs are kept at a millionth of the price's own step: an update moves them by less than one step."""
CONFIDENCE_BPS: Final = 4
PRESSURE_TAU_SECONDS: Final = 60.0

_ZERO: Final = [0.0] * len(PERPS)


def mean_premium_bps(apr: float) -> float:
    """The premium at which the formula pays ``apr`` a year: the daily rate less the offset of 2 bps."""
    return apr / HOURS_PER_YEAR * PERIODS_PER_DAY * BPS - OFFSET_BPS


_MEANS: Final = np.array([mean_premium_bps(spec.funding_apr) for spec in PERPS])
_MEANS_WITHOUT_EDGE: Final = np.full(len(PERPS), -OFFSET_BPS)


class PremiumState(Struct):
    """Slow and fast parts of each premium around its mean, in bps, and the log of open interest over its mean."""

    slow_bps: list[float]
    fast_bps: list[float]
    interest: list[float]


def first_premiums() -> PremiumState:
    """All at the mean."""
    return PremiumState(list(_ZERO), list(_ZERO), list(_ZERO))


def premium_block(
    state: PremiumState, scenario: Scenario, seconds: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, PremiumState]:
    """The premiums of a block in bps, (perp, slot), and the state after it.

    Without edges the slow part is gone, so that no hour's funding tells of the next, and the mean offsets the 1/5000.
    """
    normals = rng.standard_normal((3, len(PERPS)))
    slow, fast = np.array(state.slow_bps), np.array(state.fast_bps)
    slow_sd = scenario.premium_sd_bps if scenario.edges else 0.0
    fast_tau = NOISE_TAU_SECONDS if scenario.edges else 1.0
    next_slow = ou_step(slow, slow_sd, PREMIUM_TAU_SECONDS, normals[0])
    next_fast = ou_step(fast, NOISE_SD_BPS, fast_tau, normals[1])
    interest = ou_step(np.array(state.interest), INTEREST_SD, INTEREST_TAU_SECONDS, normals[2])
    means = _MEANS if scenario.edges else _MEANS_WITHOUT_EDGE
    paths = means[:, None] + between(slow + fast, next_slow + next_fast)
    paths += shape(scenario.premium_shift_bps, seconds)[None, :]
    return paths, PremiumState(next_slow.tolist(), next_fast.tolist(), interest.tolist())


def funding_rate_e9(mark_twap_px: int, oracle_twap_px: int) -> int:
    """The simulated venue's hourly rate, quote per base at 1e9, from TWAPs at 1e6."""
    return hourly_rate_e9(mark_twap_px, oracle_twap_px, DRIFT_V2, ContractTier.A)


class PerpBookState(Struct):
    """Per market: TWAPs at `TWAP_SCALE`, when they were last updated, and what our own orders pushed the mark by."""

    oracle_twaps: list[int]
    mark_twaps: list[int]
    twap_slots: list[int]
    pressures_bps: list[float]
    pressures_ns: list[int]


class PerpNow(NamedTuple):
    """A market at an instant: the oracle in dollars, the premium in bps."""

    oracle_usd: float
    premium_bps: float


class PerpBook:
    """The perp venue's books. Slots are absolute."""

    def __init__(self, state: PerpBookState) -> None:
        self.state = state

    @staticmethod
    def opening(now: list[PerpNow], slot: int) -> PerpBook:
        """Books whose TWAPs start at the first prices."""
        count = len(PERPS)
        book = PerpBook(PerpBookState([0] * count, [0] * count, [slot] * count, [0.0] * count, [0] * count))
        for index, market in enumerate(now):
            book.state.oracle_twaps[index] = _px(market.oracle_usd) * TWAP_SCALE
            book.state.mark_twaps[index] = book.mark_px(index, market, slot * SLOT_NS) * TWAP_SCALE
        return book

    def pressure_bps(self, index: int, now_ns: int) -> float:
        """What is left of our own orders' push at ``now_ns``; it fades over `PRESSURE_TAU_SECONDS`."""
        pressure = self.state.pressures_bps[index]
        if pressure == 0.0:
            return 0.0
        age = (now_ns - self.state.pressures_ns[index]) / NS_PER_SECOND
        return pressure * math.exp(-age / PRESSURE_TAU_SECONDS)

    def mark_px(self, index: int, now: PerpNow, now_ns: int) -> int:
        """The middle of the book."""
        return _px(now.oracle_usd * (1.0 + (now.premium_bps + self.pressure_bps(index, now_ns)) / BPS))

    def post_oracle(self, index: int, now: PerpNow, slot: int) -> OraclePosted:
        """Post the oracle's price and move the TWAPs: one-hour averages, weighted by the time since the last post."""
        state = self.state
        px, mark_px = _px(now.oracle_usd), self.mark_px(index, now, slot * SLOT_NS)
        elapsed = min(slot - state.twap_slots[index], SLOTS_PER_HOUR)
        state.twap_slots[index] = slot
        for twaps, value in ((state.oracle_twaps, px), (state.mark_twaps, mark_px)):
            step = (value * TWAP_SCALE - twaps[index]) * elapsed
            twaps[index] += mul_div(step, 1, SLOTS_PER_HOUR, Rounding.TRUNCATE)
        return OraclePosted(PERPS[index].instrument.id, px, px * CONFIDENCE_BPS // BPS, slot)

    def quote(self, index: int, now: PerpNow, slot: int) -> Quoted:
        """Best bid and ask around the mark, rounded outwards; sizes are what moves the price by 1 bp."""
        spec = PERPS[index]
        mark_px = self.mark_px(index, now, slot * SLOT_NS)
        half = -(-mark_px * spec.half_spread_e6 // 1_000_000)
        depth = _depth_atoms(spec, now.oracle_usd)
        return Quoted(spec.instrument.id, mark_px - half, mark_px + half, slot, depth, depth)

    def stats(self, index: int, now: PerpNow, slot: int, interest: float, volatility: float) -> PerpStatsRead:
        """Open interest and volume: more is traded when prices move more."""
        spec, now_ns = PERPS[index], slot * SLOT_NS
        open_interest = int(spec.open_interest_usd * math.exp(interest) / now.oracle_usd * 1e9)
        volume = int(spec.volume_usd * volatility**0.5 * 1e6)
        next_funding = (now_ns // NS_PER_HOUR + 1) * NS_PER_HOUR
        mark_px = self.mark_px(index, now, now_ns)
        return PerpStatsRead(spec.instrument.id, mark_px, open_interest, volume, next_funding)

    def funding(self, index: int, slot: int) -> FundingPosted:
        """The rate of the hour that ends now."""
        oracle_twap = self.state.oracle_twaps[index] // TWAP_SCALE
        mark_twap = self.state.mark_twaps[index] // TWAP_SCALE
        rate = funding_rate_e9(mark_twap, oracle_twap)
        return FundingPosted(PERPS[index].instrument.id, rate, oracle_twap, mark_twap, slot)

    def fill(self, index: int, now: PerpNow, order: PerpOrder, base_atoms: int, now_ns: int) -> tuple[int, int] | str:
        """Fill what the limit allows against a linear book: each `depth_usd` moves the price by 1 bp.

        Returns base filled (whole steps) and its quote value, rounded against the order; moves the mark.
        """
        spec = PERPS[index]
        sign = 1 if order.side is Side.BUY else -1
        touch = self.mark_px(index, now, now_ns) * (1.0 + sign * spec.half_spread_e6 / 1e6)
        room_bps = max(0.0, sign * (order.limit_px / touch - 1.0) * BPS)
        depth = _depth_atoms(spec, now.oracle_usd)
        step = spec.instrument.step_base_atoms
        filled = min(base_atoms, int(room_bps * depth)) // step * step
        if filled < spec.instrument.min_base_atoms:
            return f"no fill of {base_atoms} base atoms within the limit {order.limit_px}, best {touch:.0f}"
        average = touch * (1.0 + sign * filled / depth / 2 / BPS)
        if order.side is Side.BUY:
            px, rounding = min(order.limit_px, int(average) + 1), Rounding.UP
        else:
            px, rounding = max(order.limit_px, int(average)), Rounding.DOWN
        self.state.pressures_bps[index] = self.pressure_bps(index, now_ns) + sign * filled / depth
        self.state.pressures_ns[index] = now_ns
        return filled, spec.instrument.quote_atoms(filled, px, rounding)


def _px(usd: float) -> int:
    return max(1, round(usd * 1_000_000))


def _depth_atoms(spec: PerpSpec, oracle_usd: float) -> int:
    return max(1, int(spec.depth_usd / oracle_usd * 1e9))
