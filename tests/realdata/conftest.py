"""One import of the data folder for all tests here."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the catalogue of the data is cached."""
    return tmp_path_factory.mktemp("home")
