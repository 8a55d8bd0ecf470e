"""A transaction at its slot: fixed amounts, all or nothing, rivals, and the first word of every failure."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from phantom_arbiter.core.events import Fee, FeeKind, LegStatus, OrderReported, PoolUpdated
from phantom_arbiter.core.intents import Cost, Policy, Side, Swap
from phantom_arbiter.dex import pools
from phantom_arbiter.dex.account_pools import decode, moment_of
from phantom_arbiter.sim.driver_config import IDEAL
from phantom_arbiter.sim.liquidity import RecordedLiquidity
from tests.simulation.paper import (
    QUIET,
    USD,
    VENUE,
    WHOLE,
    World,
    buy,
    intent,
    leg_of,
    order,
    paid,
    sell,
    transfer,
)
from tests.unit.dex.account_facts import raydium_cpmm

BIDS = {"priority_lamports": 40_000, "tip_lamports": 0}


def bonk(**changes: object) -> Swap:
    return replace(Swap("BONK/USDC", "", "USDC", "BONK", 10 * USD, 0, 0), **changes)


def cycle(minimum: int = 0, spends: int = 1_500 * USD) -> tuple[Swap, Swap]:
    """SOL into USDC on the pool, back at the quote."""
    return sell(10, pool="pool"), Swap("SOL/USDC", "", "USDC", "SOL", spends, 0, minimum)


def test_each_leg_of_a_cycle_spends_exactly_its_amount_and_the_rest_is_ours():
    world = World()
    world.pool(100_000, 15_300_000)
    report = world.end(intent(*cycle(), policy=Policy.ATOMIC))
    first, second = report.legs
    assert (first.status, second.status) == (LegStatus.FILLED, LegStatus.FILLED)
    assert first.in_atoms == 10 * WHOLE
    assert second.in_atoms == 1_500 * USD < first.out_atoms
    assert second.out_atoms == pytest.approx(10 * WHOLE, rel=1e-4)
    assert first.fees == (Fee(FeeKind.SWAP, "SOL", 25_000_000),)


def test_fees_of_both_sides_are_told_each_in_its_token():
    world = World()
    fact = replace(raydium_cpmm(creator_rate=1_000, creator_fee_on=2), asset_0="SOL", asset_1="USDC")
    world.post(fact)  # its creator takes 0.1 % of what it pays in USDC
    (leg,) = world.end(intent(sell(1, pool=fact.pool), policy=Policy.ATOMIC)).legs
    swap = pools.quote(decode(fact), WHOLE, True, moment_of(fact))
    assert (leg.status, leg.out_atoms) == (LegStatus.FILLED, swap.amount_out_atoms)
    assert leg.fees == (
        Fee(FeeKind.SWAP, "SOL", swap.input_fee_atoms),
        Fee(FeeKind.SWAP, "USDC", swap.output_fee_atoms),
    )
    assert swap.output_fee_atoms == pytest.approx(leg.out_atoms / 999, abs=1)


def test_a_leg_that_would_spend_more_than_the_legs_before_it_paid_reverts_all():
    world = World()
    world.pool(100_000, 15_300_000)
    report = world.end(intent(*cycle(spends=1_527 * USD), policy=Policy.ATOMIC))
    assert [(leg.status, leg.in_atoms) for leg in report.legs] == [(LegStatus.REJECTED, 0)] * 2
    assert report.legs[0].reason == (
        "reverted: leg 1: needs 1527000000 USDC atoms, the legs before it leave 1526022779"
    )


def test_parallel_pools_of_one_hop_share_what_the_hop_before_paid():
    world = World()
    world.pool(100_000, 15_300_000)
    world.post(PoolUpdated("other", "dex", "SOL", "USDC", 50_000 * WHOLE, 7_650_000 * USD, 25, 10_000, 0))
    back = Swap("SOL/USDC", "", "USDC", "SOL", 2_200 * USD, 0, 0)
    report = world.end(intent(sell(10, pool="pool"), sell(5, pool="other"), back, policy=Policy.ATOMIC))
    assert [leg.status for leg in report.legs] == [LegStatus.FILLED] * 3
    assert [leg.in_atoms for leg in report.legs] == [10 * WHOLE, 5 * WHOLE, 2_200 * USD]
    assert report.legs[0].out_atoms + report.legs[1].out_atoms > 2_200 * USD > report.legs[0].out_atoms


def test_other_atomic_chains_spend_what_was_set_aside_for_each_leg():
    world = World()
    chain = intent(buy(150), bonk(in_atoms=20 * USD), policy=Policy.ATOMIC)
    assert [leg.in_atoms for leg in world.end(chain).legs] == [150 * USD, 20 * USD]


@pytest.mark.parametrize(
    ("config", "changes", "word"),
    [
        ({"drop_ppm": 1_000_000}, {}, "dropped"),
        ({"failure_ppm": 1_000_000}, {}, "failed"),
        ({}, {"expires_ns": 1}, "expired"),
        ({}, {"minimum": 11 * WHOLE}, "reverted"),
        ({"rivals": 3}, {"notional_micros": 1_500 * USD, "edge_bps": 100.0}, "beaten"),
    ],
)
@pytest.mark.parametrize("tip", [0, 10_000])
def test_the_first_word_tells_why_a_cycle_failed_and_a_bundle_that_fails_pays_nothing(config, changes, word, tip):
    world = World(replace(QUIET, **{"rivals": 0, **config}))
    world.pool(100_000, 15_300_000)
    terms = {key: value for key, value in changes.items() if key != "minimum"}
    legs = cycle(minimum=changes.get("minimum", 0))
    report = world.end(intent(*legs, policy=Policy.ATOMIC, priority_lamports=40_000, tip_lamports=tip, **terms))
    assert {leg.reason.split(":")[0] for leg in report.legs} == {word}
    landed = word in ("failed", "reverted", "beaten")
    pays = {FeeKind.BASE: 5_000, FeeKind.PRIORITY: 40_000} if landed and not tip else {}
    assert paid(report) == pays
    assert {leg.status for leg in report.legs} == {LegStatus.REJECTED if landed else LegStatus.EXPIRED}


def test_if_one_leg_fails_none_happens():
    world = World(QUIET)
    world.pool(100_000, 15_300_000)
    before = list(world.liquidity.digest_items())
    report = world.end(intent(*cycle(minimum=11 * WHOLE), policy=Policy.ATOMIC, **BIDS))
    assert [leg.status for leg in report.legs] == [LegStatus.REJECTED] * 2
    assert [leg.in_atoms + leg.out_atoms for leg in report.legs] == [0, 0]
    assert report.legs[0].reason.startswith("reverted: leg 1: output")
    assert list(world.liquidity.digest_items()) == before
    assert paid(report) == {FeeKind.BASE: 5_000, FeeKind.PRIORITY: 40_000}


def test_an_atomic_deposit_and_short_stand_or_fall_together():
    world = World()
    ok = world.end(intent(transfer(300 * USD), order(Side.SELL, 10 * WHOLE), policy=Policy.ATOMIC), "ok")
    assert [leg.status for leg in ok.legs] == [LegStatus.FILLED] * 2
    again = World()
    failed = again.end(intent(transfer(300 * USD), order(Side.SELL, 99 * WHOLE), policy=Policy.ATOMIC), "no")
    assert [leg.status for leg in failed.legs] == [LegStatus.REJECTED] * 2
    assert again.driver.collateral_atoms("funding", VENUE, "USDC") == 0


def test_the_same_pool_twice_in_one_transaction_is_refused():
    world = World()
    world.pool(100_000, 15_000_000)
    report = world.end(intent(sell(1, pool="pool"), buy(100, pool="pool"), policy=Policy.ATOMIC))
    assert report.legs[0].reason == "reverted: leg 1: pool is used twice in one transaction"


# Rivals


def contested(share: float, rivals: int = 1, gain_micros: int = 1_000_000) -> tuple[World, OrderReported]:
    """A cycle that expects to gain a dollar and bids ``share`` of it."""
    world = World(replace(IDEAL, rivals=rivals, bids_paid=True))
    world.pool(100_000, 15_300_000)
    cost = Cost(pool_fee_micros=4_000_000, tip_micros=int(share * 1_000_000))
    notional = 1_500 * USD
    terms = {"notional_micros": notional, "edge_bps": (gain_micros + 4_000_000) / notional * 10_000, "cost": cost}
    order = intent(*cycle(), policy=Policy.ATOMIC, priority_lamports=40_000, tip_lamports=10_000, **terms)
    return world, world.end(order)


def test_a_rival_who_bids_more_goes_first_and_moves_the_market():
    world, report = contested(share=0.0)
    assert [leg.status for leg in report.legs] == [LegStatus.REJECTED] * 2
    assert report.legs[0].reason == "beaten: a rival bid 85.0 % of the gap, we 0.0 %"
    assert report.chain_fees == ()  # a bundle that fails pays nothing
    assert isinstance(world.liquidity, RecordedLiquidity)
    assert world.liquidity.state.pushes["pool"].change_0_atoms == 10 * WHOLE


@pytest.mark.parametrize("winner", [{"share": 1.0}, {"share": 0.0, "rivals": 0}, {"share": 0.0, "gain_micros": 0}])
def test_the_highest_bid_wins_and_nobody_wants_a_cycle_that_gains_nothing(winner: dict[str, float]):
    _, report = contested(**winner)  # type: ignore[arg-type]
    assert [leg.status for leg in report.legs] == [LegStatus.FILLED] * 2


def test_rivals_do_not_race_for_other_orders():
    world = World(replace(IDEAL, rivals=50))
    terms = {"notional_micros": 150 * USD, "edge_bps": 500.0, "tip_lamports": 1}
    assert leg_of(world.end(intent(buy(150), **terms))).status is LegStatus.FILLED
