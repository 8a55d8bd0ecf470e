"""What the funding page shows, as JSON-ready values. What is not known is None, never a made-up number."""

from __future__ import annotations

import math
from typing import Any, Final

from phantom_arbiter.core.desk import Desk
from phantom_arbiter.core.health import MarginAccount, liquidation_px
from phantom_arbiter.core.instruments import Instrument
from phantom_arbiter.core.portfolio import Cause
from phantom_arbiter.core.units import BPS, MICROS_PER_USD, power_of_ten
from phantom_arbiter.engines.funding import carry
from phantom_arbiter.engines.funding.account import NOTHING, Holdings, read_holdings, read_margin
from phantom_arbiter.engines.funding.candidates import model_for
from phantom_arbiter.engines.funding.saga import saga_row
from phantom_arbiter.engines.funding.settings import FundingConfig
from phantom_arbiter.engines.funding.state import Candidate, FundingState

_ACCOUNT_KEYS: Final = (
    "health",
    "total_collateral",
    "equity",
    "maintenance_margin",
    "free_collateral",
    "leverage",
    "liq_price",
)
_CANDIDATE_KEYS: Final = (
    *("market", "spot_leg", "collateral", "rate_apr", "funding_apr", "staking_apr", "borrow_apr", "cost_bps"),
    *("net_apr", "break_even_days", "liq_price", "traded", "why_not"),
)


def funding_panel(desk: Desk, config: FundingConfig, state: FundingState, market: Instrument | None) -> dict[str, Any]:
    """Dollars, but for ``spot_sol``, ``perp_sol`` (signed) and ``net_delta`` (their sum), in the base of ``market``: an
    LST counts as the base it redeems for.

    ``drift_pct`` is 100·net_delta/spot. The account's fields are None with no account open; ``equity`` is the venue
    account's, unweighted. ``ts`` and ``decided_ts`` are milliseconds. Carry fields cover ``horizon_hours``.
    """
    held = read_holdings(desk, config, market) if market is not None else NOTHING
    one = power_of_ten(market.base_decimals) if market is not None else 1
    spot = held.spot_base_atoms
    return {
        "ts": desk.view.now_ns // 1_000_000,
        "market": market.id if market is not None and not held.flat else None,
        "by_hand": state.by_hand and not held.flat,
        "spot_sol": spot / one,
        "perp_sol": held.perp_atoms / one,
        "net_delta": held.delta_atoms / one,
        "drift_pct": 100.0 * held.delta_atoms / spot if spot else None,
        "sol_price": desk.view.usd_price("SOL"),
        **_account(desk, config, held, market),
        **_carry(config, state, market),
        "candidates": [_candidate(candidate) for candidate in state.candidates],
        "candidates_ts": state.candidates_ns // 1_000_000 if state.candidates else None,
        "preference": state.preference,
        "saga": saga_row(state.saga),
        "enter": config.enter,
        "funding_received": desk.book.pnl_micros.get(Cause.FUNDING, 0) / MICROS_PER_USD,
        "closing": state.closing,
        "decision": state.decision,
        "decided_ts": state.decided_ns // 1_000_000,
    }


def _candidate(candidate: Candidate) -> dict[str, Any]:
    """Keys as in `dashboard.panels.FundingCandidate`."""
    return {key: getattr(candidate, key) for key in _CANDIDATE_KEYS}


def _account(desk: Desk, config: FundingConfig, held: Holdings, market: Instrument | None) -> dict[str, Any]:
    measured = read_margin(desk, config)
    nothing = held.flat and not held.collateral_atoms
    if measured is None or nothing or market is None:
        rows = _positions(desk, config, held, None, market)
        return {**dict.fromkeys(_ACCOUNT_KEYS), "unsettled_funding": 0.0, "positions": rows}
    account, margin = measured
    return {
        "health": margin.health,
        "total_collateral": margin.total_collateral_atoms / 1e6,
        "equity": margin.equity_atoms / 1e6,
        "maintenance_margin": margin.maintenance_atoms / 1e6,
        "free_collateral": margin.free_collateral_atoms / 1e6,
        "leverage": margin.leverage if math.isfinite(margin.leverage) else None,
        "liq_price": _liquidation(account, market),
        "unsettled_funding": sum(exposure.funding_atoms for exposure in account.exposures) / 1e6,
        "positions": _positions(desk, config, held, account, market),
    }


def _liquidation(account: MarginAccount | None, market: Instrument) -> float | None:
    px = liquidation_px(account, market.id) if account is not None else None
    return market.price(px) if px is not None else None


def _positions(
    desk: Desk,
    config: FundingConfig,
    held: Holdings,
    account: MarginAccount | None,
    market: Instrument | None,
) -> list[dict[str, Any]]:
    if market is None:
        return []
    rows: list[dict[str, Any]] = []
    view, assets = desk.view, desk.view.universe.assets
    perp, lot = desk.book.perps.get(market.id), desk.book.lots.get(market.id)
    if perp is not None and perp.base_atoms:
        size = perp.base_atoms / power_of_ten(market.base_decimals)
        cash, one = perp.quote_atoms, power_of_ten(market.quote_decimals)
        rows.append(
            _row(market.id, "perp", market.id, config.venue, size, -cash / one / size, view.usd_price(market.base))
            | {
                "funding_usd": perp.funding_received_atoms / one,
                "liq_price": _liquidation(account, market),
                "opened_ts": perp.opened_ns // 1_000_000,
            }
        )
    if lot is not None and lot.atoms:
        size = lot.atoms / power_of_ten(assets[lot.asset].decimals)
        entry = lot.cost_atoms / power_of_ten(assets[lot.cost_asset].decimals) / size
        row = _row(market.id, "spot", lot.instrument, "wallet", size, entry, view.usd_price(lot.asset))
        rows.append(row | {"opened_ts": lot.opened_ns // 1_000_000})
    if held.collateral_atoms:
        value = held.collateral_atoms / power_of_ten(market.quote_decimals)
        rows.append(_row(market.id, "collateral", market.quote, config.venue, value, None, 1.0))
    return rows


def _row(
    position: str, kind: str, instrument: str, venue: str, size: float, entry: float | None, price: float | None
) -> dict[str, Any]:
    return {
        "id": position if kind == "perp" else f"{position}:{kind}",
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


def _carry(config: FundingConfig, state: FundingState, market: Instrument | None) -> dict[str, Any]:
    model = model_for(state, config, market.id) if market is not None else None
    if model is None or market is None:
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
        "hours_seen": state.histories[market.id].hours,
    }
