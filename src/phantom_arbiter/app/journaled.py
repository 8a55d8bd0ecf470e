"""A session with its journal: begun, snapshotted, and after a crash taken up where it stood."""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from phantom_arbiter.app.code_version import code_version
from phantom_arbiter.app.markets import MarketSpec, open_market
from phantom_arbiter.app.session import Session, decode_state
from phantom_arbiter.config import Config
from phantom_arbiter.core.commands import Mode
from phantom_arbiter.runtime.simulation import PastCommand
from phantom_arbiter.storage.journal import Journal, JournalError


class Opened(NamedTuple):
    """A session on its journal. ``resumed`` tells in words what was taken up; empty for a fresh run."""

    session: Session
    journal: Journal
    resumed: str


def begin(path: Path, run_id: str, config: Config, spec: MarketSpec, *, start: bool) -> Opened:
    """A fresh run: the file is made, the engines are funded and, with ``start``, started."""
    market = open_market(spec)
    journal = Journal.create(
        path, run_id, Mode.PAPER, code_version(), msgspec.to_builtins(spec), msgspec.to_builtins(config)
    )
    session = Session(config, market, journal)
    session.fund()
    if start:
        session.start_engines()
    save(session, journal)
    return Opened(session, journal, "")


def resume(path: Path, *, read_only: bool = False) -> Opened:
    """Take a run up at its last snapshot. What it did after that is done again and compared with the journal.

    Other code than the run's own may rightly act otherwise: then a new segment begins at the snapshot. Raises
    `JournalError` for a file that cannot be used or holds no readable snapshot. ``read_only``: restore the state to
    look at it, and leave the file as it is.
    """
    journal = Journal.open(path, Mode.PAPER)
    info, snapshot = journal.info(), journal.last_snapshot()
    if snapshot is None:
        journal.close()
        raise JournalError(f"{path}: the run was killed before its first snapshot; begin it again")
    config = msgspec.convert(info.config, Config)
    spec = msgspec.convert(info.market, MarketSpec)
    try:
        state = decode_state(snapshot.body)
    except msgspec.ValidationError as error:
        journal.close()
        raise JournalError(f"{path}: its snapshot was made by other code and cannot be read: {error}") from error
    session = Session(config, open_market(spec, state.market), journal, state)
    found = session.state_hash()
    if found != snapshot.state_hash:
        journal.close()
        raise JournalError(f"{path}: the snapshot restores to {found}, it was taken at {snapshot.state_hash}")
    redone = journal.last_seq - snapshot.seq
    if read_only:
        return Opened(session, journal, "")
    resumed = f"resumed {info.run_id} at fact {snapshot.seq}, doing {max(0, redone)} facts again"
    if info.code_version != code_version():
        resumed += f"; the code changed ({info.code_version} → {code_version()}), so a new segment begins there"
        journal.new_segment(code_version())
    else:
        past = (PastCommand(seq, body) for seq, body in journal.commands_after(snapshot.seq))
        session.simulation.redo = deque(past)
    if info.sealed:
        journal.reopen()
    return Opened(session, journal, resumed)


def save(session: Session, journal: Journal) -> None:
    """Snapshot the session into its journal; a stretch that is being done again is not saved anew."""
    seq = session.sequencer.seq
    if seq >= journal.last_seq:
        now_ns = session.simulation.now_ns
        journal.save_snapshot(seq, now_ns, session.state_hash(), code_version(), session.snapshot())


def describe_market(raw: dict[str, Any]) -> str:
    """A run's market in words."""
    spec = msgspec.convert(raw, MarketSpec)
    return " ".join(f"{key} {value}" for key, value in msgspec.structs.asdict(spec).items())
