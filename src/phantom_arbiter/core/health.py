"""Margin and health of a perp account, in integers: the same functions for the gates, the paper venue and the screen.

Rules and rounding of Drift v2 / Velocity at protocol-v2 0ae3e3b1d (``math/margin.rs::
calculate_margin_requirement_and_total_collateral_and_liability_info``, sdk ``user.ts``), from `core.perp.margin` and
`core.perp.spot`; amounts are quote atoms at 1e6, bases at 1e9, prices at 1e6:

    total collateral = Σ weighted deposits + Σ weighted unrealised P&L with unsettled funding
    requirement      = Σ worst-case liability · ratio + one cent per open order + Σ weighted debts
    health           = 100 · (1 − maintenance requirement / total collateral), clamped to 0…100

The initial check is strict (the worse of price and 5-minute TWAP) where the TWAP is told. Health here is rounded down
to a hundredth; the SDK rounds the same figure to the nearest whole number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from phantom_arbiter.core.instruments import STABLE_ASSETS, Asset
from phantom_arbiter.core.perp.margin import (
    BASE_SCALE,
    ONE_DOLLAR,
    OPEN_ORDER_MARGIN_ATOMS,
    PRICE_SCALE,
    MarginType,
    MarketMargin,
    StrictPrice,
    liability_atoms,
    margin_ratio_bps,
    pnl_weight_bps,
    position_value_atoms,
    unrealized_pnl_atoms,
    weighted_pnl_atoms,
    worst_case_base_atoms,
)
from phantom_arbiter.core.perp.payment import funding_payment_atoms
from phantom_arbiter.core.perp.spot import CollateralWeight, asset_weight_bps, liability_weight_bps, token_value_atoms
from phantom_arbiter.core.portfolio import EngineBook, PerpPosition
from phantom_arbiter.core.units import BPS, Rounding, mul_div, power_of_ten
from phantom_arbiter.core.view import MarketView

PERP_MARGINS: Final[Mapping[str, MarketMargin]] = {
    "SOL-PERP": MarketMargin(initial_bps=500, maintenance_bps=300, imf_e6=50)
}
"""SOL-PERP as read from Velocity's account on mainnet, 2026-08-08. Markets not listed take the wider default."""

_NO_CREDIT: Final = CollateralWeight(0, 0)
_FULL_CREDIT: Final = CollateralWeight(BPS, BPS)
COLLATERAL_WEIGHTS: Final[Mapping[str, CollateralWeight]] = {
    "SOL": CollateralWeight(8_000, 9_000, 12_000, 11_000),
    "jitoSOL": CollateralWeight(7_000, 8_000, 13_000, 12_000),
    **dict.fromkeys(sorted(STABLE_ASSETS), _FULL_CREDIT),
}
"""SOL 80 % / 90 % (Drift's documents). Assumed, not read from a venue: what a debt in SOL requires (120 % / 110 %),
and all of jitoSOL, of which no source was found for Velocity. An asset that is not listed counts for nothing."""


class Holding(Struct, frozen=True, gc=False):
    """Collateral at the venue: ``atoms`` (negative: owed) of an asset worth ``px`` (USD at 1e6) per whole unit.

    ``twap_px``: the 5-minute TWAP for the strict initial check. ``deposits_value_atoms``: the whole market's, for
    weights that shrink with it. ``follows``: the perp market whose oracle moves this price in proportion; empty: that
    of the asset's own perp.
    """

    asset: str
    atoms: int
    decimals: int
    px: int
    weight: CollateralWeight = _FULL_CREDIT
    twap_px: int | None = None
    deposits_value_atoms: int = 0
    follows: str = ""

    @property
    def value_atoms(self) -> int:
        """Worth in quote atoms, rounded down (a debt rounds away from zero)."""
        return token_value_atoms(self.atoms, self.decimals, StrictPrice(self.px))

    def weight_bps(self, margin_type: MarginType) -> int:
        """What share of the value counts: as collateral or, of a debt, as requirement."""
        if self.atoms < 0:
            return liability_weight_bps(self.weight, self.atoms, self.decimals, margin_type)
        return asset_weight_bps(self.weight, self.atoms, self.decimals, margin_type, self.deposits_value_atoms)

    def weighted_atoms(self, margin_type: MarginType) -> int:
        """The weighted value; negative: a debt's requirement."""
        strict = self.twap_px if margin_type is MarginType.INITIAL else None
        value = token_value_atoms(self.atoms, self.decimals, StrictPrice(self.px, strict))
        return mul_div(value, self.weight_bps(margin_type), BPS, Rounding.TRUNCATE)


