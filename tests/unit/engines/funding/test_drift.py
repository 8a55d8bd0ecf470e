"""Drift against a broken hedge: the LST's rate is followed to the edge of the band, what a trade broke made whole."""

import pytest

from phantom_arbiter.core.commands import PauseEngine
from phantom_arbiter.core.events import Commanded, Liquidated, VenueStatus, VenueStatusChanged
from phantom_arbiter.core.intents import PerpOrder, Purpose, Side, Swap
from phantom_arbiter.engines.funding import FundingConfig
from phantom_arbiter.engines.funding.account import band_atoms, edge_atoms, read_holdings
from tests.unit.engines.funding.wider import RATE, WIDER, jito, wider
from tests.unit.engines.market_builder import USD, WHOLE, stake_pool

CONFIG = FundingConfig(spot_leg="jitosol")
MARKET = WIDER.instruments["SOL-PERP"]


def holding(config=CONFIG):
    made = wider(config=config)
    made.tick()
    made.fill()
    made.tick()
    return made


def legs(made):
    return read_holdings(made.desk, made.engine.config, MARKET)


def at_rate(made, growth):
    made.show(stake_pool(rate=RATE * growth))
    return made.tick(10)


def at_the_edge(made):
    """Inside the band, by no more than what the band of the larger leg exceeds that of the smaller."""
    held, config = legs(made), made.engine.config
    assert 0.99 * edge_atoms(config, held) <= abs(held.delta_atoms) <= band_atoms(config, held)
    return True


def test_a_drift_is_brought_back_to_the_edge_of_the_band_and_no_further():
    made = holding()
    assert at_rate(made, 1.003) == [], "inside the band"
    (intent,) = at_rate(made, 1.01)
    assert intent.purpose is Purpose.REBALANCE
    (sale,) = intent.legs
    assert (sale.in_asset, sale.from_position) == ("jitoSOL", True)
    assert "drifted apart by 99.0 bps of SOL, back to the band's edge of 34: selling" in intent.reason
    made.fill()
    assert at_the_edge(made)
    assert made.engine.state.saga.stage == "done"
    for _ in range(5):
        assert made.tick(60) == [], "at the edge there is nothing to do"


def test_the_next_drift_sells_only_what_it_added():
    made = holding()
    at_rate(made, 1.01)
    made.fill()
    short = -legs(made).perp_atoms
    (intent,) = at_rate(made, 1.01 * 1.001)
    (sale,) = intent.legs
    assert sale.in_atoms == pytest.approx(short * 0.001 / (RATE * 1.01), rel=0.02)
    made.fill()
    assert at_the_edge(made)


def test_a_rate_that_fell_is_made_up_for_to_the_edge_only():
    made = holding()
    short = -legs(made).perp_atoms
    made.show(*jito(99))
    (intent,) = at_rate(made, 0.99)
    (leg,) = intent.legs
    assert "drifted apart by 100.0 bps" in intent.reason
    assert isinstance(leg, Swap)
    assert leg.expected_out_atoms * RATE * 0.99 == pytest.approx(short * (0.01 - 0.0034 * 0.99), rel=0.001)
    made.fill()
    assert at_the_edge(made)


def test_a_rate_that_fell_while_nothing_may_be_bought_is_covered_to_the_edge_in_whole_steps():
    made = holding()
    made.post(Commanded("c", PauseEngine("funding")))
    (intent,) = at_rate(made, 0.99)
    (cover,) = intent.legs
    assert isinstance(cover, PerpOrder)
    assert (cover.side, cover.base_atoms % MARKET.step_base_atoms) == (Side.BUY, 0)
    made.fill()
    held = legs(made)
    assert 0 < -held.delta_atoms <= band_atoms(CONFIG, held)
    assert -held.delta_atoms > edge_atoms(CONFIG, held) - 2 * MARKET.step_base_atoms


def test_a_try_that_traded_nothing_leaves_it_a_drift():
    made = holding()
    at_rate(made, 1.01)
    made.fill(reject=(Swap,))
    (again,) = made.tick(30)
    assert "back to the band's edge" in again.reason
    made.fill()
    assert at_the_edge(made)


def test_with_the_venue_shut_a_drift_still_goes_to_the_edge():
    made = holding()
    made.post(VenueStatusChanged("drift", VenueStatus.PAUSED, "test"))
    at_rate(made, 1.01)
    made.fill()
    assert at_the_edge(made)


def test_a_hedge_that_a_liquidation_broke_is_restored_in_full_also_after_a_drift():
    made = holding()
    at_rate(made, 1.01)
    made.fill()
    made.post(Liquidated("funding", "SOL-PERP", 10 * WHOLE, 1_000 * USD, USD))
    (intent,) = made.tick(10)
    assert "more SOL than the short covers: selling the excess" in intent.reason
    made.fill()
    assert abs(legs(made).delta_atoms) < 100


def test_a_partial_cover_of_a_drift_is_a_broken_hedge():
    made = holding()
    made.post(Commanded("c", PauseEngine("funding")))
    at_rate(made, 0.95)
    made.fill(share=0.5)
    (intent,) = made.tick(3)
    assert "larger than its spot leg" in intent.reason
    made.fill()
    assert abs(legs(made).delta_atoms) < MARKET.step_base_atoms
