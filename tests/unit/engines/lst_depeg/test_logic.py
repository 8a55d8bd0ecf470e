"""The LST engine through the real kernel: what it buys, what it leaves alone, and how it gets out."""

import json

import msgspec
import pytest

from phantom_arbiter.core.events import Quoted
from phantom_arbiter.core.intents import Purpose, Swap
from phantom_arbiter.core.verdicts import Approved, Refused
from phantom_arbiter.engines.lst_depeg import LstConfig, LstEngine, LstState
from phantom_arbiter.engines.spot_quote import sell_quote
from tests.unit.engines.market_builder import HOUR, START_NS, UNIVERSE, USD, WHOLE, Bench, lst_pool, price, stake_pool

CHEAP = 1.25 * (1 - 60e-4)
BROKEN = 1.25 * (1 - 0.05)


def bench(sol=100, config=None, reading=True):
    """SOL at 100; jitoSOL redeems for 1.25 SOL; no market for it against SOL yet.

    The dollar quotes let the house value what is bought. The engine does not listen to them.
    """
    made = Bench(LstEngine(config=config), SOL=sol, USDC=5_000)
    made.show(*price(100), *(Quoted(f"{token}/USDC", 125 * USD, 125 * USD, 0) for token in ("jitoSOL", "mSOL")))
    if reading:
        made.show(stake_pool())
    return made


def holding(**kwargs):
    made = bench(**kwargs)
    made.show(lst_pool(CHEAP))
    made.fill()
    assert made.desk.book.lots["jitoSOL"].atoms > 0
    return made


# Buying


def test_a_discount_is_bought_with_sol_at_a_sol_price():
    made = bench()
    (intent,) = made.show(lst_pool(CHEAP))
    assert isinstance(made.verdicts[-1], Approved)
    (leg,) = intent.legs
    assert isinstance(leg, Swap)
    assert (leg.instrument, leg.in_asset, leg.out_asset) == ("jitoSOL/SOL", "SOL", "jitoSOL")
    assert leg.in_atoms / leg.expected_out_atoms == pytest.approx(CHEAP, rel=2e-3)
    assert "60.0 bps below" in intent.reason
    usdc = made.desk.available("USDC")
    made.fill()
    lot = made.desk.book.lots["jitoSOL"]
    assert (lot.cost_asset, lot.cost_atoms, lot.atoms) == ("SOL", leg.in_atoms, leg.expected_out_atoms)
    assert made.desk.available("USDC") == usdc


def test_the_intent_is_filled_in_and_its_edge_is_honest():
    (intent,) = bench().show(lst_pool(CHEAP))
    assert intent.purpose is Purpose.ENTRY
    assert intent.position_id == "jitoSOL"
    assert intent.notional_micros == intent.legs[0].in_atoms * 100 // 1_000
    assert intent.priority_lamports > 0
    assert intent.tip_lamports == 0
    # 60 bps of discount, less the way out (5 bps of band, or 10 bps of fee and the wait) and 3 bps of risk.
    assert 44 < intent.edge_bps < 53
    cost = intent.cost
    assert min(cost.pool_fee_micros, cost.base_fee_micros, cost.slippage_micros, cost.rent_micros) > 0
    assert cost.total_micros < intent.notional_micros * intent.edge_bps / 10_000


def test_without_a_stake_pool_nothing_is_ever_bought():
    made = bench(reading=False)
    assert made.show(lst_pool(BROKEN), Quoted("jitoSOL/SOL", 10**9, 10**9 + 1, 0)) == []
    for _ in range(100):
        assert made.tick(10) == []


@pytest.mark.parametrize("change", [{"updated_epoch": 999}, {"paused": True}, {"epoch_ends_ts_ns": START_NS}], ids=str)
def test_a_reading_that_is_no_basis_buys_nothing(change):
    made = bench(reading=False)
    made.show(stake_pool(**change))
    assert made.show(lst_pool(CHEAP)) == []
    assert "no entry" in made.engine.panel()["tokens"][0]["decision"]


