"""Legs and costs of every move the funding engine can make. Pure: a desk in, an intent or a reason out."""

from __future__ import annotations

import math

from msgspec import Struct
from msgspec.structs import replace

from phantom_arbiter.core.desk import Desk
from phantom_arbiter.core.events import PoolUpdated, Quoted
from phantom_arbiter.core.instruments import Instrument, InstrumentKind
from phantom_arbiter.core.intents import CollateralTransfer, Cost, Intent, Leg, PerpOrder, Policy, Purpose, Side
from phantom_arbiter.core.units import BPS, MICROS_PER_USD, Rounding, mul_div, power_of_ten
from phantom_arbiter.core.view import MarketView
from phantom_arbiter.engines.funding.account import Holdings, redemption
from phantom_arbiter.engines.funding.saga import largest_notional_micros
from phantom_arbiter.engines.funding.settings import FundingConfig
from phantom_arbiter.engines.spot_quote import (
    SwapQuote,
    buy_quote,
    pools_between,
    reserves_for,
    sell_quote,
    transaction_fees,
)

POD = "carry"


class Terms(Struct, frozen=True):
    """The instruments a plan is made with, the perp's last quote and its age.

    ``spot.base`` is the token of the spot leg: the market's base, or an LST of it. ``rate_base`` base atoms of the
    market are worth ``rate_tokens`` atoms of that token (an LST at its pool's redemption rate).
    """

    market: Instrument
    spot: Instrument
    perp_quote: Quoted
    age_ns: int
    rate_base: int
    rate_tokens: int

    def base_worth(self, token_atoms: int) -> int:
        """What atoms of the spot token are worth in base atoms of the market, rounded down."""
        return mul_div(token_atoms, self.rate_base, self.rate_tokens, Rounding.DOWN)

    def tokens_for(self, base_atoms: int) -> int:
        """Atoms of the spot token that are worth at least ``base_atoms`` (unsigned) of the market."""
        return mul_div(base_atoms, self.rate_tokens, self.rate_base, Rounding.UP)


class Capital(Struct, frozen=True):
    """What an opening may use, in quote atoms: ``free_atoms`` in the wallet, ``margin_atoms`` at the venue that back
    nothing yet."""

    free_atoms: int
    margin_atoms: int


class Entry(Struct, frozen=True):
    """An opening, sized and priced: what the short and the spot leg take, and the round trip's cost.

    ``max_atoms`` is the largest base size that capital, settings and depth allow; ``margin_atoms`` what backs the
    short, ``deposit_atoms`` what of it has to be moved to the venue. ``premium_bps``: how far the spot token's price
    lies above its redemption value (see `premium_bps`); its loss is part of ``cost``.
    """

    base_atoms: int
    max_atoms: int
    margin_atoms: int
    deposit_atoms: int
    buy: SwapQuote
    notional_micros: int
    cost: Cost
    premium_bps: float = 0.0

    @property
    def cost_fraction(self) -> float:
        """The round trip as a fraction of the notional."""
        return self.cost.total_micros / self.notional_micros

    @property
    def capital_atoms(self) -> int:
        """Quote atoms that the position ties up."""
        return self.buy.in_atoms + self.margin_atoms


def read_terms(view: MarketView, market_id: str, asset: str) -> Terms | str:
    """Instruments, the perp's quote and the rate of a position in ``market_id`` hedged with ``asset``; a string says
    what is missing."""
    instruments = view.universe.instruments
    market = instruments.get(market_id)
    if market is None or market.kind is not InstrumentKind.PERP:
        return f"{market_id} is not traded here"
    spot = instruments.get(f"{asset}/{market.quote}")
    if spot is None:
        return f"{market_id}: {asset}/{market.quote} is not traded here, so it cannot be hedged"
    envelope = view.quotes.get(market_id)
    if envelope is None or not isinstance(envelope.body, Quoted):
        return f"no quote of {market_id} yet"
    rate = redemption(view, market, asset)
    if rate is None:
        return f"no reading of {asset}'s stake pool yet"
    return Terms(market, spot, envelope.body, view.age_ns(envelope), *rate)


