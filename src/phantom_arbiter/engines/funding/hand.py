"""Orders by hand: what a person may ask for, planned, shown, and bound to what was shown.

A preview plans the act as it would be done now and keeps the worst prices it showed under a hash. The act plans again
at the same size: where the fresh quotes need worse prices than were shown it is refused, else its legs carry limits
that are no looser than those shown. Legs that fail afterwards are finished by the engine like any other position's.
"""

from __future__ import annotations

import math
from decimal import ROUND_DOWN, Decimal
from hashlib import blake2b
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from phantom_arbiter.core.commands import DriftDeposit, DriftWithdraw, HandAct, LeavePosition, Preview, TakePosition
from phantom_arbiter.core.desk import Desk
from phantom_arbiter.core.health import MarginAccount, assess, book_account, liquidation_px, withdrawable_atoms
from phantom_arbiter.core.instruments import Instrument
from phantom_arbiter.core.intents import CollateralTransfer, Intent, Leg, PerpOrder, Purpose, Side, Swap
from phantom_arbiter.core.preview import AccountFigures, Draft, HandCommand, Rejection
from phantom_arbiter.core.units import Rounding, mul_div, power_of_ten
from phantom_arbiter.engines.funding import words
from phantom_arbiter.engines.funding.account import Holdings, account_after, held_market, read_holdings
from phantom_arbiter.engines.funding.candidates import model_for, perp_markets, spot_legs, survey, weigh_entry
from phantom_arbiter.engines.funding.moves import close_position
from phantom_arbiter.engines.funding.plan import (
    Terms,
    capital_now,
    entry_intent,
    legs_cost,
    make_intent,
    micros,
    plan_entry,
    read_terms,
)
from phantom_arbiter.engines.funding.settings import FundingConfig
from phantom_arbiter.engines.funding.state import Candidate, FundingState, Shown, ShownLeg

KEPT: Final = 8
"""Previews that can be acted upon; the oldest goes first."""
MAX_SIZE: Final = 1e12


class HandPlan(Struct, frozen=True):
    """An act as it would be done now. Sizes in base atoms of the market (a transfer: quote atoms)."""

    act: HandAct
    terms: Terms
    size_atoms: int
    min_atoms: int
    max_atoms: int
    step_atoms: int
    intent: Intent
    words: str
    weighed: Candidate | None = None


def plan_act(
    desk: Desk, config: FundingConfig, state: FundingState, act: HandAct, market_id: str, size: float | None
) -> HandPlan | Rejection:
    """The act now, or why it cannot be."""
    market = desk.view.universe.instruments.get(market_id)
    known = perp_markets(desk.view.universe)
    if market is None or market not in known:
        names = ", ".join(perp.id for perp in known)
        return Rejection("unknown_market", f"market: got {market_id!r}, expected one of {names}")
    busy = _busy(desk, state, market)
    if busy is not None:
        return busy
    match act:
        case "TAKE_POSITION":
            return _plan_take(desk, config, state, market, size)
        case "LEAVE_POSITION":
            return _plan_leave(desk, config, state, market)
        case _:
            return _plan_transfer(desk, config, state, market, act, size)


def draft(desk: Desk, config: FundingConfig, state: FundingState, request: Preview) -> tuple[Draft, Shown] | Rejection:
    """What the act would do, and what of it binds."""
    plan = plan_act(desk, config, state, request.of, request.market, request.size)
    if isinstance(plan, Rejection):
        return plan
    now_ns, legs = desk.view.now_ns, _shown_legs(plan.intent)
    bound = msgspec.json.encode((plan.act, plan.terms.market.id, plan.size_atoms, legs))
    shown = Shown(
        blake2b(bound, digest_size=8).hexdigest(), plan.act, plan.terms.market.id, plan.size_atoms, now_ns, legs
    )
    before, after = _figures(desk, config, plan)
    weighed = plan.weighed
    told = Draft(
        act=plan.act,
        market=plan.terms.market.id,
        size_atoms=plan.size_atoms,
        min_atoms=plan.min_atoms,
        max_atoms=plan.max_atoms,
        step_atoms=plan.step_atoms,
        intent=plan.intent,
        before=before,
        after=after,
        words=plan.words,
        hash=shown.hash,
        expires_ns=now_ns + config.preview_life_ns,
        break_even_days=weighed.break_even_days if weighed is not None else None,
        net_apr=weighed.net_apr if weighed is not None else None,
    )
    return told, shown


def kept(drafts: list[Shown], shown: Shown) -> list[Shown]:
    """The previews to keep with a new one: one of a hash, the last `KEPT`."""
    return [*(known for known in drafts if known.hash != shown.hash), shown][-KEPT:]


