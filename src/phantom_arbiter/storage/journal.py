"""The journal of a run: one SQLite file in WAL mode, durable before any effect.

A row is a fact that no seed or dataset can give back, or what the kernel made of one (verdict, dispatch, status,
answer, ledger transaction). `record` buffers, `commit` returns when everything is on disk (``synchronous=FULL``).

A run that was killed resumes from its last snapshot. What it did after that is done again and must come out the same:
while the journal still holds rows of that stretch, `record` compares instead of writing, and a difference is an error.
A change of the code's version starts a new segment at the snapshot, since new code may rightly decide otherwise.

The file carries an application id, a schema version and its mode. A file of another kind, mode or schema, or a damaged
one, is refused and left as it is. Its folder is one process's while that writes; reading needs no lock.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import takewhile
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from phantom_arbiter.core.commands import Mode
from phantom_arbiter.core.events import Commanded, Envelope
from phantom_arbiter.core.outcome import Outcome
from phantom_arbiter.storage.errors import DivergenceError, JournalError, WriteError
from phantom_arbiter.storage.journal_file import (
    APPLICATION_ID,
    SCHEMA_VERSION,
    check_header,
    connect,
    connect_to_read,
    sync_folder,
)
from phantom_arbiter.storage.lock import FolderLock

BUFFERED_ROWS: Final = 1_000
KEPT_SNAPSHOTS: Final = 3
_ADVICE: Final = "name another folder"

_SCHEMA: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE rows (
    segment INTEGER NOT NULL, seq INTEGER NOT NULL, n INTEGER NOT NULL,
    ts_ns INTEGER NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (segment, seq, n)
) WITHOUT ROWID;
CREATE TABLE snapshots (
    segment INTEGER NOT NULL, seq INTEGER NOT NULL, ts_ns INTEGER NOT NULL,
    state_hash TEXT NOT NULL, code_version TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (segment, seq)
) WITHOUT ROWID;
"""

_encode: Final = msgspec.msgpack.Encoder().encode


class Row(NamedTuple):
    """A journal row. ``n`` orders the rows of one ``seq``; ``body`` is msgpack."""

    seq: int
    n: int
    ts_ns: int
    kind: str
    body: bytes

    def decoded(self) -> Any:
        """The body as builtins."""
        return msgspec.msgpack.decode(self.body)


class Snapshot(NamedTuple):
    """A saved state and where it stands."""

    segment: int
    seq: int
    ts_ns: int
    state_hash: str
    code_version: str
    body: bytes


class RunInfo(NamedTuple):
    """What a run's file says about itself. ``sealed``: empty while open, else ``ended`` or ``crashed-recovered``."""

    run_id: str
    mode: Mode
    code_version: str
    market: dict[str, Any]
    config: dict[str, Any]
    sealed: str
    segment: int


class Page(NamedTuple):
    """Rows, newest first, never half of a fact's; ``next_before_seq`` asks for the next page, None at the end."""

    rows: list[Row]
    next_before_seq: int | None


