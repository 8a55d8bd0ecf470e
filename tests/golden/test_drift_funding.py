"""Every recorded hour of Drift v2 comes out of its TWAPs to the unit; dividing downwards would miss a quarter of them.

No recorded hour touches a clamp, a skipped hour or a cap: those have the program's own vectors in the unit tests. So
the tier does not matter here.
"""

from __future__ import annotations

import os
from pathlib import Path

import polars as pl
import pytest

from phantom_arbiter.core.perp.funding import hourly_rate_e9
from phantom_arbiter.core.perp.profile import DRIFT_V2, ContractTier

pytestmark = pytest.mark.realdata

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("PHANTOM_DATA_DIR", CHECKOUT.parent / "shared" / "data")) / "drift_funding_hourly"
FILES = sorted(FOLDER.glob("*.parquet"))
COLUMNS = ("mark_price_twap", "oracle_price_twap", "funding_rate_quote_per_base")
ABSENT = f"no recorded funding: no *.parquet in {FOLDER} (PHANTOM_DATA_DIR names the folder above)"


def hours(file: Path) -> list[tuple[int, int, int]]:
    """Mark and oracle TWAP at 1e6, and the rate at 1e9, of each row."""
    rows = pl.read_parquet(file).select(COLUMNS).rows()
    assert rows, f"{file.name} has no rows"
    return [(round(mark * 1e6), round(oracle * 1e6), round(rate * 1e9)) for mark, oracle, rate in rows]


@pytest.fixture(params=FILES or [None], ids=[file.stem for file in FILES] or ["absent"])
def file(request: pytest.FixtureRequest) -> Path:
    """Each file of the folder, whatever its name; skips where there is none."""
    if request.param is None:
        pytest.skip(ABSENT)
    return request.param


def test_every_hour_is_reproduced(file: Path) -> None:
    missed = [
        (row, mark, oracle, rate, ours)
        for row, (mark, oracle, rate) in enumerate(hours(file))
        if (ours := hourly_rate_e9(mark, oracle, DRIFT_V2, ContractTier.A)) != rate
    ]
    assert missed == []


def test_a_floor_would_miss_a_good_part_of_the_hours() -> None:
    """2,377 of the 9,624 recorded: a negative rate that leaves a remainder. Rows without any could not tell the two."""
    if not FILES:
        pytest.skip(ABSENT)
    rows = [row for file in FILES for row in hours(file)]
    missed = sum((mark - oracle + oracle // 5_000) * 1_000 // 24 != rate for mark, oracle, rate in rows)
    assert missed > len(rows) // 20, f"a floor misses only {missed} of {len(rows)} rows: they prove little"
