"""What the LST page shows, as JSON-ready values."""

from __future__ import annotations

from typing import Any

from phantom_arbiter.core.desk import Desk
from phantom_arbiter.core.events import StakePoolRead
from phantom_arbiter.core.instruments import Instrument
from phantom_arbiter.core.units import BPS, LAMPORTS_PER_SOL
from phantom_arbiter.engines.lst_depeg import market
from phantom_arbiter.engines.lst_depeg.entry import affordable_lamports
from phantom_arbiter.engines.lst_depeg.fair_value import fair_value
from phantom_arbiter.engines.lst_depeg.settings import LstConfig, LstState, TokenState


def lst_panel(desk: Desk, config: LstConfig, state: LstState, pools: dict[str, list[str]]) -> dict[str, Any]:
    """Prices in SOL per token. ``fair_sol`` is the stake pool's rate, ``redemption_sol`` what redeeming brings after
    fees and waiting; ``discount_bps`` positive: the market is below fair; ``band_bps``: the break-even discount.
    Only tokens that facts have spoken of. Times are milliseconds."""
    instruments = desk.view.universe.instruments
    rows, positions = [], []
    for token in config.tokens:
        instrument = instruments.get(f"{token}/SOL")
        if instrument is None:
            continue
        row = _token_row(desk, config, instrument, state.tokens.get(token) or TokenState(), pools.get(token, []))
        if row["price_sol"] is not None or row["fair_sol"] is not None:
            rows.append(row)
        if token in desk.book.lots:
            positions.append(_position_row(desk, config, instrument, row, pools.get(token, [])))
    return {"ts": desk.view.now_ns // 1_000_000, "tokens": rows, "positions": positions}


def _token_row(
    desk: Desk, config: LstConfig, instrument: Instrument, state: TokenState, pool_ids: list[str]
) -> dict[str, Any]:
    whole = 10.0**instrument.base_decimals / LAMPORTS_PER_SOL
    mid = market.market_mid(desk.view, instrument, market.pools_of(desk.view, pool_ids, config.min_pool_lamports))
    row: dict[str, Any] = {
        "token": instrument.base,
        "price_sol": mid * whole if mid is not None else None,
        "fair_sol": None,
        "redemption_sol": None,
        "discount_bps": None,
        "band_bps": None,
        "why_not": f"the stake pool of {instrument.base} was not read",
        "decision": state.decision,
        "decided_ts": state.decided_ns // 1_000_000,
    }
    reading = desk.view.stake_pools.get(instrument.base)
    if reading is None or not isinstance(reading.body, StakePoolRead):
        return row
    pool = reading.body
    lot = desk.book.lots.get(instrument.base)
    spend = max(affordable_lamports(desk, config), config.min_buy_lamports)
    atoms = lot.atoms if lot is not None else spend * pool.supply_atoms // pool.total_lamports
    fair = fair_value(desk.view, config, reading, state, max(1, atoms))
    return row | {
        "fair_sol": fair.rate * whole,
        "redemption_sol": fair.hold * whole,
        "discount_bps": (1.0 - mid / fair.rate) * BPS if mid is not None else None,
        "band_bps": fair.break_even_bps,
        "epoch": pool.epoch,
        "epoch_end_ts": pool.epoch_ends_ts_ns // 1_000_000,
        "instant_fee_bps": pool.instant_fee_ppm / 100,
        "reserve_sol": pool.reserve_lamports / LAMPORTS_PER_SOL,
        "paused": pool.paused,
        "growth_bps": state.growth * BPS,
        "why_not": fair.why_not,
    }


def _position_row(
    desk: Desk, config: LstConfig, instrument: Instrument, row: dict[str, Any], pool_ids: list[str]
) -> dict[str, Any]:
    lot = desk.book.lots[instrument.base]
    size = lot.atoms / 10.0**instrument.base_decimals
    sale = market.sell(desk.view, instrument, market.pools_of(desk.view, pool_ids, 1), lot.atoms)
    profit = desk.view.usd_micros("SOL", sale.out_atoms - lot.cost_atoms) if sale is not None else None
    return {
        "id": lot.position_id,
        "token": lot.asset,
        "size": size,
        "entry_sol": lot.cost_atoms / LAMPORTS_PER_SOL / size if size else None,
        "now_sol": sale.out_atoms / LAMPORTS_PER_SOL / size if sale is not None and size else None,
        "pnl_usd": profit / 1e6 if profit is not None else None,
        "opened_ts": lot.opened_ns // 1_000_000,
        "plan": row["decision"],
        "target_discount_bps": config.exit_band_bps,
    }
