"""The failures of the earlier implementation, each as a test on the whole system. Also held elsewhere:

- a refused debit that still credited: `tests/unit/core/test_vault_lessons.py`
- collateral that added SOL units to dollars: `tests/unit/core/test_health.py`, `test_vault_lessons.py`
- health that reads 100 until the liquidation: `tests/unit/core/test_health.py`, `tests/unit/sim/test_perp_venue.py`
- fair values typed in as constants: `tests/unit/engines/lst_depeg/test_fair_value.py`, `test_logic.py`
- an arbitrage graph of one feed: `tests/unit/engines/arb/test_logic.py`
- positions dropped when the sell failed: `tests/unit/engines/scalp/test_logic.py`, `lst_depeg/test_logic.py`
- messages JSON-encoded twice, an unauthenticated socket: `tests/dashboard/test_ws.py`
- stop then start running two loops, an emergency stop that closed nothing: `tests/unit/core/test_command_desk.py`
- gates that no engine called: `tests/unit/core/test_gates.py`, `test_risk_gates.py`, `tests/unit/sim/test_driver.py`
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from phantom_arbiter.app.perp_table import perp_markets
from phantom_arbiter.config import Config
from phantom_arbiter.core.commands import ENGINE_IDS, ClosePosition, Kill, KillLevel, StartEngine, StopEngine
from phantom_arbiter.core.cycles import capital_atoms, expected_atoms
from phantom_arbiter.core.events import (
    LegReport,
    LegStatus,
    OrderReported,
    PerpStatsRead,
    StakePoolRead,
)
from phantom_arbiter.core.health import assess, book_account
from phantom_arbiter.core.intents import PerpOrder, Purpose, Swap
from phantom_arbiter.core.orders import OrderStatus
from phantom_arbiter.core.portfolio import Cause
from phantom_arbiter.core.safety import SafetyConfig, gates_for
from phantom_arbiter.core.units import FUNDING_RATE_SCALE, LAMPORTS_PER_SOL
from phantom_arbiter.dashboard.panels import MarketsResponse
from phantom_arbiter.runtime.ports import Arrival
from phantom_arbiter.sim.market.universe import PERP_VENUE
from tests.architecture.rules import PACKAGE, dotted_name, imported_names, python_files
from tests.simulation.runs import Run

ROOT = Path(__file__).resolve().parents[2]
USD = 10**6


@cache
def calm() -> Run:
    """An hour of an ordinary market with all engines; to be read only."""
    run = Run(2, "calm")
    run.until(61)
    return run


# A short is a short


def test_a_short_never_sells_the_spot_leg() -> None:
    run = Run(1, "calm", engines=("funding",))
    run.until(20)
    vault, book = run.vault, run.kernel.desks["funding"].book
    short = -book.perp_base_atoms("SOL-PERP")
    fees = sum(fee.atoms for order in run.kernel.closed for fee in order.chain_fees)
    (order,) = (order for order in run.kernel.closed if any(isinstance(leg, PerpOrder) for leg in order.intent.legs))
    bought = sum(s.out_atoms for leg, s in zip(order.intent.legs, order.legs, strict=True) if isinstance(leg, Swap))
    assert short > 10 * LAMPORTS_PER_SOL
    assert bought == pytest.approx(short, rel=0.001), "long the same amount of spot"
    assert vault.engine_assets("funding")["SOL"] == LAMPORTS_PER_SOL + bought - fees
    assert run.held() == {"funding SOL-PERP": -short}


# Funding has its sign


def held_over_funding(seed: int, scenario: str, hours: tuple[int, int]) -> tuple[float, float]:
    """Hold a short from one hour to another: (the index's move in dollars a SOL, dollars received for each SOL)."""
    run = Run(seed, scenario, engines=("funding",))
    run.until(10)
    book = run.kernel.desks["funding"].book
    size = -book.perp_base_atoms("SOL-PERP") / LAMPORTS_PER_SOL

    def settled() -> float:
        """Received, and what the venue still owes for the hours since it last settled."""
        position = book.perps["SOL-PERP"]
        owed = run.kernel.view.funding_index_e9["SOL-PERP"] - position.funding_index_e9
        return book.pnl_micros.get(Cause.FUNDING, 0) / USD + owed / FUNDING_RATE_SCALE * size

    run.until(hours[0] * 60 + 5)
    index_from, before = run.kernel.view.funding_index_e9.get("SOL-PERP", 0), settled() if hours[0] else 0.0
    run.until(hours[1] * 60 + 5)
    index_to = run.kernel.view.funding_index_e9["SOL-PERP"]
    assert -book.perp_base_atoms("SOL-PERP") / LAMPORTS_PER_SOL == pytest.approx(size), "the same short all the while"
    run.command(ClosePosition("funding", "SOL-PERP"))
    run.until(hours[1] * 60 + 15)
    assert book.perps == {}
    assert set(run.deployed()) == set()
    return (index_to - index_from) / FUNDING_RATE_SCALE, (book.pnl_micros[Cause.FUNDING] / USD - before) / size


@pytest.mark.parametrize(
    ("scenario", "hours", "sign"), [("calm", (0, 4), 1), ("funding-flip", (7, 9), -1)], ids=["positive", "negative"]
)
def test_a_short_receives_positive_funding_and_pays_negative(scenario: str, hours: tuple[int, int], sign: int) -> None:
    moved, received = held_over_funding(1, scenario, hours)
    assert sign * moved > 0, "the scenario posts rates of this sign"
    assert received == pytest.approx(moved, rel=0.01)


# SOL is not dollars


def test_collateral_in_the_account_is_counted_in_its_own_unit() -> None:
    run = Run(1, "calm", engines=("funding",))
    run.until(10)
    desk = run.kernel.desks["funding"]
    before = book_account(desk.book, PERP_VENUE, desk.view)
    assert not isinstance(before, str)
    desk.book.collateral[f"{PERP_VENUE}:SOL"] = LAMPORTS_PER_SOL
    after = book_account(desk.book, PERP_VENUE, desk.view)
    assert not isinstance(after, str)
    price = desk.view.usd_price("SOL")
    assert price is not None
    added = assess(after).total_collateral_atoms - assess(before).total_collateral_atoms
    assert added / USD == pytest.approx(price * 0.9, rel=1e-6), "one SOL counts as 90 % of its dollars"


def test_health_moves_with_the_price_long_before_a_liquidation() -> None:
    run = Run(1, "calm", engines=("funding",))
    seen = []
    for minute in range(10, 40, 2):
        run.until(minute)
        seen.append(run.kernel.engines["funding"].panel()["health"])
    assert len(set(seen)) > 5
    assert all(50 < health < 100 for health in seen)


# LSTs


def test_an_lst_is_bought_with_sol_near_what_its_pool_redeems() -> None:
    run = calm()
    buys = [o for o in run.kernel.closed if o.intent.engine == "lst" and o.intent.purpose is Purpose.ENTRY]
    assert buys
    for order in buys:
        (leg,) = order.intent.legs
        assert isinstance(leg, Swap)
        assert leg.in_asset == "SOL"
        pool = run.kernel.view.stake_pool(leg.out_asset)
        assert pool is not None
        paid = order.legs[0].in_atoms / max(1, order.legs[0].out_atoms)
        if order.status is OrderStatus.DONE:
            assert 0.95 < paid / (pool.total_lamports / pool.supply_atoms) < 1


def test_without_a_stake_pools_reading_no_lst_is_bought() -> None:
    run = Run(2, "calm", engines=("lst",))
    step = run.kernel.step
    deaf = run.session.sequencer
    deaf.step = lambda envelope: None if isinstance(envelope.body, StakePoolRead) else step(envelope)
    run.until(30)
    assert run.kernel.view.stake_pools == {}
    assert run.kernel.records["lst"].approved == 0
    assert run.deployed() == {}


def test_an_lst_that_was_bought_is_sold_again() -> None:
    run = Run(1, "lst-depeg", engines=("lst",))
    run.until(180)
    sold = [o for o in run.kernel.closed if o.intent.purpose is Purpose.EXIT and o.status is OrderStatus.DONE]
    assert any(isinstance(leg, Swap) and leg.in_asset == "mSOL" for o in sold for leg in o.intent.legs)


# Arbitrage


def test_arbitrage_goes_over_several_venues_and_only_where_it_pays() -> None:
    orders = [o for _, outcome in calm().rows for o in outcome.orders if o.intent.engine == "arb"]
    assert orders
    for order in orders:
        legs = [leg for leg in order.intent.legs if isinstance(leg, Swap)]
        assert len({leg.pool for leg in legs}) == len(legs) >= 2
        assert len({leg.pool.partition(":")[0] for leg in legs}) >= 2
        assert legs[-1].out_asset == legs[0].in_asset
        assert expected_atoms(order.intent) > capital_atoms(order.intent)


def test_nothing_counts_as_landed_that_no_report_said() -> None:
    run = Run(2, "calm", engines=("arb",))
    run.driver.pop = lambda now_ns: []  # type: ignore[method-assign]
    run.driver.due_ns = lambda: None  # type: ignore[method-assign]
    run.until(10)
    arb = run.kernel.engines["arb"]
    assert run.kernel.records["arb"].approved > 0
    assert arb.state.outcomes == {}
    assert run.kernel.desks["arb"].book.trades == 0
    assert all(order.status is OrderStatus.OPEN for order in run.kernel.orders.values())
    assert run.vault.engine_assets("arb") == {"SOL": 20 * LAMPORTS_PER_SOL, "USDC": 2_000 * USD}


# Positions that cannot be sold


def test_a_position_whose_sale_fails_is_kept_and_tried_again() -> None:
    run = Run(2, "calm", engines=("lst",))
    submit, failed = run.driver.submit, []

    def refuse_sales(dispatch: object, now_ns: int) -> None:
        approved = dispatch.approved  # type: ignore[attr-defined]
        if approved.intent.purpose is Purpose.EXIT and len(failed) < 3:
            failed.append(approved.order_id)
        else:
            submit(dispatch, now_ns)  # type: ignore[arg-type]

    run.driver.submit = refuse_sales  # type: ignore[method-assign]
    run.until(30)
    held = run.deployed()
    assert held
    run.command(Kill(KillLevel.FLATTEN))
    assert failed
    for order_id in failed:
        legs = (LegReport(0, LegStatus.REJECTED, reason="test"),)
        run.session.sequencer.feed(Arrival(run.kernel.view.now_ns, "test", OrderReported(order_id, legs)))
    assert run.deployed() == held, "a failed sale gives nothing up"
    run.until(40)
    assert run.deployed() == {}


# Open interest


def test_open_interest_is_what_the_venue_said() -> None:
    run = calm()
    said = {
        name: envelope.body
        for name, envelope in run.kernel.view.perps.items()
        if isinstance(envelope.body, PerpStatsRead)
    }
    assert len(said) > 3
    page = perp_markets(run.kernel, {})
    assert isinstance(page, MarketsResponse)
    shown = {market.symbol: market for market in page.markets}
    for name, stats in said.items():
        price = shown[name].oracle_price
        assert price is not None
        assert shown[name].oi == pytest.approx(stats.open_interest_atoms / 1e9 * price)
    silent = Run(2, "calm", engines=())
    silent.until(61)
    silent.kernel.view.perps.clear()
    page = perp_markets(silent.kernel, {})
    assert isinstance(page, MarketsResponse)
    assert [market.oi for market in page.markets] == [None] * len(said)
    assert page.stats.total_oi is None


# The emergency stop


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_emergency_stop_closes_everything_in_the_ledger_and_at_the_venue(seed: int) -> None:
    run = Run(seed, "calm")
    run.until(30)
    assert run.held()
    assert len(run.deployed()) >= 3
    run.command(StopEngine("lst"))
    answer = run.command(Kill(KillLevel.FLATTEN))
    assert answer.success
    run.until(40)
    assert run.deployed() == {}
    assert run.held() == {}
    assert run.driver.collateral_atoms("funding", PERP_VENUE, "USDC") == 0
    assert run.kernel.orders == {}
    approved = {engine: record.approved for engine, record in run.kernel.records.items()}
    run.until(45)
    assert {engine: record.approved for engine, record in run.kernel.records.items()} == approved


# One loop


def test_stop_then_start_runs_one_loop() -> None:
    run, calmly = Run(2, "calm"), Run(2, "calm")
    for engine in ENGINE_IDS:
        for _ in range(3):
            assert run.command(StopEngine(engine)).success
            assert run.command(StartEngine(engine)).success
        assert not run.command(StartEngine(engine)).success
    for each in (run, calmly):
        each.until(5)
        each.kernel.settle_counts()
    for engine in ENGINE_IDS:
        assert run.kernel.records[engine].facts == calmly.kernel.records[engine].facts
        assert run.kernel.records[engine].intents == calmly.kernel.records[engine].intents


# The gates


def test_nothing_but_the_gates_makes_an_approval() -> None:
    makers = set()
    for path, tree in python_files(ROOT, str(PACKAGE)):
        imported = imported_names(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = dotted_name(node.func, imported) or ""
                if name.endswith("verdicts.Approved") or name == "Approved":
                    makers.add(str(path.relative_to(PACKAGE)))
    assert makers == {"core/safety.py"}


def test_every_order_of_every_engine_passed_every_gate() -> None:
    run = Run(2, "calm", config=Config(safety=SafetyConfig(force_open=("edge",))))
    run.until(20)
    dispatches = [dispatch for _, outcome in run.rows for dispatch in outcome.dispatches]
    first = [dispatch for dispatch in dispatches if dispatch.approved.results]
    assert {dispatch.approved.intent.engine for dispatch in first} == set(ENGINE_IDS)
    for dispatch in first:
        gates = [result.gate for result in dispatch.approved.results]
        assert gates == [gate.name for gate in gates_for(dispatch.approved.intent.purpose)]
        assert all(result.passed or result.gate == "edge" for result in dispatch.approved.results)
    opened = {dispatch.approved.order_id for dispatch in first}
    later = [dispatch for dispatch in dispatches if not dispatch.approved.results]
    assert all(dispatch.approved.order_id in opened and dispatch.plans[0].leg > 0 for dispatch in later)


def test_a_house_whose_gates_refuse_sends_nothing() -> None:
    run = Run(2, "calm")
    run.kernel.kill = KillLevel.PAUSE  # behind the engines' backs: they are not told that entries are refused
    run.until(10)
    assert sum(record.intents for record in run.kernel.records.values()) > 0
    assert [outcome for _, outcome in run.rows if outcome.dispatches] == []
    assert {gate for record in run.kernel.records.values() for gate in record.refused} == {"state"}
