"""Deposits and debts at a perp venue: token amounts, what they count for as collateral, and what borrowing costs.

Source: drift protocol-v2 at 0ae3e3b1d (``math/spot_balance.rs``, ``state/spot_market.rs``). Token atoms are signed
where a debt is meant (negative); values and prices are USD at 1e6, weights bps, rates and utilisation millionths.
Left out: open spot orders (Velocity has no spot book) and an account's custom margin ratio.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from phantom_arbiter.core.perp.margin import BASE_SCALE, MarginType, StrictPrice, size_discount_bps, size_premium_bps
from phantom_arbiter.core.units import BPS, Rounding, mul_div, power_of_ten

_MILLIONTHS: Final = 10**6
_BALANCE_DECIMALS: Final = 19
"""A scaled balance at 1e9 times cumulative interest at 1e10."""
_SEGMENTS: Final = (
    (850_000, 50),
    (900_000, 100),
    (950_000, 150),
    (990_000, 200),
    (995_000, 250),
    (1_000_000, 250),
)
"""Above the optimum: up to each utilisation, so many thousandths of the way from the optimal to the highest rate."""


def token_atoms(scaled_balance: int, interest_e10: int, decimals: int, *, borrowed: bool) -> int:
    """Unsigned token atoms of a balance at 1e9: a deposit rounds down, a debt up (``get_token_amount``)."""
    rounding = Rounding.UP if borrowed else Rounding.DOWN
    return mul_div(scaled_balance, interest_e10, power_of_ten(_BALANCE_DECIMALS - decimals), rounding)


def token_value_atoms(atoms: int, decimals: int, price: StrictPrice) -> int:
    """Signed value, rounded down: a deposit at the lower price, a debt at the higher (``get_strict_token_value``)."""
    return mul_div(atoms, price.of_signed(atoms), power_of_ten(decimals), Rounding.DOWN)


class CollateralWeight(Struct, frozen=True, gc=False):
    """How much of an asset's value counts, in bps, at the initial and at the maintenance check.

    ``debt_*_bps`` is what a debt's value requires. ``imf_e6`` moves both as the size grows. From
    ``scale_start_atoms`` of deposits in the whole market (their value; 0: never) the initial weight shrinks.
    """

    initial_bps: int
    maintenance_bps: int
    debt_initial_bps: int = BPS
    debt_maintenance_bps: int = BPS
    imf_e6: int = 0
    scale_start_atoms: int = 0


def scaled_initial_bps(weight: CollateralWeight, deposits_value_atoms: int) -> int:
    """The initial asset weight, given what the market's deposits are worth (``get_scaled_initial_asset_weight``)."""
    start = weight.scale_start_atoms
    if start == 0 or deposits_value_atoms < start:
        return weight.initial_bps
    return weight.initial_bps * start // deposits_value_atoms


def asset_weight_bps(
    weight: CollateralWeight, atoms: int, decimals: int, margin_type: MarginType, deposits_value_atoms: int = 0
) -> int:
    """What share of a deposit counts as collateral (``spot_market.rs::get_asset_weight``)."""
    initial = scaled_initial_bps(weight, deposits_value_atoms)
    default = margin_type.pick(initial, weight.maintenance_bps)
    return size_discount_bps(default, _size_e9(atoms, decimals), weight.imf_e6)


def liability_weight_bps(weight: CollateralWeight, atoms: int, decimals: int, margin_type: MarginType) -> int:
    """What a debt requires, as a share of its value (``spot_market.rs::get_liability_weight``)."""
    default = margin_type.pick(weight.debt_initial_bps, weight.debt_maintenance_bps)
    return size_premium_bps(default, _size_e9(atoms, decimals), weight.imf_e6)


def _size_e9(atoms: int, decimals: int) -> int:
    return abs(atoms) * BASE_SCALE // power_of_ten(decimals)


class BorrowCurve(Struct, frozen=True, gc=False):
    """A spot market's interest, in millionths a year. The program's ``min_borrow_rate`` counts steps of 0.5 %:
    ``min_rate_e6`` is that times 5,000."""

    optimal_utilization_e6: int
    optimal_rate_e6: int
    max_rate_e6: int
    min_rate_e6: int = 0

    def __post_init__(self) -> None:
        """Refuse a curve on which the program's own arithmetic fails."""
        first = _SEGMENTS[0][0]
        if not 0 < self.optimal_utilization_e6 <= first:
            raise ValueError(f"optimal_utilization_e6: got {self.optimal_utilization_e6}, expected 1 to {first}")
        if not 0 <= self.optimal_rate_e6 <= self.max_rate_e6:
            rates = f"got {self.optimal_rate_e6} and {self.max_rate_e6}"
            raise ValueError(f"optimal_rate_e6 and max_rate_e6: {rates}, expected 0 <= optimal <= max")
        if self.min_rate_e6 < 0:
            raise ValueError(f"min_rate_e6: got {self.min_rate_e6}, expected 0 or more")


def utilization_e6(deposits_atoms: int, borrows_atoms: int) -> int:
    """Borrowed share of the deposits, truncated; all of it where there are only debts (``calculate_utilization``)."""
    if deposits_atoms == 0:
        return _MILLIONTHS if borrows_atoms else 0
    return borrows_atoms * _MILLIONTHS // deposits_atoms


def borrow_rate_e6(curve: BorrowCurve, used_e6: int) -> int:
    """What a debt costs a year at a utilisation, each segment truncated (``calculate_borrow_rate``)."""
    optimal = curve.optimal_utilization_e6
    if used_e6 <= optimal:
        slope = curve.optimal_rate_e6 * _MILLIONTHS // optimal
        return max(curve.min_rate_e6, used_e6 * slope // _MILLIONTHS)
    extra, rate, start = curve.max_rate_e6 - curve.optimal_rate_e6, curve.optimal_rate_e6, optimal
    for end, weight in _SEGMENTS:
        whole = extra * weight // 1_000
        if used_e6 <= end:
            rate += whole * (used_e6 - start) // (end - start)
            break
        rate, start = rate + whole, end
    return max(curve.min_rate_e6, rate)


def deposit_rate_e6(rate_e6: int, used_e6: int, insurance_factor_e6: int) -> int:
    """What a deposit earns a year from a borrow rate, after the insurance fund's share (``calculate_deposit_rate``)."""
    return rate_e6 * (_MILLIONTHS - insurance_factor_e6) * used_e6 // _MILLIONTHS // _MILLIONTHS
