"""Margin and health against the vectors of the Drift SDK 2.163.0-beta.0 (exact integers), and what must always hold."""

from __future__ import annotations

from itertools import pairwise
from math import floor
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.core.events import Envelope, FundingPosted, OraclePosted
from phantom_arbiter.core.health import (
    COLLATERAL_WEIGHTS,
    Exposure,
    Holding,
    MarginAccount,
    PerpMargin,
    assess,
    book_account,
    health_of,
    liquidation_px,
)
from phantom_arbiter.core.instruments import SOL, USDC, Universe, perp
from phantom_arbiter.core.portfolio import EngineBook, PerpPosition
from phantom_arbiter.core.view import MarketView

USD = 10**6
WHOLE = 10**9


class Vector(NamedTuple):
    """One case of the SDK: whole units in, quote atoms out."""

    usdc: int
    sol: int
    perp: int
    price: int
    initial: tuple[int, int]
    maintenance: tuple[int, int]
    health: int
    leverage: float
    liquidation_px: int
    funding: int = 0
    imf: int = 0


VECTORS = {
    "wallet-only short": Vector(300, 0, -10, 150, (300 * USD, 75 * USD), (300 * USD, 45 * USD), 85, 5.0, 174_757_281),
    "sol deposited": Vector(0, 10, -10, 150, (1200 * USD, 75 * USD), (1350 * USD, 45 * USD), 97, 1.0, 1_153_846_153),
    "sol deposited, up 10 %": Vector(
        0, 10, -10, 165, (1170 * USD, 82_500_000), (1335 * USD, 49_500_000), 96, 1.1, 1_153_846_153
    ),
    "sol deposited, doubled": Vector(
        0, 10, -10, 300, (900 * USD, 150 * USD), (1200 * USD, 90 * USD), 93, 2.0, 1_153_846_153
    ),
    "sol deposited, halved": Vector(
        0, 10, -10, 75, (600 * USD, 37_500_000), (1425 * USD, 22_500_000), 98, 0.5, 1_153_846_153
    ),
    "wallet-only, up 10 %": Vector(
        300, 0, -10, 165, (150 * USD, 82_500_000), (150 * USD, 49_500_000), 67, 11.0, 174_757_281
    ),
    "funding credit": Vector(
        300, 0, -10, 150, (300 * USD, 75 * USD), (300_500_000, 45 * USD), 85, 4.9916, 174_805_825, 500_000
    ),
    "large position": Vector(
        500_000,
        0,
        -20_000,
        150,
        (500_000 * USD, 310_800 * USD),
        (500_000 * USD, 262_800 * USD),
        47,
        6.0,
        160_904_744,
        imf=450,
    ),
}


def account_of(vector: Vector) -> MarginAccount:
    holdings = (
        Holding("USDC", vector.usdc * USD, 6, USD, COLLATERAL_WEIGHTS["USDC"]),
        Holding("SOL", vector.sol * WHOLE, 9, vector.price * USD, COLLATERAL_WEIGHTS["SOL"]),
    )
    margin = PerpMargin(500, 300, vector.imf)
    entry_quote = -vector.perp * 150 * USD
    exposure = Exposure("SOL-PERP", vector.perp * WHOLE, entry_quote, vector.price * USD, vector.funding, margin)
    return MarginAccount(holdings, (exposure,))


@pytest.mark.parametrize("name", VECTORS)
def test_the_sdk_agrees(name):
    vector = VECTORS[name]
    account = account_of(vector)
    margin = assess(account)
    assert (margin.initial_collateral_atoms, margin.initial_atoms) == vector.initial
    assert (margin.total_collateral_atoms, margin.maintenance_atoms) == vector.maintenance
    assert floor(margin.health + 0.5) == vector.health  # the SDK rounds halves up
    assert margin.leverage == pytest.approx(vector.leverage, abs=1e-4)
    assert margin.free_collateral_atoms == vector.initial[0] - vector.initial[1]
    assert liquidation_px(account, "SOL-PERP") == vector.liquidation_px


