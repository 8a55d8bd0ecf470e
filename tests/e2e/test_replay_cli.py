"""A replay gives the same result however often it is killed, and whatever surrounds it."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any, Final

import pytest

from tests.e2e.command import begin, facts_in, ignore_signals, phantom, result, sealed, until

HOURS: Final = "0.2"
ARGS: Final = ("replay", "--seed", 7, "--scenario", "calm", "--hours", HOURS, "--json")
ENGINES: Final = {"funding", "lst", "scalp", "arb"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def whole(home: Path) -> dict[str, Any]:
    """The result of a run that nobody disturbed."""
    return result(phantom(home, *ARGS, PYTHONHASHSEED="1"))


def alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Everything but the folder."""
    return {**one, "run": ""} == {**other, "run": ""}


def test_the_result_in_one_object(whole: dict[str, Any], home: Path) -> None:
    assert len(whole["state_hash"]) == 32
    assert set(whole["engines"]) == ENGINES
    for engine in whole["engines"].values():
        assert {"facts", "intents", "approved", "refused", "trades", "pnl", "max_drawdown"} <= set(engine)
        assert all(isinstance(count, int) for count in engine["refused"].values())
        assert sum(engine["pnl"].values()) == pytest.approx(engine["pnl_total"])
    assert set(whole["hold"]) == {"SOL", "jitoSOL"}
    assert whole["skipped"] == []
    assert sum(engine["trades"] for engine in whole["engines"].values()) > 0
    assert sealed(Path(whole["run"]) / "journal.db") == "ended"
    assert Path(whole["run"]).parent == home / "replay"


def test_neither_home_nor_hash_seed_nor_a_journal_matter(whole: dict[str, Any], tmp_path: Path) -> None:
    elsewhere = result(phantom(tmp_path, *ARGS, "--home", tmp_path / "other", PYTHONHASHSEED="2", TZ="Asia/Tokyo"))
    assert alike(whole, elsewhere)
    assert alike(whole, result(phantom(tmp_path, "backtest", *ARGS[1:], PYTHONHASHSEED="3")))
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


@pytest.mark.parametrize(("option", "value"), [("--seed", "8"), ("--scenario", "volatile")])
def test_another_market_is_another_run(whole: dict[str, Any], tmp_path: Path, option: str, value: str) -> None:
    other = result(phantom(tmp_path, "backtest", "--hours", HOURS, "--json", option, value))
    assert other["state_hash"] != whole["state_hash"]


def kill_at(home: Path, run: Path, facts: int, *args: object) -> None:
    process = begin(home, "replay", "--run", run, *args)
    until(process, lambda: facts_in(run / "journal.db") >= facts)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    process.communicate()


def test_killed_twice_and_once_while_doing_it_again(whole: dict[str, Any], home: Path) -> None:
    run = home / "killed"
    kill_at(home, run, 2_000, *ARGS[1:])
    stopped = facts_in(run / "journal.db")
    again = begin(home, "replay", "--run", run, "--json")
    assert again.stderr is not None
    assert again.stderr.readline().startswith("resumed killed at fact")  # it is at it now
    again.kill()
    again.communicate()
    assert facts_in(run / "journal.db") == stopped
    kill_at(home, run, stopped + 2_000)
    assert stopped + 2_000 <= facts_in(run / "journal.db") < whole["facts"]
    resumed = phantom(home, "replay", "--run", run, "--json")
    assert "resumed killed at fact" in resumed.stderr
    assert alike(result(resumed), whole)
    assert sealed(run / "journal.db") == "crashed-recovered"
    assert alike(result(phantom(home, "report", run, "--json")), whole)
    once_more = phantom(home, *ARGS, "--run", run)  # the same command line, and nothing left to do
    assert alike(result(once_more), whole)
    assert sealed(run / "journal.db") == "ended"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_by_a_signal_in_the_background(whole: dict[str, Any], home: Path, number: signal.Signals) -> None:
    run = home / number.name
    process = begin(home, *ARGS, "--run", run, prepare=ignore_signals)
    until(process, lambda: facts_in(run / "journal.db") >= 2_000)
    process.send_signal(number)
    out, said = process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert out == ""
    assert f"stopped by {number.name}; go on with: phantom replay --run {run}\n" in said
    assert "Traceback" not in said
    assert alike(result(phantom(home, "replay", "--run", run, "--json")), whole)


