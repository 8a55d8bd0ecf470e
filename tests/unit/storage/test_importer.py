"""Imports are whole or not at all, the same again when repeated, and say what they did."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from phantom_arbiter.storage.catalogue import MANIFEST, STAGING, Catalogue
from phantom_arbiter.storage.dataset_map import DatasetMap
from phantom_arbiter.storage.importer import import_file, import_folder, open_folder
from phantom_arbiter.storage.reports import FolderReport
from phantom_arbiter.storage.schemas import DataError


@pytest.fixture
def folder_map(foreign: Any) -> DatasetMap:
    """Two files of candles in the folder, funding that is mapped and absent, and a file that isn't mapped."""
    foreign.save(foreign.candles(), "spot/sol.parquet")
    foreign.save(foreign.candles(symbol="JUPUSDT"), "spot/jup.parquet")
    foreign.save(foreign.candles(), "other.parquet")
    (foreign.folder / "SOURCES.md").write_text("# where it is from")
    sol, jup = foreign.candle_map("spot/sol.parquet"), foreign.candle_map("spot/jup.parquet")
    return DatasetMap((sol, jup, foreign.funding_map()))


def folder_import(foreign: Any, folder_map: DatasetMap) -> FolderReport:
    return import_folder(foreign.root, foreign.folder, folder_map)


def test_the_manifest_tells_what_is_there(foreign: Any) -> None:
    report = foreign.bring(foreign.candles())
    (entry,) = json.loads((foreign.root / MANIFEST).read_text())["datasets"]
    assert entry["report"] == json.loads(msgspec.json.encode(report))
    source = (foreign.folder / "candles.parquet").read_bytes()
    assert report.source_sha256 == hashlib.sha256(source).hexdigest()
    assert (report.first_ts_ns, report.instruments) == (foreign.START_NS, ("SOL/USDT",))
    assert report.last_ts_ns == foreign.START_NS + 39 * 5 * foreign.MINUTE_NS
    assert sorted(foreign.content()) == [entry["file"], MANIFEST]


def test_the_same_import_again_changes_nothing(foreign: Any, folder_map: DatasetMap) -> None:
    first = folder_import(foreign, folder_map)
    before = foreign.content()
    again = folder_import(foreign, folder_map)
    assert foreign.content() == before
    assert (first.unchanged, again.unchanged) == ((), ("spot/sol.parquet", "spot/jup.parquet"))
    assert again.imported == first.imported


def test_a_folder_report_names_what_is_lacking_and_what_is_not_mapped(foreign: Any, folder_map: DatasetMap) -> None:
    report = folder_import(foreign, folder_map)
    assert [(each.source, each.rows) for each in report.imported] == [
        ("spot/sol.parquet", 40),
        ("spot/jup.parquet", 40),
    ]
    assert (report.skipped, report.empty, report.unmapped) == (("funding.parquet",), (), ("other.parquet",))


def test_a_glob_takes_every_file_and_is_skipped_as_such(foreign: Any, folder_map: DatasetMap) -> None:
    both = DatasetMap((foreign.candle_map("spot/*.parquet", name="spot"), foreign.candle_map("perp/*.parquet")))
    report = folder_import(foreign, both)
    assert [each.source for each in report.imported] == ["spot/jup.parquet", "spot/sol.parquet"]
    assert report.skipped == ("perp/*.parquet",)
    assert [entry.name for entry in Catalogue.open(foreign.root).manifest.datasets] == ["spot__jup", "spot__sol"]


def test_a_file_without_rows_is_listed_and_no_error_in_a_folder(foreign: Any, folder_map: DatasetMap) -> None:
    foreign.save(foreign.candles()[:0], "spot/jup.parquet")
    report = folder_import(foreign, folder_map)
    assert ([each.source for each in report.imported], report.empty) == (["spot/sol.parquet"], ("spot/jup.parquet",))


def test_a_folder_with_none_of_the_files_is_refused(foreign: Any, tmp_path: Path, folder_map: DatasetMap) -> None:
    (tmp_path / "bare").mkdir()
    with pytest.raises(DataError, match=r"bare: has none of the map's files, expected at least one of spot/sol"):
        import_folder(foreign.root, tmp_path / "bare", folder_map)
    with pytest.raises(DataError, match="absent: no such folder"):
        import_folder(foreign.root, tmp_path / "absent", folder_map)


def test_a_refused_file_leaves_the_catalogue_as_it_was(foreign: Any, folder_map: DatasetMap) -> None:
    foreign.bring(foreign.candles(symbol="WIFUSDT"))
    before = foreign.content()
    foreign.save(foreign.candles(symbol="JUPUSDT").drop("high"), "spot/jup.parquet")
    with pytest.raises(DataError, match=r"spot/jup\.parquet: column 'high' of a candle"):
        folder_import(foreign, folder_map)
    assert foreign.content() == before