def short_at(price_micros: int, collateral: int = 300) -> MarginAccount:
    holding = Holding("USDC", collateral * USD, 6, USD)
    return MarginAccount(
        (holding,), (Exposure("SOL-PERP", -10 * WHOLE, 1500 * USD, price_micros, 0, PerpMargin(500, 300)),)
    )


def test_health_falls_step_by_step_to_the_liquidation():
    path = [assess(short_at(px * USD)).health for px in range(150, 176)]
    assert path[0] == 85.0
    assert path[-1] == 0.0
    assert all(later < earlier for earlier, later in pairwise(path))
    assert sum(20 < health < 80 for health in path) >= 15


@pytest.mark.parametrize("base", [-10, 10])
def test_the_account_is_liquidatable_just_beyond_its_liquidation_price(base):
    def at(px: int) -> MarginAccount:
        exposure = Exposure("SOL-PERP", base * WHOLE, -base * 150 * USD, px, 0, PerpMargin(500, 300))
        return MarginAccount((Holding("USDC", 300 * USD, 6, USD),), (exposure,))

    px = liquidation_px(at(150 * USD), "SOL-PERP")
    assert px is not None
    inside, beyond = (px - 100, px + 100) if base < 0 else (px + 100, px - 100)
    assert not assess(at(inside)).liquidatable
    assert assess(at(beyond)).liquidatable


def test_a_long_without_debt_has_no_liquidation_price():
    exposure = Exposure("SOL-PERP", WHOLE, -150 * USD, 150 * USD)
    account = MarginAccount((Holding("USDC", 1_000 * USD, 6, USD),), (exposure,))
    assert liquidation_px(account, "SOL-PERP") is None
    assert liquidation_px(account, "BTC-PERP") is None


@pytest.mark.parametrize(
    ("total", "requirement", "liquidating", "health"),
    [
        (0, 0, False, 100.0),
        (100, 0, False, 100.0),
        (-1, 0, False, 0.0),
        (0, 1, False, 0.0),
        (100, 200, False, 0.0),
        (300, 45, True, 0.0),
        (3, 1, False, 66.66),
        (10**12, 1, False, 99.99),
    ],
)
def test_health_at_its_edges(total, requirement, liquidating, health):
    assert health_of(total, requirement, liquidating=liquidating) == health


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 10**9))
def test_more_collateral_never_lowers_health(total, requirement, more):
    assert 0.0 <= health_of(total, requirement) <= health_of(total + more, requirement) <= 100.0


def book_and_view() -> tuple[EngineBook, MarketView]:
    universe = Universe.of((SOL, USDC), (perp("SOL", USDC, min_base_atoms=1, step_base_atoms=1),))
    view = MarketView(universe)
    position = PerpPosition("SOL-PERP", "velocity", -10 * WHOLE, 1500 * USD)
    collateral = {"velocity:USDC": 300 * USD, "velocity:BONK": 0, "elsewhere:USDC": 9_999 * USD}
    return EngineBook("funding", perps={"SOL-PERP": position}, collateral=collateral), view


def test_a_books_account_at_one_venue():
    book, view = book_and_view()
    assert book_account(book, "velocity", view) == "no oracle price for SOL-PERP"
    view.fold(Envelope(1, 1, "t", OraclePosted("SOL-PERP", 150 * USD, 0, 1)))
    view.fold(Envelope(2, 2, "t", FundingPosted("SOL-PERP", 50_000_000, 150 * USD, 150 * USD, 1)))
    account = book_account(book, "velocity", view)
    assert isinstance(account, MarginAccount)
    assert assess(account).total_collateral_atoms == 300_500_000
    assert liquidation_px(account, "SOL-PERP") == 174_805_825


def test_units_of_sol_are_never_added_to_dollars():
    book, view = book_and_view()
    book.collateral["velocity:SOL"] = 2 * WHOLE
    view.fold(Envelope(1, 1, "t", OraclePosted("SOL-PERP", 150 * USD, 0, 1)))
    account = book_account(book, "velocity", view)
    assert isinstance(account, MarginAccount)
    # 300 USDC and 2 SOL at 150 dollars with 90 % weight, not 300e6 + 2e9 atoms.
    assert assess(account).total_collateral_atoms == 300 * USD + 270 * USD
