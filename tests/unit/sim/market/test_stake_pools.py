"""sim.market.stake_pools: growing rates, stale readings, discounts and de-pegs."""

import numpy as np
import pytest

from phantom_arbiter.core.events import check_fact
from phantom_arbiter.core.units import SLOTS_PER_EPOCH
from phantom_arbiter.sim.market import stake_pools as module
from phantom_arbiter.sim.market.scenarios import SCENARIOS
from phantom_arbiter.sim.market.streams import FloatArray, generator
from phantom_arbiter.sim.market.universe import STAKE_POOLS

SECONDS = np.arange(150) * 0.4


def discounts_bps(scenario: str, seed: int, minutes: int) -> FloatArray:
    state, rows = module.first_discounts(), []
    for number in range(minutes):
        rng = generator(seed, "discounts", number)
        path, state = module.discount_block(state, SCENARIOS[scenario], seed, SECONDS + number * 60, rng)
        rows.append(path[:, 0])
    return np.array(rows)


def test_discount_is_as_calibrated_between_depegs() -> None:
    """bnsol_discount_bps_5m: mean -17.26, sd 12.28; the median leaves the de-pegs aside."""
    values = discounts_bps("calm", seed=4, minutes=14 * 1_440)
    assert -26.0 < np.median(values) < -10.0
    quartiles = np.quantile(values, (0.25, 0.75), axis=0)
    assert 5.0 < float((quartiles[1] - quartiles[0]).mean()) / 1.349 < 18.0


def test_discount_is_nothing_without_edges() -> None:
    assert not discounts_bps("no-edge", seed=4, minutes=200).any()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_first_depeg_comes_within_the_hour(seed: int) -> None:
    event = module.depeg(seed, 0)
    assert 15 * 60 <= event.at < 40 * 60
    assert -300.0 <= event.depth_bps <= -50.0
    values = discounts_bps("calm", seed, minutes=60)[:, event.token]
    assert values.min() < event.depth_bps * 0.7
    assert values[-1] > values.min() + 0.3 * abs(event.depth_bps) or event.half_life > 900


def test_depegs_differ_by_window_and_last_minutes() -> None:
    events = [module.depeg(1, window) for window in range(40)]
    assert {event.token for event in events} == set(range(len(STAKE_POOLS)))
    assert all(event.at // module.DEPEG_WINDOW_SECONDS == window for window, event in enumerate(events))
    assert all(120 <= event.half_life < 1_020 for event in events)


def test_msol_falls_14_percent() -> None:
    values = discounts_bps("lst-depeg", seed=1, minutes=160)[:, 1]
    assert values[:60].min() > -400.0
    assert values.min() == pytest.approx(-1_417.0, abs=80.0)
    assert values[142:].min() > -400.0


def test_rates_grow_by_the_epochs_return() -> None:
    grown = module.grow(module.first_rates(), SCENARIOS["calm"])
    for before, after in zip(module.first_rates(), grown, strict=True):
        assert 2.8 < (after / before - 1.0) * 1e4 < 3.3
    assert module.grow(module.first_rates(), SCENARIOS["no-edge"]) == module.first_rates()


def test_reading_is_stale_until_the_crank() -> None:
    start = 5 * SLOTS_PER_EPOCH - 9_000
    boundary = 5 * SLOTS_PER_EPOCH
    before = module.read_stake_pool(0, 1_300_000_000, boundary - 1, start)
    at = module.read_stake_pool(0, 1_300_000_000, boundary, start)
    after = module.read_stake_pool(0, 1_300_000_000, boundary + module.UPDATE_LAG_SLOTS, start)
    assert (before.epoch, before.updated_epoch) == (4, 4)
    assert (at.epoch, at.updated_epoch) == (5, 4)
    assert (after.epoch, after.updated_epoch) == (5, 5)
    assert before.epoch_ends_ts_ns == boundary * 400_000_000
    assert module.read_stake_pool(0, 1_300_000_000, boundary, boundary).updated_epoch == 5
    check_fact(at)
