"""Legs and costs of every move the funding engine can make. Pure: a desk in, an intent or a reason out."""

from __future__ import annotations

from msgspec import Struct

from phantom_arbiter.core.desk import Desk
from phantom_arbiter.core.events import Quoted
from phantom_arbiter.core.instruments import Instrument
from phantom_arbiter.core.intents import CollateralTransfer, Cost, Intent, Leg, PerpOrder, Policy, Purpose, Side
from phantom_arbiter.core.units import BPS, Rounding, mul_div
from phantom_arbiter.core.view import MarketView
from phantom_arbiter.engines.funding.account import Holdings
from phantom_arbiter.engines.funding.settings import POSITION_ID, FundingConfig
from phantom_arbiter.engines.spot_quote import SwapQuote, buy_quote, pools_between, sell_quote, transaction_fees

POD = "carry"


class Terms(Struct, frozen=True):
    """The instruments a plan is made with, the perp's last quote and its age."""

    market: Instrument
    spot: Instrument
    perp_quote: Quoted
    age_ns: int


class Entry(Struct, frozen=True):
    """An opening, sized and priced: what the short and the spot leg take, and the round trip's cost."""

    base_atoms: int
    deposit_atoms: int
    buy: SwapQuote
    notional_micros: int
    cost: Cost

    @property
    def cost_fraction(self) -> float:
        """The round trip as a fraction of the notional."""
        return self.cost.total_micros / self.notional_micros


def read_terms(view: MarketView, config: FundingConfig) -> Terms | str:
    """Instruments and the perp's quote; a string says what is missing."""
    market = view.universe.instruments.get(config.market)
    spot = view.universe.instruments.get(config.spot)
    if market is None or spot is None:
        return f"{config.market if market is None else config.spot} is not traded here"
    envelope = view.quotes.get(config.market)
    if envelope is None or not isinstance(envelope.body, Quoted):
        return f"no quote of {config.market} yet"
    return Terms(market, spot, envelope.body, view.age_ns(envelope))


