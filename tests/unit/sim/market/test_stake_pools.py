"""sim.market.stake_pools: growing rates, stale readings, discounts and de-pegs."""

import numpy as np
import pytest

from phantom_arbiter.core.fact_checks import check_fact
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


@pytest.fixture(scope="module")
def calm_bps() -> FloatArray:
    return discounts_bps("calm", seed=4, minutes=16 * 1_440)


def test_discount_is_as_calibrated(calm_bps: FloatArray) -> None:
    """bnsol_discount_bps_5m: mean -17.26; sd 12.28, of which 9.2 persist; 2.6 % beyond 40 bps, few beyond 100."""
    assert -24.0 < calm_bps.mean() < -13.0
    assert 6.5 < calm_bps.std() < 12.5
    assert 0.002 < (calm_bps < -40.0).mean() < 0.06
    assert (calm_bps < -60.0).mean() < 0.005
    assert calm_bps.min() > -100.0


def test_discount_persists(calm_bps: FloatArray) -> None:
    """Of what is left of it after an hour, 0.40 / 0.555 are left after a day; less in a sample of a fortnight."""
    hourly = calm_bps[::60].T
    hour, day = (np.mean([np.corrcoef(row[:-lag], row[lag:])[0, 1] for row in hourly]) for lag in (1, 24))
    assert hour > 0.8
    assert 0.3 < day / hour < 0.85
    assert np.exp(-86_400 / module.TAU_SECONDS) == pytest.approx(0.40 / 0.555, abs=0.06)


def test_nothing_bounces_that_could_be_traded(calm_bps: FloatArray) -> None:
    """From minute to minute a discount moves by less than the cheapest pool's fee, but for the start of a de-peg."""
    steps = np.abs(np.diff(calm_bps, axis=0))
    assert np.quantile(steps, 0.99) < 1.5


def test_discount_is_nothing_without_edges() -> None:
    assert not discounts_bps("no-edge", seed=4, minutes=200).any()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_first_depeg_comes_within_the_hour(seed: int) -> None:
    event = module.depeg(seed, 0)
    assert 15 * 60 <= event.at < 40 * 60
    assert -30.0 <= event.depth_bps <= -10.0
    values = discounts_bps("calm", seed, minutes=60)[:, event.token]
    assert values.min() < module.MEAN_BPS + event.depth_bps * 0.7
    assert values[-1] > values.min() + 0.3 * abs(event.depth_bps) or event.half_life > 900


def test_depegs_differ_by_window_and_last_minutes() -> None:
    events = [module.depeg(1, window) for window in range(40)]
    assert {event.token for event in events} == set(range(len(STAKE_POOLS)))
    assert all(event.at // module.DEPEG_WINDOW_SECONDS == window for window, event in enumerate(events))
    assert all(600 <= event.half_life < 10_800 for event in events)


def test_msol_falls_14_percent() -> None:
    values = discounts_bps("lst-depeg", seed=1, minutes=160)[:, 1]
    assert values[:60].min() > -80.0
    assert values.min() == pytest.approx(-1_417.0, abs=50.0)
    assert values[142:].min() > -80.0


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
