"""Every swap that was measured on the real programs, answered to the unit; a vector without an answer is refused.

A file of ``PHANTOM_GOLDEN_DIR`` belongs to the module in `tests/golden/onchain` whose name begins the file's name; each
has ``cases(path) -> Iterator[Case]``. Account bytes come from ``PHANTOM_FIXTURES_DIR``.
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
GOLDEN = Path(os.environ.get("PHANTOM_GOLDEN_DIR") or CHECKOUT.parent / "shared" / "golden")
MODULES = sorted(path.stem for path in (Path(__file__).parent / "onchain").glob("[a-z]*.py"))


@pytest.mark.parametrize("name", MODULES)
def test_every_measured_swap_is_answered_to_the_unit(name: str) -> None:
    files = sorted(GOLDEN.glob(f"{name}*.json.gz"))
    if not files:
        pytest.skip(f"no golden vectors {name}*: {GOLDEN} has none (PHANTOM_GOLDEN_DIR names the folder)")
    module = import_module(f"tests.golden.onchain.{name}")
    for file in files:
        seen = 0
        for case in module.cases(file):
            assert case.answered == case.measured, (file.name, case.label)
            seen += 1
        assert seen >= 20, file.name
