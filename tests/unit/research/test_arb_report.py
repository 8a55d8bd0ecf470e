"""The report sums what the orders came to, by day and in all, and ranks them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from phantom_arbiter.core.events import Fee, FeeKind
from phantom_arbiter.engines.arb.logic import ArbEngine
from phantom_arbiter.research.arb_episodes import PoolRows, episodes_of
from phantom_arbiter.research.arb_orders import ArbFollower, ArbLeg, ArbOrder
from phantom_arbiter.research.arb_report import ArbReplayReport, Recording, SeedResult, report_of, seed_result
from tests.unit.app.recording import DAY_NS, START_NS
from tests.unit.app.recording import Recording as Rows
from tests.unit.engines.market_builder import Bench

SOL_MICROS = 0.15
"""A lamport in millionths of a dollar."""


def landed(number: int, gross_micros: int, *, day: int = 0, second: int = 3) -> ArbOrder:
    ns = START_NS + day * DAY_NS + second * 10**9
    return ArbOrder(
        order_id=f"arb-{number}",
        sent_ns=ns - 400_000_000,
        landed_ns=ns,
        outcome="landed",
        reason="",
        size_micros=20_000_000,
        hoped_micros=50_000,
        swaps=(("torn", "USDC"),),
        legs=(ArbLeg("torn", "USDC", "SOL", 20_000_000, 10**8, (Fee(FeeKind.SWAP, "USDC", 50_000),)),),
        flows_atoms={"USDC": gross_micros - 40_000},
        chain_lamports={"base": 5_000, "tip": 100_000},
        gross_micros=gross_micros,
        pool_fee_micros=40_000,
        chain_micros={"base": 750, "tip": 15_000},
        lamport_micros=SOL_MICROS,
    )


def lost(number: int, outcome: str, day: int = 0, second: int = 0, sold: str = "USDC") -> ArbOrder:
    landed_ns = START_NS + second * 10**9 if second else 0
    sent_ns = START_NS + day * DAY_NS
    return ArbOrder(f"arb-{number}", sent_ns, landed_ns, outcome, "", 20_000_000, 250_000, (("torn", sold),))


def report(folder: Path, *ended: ArbOrder, sent: int | None = None) -> ArbReplayReport:
    rows, bench = Rows(folder), Bench(ArbEngine(), SOL=20, USDC=2_000)
    for second, quote in enumerate((15_000.0, 15_150.0, 15_300.0)):  # of 1 % between its two last rows
        rows.pool("torn", 100.0 - min(second, 1), quote / (100.0 - min(second, 1)), START_NS + second * 10**9, second)
    span = (rows.catalogue(), START_NS, START_NS + 3 * DAY_NS)
    recording = Recording(*span[1:], episodes_of(*span), PoolRows(*span), ("assumed",))
    follower = ArbFollower(bench.kernel.view)
    follower.ended += ended
    follower.sent = len(ended) if sent is None else sent
    follower.refused.update({("cycle", "edge"): 2, ("probe", "edge"): 5, ("probe", "price_band"): 7})
    seeds = (seed_result(7, follower), SeedResult(8, 1, 0, 1, -0.5, -0.003))
    engine = bench.engine
    assert isinstance(engine, ArbEngine)
    return report_of(
        recording, engine, follower, seeds, lambda asset, atoms: atoms / 10 ** (9 if asset == "SOL" else 6)
    )


def test_costs_come_off_the_gross_and_what_is_left_is_the_ledgers(tmp_path: Path) -> None:
    fall = report(tmp_path, landed(1, 155_750), landed(2, 255_750), lost(3, "beaten")).waterfall
    assert (fall.gross, fall.pool_fees, fall.base_fee, fall.tip, fall.rent) == (0.4115, 0.08, 0.0015, 0.03, 0.0)
    assert fall.net == pytest.approx(0.1 + 0.2)
    assert fall.net_sol == pytest.approx(0.3 / 150)
    assert fall.left == {"SOL": pytest.approx(-0.00021), "USDC": pytest.approx(0.3315)}


def test_days_are_those_on_which_orders_were_sent(tmp_path: Path) -> None:
    told = report(tmp_path, landed(1, 155_750), lost(2, "dropped"), lost(3, "beaten", day=2), landed(4, 55_750, day=2))
    assert [(day.day, day.sent, day.landed) for day in told.days] == [("2025-04-14", 2, 1), ("2025-04-16", 2, 1)]
    assert [day.net_usd for day in told.days] == [pytest.approx(0.1), 0.0]


def test_wins_and_losses_are_ranked_and_a_loss_is_no_win(tmp_path: Path) -> None:
    orders = [landed(number, 55_750 + 10_000 * number) for number in range(-2, 8)]
    told = report(tmp_path, *orders)
    assert [order.order_id for order in told.best] == ["arb-7", "arb-6", "arb-5", "arb-4", "arb-3"]
    assert [order.order_id for order in told.worst] == ["arb--2", "arb--1"]


def test_what_became_of_orders_and_what_gates_refused_is_counted(tmp_path: Path) -> None:
    told = report(tmp_path, landed(1, 155_750), lost(2, "beaten"), lost(3, "beaten"), sent=4)
    assert (told.outcomes, told.still_out) == ({"beaten": 2, "landed": 1}, 1)
    assert told.refused == {"edge": 2}
    assert told.probes_refused == {"price_band": 7, "edge": 5}
    assert told.delay_slots == 1.0


def test_an_order_that_met_a_row_out_by_more_than_it_gained_is_in_doubt(tmp_path: Path) -> None:
    told = report(tmp_path, landed(1, 155_750), landed(2, 255_750), landed(3, 155_750, second=0))
    assert (told.doubt.rows, told.doubt.half_rows, told.doubt.orders) == (3, 2, 1)
    assert told.doubt.net_usd == pytest.approx(0.1)


def test_a_revert_at_a_pool_already_traded_with_since_its_row_is_told(tmp_path: Path) -> None:
    orders = [lost(1, "beaten", second=1), lost(2, "reverted", second=1), lost(3, "reverted", second=2)]
    orders += [lost(4, "reverted", second=1, sold="SOL"), landed(5, 155_750, second=3), lost(6, "reverted", second=9)]
    (said,) = (line for line in report(tmp_path, *orders).why if "reverted" in line)
    assert "4 of 6 orders" in said
    assert "2 of them because the gap had been taken" in said


def test_seeds_have_a_mean_and_a_spread(tmp_path: Path) -> None:
    told = report(tmp_path, landed(1, 155_750))
    assert [one.net_usd for one in told.seeds] == [pytest.approx(0.1), -0.5]
    assert told.spread.mean == pytest.approx(-0.2)
    assert told.spread.sd == pytest.approx(0.6 / 2**0.5)
    assert (told.spread.seeds, told.spread.least) == (2, -0.5)


def test_a_run_without_orders_is_an_honest_zero_and_json_ready(tmp_path: Path) -> None:
    told = report(tmp_path)
    assert (told.waterfall.net, told.days, told.best, told.delay_slots) == (0.0, (), (), None)
    assert msgspec.json.decode(msgspec.json.encode(told))["waterfall"]["left"] == {}
