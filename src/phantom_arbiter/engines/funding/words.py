"""What the engine says about its decisions, as a trader would read it."""

from __future__ import annotations

from phantom_arbiter.core.instruments import Instrument
from phantom_arbiter.core.units import BPS, HOURS_PER_YEAR, MICROS_PER_USD
from phantom_arbiter.engines.funding.account import Holdings
from phantom_arbiter.engines.funding.carry import CarryModel, expected_carry
from phantom_arbiter.engines.funding.plan import Entry, Terms
from phantom_arbiter.engines.funding.settings import FundingConfig


def amount(base_atoms: int, instrument: Instrument) -> str:
    """Base units."""
    return f"{base_atoms / 10**instrument.base_decimals:,.2f}"


def dollars(quote_atoms: int, instrument: Instrument) -> str:
    """Quote units, as dollars."""
    return f"${quote_atoms / 10**instrument.quote_decimals:,.2f}"


def entry(terms: Terms, plan: Entry, expected: float, days: float | None, config: FundingConfig) -> str:
    """Why to open: what comes in over the horizon, what it costs, and when that breaks even."""
    size, notional = amount(plan.base_atoms, terms.market), plan.notional_micros / MICROS_PER_USD
    verb = "receive" if expected >= 0 else "pay"
    yearly = expected / config.horizon_hours * HOURS_PER_YEAR
    even = f"break-even in {days:.1f} days" if days is not None else "no break-even within a year"
    return (
        f"short {size} {config.market} against {size} {terms.spot.base}: you {verb} about "
        f"{abs(expected) * BPS:.1f} bps (${abs(expected) * notional:,.2f}) of funding in "
        f"{config.horizon_hours / 24:.0f} days ({abs(yearly):.1%} a year); in and out costs "
        f"{plan.cost_fraction * BPS:.1f} bps (${plan.cost.total_micros / MICROS_PER_USD:,.2f}); {even}"
    )


def exit_signal(low: float, threshold: float, hours: int) -> str:
    """Why to leave."""
    return (
        f"you would pay about {-low * BPS:.1f} bps of funding, more than the {threshold * BPS:.1f} bps that staying "
        f"is worth, for {hours} hours in a row"
    )


def closing(terms: Terms, held: Holdings, why: str) -> str:
    """Why to leave, and what that consists of."""
    parts = []
    if held.perp_atoms:
        parts.append(f"cover {amount(abs(held.perp_atoms), terms.market)} {terms.market.id}")
    if held.spot_atoms:
        parts.append(f"sell {amount(held.spot_atoms, terms.spot)} {terms.spot.base}")
    return f"{why}: {', then '.join(parts)}"


def holding(model: CarryModel, horizon_hours: int) -> str:
    """What holding brings."""
    expected = expected_carry(model, horizon_hours)
    verb = "receive" if expected >= 0 else "pay"
    return f"holding: you {verb} about {abs(expected) * BPS:.1f} bps of funding in {horizon_hours / 24:.0f} days"
