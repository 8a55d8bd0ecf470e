"""The application while it runs: one loop that paces the market, the dashboard's servers, and the answers to both."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from loguru import logger

from phantom_arbiter.app import cards
from phantom_arbiter.app.answers import answer, kernel_answer
from phantom_arbiter.app.balances import share_out
from phantom_arbiter.app.code_version import code_version
from phantom_arbiter.app.feed import CHARTED, Feed
from phantom_arbiter.app.journaled import Opened, begin, catch_up, describe_market, resume, save, seal
from phantom_arbiter.app.lab import Lab, data_folder
from phantom_arbiter.app.log import attach
from phantom_arbiter.app.markets import BuiltinSpec
from phantom_arbiter.app.reads import DashboardReads
from phantom_arbiter.app.venue_feed import VenueFeed, watching
from phantom_arbiter.config import Config, MarketConfig, PerpVenueConfig, ServerConfig
from phantom_arbiter.core.commands import EngineId, Mode, ResetPaper, StartEngine, StopEngine
from phantom_arbiter.core.events import Commanded
from phantom_arbiter.dashboard import frames, rows
from phantom_arbiter.dashboard.port import (
    HealthCheck,
    HealthResponse,
)
from phantom_arbiter.dashboard.projector import Projector
from phantom_arbiter.dashboard.requests import AckAlert, CommandRequest
from phantom_arbiter.dashboard.server import DashboardServer
from phantom_arbiter.engines.base import HOST
from phantom_arbiter.runtime.simulation import Progress
from phantom_arbiter.storage.errors import DivergenceError, JournalError, UnreadableError
from phantom_arbiter.storage.runs import KEPT_RUNS, RunFolder, default_home

PACE_S: Final = 0.05
SLICE_ACTS: Final = 2_000
FLUSH_S: Final = 0.25
STATE_S: Final = 1.0
SNAPSHOT_S: Final = 30.0
MOST_BEHIND_S: Final = 1.0
"""What a slow machine still catches up with; after a longer halt the market goes on from where it was."""


class EngineCommandError(RuntimeError):
    """A start or stop was refused; the message says why."""


class App(DashboardReads):
    """One paper run with its dashboard. Use `running`, or `start` and `stop`."""

    def __init__(self, config: Config, home: Path) -> None:
        self.config = config
        self.folder = RunFolder(home, "paper")
        self.server = DashboardServer(self, http_port=config.server.http_port, ws_port=config.server.websocket_port)
        super().__init__(Lab(data_folder()))
        self._tasks: list[asyncio.Task[None]] = []
        self._started_s = time.monotonic()
        self._commands = 0
        self._until_ns = 0
        self._log_sink: int | None = None
        self._venue: VenueFeed | None = None
        self._resources = AsyncExitStack()

    # Life

    async def start(self) -> None:
        """Lock the folder, open or resume the run, take the ports, and go."""
        self.folder.lock()
        try:
            if self.config.perp_venue.source != "built-in":
                self._venue = await self._resources.enter_async_context(watching(self.config.perp_venue))
            self._open(self._begin_or_resume())
            await self.server.start()
        except BaseException:
            await self.stop()
            raise
        jobs = [self._pace(), self._publish(), *(self._venue.loops() if self._venue is not None else ())]
        self._tasks = [asyncio.create_task(job) for job in jobs]

    async def until(self, stop: asyncio.Event) -> None:
        """Wait for ``stop``; a loop that broke ends the wait with its exception."""
        waiting = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait([waiting, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        for task in self._tasks:
            if task.done():
                task.result()

    async def stop(self) -> None:
        """Stop the loops, save, seal the run, and give everything back."""
        for task in self._tasks:
            task.cancel()
        ended = await asyncio.gather(*self._tasks, return_exceptions=True)
        broken = any(isinstance(how, Exception) for how in ended)  # then the state is no good: the file's is
        self._tasks.clear()
        await self.server.stop()
        await self._resources.aclose()
        try:
            if self._opened is not None and not broken:
                seal(self._opened)
        finally:
            self._detach_log()
            self._close_journal()
            self.folder.unlock()

    def _begin_or_resume(self) -> Opened:
        current = self.folder.current()
        wanted = BuiltinSpec(self.config.market.seed, self.config.market.scenario)
        if current is not None:
            opened = self._resume(current)
            if opened is not None:
                same = opened.spec == wanted
                if same and _lasting(opened.session.config) == _lasting(self.config):
                    logger.info(opened.resumed)
                    return opened
                seal(opened)
                opened.journal.close()
                logger.info("the market or settings changed: a new run begins, the old one is kept")
        opened = self._begin(None)
        self._adopt(opened)
        return opened

    def _resume(self, current: Path) -> Opened | None:
        """The run to go on with; None where this code cannot: it is kept, and a new one begins."""
        try:
            opened = resume(current)
        except UnreadableError as error:
            logger.warning("{}: a new run begins, the old one is kept", error)
            return None
        try:
            catch_up(opened)
        except DivergenceError as error:
            opened.journal.close()
            logger.warning("{}: a new run begins, the old one is kept", error)
            return None
        except BaseException:
            opened.journal.close()
            raise
        return opened

    def _begin(self, capital: dict[str, dict[str, str]] | None) -> Opened:
        """A new run with this capital (None: as configured)."""
        market = self.config.market
        run_id = self.folder.new_id(datetime.now(UTC).strftime("%Y%m%d"))
        spec = BuiltinSpec(market.seed, market.scenario)
        return begin(self.folder.path(run_id), run_id, self.config, spec, start=self.config.autostart, capital=capital)

    def _adopt(self, opened: Opened) -> None:
        """Make a run the one that a restart goes on with."""
        info = opened.journal.info()
        self.folder.set_current(info.run_id)
        self.folder.prune(KEPT_RUNS, Mode.PAPER)
        logger.info("run {} on the built-in market, {}", info.run_id, describe_market(info.market))

    def _open(self, opened: Opened) -> None:
        session = opened.session
        info = opened.journal.info()
        run = frames.RunInfo(
            version=code_version(),
            run_id=info.run_id,
            mode=Mode.PAPER,
            started_ts=session.market.start_ns // cards.NS_PER_MS,
        )
        universe = session.kernel.universe
        charted = tuple(name for name in CHARTED if name in universe.instruments)
        self._projector = Projector(universe, run, self._clock(session.simulation.now_ns), charted=charted)
        self._feed = Feed(session.kernel, self._projector, self._venue)
        session.sequencer.listeners.append(self._feed.on_outcome)
        self._opened = opened
        self._attach_log()
        self._until_ns = session.simulation.now_ns

    def _attach_log(self) -> None:
        assert self._projector is not None
        self._detach_log()
        simulation = self._live().session.simulation
        self._log_sink = attach(self._projector.log, lambda: simulation.now_ns // cards.NS_PER_MS)

    def _detach_log(self) -> None:
        if self._log_sink is not None:
            logger.remove(self._log_sink)
            self._log_sink = None

    def _close_journal(self) -> None:
        if self._opened is not None:
            self._opened.journal.close()
            self._opened = None

    def _clock(self, now_ns: int) -> rows.MarketClock:
        market = self.config.market
        now_ms = now_ns // cards.NS_PER_MS
        return rows.MarketClock(now_ms=now_ms, source="built-in", speed=market.speed, scenario=market.scenario)

    # Loops

    async def _pace(self) -> None:
        """Keep market time at wall time times the speed; a slow machine falls behind rather than skip a fact."""
        wall_s = saved_s = time.monotonic()
        while True:
            opened = self._live()
            now_s = time.monotonic()
            simulation, speed = opened.session.simulation, self.config.market.speed
            step_ns, most_ns = round((now_s - wall_s) * speed * 1e9), round(MOST_BEHIND_S * speed * 1e9)
            wall_s, self._until_ns = now_s, min(self._until_ns + step_ns, simulation.now_ns + most_ns)
            progress = simulation.advance(self._until_ns, SLICE_ACTS)
            opened.journal.commit()
            if now_s - saved_s > SNAPSHOT_S:
                save(opened.session, opened.journal)
                saved_s = now_s
            await asyncio.sleep(0 if progress is Progress.MORE else PACE_S)  # let the servers answer, then go on

    async def _publish(self) -> None:
        """Tell the clients what changed."""
        state_s = 0.0
        while True:
            feed, projector = self._feed, self._projector
            assert feed is not None
            assert projector is not None
            feed.poll_prices()
            now_s = time.monotonic()
            if now_s - state_s >= STATE_S:
                state_s = now_s
                self._live().session.sequencer.step = feed.search_time.step_for(looked_at=self.server.clients > 0)
                feed.poll_state()
                projector.system(self._stats())
            self.server.publish(projector.flush(now_s * 1_000))
            await asyncio.sleep(FLUSH_S)

    def _stats(self) -> frames.SystemStats:
        opened = self._live()
        seq, uptime_s = opened.session.sequencer.seq, time.monotonic() - self._started_s
        return frames.SystemStats(
            wall_ms=round(time.time() * 1_000),
            uptime_s=uptime_s,
            events=seq,
            events_per_s=seq / uptime_s if uptime_s else 0.0,
            journal_seq=opened.journal.last_seq,
            journal_bytes=opened.journal.path.stat().st_size,
            memory_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024,
            clients=self.server.clients,
            kill=opened.session.kernel.kill,
        )

    # Host

    async def start_engine(self, engine: EngineId, mode: Mode, config: Any) -> None:
        """`engine.start()` lands here. The application runs its own engine: one with other settings is refused."""
        if config != self._live().session.kernel.engines[engine].config:
            raise EngineCommandError(
                f"this application's {engine} engine has other settings: give them in the configuration file, or send "
                "UPDATE_CONFIG"
            )
        await self._or_raise(StartEngine(engine, mode))

    async def stop_engine(self, engine: EngineId) -> None:
        """`engine.stop()` lands here."""
        await self._or_raise(StopEngine(engine))

    async def _or_raise(self, command: StartEngine | StopEngine) -> None:
        self._commands += 1
        result = await self.command(CommandRequest(f"host-{self._commands}", command))
        if not result.success:
            raise EngineCommandError(result.message)

    # DashboardPort

    async def command(self, request: CommandRequest) -> frames.CommandResult:
        """Carry out a command at the market's present time; it is durable before the answer."""
        if isinstance(request.command, ResetPaper):
            return self._reset(request, request.command)
        if isinstance(request.command, AckAlert):
            assert self._projector is not None
            known = self._projector.acknowledge(request.command.alert_id)
            return answer(request, *(("ok", "seen") if known else ("unknown_alert", "alert_id: no such alert")))
        opened = self._live()
        outcome = opened.session.simulation.command(Commanded(request.id, request.command))
        save(opened.session, opened.journal)  # a command must outlast a change of the code, too
        assert outcome is not None
        assert outcome.command is not None
        return kernel_answer(request, outcome.command, opened.session.kernel.universe)

    def _reset(self, request: CommandRequest, command: ResetPaper) -> frames.CommandResult:
        """End this run and begin another with other balances; refused while an order is out."""
        opened = self._live()
        if opened.session.kernel.orders:
            return answer(request, "orders_open", "an order is still out: try again in a moment")
        try:
            fresh = self._begin(share_out(self.config.capital, command.balances))
        except ValueError as error:
            return answer(request, "bad_balances", str(error))
        except JournalError as error:
            return answer(request, "journal", str(error))
        try:
            seal(opened)
        except JournalError as error:
            fresh.journal.close()
            return answer(request, "journal", str(error))
        opened.journal.close()
        self._adopt(fresh)
        self._open(fresh)
        assert self._projector is not None
        self.server.publish((frames.SnapshotFrame(self._projector.seq, 0, self._projector.snapshot()),))
        return answer(request, "ok", "a fresh paper run began")

    def health(self) -> HealthResponse:
        """``/healthz``."""
        alive = bool(self._tasks) and all(not task.done() for task in self._tasks)
        checks = (HealthCheck(name="loops", ok=alive, detail="" if alive else "the market loop has ended"),)
        return HealthResponse(ok=alive, checks=checks)


def _lasting(config: Config) -> Config:
    """The settings that a run is made of: ports, speed and the venue shown may change between restarts."""
    market = msgspec.structs.replace(config.market, speed=MarketConfig().speed)
    return msgspec.structs.replace(config, market=market, server=ServerConfig(), perp_venue=PerpVenueConfig())


@asynccontextmanager
async def running(config: Config | None = None, home: Path | None = None) -> AsyncIterator[App]:
    """An application for the body of an ``async with``; engines made inside can be started by their own `start`."""
    app = App(config or Config(), home or default_home())
    await app.start()
    token = HOST.set(app)
    try:
        yield app
    finally:
        HOST.reset(token)
        await app.stop()
