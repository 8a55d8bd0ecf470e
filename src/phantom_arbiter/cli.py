"""The command line: ``phantom run | replay | backtest | data | report | runs | doctor``.

With ``--json`` exactly one JSON object goes to stdout, everything else to stderr. Exit codes: 0 done, 1 it failed,
2 the input is wrong, 3 something it needs is in use, 130 and 143 stopped by SIGINT and SIGTERM before it was done
(`run` is done when it is stopped: 0).

Modules are imported where they are used, so that ``--help`` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, NoReturn

from cyclopts import App, CycloptsError, Parameter
from rich.console import Console
from rich.text import Text

EXIT_FAILED = 1
EXIT_INPUT = 2
EXIT_IN_USE = 3

app = App(
    name="phantom",
    help="Four trading engines for Solana on one kernel. Paper is the default and needs no network.\n\n"
    "Begin with `phantom run` and open http://localhost:8000.",
)
data = App(name="data", help="The market-data catalogue.")
fetch = App(name="fetch", help="Public data of venues, read only.")
runs = App(name="runs", help="Recorded runs: list, back up, restore, prune.")
app.command(data)
data.command(fetch)
backtest = App(name="backtest", help="As `replay`, but nothing is kept: no journal, no run folder.")
app.command(runs)
app.command(backtest)

errors = Console(stderr=True, highlight=False)

Json = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object on stdout, all else on stderr.")]
Home = Annotated[Path | None, Parameter(help="Where runs are kept; default PHANTOM_HOME or ~/.phantom-arbiter.")]
ConfigFile = Annotated[Path | None, Parameter(name="--config", help="A TOML file; every key has a default.")]
Day = Annotated[datetime | None, Parameter(help="A UTC day or instant, 2025-04-14 or 2025-04-14T12:00.")]


Seed = Annotated[int | None, Parameter(help="The built-in market's seed; default 7.")]
Scenario = Annotated[str | None, Parameter(help="calm (default), volatile, no-edge, rug, …; see docs/reference.md.")]
Hours = Annotated[float | None, Parameter(help="How much of the built-in market's time; default 24.")]
Data = Annotated[Path | None, Parameter(help="A catalogue, or with --map a folder of data files.")]
DataMap = Annotated[Path | None, Parameter(help="The map of a data folder, as benchmarks/datasets.toml.")]
ForceGate = Annotated[list[str] | None, Parameter(help="For tests: this gate measures, never refuses.")]


@app.command
def run(
    *,
    config: ConfigFile = None,
    speed: Annotated[float | None, Parameter(help="Market seconds a second; 1 is real time, default 30.")] = None,
    scenario: Scenario = None,
    seed: Seed = None,
    home: Home = None,
) -> None:
    """Run the engines in paper on the built-in market, with the dashboard on http://localhost:8000."""
    from phantom_arbiter.app.serve import serve

    sys.exit(_guarded(lambda: serve(config, speed, scenario, seed, home)))


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ReplayOptions:
    """What `replay` and `backtest` go through, and how."""

    seed: Seed = None
    scenario: Scenario = None
    hours: Hours = None
    data: Data = None
    map: DataMap = None
    from_: Annotated[Day, Parameter(name="--from")] = None
    to: Day = None
    config: ConfigFile = None
    force_gate: ForceGate = None
    home: Home = None
    json: Json = False


@app.command
def replay(
    *,
    run: Annotated[Path | None, Parameter(help="Folder of the run: a killed one goes on, a new one begins.")] = None,
    options: ReplayOptions = ReplayOptions(),
) -> None:
    """Run all four engines as fast as it goes, journaled and repeatable, and report."""
    _replay(options, run, journaled=True)


@backtest.default
def backtest_engines(
    *,
    options: ReplayOptions = ReplayOptions(),
) -> None:
    """As `replay`, but nothing is kept: no journal, no run folder."""
    _replay(options, None, journaled=False)


def _replay(options: ReplayOptions, run: Path | None, *, journaled: bool) -> NoReturn:
    from phantom_arbiter.app.replaying import ReplayRequest, replay_and_report

    request = ReplayRequest(
        seed=options.seed,
        scenario=options.scenario,
        hours=options.hours,
        run=run,
        data=options.data,
        map=options.map,
        from_ns=_utc_ns(options.from_),
        to_ns=_utc_ns(options.to),
        config=options.config,
        force_gates=tuple(options.force_gate or ()),
        home=options.home,
        json=options.json,
    )
    sys.exit(_guarded(lambda: replay_and_report(request, journaled=journaled)))


