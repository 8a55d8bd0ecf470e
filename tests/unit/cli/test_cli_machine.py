"""The commands that look at the machine and at files: doctor and data import."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tests.unit.cli.user import Done, Phantom

# Doctor


def checks(done: Done) -> dict[str, dict[str, Any]]:
    assert done.out.count("\n") == 1
    return {check["check"]: check for check in json.loads(done.out)["checks"]}


@pytest.fixture
def free(tmp_path: Path) -> Path:
    """A configuration with two free ports."""
    with socket.socket() as one, socket.socket() as other:
        for probe in (one, other):
            probe.bind(("127.0.0.1", 0))
        ports = one.getsockname()[1], other.getsockname()[1]
    path = tmp_path / "free.toml"
    path.write_text("[server]\nhttp_port = {}\nwebsocket_port = {}\n".format(*ports))
    return path


def test_doctor_finds_nothing_wrong_with_this_machine(phantom: Phantom, free: Path) -> None:
    done = phantom("doctor", "--config", free, "--json")
    found = checks(done)
    assert all(check["ok"] or check["advice"] for check in found.values())
    page = found.pop("dashboard page")  # not built in every checkout
    assert all(check["ok"] and not check["advice"] for check in found.values())
    assert done.code == (0 if page["ok"] else 1)
    assert "dashboard port" in phantom("doctor", "--config", free).out


def test_doctor_finds_a_port_taken(phantom: Phantom, free: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        free.write_text(f"[server]\nwebsocket_port = {port}\n")
        done = phantom("doctor", "--config", free, "--json")
    found = checks(done)["websocket port"]
    assert (done.code, found["ok"], found["found"]) == (1, False, f"{port}: Address already in use")
    assert "server.websocket_port" in found["advice"]


def test_doctor_finds_a_bad_configuration(phantom: Phantom, tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("[market]\nscenario = 'clam'\n")
    done = phantom("doctor", "--config", bad, "--json")
    found = checks(done)["configuration"]
    assert (done.code, found["ok"]) == (1, False)
    assert "did you mean 'calm'" in found["found"]
    assert "correct the file" in found["advice"]


ORCA = """pool = "83v8iPyZihDEjDdY8RdZddyZNyUtXngz69Lgo9Kt5d6d"
program = "whirlpool"
venue = "orca"
asset_0 = "SOL"
asset_1 = "USDC"
"""


def test_doctor_counts_the_pools_of_file_and_configuration(phantom: Phantom, free: Path) -> None:
    listed = free.with_name("pools.toml")
    listed.write_text(f"[[pools]]\n{ORCA}")
    damm = ORCA.replace("83v8iPyZ", "83v8iPyY").replace("whirlpool", "meteora_damm_v2")
    free.write_text(f'{free.read_text()}[pools]\nfile = "{listed}"\n[[pools.listed]]\n{damm}')
    found = checks(phantom("doctor", "--config", free, "--json"))["pool list"]
    assert (found["ok"], found["found"]) == (True, "2 pools of 2 assets and 2 programs")


def test_doctor_finds_a_pool_that_is_listed_twice_or_badly(phantom: Phantom, free: Path) -> None:
    listed = free.with_name("pools.toml")
    listed.write_text(f"[[pools]]\n{ORCA}")
    free.write_text(f'{free.read_text()}[pools]\nfile = "{listed}"\n[[pools.listed]]\n{ORCA}')
    found = checks(phantom("doctor", "--config", free, "--json"))["pool list"]
    assert not found["ok"]
    assert "pools[1].pool: 83v8iPyZihDEjDdY8RdZddyZNyUtXngz69Lgo9Kt5d6d is pools[0] already" in found["found"]
    listed.write_text(f"[[pools]]\n{ORCA.replace('whirlpool', 'wirlpool')}")
    found = checks(phantom("doctor", "--config", free, "--json"))["pool list"]
    assert "did you mean 'whirlpool'" in found["found"]
    assert "correct the entry" in found["advice"]


def test_doctor_finds_a_home_that_is_no_folder(phantom: Phantom, free: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = phantom("doctor", "--config", free, "--home", tmp_path / "file", "--json")
    found = checks(done)["run folder"]
    assert (done.code, found["found"]) == (1, f"{tmp_path}/file is not a folder")
    assert "--home" in found["advice"]


# Data


@pytest.fixture
def candles(tmp_path: Path) -> Path:
    path = tmp_path / "sol [x].parquet"
    times = [1_744_588_800_000_000_000 + 60_000_000_000 * n for n in range(5)]
    prices = [100.0, 101.0, 102.0, 103.0, 104.0]
    columns = dict.fromkeys(("o", "h", "l", "c"), prices)
    pl.DataFrame({"time": times, **columns, "v": [1.0] * 5}).write_parquet(path)
    return path


MAPPED = ["ts_ns=time", "open=o", "high=h", "low=l", "close=c"]
CONSTANTS = ["instrument=SOL/USDC", "venue=test", "interval_ns=60000000000"]


def import_of(path: Path, into: Path) -> list[object]:
    columns = [part for pair in MAPPED for part in ("--column", pair)]
    constants = [part for pair in CONSTANTS for part in ("--constant", pair)]
    return ["data", "import", "candle", path, *columns, *constants, "--unit", "ts_ns=ns", "--into", into]


def test_a_file_is_imported_by_its_columns(phantom: Phantom, candles: Path, tmp_path: Path) -> None:
    done = phantom(*import_of(candles, tmp_path / "catalogue"), "--json")
    assert (done.parsed["kind"], done.parsed["rows"], done.parsed["rows_bad"]) == ("candle", 5, 0)
    assert done.parsed["instruments"] == ["SOL/USDC"]
    table = phantom(*import_of(candles, tmp_path / "second")).out
    assert "sol [x].parquet" in table


def test_a_truncated_file_is_refused_whole(phantom: Phantom, candles: Path, tmp_path: Path) -> None:
    content = candles.read_bytes()
    candles.write_bytes(content[: len(content) // 2])
    done = phantom(*import_of(candles, tmp_path / "catalogue"), "--json")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: sol [x].parquet")
    assert done.err.count("\n") == 1
    assert not list((tmp_path / "catalogue").rglob("*.parquet"))


def test_a_folder_is_imported_by_its_map(phantom: Phantom, candles: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    candles.rename(folder / "sol.parquet")
    dataset_map = tmp_path / "map.toml"
    columns = ", ".join("{} = '{}'".format(*pair.split("=")) for pair in MAPPED)
    constants = "instrument = 'SOL/USDC', venue = 'test', interval_ns = 60000000000"
    entry = f"kind = 'candle'\ncolumns = {{ {columns} }}\nconstants = {{ {constants} }}\nunits = {{ ts_ns = 'ns' }}\n"
    dataset_map.write_text(f"[[dataset]]\npath = 'sol.parquet'\n{entry}[[dataset]]\npath = 'gone.parquet'\n{entry}")
    done = phantom("data", "import", "--map", dataset_map, folder, "--into", tmp_path / "catalogue", "--json")
    assert [report["rows"] for report in done.parsed["imported"]] == [5]
    assert done.parsed["skipped"] == ["gone.parquet"]
    assert "gone.parquet" in phantom("data", "import", "--map", dataset_map, folder, "--into", tmp_path / "again").out
