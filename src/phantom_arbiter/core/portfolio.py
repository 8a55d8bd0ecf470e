"""What each engine holds: perp positions, collateral at venues, spot lots, and P&L by cause.

Spot balances themselves live in the ledger (`core.vault`); this adds what the ledger does not know: entry values,
funding marks, and why equity moved.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct, field


class Cause(StrEnum):
    """Why equity moved. PRICE is what no other cause explains."""

    PRICE = "price"
    FUNDING = "funding"
    STAKING = "staking"
    FEES = "fees"
    TIPS = "tips"
    SLIPPAGE = "slippage"
    BORROW = "borrow"


class PerpPosition(Struct):
    """A perp position. ``base_atoms`` signed, long positive; ``quote_atoms`` the signed cash of its fills (a sale
    adds). ``funding_index_e9`` is the market's cumulative rate up to which funding is settled, ``opened_ns`` when it
    last went from nothing to something."""

    instrument: str
    venue: str
    base_atoms: int = 0
    quote_atoms: int = 0
    funding_index_e9: int = 0
    funding_received_atoms: int = 0
    opened_ns: int = 0


class Lot(Struct):
    """Tokens bought under one position id, and what they cost."""

    position_id: str
    pod: str
    instrument: str
    asset: str
    atoms: int
    cost_asset: str
    cost_atoms: int
    opened_ns: int


class EngineBook(Struct):
    """One engine's holdings and P&L. ``collateral`` maps ``venue:asset`` to atoms held there.

    ``funded`` is the capital it began with, ``funded_micros`` what that was worth then. Peak and drawdown are of its
    own equity: with that capital's own change of price taken out.
    """

    engine: str
    perps: dict[str, PerpPosition] = field(default_factory=dict)
    collateral: dict[str, int] = field(default_factory=dict)
    lots: dict[str, Lot] = field(default_factory=dict)
    pnl_micros: dict[str, int] = field(default_factory=dict)
    trades: int = 0
    funded: dict[str, int] = field(default_factory=dict)
    funded_micros: int = 0
    peak_equity_micros: int = 0
    max_drawdown_micros: int = 0

    def perp_base_atoms(self, instrument: str) -> int:
        """The signed size held in a market, zero where there is none."""
        position = self.perps.get(instrument)
        return position.base_atoms if position is not None else 0

    def collateral_atoms(self, venue: str, asset: str) -> int:
        """What lies at a venue."""
        return self.collateral.get(f"{venue}:{asset}", 0)

    def add_pnl(self, cause: Cause, micros: int) -> None:
        """Book a change of equity under its cause."""
        self.pnl_micros[cause] = self.pnl_micros.get(cause, 0) + micros
