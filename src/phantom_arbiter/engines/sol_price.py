"""What a lamport is worth, for engines that count in SOL: the notional, fees and tips of what they propose."""

from __future__ import annotations

from typing import Final

from phantom_arbiter.core.events import Quoted
from phantom_arbiter.core.units import LAMPORTS_PER_SOL, MICROS_PER_USD, power_of_ten
from phantom_arbiter.core.view import MarketView

SOL_USDC: Final = "SOL/USDC"


class SolPrice:
    """The middle of the last SOL/USDC quote; where there was none, the view's own estimate.

    An engine subscribes to `SOL_USDC`, hands every such quote to `hear`, and makes a new one in `bind` and in
    `subscriptions`, since it may have missed quotes by then.
    """

    __slots__ = ("_per_lamport", "_scale", "_view")

    def __init__(self, view: MarketView) -> None:
        self._view = view
        self._per_lamport: float | None = None
        pair, quote = view.universe.instruments.get(SOL_USDC), view.quote(SOL_USDC)
        if pair is not None:
            self._scale = MICROS_PER_USD / (2 * LAMPORTS_PER_SOL * power_of_ten(pair.price_decimals))
        if quote is not None:
            self.hear(quote)

    def hear(self, quote: Quoted) -> None:
        """Take in a quote of `SOL_USDC`."""
        self._per_lamport = (quote.bid_px + quote.ask_px) * self._scale

    def micros_per_lamport(self) -> float | None:
        """Millionths of a dollar; None where no price of SOL is known."""
        if self._per_lamport is not None:
            return self._per_lamport
        price = self._view.usd_price("SOL")
        return None if price is None else price * MICROS_PER_USD / LAMPORTS_PER_SOL

    def micros(self, lamports: int) -> int | None:
        """What ``lamports`` are worth in millionths of a dollar, rounded to the nearest; None as above."""
        each = self.micros_per_lamport()
        return None if each is None else round(lamports * each)
