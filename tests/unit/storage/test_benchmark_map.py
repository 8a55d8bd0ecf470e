"""The map of the real data, against the real data."""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from phantom_arbiter.storage.catalogue import Catalogue
from phantom_arbiter.storage.dataset_map import load_map
from phantom_arbiter.storage.importer import open_folder
from phantom_arbiter.storage.reports import FolderReport

CHECKOUT = Path(__file__).resolve().parents[3]
MAP = CHECKOUT / "benchmarks" / "datasets.toml"
DATA = Path(os.environ.get("PHANTOM_DATA_DIR", CHECKOUT.parent / "shared" / "data"))
HOUR_NS = 3_600 * 10**9
LEFT_OUT = {
    "lst_stake_pool_rates/rates_per_epoch_named.parquet": "rate below one before it",
    "solana_cross_dex/pool_states.parquet": "repeats a row",
}


def test_the_map_is_sound_and_covers_what_the_engines_replay() -> None:
    kinds = {dataset.kind for dataset in load_map(MAP).datasets}
    expected = {"candle", "funding", "lending_rate", "stake_rate", "lst_ratio", "pool_state", "arb_episode", "swap"}
    assert kinds == {*expected, "quote"}


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> tuple[Catalogue, FolderReport]:
    if not DATA.is_dir():
        pytest.skip(f"no market data: {DATA} is absent (PHANTOM_DATA_DIR names the folder)")
    return open_folder(DATA, load_map(MAP), tmp_path_factory.mktemp("catalogue"))


@pytest.mark.realdata
def test_the_real_folder_is_imported_whole(real: tuple[Catalogue, FolderReport]) -> None:
    _, folder = real
    absent = {dataset.path for dataset in load_map(MAP).datasets if not (DATA / dataset.path).is_file()}
    assert set(folder.skipped) == absent
    for report in folder.imported:
        source = pl.scan_parquet(DATA / report.source).select(pl.len()).collect().item()
        assert report.rows_read == source
        assert report.rows == source - report.rows_filtered - report.rows_bad > 0
        assert {bad.reason for bad in report.bad} <= {LEFT_OUT.get(report.source)}


@pytest.mark.realdata
def test_the_filters_take_what_the_sources_say(real: tuple[Catalogue, FolderReport]) -> None:
    rows = {report.source: report.rows for report in real[1].imported}
    swaps = pl.read_parquet(DATA / "pumpfun_launches/swaps_first_300s.parquet")
    assert rows["pumpfun_launches/swaps_first_300s.parquet"] == swaps["clean"].sum()
    arb = pl.read_parquet(DATA / "solana_cross_dex/arb_opportunities.parquet")
    same_base = arb.filter(pl.col("sell_lp").str.contains(r"\(SOL-"))
    assert rows["solana_cross_dex/arb_opportunities.parquet"] == same_base.n_unique(("slot", "buy_pool", "sell_pool"))


@pytest.mark.realdata
def test_drift_funding_obeys_its_formula_in_the_catalogue(real: tuple[Catalogue, FolderReport]) -> None:
    rows = real[0].series("funding").filter(pl.col("venue") == "drift").collect()
    oracle = pl.col("oracle_twap")
    implied = (pl.col("mark_twap") - oracle + oracle / 5000) / 24
    assert rows.select((pl.col("rate_quote_per_base") - implied).abs().max()).item() < 1e-6
    assert rows.select((pl.col("rate_fraction") * oracle - pl.col("rate_quote_per_base")).abs().max()).item() < 1e-9


@pytest.mark.realdata
def test_a_market_ratio_is_known_only_when_its_bars_have_closed(real: tuple[Catalogue, FolderReport]) -> None:
    catalogue = real[0]
    bars = catalogue.series("candle", instruments=["BNSOL/USDT", "SOL/USDT"])
    bars = bars.filter(pl.col("interval_ns") == HOUR_NS // 12, pl.col("venue") == "binance")
    known = bars.with_columns(pl.col("ts_ns") + pl.col("interval_ns"))
    bnsol, sol = (known.filter(pl.col("instrument") == name) for name in ("BNSOL/USDT", "SOL/USDT"))
    ratio = bnsol.join(sol, on="ts_ns", suffix="_sol").select("ts_ns", market=pl.col("close") / pl.col("close_sol"))
    both = catalogue.series("lst_ratio", instruments=["BNSOL"]).join(ratio, on="ts_ns").collect()
    assert both.height > 1_000
    assert both.select((pl.col("ratio") / pl.col("market") - 1).abs().max()).item() < 1e-12