class Exposure(Struct, frozen=True, gc=False):
    """A perp position at an oracle price. ``quote_atoms`` is the signed cash of its fills (a sale adds).

    Open orders: base they would buy (``open_bids_atoms``) or sell (``open_asks_atoms``, ≤ 0), and how many there are.
    ``market_pnl_atoms``: unsettled profit of all users of the market, for markets that cut its weight by it.
    """

    instrument: str
    base_atoms: int
    quote_atoms: int
    oracle_px: int
    funding_atoms: int = 0
    margin: MarketMargin = MarketMargin()
    open_bids_atoms: int = 0
    open_asks_atoms: int = 0
    open_orders: int = 0
    market_pnl_atoms: int = 0

    @property
    def notional_atoms(self) -> int:
        """|base| at the oracle, rounded down as the program does."""
        return abs(position_value_atoms(self.base_atoms, self.oracle_px))

    @property
    def profit_atoms(self) -> int:
        """Unrealised profit with unsettled funding, signed."""
        return unrealized_pnl_atoms(self.base_atoms, self.quote_atoms, self.oracle_px) + self.funding_atoms

    @property
    def worst_base_atoms(self) -> int:
        """The position after the open orders that leave the greater liability."""
        return worst_case_base_atoms(self.base_atoms, self.open_bids_atoms, self.open_asks_atoms, self.oracle_px)

    def liability_atoms(self, quote: StrictPrice) -> int:
        """What the worst case counts as owed."""
        return liability_atoms(self.worst_base_atoms, self.oracle_px, quote)

    def requirement_atoms(self, margin_type: MarginType, quote: StrictPrice) -> int:
        """Margin for the worst case, and a cent for every open order."""
        worst_atoms = self.worst_base_atoms
        ratio_bps = margin_ratio_bps(self.margin, worst_atoms, margin_type)
        margin_atoms = liability_atoms(worst_atoms, self.oracle_px, quote) * ratio_bps // BPS
        return margin_atoms + self.open_orders * OPEN_ORDER_MARGIN_ATOMS

    def weighted_profit_atoms(self, margin_type: MarginType, quote: StrictPrice) -> int:
        """What the unrealised profit adds to the collateral, signed."""
        profit = self.profit_atoms
        weight_bps = pnl_weight_bps(self.margin, profit, margin_type, self.market_pnl_atoms)
        return weighted_pnl_atoms(profit, weight_bps, quote, margin_type)


class MarginAccount(Struct, frozen=True):
    """All that one account holds at one venue. ``quote``: the price of the asset that perps settle in."""

    holdings: tuple[Holding, ...]
    exposures: tuple[Exposure, ...]
    liquidating: bool = False
    quote: StrictPrice = ONE_DOLLAR


class Margin(Struct, frozen=True, gc=False):
    """An account measured. ``initial_*`` decide whether risk may be added, ``total``/``maintenance`` its survival.

    ``equity_atoms`` is unweighted, ``notional_atoms`` all perps at worst, ``debt_atoms`` what was borrowed.
    ``health`` is on the 0…100 scale, rounded down to a hundredth.
    """

    total_collateral_atoms: int
    maintenance_atoms: int
    initial_collateral_atoms: int
    initial_atoms: int
    equity_atoms: int
    notional_atoms: int
    debt_atoms: int
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
        """Liabilities over equity; infinity without equity. Source: sdk ``calculateLeverageFromComponents``."""
        owed = self.notional_atoms + self.debt_atoms
        if owed == 0:
            return 0.0
        return owed / self.equity_atoms if self.equity_atoms > 0 else float("inf")


