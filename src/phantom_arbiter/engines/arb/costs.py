"""What a cycle pays the chain, and what it may bid for a place in a block. Pure integer arithmetic."""

from __future__ import annotations

from typing import Final, NamedTuple

from phantom_arbiter.core.events import FeesPosted
from phantom_arbiter.core.reservation_plan import BASE_FEE_LAMPORTS
from phantom_arbiter.core.units import BPS, Rounding, mul_div
from phantom_arbiter.engines.arb.settings import ArbConfig

JITO_MIN_TIP_LAMPORTS: Final = 1_000
"""Jito's documented minimum (reference/solana-and-dex.md §5)."""


class Bid(NamedTuple):
    """What one transaction pays the chain, and the expected value that is left, in lamports."""

    base_lamports: int
    priority_lamports: int
    tip_lamports: int
    expected_lamports: int

    @property
    def total_lamports(self) -> int:
        """Base fee, priority fee and tip."""
        return self.base_lamports + self.priority_lamports + self.tip_lamports


def bid_for(gross_lamports: int, pool_fee_lamports: int, hops: int, fees: FeesPosted, config: ArbConfig) -> Bid:
    """The bid of a cycle that gains ``gross_lamports`` before the pools' fees (negative: loses).

    The expected value is reckoned as the edge gate does: (1 − p_fail)·gross − all costs, rounded down. The tip is a
    share of what it would be without one, within the cap, so it never makes it negative. Where there is less than
    the tip's floor to share, the tip is the floor and the expected value negative: a gate's to refuse.
    """
    units = hops * config.compute_units_per_swap
    priority = mul_div(units, fees.priority_micro_lamports, 1_000_000, Rounding.UP)
    landed = mul_div(gross_lamports, BPS - config.p_fail_bps, BPS, Rounding.DOWN)
    room = landed - pool_fee_lamports - BASE_FEE_LAMPORTS - priority
    share = mul_div(room, config.tip_share_bps, BPS, Rounding.DOWN)
    floor = max(JITO_MIN_TIP_LAMPORTS, fees.tip_floor_lamports)
    tip = max(floor, min(share, config.tip_cap_lamports))
    return Bid(BASE_FEE_LAMPORTS, priority, tip, room - tip)
