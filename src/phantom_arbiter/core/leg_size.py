"""How large a leg is at the moment it is sent, and the least it must pay at that size.

A leg that hedges another one (``hedges``) follows what that one filled, pro rata: of a short that filled six tenths,
six tenths of the spot leg. Rounding is for a full hedge, and never for a worse price.
"""

from __future__ import annotations

from phantom_arbiter.core.instruments import Universe
from phantom_arbiter.core.intents import PerpOrder, Swap, hedged_leg, size_atoms
from phantom_arbiter.core.orders import Order
from phantom_arbiter.core.units import Rounding, mul_div


def leg_size(order: Order, index: int, universe: Universe) -> int:
    """Input atoms of a swap or transfer, base atoms of a perp order; 0 where the leg it hedges filled nothing.

    A hedge rounds up (a perp to whole steps), never above the size the intent names, for which capital is set aside.
    """
    leg = order.intent.legs[index]
    full_atoms, hedged = size_atoms(leg), hedged_leg(leg)
    if hedged < 0:
        return full_atoms
    filled_atoms = order.legs[hedged].in_atoms
    atoms = mul_div(full_atoms, filled_atoms, size_atoms(order.intent.legs[hedged]), Rounding.UP)
    if isinstance(leg, PerpOrder):
        step = universe.instruments[leg.instrument].step_base_atoms
        atoms = -(-atoms // step) * step
    return min(atoms, full_atoms)


def least_out_atoms(leg: Swap, size_atoms: int) -> int:
    """The output below which a swap of ``size_atoms`` must revert: the intent's limit price, rounded up."""
    return mul_div(leg.min_out_atoms, size_atoms, leg.in_atoms, Rounding.UP)
