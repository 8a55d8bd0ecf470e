"""From a file's columns to the catalogue's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from phantom_arbiter.storage.catalogue import Catalogue
from phantom_arbiter.storage.importer import import_file
from phantom_arbiter.storage.schemas import CANDLE, DataError


def kept(foreign: Any, kind: str = "candle") -> pl.DataFrame:
    rows = Catalogue.open(foreign.root).series(kind).collect()
    assert isinstance(rows, pl.DataFrame)
    return rows


def test_columns_constants_and_names_become_the_kinds_schema(foreign: Any) -> None:
    foreign.bring(foreign.candles())
    rows = kept(foreign)
    assert rows.schema == CANDLE.polars_schema
    assert rows.row(1, named=True) == {
        "instrument": "SOL/USDT",
        "venue": "binance",
        "ts_ns": foreign.START_NS + 5 * foreign.MINUTE_NS,
        "interval_ns": 5 * foreign.MINUTE_NS,
        "open": 101.0,
        "high": 102.0,
        "low": 100.0,
        "close": 101.0,
        "volume_base": 1.5,
    }


def test_a_missing_column_is_named_with_those_there(foreign: Any) -> None:
    expected = (
        r"candles\.parquet: column 'low' of a candle: no column 'low'; the file has symbol, ts, open, high, close"
    )
    with pytest.raises(DataError, match=expected):
        foreign.bring(foreign.candles().drop("low"))


def test_a_mapped_optional_column_has_to_be_there(foreign: Any) -> None:
    with pytest.raises(DataError, match="column 'volume_base' of a candle: no column 'volume'"):
        foreign.bring(foreign.candles().drop("volume"))
    columns = {"instrument": "symbol", "ts_ns": "ts"}
    foreign.bring(foreign.candles().drop("volume"), foreign.candle_map(columns=columns))
    assert kept(foreign)["volume_base"].null_count() == 40


def test_a_column_of_another_type_is_refused(foreign: Any) -> None:
    rows = foreign.candles().with_columns(pl.col("high").cast(pl.String))
    with pytest.raises(DataError, match="column 'high': holds String, expected float64 for 'high'"):
        foreign.bring(rows)


def test_numbers_are_no_datetimes(foreign: Any) -> None:
    rows = foreign.candles().with_columns(pl.col("ts").dt.epoch("ms"))
    with pytest.raises(DataError, match=r"column 'ts': holds Int64, expected a datetime for 'ts_ns'"):
        foreign.bring(rows)
    foreign.bring(rows, foreign.candle_map(units={"ts_ns": "ms"}))
    assert kept(foreign)["ts_ns"][0] == foreign.START_NS


def test_filters_since_and_distinct_leave_rows_out_without_calling_them_bad(foreign: Any) -> None:
    rows = pl.concat([foreign.candles(), foreign.candles(), foreign.candles(symbol="ETHBTC")])
    since = foreign.START + timedelta(hours=1)
    dataset = foreign.candle_map(filters={"symbol": ".+USDT"}, since=since, distinct=("instrument", "ts_ns"))
    report = foreign.bring(rows, dataset)
    assert (report.rows_read, report.rows_filtered, report.rows_bad, report.rows) == (120, 92, 0, 28)
    assert report.first_ts_ns == foreign.START_NS + foreign.HOUR_NS


def test_a_filter_takes_rows_of_a_boolean(foreign: Any) -> None:
    rows = foreign.candles().with_columns((pl.int_range(pl.len()) % 2 == 0).alias("clean"))
    assert foreign.bring(rows, foreign.candle_map(filters={"clean": True})).rows == 20
    with pytest.raises(DataError, match="filter 'clean': got 'yes', expected a value for a column of Boolean"):
        foreign.bring(rows, foreign.candle_map(filters={"clean": "yes"}))


def test_scale_unit_and_shift(foreign: Any) -> None:
    scale = dict.fromkeys(("open", "high", "low", "close"), 0.001)
    dataset = foreign.candle_map(scale=scale, units={"volume_base": "percent_to_fraction"}, shift_ns=7)
    foreign.bring(foreign.candles(), dataset)
    first = kept(foreign).row(0, named=True)
    assert (first["close"], first["volume_base"]) == (pytest.approx(0.1), pytest.approx(0.015))
    assert first["ts_ns"] == foreign.START_NS + 7


def test_a_truncated_file_is_refused_and_nothing_enters(foreign: Any) -> None:
    file = foreign.save(foreign.candles())
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(DataError, match=r"candles\.parquet: ends with .*: the Parquet file is truncated"):
        import_file(foreign.root, file, foreign.candle_map())
    assert Catalogue.open(foreign.root).manifest.datasets == ()


@pytest.mark.parametrize("data", [b"", b"PAR1", b"ts,open\n1,2\n"])
def test_a_file_that_is_not_parquet_is_refused(foreign: Any, data: bytes) -> None:
    file = foreign.folder / "candles.parquet"
    file.write_bytes(data)
    with pytest.raises(DataError, match=r"^candles\.parquet: .*Parquet"):
        import_file(foreign.root, file, foreign.candle_map())


def test_a_damaged_footer_is_refused(foreign: Any) -> None:
    file = foreign.save(foreign.candles())
    data = bytearray(file.read_bytes())
    half = len(data) // 2
    data[half:-8] = bytes(len(data) - 8 - half)
    file.write_bytes(data)
    with pytest.raises(DataError, match=r"^candles\.parquet: damaged Parquet file"):
        import_file(foreign.root, file, foreign.candle_map())


def test_a_file_that_is_not_there_is_refused(foreign: Any) -> None:
    with pytest.raises(DataError, match=r"^absent\.parquet: can't be read"):
        import_file(foreign.root, foreign.folder / "absent.parquet", foreign.candle_map())
