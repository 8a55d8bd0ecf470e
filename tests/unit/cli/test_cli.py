"""Every command, used well and badly: one line that names the thing, the right exit code, and no traceback."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from phantom_arbiter.core.commands import Mode
from phantom_arbiter.storage.journal import Journal
from tests.unit.cli.user import Phantom

HOURS = "0.02"


# Help


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("", "Begin with"),
        ("run", "--speed"),
        ("replay", "--force-gate"),
        ("backtest", "no journal"),
        ("report", "what a run came to"),
        ("doctor", "say what to do"),
        ("data", "import"),
        ("data import", "--column"),
        ("runs", "prune"),
        ("runs list", "oldest first"),
        ("runs backup", "also while it runs"),
        ("runs restore", "of a backup"),
        ("runs prune", "newest keep"),
    ],
)
def test_help_says_something(phantom: Phantom, command: str, said: str) -> None:
    done = phantom(*command.split(), "--help")
    assert done.code == 0
    assert said.lower() in " ".join(done.out.lower().split())


# What is wrong is said in one line


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        ("nonsense", 2, 'command "nonsense"'),
        ("replay --hours 0", 2, "--hours: got 0.0, expected more than 0"),
        ("replay --hours -1", 2, "--hours: got -1.0"),
        ("replay --hours nan", 2, "--hours: got nan"),
        ("replay --hours inf", 2, "--hours: got inf"),
        ("replay --hours soon", 2, "--hours"),
        ("replay --seed -1", 2, "market.seed: got -1"),
        ("replay --seed 99999999999999999999", 2, "market.seed: got 99999999999999999999"),
        ("replay --scenario clam", 2, "did you mean 'calm'"),
        ("replay --force-gate edgy", 2, "--force-gate: safety: force_open: got 'edgy', expected one of"),
        ("replay --force-gate size", 2, "force_open: got 'size'"),
        ("replay --bogus 1", 2, "--bogus"),
        ("replay --from yesterday", 2, "--from"),
        ("replay --from 2025-04-14", 2, "--from: only with --data"),
        ("replay --map x.toml", 2, "--map: only with --data"),
        ("replay --data nowhere", 2, "--from and --to"),
        ("replay --data nowhere --from 2025-04-14 --to 2025-04-15", 2, "--data: nowhere: no such folder"),
        ("replay --data . --from 2025-04-14 --to 2025-04-15", 2, "no manifest.json, expected a catalogue"),
        ("replay --data . --from 2025-04-15 --to 2025-04-14", 2, "--from, --to: expected two instants in order"),
        ("replay --data . --hours 3", 2, "--hours: is of the built-in market"),
        ("replay --config nowhere.toml", 2, "nowhere.toml: cannot be read: No such file"),
        ("replay --home file", 1, "file/replay: cannot be used: Not a directory"),
        ("backtest --scenario clam", 2, "did you mean 'calm'"),
        ("backtest --hours -3", 2, "--hours: got -3.0"),
        ("run --speed nan", 2, "market.speed: got nan"),
        ("run --speed 0", 2, "market.speed: got 0.0"),
        ("run --home file", 1, "file/paper: cannot be used: Not a directory"),
        ("report nowhere", 2, "nowhere/journal.db: no journal there"),
        ("report file", 2, "file: damaged, or no SQLite file"),
        ("replay --run garbage", 2, "garbage/journal.db: damaged, or no SQLite file; it was left as it is"),
        ("replay --run live", 2, "live/journal.db: a journal of mode live, expected paper; the two are never mixed"),
        ("report live", 2, "a journal of mode live"),
        ("runs backup nowhere copy.db", 2, "nowhere/journal.db: no journal there"),
        ("runs restore file new", 2, "file: damaged, or no SQLite file"),
        ("runs prune --keep 0", 2, "--keep: got 0"),
        ("runs list --kind live", 2, "--kind"),
        ("data import candle", 2, "--into"),
        ("data import candle --into c", 2, "data import: got no file"),
        ("data import --map nowhere.toml . --into c", 2, "nowhere.toml: not a readable TOML file"),
        ("data import candle nowhere.parquet --into c", 2, "nowhere.parquet"),
        ("data import candel file --into c", 2, "candel"),
        (
            "data import candle file --into c --column close",
            2,
            "column, constant or unit: got 'close', expected OURS=THEIRS",
        ),
        ("data import candle file --into c --column closs=x", 2, "closs"),
        (
            "data import candle file --into c --constant interval_ns=soon",
            2,
            "'interval_ns': got 'soon', expected a int",
        ),
        ("data import candle file --into c", 2, "file"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    phantom: Phantom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, code: int, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("hello")
    Path("garbage").mkdir()
    Path("garbage/journal.db").write_text("hello")
    Journal.create(Path("live/journal.db"), "live", Mode.LIVE, "1", {}, {}).close()
    before = files(tmp_path)
    done = phantom(*command.split())
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    assert said in done.err
    assert files(tmp_path) == before


def files(folder: Path) -> set[Path]:
    """All but the catalogue: an import that fails leaves an empty one."""
    return {path for path in folder.rglob("*") if path.is_file() and path.parent.name != "c"}


def test_brackets_in_a_message_are_no_markup(phantom: Phantom, tmp_path: Path) -> None:
    done = phantom("report", tmp_path / "[bold]run[/]")
    assert "[bold]run[/]/journal.db: no journal there" in done.err


def test_a_run_with_unknown_capital_leaves_nothing(phantom: Phantom, tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text('[capital.lst]\nDOGE = "5"\n')
    done = phantom("replay", "--run", tmp_path / "run", "--config", config)
    assert (done.code, done.err) == (2, "error: capital.lst.DOGE: this market has no such asset\n")
    config.write_text('[capital.funding]\nUSDC = "0.0000001"\n')
    done = phantom("replay", "--run", tmp_path / "run", "--config", config)
    assert done.err == (
        "error: capital.funding.USDC: amount '0.0000001': more than 6 decimals, the asset has no smaller unit\n"
    )
    assert not (tmp_path / "run").exists()


def test_a_map_in_the_file_counts_unless_the_command_line_says_otherwise(phantom: Phantom, tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text("[market]\nseed = 9\n")
    by_file = phantom("backtest", "--hours", HOURS, "--json", "--config", config).parsed
    assert by_file == phantom("backtest", "--hours", HOURS, "--json", "--seed", 9).parsed
    assert by_file != phantom("backtest", "--hours", HOURS, "--json", "--config", config, "--seed", 7).parsed


# Runs


def test_replay_report_list_backup_restore_prune(phantom: Phantom, home: Path, tmp_path: Path) -> None:
    first = phantom("replay", "--hours", HOURS, "--json")
    run = Path(first.parsed["run"])
    assert run.parent == home / "replay"
    assert first.err == f"run {run}\n"
    assert phantom("report", run, "--json").parsed == first.parsed
    assert first.parsed["state_hash"] in phantom("report", run).out
    assert phantom("runs", "backup", run, tmp_path / "copy.db").code == 0
    again = phantom("runs", "backup", run, tmp_path / "copy.db")
    assert (again.code, again.err) == (
        2,
        f"error: {tmp_path}/copy.db: there is a file already; a backup never overwrites\n",
    )
    restored = home / "replay" / "restored"
    assert phantom("runs", "restore", tmp_path / "copy.db", restored).err == (
        f"restored; go on with: phantom replay --run {restored}\n"
    )
    assert phantom("runs", "restore", tmp_path / "copy.db", restored).code == 2
    assert {**phantom("replay", "--run", restored, "--json").parsed, "run": str(run)} == first.parsed
    broken = home / "replay" / "broken" / "journal.db"
    broken.parent.mkdir()
    broken.write_text("garbage")
    listed = phantom("runs", "list", "--kind", "replay", "--json").parsed["runs"]
    assert [(row["folder"], row.get("sealed")) for row in listed] == [
        (str(run), "ended"),
        (str(restored), "ended"),
        (str(broken.parent), None),
    ]
    assert "no SQLite file" in listed[2]["error"]
    assert f"seed 7 scenario calm hours {HOURS}" in phantom("runs", "list", "--kind", "replay").out
    assert phantom("runs", "prune", "--keep", 2, "--kind", "replay").err == f"removed 1 runs: {run.name}\n"
    assert not run.exists()
    assert restored.exists()
    assert broken.exists()


def test_no_runs_yet(phantom: Phantom) -> None:
    assert "no runs yet" in phantom("runs", "list").out
    assert phantom("runs", "list", "--json").parsed == {"runs": []}
    assert phantom("runs", "prune").err == "removed 0 runs\n"


def test_a_run_goes_on_with_what_it_was_begun_with(phantom: Phantom, tmp_path: Path) -> None:
    run, config = tmp_path / "run", tmp_path / "c.toml"
    first = phantom("replay", "--hours", HOURS, "--run", run, "--json").parsed
    before = (run / "journal.db").read_bytes()
    config.write_text("[lst]\nwon_share = 0.5\n")
    for option, value, said in (
        ("--seed", "8", "--seed: got 8"),
        ("--scenario", "volatile", "--scenario: got volatile"),
        ("--hours", "0.01", "--hours: got 0.01, the run is at 20"),
        ("--force-gate", "edge", "--force-gate: safety"),
        ("--config", config, "--config: lst"),
        ("--data", tmp_path, "--data"),
    ):
        done = phantom("replay", "--run", run, option, value)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(f"error: {said}")
        assert (run / "journal.db").read_bytes() == before
    same = phantom("replay", "--hours", HOURS, "--run", run, "--json", "--seed", 7, "--scenario", "calm")
    assert same.parsed == first
    longer = phantom("replay", "--hours", "0.04", "--run", run, "--json").parsed
    assert longer["state_hash"] == phantom("backtest", "--hours", "0.04", "--json").parsed["state_hash"]


def test_other_code_begins_a_new_segment(phantom: Phantom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tmp_path / "run"
    monkeypatch.setattr("phantom_arbiter.app.journaled.code_version", lambda: "0.1.0+aaaa")
    phantom("replay", "--hours", HOURS, "--run", run)
    monkeypatch.setattr("phantom_arbiter.app.journaled.code_version", lambda: "0.1.0+bbbb")
    done = phantom("replay", "--hours", "0.04", "--run", run, "--json")
    assert "the code changed (0.1.0+aaaa → 0.1.0+bbbb), so a new segment begins there" in done.err
    assert done.parsed["state_hash"] == phantom("backtest", "--hours", "0.04", "--json").parsed["state_hash"]
    with closing(Journal.read(run / "journal.db", Mode.PAPER)) as journal:
        assert (journal.info().segment, journal.info().code_version) == (2, "0.1.0+bbbb")


def test_a_forced_gate_lets_through_what_it_refuses(phantom: Phantom) -> None:
    shut = phantom("backtest", "--hours", "0.1", "--json").parsed["engines"]
    forced = phantom("backtest", "--hours", "0.1", "--json", "--force-gate", "edge").parsed["engines"]
    assert any("edge" in engine["refused"] for engine in shut.values())
    assert not any("edge" in engine["refused"] for engine in forced.values())
