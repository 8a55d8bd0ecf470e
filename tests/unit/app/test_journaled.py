"""A run is begun whole or not at all, and goes on from wherever it was killed to the same end."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from phantom_arbiter.app.journaled import Opened, begin, catch_up, describe_market, look, resume, save
from phantom_arbiter.app.markets import BuiltinSpec, RecordedSpec
from phantom_arbiter.app.replay import hours_after, run_replay
from phantom_arbiter.config import Config, ConfigError
from phantom_arbiter.core.commands import Kill, KillLevel, Mode, StopEngine
from phantom_arbiter.core.events import Commanded
from phantom_arbiter.core.ledger import AVAILABLE
from phantom_arbiter.core.orders import Dispatch
from phantom_arbiter.core.safety import SafetyConfig
from phantom_arbiter.core.units import NS_PER_SECOND
from phantom_arbiter.storage.errors import DivergenceError, JournalError, UnreadableError, WriteError
from phantom_arbiter.storage.journal import Journal

SPEC: Final = BuiltinSpec(11, "volatile", 0.3)
BUSY: Final = Config(safety=SafetyConfig(force_open=("edge",)))
"""Edges are forced, so that there is something to do again."""
MINUTE_NS: Final = 60 * NS_PER_SECOND


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "journal.db"


def started(path: Path) -> Opened:
    return begin(path, "run", BUSY, SPEC, start=True)


def advance(opened: Opened, minutes: float) -> None:
    """To so many minutes after the market's beginning; what was done is on disk."""
    session = opened.session
    session.run(session.market.start_ns + round(minutes * MINUTE_NS))
    opened.journal.commit()


def kill(opened: Opened) -> None:
    """All that a killed process leaves: the file, and what it had not committed is gone."""
    opened.journal.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[float, str]:
    """Minutes -> state hash of a run that nobody disturbed and that never saved."""
    opened = started(tmp_path_factory.mktemp("whole") / "journal.db")
    hashes = {}
    for minutes in (6.0, 9.0, 12.0):
        advance(opened, minutes)
        hashes[minutes] = opened.session.state_hash()
    assert sum(desk.book.trades for desk in opened.session.kernel.desks.values()) > 20
    opened.journal.close()
    return hashes


# Going on


def test_snapshots_at_any_time_change_nothing(path: Path, whole: dict[float, str]) -> None:
    opened = started(path)
    for tenth in range(1, 60):
        advance(opened, tenth / 10)
        save(opened.session, opened.journal)
    advance(opened, 6.0)
    assert opened.session.state_hash() == whole[6.0]
    opened.journal.close()


def test_restored_at_any_time_it_comes_to_the_same(path: Path, whole: dict[float, str]) -> None:
    opened = started(path)
    for minutes in (0.5, 1.7, 2.9, 3.3, 4.1, 5.9):
        advance(opened, minutes)
        save(opened.session, opened.journal)
        kill(opened)
        opened = resume(path)
    advance(opened, 6.0)
    assert opened.session.state_hash() == whole[6.0]
    opened.journal.close()


def test_killed_between_snapshots_it_does_the_same_again(path: Path, whole: dict[float, str]) -> None:
    opened = started(path)
    advance(opened, 3.0)
    save(opened.session, opened.journal)
    advance(opened, 6.0)
    last = opened.journal.last_seq
    kill(opened)
    for minutes in (4.0, 5.0):  # killed while doing it again, twice
        opened = resume(path)
        assert opened.recovered
        assert "facts again" in opened.resumed
        assert opened.journal.last_seq == last
        advance(opened, minutes)
        save(opened.session, opened.journal)
        kill(opened)
    opened = resume(path)
    catch_up(opened)
    assert opened.session.sequencer.seq >= last
    advance(opened, 9.0)
    assert opened.session.state_hash() == whole[9.0]
    opened.journal.close()


