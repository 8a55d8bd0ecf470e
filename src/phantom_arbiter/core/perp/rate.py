"""The one type for a funding rate. Venues tell it in four units; each becomes this, at the border, once.

* Drift's program and old Data API: integers, quote per base an hour at 1e9 (`HourlyRate.of_program`);
* Data API ``/market/*/fundingRates``: decimal strings of the same, quote per base (`of_quote_per_base`);
* Data API ``/stats/*`` and ``/contracts``: percent an hour (`of_percent`); in ``/stats/markets`` as each side's profit,
  so that the long side's sign is turned;
* Hyperliquid, Pacifica: a fraction of the notional an hour (`of_fraction`).
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, Literal, Self

from msgspec import Struct

from phantom_arbiter.core.units import HOURS_PER_YEAR, Rounding, mul_div

_SCALE: Final = 10**12
MAX_E12: Final = 10**10
"""1 % an hour: beyond any venue's clamp (0.42 %), so more is a unit mistaken."""


class RateError(ValueError):
    """A rate no venue can have posted; the message names the value and what was expected."""


class HourlyRate(Struct, frozen=True, order=True, gc=False):
    """Funding of one hour as a fraction of the notional, at 1e-12. Positive: longs pay shorts."""

    e12: int

    def __post_init__(self) -> None:
        """Refuse what only a mistaken unit can produce."""
        if abs(self.e12) > MAX_E12:
            raise RateError(f"funding rate: got {self.e12 / 1e10:.4g} % an hour, expected at most 1 % (a wrong unit?)")

    @classmethod
    def of_program(cls, rate_e9: int, oracle_twap_px: int) -> Self:
        """From quote per base an hour at 1e9 and the oracle TWAP at 1e6; truncates, as the program's divisions do."""
        if oracle_twap_px <= 0:
            raise RateError(f"oracle_twap_px: got {oracle_twap_px}, expected a positive integer")
        return cls(mul_div(rate_e9, 10**9, oracle_twap_px, Rounding.TRUNCATE))

    @classmethod
    def of_quote_per_base(cls, rate: Decimal, oracle_twap: Decimal) -> Self:
        """From quote per base an hour, over the oracle TWAP in quote units."""
        if not oracle_twap.is_finite() or oracle_twap <= 0:
            raise RateError(f"oracle TWAP: got {oracle_twap}, expected a positive number")
        return cls.of_fraction(_finite(rate) / oracle_twap)

    @classmethod
    def of_percent(cls, percent: Decimal) -> Self:
        """From percent an hour, already signed as "positive: longs pay shorts"."""
        return cls.of_fraction(_finite(percent) / 100)

    @classmethod
    def of_fraction(cls, fraction: Decimal) -> Self:
        """From a fraction of the notional an hour."""
        return cls(int((_finite(fraction) * _SCALE).to_integral_value(ROUND_HALF_EVEN)))

    @property
    def fraction(self) -> float:
        """Fraction of the notional an hour."""
        return self.e12 / _SCALE

    @property
    def apr(self) -> float:
        """Fraction a year, simple: hourly · 24 · 365.25."""
        return self.fraction * HOURS_PER_YEAR

    @property
    def receiver(self) -> Literal["shorts", "longs", "nobody"]:
        """Who is paid."""
        if self.e12 == 0:
            return "nobody"
        return "shorts" if self.e12 > 0 else "longs"


def _finite(value: Decimal) -> Decimal:
    if not value.is_finite():
        raise RateError(f"funding rate: got {value}, expected a finite number")
    return value
