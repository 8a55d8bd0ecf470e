"""One process at a time in a folder. The lock is the system's: a killed process leaves nothing to clean."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO, Final

from phantom_arbiter.storage.errors import InUseError, WriteError

LOCK_FILE: Final = "lock"


class FolderLock:
    """A folder that is this process's until `release`; made where it is missing.

    Raises `InUseError` naming the process that has it, and `WriteError` where no lock can be kept.
    """

    def __init__(self, folder: Path, advice: str) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file: IO[str] = (folder / LOCK_FILE).open("a+", encoding="ascii")
        except OSError as error:
            raise WriteError(f"{folder}: cannot be used: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            self._file.close()
            raise InUseError(f"{folder}: in use by process {holder}; stop it, or {advice}") from error
        self._sign(folder)

    def _sign(self, folder: Path) -> None:
        try:
            self._file.truncate(0)
            self._file.write(str(os.getpid()))
            self._file.flush()
        except OSError as error:
            self.release()
            raise WriteError(f"{folder}: cannot be written: {error.strerror}") from error

    def release(self) -> None:
        """Give the folder back; does nothing a second time."""
        self._file.close()
