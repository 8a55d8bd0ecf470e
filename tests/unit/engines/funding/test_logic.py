"""The funding engine through the real kernel: what it opens, mends, guards and closes."""

import json

import msgspec
import pytest

from phantom_arbiter.core.events import Quoted, VenueStatus, VenueStatusChanged
from phantom_arbiter.core.instruments import InstrumentKind
from phantom_arbiter.core.intents import CollateralTransfer, PerpOrder, Purpose, Side, Swap
from phantom_arbiter.core.verdicts import Approved, Refused
from phantom_arbiter.engines.funding import FundingConfig, FundingEngine, FundingState
from tests.unit.engines.funding.position import bench, held, opened, pass_hours, settle
from tests.unit.engines.market_builder import UNIVERSE, USD, WHOLE, Bench, hour, price, sol_pool, stats

# Entry


def test_a_newcomer_opens_at_the_first_tick_on_the_premium_alone():
    made = bench()
    (intent,) = made.tick()
    assert isinstance(made.verdicts[-1], Approved)
    deposit, short, buy = intent.legs
    assert isinstance(deposit, CollateralTransfer)
    assert deposit.atoms > 0
    assert isinstance(short, PerpOrder)
    assert (short.side, short.venue) == (Side.SELL, "drift")
    assert not short.reduce_only
    assert isinstance(buy, Swap)
    assert (buy.in_asset, buy.out_asset) == ("USDC", "SOL")
    assert buy.expected_out_atoms >= short.base_atoms
    assert buy.expected_out_atoms - short.base_atoms < 1_000_000
    assert "you receive" in intent.reason
    assert "break-even in" in intent.reason


def test_the_intent_is_filled_in():
    (intent,) = bench().tick()
    (_, short, _) = intent.legs
    assert intent.purpose is Purpose.ENTRY
    assert intent.notional_micros == short.base_atoms * 100 // 1_000
    assert intent.position_id == "SOL-PERP"
    assert intent.priority_lamports > 0
    assert intent.tip_lamports == 0
    cost = intent.cost
    assert min(cost.pool_fee_micros, cost.base_fee_micros, cost.priority_micros, cost.slippage_micros) > 0
    assert cost.perp_fee_micros == pytest.approx(intent.notional_micros * 7e-4, rel=0.01)  # 3.5 bps in and out
    assert cost.pool_fee_micros == pytest.approx(intent.notional_micros * 8e-4, rel=0.02)  # 4 bps in and out


def test_capital_pays_for_both_the_spot_leg_and_the_margin():
    (intent,) = bench(usdc=1_000).tick()
    deposit, _, buy = intent.legs
    assert 900 * USD < deposit.atoms + buy.in_atoms <= 1_000 * USD
    assert deposit.atoms == pytest.approx(buy.in_atoms / 2, rel=0.01)


def test_a_short_names_no_spot_asset_and_sells_none():
    made = bench()
    before = made.desk.available("SOL")
    made.tick()
    made.fill()
    for leg in (leg for intent in made.intents for leg in intent.legs if isinstance(leg, PerpOrder)):
        assert UNIVERSE.instruments[leg.instrument].kind is InstrumentKind.PERP
    spot, perp = held(made)
    assert spot == pytest.approx(-perp, abs=0.001)
    assert made.desk.deployed("SOL") == round(spot * 1e9)
    assert made.desk.available("SOL") == before


def test_a_policy_that_holds_puts_a_negative_premium_forward_in_words_and_the_edge_gate_refuses():
    made = bench(premium_bps=-15.0, config=FundingConfig(policy="hold"))
    (intent,) = made.tick()
    assert intent.edge_bps < 0
    assert "you pay" in intent.reason
    assert isinstance(made.verdicts[-1], Refused)
    assert made.verdicts[-1].result.gate == "edge"


@pytest.mark.parametrize(("apr", "word"), [(0.4, "you receive"), (-0.4, "you pay")])
def test_the_sign_of_posted_funding_is_the_shorts(apr, word):
    made = bench(premium_bps=0.0, config=FundingConfig(policy="hold"))
    for _ in range(30):
        made.post(hour(apr))
    (intent,) = made.tick()
    assert word in intent.reason
    assert intent.edge_bps * apr > 0


def test_what_could_pay_but_lies_below_the_band_is_waited_for():
    made = bench(premium_bps=0.0)  # 7.3 % a year: 60 bps in a month against 29 bps of costs
    assert made.tick() == []
    assert "no entry: SOL-PERP against SOL: +7.3 % a year, enters above +20.6 %" in made.engine.panel()["decision"]


def test_what_cannot_pay_its_costs_goes_before_the_edge_gate_with_its_honest_edge():
    made = bench(premium_bps=-15.0)
    (intent,) = made.tick()
    assert intent.edge_bps < 0 < intent.cost.total_micros
    assert made.engine.panel()["preference"].startswith("nothing pays its costs; the least bad is SOL-PERP")


def test_candidates_come_every_quarter_of_an_hour():
    made = bench(premium_bps=-15.0, config=FundingConfig(policy="hold"))
    for _ in range(1_800):
        made.tick()
    assert len(made.intents) == 2
    made.tick(5)
    assert len(made.intents) == 3


def test_nothing_is_opened_where_the_venue_or_the_market_is_not_there():
    made = bench()
    made.post(VenueStatusChanged("drift", VenueStatus.REDUCE_ONLY, "test"))
    assert made.tick() == []
    assert "reduce_only" in made.engine.panel()["decision"]
    made.post(VenueStatusChanged("drift", VenueStatus.LIVE, "test"))
    del made.market[Quoted, "SOL-PERP"]
    assert made.tick(120) == []
    assert "old" in made.engine.panel()["decision"]


