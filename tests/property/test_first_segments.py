"""Asked for the first segments of a pool, each type gives those of the whole list, and the long lists make no more."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.quote_cases import KINDS, MOMENT, make
from phantom_arbiter.dex import meteora_dlmm, phoenix, raydium_clmm, whirlpool
from phantom_arbiter.dex.pools import segments
from tests.property import test_phoenix

SEEDS = st.integers(0, 2**32)
MOST = st.integers(1, 40)


@pytest.mark.parametrize("kind", sorted(KINDS))
@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, most=MOST, zero_for_one=st.booleans())
def test_the_first_of_a_pool_are_the_beginning_of_all(kind, seed, most, zero_for_one):
    pool = make(kind, Random(seed)).pool
    assert segments(pool, zero_for_one, MOMENT, most) == segments(pool, zero_for_one, MOMENT)[:most]


@settings(max_examples=40, deadline=None)
@given(market=test_phoenix.markets, most=MOST, zero_for_one=st.booleans())
def test_the_first_of_a_book_are_the_beginning_of_all(market, most, zero_for_one):
    whole = phoenix.segments(market, zero_for_one, MOMENT.slot, MOMENT.unix_time_s)
    assert phoenix.segments(market, zero_for_one, MOMENT.slot, MOMENT.unix_time_s, most) == whole[:most]


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, most=MOST, zero_for_one=st.booleans())
def test_modules_with_long_lists_stop_by_themselves(seed, most, zero_for_one):
    time_s, slot = MOMENT.unix_time_s, MOMENT.slot
    bins, stretches, ticks = (make(kind, Random(seed)).pool for kind in ("meteora_dlmm", "whirlpool", "raydium_clmm"))
    assert len(meteora_dlmm.segments(bins, zero_for_one, time_s, slot, most)) <= most
    assert len(whirlpool.segments(stretches, zero_for_one, most)) <= most
    assert len(raydium_clmm.segments(ticks, zero_for_one, most)) <= most
