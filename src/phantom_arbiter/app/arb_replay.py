"""``phantom backtest arb``: the arb engine alone over recorded pools, with one luck after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import polars as pl

from phantom_arbiter.app import kernels
from phantom_arbiter.app.arb_tables import print_arb
from phantom_arbiter.app.console import out, print_json, progress_bar, say
from phantom_arbiter.app.lab import data_folder
from phantom_arbiter.app.markets import fitted, open_recorded
from phantom_arbiter.app.memory_journal import MemoryJournal
from phantom_arbiter.app.recorded import RecordedMarket
from phantom_arbiter.app.replay import Watch, run_unjournaled
from phantom_arbiter.app.session import Session
from phantom_arbiter.config import Config, ConfigError, load, with_market
from phantom_arbiter.core.commands import StartEngine
from phantom_arbiter.core.events import Commanded
from phantom_arbiter.core.units import MICROS_PER_USD, power_of_ten
from phantom_arbiter.engines.arb.logic import ArbEngine
from phantom_arbiter.research.arb_episodes import PoolRows, episodes_of
from phantom_arbiter.research.arb_orders import ArbFollower
from phantom_arbiter.research.arb_report import ArbReplayReport, Recording, SeedResult, report_of, seed_result
from phantom_arbiter.storage.catalogue import Catalogue
from phantom_arbiter.storage.runs import default_home
from phantom_arbiter.storage.schemas import DataError

MAX_SEEDS: Final = 1_000
_NS_PER_MS: Final = 1_000_000


class ArbReplayRequest(NamedTuple):
    """The arguments as given; instants UTC ns, None where not. ``seeds``: how many, counted up from ``seed``."""

    data: Path | None = None
    map: Path | None = None
    from_ns: int | None = None
    to_ns: int | None = None
    seed: int | None = None
    seeds: int = 1
    config: Path | None = None
    home: Path | None = None
    json: bool = False


class ArbRun(NamedTuple):
    """A session over recorded pools with the arb engine alone, and who listens to it."""

    catalogue: Catalogue
    market: RecordedMarket
    session: Session
    follower: ArbFollower


def run_and_print(request: ArbReplayRequest) -> int:
    """Run every seed, with a bar, and print a report or one JSON object."""
    with progress_bar() as bar:
        task = bar.add_task("pools", total=None)

        def progress(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        report = replay_arb(request, progress)
    if request.json:
        print_json(report)
        return 0
    print_arb(out, report)
    for note in report.assumptions:
        say(note, "dim")
    return 0


def replay_arb(request: ArbReplayRequest, progress: Callable[[str, int, int], None]) -> ArbReplayReport:
    """The report of a request. Raises `ConfigError` and `DataError` for one that cannot be run."""
    if not 1 <= request.seeds <= MAX_SEEDS:
        raise ConfigError(f"--seeds: got {request.seeds}, expected 1 to {MAX_SEEDS}")
    config = with_market(load(request.config), speed=None, scenario=None, seed=request.seed)
    catalogue, _, _ = open_recorded(request.data or data_folder(), request.map, request.home or default_home())
    start_ns, end_ns = _span(catalogue, request.from_ns, request.to_ns)
    kernels.prepare(say)
    seeds = range(config.market.seed, config.market.seed + request.seeds)
    results, first = [], None
    for number, seed in enumerate(seeds):
        run = open_run(catalogue, start_ns, end_ns, with_market(config, speed=None, scenario=None, seed=seed))

        def watch(start: int, now: int, end: int, number: int = number) -> None:
            done, of = number * (end - start) + now - start, len(seeds) * (end - start)
            progress(f"seed {number + 1} of {len(seeds)}", done, of)

        run_to_end(run, watch)
        first = first or run
        results.append(seed_result(seed, run.follower))
    assert first is not None
    return report_run(first, results)


def open_run(catalogue: Catalogue, start_ns: int, end_ns: int, config: Config) -> ArbRun:
    """A session over [start_ns, end_ns) in which the arb engine alone has capital and runs."""
    market = RecordedMarket.open(catalogue, start_ns, end_ns)
    session = Session(fitted(config, market.limits(config.safety.limits)), market, MemoryJournal())
    follower = ArbFollower(session.kernel.view)
    session.sequencer.listeners.append(follower.hear)
    session.fund({"arb": config.capital["arb"]})
    session.simulation.command(Commanded("start-arb", StartEngine("arb")))
    return ArbRun(catalogue, market, session, follower)


def run_to_end(run: ArbRun, watch: Watch) -> None:
    """Run to the end of the span. Raises `Interrupted` on a signal."""
    run_unjournaled(run.session, run.market.end_ns, (), watch)


def report_run(run: ArbRun, results: Sequence[SeedResult]) -> ArbReplayReport:
    """The report of a run that is over; ``results`` has its own line first."""
    market, engine = run.market, run.session.kernel.engines["arb"]
    assert isinstance(engine, ArbEngine)

    def in_units(asset: str, atoms: int) -> float:
        return atoms / power_of_ten(market.universe.assets[asset].decimals)

    span = (run.catalogue, market.start_ns, market.end_ns)
    recording = Recording(
        from_ns=market.start_ns,
        to_ns=market.end_ns,
        episodes=episodes_of(*span),
        rows=PoolRows(*span),
        assumptions=(*market.assumptions, *_assumed(run.session.config)),
    )
    return report_of(recording, engine, run.follower, results, in_units)


def _span(catalogue: Catalogue, from_ns: int | None, to_ns: int | None) -> tuple[int, int]:
    """What was asked for, else from the first pool row to the last."""
    times = catalogue.series("pool_state").select(
        pl.col("ts_ns").min().alias("first"), pl.col("ts_ns").max().alias("last")
    )
    first, last = times.collect().row(0)
    if first is None:
        raise DataError("--data: no pool states, expected rows of the kind pool_state")
    start_ns, end_ns = from_ns if from_ns is not None else first, to_ns if to_ns is not None else last + 1
    if not 0 < start_ns < end_ns:
        raise DataError("--from, --to: expected two instants in order")
    if not _pool_rows(catalogue, start_ns, end_ns):
        raise DataError("--from, --to: no pool states in the span")
    return start_ns, end_ns


def _pool_rows(catalogue: Catalogue, start_ns: int, end_ns: int) -> int:
    rows = catalogue.series("pool_state", start_ns=start_ns, end_ns=end_ns)
    return int(rows.select(pl.len()).collect().item())


def _assumed(config: Config) -> tuple[str, ...]:
    """What the driver and the engine take for granted, in words."""
    driver, most_usd = config.driver, config.arb.max_trade_usd_micros // MICROS_PER_USD
    capital = ", ".join(f"{amount} {asset}" for asset, amount in config.capital["arb"].items())
    return (
        f"Only the arb engine runs, with {capital}; a trade puts in at most {most_usd:,} USD.",
        f"A transaction is built in {driver.build_ns // _NS_PER_MS} ms, sent in {driver.submit_ns // _NS_PER_MS}, and "
        f"lands {driver.leader_slots} slot later or more ({driver.leader_success_ppm / 1e4:.0f} % a slot); "
        f"{driver.drop_ppm / 1e4:.0f} % are dropped and {driver.failure_ppm / 1e4:.0f} % fail on chain (assumed). A "
        "slot of the driver lasts 0.4 s, one of the data as long as it did.",
        f"{driver.rivals} rivals see every gap that still gains, and each bids an even random share of the gain; where "
        "one bids more than we, its copy of our transaction executes first (assumed). A bundle that does not succeed "
        "pays nothing.",
        "The rest of the market does not react to us. A pool that we traded with, or a rival who beat us, stays as it "
        "was left until its next row, and no later trade of ours the other way profits from it; the engine sees rows "
        "alone, not what it did itself.",
    )
