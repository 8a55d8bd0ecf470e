"""What a cycle pays the chain, what it may bid for a place in a block, and how likely that wins. Pure integers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from phantom_arbiter.core.events import FeesPosted
from phantom_arbiter.core.reservation_plan import BASE_FEE_LAMPORTS
from phantom_arbiter.core.units import BPS, Rounding, mul_div
from phantom_arbiter.dex.compute_units import CREATE_UNITS, TRANSACTION_UNITS, swap_units
from phantom_arbiter.dex.pool import SwapQuote
from phantom_arbiter.dex.pools import PoolState
from phantom_arbiter.engines.arb.settings import ArbConfig

JITO_MIN_TIP_LAMPORTS: Final = 1_000
"""Jito's documented minimum (reference/solana-and-dex.md §5)."""
PRIOR_ORDERS: Final = 10
_PPM: Final = 1_000_000

PARALLEL_UNITS: Final = 100_000
"""What one more swap is reckoned to ask for when a hop is spread: as much as the dearest."""


class Bid(NamedTuple):
    """What one transaction pays the chain. ``gain_lamports`` is what the cycle gains before the tip and after all else;
    ``win_bps`` the chance to land; ``expected_lamports`` the chance times what is left after the tip."""

    base_lamports: int
    priority_lamports: int
    rent_lamports: int
    tip_lamports: int
    gain_lamports: int
    win_bps: int
    expected_lamports: int

    @property
    def total_lamports(self) -> int:
        """Base fee, priority fee, rent and tip."""
        return self.base_lamports + self.priority_lamports + self.rent_lamports + self.tip_lamports


def compute_units(swaps: Iterable[tuple[PoolState, SwapQuote]], new_accounts: int) -> int:
    """What a transaction of these swaps asks for, with the token accounts that it has to make."""
    each = sum(swap_units(pool, swap.crossed) for pool, swap in swaps)
    return TRANSACTION_UNITS + each + CREATE_UNITS * new_accounts


def floor_lamports(fees: FeesPosted) -> int:
    """What any bundle pays at least: a signature, and Jito's floor or its minimum."""
    return BASE_FEE_LAMPORTS + max(JITO_MIN_TIP_LAMPORTS, fees.tip_floor_lamports)


def survive_bps(outcomes: Mapping[str, int]) -> int:
    """The chance that a gap is still there when ours lands, from how orders ended so far, rounded down.

    It held where ours landed or a rival took it, and not where it reverted. Before any ended it is even, and the first
    ``PRIOR_ORDERS`` weigh no more than that (assumed).
    """
    held = outcomes.get("landed", 0) + outcomes.get("beaten", 0)
    seen = held + outcomes.get("reverted", 0)
    return (held * BPS + PRIOR_ORDERS * BPS // 2) // (seen + PRIOR_ORDERS)


def bid_for(
    profit_lamports: int, units: int, rent_lamports: int, survives_bps: int, fees: FeesPosted, config: ArbConfig
) -> Bid:
    """The bid of a cycle that gains ``profit_lamports`` after the pools' fees (negative: loses), if it is still there
    when it lands: of ``survives_bps`` of them that is true.

    The tip is a share of the gain after all other costs, within the cap, so that it never makes the expected value
    negative. Where there is less than the tip's floor to share, the tip is the floor and the expected value negative:
    a gate's to refuse. A bundle that does not land pays nothing, so the expected value is the chance to land times what
    is left; both round down.
    """
    priority = mul_div(units, fees.priority_micro_lamports, _PPM, Rounding.UP)
    gain = profit_lamports - BASE_FEE_LAMPORTS - priority - rent_lamports
    share = mul_div(gain, config.tip_share_bps, BPS, Rounding.DOWN)
    floor = floor_lamports(fees) - BASE_FEE_LAMPORTS
    tip = max(floor, min(share, config.tip_cap_lamports))
    left = gain - tip
    win = _win_bps(tip, gain, config) if left > 0 else BPS - config.p_fail_bps
    win = mul_div(win, survives_bps, BPS, Rounding.DOWN)
    expected = mul_div(left, win, BPS, Rounding.DOWN)
    return Bid(BASE_FEE_LAMPORTS, priority, rent_lamports, tip, gain, win, expected)


def _win_bps(tip_lamports: int, gain_lamports: int, config: ArbConfig) -> int:
    """The chance that nothing fails and no rival bids a larger share of the gain, rounded down."""
    share_ppm = tip_lamports * _PPM // gain_lamports
    outbids: int = share_ppm**config.rivals
    of: int = _PPM**config.rivals
    return outbids * (BPS - config.p_fail_bps) // of
