"""The journal: what is committed stays, what cannot be used is refused and left as it is."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from phantom_arbiter.core.commands import Mode, StartEngine
from phantom_arbiter.core.events import Commanded, Envelope
from phantom_arbiter.core.lifecycle import EngineStatus
from phantom_arbiter.core.outcome import CommandOutcome, Outcome, StatusChange
from phantom_arbiter.storage.errors import DivergenceError, InUseError, JournalError, WriteError
from phantom_arbiter.storage.journal import BUFFERED_ROWS, KEPT_SNAPSHOTS, Journal
from phantom_arbiter.storage.journal_file import APPLICATION_ID, backup

MARKET = {"type": "built-in", "seed": 7, "scenario": "calm", "hours": None}


def fact(seq: int, command_id: str = "c") -> Envelope:
    return Envelope(seq, seq * 1_000, "command", Commanded(command_id, StartEngine("lst")), command_id)


def outcome(statuses: int = 1) -> Outcome:
    changes = [StatusChange("lst", EngineStatus.RUNNING, str(n)) for n in range(statuses)]
    return Outcome([], [], [], changes, [], CommandOutcome("c", True, "ok", "started"))


def new(path: Path, mode: Mode = Mode.PAPER) -> Journal:
    return Journal.create(path, "run-1", mode, "1.0+a", MARKET, {"x": 1})


def recorded(path: Path, *seqs: int) -> None:
    with closing(new(path)) as journal:
        for seq in seqs:
            journal.record(fact(seq), outcome())
        journal.commit()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run-1" / "journal.db"


# What is kept


def test_a_new_file_says_what_it_is(path: Path) -> None:
    with closing(new(path)) as journal:
        info = journal.info()
    assert (info.run_id, info.mode, info.code_version, info.sealed, info.segment) == (
        "run-1",
        Mode.PAPER,
        "1.0+a",
        "",
        1,
    )
    assert (info.market, info.config) == (MARKET, {"x": 1})


def test_what_is_committed_is_there_after_reopening(path: Path) -> None:
    recorded(path, 3, 8)
    with closing(Journal.open(path, Mode.PAPER)) as journal:
        rows = journal.page(100).rows
        assert [(row.seq, row.n, row.kind) for row in rows] == [
            (8, 2, "CommandOutcome"),
            (8, 1, "StatusChange"),
            (8, 0, "Commanded"),
            (3, 2, "CommandOutcome"),
            (3, 1, "StatusChange"),
            (3, 0, "Commanded"),
        ]
        assert rows[2].decoded()["body"]["command"] == {"action": "START_ENGINE", "engine": "lst", "mode": "paper"}
        assert journal.last_seq == 8
        assert [row.seq for row in journal.rows(("StatusChange",))] == [3, 8]


def test_what_is_not_committed_is_gone(path: Path) -> None:
    with closing(new(path)) as journal:
        journal.record(fact(1), outcome())
        journal.commit()
        journal.record(fact(2), outcome())
        assert journal.last_seq == 2
    with closing(Journal.open(path, Mode.PAPER)) as journal:
        assert journal.last_seq == 1


def test_the_buffer_is_bounded(path: Path) -> None:
    with closing(new(path)) as journal, closing(sqlite3.connect(path)) as other:
        for seq in range(1, BUFFERED_ROWS // 3 + 2):
            journal.record(fact(seq), outcome())
        assert other.execute("SELECT count(*) FROM rows").fetchone()[0] >= BUFFERED_ROWS


def test_pages_never_split_a_fact(path: Path) -> None:
    with closing(new(path)) as journal:
        for seq in (1, 2, 3):
            journal.record(fact(seq), outcome(statuses=3))  # five rows each
        journal.commit()
        seen, before = [], None
        while True:
            page = journal.page(7, before)
            seen += [(row.seq, row.n) for row in page.rows]
            before = page.next_before_seq
            if before is None:
                break
        assert seen == [(seq, n) for seq in (3, 2, 1) for n in (4, 3, 2, 1, 0)]
        assert len(journal.page(2).rows) == 5
        assert journal.page(15).next_before_seq is None


def test_no_second_file_in_the_same_place(path: Path) -> None:
    recorded(path, 1)
    before = path.read_bytes()
    with pytest.raises(JournalError, match="never overwritten"):
        new(path)
    assert path.read_bytes() == before


# Snapshots, seal, segments


def test_only_the_last_snapshots_are_kept(path: Path) -> None:
    with closing(new(path)) as journal:
        assert journal.last_snapshot() is None
        for seq in range(1, KEPT_SNAPSHOTS + 3):
            journal.save_snapshot(seq, seq, f"h{seq}", "1.0+a", b"state")
        newest = journal.last_snapshot()
        with closing(sqlite3.connect(path)) as other:
            kept = [row[0] for row in other.execute("SELECT seq FROM snapshots ORDER BY seq")]
    assert newest is not None
    assert (newest.seq, newest.state_hash, newest.body) == (KEPT_SNAPSHOTS + 2, f"h{KEPT_SNAPSHOTS + 2}", b"state")
    assert kept == [3, 4, 5]


def test_seal_and_reopen(path: Path) -> None:
    with closing(new(path)) as journal:
        journal.record(fact(1), outcome())
        journal.seal("ended")
    with closing(Journal.open(path, Mode.PAPER)) as journal:
        assert (journal.info().sealed, journal.last_seq) == ("ended", 1)
        journal.reopen()
        assert journal.info().sealed == ""


def test_a_new_segment_begins_at_the_snapshot_and_keeps_the_old_rows(path: Path) -> None:
    with closing(new(path)) as journal:
        journal.record(fact(1), outcome())
        journal.save_snapshot(1, 1, "h1", "1.0+a", b"")
        journal.record(fact(2, "old"), outcome())
        journal.commit()
    with closing(Journal.open(path, Mode.PAPER)) as journal:
        journal.new_segment("1.0+b")
        assert list(journal.commands_after(1)) == []
        journal.record(fact(2, "new"), outcome())  # not compared with the old segment's
        journal.commit()
    with closing(Journal.open(path, Mode.PAPER)) as journal:
        info, snapshot = journal.info(), journal.last_snapshot()
        assert (info.segment, info.code_version) == (2, "1.0+b")
        assert snapshot is not None
        assert snapshot.seq == 1
        assert [(seq, body.command_id) for seq, body in journal.commands_after(1)] == [(2, "new")]
        with closing(sqlite3.connect(path)) as other:
            assert other.execute("SELECT count(*) FROM rows WHERE segment = 1").fetchone()[0] == 6


# Doing again


@pytest.fixture
def killed(path: Path) -> Iterator[Journal]:
    """A run with a snapshot at fact 1 and rows of facts 2, 3 and 5 after it."""
    with closing(new(path)) as journal:
        journal.record(fact(1), outcome())
        journal.save_snapshot(1, 1, "h1", "1.0+a", b"")
        for seq in (2, 3, 5):
            journal.record(fact(seq), outcome())
        journal.commit()
    journal = Journal.open(path, Mode.PAPER)
    yield journal
    journal.close()


def test_the_same_again_is_compared_not_written(killed: Journal) -> None:
    for seq in (2, 3, 5):
        killed.record(fact(seq), outcome())
    killed.record(fact(6), outcome())
    killed.commit()
    assert [row.seq for row in killed.page(100).rows if row.n == 0] == [6, 5, 3, 2, 1]


def test_another_outcome_is_a_divergence(killed: Journal) -> None:
    killed.record(fact(2), outcome())
    with pytest.raises(DivergenceError, match=r"fact 3 came out as .*not repeatable"):
        killed.record(fact(3), outcome(statuses=2))


def test_other_contents_are_a_divergence(killed: Journal) -> None:
    with pytest.raises(DivergenceError, match="fact 2"):
        killed.record(fact(2, "other"), outcome())


def test_a_row_too_many_is_a_divergence(killed: Journal) -> None:
    for seq in (2, 3):
        killed.record(fact(seq), outcome())
    with pytest.raises(DivergenceError, match="fact 4"):
        killed.record(fact(4), outcome())


@pytest.mark.parametrize("following", [5, 6])
def test_a_row_too_few_is_a_divergence(killed: Journal, following: int) -> None:
    killed.record(fact(2), outcome())  # 3 does not come
    with pytest.raises(DivergenceError, match=f"fact {following}"):
        killed.record(fact(following), outcome())


# What is refused


def refused(path: Path, mode: Mode = Mode.PAPER) -> str:
    """The message of `open` and `read` alike; the folder must be as it was."""
    before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    with pytest.raises(JournalError) as by_open:
        Journal.open(path, mode)
    with pytest.raises(JournalError) as by_read:
        Journal.read(path, mode)
    assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == before
    assert str(by_open.value) == str(by_read.value)
    assert str(path) in str(by_open.value)
    return str(by_open.value)


def test_a_missing_file(tmp_path: Path) -> None:
    assert "no journal there" in refused(tmp_path / "journal.db")


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(JournalError, match="Is a directory"):
        Journal.open(tmp_path / "x", Mode.PAPER)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x00" * 5_000, b"SQLite format 3\x00" + b"\x7f" * 4_096])
def test_garbage(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(content)
    assert "left as it is" in refused(path)


@pytest.mark.parametrize("logging", ["delete", "wal"])
def test_another_programs_database(tmp_path: Path, logging: str) -> None:
    path = tmp_path / "journal.db"
    with closing(sqlite3.connect(path)) as foreign:
        foreign.execute(f"PRAGMA journal_mode={logging}")
        foreign.execute("CREATE TABLE notes (text TEXT)")
        foreign.commit()
        assert "not a Phantom Arbiter journal" in refused(path)


def test_another_schema_version(path: Path) -> None:
    recorded(path, 1)
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA user_version=2")
    assert "schema version 2, this program reads 1" in refused(path)


def test_another_mode(path: Path) -> None:
    new(path, Mode.LIVE).close()
    assert "a journal of mode live, expected paper" in refused(path)
    with closing(Journal.open(path, Mode.LIVE)) as journal:
        assert journal.info().mode is Mode.LIVE


def test_a_truncated_file(path: Path) -> None:
    recorded(path, *range(1, 400))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "damaged" in refused(path)


def test_a_file_with_a_broken_page(path: Path) -> None:
    recorded(path, *range(1, 400))
    whole = bytearray(path.read_bytes())
    whole[4_096 * 5 : 4_096 * 6] = b"\xff" * 4_096
    path.write_bytes(whole)
    assert "damaged" in refused(path)


def test_a_file_without_its_stamps(path: Path) -> None:
    recorded(path, 1)
    with closing(sqlite3.connect(path)) as other:
        other.execute("DELETE FROM meta WHERE key = 'segment'")
        other.commit()
    assert "lacks its 'segment' stamp" in refused(path)


def test_looking_at_a_run_changes_nothing(path: Path) -> None:
    recorded(path, 1)
    before = path.read_bytes(), path.stat().st_mtime_ns
    with closing(Journal.read(path, Mode.PAPER)) as journal:
        assert journal.last_seq == 1
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    assert {file.name for file in path.parent.iterdir()} == {"journal.db", "lock"}


def test_one_writer_at_a_time_and_readers_beside_it(path: Path) -> None:
    recorded(path, 1)
    program = (
        "import sys, pathlib\n"
        "from phantom_arbiter.core.commands import Mode\n"
        "from phantom_arbiter.storage.journal import Journal\n"
        "journal = Journal.open(pathlib.Path(sys.argv[1]), Mode.PAPER)\n"
        "print('open', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(InUseError, match=f"in use by process {other.pid}; "):
            Journal.open(path, Mode.PAPER)
        with closing(Journal.read(path, Mode.PAPER)) as journal:
            assert journal.last_seq == 1
        other.kill()
    with closing(Journal.open(path, Mode.PAPER)) as journal:  # the lock died with its process
        assert journal.last_seq == 1


# A name for good


def test_a_moved_file_is_whole_and_goes_on(path: Path) -> None:
    partial = path.with_name("journal.db.partial")
    with closing(new(partial)) as journal:
        journal.record(fact(1), outcome())
        journal.move(path)
        assert not partial.exists()
        journal.record(fact(2), outcome())
        journal.commit()
    with closing(Journal.open(path, Mode.PAPER)) as journal:
        assert journal.last_seq == 2
    assert {file.name for file in path.parent.iterdir()} == {"journal.db", "lock"}


# A full disk


def fill(journal: Journal) -> int:
    """Commit until the disk refuses; how many facts were taken before."""
    for seq in range(1, 10_000):
        journal.record(fact(seq, "x" * 2_000), outcome())
        try:
            journal.commit()
        except WriteError as error:
            assert "full" in str(error)  # noqa: PT017
            return seq - 1
    raise AssertionError("the disk is never full")


def check_full(path: Path, journal: Journal, taken: int) -> None:
    with pytest.raises(WriteError, match="full"):
        journal.commit()
    with pytest.raises(WriteError, match="full"):
        journal.save_snapshot(1, 1, "h", "v", b"")
    journal.close()
    assert taken > 10
    with closing(Journal.read(path, Mode.PAPER)) as again:
        assert again.last_seq == taken


def test_a_file_that_may_not_grow(path: Path) -> None:
    journal = new(path)
    journal._connection.execute("PRAGMA max_page_count=100")
    check_full(path, journal, fill(journal))


def test_a_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting a small disk needs more rights")
    try:
        path = disk / "journal.db"
        journal = new(path)
        check_full(path, journal, fill(journal))
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WriteError, match="cannot be used: Not a directory"):
        new(tmp_path / "file" / "run" / "journal.db")


# Backups


def test_a_backup_while_another_connection_writes(path: Path, tmp_path: Path) -> None:
    target = tmp_path / "kept" / "backup.db"
    with closing(new(path)) as journal:
        journal.record(fact(1), outcome())
        journal.commit()
        journal.record(fact(2), outcome())  # not committed: not in the copy
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            other.execute("INSERT INTO meta VALUES ('under', 'way')")
            backup(path, target)
            other.execute("ROLLBACK")
        journal.commit()
    with closing(Journal.read(target, Mode.PAPER)) as copy:
        assert (copy.last_seq, copy.info().run_id) == (1, "run-1")
        assert copy.rows(()) is not None
    with closing(sqlite3.connect(target)) as copy_file:
        assert copy_file.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
        assert copy_file.execute("SELECT count(*) FROM meta WHERE key = 'under'").fetchone()[0] == 0
    assert [file.name for file in target.parent.iterdir()] == ["backup.db"]


def test_a_backup_never_overwrites(path: Path, tmp_path: Path) -> None:
    recorded(path, 1)
    target = tmp_path / "backup.db"
    target.write_text("precious")
    with pytest.raises(JournalError, match="never overwrites"):
        backup(path, target)
    assert target.read_text() == "precious"


def test_a_backup_of_something_else_leaves_nothing(tmp_path: Path) -> None:
    source, target = tmp_path / "x.db", tmp_path / "backup.db"
    with pytest.raises(JournalError, match="no journal there"):
        backup(source, target)
    source.write_text("hello")
    with pytest.raises(JournalError, match="no SQLite file"):
        backup(source, target)
    assert not target.exists()


def test_a_name_with_odd_characters(tmp_path: Path) -> None:
    path = tmp_path / "50% ?#[x]" / "journal.db"
    recorded(path, 1)
    backup(path, tmp_path / "copy.db")
    with closing(Journal.read(path, Mode.PAPER)) as journal:
        assert journal.last_seq == 1