@backtest.command(name="funding")
def backtest_funding(
    *,
    venue: Annotated[str, Parameter(help="A venue with posted hours: drift-v2.")] = "drift-v2",
    market: Annotated[str, Parameter(help="A perp of it, as the data folder has it: SOL-PERP, BTC-PERP.")] = "SOL-PERP",
    policy: Annotated[
        Literal["hold", "sign-flip", "hysteresis", "all"], Parameter(help="How to decide when to be in.")
    ] = "all",
    spot: Annotated[
        Literal["sol", "jitosol", "native"] | None,
        Parameter(help="The long leg; default native: the perp's own asset."),
    ] = None,
    notional: Annotated[float, Parameter(help="Size of the short at the first hour, USD.")] = 10_000.0,
    data: Annotated[Path | None, Parameter(help="The data folder; default PHANTOM_DATA_DIR or ../shared/data.")] = None,
    from_: Annotated[Day, Parameter(name="--from")] = None,
    to: Day = None,
    json: Json = False,
) -> None:
    """Carry lab: hold, sign-flip and hysteresis on real posted hours, net of costs, beside just holding.

    phantom backtest funding --market SOL-PERP --spot jitosol
    """
    from phantom_arbiter.app.carry_lab import CarryArguments, run_and_print

    arguments = CarryArguments(venue, market, policy, spot, notional, data, _utc_ns(from_), _utc_ns(to), json)
    sys.exit(_guarded(lambda: run_and_print(arguments)))


@backtest.command(name="arb")
def backtest_arb(
    *,
    data: Annotated[Path | None, Parameter(help="As of `replay`; default PHANTOM_DATA_DIR or ../shared/data.")] = None,
    map: DataMap = None,
    from_: Annotated[Day, Parameter(name="--from")] = None,
    to: Day = None,
    seed: Annotated[int | None, Parameter(help="The first seed of the luck in landing; default 7.")] = None,
    seeds: Annotated[int, Parameter(help="How many seeds to run, for the mean and the spread.")] = 1,
    config: ConfigFile = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """The arb engine alone over recorded pools: what there was, what it took, what it came to and why.

    phantom backtest arb --data ../shared/data --map benchmarks/datasets.toml --seeds 20
    """
    from phantom_arbiter.app.arb_replay import ArbReplayRequest, run_and_print

    request = ArbReplayRequest(data, map, _utc_ns(from_), _utc_ns(to), seed, seeds, config, home, json)
    sys.exit(_guarded(lambda: run_and_print(request)))


@data.command(name="import")
def data_import(
    kind: Annotated[str | None, Parameter(help="candle, funding, stake_rate, pool_state, swap, …")] = None,
    file: Annotated[Path | None, Parameter(help="A Parquet file; with --map a folder.")] = None,
    *,
    into: Annotated[Path, Parameter(help="The catalogue's folder.")],
    map: Annotated[Path | None, Parameter(help="Import a whole folder by this map.")] = None,
    column: Annotated[list[str] | None, Parameter(help="ours=theirs, for a column named differently.")] = None,
    constant: Annotated[list[str] | None, Parameter(help="ours=value, for a column that the file lacks.")] = None,
    unit: Annotated[
        list[str] | None, Parameter(help="ours=unit, as ts_ns=ms; times are datetimes if not said.")
    ] = None,
    json: Json = False,
) -> None:
    """Map a foreign file, or with --map a whole folder, into a catalogue. Nothing is half-imported.

    phantom data import candle sol.parquet --column ts_ns=time --constant instrument=SOL/USDC --into catalogue
    phantom data import --map benchmarks/datasets.toml FOLDER --into catalogue
    """
    from phantom_arbiter.app.main import import_data

    what, where = (None, Path(kind)) if map is not None and file is None and kind is not None else (kind, file)
    sys.exit(_guarded(lambda: import_data(what, where, into, map, column or [], constant or [], unit or [], json)))


@fetch.command(name="funding")
def fetch_funding(
    *,
    venue: Literal["drift-v2", "velocity", "hyperliquid"],
    market: Annotated[str, Parameter(help="A perp's symbol, as SOL-PERP.")],
    from_: Annotated[Day, Parameter(name="--from", help="The first UTC day; default 30 days before --to.")] = None,
    to: Annotated[Day, Parameter(help="The UTC day after the last; default tomorrow.")] = None,
    base_url: Annotated[str | None, Parameter(help="Another address of the venue's service.")] = None,
    to_folder: Annotated[Path | None, Parameter(help="Write MARKET_1h.parquet into this folder.")] = None,
    into: Annotated[Path | None, Parameter(help="Import into this catalogue.")] = None,
    json: Json = False,
) -> None:
    """Fetch a perp's posted funding, day by day; stopped or killed, the same command goes on.

    phantom data fetch funding --venue velocity --market SOL-PERP --into catalogue
    """
    from phantom_arbiter.app.fetching import FetchRequest
    from phantom_arbiter.app.fetching import fetch_funding as fetch

    request = FetchRequest(venue, market, from_, to, base_url, to_folder, into, json)
    sys.exit(_guarded(lambda: fetch(request)))


@app.command
def report(run: Annotated[Path, Parameter(help="A run's folder.")], *, json: Json = False) -> None:
    """What a run came to, by engine and cause, beside just holding."""
    from phantom_arbiter.app.main import report_run

    sys.exit(_guarded(lambda: report_run(run, json)))


@app.command
def doctor(*, config: ConfigFile = None, home: Home = None, json: Json = False) -> None:
    """Check ports, disk, clock, data, page and configuration, and say what to do."""
    from phantom_arbiter.app.doctor import examine

    sys.exit(_guarded(lambda: examine(config, home, json)))


@runs.command(name="list")
def runs_list(*, home: Home = None, kind: Literal["paper", "replay"] = "paper", json: Json = False) -> None:
    """List recorded runs, oldest first."""
    from phantom_arbiter.app.main import list_runs

    sys.exit(_guarded(lambda: list_runs(home, kind, json)))


@runs.command
def backup(run: Path, target: Path) -> None:
    """Copy a run's journal to a file, also while it runs."""
    from phantom_arbiter.app.main import backup_run

    sys.exit(_guarded(lambda: backup_run(run, target)))


@runs.command
def restore(source: Path, run: Path) -> None:
    """Make a run folder of a backup; go on with it by `phantom replay --run FOLDER`."""
    from phantom_arbiter.app.main import restore_run

    sys.exit(_guarded(lambda: restore_run(source, run)))


@runs.command
def prune(*, keep: int = 20, home: Home = None, kind: Literal["paper", "replay"] = "paper") -> None:
    """Remove sealed runs beyond the newest KEEP."""
    from phantom_arbiter.app.main import prune_runs

    sys.exit(_guarded(lambda: prune_runs(home, kind, keep)))


def _utc_ns(moment: datetime | None) -> int | None:
    if moment is None:
        return None
    return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()) * 1_000_000_000


