"""When to sell, and the sale."""

from __future__ import annotations

from phantom_arbiter.core.desk import Desk
from phantom_arbiter.core.events import PoolUpdated
from phantom_arbiter.core.instruments import Instrument
from phantom_arbiter.core.intents import Cost, Intent, Policy, Purpose
from phantom_arbiter.core.portfolio import Lot
from phantom_arbiter.core.units import BPS, LAMPORTS_PER_SOL
from phantom_arbiter.engines.lst_depeg import market
from phantom_arbiter.engines.lst_depeg.entry import POD
from phantom_arbiter.engines.lst_depeg.fair_value import FairValue, fair_value
from phantom_arbiter.engines.lst_depeg.settings import LstConfig, TokenState
from phantom_arbiter.engines.sol_price import SolPrice
from phantom_arbiter.engines.spot_quote import SwapQuote, transaction_fees


def plan_exit(
    desk: Desk,
    config: LstConfig,
    sol: SolPrice,
    instrument: Instrument,
    pools: list[PoolUpdated],
    lot: Lot,
    state: TokenState,
) -> Intent | str:
    """The sale, when there is a reason for one; a string says why the token is held on to."""
    sale = market.sell(desk.view, instrument, pools, lot.atoms)
    reading = desk.view.stake_pools.get(lot.asset)
    if sale is None:
        return f"holding: nobody quotes {lot.asset}"
    if reading is None:
        return f"holding: the stake pool of {lot.asset} was not read"
    fair = fair_value(desk.view, config, reading, state, lot.atoms)
    at_bps = (sale.out_atoms / sale.in_atoms / fair.rate - 1.0) * BPS
    held_ns = desk.view.now_ns - lot.opened_ns
    why = _why_sell(config, lot, sale, fair, _mid(desk, instrument, pools, sale), held_ns)
    if why:
        return _sale(desk, config, sol, lot, sale, f"{why}: selling {lot.asset} at {at_bps:+.1f} bps of fair")
    redeeming_bps = (fair.hold / fair.rate - 1.0) * BPS
    return f"holding: the market pays {at_bps:+.1f} bps of fair, all in; redeeming {redeeming_bps:+.1f}"


def _why_sell(config: LstConfig, lot: Lot, sale: SwapQuote, fair: FairValue, mid: float, held_ns: int) -> str:
    """The market's mid is back within the band and the sale covers what was paid (in a thin pool the impact can be
    larger than the gap); or the market beats redeeming; or, at the floor or better, most of the gap is won or
    ``max_hold_ns`` is over. A reading of an earlier epoch is a floor of the rate, and good enough here."""
    paid, bid = lot.cost_atoms / lot.atoms, sale.out_atoms / sale.in_atoms
    if mid >= fair.rate * (1.0 - config.exit_band_bps / BPS) and bid >= paid:
        return "back at its fair value"
    if bid >= fair.hold * (1.0 + config.option_bps / BPS):
        return "the market pays more than redeeming would"
    if bid < fair.rate * (1.0 - config.floor_bps / BPS):
        return ""
    if paid < fair.rate and bid - paid >= config.won_share * (fair.rate - paid):
        return f"{(bid - paid) / (fair.rate - paid):.0%} of the gap is won"
    return "held long enough" if held_ns >= config.max_hold_ns else ""


def sell_now(
    desk: Desk,
    config: LstConfig,
    sol: SolPrice,
    instrument: Instrument,
    pools: list[PoolUpdated],
    lot: Lot,
    reason: str,
) -> Intent | str:
    """The whole lot at what the market pays."""
    sale = market.sell(desk.view, instrument, pools, lot.atoms)
    return f"nobody quotes {lot.asset}: waiting" if sale is None else _sale(desk, config, sol, lot, sale, reason)


def _mid(desk: Desk, instrument: Instrument, pools: list[PoolUpdated], sale: SwapQuote) -> float:
    pool = next((pool for pool in pools if pool.pool == sale.pool), None)
    if pool is not None:
        return market.pool_mid(pool)
    return market.touch_mid(desk.view, instrument) or 0.0


def _sale(desk: Desk, config: LstConfig, sol: SolPrice, lot: Lot, sale: SwapQuote, reason: str) -> Intent:
    view = desk.view
    base_fee, priority = transaction_fees(view, config.compute_units)
    per_atom = sale.out_atoms / sale.in_atoms

    def micros(lamports: float) -> int:
        return sol.micros(round(lamports)) or 0

    result = (sale.out_atoms - lot.cost_atoms) / LAMPORTS_PER_SOL
    return Intent(
        engine="lst",
        pod=POD,
        purpose=Purpose.EXIT,
        policy=Policy.ATOMIC,
        legs=(sale.leg(config.slippage_bps, from_position=True),),
        notional_micros=micros(sale.out_atoms),
        edge_bps=0.0,
        cost=Cost(
            pool_fee_micros=micros(sale.fee_atoms * per_atom),
            base_fee_micros=micros(base_fee),
            priority_micros=micros(priority),
            slippage_micros=micros(sale.impact_atoms),
        ),
        expires_ns=view.now_ns + config.intent_life_ns,
        reason=f"{reason} ({result:+.4f} SOL against what was paid)",
        position_id=lot.position_id,
        priority_lamports=priority,
    )
