"""Spot quotes: exact through pools, at the touch without them, and rounded against us."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.core.events import Envelope, Quoted
from phantom_arbiter.core.view import MarketView
from phantom_arbiter.engines.spot_quote import buy_quote, pools_between, sell_quote, transaction_fees
from tests.unit.engines.market_builder import UNIVERSE, USD, WHOLE, lst_pool, sol_pool

SOL_USDC = UNIVERSE.instruments["SOL/USDC"]


def view_of(*facts):
    view = MarketView(UNIVERSE)
    for seq, fact in enumerate(facts, 1):
        view.fold(Envelope(seq, seq, "test", fact))
    return view


def test_only_pools_of_the_pair_are_found():
    view = view_of(sol_pool(100), lst_pool(1.25))
    assert [pool.pool for pool in pools_between(view, "USDC", "SOL")] == ["orca:SOL/USDC"]


def test_a_sale_pays_what_the_pool_pays():
    pool = sol_pool(100, sol=1_000, fee_bps=10)
    quoted = sell_quote(view_of(pool), SOL_USDC, [pool], "SOL", 10 * WHOLE)
    net = 10 * WHOLE - 10 * WHOLE // 1_000
    assert quoted.out_atoms == pool.reserve_1_atoms * net // (pool.reserve_0_atoms + net)
    assert (quoted.pool, quoted.in_asset, quoted.out_asset, quoted.fee_atoms) == (
        pool.pool,
        "SOL",
        "USDC",
        WHOLE // 100,
    )
    assert quoted.impact_atoms == -(-net * pool.reserve_1_atoms // pool.reserve_0_atoms) - quoted.out_atoms


def test_of_two_pools_the_better_is_taken():
    cheap, dear = sol_pool(99), sol_pool(101)
    dear = type(dear)(**{**{f: getattr(dear, f) for f in dear.__struct_fields__}, "pool": "orca:dear"})
    view = view_of(cheap, dear)
    assert sell_quote(view, SOL_USDC, [cheap, dear], "SOL", WHOLE).pool == "orca:dear"
    assert buy_quote(view, SOL_USDC, [cheap, dear], "SOL", WHOLE).pool == "orca:SOL/USDC"


@given(wanted=st.integers(1, 50_000 * WHOLE), fee_bps=st.integers(0, 100))
def test_a_purchase_pays_at_least_what_was_wanted_and_no_atom_too_much(wanted, fee_bps):
    pool = sol_pool(100, fee_bps=fee_bps)
    view = view_of(pool)
    quoted = buy_quote(view, SOL_USDC, [pool], "SOL", wanted)
    assert quoted.out_atoms >= wanted
    less = sell_quote(view, SOL_USDC, [pool], "USDC", quoted.in_atoms - 1)
    assert less is None or less.out_atoms < wanted


def test_without_pools_the_touch_is_crossed():
    view = view_of(Quoted("SOL/USDC", 99 * USD, 101 * USD, 0))
    assert sell_quote(view, SOL_USDC, [], "SOL", WHOLE).out_atoms == 99 * USD
    bought = buy_quote(view, SOL_USDC, [], "SOL", WHOLE)
    assert (bought.in_atoms, bought.out_atoms, bought.pool) == (101 * USD, WHOLE, "")
    assert bought.impact_atoms == 10_000_000  # half of 2 in 200: 1 % of a SOL


def test_nothing_known_is_no_quote():
    assert sell_quote(view_of(), SOL_USDC, [], "SOL", WHOLE) is None
    assert buy_quote(view_of(), SOL_USDC, [], "SOL", WHOLE) is None


def test_a_leg_reverts_below_its_slippage():
    view = view_of(Quoted("SOL/USDC", 100 * USD, 100 * USD, 0))
    leg = sell_quote(view, SOL_USDC, [], "SOL", WHOLE).leg(30, from_position=True)
    assert (leg.expected_out_atoms, leg.min_out_atoms, leg.from_position) == (100 * USD, 99_700_000, True)


def test_priority_is_rounded_up():
    assert transaction_fees(view_of(), 150_050) == (5_000, 1_501)  # 10,000 micro-lamports a unit


DEEP = Quoted("SOL/USDC", 99 * USD, 101 * USD, 0, depth_quote_atoms=1_000_000 * USD)


def test_a_quote_with_a_depth_pays_its_impact_and_says_so():
    view = view_of(DEEP)
    bought = sell_quote(view, SOL_USDC, [], "USDC", 10_000 * USD)
    assert bought.out_atoms == 10_000 * WHOLE * 10**6 // 102_010_000  # one per cent of the depth
    assert bought.impact_atoms / bought.out_atoms == pytest.approx(0.0201)
    sold = sell_quote(view, SOL_USDC, [], "SOL", 100 * WHOLE)
    assert sold.out_atoms == pytest.approx(9_900 * USD / 1.0099, rel=1e-6)
    assert (sold.out_atoms + sold.impact_atoms) / USD == pytest.approx(10_000, rel=1e-6)


@given(wanted=st.integers(1, 4_000 * WHOLE), in_usdc=st.booleans())
def test_at_a_depth_too_a_purchase_pays_at_least_what_was_wanted(wanted, in_usdc):
    wanted, asset = (wanted, "SOL") if in_usdc else (wanted // 10, "USDC")
    if wanted == 0:
        return
    quoted = buy_quote(view_of(DEEP), SOL_USDC, [], asset, wanted)
    assert quoted.out_atoms >= wanted
    step = 102 if in_usdc else 2 * WHOLE // USD  # an atom out costs about this much in
    less = sell_quote(view_of(DEEP), SOL_USDC, [], quoted.in_asset, quoted.in_atoms * 999_998 // 1_000_000 - step)
    assert less is None or less.out_atoms < wanted


def test_more_than_half_the_depth_is_not_for_sale():
    view = view_of(DEEP)
    assert buy_quote(view, SOL_USDC, [], "SOL", 5_000 * WHOLE) is None
    assert buy_quote(view, SOL_USDC, [], "USDC", 500_001 * USD) is None
