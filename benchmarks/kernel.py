"""The full kernel on a million quotes that all four engines hear, beside nautilus_trader with four strategies.

Ours is a running session of the built-in market after ten minutes: the real engines, vault, gates and market view.
It then hears one-second SOL/USDC quotes, each of which every engine works on and none answers with an order. The peer
gets the same rows as its own quotes and as its own bars, for strategies that only count. Clocks hold CPU time of the
run alone: facts, quotes and bars are made before. Journal off.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from hashlib import blake2b
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any, Final

from benchmarks import Result
from benchmarks.peers.environment import PeerMissingError, peer_python
from phantom_arbiter.app.markets import BuiltinSpec, open_market
from phantom_arbiter.app.session import Session
from phantom_arbiter.config import Config
from phantom_arbiter.core.events import Envelope, Quoted
from phantom_arbiter.core.kernel import Kernel
from phantom_arbiter.core.outcome import Outcome
from phantom_arbiter.core.units import NS_PER_MINUTE, NS_PER_SECOND
from phantom_arbiter.runtime.ports import Arrival

COUNT: Final = 1_000_000
ROUNDS: Final = 3
PAIR: Final = "SOL/USDC"
WARM_NS: Final = 10 * NS_PER_MINUTE
PEER: Final = Path(__file__).parent / "peers" / "nautilus.py"
REQUIREMENT: Final = "nautilus_trader>=1.221.0rc0"
"""A release candidate of a newer line is welcome: 2.0 is another engine."""


class NoJournal:
    """Keeps nothing."""

    def record(self, envelope: Envelope, outcome: Outcome | None) -> None:
        """Forget it."""

    def commit(self) -> None:
        """Nothing to wait for."""


def run() -> list[Result]:
    """Step and feed beside the peer's quotes and bars, in turn; our own figures alone where the peer is missing."""
    session = warm_session()
    rows = price_rows(session, COUNT)
    ours = {"step": partial(step_seconds, session, rows), "feed": partial(feed_seconds, session, rows)}
    seen = digest_of_engines(session, rows)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "prices.bin"
        path.write_bytes(rows.tobytes())
        try:
            python = peer_python(REQUIREMENT)
            checked = {kind: peer_run(python, path, kind, "digest") for kind in ("quotes", "bars")}
        except PeerMissingError as error:
            figures = ", ".join(f"{name} {COUNT / measure():,.0f} facts/s" for name, measure in ours.items())
            sys.stderr.write(f"kernel: nautilus_trader skipped ({error}); ours alone: {figures}\n")
            return []
        theirs = {kind: partial(peer_seconds, python, path, kind) for kind in checked}
        seconds = alternate({**ours, **theirs})
    return [
        Result.compare(
            f"kernel {ours_name}",
            "facts/s",
            ours=COUNT / seconds[ours_name],
            peer=f"nautilus_trader {found['version']} {kind}",
            peer_value=COUNT / seconds[kind],
            same_result=found["digest"] == seen and found["heard"] == [COUNT] * 4,
        )
        for ours_name in ours
        for kind, found in checked.items()
    ]


def alternate(measures: dict[str, Callable[[], float]]) -> dict[str, float]:
    """The median of each measure over the rounds, every other round in the opposite order."""
    taken: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(ROUNDS):
        for name in list(measures)[:: 1 if number % 2 == 0 else -1]:
            taken[name].append(measures[name]())
    return {name: median(values) for name, values in taken.items()}


def warm_session() -> Session:
    """All four engines running, some positions open, tapes full."""
    market = open_market(BuiltinSpec(seed=7, scenario="calm"))
    session = Session(Config(), market, NoJournal())
    session.fund()
    session.start_engines()
    session.run(market.start_ns + WARM_NS)
    return session


