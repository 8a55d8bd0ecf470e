"""Atomic cycles in a hostile world: all legs or none, and the ledger is the wallet to the atom.

``SIMULATION_SEEDS`` sets how many seeds are run, 60 at least.
"""

from __future__ import annotations

import os
from collections import Counter
from functools import cache

import pytest
from msgspec.structs import replace

from phantom_arbiter.core.snapshot import digest_items, state_hash
from phantom_arbiter.sim.driver_config import DriverConfig
from tests.simulation.bundle_world import HOSTILE, BundleWorld, Trouble, run

SEEDS = max(60, int(os.environ.get("SIMULATION_SEEDS", "0")))
BATCH = 20
CALM = Trouble(duplicate=0, delay=0, lose=0, restart=0, silence=0, vanish=0)
QUIET = DriverConfig(drop_ppm=0, failure_ppm=0, unknown_ppm=0, tail_ppm=0, rivals=0)
ALL = 1_000_000


@cache
def batch(first: int) -> Counter[str]:
    """Run and check a batch (`run` and the world's every step do); what was seen in it."""
    seen: Counter[str] = Counter()
    for seed in range(first, min(first + BATCH, SEEDS)):
        world = run(seed)
        seen += world.seen + world.wallet.seen
        seen["restart"] += world.restarts
    return seen


@pytest.mark.parametrize("first", range(0, SEEDS, BATCH))
def test_the_ledger_is_the_wallet_and_nothing_is_half_executed(first: int) -> None:
    assert batch(first)["filled"] > 0


def test_the_seeds_contain_every_fault_and_every_end() -> None:
    seen = sum((batch(first) for first in range(0, 60, BATCH)), Counter[str]())
    wanted = {"doubled", "delayed", "lost", "restart", "closed", "rugged", "frozen"}
    wanted |= {"filled", "filled, split", "left over", "beaten", "reverted", "dropped", "expired", "failed"}
    assert wanted <= {name for name, count in seen.items() if count}, wanted - seen.keys()


@pytest.mark.parametrize("seed", range(4))
def test_a_kill_after_every_single_fact_changes_nothing(seed: int) -> None:
    runs = [run(seed, slots=20, trouble=Trouble(restart=ppm)) for ppm in (0, ALL)]
    hashes = [state_hash(digest_items(world.kernel), world.driver.digest_items()) for world in runs]
    assert hashes[0] == hashes[1]
    assert runs[0].wallet.atoms == runs[1].wallet.atoms
    assert runs[1].restarts == runs[1].seq


@pytest.mark.parametrize(
    ("trouble", "driver", "sign"),
    [
        (CALM, QUIET, "filled"),
        (replace(CALM, duplicate=ALL), QUIET, "doubled"),
        (replace(CALM, delay=ALL), QUIET, "delayed"),
        (replace(CALM, lose=ALL), QUIET, "lost"),
        (replace(CALM, silence=700_000), QUIET, "filled"),
        (replace(CALM, vanish=300_000), QUIET, "reverted"),
        (CALM, replace(QUIET, failure_ppm=400_000), "failed"),
        (CALM, replace(QUIET, drop_ppm=400_000), "dropped"),
        (CALM, replace(QUIET, unknown_ppm=ALL, drop_ppm=300_000), "filled"),
        (CALM, replace(QUIET, tail_ppm=ALL), "filled"),
        (CALM, replace(QUIET, rivals=9), "beaten"),
    ],
    ids=["none", "doubled", "delayed", "lost", "stale", "vanished", "failed", "dropped", "unknown", "late", "rivals"],
)
def test_one_fault_at_a_time(trouble: Trouble, driver: DriverConfig, sign: str) -> None:
    seen: Counter[str] = Counter()
    for seed in range(4):
        world = run(seed, slots=25, trouble=trouble, driver=driver)
        seen += world.seen + world.wallet.seen
    assert seen[sign]


def test_without_a_fault_nothing_is_lost_but_fees_and_what_the_pools_keep() -> None:
    world = run(1, trouble=CALM, driver=QUIET)
    seen = world.wallet.seen
    assert set(seen) <= {"filled", "filled, split", "left over", "reverted", "expired"}
    assert seen["filled"] > seen["reverted"] > 0
    assert world.wallet.atoms["SOL"] > 250 * 10**9


def test_the_wallet_sees_a_leg_that_did_not_trade() -> None:
    """The check can fail: a fill that the market never saw."""
    world = run(2)
    world.wallet.fills["cp-a", 1, 1] += 1
    with pytest.raises(AssertionError):
        world.agree()


def test_the_hostile_driver_is_hostile() -> None:
    assert min(HOSTILE.drop_ppm, HOSTILE.failure_ppm, HOSTILE.unknown_ppm, HOSTILE.tail_ppm) > 30_000
    assert isinstance(run(3, slots=1), BundleWorld)
