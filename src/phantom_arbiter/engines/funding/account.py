"""What the engine holds, read from its book: the spot leg, the short, and the margin account behind it."""

from __future__ import annotations

from msgspec import Struct

from phantom_arbiter.core.desk import Desk
from phantom_arbiter.core.health import Margin, MarginAccount, assess, book_account
from phantom_arbiter.core.portfolio import PerpPosition
from phantom_arbiter.core.units import BPS, Rounding, mul_div
from phantom_arbiter.engines.funding.settings import POSITION_ID, FundingConfig

_NO_POSITION = PerpPosition("", "")


class Holdings(Struct, frozen=True, gc=False):
    """In atoms: ``spot_atoms`` of the base held, ``perp_atoms`` signed (a short is negative), the margin deposited.

    ``owed_atoms`` is a closed position's loss that the venue has not settled yet (≤ 0): that much cannot leave.
    """

    spot_atoms: int
    perp_atoms: int
    collateral_atoms: int
    owed_atoms: int

    @property
    def flat(self) -> bool:
        """Neither leg is held."""
        return self.spot_atoms == 0 and self.perp_atoms == 0

    @property
    def delta_atoms(self) -> int:
        """Net exposure to the base asset."""
        return self.spot_atoms + self.perp_atoms

    @property
    def withdrawable_atoms(self) -> int:
        """What may leave the venue once nothing is held there."""
        return max(0, self.collateral_atoms + self.owed_atoms)


def read_holdings(desk: Desk, config: FundingConfig) -> Holdings:
    """The book's answer; the spot leg is the lot of this engine's one position, never free capital."""
    book = desk.book
    lot = book.lots.get(POSITION_ID)
    perp = book.perps.get(config.market, _NO_POSITION)
    quote = desk.view.universe.instruments[config.market].quote
    return Holdings(
        spot_atoms=lot.atoms if lot is not None else 0,
        perp_atoms=perp.base_atoms,
        collateral_atoms=book.collateral_atoms(config.venue, quote),
        owed_atoms=min(0, perp.quote_atoms) if perp.base_atoms == 0 else 0,
    )


def read_margin(desk: Desk, config: FundingConfig) -> tuple[MarginAccount, Margin] | None:
    """The margin account and its measure; None while the oracle's price is missing."""
    account = book_account(desk.book, config.venue, desk.view)
    return None if isinstance(account, str) else (account, assess(account))


def collateral_for_health(margin: Margin, health: float) -> int:
    """Quote atoms to deposit for ``health``, rounded up: maintenance / (1 − health/100) less what is there."""
    share = round((100.0 - health) * 100)
    needed = mul_div(margin.maintenance_atoms, BPS, share, Rounding.UP)
    return max(0, needed - margin.total_collateral_atoms)


def base_to_close(margin: Margin, perp_atoms: int, health: float) -> int:
    """Base atoms of the position to close for ``health`` at the present total collateral, rounded up."""
    if margin.maintenance_atoms <= 0:
        return 0
    allowed = margin.total_collateral_atoms * round((100.0 - health) * 100) // BPS
    keep = mul_div(abs(perp_atoms), max(0, allowed), margin.maintenance_atoms, Rounding.DOWN)
    return max(0, abs(perp_atoms) - keep)


def health_price_px(account: MarginAccount, margin: Margin, market: str, health: float) -> int | None:
    """The oracle price at which a short's health falls to ``health``; None without a short.

    total(S) = T₀ − |p|(S − S₀), maintenance(S) = M₀·S/S₀, and health h where maintenance = total·(1 − h/100).
    """
    exposure = next((e for e in account.exposures if e.instrument == market and e.base_atoms < 0), None)
    if exposure is None or exposure.notional_atoms <= 0:
        return None
    notional = exposure.notional_atoms
    share = 1.0 - health / 100.0
    ratio = (margin.total_collateral_atoms + notional) * share / (margin.maintenance_atoms + notional * share)
    return max(1, int(exposure.oracle_px * ratio))