class Journal:
    """One run's file. Use `create`, `open` or `read`; `close` when done."""

    def __init__(self, path: Path, connection: sqlite3.Connection, lock: FolderLock | None) -> None:
        self.path = path
        self._connection = connection
        self._lock = lock
        self._buffer: list[tuple[int, int, int, int, str, bytes]] = []
        self._failed = ""
        self._segment = int(self._meta("segment"))
        self._kept_seq = self._last_seq = self._query_last_seq()
        snapshot = self.last_snapshot()
        self._redone_seq = snapshot.seq if snapshot is not None else 0

    @classmethod
    def create(
        cls, path: Path, run_id: str, mode: Mode, code_version: str, market: dict[str, Any], config: dict[str, Any]
    ) -> Journal:
        """Make a new file; raises `JournalError` if one is there or the disk does not take it."""
        if path.exists():
            raise JournalError(f"{path}: there is a file already; a journal is never overwritten")
        lock = FolderLock(path.parent, _ADVICE)
        meta = {
            "run_id": run_id,
            "mode": mode.value,
            "code_version": code_version,
            "market": msgspec.json.encode(market).decode(),
            "config": msgspec.json.encode(config).decode(),
            "sealed": "",
            "segment": "1",
        }
        try:
            connection = connect(path)
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")  # before there is a log: it is in the file
            connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(_SCHEMA)
            connection.executemany("INSERT INTO meta VALUES (?, ?)", list(meta.items()))
        except sqlite3.Error as error:
            lock.release()
            raise WriteError(f"{path}: cannot be created: {error}") from error
        return cls(path, connection, lock)

    @classmethod
    def open(cls, path: Path, mode: Mode) -> Journal:
        """Open a run's file to go on with it. Raises `JournalError` for one that is missing, foreign, damaged or of
        another mode, and `InUseError` while another process has it."""
        with closing(cls.read(path, mode)):
            pass
        lock = FolderLock(path.parent, _ADVICE)
        try:
            return cls(path, connect(path), lock)
        except sqlite3.Error as error:
            lock.release()
            raise WriteError(f"{path}: cannot be written: {error}") from error

    @classmethod
    def read(cls, path: Path, mode: Mode) -> Journal:
        """Open a run's file to look at it, also while another process writes it. Errors as those of `open`."""
        check_header(path)
        try:
            connection = connect_to_read(path)
        except sqlite3.Error as error:
            raise JournalError(f"{path}: cannot be read: {error}") from error
        try:
            damage = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if damage != "ok":
                raise JournalError(f"{path}: damaged: {damage}; it was left as it is, restore a backup")
            journal = cls(path, connection, None)
            found = journal.info().mode
        except sqlite3.Error as error:
            connection.close()
            raise JournalError(f"{path}: damaged: {error}; it was left as it is, restore a backup") from error
        except (JournalError, ValueError):
            connection.close()
            raise
        if found is not mode:
            connection.close()
            raise JournalError(f"{path}: a journal of mode {found}, expected {mode}; the two are never mixed")
        return journal

    def info(self) -> RunInfo:
        """What the file says about itself."""
        return RunInfo(
            run_id=self._meta("run_id"),
            mode=Mode(self._meta("mode")),
            code_version=self._meta("code_version"),
            market=msgspec.json.decode(self._meta("market")),
            config=msgspec.json.decode(self._meta("config")),
            sealed=self._meta("sealed"),
            segment=int(self._meta("segment")),
        )

    # Writing

    def record(self, envelope: Envelope, outcome: Outcome | None) -> None:
        """Buffer a fact and its outcome, or compare them with what a killed run already wrote."""
        rows = [
            (self._segment, envelope.seq, n, envelope.ts_ns, kind, body)
            for n, (kind, body) in enumerate(_bodies(envelope, outcome))
        ]
        if self._redone_seq < self._kept_seq:
            self._compare(envelope.seq, rows)
            return
        self._buffer += rows
        self._last_seq = envelope.seq
        if len(self._buffer) >= BUFFERED_ROWS:
            self.commit()

    def commit(self) -> None:
        """Write the buffer in one durable transaction. Raises `WriteError` when the disk refuses: what was
        written before is whole, the caller must not act, and this object takes nothing more: resume from the file."""
        if not self._buffer and not self._failed:
            return
        self._transact(("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?)", self._buffer))
        self._buffer = []

    def save_snapshot(self, seq: int, ts_ns: int, state_hash: str, code_version: str, body: bytes) -> None:
        """Keep a snapshot (and the last few before it) after committing everything up to it."""
        self.commit()
        row = (self._segment, seq, ts_ns, state_hash, code_version, body)
        drop = (
            "DELETE FROM snapshots WHERE (segment, seq) NOT IN "
            "(SELECT segment, seq FROM snapshots ORDER BY segment DESC, seq DESC LIMIT ?)"
        )
        self._transact(
            ("INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?, ?, ?)", [row]), (drop, [(KEPT_SNAPSHOTS,)])
        )

    def seal(self, how: str) -> None:
        """Mark the run as over: ``ended`` or ``crashed-recovered``."""
        self.commit()
        self._set_meta("sealed", how)

    def reopen(self) -> None:
        """A sealed run goes on."""
        self._set_meta("sealed", "")

    def new_segment(self, code_version: str) -> None:
        """Go on from the last snapshot with other code: rows after it stay where they are, in the old segment."""
        self._segment += 1
        meta = [("segment", str(self._segment)), ("code_version", code_version)]
        self._transact(("INSERT OR REPLACE INTO meta VALUES (?, ?)", meta))
        self._kept_seq = self._last_seq = self._query_last_seq()

    def move(self, path: Path) -> None:
        """Give the file another name in the same folder, at once and for good: it is there whole or not at all."""
        self.commit()
        self._connection.close()
        if self.path.with_name(self.path.name + "-wal").exists():
            raise WriteError(f"{self.path}: the disk did not take all of it")
        try:
            self.path.replace(path)
            sync_folder(path.parent)
            self._connection = connect(path)
        except (OSError, sqlite3.Error) as error:
            raise WriteError(f"{path}: cannot be created: {error}") from error
        self.path = path

    def close(self) -> None:
        """Close the file. Uncommitted rows are dropped: nothing was done on their strength."""
        self._connection.close()
        if self._lock is not None:
            self._lock.release()

    # Reading

    def last_snapshot(self) -> Snapshot | None:
        """The newest snapshot, or None."""
        row = self._connection.execute(
            "SELECT segment, seq, ts_ns, state_hash, code_version, body FROM snapshots "
            "ORDER BY segment DESC, seq DESC LIMIT 1"
        ).fetchone()
        return Snapshot(*row) if row is not None else None

    def commands_after(self, seq: int) -> Iterator[tuple[int, Commanded]]:
        """The commands of this segment that came after ``seq``, to be carried out again at their own place."""
        cursor = self._connection.execute(
            "SELECT seq, body FROM rows WHERE segment = ? AND seq > ? AND kind = 'Commanded' ORDER BY seq",
            (self._segment, seq),
        )
        for row_seq, body in cursor:
            envelope = msgspec.msgpack.decode(body, type=Envelope)
            if isinstance(envelope.body, Commanded):
                yield row_seq, envelope.body

    def page(self, limit: int, before_seq: int | None = None) -> Page:
        """The latest rows, newest first: ``limit`` of them, or all of one fact where that brought about more."""
        bound = before_seq if before_seq is not None else 2**62
        query = "SELECT seq, n, ts_ns, kind, body FROM rows WHERE segment = ? AND seq < ? ORDER BY seq DESC, n DESC"
        found = [Row(*row) for row in self._connection.execute(f"{query} LIMIT ?", (self._segment, bound, limit + 1))]
        if len(found) <= limit:
            return Page(found, None)
        rows = [row for row in found if row.seq != found[-1].seq]
        if not rows:
            cut = found[-1].seq
            cursor = self._connection.execute(query, (self._segment, cut + 1))
            rows = list(takewhile(lambda row: row.seq == cut, (Row(*row) for row in cursor)))
        return Page(rows, rows[-1].seq)

    def rows(self, kinds: tuple[str, ...]) -> Iterator[Row]:
        """All rows of some kinds of this segment, in order."""
        marks = ",".join("?" for _ in kinds)
        cursor = self._connection.execute(
            f"SELECT seq, n, ts_ns, kind, body FROM rows WHERE segment = ? AND kind IN ({marks}) ORDER BY seq, n",  # noqa: S608
            (self._segment, *kinds),
        )
        for row in cursor:
            yield Row(*row)

    @property
    def last_seq(self) -> int:
        """The last fact recorded; while a killed run's stretch is being done again, the last of that."""
        return self._last_seq

    # Inside

    def _compare(self, seq: int, rows: list[tuple[int, int, int, int, str, bytes]]) -> None:
        written = self._connection.execute(
            "SELECT segment, seq, n, ts_ns, kind, body FROM rows WHERE segment = ? AND seq > ? AND seq <= ? "
            "ORDER BY seq, n",
            (self._segment, self._redone_seq, seq),
        ).fetchall()
        if written != rows and [_value(row) for row in written] != [_value(row) for row in rows]:
            raise DivergenceError(
                f"{self.path}: resuming, fact {seq} came out as {[row[4] for row in rows]}, the journal has "
                f"{[(row[1], row[4]) for row in written]} there or other contents: the run is not repeatable"
            )
        self._redone_seq = seq

    def _transact(self, *statements: tuple[str, list[Any]]) -> None:
        if self._failed:  # a dispatch may be lost that the kernel believes sent: only the file can tell what is so
            raise WriteError(self._failed)
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for sql, rows in statements:
                self._connection.executemany(sql, rows)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            self._failed = f"{self.path}: cannot be written: {error}; nothing was sent on its strength"
            raise WriteError(self._failed) from error

    def _meta(self, key: str) -> str:
        row = self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise JournalError(f"{self.path}: the file lacks its {key!r} stamp; it was left as it is")
        return str(row[0])

    def _set_meta(self, key: str, value: str) -> None:
        self._transact(("INSERT OR REPLACE INTO meta VALUES (?, ?)", [(key, value)]))

    def _query_last_seq(self) -> int:
        query = "SELECT coalesce(max(seq), 0) FROM rows WHERE segment = ?"
        return int(self._connection.execute(query, (self._segment,)).fetchone()[0])


def _value(row: tuple[int, int, int, int, str, bytes]) -> tuple[Any, ...]:
    """A row by its value: a whole number may have come back from a snapshot as a float, which is no difference."""
    return *row[:5], msgspec.msgpack.decode(row[5])


def _bodies(envelope: Envelope, outcome: Outcome | None) -> Iterator[tuple[str, bytes]]:
    yield type(envelope.body).__name__, _encode(envelope)
    if outcome is None:
        return
    for verdict in outcome.verdicts:
        yield type(verdict).__name__, _encode(verdict)
    for dispatch in outcome.dispatches:
        yield "Dispatch", _encode([dispatch.approved.order_id, dispatch.plans])
    for status in outcome.statuses:
        yield "StatusChange", _encode(status)
    for transaction in outcome.transactions:
        yield "Transaction", _encode(transaction)
    if outcome.command is not None:
        yield "CommandOutcome", _encode(outcome.command)
