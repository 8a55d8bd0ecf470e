"""The real command in processes of its own: run to the end, or started to be stopped."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

PHANTOM: Final = (sys.executable, "-m", "phantom_arbiter.cli")
PATIENCE_S: Final = 90.0
GLANCE_S: Final = 0.02


def environment(home: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "PHANTOM_HOME": str(home), "COLUMNS": "200", **more}


def phantom(home: Path, *args: object, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PHANTOM, *map(str, args)],
        env=environment(home, **more),
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


def result(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The one JSON object of a command that went well."""
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    parsed: dict[str, Any] = json.loads(done.stdout)
    return parsed


def begin(home: Path, *args: object, prepare: Callable[[], None] | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*PHANTOM, *map(str, args)],
        env=environment(home),
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=prepare,
    )


def ignore_signals() -> None:
    """What a shell does to a job in the background."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def until(process: subprocess.Popen[str], reached: Callable[[], bool]) -> None:
    """Look now and then until it is so, as long as the process lives and patience lasts."""
    for _ in range(round(PATIENCE_S / GLANCE_S)):
        if reached():
            return
        try:
            process.wait(GLANCE_S)
        except subprocess.TimeoutExpired:
            continue
        raise AssertionError(f"ended with {process.returncode}: {process.communicate()}")
    process.kill()
    raise AssertionError(f"it did not come to that: {process.communicate()}")


def facts_in(journal: Path) -> int:
    """The last fact that is on disk; 0 before there is a file."""
    if not journal.exists():
        return 0
    with closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True, timeout=5)) as reader:
        row: tuple[int | None] = reader.execute("SELECT max(seq) FROM rows").fetchone()
        return row[0] or 0


def sealed(journal: Path) -> str:
    with closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True)) as reader:
        row: tuple[str] = reader.execute("SELECT value FROM meta WHERE key = 'sealed'").fetchone()
        return row[0]
