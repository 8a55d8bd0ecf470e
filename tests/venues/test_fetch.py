"""``phantom data fetch funding`` against a server that speaks the Data API's wire, or breaks off."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
import stamina

from phantom_arbiter.app.fetched_days import FetchedDays
from phantom_arbiter.config import ConfigError
from phantom_arbiter.storage.catalogue import Catalogue
from phantom_arbiter.storage.errors import InUseError
from phantom_arbiter.storage.schemas import DataError
from phantom_arbiter.venues.errors import VenueUnavailable
from tests.unit.cli.conftest import home, phantom
from tests.unit.cli.user import Phantom
from tests.venues.bodies import DAY, hour, page
from tests.venues.funding_venue import CLI, FETCH, FIRST, april, day_of, days_asked, fetch, hourly, request
from tests.venues.venue_server import Answer, Asked, Reply, serving, told

__all__ = ["home", "phantom"]


@pytest.fixture(autouse=True)
def no_waits() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2):
        yield


# Into a folder


def test_a_folder_gets_the_columns_of_the_recorded_history(phantom: Phantom, tmp_path: Path) -> None:
    with serving(hourly) as server:
        done = phantom(
            *FETCH.split(),
            "--json",
            *("--base-url", server.base_url, "--to-folder", tmp_path / "out"),
        )
    summary = done.parsed
    assert (summary["rows"], summary["days"], summary["days_fetched"]) == (72, 3, 3)
    assert (summary["open_days"], summary["rows_refused"]) == ([], 0)
    assert (summary["first_ts"], summary["last_ts"]) == ("2025-04-14T00:00:00Z", "2025-04-16T23:00:00Z")
    rows = pl.read_parquet(tmp_path / "out/SOL-PERP_1h.parquet")
    assert dict(rows.schema) == {
        "ts": pl.Datetime("ms", "UTC"),
        "funding_rate_quote_per_base": pl.Float64(),
        "oracle_price_twap": pl.Float64(),
        "mark_price_twap": pl.Float64(),
        "funding_rate_frac_1h": pl.Float64(),
    }
    assert rows.row(0) == (
        datetime(2025, 4, 14, tzinfo=UTC),
        -0.001024958,
        84.693889,
        84.652352,
        -0.001024958 / 84.693889,
    )
    assert set(rows["ts"].diff().drop_nulls()) == {timedelta(hours=1)}


def test_without_json_it_is_told_to_people(phantom: Phantom, tmp_path: Path) -> None:
    with serving(hourly) as server:
        done = phantom(
            *FETCH.split(),
            *("--base-url", server.base_url, "--to-folder", tmp_path),
        )
    assert done.code == 0
    assert "velocity SOL-PERP: 72 hours from 2025-04-14T00:00:00Z to 2025-04-16T23:00:00Z" in done.out
    assert "3 days: 0 were there, 3 fetched, 0 to be asked for again; 0 rows refused" in done.out


# Resume


def test_only_missing_days_are_asked_for(tmp_path: Path) -> None:
    with serving(hourly) as server:
        fetch(request(server.base_url, to_folder=tmp_path))
        assert days_asked(server) == [0, 1, 2]
        server.asked.clear()
        wider = request(server.base_url, to_folder=tmp_path, first=april(12), end=april(18))
        fetch(wider)
        assert days_asked(server) == [-2, -1, 3]
    assert pl.read_parquet(tmp_path / "SOL-PERP_1h.parquet").height == 6 * 24


def test_a_venue_that_fails_half_way_loses_nothing(tmp_path: Path) -> None:
    broken = True

    def answer(asked: Asked) -> Reply:
        return told({}, 503) if broken and day_of(asked) == FIRST + 2 * DAY else hourly(asked)

    with serving(answer) as server:
        with pytest.raises(VenueUnavailable, match=r"HTTP 503 .*; 2 of 3 days were fetched and stay; the same command"):
            fetch(request(server.base_url, to_folder=tmp_path))
        assert not (tmp_path / "SOL-PERP_1h.parquet").exists()
        server.asked.clear()
        broken = False
        fetch(request(server.base_url, to_folder=tmp_path))
        assert days_asked(server) == [2]
    assert pl.read_parquet(tmp_path / "SOL-PERP_1h.parquet").height == 72


def test_a_half_written_day_does_not_count_and_is_swept(tmp_path: Path) -> None:
    parts = tmp_path / ".fetched/velocity/SOL-PERP"
    parts.mkdir(parents=True)
    halves = [parts / f"2025-04-{day}.parquet.half" for day in ("01", "15")]
    for half in halves:
        half.write_bytes(b"PAR1 and then the power went")
    with serving(hourly) as server:
        fetch(request(server.base_url, to_folder=tmp_path))
        assert days_asked(server) == [0, 1, 2]
    assert not any(half.exists() for half in halves)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_killed_fetch_goes_on_where_it_was(tmp_path: Path, number: int) -> None:
    reached, hanging = threading.Event(), True

    def answer(asked: Asked) -> Reply:
        if hanging and day_of(asked) == FIRST + 2 * DAY:
            reached.set()
            return Reply(hang=True)
        return hourly(asked)

    with serving(answer) as server:
        process = subprocess.Popen(
            [sys.executable, *CLI.split(), *FETCH.split(), "--base-url", server.base_url, "--to-folder", tmp_path],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"COLUMNS": "200"},
        )
        assert reached.wait(60)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
        assert out == ""
        if number == signal.SIGKILL:
            assert process.returncode == -number
        else:
            assert process.returncode == 128 + number
            assert "2 of 3 days were fetched and stay; the same command goes on" in err
            assert "Traceback" not in err
        server.asked.clear()
        hanging = False
        fetch(request(server.base_url, to_folder=tmp_path))
        assert days_asked(server) == [2]
    assert pl.read_parquet(tmp_path / "SOL-PERP_1h.parquet").height == 72


def test_today_is_kept_and_asked_for_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    span = {"first": april(19), "end": None}
    with serving(hourly) as server:
        fetch(request(server.base_url, to_folder=tmp_path, **span))
        assert '"open_days":["2025-04-20"]' in capsys.readouterr().out
        assert pl.read_parquet(tmp_path / "SOL-PERP_1h.parquet").height == 24 + 11
        server.asked.clear()
        fetch(request(server.base_url, to_folder=tmp_path, **span))
        assert days_asked(server) == [6]
        assert pl.read_parquet(tmp_path / "SOL-PERP_1h.parquet").height == 24 + 11


def test_an_empty_day_is_asked_for_again(tmp_path: Path) -> None:
    with serving(lambda asked: told(page()) if day_of(asked) == FIRST else hourly(asked)) as server:
        for expected in ([0, 1, 2], [0]):
            server.asked.clear()
            fetch(request(server.base_url, to_folder=tmp_path))
            assert days_asked(server) == expected


def test_two_fetches_of_a_market_do_not_meet(tmp_path: Path) -> None:
    with (
        FetchedDays(tmp_path / ".fetched/velocity/SOL-PERP").held(),
        serving(hourly) as server,
        pytest.raises(InUseError, match="another fetch of this market is running"),
    ):
        fetch(request(server.base_url, to_folder=tmp_path))


# Rows that are not sound


def test_refused_rows_are_counted_and_their_day_is_asked_for_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(asked: Asked) -> Reply:
        begin = day_of(asked)
        if begin != FIRST:
            return hourly(asked)
        rows = [hour(begin), hour(begin + 3_600, markPriceTwap=84.6), hour(begin + 7_200, oraclePriceTwap="0")]
        return told(page(*rows, hour(begin + 2 * DAY)))

    with serving(answer) as server:
        fetch(request(server.base_url, to_folder=tmp_path))
        out = capsys.readouterr().out
        assert '"rows_refused":3' in out
        assert "is not of that day" in out
        assert '"open_days":["2025-04-14"]' in out
        assert pl.read_parquet(tmp_path / "SOL-PERP_1h.parquet").height == 1 + 48
        server.asked.clear()
        fetch(request(server.base_url, to_folder=tmp_path))
        assert days_asked(server) == [0]


def test_no_rows_at_all_is_an_error_and_no_file(tmp_path: Path) -> None:
    with (
        serving(lambda asked: Reply(b"", 404)) as server,
        pytest.raises(DataError, match="velocity tells no funding of SOL-PERP from 2025-04-14 to 2025-04-16"),
    ):
        fetch(request(server.base_url, to_folder=tmp_path))
    assert not (tmp_path / "SOL-PERP_1h.parquet").exists()


# Into a catalogue


def test_a_catalogue_gets_the_rows_once(tmp_path: Path) -> None:
    with serving(hourly) as server:
        for end in (16, 17, 17):
            fetch(request(server.base_url, into=tmp_path, end=april(end)))
    rows = Catalogue.open(tmp_path).series("funding", instruments=["SOL-PERP"]).collect()
    assert rows.height == 72
    assert rows.row(0, named=True) == {
        "instrument": "SOL-PERP",
        "venue": "velocity",
        "ts_ns": FIRST * 10**9,
        "interval_ns": 3_600 * 10**9,
        "rate_quote_per_base": -0.001024958,
        "rate_fraction": -0.001024958 / 84.693889,
        "oracle_twap": 84.693889,
        "mark_twap": 84.652352,
    }


def test_drift_v2_enters_under_the_name_that_replays_know(tmp_path: Path) -> None:
    with serving(hourly) as server:
        fetch(request(server.base_url, into=tmp_path, venue="drift-v2"))
    rows = Catalogue.open(tmp_path).series("funding").collect()
    assert set(rows["venue"]) == {"drift"}


def test_hyperliquid_tells_fractions_and_no_twaps(tmp_path: Path) -> None:
    pytest.importorskip("hyperliquid", reason="the extra [hyperliquid] is not installed")
    history = [
        {"coin": "SOL", "fundingRate": "0.0000125", "premium": "0.0", "time": (FIRST + 3_600 * each) * 1_000 + 76}
        for each in range(72)
    ]

    def answer(asked: Asked) -> Reply:
        return told(history) if b"fundingHistory" in asked.body else told({"universe": [{"name": "SOL"}]})

    with serving(answer) as server:
        fetch(request(server.base_url, into=tmp_path, venue="hyperliquid"))
        assert len(server.asked) == 2
    rows = Catalogue.open(tmp_path).series("funding").collect()
    assert (rows.height, set(rows["venue"]), set(rows["rate_fraction"])) == (72, {"hyperliquid"}, {0.0000125})
    assert rows["oracle_twap"].is_null().all()


# What is wrong is said in one line, with the right exit code


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--market SOL --to-folder out", "--market: got 'SOL', expected a perp's symbol"),
        ("--market ../x-PERP --to-folder out", "--market: got '../x-PERP'"),
        ("--market SOL-PERP", "expected --to-folder FOLDER or --into CATALOGUE, one of them"),
        ("--market SOL-PERP --to-folder out --into out", "one of them"),
        ("--market SOL-PERP --to-folder out --from 2025-04-14T12:00", "--from: got 2025-04-14 12:00:00, expected a wh"),
        ("--market SOL-PERP --to-folder out --from 2025-04-14 --to 2025-04-14", "expected two days in order"),
        ("--market SOL-PERP --to-folder out --from 2025-04-15 --to 2025-04-14", "expected two days in order"),
        ("--market SOL-PERP --to-folder out --to 2999-01-01", "the days after are yet to come"),
        ("--market SOL-PERP --to-folder out --from 2999-01-01", "expected a day before"),
        ("--market SOL-PERP --to-folder out --from 2001-01-01", "at most 3660 apart"),
        ("--market SOL-PERP --to-folder out --base-url nowhere", "velocity: base URL"),
        ("--market SOL-PERP --into theirs", "theirs: has files but no manifest.json"),
    ],
)
def test_a_wrong_request_is_one_line_and_asks_nobody(
    phantom: Phantom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/file").touch()
    with serving(lambda asked: Reply()) as server:
        base = [] if "--base-url" in options else ["--base-url", server.base_url]
        done = phantom("data", "fetch", "funding", "--venue", "velocity", *options.split(), *base)
        assert server.asked == []
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err
    assert not (tmp_path / "out").exists()


def test_a_venue_that_is_none_is_refused(phantom: Phantom) -> None:
    done = phantom(*FETCH.replace("velocity", "binance").split(), "--to-folder", "out")
    assert done.code == 2
    assert "--venue" in done.err


def test_drift_v2_has_no_hours_after_its_end(tmp_path: Path) -> None:
    after_end = {"venue": "drift-v2", "first": datetime.fromisoformat("2026-04-02"), "end": None}
    later = request("http://127.0.0.1:9", to_folder=tmp_path, **after_end)
    with pytest.raises(ConfigError, match="expected a day before 2026-04-02, where drift-v2's hours end"):
        fetch(later, datetime(2026, 11, 22, tzinfo=UTC))


def test_a_venue_that_is_down_ends_with_one_line_and_1(phantom: Phantom, tmp_path: Path) -> None:
    with serving(lambda asked: told({}, 500)) as server:
        done = phantom(
            *FETCH.split(),
            "--json",
            *("--base-url", server.base_url, "--to-folder", tmp_path),
        )
    assert (done.code, done.out, done.err.count("\n")) == (1, "", 1)
    assert "HTTP 500 from 127.0.0.1" in done.err
    assert "0 of 3 days were fetched" in done.err


def test_a_file_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    theirs = tmp_path / "SOL-PERP_1h.parquet"
    theirs.write_bytes(b"the only copy")
    with (
        serving(hourly) as server,
        pytest.raises(DataError, match=r"SOL-PERP_1h\.parquet: is there, and was not fetched"),
    ):
        fetch(request(server.base_url, to_folder=tmp_path))
    assert theirs.read_bytes() == b"the only copy"


def test_two_venues_do_not_share_a_folders_file(tmp_path: Path) -> None:
    answer: Answer = hourly
    with serving(answer) as server:
        fetch(request(server.base_url, to_folder=tmp_path))
        with pytest.raises(DataError, match="holds SOL-PERP of velocity; give each venue its folder"):
            fetch(request(server.base_url, to_folder=tmp_path, venue="drift-v2"))


def test_a_day_kept_with_other_columns_is_named(tmp_path: Path) -> None:
    parts = tmp_path / ".fetched/velocity/SOL-PERP"
    parts.mkdir(parents=True)
    pl.DataFrame({"ts": [1]}).write_parquet(parts / "2025-04-15.parquet")
    with serving(hourly) as server, pytest.raises(DataError, match=r"2025-04-15\.parquet: has columns \['ts'\]"):
        fetch(request(server.base_url, to_folder=tmp_path))
