"""From a foreign Parquet file to the columns of a kind: read, filter, rename, convert. Judges types, not values."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import polars as pl

from phantom_arbiter.storage.dataset_map import FACTORS, TIME_UNITS, Dataset
from phantom_arbiter.storage.schemas import POLARS_TYPES, Column, ColumnType, DataError, Kind

ROW: Final = "_row"
_MAGIC: Final = b"PAR1"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_INT64: Final = 2**63 - 1
_WIDER: Final[dict[ColumnType, tuple[type[pl.DataType], ...]]] = {
    ColumnType.TEXT: (pl.String, pl.Categorical, pl.Enum),
    ColumnType.BOOL: (pl.Boolean,),
}


def read_source(file: Path) -> pl.DataFrame:
    """The file's rows. Raises `DataError` where it is missing, cut short or not Parquet."""
    try:
        with file.open("rb") as stream:
            head = stream.read(4)
            stream.seek(-min(4, os.fstat(stream.fileno()).st_size), os.SEEK_END)
            tail = stream.read(4)
    except OSError as error:
        raise DataError(f"{file.name}: can't be read: {error.strerror}") from error
    if head != _MAGIC:
        raise DataError(f"{file.name}: starts with {head!r}, expected a Parquet file ({_MAGIC!r})")
    if tail != _MAGIC:
        raise DataError(f"{file.name}: ends with {tail!r}, expected {_MAGIC!r}: the Parquet file is truncated")
    try:
        return pl.read_parquet(file, glob=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataError(f"{file.name}: damaged Parquet file: {str(error).splitlines()[0]}") from error


def map_rows(source: pl.DataFrame, dataset: Dataset, kind: Kind, file: str) -> pl.DataFrame:
    """The rows that the dataset takes, in the file's order, as the kind's columns and their number, `ROW`."""
    rows = source.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias(ROW))
    for name, value in dataset.filters.items():
        _require(source, name, f"filter {name!r}", file)
        rows = rows.filter(_matches(source, name, value, file))
    mapped = rows.select(ROW, *(_column(source, column, dataset, file) for column in kind.columns))
    if dataset.since is not None:
        since_ns = (dataset.since - _EPOCH) // timedelta(microseconds=1) * 1000
        mapped = mapped.filter((pl.col("ts_ns") >= since_ns) | pl.col("ts_ns").is_null())
    if dataset.distinct:
        mapped = mapped.unique(dataset.distinct, keep="first", maintain_order=True)
    return mapped


def _require(source: pl.DataFrame, name: str, what: str, file: str) -> None:
    if name not in source.columns:
        raise DataError(f"{file}: {what}: no column {name!r}; the file has {', '.join(source.columns)}")


def _matches(source: pl.DataFrame, name: str, value: object, file: str) -> pl.Expr:
    dtype = source.schema[name]
    if isinstance(value, bool) != (dtype == pl.Boolean) or isinstance(value, str) != (dtype == pl.String):
        raise DataError(f"{file}: filter {name!r}: got {value!r}, expected a value for a column of {dtype}")
    return pl.col(name).str.contains(_whole(value)) if isinstance(value, str) else pl.col(name).eq(value)


def _whole(pattern: str) -> str:
    return f"^(?:{pattern})$"


def _column(source: pl.DataFrame, column: Column, dataset: Dataset, file: str) -> pl.Expr:
    name, target = column.name, POLARS_TYPES[column.type]
    if name in dataset.constants:
        return pl.lit(dataset.constants[name], dtype=target).alias(name)
    theirs = dataset.columns.get(name, name)
    if column.nullable and name not in dataset.columns and theirs not in source.columns:
        return pl.lit(None, dtype=target).alias(name)
    _require(source, theirs, f"column {name!r} of a {dataset.kind}", file)
    dtype, values = source.schema[theirs], pl.col(theirs)
    if name == "ts_ns":
        return _time(values, dtype, dataset, f"{file}: column {theirs!r}").alias(name)
    if name in dataset.rename:
        values, dtype = _rename(values, dataset.rename[name]), pl.String()
    if not _readable(dtype, column.type, renamed=name in dataset.rename):
        raise DataError(f"{file}: column {theirs!r}: holds {dtype}, expected {column.type} for {name!r}")
    factor = FACTORS.get(dataset.units.get(name, ""), 1.0) * dataset.scale.get(name, 1.0)
    values = values.cast(target, strict=False)
    return (values if factor == 1.0 else values * factor).alias(name)


def _readable(dtype: pl.DataType, column_type: ColumnType, *, renamed: bool) -> bool:
    if column_type is ColumnType.FLOAT:
        return dtype.is_numeric() or renamed
    if column_type is ColumnType.INT:
        return dtype.is_integer() or renamed
    return isinstance(dtype, _WIDER[column_type])


def _rename(values: pl.Expr, table: dict[str, str]) -> pl.Expr:
    text = values.cast(pl.String)
    renamed = pl.lit(None, dtype=pl.String)
    for pattern, replacement in reversed(table.items()):
        whole = _whole(pattern)
        new = text.str.replace(whole, replacement) if replacement else pl.lit(None, dtype=pl.String)
        renamed = pl.when(text.str.contains(whole)).then(new).otherwise(renamed)
    return renamed


def _time(values: pl.Expr, dtype: pl.DataType, dataset: Dataset, where: str) -> pl.Expr:
    unit = dataset.units.get("ts_ns", "datetime")
    if unit == "datetime" and isinstance(dtype, pl.Datetime):
        ns = values.dt.epoch("ns")
    elif unit != "datetime" and dtype.is_integer():
        limit = _MAX_INT64 // TIME_UNITS[unit]
        wide = values.cast(pl.Int64, strict=False)
        ns = pl.when(wide.abs() <= limit).then(wide * TIME_UNITS[unit]).otherwise(-1)
    else:
        wanted = "a datetime" if unit == "datetime" else f"an integer number of {unit}"
        raise DataError(f"{where}: holds {dtype}, expected {wanted} for 'ts_ns' (units says {unit})")
    return ns + dataset.shift_ns
