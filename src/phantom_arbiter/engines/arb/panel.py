"""What the arb engine's page shows, JSON-ready: counts, ages in slots, dollars and fractions as floats."""

from __future__ import annotations

from typing import Any, Final

from phantom_arbiter.core.units import BPS, NS_PER_SECOND
from phantom_arbiter.engines.arb import graveyard
from phantom_arbiter.engines.arb.pools import PoolTable
from phantom_arbiter.engines.arb.settings import ArbState

_COUNTS: Final = ("searches", "found", "fee_killed", "proposed", "probes", "cooling", "busy", "stale_pools",
                  "unpriced", "unfunded", "unreadable", "unknown")  # fmt: skip


def panel_of(state: ArbState, table: PoolTable, oldest_slot: int) -> dict[str, Any]:
    """The page of a state. ``hoped`` is the share of orders that should have landed by their bids; None before any."""
    landed = state.outcomes.get("landed", 0)
    failed = sum(state.outcomes.values()) - landed
    return {
        "pools": len(table),
        **{name: getattr(state, name) for name in _COUNTS},
        "landed": landed,
        "failed": failed,
        "outcomes": dict(state.outcomes),
        "hoped": state.hoped_bps / BPS / state.proposed if state.proposed else None,
        "venues": table.venue_rows(oldest_slot),
        "reasons": graveyard.reason_rows(state.graveyard),
        "graves": graveyard.rows(state.graveyard),
        "unfollowed": state.graveyard.unfollowed,
        "best": _best(state, table),
    }


def _best(state: ArbState, table: PoolTable) -> dict[str, Any] | None:
    """The last candidate: its rates as basis points above 1, net of the pools' fees and gross."""
    if not state.last_route:
        return None
    return {
        "route": state.last_route,
        "net_bps": (state.last_net_rate_e6 / 1e6 - 1.0) * BPS,
        "gross_bps": (state.last_gross_rate_e6 / 1e6 - 1.0) * BPS,
        "age_s": (table.view.now_ns - state.last_ts_ns) / NS_PER_SECOND,
    }
