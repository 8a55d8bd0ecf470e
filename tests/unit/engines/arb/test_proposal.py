"""Split candidates: capital, fees, guards and the legs that carry them."""

import pytest

from phantom_arbiter.core import cycles
from phantom_arbiter.core.events import FeesPosted
from phantom_arbiter.dex.constant_product import ConstantProductPool, quote
from phantom_arbiter.dex.pool import SwapQuote
from phantom_arbiter.engines.arb.pools import KnownPool
from phantom_arbiter.engines.arb.proposal import (
    PlannedSwap,
    Values,
    candidate_of,
    grave_of,
    instrument_of,
    intent_of,
    pool_fee_atoms,
)
from phantom_arbiter.engines.arb.settings import ArbConfig
from tests.unit.engines.arb.conftest import UNIVERSE

FEES = FeesPosted(priority_micro_lamports=10_000, tip_floor_lamports=1_000)
VALUES = Values(base=1.0, lamport=0.15)


def known(name, sol, usdc, fee_bps=25):
    state = ConstantProductPool(sol * 10**9, usdc * 10**6, fee_bps, 10_000)
    return KnownPool(name, "raydium", "SOL", "USDC", state, 7, False)


def split():
    """1,000 USDC into SOL through two pools at 149, all of the SOL back at 152 through two others."""
    ins = [(known("a", 50_000, 7_450_000), 600 * 10**6), (known("b", 30_000, 4_470_000), 400 * 10**6)]
    first = [PlannedSwap(0, pool, False, quote(pool.state, atoms, False)) for pool, atoms in ins]
    there = sum(swap.quote.amount_out_atoms for swap in first)
    outs = [(known("c", 50_000, 7_600_000), there // 3), (known("d", 60_000, 9_120_000), there - there // 3)]
    return (*first, *(PlannedSwap(1, pool, True, quote(pool.state, atoms, True)) for pool, atoms in outs))


@pytest.fixture
def candidate():
    return candidate_of(split(), VALUES, FEES, 0, 10_000, ArbConfig())


def test_capital_and_output_are_those_of_the_first_and_last_hop(candidate):
    assert candidate.capital_atoms == 10**9
    assert candidate.assets == ("USDC", "SOL", "USDC")
    assert candidate.out_atoms == sum(swap.quote.amount_out_atoms for swap in candidate.swaps[2:])
    assert candidate.bid.gain_lamports > 0


def test_each_pools_fee_counts_for_its_share(candidate):
    assert pool_fee_atoms(candidate) == pytest.approx(2 * 0.0025 * 10**9, rel=1e-6)


def test_a_fee_on_the_output_counts_as_a_share_of_it():
    swaps = (PlannedSwap(0, known("a", 1, 1), True, SwapQuote(1_000, 900, 0, 100)),)
    assert pool_fee_atoms(candidate_of(swaps, VALUES, FEES, 0, 10_000, ArbConfig())) == 100


def test_the_intent_is_a_cycle_of_fixed_amounts(candidate):
    intent = intent_of(candidate, UNIVERSE, ArbConfig(), 0)
    assert cycles.is_cycle(intent)
    assert cycles.is_bundle(intent)
    assert [leg.pool for leg in intent.legs] == ["a", "b", "c", "d"]
    assert cycles.capital_atoms(intent) == 10**9
    assert sum(leg.in_atoms for leg in intent.legs[2:]) == sum(leg.min_out_atoms for leg in intent.legs[:2])
    assert all(leg.instrument == "SOL/USDC" for leg in intent.legs)
    assert intent.p_fail_bps == 10_000 - candidate.bid.win_bps


def test_people_are_told_venue_and_pair_of_an_address():
    address = "58oQChx4yWmvKdwLLZzBi4ChoCc2fqCUWBkwMihLYQo2"
    told = known(address, 50_000, 7_450_000)._replace(exact=True)
    swaps = [swap._replace(pool=told) if swap.pool.pool == "a" else swap for swap in split()]
    intent = intent_of(candidate_of(tuple(swaps), VALUES, FEES, 0, 10_000, ArbConfig()), UNIVERSE, ArbConfig(), 0)
    assert intent.reason.startswith("cycle: USDC→SOL→USDC through raydium:SOL/USDC 58oQ…YQo2, b, c, d; ")
    assert intent.legs[0].pool == address


def test_the_guard_is_shared_and_never_below_break_even(candidate):
    intent = intent_of(candidate, UNIVERSE, ArbConfig(), 0)
    chain_atoms = candidate.bid.total_lamports * 0.15
    guard = cycles.least_atoms(intent)
    assert 10**9 + chain_atoms <= guard <= candidate.out_atoms
    assert guard >= candidate.out_atoms * 0.995
    assert all(leg.min_out_atoms <= leg.expected_out_atoms for leg in intent.legs)


def test_what_is_followed_is_what_was_planned(candidate):
    grave = grave_of(candidate, 5, 9)
    assert grave.capital_atoms == candidate.capital_atoms
    assert grave.net_micros == candidate.net_micros
    assert [(swap.pool, swap.in_atoms) for swap in grave.swaps] == [
        (swap.pool.pool, swap.quote.amount_in_atoms) for swap in candidate.swaps
    ]


def test_a_pool_trades_a_pair_whichever_way_the_universe_spells_it():
    assert instrument_of(known("a", 1, 1), UNIVERSE) == "SOL/USDC"
    turned = known("a", 1, 1)._replace(asset_0="USDC", asset_1="SOL")
    assert instrument_of(turned, UNIVERSE) == "SOL/USDC"
