"""How large a leg is at the moment it is sent."""

from __future__ import annotations

from phantom_arbiter.core.instruments import Universe
from phantom_arbiter.core.intents import CollateralTransfer, PerpOrder, Swap
from phantom_arbiter.core.orders import Order
from phantom_arbiter.core.units import Rounding, mul_div, power_of_ten


def leg_size(order: Order, index: int, universe: Universe) -> int:
    """Input atoms of a swap or transfer, base atoms of a perp order; 0 where the leg it hedges filled nothing."""
    leg = order.intent.legs[index]
    match leg:
        case PerpOrder() if leg.hedge_of >= 0:
            return _hedge_atoms(order, leg, universe)
        case PerpOrder():
            return leg.base_atoms
        case Swap():
            return leg.in_atoms
        case CollateralTransfer():
            return abs(leg.atoms)


def _hedge_atoms(order: Order, leg: PerpOrder, universe: Universe) -> int:
    """The base that another leg of the order filled, at the perp's scale, down to whole steps."""
    perp = universe.instruments[leg.instrument]
    hedged, state = order.intent.legs[leg.hedge_of], order.legs[leg.hedge_of]
    if isinstance(hedged, PerpOrder):
        return state.in_atoms // perp.step_base_atoms * perp.step_base_atoms
    if not isinstance(hedged, Swap) or perp.base not in (hedged.in_asset, hedged.out_asset):
        return 0
    atoms = state.out_atoms if hedged.out_asset == perp.base else state.in_atoms
    one = power_of_ten(universe.assets[perp.base].decimals)
    base = mul_div(atoms, power_of_ten(perp.base_decimals), one, Rounding.DOWN)
    return base // perp.step_base_atoms * perp.step_base_atoms