def price_rows(session: Session, count: int) -> array[int]:
    """(ts_ns, bid, ask) a second apart: a walk within 1 % of the market's last price."""
    quote = session.kernel.view.quote(PAIR)
    assert quote is not None
    random, start, ts_ns = Random(7), quote.bid_px, session.sequencer.now_ns
    bid, rows = start, array("q")
    for _ in range(count):
        ts_ns += NS_PER_SECOND
        bid = min(max(bid + random.randrange(-9_000, 9_001), start * 99 // 100), start * 101 // 100)
        rows.extend((ts_ns, bid, bid + random.randrange(1_000, 9_000)))
    return rows


def facts(rows: Sequence[int], slot: int) -> Iterator[tuple[int, Quoted]]:
    """The rows as the kernel's facts, with their instants."""
    for ts_ns, bid, ask in zip(rows[::3], rows[1::3], rows[2::3], strict=True):
        yield ts_ns, Quoted(PAIR, bid, ask, slot)


def step_seconds(session: Session, rows: Sequence[int]) -> float:
    """CPU seconds of `Kernel.step` over all rows."""
    kernel, first = session.kernel, session.sequencer.seq + 1
    envelopes = [
        Envelope(seq, ts_ns, "bench", fact)
        for seq, (ts_ns, fact) in enumerate(facts(rows, kernel.view.slot), start=first)
    ]
    with quiet(kernel, len(envelopes)):
        step = kernel.step
        begin = process_time()
        for envelope in envelopes:
            step(envelope)
        seconds = process_time() - begin
    session.sequencer.seq = kernel.seq
    return seconds


def feed_seconds(session: Session, rows: Sequence[int]) -> float:
    """CPU seconds of `Sequencer.feed` over all rows: envelope, kernel, driver."""
    session.sequencer.now_ns = 0  # the rows come again, each at its own time
    arrivals = [Arrival(ts_ns, "bench", fact) for ts_ns, fact in facts(rows, session.kernel.view.slot)]
    with quiet(session.kernel, len(arrivals)):
        feed = session.sequencer.feed
        begin = process_time()
        for arrival in arrivals:
            feed(arrival)
        return process_time() - begin


@contextmanager
def quiet(kernel: Kernel, count: int) -> Iterator[None]:
    """Rewinds the tapes, so that the rows are news again; sees that each engine heard all and asked for nothing."""
    for tape in kernel.engines["scalp"].state.tapes.values():
        tape.next_ns = 0
    kernel.settle_counts()
    before = {name: (record.facts, record.intents) for name, record in kernel.records.items()}
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
    kernel.settle_counts()
    for name, record in kernel.records.items():
        heard, asked = record.facts - before[name][0], record.intents - before[name][1]
        if (heard, asked) != (count, 0):
            raise AssertionError(f"{name}: heard {heard} of {count} facts and asked for {asked} orders, expected none")


def digest_of_engines(session: Session, rows: Sequence[int]) -> str:
    """Of the bids that reach the engines, which must be the same for all four; on a run that is not timed."""
    kernel, seen = session.kernel, {name: array("q") for name in session.kernel.engines}
    for name, engine in kernel.engines.items():
        engine.decide = recorder(engine.decide, seen[name])  # type: ignore[assignment, method-assign]
    kernel.refresh_routes()
    step_seconds(session, rows)
    for engine in kernel.engines.values():
        del engine.decide
    kernel.refresh_routes()
    digests = {blake2b(bids.tobytes(), digest_size=16).hexdigest() for bids in seen.values()}
    if len(digests) > 1:
        raise AssertionError(f"the engines heard different prices: {sorted(digests)}")
    return digests.pop()


def recorder(decide: Callable[[Envelope], Any], bids: array[int]) -> Callable[[Envelope], Any]:
    """``decide``, with every bid remembered."""

    def decide_and_remember(envelope: Envelope) -> Any:
        assert isinstance(envelope.body, Quoted)
        bids.append(envelope.body.bid_px)
        return decide(envelope)

    return decide_and_remember


def peer_seconds(python: Path, path: Path, kind: str) -> float:
    """CPU seconds of one timed run of the peer."""
    return float(peer_run(python, path, kind, "count")["seconds"])


def peer_run(python: Path, path: Path, kind: str, mode: str) -> dict[str, Any]:
    """One run of the peer in its own process; raises `PeerMissingError` where it fails."""
    done = subprocess.run([python, PEER, path, kind, mode], capture_output=True, text=True, check=False)
    if done.returncode:
        raise PeerMissingError((done.stderr.strip().splitlines() or ["no message"])[-1])
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
