"""Margin and health of a perp account, in integers: the same functions for the gates, the paper venue and the screen.

Rules and rounding of Drift v2 / Velocity (``math/margin.rs``, sdk ``user.ts``); amounts are quote atoms at 1e6, bases
at 1e9, prices at 1e6. Checked against the vectors of the exact SDK in `tests/unit/core/test_health.py`:

    total collateral = Σ weighted collateral + unrealised P&L + unsettled funding
    requirement      = Σ |base| · oracle · ratio
    health           = 100 · (1 − maintenance requirement / total collateral), clamped to 0…100

Only the initial check refuses credit for unrealised profit (``unrealized_pnl_initial_asset_weight`` is 0 on SOL-PERP).
Left out: open orders' margin, strict (5-minute TWAP) prices, borrowed spot other than a negative stable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isqrt
from typing import Final

from msgspec import Struct

from phantom_arbiter.core.instruments import STABLE_ASSETS, Asset
from phantom_arbiter.core.perp.payment import funding_payment_atoms
from phantom_arbiter.core.portfolio import EngineBook, PerpPosition
from phantom_arbiter.core.units import BPS, Rounding, mul_div, power_of_ten
from phantom_arbiter.core.view import MarketView

_BASE_SCALE: Final = 10**9
_PRICE_SCALE: Final = 10**6


class PerpMargin(Struct, frozen=True, gc=False):
    """A market's margin ratios in bps of notional; ``imf_e6`` makes them grow with the root of the size."""

    initial_bps: int = 1_000
    maintenance_bps: int = 500
    imf_e6: int = 0


PERP_MARGINS: Final[Mapping[str, PerpMargin]] = {
    "SOL-PERP": PerpMargin(initial_bps=500, maintenance_bps=300, imf_e6=50)
}
"""SOL-PERP as read from Velocity's account on mainnet, 2026-08-08. Markets not listed take the wider default."""


class CollateralWeight(Struct, frozen=True, gc=False):
    """How much of an asset's value counts, in bps, at the initial and at the maintenance check."""

    initial_bps: int
    maintenance_bps: int


_NO_CREDIT: Final = CollateralWeight(0, 0)
_FULL_CREDIT: Final = CollateralWeight(BPS, BPS)
COLLATERAL_WEIGHTS: Final[Mapping[str, CollateralWeight]] = {
    "SOL": CollateralWeight(8_000, 9_000),
    **dict.fromkeys(sorted(STABLE_ASSETS), _FULL_CREDIT),
}
"""SOL 80 % / 90 % (Drift's documents). An asset that is not listed counts for nothing."""


class Holding(Struct, frozen=True, gc=False):
    """Collateral at the venue: ``atoms`` of an asset worth ``px`` (USD at 1e6) per whole unit."""

    asset: str
    atoms: int
    decimals: int
    px: int
    weight: CollateralWeight = _FULL_CREDIT

    @property
    def value_atoms(self) -> int:
        """Worth in quote atoms, rounded down (a debt rounds away from zero)."""
        return mul_div(self.atoms, self.px, power_of_ten(self.decimals), Rounding.DOWN)

    def weighted_atoms(self, weight_bps: int) -> int:
        """What counts as collateral; a debt counts in full."""
        value = self.value_atoms
        return value if value < 0 else value * weight_bps // BPS


class Exposure(Struct, frozen=True, gc=False):
    """A perp position at an oracle price. ``quote_atoms`` is the signed cash of its fills (a sale adds)."""

    instrument: str
    base_atoms: int
    quote_atoms: int
    oracle_px: int
    funding_atoms: int = 0
    margin: PerpMargin = PerpMargin()

    @property
    def notional_atoms(self) -> int:
        """|base| at the oracle, rounded down as the program does."""
        return abs(self.base_atoms) * self.oracle_px // _BASE_SCALE

    @property
    def profit_atoms(self) -> int:
        """Unrealised profit with unsettled funding, signed."""
        value = self.notional_atoms if self.base_atoms >= 0 else -self.notional_atoms
        return value + self.quote_atoms + self.funding_atoms

    def requirement_atoms(self, ratio_bps: int) -> int:
        """Margin for this position at a market ratio."""
        return self.notional_atoms * margin_ratio_bps(ratio_bps, self.base_atoms, self.margin.imf_e6) // BPS


class MarginAccount(Struct, frozen=True):
    """All that one account holds at one venue."""

    holdings: tuple[Holding, ...]
    exposures: tuple[Exposure, ...]
    liquidating: bool = False


class Margin(Struct, frozen=True, gc=False):
    """An account measured. ``initial_*`` decide whether risk may be added, ``total``/``maintenance`` its survival.

    ``equity_atoms`` is unweighted. ``health`` is on the 0…100 scale, rounded down to a hundredth.
    """

    total_collateral_atoms: int
    maintenance_atoms: int
    initial_collateral_atoms: int
    initial_atoms: int
    equity_atoms: int
    notional_atoms: int
    health: float

    @property
    def free_collateral_atoms(self) -> int:
        """What may still back new risk, never negative."""
        return max(0, self.initial_collateral_atoms - self.initial_atoms)

    @property
    def liquidatable(self) -> bool:
        """Whether the venue may close positions by force."""
        return self.maintenance_atoms > 0 and self.total_collateral_atoms < self.maintenance_atoms

    @property
    def leverage(self) -> float:
        """Notional over equity; infinity without equity."""
        if self.notional_atoms == 0:
            return 0.0
        return self.notional_atoms / self.equity_atoms if self.equity_atoms > 0 else float("inf")


