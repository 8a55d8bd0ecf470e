"""Mending the hedge and guarding the margin, through the real kernel."""

import msgspec
import pytest

from phantom_arbiter.core.events import Liquidated
from phantom_arbiter.core.intents import CollateralTransfer, PerpOrder, Purpose, Side, Swap
from phantom_arbiter.engines.funding import FundingConfig
from tests.unit.engines.funding.position import bench, held, move_price, opened
from tests.unit.engines.market_builder import USD, WHOLE, price

# The hedge


def test_a_spot_leg_that_failed_is_bought_at_the_next_looks():
    made = bench()
    made.tick()
    made.fill(reject=(Swap,))
    spot, perp = held(made)
    assert spot == 0
    assert perp < 0
    (intent,) = made.tick()
    assert intent.purpose is Purpose.REBALANCE
    assert [type(leg) for leg in intent.legs] == [Swap]
    made.fill()
    assert made.engine.panel()["net_delta"] == pytest.approx(0, abs=0.001)


def test_a_short_that_filled_in_part_is_hedged_to_what_it_filled():
    made = bench()
    made.tick()
    made.fill(share=0.5)
    assert held(made)[0] == 0
    made.tick()
    made.fill()
    spot, perp = held(made)
    assert spot == pytest.approx(-perp, abs=0.001)
    assert made.tick() == []


def test_a_short_whose_spot_leg_cannot_be_bought_is_covered():
    made = bench()
    made.tick()
    made.fill(reject=(Swap,))
    for _ in range(6):
        made.tick(30)
        made.fill(reject=(Swap,))
    assert held(made) == (0, 0)
    cover = next(leg for intent in made.intents[1:] for leg in intent.legs if isinstance(leg, PerpOrder))
    assert (cover.side, cover.reduce_only) == (Side.BUY, True)


def test_spot_beyond_a_liquidated_short_is_sold():
    made = opened()
    _, perp = held(made)
    made.post(Liquidated("funding", "SOL-PERP", 10 * WHOLE, 1_000 * USD, USD))
    (intent,) = made.tick(10)
    (sale,) = intent.legs
    assert (sale.in_asset, sale.out_asset, sale.from_position) == ("SOL", "USDC", True)
    assert sale.in_atoms == pytest.approx(10 * WHOLE, abs=WHOLE // 100)
    made.fill()
    assert held(made)[0] == pytest.approx(-perp - 10, abs=0.001)


def test_inside_the_band_nothing_is_done():
    made = opened()
    made.post(Liquidated("funding", "SOL-PERP", 40_000_000, 4 * USD, 0))
    assert made.tick(10) == []


def test_a_moving_price_alone_does_not_rebalance():
    made = opened()
    for usd in (105, 95, 110):
        move_price(made, usd)
        assert made.tick(10) == []


# The margin


def test_below_sixty_margin_is_added_from_free_capital():
    made = opened(config=FundingConfig(capital_use_bps=7_000))
    move_price(made, 142)
    (intent,) = made.tick(10)
    (transfer,) = intent.legs
    assert isinstance(transfer, CollateralTransfer)
    assert transfer.atoms > 0
    assert intent.purpose is Purpose.REBALANCE
    made.fill()
    assert made.engine.panel()["health"] == pytest.approx(80, abs=0.5)


def test_below_thirty_five_without_capital_both_legs_shrink():
    made = opened(config=FundingConfig(capital_use_bps=10_000, min_top_up_atoms=1_000 * USD))
    before = held(made)
    (intent,) = move_price(made, 144)
    assert made.engine.panel()["health"] < 35
    cover, sale = intent.legs
    assert (cover.side, cover.reduce_only) == (Side.BUY, True)
    assert sale.in_asset == "SOL"
    made.fill()
    spot, perp = held(made)
    assert -before[1] > -perp > 0
    assert spot == pytest.approx(-perp, abs=0.02)
    assert made.engine.panel()["health"] > 59


def test_between_the_levels_without_capital_the_position_is_kept():
    made = opened(config=FundingConfig(capital_use_bps=10_000, min_top_up_atoms=1_000 * USD))
    move_price(made, 140)
    assert 35 < made.engine.panel()["health"] < 60
    assert made.tick(10) == []


def test_a_dangerous_quote_is_answered_before_the_next_look():
    made = opened(config=FundingConfig(capital_use_bps=10_000, min_top_up_atoms=1_000 * USD))
    made.tick(10)
    oracle, perp, _ = price(145)
    assert made.post(oracle) == []
    (intent,) = made.post(perp)
    assert "shrinking" in intent.reason
    assert made.post(perp) == []


def test_a_quote_away_from_danger_changes_nothing():
    made = opened()
    before = msgspec.json.encode(made.engine.state)
    for fact in price(101)[1:]:
        assert made.post(fact) == []
    assert msgspec.json.encode(made.engine.state) == before
