"""Reading a catalogue: order, spans, batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from phantom_arbiter.storage.catalogue import MANIFEST, Catalogue, staging
from phantom_arbiter.storage.schemas import KINDS, DataError, kind_named


@pytest.fixture
def catalogue(foreign: Any) -> Catalogue:
    """Three files whose times interleave: SOL and BONK together, WIF and PYTH apart, PYTH later."""
    both = pl.concat([foreign.candles(60), foreign.candles(60, "BONKUSDT")])
    foreign.bring(both, foreign.candle_map("both.parquet"))
    foreign.bring(foreign.candles(60, "WIFUSDT"), foreign.candle_map("wif.parquet"))
    foreign.bring(foreign.candles(60, "PYTHUSDT", skip=50), foreign.candle_map("pyth.parquet"))
    return Catalogue.open(foreign.root)


def test_series_are_in_order_of_time_then_instrument(catalogue: Catalogue) -> None:
    rows = catalogue.series("candle").collect()
    assert rows.height == 240
    keys = list(rows.select("ts_ns", "instrument").iter_rows())
    assert keys == sorted(keys)


@pytest.mark.parametrize("batch_rows", [1, 7, 64, 10_000])
@pytest.mark.parametrize("instruments", [None, ["SOL/USDT", "PYTH/USDT"], ["absent"]])
@pytest.mark.parametrize("span", [(None, None), (10, None), (None, 55), (10, 55), (200, None), (30, 30)])
def test_batches_are_the_series(
    catalogue: Catalogue,
    foreign: Any,
    batch_rows: int,
    instruments: list[str] | None,
    span: tuple[int | None, int | None],
) -> None:
    start, end = (None if at is None else foreign.START_NS + at * 5 * foreign.MINUTE_NS for at in span)
    batches = list(
        catalogue.batches("candle", instruments=instruments, start_ns=start, end_ns=end, batch_rows=batch_rows)
    )
    series = catalogue.series("candle", instruments=instruments, start_ns=start, end_ns=end).collect()
    assert all(0 < batch.height <= 3 * max(batch_rows, 2) for batch in batches)
    assert pl.concat([series.clear(), *batches]).equals(series)
    if start is not None and end is not None and series.height:
        assert start <= series["ts_ns"][0] <= series["ts_ns"][-1] < end


def test_instruments_and_entries(catalogue: Catalogue, foreign: Any) -> None:
    assert catalogue.instruments("candle") == ("BONK/USDT", "PYTH/USDT", "SOL/USDT", "WIF/USDT")
    late = foreign.START_NS + 70 * 5 * foreign.MINUTE_NS
    assert [entry.name for entry in catalogue.entries("candle", start_ns=late)] == ["pyth"]
    assert [entry.name for entry in catalogue.entries("candle", instruments=["WIF/USDT"])] == ["wif"]


def test_a_kind_without_data_is_empty_and_an_unknown_one_an_error(catalogue: Catalogue) -> None:
    assert catalogue.series("swap").collect().schema == KINDS["swap"].polars_schema
    assert list(catalogue.batches("swap")) == []
    with pytest.raises(DataError, match=r"kind: unknown name 'candel'; did you mean 'candle'\?"):
        catalogue.series("candel")


def test_what_is_no_catalogue_is_refused(tmp_path: Path, catalogue: Catalogue) -> None:
    with pytest.raises(DataError, match=r"no manifest\.json, expected a catalogue"):
        Catalogue.open(tmp_path / "absent")
    (catalogue.root / catalogue.manifest.datasets[0].file).unlink()
    with pytest.raises(DataError, match="the manifest lists candle/both"):
        Catalogue.open(catalogue.root)
    (catalogue.root / MANIFEST).write_text('{"schema_version":')
    with pytest.raises(DataError, match=r"manifest\.json can't be read"):
        Catalogue.open(catalogue.root)
    (catalogue.root / MANIFEST).write_text('{"schema_version": 99, "datasets": []}')
    with pytest.raises(DataError, match="schema_version: got 99"):
        Catalogue.open(catalogue.root)


def test_a_folder_of_somebody_else_is_left_alone(foreign: Any) -> None:
    file = foreign.save(foreign.candles(), "candle/mine.parquet")
    with pytest.raises(DataError, match=r"has files but no manifest\.json"), staging(foreign.folder):
        pass
    assert file.exists()


def test_one_import_at_a_time(tmp_path: Path) -> None:
    with staging(tmp_path), pytest.raises(DataError, match="another import"), staging(tmp_path):
        pass


def test_every_kind_names_its_keys_among_its_columns() -> None:
    for name, kind in KINDS.items():
        assert kind_named(name) is kind
        assert {"instrument", "ts_ns"} <= set(kind.column_names)
        assert {*kind.series, *kind.unique} <= set(kind.column_names)
        assert kind.step in {"", *kind.column_names}
