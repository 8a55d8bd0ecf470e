"""The journal of a run: one SQLite file in WAL mode, durable before any effect.

A row is a fact that no seed or dataset can give back, or what the kernel made of one (verdict, dispatch, status,
answer, ledger transaction). `record` buffers, `commit` returns when everything is on disk (``synchronous=FULL``).

A run that was killed resumes from its last snapshot. What it did after that is done again and must come out the same:
while the journal still holds rows of that stretch, `record` compares instead of writing, and a difference is an error.
A change of the code's version starts a new segment at the snapshot, since new code may rightly decide otherwise.

The file carries an application id, a schema version and its mode. A file of another kind, mode or schema, or a damaged
one, is refused and never overwritten.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from phantom_arbiter.core.commands import Mode
from phantom_arbiter.core.events import Commanded, Envelope
from phantom_arbiter.core.outcome import Outcome

APPLICATION_ID: Final = 0x50_48_41_52
SCHEMA_VERSION: Final = 1
BUFFERED_ROWS: Final = 1_000
KEPT_SNAPSHOTS: Final = 3

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


class JournalError(RuntimeError):
    """The journal cannot be used; the message says which file and why."""


class DivergenceError(JournalError):
    """A resumed run did something else than the journal says it did."""


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


class Journal:
    """One open run. Use `create` or `open`; `close` when done."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._buffer: list[tuple[int, int, int, int, str, bytes]] = []
        self._segment = int(self._meta("segment"))
        self._last_seq = self._query_last_seq()

    @classmethod
    def create(
        cls, path: Path, run_id: str, mode: Mode, code_version: str, market: dict[str, Any], config: dict[str, Any]
    ) -> Journal:
        """Make a new file; raises `JournalError` if one is there or the disk does not take it."""
        if path.exists():
            raise JournalError(f"{path}: there is a file already; a journal is never overwritten")
        path.parent.mkdir(parents=True, exist_ok=True)
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
            connection = sqlite3.connect(path, isolation_level=None)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.executescript(_SCHEMA)
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
            connection.executemany("INSERT INTO meta VALUES (?, ?)", list(meta.items()))
        except sqlite3.Error as error:
            raise JournalError(f"{path}: cannot be created: {error}") from error
        return cls(path, connection)

    @classmethod
    def open(cls, path: Path, mode: Mode) -> Journal:
        """Open a run's file. Raises `JournalError` for one that is missing, foreign, damaged or of another mode."""
        if not path.is_file():
            raise JournalError(f"{path}: no journal there")
        try:
            connection = sqlite3.connect(path, isolation_level=None)
            connection.execute("PRAGMA synchronous=FULL")
            application = connection.execute("PRAGMA application_id").fetchone()[0]
            schema = connection.execute("PRAGMA user_version").fetchone()[0]
            damage = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.Error as error:
            raise JournalError(f"{path}: damaged, or no SQLite file: {error}; it was left as it is") from error
        if application != APPLICATION_ID:
            raise JournalError(f"{path}: not a Phantom Arbiter journal (application id {application}); left as it is")
        if schema != SCHEMA_VERSION:
            raise JournalError(f"{path}: schema version {schema}, this program reads {SCHEMA_VERSION}; left as it is")
        if damage != "ok":
            raise JournalError(f"{path}: damaged: {damage}; it was left as it is, restore a backup")
        journal = cls(path, connection)
        found = journal.info().mode
        if found is not mode:
            journal.close()
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
        if envelope.seq <= self._last_seq:
            self._compare(envelope.seq, rows)
            return
        self._buffer += rows
        if len(self._buffer) >= BUFFERED_ROWS:
            self.commit()

    def commit(self) -> None:
        """Write the buffer in one durable transaction. Raises `JournalError` when the disk refuses; nothing is lost:
        the buffer is kept, and the caller must not act."""
        if not self._buffer:
            return
        self._transact("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?)", self._buffer)
        self._buffer = []

    def save_snapshot(self, seq: int, ts_ns: int, state_hash: str, code_version: str, body: bytes) -> None:
        """Keep a snapshot (and the last few before it) after committing everything up to it."""
        self.commit()
        row = (self._segment, seq, ts_ns, state_hash, code_version, body)
        self._transact("INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?, ?, ?)", [row])
        self._transact(
            "DELETE FROM snapshots WHERE (segment, seq) NOT IN "
            "(SELECT segment, seq FROM snapshots ORDER BY segment DESC, seq DESC LIMIT ?)",
            [(KEPT_SNAPSHOTS,)],
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
        self._set_meta("segment", str(self._segment))
        self._set_meta("code_version", code_version)
        self._last_seq = self._query_last_seq()

    def close(self) -> None:
        """Close the file. Uncommitted rows are dropped: nothing was done on their strength."""
        self._connection.close()

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

    def page(self, limit: int, before_seq: int | None = None) -> list[Row]:
        """The latest rows, newest first."""
        bound = before_seq if before_seq is not None else 2**62
        cursor = self._connection.execute(
            "SELECT seq, n, ts_ns, kind, body FROM rows WHERE segment = ? AND seq < ? "
            "ORDER BY seq DESC, n DESC LIMIT ?",
            (self._segment, bound, limit),
        )
        return [Row(*row) for row in cursor]

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
        """The last fact on disk."""
        return self._last_seq

    # Inside

    def _compare(self, seq: int, rows: list[tuple[int, int, int, int, str, bytes]]) -> None:
        written = self._connection.execute(
            "SELECT segment, seq, n, ts_ns, kind, body FROM rows WHERE segment = ? AND seq = ? ORDER BY n",
            (self._segment, seq),
        ).fetchall()
        if written != rows:
            raise DivergenceError(
                f"{self.path}: resuming, fact {seq} came out as {[row[4] for row in rows]}, "
                f"the journal has {[row[4] for row in written]} there or other contents: the run is not repeatable"
            )

    def _transact(self, sql: str, rows: list[Any]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(sql, rows)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise JournalError(f"{self.path}: cannot be written: {error}; nothing was sent on its strength") from error

    def _meta(self, key: str) -> str:
        row = self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise JournalError(f"{self.path}: the file lacks its {key!r} stamp; it was left as it is")
        return str(row[0])

    def _set_meta(self, key: str, value: str) -> None:
        self._transact("INSERT OR REPLACE INTO meta VALUES (?, ?)", [(key, value)])

    def _query_last_seq(self) -> int:
        query = "SELECT coalesce(max(seq), 0) FROM rows WHERE segment = ?"
        return int(self._connection.execute(query, (self._segment,)).fetchone()[0])


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


def backup(source: Path, target: Path) -> None:
    """Copy a journal, also while another process writes it. Refuses to overwrite."""
    if target.exists():
        raise JournalError(f"{target}: there is a file already; a backup never overwrites")
    if not source.is_file():
        raise JournalError(f"{source}: no journal there")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as reader,
            closing(sqlite3.connect(partial)) as writer,
        ):
            reader.backup(writer)
    except sqlite3.Error as error:
        partial.unlink(missing_ok=True)
        raise JournalError(f"backup of {source} failed: {error}") from error
    partial.replace(target)
