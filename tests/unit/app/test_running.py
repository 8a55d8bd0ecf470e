"""The application in code: engines through their host, paper reset, and what a restart goes on with."""

from __future__ import annotations

import asyncio
import socket
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from phantom_arbiter.app.running import App, EngineCommandError, running
from phantom_arbiter.config import Config, MarketConfig, ServerConfig
from phantom_arbiter.core.commands import Kill, KillLevel, Mode, ResetPaper
from phantom_arbiter.core.ledger import AVAILABLE
from phantom_arbiter.core.lifecycle import EngineStatus
from phantom_arbiter.dashboard.listening import PortInUseError
from phantom_arbiter.dashboard.requests import CommandRequest
from phantom_arbiter.engines.base import NoHostError
from phantom_arbiter.engines.funding.logic import FundingEngine
from phantom_arbiter.storage.errors import InUseError, WriteError
from phantom_arbiter.storage.journal import Journal
from phantom_arbiter.storage.runs import RunFolder, describe

MOST_TURNS: Final = 10_000_000


@pytest.fixture
def config() -> Config:
    """Free ports, a fast market, and engines that wait to be started."""
    with socket.socket() as one, socket.socket() as other:
        for probe in (one, other):
            probe.bind(("127.0.0.1", 0))
        server = ServerConfig(one.getsockname()[1], other.getsockname()[1])
    return Config(market=MarketConfig(speed=600.0), server=server, autostart=False)


def status(app: App) -> EngineStatus:
    return app._live().session.kernel.records["funding"].status


def run_id(app: App) -> str:
    return app._live().journal.info().run_id


async def moved(app: App, seconds: int = 60) -> None:
    """Until the market went on by so much."""
    simulation = app._live().session.simulation
    goal = simulation.now_ns + seconds * 10**9
    for _ in range(MOST_TURNS):
        if simulation.now_ns >= goal:
            return
        await asyncio.sleep(0)
    raise AssertionError(f"the market is still at {simulation.now_ns}")


