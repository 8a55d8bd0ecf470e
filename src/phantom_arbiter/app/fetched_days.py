"""Funding fetched day by day: each day a file of its own, whole or absent, and all of them as one data set.

The data set has the columns of the recorded Drift history, so that one map reads both: ``ts`` (settlement, UTC),
``funding_rate_quote_per_base``, ``oracle_price_twap``, ``mark_price_twap`` (null where a venue does not tell them) and
``funding_rate_frac_1h`` (of the notional; positive: longs pay shorts).
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Final

import polars as pl

from phantom_arbiter.core.units import NS_PER_HOUR
from phantom_arbiter.storage.dataset_map import Dataset
from phantom_arbiter.storage.errors import InUseError
from phantom_arbiter.storage.mapping import read_source
from phantom_arbiter.storage.schemas import DataError
from phantom_arbiter.venues.history import FundingRow

HIDDEN: Final = ".fetched"
_SCHEMA: Final = {
    "ts": pl.Datetime("ms", "UTC"),
    "funding_rate_quote_per_base": pl.Float64(),
    "oracle_price_twap": pl.Float64(),
    "mark_price_twap": pl.Float64(),
    "funding_rate_frac_1h": pl.Float64(),
}
_COLUMNS: Final = {
    "ts_ns": "ts",
    "rate_quote_per_base": "funding_rate_quote_per_base",
    "rate_fraction": "funding_rate_frac_1h",
    "oracle_twap": "oracle_price_twap",
    "mark_twap": "mark_price_twap",
}
_CATALOGUE_VENUES: Final = {"drift-v2": "drift"}
"""The catalogue's name of a venue, where recorded data had one before."""

_NS_PER_MS: Final = 1_000_000


class FetchedDays:
    """The days of one market, in a folder that only one fetch at a time may hold."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder, and sweep away what a killed fetch left half-written. Raises `InUseError`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise InUseError(f"{self.folder.name}: another fetch of this market is running") from error
            for path in self.folder.glob("*.half"):
                path.unlink()
            yield

    def whole(self) -> set[date]:
        """The days that need not be asked for again."""
        days = set()
        for path in self.folder.glob("*.parquet"):
            with suppress(ValueError):
                days.add(date.fromisoformat(path.stem))
        return days

    def keep(self, day: date, rows: Sequence[FundingRow], *, whole: bool) -> None:
        """Keep a day; one that is not ``whole`` is kept too, and asked for again."""
        still_open = self.folder / f"{day}.open.parquet"
        write_whole(_frame(rows), self.folder / f"{day}.parquet" if whole else still_open)
        if whole:
            still_open.unlink(missing_ok=True)

    def assembled(self) -> pl.DataFrame:
        """All days kept, by time. Raises `DataError` naming the file that can't be read."""
        frames = [read_source(path) for path in sorted(self.folder.glob("*.parquet"))]
        for path, frame in zip(sorted(self.folder.glob("*.parquet")), frames, strict=True):
            if dict(frame.schema) != _SCHEMA:
                raise DataError(f"{path.name}: has columns {frame.columns}, expected {list(_SCHEMA)}: remove it")
        rows = pl.concat(frames) if frames else pl.DataFrame(schema=_SCHEMA)
        return rows.unique("ts", keep="first", maintain_order=True).sort("ts")


def write_whole(rows: pl.DataFrame, path: Path) -> None:
    """Write a Parquet file that is there whole or not at all."""
    half = path.with_name(f"{path.name}.half")
    rows.write_parquet(half, compression="zstd")
    for name in (half, path.parent):
        handle = os.open(name, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        if name is half:
            half.replace(path)


def dataset_of(venue: str, market: str, file: Path) -> Dataset:
    """How a fetched file enters a catalogue."""
    return Dataset(
        path=file.name,
        kind="funding",
        name=f"fetched__{venue}__{market}",
        columns=_COLUMNS,
        constants={
            "instrument": market,
            "venue": _CATALOGUE_VENUES.get(venue, venue),
            "interval_ns": NS_PER_HOUR,
        },
    )


def _frame(rows: Sequence[FundingRow]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "ts": [row.ts_ns // _NS_PER_MS for row in rows],
            "funding_rate_quote_per_base": [row.rate_quote_per_base for row in rows],
            "oracle_price_twap": [row.oracle_twap for row in rows],
            "mark_price_twap": [row.mark_twap for row in rows],
            "funding_rate_frac_1h": [row.rate_fraction for row in rows],
        },
        schema=_SCHEMA,
    )
