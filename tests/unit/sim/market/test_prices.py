"""sim.market.prices: the calibration's bands, and martingales where nothing is to be earned."""

import numpy as np
import pytest

from phantom_arbiter.sim.market.prices import PriceState, add_shock, first_prices, price_block
from phantom_arbiter.sim.market.scenarios import SCENARIOS
from phantom_arbiter.sim.market.streams import FloatArray, generator
from phantom_arbiter.sim.market.universe import TOKEN_INDEX, TOKENS

NO_TRENDS = np.zeros(len(TOKENS))


def five_minute_returns_bps(scenario: str, seed: int, days: int) -> FloatArray:
    state, logs = first_prices(), []
    for number in range(days * 1_440):
        _, state = price_block(state, SCENARIOS[scenario], NO_TRENDS, generator(seed, "prices", number))
        if number % 5 == 0:
            logs.append(state.log_prices)
    return np.diff(np.array(logs), axis=0) * 1e4


@pytest.fixture(scope="module")
def calm() -> FloatArray:
    return five_minute_returns_bps("calm", seed=3, days=14)


@pytest.fixture(scope="module")
def sol_bps(calm: FloatArray) -> list[FloatArray]:
    """SOL's returns of several seeds: single fortnights differ widely."""
    others = [five_minute_returns_bps("calm", seed, days=14)[:, 0] for seed in (4, 5)]
    return [calm[:, 0], *others]


def kurtosis(values: FloatArray) -> float:
    return float(((values - values.mean()) ** 4).mean() / values.var() ** 2 - 3.0)


def autocorrelation(values: FloatArray, lag: int) -> float:
    return float(np.corrcoef(values[:-lag], values[lag:])[0, 1])


def test_sol_moves_as_calibrated(sol_bps: list[FloatArray]) -> None:
    """hl_ret.SOL: 25.43 bps, excess kurtosis 12.6, autocorrelation of absolute returns 0.27, 0.17 and 0.10, and 0.6 %
    of returns beyond 1 %. The median seed's."""
    sizes = [np.abs(sol) for sol in sol_bps]
    assert 20.0 < np.median([sol.std() for sol in sol_bps]) < 31.0
    assert 6.0 < np.median([kurtosis(sol) for sol in sol_bps]) < 20.0
    assert max(abs(autocorrelation(sol, 1)) for sol in sol_bps) < 0.1
    assert 0.18 < np.median([autocorrelation(size, 1) for size in sizes]) < 0.36
    assert 0.09 < np.median([autocorrelation(size, 12) for size in sizes]) < 0.25
    assert 0.0 < np.median([autocorrelation(size, 288) for size in sizes]) < 0.15
    assert 0.002 < np.median([(size > 100.0).mean() for size in sizes]) < 0.015


def test_others_move_with_sol_by_their_correlation(calm: FloatArray) -> None:
    for symbol in ("BTC", "JUP", "BONK"):
        index = TOKEN_INDEX[symbol]
        token = TOKENS[index]
        assert np.corrcoef(calm[:, 0], calm[:, index])[0, 1] == pytest.approx(token.rho, abs=0.1)
        assert calm[:, index].std() / calm[:, 0].std() == pytest.approx(token.vol_bps / TOKENS[0].vol_bps, rel=0.15)


def test_volatile_moves_three_times_as_much(calm: FloatArray) -> None:
    volatile = five_minute_returns_bps("volatile", seed=3, days=2)[:, 0]
    assert volatile.std() == pytest.approx(3 * calm[:576, 0].std(), rel=0.35)


def test_prices_are_martingales() -> None:
    """The mean gain of every token over many minutes is within four standard errors of nothing."""
    gains = np.expm1(five_minute_returns_bps("no-edge", seed=5, days=10) * 1e-4)
    errors = gains.std(axis=0) / np.sqrt(len(gains))
    assert (np.abs(gains.mean(axis=0)) < 4.0 * errors).all()


def test_a_block_can_be_drawn_again() -> None:
    state = PriceState([float(index) for index in range(len(TOKENS))], [0.1, 0.2, 0.3])
    once = price_block(state, SCENARIOS["calm"], NO_TRENDS, generator(1, "prices", 9))[0]
    again = price_block(state, SCENARIOS["calm"], NO_TRENDS, generator(1, "prices", 9))[0]
    other = price_block(state, SCENARIOS["calm"], NO_TRENDS, generator(1, "prices", 10))[0]
    assert (once == again).all()
    assert not (once == other).any()


def test_trends_raise_the_expected_return() -> None:
    trends = NO_TRENDS.copy()
    trends[TOKEN_INDEX["PLOP"]] = 1e-3
    with_trend, _ = price_block(first_prices(), SCENARIOS["calm"], trends, generator(1, "prices", 1))
    without, _ = price_block(first_prices(), SCENARIOS["calm"], NO_TRENDS, generator(1, "prices", 1))
    assert (with_trend - without)[TOKEN_INDEX["PLOP"], -1] == pytest.approx(0.15)
    assert (with_trend - without)[TOKEN_INDEX["SOL"], -1] == 0.0


def test_shock_hits_all_by_beta() -> None:
    seconds = np.full(150, 4_200.0)  # ten minutes after the crash began: its bottom
    flat = np.zeros((len(TOKENS), 150))
    fall = add_shock(flat, SCENARIOS["flash-crash"], seconds)[:, 0]
    assert np.expm1(fall[0]) == pytest.approx(-0.15, abs=0.001)
    assert (fall < -0.01).all()
    assert add_shock(flat, SCENARIOS["calm"], seconds) is flat
