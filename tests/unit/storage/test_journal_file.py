"""A file that is not ours, damaged or in use is refused and left as it is; a copy is whole."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from phantom_arbiter.core.commands import Mode
from phantom_arbiter.storage.errors import InUseError, JournalError
from phantom_arbiter.storage.journal import Journal
from phantom_arbiter.storage.journal_file import APPLICATION_ID, backup
from tests.unit.storage.journals import fact, new, outcome, recorded


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run-1" / "journal.db"


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