def capital_now(desk: Desk, config: FundingConfig, terms: Terms, held: Holdings) -> Capital:
    """What is free now, beside what backs the position that is held."""
    used = _margin_for(config, terms, abs(held.perp_atoms))
    free = desk.available(terms.market.quote) * config.capital_use_bps // BPS
    return Capital(free, max(0, held.withdrawable_atoms - used))


def capital_freed(desk: Desk, config: FundingConfig, terms: Terms, held: Holdings, equity_atoms: int) -> Capital:
    """What would be free if the position were closed: the spot leg at the perp's bid, and the venue's equity."""
    spot = terms.market.quote_atoms(held.spot_base_atoms, terms.perp_quote.bid_px, Rounding.DOWN)
    free = (desk.available(terms.market.quote) + spot) * config.capital_use_bps // BPS
    return Capital(free, max(0, equity_atoms))


def plan_entry(
    desk: Desk, config: FundingConfig, terms: Terms, capital: Capital, wanted_atoms: int | None = None
) -> Entry | str:
    """The largest opening that ``capital``, the size limit and the pool's depth allow, or one of ``wanted_atoms`` base
    atoms where that is less; a string says why there is none."""
    if terms.age_ns > config.max_age_ns:
        return f"the quote of {terms.market.id} is {terms.age_ns // 10**9} s old"
    pools = pools_between(desk.view, terms.spot.base, terms.spot.quote)
    most = _most_atoms(config, terms, capital, pools)
    base = most if wanted_atoms is None else min(most, wanted_atoms)
    if base < max(1, terms.market.min_base_atoms):
        return (
            f"too little {terms.spot.quote}, or too thin a market, for the smallest hedged {terms.market.id} position"
        )
    buy = buy_quote(desk.view, terms.spot, pools, terms.spot.base, terms.tokens_for(base))
    if buy is None:
        return f"no market for {terms.spot.id}"
    margin = _margin_for(config, terms, base)
    deposit = max(0, margin - capital.margin_atoms)
    if buy.in_atoms + deposit > capital.free_atoms * BPS // config.capital_use_bps:
        return f"{terms.spot.id} costs more than the free {terms.spot.quote} leaves beside the margin"
    notional = notional_micros(desk.view, terms, base)
    if not notional:
        return f"no price of {terms.market.base}"
    sell = sell_quote(desk.view, terms.spot, pools, terms.spot.base, terms.tokens_for(base))
    cost, premium = round_trip_cost(desk.view, config, terms, base, buy, sell), premium_bps(desk.view, terms, buy)
    lost = math.ceil(notional * max(0.0, premium) / BPS)
    cost = replace(cost, slippage_micros=cost.slippage_micros + lost)
    return Entry(base, most, margin, deposit, buy, notional, cost, premium)


def premium_bps(view: MarketView, terms: Terms, buy: SwapQuote) -> float:
    """How far the price of an LST, fee and impact aside, lies above what it redeems for at SOL's price, in bps;
    negative below it, 0 for the base itself. What is paid above is lost once it is redeemed, or sold at par."""
    redeems = view.usd_micros(terms.market.base, terms.base_worth(buy.out_atoms + buy.impact_atoms))
    if terms.spot.base == terms.market.base or not redeems:
        return 0.0
    return (micros(view, buy.in_asset, buy.in_atoms - buy.fee_atoms) / redeems - 1.0) * BPS


def _margin_for(config: FundingConfig, terms: Terms, base_atoms: int) -> int:
    """The margin put behind a short of ``base_atoms``, rounded up."""
    value = terms.market.quote_atoms(base_atoms, terms.perp_quote.ask_px, Rounding.UP)
    return mul_div(value, config.margin_bps, BPS, Rounding.UP)


