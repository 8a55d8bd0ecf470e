"""A replay gives the same result however often it is killed, and whatever surrounds it."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any, Final

import pytest

from tests.e2e.command import begin, facts_in, ignore_signals, phantom, result, sealed, until

ARGS: Final = ("--seed", 7, "--scenario", "volatile", "--hours", "0.35", "--force-gate", "edge", "--json")
"""Edges are forced, so that the journal is written to all the time."""
ENGINES: Final = {"funding", "lst", "scalp", "arb"}
EARLY: Final = 1_000
"""A fact in the first tenth of the run."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def whole(home: Path) -> dict[str, Any]:
    """The result of a run that nobody disturbed."""
    return result(phantom(home, "replay", *ARGS, PYTHONHASHSEED="1"))


def alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Everything but the folder."""
    return {**one, "run": ""} == {**other, "run": ""}


def test_the_result_in_one_object(whole: dict[str, Any], home: Path) -> None:
    assert len(whole["state_hash"]) == 32
    assert set(whole["engines"]) == ENGINES
    for engine in whole["engines"].values():
        assert {"facts", "intents", "approved", "refused", "trades", "pnl", "max_drawdown"} <= set(engine)
        assert all(isinstance(count, int) for count in engine["refused"].values())
    assert set(whole["hold"]) == {"SOL", "jitoSOL"}
    assert whole["skipped"] == []
    assert sum(engine["trades"] for engine in whole["engines"].values()) > 10
    assert whole["facts"] > 10 * EARLY
    assert sealed(Path(whole["run"]) / "journal.db") == "ended"
    assert Path(whole["run"]).parent == home / "replay"


def test_neither_home_nor_hash_seed_nor_zone_matters(whole: dict[str, Any], tmp_path: Path) -> None:
    elsewhere = phantom(tmp_path, "replay", *ARGS, "--home", tmp_path / "other", PYTHONHASHSEED="2", TZ="Asia/Tokyo")
    assert alike(whole, result(elsewhere))
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_a_backtest_keeps_nothing_and_finds_the_same(whole: dict[str, Any], tmp_path: Path) -> None:
    assert alike(whole, result(phantom(tmp_path, "backtest", *ARGS, PYTHONHASHSEED="3")))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("option", "value"), [("--seed", "8"), ("--scenario", "calm")])
def test_another_market_is_another_run(whole: dict[str, Any], tmp_path: Path, option: str, value: str) -> None:
    args = [value if before == option else given for before, given in zip(("", *ARGS), ARGS, strict=False)]
    assert args != list(ARGS)
    assert result(phantom(tmp_path, "backtest", *args))["state_hash"] != whole["state_hash"]


def kill_at(home: Path, run: Path, facts: int, *args: object) -> None:
    process = begin(home, "replay", "--run", run, *args)
    until(process, lambda: facts_in(run / "journal.db") >= facts)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def test_killed_twice_and_once_while_doing_it_again(whole: dict[str, Any], home: Path) -> None:
    run = home / "killed"
    kill_at(home, run, EARLY, *ARGS)
    stopped = facts_in(run / "journal.db")
    again = begin(home, "replay", "--run", run)
    assert again.stderr is not None
    said = again.stderr.readline()  # it is at it now
    again.kill()
    again.communicate()
    assert said.startswith("resumed killed at fact")
    kill_at(home, run, stopped + EARLY)
    assert facts_in(run / "journal.db") < whole["facts"]
    resumed = phantom(home, "replay", "--run", run, "--json")
    assert alike(result(resumed), whole)
    assert sealed(run / "journal.db") == "crashed-recovered"
    assert alike(result(phantom(home, "report", run, "--json")), whole)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_by_a_signal_in_the_background(whole: dict[str, Any], home: Path, number: signal.Signals) -> None:
    run = home / number.name
    process = begin(home, "replay", *ARGS, "--run", run, prepare=ignore_signals)
    until(process, lambda: facts_in(run / "journal.db") >= EARLY)
    process.send_signal(number)
    out, said = process.communicate(timeout=20)
    assert (process.returncode, out) == (128 + number, "")
    assert said == f"stopped by {number.name}; go on with: phantom replay --run {run}\n"
    assert alike(result(phantom(home, "replay", "--run", run, "--json")), whole)


def test_stopped_before_it_began(home: Path) -> None:
    run = home / "hardly"
    process = begin(home, "replay", *ARGS, "--run", run, prepare=ignore_signals)
    until(process, run.exists)  # the folder is made first; the run is there when it is whole
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=20)
    assert (process.returncode, out) == (130, "")
    assert said.startswith("stopped by SIGINT; ")
    assert said.count("\n") == 1
    assert not list(run.glob("*.partial*"))


def test_a_run_in_use_is_left_alone(home: Path) -> None:
    run = home / "busy"
    process = begin(home, "replay", "--scenario", "volatile", "--force-gate", "edge", "--run", run)
    until(process, lambda: facts_in(run / "journal.db") >= EARLY)
    second = phantom(home, "replay", "--run", run)
    copied = phantom(home, "runs", "backup", run, home / "busy.db")
    looked = phantom(home, "report", run, "--json")
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert second.returncode == 3
    assert second.stderr == f"error: {run}: in use by process {process.pid}; stop it, or name another folder\n"
    assert copied.returncode == 0
    assert facts_in(home / "busy.db") >= EARLY
    assert "state_hash" in result(looked)
    assert "not sealed" in looked.stderr
