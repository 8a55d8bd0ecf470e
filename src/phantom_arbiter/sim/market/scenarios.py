"""The named scenarios: one market, and what each changes about it."""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec import Struct, field

from phantom_arbiter.sim.market.streams import FloatArray

Knots = tuple[tuple[int, float], ...]
"""A shape in time: (seconds since the start, value), straight between them, held before and after."""

MINUTE: Final = 60
HOUR: Final = 3_600


class Scenario(Struct, frozen=True):
    """What differs from calm. Spans are (from, to) in seconds since the start, on whole minutes.

    ``edges`` False takes away everything that can be earned in expectation: funding, staking yield, discounts, trends
    and gaps between venues, and the rugs that would otherwise be a drift. ``sol_shock`` adds to SOL's log price and, by
    beta, to all others.
    """

    name: str
    about: str
    volatility: float = 1.0
    jumps_per_day: float = 1.0
    premium_sd_bps: float = 3.0
    edges: bool = True
    sol_shock: Knots = ()
    premium_shift_bps: Knots = ()
    discount_shift_bps: dict[str, Knots] = field(default_factory=dict)
    rugs: dict[str, int] = field(default_factory=dict)
    perp_paused: tuple[int, int] | None = None
    feeds_down: tuple[int, int] | None = None


def shape(knots: Knots, seconds: FloatArray) -> FloatArray:
    """The values of ``knots`` at ``seconds`` since the start; zero for no knots."""
    if not knots:
        return np.zeros_like(seconds)
    return np.interp(seconds, [at for at, _ in knots], [value for _, value in knots])


SCENARIOS: Final = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "calm",
            "Ordinary volatility, as recorded, and nothing that recorded data do not show but for funding: a SOL short "
            "receives about 18 % a year, where Drift's own record paid it -3.7 %. An LST slips 0.1 to 0.3 % every few "
            "hours; a gap between venues is seen every few minutes, and mostly taken by others before we land.",
        ),
        Scenario(
            "volatile",
            "Three times the volatility, six jumps a day, premiums as wide as Drift's record.",
            volatility=3.0,
            jumps_per_day=6.0,
            premium_sd_bps=6.39,  # drift_SOL_premium_bps.std
        ),
        Scenario("no-edge", "Nothing to earn: every engine should lose its costs.", edges=False),
        Scenario(
            "funding-flip",
            "After six hours perps trade 35 bps below the oracle: SOL shorts pay about 1.25 bps an hour.",
            premium_shift_bps=((6 * HOUR, 0.0), (6 * HOUR + 30 * MINUTE, -35.0)),
        ),
        Scenario(
            "lst-depeg",
            "mSOL falls 14 % in SOL and recovers within 80 minutes, as on 2023-12-12; from the first hour on.",
            discount_shift_bps={
                "mSOL": ((HOUR, 0.0), (HOUR + 35 * MINUTE, -1_400.0), (HOUR + 80 * MINUTE, 0.0)),
            },
        ),
        Scenario(
            "flash-crash",
            "After an hour SOL falls 15 % in ten minutes, then wins back half within thirty; perps trade below spot.",
            sol_shock=((HOUR, 0.0), (HOUR + 10 * MINUTE, -0.1625), (HOUR + 40 * MINUTE, -0.078)),
            premium_shift_bps=((HOUR, 0.0), (HOUR + 10 * MINUTE, -40.0), (HOUR + 40 * MINUTE, 0.0)),
        ),
        Scenario(
            "rug",
            "After 40 minutes the liquidity of a clean-looking memecoin is pulled; it cannot be sold any more.",
            rugs={"PLOP": 40 * MINUTE},
        ),
        Scenario(
            "venue-pause",
            "The perp venue pauses from the first hour to the fourth: no orders, quotes or funding.",
            perp_paused=(HOUR, 4 * HOUR),
        ),
        Scenario(
            "squeeze",
            "The perp venue pauses after 40 minutes, and SOL rises 45 %: a short hedged with margin of half its "
            "notional can neither be topped up nor closed, and comes close to its liquidation.",
            volatility=0.02,
            jumps_per_day=0.0,
            sol_shock=((45 * MINUTE, 0.0), (60 * MINUTE, 0.37046)),
            perp_paused=(40 * MINUTE, 48 * HOUR),
        ),
        Scenario(
            "feed-outage",
            "Oracle and pool feeds fall silent for seven minutes, half an hour in.",
            feeds_down=(30 * MINUTE, 37 * MINUTE),
        ),
    )
}


def scenario_named(name: str) -> Scenario:
    """The scenario of that name; raises ValueError that lists the names."""
    if name not in SCENARIOS:
        raise ValueError(f"scenario: got {name!r}, expected one of {', '.join(SCENARIOS)}")
    return SCENARIOS[name]
