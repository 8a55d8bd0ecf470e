"""When transactions land: the stated distribution, and luck that only depends on the order."""

from __future__ import annotations

from msgspec.structs import replace

from phantom_arbiter.core.units import SLOT_NS, slot_at
from phantom_arbiter.sim.driver_config import IDEAL, DriverConfig
from phantom_arbiter.sim.landing import draw_fate
from tests.simulation.paper import START

CONFIG = DriverConfig()
N = 4_000


def fates(config: DriverConfig, count: int = N):
    return [draw_fate(config, 3, f"order-{index}", START) for index in range(count)]


def test_frequencies_follow_the_configuration():
    drawn = fates(CONFIG)
    # Three standard deviations of a binomial share of 4,000.
    assert abs(sum(fate.fails for fate in drawn) / N - 0.010) < 0.005
    assert abs(sum(not fate.lands for fate in drawn) / N - 0.020) < 0.007
    assert abs(sum(fate.times_out for fate in drawn) / N - 0.005) < 0.0035
    delays = [slot_at(fate.land_ns) - slot_at(fate.sent_ns + CONFIG.submit_ns) for fate in drawn]
    assert min(delays) == 1
    assert max(delays) <= 1 + 150
    quick = [delay for delay in delays if delay < 10]
    # 1 + the mean of Geom(0.55), which is 0.45 / 0.55.
    assert abs(sum(quick) / len(quick) - 1.818) < 0.06
    assert abs(1 - len(quick) / N - 0.02) < 0.007


def test_the_highest_of_the_rivals_bids_is_that_of_even_shares():
    """P(all n bids below s) = sⁿ."""
    for rivals in (1, 2, 5):
        drawn = fates(replace(CONFIG, rivals=rivals))
        for share in (0.3, 0.5, 0.9):
            below = sum(fate.rival_ppm <= share * 1_000_000 for fate in drawn) / N
            assert abs(below - share**rivals) < 0.025
    assert all(fate.rival_ppm == 0 for fate in fates(replace(CONFIG, rivals=0), 50))


def test_it_lands_at_the_start_of_a_slot_after_the_one_that_received_it():
    for fate in fates(CONFIG, 200):
        assert fate.land_ns % SLOT_NS == 0
        assert fate.land_ns > fate.sent_ns + CONFIG.submit_ns
        assert 40_000_000 <= fate.sent_ns - START <= 120_000_000
        assert slot_at(fate.dead_ns) - slot_at(fate.sent_ns + CONFIG.submit_ns) == 150


def test_nothing_lands_after_its_blockhash_died():
    assert not any(fate.lands for fate in fates(replace(CONFIG, leader_slots=151), 100))


def test_ideal_lands_at_once():
    for fate in fates(IDEAL, 50):
        assert (fate.sent_ns, fate.land_ns) == (START, START)
        assert fate.lands
        assert not fate.fails
        assert not fate.times_out


def test_luck_hangs_on_seed_and_order_alone():
    one = draw_fate(CONFIG, 3, "order-1", START)
    assert draw_fate(CONFIG, 3, "order-1", START) == one
    later = draw_fate(CONFIG, 3, "order-1", START + SLOT_NS * 1_000)
    assert later.land_ns - one.land_ns == SLOT_NS * 1_000
    assert len({fate.land_ns for fate in fates(CONFIG, 50)}) > 3


def test_a_worse_configuration_never_helps_any_single_transaction():
    base = fates(CONFIG, 1_000)
    for change in (
        {"build_ns": 500_000_000},
        {"submit_ns": 900_000_000},
        {"leader_slots": 3},
        {"leader_success_ppm": 200_000},
        {"tail_ppm": 300_000},
    ):
        slower = fates(replace(CONFIG, **change), 1_000)
        assert all(after.land_ns >= before.land_ns for before, after in zip(base, slower, strict=True))
    slow = replace(CONFIG, leader_success_ppm=40_000)
    later = fates(replace(slow, tail_ppm=500_000), 1_000)
    assert all(after.land_ns >= before.land_ns for before, after in zip(fates(slow, 1_000), later, strict=True))
    crowded = fates(replace(CONFIG, rivals=4), 1_000)
    assert all(after.rival_ppm >= before.rival_ppm for before, after in zip(base, crowded, strict=True))
    unlucky = fates(replace(CONFIG, drop_ppm=200_000, failure_ppm=200_000), 1_000)
    assert all(before.lands or not after.lands for before, after in zip(base, unlucky, strict=True))
    assert all(after.fails or not before.fails for before, after in zip(base, unlucky, strict=True))
