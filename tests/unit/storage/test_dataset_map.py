"""Maps in TOML: what is refused, and with which words."""

from __future__ import annotations

from pathlib import Path

import pytest

from phantom_arbiter.storage.dataset_map import Dataset, load_map
from phantom_arbiter.storage.schemas import DataError

SOUND = """
[names.spot]
'(.+)USDT' = '${1}/USDT'

[[dataset]]
path = "candles.parquet"
kind = "candle"
columns = { ts_ns = "ts" }
rename = { instrument = "spot" }
"""


def load(tmp_path: Path, text: str) -> Dataset:
    path = tmp_path / "map.toml"
    path.write_text(text)
    (dataset,) = load_map(path).datasets
    return dataset


def test_names_are_filled_in(tmp_path: Path) -> None:
    dataset = load(tmp_path, SOUND)
    assert dataset.rename == {"instrument": {"(.+)USDT": "${1}/USDT"}}
    assert (dataset.path, dataset.kind, dataset.columns) == ("candles.parquet", "candle", {"ts_ns": "ts"})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "columns =",
            "colums =",
            r"dataset\[0\] \(candles\.parquet\): unknown name 'colums'; did you mean 'columns'\?",
        ),
        ("[[dataset]]", "[[datasets]]", r"map: unknown name 'datasets'; did you mean 'dataset'\?"),
        ('"candle"', '"candles"', r"kind: unknown name 'candles'; did you mean 'candle'\?"),
        ("ts_ns =", "ts =", r"columns of a candle: unknown name 'ts'; did you mean 'ts_ns'\?"),
        ('instrument = "spot"', 'instrument = "spots"', r"names: unknown name 'spots'; did you mean 'spot'\?"),
        ('kind = "candle"', "kind = 7", r"Expected `str`, got `int` - at `\$\.kind`"),
        ('path = "candles.parquet"\n', "", r"dataset\[0\] \(no path\): .*missing required field `path`"),
        ("candles.parquet", "../candles.parquet", "path: got '../candles.parquet', expected a path inside the folder"),
        ("candles.parquet", "/candles.parquet", "expected a path inside the folder"),
        ("columns = {", "units = { ts_ns = 'hours' }\ncolumns = {", "unit of ts_ns: unknown name 'hours'"),
        ("columns = {", "units = { open = 'percent' }\ncolumns = {", "did you mean 'percent_to_fraction'"),
        ("columns = {", "scale = { venue = 2.0 }\ncolumns = {", "'venue' is a string, expected a float column"),
        ("columns = {", "constants = { venue = 7 }\ncolumns = {", "constant 'venue': got 7, expected a string"),
        ("columns = {", "filters = { a = '(' }\ncolumns = {", r"filter of a: got '\(', expected a regular expression"),
        ("columns = {", "since = 2025-01-01T00:00:00\ncolumns = {", "expected a time with its zone"),
        ('kind = "candle"', 'kind = "candle', "map.toml: not a readable TOML file"),
    ],
)
def test_an_unsound_map_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in SOUND
    with pytest.raises(DataError, match=message):
        load(tmp_path, SOUND.replace(old, new))


def test_an_absent_or_empty_map_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"absent\.toml: not a readable TOML file"):
        load_map(tmp_path / "absent.toml")
    with pytest.raises(DataError, match="expected a list"):
        load(tmp_path, "")
