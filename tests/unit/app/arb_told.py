"""What an arb engine's panel tells: pools by venue, what was not taken, and parallel pools in a route."""

from __future__ import annotations

from typing import Any

START_NS = 1_767_225_600 * 10**9


def swap(pool: str, in_asset: str, out_asset: str, share: float = 1.0) -> dict[str, Any]:
    return {
        "pool": pool,
        "venue": pool.split(":")[0],
        "in_asset": in_asset,
        "out_asset": out_asset,
        "share": share,
    }


def grave(number: int, reason: str = "vanished", **changes: Any) -> dict[str, Any]:
    """A grave of a cycle whose first hop is shared by two pools."""
    told = {
        "id": f"grave-{number}",
        "ts_ns": START_NS + number * 400_000_000,
        "base": "SOL",
        "route": ["SOL", "USDC", "WIF", "SOL"],
        "swaps": [
            swap("orca:SOL/USDC", "SOL", "USDC", 0.625),
            swap("raydium:SOL/USDC", "SOL", "USDC", 0.375),
            swap("phoenix:WIF/USDC", "USDC", "WIF"),
            swap("raydium:WIF/SOL", "WIF", "SOL"),
        ],
        "size_usd": 412.5,
        "net_usd": 0.125,
        "reason": reason,
        "detail": "it was gone a slot later",
        "would_usd": [0.125, -0.03125, None, None],
        "lost": [],
    }
    return told | changes


def panel(graves: list[dict[str, Any]] | None = None, **changes: Any) -> dict[str, Any]:
    """A panel with every key that the Arb page reads."""
    told: dict[str, Any] = {
        "pools": 54,
        "searches": 7_061,
        "found": 41,
        "fee_killed": 5_746,
        "proposed": 17,
        "probes": 119,
        "landed": 9,
        "failed": 8,
        "unknown": 1,
        "outcomes": {"landed": 9, "beaten": 5, "reverted": 2, "dropped": 1},
        "hoped": 0.61,
        "venues": [
            {
                "venue": "orca",
                "pools": 12,
                "exact": 12,
                "youngest_slots": 0,
                "oldest_slots": 41,
                "left_out": 0,
                "why": "",
            },
            {
                "venue": "raydium",
                "pools": 14,
                "exact": 3,
                "youngest_slots": 1,
                "oldest_slots": 2_100,
                "left_out": 1,
                "why": "raydium:JUP/SOL last spoke in slot 77",
            },
        ],
        "reasons": [
            {"reason": "vanished", "count": 25, "would_usd": [-0.75, -0.5, -0.25, None]},
            {"reason": "gate: edge", "count": 4, "would_usd": [0.5, 0.25, -0.125, -0.25]},
        ],
        "graves": [grave(1), grave(2, "gate: edge")] if graves is None else graves,
        "unfollowed": 3,
        "left_on_table": {"bound_usd": 1.25, "found_usd": 1.2, "age_slots": 40},
        "best": {"route": "SOL orca:WIF/SOL> raydium:WIF/SOL<", "net_bps": -12.5, "gross_bps": 38.0, "age_s": 1.5},
    }
    return told | changes
