"""The hedge under faults: whatever is lost, late, doubled, refused or killed, both legs end alike, and it is known.

5,000 seeds take less than a minute on one core; `SIMULATION_SEEDS` above 200 runs 25 for each.
"""

from __future__ import annotations

import os
from collections import Counter
from functools import cache

import pytest
from msgspec.structs import replace

from phantom_arbiter.core.commands import KillLevel
from phantom_arbiter.core.snapshot import digest_items, state_hash
from phantom_arbiter.sim.driver_config import DriverConfig
from tests.simulation.saga_world import HOSTILE, MARKET, SagaWorld, Trouble, run

SEEDS = max(5_000, 25 * int(os.environ.get("SIMULATION_SEEDS", "0")))
BATCH = 500
CALM = Trouble(duplicate=0, delay=0, lose=0, restart=0, no_taker=0)
QUIET = DriverConfig(drop_ppm=0, failure_ppm=0, unknown_ppm=0, tail_ppm=0, partial_ppm=0)


def check(world: SagaWorld) -> None:
    """What must hold once all is quiet."""
    world.agree()
    assert abs(world.true_delta_atoms) <= world.dust
    assert abs(world.held.delta_atoms) <= world.dust
    for saga in world.sagas.values():
        assert saga.ended_ns > 0
        assert saga.stage in ("done", "failed")
        assert saga.naked_micros_s <= saga.cap_micros_s, saga
    measured = sum(saga.naked_micros_s for saga in world.sagas.values())
    assert measured >= world.naked_micros_s, "what is told is never less than what was"
    if world.kernel.kill is KillLevel.FLATTEN:
        assert world.held.flat


@cache
def batch(first: int) -> Counter[str]:
    """Run and check a batch; what was seen in it."""
    seen: Counter[str] = Counter()
    for seed in range(first, min(first + BATCH, SEEDS)):
        world = run(seed)
        check(world)
        seen += world.seen
        seen["restart"] += world.restarts
        seen.update(f"{saga.kind} {saga.stage}" for saga in world.sagas.values())
    return seen


@pytest.mark.parametrize("first", range(0, SEEDS, BATCH))
def test_every_saga_ends_hedged_known_and_within_its_cap(first: int) -> None:
    batch(first)


def test_the_seeds_contain_every_fault_and_both_ways_out() -> None:
    seen = sum((batch(first) for first in range(0, 1_000, BATCH)), Counter[str]())
    wanted = {"doubled", "delayed", "lost", "lost, asked for again", "restart", "open done", "open failed"}
    wanted |= {f"{leg} {end}" for leg in ("PerpOrder", "Swap") for end in ("filled", "rejected", "expired", "new")}
    wanted |= {"Swap filled in part", "mend Swap filled", "mend PerpOrder filled", "close done", "close failed"}
    assert wanted - {"PerpOrder new"} <= seen.keys(), wanted - seen.keys()


@pytest.mark.parametrize("seed", range(12))
def test_a_kill_after_every_single_fact_changes_nothing(seed: int) -> None:
    runs = [run(seed, trouble=Trouble(restart=ppm)) for ppm in (0, 1_000_000)]
    hashes = [state_hash(digest_items(world.kernel), world.driver.digest_items()) for world in runs]
    assert hashes[0] == hashes[1]
    assert runs[0].engine.state == runs[1].engine.state
    assert runs[1].restarts == runs[1].seq


@pytest.mark.parametrize(
    ("trouble", "driver", "sign"),
    [
        (CALM, QUIET, "Swap filled"),
        (replace(CALM, duplicate=1_000_000), QUIET, "doubled"),
        (replace(CALM, delay=1_000_000), QUIET, "delayed"),
        (replace(CALM, lose=1_000_000), QUIET, "lost, asked for again"),
        (CALM, replace(QUIET, failure_ppm=300_000), "Swap rejected"),
        (CALM, replace(QUIET, drop_ppm=150_000), "Swap expired"),
        (CALM, replace(QUIET, unknown_ppm=1_000_000), "Swap filled"),
        (CALM, replace(QUIET, partial_ppm=1_000_000), "PerpOrder filled"),
        (replace(CALM, no_taker=400_000), replace(QUIET, partial_ppm=1_000_000), "Swap filled in part"),
    ],
    ids=["none", "doubled", "delayed", "lost", "refused", "dropped", "unknown", "partial", "partial, no rest"],
)
def test_one_fault_at_a_time(trouble: Trouble, driver: DriverConfig, sign: str) -> None:
    seen: Counter[str] = Counter()
    for seed in range(15):
        world = run(seed, trouble=trouble, driver=driver)
        check(world)
        seen += world.seen
    assert seen[sign]


def test_without_a_fault_both_legs_are_on_within_seconds() -> None:
    world = SagaWorld(1, trouble=CALM, driver=QUIET)
    for _ in range(20):
        world.second()
    (saga,) = world.sagas.values()
    assert (saga.kind, saga.stage) == ("open", "done")
    assert [(leg.name, leg.status) for leg in saga.legs] == [
        ("margin", "filled"),
        ("short", "filled"),
        ("spot", "filled"),
    ]
    assert world.held.perp_atoms < 0
    assert 0 < saga.naked_micros_s < saga.cap_micros_s // 20
    assert world.kernel.desks["funding"].book.perps[MARKET].base_atoms == world.held.perp_atoms


def test_the_hostile_driver_is_hostile() -> None:
    assert min(HOSTILE.drop_ppm, HOSTILE.failure_ppm, HOSTILE.unknown_ppm, HOSTILE.partial_ppm) > 30_000
