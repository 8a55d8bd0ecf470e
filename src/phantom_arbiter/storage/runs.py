"""Where runs live: one folder a run, paper and live apart, one process at a time.

``HOME/paper/<run id>/journal.db``, ``HOME/live/…``, ``HOME/replay/…``; ``HOME/<kind>/current`` names the run that a
restart goes on with. The lock file is held by an open file description, so a killed process leaves nothing to clean.
"""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from pathlib import Path
from typing import Final

from phantom_arbiter.core.commands import Mode
from phantom_arbiter.storage.errors import JournalError, WriteError
from phantom_arbiter.storage.journal import Journal, RunInfo
from phantom_arbiter.storage.lock import FolderLock

JOURNAL_FILE: Final = "journal.db"
KEPT_RUNS: Final = 20
"""Sealed runs kept by default; older ones go when a new one begins."""
MOST_RUNS: Final = 10_000


def default_home() -> Path:
    """``PHANTOM_HOME``, or ``.phantom-arbiter`` in the user's home folder."""
    return Path(os.environ.get("PHANTOM_HOME") or Path.home() / ".phantom-arbiter")


class RunFolder:
    """The runs of one kind (``paper``, ``live``, ``replay``) under a home folder, locked for this process."""

    def __init__(self, home: Path, kind: str) -> None:
        self.folder = home / kind
        self._lock: FolderLock | None = None

    def lock(self) -> None:
        """Take the folder for this process. Raises `InUseError` naming the process that has it."""
        self._lock = FolderLock(self.folder, "choose another folder with --home")

    def unlock(self) -> None:
        """Give the folder back."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def path(self, run_id: str) -> Path:
        """The journal of a run."""
        return self.folder / run_id / JOURNAL_FILE

    def current(self) -> Path | None:
        """The journal that a restart goes on with, if there is one."""
        marker = self.folder / "current"
        if not marker.is_file():
            return None
        path = self.path(marker.read_text(encoding="utf-8").strip())
        return path if path.is_file() else None

    def set_current(self, run_id: str) -> None:
        """Name the run to go on with, atomically."""
        partial = self.folder / "current.partial"
        try:
            partial.write_text(run_id, encoding="utf-8")
            partial.replace(self.folder / "current")
        except OSError as error:
            raise WriteError(f"{partial}: cannot be written: {error.strerror}") from error

    def new_id(self, stamp: str) -> str:
        """A run id that starts with ``stamp``, and its folder: no other process gets the same."""
        for number in range(1, MOST_RUNS):
            run_id = f"{stamp}-{number}"
            try:
                (self.folder / run_id).mkdir(parents=True)
            except FileExistsError:
                continue
            except OSError as error:
                raise WriteError(f"{self.folder}: cannot be used: {error.strerror}") from error
            return run_id
        raise JournalError(f"{self.folder}: {MOST_RUNS} runs named {stamp}; remove some with `phantom runs prune`")

    def runs(self) -> list[Path]:
        """All journals, oldest first."""
        found = self.folder.glob(f"*/{JOURNAL_FILE}")
        return sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.parent.name))

    def prune(self, keep: int, mode: Mode) -> list[str]:
        """Remove sealed runs beyond the newest ``keep``; the current run and open ones always stay."""
        current = self.current()
        removed = []
        for path in self.runs()[: -keep or None]:
            if path != current and _sealed(path, mode):
                shutil.rmtree(path.parent)
                removed.append(path.parent.name)
        return removed


def _sealed(path: Path, mode: Mode) -> bool:
    try:
        with closing(Journal.read(path, mode)) as journal:
            return bool(journal.info().sealed)
    except JournalError:
        return False


def describe(path: Path, mode: Mode) -> RunInfo:
    """What a run says about itself."""
    with closing(Journal.read(path, mode)) as journal:
        return journal.info()