def plan_command(desk: Desk, config: FundingConfig, state: FundingState, request: HandCommand) -> HandPlan | Rejection:
    """The act that a command asks for, within what its preview showed; a transfer needs no preview."""
    match request:
        case TakePosition():
            return _previewed(desk, config, state, "TAKE_POSITION", request, request.size)
        case LeavePosition():
            return _previewed(desk, config, state, "LEAVE_POSITION", request, None)
        case DriftDeposit():
            return plan_act(desk, config, state, "DRIFT_DEPOSIT", _home(desk, config, state), request.amount)
        case DriftWithdraw():
            return plan_act(desk, config, state, "DRIFT_WITHDRAW", _home(desk, config, state), request.amount)


def _home(desk: Desk, config: FundingConfig, state: FundingState) -> str:
    """The market whose quote asset is moved: the one held, else the last one, else the first."""
    first = next((market.id for market in perp_markets(desk.view.universe)), "")
    return held_market(desk.book, config.venue) or state.market or first


def _previewed(
    desk: Desk,
    config: FundingConfig,
    state: FundingState,
    act: HandAct,
    request: TakePosition | LeavePosition,
    size: float | None,
) -> HandPlan | Rejection:
    shown = next((known for known in state.drafts if known.hash == request.preview_hash), None)
    if shown is None:
        return _stale(f"preview_hash: got {request.preview_hash!r}, which is unknown or used; preview it again")
    if (shown.act, shown.market) != (act, request.market):
        return _stale(f"preview_hash: it shows {shown.act} {shown.market}, the order is {act} {request.market}")
    age_ns = desk.view.now_ns - shown.made_ns
    if age_ns > config.preview_life_ns:
        return _stale(
            f"preview_hash: shown {age_ns // 10**9} s ago, expected at most {config.preview_life_ns // 10**9} s"
        )
    plan = plan_act(desk, config, state, act, request.market, size)
    if isinstance(plan, Rejection):
        return _stale(f"the market moved: {plan.message}") if plan.code == "above_maximum" else plan
    if plan.size_atoms != shown.size_atoms:
        return _stale(f"size: the preview shows {shown.size_atoms} base atoms, the order has {plan.size_atoms}")
    bound = _bound(plan.intent, shown)
    return bound if isinstance(bound, Rejection) else replace(plan, intent=bound)


def _stale(message: str) -> Rejection:
    return Rejection("stale_preview", message)


def _busy(desk: Desk, state: FundingState, market: Instrument) -> Rejection | None:
    if desk.orders:
        return Rejection("busy", f"an order is under way ({next(iter(desk.orders))}): wait until it has ended")
    if state.closing:
        return Rejection("closing", f"{market.id}: a position is being closed ({state.closing_why})")
    return None


# Planning


def whole_atoms(field: str, value: float | None, decimals: int, unit: str) -> int | Rejection:
    """A number of whole units as atoms, rounded down; refused unless it is finite, above 0 and at most 1e12."""
    if value is None or not math.isfinite(value) or not 0 < value <= MAX_SIZE:
        return Rejection("bad_size", f"{field}: got {value}, expected a number of {unit} above 0, at most 1e12")
    return int((Decimal(str(value)) * power_of_ten(decimals)).to_integral_value(ROUND_DOWN))


def _plan_take(
    desk: Desk, config: FundingConfig, state: FundingState, market: Instrument, size: float | None
) -> HandPlan | Rejection:
    if not spot_legs(desk.view.universe, market):
        return Rejection("not_hedgeable", f"market: {market.base} has no spot market here, so it cannot be hedged")
    atoms = whole_atoms("size", size, market.base_decimals, market.base)
    if isinstance(atoms, Rejection):
        return atoms
    other = held_market(desk.book, config.venue)
    if other is not None and other != market.id:
        return Rejection("position_held", f"market: {other} is held, expected it or nothing: leave it first")
    held = read_holdings(desk, config, market)
    asset = held.spot_asset or (state.spot_leg if held.perp_atoms else "") or _best_leg(desk, config, state, market)
    terms = read_terms(desk.view, market.id, asset)
    if isinstance(terms, str):
        return Rejection("no_data", f"market: {terms}")
    capital = capital_now(desk, config, terms, held)
    largest = plan_entry(desk, config, terms, capital)
    if isinstance(largest, str):
        return Rejection("no_capital", f"size: got {size:g} {market.base}, but no size will do: {largest}")
    atoms -= atoms % market.step_base_atoms
    refused = _out_of_bounds(market, size or 0.0, atoms, largest.max_atoms)
    if refused is not None:
        return refused
    entry = plan_entry(desk, config, terms, capital, atoms)
    if isinstance(entry, str):
        return Rejection("no_capital", f"size: got {size:g} {market.base}: {entry}")
    weighed, model = weigh_entry(desk, config, state, terms, entry), model_for(state, config, market.id)
    if model is None or not weighed.traded:
        return Rejection("no_data" if model is None else "left_out", f"market: {market.id}: {weighed.why_not}")
    reason = words.entry(terms, entry, weighed, config.horizon_hours)
    intent = entry_intent(desk.view, config, terms, entry, weighed.edge_bps, reason)
    posted = bool(state.histories[market.id].hours)
    told = words.take(model.rate, posted, intent.reason)
    least, step = _min_atoms(market), market.step_base_atoms
    return HandPlan("TAKE_POSITION", terms, atoms, least, largest.max_atoms, step, intent, told, weighed)


