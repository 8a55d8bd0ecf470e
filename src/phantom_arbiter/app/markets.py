"""Which market a run is on, as plain data that its journal keeps, and how to open it again at its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta, Struct

from phantom_arbiter.app.recorded import RecordedMarket
from phantom_arbiter.app.session import Market, Session
from phantom_arbiter.config import Config
from phantom_arbiter.core.instruments import Universe
from phantom_arbiter.core.limits import Limits
from phantom_arbiter.research.report import RunReport
from phantom_arbiter.sim.liquidity import Liquidity
from phantom_arbiter.sim.market.source import DEFAULT_START_NS, BuiltinMarket
from phantom_arbiter.sim.market.state import BuiltinMarketState
from phantom_arbiter.sim.market.universe import universe
from phantom_arbiter.storage.catalogue import Catalogue
from phantom_arbiter.storage.dataset_map import load_map
from phantom_arbiter.storage.importer import open_folder
from phantom_arbiter.storage.schemas import DataError


class BuiltinSpec(Struct, frozen=True, tag="built-in", forbid_unknown_fields=True):
    """The built-in market: everything follows from seed and scenario. ``hours``: where a replay ends."""

    seed: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    scenario: str
    hours: float | None = None


class RecordedSpec(Struct, frozen=True, tag="recorded", forbid_unknown_fields=True):
    """Recorded data of a catalogue, from ``start_ns`` up to ``end_ns``. ``skipped``: files that the folder lacked."""

    catalogue: str
    start_ns: int
    end_ns: int
    skipped: tuple[str, ...] = ()


MarketSpec = BuiltinSpec | RecordedSpec


class BuiltinRun:
    """The built-in market as a session sees it."""

    def __init__(self, market: BuiltinMarket) -> None:
        self._market = market
        self.peek_ns = market.peek_ns
        self.pop = market.pop

    @property
    def universe(self) -> Universe:
        """Every asset and instrument."""
        return universe()

    @property
    def liquidity(self) -> Liquidity:
        """The market itself: our orders move its pools."""
        return self._market

    @property
    def start_ns(self) -> int:
        """The instant it begins."""
        return DEFAULT_START_NS

    def state(self) -> BuiltinMarketState:
        """Its place."""
        return self._market.state()

    def cursor(self) -> Iterator[str | int]:
        """Its place as integers."""
        return iter(self._market.cursor())


class Recorded(NamedTuple):
    """A chosen span of recorded data, and the limits that fit it."""

    spec: RecordedSpec
    limits: Callable[[Limits], Limits]


def recorded_spec(
    folder: Path, map_path: Path | None, start_ns: int | None, end_ns: int | None, home: Path
) -> Recorded:
    """Find recorded data: a catalogue, or a folder with its map (imported once into a cache under ``home``)."""
    if start_ns is None or end_ns is None:
        raise DataError("--data: got no span, expected --from and --to, for example --from 2025-04-14 --to 2025-05-01")
    if not 0 < start_ns < end_ns:
        raise DataError("--from, --to: expected two instants in order")
    catalogue, root, skipped = open_recorded(folder, map_path, home)
    market = RecordedMarket.open(catalogue, start_ns, end_ns)
    return Recorded(RecordedSpec(str(root.resolve()), start_ns, end_ns, skipped), market.limits)


def open_recorded(folder: Path, map_path: Path | None, home: Path) -> tuple[Catalogue, Path, tuple[str, ...]]:
    """A catalogue as it is, or a folder by its map, imported once into a cache under ``home``; its root; files that the
    folder lacks."""
    if not folder.is_dir():
        raise DataError(f"--data: {folder}: no such folder")
    if map_path is None:
        return Catalogue.open(folder), folder, ()
    name = blake2b(str(folder.resolve()).encode(), digest_size=8).hexdigest()
    root = home / "catalogues" / name
    catalogue, found = open_folder(folder, load_map(map_path), root)
    return catalogue, root, found.skipped


def fitted(config: Config, limits: Limits) -> Config:
    """The settings with these limits, and the engines' own ages no shorter than the gates'.

    Arb's stays: a recorded pool speaks while two pools stand apart and may have moved unseen since, so that a longer
    silence would make gaps that were not there. LST's 6 hours are longer than an hour, as often as readings are told.
    """
    safety = msgspec.structs.replace(config.safety, limits=limits)
    funding = msgspec.structs.replace(config.funding, max_age_ns=max(config.funding.max_age_ns, limits.quote_age_ns))
    return msgspec.structs.replace(config, safety=safety, funding=funding)


def explained(result: RunReport, session: Session) -> RunReport:
    """The report with what a recorded market assumed, skipped and allowed; of any other as it is."""
    market, config = session.market, session.config
    if not isinstance(market, RecordedMarket):
        return result
    ages = {
        f"safety.limits.{name}": getattr(config.safety.limits, name)
        for name in ("quote_age_ns", "oracle_age_ns", "exit_age_ns", "pool_age_ns")
    }
    ages |= {
        "funding.max_age_ns": config.funding.max_age_ns,
        "lst.max_reading_age_ns": config.lst.max_reading_age_ns,
        "arb.max_pool_age_slots": config.arb.max_pool_age_slots,
    }
    return msgspec.structs.replace(
        result, assumptions=market.assumptions, limits=ages, refused_rows=market.refused_rows
    )


def open_market(spec: MarketSpec, state: Any = None) -> Market:
    """Open a market at its beginning, or at a saved place."""
    match spec:
        case BuiltinSpec():
            if state is None:
                return BuiltinRun(BuiltinMarket(spec.seed, spec.scenario))
            return BuiltinRun(BuiltinMarket.from_state(msgspec.convert(state, BuiltinMarketState)))
        case RecordedSpec():
            catalogue = Catalogue.open(Path(spec.catalogue))
            market = RecordedMarket.open(catalogue, spec.start_ns, spec.end_ns)
            if state is not None:
                market.restore(state)
            return market
