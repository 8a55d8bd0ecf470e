"""Replay: a run as fast as it goes, journaled, resumable, and reported in one object."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

from phantom_arbiter.app.journaled import Opened, begin, resume, save
from phantom_arbiter.app.markets import MarketSpec
from phantom_arbiter.app.session import SLICE_ACTS, Session
from phantom_arbiter.config import Config
from phantom_arbiter.core.units import NS_PER_SECOND
from phantom_arbiter.research.report import RunReport, report
from phantom_arbiter.runtime.simulation import Progress

SNAPSHOT_EVERY_S: Final = 3.0
Watch = Callable[[int, int, int], None]
"""Hears (start_ns, now_ns, end_ns) now and then."""


class Interrupted(Exception):
    """SIGINT or SIGTERM came; ``what_now`` tells how to go on."""

    def __init__(self, signal_number: int, what_now: str) -> None:
        super().__init__(f"stopped by {signal.Signals(signal_number).name}; {what_now}")
        self.signal_number = signal_number


class _Stop:
    """Whether a signal asked to stop."""

    def __init__(self) -> None:
        self.signal_number = 0

    def __call__(self, signal_number: int, frame: FrameType | None) -> None:
        del frame
        self.signal_number = signal_number


@contextmanager
def _signals() -> Iterator[_Stop]:
    """Handle both signals ourselves, also where the parent had them ignored (a background job)."""
    stop = _Stop()
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def start_replay(path: Path, run_id: str, config: Config, spec: MarketSpec) -> Opened:
    """Open a run folder for a replay: a killed run goes on, an empty place begins one."""
    return resume(path) if path.exists() else begin(path, run_id, config, spec, start=True)


def run_replay(opened: Opened, end_ns: int, skipped: list[str], watch: Watch) -> RunReport:
    """Run to ``end_ns`` or the market's end, seal the run, and report. Raises `Interrupted` on a signal."""
    session, journal, resumed = opened
    saved_s = time.monotonic()

    def keep() -> None:
        nonlocal saved_s
        if time.monotonic() - saved_s > SNAPSHOT_EVERY_S:
            save(session, journal)
            saved_s = time.monotonic()

    signal_number = _advance(session, end_ns, watch, keep)
    save(session, journal)
    if signal_number:
        journal.close()
        raise Interrupted(signal_number, f"go on with: phantom replay --run {journal.path.parent}")
    result = report(session.kernel, session.state_hash(), skipped, str(journal.path.parent))
    journal.seal("crashed-recovered" if resumed else "ended")
    journal.close()
    return result


def run_unjournaled(session: Session, end_ns: int, skipped: list[str], watch: Watch) -> RunReport:
    """As `run_replay`, but nothing is kept."""
    signal_number = _advance(session, end_ns, watch, lambda: None)
    if signal_number:
        raise Interrupted(signal_number, "nothing was kept")
    return report(session.kernel, session.state_hash(), skipped, "")


def _advance(session: Session, end_ns: int, watch: Watch, between: Callable[[], None]) -> int:
    """Run to the end or a signal, whose number is returned; 0 without one."""
    start_ns = session.market.start_ns
    with _signals() as stop:
        progress = Progress.MORE
        while progress is Progress.MORE and not stop.signal_number:
            progress = session.simulation.advance(end_ns, SLICE_ACTS)
            watch(start_ns, session.simulation.now_ns, end_ns)
            between()
    return stop.signal_number


def hours_after(start_ns: int, hours: float) -> int:
    """The end of a replay of so many hours."""
    return start_ns + round(hours * 3_600 * NS_PER_SECOND)
