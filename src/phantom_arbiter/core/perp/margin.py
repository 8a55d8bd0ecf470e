"""Margin of a perp position: ratios that grow with the size, worst-case liability, weights of unrealised profit.

Source: drift protocol-v2 at 0ae3e3b1d (``math/margin.rs``, ``math/position.rs``, ``state/perp_market.rs``,
``state/user.rs``); Velocity kept these rules. Bases are at 1e9, signed, long positive; prices and quote atoms at 1e6;
ratios and weights in bps. Every division drops the fraction as the program's does: toward zero.
Left out: an account's custom margin ratio, high-leverage mode, prediction markets, markets in settlement.
"""

from __future__ import annotations

from enum import StrEnum
from math import isqrt
from typing import Final

from msgspec import Struct

from phantom_arbiter.core.units import BPS, Rounding, mul_div

BASE_SCALE: Final = 10**9
PRICE_SCALE: Final = 10**6
_IMF_SCALE: Final = 10**6
_ROOT_SCALE: Final = 10**5
"""``isqrt(10·size)`` of a size at 1e9 is the root of the whole units at 1e5."""
OPEN_ORDER_MARGIN_ATOMS: Final = 10_000
"""One cent for every open order."""
INITIAL_PROFIT_CAP_ATOMS: Final = 100 * 10**6
"""No position adds more than this much unrealised profit to the initial collateral."""


class MarginType(StrEnum):
    """What a margin check decides: adding risk, a maker's fill, or survival."""

    INITIAL = "initial"
    FILL = "fill"
    MAINTENANCE = "maintenance"

    def pick(self, initial: int, maintenance: int) -> int:
        """The parameter for this check; a fill takes the average, rounded down."""
        if self is MarginType.FILL:
            return (initial + maintenance) // 2
        return initial if self is MarginType.INITIAL else maintenance


class StrictPrice(Struct, frozen=True, gc=False):
    """An oracle price and, where the check is strict, its 5-minute TWAP; USD at 1e6.

    What is owned counts at the lower of both, what is owed at the higher.
    """

    px: int
    twap_px: int | None = None

    @property
    def low(self) -> int:
        """The price of what is owned."""
        return self.px if self.twap_px is None else min(self.px, self.twap_px)

    @property
    def high(self) -> int:
        """The price of what is owed."""
        return self.px if self.twap_px is None else max(self.px, self.twap_px)

    def of_signed(self, atoms: int) -> int:
        """The price for a signed amount; the current one for nothing."""
        if atoms == 0:
            return self.px
        return self.low if atoms > 0 else self.high


ONE_DOLLAR: Final = StrictPrice(PRICE_SCALE)


class MarketMargin(Struct, frozen=True, gc=False):
    """A perp market's margin parameters; ``imf_e6`` makes the ratios grow with the root of the size.

    ``pnl_*_bps``: what share of a profit counts as collateral (a loss counts in full), cut by ``pnl_imf_e6`` as it
    grows, and, beyond ``pnl_max_imbalance_atoms`` of unsettled profit of the whole market, in proportion (0: never).
    """

    initial_bps: int = 1_000
    maintenance_bps: int = 500
    imf_e6: int = 0
    pnl_initial_bps: int = 0
    pnl_maintenance_bps: int = BPS
    pnl_imf_e6: int = 0
    pnl_max_imbalance_atoms: int = 0


