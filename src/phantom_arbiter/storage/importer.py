"""Bring foreign files into a catalogue: one file, or a folder by its map. All of it enters, or nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec
import polars as pl
from msgspec import Struct

from phantom_arbiter.storage.catalogue import Catalogue, Entry, staging, write_sorted
from phantom_arbiter.storage.dataset_map import Dataset, DatasetMap, check_dataset
from phantom_arbiter.storage.mapping import map_rows, read_source
from phantom_arbiter.storage.reports import FolderReport, ImportReport
from phantom_arbiter.storage.schemas import SCHEMA_VERSION, DataError, kind_named
from phantom_arbiter.storage.validation import NoRowsError, find_gaps, validate

Progress = Callable[[str, int, int], None]
"""Told what is at work, how many of the steps are done, and how many there are."""

_FILE_STEPS: Final = 4
_NOT_DATA: Final = frozenset({".md"})


class _Job(Struct, frozen=True):
    file: Path
    source: str
    dataset: Dataset
    name: str


def silent(label: str, done: int, total: int) -> None:
    """A progress that nobody watches."""


def import_file(root: Path, file: Path, dataset: Dataset, progress: Progress = silent) -> ImportReport:
    """Bring one file into the catalogue at ``root``, which is made if need be.

    ``dataset.path`` isn't looked at. A file of the same kind and name, imported before, is replaced where the new one
    spans it, and stays beside one that has other rows. Raises `DataError`, and changes nothing, where the file is
    refused or shares rows with one that stays.
    """
    check_dataset(dataset, file.name)
    with staging(root) as folder:
        catalogue = Catalogue.open(root)
        job = _Job(file, file.name, dataset, dataset.name or _plain(file.stem))
        progress(job.source, 0, _FILE_STEPS)
        identity = _identity(job)
        entry = _standing(catalogue, job, identity)
        if entry is None:
            staged = _stage(folder, job, identity, progress)
            keep = [old for old in catalogue.manifest.datasets if not _replaces(staged[1], old)]
            _refuse_overlap(catalogue, [staged], keep)
            catalogue.install([staged], keep=keep)
            entry = staged[1]
        progress(job.source, _FILE_STEPS, _FILE_STEPS)
        return entry.report


def import_folder(
    root: Path, folder: Path, dataset_map: DatasetMap, progress: Progress = silent, *, exactly: bool = False
) -> FolderReport:
    """Bring the folder's files that the map names into the catalogue at ``root``, which is made if need be.

    With ``exactly`` the catalogue holds nothing else afterwards; otherwise as `import_file`. Raises `DataError`, and
    changes nothing, where a file is refused or the folder has none of the map's files.
    """
    jobs, skipped = _jobs(folder, dataset_map)
    with staging(root) as staging_folder:
        catalogue = Catalogue.open(root)
        done: dict[tuple[str, str], Entry] = {}
        staged: list[tuple[Path, Entry]] = []
        unchanged, empty = [], []
        for number, job in enumerate(jobs):
            progress(job.source, number, len(jobs))
            identity = _identity(job)
            entry = _standing(catalogue, job, identity)
            if entry is None:
                try:
                    staged.append(_stage(staging_folder, job, identity, silent))
                except NoRowsError:
                    empty.append(job.source)
                    continue
                entry = staged[-1][1]
            else:
                unchanged.append(job.source)
            if _key(entry) in done:
                raise DataError(f"{job.source}: the map names it twice as a {entry.report.kind}, expected two names")
            done[_key(entry)] = entry
        before = catalogue.manifest.datasets
        standing = set(before) & set(done.values())
        keep = [old for old in before if old in standing or not (exactly or _replaced(old, staged))]
        _refuse_overlap(catalogue, staged, keep)
        catalogue.install(staged, keep=keep)
    progress(folder.name, len(jobs), len(jobs))
    reports = tuple(entry.report for entry in done.values())
    return FolderReport(reports, tuple(unchanged), skipped, tuple(empty), _unmapped(folder, jobs))


def open_folder(
    folder: Path, dataset_map: DatasetMap, cache: Path, progress: Progress = silent
) -> tuple[Catalogue, FolderReport]:
    """A folder as a catalogue: imported into ``cache``, which then holds just that; what stands there already stays."""
    report = import_folder(cache, folder, dataset_map, progress, exactly=True)
    return Catalogue.open(cache), report


def _jobs(folder: Path, dataset_map: DatasetMap) -> tuple[list[_Job], tuple[str, ...]]:
    if not folder.is_dir():
        raise DataError(f"{folder.name}: no such folder")
    jobs, skipped = [], []
    for dataset in dataset_map.datasets:
        files = sorted(path for path in folder.glob(dataset.path) if path.is_file())
        if not files and dataset.path not in skipped:
            skipped.append(dataset.path)
        for file in files:
            source = file.relative_to(folder).as_posix()
            several = dataset.name and len(files) > 1
            name = (
                f"{dataset.name}__{file.stem}"
                if several
                else dataset.name or str(PurePosixPath(source).with_suffix(""))
            )
            jobs.append(_Job(file, source, dataset, _plain(name)))
    if not jobs:
        raise DataError(f"{folder.name}: has none of the map's files, expected at least one of {', '.join(skipped)}")
    return jobs, tuple(skipped)


def _unmapped(folder: Path, jobs: Sequence[_Job]) -> tuple[str, ...]:
    mapped = {job.source for job in jobs}
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix not in _NOT_DATA)
    return tuple(sorted({path.relative_to(folder).as_posix() for path in files} - mapped))


def _plain(name: str) -> str:
    return "".join(char if char.isalnum() or char in "._-" else "__" for char in name)


def _key(entry: Entry) -> tuple[str, str]:
    return entry.report.kind, entry.name


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"{file.name}: can't be read: {error.strerror}") from error


def _identity(job: _Job) -> tuple[str, str]:
    """The sha256 of the source, and of all that decides what becomes of it."""
    source = _sha256(job.file)
    kind = kind_named(job.dataset.kind)
    decides = msgspec.json.encode((SCHEMA_VERSION, source, job.source, job.dataset, kind))
    return source, hashlib.sha256(decides).hexdigest()


def _standing(catalogue: Catalogue, job: _Job, identity: tuple[str, str]) -> Entry | None:
    for entry in catalogue.manifest.datasets:
        if (entry.identity, entry.name) == (identity[1], job.name):
            return entry
    return None


def _stage(folder: Path, job: _Job, identity: tuple[str, str], progress: Progress) -> tuple[Path, Entry]:
    kind = kind_named(job.dataset.kind)
    source = read_source(job.file)
    progress(job.source, 1, _FILE_STEPS)
    mapped = map_rows(source, job.dataset, kind, job.source)
    progress(job.source, 2, _FILE_STEPS)
    verdict = validate(mapped, kind, job.source)
    rows = verdict.rows
    report = ImportReport(
        source=job.source,
        kind=kind.name,
        source_sha256=identity[0],
        rows_read=source.height,
        rows_filtered=source.height - mapped.height,
        rows_bad=mapped.height - rows.height,
        rows=rows.height,
        first_ts_ns=int(rows.select(pl.col("ts_ns").min()).item()),
        last_ts_ns=int(rows.select(pl.col("ts_ns").max()).item()),
        columns=kind.column_names,
        instruments=tuple(rows["instrument"].unique().sort()),
        bad=verdict.bad,
        gaps=find_gaps(rows, kind),
    )
    progress(job.source, 3, _FILE_STEPS)
    entry = Entry(job.name, f"{kind.name}/{job.name}.{identity[1][:16]}.parquet", identity[1], report)
    path = folder / f"{kind.name}__{Path(entry.file).name}"
    write_sorted(rows, kind, path)
    return path, entry


def _replaced(old: Entry, staged: Sequence[tuple[Path, Entry]]) -> bool:
    return any(_replaces(entry, old) for _, entry in staged)


def _replaces(new: Entry, old: Entry) -> bool:
    """A file of the same name replaces the one before if it is the same file, mapped anew, or spans it."""
    ours, theirs = new.report, old.report
    spans = ours.first_ts_ns <= theirs.first_ts_ns and theirs.last_ts_ns <= ours.last_ts_ns
    return _key(new) == _key(old) and (ours.source_sha256 == theirs.source_sha256 or spans)


def _refuse_overlap(catalogue: Catalogue, staged: Sequence[tuple[Path, Entry]], keep: Collection[Entry]) -> None:
    """Refuse a new file that has a row which another dataset has already: it would be replayed twice."""
    others = [(catalogue.root / entry.file, entry) for entry in keep]
    for path, entry in staged:
        for other_path, other in others:
            if _may_share(entry.report, other.report):
                keys = kind_named(entry.report.kind).unique
                new, old = (pl.scan_parquet(each, glob=False).select(keys) for each in (path, other_path))
                shared = new.join(old, on=keys, how="semi", nulls_equal=True).collect()
                if shared.height:
                    first = ", ".join(f"{key}={value!r}" for key, value in shared.row(0, named=True).items())
                    raise DataError(
                        f"{entry.report.source}: {shared.height} rows are in the catalogue already, "
                        f"from {other.report.source}, expected each row once; the first: {first}"
                    )
        others.append((path, entry))


def _may_share(one: ImportReport, other: ImportReport) -> bool:
    return (
        one.kind == other.kind
        and one.first_ts_ns <= other.last_ts_ns
        and other.first_ts_ns <= one.last_ts_ns
        and not set(one.instruments).isdisjoint(other.instruments)
    )