def _guarded(act: Callable[[], int]) -> int:
    """Run a command; errors that are the input's or the surroundings' fault become one plain line and an exit code."""
    from phantom_arbiter.app.stopping import Interrupted, stop_at_once

    stop_at_once()
    try:
        return _run(act)
    except Interrupted as stop:
        errors.print(Text(str(stop), "yellow"), soft_wrap=True)
        return 128 + stop.signal_number


def _run(act: Callable[[], int]) -> int:
    from phantom_arbiter.config import ConfigError
    from phantom_arbiter.dashboard.listening import PortInUseError
    from phantom_arbiter.storage.errors import DivergenceError, InUseError, JournalError, WriteError
    from phantom_arbiter.storage.schemas import DataError
    from phantom_arbiter.venues.errors import VenueUnavailable

    try:
        return act()
    except (PortInUseError, InUseError) as error:
        return _fail(error.strerror if isinstance(error, OSError) else error, EXIT_IN_USE)
    except (DivergenceError, WriteError, VenueUnavailable) as error:
        return _fail(error, EXIT_FAILED)
    except (ConfigError, JournalError, DataError) as error:
        return _fail(error, EXIT_INPUT)
    except OSError as error:
        return _fail(error, EXIT_FAILED)


def _fail(error: object, code: int) -> int:
    errors.print(Text.assemble(("error:", "bold red"), " ", " ".join(str(error).split())), soft_wrap=True)
    return code


def main() -> NoReturn:
    """The entry point of the ``phantom`` command."""
    try:
        app(sys.argv[1:], exit_on_error=False, print_error=False)
    except CycloptsError as error:
        sys.exit(_fail(error, EXIT_INPUT))
    sys.exit(0)


if __name__ == "__main__":
    main()