def _best_leg(desk: Desk, config: FundingConfig, state: FundingState, market: Instrument) -> str:
    """The spot leg the engine itself would choose."""
    ranked = survey(desk, config, state, only=market.id)
    return next((candidate.spot_leg for candidate in ranked if candidate.traded), ranked[0].spot_leg)


def _min_atoms(market: Instrument) -> int:
    return max(1, market.min_base_atoms, market.step_base_atoms)


def _out_of_bounds(market: Instrument, size: float, atoms: int, most: int) -> Rejection | None:
    one, least = power_of_ten(market.base_decimals), _min_atoms(market)
    got = f"size: got {size:g} {market.base}"
    if atoms < least:
        return Rejection("below_minimum", f"{got}, expected at least {least / one:g}, the smallest order")
    if atoms > most:
        return Rejection(
            "above_maximum", f"{got}, expected at most {most / one:g}: capital, settings and depth allow it"
        )
    return None


def _plan_leave(desk: Desk, config: FundingConfig, state: FundingState, market: Instrument) -> HandPlan | Rejection:
    held = read_holdings(desk, config, market)
    if held.flat:
        return Rejection("no_position", f"market: no position in {market.id} is held")
    terms = read_terms(desk.view, market.id, held.spot_asset or state.spot_leg or market.base)
    if isinstance(terms, str):
        return Rejection("no_data", f"market: {terms}")
    intent = close_position(desk, config, terms, held, "left by hand")
    if isinstance(intent, str):
        return Rejection("cannot_leave", f"{market.id}: {intent}")
    atoms, model = max(abs(held.perp_atoms), held.spot_base_atoms), model_for(state, config, market.id)
    told = words.leave(intent.reason, terms, model.rate if model is not None else None)
    return HandPlan("LEAVE_POSITION", terms, atoms, atoms, atoms, 1, intent, told)


def _plan_transfer(
    desk: Desk, config: FundingConfig, state: FundingState, market: Instrument, act: HandAct, amount: float | None
) -> HandPlan | Rejection:
    """Deposit or withdraw quote atoms of the market's quote asset."""
    atoms = whole_atoms("amount", amount, market.quote_decimals, market.quote)
    if isinstance(atoms, Rejection):
        return atoms
    held = read_holdings(desk, config, market)
    terms = read_terms(desk.view, market.id, held.spot_asset or state.spot_leg or market.base)
    if isinstance(terms, str):
        return Rejection("no_data", f"market: {terms}")
    deposits, one = act == "DRIFT_DEPOSIT", power_of_ten(market.quote_decimals)
    most = desk.available(market.quote) if deposits else _may_leave(desk, config, market)
    if isinstance(most, str):
        return Rejection("no_data", most)
    got = f"amount: got {amount:,.2f} {market.quote}"
    if atoms < 1:
        return Rejection("below_minimum", f"{got}, expected at least {1 / one:g}")
    if atoms > most and deposits:
        return Rejection("above_maximum", f"{got}, expected at most {most / one:,.2f}, what is free")
    if atoms > most:
        why = f"more would leave the account's health below {config.health_withdraw:.0f}, or is not there"
        return Rejection("health_floor", f"{got}, expected at most {most / one:,.2f}: {why}")
    legs: tuple[Leg, ...] = (CollateralTransfer(config.venue, market.quote, atoms if deposits else -atoms),)
    way = f"to {config.venue}" if deposits else f"back from {config.venue}"
    told = f"{words.dollars(atoms, market)} of {market.quote} {way}, by hand"
    value, cost = micros(desk.view, market.quote, atoms), legs_cost(desk.view, config, terms, legs, ())
    intent = make_intent(desk.view, config, terms, Purpose.REBALANCE, legs, value, cost, told)
    return HandPlan(act, terms, atoms, 1, most, 1, intent, told)


