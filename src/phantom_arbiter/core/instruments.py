"""Assets and instruments: what can be held, what can be priced, and the scales of both."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct

from phantom_arbiter.core.units import Rounding, mul_div, power_of_ten


class Asset(Struct, frozen=True):
    """A token. ``decimals`` fixes the size of an atom."""

    symbol: str
    decimals: int
    mint: str = ""


class InstrumentKind(StrEnum):
    """What a price belongs to."""

    SPOT = "spot"
    PERP = "perp"


class Instrument(Struct, frozen=True):
    """A priced pair. ``px`` = quote units per one whole base unit, times ``10**price_decimals``.

    ``base`` and ``quote`` are asset symbols; a perp's base is a pure number of base units and never an asset that
    the ledger holds. ``min_base_atoms`` is the smallest order, ``step_base_atoms`` its increment.
    """

    id: str
    kind: InstrumentKind
    base: str
    quote: str
    base_decimals: int
    quote_decimals: int
    price_decimals: int
    min_base_atoms: int = 1
    step_base_atoms: int = 1

    def quote_atoms(self, base_atoms: int, px: int, rounding: Rounding) -> int:
        """What ``base_atoms`` are worth in quote atoms at ``px``."""
        scale = self.base_decimals + self.price_decimals - self.quote_decimals
        if scale >= 0:
            return mul_div(base_atoms, px, power_of_ten(scale), rounding)
        return base_atoms * px * power_of_ten(-scale)

    def base_atoms(self, quote_atoms: int, px: int, rounding: Rounding) -> int:
        """How many base atoms ``quote_atoms`` buy at ``px``."""
        if px <= 0:
            raise ValueError(f"px of {self.id}: got {px}, expected a positive integer")
        scale = self.base_decimals + self.price_decimals - self.quote_decimals
        if scale >= 0:
            return mul_div(quote_atoms, power_of_ten(scale), px, rounding)
        return mul_div(quote_atoms, 1, px * power_of_ten(-scale), rounding)

    def px_from_float(self, price: float) -> int:
        """The nearest integer price; for data that arrives as a float. Refuses what is not a positive number."""
        if not 0.0 < price < float("inf"):
            raise ValueError(f"price of {self.id}: got {price!r}, expected a positive finite number")
        px = round(price * power_of_ten(self.price_decimals))
        if px <= 0:
            raise ValueError(f"price of {self.id}: got {price!r}, below the smallest step of the instrument")
        return px

    def price(self, px: int) -> float:
        """``px`` as a float, for indicators and the screen."""
        return px / power_of_ten(self.price_decimals)


SOL: Final = Asset("SOL", 9, "So11111111111111111111111111111111111111112")
USDC: Final = Asset("USDC", 6, "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v")
USDT: Final = Asset("USDT", 6, "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB")
STABLE_ASSETS: Final = frozenset({"USDC", "USDT"})


class Universe(Struct, frozen=True):
    """Every asset and instrument a run knows. Ids are unique; looked up by id."""

    assets: dict[str, Asset]
    instruments: dict[str, Instrument]

    @staticmethod
    def of(assets: tuple[Asset, ...], instruments: tuple[Instrument, ...]) -> Universe:
        """Build the lookup tables; refuses a repeated id and an instrument of unknown assets."""
        by_symbol = {asset.symbol: asset for asset in assets}
        by_id = {instrument.id: instrument for instrument in instruments}
        if len(by_symbol) != len(assets) or len(by_id) != len(instruments):
            raise ValueError("universe: an asset symbol or instrument id is listed twice")
        for instrument in instruments:
            known = instrument.quote in by_symbol
            if not known or (instrument.kind is InstrumentKind.SPOT and instrument.base not in by_symbol):
                raise ValueError(f"instrument {instrument.id}: base or quote asset is not listed")
        return Universe(by_symbol, by_id)


def spot(base: Asset, quote: Asset, price_decimals: int, min_base_atoms: int = 1) -> Instrument:
    """The spot pair ``BASE/QUOTE``."""
    return Instrument(
        id=f"{base.symbol}/{quote.symbol}",
        kind=InstrumentKind.SPOT,
        base=base.symbol,
        quote=quote.symbol,
        base_decimals=base.decimals,
        quote_decimals=quote.decimals,
        price_decimals=price_decimals,
        min_base_atoms=min_base_atoms,
    )


def perp(base_symbol: str, quote: Asset, *, min_base_atoms: int, step_base_atoms: int) -> Instrument:
    """The perpetual ``BASE-PERP``: base at 1e9 and prices at 1e6, Drift's and Velocity's scales."""
    return Instrument(
        id=f"{base_symbol}-PERP",
        kind=InstrumentKind.PERP,
        base=base_symbol,
        quote=quote.symbol,
        base_decimals=9,
        quote_decimals=quote.decimals,
        price_decimals=6,
        min_base_atoms=min_base_atoms,
        step_base_atoms=step_base_atoms,
    )
