"""Mid, depth and the size worth buying."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.core.events import Envelope, Quoted
from phantom_arbiter.core.view import MarketView
from phantom_arbiter.engines.lst_depeg import market
from tests.unit.engines.market_builder import UNIVERSE, WHOLE, lst_pool

JITOSOL = UNIVERSE.instruments["jitoSOL/SOL"]


def test_the_mid_is_the_cheapest_pools_and_puddles_do_not_count():
    view = MarketView(UNIVERSE)
    view.fold(Envelope(1, 1, "test", lst_pool(1.25)))
    puddle = lst_pool(1.0, tokens=1)
    view.fold(Envelope(2, 1, "test", type(puddle)(**{**_fields(puddle), "pool": "orca:puddle"})))
    ids = ["orca:jitoSOL/SOL", "orca:puddle", "orca:unknown"]
    assert market.market_mid(view, JITOSOL, market.pools_of(view, ids, 100 * WHOLE)) == pytest.approx(1.25)
    assert market.market_mid(view, JITOSOL, market.pools_of(view, ids, 1)) == pytest.approx(1.0)


def test_without_pools_the_quote_is_the_market():
    view = MarketView(UNIVERSE)
    assert market.market_mid(view, JITOSOL, []) is None
    view.fold(Envelope(1, 1, "test", Quoted("jitoSOL/SOL", 1_249_000_000, 1_251_000_000, 0)))
    assert market.market_mid(view, JITOSOL, []) == pytest.approx(1.25)


@given(price=st.floats(1.0, 1.24), fee_bps=st.integers(0, 30), value=st.floats(1.241, 1.3))
def test_the_size_worth_buying_ends_where_the_next_token_costs_its_value(price, fee_bps, value):
    pool = lst_pool(price, fee_bps=fee_bps)
    keep = 1 - fee_bps / 10_000
    spend = market.worthwhile_lamports(pool, value)
    lamports, atoms = pool.reserve_1_atoms + spend * keep, pool.reserve_0_atoms
    left = pool.reserve_1_atoms * atoms / lamports
    marginal = lamports / left / keep
    assert spend == 0 or marginal == pytest.approx(value, rel=1e-6)


def test_a_price_above_the_value_is_worth_nothing():
    assert market.worthwhile_lamports(lst_pool(1.25), 1.25) == 0
    assert market.worthwhile_lamports(lst_pool(1.25, fee_bps=30), 1.252) == 0


def _fields(struct):
    return {name: getattr(struct, name) for name in struct.__struct_fields__}
