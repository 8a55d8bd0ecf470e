"""``phantom backtest funding``: its table, its JSON, and what it says of wrong input."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from tests.unit.cli.user import Phantom


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two markets of a hundred hours, as the data folder of this command."""
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "data"
    monkeypatch.setenv("PHANTOM_DATA_DIR", str(data))
    (data / "drift_funding_hourly").mkdir(parents=True)
    hours = pl.DataFrame(
        {
            "ts": [datetime(2025, 4, 14, tzinfo=UTC) + timedelta(hours=index) for index in range(100)],
            "funding_rate_quote_per_base": [1e-3 * (-1) ** (index // 9) for index in range(100)],
            "oracle_price_twap": [100.0 + index for index in range(100)],
            "mark_price_twap": [100.0 + index for index in range(100)],
        }
    ).with_columns(pl.col("ts").dt.cast_time_unit("ms"))
    for market in ("SOL-PERP", "BTC-PERP"):
        hours.write_parquet(data / "drift_funding_hourly" / f"{market}_1h.parquet")
    (data / "lst_stake_pool_rates").mkdir()
    pl.DataFrame(
        {
            "pool": ["jitoSOL"] * 2,
            "ts": [datetime(2025, 4, day, tzinfo=UTC) for day in (10, 12)],
            "epoch": [770, 771],
            "price": [1.2, 1.2005],
        }
    ).write_parquet(data / "lst_stake_pool_rates" / "rates_per_epoch_named.parquet")
    return data


def test_all_three_policies_stand_beside_one_another_hold_first(phantom: Phantom, folder: Path) -> None:
    done = phantom("backtest", "funding", "--market", "SOL-PERP", "--spot", "jitosol")
    assert done.code == 0
    head = next(line for line in done.out.splitlines() if "hysteresis" in line)
    order = ["hold", "sign-flip", "hysteresis", "just hold jitoSOL", "just hold SOL"]
    assert [cell.strip() for cell in head.strip("┃ ").split("┃")][1:] == order
    assert "won with" in done.out or "lost least" in done.out
    assert "Just holding jitoSOL came to" in done.out
    assert "29 bps a round trip" in done.err


def test_json_is_one_object_and_nothing_else(phantom: Phantom, folder: Path) -> None:
    told = phantom("backtest", "funding", "--venue", "drift-v2", "--market", "BTC-PERP", "--json").parsed
    assert [one["policy"] for one in told["policies"]] == ["hold", "sign-flip", "hysteresis"]
    assert (told["spot"], told["hours"], told["costs"]["perp_taker_bps"]) == ("native", 100, 3.5)
    assert set(told["policies"][0]["causes"]) >= {"funding", "staking", "borrow", "basis"}


def test_one_policy_and_a_span(phantom: Phantom, folder: Path) -> None:
    span = ("--from", "2025-04-15", "--to", "2025-04-16T12:00")
    told = phantom("backtest", "funding", "--policy", "hold", *span, "--json").parsed
    assert [one["policy"] for one in told["policies"]] == ["hold"]
    assert told["hours"] == 36


def test_the_folder_may_be_named(phantom: Phantom, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PHANTOM_DATA_DIR")
    assert phantom("backtest", "funding", "--data", folder, "--json").parsed["hours"] == 100
    missing = phantom("backtest", "funding")
    assert (missing.code, "no such folder; name the data by --data or PHANTOM_DATA_DIR" in missing.err) == (2, True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            "--market ETH-PERP",
            "market: got 'ETH-PERP', expected one of BTC-PERP (drift_funding_hourly/BTC-PERP_1h.parq",
        ),
        ("--market ../SOL-PERP", "market: got '../SOL-PERP'"),
        ("--venue velocity", "venue: got 'velocity', expected one with posted hours: drift-v2"),
        ("--policy hodl", '"hodl" for --policy. Choose from: "hold", "sign-flip", "hysteresis", "all"'),
        ("--spot eth", '"eth" for --spot'),
        ("--market BTC-PERP --spot jitosol", "spot: got 'jitosol' for BTC-PERP, expected 'native'"),
        ("--from soon", "--from"),
        ("--from 2025-04-16 --to 2025-04-15", "--from, --to: expected two instants in order"),
        ("--from 2031-01-01", "0 posted hours in the span asked for, expected at least 3; the file has 2025-04-14"),
        ("--data .", "no posted hours, expected files drift_funding_hourly/<MARKET>_1h.parquet"),
        ("--notional 0", "notional: got 0.0, expected more than 0"),
        ("--notional nan", "notional: got nan"),
        ("--notional 1e30", "notional: got 1e+30"),
        ("--csv out", "--csv"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(phantom: Phantom, folder: Path, options: str, said: str) -> None:
    done = phantom("backtest", "funding", *options.split())
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_a_damaged_file_is_named(phantom: Phantom, folder: Path) -> None:
    (folder / "drift_funding_hourly" / "SOL-PERP_1h.parquet").write_bytes(b"PAR1 half")
    done = phantom("backtest", "funding")
    assert (done.code, "SOL-PERP_1h.parquet" in done.err) == (2, True)


def test_the_backtest_of_the_engines_is_still_there(phantom: Phantom, folder: Path) -> None:
    assert phantom("backtest", "--hours", "0.02", "--json").parsed["engines"].keys() >= {"funding", "lst"}
    assert "carry lab" in phantom("backtest", "funding", "--help").out.lower()
