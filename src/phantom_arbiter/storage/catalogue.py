"""The catalogue: a folder of Parquet files and the manifest that says which of them count.

A file enters under a name of its own and counts from the moment the manifest, replaced in one step, lists it. So an
import that dies half-way leaves the catalogue as it was; what it left lying is swept away by the next one.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
import polars as pl
from msgspec import Struct

from phantom_arbiter.storage.reports import ImportReport
from phantom_arbiter.storage.schemas import KINDS, SCHEMA_VERSION, DataError, Kind, kind_named

MANIFEST: Final = "manifest.json"
STAGING: Final = ".staging-"
BATCH_ROWS: Final = 65_536
_LOCK: Final = ".lock"
_ORDER: Final = ("ts_ns", "instrument")


class Entry(Struct, frozen=True):
    """A dataset: ``file`` relative to the catalogue; ``identity`` digests the source's bytes, map and schema."""

    name: str
    file: str
    identity: str
    report: ImportReport


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """The datasets that count, sorted by file. It holds no time of its own: the same import gives the same bytes."""

    schema_version: int
    datasets: tuple[Entry, ...]


class Catalogue(Struct, frozen=True):
    """A catalogue as its manifest was when it was opened."""

    root: Path
    manifest: Manifest

    @classmethod
    def open(cls, root: Path) -> Catalogue:
        """Open a catalogue. Raises `DataError` where there is none, or its manifest can't be read."""
        path = root / MANIFEST
        try:
            manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
        except FileNotFoundError as error:
            raise DataError(
                f"{root.name}: no {MANIFEST}, expected a catalogue (phantom data import makes one)"
            ) from error
        except (OSError, msgspec.DecodeError) as error:
            raise DataError(f"{root.name}: {MANIFEST} can't be read: {error}") from error
        if manifest.schema_version != SCHEMA_VERSION:
            got = manifest.schema_version
            raise DataError(f"{root.name}: schema_version: got {got}, expected {SCHEMA_VERSION}: import again")
        missing = [entry.file for entry in manifest.datasets if not (root / entry.file).is_file()]
        if missing:
            raise DataError(f"{root.name}: the manifest lists {', '.join(missing)}, which the catalogue lacks")
        return cls(root, manifest)

    def entries(
        self,
        kind: str,
        *,
        instruments: Collection[str] | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
    ) -> tuple[Entry, ...]:
        """Datasets of a kind that have rows for some of the instruments and may have some in [start_ns, end_ns)."""
        name = kind_named(kind).name
        return tuple(
            entry
            for entry in self.manifest.datasets
            if entry.report.kind == name
            and (start_ns is None or entry.report.last_ts_ns >= start_ns)
            and (end_ns is None or entry.report.first_ts_ns < end_ns)
            and (instruments is None or not set(instruments).isdisjoint(entry.report.instruments))
        )

    def instruments(self, kind: str) -> tuple[str, ...]:
        """The instruments that the catalogue has rows of a kind for, sorted."""
        return tuple(sorted({name for entry in self.entries(kind) for name in entry.report.instruments}))

    def series(
        self,
        kind: str,
        *,
        instruments: Collection[str] | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
    ) -> pl.LazyFrame:
        """Rows of a kind in [start_ns, end_ns), ordered by time, then instrument, then as the source had them."""
        entries = self.entries(kind, instruments=instruments, start_ns=start_ns, end_ns=end_ns)
        if not entries:
            return pl.LazyFrame(schema=kind_named(kind).polars_schema)
        rows = pl.concat(pl.scan_parquet(self.root / entry.file, glob=False) for entry in entries)
        if start_ns is not None:
            rows = rows.filter(pl.col("ts_ns") >= start_ns)
        if end_ns is not None:
            rows = rows.filter(pl.col("ts_ns") < end_ns)
        return _only(rows, instruments).sort(_ORDER, maintain_order=True)

    def batches(
        self,
        kind: str,
        *,
        instruments: Collection[str] | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
        batch_rows: int = BATCH_ROWS,
    ) -> Iterator[pl.DataFrame]:
        """The rows of `series`, in the same order, a batch at a time: of each file about ``batch_rows`` in memory."""
        entries = self.entries(kind, instruments=instruments, start_ns=start_ns, end_ns=end_ns)
        cursors = [_Cursor(self.root / entry.file, instruments, start_ns, end_ns, batch_rows) for entry in entries]
        while True:
            for cursor in cursors:
                cursor.fill()
            cursors = [cursor for cursor in cursors if cursor.rows.height]
            if not cursors:
                return
            # Rows before the horizon are complete: no file has any more of them than stand in memory.
            horizon = min((cursor.last_ts_ns for cursor in cursors if not cursor.exhausted), default=None)
            batch = pl.concat(cursor.take_before(horizon) for cursor in cursors)
            if batch.height:
                yield batch.sort(_ORDER, maintain_order=True)
            else:
                for cursor in cursors:
                    if cursor.last_ts_ns == horizon:
                        cursor.read_more()

    def install(self, staged: Sequence[tuple[Path, Entry]], *, keep: Collection[Entry]) -> Catalogue:
        """Make the staged files, and the entries kept, the catalogue's content; the caller is within `staging`."""
        for path, entry in staged:
            target = self.root / entry.file
            target.parent.mkdir(parents=True, exist_ok=True)
            _sync(path)
            path.replace(target)
        datasets = sorted((*keep, *(entry for _, entry in staged)), key=lambda entry: entry.file)
        manifest = Manifest(SCHEMA_VERSION, tuple(datasets))
        if manifest != self.manifest:
            _write_manifest(self.root, manifest)
        return Catalogue(self.root, manifest)


