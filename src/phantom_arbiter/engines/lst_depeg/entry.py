"""Sizing and pricing a purchase: what it would bring by its worse way out, and what it costs."""

from __future__ import annotations

from msgspec import Struct

from phantom_arbiter.core.desk import Desk
from phantom_arbiter.core.events import Envelope, PoolUpdated
from phantom_arbiter.core.instruments import Instrument
from phantom_arbiter.core.intents import Cost, Intent, Policy, Purpose
from phantom_arbiter.core.reservation_plan import TOKEN_ACCOUNT_RENT_LAMPORTS
from phantom_arbiter.core.units import BPS, LAMPORTS_PER_SOL, Rounding
from phantom_arbiter.core.view import MarketView
from phantom_arbiter.engines.lst_depeg import market
from phantom_arbiter.engines.lst_depeg.fair_value import FairValue, fair_value
from phantom_arbiter.engines.lst_depeg.settings import LstConfig, TokenState
from phantom_arbiter.engines.sol_price import SolPrice
from phantom_arbiter.engines.spot_quote import SwapQuote, transaction_fees

POD = "depeg"


class WayOut(Struct, frozen=True, gc=False):
    """A way to end a purchase: gross edge in bps of the SOL spent, and all costs in lamports."""

    name: str
    edge_bps: float
    pool_fee_lamports: int
    impact_lamports: int
    transactions: int

    def net_lamports(self, spent: int, fees: tuple[int, int]) -> float:
        """What is left of ``spent`` lamports' edge after every cost."""
        gross = spent * self.edge_bps / BPS
        return gross - self.pool_fee_lamports - self.impact_lamports - self.transactions * sum(fees)


