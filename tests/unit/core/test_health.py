"""Margin and health against the vectors of the Drift SDK 2.163.0-beta.0 (exact integers), and what must always hold."""

from __future__ import annotations

from itertools import pairwise
from math import floor
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from phantom_arbiter.core.events import Envelope, FundingPosted, OraclePosted
from phantom_arbiter.core.health import (
    COLLATERAL_WEIGHTS,
    Exposure,
    Holding,
    MarginAccount,
    assess,
    book_account,
    collateral_and_requirement,
    health_of,
    liquidation_px,
    margin_account,
    withdrawable_atoms,
)
from phantom_arbiter.core.instruments import SOL, USDC, Universe, perp
from phantom_arbiter.core.perp.margin import MarginType, MarketMargin, StrictPrice
from phantom_arbiter.core.perp.spot import CollateralWeight
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
    margin = MarketMargin(500, 300, vector.imf)
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
        (holding,), (Exposure("SOL-PERP", -10 * WHOLE, 1500 * USD, price_micros, 0, MarketMargin(500, 300)),)
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
        exposure = Exposure("SOL-PERP", base * WHOLE, -base * 150 * USD, px, 0, MarketMargin(500, 300))
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


# Debts, orders, prices of the quote


def test_a_debt_requires_margin_and_takes_nothing_from_the_collateral():
    dollars = Holding("USDC", -100 * USD, 6, USD)
    sol = Holding("SOL", 10 * WHOLE, 9, 150 * USD, COLLATERAL_WEIGHTS["SOL"])
    margin = assess(MarginAccount((dollars, sol), ()))
    assert (margin.total_collateral_atoms, margin.maintenance_atoms) == (1_350 * USD, 100 * USD)
    assert (margin.equity_atoms, margin.debt_atoms, margin.health) == (1_400 * USD, 100 * USD, 92.59)
    assert margin.leverage == pytest.approx(100 / 1_400)


def test_borrowed_sol_requires_more_than_it_is_worth():
    sol = Holding("SOL", -WHOLE, 9, 150 * USD, COLLATERAL_WEIGHTS["SOL"])
    account = MarginAccount((sol, Holding("USDC", 300 * USD, 6, USD)), ())
    assert collateral_and_requirement(account, MarginType.INITIAL) == (300 * USD, 180 * USD)
    assert collateral_and_requirement(account, MarginType.FILL) == (300 * USD, 172_500_000)
    assert collateral_and_requirement(account, MarginType.MAINTENANCE) == (300 * USD, 165 * USD)


def test_a_debt_alone_can_be_liquidated():
    margin = assess(MarginAccount((Holding("USDC", -1, 6, USD),), ()))
    assert (margin.health, margin.liquidatable, margin.leverage) == (0.0, True, float("inf"))


def test_open_orders_count_at_their_worst_with_a_cent_each():
    held = replace(short_at(150 * USD).exposures[0], open_asks_atoms=-10 * WHOLE, open_bids_atoms=WHOLE, open_orders=3)
    margin = assess(MarginAccount((Holding("USDC", 300 * USD, 6, USD),), (held,)))
    assert (margin.initial_atoms, margin.maintenance_atoms) == (150_030_000, 90_030_000)
    assert margin.notional_atoms == 3_000 * USD


def test_only_the_initial_check_is_strict():
    account = replace(short_at(160 * USD), quote=StrictPrice(990_000, 1_010_000))
    sol = Holding("SOL", WHOLE, 9, 150 * USD, COLLATERAL_WEIGHTS["SOL"], twap_px=140 * USD)
    account = replace(account, holdings=(*account.holdings, sol))
    # The loss of 100 dollars and the liability of 1,600 at 1.01, SOL at 140; then both at 0.99, SOL at 150.
    assert collateral_and_requirement(account, MarginType.INITIAL) == ((300 - 101 + 112) * USD, 80_800_000)
    assert collateral_and_requirement(account, MarginType.MAINTENANCE) == ((300 - 99 + 135) * USD, 47_520_000)
    assert assess(account).equity_atoms == (300 - 99 + 150) * USD


def test_a_profit_backs_new_risk_only_where_the_market_says_so_and_up_to_a_hundred_dollars():
    account = short_at(120 * USD)
    assert assess(account).initial_collateral_atoms == 300 * USD
    weighty = replace(account.exposures[0], margin=MarketMargin(500, 300, pnl_initial_bps=10_000))
    assert assess(replace(account, exposures=(weighty,))).initial_collateral_atoms == 400 * USD
    assert assess(account).total_collateral_atoms == 600 * USD


# The liquidation price


def test_an_account_under_its_requirement_is_liquidated_at_the_present_price():
    assert liquidation_px(short_at(180 * USD), "SOL-PERP") == 180 * USD


def test_open_orders_do_not_move_the_liquidation_price():
    account = short_at(150 * USD)
    with_orders = replace(account.exposures[0], open_asks_atoms=-20 * WHOLE, open_orders=2)
    assert liquidation_px(replace(account, exposures=(with_orders,)), "SOL-PERP") == 174_757_281