def size_premium_bps(ratio_bps: int, size_atoms: int, imf_e6: int) -> int:
    """A ratio or liability weight for a size at 1e9: ``max(r, r − r/5 + isqrt(10·size + 1)·imf / 1e7)``.

    Source: ``margin.rs::calculate_size_premium_liability_weight`` (bounded), perp and spot alike.
    """
    if imf_e6 == 0:
        return ratio_bps
    premium_bps = isqrt(10 * size_atoms + 1) * imf_e6 // (_ROOT_SCALE * _IMF_SCALE // BPS)
    return max(ratio_bps, ratio_bps - ratio_bps // 5 + premium_bps)


def size_discount_bps(weight_bps: int, size_atoms: int, imf_e6: int) -> int:
    """An asset weight for a size at 1e9: ``min(w, 1.1·1e4 / (1 + isqrt(10·size + 1)·imf / 1e11))``.

    Source: ``margin.rs::calculate_size_discount_asset_weight``.
    """
    if imf_e6 == 0:
        return weight_bps
    divisor = _IMF_SCALE + isqrt(10 * size_atoms + 1) * imf_e6 // _ROOT_SCALE
    return min(weight_bps, (_IMF_SCALE + _IMF_SCALE // 10) * BPS // divisor)


def margin_ratio_bps(market: MarketMargin, base_atoms: int, margin_type: MarginType) -> int:
    """A market's margin ratio for a position. Source: ``perp_market.rs::get_margin_ratio``."""
    ratio_bps = margin_type.pick(market.initial_bps, market.maintenance_bps)
    return size_premium_bps(ratio_bps, abs(base_atoms), market.imf_e6)


def position_value_atoms(base_atoms: int, oracle_px: int) -> int:
    """Signed quote value at the oracle; a price below zero counts as zero.

    Source: ``position.rs::calculate_base_asset_value_and_pnl_with_oracle_price``.
    """
    return mul_div(base_atoms, max(0, oracle_px), BASE_SCALE, Rounding.TRUNCATE)


def unrealized_pnl_atoms(base_atoms: int, quote_atoms: int, oracle_px: int) -> int:
    """Signed profit without unsettled funding; ``quote_atoms`` is the signed cash of the fills (a sale adds)."""
    return position_value_atoms(base_atoms, oracle_px) + quote_atoms


def claimable_pnl_atoms(pnl_atoms: int, quote_atoms: int, entry_quote_atoms: int, pool_excess_atoms: int) -> int:
    """How much of an unrealised profit can be settled; a loss always can.

    A profit settles up to what closing a part has realised (``quote_atoms`` beyond the signed cash of the entry)
    and what the market's P&L pool has to spare. Source: ``user.rs::PerpPosition::get_claimable_pnl``.
    """
    if pnl_atoms <= 0:
        return pnl_atoms
    return min(pnl_atoms, max(0, quote_atoms - entry_quote_atoms) + max(0, pool_excess_atoms))


def worst_case_base_atoms(base_atoms: int, open_bids_atoms: int, open_asks_atoms: int, oracle_px: int) -> int:
    """The position after the side of open orders (asks ≤ 0) that leaves the greater value; equal: the asks.

    Source: ``user.rs::PerpPosition::worst_case_liability_value``.
    """
    if open_bids_atoms == open_asks_atoms:
        return base_atoms + open_asks_atoms
    bids_fill, asks_fill = base_atoms + open_bids_atoms, base_atoms + open_asks_atoms
    asks_worse = abs(position_value_atoms(asks_fill, oracle_px)) >= abs(position_value_atoms(bids_fill, oracle_px))
    return asks_fill if asks_worse else bids_fill


def liability_atoms(base_atoms: int, oracle_px: int, quote: StrictPrice) -> int:
    """What a position counts as owed: its value at the oracle, then at the higher price of the quote asset."""
    return abs(position_value_atoms(base_atoms, oracle_px)) * quote.high // PRICE_SCALE


def pnl_weight_bps(market: MarketMargin, pnl_atoms: int, margin_type: MarginType, market_pnl_atoms: int = 0) -> int:
    """What share of an unrealised profit counts; ``market_pnl_atoms``: unsettled profit of all the market's users.

    Source: ``perp_market.rs::get_unrealized_asset_weight``.
    """
    if pnl_atoms <= 0:
        return BPS
    if margin_type is MarginType.MAINTENANCE:
        return market.pnl_maintenance_bps
    weight_bps = market.pnl_initial_bps
    if 0 < market.pnl_max_imbalance_atoms < market_pnl_atoms:
        weight_bps = weight_bps * market.pnl_max_imbalance_atoms // market_pnl_atoms
    return size_discount_bps(weight_bps, pnl_atoms * (BASE_SCALE // PRICE_SCALE), market.pnl_imf_e6)


def weighted_pnl_atoms(pnl_atoms: int, weight_bps: int, quote: StrictPrice, margin_type: MarginType) -> int:
    """What an unrealised profit (with unsettled funding) adds to the collateral, signed, in dollars at 1e6.

    Weight, then the quote's price, then the cap of the initial check: ``margin.rs::
    calculate_perp_position_value_and_pnl``.
    """
    weighted = mul_div(pnl_atoms, weight_bps, BPS, Rounding.TRUNCATE)
    worth = mul_div(weighted, quote.of_signed(pnl_atoms), PRICE_SCALE, Rounding.TRUNCATE)
    return min(worth, INITIAL_PROFIT_CAP_ATOMS) if margin_type is MarginType.INITIAL else worth
