"""The tape of opportunities: which were sent, what became of each, and what they paid against what was expected."""

from __future__ import annotations

from itertools import count
from typing import Final, get_args

from msgspec import structs

from phantom_arbiter.app.arb_page import opportunity
from phantom_arbiter.core.cycles import net_flows
from phantom_arbiter.core.orders import Order, OrderStatus
from phantom_arbiter.core.units import MICROS_PER_USD
from phantom_arbiter.core.verdicts import Verdict
from phantom_arbiter.core.view import MarketView
from phantom_arbiter.dashboard.arb_rows import ArbOpportunity, ArbUpdate, Landing

LANDINGS: Final = frozenset(get_args(Landing))


class ArbTape:
    """Makes a row of each verdict of the arb engine and tells it again when its order moves on.

    Orders of which it saw no verdict (those that were out when the application started) have no row.
    """

    def __init__(self, view: MarketView) -> None:
        self._view = view
        self._numbers = count(1)
        self._sent: dict[str, ArbOpportunity] = {}
        self._ended = 0
        self._expected_usd = 0.0
        self._realised_usd = 0.0

    def verdict(self, verdict: Verdict, ts_ns: int) -> ArbOpportunity:
        """A new row."""
        found = opportunity(f"arb-{next(self._numbers)}", verdict, self._view, ts_ns)
        if found.order_id:
            self._sent[found.order_id] = found
        return found

    def order(self, order: Order) -> ArbOpportunity | None:
        """The row of an order that ended, or of which nobody knows what became; None where it says nothing new."""
        found = self._sent.get(order.id)
        if found is None or order.status is OrderStatus.OPEN:
            return None
        landing, reason = landing_of(order)
        if order.is_open:
            return structs.replace(found, verdict=landing, reason=reason)
        del self._sent[order.id]
        realised_usd = self._realised(order)
        if realised_usd is not None:
            self._ended += 1
            self._expected_usd += found.expected_usd
            self._realised_usd += realised_usd
        return structs.replace(found, verdict=landing, reason=reason, realised_usd=realised_usd)

    def totals(self, page: ArbUpdate) -> ArbUpdate:
        """The page with what was expected and realised so far."""
        return structs.replace(
            page, ended=self._ended, expected_usd=self._expected_usd, realised_usd=self._realised_usd
        )

    def _realised(self, order: Order) -> float | None:
        """What an order paid net of the chain's fees, at the prices of now; None where an asset has no price."""
        flows = net_flows(order)
        for fee in order.chain_fees:
            flows[fee.asset] = flows.get(fee.asset, 0) - fee.atoms
        values = [self._view.usd_micros(asset, atoms) for asset, atoms in flows.items() if atoms]
        return None if None in values else sum(value or 0 for value in values) / MICROS_PER_USD


def landing_of(order: Order) -> tuple[Landing, str]:
    """What became of an order that is out no more, or unknown, and why: drivers begin a reason with its kind."""
    why = next((leg.reason for leg in order.legs if leg.reason), "")
    match order.status:
        case OrderStatus.DONE:
            return "landed", order.intent.reason
        case OrderStatus.UNKNOWN:
            return "unknown", why
        case _:
            kind, _, details = why.partition(": ")
            return (kind, details) if kind in LANDINGS else ("failed", why)  # type: ignore[return-value]
