"""A small folder of made-up posted hours, of the form that the carry lab reads."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import polars as pl

FIRST: Final = datetime(2025, 4, 14, tzinfo=UTC)
HOURS: Final = 240


def write_hours(folder: Path) -> Path:
    """Ten days of SOL-PERP and BTC-PERP whose funding swings about a mean that a short receives; the folder."""
    for market, price in (("SOL-PERP", 150.0), ("BTC-PERP", 90_000.0)):
        rates = [price * (2e-5 + 6e-5 * math.sin(index / 9.0)) for index in range(HOURS)]
        prices = [price * (1.0 + 0.02 * math.sin(index / 40.0)) for index in range(HOURS)]
        _write(
            folder / "drift_funding_hourly" / f"{market}_1h.parquet",
            {"funding_rate_quote_per_base": rates, "oracle_price_twap": prices, "mark_price_twap": prices},
        )
    _write(folder / "solana_carry_rates" / "jitosol_staking_apy_1h.parquet", {"avg_apy": [0.07] * HOURS})
    return folder


def _write(path: Path, columns: dict[str, list[float]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    hours = pl.Series("ts", [FIRST + timedelta(hours=index) for index in range(HOURS)]).dt.cast_time_unit("ms")
    pl.DataFrame({"ts": hours, **columns}).write_parquet(path)
