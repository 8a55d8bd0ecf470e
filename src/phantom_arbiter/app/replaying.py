"""``phantom replay`` and ``phantom backtest``: what is asked for becomes a run, begun or taken up."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
from rich.progress import Progress

from phantom_arbiter.app import kernels
from phantom_arbiter.app.console import print_result, progress_bar, say
from phantom_arbiter.app.journaled import Opened, begin, resume
from phantom_arbiter.app.markets import (
    BuiltinSpec,
    MarketSpec,
    RecordedSpec,
    explained,
    fitted,
    open_market,
    recorded_spec,
)
from phantom_arbiter.app.memory_journal import MemoryJournal
from phantom_arbiter.app.replay import Watch, hours_after, run_replay, run_unjournaled
from phantom_arbiter.app.session import Session
from phantom_arbiter.config import Config, ConfigError, checked, load, with_market
from phantom_arbiter.core.units import NS_PER_SECOND
from phantom_arbiter.storage.runs import JOURNAL_FILE, RunFolder, default_home

DEFAULT_HOURS: Final = 24.0
MAX_HOURS: Final = 24.0 * 366 * 5


class ReplayRequest(NamedTuple):
    """The arguments of replay and backtest, as given; None where not."""

    seed: int | None = None
    scenario: str | None = None
    hours: float | None = None
    run: Path | None = None
    data: Path | None = None
    map: Path | None = None
    from_ns: int | None = None
    to_ns: int | None = None
    config: Path | None = None
    force_gates: tuple[str, ...] = ()
    home: Path | None = None
    json: bool = False


def replay_and_report(request: ReplayRequest, *, journaled: bool) -> int:
    """Run as fast as it goes and print what came of it."""
    _check(request)
    with progress_bar() as bar:
        if journaled:
            opened = _open_run(request)
            kernels.prepare(say)
            session, spec = opened.session, opened.spec
            result = run_replay(opened, _end_ns(session, spec, request.hours), _skipped(spec), _watch(bar))
        else:
            spec, config = _chosen(request)
            kernels.prepare(say)
            session = Session(config, open_market(spec), MemoryJournal())
            session.fund()
            session.start_engines()
            result = run_unjournaled(session, _end_ns(session, spec, request.hours), _skipped(spec), _watch(bar))
    print_result(explained(result, session), request.json)
    return 0


def _check(request: ReplayRequest) -> None:
    if request.hours is not None and not 0 < request.hours <= MAX_HOURS:
        raise ConfigError(f"--hours: got {request.hours}, expected more than 0 and at most {MAX_HOURS:.0f}")
    if request.data is None:
        for name, value in (("--map", request.map), ("--from", request.from_ns), ("--to", request.to_ns)):
            if value is not None:
                raise ConfigError(f"{name}: only with --data; the built-in market takes --hours")
    elif request.hours is not None or request.scenario is not None:
        name = "--hours" if request.hours is not None else "--scenario"
        raise ConfigError(f"{name}: is of the built-in market; --data takes --from and --to")


def _config(request: ReplayRequest) -> Config:
    config = with_market(load(request.config), speed=None, scenario=request.scenario, seed=request.seed)
    if not request.force_gates:
        return config
    raw = msgspec.to_builtins(config)
    raw["safety"]["force_open"] = list(request.force_gates)
    return checked(raw, "--force-gate")


def _chosen(request: ReplayRequest) -> tuple[MarketSpec, Config]:
    """Market and settings of a fresh run."""
    config = _config(request)
    if request.data is None:
        return BuiltinSpec(config.market.seed, config.market.scenario, request.hours or DEFAULT_HOURS), config
    found = recorded_spec(request.data, request.map, request.from_ns, request.to_ns, request.home or default_home())
    return found.spec, fitted(config, found.limits(config.safety.limits))


def _open_run(request: ReplayRequest) -> Opened:
    """A killed run goes on, an empty place begins one."""
    if request.run is not None and (request.run / JOURNAL_FILE).exists():
        opened = resume(request.run / JOURNAL_FILE, partial(_agree, request))
        say(opened.resumed)
        return opened
    spec, config = _chosen(request)
    if request.run is not None:
        return begin(request.run / JOURNAL_FILE, request.run.resolve().name, config, spec, start=True)
    folder = RunFolder(request.home or default_home(), "replay")
    run_id = folder.new_id(time.strftime("%Y%m%d", time.gmtime()))
    say(f"run {folder.path(run_id).parent}")
    return begin(folder.path(run_id), run_id, config, spec, start=True)


def _agree(request: ReplayRequest, session: Session, spec: MarketSpec) -> None:
    """A run goes on with what it was begun with: whatever else is asked for is an error, not ignored."""
    kept = session.config
    _end_ns(session, spec, request.hours)
    if isinstance(spec, RecordedSpec):
        asked: dict[str, tuple[Any, Any]] = {
            "--from": (request.from_ns, spec.start_ns),
            "--to": (request.to_ns, spec.end_ns),
            "--seed": (request.seed, kept.market.seed),
            "--scenario": (request.scenario, None),
            "--hours": (request.hours, None),
        }
    else:
        asked = {
            "--seed": (request.seed, spec.seed),
            "--scenario": (request.scenario, spec.scenario),
            "--data": (request.data, None),
        }
    for name, (wanted, had) in asked.items():
        if wanted is not None and wanted != had:
            got = _instant(wanted) if name in ("--from", "--to") else wanted
            raise ConfigError(f"{name}: got {got}, {request.run} was not begun with it; leave it away, or name another")
    if request.config is not None or request.force_gates:
        _same_settings(request, kept, recorded=isinstance(spec, RecordedSpec))


def _same_settings(request: ReplayRequest, kept: Config, *, recorded: bool) -> None:
    wanted, had = msgspec.to_builtins(_config(request)), msgspec.to_builtins(kept)
    for raw in (wanted, had):
        del raw["server"], raw["market"], raw["autostart"]
        if recorded:
            del raw["safety"]["limits"], raw["funding"]["max_age_ns"]  # widened to what the data can meet
    for section, values in wanted.items():
        if values != had[section]:
            name = "--force-gate" if request.config is None else "--config"
            raise ConfigError(f"{name}: {section}: {request.run} was begun with other settings; name another folder")


def _end_ns(session: Session, spec: MarketSpec, hours: float | None) -> int:
    if isinstance(spec, RecordedSpec):
        return spec.end_ns
    end_ns = hours_after(session.market.start_ns, hours or spec.hours or DEFAULT_HOURS)
    now_ns = session.simulation.now_ns
    if hours is not None and end_ns < now_ns:
        raise ConfigError(f"--hours: got {hours:g}, the run is at {_instant(now_ns)}, beyond that")
    return end_ns


def _skipped(spec: MarketSpec) -> tuple[str, ...]:
    return spec.skipped if isinstance(spec, RecordedSpec) else ()


def _instant(ts_ns: int) -> str:
    return datetime.fromtimestamp(ts_ns // NS_PER_SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _watch(bar: Progress) -> Watch:
    task = bar.add_task("market time", total=None)

    def watch(start_ns: int, now_ns: int, end_ns: int) -> None:
        bar.update(task, total=end_ns - start_ns, completed=now_ns - start_ns)

    return watch
