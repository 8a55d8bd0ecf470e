"""The moves of an open position: leave it, guard its margin, mend its hedge, bring the margin home."""

from __future__ import annotations

from phantom_arbiter.core.desk import Desk
from phantom_arbiter.core.health import Margin
from phantom_arbiter.core.intents import CollateralTransfer, Intent, Leg, Purpose
from phantom_arbiter.engines.funding import words
from phantom_arbiter.engines.funding.account import Holdings, base_to_close, collateral_for_health
from phantom_arbiter.engines.funding.plan import (
    Terms,
    buy_spot,
    legs_cost,
    make_intent,
    micros,
    perp_order,
    sell_spot,
)
from phantom_arbiter.engines.funding.settings import FundingConfig
from phantom_arbiter.engines.spot_quote import SwapQuote


def close_position(desk: Desk, config: FundingConfig, terms: Terms, held: Holdings, why: str) -> Intent | str:
    """Cover the short, then sell the spot leg: the leg that can be liquidated goes first. The margin follows once
    both are gone and what may leave is known."""
    return _shrink(desk, config, terms, Purpose.EXIT, held.spot_atoms, held.perp_atoms, words.closing(terms, held, why))


def withdraw(desk: Desk, config: FundingConfig, terms: Terms, held: Holdings) -> Intent:
    """Bring the margin home; only with no position left."""
    atoms, asset = held.withdrawable_atoms, terms.market.quote
    legs: tuple[Leg, ...] = (CollateralTransfer(config.venue, asset, -atoms),)
    reason = f"no position left: {words.dollars(atoms, terms.market)} of margin comes back from {config.venue}"
    return _intent(desk, config, terms, Purpose.EXIT, legs, (), micros(desk.view, asset, atoms), reason)


def guard_health(desk: Desk, config: FundingConfig, terms: Terms, held: Holdings, margin: Margin) -> Intent | None:
    """Below ``health_top_up`` add margin while there is free capital; below ``health_floor`` shrink both legs."""
    if not held.perp_atoms or margin.health >= config.health_top_up:
        return None
    free = desk.available(terms.market.quote)
    amount = min(free, collateral_for_health(margin, config.health_target))
    rescues = amount >= collateral_for_health(margin, config.health_top_up)
    if amount >= max(1, config.min_top_up_atoms) and (rescues or margin.health >= config.health_floor):
        legs: tuple[Leg, ...] = (CollateralTransfer(config.venue, terms.market.quote, amount),)
        reason = f"health {margin.health:.0f} is below {config.health_top_up:.0f}: adding margin"
        value = micros(desk.view, terms.market.quote, amount)
        return _intent(desk, config, terms, Purpose.REBALANCE, legs, (), value, reason)
    if margin.health >= config.health_floor:
        return None
    step = terms.market.step_base_atoms
    base = -(-base_to_close(margin, held.perp_atoms, config.health_top_up) // step) * step
    base = min(base, abs(held.perp_atoms))
    perp = -base if held.perp_atoms < 0 else base
    reason = f"health {margin.health:.0f} is below {config.health_floor:.0f}: shrinking both legs"
    shrunk = _shrink(desk, config, terms, Purpose.REBALANCE, min(base, held.spot_atoms), perp, reason)
    return shrunk if isinstance(shrunk, Intent) else None


def restore_hedge(
    desk: Desk, config: FundingConfig, terms: Terms, held: Holdings, unhedged_ns: int | None
) -> Intent | None:
    """Bring the net delta back to zero, once it is beyond the band (``unhedged_ns`` says for how long).

    A short without its spot leg is the trace of an entry that stopped half-way: for ``complete_within_ns`` the spot
    leg is bought. After that, and in every other case, the larger leg is trimmed to the smaller one.
    """
    if unhedged_ns is None:
        return None
    delta = held.delta_atoms
    if delta > 0:
        reason = f"{words.amount(delta, terms.market)} more {terms.spot.base} than the short covers: selling the excess"
        excess = min(delta, held.spot_atoms)
        trimmed = _shrink(desk, config, terms, Purpose.REBALANCE, excess, delta - excess, reason)
        return trimmed if isinstance(trimmed, Intent) else None
    if unhedged_ns <= config.complete_within_ns and desk.entries_allowed:
        buy = buy_spot(desk, terms, -delta)
        if buy is not None and buy.in_atoms <= desk.available(terms.spot.quote):
            legs: tuple[Leg, ...] = (buy.leg(config.slippage_bps),)
            reason = f"the short is {words.amount(-delta, terms.market)} {terms.spot.base} larger: buying the rest"
            value = micros(desk.view, terms.spot.base, -delta)
            return _intent(desk, config, terms, Purpose.REBALANCE, legs, (buy,), value, reason)
    cover = -delta // terms.market.step_base_atoms * terms.market.step_base_atoms
    reason = f"the short is {words.amount(-delta, terms.market)} {terms.spot.base} too large: covering the excess"
    trimmed = _shrink(desk, config, terms, Purpose.REBALANCE, 0, -cover, reason)
    return trimmed if isinstance(trimmed, Intent) else None


def _shrink(
    desk: Desk, config: FundingConfig, terms: Terms, purpose: Purpose, spot_atoms: int, perp_atoms: int, reason: str
) -> Intent | str:
    """Close ``perp_atoms`` (signed, part of the position) and sell ``spot_atoms`` of the spot leg."""
    legs: tuple[Leg, ...] = ()
    swaps: tuple[SwapQuote, ...] = ()
    if perp_atoms:
        legs = (perp_order(config, terms, -perp_atoms, reduce_only=True),)
    if spot_atoms:
        sale = sell_spot(desk, terms, spot_atoms)
        if sale is None:
            return f"no market to sell {terms.spot.base} in: waiting"
        legs, swaps = (*legs, sale.leg(config.slippage_bps, from_position=True)), (sale,)
    if not legs:
        return "nothing to close"
    value = micros(desk.view, terms.spot.base, max(spot_atoms, abs(perp_atoms)))
    return _intent(desk, config, terms, purpose, legs, swaps, value, reason)


def _intent(
    desk: Desk,
    config: FundingConfig,
    terms: Terms,
    purpose: Purpose,
    legs: tuple[Leg, ...],
    swaps: tuple[SwapQuote, ...],
    notional_micros: int,
    reason: str,
) -> Intent:
    cost = legs_cost(desk.view, config, terms, legs, swaps)
    return make_intent(desk.view, config, purpose, legs, notional_micros, cost, reason)
