"""Sessions on spans of the real data."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from phantom_arbiter.app.markets import explained, fitted, open_market, recorded_spec
from phantom_arbiter.app.memory_journal import MemoryJournal
from phantom_arbiter.app.session import Session
from phantom_arbiter.config import Config
from phantom_arbiter.core.commands import ENGINE_IDS, EngineId, StartEngine
from phantom_arbiter.core.events import Commanded
from phantom_arbiter.research.report import RunReport, report

CHECKOUT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("PHANTOM_DATA_DIR", CHECKOUT.parent / "shared" / "data"))
MAP = CHECKOUT / "benchmarks" / "datasets.toml"


def instant_ns(day: str) -> int:
    """The beginning of a day in UTC."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 10**9


def data_folder() -> Path:
    """The real data; skips the test where it is absent."""
    if not DATA.is_dir():
        pytest.skip(f"no market data: {DATA} is absent (PHANTOM_DATA_DIR names the folder)")
    return DATA


class RealRun:
    """A session over [first, last), as `phantom backtest --data` makes it."""

    def __init__(
        self,
        home: Path,
        first: str,
        last: str,
        *,
        forced: tuple[str, ...] = (),
        engines: Iterable[EngineId] = ENGINE_IDS,
        config: Config | None = None,
        folder: Path | None = None,
    ) -> None:
        found = recorded_spec(folder or data_folder(), MAP, instant_ns(first), instant_ns(last), home)
        self.spec, config = found.spec, config or Config()
        safety = msgspec.structs.replace(config.safety, force_open=forced)
        config = msgspec.structs.replace(config, safety=safety)
        self.session = Session(
            fitted(config, found.limits(config.safety.limits)), open_market(found.spec), MemoryJournal()
        )
        self.session.fund()
        for engine in engines:
            self.session.simulation.command(Commanded(f"start-{engine}", StartEngine(engine)))

    def report(self) -> RunReport:
        """Run to the end."""
        self.session.run(self.spec.end_ns)
        told = report(self.session.kernel, self.session.state_hash(), list(self.spec.skipped), "")
        return explained(told, self.session)