def test_a_reading_that_no_feed_repeats_goes_stale():
    made = bench(config=LstConfig(propose_every_ns=7 * HOUR))
    del made.market[type(stake_pool()), "jitoSOL"]
    made.now_ns += 7 * HOUR
    assert made.show(lst_pool(CHEAP)) == []


def test_the_same_price_is_judged_by_what_the_pool_owes_now():
    made = bench()
    assert made.show(lst_pool(1.25)) == []
    (intent,) = made.show(stake_pool(rate=1.26))
    assert intent.edge_bps > 0


def test_below_break_even_the_candidate_is_shown_and_refused_by_the_edge_gate():
    made = bench()
    (intent,) = made.show(lst_pool(1.25 * (1 - 12e-4)))
    assert intent.edge_bps < 2
    assert isinstance(made.verdicts[-1], Refused)
    assert made.verdicts[-1].result.gate == "edge"


def test_below_the_interest_threshold_nothing_is_shown_and_candidates_have_a_cooldown():
    made = bench()
    assert made.show(lst_pool(1.25 * (1 - 5e-4))) == []
    assert len(made.show(lst_pool(1.25 * (1 - 12e-4)))) == 1
    assert made.tick(200) == []
    assert len(made.tick(200)) == 1


def test_a_discount_close_to_the_epochs_end_is_worth_more():
    far, near = bench(reading=False), bench(reading=False)
    far.show(stake_pool(reserve_lamports=0))
    near.show(stake_pool(reserve_lamports=0, epoch_ends_ts_ns=START_NS + HOUR))
    market = lst_pool(1.25 * (1 - 20e-4))
    assert near.show(market)[0].edge_bps > far.show(market)[0].edge_bps


def test_without_pools_the_quote_is_bought_up_to_its_size():
    made = bench()
    ask = round(CHEAP * 1e9)
    (intent,) = made.show(Quoted("jitoSOL/SOL", ask - 100_000, ask, 0, 4 * WHOLE, 4 * WHOLE))
    (leg,) = intent.legs
    assert leg.pool == ""
    assert leg.expected_out_atoms == pytest.approx(4 * WHOLE, rel=1e-6)


def deep_quote(mid, depth=10_000, **sizes):
    """Sixteen basis points wide, with a depth in SOL."""
    px = round(mid * 1e9)
    return Quoted(
        "jitoSOL/SOL", px - px * 8 // 10_000, px + px * 8 // 10_000, 0, depth_quote_atoms=depth * WHOLE, **sizes
    )


