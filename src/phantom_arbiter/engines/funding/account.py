"""What the engine holds, read from its book: the spot leg, the short, and the margin account behind it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from phantom_arbiter.core.desk import Desk
from phantom_arbiter.core.health import Margin, MarginAccount, assess, book_account
from phantom_arbiter.core.instruments import Instrument
from phantom_arbiter.core.intents import CollateralTransfer, Leg, PerpOrder, Side
from phantom_arbiter.core.portfolio import EngineBook, PerpPosition
from phantom_arbiter.core.units import BPS, Rounding, mul_div, power_of_ten
from phantom_arbiter.core.view import MarketView
from phantom_arbiter.engines.funding.settings import FundingConfig

_NO_POSITION = PerpPosition("", "")


class Holdings(Struct, frozen=True, gc=False):
    """In atoms: ``spot_atoms`` of the spot token, ``spot_base_atoms`` what they are worth in base atoms of the market
    (an LST at its pool's redemption rate, rounded down), ``perp_atoms`` signed (a short is negative), the margin
    deposited. ``spot_asset`` is the token held, empty where there is none.

    ``owed_atoms`` is a closed position's loss that the venue has not settled yet (≤ 0): that much cannot leave.
    """

    spot_atoms: int
    perp_atoms: int
    collateral_atoms: int
    owed_atoms: int
    spot_base_atoms: int
    spot_asset: str = ""

    @property
    def flat(self) -> bool:
        """Neither leg is held."""
        return self.spot_atoms == 0 and self.perp_atoms == 0

    @property
    def delta_atoms(self) -> int:
        """Net exposure to the base asset, in base atoms of the market."""
        return self.spot_base_atoms + self.perp_atoms

    @property
    def withdrawable_atoms(self) -> int:
        """What may leave the venue once nothing is held there."""
        return max(0, self.collateral_atoms + self.owed_atoms)


NOTHING: Final = Holdings(0, 0, 0, 0, 0)


def redemption(view: MarketView, market: Instrument, asset: str) -> tuple[int, int] | None:
    """(base atoms, token atoms): the first buys the second at the redemption rate; (1, 1) and a power of ten for the
    base itself. None where ``asset`` is neither the base nor a stake pool's token that was read."""
    decimals = view.universe.assets[asset].decimals
    scale, per = power_of_ten(market.base_decimals), power_of_ten(decimals)
    if asset == market.base:
        return scale, per
    pool = view.stake_pool(asset)
    if pool is None or market.base != "SOL":
        return None
    return pool.total_lamports * scale, pool.supply_atoms * power_of_ten(9)


def held_market(book: EngineBook, venue: str) -> str | None:
    """The market of the position the book holds; None where it holds neither a perp nor a spot leg.

    A spot lot carries the market's id as its position id.
    """
    for position in book.perps.values():
        if position.base_atoms and position.venue == venue:
            return position.instrument
    return next((lot.position_id for lot in book.lots.values() if lot.atoms), None)


def read_holdings(desk: Desk, config: FundingConfig, market: Instrument) -> Holdings:
    """The book's answer; the spot leg is the lot of this engine's one position, never free capital."""
    book = desk.book
    lot = book.lots.get(market.id)
    perp = book.perps.get(market.id, _NO_POSITION)
    atoms, asset = (lot.atoms, lot.asset) if lot is not None else (0, "")
    # A pool that was bought from has been read, and the view keeps its reading: the fallback only keeps this total.
    base, tokens = (redemption(desk.view, market, asset) if asset else None) or (1, 1)
    return Holdings(
        spot_atoms=atoms,
        perp_atoms=perp.base_atoms,
        collateral_atoms=book.collateral_atoms(config.venue, market.quote),
        owed_atoms=min(0, perp.quote_atoms) if perp.base_atoms == 0 else 0,
        spot_base_atoms=mul_div(atoms, base, tokens, Rounding.DOWN),
        spot_asset=asset,
    )


def read_margin(desk: Desk, config: FundingConfig) -> tuple[MarginAccount, Margin] | None:
    """The margin account and its measure; None while the oracle's price is missing."""
    account = book_account(desk.book, config.venue, desk.view)
    return None if isinstance(account, str) else (account, assess(account))


def account_after(desk: Desk, config: FundingConfig, legs: Iterable[Leg]) -> MarginAccount | str:
    """The margin account once ``legs`` have traded, against us: perp orders at their limit, with the taker's fee.

    A string names the oracle that is missing.
    """
    book, view = desk.book, desk.view
    after = EngineBook(book.engine, perps=dict(book.perps), collateral=dict(book.collateral))
    for leg in legs:
        if isinstance(leg, CollateralTransfer):
            key = f"{leg.venue}:{leg.asset}"
            after.collateral[key] = after.collateral.get(key, 0) + leg.atoms
        elif isinstance(leg, PerpOrder):
            market, buys = view.universe.instruments[leg.instrument], leg.side is Side.BUY
            value = market.quote_atoms(leg.base_atoms, leg.limit_px, Rounding.UP if buys else Rounding.DOWN)
            index = view.funding_index_e9.get(leg.instrument, 0)
            held = after.perps.get(leg.instrument) or PerpPosition(leg.instrument, leg.venue, funding_index_e9=index)
            sign, key = 1 if buys else -1, f"{leg.venue}:{market.quote}"
            fee = mul_div(value, round(config.taker_fee_bps * 100), BPS * 100, Rounding.UP)
            after.collateral[key] = after.collateral.get(key, 0) - fee
            after.perps[leg.instrument] = replace(
                held,
                base_atoms=held.base_atoms + sign * leg.base_atoms,
                quote_atoms=held.quote_atoms - sign * value,
            )
    return book_account(after, config.venue, view)


def band_atoms(config: FundingConfig, held: Holdings) -> int:
    """The net delta that is left alone, in base atoms: the no-trade band of what is held."""
    return max(held.spot_base_atoms, abs(held.perp_atoms)) * config.band_bps // BPS


def edge_atoms(config: FundingConfig, held: Holdings) -> int:
    """The net delta that is left when a drift is brought back: the edge of the band, reckoned from the smaller leg, so
    that it lies inside whichever leg the trade changes."""
    return min(held.spot_base_atoms, abs(held.perp_atoms)) * config.band_bps // BPS


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
