"""What an import says about itself: plain structs, for the console and as JSON."""

from __future__ import annotations

from msgspec import Struct


class BadRow(Struct, frozen=True):
    """A row left out: its number in the source file, from 0, and the offending values."""

    row: int
    value: str


class BadRows(Struct, frozen=True):
    """Rows left out for one reason: how many, and the first few."""

    reason: str
    count: int
    first: tuple[BadRow, ...]


class Gaps(Struct, frozen=True):
    """Holes in the series of a file. ``unit`` is ``ns`` or ``epochs``; ``missing``: rows that aren't there."""

    count: int
    missing: int
    unit: str
    longest: int = 0
    longest_in: str = ""
    longest_after_ts_ns: int = 0


class ImportReport(Struct, frozen=True):
    """A file's import. ``rows_read = rows_filtered + rows_bad + rows``; times are those of the rows kept."""

    source: str
    kind: str
    source_sha256: str
    rows_read: int
    rows_filtered: int
    rows_bad: int
    rows: int
    first_ts_ns: int
    last_ts_ns: int
    columns: tuple[str, ...]
    instruments: tuple[str, ...]
    bad: tuple[BadRows, ...] = ()
    gaps: Gaps | None = None


class FolderReport(Struct, frozen=True):
    """A folder's import, in the order of the map.

    ``unchanged``: sources that were in the catalogue already; ``skipped``: paths of the map that the folder lacks;
    ``empty``: files of which no row is taken; ``unmapped``: files of the folder that the map doesn't mention.
    """

    imported: tuple[ImportReport, ...]
    unchanged: tuple[str, ...]
    skipped: tuple[str, ...]
    empty: tuple[str, ...]
    unmapped: tuple[str, ...]
