"""Where runs live: one process, one current run, and old ones go."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from phantom_arbiter.core.commands import Mode
from phantom_arbiter.storage.errors import InUseError, JournalError, WriteError
from phantom_arbiter.storage.journal import Journal
from phantom_arbiter.storage.runs import RunFolder, describe

MARKET = {"type": "built-in", "seed": 7, "scenario": "calm"}


def add(folder: RunFolder, number: int, sealed: str = "ended") -> str:
    """A run that is ``number`` seconds old by its file."""
    run_id = folder.new_id("20260101")
    path = folder.path(run_id)
    with closing(Journal.create(path, run_id, Mode.PAPER, "1", MARKET, {})) as journal:
        if sealed:
            journal.seal(sealed)
    os.utime(path, (1_000_000 + number, 1_000_000 + number))
    return run_id


def test_ids_are_claimed_in_order(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "replay")
    assert [folder.new_id("20260101") for _ in range(3)] == ["20260101-1", "20260101-2", "20260101-3"]


def test_a_home_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    folder = RunFolder(tmp_path / "home", "paper")
    with pytest.raises(WriteError, match="cannot be used: Not a directory"):
        folder.new_id("20260101")
    with pytest.raises(WriteError, match="cannot be used: Not a directory"):
        folder.lock()


def test_the_current_run(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "paper")
    assert folder.current() is None
    run_id = add(folder, 1)
    folder.set_current(run_id)
    assert RunFolder(tmp_path, "paper").current() == folder.path(run_id)
    folder.set_current("gone")
    assert folder.current() is None


def test_runs_are_listed_oldest_first(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "paper")
    ids = [add(folder, age) for age in (3, 1, 2)]
    assert [path.parent.name for path in folder.runs()] == [ids[1], ids[2], ids[0]]
    assert describe(folder.path(ids[0]), Mode.PAPER).run_id == ids[0]


def test_prune_keeps_the_newest_the_current_and_the_open(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "paper")
    current, still_open, old, older = add(folder, 1), add(folder, 2, sealed=""), add(folder, 3), add(folder, 4)
    newest = add(folder, 5)
    damaged = folder.path(older)
    damaged.write_bytes(b"garbage")
    os.utime(damaged, (1_000_004, 1_000_004))
    folder.set_current(current)
    assert folder.prune(1, Mode.PAPER) == [old]
    assert sorted(path.parent.name for path in folder.runs()) == sorted([current, still_open, older, newest])
    assert folder.prune(5, Mode.PAPER) == []


def test_prune_never_removes_a_run_of_the_other_mode(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "paper")
    first, _ = add(folder, 1), add(folder, 2)
    assert folder.prune(1, Mode.LIVE) == []
    assert folder.path(first).exists()


def test_a_folder_is_one_processs(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib\n"
        "from phantom_arbiter.storage.runs import RunFolder\n"
        "folder = RunFolder(pathlib.Path(sys.argv[1]), 'paper')\n"
        "folder.lock()\n"
        "print('locked', flush=True)\n"
        "sys.stdin.read()\n"
    )
    folder, replays = RunFolder(tmp_path, "paper"), RunFolder(tmp_path, "replay")
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(InUseError, match=f"in use by process {other.pid}; stop it, or choose another folder"):
            folder.lock()
        replays.lock()  # the other kind is free
        replays.unlock()
        other.kill()
    folder.lock()
    with pytest.raises(InUseError, match=f"in use by process {os.getpid()}"):
        RunFolder(tmp_path, "paper").lock()
    folder.unlock()
    again = RunFolder(tmp_path, "paper")
    again.lock()
    again.unlock()
    again.unlock()


def test_describing_something_else(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="no journal there"):
        describe(tmp_path / "journal.db", Mode.PAPER)