def test_commands_are_carried_out_again_at_their_place(path: Path) -> None:
    opened = started(path)
    advance(opened, 2.0)
    save(opened.session, opened.journal)
    advance(opened, 3.0)
    opened.session.simulation.command(Commanded("stop", StopEngine("arb")))
    advance(opened, 4.0)
    opened.session.simulation.command(Commanded("kill", Kill(KillLevel.PAUSE)))
    advance(opened, 5.0)
    reached = opened.session.state_hash()
    kill(opened)
    opened = resume(path)
    assert opened.session.kernel.kill is None
    catch_up(opened)
    assert opened.session.kernel.kill is KillLevel.PAUSE
    advance(opened, 5.0)
    assert opened.session.state_hash() == reached
    opened.journal.close()


def test_a_journal_that_says_otherwise_is_a_divergence(path: Path) -> None:
    opened = started(path)
    advance(opened, 3.0)
    kill(opened)
    with closing(sqlite3.connect(path)) as other:
        other.execute("DELETE FROM rows WHERE seq = (SELECT seq FROM rows WHERE seq > 100 ORDER BY seq LIMIT 1)")
        other.commit()
    opened = resume(path)
    with pytest.raises(DivergenceError, match="not repeatable"):
        catch_up(opened)
    opened.journal.close()


