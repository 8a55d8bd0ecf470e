"""Gates on the order itself: state, market, size, pace, freshness, capital, slippage.

One pure function each, ``Judgement -> GateResult``; a margin below zero refuses, missing data refuses. Order and
defaults follow the design's reference (pre-trade gates, cheap before expensive).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from phantom_arbiter.core.commands import KillLevel, Mode
from phantom_arbiter.core.desk import Desk
from phantom_arbiter.core.events import Envelope, VenueStatus
from phantom_arbiter.core.intents import CollateralTransfer, PerpOrder, Purpose, Side, Swap
from phantom_arbiter.core.judgement import Judgement, measure, passed, refused
from phantom_arbiter.core.lifecycle import EngineStatus
from phantom_arbiter.core.reservation import Source
from phantom_arbiter.core.reservation_plan import reservation_plan
from phantom_arbiter.core.units import BPS, NS_PER_MINUTE, NS_PER_SECOND, Rounding
from phantom_arbiter.core.verdicts import GateResult

MAX_LEGS: Final = 8


def state(j: Judgement) -> GateResult:
    """Kill switch and the engine's life cycle: entries only while running."""
    if j.intent.purpose is not Purpose.ENTRY:
        return passed("state")
    if j.situation.kill is not None:
        return refused("state", f"the kill switch is on ({KillLevel(j.situation.kill)}): only exits pass")
    if j.situation.status is not EngineStatus.RUNNING:
        return refused("state", f"{j.intent.engine} is {j.situation.status}: only exits pass")
    return passed("state")


def mode(j: Judgement) -> GateResult:
    """Live needs an armed venue; no live venue is wired."""
    if j.situation.mode is Mode.LIVE:
        return refused("mode", "live trading is not available in this version")
    return passed("mode")


def expiry(j: Judgement) -> GateResult:
    """An intent past its expiry is not sent."""
    return measure("expiry", j.now_ns, j.intent.expires_ns, "ns", "the intent's time to be sent has passed")


def market(j: Judgement) -> GateResult:
    """Instruments must be known, and the venue must let us do this."""
    view, entry = j.situation.desk.view, j.intent.purpose is Purpose.ENTRY
    for leg in j.intent.legs:
        if isinstance(leg, Swap) and leg.pool:
            known = view.pool_venue(leg.pool)
            if known is None:
                return refused("market", f"pool {leg.pool} is not known")
            venue = known
        elif isinstance(leg, Swap):
            if leg.instrument not in view.universe.instruments:
                return refused("market", f"instrument {leg.instrument} is not known")
            continue
        else:
            venue = leg.venue
        status = view.venue_status(venue)
        closed = status in (VenueStatus.PAUSED, VenueStatus.ABSENT)
        if closed or (entry and status is not VenueStatus.LIVE):
            return refused("market", f"venue {venue} is {status}")
    return passed("market")


def size(j: Judgement) -> GateResult:
    """One to ``MAX_LEGS`` legs; each has a size, not below the instrument's smallest order."""
    if not j.intent.legs:
        return refused("size", "the intent has no legs")
    if len(j.intent.legs) > MAX_LEGS:
        return measure("size", len(j.intent.legs), MAX_LEGS, "legs", "legs of the intent")
    for leg in j.intent.legs:
        match leg:
            case Swap():
                value, limit = leg.in_atoms, 1
            case PerpOrder():
                instrument = j.situation.desk.view.universe.instruments.get(leg.instrument)
                if instrument is None:
                    return refused("size", f"instrument {leg.instrument} is not known")
                value = leg.base_atoms
                limit = 1 if leg.reduce_only else instrument.min_base_atoms
            case CollateralTransfer():
                value, limit = abs(leg.atoms), 1
        if value < limit:
            return measure("size", value, limit, "atoms", "smaller than the smallest order", at_least=True)
    return passed("size")


def duplicate(j: Judgement) -> GateResult:
    """The same order twice within moments is a slip."""
    seen_ns = j.recent.keys.get(j.key)
    if seen_ns is None:
        return passed("duplicate")
    limit = j.limits.duplicate_ns
    return measure("duplicate", j.now_ns - seen_ns, limit, "ns", "the same order was approved just now", at_least=True)


def rate(j: Judgement) -> GateResult:
    """Orders a second, a minute and an hour, per engine; entries also by how many orders are open."""
    worst = passed("rate")
    if j.intent.purpose is Purpose.ENTRY:
        count = len(j.situation.desk.orders) + 1
        worst = measure("rate", count, j.limits.open_orders, "orders", "open orders")
        if not worst.passed:
            return worst
    for window_ns, limit in (
        (NS_PER_SECOND, j.limits.orders_per_second),
        (NS_PER_MINUTE, j.limits.orders_per_minute),
        (60 * NS_PER_MINUTE, j.limits.orders_per_hour),
    ):
        count = sum(1 for ts_ns in j.recent.approvals_ns if ts_ns > j.now_ns - window_ns) + 1
        result = measure("rate", count, limit, "orders", f"orders within {window_ns // NS_PER_SECOND} s")
        if not result.passed:
            return result
        worst = result
    return worst


