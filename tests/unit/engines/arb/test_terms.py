"""What a base is worth and how much of it may go in."""

import pytest

from phantom_arbiter.core.events import Quoted
from phantom_arbiter.core.units import LAMPORTS_PER_SOL
from phantom_arbiter.engines.arb.settings import ArbConfig
from phantom_arbiter.engines.arb.terms import Terms


def terms(house, **settings):
    return Terms(house.kernel.desks["arb"], ArbConfig(**settings))


def test_capital_less_what_pays_for_fees(make_house):
    house = make_house(sol=2, usdc=100)
    found = terms(house)
    assert found.stake("SOL").limit_atoms == 2 * LAMPORTS_PER_SOL - 50_000_000
    assert found.stake("USDC").limit_atoms == 100 * 10**6
    assert found.stake("USDC").values == (1.0, pytest.approx(0.15))


def test_the_cap_in_dollars_binds_what_is_left(house):
    found = terms(house, max_trade_usd_micros=30 * 10**6)
    assert found.stake("SOL").limit_atoms == pytest.approx(LAMPORTS_PER_SOL // 5, abs=1)
    assert found.stake("USDC").limit_atoms == 30 * 10**6


def test_less_than_the_reserve_is_nothing(house):
    assert terms(house, sol_reserve_lamports=21 * LAMPORTS_PER_SOL).stake("SOL").limit_atoms == 0


def test_the_search_hears_of_bases_that_hold_something(make_house):
    house = make_house(usdc=0)
    assert set(terms(house).for_search()) == {"SOL"}


def test_without_a_price_of_sol_nothing_can_be_reckoned(house):
    house.kernel.view.oracles.clear()
    found = terms(house)
    assert not found.priced
    assert found.stake("USDC") is None
    found.hear(Quoted("SOL/USDC", 149 * 10**6, 151 * 10**6, 1))
    assert found.priced
    assert found.stake("SOL").values.base == pytest.approx(0.15)


def test_an_asset_nobody_prices_is_no_base(house):
    assert terms(house).stake("nothing") is None
