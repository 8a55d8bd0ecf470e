"""A session with its journal: begun, snapshotted, and after a crash taken up where it stood."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from phantom_arbiter.app.code_version import code_version
from phantom_arbiter.app.markets import MarketSpec, open_market
from phantom_arbiter.app.session import Session, decode_state
from phantom_arbiter.config import Config
from phantom_arbiter.core.commands import Mode
from phantom_arbiter.core.units import NS_PER_SECOND
from phantom_arbiter.runtime.simulation import NEVER_NS, PastCommand, Progress
from phantom_arbiter.storage.errors import JournalError, UnreadableError
from phantom_arbiter.storage.journal import Journal, RunInfo, Snapshot
from phantom_arbiter.storage.lock import LOCK_FILE

_TOLD: Final = ("seed", "scenario", "hours", "catalogue", "start_ns", "end_ns")


class Opened(NamedTuple):
    """A session on its journal. ``resumed`` tells in words what was taken up, empty for a fresh run; ``recovered``:
    the run had been killed."""

    session: Session
    journal: Journal
    spec: MarketSpec
    resumed: str = ""
    recovered: bool = False


def begin(
    path: Path,
    run_id: str,
    config: Config,
    spec: MarketSpec,
    *,
    start: bool,
    capital: dict[str, dict[str, str]] | None = None,
) -> Opened:
    """A fresh run: the engines are funded (with ``capital``, or as configured) and, with ``start``, started.

    The file gets its name when its first snapshot is in it: whoever is killed before has begun nothing.
    """
    if path.exists():
        raise JournalError(f"{path}: there is a file already; a journal is never overwritten")
    partial = path.with_name(path.name + ".partial")
    _remove(partial)
    kept = msgspec.to_builtins(spec), msgspec.to_builtins(config)
    journal: Journal | None = None
    try:
        journal = Journal.create(partial, run_id, Mode.PAPER, code_version(), *kept)
        session = Session(config, open_market(spec), journal)
        session.fund(capital)
        if start:
            session.start_engines()
        save(session, journal)
        journal.move(path)
    except BaseException:
        if journal is not None:
            journal.close()
        _remove(partial)
        _remove_empty(path.parent)
        raise
    return Opened(session, journal, spec)


def resume(path: Path, agree: Callable[[Session, MarketSpec], None] | None = None) -> Opened:
    """Take a run up at its last snapshot. What it did after that is done again and compared with the journal.

    Other code than the run's own may rightly act otherwise: then a new segment begins at the snapshot. Raises
    `JournalError` for a file that cannot be used, `UnreadableError` where other code made it. ``agree`` may refuse by
    an exception; then nothing has changed.
    """
    journal = Journal.open(path, Mode.PAPER)
    try:
        return _take_up(journal, agree)
    except BaseException:
        journal.close()
        raise


def look(path: Path) -> tuple[Session, MarketSpec, RunInfo]:
    """A run's last snapshot as a session, its market, and what its file says; nothing changes. Errors as `resume`'s."""
    with closing(Journal.read(path, Mode.PAPER)) as journal:
        info, snapshot, spec, config = _kept(journal)
        return _restored(journal, snapshot, spec, config), spec, info


def save(session: Session, journal: Journal) -> None:
    """Snapshot the session into its journal; a stretch that is being done again is not saved anew."""
    seq = session.sequencer.seq
    if seq >= journal.last_seq:
        now_ns = session.simulation.now_ns
        journal.save_snapshot(seq, now_ns, session.state_hash(), code_version(), session.snapshot())


def catch_up(opened: Opened) -> None:
    """Do at once what a killed run had done after its snapshot: nobody may command in the middle of that."""
    session, journal = opened.session, opened.journal
    progress = Progress.MORE
    while session.sequencer.seq < journal.last_seq and progress is Progress.MORE:
        progress = session.simulation.advance(NEVER_NS, 1)


def describe_market(raw: dict[str, Any]) -> str:
    """A run's market in words."""
    said = (
        f"{key.removesuffix('_ns')} {_in_words(key, value)}"
        for key, value in raw.items()
        if key in _TOLD and value is not None
    )
    return " ".join(said)


def _in_words(key: str, value: Any) -> str:
    if not key.endswith("_ns"):
        return str(value)
    return datetime.fromtimestamp(value // NS_PER_SECOND, UTC).strftime("%Y-%m-%dT%H:%M")


def _take_up(journal: Journal, agree: Callable[[Session, MarketSpec], None] | None) -> Opened:
    info, snapshot, spec, config = _kept(journal)
    session = _restored(journal, snapshot, spec, config)
    if agree is not None:
        agree(session, spec)
    redone = max(0, journal.last_seq - snapshot.seq)
    if info.code_version != code_version():
        resumed = f"resumed {info.run_id} at fact {snapshot.seq}"
        resumed += f"; the code changed ({info.code_version} → {code_version()}), so a new segment begins there"
        journal.new_segment(code_version())
    else:
        resumed = f"resumed {info.run_id} at fact {snapshot.seq}" + (f", doing {redone} facts again" if redone else "")
        past = (PastCommand(seq, body) for seq, body in journal.commands_after(snapshot.seq))
        session.simulation.redo = deque(past)
    if info.sealed:
        journal.reopen()
    return Opened(session, journal, spec, resumed, recovered=not info.sealed)


def _kept(journal: Journal) -> tuple[RunInfo, Snapshot, MarketSpec, Config]:
    info, snapshot = journal.info(), journal.last_snapshot()
    if snapshot is None:
        raise JournalError(f"{journal.path}: it holds no snapshot to go on from; begin the run again")
    try:
        spec: MarketSpec = msgspec.convert(info.market, MarketSpec)
        return info, snapshot, spec, msgspec.convert(info.config, Config)
    except msgspec.ValidationError as error:
        raise UnreadableError(f"{journal.path}: made by other code ({info.code_version}): {error}") from error


def _restored(journal: Journal, snapshot: Snapshot, spec: MarketSpec, config: Config) -> Session:
    try:
        state = decode_state(snapshot.body)
        session = Session(config, open_market(spec, state.market), journal, state)
    except msgspec.DecodeError as error:
        raise UnreadableError(
            f"{journal.path}: its snapshot was made by other code ({snapshot.code_version}): {error}"
        ) from error
    found = session.state_hash()
    if found != snapshot.state_hash:
        said = f"{journal.path}: the snapshot restores to {found}, it was taken at {snapshot.state_hash}"
        raise JournalError(said) if snapshot.code_version == code_version() else UnreadableError(said)
    return session


def _remove(partial: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        partial.with_name(partial.name + suffix).unlink(missing_ok=True)


def _remove_empty(folder: Path) -> None:
    """The folder of a run that did not begin."""
    with suppress(OSError):
        (folder / LOCK_FILE).unlink()
        folder.rmdir()


def seal(opened: Opened) -> None:
    """End a run in its journal."""
    save(opened.session, opened.journal)
    opened.journal.seal("crashed-recovered" if opened.recovered else "ended")
