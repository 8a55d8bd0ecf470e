"""The moves of an open position: leave it, guard its margin, mend its hedge, bring the margin home."""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from phantom_arbiter.core.desk import Desk
from phantom_arbiter.core.events import VenueStatus
from phantom_arbiter.core.health import Margin
from phantom_arbiter.core.intents import CollateralTransfer, Intent, Leg, Purpose
from phantom_arbiter.core.units import MICROS_PER_USD, NS_PER_SECOND, Rounding, mul_div
from phantom_arbiter.engines.funding import words
from phantom_arbiter.engines.funding.account import Holdings, base_to_close, collateral_for_health
from phantom_arbiter.engines.funding.plan import (
    Terms,
    buy_spot,
    legs_cost,
    make_intent,
    micros,
    notional_micros,
    perp_fee_micros,
    perp_order,
    sell_spot,
)
from phantom_arbiter.engines.funding.saga import SagaState, must_unwind
from phantom_arbiter.engines.funding.settings import FundingConfig
from phantom_arbiter.engines.spot_quote import SwapQuote, transaction_fees

CLOSED: Final = frozenset({VenueStatus.PAUSED, VenueStatus.ABSENT})
"""A venue that takes no order, not even one that reduces."""


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
    perp, tokens = (-base if held.perp_atoms < 0 else base), min(terms.tokens_for(base), held.spot_atoms)
    reason = f"health {margin.health:.0f} is below {config.health_floor:.0f}: shrinking both legs"
    shrunk = _shrink(desk, config, terms, Purpose.REBALANCE, tokens, perp, reason)
    return shrunk if isinstance(shrunk, Intent) else None


def mend(
    desk: Desk,
    config: FundingConfig,
    terms: Terms,
    held: Holdings,
    margin: Margin | None,
    dust: int,
    saga: SagaState | None,
    keep_atoms: int = 0,
) -> Intent | str | None:
    """Bring the net delta back to ``keep_atoms`` (unsigned; 0: in full) by the cheaper safe way; None within ``dust``,
    words where it must wait. A drift keeps the edge of the band (`account.edge_atoms`), a broken hedge nothing.

    Spot beyond the short is sold. A short beyond its spot leg is completed (buy the missing spot) or unwound (cover
    the excess), by cost against the price it was sold at: the carry to come and the later way out are left out, since
    the entry was judged to earn them. Completing needs entries to be allowed, the capital and a market, a health of
    ``health_floor``, and a saga that still has time (`saga.must_unwind`); covering needs the venue to trade. With the
    venue shut, completing is what is left even after the deadline; with entries halted as well, waiting.
    """
    if abs(held.delta_atoms) <= dust:
        return None
    if held.delta_atoms > 0:
        return _sell_excess(desk, config, terms, held, held.delta_atoms - keep_atoms)
    late, missing = must_unwind(saga, desk.view.now_ns), -held.delta_atoms - keep_atoms
    complete, cover = _complete(desk, config, terms, held, margin, missing), _cover(desk, config, terms, held, missing)
    told = _too_short(config, terms, held, keep_atoms)
    if isinstance(cover, str):
        return complete if isinstance(complete, str) else _take(desk, config, terms, complete, told, f"as {cover}")
    if late or isinstance(complete, str):
        return _take(desk, config, terms, cover, told, f"as {late or complete}")
    chosen, other = (complete, cover) if complete.cost_micros <= cover.cost_micros else (cover, complete)
    return _take(desk, config, terms, chosen, told, f"{other.words} would cost {_dollars(other.cost_micros)}")


class _Way(Struct, frozen=True):
    """A way to mend: its words, legs, what it costs against the entry price (negative: a gain), and its size."""

    words: str
    legs: tuple[Leg, ...]
    swaps: tuple[SwapQuote, ...]
    cost_micros: int
    base_atoms: int


def _too_short(config: FundingConfig, terms: Terms, held: Holdings, keep_atoms: int) -> str:
    if keep_atoms:
        return words.drift(terms, held, config.band_bps)
    return f"the short is {words.amount(-held.delta_atoms, terms.market)} {terms.market.base} larger than its spot leg"


def _take(desk: Desk, config: FundingConfig, terms: Terms, way: _Way, told: str, why: str) -> Intent:
    reason = f"{told}: {way.words} for {_dollars(way.cost_micros)}, {why}"
    value = notional_micros(desk.view, terms, way.base_atoms)
    return _intent(desk, config, terms, Purpose.REBALANCE, way.legs, way.swaps, value, reason)


