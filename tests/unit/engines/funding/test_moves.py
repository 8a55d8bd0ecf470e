"""Mending the hedge and guarding the margin, through the real kernel."""

import re

import msgspec
import pytest

from phantom_arbiter.core.commands import Kill, KillLevel, PauseEngine
from phantom_arbiter.core.events import Commanded, Liquidated, Quoted, VenueStatus, VenueStatusChanged
from phantom_arbiter.core.intents import CollateralTransfer, Intent, PerpOrder, Purpose, Side, Swap
from phantom_arbiter.core.reservation import Source
from phantom_arbiter.engines.funding import FundingConfig
from phantom_arbiter.engines.funding.account import read_holdings, read_margin
from phantom_arbiter.engines.funding.moves import mend
from phantom_arbiter.engines.funding.plan import read_terms
from tests.unit.engines.funding.position import bench, held, move_price, opened
from tests.unit.engines.market_builder import USD, WHOLE, price, sol_pool

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


def test_a_short_that_filled_in_part_is_hedged_to_what_it_filled_by_the_same_order():
    made = bench()
    (intent,) = made.tick()
    made.fill(share=0.5)
    assert len(made.intents) == 1
    spot, perp = held(made)
    assert -perp == pytest.approx(intent.legs[1].base_atoms / 2 / WHOLE, abs=0.02)
    assert spot == pytest.approx(-perp, abs=0.02)
    assert made.tick() == []
    assert made.engine.state.saga.stage == "done"


def lone_short(**kwargs):
    """A short whose spot leg was refused."""
    made = bench(**kwargs)
    made.tick()
    made.fill(reject=(Swap,))
    assert held(made)[0] == 0
    return made


def test_completing_is_chosen_where_it_costs_less_and_both_costs_are_told():
    (intent,) = lone_short().tick()
    assert [type(leg) for leg in intent.legs] == [Swap]
    assert re.search(
        r"buying the missing SOL for -?\$[\d.]+, covering the excess would cost \$[\d.]+", intent.reason
    ), intent.reason


def test_unwinding_is_chosen_where_spot_has_become_dear():
    made = lone_short()
    made.show(sol_pool(101))
    (intent,) = made.tick()
    (cover,) = intent.legs
    assert (cover.side, cover.reduce_only) == (Side.BUY, True)
    assert cover.base_atoms == -made.desk.book.perp_base_atoms("SOL-PERP")
    assert re.search(r"covering the excess for \$[\d.]+, buying the missing SOL would cost \$[\d.]+", intent.reason), (
        intent.reason
    )
    made.fill()
    assert held(made) == (0, 0)
    assert made.engine.state.saga.stage == "failed"
    assert made.engine.state.saga.message.startswith("unwound")


def covers(made, why):
    (intent,) = made.tick()
    assert [type(leg) for leg in intent.legs] == [PerpOrder]
    assert intent.legs[0].reduce_only
    assert why in intent.reason
    return intent


def test_after_the_deadline_the_short_is_covered_however_cheap_spot_is():
    made = lone_short()
    made.now_ns = made.engine.state.saga.deadline_ns
    covers(made, "as the deadline has passed")


def test_near_the_naked_cap_the_short_is_covered_at_once():
    made = lone_short()
    saga = made.engine.state.saga
    saga.naked_micros_s = saga.cap_micros_s - saga.exposure_micros * 61
    covers(made, "as the cap on naked dollar-seconds is near")


@pytest.mark.parametrize("command", [Kill(KillLevel.CANCEL), PauseEngine("funding")])
def test_halted_nothing_is_bought_to_complete(command):
    made = lone_short()
    made.post(Commanded("c", command))
    covers(made, "as nothing new may be bought now")


def test_without_the_capital_the_short_is_covered():
    made = lone_short()
    made.kernel.vault.reserve("x", "funding", "USDC", made.desk.available("USDC"), Source.AVAILABLE, 2**62, ts_ns=0)
    covers(made, "costs more than the free USDC")


def test_with_the_venue_shut_the_spot_leg_is_bought_even_after_the_deadline():
    made = lone_short()
    made.show(VenueStatusChanged("drift", VenueStatus.PAUSED, "test"))
    made.now_ns = made.engine.state.saga.deadline_ns
    (intent,) = made.tick()
    assert [type(leg) for leg in intent.legs] == [Swap]
    assert "as drift is paused" in intent.reason


def test_with_the_venue_shut_and_entries_halted_there_is_nothing_to_do_but_wait():
    made = lone_short()
    made.post(Commanded("c", Kill(KillLevel.CANCEL)))
    made.show(VenueStatusChanged("drift", VenueStatus.PAUSED, "test"))
    assert made.tick() == []
    assert "nothing new may be bought now" in made.engine.panel()["decision"]


def test_a_sick_account_is_not_completed_but_unwound():
    made = lone_short()
    desk, config = made.desk, made.engine.config
    terms = read_terms(desk.view, "SOL-PERP", "SOL")
    held_now = read_holdings(desk, config, terms.market)
    margin = msgspec.structs.replace(read_margin(desk, config)[1], health=34.9)
    way = mend(desk, config, terms, held_now, margin, 10**7, None)
    assert isinstance(way, Intent)
    assert "as the account's health is below 35" in way.reason
    assert mend(desk, config, terms, held_now, None, 10**7, None).legs == way.legs


def test_a_close_sells_only_as_much_spot_as_the_cover_filled():
    made = opened()
    spot, perp = held(made)
    made.ask(made.engine.close("*"))
    assert made.intents[-1].legs[1].hedges == 0
    made.fill(share=0.25)
    left_spot, left_perp = held(made)
    assert left_perp == pytest.approx(perp * 0.75, abs=0.02)
    assert left_spot == pytest.approx(spot * 0.75, abs=0.02)


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


def test_a_jump_of_spot_is_answered_before_the_perp_follows():
    made = opened(config=FundingConfig(capital_use_bps=10_000, min_top_up_atoms=1_000 * USD))
    made.tick(10)
    oracle, _, spot = price(145)
    assert made.post(oracle) == []
    assert isinstance(spot, Quoted)
    assert spot.instrument == "SOL/USDC"
    (intent,) = made.post(spot)
    assert "shrinking" in intent.reason


def test_a_quote_away_from_danger_changes_nothing():
    made = opened()
    before = msgspec.json.encode(made.engine.state)
    for fact in price(101)[1:]:
        assert made.post(fact) == []
    assert msgspec.json.encode(made.engine.state) == before
