"""Market choice, the spot leg, and where it lies: measured alike, in words, and traded as chosen."""

import re

import msgspec
import pytest

from phantom_arbiter.core.commands import Preview
from phantom_arbiter.core.intents import CollateralTransfer, PerpOrder, Purpose, Swap
from phantom_arbiter.core.preview import Rejection
from phantom_arbiter.dashboard.panels import FundingCandidate, FundingUpdate
from phantom_arbiter.engines.funding import FundingConfig
from phantom_arbiter.engines.funding.candidates import EPOCHS_PER_YEAR, staking_apr, worth_switching
from phantom_arbiter.engines.funding.state import Candidate, StakingSeen
from tests.unit.engines.funding.wider import RATE, epochs, hours, jito, row, wider
from tests.unit.engines.market_builder import HOUR, WHOLE, price, sol_pool, stake_pool


def test_every_perp_is_weighed_and_one_without_a_spot_market_is_said_to_be_unhedgeable():
    made = wider()
    hours(made, 1, SOL=0.2, JUP=0.1, BTC=0.3)
    made.tick()
    keys = {(c["market"], c["spot_leg"], c["collateral"]) for c in made.engine.panel()["candidates"]}
    assert {("SOL-PERP", leg, place) for leg in ("SOL", "jitoSOL") for place in ("wallet", "venue")} <= keys
    btc = row(made, "BTC-PERP")
    assert (btc["traded"], btc["net_apr"], btc["cost_bps"]) == (False, None, None)
    assert "cannot be hedged" in btc["why_not"]
    assert btc["rate_apr"] == pytest.approx(0.3, rel=1e-3)
    assert made.engine.panel()["candidates"][0]["market"] == "SOL-PERP"


def test_the_candidates_are_the_dashboards_rows():
    made = wider()
    made.tick()
    panel = made.engine.panel()
    rows = msgspec.convert(panel["candidates"], tuple[FundingCandidate, ...])
    assert rows[0].collateral == "wallet"
    known = {name: panel[name] for name in FundingUpdate.__struct_fields__ if name in panel}
    assert msgspec.convert(known, FundingUpdate).candidates == rows


def test_each_market_learns_from_its_own_funding_and_the_best_is_opened():
    made = wider()
    hours(made, 30, SOL=0.05, JUP=1.0)
    (intent,) = made.tick()
    _, short, buy = intent.legs
    assert (short.instrument, buy.out_asset) == ("JUP-PERP", "JUP")
    assert row(made, "SOL-PERP")["funding_apr"] == pytest.approx(0.05, rel=0.01)
    assert row(made, "JUP-PERP")["funding_apr"] == pytest.approx(1.0, rel=0.01)
    made.fill()
    panel = made.engine.panel()
    assert panel["market"] == "JUP-PERP"
    assert panel["perp_sol"] < -1_000
    assert panel["spot_sol"] == pytest.approx(-panel["perp_sol"], rel=1e-6), "six decimals against nine"
    assert made.desk.deployed("JUP") == pytest.approx(-panel["perp_sol"] * 1e6, rel=1e-6)
    assert intent.notional_micros == pytest.approx(-panel["perp_sol"] * 0.5e6, rel=1e-6)


def test_net_apr_is_the_expectation_less_the_round_trip_on_the_capital_it_takes():
    made = wider()
    hours(made, 60, SOL=0.3)
    (intent,) = made.tick()
    deposit, short, buy = intent.legs
    assert isinstance(deposit, CollateralTransfer)
    assert isinstance(short, PerpOrder)
    assert isinstance(buy, Swap)
    best = row(made, "SOL-PERP", "SOL")
    notional, capital = short.base_atoms / WHOLE * 100, (deposit.atoms + buy.in_atoms) / 1e6
    month = 30 / 365.25
    net = (best["funding_apr"] * month - best["cost_bps"] / 1e4) * notional
    assert best["net_apr"] == pytest.approx(net / capital / month, rel=1e-3)
    assert best["cost_bps"] == pytest.approx(intent.cost.total_micros / intent.notional_micros * 1e4)
    assert best["break_even_days"] == pytest.approx(best["cost_bps"] / 1e4 / 0.3 * 365.25, rel=0.02)