def test_a_disk_that_fails_half_way_leaves_the_catalogue_as_it_was(
    foreign: Any, folder_map: DatasetMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign.bring(foreign.candles(symbol="WIFUSDT"))
    before = foreign.content()
    replace, moved = Path.replace, []

    def fail_at_the_manifest(path: Path, target: Path) -> Path:
        if target.name == MANIFEST:
            raise OSError(28, "No space left on device")
        moved.append(target)
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", fail_at_the_manifest)
    with pytest.raises(OSError, match="No space left"):
        folder_import(foreign, folder_map)
    assert len(moved) == 2
    assert foreign.content() == before


def test_what_a_killed_import_left_is_swept_away_by_the_next(foreign: Any) -> None:
    foreign.bring(foreign.candles())
    before = foreign.content()
    (foreign.root / f"{STAGING}dead").mkdir()
    (foreign.root / f"{STAGING}dead" / "half.parquet").write_bytes(b"PAR1")
    (foreign.root / "candle" / "unlisted.parquet").write_bytes(b"PAR1")
    assert [entry.name for entry in Catalogue.open(foreign.root).manifest.datasets] == ["candles"]
    foreign.bring(foreign.candles())
    assert foreign.content() == before


def test_a_file_that_spans_the_one_before_replaces_it(foreign: Any) -> None:
    foreign.bring(foreign.candles())
    foreign.bring(foreign.candles(60))
    (entry,) = Catalogue.open(foreign.root).manifest.datasets
    assert entry.report.rows == 60
    assert len(foreign.content()) == 2


def test_a_file_of_the_same_name_with_later_rows_stands_beside_it(foreign: Any) -> None:
    foreign.bring(foreign.candles())
    foreign.bring(foreign.candles(skip=40))
    assert Catalogue.open(foreign.root).series("candle").collect().height == 80


def test_a_file_mapped_anew_replaces_itself(foreign: Any) -> None:
    foreign.bring(foreign.candles())
    foreign.bring(foreign.candles(), foreign.candle_map(filters={"close": 100.0}))
    assert Catalogue.open(foreign.root).series("candle").collect()["close"].unique().to_list() == [100.0]


def test_rows_that_another_file_has_are_refused(foreign: Any) -> None:
    foreign.bring(foreign.candles())
    before = foreign.content()
    with pytest.raises(DataError, match=r"again\.parquet: 10 rows are in the catalogue already, from candles\.parquet"):
        foreign.bring(foreign.candles(skip=30), foreign.candle_map("again.parquet"))
    with pytest.raises(DataError, match="10 rows are in the catalogue already"):
        foreign.bring(foreign.candles(skip=30))
    assert foreign.content() == before


def test_the_same_dataset_twice_in_a_map_is_refused(foreign: Any, folder_map: DatasetMap) -> None:
    with pytest.raises(DataError, match="the map names it twice as a candle"):
        folder_import(foreign, DatasetMap((folder_map.datasets[0], folder_map.datasets[0])))


def test_a_folder_opens_as_a_catalogue_of_just_that_folder(foreign: Any, folder_map: DatasetMap) -> None:
    foreign.bring(foreign.candles(symbol="WIFUSDT"))
    catalogue, report = open_folder(foreign.folder, folder_map, foreign.root)
    assert catalogue.instruments("candle") == ("JUP/USDT", "SOL/USDT")
    assert report.skipped == ("funding.parquet",)
    (foreign.folder / "spot" / "jup.parquet").unlink()
    catalogue, report = open_folder(foreign.folder, folder_map, foreign.root)
    assert catalogue.instruments("candle") == ("SOL/USDT",)
    assert (report.unchanged, report.skipped) == (("spot/sol.parquet",), ("spot/jup.parquet", "funding.parquet"))


def test_progress_goes_from_nothing_to_all(foreign: Any, folder_map: DatasetMap) -> None:
    told: list[tuple[str, int, int]] = []
    import_folder(foreign.root, foreign.folder, folder_map, lambda *step: told.append(step))
    assert told == [("spot/sol.parquet", 0, 2), ("spot/jup.parquet", 1, 2), ("foreign", 2, 2)]
    told.clear()
    import_file(
        foreign.root,
        foreign.folder / "other.parquet",
        foreign.candle_map(rename={"instrument": {".+": "WIF/USDT"}}),
        lambda *step: told.append(step),
    )
    assert [step[1:] for step in told] == [(done, 4) for done in range(5)]
