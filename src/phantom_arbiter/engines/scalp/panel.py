"""What the scalp page shows."""

from __future__ import annotations

from math import exp
from typing import Any

from phantom_arbiter.core.desk import Desk
from phantom_arbiter.core.units import power_of_ten
from phantom_arbiter.engines.scalp.settings import Holding, ScalpConfig, ScalpState
from phantom_arbiter.engines.scalp.signals import expected_bps


def panel(desk: Desk, config: ScalpConfig, state: ScalpState) -> dict[str, Any]:
    """Pods with their record and need, holdings with their levels in quote units, the last decision in words."""
    return {
        "pods": [_pod(config, state, index) for index in range(len(config.pods))],
        "holdings": [_holding(desk, position_id, holding) for position_id, holding in state.holdings.items()],
        "last": state.last,
    }


def _pod(config: ScalpConfig, state: ScalpState, index: int) -> dict[str, Any]:
    pod = config.pods[index]
    stats = state.pods[pod.name]
    used = sum(holding.cost_micros for holding in state.holdings.values() if holding.pod == pod.name)
    return {
        "name": pod.name,
        "strategy": pod.strategy.value,
        "budget_usd": pod.budget_micros / 1e6,
        "used_usd": used / 1e6,
        "signals": stats.signals,
        "trials": stats.trials,
        "wins": stats.wins,
        "won": stats.won,
        "edge_bps": expected_bps(stats, config),
        "target_bps": pod.target_bps,
        "stop_bps": pod.stop_bps,
        "trades": stats.trades,
        "pnl_usd": stats.pnl_micros / 1e6,
    }


def _holding(desk: Desk, position_id: str, holding: Holding) -> dict[str, Any]:
    scale = power_of_ten(desk.view.universe.instruments[holding.instrument].price_decimals)
    lot = desk.book.lots.get(position_id)
    return {
        "id": position_id,
        "pod": holding.pod,
        "token": holding.token,
        "instrument": holding.instrument,
        "atoms": lot.atoms if lot is not None else 0,
        "cost_usd": holding.cost_micros / 1e6,
        "entry": exp(holding.entry) / scale,
        "target": exp(holding.target) / scale,
        "stop": exp(holding.stop) / scale,
        "timeout_ns": holding.timeout_ns,
        "opened_ns": holding.opened_ns,
        "price": desk.view.mid(holding.instrument),
        "filled": holding.filled,
        "leaving": holding.why,
    }
