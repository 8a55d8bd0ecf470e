"""What all pools together would pay one trader at once, without costs or limits: how much there is to be had at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from phantom_arbiter.core.units import MICROS_PER_USD
from phantom_arbiter.dex.convex_bound import ConvexBound, PlacedPool, convex_bound
from phantom_arbiter.dex.routes import BaseTerms
from phantom_arbiter.engines.arb.pools import PoolTable

EVERY_SLOTS: Final = 150
"""A minute: it takes some tens of milliseconds, and is a report, never an order."""


class BoundReport:
    """The bound as of the last look, at most ``EVERY_SLOTS`` old whenever it is asked for."""

    def __init__(self) -> None:
        self._slot = -EVERY_SLOTS
        self._last: ConvexBound | None = None

    def row(self, table: PoolTable, terms: Mapping[str, BaseTerms], oldest_slot: int) -> dict[str, Any] | None:
        """Dollars: no trade is worth more than ``bound_usd``, one worth ``found_usd`` exists. None with no base priced.

        Pools that cannot be read or are older than ``oldest_slot`` are left out.
        """
        slot = table.view.slot
        if slot - self._slot >= EVERY_SLOTS:
            values = {base: term.value_per_atom for base, term in terms.items()}
            fresh = table.fresh(oldest_slot)
            placed = [PlacedPool(known.asset_0, known.asset_1, known.state) for known in fresh]
            if not values or not placed:
                return None
            self._last, self._slot = convex_bound(placed, values, table.moment), slot
        if self._last is None:
            return None
        found = max(0.0, self._last.found)  # where bound and found are one, they differ by a rounding of floats
        return {
            "bound_usd": max(found, self._last.bound) / MICROS_PER_USD,
            "found_usd": found / MICROS_PER_USD,
            "age_slots": slot - self._slot,
        }