def _complete(
    desk: Desk, config: FundingConfig, terms: Terms, held: Holdings, margin: Margin | None, missing: int
) -> _Way | str:
    """Buying the spot that is missing; a string says why it cannot be."""
    if not desk.entries_allowed:
        return "nothing new may be bought now"
    if margin is None or margin.health < config.health_floor:
        return f"the account's health is below {config.health_floor:.0f}"
    buy = buy_spot(desk, terms, terms.tokens_for(missing))
    if buy is None:
        return f"{terms.spot.id} has no market"
    if buy.in_atoms > desk.available(terms.spot.quote):
        return f"the spot leg costs more than the free {terms.spot.quote}"
    entry_atoms = _entry_atoms(desk, terms, held, missing)
    legs: tuple[Leg, ...] = (buy.leg(config.slippage_bps),)
    lost = micros(desk.view, terms.spot.quote, buy.in_atoms - entry_atoms)
    cost = lost + _chain_micros(desk, config)
    return _Way(f"buying the missing {terms.spot.base}", legs, (buy,), cost, missing)


def _cover(desk: Desk, config: FundingConfig, terms: Terms, held: Holdings, missing: int) -> _Way | str:
    """Covering that much of the short, in whole steps rounded up; a string says why it cannot be."""
    status = desk.view.venue_status(config.venue)
    if status in CLOSED:
        return f"{config.venue} is {status}"
    if terms.age_ns > config.max_age_ns:
        return f"the quote of {terms.market.id} is {terms.age_ns // NS_PER_SECOND} s old"
    step = terms.market.step_base_atoms
    excess = min(-(-missing // step) * step, -held.perp_atoms)
    legs: tuple[Leg, ...] = (perp_order(config, terms, excess, reduce_only=True),)
    paid_atoms = terms.market.quote_atoms(excess, terms.perp_quote.ask_px, Rounding.UP)
    lost = micros(desk.view, terms.market.quote, paid_atoms - _entry_atoms(desk, terms, held, excess))
    cost = lost + perp_fee_micros(desk.view, config, terms, excess) + _chain_micros(desk, config)
    return _Way("covering the excess", legs, (), cost, excess)


def _entry_atoms(desk: Desk, terms: Terms, held: Holdings, base_atoms: int) -> int:
    """What ``base_atoms`` of the short were sold for, rounded down; drift since then weighs on both ways alike."""
    position = desk.book.perps[terms.market.id]
    return mul_div(position.quote_atoms, base_atoms, -held.perp_atoms, Rounding.DOWN)


def _chain_micros(desk: Desk, config: FundingConfig) -> int:
    base_fee, priority = transaction_fees(desk.view, config.compute_units)
    return micros(desk.view, "SOL", base_fee + priority)


def _sell_excess(desk: Desk, config: FundingConfig, terms: Terms, held: Holdings, beyond: int) -> Intent | str:
    told = f"{words.amount(beyond, terms.market)} more {terms.market.base} than the short covers"
    if beyond < held.delta_atoms:
        told = words.drift(terms, held, config.band_bps)
    reason = f"{told}: selling the excess"
    excess = min(terms.tokens_for(beyond), held.spot_atoms)
    long_atoms = beyond - min(beyond, held.spot_base_atoms)
    return _shrink(desk, config, terms, Purpose.REBALANCE, excess, long_atoms, reason)


def _dollars(cost_micros: int) -> str:
    """A cost with its sign: a gain is negative."""
    return f"{'-' if cost_micros < 0 else ''}${abs(cost_micros) / MICROS_PER_USD:,.2f}"


def _shrink(
    desk: Desk, config: FundingConfig, terms: Terms, purpose: Purpose, spot_atoms: int, perp_atoms: int, reason: str
) -> Intent | str:
    """Close ``perp_atoms`` (signed, part of the position) and sell ``spot_atoms`` of the spot leg, or as much of them
    as the perp leg filled."""
    legs: tuple[Leg, ...] = ()
    swaps: tuple[SwapQuote, ...] = ()
    if perp_atoms:
        legs = (perp_order(config, terms, -perp_atoms, reduce_only=True),)
    if spot_atoms:
        sale = sell_spot(desk, terms, spot_atoms)
        if sale is None:
            return f"no market to sell {terms.spot.base} in: waiting"
        leg = sale.leg(config.slippage_bps, from_position=True)
        legs, swaps = (*legs, replace(leg, hedges=0) if legs else leg), (sale,)
    if not legs:
        return "nothing to close"
    value = notional_micros(desk.view, terms, max(terms.base_worth(spot_atoms), abs(perp_atoms)))
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
    return make_intent(desk.view, config, terms, purpose, legs, notional_micros, cost, reason)