def margin_ratio_bps(ratio_bps: int, base_atoms: int, imf_e6: int) -> int:
    """A market's ratio for a size: ``max(r, r − r/5 + isqrt(10·size + 1)·imf / 1e7)``, truncating.

    Source: ``math/margin.rs::calculate_size_premium_liability_weight``.
    """
    if imf_e6 == 0:
        return ratio_bps
    return max(ratio_bps, ratio_bps - ratio_bps // 5 + isqrt(10 * abs(base_atoms) + 1) * imf_e6 // 10**7)


def health_of(total_collateral_atoms: int, maintenance_atoms: int, *, liquidating: bool = False) -> float:
    """Health on the 0…100 scale, rounded down to a hundredth.

    0 while being liquidated; 100 with no requirement and no debt; 0 without collateral.
    """
    if liquidating:
        return 0.0
    if maintenance_atoms == 0 and total_collateral_atoms >= 0:
        return 100.0
    if total_collateral_atoms <= 0:
        return 0.0
    hundredths = 10_000 * (total_collateral_atoms - maintenance_atoms) // total_collateral_atoms
    return max(0, min(10_000, hundredths)) / 100


def assess(account: MarginAccount) -> Margin:
    """Measure an account."""
    profits = [exposure.profit_atoms for exposure in account.exposures]
    value = sum(holding.value_atoms for holding in account.holdings)
    maintenance = sum(e.requirement_atoms(e.margin.maintenance_bps) for e in account.exposures)
    total = sum(h.weighted_atoms(h.weight.maintenance_bps) for h in account.holdings) + sum(profits)
    return Margin(
        total_collateral_atoms=total,
        maintenance_atoms=maintenance,
        initial_collateral_atoms=sum(h.weighted_atoms(h.weight.initial_bps) for h in account.holdings)
        + sum(min(0, profit) for profit in profits),
        initial_atoms=sum(e.requirement_atoms(e.margin.initial_bps) for e in account.exposures),
        equity_atoms=value + sum(profits),
        notional_atoms=sum(exposure.notional_atoms for exposure in account.exposures),
        health=health_of(total, maintenance, liquidating=account.liquidating),
    )


def liquidation_px(account: MarginAccount, instrument: str) -> int | None:
    """The oracle price of ``instrument`` at which the account falls to its maintenance requirement, all else equal.

    None where there is no position, or no such price above zero. The division truncates, toward the current price.
    Source: sdk ``user.ts::liquidationPrice``; collateral of the same base moves along (weighted).
    """
    exposure = next((e for e in account.exposures if e.instrument == instrument and e.base_atoms), None)
    if exposure is None:
        return None
    ratio_bps = margin_ratio_bps(exposure.margin.maintenance_bps, exposure.base_atoms, exposure.margin.imf_e6)
    unit = _PRICE_SCALE * (BPS - ratio_bps) if exposure.base_atoms > 0 else _PRICE_SCALE * (BPS + ratio_bps)
    slope = mul_div(unit // BPS, exposure.base_atoms, _BASE_SCALE, Rounding.TRUNCATE)
    for holding in account.holdings:
        if f"{holding.asset}-PERP" == instrument:
            credit = _PRICE_SCALE * holding.weight.maintenance_bps // BPS
            slope += mul_div(credit, holding.atoms, power_of_ten(holding.decimals), Rounding.TRUNCATE)
    if slope == 0:
        return None
    margin = assess(account)
    free = margin.total_collateral_atoms - margin.maintenance_atoms
    step = mul_div(free if slope > 0 else -free, _PRICE_SCALE, abs(slope), Rounding.TRUNCATE)
    px = exposure.oracle_px - step
    return px if px > 0 else None


def margin_account(
    collateral: Mapping[str, int],
    positions: Iterable[PerpPosition],
    oracle_px: Mapping[str, int],
    funding_index_e9: Mapping[str, int],
    assets: Mapping[str, Asset],
) -> MarginAccount | str:
    """An account from its records (collateral in atoms by asset); a string names the oracle that is missing.

    Stables count at one dollar. Collateral with no oracle price gives no credit.
    """
    exposures = []
    for position in positions:
        if position.base_atoms == 0 and position.quote_atoms == 0:
            continue
        px = oracle_px.get(position.instrument)
        if px is None:
            return f"no oracle price for {position.instrument}"
        index = funding_index_e9.get(position.instrument, position.funding_index_e9)
        funding = funding_payment_atoms(position.base_atoms, position.funding_index_e9, index)
        market = PERP_MARGINS.get(position.instrument, PerpMargin())
        exposures.append(
            Exposure(position.instrument, position.base_atoms, position.quote_atoms, px, funding, market),
        )
    holdings = tuple(
        Holding(
            asset=asset,
            atoms=atoms,
            decimals=assets[asset].decimals,
            px=_PRICE_SCALE if asset in STABLE_ASSETS else oracle_px.get(f"{asset}-PERP", 0),
            weight=COLLATERAL_WEIGHTS.get(asset, _NO_CREDIT),
        )
        for asset, atoms in sorted(collateral.items())
        if atoms
    )
    return MarginAccount(holdings, tuple(exposures))


def book_account(book: EngineBook, venue: str, view: MarketView) -> MarginAccount | str:
    """The account of an engine at a venue, priced by the market view; a string names the oracle that is missing."""
    prefix = f"{venue}:"
    collateral = {key.removeprefix(prefix): atoms for key, atoms in book.collateral.items() if key.startswith(prefix)}
    oracle_px = {
        instrument: oracle.px for instrument in view.oracles if (oracle := view.oracle(instrument)) is not None
    }
    positions = [position for position in book.perps.values() if position.venue == venue]
    return margin_account(collateral, positions, oracle_px, view.funding_index_e9, view.universe.assets)