def test_the_liquidation_price_with_a_cheap_quote_and_a_debt_in_sol():
    account = replace(short_at(150 * USD), quote=StrictPrice(980_000))
    sol = Holding("SOL", -WHOLE, 9, 150 * USD, COLLATERAL_WEIGHTS["SOL"])
    account = replace(account, holdings=(*account.holdings, sol))

    def at(px: int) -> MarginAccount:
        holdings = (account.holdings[0], replace(sol, px=px))
        return replace(account, holdings=holdings, exposures=(replace(account.exposures[0], oracle_px=px),))

    px = liquidation_px(account, "SOL-PERP")
    assert px == 158_120_421
    assert not assess(at(px - 100)).liquidatable
    assert assess(at(px + 100)).liquidatable


def test_a_holding_that_follows_the_oracle_moves_in_proportion():
    """10 jitoSOL at 1.2 SOL each behind a short of 12 SOL: what one loses, the other gains."""
    weight = COLLATERAL_WEIGHTS["jitoSOL"]
    lst = Holding("jitoSOL", 10 * WHOLE, 9, 180 * USD, weight, follows="SOL-PERP")
    exposure = Exposure("SOL-PERP", -12 * WHOLE, 1_800 * USD, 150 * USD, 0, MarketMargin(500, 300))
    account = MarginAccount((lst,), (exposure,))
    alone = replace(account, holdings=(replace(lst, follows=""),))
    px, fixed = liquidation_px(account, "SOL-PERP"), liquidation_px(alone, "SOL-PERP")
    assert (px, fixed) == (652_173_913, 262_135_922)
    higher = replace(lst, px=180 * px // 150)
    assert not assess(MarginAccount((higher,), (replace(exposure, oracle_px=px - 100),))).liquidatable
    assert assess(MarginAccount((higher,), (replace(exposure, oracle_px=px + 100),))).liquidatable


# Withdrawals


def test_what_may_be_withdrawn_keeps_the_health():
    account = short_at(150 * USD)
    assert withdrawable_atoms(account, "USDC", 80.0) == 75 * USD  # 45 / (1 − 0.8) = 225 must stay
    assert withdrawable_atoms(account, "USDC", 85.0) == 0
    assert withdrawable_atoms(account, "USDC", 86.0) == 0
    assert withdrawable_atoms(account, "SOL", 80.0) == 0
    assert withdrawable_atoms(MarginAccount(account.holdings, ()), "USDC", 80.0) == 300 * USD


def test_a_withdrawal_must_leave_the_initial_margin():
    assert withdrawable_atoms(short_at(150 * USD), "USDC", 0.0) == 225 * USD  # 5 % of 1,500 stays


def test_an_account_with_a_debt_or_in_liquidation():
    account = short_at(150 * USD)
    assert withdrawable_atoms(replace(account, liquidating=True), "USDC", 80.0) == 0
    debt = MarginAccount((Holding("USDC", -1, 6, USD),), ())
    assert withdrawable_atoms(debt, "USDC", 0.0) == 0


@settings(max_examples=50, deadline=None)
@given(st.integers(46, 10**6), st.integers(0, 10**4), st.integers(0, 100))
def test_one_atom_more_than_may_be_withdrawn_breaks_a_limit(dollars, sol_millis, health):
    sol = Holding("SOL", sol_millis * 10**6, 9, 150 * USD, COLLATERAL_WEIGHTS["SOL"])
    short = short_at(150 * USD, dollars)
    account = replace(short, holdings=(*short.holdings, sol))
    atoms = withdrawable_atoms(account, "USDC", float(health))

    def ok(left: int) -> bool:
        margin = assess(replace(account, holdings=(replace(short.holdings[0], atoms=left), sol)))
        return margin.health >= health and margin.initial_collateral_atoms >= margin.initial_atoms

    held = dollars * USD
    assert 0 <= atoms <= held
    assert ok(held - atoms) or atoms == 0
    assert atoms == held or not ok(held - atoms - 1)


# Records


def test_a_debt_without_a_price_is_not_an_account():
    assets = {"SOL": SOL}
    assert margin_account({"SOL": -1}, (), {}, {}, assets) == "no oracle price for a debt in SOL"
    account = margin_account({"SOL": 5}, (), {}, {}, assets)
    assert isinstance(account, MarginAccount)
    assert assess(account).total_collateral_atoms == 0


def test_an_asset_nobody_weighed_counts_for_nothing():
    account = margin_account({"BONK": 10**9}, (), {"BONK-PERP": USD}, {}, {"BONK": replace(SOL, symbol="BONK")})
    assert isinstance(account, MarginAccount)
    margin = assess(account)
    assert (margin.total_collateral_atoms, margin.equity_atoms) == (0, USD)


def test_weights_are_ordered_as_the_program_demands():
    for weight in COLLATERAL_WEIGHTS.values():
        assert isinstance(weight, CollateralWeight)
        assert weight.initial_bps <= weight.maintenance_bps <= 10_000
        assert weight.debt_initial_bps >= weight.debt_maintenance_bps >= 10_000
