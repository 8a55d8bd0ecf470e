"""The tape: a row for each verdict, told again when its order ends, with what it paid."""

from __future__ import annotations

import pytest

from phantom_arbiter.app.arb_tape import ArbTape
from phantom_arbiter.core.events import Envelope, Fee, FeeKind, LegStatus, Quoted
from phantom_arbiter.core.instruments import SOL, USDC, Universe, spot
from phantom_arbiter.core.orders import LegState, Order
from phantom_arbiter.core.view import MarketView
from phantom_arbiter.dashboard.arb_rows import ArbUpdate
from tests.unit.app.test_arb_page import APPROVED, CYCLE, NOW_NS

BASE_FEE = Fee(FeeKind.BASE, "SOL", 5_000)
TIP = Fee(FeeKind.TIP, "SOL", 2_000_000)


@pytest.fixture
def tape() -> ArbTape:
    view = MarketView(Universe.of((SOL, USDC), (spot(SOL, USDC, 6),)))
    px = view.universe.instruments["SOL/USDC"].px_from_float(150.0)
    view.fold(Envelope(1, NOW_NS, "test", Quoted("SOL/USDC", px, px, 1)))
    return ArbTape(view)


def ended(status: LegStatus, reason: str = "", fees: tuple[Fee, ...] = ()) -> Order:
    """The order of `CYCLE` with every leg in a status; nothing filled."""
    legs = [LegState(status, leg.in_atoms, reason=reason) for leg in CYCLE.legs]  # type: ignore[union-attr]
    return Order("o-1", CYCLE, NOW_NS, legs, chain_fees=fees)


def landed() -> Order:
    """All filled: 0.01 SOL more in the end, 2 USDC left over."""
    order = ended(LegStatus.FILLED, fees=(BASE_FEE, TIP))
    flows = ((3_000_000_000, 451_000_000), (1_000_000_000, 151_000_000), (600_000_000, 4_010_000_000))
    for leg, (spent, got) in zip(order.legs, flows, strict=True):
        leg.in_atoms, leg.out_atoms = spent, got
    return order


def test_a_landed_order_tells_what_it_paid_net_of_everything(tape: ArbTape) -> None:
    sent = tape.verdict(APPROVED, NOW_NS)
    row = tape.order(landed())
    assert row is not None
    assert (row.id, row.verdict, row.reason) == (sent.id, "landed", CYCLE.reason)
    assert row.realised_usd == pytest.approx(1.5 + 2.0 - 150 * 0.002005)


@pytest.mark.parametrize(
    ("status", "reason", "verdict", "why"),
    [
        (LegStatus.REJECTED, "beaten: a rival bid more", "beaten", "a rival bid more"),
        (LegStatus.REJECTED, "reverted: leg 1: too little", "reverted", "leg 1: too little"),
        (LegStatus.EXPIRED, "dropped: it never landed", "dropped", "it never landed"),
        (LegStatus.EXPIRED, "expired: the intent", "expired", "the intent"),
        (LegStatus.REJECTED, "failed: on chain", "failed", "on chain"),
        (LegStatus.REJECTED, "custom program error: 0x1", "failed", "custom program error: 0x1"),
        (LegStatus.REJECTED, "", "failed", ""),
    ],
)
def test_an_order_that_did_not_land_says_what_became_of_it(
    tape: ArbTape, status: LegStatus, reason: str, verdict: str, why: str
) -> None:
    tape.verdict(APPROVED, NOW_NS)
    row = tape.order(ended(status, reason, (BASE_FEE,)))
    assert row is not None
    assert (row.verdict, row.reason) == (verdict, why)
    assert row.realised_usd == pytest.approx(-150 * 0.000005)


def test_unknown_is_no_end(tape: ArbTape) -> None:
    tape.verdict(APPROVED, NOW_NS)
    assert tape.order(ended(LegStatus.SENT)) is None
    row = tape.order(ended(LegStatus.UNKNOWN, "no answer in time"))
    assert row is not None
    assert (row.verdict, row.reason, row.realised_usd) == ("unknown", "no answer in time", None)
    assert tape.totals(ArbUpdate(ts=1)).ended == 0
    found = tape.order(landed())
    assert found is not None
    assert found.verdict == "landed"
    assert tape.order(landed()) is None  # it is told once


def test_what_was_expected_stands_beside_what_was_realised(tape: ArbTape) -> None:
    expected = tape.verdict(APPROVED, NOW_NS).expected_usd
    tape.order(landed())
    expected += tape.verdict(APPROVED, NOW_NS).expected_usd
    tape.order(ended(LegStatus.REJECTED, "beaten: a rival bid more"))
    page = tape.totals(ArbUpdate(ts=1))
    assert page.ended == 2
    assert page.expected_usd == pytest.approx(expected)
    assert page.realised_usd == pytest.approx(3.5 - 150 * 0.002005)


def test_an_asset_without_a_price_leaves_the_result_unknown() -> None:
    tape = ArbTape(MarketView(Universe.of((SOL, USDC), (spot(SOL, USDC, 6),))))
    tape.verdict(APPROVED, NOW_NS)
    row = tape.order(landed())
    assert row is not None
    assert (row.verdict, row.realised_usd) == ("landed", None)
    assert tape.totals(ArbUpdate(ts=1)).ended == 0


def test_an_order_from_before_has_no_row(tape: ArbTape) -> None:
    assert tape.order(landed()) is None
