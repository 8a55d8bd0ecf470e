"""Scalp's intents: an entry with its honest edge and cost, and an exit that widens with each attempt."""

from __future__ import annotations

from phantom_arbiter.core.desk import Desk
from phantom_arbiter.core.intents import Cost, Intent, Policy, Purpose
from phantom_arbiter.core.units import Rounding, mul_div, power_of_ten
from phantom_arbiter.engines.scalp.settings import Holding, PodConfig, ScalpConfig
from phantom_arbiter.engines.spot_quote import SwapQuote, pools_between, sell_quote, transaction_fees


def entry(
    desk: Desk,
    config: ScalpConfig,
    pod: PodConfig,
    instrument_id: str,
    position_id: str,
    edge_bps: float,
    now_ns: int,
) -> Intent | None:
    """Buy the token with its quote asset, ``pod.trade_micros`` worth; None without prices or capital.

    Cost is the round trip: pool fee and impact of the way in, the same again for the way out, and two transactions.
    """
    view, instrument = desk.view, desk.view.universe.instruments[instrument_id]
    price = view.usd_price(instrument.quote)
    if price is None:
        return None
    wanted = int(pod.trade_micros / 1_000_000 / price * power_of_ten(instrument.quote_decimals))
    spend = min(wanted, _spendable(desk, instrument.quote))
    if spend * 2 < wanted:
        return None
    pools = pools_between(view, instrument.base, instrument.quote)
    quoted = sell_quote(view, instrument, pools, instrument.quote, spend)
    if quoted is None or quoted.out_atoms <= 0:
        return None
    notional = view.usd_micros(instrument.quote, spend) or 0
    base_lamports, priority = transaction_fees(view, config.compute_units)
    return Intent(
        engine=desk.engine,
        pod=pod.name,
        purpose=Purpose.ENTRY,
        policy=Policy.SEQUENTIAL,
        legs=(quoted.leg(config.entry_slippage_bps),),
        notional_micros=notional,
        edge_bps=edge_bps,
        cost=_cost(desk, quoted, notional, base_lamports, priority),
        expires_ns=now_ns + config.intent_life_ns,
        reason=(
            f"{pod.name}: {pod.strategy} on {instrument.base}; its trials have shown {edge_bps:+.1f} bps, "
            f"target {pod.target_bps} bps, stop {pod.stop_bps} bps, {pod.timeout_ns // 10**9} s"
        ),
        position_id=position_id,
        priority_lamports=priority,
        p_fail_bps=config.p_fail_bps,
    )


def leave(desk: Desk, config: ScalpConfig, position_id: str, holding: Holding, why: str, now_ns: int) -> Intent | None:
    """Sell the whole lot; each failed attempt allows more slippage. None where nothing pays for it now."""
    lot = desk.book.lots.get(position_id)
    if lot is None:
        return None
    view, instrument = desk.view, desk.view.universe.instruments[holding.instrument]
    pools = pools_between(view, instrument.base, instrument.quote)
    quoted = sell_quote(view, instrument, pools, instrument.base, lot.atoms)
    if quoted is None or quoted.out_atoms <= 0:
        return None
    slippage_bps = config.exit_slippage_bps[min(holding.exits, len(config.exit_slippage_bps) - 1)]
    _, priority = transaction_fees(view, config.compute_units)
    return Intent(
        engine=desk.engine,
        pod=holding.pod,
        purpose=Purpose.EXIT,
        policy=Policy.SEQUENTIAL,
        legs=(quoted.leg(slippage_bps, from_position=True),),
        notional_micros=max(1, view.usd_micros(instrument.quote, quoted.out_atoms) or 0),
        edge_bps=0.0,
        cost=Cost(),
        expires_ns=now_ns + config.intent_life_ns,
        reason=f"{holding.pod}: leave {instrument.base}: {why}" + _attempt(holding.exits),
        position_id=position_id,
        priority_lamports=priority,
        p_fail_bps=config.p_fail_bps,
    )


def _spendable(desk: Desk, asset: str) -> int:
    """Free capital, less half a SOL for fees and rent where it is SOL."""
    free = desk.available(asset)
    return max(0, free - 500_000_000) if asset == "SOL" else free


def _cost(desk: Desk, quoted: SwapQuote, notional: int, base_lamports: int, priority: int) -> Cost:
    lose = mul_div(quoted.impact_atoms, notional, max(1, quoted.out_atoms), Rounding.UP)
    fee = mul_div(quoted.fee_atoms, notional, quoted.in_atoms, Rounding.UP)
    return Cost(
        pool_fee_micros=2 * fee,
        slippage_micros=2 * lose,
        base_fee_micros=2 * (desk.view.usd_micros("SOL", base_lamports) or 0),
        priority_micros=2 * (desk.view.usd_micros("SOL", priority) or 0),
    )


def _attempt(exits: int) -> str:
    return f", attempt {exits + 1}" if exits else ""
