"""The journal's file as SQLite sees it: what marks it as ours, how it is opened, and how it is copied."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from phantom_arbiter.storage.errors import JournalError, WriteError

APPLICATION_ID: Final = 0x50_48_41_52
SCHEMA_VERSION: Final = 1
MAGIC: Final = b"SQLite format 3\x00"
HEADER_BYTES: Final = 100


def connect(path: Path) -> sqlite3.Connection:
    """To write: a commit returns when it is on disk."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous=FULL")
    return connection


def connect_to_read(path: Path) -> sqlite3.Connection:
    """Where no writer has left a log beside the file, nothing is put beside it for reading either."""
    log = path.with_name(path.name + "-wal")
    how = "mode=ro" if log.exists() else "immutable=1"
    return sqlite3.connect(f"{path.resolve().as_uri()}?{how}", uri=True, isolation_level=None)


def check_header(path: Path) -> None:
    """Look at the first bytes without SQLite, which would tidy up beside a file that isn't ours."""
    try:
        with path.open("rb") as file:
            header = file.read(HEADER_BYTES)
    except FileNotFoundError as error:
        raise JournalError(f"{path}: no journal there") from error
    except OSError as error:
        raise JournalError(f"{path}: cannot be read: {error.strerror}") from error
    if len(header) < HEADER_BYTES or not header.startswith(MAGIC):
        raise JournalError(f"{path}: damaged, or no SQLite file; it was left as it is")
    application, schema = int.from_bytes(header[68:72]), int.from_bytes(header[60:64])
    if application != APPLICATION_ID:
        raise JournalError(f"{path}: not a Phantom Arbiter journal (application id {application}); left as it is")
    if schema != SCHEMA_VERSION:
        raise JournalError(f"{path}: schema version {schema}, this program reads {SCHEMA_VERSION}; left as it is")


def sync_folder(folder: Path) -> None:
    """Make a rename in it lasting."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def backup(source: Path, target: Path) -> None:
    """Copy a journal, also while another process writes it. Refuses to overwrite."""
    if target.exists():
        raise JournalError(f"{target}: there is a file already; a backup never overwrites")
    check_header(source)
    partial = target.with_name(target.name + ".partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with closing(connect_to_read(source)) as reader, closing(sqlite3.connect(partial)) as writer:
            reader.backup(writer)
        partial.replace(target)
    except (OSError, sqlite3.Error) as error:
        partial.unlink(missing_ok=True)
        raise WriteError(f"{target}: the copy of {source} failed: {error}") from error
