"""Our own swap instructions on the real programs: they pay what our quotes say, to the unit, in both directions, and
leave the pool's accounts as `dex.pools.apply` says."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from solders.pubkey import Pubkey

from phantom_arbiter.dex.pool import SwapQuote, SwapRefusal
from phantom_arbiter.dex.pools import PoolState, apply, quote, segments
from phantom_arbiter.venues.solana.instructions.order import SwapOrder
from phantom_arbiter.venues.solana.swaps import end_of
from phantom_arbiter.venues.solana.transaction import Guard, TransactionPlan, build
from tests.svm.constant_pools import place_amm_v4, place_cpmm
from tests.svm.mango_pools import place_real_clmm, place_real_whirlpool
from tests.svm.meteora_pools import place_damm_v2, place_dlmm
from tests.svm.pools import Placed
from tests.svm.tick_pools import place_adaptive_whirlpool, place_clmm, place_immutable_whirlpool, place_whirlpool
from tests.svm.world import Landed, World, address

pytestmark = pytest.mark.programs

MINTS = tuple(sorted((address(1), address(2)), key=bytes))
RANDOM_POOLS: dict[str, Callable[[World, Random, Pubkey, Pubkey], Placed]] = {
    "raydium_cpmm": place_cpmm,
    "raydium_amm_v4": place_amm_v4,
    "raydium_clmm": place_clmm,
    "whirlpool": place_whirlpool,
    "whirlpool_immutable": place_immutable_whirlpool,
    "whirlpool_adaptive": place_adaptive_whirlpool,
}
REAL_POOLS: dict[str, Callable[[World], Placed]] = {
    "meteora_dlmm": place_dlmm,
    "meteora_damm_v2": place_damm_v2,
    "whirlpool": place_real_whirlpool,
    "raydium_clmm": place_real_clmm,
}
WITHOUT_TICKS = ("raydium_cpmm", "raydium_amm_v4")
SEEDS = 16
HELD_ATOMS = 5
"""What the wallet holds of the output before, so that a guard which forgot it would show."""


def random_pool(name: str, seed: int) -> Placed:
    world = World()
    return RANDOM_POOLS[name](world, Random(seed), *_mints(world, MINTS))


def real_pool(name: str) -> Placed:
    pool = REAL_POOLS[name](World())
    _mints(pool.world, (pool.mint_0, pool.mint_1))
    return pool


def _mints(world: World, mints: tuple[Pubkey, ...]) -> tuple[Pubkey, ...]:
    for mint, decimals in zip(mints, (9, 6), strict=True):
        world.put_mint(mint, decimals)
    return mints


def run(pool: Placed, answer: SwapQuote, after: PoolState, zero_for_one: bool) -> Landed:
    """The swap as a transaction that reverts if it pays one atom less than the quote."""
    world = pool.world
    mint_in, mint_out = (pool.mint_0, pool.mint_1) if zero_for_one else (pool.mint_1, pool.mint_0)
    spent, paid = answer.amount_in_atoms, answer.amount_out_atoms
    source, destination = world.give(mint_in, spent + 3), world.give(mint_out, HELD_ATOMS)
    order = SwapOrder(world.payer, source, destination, spent, paid, zero_for_one, end_of(after))
    swap = pool.swap(order, answer.crossed)
    guard = Guard(destination, HELD_ATOMS + paid)
    landed = world.send(build(TransactionPlan(world.payer, world.svm.latest_blockhash(), (swap,), guard)))
    assert landed.error == "", (landed.compute_units, landed.logs[-3:])
    assert (world.atoms(source), world.atoms(destination)) == (3, HELD_ATOMS + paid)
    return landed


def amount(pool: Placed, zero_for_one: bool, random: Random) -> int:
    """A random part of what the pool takes in that direction, small ones more often."""
    reach = sum(part.capacity_atoms for part in segments(pool.state(), zero_for_one, pool.moment))
    return 1 + int(min(reach, 10**13) * random.random() ** 3)


def checked(pool: Placed, amount_in: int, zero_for_one: bool) -> list[int]:
    """Nothing where the pool refuses the amount; else the program does as the quote says: [ticks or bins crossed]."""
    before = pool.state()
    answer = quote(before, amount_in, zero_for_one, pool.moment)
    if isinstance(answer, SwapRefusal):
        return []
    after = apply(before, answer, zero_for_one, pool.moment)
    run(pool, answer, after, zero_for_one)
    assert pool.state() == after
    return [answer.crossed]


@pytest.mark.parametrize("zero_for_one", [True, False])
@pytest.mark.parametrize("name", RANDOM_POOLS)
def test_random_pools_pay_the_quote_to_the_unit(name: str, zero_for_one: bool) -> None:
    random, crossed = Random(f"{name} {zero_for_one}"), list[int]()
    for seed in range(SEEDS):
        pool = random_pool(name, seed)
        saved = pool.world.save(pool.written)
        for _ in range(8):
            crossed += checked(pool, amount(pool, zero_for_one, random), zero_for_one)
            pool.world.restore(saved)
    assert len(crossed) >= 3 * SEEDS
    assert name in WITHOUT_TICKS or max(crossed) >= 3


@pytest.mark.parametrize("zero_for_one", [True, False])
@pytest.mark.parametrize("name", REAL_POOLS)
def test_real_pools_pay_the_quote_to_the_unit(name: str, zero_for_one: bool) -> None:
    pool, random, swapped = real_pool(name), Random(f"{name} {zero_for_one}"), list[int]()
    saved = pool.world.save(pool.written)
    for _ in range(60):
        swapped += checked(pool, amount(pool, zero_for_one, random), zero_for_one)
        pool.world.restore(saved)
    assert len(swapped) >= 30


@pytest.mark.parametrize("name", REAL_POOLS)
def test_swaps_one_after_the_other_stay_exact(name: str) -> None:
    pool, random, swapped = real_pool(name), Random(name), list[int]()
    for _ in range(60):
        swapped += checked(pool, int(10 ** random.uniform(4, 9)), random.random() < 0.5)
        slot, now = pool.moment.slot + 1, pool.moment.unix_time_s + random.choice((0, 1, 11, 200))
        pool = pool._replace(moment=pool.world.at(slot, now))
    assert len(swapped) >= 40
