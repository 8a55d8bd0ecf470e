from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.dex.tick_math import (
    MAX_SQRT_PRICE_X64,
    MAX_TICK,
    MIN_SQRT_PRICE_X64,
    MIN_TICK,
    Q64,
    sqrt_price_at_tick,
    tick_at_sqrt_price,
)


@pytest.mark.parametrize(
    ("tick", "sqrt_price_x64"),
    [
        (0, Q64),
        (1, 18447666387855959850),
        (-1, 18445821805675392311),
        (2, 18448588748116922571),
        (-2, 18444899583751176498),
        (8, 18454123878217468680),
        (MIN_TICK, 4295048016),
        (MAX_TICK, 79226673515401279992447579055),
    ],
)
def test_prices_that_the_program_states(tick, sqrt_price_x64):
    assert sqrt_price_at_tick(tick) == sqrt_price_x64
    assert tick_at_sqrt_price(sqrt_price_x64) == tick


@given(st.integers(MIN_TICK, MAX_TICK))
def test_a_price_is_the_root_of_its_power(tick):
    with localcontext(prec=60):
        exact = Decimal("1.0001") ** tick
        ratio = (Decimal(sqrt_price_at_tick(tick)) / Q64) ** 2 / exact
    # the lowest prices have 32 significant bits
    assert abs(ratio - 1) < (Decimal("1e-9") if tick < 0 else Decimal("1e-15"))


@given(st.integers(MIN_TICK, MAX_TICK - 1), st.floats(0, 1, exclude_max=True))
def test_every_price_belongs_to_the_tick_at_or_below_it(tick, share):
    low, high = sqrt_price_at_tick(tick), sqrt_price_at_tick(tick + 1)
    assert low < high
    for price in (low, low + int((high - low - 1) * share), high - 1):
        assert tick_at_sqrt_price(price) == tick
    assert tick_at_sqrt_price(high) == tick + 1


@given(st.integers(MIN_TICK + 1, MAX_TICK))
def test_another_table_decides_about_its_own_ticks(tick):
    assert tick_at_sqrt_price(sqrt_price_at_tick(tick), lambda at: sqrt_price_at_tick(at) + (at > MIN_TICK)) == tick - 1


@pytest.mark.parametrize("tick", [MIN_TICK - 1, MAX_TICK + 1])
def test_a_tick_outside_of_the_table(tick):
    with pytest.raises(ValueError, match=f"tick is {tick}, expected -443636 to 443636"):
        sqrt_price_at_tick(tick)


@pytest.mark.parametrize("price", [0, -1, MIN_SQRT_PRICE_X64 - 1, MAX_SQRT_PRICE_X64 + 1])
def test_a_price_outside_of_the_table(price):
    with pytest.raises(ValueError, match=f"sqrt_price_x64 is {price}, expected"):
        tick_at_sqrt_price(price)