def test_other_code_goes_on_from_the_snapshot(
    path: Path, whole: dict[float, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("phantom_arbiter.app.journaled.code_version", lambda: "0.1.0+aaaa")
    opened = started(path)
    advance(opened, 3.0)
    save(opened.session, opened.journal)
    advance(opened, 6.0)
    kill(opened)
    monkeypatch.setattr("phantom_arbiter.app.journaled.code_version", lambda: "0.1.0+bbbb")
    opened = resume(path)
    assert "the code changed (0.1.0+aaaa → 0.1.0+bbbb), so a new segment begins there" in opened.resumed
    assert opened.journal.info().segment == 2
    advance(opened, 6.0)
    kill(opened)  # before the segment's first snapshot: its rows are compared now
    opened = resume(path)
    assert "facts again" in opened.resumed
    advance(opened, 9.0)
    assert opened.session.state_hash() == whole[9.0]
    opened.journal.close()


def test_a_replay_seals_and_says_how(path: Path) -> None:
    def watch(start_ns: int, now_ns: int, end_ns: int) -> None:
        assert start_ns <= now_ns <= end_ns

    opened = started(path)
    end_ns = hours_after(opened.session.market.start_ns, 0.05)
    first = run_replay(opened, end_ns, (), watch)
    session, spec, info = look(path)
    assert (session.state_hash(), spec, info.sealed) == (first.state_hash, SPEC, "ended")
    again = resume(path)
    assert not again.recovered
    assert run_replay(again, end_ns, (), watch) == first
    opened = resume(path)
    kill(opened)
    recovered = resume(path)
    assert recovered.recovered
    assert run_replay(recovered, end_ns, (), watch) == first
    assert look(path)[2].sealed == "crashed-recovered"


# Beginning


def test_a_run_that_cannot_begin_leaves_nothing(path: Path) -> None:
    with pytest.raises(ConfigError, match=r"capital\.lst\.DOGE: this market has no such asset"):
        begin(path, "run", Config(capital={"lst": {"DOGE": "1"}}), SPEC, start=True)
    assert not path.parent.exists()
    started(path).journal.close()


def test_the_leavings_of_a_killed_beginning_are_swept(path: Path) -> None:
    path.parent.mkdir()
    path.with_name("journal.db.partial").write_text("half")
    path.with_name("journal.db.partial-wal").write_text("half")
    started(path).journal.close()
    assert {file.name for file in path.parent.iterdir()} == {"journal.db", "lock"}


def test_a_run_is_begun_once(path: Path) -> None:
    started(path).journal.close()
    before = path.read_bytes()
    with pytest.raises(JournalError, match="never overwritten"):
        started(path)
    assert path.read_bytes() == before


def test_capital_of_its_own(path: Path) -> None:
    opened = begin(path, "run", BUSY, SPEC, start=False, capital={"lst": {"SOL": "3"}})
    with pytest.raises(JournalError, match="in use"):
        resume(path)
    opened.journal.close()
    session, _, info = look(path)
    assert msgspec.convert(info.config, Config) == BUSY
    assert session.kernel.vault.balance(AVAILABLE["lst"], "SOL") == 3 * 10**9
    assert session.kernel.vault.balance(AVAILABLE["arb"], "SOL") == 0


# What cannot be taken up


def changed(path: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as other:
        other.execute(sql, values)
        other.commit()


@pytest.mark.parametrize(
    ("sql", "value", "said"),
    [
        ("UPDATE snapshots SET body = ?", b"\x81\xa3seq\x01", "its snapshot was made by other code"),
        ("UPDATE snapshots SET body = ?", b"\xc1", "its snapshot was made by other code"),
        ("UPDATE meta SET value = ? WHERE key = 'market'", '{"type": "moon"}', "made by other code"),
        ("UPDATE meta SET value = ? WHERE key = 'config'", '{"moon": 1}', "made by other code"),
    ],
)
def test_what_other_code_made_is_named(path: Path, sql: str, value: object, said: str) -> None:
    started(path).journal.close()
    changed(path, sql, value)
    before = path.read_bytes()
    for take in (resume, look):
        with pytest.raises(UnreadableError, match=said) as refused:
            take(path)
        assert str(path) in str(refused.value)
    assert path.read_bytes() == before


def test_a_snapshot_that_restores_to_something_else(path: Path) -> None:
    started(path).journal.close()
    changed(path, "UPDATE snapshots SET state_hash = ?", "0" * 32)
    with pytest.raises(JournalError, match="the snapshot restores to"):
        resume(path)


def test_a_file_without_a_snapshot(path: Path) -> None:
    started(path).journal.close()
    changed(path, "DELETE FROM snapshots")
    with pytest.raises(JournalError, match="holds no snapshot to go on from"):
        resume(path)


def test_whoever_does_not_agree_changes_nothing(path: Path) -> None:
    started(path).journal.close()
    before = path.read_bytes()

    def disagree(session: object, spec: object) -> None:
        raise ConfigError("no")

    with pytest.raises(ConfigError):
        resume(path, disagree)
    assert path.read_bytes() == before


# A full disk


class Noting:
    """The run's own driver, and a note of what it was sent."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self.sent: list[str] = []

    def submit(self, dispatch: Dispatch, now_ns: int) -> None:
        self.sent.append(dispatch.approved.order_id)
        self._driver.submit(dispatch, now_ns)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)


def test_nothing_is_dispatched_that_is_not_on_disk(path: Path, whole: dict[float, str]) -> None:
    opened = started(path)
    session, connection = opened.session, opened.journal._connection
    session.sequencer.driver = noting = Noting(session.driver)
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count={pages + 80}")
    with pytest.raises(WriteError, match="cannot be written: database or disk is full; nothing was sent"):
        run_replay(opened, session.market.start_ns + 12 * MINUTE_NS, (), lambda start_ns, now_ns, end_ns: None)
    with closing(Journal.read(path, Mode.PAPER)) as journal:
        written = [row.decoded()[0] for row in journal.rows(("Dispatch",))]
    assert len(noting.sent) > 5
    assert noting.sent == written
    again = resume(path)
    advance(again, 12.0)
    assert again.session.state_hash() == whole[12.0]
    again.journal.close()


# In words


def test_a_market_in_words() -> None:
    assert describe_market(msgspec.to_builtins(SPEC)) == "seed 11 scenario volatile hours 0.3"
    assert describe_market(msgspec.to_builtins(BuiltinSpec(7, "calm"))) == "seed 7 scenario calm"
    recorded = RecordedSpec("data", 1_744_588_800_000_000_000, 1_744_675_200_000_000_000, ("gone",))
    said = "catalogue data start 2025-04-14T00:00 end 2025-04-15T00:00"
    assert describe_market(msgspec.to_builtins(recorded)) == said
    assert describe_market({"type": "moon"}) == ""


def test_a_copied_run_goes_on_elsewhere(path: Path, tmp_path: Path, whole: dict[float, str]) -> None:
    opened = started(path)
    advance(opened, 5.0)
    kill(opened)
    shutil.copytree(path.parent, tmp_path / "copy")
    copied = resume(tmp_path / "copy" / "journal.db")
    advance(copied, 6.0)
    assert copied.session.state_hash() == whole[6.0]
    copied.journal.close()