def test_too_little_capital_says_so():
    made = bench(usdc=1)
    assert made.tick() == []
    assert "too little USDC" in made.engine.panel()["decision"]


def test_the_pools_depth_limits_the_size():
    made = Bench(FundingEngine(), USDC=10_000, SOL=1)
    made.show(*price(100, 10), sol_pool(100, sol=1_000), stats(100, 10))
    (intent,) = made.tick()
    assert intent.legs[1].base_atoms == 3 * WHOLE  # 30 bps of 1,000 SOL


def test_there_is_one_open_order_at_most():
    made = bench()
    made.tick()
    assert made.tick(600) == []


# Leaving


def test_one_bad_hour_does_not_close_and_a_bad_regime_does():
    made = opened()
    pass_hours(made, 0.3, 30)
    pass_hours(made, -0.5, 1)
    assert made.tick() == []
    pass_hours(made, -0.5, 48)
    (intent,) = made.tick()
    assert intent.purpose is Purpose.EXIT
    assert "you would pay" in intent.reason
    cover, sale = intent.legs
    assert (cover.side, cover.reduce_only) == (Side.BUY, True)
    assert (sale.in_asset, sale.out_asset) == ("SOL", "USDC")
    made.fill()
    assert held(made) == (0, 0)
    settle(made)
    (back,) = made.tick()
    assert back.legs[0].atoms < 0
    made.fill()
    assert made.desk.book.collateral_atoms("drift", "USDC") == 0
    assert made.desk.deployed("USDC") == 0


def test_good_funding_is_held():
    made = opened()
    pass_hours(made, 0.2, 60)
    assert made.tick() == []
    assert made.engine.panel()["decision"].startswith("holding: you receive")


def test_a_person_closes_and_the_engine_stays_out_for_a_while():
    made = opened()
    made.ask(made.engine.close("*"))
    assert made.intents[-1].purpose is Purpose.EXIT
    made.fill()
    settle(made)
    made.tick()
    made.fill()
    assert held(made) == (0, 0)
    assert made.desk.book.collateral_atoms("drift", "USDC") == 0
    count = len(made.intents)
    made.tick(3_600)
    assert len(made.intents) == count


def test_a_loss_that_is_not_settled_stays_at_the_venue():
    made = opened()
    made.ask(made.engine.close("*"))
    made.fill()
    loss = made.desk.book.perps["SOL-PERP"].quote_atoms
    assert loss < 0
    (back,) = made.tick()
    assert back.legs[0].atoms == -(made.desk.book.collateral_atoms("drift", "USDC") + loss)


def test_an_exit_that_failed_half_way_is_finished():
    made = opened()
    made.ask(made.engine.close("SOL-PERP"))
    made.fill(reject=(Swap,))
    spot, perp = held(made)
    assert perp == 0
    assert spot > 0
    (intent,) = made.tick()
    assert [type(leg) for leg in intent.legs] == [Swap]
    made.fill()
    assert held(made) == (0, 0)


def test_close_answers_only_for_what_is_held():
    assert list(bench().engine.close("*")) == []
    assert list(opened().engine.close("other")) == []


def test_a_venue_that_only_reduces_is_left_and_a_paused_one_waited_for():
    made = opened()
    made.post(VenueStatusChanged("drift", VenueStatus.PAUSED, "test"))
    assert made.tick(10) == []
    assert "paused" in made.engine.panel()["decision"]
    made.post(VenueStatusChanged("drift", VenueStatus.REDUCE_ONLY, "test"))
    (intent,) = made.tick(10)
    assert intent.purpose is Purpose.EXIT


# What others read


def test_the_panel_has_the_contracts_fields_and_is_json():
    panel = opened().engine.panel()
    assert json.loads(json.dumps(panel)) == panel
    keys = "ts spot_sol perp_sol net_delta drift_pct sol_price health total_collateral equity maintenance_margin"
    assert set(f"{keys} free_collateral leverage liq_price positions".split()) <= set(panel)
    assert panel["health"] > 60
    assert panel["liq_price"] == pytest.approx(100 * 1.5 / 1.03, rel=0.01)
    assert {row["kind"] for row in panel["positions"]} == {"perp", "spot", "collateral"}
    assert panel["break_even_days"] > 0


def test_unsettled_funding_is_positive_for_a_paid_short():
    made = opened()
    made.post(hour(0.876_6))
    panel = made.engine.panel()
    assert panel["unsettled_funding"] == pytest.approx(-panel["perp_sol"] * 100 * 1e-4, rel=0.01)


def test_a_flat_engine_has_a_panel_too():
    panel = Bench(FundingEngine(), USDC=1).engine.panel()
    assert panel["health"] is None
    assert panel["positions"] == []
    assert panel["drift_pct"] is None


def test_the_state_survives_a_snapshot():
    state = opened().engine.state
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=FundingState) == state


@pytest.mark.parametrize(
    "change",
    [
        {"max_notional_atoms": -1},
        {"margin_bps": 0},
        {"capital_use_bps": 10_001},
        {"exit_confirm_hours": 1},
        {"health_floor": 70.0},
        {"leverage": 2},
    ],
)
def test_settings_out_of_bounds_are_refused(change):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(change, FundingConfig)
