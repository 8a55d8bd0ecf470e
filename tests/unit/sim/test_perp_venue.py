"""The paper perp venue through the driver: funding, P&L, margin, liquidation, interest, transfers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from phantom_arbiter.core.events import (
    BorrowRatePosted,
    Fee,
    FeeKind,
    FundingPosted,
    FundingSettled,
    LegStatus,
    Liquidated,
    OraclePosted,
    PnlSettled,
    VenueStatus,
    VenueStatusChanged,
)
from phantom_arbiter.core.health import Margin
from phantom_arbiter.core.intents import Side
from phantom_arbiter.core.portfolio import PerpPosition
from phantom_arbiter.core.units import NS_PER_DAY, NS_PER_HOUR
from phantom_arbiter.sim.driver_config import IDEAL
from phantom_arbiter.sim.perp_venue import realised_atoms
from tests.simulation.paper import USD, VENUE, WHOLE, World, intent, leg_of, order, transfer

TEN = 10 * WHOLE


def perp_world(side: Side = Side.SELL, collateral: int = 300, config=IDEAL) -> World:
    """300 USDC at the venue and a position of 10 SOL at 150."""
    world = World(config)
    world.deposit(collateral)
    opened = leg_of(world.end(intent(order(side, TEN)), "open"))
    assert (opened.status, opened.in_atoms) == (LegStatus.FILLED, TEN)
    return world


def measured(world: World) -> Margin:
    margin = world.driver.margin("funding", VENUE)
    assert isinstance(margin, Margin)
    return margin


def collateral(world: World) -> int:
    return world.driver.collateral_atoms("funding", VENUE, "USDC")


def funding(world: World, rate_e9: int, after_ns: int = NS_PER_HOUR) -> list[FundingSettled]:
    """An hour passes and its rate is posted; returns what the venue settles by itself."""
    world.now_ns += after_ns
    world.post(FundingPosted("SOL-PERP", rate_e9, 150 * USD, 150 * USD, 0))
    return [fact for fact in world.pass_time(0) if isinstance(fact, FundingSettled)]


# Orders and margin


def test_the_reference_account_has_health_85():
    margin = measured(perp_world())
    # The impact of the test's depth of a billion dollars costs a few atoms.
    assert margin.health == pytest.approx(85.0, abs=0.02)
    assert margin.total_collateral_atoms == pytest.approx(300 * USD, abs=5_000)


def test_a_short_never_touches_spot():
    world = World(IDEAL)
    world.deposit(300)
    report = world.end(intent(order(Side.SELL, TEN)), "open")
    assert {fee.asset for fee in leg_of(report).fees} <= {"USDC"}
    assert world.driver.collateral_atoms("funding", VENUE, "SOL") == 0
    assert world.driver.base_atoms("funding", VENUE, "SOL-PERP") == -TEN


def test_the_taker_fee_is_rounded_up_and_comes_out_of_the_collateral():
    world = perp_world(config=replace(IDEAL, taker_fee_ppm=350))
    quote_atoms = 1_500 * USD
    fee = 300 * USD - collateral(world)
    assert fee == pytest.approx(quote_atoms * 35 // 100_000, abs=2)
    tiny = leg_of(world.end(intent(order(Side.BUY, 11_000_000)), "tiny"))
    assert tiny.fees == (Fee(FeeKind.PERP, "USDC", -(-tiny.out_atoms * 350 // 1_000_000)),)


def test_initial_margin_is_needed_and_a_refusal_changes_nothing():
    world = World(IDEAL)
    world.deposit(300)
    before = list(world.driver.digest_items())[1:]
    # 300 USDC carry 6,000 dollars at 5 %: 40 SOL.
    refused = leg_of(world.end(intent(order(Side.SELL, 41 * WHOLE)), "big"))
    assert refused.status is LegStatus.REJECTED
    assert "initial margin: 307500000 needed, 300000000" in refused.reason
    assert list(world.driver.digest_items())[1:] == before
    assert leg_of(world.end(intent(order(Side.SELL, 39 * WHOLE)), "fits")).status is LegStatus.FILLED


def test_without_an_oracle_or_with_a_closed_venue_nothing_trades():
    world = World(IDEAL)
    world.deposit(300)
    for status in (VenueStatus.PAUSED, VenueStatus.ABSENT, VenueStatus.REDUCE_ONLY):
        world.post(VenueStatusChanged(VENUE, status, "test"))
        assert leg_of(world.end(intent(order(Side.SELL, TEN)), status)).status is LegStatus.REJECTED
    elsewhere = replace(order(Side.SELL, TEN), venue="nowhere")
    assert leg_of(world.end(intent(elsewhere), "x")).reason == "reverted: venue nowhere is absent"


def test_reduce_only_clamps_and_never_turns_a_position():
    world = perp_world()
    world.post(VenueStatusChanged(VENUE, VenueStatus.REDUCE_ONLY, "test"))
    report = leg_of(world.end(intent(order(Side.BUY, 25 * WHOLE, reduce_only=True)), "close"))
    assert (report.status, report.in_atoms) == (LegStatus.FILLED, TEN)
    assert world.driver.base_atoms("funding", VENUE, "SOL-PERP") == 0
    again = leg_of(world.end(intent(order(Side.BUY, WHOLE, reduce_only=True)), "again"))
    assert again.reason == "reverted: reduce only: there is nothing to reduce"
    assert perp_world().end(intent(order(Side.SELL, WHOLE, reduce_only=True)), "same side").legs[0].in_atoms == 0


def test_sizes_are_cut_to_the_step_and_too_small_ones_refused():
    world = perp_world()
    assert leg_of(world.end(intent(order(Side.SELL, 10_999_999)), "a")).in_atoms == 10_000_000
    assert "below the smallest order" in leg_of(world.end(intent(order(Side.SELL, 9_999_999)), "b")).reason
    assert "below the step" in leg_of(world.end(intent(order(Side.SELL, 999_999)), "c")).reason


# Realised profit


@pytest.mark.parametrize(
    ("side", "price", "profit_usd"), [(Side.SELL, 140, 100), (Side.SELL, 160, -100), (Side.BUY, 160, 100)]
)
def test_closing_pays_the_profit_into_the_collateral(side, price, profit_usd):
    world = perp_world(side)
    world.price(price * USD)
    closing = order(Side.BUY if side is Side.SELL else Side.SELL, TEN)
    facts = world.run(intent(closing), "close")
    settled = [fact for fact in facts if isinstance(fact, PnlSettled)]
    assert len(settled) == 1
    assert settled[0].payment_atoms == pytest.approx(profit_usd * USD, abs=10_000)
    assert collateral(world) == 300 * USD + settled[0].payment_atoms
    assert facts[-1] is settled[0]


def test_a_turned_position_settles_only_what_closed():
    world = perp_world()
    world.price(140 * USD)
    facts = world.run(intent(order(Side.BUY, 15 * WHOLE)), "turn")
    profit = next(fact.payment_atoms for fact in facts if isinstance(fact, PnlSettled))
    assert profit == pytest.approx(100 * USD, abs=10_000)
    assert world.driver.base_atoms("funding", VENUE, "SOL-PERP") == 5 * WHOLE
    assert measured(world).equity_atoms == pytest.approx(400 * USD, abs=20_000)


ATOMS = st.integers(1, 10**13)


@given(base=ATOMS, entry=ATOMS, delta=ATOMS, cash=ATOMS)
def test_realised_profit_is_proportional_and_rounds_down(base, entry, delta, cash):
    """A long bought for ``entry`` sells ``delta`` for ``cash``."""
    position = PerpPosition("SOL-PERP", VENUE, base, -entry)
    closing = min(base, delta)
    exact_numerator = -entry * closing * delta + cash * closing * base
    profit = realised_atoms(position, -delta, cash)
    assert profit * base * delta <= exact_numerator < (profit + 2) * base * delta


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 12), st.integers(145, 155)), max_size=8))
def test_no_sequence_of_trades_makes_or_loses_money_but_for_price_and_fees(trades):
    """Equity = deposit + cash of all fills + what the position is worth: settling moves money, it makes none."""
    world = World(IDEAL)
    world.deposit(1_000)
    cash, base = 1_000 * USD, 0
    for index, (side, size, price) in enumerate(trades):
        world.price(price * USD)
        filled = leg_of(world.end(intent(order(side, size * WHOLE)), f"t{index}"))
        sign = 1 if side is Side.BUY else -1
        base += sign * filled.in_atoms
        cash -= sign * filled.out_atoms
        assert measured(world).equity_atoms == cash + base * price * USD // WHOLE


# Funding


def test_a_short_receives_at_a_positive_rate_and_a_long_pays():
    for side, expected in ((Side.SELL, 500_000), (Side.BUY, -500_000)):
        world = perp_world(side)
        before = collateral(world)
        assert funding(world, 50_000_000) == []
        facts = world.run(intent(order(side, WHOLE)), "more")
        settled = facts[1]
        assert isinstance(settled, FundingSettled)
        assert settled.payment_atoms == expected
        assert settled.base_atoms == (-TEN if side is Side.SELL else TEN)
        assert (settled.index_from_e9, settled.index_to_e9) == (0, 50_000_000)
        assert collateral(world) == before + expected


def test_unsettled_funding_counts_as_collateral_before_it_is_settled():
    world = perp_world()
    before = measured(world).total_collateral_atoms
    funding(world, 50_000_000)
    assert measured(world).total_collateral_atoms == before + 500_000


def test_funding_settles_by_itself_at_a_dollar_or_after_a_day():
    world = perp_world()
    assert funding(world, 50_000_000) == []
    assert [fact.payment_atoms for fact in funding(world, 50_000_000)] == [1_000_000]
    assert funding(world, 1_000) == []
    assert [fact.payment_atoms for fact in funding(world, 1_000, NS_PER_DAY)] == [20]


def test_funding_from_before_the_position_is_not_paid():
    world = World(IDEAL)
    world.deposit(300)
    funding(world, 900_000_000)
    assert leg_of(world.end(intent(order(Side.SELL, TEN)), "open")).status is LegStatus.FILLED
    assert funding(world, 0, NS_PER_DAY) == []


# Liquidation and interest


def crash(world: World, px: int) -> list[object]:
    world.post(OraclePosted("SOL-PERP", px, 0, 0))
    return list(world.pass_time(0))


def test_health_falls_gradually_and_the_position_is_closed_below_maintenance():
    world = perp_world()
    path = []
    for px in range(150, 175):
        assert crash(world, px * USD) == []
        path.append(measured(world).health)
    assert path == sorted(path, reverse=True)
    assert len(set(path)) == len(path)
    assert path[-1] < 20
    assert crash(world, 174_700_000) == []
    facts = crash(world, 174_800_000)
    forced = facts[0]
    assert isinstance(forced, Liquidated)
    assert (forced.base_atoms, forced.quote_atoms) == (TEN, 1_748 * USD)
    assert forced.fee_atoms == 26_220_000
    assert isinstance(facts[1], PnlSettled)
    assert facts[1].payment_atoms == pytest.approx(-248 * USD, abs=10_000)
    assert collateral(world) == 300 * USD + facts[1].payment_atoms - forced.fee_atoms
    assert world.driver.base_atoms("funding", VENUE, "SOL-PERP") == 0
    assert measured(world).health == 100.0


def test_a_gap_through_bankruptcy_costs_the_collateral_and_no_more():
    for side, px in ((Side.SELL, 400), (Side.BUY, 50)):
        world = perp_world(side)
        forced, settled = crash(world, px * USD)
        assert isinstance(forced, Liquidated)
        assert isinstance(settled, PnlSettled)
        assert forced.fee_atoms == 0
        assert settled.payment_atoms == -300 * USD
        assert collateral(world) == 0


def test_accounts_of_different_engines_do_not_back_each_other():
    world = perp_world()
    world.deposit(10_000, engine="arb")
    assert isinstance(crash(world, 180 * USD)[0], Liquidated)
    assert world.driver.collateral_atoms("arb", VENUE, "USDC") == 10_000 * USD


def test_negative_collateral_pays_interest_at_the_posted_rate_rounded_up():
    world = perp_world(Side.BUY)
    world.price(200 * USD)
    funding(world, 35_000_000_000)
    assert collateral(world) == -50 * USD
    world.post(BorrowRatePosted(VENUE, "USDC", 87_600))
    world.now_ns += NS_PER_HOUR
    charged = crash(world, 200 * USD)
    # 50 dollars at 8.76 % of 365 days for an hour: 0.05 cents.
    assert charged == [PnlSettled("funding", "SOL-PERP", "USDC", -500, FeeKind.BORROW)]
    assert collateral(world) == -50 * USD - 500
    world.now_ns += NS_PER_HOUR
    # Interest on the interest: 500.005 atoms.
    assert crash(world, 200 * USD) == [PnlSettled("funding", "SOL-PERP", "USDC", -501, FeeKind.BORROW)]


# Transfers


def test_a_withdrawal_must_leave_health_80_and_what_is_there():
    world = perp_world()
    refused = leg_of(world.end(intent(transfer(-100 * USD)), "too much"))
    assert refused.status is LegStatus.REJECTED
    assert refused.reason.startswith("reverted: withdrawal would leave health 77.")
    assert collateral(world) == 300 * USD
    assert leg_of(world.end(intent(transfer(-70 * USD)), "fine")).status is LegStatus.FILLED
    assert collateral(world) == 230 * USD
    assert "the account holds" in leg_of(world.end(intent(transfer(-900 * USD)), "more than all")).reason


def test_a_deposit_to_a_paused_venue_is_refused():
    world = World(IDEAL)
    world.post(VenueStatusChanged(VENUE, VenueStatus.PAUSED, "test"))
    assert leg_of(world.deposit(300)).reason == f"reverted: venue {VENUE} is paused"
    assert collateral(world) == 0
