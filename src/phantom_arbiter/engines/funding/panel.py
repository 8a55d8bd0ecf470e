"""What the funding page shows, as JSON-ready values."""

from __future__ import annotations

import math
from typing import Any

from phantom_arbiter.core.desk import Desk
from phantom_arbiter.core.health import MarginAccount, liquidation_px
from phantom_arbiter.core.portfolio import Cause
from phantom_arbiter.core.units import BPS, MICROS_PER_USD
from phantom_arbiter.engines.funding import carry
from phantom_arbiter.engines.funding.account import Holdings, read_holdings, read_margin
from phantom_arbiter.engines.funding.settings import POSITION_ID, FundingConfig, FundingState

_ACCOUNT_KEYS = (
    "health",
    "total_collateral",
    "equity",
    "maintenance_margin",
    "free_collateral",
    "leverage",
    "liq_price",
)


def funding_panel(desk: Desk, config: FundingConfig, state: FundingState) -> dict[str, Any]:
    """Dollars, but for ``spot_sol``, ``perp_sol`` (signed) and ``net_delta`` (their sum), in SOL.

    ``drift_pct`` is 100·net_delta/spot. The account's fields are None with no account open; ``equity`` is the venue
    account's, unweighted. ``ts`` and ``decided_ts`` are milliseconds. Carry fields cover ``horizon_hours``.
    """
    known = config.market in desk.view.universe.instruments
    held = read_holdings(desk, config) if known else Holdings(0, 0, 0, 0)
    return {
        "ts": desk.view.now_ns // 1_000_000,
        "spot_sol": held.spot_atoms / 1e9,
        "perp_sol": held.perp_atoms / 1e9,
        "net_delta": held.delta_atoms / 1e9,
        "drift_pct": 100.0 * held.delta_atoms / held.spot_atoms if held.spot_atoms else None,
        "sol_price": desk.view.usd_price("SOL"),
        **_account(desk, config, held),
        **_carry(config, state),
        "funding_received": desk.book.pnl_micros.get(Cause.FUNDING, 0) / MICROS_PER_USD,
        "closing": state.closing,
        "decision": state.decision,
        "decided_ts": state.decided_ns // 1_000_000,
    }


def _account(desk: Desk, config: FundingConfig, held: Holdings) -> dict[str, Any]:
    measured = read_margin(desk, config)
    nothing = held.flat and not held.collateral_atoms
    if measured is None or nothing:
        rows = _positions(desk, config, held, None)
        return {**dict.fromkeys(_ACCOUNT_KEYS), "unsettled_funding": 0.0, "positions": rows}
    account, margin = measured
    liquidation = liquidation_px(account, config.market)
    return {
        "health": margin.health,
        "total_collateral": margin.total_collateral_atoms / 1e6,
        "equity": margin.equity_atoms / 1e6,
        "maintenance_margin": margin.maintenance_atoms / 1e6,
        "free_collateral": margin.free_collateral_atoms / 1e6,
        "leverage": margin.leverage if math.isfinite(margin.leverage) else None,
        "liq_price": liquidation / 1e6 if liquidation is not None else None,
        "unsettled_funding": sum(exposure.funding_atoms for exposure in account.exposures) / 1e6,
        "positions": _positions(desk, config, held, account),
    }


def _positions(
    desk: Desk, config: FundingConfig, held: Holdings, account: MarginAccount | None
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    price = desk.view.usd_price("SOL")
    perp, lot = desk.book.perps.get(config.market), desk.book.lots.get(POSITION_ID)
    if perp is not None and perp.base_atoms:
        size, cash = perp.base_atoms / 1e9, perp.quote_atoms / 1e6
        liquidation = liquidation_px(account, config.market) if account is not None else None
        rows.append(
            _row("perp", config.market, config.venue, size, -cash / size, price)
            | {
                "funding_usd": perp.funding_received_atoms / 1e6,
                "liq_price": liquidation / 1e6 if liquidation is not None else None,
            }
        )
    if lot is not None and lot.atoms:
        entry = lot.cost_atoms / 1e6 / (lot.atoms / 1e9)
        rows.append(_row("spot", config.spot, "wallet", lot.atoms / 1e9, entry, price))
        rows[-1]["opened_ts"] = lot.opened_ns // 1_000_000
    if held.collateral_atoms:
        value = held.collateral_atoms / 1e6
        rows.append(_row("collateral", "USDC", config.venue, value, None, 1.0))
    return rows


def _row(
    kind: str, instrument: str, venue: str, size: float, entry: float | None, price: float | None
) -> dict[str, Any]:
    return {
        "id": POSITION_ID if kind == "perp" else f"{POSITION_ID}:{kind}",
        "engine": "funding",
        "kind": kind,
        "instrument": instrument,
        "venue": venue,
        "size": size,
        "entry_price": entry,
        "mark_price": price,
        "value_usd": abs(size) * price if price is not None else None,
        "pnl_usd": size * (price - entry) if price is not None and entry is not None else None,
    }


def _carry(config: FundingConfig, state: FundingState) -> dict[str, Any]:
    model = carry.model_of(state.history, config)
    if model is None:
        return {"expected_carry_bps": None, "carry_apr": None, "break_even_days": None, "cost_bps": None}
    cost = state.cost_bps / BPS
    expected = carry.expected_carry(model, config.horizon_hours)
    return {
        "expected_carry_bps": expected * BPS,
        "carry_apr": carry.apr(expected / config.horizon_hours),
        "break_even_days": carry.break_even_days(model, cost, 8_760) if cost else None,
        "cost_bps": state.cost_bps or None,
        "rate_apr": carry.apr(model.rate),
        "mean_apr": carry.apr(model.mean),
        "hours_seen": state.history.hours,
    }
