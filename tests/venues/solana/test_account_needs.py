"""What a pool needs, held against the addresses that real accounts were kept under."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from phantom_arbiter.core.events import PoolAccountsRead
from phantom_arbiter.dex.account_pools import decode
from phantom_arbiter.dex.pool import AccountError
from phantom_arbiter.venues.solana.account_needs import accounts_needed, main_address
from phantom_arbiter.venues.solana.discovery import PoolListing
from tests.unit.dex.account_facts import (
    MADE,
    SPAN_OF_WHIRLPOOL,
    adaptive_whirlpool,
    real_blaze,
    real_dlmm,
    real_dlmm_with_holes,
    real_marinade,
    real_sanctum_pair,
    real_whirlpool,
    whirlpool_array,
)


def listing(fact: PoolAccountsRead, stake_pools: tuple[str, ...] = ()) -> PoolListing:
    return PoolListing(fact.pool, fact.program, fact.venue, fact.asset_0, fact.asset_1, stake_pools)


def needed(fact: PoolAccountsRead, stake_pools: tuple[str, ...] = ()) -> set[str]:
    pool = listing(fact, stake_pools)
    [main] = [read for read in fact.accounts if read.address == main_address(pool)]
    answer = accounts_needed(pool, main)
    assert len(set(answer)) == len(answer)
    return {main.address, *answer}


def addresses(fact: PoolAccountsRead) -> set[str]:
    return {read.address for read in fact.accounts}


@pytest.mark.parametrize(
    "program",
    ["raydium_cpmm", "raydium_amm_v4", "meteora_damm_v2", "pump_swap", "phoenix", "spl_stake_pool", "marinade"],
)
def test_a_pool_needs_what_its_fact_holds(program):
    assert needed(MADE[program]) == addresses(MADE[program])


@pytest.mark.parametrize("real", [real_blaze, real_marinade])
def test_real_pools_need_the_accounts_that_were_kept_of_them(real):
    assert needed(real()) == addresses(real())


def test_a_pair_of_inf_needs_its_reserves_and_the_listed_stake_pools():
    fact = real_sanctum_pair()
    assert needed(fact, ("8VpRhuxa7sUUepdY3kQiTmX9rS5vx4WgaXiAnXq4KCtr",)) == addresses(fact)
    assert len(needed(fact)) == len(fact.accounts) - 1


def test_a_whirlpool_needs_three_arrays_each_way():
    fact = MADE["whirlpool"]
    arrays = {whirlpool_array(fact.pool, step * SPAN_OF_WHIRLPOOL) for step in (-2, -1, 0, 1, 2)}
    assert needed(fact) == {fact.pool, *arrays}
    assert needed(real_whirlpool()) == addresses(real_whirlpool())


def test_a_whirlpool_with_an_adaptive_fee_needs_its_oracle():
    fact = adaptive_whirlpool()
    assert needed(fact) == needed(MADE["whirlpool"]) | {fact.accounts[-1].address}


def test_a_dlmm_pair_needs_the_nearest_arrays_with_liquidity():
    fact = real_dlmm_with_holes()
    assert needed(fact) == addresses(fact)
    window = needed(real_dlmm())
    assert len(window) == 1 + 5  # three each way, the active one counts twice
    assert len(window & addresses(real_dlmm())) == 1 + 3  # what lies above the price was not kept


def test_a_clmm_pool_needs_its_config_and_arrays():
    fact = MADE["raydium_clmm"]
    found = needed(fact)
    assert len(found) == 4
    assert {fact.accounts[0].address, fact.accounts[1].address} <= found


@pytest.mark.parametrize("program", sorted(set(MADE) - {"phoenix", "meteora_damm_v2", "sanctum_inf"}))
def test_a_main_account_that_does_not_decode_says_why(program):
    fact = MADE[program]
    main = fact.accounts[0]
    with pytest.raises(AccountError, match="length"):
        accounts_needed(listing(fact), replace(main, data=main.data[:-1]))


def test_what_the_window_needs_is_enough_to_decode():
    fact = real_dlmm()
    window = needed(fact)
    inside = replace(fact, accounts=tuple(read for read in fact.accounts if read.address in window))
    assert sorted(decode(inside).arrays) == [-365, -364, -363]