def _age(j: Judgement, envelope: Envelope | None, what: str, limit_ns: int) -> GateResult:
    if envelope is None:
        return refused("staleness", f"no {what} was seen")
    if j.intent.purpose is not Purpose.ENTRY:
        limit_ns = max(limit_ns, j.limits.exit_age_ns)
    return measure("staleness", j.now_ns - envelope.ts_ns, limit_ns, "ns", f"age of the last {what}")


def staleness(j: Judgement) -> GateResult:
    """No order on old data: quotes, oracles, pools, and a stake pool of an earlier epoch."""
    view, result = j.situation.desk.view, passed("staleness")
    if j.intent.purpose is Purpose.ENTRY:
        for link in view.links.values():
            if not link.up:
                return refused("staleness", f"feed {link.feed} is down: {link.reason}")
    for leg in j.intent.legs:
        match leg:
            case Swap() if leg.pool:
                result = _age(j, view.pool_told(leg.pool), f"state of pool {leg.pool}", j.limits.pool_age_ns)
            case Swap():
                result = _age(j, view.quotes.get(leg.instrument), f"quote of {leg.instrument}", j.limits.quote_age_ns)
            case PerpOrder():
                oracle = view.oracles.get(leg.instrument)
                result = _age(j, oracle, f"oracle price of {leg.instrument}", j.limits.oracle_age_ns)
            case CollateralTransfer():
                continue
        if not result.passed:
            return result
    return result


def notional(j: Judgement) -> GateResult:
    """The most one order may move, and the most an engine may have in lots and perps with it."""
    value, limit = j.intent.notional_micros, j.limits.order_notional_micros
    if value <= 0:
        return refused("notional", f"notional: got {value}, expected a positive number of micro-dollars")
    if value > limit:
        return measure("notional", value, limit, "usd_micros", "notional of the order")
    for micros in _held_micros(j.situation.desk):
        if micros is None:
            return refused("notional", "what the engine holds has no price")
        value += micros
    return measure("notional", value, j.limits.engine_notional_micros, "usd_micros", "notional of the engine with it")


def _held_micros(desk: Desk) -> Iterator[int | None]:
    for lot in desk.book.lots.values():
        yield desk.view.usd_micros(lot.asset, lot.atoms)
    for position in desk.book.perps.values():
        instrument, oracle = desk.view.universe.instruments[position.instrument], desk.view.oracle(position.instrument)
        if oracle is None:
            yield None
        else:
            quote_atoms = instrument.quote_atoms(abs(position.base_atoms), oracle.px, Rounding.UP)
            yield desk.view.usd_micros(instrument.quote, quote_atoms)


def capital(j: Judgement) -> GateResult:
    """Everything the intent would set aside must be free."""
    desk, wanted = j.situation.desk, dict[tuple[str, Source], int]()
    for need in reservation_plan(j.intent):
        wanted[need.asset, need.source] = wanted.get((need.asset, need.source), 0) + need.atoms
    for (asset, source), atoms in wanted.items():
        free = desk.available(asset) if source is Source.AVAILABLE else desk.deployed(asset)
        if atoms > free:
            return measure("capital", atoms, free, f"{asset} atoms", f"{asset} needed against what is {source}")
    return passed("capital")


def sol_reserve(j: Judgement) -> GateResult:
    """Enough SOL must be left to pay for the way out."""
    spent = sum(
        need.atoms for need in reservation_plan(j.intent) if need.asset == "SOL" and need.source is Source.AVAILABLE
    )
    left = j.situation.desk.available("SOL") - spent
    limit = j.limits.sol_reserve_lamports
    return measure("sol_reserve", left, limit, "lamports", "SOL left for fees", at_least=True)


def slippage(j: Judgement) -> GateResult:
    """How far below the expectation a fill may land."""
    entry = j.intent.purpose is Purpose.ENTRY
    limit = j.limits.slippage_bps if entry else j.limits.exit_slippage_bps
    worst = 0.0
    for leg in j.intent.legs:
        if isinstance(leg, Swap):
            if leg.expected_out_atoms <= 0 or leg.min_out_atoms < 0:
                return refused("slippage", f"{leg.instrument}: expected output must be positive")
            worst = max(worst, (leg.expected_out_atoms - leg.min_out_atoms) * BPS / leg.expected_out_atoms)
        elif isinstance(leg, PerpOrder):
            if leg.expected_px <= 0 or leg.limit_px <= 0:
                return refused("slippage", f"{leg.instrument}: expected and limit price must be positive")
            sign = 1 if leg.side is Side.BUY else -1
            worst = max(worst, sign * (leg.limit_px - leg.expected_px) * BPS / leg.expected_px)
    return measure("slippage", worst, limit, "bps", "worst fill allowed against the expectation")