def health_of(total_collateral_atoms: int, maintenance_atoms: int, *, liquidating: bool = False) -> float:
    """Health on the 0…100 scale, rounded down to a hundredth.

    0 while being liquidated; 100 with no requirement and no loss; 0 without collateral.
    """
    if liquidating:
        return 0.0
    if maintenance_atoms == 0 and total_collateral_atoms >= 0:
        return 100.0
    if total_collateral_atoms <= 0:
        return 0.0
    hundredths = 10_000 * (total_collateral_atoms - maintenance_atoms) // total_collateral_atoms
    return max(0, min(10_000, hundredths)) / 100


def collateral_and_requirement(account: MarginAccount, margin_type: MarginType) -> tuple[int, int]:
    """Total collateral (signed) and margin requirement of one check, in dollars at 1e6."""
    quote = account.quote if margin_type is MarginType.INITIAL else StrictPrice(account.quote.px)
    weighted = [holding.weighted_atoms(margin_type) for holding in account.holdings]
    collateral = sum(value for value in weighted if value > 0)
    collateral += sum(e.weighted_profit_atoms(margin_type, quote) for e in account.exposures)
    requirement = sum(-value for value in weighted if value < 0)
    return collateral, requirement + sum(e.requirement_atoms(margin_type, quote) for e in account.exposures)


def assess(account: MarginAccount) -> Margin:
    """Measure an account."""
    now = StrictPrice(account.quote.px)
    total, maintenance = collateral_and_requirement(account, MarginType.MAINTENANCE)
    initial_collateral, initial = collateral_and_requirement(account, MarginType.INITIAL)
    values = [holding.value_atoms for holding in account.holdings]
    profits = sum(mul_div(e.profit_atoms, now.px, PRICE_SCALE, Rounding.DOWN) for e in account.exposures)
    return Margin(
        total_collateral_atoms=total,
        maintenance_atoms=maintenance,
        initial_collateral_atoms=initial_collateral,
        initial_atoms=initial,
        equity_atoms=sum(values) + profits,
        notional_atoms=sum(exposure.liability_atoms(now) for exposure in account.exposures),
        debt_atoms=sum(-value for value in values if value < 0),
        health=health_of(total, maintenance, liquidating=account.liquidating),
    )


def withdrawable_atoms(account: MarginAccount, asset: str, min_health: float) -> int:
    """The most of a deposit that may leave so that health stays at ``min_health`` or above and the initial margin is
    met, as the program demands of a withdrawal; 0 where that fails already. Nothing is borrowed.

    With a size-dependent weight (``imf_e6``), whose steps of a bps make health uneven, the answer is allowed but may
    fall short of the most.
    """

    def allowed(atoms: int) -> bool:
        margin = assess(_without(account, asset, atoms))
        return margin.health >= min_health and margin.initial_collateral_atoms >= margin.initial_atoms

    held = sum(holding.atoms for holding in account.holdings if holding.asset == asset)
    if held <= 0 or not allowed(0):
        return 0
    low, beyond = 0, held + 1
    while beyond - low > 1:
        middle = (low + beyond) // 2
        low, beyond = (middle, beyond) if allowed(middle) else (low, middle)
    return low


def _without(account: MarginAccount, asset: str, atoms: int) -> MarginAccount:
    holdings = [replace(h, atoms=h.atoms - atoms) if h.asset == asset else h for h in account.holdings]
    return replace(account, holdings=tuple(holdings))


