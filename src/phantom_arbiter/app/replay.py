"""Replay: a run as fast as it goes, journaled, resumable, and reported in one object."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from phantom_arbiter.app.journaled import Opened, save
from phantom_arbiter.app.session import SLICE_ACTS, Session
from phantom_arbiter.app.stopping import Interrupted, Stop, stop_when_asked
from phantom_arbiter.core.units import NS_PER_SECOND
from phantom_arbiter.research.report import RunReport, report
from phantom_arbiter.runtime.simulation import Progress

SNAPSHOT_EVERY_S: Final = 3.0
Watch = Callable[[int, int, int], None]
"""Hears (start_ns, now_ns, end_ns) now and then."""


def run_replay(opened: Opened, end_ns: int, skipped: Sequence[str], watch: Watch) -> RunReport:
    """Run to ``end_ns`` or the market's end, seal the run, and report; close it in any case. Raises `Interrupted` on a
    signal: then the run is saved and can go on."""
    session, journal = opened.session, opened.journal
    saved_s = time.monotonic()

    def keep() -> None:
        nonlocal saved_s
        if time.monotonic() - saved_s > SNAPSHOT_EVERY_S:
            save(session, journal)
            saved_s = time.monotonic()

    try:
        with stop_when_asked() as stop:
            if not _advance(session, end_ns, watch, keep, stop):
                save(session, journal)
                raise Interrupted(stop.signal_number, f"go on with: phantom replay --run {journal.path.parent}")
            save(session, journal)
            result = report(session.kernel, session.state_hash(), list(skipped), str(journal.path.parent))
            journal.seal("crashed-recovered" if opened.recovered else "ended")
            return result
    finally:
        journal.close()


def run_unjournaled(session: Session, end_ns: int, skipped: Sequence[str], watch: Watch) -> RunReport:
    """As `run_replay`, but nothing is kept."""
    with stop_when_asked() as stop:
        if not _advance(session, end_ns, watch, lambda: None, stop):
            raise Interrupted(stop.signal_number, "nothing was kept")
    return report(session.kernel, session.state_hash(), list(skipped), "")


def _advance(session: Session, end_ns: int, watch: Watch, between: Callable[[], None], stop: Stop) -> bool:
    """Run to the end: True; or to a signal: False."""
    start_ns = session.market.start_ns
    while not stop.signal_number:
        progress = session.simulation.advance(end_ns, SLICE_ACTS)
        watch(start_ns, session.simulation.now_ns, end_ns)
        if progress is not Progress.MORE:
            return True
        between()
    return False


def hours_after(start_ns: int, hours: float) -> int:
    """The end of a replay of so many hours."""
    return start_ns + round(hours * 3_600 * NS_PER_SECOND)