def _most_atoms(config: FundingConfig, terms: Terms, capital: Capital, pools: list[PoolUpdated]) -> int:
    ask_px, spread = terms.perp_quote.ask_px, BPS + config.max_impact_bps
    budget = (capital.free_atoms + capital.margin_atoms) * BPS // (spread + config.margin_bps)
    quote = min(budget, capital.free_atoms * BPS // spread, config.max_notional_atoms)
    naked = largest_notional_micros(config) * power_of_ten(terms.market.quote_decimals) // MICROS_PER_USD
    base = terms.market.base_atoms(min(quote, naked), ask_px, Rounding.DOWN)
    if pools:
        deepest = max(reserves_for(pool, terms.spot.base)[0] for pool in pools)
        base = min(base, terms.base_worth(deepest * config.max_impact_bps // BPS))
    return base // terms.market.step_base_atoms * terms.market.step_base_atoms


def entry_legs(config: FundingConfig, terms: Terms, entry: Entry) -> tuple[Leg, ...]:
    """Margin, then the short, then the spot leg.

    The short goes first as its fill is the uncertain one: a venue can refuse it, or fill part of it. Refused, nothing
    was traded; partly filled, the spot leg hedges what filled (``hedges``). A swap is all or nothing, and the way back
    out of a lone short costs one taker fee, out of lone spot a pool fee each way.
    """
    spot = entry.buy.leg(config.slippage_bps)
    short = perp_order(config, terms, -entry.base_atoms)
    if not entry.deposit_atoms:
        return short, replace(spot, hedges=0)
    return CollateralTransfer(config.venue, terms.market.quote, entry.deposit_atoms), short, replace(spot, hedges=1)


def perp_order(config: FundingConfig, terms: Terms, base_atoms: int, *, reduce_only: bool = False) -> PerpOrder:
    """A marketable order of signed ``base_atoms`` (negative sells) with the slippage limit, rounded for us."""
    if base_atoms < 0:
        px = terms.perp_quote.bid_px
        limit, side = mul_div(px, BPS - config.slippage_bps, BPS, Rounding.UP), Side.SELL
    else:
        px = terms.perp_quote.ask_px
        limit, side = mul_div(px, BPS + config.slippage_bps, BPS, Rounding.DOWN), Side.BUY
    return PerpOrder(terms.market.id, config.venue, side, abs(base_atoms), px, limit, reduce_only)


def sell_spot(desk: Desk, terms: Terms, atoms: int) -> SwapQuote | None:
    """The best sale of ``atoms`` of the spot token now."""
    pools = pools_between(desk.view, terms.spot.base, terms.spot.quote)
    return sell_quote(desk.view, terms.spot, pools, terms.spot.base, atoms)


def buy_spot(desk: Desk, terms: Terms, atoms: int) -> SwapQuote | None:
    """The cheapest purchase of at least ``atoms`` of the spot token now."""
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


def notional_micros(view: MarketView, terms: Terms, base_atoms: int) -> int:
    """What base atoms of the market are worth in millionths of a dollar at the oracle, else the bid, rounded down."""
    oracle = view.oracle(terms.market.id)
    px = oracle.px if oracle is not None else terms.perp_quote.bid_px
    return micros(view, terms.market.quote, terms.market.quote_atoms(base_atoms, px, Rounding.DOWN))


def entry_intent(
    view: MarketView, config: FundingConfig, terms: Terms, entry: Entry, edge_bps: float, reason: str
) -> Intent:
    """The entry as it is put before the gates; ``edge_bps`` is gross of its costs, over the horizon."""
    legs, value = entry_legs(config, terms, entry), entry.notional_micros
    return make_intent(view, config, terms, Purpose.ENTRY, legs, value, entry.cost, reason, edge_bps)


def make_intent(
    view: MarketView,
    config: FundingConfig,
    terms: Terms,
    purpose: Purpose,
    legs: tuple[Leg, ...],
    notional_micros: int,
    cost: Cost,
    reason: str,
    edge_bps: float = 0.0,
) -> Intent:
    """An intent of this engine's one position; its market's id is the position's."""
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
        position_id=terms.market.id,
        priority_lamports=priority,
    )