def test_collateral_at_the_venue_is_compared_with_its_own_liquidation_price_and_never_traded():
    made = wider()
    made.tick()
    wallet, venue = row(made, "SOL-PERP", "SOL"), row(made, "SOL-PERP", "SOL", "venue")
    assert wallet["liq_price"] == pytest.approx(100 * 1.5 / 1.03, rel=0.01)  # reference §5: S(1+a)/(1+m)
    assert venue["liq_price"] == pytest.approx(100 / (1 + 0.03 - 0.9), rel=0.02)  # reference §5: S/(1+m-w)
    assert venue["net_apr"] > wallet["net_apr"], "it needs no dollars beside the spot leg"
    assert (wallet["traded"], venue["traded"]) == (True, False)
    assert "compared only" in venue["why_not"]
    assert "as collateral" in made.engine.panel()["preference"]


# The spot leg


def test_staking_is_measured_from_the_pools_growth_over_the_epochs_seen():
    seen = StakingSeen(1_000, 125, 100, 1_002, 126, 100)
    assert staking_apr(seen) == pytest.approx((126 / 125 - 1) / 2 * EPOCHS_PER_YEAR)
    assert staking_apr(StakingSeen(1_000, 125, 100, 1_000, 125, 100)) is None
    assert staking_apr(None) is None


def test_an_lst_is_preferred_once_its_staking_was_measured_and_hedges_at_its_redemption_rate():
    made = wider()
    made.tick()
    assert row(made, "SOL-PERP", "jitoSOL")["staking_apr"] == 0
    assert "counts as 0 until" in made.engine.panel()["preference"]
    made = wider()
    epochs(made, 2, 0.0004)
    (intent,) = made.tick()
    _, short, buy = intent.legs
    rate = RATE * 1.0004**2
    assert buy.out_asset == "jitoSOL"
    assert buy.expected_out_atoms == pytest.approx(short.base_atoms / rate, rel=1e-6)
    assert row(made, "SOL-PERP", "jitoSOL")["staking_apr"] == pytest.approx(0.0004 * EPOCHS_PER_YEAR, rel=1e-3)
    assert "measured over 2 epochs" in made.engine.panel()["preference"]
    made.fill()
    panel = made.engine.panel()
    assert abs(panel["net_delta"]) < 1e-6
    assert made.desk.deployed("jitoSOL") == pytest.approx(-panel["perp_sol"] / rate * 1e9, rel=1e-6)
    assert {row["instrument"] for row in panel["positions"]} == {"SOL-PERP", "jitoSOL/USDC", "USDC"}


@pytest.mark.parametrize(("premium_bps", "refused"), [(-40, False), (0, False), (29, False), (32, True)])
def test_an_lst_dearer_than_its_redemption_costs_that_and_is_refused_beyond_the_setting(premium_bps, refused):
    par, made = wider(), wider()
    made.show(*jito(100 * (1 + premium_bps / 1e4)))
    for bench in (par, made):
        bench.tick()
    usual, lst = row(par, "SOL-PERP", "jitoSOL"), row(made, "SOL-PERP", "jitoSOL")
    assert lst["cost_bps"] - usual["cost_bps"] == pytest.approx(max(0, premium_bps), abs=0.2)
    assert lst["traded"] is not refused
    told = re.search(r"jitoSOL costs ([\d.]+) bps more than it redeems for, at most 30 are paid", lst["why_not"])
    assert (told is not None) is refused
    assert told is None or float(told[1]) == pytest.approx(premium_bps, abs=0.1)
    assert row(made, "SOL-PERP", "SOL")["cost_bps"] == row(par, "SOL-PERP", "SOL")["cost_bps"]


