"""What the writers write, the decoders read back: the same state, all at once or change by change."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phantom_arbiter.core.events import PoolAccountsRead
from phantom_arbiter.dex import pools
from phantom_arbiter.dex.account_pools import PoolDecoder, decode
from phantom_arbiter.dex.pool import SwapQuote
from phantom_arbiter.dex.pools import PoolState
from phantom_arbiter.sim.market.exact_pools import EXACT_POOLS, ExactPoolSpec, moment_at

PRICES = {"SOL/USDC": 0.125, "SOL/jitoSOL": 1 / 1.297, "JUP/SOL": 1.6, "PLOP/SOL": 0.0072}
SLOT = 4_418_064_000


def price_of(spec: ExactPoolSpec) -> float:
    return PRICES[f"{spec.asset_0}/{spec.asset_1}"]


def fact(spec: ExactPoolSpec, accounts: tuple, slot: int = SLOT) -> PoolAccountsRead:
    names = (spec.id, spec.program, spec.venue, spec.asset_0, spec.asset_1)
    return PoolAccountsRead(*names, *moment_at(slot), accounts)


def opened(spec: ExactPoolSpec) -> PoolState:
    return spec.open(price_of(spec), moment_at(SLOT))


@pytest.mark.parametrize("spec", EXACT_POOLS, ids=lambda spec: f"{spec.program} {spec.asset_1}")
@settings(max_examples=25, deadline=None)
@given(
    swaps=st.lists(st.tuples(st.booleans(), st.floats(1e-7, 0.04), st.integers(0, 2_000)), max_size=12),
    scale=st.floats(0.9, 1.1),
)
def test_bytes_decode_to_the_state_that_wrote_them(spec, swaps, scale):
    price = price_of(spec) * scale
    state, slot, decoder = spec.open(price, moment_at(SLOT)), SLOT, PoolDecoder()
    assert decoder.read(fact(spec, spec.writer.accounts(state))) == state
    for zero_for_one, share, wait_slots in swaps:
        slot += wait_slots
        moment, before = moment_at(slot), state
        atoms = int(spec.side_1_atoms * share / (price if zero_for_one else 1.0))
        answer = pools.quote(state, atoms, zero_for_one, moment)
        if isinstance(answer, SwapQuote):
            state = pools.apply(state, answer, zero_for_one, moment)
            changed = spec.writer.changed(before, state)
            assert decoder.read(fact(spec, changed, slot)) == state
    everything = spec.writer.accounts(state)
    assert decode(fact(spec, everything, slot)) == state
    assert len(everything) <= 64


@pytest.mark.parametrize("spec", EXACT_POOLS, ids=lambda spec: f"{spec.program} {spec.asset_1}")
def test_a_pool_opens_at_its_price_less_its_fee(spec):
    state, moment, price = opened(spec), moment_at(SLOT), price_of(spec)
    for zero_for_one, fair in ((True, price), (False, 1 / price)):
        first = pools.segments(state, zero_for_one, moment)[0]
        kept = 1 - spec.fee_e6 / 1_000_000
        # A DLMM pool's bin has its own price, up to half a step of 20 bps from the market's; deposits are free.
        assert kept * 0.999 <= first.a / first.b / fair <= max(kept * 1.001, 1.0)


def test_programs_venues_and_addresses_are_those_the_decoders_know():
    assert len({spec.id for spec in EXACT_POOLS}) == len(EXACT_POOLS)
    assert {spec.program for spec in EXACT_POOLS} == {
        *("whirlpool", "meteora_dlmm", "meteora_damm_v2", "pump_swap", "spl_stake_pool"),
    }