def _may_leave(desk: Desk, config: FundingConfig, market: Instrument) -> int | str:
    account = book_account(desk.book, config.venue, desk.view)
    if isinstance(account, str):
        return f"the account cannot be measured: {account}"
    return withdrawable_atoms(account, market.quote, config.health_withdraw)


# What is shown, and what binds


def _figures(desk: Desk, config: FundingConfig, plan: HandPlan) -> tuple[AccountFigures, AccountFigures]:
    """The account before and after: perp legs at their limits with fees, swaps at what they expect."""
    market = plan.terms.market
    held, perp, spot = read_holdings(desk, config, market), 0, 0
    for leg in plan.intent.legs:
        if isinstance(leg, PerpOrder):
            perp += leg.base_atoms if leg.side is Side.BUY else -leg.base_atoms
        elif isinstance(leg, Swap):
            bought = leg.in_asset == market.quote
            spot += leg.expected_out_atoms if bought else -leg.in_atoms
    after = replace(
        held,
        perp_atoms=held.perp_atoms + perp,
        spot_atoms=held.spot_atoms + spot,
        spot_base_atoms=plan.terms.base_worth(held.spot_atoms + spot),
    )
    return (
        _account_figures(held, book_account(desk.book, config.venue, desk.view), market),
        _account_figures(after, account_after(desk, config, plan.intent.legs), market),
    )


def _account_figures(held: Holdings, account: MarginAccount | str, market: Instrument) -> AccountFigures:
    known = isinstance(account, MarginAccount) and bool(account.holdings or account.exposures)
    margin = assess(account) if isinstance(account, MarginAccount) and known else None
    liquidation = liquidation_px(account, market.id) if isinstance(account, MarginAccount) and known else None
    return AccountFigures(
        spot_atoms=held.spot_base_atoms,
        perp_atoms=held.perp_atoms,
        delta_atoms=held.delta_atoms,
        collateral_atoms=margin.total_collateral_atoms if margin is not None else 0,
        free_collateral_atoms=margin.free_collateral_atoms if margin is not None else None,
        health=margin.health if margin is not None else None,
        liquidation_px=liquidation,
        leverage=margin.leverage if margin is not None and math.isfinite(margin.leverage) else None,
    )


def _shown_legs(intent: Intent) -> tuple[ShownLeg, ...]:
    found = []
    for leg in intent.legs:
        if isinstance(leg, PerpOrder):
            found.append(ShownLeg(leg.instrument, leg.side is Side.BUY, limit_px=leg.limit_px))
        elif isinstance(leg, Swap):
            found.append(
                ShownLeg(leg.instrument, not _sells(leg), in_atoms=leg.in_atoms, min_out_atoms=leg.min_out_atoms)
            )
    return tuple(found)


def _bound(intent: Intent, shown: Shown) -> Intent | Rejection:
    """The intent with limits no looser than those shown; refused where the fresh quotes are beyond them."""
    legs: list[Leg] = []
    for leg in intent.legs:
        bound = leg if isinstance(leg, CollateralTransfer) else _bound_leg(leg, shown)
        if isinstance(bound, Rejection):
            return bound
        legs.append(bound)
    return replace(intent, legs=tuple(legs))


def _bound_leg(leg: PerpOrder | Swap, shown: Shown) -> PerpOrder | Swap | Rejection:
    known = {(seen.instrument, seen.buys): seen for seen in shown.legs}
    if isinstance(leg, PerpOrder):
        buys = leg.side is Side.BUY
        limit = known.get((leg.instrument, buys))
        if limit is None or (leg.expected_px > limit.limit_px if buys else leg.expected_px < limit.limit_px):
            return _stale(f"the market moved: {leg.instrument} is now beyond the limit that was shown")
        return replace(leg, limit_px=(min if buys else max)(leg.limit_px, limit.limit_px))
    limit = known.get((leg.instrument, not _sells(leg)))
    if limit is None or leg.expected_out_atoms * limit.in_atoms < limit.min_out_atoms * leg.in_atoms:
        return _stale(f"the market moved: {leg.instrument} is now beyond the limit that was shown")
    least = mul_div(limit.min_out_atoms, leg.in_atoms, limit.in_atoms, Rounding.UP)
    return replace(leg, min_out_atoms=max(leg.min_out_atoms, least))


def _sells(leg: Swap) -> bool:
    return leg.instrument.startswith(f"{leg.in_asset}/")
