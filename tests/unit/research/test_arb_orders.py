"""An order is followed from its verdict to its end and valued there."""

from __future__ import annotations

import pytest

from phantom_arbiter.core.events import Envelope, Fee, FeeKind, LegReport, LegStatus, OrderReported, Quoted
from phantom_arbiter.core.instruments import SOL, USDC, Universe, spot
from phantom_arbiter.core.intents import Cost, Intent, Policy, Purpose, Swap
from phantom_arbiter.core.orders import LegState, Order
from phantom_arbiter.core.outcome import Outcome
from phantom_arbiter.core.verdicts import Approved, GateResult, Refused
from phantom_arbiter.core.view import MarketView
from phantom_arbiter.research.arb_orders import ArbFollower

SENT_NS, SLOT = 1_000_000_000, 10
LEGS = (
    Swap("SOL/USDC", "low", "USDC", "SOL", 150_000_000, 1_010_000_000, 1_010_000_000),
    Swap("SOL/USDC", "high", "SOL", "USDC", 1_000_000_000, 153_000_000, 152_000_000),
)
INTENT = Intent(
    engine="arb",
    pod="cycle",
    purpose=Purpose.ENTRY,
    policy=Policy.ATOMIC,
    legs=LEGS,
    notional_micros=150_000_000,
    edge_bps=200.0,
    cost=Cost(pool_fee_micros=700_000, tip_micros=300_000),
    expires_ns=9 * 10**9,
    reason="cycle: USDC→SOL→USDC",
    tip_lamports=2_000_000,
)


@pytest.fixture
def view() -> MarketView:
    seen = MarketView(Universe.of((SOL, USDC), (spot(SOL, USDC, 6),)))
    seen.fold_quote(Envelope(1, SENT_NS, "test", Quoted("SOL/USDC", 149_000_000, 151_000_000, 9), ""))
    return seen


def heard(follower: ArbFollower, *, order: Order | None = None, verdict: Approved | Refused | None = None) -> None:
    outcome = Outcome([] if verdict is None else [verdict], [], [] if order is None else [order], [], [])
    reports = () if order is None else tuple(LegReport(leg, state.status) for leg, state in enumerate(order.legs))
    body = OrderReported("arb-1", reports, slot=SLOT)
    follower.hear(Envelope(2, 5 * 10**9, "paper", body, "arb-1"), outcome)


def ended(*states: LegState, fees: tuple[Fee, ...] = ()) -> Order:
    return Order("arb-1", INTENT, SENT_NS, list(states), chain_fees=fees)


def refused(reason: str) -> Order:
    return ended(*(LegState(LegStatus.REJECTED, reason=reason) for _ in LEGS))


def follower_of(view: MarketView) -> ArbFollower:
    follower = ArbFollower(view)
    heard(follower, verdict=Approved("arb-1", INTENT, (), SENT_NS))
    return follower


def test_a_landed_order_is_gross_less_pool_fees_less_what_the_chain_took(view: MarketView) -> None:
    follower = follower_of(view)
    fills = (
        LegState(LegStatus.FILLED, 0, 150_000_000, 1_012_000_000, (Fee(FeeKind.SWAP, "USDC", 375_000),)),
        LegState(LegStatus.FILLED, 0, 1_000_000_000, 152_500_000, (Fee(FeeKind.SWAP, "SOL", 2_500_000),)),
    )
    paid = (Fee(FeeKind.BASE, "SOL", 5_000), Fee(FeeKind.TIP, "SOL", 2_000_000))
    heard(follower, order=ended(*fills, fees=paid))
    (order,) = follower.ended
    assert (order.outcome, order.landed_ns, order.delay_slots) == ("landed", SLOT * 400_000_000, 7.5)
    assert order.swaps == (("low", "USDC"), ("high", "SOL"))
    assert order.flows_atoms == {"USDC": 2_500_000, "SOL": 12_000_000}
    assert order.pool_fee_micros == 375_000 + 375_000
    assert order.gross_micros == 2_500_000 + 1_800_000 + 750_000
    assert order.chain_micros == {"base": 750, "priority": 0, "tip": 300_000, "rent": 0}
    assert order.net_micros == 4_300_000 - 300_750
    assert order.gain_micros == 4_300_000 - 750
    assert order.net_lamports == pytest.approx(order.net_micros / 150e6 * 1e9)
    assert order.hoped_micros == 3_000_000 - 1_000_000


@pytest.mark.parametrize(
    ("reason", "outcome", "met"),
    [
        ("beaten: a rival bid 90.0 % of the gap, we 66.7 %", "beaten", True),
        ("reverted: leg 1: output 5 is below the minimum 6 USDC atoms", "reverted", True),
        ("dropped: the transaction never landed, its blockhash expired", "dropped", False),
        ("who knows", "failed", True),
    ],
)
def test_one_that_did_not_land_costs_nothing_and_says_why(
    view: MarketView, reason: str, outcome: str, met: bool
) -> None:
    follower = follower_of(view)
    heard(follower, order=refused(reason))
    (order,) = follower.ended
    assert (order.outcome, order.reason, order.landed_ns > 0) == (outcome, reason, met)
    assert (order.net_micros, order.net_lamports, order.legs) == (0, 0.0, ())


def test_an_order_ends_once_and_one_of_before_is_not_ours(view: MarketView) -> None:
    follower = follower_of(view)
    heard(follower, order=ended(LegState(LegStatus.UNKNOWN), LegState(LegStatus.UNKNOWN)))
    assert follower.ended == []
    for _ in range(2):
        heard(follower, order=refused("failed: the program, on chain"))
    assert len(follower.ended) == follower.sent == 1


def test_refusals_are_counted_by_pod_and_gate(view: MarketView) -> None:
    follower = ArbFollower(view)
    for _ in range(3):
        heard(follower, verdict=Refused(INTENT, GateResult("edge", 1.0, 2.0, -1.0, "bps"), SENT_NS))
    assert follower.refused == {("cycle", "edge"): 3}
