"""The ledger against the venue, hour by hour: nothing is lost, made up, or counted twice."""

from __future__ import annotations

import os

import pytest

from phantom_arbiter.core.commands import ENGINE_IDS
from phantom_arbiter.core.ledger import HELD_ACCOUNTS, Account
from phantom_arbiter.sim.market.universe import PERP_VENUE
from tests.simulation.runs import Run

HOURS = 2
SEEDS = max(1, int(os.environ.get("SIMULATION_SEEDS", "20")) // 20)
SCENARIOS = ["calm", "volatile", "flash-crash", "funding-flip", "venue-pause", "rug"]
AFTER_S = 10
"""Past the hour, so that its settlements have been told."""


def check_ledger(run: Run) -> None:
    vault, sums = run.vault, dict[str, int]()
    for row in vault.balances():
        sums[row.asset] = sums.get(row.asset, 0) + row.atoms
        if Account(row.owner, row.bucket) in HELD_ACCOUNTS:
            assert row.atoms >= 0, row
    assert set(sums.values()) <= {0}, "the postings of every asset sum to zero"


def check_venue(run: Run) -> int:
    """Collateral and perps, of every engine with no report under way; returns the USDC that was compared."""
    compared = 0
    for engine in ENGINE_IDS:
        desk = run.kernel.desks[engine]
        if desk.orders:
            continue
        collateral = run.driver.collateral_atoms(engine, PERP_VENUE, "USDC")
        assert desk.book.collateral_atoms(PERP_VENUE, "USDC") == collateral
        for instrument in run.kernel.universe.instruments:
            assert desk.book.perp_base_atoms(instrument) == run.driver.base_atoms(engine, PERP_VENUE, instrument)
        compared += collateral
    return compared


def check_positions(run: Run) -> None:
    """What the ledger calls deployed is collateral and lots, to the atom."""
    for engine in ENGINE_IDS:
        book, known = run.kernel.desks[engine].book, dict[str, int]()
        for key, atoms in book.collateral.items():
            asset = key.partition(":")[2]
            known[asset] = known.get(asset, 0) + atoms
        for lot in book.lots.values():
            known[lot.asset] = known.get(lot.asset, 0) + lot.atoms
        held = {asset: run.vault.deployed(engine, asset) for asset in {*known, *run.vault.engine_assets(engine)}}
        reserved = {r.asset for r in run.vault.reservations() if r.engine == engine and r.source == "deployed"}
        assert {a: n for a, n in held.items() if n and a not in reserved} == {
            a: n for a, n in known.items() if n and a not in reserved
        }


def check_profit(run: Run) -> None:
    for engine in ENGINE_IDS:
        accounting, book = run.kernel.accounting, run.kernel.desks[engine].book
        causes, equity = accounting.pnl_by_cause_micros(engine), accounting.own_equity_micros(engine)
        assert equity is not None
        assert sum(causes.values()) == equity - book.funded_micros


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("seed", range(11, 11 + SEEDS))
def test_books_and_venue_agree_every_hour(seed: int, scenario: str) -> None:
    run, compared = Run(seed, scenario), 0
    for hour in range(1, HOURS + 1):
        run.until(hour * 60 + AFTER_S / 60)
        check_ledger(run)
        check_positions(run)
        check_profit(run)
        compared += check_venue(run)
    assert compared > 0, "a perp account was open, and compared"
    assert run.kernel.stray_reports == 0