def affordable_lamports(desk: Desk, config: LstConfig) -> int:
    """The most the caps and the free SOL leave for one more purchase."""
    free = desk.available("SOL") - config.sol_reserve_lamports
    invested = sum(lot.cost_atoms for lot in desk.book.lots.values() if lot.cost_asset == "SOL")
    capital = desk.available("SOL") + invested
    left = capital * config.total_cap_bps // BPS - invested
    return max(0, min(free, left, capital * config.token_cap_bps // BPS))


def plan_entry(
    desk: Desk,
    config: LstConfig,
    sol: SolPrice,
    instrument: Instrument,
    pools: list[PoolUpdated],
    reading: Envelope,
    state: TokenState,
) -> Intent | str:
    """A purchase with its honest edge; a string says why none can be put forward."""
    view = desk.view
    cap = affordable_lamports(desk, config)
    if cap < config.min_buy_lamports:
        return f"too little free SOL: {cap / LAMPORTS_PER_SOL:.2f} after caps and reserve"
    mid = market.market_mid(view, instrument, pools)
    if mid is None or mid <= 0.0:
        return f"no market for {instrument.id}"
    fair = fair_value(view, config, reading, state, max(1, int(cap / mid)))
    spend = _size(view, config, instrument, pools, fair, cap)
    bought = market.buy(view, instrument, pools, spend)
    notional = sol.micros(spend)
    if bought is None or not notional:
        return (
            f"no quote for {spend / LAMPORTS_PER_SOL:.2f} SOL of {instrument.base}" if notional else "no price of SOL"
        )
    fair = fair_value(view, config, reading, state, bought.out_atoms)
    pool = next((pool for pool in pools if pool.pool == bought.pool), None)
    fees = transaction_fees(view, config.compute_units)
    ways = _ways_out(config, bought, fair, pool, market.pool_mid(pool) if pool is not None else mid)
    worst = min(ways, key=lambda way: way.net_lamports(spend, fees))
    rent = 0 if state.account_open else TOKEN_ACCOUNT_RENT_LAMPORTS
    cost = _cost(sol, worst, fees, rent)
    return Intent(
        engine="lst",
        pod=POD,
        purpose=Purpose.ENTRY,
        policy=Policy.ATOMIC,
        legs=(bought.leg(config.slippage_bps),),
        notional_micros=notional,
        edge_bps=worst.edge_bps,
        cost=cost,
        expires_ns=view.now_ns + config.intent_life_ns,
        reason=_reason(instrument, bought, fair, mid, worst, cost, notional),
        position_id=instrument.base,
        priority_lamports=fees[1],
    )


def _size(
    view: MarketView, config: LstConfig, instrument: Instrument, pools: list[PoolUpdated], fair: FairValue, cap: int
) -> int:
    """Lamports to spend: until the marginal price reaches what the token is worth to us, or at a quote's depth what
    brings most by its worse way out, within ``cap``; at least ``min_buy_lamports``, so that a candidate below
    break-even is shown with its negative edge."""
    kept = 1.0 - config.risk_bps / BPS
    re_pegged = fair.rate * (1.0 - config.exit_band_bps / BPS)
    if pools:
        pool = min(pools, key=lambda pool: market.pool_mid(pool) * pool.fee_den / (pool.fee_den - pool.fee_num))
        keep = 1.0 - pool.fee_num / pool.fee_den
        value = min(re_pegged * keep, fair.hold) * kept
        wanted = int(market.worthwhile_lamports(pool, value)) if value > 0.0 else 0
    else:
        quote = view.quote(instrument.id)
        offered = instrument.quote_atoms(quote.ask_atoms, quote.ask_px, Rounding.DOWN) if quote is not None else 0
        wanted = offered or cap
        if quote is not None and quote.depth_quote_atoms:
            per_px = 10.0 ** (instrument.quote_decimals - instrument.base_decimals - instrument.price_decimals)
            ways = ((re_pegged * kept, 2), (fair.hold * kept, 1))
            best = min(market.worthwhile_at_touch(quote, per_px, value, impacts) for value, impacts in ways)
            wanted = min(wanted, int(best))
    return max(config.min_buy_lamports, min(cap, wanted))


def _ways_out(
    config: LstConfig, bought: SwapQuote, fair: FairValue, pool: PoolUpdated | None, mid: float
) -> tuple[WayOut, WayOut]:
    """The market's re-peg (less the pool's fee and the same impact again), and the better redemption."""
    fee_share = pool.fee_num / pool.fee_den if pool is not None else 0.0
    impact = -int(-bought.impact_atoms * mid // 1)
    exit_fee = -int(-bought.out_atoms * fair.rate * fee_share // 1)
    kept = 1.0 - config.risk_bps / BPS
    re_peg = (fair.rate * (1.0 - config.exit_band_bps / BPS) * kept / mid - 1.0) * BPS
    return (
        WayOut("the market's re-peg", re_peg, bought.fee_atoms + exit_fee, 2 * impact, 2),
        WayOut("redemption", (fair.hold * kept / mid - 1.0) * BPS, bought.fee_atoms, impact, 1),
    )


def _cost(sol: SolPrice, way: WayOut, fees: tuple[int, int], rent_lamports: int) -> Cost:
    def micros(lamports: int) -> int:
        return sol.micros(lamports) or 0

    return Cost(
        pool_fee_micros=micros(way.pool_fee_lamports),
        base_fee_micros=micros(way.transactions * fees[0]),
        priority_micros=micros(way.transactions * fees[1]),
        rent_micros=micros(rent_lamports),
        slippage_micros=micros(way.impact_lamports),
    )


def _reason(
    instrument: Instrument, bought: SwapQuote, fair: FairValue, mid: float, way: WayOut, cost: Cost, notional: int
) -> str:
    whole = 10.0**instrument.base_decimals / LAMPORTS_PER_SOL
    return (
        f"{instrument.base} trades at {mid * whole:.5f} SOL, {(1.0 - mid / fair.rate) * BPS:.1f} bps below the "
        f"{fair.rate * whole:.5f} SOL its stake pool owes (break-even {fair.break_even_bps:.1f}): buy for "
        f"{bought.in_atoms / LAMPORTS_PER_SOL:.2f} SOL; the worse way out, {way.name}, brings {way.edge_bps:.1f} bps "
        f"before costs of {cost.total_micros / notional * BPS:.1f} bps"
    )