def test_a_premium_that_is_refused_leaves_the_base_to_be_traded_and_a_take_by_hand_refused():
    made = wider(config=FundingConfig(spot_leg="jitosol", enter="by_hand"))
    made.show(*jito(100.5))
    hours(made, 1, SOL=0.2)
    made.tick()
    answer = made.engine.draft(Preview("TAKE_POSITION", "SOL-PERP", 1.0))
    assert isinstance(answer, Rejection)
    made = wider()
    epochs(made, 2, 0.0004)
    made.show(*jito(100.6))
    (intent,) = made.tick()
    assert intent.legs[-1].out_asset == "SOL", "its staking does not pay for the premium, and would not be asked"


@pytest.mark.parametrize(
    ("changes", "says"), [({"paused": True}, "is paused"), ({"updated_epoch": 999}, "of an earlier epoch")]
)
def test_an_lst_whose_pool_is_paused_or_whose_rate_is_old_is_not_bought(changes, says):
    made = wider(config=FundingConfig(spot_leg="jitosol"))
    made.show(stake_pool(rate=RATE, **changes))
    assert all(intent.legs[-1].out_asset != "jitoSOL" for intent in made.tick())
    assert says in row(made, "SOL-PERP", "jitoSOL")["why_not"]


@pytest.mark.parametrize(("leg", "bought"), [("base", "SOL"), ("jitosol", "jitoSOL")])
def test_the_settings_leave_a_leg_out_and_say_so(leg, bought):
    made = wider(config=FundingConfig(spot_leg=leg))
    (intent,) = made.tick()
    assert intent.legs[-1].out_asset == bought
    left = "jitoSOL" if bought == "SOL" else "SOL"
    assert f"the setting spot_leg is {leg}" in row(made, "SOL-PERP", left)["why_not"]


def test_the_settings_leave_a_market_out_and_say_so():
    made = wider(config=FundingConfig(markets=("JUP-PERP",)))
    assert {intent.position_id for intent in made.tick()} <= {"JUP-PERP"}
    assert "the setting markets names JUP-PERP" in row(made, "SOL-PERP")["why_not"]


# Moving on


def candidate(net, cost, market="JUP-PERP"):
    return Candidate(market, market.split("-")[0], "wallet", net_micros=net, cost_micros=cost)


@pytest.mark.parametrize(("net", "worth"), [(81, False), (120, False), (121, True)])
def test_a_switch_must_beat_both_round_trips(net, worth):
    # Gross it brings net + 10 - (80 + 20) more; both round trips cost 30.
    now, other = candidate(80, 20, "SOL-PERP"), candidate(net, 10)
    assert worth_switching(now, other)[0] is worth
    assert "both round trips cost" in worth_switching(now, other)[1]


def test_a_better_market_is_no_reason_to_switch_and_a_much_better_one_is():
    made = wider()
    hours(made, 30, SOL=0.20, JUP=0.01)
    made.tick()
    made.fill()
    assert made.engine.panel()["market"] == "SOL-PERP"
    hours(made, 60, SOL=0.20, JUP=0.36)
    made.now_ns += HOUR
    assert made.tick() == []
    assert "JUP-PERP against JUP would bring" in made.engine.panel()["preference"]
    hours(made, 200, SOL=0.20, JUP=2.0)
    made.now_ns += HOUR
    (intent,) = made.tick()
    assert intent.purpose is Purpose.EXIT
    assert "both round trips" in intent.reason


def test_candidates_are_weighed_at_their_interval_and_not_at_every_quote():
    made = wider()
    made.tick()
    made.fill()
    made.tick(10)
    before = made.engine.state.candidates
    made.show(*price(101), sol_pool(101), *jito(101))
    made.tick(10)
    assert made.engine.state.candidates is before
    made.tick(900)
    assert made.engine.state.candidates is not before


def test_a_position_is_weighed_as_if_its_capital_were_free_again():
    made = wider()
    made.tick()
    before = made.engine.state.candidates[0]
    made.fill()
    made.tick(901)
    after = made.engine.state.candidates[0]
    assert after.market == before.market
    assert after.notional_micros == pytest.approx(before.notional_micros, rel=0.03)