def test_at_a_quote_with_a_depth_the_size_is_the_one_that_brings_most():
    made = bench()
    (intent,) = made.show(deep_quote(CHEAP))
    assert isinstance(made.verdicts[-1], Approved)
    spent, deep = intent.legs[0].in_atoms, made.desk.view.quote("jitoSOL/SOL")

    def net(lamports):
        way_in = sell_quote(made.desk.view, UNIVERSE.instruments["jitoSOL/SOL"], [], "SOL", lamports)
        value = way_in.out_atoms * 1.25 * (1 - 5e-4) * (1 - 3e-4)
        return value - lamports - way_in.impact_atoms * 1.25  # the same again on the way out

    assert WHOLE < spent < 30 * WHOLE
    assert net(spent) > max(net(spent * 9 // 10), net(spent * 11 // 10))
    assert deep.depth_quote_atoms == 10_000 * WHOLE
    # The edge sees the impact: what is left is what the way in and out leave of 60 bps.
    assert intent.cost.slippage_micros > intent.notional_micros * 16 // 10_000


def test_what_a_quote_offers_bounds_what_its_depth_would_bear():
    (intent,) = bench().show(deep_quote(CHEAP, ask_atoms=2 * WHOLE))
    assert intent.legs[0].expected_out_atoms == pytest.approx(2 * WHOLE, rel=1e-3)


def test_caps_per_token_and_in_total():
    made = bench(config=LstConfig(token_cap_bps=5_000, total_cap_bps=6_000))
    (first,) = made.show(lst_pool(CHEAP))
    assert first.legs[0].in_atoms == 50 * WHOLE
    made.fill()
    made.show(stake_pool("mSOL"))
    (second,) = made.show(lst_pool(CHEAP, "mSOL"))
    assert second.legs[0].in_atoms == pytest.approx(10 * WHOLE, rel=0.01)


def test_one_position_per_token():
    made = holding()
    assert made.show(lst_pool(CHEAP * 0.999)) == []
    assert made.tick(600) == []


def test_too_little_sol_says_so():
    made = bench(sol=1)
    assert made.show(lst_pool(CHEAP)) == []
    assert "too little free SOL" in made.engine.panel()["tokens"][0]["decision"]


def test_a_deep_de_peg_must_be_seen_five_times():
    made = bench()
    assert made.show(lst_pool(BROKEN)) == []
    assert made.show(lst_pool(BROKEN)) == []  # at the same instant: no second reading
    for _ in range(3):
        assert made.tick(10) == []
    (intent,) = made.tick(10)
    assert intent.edge_bps > 400


def test_a_de_peg_that_comes_and_goes_is_not_confirmed():
    made = bench(config=LstConfig(propose_every_ns=100 * HOUR))
    for _ in range(6):
        assert made.show(lst_pool(BROKEN)) == []
        made.tick(10)
        made.show(lst_pool(1.25))
        made.tick(10)
    assert made.intents == []


def test_beyond_the_bound_a_token_is_broken_not_cheap():
    made = bench()
    made.show(lst_pool(0.9))
    for _ in range(20):
        assert made.tick(10) == []
    assert "broken" in made.engine.panel()["tokens"][0]["decision"]


def test_a_token_the_universe_does_not_know_is_left_alone():
    made = bench()
    assert made.show(stake_pool("bSOL"), lst_pool(CHEAP, "bSOL")) == []
    assert [row["token"] for row in made.engine.panel()["tokens"]] == ["jitoSOL"]


# Selling


def test_a_position_is_sold_when_it_has_re_pegged():
    made = holding()
    sol = made.desk.available("SOL")
    (intent,) = made.show(lst_pool(1.25))
    assert isinstance(made.verdicts[-1], Approved)
    assert intent.purpose is Purpose.EXIT
    (leg,) = intent.legs
    assert (leg.in_asset, leg.out_asset, leg.from_position) == ("jitoSOL", "SOL", True)
    assert leg.in_atoms == made.desk.book.lots["jitoSOL"].atoms
    paid = made.desk.book.lots["jitoSOL"].cost_atoms
    made.fill()
    assert made.desk.book.lots == {}
    assert made.desk.available("SOL") - sol > paid


def test_back_at_fair_it_is_sold_even_where_the_pools_fee_eats_a_part():
    made = bench()
    made.show(lst_pool(1.25 * (1 - 95e-4), fee_bps=25))
    made.fill()
    assert made.show(lst_pool(1.25 * (1 - 8e-4), fee_bps=25)) == []
    (intent,) = made.show(lst_pool(1.25 * (1 - 4e-4), fee_bps=25))
    assert "back at its fair value" in intent.reason


def test_back_at_fair_in_a_pool_too_thin_for_the_sale_it_is_kept():
    made = holding()
    assert made.show(lst_pool(1.25, tokens=1_000)) == []
    assert "holding" in made.engine.panel()["tokens"][0]["decision"]


def test_it_is_sold_when_the_market_pays_more_than_redeeming():
    made = bench(reading=False)
    made.show(stake_pool(withdraw_fee_ppm=3_000, instant_fee_ppm=3_000))
    made.show(lst_pool(CHEAP))
    made.fill()
    (intent,) = made.show(lst_pool(1.25 * (1 - 15e-4)))
    assert "more than redeeming" in intent.reason


def test_most_of_a_deep_gap_is_taken():
    made = bench()
    made.show(lst_pool(BROKEN))
    for _ in range(4):
        made.tick(10)
    made.fill()
    (intent,) = made.show(lst_pool(1.25 * (1 - 40e-4)))
    assert "of the gap is won" in intent.reason


def test_a_gap_that_stays_is_held_and_after_the_holding_time_sold_at_the_floor():
    made = holding(config=LstConfig(max_hold_ns=24 * HOUR))
    made.show(lst_pool(1.25 * (1 - 35e-4)))
    assert made.tick(3_600) == []
    assert "holding" in made.engine.panel()["tokens"][0]["decision"]
    (intent,) = made.tick(24 * 3_600)
    assert "held long enough" in intent.reason


def test_below_the_floor_it_is_held_on():
    made = holding(config=LstConfig(max_hold_ns=HOUR))
    made.show(lst_pool(1.25 * (1 - 80e-4)))
    assert made.tick(7_200) == []


def test_a_stale_rate_still_lets_it_out():
    made = holding()
    made.show(stake_pool(updated_epoch=1_000, epoch=1_001))
    (intent,) = made.show(lst_pool(1.25))
    assert intent.purpose is Purpose.EXIT


def test_a_sale_that_failed_is_tried_again():
    made = holding()
    made.show(lst_pool(1.25))
    made.fill(reject=(Swap,))
    assert made.tick(5) == []
    (intent,) = made.tick(30)
    assert intent.purpose is Purpose.EXIT


def test_a_refused_sale_is_asked_for_again_only_once_the_market_has_spoken():
    made = holding()
    sold = lst_pool(1.25)
    made.market.pop((type(sold), sold.pool))
    made.now_ns += 2 * HOUR  # older than what an exit may be priced by
    made.show(stake_pool(rate=1.24))  # a rate, no price: the market now pays more than fair
    assert made.intents[-1].purpose is Purpose.EXIT
    assert made.verdicts[-1].result.gate == "staleness"
    known = len(made.intents)
    for _ in range(100):
        assert made.tick(60) == []
    made.post(sold)
    assert len(made.intents) == known + 1
    assert isinstance(made.verdicts[-1], Approved)


def test_a_refused_purchase_is_put_forward_again_only_once_the_market_has_spoken():
    made = bench()
    cheap = lst_pool(1.25 * (1 - 12e-4))
    (first,) = made.post(cheap)
    assert first.purpose is Purpose.ENTRY
    for _ in range(20):
        assert made.tick(600) == []
    assert len(made.post(cheap)) == 1


def test_a_sale_that_failed_is_tried_again_at_the_same_price():
    made = holding()
    sold = lst_pool(1.25)
    made.market.pop((type(sold), sold.pool))
    assert len(made.post(sold)) == 1
    made.fill(reject=(Swap,))
    assert len(made.tick(30)) == 1  # nobody spoke, but the order's end is news


def test_a_person_closes_at_any_price_and_it_is_not_bought_back_at_once():
    made = holding()
    assert list(made.engine.close("mSOL")) == []
    made.show(lst_pool(CHEAP * 0.998))
    made.ask(made.engine.close("*"))
    assert made.intents[-1].purpose is Purpose.EXIT
    made.fill()
    assert made.desk.book.lots == {}
    assert made.tick(600) == []
    assert len(made.tick(3_600)) == 1


# What others read


def test_the_panel_is_json_and_names_price_fair_discount_and_band():
    made = holding()
    panel = made.engine.panel()
    assert json.loads(json.dumps(panel)) == panel
    (row,) = panel["tokens"]
    assert row["fair_sol"] == pytest.approx(1.25)
    assert row["redemption_sol"] < 1.25
    assert row["price_sol"] == pytest.approx(CHEAP)
    assert row["discount_bps"] == pytest.approx(60)
    assert row["band_bps"] == pytest.approx(12.5, abs=0.5)
    assert row["epoch_end_ts"] == (START_NS + 24 * HOUR) // 10**6
    (position,) = panel["positions"]
    assert position["id"] == position["token"] == "jitoSOL"
    assert position["pnl_usd"] < 0


def test_the_state_survives_a_snapshot_and_the_pools_are_found_again():
    made = holding()
    state = made.engine.state
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=LstState) == state
    other = LstEngine()
    other.state = state
    other.bind(made.desk)
    assert other.panel() == made.engine.panel()


@pytest.mark.parametrize("change", [{"min_buy_lamports": 0}, {"token_cap_bps": -1}, {"tokens": []}, {"fair": 1.05}])
def test_settings_out_of_bounds_are_refused(change):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(change, LstConfig)