def liquidation_px(account: MarginAccount, instrument: str) -> int | None:
    """The oracle price of ``instrument`` at which the account falls to its maintenance requirement, all else equal;
    the present one where it has already.

    None where there is no position, or no such price above zero. The division truncates, toward the current price.
    Open orders do not count: a liquidation cancels them first. Source: sdk ``user.ts::liquidationPrice``; collateral
    on the same oracle moves along (weighted), and so does, unlike there, a holding that `Holding.follows` it.
    """
    exposure = next((e for e in account.exposures if e.instrument == instrument and e.base_atoms), None)
    if exposure is None:
        return None
    slope = _perp_slope(exposure, account.quote.px)
    slope += sum(_spot_slope(holding, exposure) for holding in account.holdings)
    if slope == 0:
        return None
    bare = [replace(e, open_bids_atoms=0, open_asks_atoms=0, open_orders=0) for e in account.exposures]
    total, maintenance = collateral_and_requirement(replace(account, exposures=tuple(bare)), MarginType.MAINTENANCE)
    free = max(0, total - maintenance)
    step = mul_div(free if slope > 0 else -free, PRICE_SCALE, abs(slope), Rounding.TRUNCATE)
    px = exposure.oracle_px - step
    return px if px > 0 else None


def _perp_slope(exposure: Exposure, quote_px: int) -> int:
    """Free collateral gained per dollar of the oracle, at 1e6 (sdk ``calculateFreeCollateralDeltaForPerp``)."""
    ratio_bps = margin_ratio_bps(exposure.margin, exposure.base_atoms, MarginType.MAINTENANCE)
    unit = PRICE_SCALE * (BPS - ratio_bps if exposure.base_atoms > 0 else BPS + ratio_bps) // BPS
    slope = mul_div(unit, exposure.base_atoms, BASE_SCALE, Rounding.TRUNCATE)
    return mul_div(slope, quote_px, PRICE_SCALE, Rounding.TRUNCATE)


def _spot_slope(holding: Holding, exposure: Exposure) -> int:
    """The same of collateral (sdk ``calculateFreeCollateralDeltaForSpot``), 0 where its price does not move along."""
    if (holding.follows or f"{holding.asset}-PERP") != exposure.instrument:
        return 0
    unit = PRICE_SCALE * holding.weight_bps(MarginType.MAINTENANCE) // BPS
    slope = mul_div(unit, holding.atoms, power_of_ten(holding.decimals), Rounding.TRUNCATE)
    if not holding.follows:
        return slope
    return mul_div(slope, holding.px, exposure.oracle_px, Rounding.TRUNCATE)


def margin_account(
    collateral: Mapping[str, int],
    positions: Iterable[PerpPosition],
    oracle_px: Mapping[str, int],
    funding_index_e9: Mapping[str, int],
    assets: Mapping[str, Asset],
) -> MarginAccount | str:
    """An account from its records (collateral in atoms by asset); a string names the oracle that is missing.

    Stables count at one dollar. Collateral with no oracle price gives no credit; a debt without one is missing it.
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
        market = PERP_MARGINS.get(position.instrument, MarketMargin())
        exposures.append(
            Exposure(position.instrument, position.base_atoms, position.quote_atoms, px, funding, market),
        )
    holdings = []
    for asset, atoms in sorted(collateral.items()):
        px = PRICE_SCALE if asset in STABLE_ASSETS else oracle_px.get(f"{asset}-PERP", 0)
        if atoms < 0 and px == 0:
            return f"no oracle price for a debt in {asset}"
        if atoms:
            holdings.append(
                Holding(asset, atoms, assets[asset].decimals, px, COLLATERAL_WEIGHTS.get(asset, _NO_CREDIT))
            )
    return MarginAccount(tuple(holdings), tuple(exposures))


def book_account(book: EngineBook, venue: str, view: MarketView) -> MarginAccount | str:
    """The account of an engine at a venue, priced by the market view; a string names the oracle that is missing."""
    prefix = f"{venue}:"
    collateral = {key.removeprefix(prefix): atoms for key, atoms in book.collateral.items() if key.startswith(prefix)}
    oracle_px = {
        instrument: oracle.px for instrument in view.oracles if (oracle := view.oracle(instrument)) is not None
    }
    positions = [position for position in book.perps.values() if position.venue == venue]
    return margin_account(collateral, positions, oracle_px, view.funding_index_e9, view.universe.assets)
