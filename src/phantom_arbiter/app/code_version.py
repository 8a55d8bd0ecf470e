"""The version of the code that runs: the release and a digest of every source file; any edit is a new version."""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from importlib.metadata import version
from pathlib import Path


@cache
def code_version() -> str:
    """For example ``0.1.0+3f9a0c12``."""
    root = Path(__file__).resolve().parent.parent
    digest = blake2b(digest_size=4)
    for path in sorted(root.rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode())
        digest.update(path.read_bytes())
    return f"{version('phantom-arbiter')}+{digest.hexdigest()}"
