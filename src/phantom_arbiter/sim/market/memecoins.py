"""Memecoins: trends that last minutes, what a safety check finds, and rugs."""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct

from phantom_arbiter.core.events import TokenAudited
from phantom_arbiter.core.instruments import STABLE_ASSETS
from phantom_arbiter.core.streams import Stream
from phantom_arbiter.core.units import NS_PER_HOUR
from phantom_arbiter.sim.market.scenarios import HOUR, MINUTE, Scenario
from phantom_arbiter.sim.market.streams import BLOCK_SLOTS, FloatArray, ou_step
from phantom_arbiter.sim.market.universe import LAUNCHES, STAKE_POOLS, TOKEN_INDEX, TOKENS

TREND_SD: Final = 0.0005 / BLOCK_SLOTS
"""Standard deviation of the expected log return in a slot: 5 bps a minute. Assumed, and too little to pay for a round
trip: recorded memecoins show no 5-minute momentum (calibration key ``hl_ret.*.acf1_5m``: -0.04 to 0)."""
TREND_TAU_SECONDS: Final = 300.0
RUG_CANDIDATES: Final = ("DRIP", "QUACK")
"""The launches that are pulled in every scenario with edges; their audits warn."""

_LAUNCH_INDEX: Final = np.array([TOKEN_INDEX[symbol] for symbol in LAUNCHES])


def trend_block(state: list[float], scenario: Scenario, rng: np.random.Generator) -> tuple[FloatArray, list[float]]:
    """Expected log return of every token in each slot of a block, and the launches' trends after it."""
    trends = np.zeros(len(TOKENS))
    normals = rng.standard_normal(len(LAUNCHES))
    if not scenario.edges:
        return trends, state
    trends[_LAUNCH_INDEX] = state
    return trends, ou_step(np.array(state), TREND_SD, TREND_TAU_SECONDS, normals).tolist()


def first_trends() -> list[float]:
    """No trend in any launch."""
    return [0.0] * len(LAUNCHES)


def rug_seconds(seed: int, scenario: Scenario) -> dict[str, int]:
    """When each doomed token's liquidity is pulled, in seconds since the start, on whole minutes."""
    rugs = dict(scenario.rugs)
    if scenario.edges:
        for symbol in RUG_CANDIDATES:
            rugs.setdefault(symbol, HOUR + Stream(seed, f"rug/{symbol}").below(23 * 60) * MINUTE)
    return rugs


class AuditSpec(Struct, frozen=True):
    """The unchanging findings about a token."""

    mint_authority: bool = False
    freeze_authority: bool = False
    top_holders_bps: int = 1_500
    holders: int = 100_000
    age_hours: int = 365 * 24
    lp_burned_bps: int = 10_000


_ISSUED: Final = AuditSpec(mint_authority=True, freeze_authority=True, top_holders_bps=2_500, holders=3_000_000)
_STAKED: Final = AuditSpec(mint_authority=True, top_holders_bps=2_800, holders=150_000)
_ESTABLISHED: Final = AuditSpec()
_AUDITS: Final = {
    **dict.fromkeys(STABLE_ASSETS, _ISSUED),
    **{pool.asset.symbol: _STAKED for pool in STAKE_POOLS},
    "PLOP": AuditSpec(top_holders_bps=1_800, holders=9_400, age_hours=19 * 24),
    "ZORP": AuditSpec(top_holders_bps=2_100, holders=4_100, age_hours=8 * 24),
    "MUNCH": AuditSpec(top_holders_bps=2_600, holders=1_300, age_hours=40),
    "DRIP": AuditSpec(mint_authority=True, top_holders_bps=3_400, holders=620, age_hours=9, lp_burned_bps=8_000),
    "QUACK": AuditSpec(top_holders_bps=4_800, holders=410, age_hours=4, lp_burned_bps=0),
}


def audit(symbol: str, liquidity_usd: float, since_start_ns: int, rugged: bool) -> TokenAudited:
    """What a check finds now; a rug shows only after it happened."""
    spec = _AUDITS.get(symbol, _ESTABLISHED)
    return TokenAudited(
        token=symbol,
        mint_authority=spec.mint_authority,
        freeze_authority=spec.freeze_authority,
        transfer_fee_bps=0,
        liquidity_usd_micros=int(liquidity_usd * 1e6),
        top_holders_bps=spec.top_holders_bps,
        holders=spec.holders,
        age_ns=spec.age_hours * NS_PER_HOUR + since_start_ns,
        lp_burned_bps=spec.lp_burned_bps,
        sell_simulated=not rugged,
    )
