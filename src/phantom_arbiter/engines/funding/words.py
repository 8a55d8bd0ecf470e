"""What the engine says about its decisions, as a trader would read it."""

from __future__ import annotations

from phantom_arbiter.core.instruments import Instrument
from phantom_arbiter.core.units import BPS, HOURS_PER_YEAR, MICROS_PER_USD
from phantom_arbiter.engines.funding.account import Holdings
from phantom_arbiter.engines.funding.carry import CarryModel, expected_carry
from phantom_arbiter.engines.funding.plan import Entry, Terms
from phantom_arbiter.engines.funding.state import Candidate


def amount(base_atoms: int, instrument: Instrument) -> str:
    """Base units."""
    return f"{base_atoms / 10**instrument.base_decimals:,.2f}"


def dollars(quote_atoms: int, instrument: Instrument) -> str:
    """Quote units, as dollars."""
    return f"${quote_atoms / 10**instrument.quote_decimals:,.2f}"


def rate(hourly: float) -> str:
    """An hourly fraction as the short sees it: "you receive 0.0021 %/h (18.4 %/yr)"."""
    verb = "receive" if hourly >= 0 else "pay"
    return f"you {verb} {abs(hourly) * 100:.4f} %/h ({abs(hourly) * HOURS_PER_YEAR * 100:.1f} %/yr)"


def entry(terms: Terms, plan: Entry, weighed: Candidate, horizon_hours: int) -> str:
    """Why to open: what comes in over the horizon, what it costs, and when that breaks even."""
    size, notional = amount(plan.base_atoms, terms.market), plan.notional_micros / MICROS_PER_USD
    spot = amount(plan.buy.out_atoms, terms.spot)
    yearly = weighed.funding_apr or 0.0
    expected = yearly * horizon_hours / HOURS_PER_YEAR
    verb = "receive" if expected >= 0 else "pay"
    staked = f" and {weighed.staking_apr:.1%} a year of staking" if weighed.staking_apr else ""
    days = weighed.break_even_days
    even = f"break-even in {days:.1f} days" if days is not None else "no break-even within a year"
    net = f"; net {weighed.net_apr:+.1%} a year on its capital" if weighed.net_apr is not None else ""
    return (
        f"short {size} {terms.market.id} against {spot} {terms.spot.base}: you {verb} about "
        f"{abs(expected) * BPS:.1f} bps (${abs(expected) * notional:,.2f}) of funding in "
        f"{horizon_hours / 24:.0f} days ({abs(yearly):.1%} a year){staked}; in and out costs "
        f"{plan.cost_fraction * BPS:.1f} bps (${plan.cost.total_micros / MICROS_PER_USD:,.2f}); {even}{net}"
    )


def take(hourly: float, posted: bool, what: str) -> str:
    """An entry as a preview tells it: the rate now with its window, then the plan."""
    window = "at the last posted hour" if posted else "as the premium predicts; no hour was posted yet"
    now = rate(hourly)
    return f"{now[0].upper()}{now[1:]} {window}; {what}"


def leave(intent_reason: str, terms: Terms, hourly: float | None) -> str:
    """A way out as a preview tells it."""
    given_up = "" if hourly is None else f"; you no longer {rate(hourly).removeprefix('you ')} on {terms.market.id}"
    return f"{intent_reason[0].upper()}{intent_reason[1:]}{given_up}"


def exit_signal(model: CarryModel, why: str, hours: int, horizon_hours: int) -> str:
    """Why to leave."""
    expected = expected_carry(model, horizon_hours)
    verb = "pay" if expected < 0 else "receive no more than"
    return f"you would {verb} about {abs(expected) * BPS:.1f} bps of funding: {why}, for {hours} hours in a row"


def closing(terms: Terms, held: Holdings, why: str) -> str:
    """Why to leave, and what that consists of."""
    parts = []
    if held.perp_atoms:
        parts.append(f"cover {amount(abs(held.perp_atoms), terms.market)} {terms.market.id}")
    if held.spot_atoms:
        parts.append(f"sell {amount(held.spot_atoms, terms.spot)} {terms.spot.base}")
    return f"{why}: {', then '.join(parts)}"


def drift(terms: Terms, held: Holdings, band_bps: int) -> str:
    """A hedge that the LST's rate opened beyond its band, and how far it is brought back."""
    apart = abs(held.delta_atoms) * BPS / max(held.spot_base_atoms, abs(held.perp_atoms))
    return f"the legs drifted apart by {apart:.1f} bps of {terms.market.base}, back to the band's edge of {band_bps}"


def holding(model: CarryModel, horizon_hours: int, by_hand: bool) -> str:
    """What holding brings, and who decides."""
    expected = expected_carry(model, horizon_hours)
    verb = "receive" if expected >= 0 else "pay"
    hand = "; taken by hand: guarded, and left only by hand" if by_hand else ""
    return (
        f"holding: you {verb} about {abs(expected) * BPS:.1f} bps of funding in {horizon_hours / 24:.0f} days; now "
        f"{rate(model.rate)}{hand}"
    )


def no_entry(best: Candidate) -> str:
    """Why the best candidate is not entered now."""
    return f"no entry: {best.market} against {best.spot_leg}: {best.why or best.why_not}"
