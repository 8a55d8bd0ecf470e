"""What a transaction and a perp fill cost in paper."""

from __future__ import annotations

from typing import Final

from phantom_arbiter.core.cycles import is_bundle
from phantom_arbiter.core.events import Fee, FeeKind
from phantom_arbiter.core.instruments import STABLE_ASSETS
from phantom_arbiter.core.intents import Intent, Swap
from phantom_arbiter.core.reservation_plan import takes_position
from phantom_arbiter.core.units import Rounding, mul_div
from phantom_arbiter.sim.driver_config import DriverConfig

_PPM: Final = 1_000_000
_OPEN_FROM_THE_START: Final = STABLE_ASSETS | {"SOL"}


def chain_fees(config: DriverConfig, intent: Intent, *, succeeded: bool) -> tuple[Fee, ...]:
    """The fees of one transaction that reached its leader.

    A failed one still pays base and priority fee, but for a bundle, which is included only if it succeeds.
    """
    if not succeeded and is_bundle(intent):
        return ()
    fees = [Fee(FeeKind.BASE, "SOL", config.base_fee_lamports)]
    if config.bids_paid:
        fees.append(Fee(FeeKind.PRIORITY, "SOL", intent.priority_lamports))
        fees.append(Fee(FeeKind.TIP, "SOL", intent.tip_lamports))
    return tuple(fee for fee in fees if fee.atoms)


def token_account(intent: Intent, leg: Swap) -> str:
    """The token account a swap may have to open, ``engine:asset``; empty where it exists: SOL and the stables, and the
    proceeds of a position, whose reservation holds no rent."""
    if leg.out_asset in _OPEN_FROM_THE_START or takes_position(intent, leg):
        return ""
    return f"{intent.engine}:{leg.out_asset}"


def share_up(atoms: int, ppm: int) -> int:
    """A fee of ``ppm`` parts per million, rounded up."""
    return mul_div(atoms, ppm, _PPM, Rounding.UP)