def within(config: Config, home: Path, act: Callable[[App], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        async with running(config, home) as app:
            return await act(app)

    return asyncio.run(main())


# Engines through their host


def test_an_engine_is_started_and_stopped_by_its_own_methods(config: Config, tmp_path: Path) -> None:
    async def act(app: App) -> None:
        engine = FundingEngine(live_mode=False)
        await engine.start()
        assert status(app) is EngineStatus.RUNNING
        with pytest.raises(EngineCommandError, match="funding is running; one loop is enough"):
            await engine.start()
        await engine.stop()
        assert status(app) is EngineStatus.STOPPED
        with pytest.raises(EngineCommandError, match="funding is stopped"):
            await engine.stop()
        await engine.start()
        assert status(app) is EngineStatus.RUNNING

    within(config, tmp_path, act)


def test_live_is_refused_with_the_reason(config: Config, tmp_path: Path) -> None:
    async def act(app: App) -> None:
        with pytest.raises(EngineCommandError, match="this run is paper; live is not available in it"):
            await FundingEngine(live_mode=True).start()
        assert status(app) is EngineStatus.STOPPED

    within(config, tmp_path, act)


def test_without_an_application_the_error_says_how_to_get_one(config: Config, tmp_path: Path) -> None:
    async def nothing(app: App) -> None: ...

    within(config, tmp_path, nothing)
    for act in (FundingEngine().start, FundingEngine().stop):
        with pytest.raises(NoHostError, match=r"`phantom run`.*async with phantom_arbiter\.app\.running\.running\(\)"):
            asyncio.run(act())


# Going on


def test_a_restart_goes_on_with_the_same_run(config: Config, tmp_path: Path) -> None:
    async def first(app: App) -> tuple[str, int, str]:
        await FundingEngine().start()
        await moved(app)
        return run_id(app), app._live().session.simulation.now_ns, "running"

    async def second(app: App) -> tuple[str, int, str]:
        return run_id(app), app._live().session.simulation.now_ns, status(app).value

    before, after = within(config, tmp_path, first), within(config, tmp_path, second)
    assert after[0] == before[0]
    assert after[1] >= before[1]
    assert after[2] == "running"
    assert describe(RunFolder(tmp_path, "paper").path(after[0]), Mode.PAPER).sealed == "ended"


def test_a_command_outlasts_a_kill_and_other_code(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def killed() -> str:
        app = App(config, tmp_path)
        await app.start()
        await app.command(CommandRequest("k", Kill(KillLevel.PAUSE)))
        name = run_id(app)
        for task in app._tasks:
            task.cancel()
        await asyncio.gather(*app._tasks, return_exceptions=True)
        await app.server.stop()
        app._detach_log()
        app._close_journal()  # as a killed process leaves it: not saved, not sealed
        app.folder.unlock()
        return name

    name = asyncio.run(killed())
    monkeypatch.setattr("phantom_arbiter.app.journaled.code_version", lambda: "0.1.0+other")

    async def after(app: App) -> tuple[str, Any, int]:
        return run_id(app), app._live().session.kernel.kill, app._live().journal.info().segment

    assert within(config, tmp_path, after) == (name, KillLevel.PAUSE, 2)
    assert describe(RunFolder(tmp_path, "paper").path(name), Mode.PAPER).sealed == "crashed-recovered"


@pytest.mark.parametrize(
    "change", [{"market": {"seed": 8}}, {"market": {"scenario": "volatile"}}, {"lst": {"won_share": 0.5}}]
)
def test_other_settings_begin_another_run(config: Config, tmp_path: Path, change: dict[str, dict[str, Any]]) -> None:
    async def name(app: App) -> str:
        return run_id(app)

    first = within(config, tmp_path, name)
    raw = msgspec.to_builtins(config)
    for section, values in change.items():
        raw[section].update(values)
    second = within(msgspec.convert(raw, Config), tmp_path, name)
    assert second != first
    assert describe(RunFolder(tmp_path, "paper").path(first), Mode.PAPER).sealed == "ended"


def test_speed_and_ports_may_change(config: Config, tmp_path: Path) -> None:
    async def name(app: App) -> str:
        return run_id(app)

    slower = msgspec.structs.replace(config, market=MarketConfig(speed=2.0))
    assert within(config, tmp_path, name) == within(slower, tmp_path, name)


def test_a_run_that_this_code_cannot_read_is_kept_and_another_begins(config: Config, tmp_path: Path) -> None:
    async def name(app: App) -> str:
        return run_id(app)

    first = within(config, tmp_path, name)
    path = RunFolder(tmp_path, "paper").path(first)
    with closing(sqlite3.connect(path)) as other:
        other.execute("UPDATE snapshots SET body = ?", (b"\xc1",))
        other.commit()
    before = path.read_bytes()
    assert within(config, tmp_path, name) != first
    assert path.read_bytes() == before


# What goes wrong


def test_a_port_in_use_leaves_the_folder_free(config: Config, tmp_path: Path) -> None:
    async def nothing(app: App) -> None: ...

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", config.server.websocket_port))
        taken.listen()
        with pytest.raises(PortInUseError, match="websocket_port"):
            within(config, tmp_path, nothing)
    within(config, tmp_path, nothing)


def test_one_application_on_a_folder(config: Config, tmp_path: Path) -> None:
    async def second(app: App) -> None:
        with pytest.raises(InUseError, match="in use by process"):
            await App(config, tmp_path).start()
        await moved(app, 1)  # the first goes on

    within(config, tmp_path, second)


async def killed_again_and_again(app: App) -> None:
    for number in range(10_000):
        await app.command(CommandRequest(f"k{number}", Kill(KillLevel.PAUSE)))


def test_a_full_disk_ends_it_and_the_run_is_whole(config: Config, tmp_path: Path) -> None:
    async def main() -> str:
        async with running(config, tmp_path) as app:
            app._live().journal._connection.execute("PRAGMA max_page_count=1")
            name = run_id(app)
            with pytest.raises(WriteError, match="full"):
                await killed_again_and_again(app)
            with pytest.raises(WriteError, match="full"):
                await app.until(asyncio.Event())
            return name

    name = asyncio.run(main())
    with closing(Journal.read(RunFolder(tmp_path, "paper").path(name), Mode.PAPER)) as journal:
        assert journal.info().sealed == ""
    within(config, tmp_path, lambda app: moved(app, 1))


# Paper reset


def reset(app: App, **balances: str) -> Awaitable[Any]:
    return app.command(CommandRequest("r", ResetPaper(balances)))


def available(app: App, asset: str) -> dict[str, int]:
    vault = app._live().session.kernel.vault
    return {engine: vault.balance(AVAILABLE[engine], asset) for engine in ("funding", "lst", "scalp", "arb")}


def test_a_reset_begins_a_run_with_the_balances_and_a_restart_keeps_it(config: Config, tmp_path: Path) -> None:
    async def act(app: App) -> str:
        before = run_id(app)
        await moved(app)
        answer = await reset(app, USDC="1000.000001", SOL="10.1")
        assert (answer.success, answer.code) == (True, "ok")
        assert run_id(app) != before
        assert sum(available(app, "USDC").values()) == 1_000_000_001
        assert sum(available(app, "SOL").values()) == 10_100_000_000
        assert available(app, "USDC")["funding"] == 769_230_770  # 10,000 of the configured 13,000
        assert app.journal(10, None).rows == ()
        await moved(app, 1)
        return run_id(app)

    async def after(app: App) -> tuple[str, int]:
        return run_id(app), sum(available(app, "USDC").values())

    name = within(config, tmp_path, act)
    assert within(config, tmp_path, after) == (name, 1_000_000_001)


@pytest.mark.parametrize(
    ("balances", "said"),
    [
        ({}, "got nothing"),
        ({"USDC": "0", "SOL": "0.0"}, "got nothing"),
        ({"USDC": "-1"}, "balances.USDC: got '-1', expected a decimal number"),
        ({"USDC": "nan"}, "balances.USDC: got 'nan'"),
        ({"USDC": "inf"}, "balances.USDC: got 'inf'"),
        ({"USDC": "1e5"}, "balances.USDC: got '1e5'"),
        ({"USDC": ""}, "balances.USDC: got ''"),
        ({"USDC": " 5"}, "balances.USDC: got ' 5'"),
        ({"DOGE": "5"}, "balances.DOGE: no engine trades it; known: SOL, USDC"),
        ({"USDC": "9999999999999"}, "balances.USDC: got '9999999999999'"),
        ({"SOL": "999999999999"}, "of this asset"),
        ({"USDC": "0.0000001"}, "more than 6 decimals"),
    ],
)
def test_a_reset_to_nonsense_changes_nothing(
    config: Config, tmp_path: Path, balances: dict[str, str], said: str
) -> None:
    async def act(app: App) -> None:
        before = run_id(app)
        answer = await reset(app, **balances)
        assert (answer.success, answer.code) == (False, "bad_balances")
        assert said in answer.message
        assert run_id(app) == before
        assert [path.parent.name for path in app.folder.runs()] == [before]
        assert sorted(path.name for path in app.folder.folder.iterdir() if path.is_dir()) == [before]

    within(config, tmp_path, act)


def test_journal_pages_lead_to_the_beginning(config: Config, tmp_path: Path) -> None:
    async def act(app: App) -> None:
        for number in range(4):
            await app.command(CommandRequest(f"k{number}", Kill(KillLevel.PAUSE)))
        whole = app.journal(1_000, None)
        seen, before = [], None
        while True:
            page = app.journal(3, before)
            seen += page.rows
            before = page.next_before_seq
            if before is None:
                break
        assert len(whole.rows) == 8
        assert tuple(seen) == whole.rows

    within(config, tmp_path, act)