def plan_entry(desk: Desk, config: FundingConfig, terms: Terms, held: Holdings) -> Entry | str:
    """The largest opening that capital, the size limit and the pool's depth allow; a string says why there is none."""
    if terms.age_ns > config.max_age_ns:
        return f"the quote of {config.market} is {terms.age_ns // 10**9} s old"
    pools = pools_between(desk.view, terms.spot.base, terms.spot.quote)
    free = desk.available(terms.spot.quote) * config.capital_use_bps // BPS
    ask_px = terms.perp_quote.ask_px
    budget = (free + held.collateral_atoms) * BPS // (BPS + config.margin_bps + config.max_impact_bps)
    base = min(
        terms.market.base_atoms(budget, ask_px, Rounding.DOWN),
        terms.market.base_atoms(free * BPS // (BPS + config.max_impact_bps), ask_px, Rounding.DOWN),
        config.max_base_atoms,
    )
    if pools:
        deepest = max(p.reserve_0_atoms if p.asset_0 == terms.spot.base else p.reserve_1_atoms for p in pools)
        base = min(base, deepest * config.max_impact_bps // BPS)
    base = base // terms.market.step_base_atoms * terms.market.step_base_atoms
    if base < max(1, terms.market.min_base_atoms):
        return f"too little {terms.spot.quote} for the smallest hedged position"
    buy = buy_quote(desk.view, terms.spot, pools, terms.spot.base, base)
    if buy is None:
        return f"no market for {config.spot}"
    wanted = terms.market.quote_atoms(base, ask_px, Rounding.UP) * config.margin_bps // BPS
    deposit = max(0, wanted - held.collateral_atoms)
    if buy.in_atoms + deposit > desk.available(terms.spot.quote):
        return f"{config.spot} costs more than the free {terms.spot.quote} leaves beside the margin"
    notional = desk.view.usd_micros(terms.spot.base, base)
    if not notional:
        return f"no price of {terms.spot.base}"
    sell = sell_quote(desk.view, terms.spot, pools, terms.spot.base, base)
    cost = round_trip_cost(desk.view, config, terms, base, buy, sell)
    return Entry(base, deposit, buy, notional, cost)


def entry_legs(config: FundingConfig, terms: Terms, entry: Entry) -> tuple[Leg, ...]:
    """Margin, then the short, then the spot leg.

    The short goes first as its fill is the uncertain one: a venue can refuse it, or fill part of it. Refused, nothing
    was traded; partly filled, the order ends there, and the engine buys exactly what the fill needs. A swap is all or
    nothing, and the way back out of a lone short costs one taker fee, out of lone spot a pool fee each way.
    """
    legs: tuple[Leg, ...] = (perp_order(config, terms, -entry.base_atoms), entry.buy.leg(config.slippage_bps))
    if entry.deposit_atoms:
        legs = (CollateralTransfer(config.venue, terms.market.quote, entry.deposit_atoms), *legs)
    return legs


def perp_order(config: FundingConfig, terms: Terms, base_atoms: int, *, reduce_only: bool = False) -> PerpOrder:
    """A marketable order of signed ``base_atoms`` (negative sells) with the slippage limit, rounded for us."""
    if base_atoms < 0:
        px = terms.perp_quote.bid_px
        limit, side = mul_div(px, BPS - config.slippage_bps, BPS, Rounding.UP), Side.SELL
    else:
        px = terms.perp_quote.ask_px
        limit, side = mul_div(px, BPS + config.slippage_bps, BPS, Rounding.DOWN), Side.BUY
    return PerpOrder(config.market, config.venue, side, abs(base_atoms), px, limit, reduce_only)


def sell_spot(desk: Desk, terms: Terms, atoms: int) -> SwapQuote | None:
    """The best sale of the spot leg now."""
    pools = pools_between(desk.view, terms.spot.base, terms.spot.quote)
    return sell_quote(desk.view, terms.spot, pools, terms.spot.base, atoms)


def buy_spot(desk: Desk, terms: Terms, atoms: int) -> SwapQuote | None:
    """The best purchase of the spot leg now."""
    pools = pools_between(desk.view, terms.spot.base, terms.spot.quote)
    return buy_quote(desk.view, terms.spot, pools, terms.spot.base, atoms)


def round_trip_cost(
    view: MarketView, config: FundingConfig, terms: Terms, base_atoms: int, buy: SwapQuote, sell: SwapQuote | None
) -> Cost:
    """In and out again at today's prices. The spot leg costs what buying and selling at once would lose; where no
    sale can be quoted, the way out is reckoned like the way in."""
    quote = terms.perp_quote
    spread = terms.market.quote_atoms(base_atoms, quote.ask_px - quote.bid_px, Rounding.UP)
    way_in = swap_cost(view, buy)
    way_out = swap_cost(view, sell) if sell is not None else way_in
    fee = way_in.pool_fee_micros + way_out.pool_fee_micros
    loss = fee + way_in.slippage_micros + way_out.slippage_micros
    if sell is not None:
        loss = max(0, micros(view, terms.spot.quote, buy.in_atoms - sell.out_atoms))
    base_fee, priority = transaction_fees(view, config.compute_units)
    transactions = 6  # deposit, short, buy; cover, sell, withdraw
    return Cost(
        pool_fee_micros=min(fee, loss),
        perp_fee_micros=2 * perp_fee_micros(view, config, terms, base_atoms),
        base_fee_micros=micros(view, "SOL", base_fee * transactions),
        priority_micros=micros(view, "SOL", priority * transactions),
        slippage_micros=loss - min(fee, loss) + micros(view, terms.market.quote, spread),
    )


def perp_fee_micros(view: MarketView, config: FundingConfig, terms: Terms, base_atoms: int) -> int:
    """One taker fee, rounded up."""
    value = terms.market.quote_atoms(base_atoms, terms.perp_quote.ask_px, Rounding.UP)
    fee = mul_div(value, round(config.taker_fee_bps * 100), BPS * 100, Rounding.UP)
    return micros(view, terms.market.quote, fee)


def swap_cost(view: MarketView, swap: SwapQuote) -> Cost:
    """Pool fee and impact of one swap."""
    return Cost(
        pool_fee_micros=micros(view, swap.in_asset, swap.fee_atoms),
        slippage_micros=micros(view, swap.out_asset, swap.impact_atoms),
    )


def legs_cost(
    view: MarketView, config: FundingConfig, terms: Terms, legs: tuple[Leg, ...], swaps: tuple[SwapQuote, ...]
) -> Cost:
    """One way only: what these legs pay now."""
    base_fee, priority = transaction_fees(view, config.compute_units)
    parts = [swap_cost(view, swap) for swap in swaps]
    perps = [leg for leg in legs if isinstance(leg, PerpOrder)]
    return Cost(
        pool_fee_micros=sum(part.pool_fee_micros for part in parts),
        perp_fee_micros=sum(perp_fee_micros(view, config, terms, leg.base_atoms) for leg in perps),
        base_fee_micros=micros(view, "SOL", base_fee * len(legs)),
        priority_micros=micros(view, "SOL", priority * len(legs)),
        slippage_micros=sum(part.slippage_micros for part in parts),
    )


def micros(view: MarketView, asset: str, atoms: int) -> int:
    """USD value for a cost line; 0 where no price is known."""
    return view.usd_micros(asset, atoms) or 0


def make_intent(
    view: MarketView,
    config: FundingConfig,
    purpose: Purpose,
    legs: tuple[Leg, ...],
    notional_micros: int,
    cost: Cost,
    reason: str,
    edge_bps: float = 0.0,
) -> Intent:
    """An intent of this engine's one position."""
    _, priority = transaction_fees(view, config.compute_units)
    return Intent(
        engine="funding",
        pod=POD,
        purpose=purpose,
        policy=Policy.SEQUENTIAL,
        legs=legs,
        notional_micros=notional_micros,
        edge_bps=edge_bps,
        cost=cost,
        expires_ns=view.now_ns + config.intent_life_ns,
        reason=reason,
        position_id=POSITION_ID,
        priority_lamports=priority,
    )
