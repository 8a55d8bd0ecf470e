"""Whole systems on the built-in market, for simulation tests."""

from __future__ import annotations

from collections.abc import Iterable

from phantom_arbiter.app.markets import BuiltinSpec, open_market
from phantom_arbiter.app.memory_journal import MemoryJournal
from phantom_arbiter.app.session import Session
from phantom_arbiter.config import Config
from phantom_arbiter.core.commands import ENGINE_IDS, Command, EngineId, StartEngine
from phantom_arbiter.core.events import Commanded, Envelope
from phantom_arbiter.core.outcome import CommandOutcome, Outcome
from phantom_arbiter.core.units import NS_PER_MINUTE
from phantom_arbiter.sim.market.source import DEFAULT_START_NS


class Run:
    """A funded session with some engines started; keeps every outcome that is not empty."""

    def __init__(
        self, seed: int, scenario: str, *, engines: Iterable[EngineId] = ENGINE_IDS, config: Config | None = None
    ) -> None:
        self.session = Session(config or Config(), open_market(BuiltinSpec(seed, scenario)), MemoryJournal())
        self.kernel, self.driver, self.vault = self.session.kernel, self.session.driver, self.session.kernel.vault
        self.rows: list[tuple[Envelope, Outcome]] = []
        self.session.sequencer.listeners.append(lambda envelope, outcome: self.rows.append((envelope, outcome)))
        self.session.fund()
        for engine in engines:
            self.command(StartEngine(engine))

    def command(self, command: Command) -> CommandOutcome:
        """A command's answer."""
        outcome = self.session.simulation.command(Commanded("test", command))
        assert outcome is not None
        assert outcome.command is not None
        return outcome.command

    def until(self, minutes: float) -> None:
        """Run to so many minutes after the start."""
        self.session.run(DEFAULT_START_NS + round(minutes * NS_PER_MINUTE))

    def deployed(self) -> dict[str, int]:
        """What all engines have in positions, by engine and asset."""
        rows = self.vault.balances()
        return {f"{row.owner} {row.asset}": row.atoms for row in rows if row.bucket == "deployed"}

    def held(self) -> dict[str, int]:
        """Every perp position of the driver's accounts, by engine and market."""
        accounts = self.driver._venue.state.accounts.values()
        return {f"{a.engine} {name}": p.base_atoms for a in accounts for name, p in a.positions.items()}
