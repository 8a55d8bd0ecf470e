"""Small journals for the storage tests."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from phantom_arbiter.core.commands import Mode, StartEngine
from phantom_arbiter.core.events import Commanded, Envelope
from phantom_arbiter.core.lifecycle import EngineStatus
from phantom_arbiter.core.outcome import CommandOutcome, Outcome, StatusChange
from phantom_arbiter.storage.journal import Journal

MARKET = {"type": "built-in", "seed": 7, "scenario": "calm", "hours": None}


def fact(seq: int, command_id: str = "c") -> Envelope:
    return Envelope(seq, seq * 1_000, "command", Commanded(command_id, StartEngine("lst")), command_id)


def outcome(statuses: int = 1) -> Outcome:
    changes = [StatusChange("lst", EngineStatus.RUNNING, str(n)) for n in range(statuses)]
    return Outcome([], [], [], changes, [], CommandOutcome("c", True, "ok", "started"))


def new(path: Path, mode: Mode = Mode.PAPER) -> Journal:
    return Journal.create(path, "run-1", mode, "1.0+a", MARKET, {"x": 1})


def recorded(path: Path, *seqs: int) -> None:
    with closing(new(path)) as journal:
        for seq in seqs:
            journal.record(fact(seq), outcome())
        journal.commit()
