"""Whirlpool's adaptive fee on the real program: swaps one after the other while the clock moves leave pool and oracle
as `dex.pools.apply` says, and what we refuse for its time the program refuses."""

from __future__ import annotations

from random import Random

import pytest
from solders.pubkey import Pubkey

from phantom_arbiter.dex.pool import SwapQuote, SwapRefusal
from phantom_arbiter.dex.pools import quote
from phantom_arbiter.dex.whirlpool import Whirlpool
from phantom_arbiter.venues.solana.instructions.order import SwapOrder
from phantom_arbiter.venues.solana.transaction import Guard, TransactionPlan, build
from tests.svm.pools import Placed, unsigned
from tests.svm.test_swaps import amount, checked, random_pool

pytestmark = pytest.mark.programs

SEEDS, SWAPS = 60, 10
WAITS_S = (0, 0, 1, 5, 30, 200, 700, 4_000)
"""Within the filter period, within the decay period, beyond both, and beyond the oldest reference."""


def later(pool: Placed, seconds: int) -> Placed:
    return pool._replace(moment=pool.world.at(pool.moment.slot + 1, pool.moment.unix_time_s + seconds))


def test_pool_and_oracle_stay_exact_while_the_clock_moves() -> None:
    crossed, volatile = list[int](), 0
    for seed in range(SEEDS):
        pool, random = random_pool("whirlpool_adaptive", 1_000 + seed), Random(seed)
        for _ in range(SWAPS):
            zero_for_one = random.random() < 0.5
            few = int(10 ** random.uniform(0, 4))
            crossed += checked(pool, few if random.random() < 0.2 else amount(pool, zero_for_one, random), zero_for_one)
            state = pool.state()
            assert isinstance(state, Whirlpool)
            assert state.adaptive_fee is not None
            volatile += state.adaptive_fee.volatility > 0
            pool = later(pool, random.choice(WAITS_S))
    assert len(crossed) >= 500
    assert sum(count >= 3 for count in crossed) >= 100
    assert volatile >= 100


@pytest.mark.parametrize(
    ("at", "error"), [(40, "TradeIsNotEnabled"), (82, "InvalidTimestamp"), (90, "InvalidTimestamp")]
)
@pytest.mark.parametrize("early", [True, False])
def test_times_that_we_refuse_the_program_refuses(at: int, error: str, early: bool) -> None:
    """``at``: where the oracle has when trading starts, its last update, its last major swap."""
    pool = random_pool("whirlpool_adaptive", 4)
    world, oracle = pool.world, pool.told[-1]
    time = unsigned(pool.moment.unix_time_s + early)
    account = world.read(oracle)
    world.put(oracle, Pubkey.from_string(account.owner), account.data[:at] + time + account.data[at + 8 :])
    assert isinstance(quote(pool.state(), 1_000, True, pool.moment), SwapRefusal if early else SwapQuote)
    source, destination = world.give(pool.mint_0, 1_000), world.give(pool.mint_1, 1)
    swap = pool.swap(SwapOrder(world.payer, source, destination, 1_000, 0, True, 0))
    plan = TransactionPlan(world.payer, world.svm.latest_blockhash(), (swap,), Guard(destination, 1))
    landed = world.send(build(plan))
    assert bool(landed.error) == early
    assert (f"Error Code: {error}" in " ".join(landed.logs)) == early
