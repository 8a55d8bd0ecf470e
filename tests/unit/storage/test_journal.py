"""The journal: what is committed stays, what cannot be used is refused and left as it is."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from phantom_arbiter.core.commands import Mode
from phantom_arbiter.storage.errors import DivergenceError, JournalError, WriteError
from phantom_arbiter.storage.journal import BUFFERED_ROWS, KEPT_SNAPSHOTS, Journal
from tests.unit.storage.journals import MARKET, fact, new, outcome, recorded


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
