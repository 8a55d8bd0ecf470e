"""sim.market.perps: Drift's funding in integers, TWAPs, premiums, and fills."""

import numpy as np
import pytest

from phantom_arbiter.core.intents import PerpOrder, Side
from phantom_arbiter.core.units import NS_PER_SECOND
from phantom_arbiter.sim.market import perps as module
from phantom_arbiter.sim.market.perps import PerpBook, PerpNow
from phantom_arbiter.sim.market.scenarios import SCENARIOS
from phantom_arbiter.sim.market.streams import SLOTS_PER_HOUR, FloatArray, generator
from phantom_arbiter.sim.market.universe import PERPS

FLAT = PerpNow(100.0, 0.0)
ONE = 1_000_000_000


def book() -> PerpBook:
    return PerpBook.opening([FLAT] * len(PERPS), 0)


def order(side: Side, limit_px: int, base_atoms: int = ONE) -> PerpOrder:
    return PerpOrder("SOL-PERP", "drift", side, base_atoms, 100_000_000, limit_px)


def premiums_bps(scenario: str, seed: int, minutes: int) -> FloatArray:
    state, rows = module.first_premiums(), []
    for number in range(minutes):
        seconds = np.arange(150) * 0.4 + number * 60
        path, state = module.premium_block(state, SCENARIOS[scenario], seconds, generator(seed, "perps", number))
        rows.append(path[:, 0])
    return np.array(rows)


@pytest.mark.parametrize(
    ("mark", "oracle", "rate"),
    [
        (100_000_000, 100_000_000, 833_333),  # the offset alone: 20_000 · 1000 / 24
        (99_980_000, 100_000_000, 0),
        (99_900_000, 100_000_000, -3_333_333),  # toward zero
        (200_000_000, 100_000_000, 126_262_625),  # clamped to 1/33
        (1, 100_000_000, -126_262_625),
    ],
)
def test_funding_rate(mark: int, oracle: int, rate: int) -> None:
    assert module.funding_rate_e9(mark, oracle) == rate


def test_mean_premium_pays_the_stated_apr() -> None:
    premium = module.mean_premium_bps(0.18)
    rate = module.funding_rate_e9(round(1e8 * (1 + premium / 1e4)), 100_000_000)
    assert rate / 1e9 / 100.0 * 24 * 365.25 == pytest.approx(0.18, rel=1e-4)


def test_premiums_by_scenario() -> None:
    calm = premiums_bps("calm", seed=2, minutes=4 * 1_440)
    assert 0.0 < calm[:, 0].mean() < 6.0  # above -2: shorts receive
    assert 0.9 < np.corrcoef(calm[:-60, 0], calm[60:, 0])[0, 1] < 0.99 or calm[:, 0].std() < 3.0
    assert np.abs(premiums_bps("no-edge", seed=2, minutes=1_440).mean(axis=0) + 2.0).max() < 0.15
    flip = premiums_bps("funding-flip", seed=2, minutes=600)[:, 0]
    assert flip[:300].mean() > -2.0
    assert flip[420:].mean() < -20.0


def test_twaps_are_hourly_averages() -> None:
    books = book()
    for slot in range(0, SLOTS_PER_HOUR + 1, 4):
        books.post_oracle(0, PerpNow(110.0, 0.0), slot)
    posted = books.funding(0, SLOTS_PER_HOUR)
    assert posted.oracle_twap_px == pytest.approx(110_000_000 - 10_000_000 / np.e, rel=1e-4)
    assert posted.mark_twap_px == posted.oracle_twap_px
    assert posted.rate_e9 == pytest.approx(posted.oracle_twap_px / 120, rel=1e-4)


def test_quote_is_around_the_mark() -> None:
    quoted = book().quote(0, PerpNow(100.0, 10.0), 5)
    assert (quoted.bid_px, quoted.ask_px) == (100_094_995, 100_105_005)
    assert quoted.bid_atoms == quoted.ask_atoms == 4_000 * ONE


def test_fill_pays_spread_and_impact() -> None:
    books = book()
    depth = 4_000 * ONE
    assert books.fill(0, FLAT, order(Side.BUY, 101_000_000), ONE, 0) == (ONE, 100_005_002)
    assert books.fill(1, FLAT, order(Side.SELL, 90_000_000), ONE, 0) == (ONE, 99_994_999)
    filled = books.fill(0, FLAT, order(Side.BUY, 200_000_000), 10 * depth, 0)
    assert not isinstance(filled, str)
    assert filled[1] / filled[0] * 1e3 == pytest.approx(100.055, abs=0.001)


def test_fill_stops_at_the_limit() -> None:
    filled = book().fill(0, FLAT, order(Side.BUY, 100_015_000), 100_000 * ONE, 0)
    assert not isinstance(filled, str)
    assert filled[0] == pytest.approx(4_000 * ONE, rel=1e-3)
    assert filled[0] % 10_000_000 == 0
    assert filled[1] * 1_000 <= filled[0] * 100.015
    refused = book().fill(0, FLAT, order(Side.SELL, 100_000_000), ONE, 0)
    assert isinstance(refused, str)
    assert "limit 100000000" in refused


def test_our_push_fades() -> None:
    books = book()
    books.fill(0, FLAT, order(Side.SELL, 1), 40_000 * ONE, 0)
    assert books.mark_px(0, FLAT, 0) == 99_900_000
    assert books.mark_px(0, FLAT, 60 * NS_PER_SECOND) == pytest.approx(100_000_000 - 100_000 / np.e, abs=2)
    assert books.mark_px(0, FLAT, 3_600 * NS_PER_SECOND) == 100_000_000
