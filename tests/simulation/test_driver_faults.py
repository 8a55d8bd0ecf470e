"""The paper driver under bad luck: every order ends, the books built from its reports alone agree with the venue, and
making the world worse never pays."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from msgspec.structs import replace

from phantom_arbiter.core.events import (
    AnyFact,
    FeeKind,
    FundingPosted,
    FundingSettled,
    LegStatus,
    Liquidated,
    OraclePosted,
    OrderReported,
    PnlSettled,
)
from phantom_arbiter.core.health import Margin
from phantom_arbiter.core.intents import CollateralTransfer, Intent, PerpOrder, Policy, Side
from phantom_arbiter.core.orders import LEG_TRANSITIONS, TERMINAL, LegState, apply_report
from phantom_arbiter.core.streams import Stream
from phantom_arbiter.core.units import NS_PER_HOUR, SLOT_NS
from phantom_arbiter.sim.driver_config import DriverConfig
from phantom_arbiter.sim.liquidity import Impact
from tests.simulation.paper import (
    QUIET,
    SECOND,
    START,
    USD,
    VENUE,
    WHOLE,
    World,
    intent,
    order,
    reports,
    sell,
    statuses,
    transfer,
)

HOSTILE = DriverConfig(
    drop_ppm=150_000, failure_ppm=150_000, unknown_ppm=200_000, tail_ppm=200_000, partial_ppm=400_000, unknown_ns=SECOND
)


class Books:
    """What a kernel would know: collateral and positions rebuilt from reports and settlements, nothing else."""

    def __init__(self) -> None:
        self.legs: dict[tuple[str, int], LegState] = {}
        self.intents: dict[str, Intent] = {}
        self.fees_told: dict[str, int] = {}
        self.collateral = 0
        self.base = 0
        self.quote = 0
        self.seen: Counter[str] = Counter()

    def take(self, facts: list[AnyFact]) -> None:
        for fact in facts:
            self.seen[type(fact).__name__] += 1
            match fact:
                case OrderReported():
                    self.report(fact)
                case FundingSettled():
                    self.collateral += fact.payment_atoms
                case PnlSettled():
                    self.collateral += fact.payment_atoms
                    self.quote -= fact.payment_atoms if fact.cause is None else 0
                case Liquidated():
                    sign = 1 if self.base < 0 else -1
                    self.base += sign * fact.base_atoms
                    self.quote -= sign * fact.quote_atoms
                    self.collateral -= fact.fee_atoms
                case _:
                    raise AssertionError(fact)

    def report(self, fact: OrderReported) -> None:
        if fact.chain_fees:
            self.fees_told[fact.signature] = self.fees_told.get(fact.signature, 0) + 1
        for leg in fact.legs:
            state = self.legs.setdefault((fact.order_id, leg.leg), LegState())
            assert leg.status in LEG_TRANSITIONS[state.status], (state.status, leg)
            delta = apply_report(state, leg)
            assert delta is not None, "a report told nothing new"
            self.seen[leg.status.value] += 1
            self.seen["fell short"] += leg.status is LegStatus.EXPIRED and leg.in_atoms > 0
            self.seen["failed on chain"] += leg.reason.startswith("failed: ")
            self.seen["initial margin"] += "initial margin" in leg.reason
            self.collateral -= sum(fee.atoms for fee in delta.fees if fee.kind is FeeKind.PERP)
            match self.intents[fact.order_id].legs[leg.leg]:
                case CollateralTransfer(atoms=atoms):
                    self.collateral += delta.in_atoms if atoms > 0 else -delta.in_atoms
                case PerpOrder(side=side):
                    sign = 1 if side is Side.BUY else -1
                    self.base += sign * delta.in_atoms
                    self.quote -= sign * delta.out_atoms
                case _:
                    pass


def wish(stream: Stream, px: int) -> Intent:
    """A random order of any kind."""
    kind = stream.below(4)
    if kind == 0:
        return intent(transfer((stream.below(400) - 100) * USD or USD))
    if kind == 1:
        return intent(sell(1 + stream.below(5), pool="pool"), priority_lamports=10_000)
    side = Side.BUY if stream.chance(400_000) else Side.SELL
    limit_px = px + (2 * USD if side is Side.BUY else -2 * USD) if stream.chance(500_000) else 0
    size = (1 + stream.below(160)) * 100_000_000
    leg = order(side, size, limit_px=limit_px, reduce_only=stream.chance(200_000))
    policy = Policy.ATOMIC if stream.chance(300_000) else Policy.SEQUENTIAL
    return intent(leg, policy=policy, priority_lamports=10_000, tip_lamports=5_000 * stream.below(2))


def storm(seed: int) -> tuple[World, Books]:
    """Sixty random orders through half a day of random prices, with every fault there is."""
    world, books, stream = World(HOSTILE, seed=seed), Books(), Stream(seed, "storm")
    world.pool(100_000, 15_000_000)
    px = 150 * USD
    for index in range(60):
        books.intents[f"o-{index}"] = chosen = wish(stream, px)
        world.submit(chosen, f"o-{index}")
        for _ in range(4):
            books.take(world.pass_time(stream.below(3) * SLOT_NS + 1))
            px = max(20 * USD, px + (stream.below(13) - 6) * USD)
            world.price(px)
        if index % 5 == 0:
            world.now_ns += NS_PER_HOUR
            world.post(FundingPosted("SOL-PERP", (stream.below(9) - 4) * 40_000_000, px, px, 0))
    books.take(world.pass_time(600 * SECOND))
    return world, books


@pytest.mark.parametrize("seed", range(12))
def test_every_order_ends_and_the_reports_alone_rebuild_the_venues_books(seed):
    world, books = storm(seed)
    assert world.driver.due_ns() is None
    assert len(books.legs) == 60
    assert all(state.status in TERMINAL for state in books.legs.values())
    assert set(books.fees_told.values()) == {1}
    assert world.driver.collateral_atoms("funding", VENUE, "USDC") == books.collateral
    assert world.driver.base_atoms("funding", VENUE, "SOL-PERP") == books.base
    margin = world.driver.margin("funding", VENUE)
    assert isinstance(margin, Margin)


def test_the_storm_contains_every_fault():
    seen: Counter[str] = Counter()
    for seed in range(12):
        seen += storm(seed)[1].seen
    wanted = {"unknown", "partial", "filled", "rejected", "expired", "fell short", "failed on chain", "initial margin"}
    assert wanted | {"FundingSettled", "PnlSettled", "Liquidated"} <= seen.keys()


def test_a_liquidation_is_told_after_the_fill_it_closes_even_if_that_was_unknown():
    world = World(replace(QUIET, unknown_ppm=1_000_000, unknown_ns=3_600 * SECOND))
    world.submit(intent(transfer(300 * USD)), "deposit")
    world.pass_time(7_200 * SECOND)
    world.submit(intent(order(Side.SELL, 10 * WHOLE)), "open")
    assert statuses(world.pass_time(60 * SECOND)) == [LegStatus.SENT, LegStatus.UNKNOWN]
    world.post(OraclePosted("SOL-PERP", 180 * USD, 0, 0))
    told = world.pass_time(SECOND)
    assert [type(fact) for fact in told] == [OrderReported, Liquidated, PnlSettled]
    assert statuses(told) == [LegStatus.FILLED]
    assert world.pass_time(7_200 * SECOND) == []


# Metamorphic: the same orders, the same luck, a worse world


def outcome_micros(config: DriverConfig, index: int, *, size: int = 10, impact: Impact | None = None) -> float:
    """What one sale of SOL earns over 149 dollars a coin, in millionths of a dollar per coin.

    The edge decays: 150 at the decision, a cent less every slot. Chain fees are charged at 150 dollars per SOL.
    """
    shallow = impact if impact is not None else Impact(depth_quote_atoms={"USDC": 1_000_000 * USD})
    world = World(config, impact=shallow)
    world.submit(intent(sell(size), priority_lamports=100_000, tip_lamports=50_000), f"order-{index}")
    for slot in range(200):
        report = reports(world.pass_time(SLOT_NS))
        if report and report[-1].legs[0].status in TERMINAL:
            fees = sum(fee.atoms for fee in report[-1].chain_fees) * 150 / 1_000
            sold = report[-1].legs[0].in_atoms
            return (report[-1].legs[0].out_atoms - sold * 149 / 1_000 - fees) / size
        world.price(150 * USD - 10_000 * (slot + 1))
    raise AssertionError("the order did not end")


def mean(config: DriverConfig, **changes: object) -> float:
    return sum(outcome_micros(config, index, **changes) for index in range(25)) / 25  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "worse",
    [
        [{}, {"leader_slots": 4}, {"leader_slots": 20}],
        [{}, {"submit_ns": 2 * SECOND}, {"submit_ns": 9 * SECOND}],
        [{}, {"leader_success_ppm": 250_000}, {"leader_success_ppm": 60_000}],
        [{}, {"base_fee_lamports": 500_000}, {"base_fee_lamports": 5_000_000}],
        [{"bids_paid": False}, {}],
        [{}, {"failure_ppm": 300_000}, {"failure_ppm": 900_000}],
        [{}, {"drop_ppm": 300_000}, {"drop_ppm": 900_000}],
    ],
    ids=lambda steps: next(iter(steps[-1]), "bids_paid"),
)
def test_more_delay_fees_or_failures_never_improve_the_mean(worse):
    means = [mean(replace(QUIET, **change)) for change in worse]
    assert means[0] > 0
    assert all(later < earlier for earlier, later in pairwise(means))


def test_more_size_or_less_depth_never_improves_the_mean_per_coin():
    by_size = [mean(replace(QUIET, bids_paid=False, base_fee_lamports=0), size=size) for size in (1, 10, 100)]
    assert all(later < earlier for earlier, later in pairwise(by_size))
    by_depth = [mean(QUIET, impact=Impact(depth_quote_atoms={"USDC": d * USD})) for d in (10**7, 10**6, 10**5)]
    assert all(later < earlier for earlier, later in pairwise(by_depth))


def test_a_trade_without_an_edge_costs_its_costs():
    """There and back at one price: what is lost is the spread, the impact and the fees, never less than nothing."""
    world = World(QUIET, half_spread_bps=10, impact=Impact(depth_quote_atoms={"USDC": 1_000_000 * USD}))
    world.deposit(10_000)
    start = world.driver.collateral_atoms("funding", VENUE, "USDC")
    world.end(intent(order(Side.BUY, 10 * WHOLE)), "in")
    world.end(intent(order(Side.SELL, 10 * WHOLE)), "out")
    lost = start - world.driver.collateral_atoms("funding", VENUE, "USDC")
    # Each way on 1,500 dollars: half-spread 10 bps, impact 15 bps, taker fee 3.5 bps.
    assert lost == pytest.approx(2 * 1_500 * USD * 28.5 / 10_000, rel=0.01)
    assert world.now_ns > START
