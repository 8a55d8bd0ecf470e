"""What each command of the command line does. Everything here returns an exit code or raises a named error."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from contextlib import closing
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from loguru import logger
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from phantom_arbiter.app import tables
from phantom_arbiter.app.journaled import Opened, describe_market, resume
from phantom_arbiter.app.markets import BuiltinSpec, MarketSpec, RecordedSpec, open_market, recorded_spec
from phantom_arbiter.app.memory_journal import MemoryJournal
from phantom_arbiter.app.replay import Watch, hours_after, run_replay, run_unjournaled, start_replay
from phantom_arbiter.app.running import App, default_home
from phantom_arbiter.app.session import Session
from phantom_arbiter.config import Config, ConfigError, checked, load
from phantom_arbiter.core.commands import Mode
from phantom_arbiter.research.report import RunReport, report
from phantom_arbiter.sim.market.scenarios import SCENARIOS
from phantom_arbiter.storage.dataset_map import Dataset, load_map
from phantom_arbiter.storage.importer import import_file, import_folder
from phantom_arbiter.storage.journal import Journal, backup
from phantom_arbiter.storage.runs import JOURNAL_FILE, RunFolder, describe

MAX_HOURS: Final = 24.0 * 366 * 5

errors = Console(stderr=True, highlight=False)
out = Console(highlight=False)


class ReplayRequest(NamedTuple):
    """The arguments of replay and backtest, as given."""

    seed: int
    scenario: str
    hours: float
    run: Path | None
    data: Path | None
    map: Path | None
    from_ns: int | None
    to_ns: int | None
    config: Path | None
    force_gates: tuple[str, ...]
    home: Path | None
    json: bool


# run


def serve(
    config_path: Path | None, speed: float | None, scenario: str | None, seed: int | None, home: Path | None
) -> int:
    """The dashboard and four engines in paper until SIGINT or SIGTERM."""
    config = with_market(load(config_path), speed=speed, scenario=scenario, seed=seed)
    logger.remove()
    logger.add(sys.stderr, level="INFO", format="<dim>{time:HH:mm:ss}</dim> {message}", backtrace=False, diagnose=False)
    return asyncio.run(_serve(config, home or default_home()))


async def _serve(config: Config, home: Path) -> int:
    app = App(config, home)
    await app.start()
    logger.info("the dashboard is at http://localhost:{} (paper); Ctrl-C stops", app.server.http_port)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await app.until(stop)
    finally:
        await app.stop()
    logger.info("stopped; the run is saved and goes on at the next start")
    return 0


def with_market(config: Config, *, speed: float | None, scenario: str | None, seed: int | None) -> Config:
    """The configuration with what the command line says of the built-in market."""
    raw: dict[str, Any] = msgspec.to_builtins(config)
    given = {"speed": speed, "scenario": scenario, "seed": seed}
    raw["market"].update({key: value for key, value in given.items() if value is not None})
    known = raw["market"]["scenario"]
    if known not in SCENARIOS:
        near = get_close_matches(known, SCENARIOS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(SCENARIOS)}"
        raise ConfigError(f"scenario: got {known!r}; {hint}")
    return checked(raw, "command line")


# replay, backtest


def replay_and_report(request: ReplayRequest, *, journaled: bool) -> int:
    """Run as fast as it goes and print what came of it."""
    config = load(request.config)
    if request.force_gates:
        raw = msgspec.to_builtins(config)
        raw["safety"]["force_open"] = list(request.force_gates)
        config = checked(raw, "--force-gate")
    config = with_market(config, speed=None, scenario=request.scenario, seed=request.seed)
    if not 0 < request.hours <= MAX_HOURS:
        raise ConfigError(f"hours: got {request.hours}, expected more than 0 and at most {MAX_HOURS:.0f}")
    with _progress() as bar:
        market = _market(request, config)
        config = market.config
        watch = _watch(bar)
        if not journaled:
            session = Session(config, open_market(market.spec), MemoryJournal())
            session.fund()
            session.start_engines()
            result = run_unjournaled(session, _end(session, request, market.spec), market.skipped, watch)
        else:
            opened = _open_run(request, config, market.spec)
            if opened.resumed:
                errors.print(opened.resumed)
            session = opened.session
            result = run_replay(opened, _end(session, request, market.spec), market.skipped, watch)
    _print_report(result, market.notes, request.json)
    return 0


class _Chosen(NamedTuple):
    spec: MarketSpec
    config: Config
    skipped: list[str]
    notes: tuple[str, ...]


def _market(request: ReplayRequest, config: Config) -> _Chosen:
    if request.data is None:
        return _Chosen(BuiltinSpec(request.seed, request.scenario), config, [], ())
    chosen = recorded_spec(request.data, request.map, request.from_ns, request.to_ns, request.home or default_home())
    raw = msgspec.to_builtins(config)
    raw["safety"]["limits"] = msgspec.to_builtins(chosen.limits(config.safety.limits))
    return _Chosen(chosen.spec, checked(raw, "recorded limits"), chosen.skipped, chosen.notes)


def _open_run(request: ReplayRequest, config: Config, spec: MarketSpec) -> Opened:
    if request.run is not None:
        return start_replay(request.run / JOURNAL_FILE, request.run.name, config, spec)
    folder = RunFolder(request.home or default_home(), "replay")
    folder.folder.mkdir(parents=True, exist_ok=True)
    run_id = folder.next_id(time.strftime("%Y%m%d", time.gmtime()))
    errors.print(f"run {folder.path(run_id).parent}")
    return start_replay(folder.path(run_id), run_id, config, spec)


def _end(session: Session, request: ReplayRequest, spec: MarketSpec) -> int:
    return spec.end_ns if isinstance(spec, RecordedSpec) else hours_after(session.market.start_ns, request.hours)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
    )


def _watch(bar: Progress) -> Watch:
    task = bar.add_task("market time", total=None)

    def watch(start_ns: int, now_ns: int, end_ns: int) -> None:
        bar.update(task, total=end_ns - start_ns, completed=now_ns - start_ns)

    return watch


def _print_report(result: RunReport, notes: tuple[str, ...], as_json: bool) -> None:
    if as_json:
        _print_json(result)
    else:
        tables.print_report(out, result)
    for note in notes:
        errors.print(f"[dim]{note}", soft_wrap=True)


def _print_json(value: Any) -> None:
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


# data


def import_data(
    kind: str | None,
    file: Path | None,
    into: Path,
    map_path: Path | None,
    columns: list[str],
    constants: list[str],
    as_json: bool,
) -> int:
    """Import a file, or a folder by its map, with a bar."""
    if file is None or (map_path is None and kind is None):
        raise ConfigError("data import: got no file; expected KIND FILE, or --map MAP.toml FOLDER")
    with _progress() as bar:
        task = bar.add_task(file.name, total=None)

        def progress(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        if map_path is not None:
            folder = import_folder(into, file, load_map(map_path), progress)
            result: Any = folder
        else:
            assert kind is not None
            dataset = Dataset(path=file.name, kind=kind, columns=_pairs(columns), constants=dict(_pairs(constants)))
            result = import_file(into, file, dataset, progress)
    if as_json:
        _print_json(result)
    else:
        tables.print_import(out, result)
    return 0


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        ours, equals, theirs = text.partition("=")
        if not equals or not ours or not theirs:
            raise ConfigError(f"column or constant: got {text!r}, expected OURS=THEIRS")
        pairs[ours] = theirs
    return pairs


# report, runs


def report_run(run: Path, as_json: bool) -> int:
    """Report a run from its last snapshot; nothing of it changes."""
    copy = run / JOURNAL_FILE
    with closing(Journal.open(copy, Mode.PAPER)) as journal:
        sealed = journal.info().sealed
    opened = resume(copy, read_only=True)
    result = report(opened.session.kernel, opened.session.state_hash(), [], str(run))
    opened.journal.close()
    if not sealed:
        errors.print("[yellow]this run is not sealed: it is running, or was killed; the report is of its last snapshot")
    _print_report(result, (), as_json)
    return 0


def list_runs(home: Path | None, kind: str, as_json: bool) -> int:
    """Every run of a kind."""
    found = [describe(path, Mode.PAPER) for path in RunFolder(home or default_home(), kind).runs()]
    if as_json:
        _print_json([info._asdict() for info in found])
        return 0
    tables.print_runs(out, [(info.run_id, describe_market(info.market), info.sealed or "open") for info in found])
    return 0


def backup_run(run: Path, target: Path) -> int:
    """Copy a journal while it may be in use."""
    backup(run / JOURNAL_FILE if run.is_dir() else run, target)
    errors.print(f"backed up to {target}")
    return 0


def restore_run(source: Path, run: Path) -> int:
    """Make a run folder of a backup, after checking that it is a sound journal."""
    with closing(Journal.open(source, Mode.PAPER)):
        pass
    backup(source, run / JOURNAL_FILE)
    errors.print(f"restored; go on with: phantom replay --run {run}")
    return 0


def prune_runs(home: Path | None, kind: str, keep: int) -> int:
    """Remove old sealed runs."""
    if keep < 1:
        raise ConfigError(f"keep: got {keep}, expected at least 1")
    folder = RunFolder(home or default_home(), kind)
    removed = folder.prune(keep, Mode.PAPER) if folder.folder.is_dir() else []
    errors.print(f"removed {len(removed)} runs" + (f": {', '.join(removed)}" if removed else ""))
    return 0
