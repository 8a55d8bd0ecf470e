"""Gates on what an order would do to us, and the gatekeeper itself."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from phantom_arbiter.core.commands import StartEngine
from phantom_arbiter.core.events import FundingPosted, LegStatus, OraclePosted, StakePoolRead, TokenAudited
from phantom_arbiter.core.intents import Cost, Intent, Policy, Purpose, Side, Swap
from phantom_arbiter.core.limits import Limits
from phantom_arbiter.core.safety import GATES, UNFORCEABLE, SafetyConfig
from phantom_arbiter.core.verdicts import Approved, Refused
from tests.unit.core.house import SECOND, SOL_PX, USD, WHOLE, House, buy, deposit, intent, perp_order, sell

DAY_NS = 86_400 * SECOND


def limited(**limits: Any) -> House:
    return House(safety=SafetyConfig(limits=Limits(**limits)))


def refused_by(house: House, wish: Intent, gate: str) -> Refused:
    refusal = house.refusal(wish)
    assert refusal.result.gate == gate, refusal.result
    assert refusal.result.margin < 0
    return refusal


def funded(house: House, usdc: int = 1_000) -> House:
    """With collateral at the venue."""
    house.report(house.order(intent(deposit(usdc))), LegStatus.FILLED, usdc * USD, usdc * USD)
    return house


def bonk(house: House, *, usdc: int = 150, expected: int | None = None, engine: str = "funding") -> Intent:
    out = usdc * 10**10 if expected is None else expected
    leg = Swap("BONK/USDC", "", "USDC", "BONK", usdc * USD, out, out * 995 // 1_000)
    return intent(leg, engine=engine, notional_micros=usdc * USD)


# Confidence and price bands


def test_an_oracle_must_be_sure_of_itself() -> None:
    house = funded(House())
    house.feed(OraclePosted("SOL-PERP", SOL_PX, SOL_PX * 2 // 100, 0))
    assert isinstance(house.verdict(intent(perp_order(Side.SELL))), Approved)
    house.feed(OraclePosted("SOL-PERP", SOL_PX, SOL_PX * 201 // 10_000, 0))
    result = refused_by(house, intent(perp_order(Side.SELL, 2 * WHOLE)), "confidence").result
    assert (result.value, result.limit, result.unit) == (201, 200, "bps")


@pytest.mark.parametrize("bps", [-101, 101])
def test_a_perp_price_lies_near_the_oracle(bps: int) -> None:
    px = SOL_PX * (10_000 + bps) // 10_000
    refused_by(funded(House()), intent(perp_order(Side.SELL, expected_px=px, limit_px=px)), "price_band")


@pytest.mark.parametrize(("expected", "passes"), [(10**9, True), (985 * 10**6, False), (1_015 * 10**6, False)])
def test_a_major_swap_lies_near_the_reference(expected: int, passes: bool) -> None:
    verdict = House().verdict(intent(buy(expected=expected)))
    assert isinstance(verdict, Approved) is passes
    if isinstance(verdict, Refused):
        assert verdict.result.gate == "price_band"


def test_a_meme_swap_has_a_wider_band() -> None:
    house = House()
    assert isinstance(house.verdict(bonk(house, expected=15 * 10**11 * 96 // 100)), Approved)
    refused_by(House(), bonk(house, expected=15 * 10**11 * 94 // 100), "price_band")


def test_a_swap_without_a_reference_price_is_refused() -> None:
    house = House()
    del house.kernel.view.oracles["SOL-PERP"]
    del house.kernel.view.quotes["SOL/USDC"]
    house.puppet.wishes = [intent(buy(pool="pool"))]
    outcome = house.tick(0.5)
    assert outcome is not None
    (verdict,) = outcome.verdicts
    assert isinstance(verdict, Refused)
    assert (verdict.result.gate, verdict.result.message) == ("price_band", "no price of SOL")


def test_an_lst_is_not_bought_above_what_it_redeems() -> None:
    house = House()
    house.feed(StakePoolRead("BONK", 1_200 * WHOLE, 1_000 * WHOLE, 5, 5, 2**62, 0, 0, 0))
    fair = 10 * WHOLE  # tokens for 12 SOL

    def wish(tokens: int) -> Intent:
        return intent(Swap("BONK/USDC", "", "SOL", "BONK", 12 * WHOLE, tokens, tokens), notional_micros=1_800 * USD)

    assert isinstance(house.verdict(wish(fair * 1_000 // 1_005 + 1)), Approved)
    house.now_ns += 3 * SECOND
    result = refused_by(house, wish(fair * 990 // 1_000), "price_band").result
    assert result.value == pytest.approx(101, abs=1)
    assert result.limit == 50


@pytest.mark.parametrize(
    ("changes", "word"),
    [({"paused": True}, "paused"), ({"updated_epoch": 4}, "earlier epoch")],
)
def test_an_lst_is_bought_only_on_a_rate_of_this_epoch(changes: dict[str, Any], word: str) -> None:
    house = House()
    house.command(StartEngine("lst"))
    leg = Swap("BONK/USDC", "", "SOL", "BONK", WHOLE, WHOLE, WHOLE * 995 // 1_000)
    wish = intent(leg, engine="lst")
    (verdict,) = house.ask(wish, engine="lst").verdicts
    assert isinstance(verdict, Refused)
    reading = StakePoolRead("BONK", 1_000 * WHOLE, 1_000 * WHOLE, 5, 5, 2**62, 0, 0, 0)
    house.feed(msgspec.structs.replace(reading, **changes))
    (verdict,) = house.ask(wish, engine="lst").verdicts
    assert isinstance(verdict, Refused)
    assert verdict.result.gate == "stake_pool"
    assert word in verdict.result.message
    house.feed(reading)
    (verdict,) = house.ask(wish, engine="lst").verdicts
    assert isinstance(verdict, Approved)


# Edge


@pytest.mark.parametrize(
    ("changes", "net"),
    [
        ({"edge_bps": 1.0, "cost": Cost(pool_fee_micros=13_000)}, 2_000),
        ({"edge_bps": 1.0, "cost": Cost(pool_fee_micros=13_501)}, 1_499),
        ({"edge_bps": 1.0, "cost": Cost(), "p_fail_bps": 9_950}, 75),
        ({"edge_bps": -1.0, "cost": Cost()}, -15_000),
    ],
)
def test_an_entry_must_earn_its_costs_and_its_failures(changes: dict[str, Any], net: int) -> None:
    verdict = House().verdict(intent(buy(), **changes))
    floor = 1_500  # a tenth of a bp of 150 USD, above a tenth of a cent
    assert isinstance(verdict, Approved) is (net >= floor)
    if isinstance(verdict, Refused):
        assert verdict.result.gate == "edge"
        assert verdict.result.value == pytest.approx(net)
        assert verdict.result.limit == floor


def test_an_edge_that_is_no_number_is_refused() -> None:
    assert House().refusal(intent(buy(), edge_bps=float("nan"))).result.gate == "edge"


# Health


def test_a_perp_is_opened_only_far_from_liquidation() -> None:
    house = funded(House(usdc=2_000), 1_000)
    # Maintenance is 3 %: 87 SOL short need 391.50 of 1,000, health 60.8; 90 SOL 405, health 59.5.
    result = refused_by(house, intent(perp_order(Side.SELL, 90 * WHOLE), notional_micros=USD), "health").result
    assert (result.value, result.limit, result.unit) == (59.5, 60, "health")
    assert isinstance(house.verdict(intent(perp_order(Side.SELL, 87 * WHOLE), notional_micros=USD)), Approved)


def test_a_new_position_is_given_no_credit_for_funding_of_the_past() -> None:
    house = funded(House(usdc=2_000), 1_000)
    for _ in range(200):  # a short from the beginning would have gathered 1,044 USD
        house.feed(FundingPosted("SOL-PERP", 60_000_000, SOL_PX, SOL_PX, 1), after_ns=0)
    result = refused_by(house, intent(perp_order(Side.SELL, 90 * WHOLE), notional_micros=USD), "health").result
    assert result.value == 59.5


def test_health_counts_collateral_that_comes_with_the_order_and_positions_held() -> None:
    house = funded(House(), 1_000)
    order = house.order(intent(perp_order(Side.SELL, 80 * WHOLE), notional_micros=USD))
    house.report(order, LegStatus.FILLED, 80 * WHOLE, 12_000 * USD)
    wish = intent(perp_order(Side.SELL, 20 * WHOLE), notional_micros=USD)
    refused_by(house, wish, "health")
    assert isinstance(house.verdict(intent(deposit(300), *wish.legs, notional_micros=USD)), Approved)


def test_health_without_an_oracle_is_refused() -> None:
    house = funded(House())
    house.kernel.gates.config = SafetyConfig(force_open=("staleness", "confidence", "price_band"))
    del house.kernel.view.oracles["SOL-PERP"]
    wish = intent(perp_order(Side.SELL))
    assert refused_by(house, wish, "health").result.message == "no oracle price for SOL-PERP"


def test_a_withdrawal_leaves_health_80_whoever_asks() -> None:
    house = funded(House(), 1_000)
    order = house.order(intent(perp_order(Side.SELL, 20 * WHOLE), notional_micros=USD))
    house.report(order, LegStatus.FILLED, 20 * WHOLE, 3_000 * USD)  # requirement 90
    for purpose in Purpose:
        wish = intent(deposit(-600), purpose=purpose)
        result = refused_by(house, wish, "withdrawal").result
        assert (result.value, result.limit) == (77.5, 80)
    assert isinstance(house.verdict(intent(deposit(-500), purpose=Purpose.REBALANCE)), Approved)


# Losses and concentration


@pytest.mark.parametrize(("gate", "limits"), [("daily_loss", {}), ("drawdown", {"daily_loss_bps": 100_000})])
def test_a_loss_stops_entries(gate: str, limits: dict[str, int]) -> None:
    house = limited(**limits)
    order = house.order(intent(buy(9_000), notional_micros=9_000 * USD, position_id="p"))
    house.report(order, LegStatus.FILLED, 9_000 * USD, 60 * WHOLE)
    house.market(SOL_PX * 85 // 100)
    leg = Swap("SOL/USDC", "", "USDC", "SOL", 100 * USD, 784_313_725, 780_000_000)
    result = refused_by(house, intent(leg), gate).result
    assert result.value == pytest.approx(100 * 1_350 / 130, rel=0.01), (
        "its position's loss, not that of the SOL it began with"
    )
    wish = intent(sell(WHOLE), purpose=Purpose.EXIT, position_id="p")
    assert isinstance(house.verdict(wish), Approved)


def test_yesterdays_loss_does_not_stop_today() -> None:
    house = limited(drawdown_bps=100_000)
    order = house.order(intent(buy(3_000), notional_micros=3_000 * USD, position_id="p"))
    house.report(order, LegStatus.FILLED, 3_000 * USD, 20 * WHOLE)
    house.market(SOL_PX // 2)
    leg = Swap("SOL/USDC", "", "USDC", "SOL", 75 * USD, WHOLE, WHOLE * 995 // 1_000)
    refused_by(house, intent(leg), "daily_loss")
    house.now_ns += DAY_NS
    house.tick()
    house.market(SOL_PX // 2)
    house.puppet.wishes = [intent(leg)]
    outcome = house.tick()
    assert outcome is not None
    assert isinstance(outcome.verdicts[0], Approved)


def test_losses_and_shares_of_an_unknown_equity_are_refused() -> None:
    house = House()
    order = house.order(bonk(house))
    house.report(order, LegStatus.FILLED, 150 * USD, 15 * 10**11)
    del house.kernel.view.quotes["BONK/USDC"]
    wish = intent(buy(160))
    assert "equity" in refused_by(house, wish, "daily_loss").result.message
    house.kernel.gates.config = SafetyConfig(force_open=("daily_loss",))
    assert "equity" in refused_by(house, wish, "drawdown").result.message
    house.kernel.gates.config = SafetyConfig(force_open=("daily_loss", "drawdown"))
    assert "equity" in refused_by(house, wish, "concentration").result.message


def test_an_asset_may_take_its_share_of_equity_with_what_is_held() -> None:
    house = limited(asset_share_bps=4_000)
    order = house.order(intent(buy(4_500), notional_micros=4_500 * USD))
    house.report(order, LegStatus.FILLED, 4_500 * USD, 30 * WHOLE)
    result = refused_by(house, intent(buy(750), notional_micros=750 * USD), "concentration").result
    assert (result.value, result.limit) == (5_250 * USD, 0.4 * 13_000 * USD)
    assert isinstance(house.verdict(intent(buy(600), notional_micros=600 * USD)), Approved)


# Token safety

SOUND = TokenAudited(
    token="BONK",
    mint_authority=False,
    freeze_authority=False,
    transfer_fee_bps=0,
    liquidity_usd_micros=50_000 * USD,
    top_holders_bps=3_000,
    holders=500,
    age_ns=DAY_NS,
    lp_burned_bps=9_000,
    sell_simulated=True,
)


def scalper(house: House) -> House:
    house.command(StartEngine("scalp"))
    return house


def test_a_sound_token_is_bought_and_one_never_audited_is_not() -> None:
    house = scalper(House())
    (verdict,) = house.ask(bonk(house, engine="scalp"), engine="scalp").verdicts
    assert isinstance(verdict, Refused)
    assert (verdict.result.gate, verdict.result.message) == ("token_safety", "BONK was never audited")
    house.feed(SOUND)
    (verdict,) = house.ask(bonk(house, engine="scalp"), engine="scalp").verdicts
    assert isinstance(verdict, Approved)


@pytest.mark.parametrize(
    "flaw",
    [
        {"mint_authority": True},
        {"freeze_authority": True},
        {"transfer_fee_bps": 1},
        {"sell_simulated": False},
        {"sell_simulated": None},
        {"liquidity_usd_micros": 50_000 * USD - 1},
        {"top_holders_bps": 3_001},
        {"holders": 499},
        {"age_ns": DAY_NS - 1},
        {"lp_burned_bps": 8_999},
    ],
    ids=lambda flaw: next(iter(flaw)),
)
def test_each_flaw_alone_refuses_a_token(flaw: dict[str, Any]) -> None:
    house = scalper(House())
    house.feed(msgspec.structs.replace(SOUND, **flaw))
    (verdict,) = house.ask(bonk(house, engine="scalp"), engine="scalp").verdicts
    assert isinstance(verdict, Refused)
    assert verdict.result.gate == "token_safety"


def test_liquidity_is_measured_against_the_order() -> None:
    house = scalper(House())
    house.feed(msgspec.structs.replace(SOUND, liquidity_usd_micros=199 * 300 * USD))
    (verdict,) = house.ask(bonk(house, usdc=300, engine="scalp"), engine="scalp").verdicts
    assert isinstance(verdict, Refused)
    assert verdict.result.limit == 200 * 300 * USD


# The gatekeeper


def test_a_forced_gate_still_measures_and_refuses_nothing() -> None:
    house = House(safety=SafetyConfig(force_open=("edge",)))
    verdict = house.verdict(intent(buy(), edge_bps=-5.0))
    assert isinstance(verdict, Approved)
    (edge,) = (result for result in verdict.results if result.gate == "edge")
    assert edge.margin < 0


@pytest.mark.parametrize("name", ["egde", "", *sorted(UNFORCEABLE)])
def test_a_gate_that_cannot_be_forced_is_refused_by_name(name: str) -> None:
    with pytest.raises(ValueError, match="force_open"):
        SafetyConfig(force_open=(name,))
    if name:
        with pytest.raises(msgspec.ValidationError, match="force_open"):
            msgspec.convert({"force_open": [name]}, SafetyConfig)


def test_every_gate_has_its_own_name() -> None:
    names = [gate.name for gate in GATES]
    assert len(set(names)) == len(names)
    assert set(names) >= UNFORCEABLE


@pytest.mark.parametrize(("least", "passes"), [(WHOLE, True), (WHOLE * 98 // 100, False)])
def test_a_cycle_is_measured_by_what_it_may_lose_not_by_its_pools_prices(least: int, passes: bool) -> None:
    house = House()
    out = Swap("SOL/USDC", "", "SOL", "USDC", WHOLE, 300 * USD, 298 * USD)
    back = Swap("SOL/USDC", "", "USDC", "SOL", 300 * USD, WHOLE * 101 // 100, least)
    verdict = house.verdict(intent(out, back, policy=Policy.ATOMIC, notional_micros=150 * USD))
    blocked = isinstance(verdict, Refused) and verdict.result.gate == "price_band"
    assert blocked is not passes, "twice the market's price on the first leg is no obstacle"
    if blocked:
        assert verdict.result.value == pytest.approx(200)


def test_what_a_bundle_pays_counts_only_where_it_lands() -> None:
    there = Swap("SOL/USDC", "", "USDC", "SOL", 150 * USD, WHOLE, WHOLE)
    back = Swap("SOL/USDC", "", "SOL", "USDC", WHOLE, 151 * USD, 150 * USD)
    fields = {"policy": Policy.ATOMIC, "edge_bps": 10.0, "cost": Cost(tip_micros=100_000), "p_fail_bps": 5_000}
    bundle = House().verdict(intent(there, back, tip_lamports=1_000, **fields))
    assert isinstance(bundle, Approved)
    (edge,) = (result for result in bundle.results if result.gate == "edge")
    assert edge.value == pytest.approx((150_000 - 100_000) / 2)
    alone = House().verdict(intent(there, back, **fields))
    assert isinstance(alone, Refused)
    assert alone.result.value == pytest.approx(150_000 / 2 - 100_000)
