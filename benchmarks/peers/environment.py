"""A peer's own environment, made when a benchmark first asks for it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

PYTHONS: Final = ("python3.14", "python3.13", "python3.12")
"""Tried before our own Python: some peers' newest versions need a newer one."""
INSTALL_SECONDS: Final = 600


class PeerMissingError(RuntimeError):
    """The peer cannot be had on this machine; the message says why."""


def peer_python(requirement: str) -> Path:
    """The Python of an environment that holds ``requirement`` (made if need be); raises `PeerMissingError`."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "phantom-arbiter" / "peers"
    base = _newest_python()
    place = home / f"{re.sub('[^a-zA-Z0-9.]+', '-', requirement)}-{Path(base).resolve().name}"
    python, ready = place / "bin" / "python", place / "ready"
    if not ready.exists():
        sys.stderr.write(f"making an environment for {requirement} in {place}\n")
        _run(base, "-m", "venv", "--clear", str(place))
        _run(str(python), "-m", "pip", "install", "--quiet", "--only-binary", ":all:", requirement)
        ready.touch()
    return python


def _newest_python() -> str:
    for name in PYTHONS:
        found = shutil.which(name)
        if found and subprocess.run([found, "-c", "import venv"], capture_output=True, check=False).returncode == 0:
            return found
    return sys.executable


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.CalledProcessError as error:
        last = error.stderr.strip().splitlines()[-1:] or [f"exit code {error.returncode}"]
        raise PeerMissingError(f"{' '.join(command[1:4])}: {last[0]}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PeerMissingError(f"{' '.join(command[1:4])}: {error}") from error