def _write_manifest(root: Path, manifest: Manifest) -> None:
    new = root / f"{STAGING}{MANIFEST}"
    new.write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
    _sync(new)
    new.replace(root / MANIFEST)


@contextmanager
def staging(root: Path) -> Iterator[Path]:
    """Hold a catalogue for one import, with a folder for new files; sweep away on leaving what no manifest lists.

    Makes an empty catalogue where there is none. Raises `DataError` where another import holds it, or ``root`` has
    files and no manifest: a catalogue never moves into a folder of somebody else's.
    """
    root.mkdir(parents=True, exist_ok=True)
    if not (root / MANIFEST).exists() and any(not path.name.startswith(".") for path in root.iterdir()):
        raise DataError(f"{root.name}: has files but no {MANIFEST}, expected a catalogue or an empty folder")
    with (root / _LOCK).open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DataError(f"{root.name}: another import into this catalogue is running") from error
        if not (root / MANIFEST).exists():
            _write_manifest(root, Manifest(SCHEMA_VERSION, ()))
        try:
            yield Path(tempfile.mkdtemp(dir=root, prefix=STAGING))
        finally:
            _sweep(root)


def _sweep(root: Path) -> None:
    for path in root.glob(f"{STAGING}*"):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    listed = {entry.file for entry in Catalogue.open(root).manifest.datasets}
    for kind in KINDS:
        for path in (root / kind).glob("*.parquet"):
            if f"{kind}/{path.name}" not in listed:
                path.unlink()


def write_sorted(rows: pl.DataFrame, kind: Kind, path: Path) -> None:
    """Write rows as the catalogue keeps them: the kind's columns, by time, then instrument, then as they came."""
    rows = rows.select(kind.column_names).sort(_ORDER, maintain_order=True)
    rows.write_parquet(path, compression="zstd", row_group_size=BATCH_ROWS)


def _only(rows: pl.LazyFrame, instruments: Collection[str] | None) -> pl.LazyFrame:
    return rows if instruments is None else rows.filter(pl.col("instrument").is_in(list(instruments)))


def _sync(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


class _Cursor:
    """A place in one file of the catalogue: the rows read and not yet taken, and how far it was read."""

    def __init__(
        self,
        path: Path,
        instruments: Collection[str] | None,
        start_ns: int | None,
        end_ns: int | None,
        batch_rows: int,
    ) -> None:
        self._scan = pl.scan_parquet(path, glob=False)
        self._instruments = instruments
        self._batch_rows = batch_rows
        times = self._scan.select("ts_ns").collect()["ts_ns"]
        self._next = 0 if start_ns is None else times.search_sorted(start_ns, side="left")
        self._end = times.len() if end_ns is None else times.search_sorted(end_ns, side="left")
        self.rows = self._scan.head(0).collect()

    @property
    def exhausted(self) -> bool:
        return self._next >= self._end

    @property
    def last_ts_ns(self) -> int:
        return int(self.rows["ts_ns"][-1])

    def fill(self) -> None:
        while not self.rows.height and not self.exhausted:
            self.read_more()

    def read_more(self) -> None:
        count = min(self._batch_rows, self._end - self._next)
        if count > 0:
            rows = _only(self._scan.slice(self._next, count), self._instruments).collect()
            self._next += count
            self.rows = pl.concat((self.rows, rows))

    def take_before(self, horizon: int | None) -> pl.DataFrame:
        count = self.rows.height if horizon is None else self.rows["ts_ns"].search_sorted(horizon, side="left")
        taken, self.rows = self.rows[:count], self.rows[count:]
        return taken
