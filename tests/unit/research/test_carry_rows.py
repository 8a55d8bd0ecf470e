"""Reading the carry lab's files: each hour knows the last value that had been told, and nothing later."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from phantom_arbiter.core.units import HOURS_PER_YEAR
from phantom_arbiter.research.carry_lab import CarryLabRequest, run_carry_lab
from phantom_arbiter.research.carry_rows import ASSUMED_BORROW_APR, CarryRows, read_rows
from phantom_arbiter.storage.schemas import DataError

FIRST = datetime(2025, 4, 14, tzinfo=UTC)
HOURS = 48


def write(path: Path, columns: dict[str, list[object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(columns).with_columns(pl.col("ts").dt.cast_time_unit("ms")).write_parquet(path)


def times(count: int, first: datetime = FIRST, step: timedelta = timedelta(hours=1)) -> list[object]:
    return [first + index * step for index in range(count)]


def write_hours(folder: Path, market: str = "SOL-PERP", *, drop: int | None = None) -> None:
    columns: dict[str, list[object]] = {
        "ts": times(HOURS),
        "funding_rate_quote_per_base": [1e-6 * (index + 1) for index in range(HOURS)],
        "oracle_price_twap": [100.0 + index for index in range(HOURS)],
        "mark_price_twap": [100.5 + index for index in range(HOURS)],
    }
    if drop is not None:
        columns = {name: values[:drop] + values[drop + 1 :] for name, values in columns.items()}
    write(folder / "drift_funding_hourly" / f"{market}_1h.parquet", columns)


def write_staking(folder: Path, first: datetime) -> None:
    path = folder / "solana_carry_rates" / "jitosol_staking_apy_1h.parquet"
    write(path, {"ts": times(10, first), "avg_apy": [0.07] * 10})


def write_epochs(folder: Path) -> None:
    path = folder / "lst_stake_pool_rates" / "rates_per_epoch_named.parquet"
    columns: dict[str, list[object]] = {
        "pool": ["jitoSOL"] * 3,
        "ts": times(3, FIRST - timedelta(days=4), timedelta(days=2)),
        "epoch": [770, 771, 772],
        "price": [1.2, 1.2005, 1.2011],
    }
    write(path, columns)


def read(folder: Path, *, staking: bool = False, market: str = "SOL-PERP", venue: str = "drift-v2") -> CarryRows:
    return read_rows(folder, venue, market, None, None, staking=staking)


def test_hours_come_as_the_venues_integers(tmp_path: Path) -> None:
    write_hours(tmp_path)
    hour = read(tmp_path).hours[1]
    assert (hour.rate_e9, hour.oracle_twap_px, hour.mark_twap_px) == (2_000, 101_000_000, 101_500_000)
    assert hour.ts_ns == int(FIRST.timestamp() + 3600) * 10**9


def test_a_span_takes_its_first_hour_and_leaves_out_its_end(tmp_path: Path) -> None:
    write_hours(tmp_path)
    begin, end = (int(FIRST.timestamp() + 3600 * hours) * 10**9 for hours in (2, 7))
    hours = read_rows(tmp_path, "drift-v2", "SOL-PERP", begin, end, staking=False).hours
    assert [hour.rate_e9 for hour in hours] == [3_000, 4_000, 5_000, 6_000, 7_000]


def test_the_posted_yield_counts_from_the_end_of_its_hour_the_epochs_before(tmp_path: Path) -> None:
    write_hours(tmp_path)
    write_epochs(tmp_path)
    write_staking(tmp_path, FIRST + timedelta(hours=10))
    rows = read(tmp_path, staking=True)
    by_epoch = math.log(1.2011 / 1.2005) / 48
    assert rows.staking[0] == pytest.approx(by_epoch)
    assert rows.staking[10] == pytest.approx(by_epoch)
    assert rows.staking[11] == rows.staking[-1] == pytest.approx(math.log(1.07) / HOURS_PER_YEAR)
    assert any("first 11 hours" in note for note in rows.notes)


def test_an_unknown_yield_is_zero_and_told(tmp_path: Path) -> None:
    write_hours(tmp_path)
    write_staking(tmp_path, FIRST + timedelta(hours=10))
    rows = read(tmp_path, staking=True)
    assert rows.staking[10] == 0.0
    assert any("unknown for the first 11 hours" in note for note in rows.notes)


def test_no_yield_at_all_is_an_error_that_names_the_files(tmp_path: Path) -> None:
    write_hours(tmp_path)
    with pytest.raises(DataError, match=r"no yield of jitoSOL.*jitosol_staking_apy_1h.*rates_per_epoch_named"):
        read(tmp_path, staking=True)


def test_a_yield_in_percent_is_refused(tmp_path: Path) -> None:
    write_hours(tmp_path)
    path = tmp_path / "solana_carry_rates" / "jitosol_staking_apy_1h.parquet"
    write(path, {"ts": times(3), "avg_apy": [7.1, 7.2, 7.0]})
    with pytest.raises(DataError, match="avg_apy: expected fractions"):
        read(tmp_path, staking=True)


def test_borrow_is_in_percent_and_counts_from_the_end_of_its_hour(tmp_path: Path) -> None:
    write_hours(tmp_path)
    path = tmp_path / "solana_carry_rates" / "drift_spot_USDC_lend_borrow_1h.parquet"
    columns = {"ts": times(2), "avg_lending_rate": [3.0, 3.0], "avg_borrowing_rate": [8.0, 6.0]}
    write(path, columns)
    rows = read(tmp_path)
    yearly = [rate * HOURS_PER_YEAR for rate in rows.borrow]
    assert yearly[:4] == pytest.approx([ASSUMED_BORROW_APR, 0.08, 0.06, 0.06])
    assert any("starts later" in note for note in rows.notes)


def test_what_the_folder_lacks_is_told(tmp_path: Path) -> None:
    write_hours(tmp_path, drop=5)
    rows = read(tmp_path)
    assert any("1 gaps of more than an hour and a half" in note for note in rows.notes)
    assert any("borrowed USDC is charged 10% a year" in note for note in rows.notes)


def test_errors_name_what_is_known(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no posted hours, expected files drift_funding_hourly"):
        read(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        read(tmp_path / "nowhere")
    write_hours(tmp_path)
    write_hours(tmp_path, "BTC-PERP")
    known = r"BTC-PERP \(drift_funding_hourly/BTC-PERP_1h.parquet\), SOL-PERP \("
    with pytest.raises(DataError, match=rf"market: got 'ETH-PERP', expected one of {known}"):
        read(tmp_path, market="ETH-PERP")
    with pytest.raises(DataError, match="venue: got 'velocity', expected one with posted hours: drift-v2"):
        read(tmp_path, venue="velocity")
    with pytest.raises(DataError, match=r"0 posted hours.*the file has 2025-04-14 to 2025-04-15"):
        read_rows(tmp_path, "drift-v2", "SOL-PERP", 2 * 10**18, None, staking=False)


@pytest.mark.parametrize(("notional", "said"), [(math.nan, "nan"), (0.0, "0.0"), (-5.0, "-5.0"), (1e30, "1e[+]30")])
def test_a_size_that_is_none_is_refused(tmp_path: Path, notional: float, said: str) -> None:
    with pytest.raises(DataError, match=f"notional: got {said}, expected more than 0"):
        run_carry_lab(CarryLabRequest(tmp_path, notional_usd=notional))
