"""Small foreign files for the storage tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from phantom_arbiter.storage.dataset_map import Dataset
from phantom_arbiter.storage.importer import import_file
from phantom_arbiter.storage.reports import ImportReport


class Foreign:
    """A folder of foreign files, and a catalogue beside it."""

    START = datetime(2025, 4, 14, tzinfo=UTC)
    START_NS = int(START.timestamp()) * 10**9
    MINUTE_NS = 60 * 10**9
    HOUR_NS = 3_600 * 10**9

    def __init__(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "foreign"
        self.root = tmp_path / "catalogue"
        self.folder.mkdir()

    def times(self, count: int, step: timedelta = timedelta(minutes=5), skip: int = 0) -> pl.Series:
        return pl.Series("ts", [self.START + step * (skip + index) for index in range(count)], pl.Datetime("ms", "UTC"))

    def candles(self, count: int = 40, symbol: str = "SOLUSDT", skip: int = 0) -> pl.DataFrame:
        """Sound 5-minute bars as an exchange's file has them."""
        close = [100.0 + index % 7 for index in range(count)]
        rows = {"symbol": [symbol] * count, "open": close, "high": [price + 1 for price in close]}
        rows |= {"low": [price - 1 for price in close], "close": close, "volume": [1.5] * count}
        return pl.DataFrame(rows).insert_column(1, self.times(count, skip=skip))

    def candle_map(self, path: str = "candles.parquet", **changes: Any) -> Dataset:
        """The map of `candles`."""
        fields: dict[str, Any] = {
            "path": path,
            "kind": "candle",
            "columns": {"instrument": "symbol", "ts_ns": "ts", "volume_base": "volume"},
            "constants": {"venue": "binance", "interval_ns": 5 * self.MINUTE_NS},
            "rename": {"instrument": {"(.+)USDT": "${1}/USDT"}},
        }
        return Dataset(**(fields | changes))

    def funding(self, count: int = 48, factor: float = 1.0) -> pl.DataFrame:
        """Hourly funding by Drift's formula; ``factor`` 100 makes it percent."""
        oracle = [130.0 + index % 5 for index in range(count)]
        mark = [price * 0.9995 for price in oracle]
        rate = [factor * (m - o + o / 5000) / 24 for m, o in zip(mark, oracle, strict=True)]
        rows = {"rate_quote_per_base": rate, "oracle_twap": oracle, "mark_twap": mark}
        return pl.DataFrame(rows).insert_column(0, self.times(count, timedelta(hours=1)))

    def funding_map(self) -> Dataset:
        constants = {"instrument": "SOL-PERP", "venue": "drift", "interval_ns": self.HOUR_NS}
        return Dataset(path="funding.parquet", kind="funding", columns={"ts_ns": "ts"}, constants=constants)

    def save(self, rows: pl.DataFrame, name: str = "candles.parquet") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rows.write_parquet(path)
        return path

    def bring(self, rows: pl.DataFrame, dataset: Dataset | None = None) -> ImportReport:
        """Save the rows and import them, as candles unless the dataset says otherwise."""
        dataset = dataset or self.candle_map()
        return import_file(self.root, self.save(rows, dataset.path), dataset)

    def content(self) -> dict[str, bytes]:
        """Every file of the catalogue but the lock."""
        files = (path for path in self.root.rglob("*") if path.is_file() and path.name != ".lock")
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in files}

    @staticmethod
    def with_value(rows: pl.DataFrame, row: int, **values: Any) -> pl.DataFrame:
        """``rows`` with some values of one row replaced."""
        here = pl.int_range(pl.len()) == row
        return rows.with_columns(
            pl.when(here).then(pl.lit(value, dtype=rows.schema[name])).otherwise(pl.col(name)).alias(name)
            for name, value in values.items()
        )


@pytest.fixture
def foreign(tmp_path: Path) -> Foreign:
    return Foreign(tmp_path)
