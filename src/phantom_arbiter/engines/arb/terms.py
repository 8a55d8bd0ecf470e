"""What the bases are worth and how much of each may go into a trade: capital, cap and what must stay for fees."""

from __future__ import annotations

from typing import NamedTuple

from phantom_arbiter.core.desk import Desk
from phantom_arbiter.core.events import Quoted
from phantom_arbiter.core.units import MICROS_PER_USD, power_of_ten
from phantom_arbiter.dex.routes import BaseTerms
from phantom_arbiter.engines.arb.proposal import Values
from phantom_arbiter.engines.arb.settings import ArbConfig
from phantom_arbiter.engines.sol_price import SolPrice


class Stake(NamedTuple):
    """A base's values, and the most of it that may go in, in atoms."""

    values: Values
    limit_atoms: int


class Terms:
    """Prices and limits of the bases as the desk knows them now; estimates for edge and cost, never fills."""

    def __init__(self, desk: Desk, config: ArbConfig) -> None:
        self._desk = desk
        self._config = config
        self._sol = SolPrice(desk.view)

    def hear(self, quote: Quoted) -> None:
        """Take in a quote of SOL in dollars."""
        self._sol.hear(quote)

    @property
    def priced(self) -> bool:
        """Whether a lamport has a price; without one no cost can be reckoned."""
        return self._sol.micros_per_lamport() is not None

    def stake(self, base: str) -> Stake | None:
        """What may go in of a base, or None where its price or SOL's is missing."""
        value, lamport = self._micros_per_atom(base), self._sol.micros_per_lamport()
        if value is None or lamport is None:
            return None
        return Stake(Values(value, lamport), self._limit_atoms(base, value, self._desk.available(base)))

    def for_search(self) -> dict[str, BaseTerms]:
        """The terms of every base that holds anything and has a price."""
        found: dict[str, BaseTerms] = {}
        for base in self._config.base_assets:
            free = self._desk.available(base)
            value = self._micros_per_atom(base) if free else None
            if value is not None:
                found[base] = BaseTerms(value, float(self._limit_atoms(base, value, free)))
        return found

    def _micros_per_atom(self, asset: str) -> float | None:
        if asset == "SOL":
            return self._sol.micros_per_lamport()
        price, known = self._desk.view.usd_price(asset), self._desk.view.universe.assets.get(asset)
        if price is None or known is None:
            return None
        return price * MICROS_PER_USD / power_of_ten(known.decimals)

    def _limit_atoms(self, base: str, value: float, free_atoms: int) -> int:
        reserve = self._config.sol_reserve_lamports if base == "SOL" else 0
        return max(0, min(free_atoms - reserve, int(self._config.max_trade_usd_micros / value)))
