"""The arb engine over real pool states: each fill, guard, fee and dollar equals a recomputation that shares no line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from phantom_arbiter.app.arb_replay import ArbRun, open_run, report_run, run_to_end
from phantom_arbiter.app.markets import open_recorded
from phantom_arbiter.config import Config
from phantom_arbiter.core.events import Envelope, OrderReported
from phantom_arbiter.core.intents import Swap
from phantom_arbiter.core.orders import Order
from phantom_arbiter.core.outcome import Outcome
from phantom_arbiter.research.arb_report import ArbReplayReport, seed_result
from tests.realdata.arb_by_hand import ByHand, Ended, Leg, episodes
from tests.realdata.spans import MAP, data_folder, instant_ns

pytestmark = pytest.mark.realdata

SPAN = ("2024-04-21", "2024-05-21")
"""All that there is; most of it is in the first two days."""


class Heard:
    """Collects every transaction's end, as the driver told it."""

    def __init__(self) -> None:
        self.ended: list[Ended] = []

    def __call__(self, envelope: Envelope, outcome: Outcome) -> None:
        body = envelope.body
        if isinstance(body, OrderReported):
            closed = (order for order in outcome.orders if order.id == body.order_id and not order.is_open)
            self.ended += [_ended(order, body, envelope.ts_ns) for order in closed]

    def in_order(self) -> list[Ended]:
        """As they met the market: by slot, then as they were sent."""
        return sorted(self.ended, key=lambda told: (told.landed_slot, int(told.name.rpartition("-")[2])))


def _ended(order: Order, report: OrderReported, told_ns: int) -> Ended:
    why = next((leg.reason for leg in report.legs if leg.reason), "landed").partition(":")[0]
    chain = {fee.kind.value: fee.atoms for fee in report.chain_fees}
    intent = order.intent
    legs = []
    for leg, filled in zip(intent.legs, report.legs, strict=True):
        assert isinstance(leg, Swap)
        assert filled.in_atoms in (0, leg.in_atoms)
        fee_atoms = sum(fee.atoms for fee in filled.fees if fee.asset == leg.in_asset)
        legs.append(
            Leg(leg.pool, leg.in_asset, leg.out_asset, leg.in_atoms, leg.min_out_atoms, filled.out_atoms, fee_atoms)
        )
    return Ended(order.id, why, report.slot, told_ns, legs, chain, intent.priority_lamports, intent.tip_lamports)


class Replayed:
    """A run over the whole span, its report, and what its driver told."""

    def __init__(self, home: Path) -> None:
        catalogue, _, _ = open_recorded(data_folder(), MAP, home)
        self.run: ArbRun = open_run(catalogue, *map(instant_ns, SPAN), Config())
        self.heard, vault = Heard(), self.run.session.kernel.vault
        self.run.session.sequencer.listeners.append(self.heard)
        self.started = vault.engine_assets("arb")
        run_to_end(self.run, lambda start, now, end: None)
        self.left = vault.engine_assets("arb")
        self.report: ArbReplayReport = report_run(self.run, [seed_result(7, self.run.follower)])


@pytest.fixture(scope="module")
def replayed(home: Path) -> Replayed:
    return Replayed(home)


def test_every_fill_guard_and_fee_is_what_the_pool_rows_say(replayed: Replayed) -> None:
    by_hand = ByHand(data_folder())
    nets = {told.name: by_hand.follow(told) for told in replayed.heard.in_order()}
    assert by_hand.wrong == []
    told = {order.order_id: order.net_micros for order in replayed.run.follower.ended}
    assert nets == told
    assert sum(nets.values()) == round(replayed.report.waterfall.net * 1e6)
    outcomes = replayed.report.outcomes
    assert min(outcomes["landed"], outcomes["beaten"], outcomes["reverted"]) >= 3
    assert by_hand.inside > by_hand.beyond


def test_the_ledger_changed_by_the_sum_of_the_fills_to_the_atom(replayed: Replayed) -> None:
    by_hand = ByHand(data_folder())
    for told in replayed.heard.in_order():
        by_hand.follow(told)
    assets = {*replayed.started, *replayed.left}
    changed = {asset: replayed.left.get(asset, 0) - replayed.started.get(asset, 0) for asset in assets}
    assert {asset: atoms for asset, atoms in changed.items() if atoms} == {
        asset: atoms for asset, atoms in by_hand.change.items() if atoms
    }
    assert replayed.report.still_out == 0


def _pays_more(told: Ended) -> Ended:
    first, *others = told.legs
    return told._replace(legs=[first._replace(out_atoms=first.out_atoms + 1), *others])


def _breaks_its_guard(told: Ended) -> Ended:
    *others, last = told.legs
    return told._replace(legs=[*others, last._replace(least_atoms=last.out_atoms + 1)])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_pays_more, "pays: told"),
        (_breaks_its_guard, "guards hold: told False"),
        (lambda told: told._replace(chain={**told.chain, "tip": 1}), "chain fees: told"),
        (lambda told: told._replace(landed_slot=told.landed_slot - 3_000), "pays: told"),
    ],
    ids=["an atom more", "below the guard", "a tip not bid", "another slot"],
)
def test_a_wrong_fill_is_found(replayed: Replayed, spoil: Callable[[Ended], Ended], said: str) -> None:
    by_hand = ByHand(data_folder())
    landed = [told for told in replayed.heard.in_order() if told.outcome == "landed"]
    by_hand.follow(spoil(landed[0]))
    assert any(said in line for line in by_hand.wrong)


def test_the_report_counts_the_episodes_of_the_file(replayed: Replayed) -> None:
    rows, count, crossing, lives, gains, closed_gain = episodes(data_folder())
    told = replayed.report.episodes
    assert (told.rows, told.count, told.crossing) == (rows, count, crossing)
    assert [life for life, number in told.lives for _ in range(number)] == lives
    assert told.life_slots(0.5) == lives[len(lives) // 2]
    assert (told.median_gain_usd, told.largest_gain_usd) == pytest.approx((gains[len(gains) // 2], gains[-1]), rel=1e-6)
    assert told.closed_gain_usd == pytest.approx(closed_gain, rel=1e-6)


def test_the_parts_of_the_report_add_up(replayed: Replayed) -> None:
    report = replayed.report
    fall = report.waterfall
    assert sum(report.outcomes.values()) + report.still_out == report.sent
    assert sum(day.sent for day in report.days) == report.sent
    assert sum(day.net_usd for day in report.days) == pytest.approx(fall.net)
    costs = fall.pool_fees + fall.base_fee + fall.priority + fall.tip + fall.rent
    assert fall.gross - costs == pytest.approx(fall.net)
    assert report.spread.mean == fall.net
    assert report.why
