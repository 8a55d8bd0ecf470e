"""The Arb page's rows: from the engine's panel, and from its verdicts."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from phantom_arbiter.app.arb_page import MAX_GRAVES, arb_page, opportunity
from phantom_arbiter.core.events import Envelope, PoolUpdated
from phantom_arbiter.core.instruments import SOL, USDC, Universe, spot
from phantom_arbiter.core.intents import Cost, Intent, Policy, Purpose, Swap
from phantom_arbiter.core.verdicts import Approved, GateResult, Refused
from phantom_arbiter.core.view import MarketView
from tests.unit.app import arb_told

NOW_NS = arb_told.START_NS
CYCLE = Intent(
    engine="arb",
    pod="cycle",
    purpose=Purpose.ENTRY,
    policy=Policy.ATOMIC,
    legs=(
        Swap("SOL/USDC", "orca:SOL/USDC", "SOL", "USDC", 3_000_000_000, 450_000_000, 440_000_000),
        Swap("SOL/USDC", "raydium:SOL/USDC", "SOL", "USDC", 1_000_000_000, 150_000_000, 149_000_000),
        Swap("SOL/USDC", "phoenix:SOL/USDC", "USDC", "SOL", 600_000_000, 4_010_000_000, 4_000_000_000),
    ),
    notional_micros=600_000_000,
    edge_bps=25.0,
    cost=Cost(pool_fee_micros=600_000, base_fee_micros=750, priority_micros=250, tip_micros=299_000),
    expires_ns=NOW_NS,
    reason="cycle: SOL→USDC→SOL",
    tip_lamports=2_000_000,
    p_fail_bps=4_000,
)
APPROVED = Approved("o-1", CYCLE, (), NOW_NS)


@pytest.fixture
def view() -> MarketView:
    seen = MarketView(Universe.of((SOL, USDC), (spot(SOL, USDC, 6),)))
    pool = PoolUpdated("orca:SOL/USDC", "orca", "SOL", "USDC", 10**12, 10**12, 25, 10_000, 1)
    seen.fold(Envelope(1, NOW_NS, "test", pool))
    return seen


def test_parallel_pools_are_one_hop_with_their_shares(view: MarketView) -> None:
    row = opportunity("arb-1", APPROVED, view, NOW_NS)
    assert row.route == ("SOL", "USDC", "SOL")
    assert [(swap.pool, swap.venue, swap.share) for swap in row.swaps] == [
        ("orca:SOL/USDC", "orca", 0.75),
        ("raydium:SOL/USDC", "", 0.25),  # a pool that nobody spoke of has no venue
        ("phoenix:SOL/USDC", "", 1.0),
    ]


def test_the_waterfall_falls_from_gross_to_net(view: MarketView) -> None:
    steps = opportunity("arb-1", APPROVED, view, NOW_NS).waterfall
    labels = ["gross", "pool fees", "base fee", "priority", "tip", "rent", "net"]
    assert [step.label for step in steps] == labels
    assert [step.usd for step in steps] == pytest.approx([1.5, -0.6, -0.00075, -0.00025, -0.299, 0.0, 0.6])
    assert sum(step.usd for step in steps[:-1]) == pytest.approx(steps[-1].usd)


def test_what_a_cycle_never_pays_has_a_bar_only_if_it_does(view: MarketView) -> None:
    slipping = replace(APPROVED, intent=replace(CYCLE, cost=replace(CYCLE.cost, slippage_micros=50_000)))
    steps = opportunity("arb-1", slipping, view, NOW_NS).waterfall
    assert [(step.label, step.usd) for step in steps[-2:]] == [("other", -0.05), ("net", pytest.approx(0.55))]


@pytest.mark.parametrize(
    ("tip_lamports", "worth"),
    [
        (2_000_000, 0.6 * 1.5 - 0.6 * 0.9),  # a bundle that fails pays nothing
        (0, 0.6 * 1.5 - 0.9),
    ],
)
def test_it_is_worth_what_the_edge_gate_reckons(view: MarketView, tip_lamports: int, worth: float) -> None:
    verdict = replace(APPROVED, intent=replace(CYCLE, tip_lamports=tip_lamports))
    row = opportunity("arb-1", verdict, view, NOW_NS)
    assert row.expected_usd == pytest.approx(worth)
    assert (row.size_usd, row.gross_bps, row.net_usd, row.net_bps) == pytest.approx((600.0, 25.0, 0.6, 10.0))


def test_the_verdict_names_the_order_or_the_gate(view: MarketView) -> None:
    sent = opportunity("arb-1", APPROVED, view, NOW_NS)
    assert (sent.verdict, sent.order_id, sent.reason) == ("sent", "o-1", "cycle: SOL→USDC→SOL")
    result = GateResult("edge", 1.0, 2.0, -1.0, "usd_micros", "too thin")
    refused = opportunity("arb-2", Refused(CYCLE, result, NOW_NS), view, NOW_NS)
    assert (refused.verdict, refused.order_id, refused.reason) == ("refused", "", "edge: too thin")
    assert refused.realised_usd is None


def test_the_panel_becomes_the_page() -> None:
    page = arb_page(arb_told.panel(), 7)
    assert (page.ts, page.pools, page.sent, page.hoped, page.unfollowed) == (7, 54, 17, 0.61, 3)
    assert page.outcomes == {"landed": 9, "beaten": 5, "reverted": 2, "dropped": 1}
    assert [(venue.venue, venue.oldest_slots, venue.left_out) for venue in page.venues] == [
        ("orca", 41, 0),
        ("raydium", 2_100, 1),
    ]
    assert page.reasons[0].would_usd == (-0.75, -0.5, -0.25, None)
    assert page.best is not None
    assert page.best.net_bps == -12.5
    assert page.left_on_table is not None
    assert page.left_on_table.bound_usd == 1.25
    grave = page.graves[0]
    assert (grave.id, grave.ts) == ("grave-1", arb_told.START_NS // 10**6 + 400)
    assert [swap.share for swap in grave.swaps] == [0.625, 0.375, 1.0, 1.0]
    assert grave.would_usd == (0.125, -0.03125, None, None)
    assert page.panel["probes"] == 119  # what no field holds stands beside


def test_the_newest_graves_are_kept_and_no_more() -> None:
    page = arb_page(arb_told.panel([arb_told.grave(number) for number in range(MAX_GRAVES + 5)]), 7)
    assert [page.graves[0].id, page.graves[-1].id] == ["grave-5", f"grave-{MAX_GRAVES + 4}"]
    assert len(page.graves) == MAX_GRAVES


def test_before_anything_was_seen_the_page_is_empty() -> None:
    page = arb_page(arb_told.panel([], outcomes={}, hoped=None, venues=[], reasons=[], best=None), 7)
    assert (page.graves, page.venues, page.reasons, page.best, page.hoped) == ((), (), (), None, None)
