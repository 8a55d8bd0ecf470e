"""RecordedMarket over the real folder."""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from phantom_arbiter.app.recorded import RecordedMarket
from phantom_arbiter.core.events import PoolUpdated, Quoted
from phantom_arbiter.storage.catalogue import Catalogue
from phantom_arbiter.storage.dataset_map import load_map
from phantom_arbiter.storage.importer import open_folder
from tests.unit.app.recording import drain, of

CHECKOUT = Path(__file__).resolve().parents[3]
DATA = Path(os.environ.get("PHANTOM_DATA_DIR", CHECKOUT.parent / "shared" / "data"))

pytestmark = pytest.mark.realdata


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    if not DATA.is_dir():
        pytest.skip(f"no market data: {DATA} is absent (PHANTOM_DATA_DIR names the folder)")
    return open_folder(DATA, load_map(CHECKOUT / "benchmarks" / "datasets.toml"), tmp_path_factory.mktemp("real"))[0]


def open_span(catalogue: Catalogue, first: str, last: str) -> RecordedMarket:
    days = (datetime.fromisoformat(day).replace(tzinfo=UTC) for day in (first, last))
    return RecordedMarket.open(catalogue, *(int(day.timestamp()) * 10**9 for day in days))


def test_two_days_of_april_2025_have_all_that_funding_lst_and_scalp_need(catalogue: Catalogue) -> None:
    market = open_span(catalogue, "2025-04-14", "2025-04-16")
    kinds = Counter(type(arrival.body).__name__ for arrival in drain(market))
    bars = 2 * 288
    assert kinds["OraclePosted"] == 3 * bars
    assert kinds["Quoted"] == 23 * bars + 2 * bars + 2 * 288  # spots, perps, BNSOL in SOL
    assert kinds["FundingPosted"] == kinds["PerpStatsRead"] == 2 * 48
    assert kinds["TokenAudited"] == 2 * 17
    assert kinds["StakePoolRead"] == 5 * (48 + 1)
    assert market.refused_rows == 0
    assert not market.scope.twap_is_price


def test_a_month_of_pool_states_gives_arb_its_pools_and_lst_its_ratios(catalogue: Catalogue) -> None:
    market = open_span(catalogue, "2024-04-21", "2024-05-21")
    told = drain(market)
    assert len(of(told, PoolUpdated)) == 13_240
    assert len(of(told, Quoted, "mSOL/SOL")) == 872
    prices = [market.universe.instruments["SOL/USDC"].price(quote.bid_px) for _, quote in of(told, Quoted, "SOL/USDC")]
    assert 120.0 < min(prices) < max(prices) < 200.0
    assert market.refused_rows == 0


def test_where_only_funding_was_recorded_its_twap_is_the_price(catalogue: Catalogue) -> None:
    market = open_span(catalogue, "2025-08-01", "2025-08-03")
    kinds = Counter(type(arrival.body).__name__ for arrival in drain(market))
    assert kinds["OraclePosted"] == kinds["FundingPosted"] == 2 * 48
    assert market.scope.twap_is_price
