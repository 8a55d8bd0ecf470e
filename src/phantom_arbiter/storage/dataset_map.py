"""The map from foreign Parquet files to the catalogue's kinds, written in TOML.

A map has tables of names and a list of datasets::

    [names.binance_spot]
    '(.+)USDT' = '${1}/USDT'

    [[dataset]]
    path = "binance_spot_5m/majors_5m.parquet"
    kind = "candle"
    columns = { instrument = "symbol", ts_ns = "ts", volume_base = "volume" }
    constants = { venue = "binance", interval_ns = 300_000_000_000 }
    rename = { instrument = "binance_spot" }

The keys of ``columns``, ``constants``, ``units``, ``scale`` and ``rename`` are the catalogue's columns; those of
``filters`` are the file's. A column of the same name on both sides need not be mapped.
"""

from __future__ import annotations

import re
import tomllib
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from phantom_arbiter.storage.schemas import ColumnType, DataError, Kind, kind_named, known_name

Scalar = str | int | float | bool
TIME_UNITS: Final[dict[str, int]] = {"datetime": 1, "s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
FACTORS: Final[dict[str, float]] = {"percent_to_fraction": 1e-2, "bps_to_fraction": 1e-4}


class Dataset(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How one file, or the files that a glob names, become rows of a kind.

    - ``columns``: catalogue column -> file column. ``constants``: catalogue column -> value in every row.
    - ``units``: ``ts_ns`` -> datetime (the default), s, ms, us, ns; a float column -> percent_to_fraction or
      bps_to_fraction. ``scale``: a float column -> factor.
    - ``rename``: a text column -> {regular expression of the whole value: replacement}, the first that matches; the
      replacement knows ``${1}``, an empty one gives null, a value that none matches is a bad row.
    - ``filters``: file column -> the value that a row must have to be taken (a text is a regular expression of the
      whole value). ``since``: rows before are left out. ``distinct``: of rows alike in these catalogue columns only
      the first is taken.
    - ``shift_ns``: added to the time, where the file gives the start of the interval that a value sums up.
    - ``name``: the dataset's name in the catalogue; by default its path.
    """

    path: str
    kind: str
    name: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    constants: dict[str, Scalar] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    scale: dict[str, float] = field(default_factory=dict)
    rename: dict[str, dict[str, str]] = field(default_factory=dict)
    filters: dict[str, Scalar] = field(default_factory=dict)
    distinct: tuple[str, ...] = ()
    since: datetime | None = None
    shift_ns: int = 0


class DatasetMap(Struct, frozen=True):
    """The datasets of a folder, in order, their renames filled in."""

    datasets: tuple[Dataset, ...]


def load_map(path: Path) -> DatasetMap:
    """Read a map. Raises `DataError` naming the file, the key and what was expected; an unknown key is an error."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(f"{path.name}: not a readable TOML file: {error}") from error
    try:
        return parse_map(raw)
    except DataError as error:
        raise DataError(f"{path.name}: {error}") from error


def parse_map(raw: dict[str, Any]) -> DatasetMap:
    """The map that a parsed TOML document holds; errors as `load_map`'s."""
    for key in raw:
        known_name(key, ("names", "dataset"), "map")
    names, entries = raw.get("names", {}), raw.get("dataset", [])
    if not isinstance(names, dict) or not isinstance(entries, list) or not entries:
        raise DataError("map: expected a list [[dataset]] with at least one entry, and tables [names.*]")
    return DatasetMap(tuple(_dataset(entry, names, number) for number, entry in enumerate(entries)))


def _dataset(entry: object, names: dict[str, Any], number: int) -> Dataset:
    if not isinstance(entry, dict):
        raise DataError(f"dataset[{number}]: got {entry!r}, expected a table")
    where = f"dataset[{number}] ({entry.get('path', 'no path')})"
    for key in entry:
        known_name(key, Dataset.__struct_fields__, where)
    renames = {}
    for column, table in dict(entry.get("rename", {})).items():
        renames[column] = names[known_name(table, names, f"{where}: names")] if isinstance(table, str) else table
    try:
        dataset = msgspec.convert(entry | {"rename": renames}, Dataset)
    except msgspec.ValidationError as error:
        raise DataError(f"{where}: {error}") from error
    check_dataset(dataset, where)
    return dataset


def check_dataset(dataset: Dataset, where: str) -> Kind:
    """Refuse a dataset that names what doesn't exist, by a `DataError` that begins with ``where``; gives its kind."""
    path = PurePosixPath(dataset.path)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise DataError(f"{where}: path: got {dataset.path!r}, expected a path inside the folder")
    try:
        kind = kind_named(dataset.kind)
    except DataError as error:
        raise DataError(f"{where}: {error}") from error
    types = {column.name: column.type for column in kind.columns}
    for key in ("columns", "constants", "units", "scale", "rename", "distinct"):
        for name in getattr(dataset, key):
            known_name(name, types, f"{where}: {key} of a {kind.name}")
    _check_conversions(dataset, types, where)
    return kind


def _check_conversions(dataset: Dataset, types: dict[str, ColumnType], where: str) -> None:
    for name, unit in dataset.units.items():
        if name == "ts_ns":
            known_name(unit, TIME_UNITS, f"{where}: unit of ts_ns")
        else:
            _check_float(name, types, f"{where}: units")
            known_name(unit, FACTORS, f"{where}: unit of {name}")
    for name in dataset.scale:
        _check_float(name, types, f"{where}: scale")
    for name, table in dataset.rename.items():
        for pattern in table:
            _check_pattern(pattern, f"{where}: rename of {name}")
    for name, value in dataset.filters.items():
        if isinstance(value, str):
            _check_pattern(value, f"{where}: filter of {name}")
    for name, value in dataset.constants.items():
        if not _fits(value, types[name]):
            raise DataError(f"{where}: constant {name!r}: got {value!r}, expected a {types[name]}")
    if dataset.since is not None and dataset.since.tzinfo is None:
        raise DataError(f"{where}: since: got {dataset.since}, expected a time with its zone, such as ...T00:00:00Z")


def _check_float(name: str, types: dict[str, ColumnType], where: str) -> None:
    if types[name] is not ColumnType.FLOAT:
        raise DataError(f"{where}: {name!r} is a {types[name]}, expected a float column")


def _check_pattern(pattern: str, where: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise DataError(f"{where}: got {pattern!r}, expected a regular expression: {error}") from error


def _fits(value: Scalar, column_type: ColumnType) -> bool:
    if isinstance(value, bool) or column_type is ColumnType.BOOL:
        return isinstance(value, bool) and column_type is ColumnType.BOOL
    if column_type is ColumnType.FLOAT:
        return isinstance(value, int | float)
    return isinstance(value, int if column_type is ColumnType.INT else str)
