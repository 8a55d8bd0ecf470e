"""Recorded answers and account bytes, read from where they lie beside the checkout; never copied here."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

BESIDE = Path(__file__).parents[3].parent / "shared"
SAMPLES = Path(os.environ.get("PHANTOM_SAMPLES_DIR", BESIDE / "samples"))
FIXTURES = Path(os.environ.get("PHANTOM_FIXTURES_DIR", BESIDE / "fixtures"))


def _read(path: Path, variable: str) -> bytes:
    if not path.is_file():
        pytest.skip(f"not recorded here: {path} is absent ({variable} names the folder)")
    return path.read_bytes()


@pytest.fixture(scope="session")
def sample() -> Callable[[str], Any]:
    """A recorded answer by its file's name, decoded."""
    return lambda name: msgspec.json.decode(_read(SAMPLES / f"{name}.json", "PHANTOM_SAMPLES_DIR"))


@pytest.fixture(scope="session")
def recorded(sample: Callable[[str], Any]) -> Callable[[str], bytes]:
    """The body of a recorded answer, as bytes."""
    return lambda name: msgspec.json.encode(sample(name)["body"])


@pytest.fixture(scope="session")
def account() -> Callable[[str], bytes]:
    """The bytes of a recorded Velocity account."""
    return lambda name: _read(FIXTURES / "velocity" / f"velocity_{name}.bin", "PHANTOM_FIXTURES_DIR")
