"""The legs of a saga as its page shows them."""

from __future__ import annotations

from msgspec import Struct

from phantom_arbiter.core.events import LegStatus
from phantom_arbiter.core.instruments import Universe
from phantom_arbiter.core.intents import CollateralTransfer, Leg, PerpOrder, Side
from phantom_arbiter.core.orders import LegState, Order
from phantom_arbiter.core.units import power_of_ten


class SagaLeg(Struct):
    """A leg for the page; keys as in `dashboard.panels.SagaLeg`."""

    name: str
    status: str
    detail: str = ""


def leg_rows(order: Order, universe: Universe) -> list[SagaLeg]:
    """Every leg of an order, in its order."""
    legs = zip(order.intent.legs, order.legs, strict=True)
    return [_leg_row(leg, state, order.is_open, universe) for leg, state in legs]


def _leg_row(leg: Leg, state: LegState, is_open: bool, universe: Universe) -> SagaLeg:
    status = state.status
    if status is LegStatus.NEW and not state.size_atoms:
        return SagaLeg(_name(leg), "waiting") if is_open else SagaLeg(_name(leg), "failed", "not sent")
    if status is LegStatus.EXPIRED and state.in_atoms:
        shown = "partial"
    elif status in (LegStatus.REJECTED, LegStatus.EXPIRED):
        shown = "failed"
    elif status in (LegStatus.PARTIAL, LegStatus.FILLED, LegStatus.UNKNOWN):
        shown = status.value
    else:
        shown = "sent"
    filled = _filled(leg, state, universe) if state.in_atoms else ""
    return SagaLeg(_name(leg), shown, "; ".join(part for part in (filled, state.reason) if part))


def _name(leg: Leg) -> str:
    match leg:
        case CollateralTransfer():
            return "margin" if leg.atoms > 0 else "withdraw"
        case PerpOrder():
            return "cover" if leg.side is Side.BUY else "short"
        case _:
            return "spot"


def _filled(leg: Leg, state: LegState, universe: Universe) -> str:
    """ "9.5 of 10 SOL at 125.31"; of a swap or transfer, which are all or nothing, what moved."""
    if isinstance(leg, CollateralTransfer):
        return f"{state.in_atoms / power_of_ten(universe.assets[leg.asset].decimals):,.2f} {leg.asset}"
    instrument = universe.instruments[leg.instrument]
    base_one, quote_one = power_of_ten(instrument.base_decimals), power_of_ten(instrument.quote_decimals)
    if isinstance(leg, PerpOrder):
        base, quote = state.in_atoms / base_one, state.out_atoms / quote_one
        return f"{base:,.4g} of {state.size_atoms / base_one:,.4g} {instrument.base} at {quote / base:,.2f}"
    buys = leg.in_asset == instrument.quote
    base_atoms, quote_atoms = (state.out_atoms, state.in_atoms) if buys else (state.in_atoms, state.out_atoms)
    base, quote = base_atoms / base_one, quote_atoms / quote_one
    return f"{base:,.4g} {instrument.base} {'bought' if buys else 'sold'} at {quote / base:,.2f}" if base else ""