def test_stopped_before_it_began(home: Path) -> None:
    run = home / "hardly"
    process = begin(home, *ARGS, "--run", run, prepare=ignore_signals)
    until(process, lambda: run.exists())  # the folder is made first, the run only when it is whole
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert not list(run.glob("*.partial")) if run.exists() else True


def test_a_run_goes_on_with_what_it_was_begun_with(whole: dict[str, Any], home: Path) -> None:
    before = (Path(whole["run"]) / "journal.db").read_bytes()
    for option, value, said in (
        ("--seed", "8", "--seed: got 8"),
        ("--scenario", "volatile", "--scenario: got volatile"),
        ("--hours", "0.1", "--hours: got 0.1"),
        ("--force-gate", "edge", "--force-gate: safety"),
    ):
        done = phantom(home, "replay", "--run", whole["run"], option, value)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"error: {said}")
    assert (Path(whole["run"]) / "journal.db").read_bytes() == before


def test_a_run_in_use_is_left_alone(home: Path) -> None:
    run = home / "busy"
    process = begin(home, *ARGS, "--run", run)
    until(process, lambda: facts_in(run / "journal.db") >= 1_000)
    second = phantom(home, "replay", "--run", run)
    copied = phantom(home, "runs", "backup", run, home / "busy.db")
    looked = phantom(home, "report", run, "--json")
    process.kill()
    process.communicate()
    assert second.returncode == 3
    assert second.stderr == f"error: {run}: in use by process {process.pid}; stop it, or name another folder\n"
    assert copied.returncode == 0
    assert json.loads(looked.stdout)["facts"] >= 0
    assert "not sealed" in looked.stderr


def test_backup_restore_list_prune(whole: dict[str, Any], home: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    assert phantom(home, "runs", "backup", whole["run"], copy).returncode == 0
    again = phantom(home, "runs", "backup", whole["run"], copy)
    assert (again.returncode, again.stderr) == (
        2,
        f"error: {copy}: there is a file already; a backup never overwrites\n",
    )
    restored = tmp_path / "replay" / "restored"
    assert phantom(home, "runs", "restore", copy, restored).returncode == 0
    assert alike(result(phantom(tmp_path, "report", restored, "--json")), whole)
    assert alike(result(phantom(tmp_path, "replay", "--run", restored, "--json")), whole)
    broken = tmp_path / "replay" / "broken" / "journal.db"
    broken.parent.mkdir()
    broken.write_text("garbage")
    listed = result(phantom(tmp_path, "runs", "list", "--kind", "replay", "--json"))["runs"]
    assert [(row["folder"], row.get("sealed")) for row in listed] == [
        (str(restored), "ended"),
        (str(broken.parent), None),
    ]
    assert "no SQLite file" in listed[1]["error"]
    table = phantom(tmp_path, "runs", "list", "--kind", "replay").stdout
    assert f"seed 7 scenario calm hours {HOURS}" in table
    pruned = phantom(tmp_path, "runs", "prune", "--keep", 1, "--kind", "replay")
    assert (pruned.returncode, pruned.stderr) == (0, "removed 1 runs: restored\n")
    assert broken.exists()
    assert not restored.exists()


def test_a_longer_replay_of_the_same_run_goes_on(whole: dict[str, Any], home: Path, tmp_path: Path) -> None:
    half = result(phantom(tmp_path, "replay", "--hours", "0.1", "--run", tmp_path / "run", "--json"))
    assert half["state_hash"] != whole["state_hash"]
    assert alike(result(phantom(tmp_path, "replay", "--hours", HOURS, "--run", tmp_path / "run", "--json")), whole)
