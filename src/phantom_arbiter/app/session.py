"""A session: one run's kernel, market, driver and journal, put together, snapshotted and restored."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from phantom_arbiter.config import Config, ConfigError, to_atoms
from phantom_arbiter.core.commands import ENGINE_IDS, Mode, StartEngine
from phantom_arbiter.core.events import Commanded
from phantom_arbiter.core.instruments import Universe
from phantom_arbiter.core.kernel import Kernel
from phantom_arbiter.core.ledger import Transaction
from phantom_arbiter.core.safety import SafetyGates
from phantom_arbiter.core.snapshot import KernelState, digest_items, restore, state_hash, take
from phantom_arbiter.core.vault import VaultManager
from phantom_arbiter.engines.arb.logic import ArbEngine
from phantom_arbiter.engines.base import BaseEngine
from phantom_arbiter.engines.funding.logic import FundingEngine
from phantom_arbiter.engines.lst_depeg.logic import LstEngine
from phantom_arbiter.engines.scalp.logic import ScalpEngine
from phantom_arbiter.runtime.ports import MarketSource
from phantom_arbiter.runtime.sequencer import Journal, Sequencer
from phantom_arbiter.runtime.simulation import Progress, Simulation
from phantom_arbiter.sim.driver import DriverState, VirtualDriver
from phantom_arbiter.sim.liquidity import Liquidity

SLICE_ACTS: Final = 5_000
"""About a third of a second: how long a signal waits."""


class Market(MarketSource, Protocol):
    """A market that a session can run on: facts, liquidity, and a cursor that can be saved."""

    @property
    def universe(self) -> Universe:
        """Every asset and instrument it speaks of."""

    @property
    def liquidity(self) -> Liquidity:
        """Who fills orders in it."""

    @property
    def start_ns(self) -> int:
        """The instant it begins."""

    def state(self) -> Any:
        """Its place, msgpack-ready."""

    def cursor(self) -> Iterator[str | int]:
        """Its place as integers, for the state hash."""


class SessionState(Struct, frozen=True):
    """A whole run at rest."""

    seq: int
    now_ns: int
    tick_ns: int
    kernel: KernelState
    driver: DriverState
    market: Any


class Session:
    """A run. After the constructor call `fund` and `start_engines`; a resumed one is whole as it is."""

    def __init__(self, config: Config, market: Market, journal: Journal, state: SessionState | None = None) -> None:
        self.config = config
        self.market = market
        self.journal = journal
        engines, gates = build_engines(config), SafetyGates(config.safety)
        self.kernel = Kernel(market.universe, engines, VaultManager(), gates, Mode.PAPER)
        if state is not None:
            restore(self.kernel, state.kernel)
        parts = (market.universe, market.liquidity, config.driver, config.market.seed)
        self.driver = VirtualDriver(*parts) if state is None else VirtualDriver.from_state(*parts, state.driver)
        self.sequencer = Sequencer(self.kernel, journal, self.driver)
        tick_ns = None
        if state is not None:
            self.sequencer.seq, self.sequencer.now_ns = state.seq, state.now_ns
            tick_ns = state.tick_ns
        self.simulation = Simulation(self.sequencer, market, self.driver, market.start_ns, tick_ns)

    def fund(self, capital: dict[str, dict[str, str]] | None = None) -> None:
        """Give every engine its capital (None: as configured): into the treasury, then to the engine."""
        ts_ns, vault = self.market.start_ns, self.kernel.vault
        for engine, amounts in (capital if capital is not None else self.config.capital).items():
            for symbol, amount in amounts.items():
                asset = self.market.universe.assets.get(symbol)
                if asset is None:
                    raise ConfigError(f"capital.{engine}.{symbol}: this market has no such asset")
                try:
                    atoms = to_atoms(amount, asset.decimals)
                except ConfigError as error:
                    raise ConfigError(f"capital.{engine}.{symbol}: {error}") from error
                if atoms:
                    _applied(vault.deposit(f"start:{engine}:{symbol}:in", symbol, atoms, ts_ns=ts_ns))
                    _applied(vault.fund(f"start:{engine}:{symbol}", engine, symbol, atoms, ts_ns=ts_ns))

    def start_engines(self) -> None:
        """Start all four, as if by command."""
        for engine in ENGINE_IDS:
            self.simulation.command(Commanded(f"autostart-{engine}", StartEngine(engine)))

    def run(self, until_ns: int, on_slice: Callable[[int], None] | None = None) -> Progress:
        """Advance to ``until_ns`` without pause, or to the market's end. ``on_slice`` hears the time now and then."""
        while True:
            progress = self.simulation.advance(until_ns, SLICE_ACTS)
            if on_slice is not None:
                on_slice(self.simulation.now_ns)
            if progress is not Progress.MORE:
                return progress

    def state_hash(self) -> str:
        """One line that tells two runs apart: ledger, books, orders, driver and the market's cursor."""
        return state_hash(digest_items(self.kernel), self.driver.digest_items(), self.market.cursor())

    def snapshot(self) -> bytes:
        """The whole run as msgpack, compressed: most of it are accounts' bytes, and most of those are zeros."""
        state = SessionState(
            seq=self.sequencer.seq,
            now_ns=self.sequencer.now_ns,
            tick_ns=self.simulation.tick_ns,
            kernel=take(self.kernel),
            driver=self.driver.state(),
            market=self.market.state(),
        )
        return zlib.compress(msgspec.msgpack.encode(state), 1)


def decode_state(blob: bytes) -> SessionState:
    """A snapshot back from its bytes. Raises `msgspec.DecodeError` for what no snapshot of this version is."""
    try:
        packed = zlib.decompress(blob)
    except zlib.error as error:
        raise msgspec.DecodeError(f"not compressed as snapshots are: {error}") from error
    return msgspec.msgpack.decode(packed, type=SessionState)


def build_engines(config: Config) -> list[BaseEngine]:
    """The four, in the fixed order of `ENGINE_IDS`."""
    return [
        FundingEngine(config=config.funding),
        LstEngine(config=config.lst),
        ScalpEngine(config=config.scalp),
        ArbEngine(config=config.arb),
    ]


def _applied(outcome: object) -> None:
    if not isinstance(outcome, Transaction):
        raise AssertionError(f"funding an engine was refused: {outcome}")
