"""RecordedMarket: real market data of a catalogue as a market that a session can run on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct

from phantom_arbiter.app import recorded_assumptions as assumptions
from phantom_arbiter.app.recorded_facts import Carry, FactMaker
from phantom_arbiter.app.recorded_rows import funding_before, stake_rows, window_rows
from phantom_arbiter.app.recorded_universe import Scope, survey, universe_of
from phantom_arbiter.core.instruments import Universe
from phantom_arbiter.core.limits import Limits
from phantom_arbiter.core.units import NS_PER_DAY, NS_PER_HOUR
from phantom_arbiter.runtime.ports import Arrival
from phantom_arbiter.sim.liquidity import Impact, RecordedLiquidity, RecordedState
from phantom_arbiter.storage.catalogue import Catalogue
from phantom_arbiter.storage.schemas import SCHEMA_VERSION, DataError

WINDOW_NS: Final = NS_PER_DAY
"""What is in memory at a time; whole hours."""


class RecordedPlace(Struct, frozen=True):
    """A place in recorded data: ``popped`` facts from the start, the last ``taken`` of them in window ``window``.

    ``carry`` is that of the window's beginning; ``digest`` names data and span.
    """

    digest: str
    popped: int
    window: int
    taken: int
    carry: Carry
    liquidity: RecordedState


class RecordedMarket:
    """A `Market` of what a catalogue holds in [start_ns, end_ns): the same data and span give the same facts.

    Every fact comes at or after the instant at which its row was known. What the data do not say is assumed, and
    ``assumptions`` says so. Rows that are not sound are skipped: ``refused_rows`` counts them, ``refused`` has the
    first reasons. Our orders do not move the recorded market; `RecordedLiquidity` charges their impact.
    """

    def __init__(self, catalogue: Catalogue, scope: Scope) -> None:
        self.scope = scope
        self.universe: Universe = universe_of(scope)
        self._impact = _impact(scope)
        self.liquidity = RecordedLiquidity(self.universe, assumptions.MAJOR_HALF_SPREAD_BPS, self._impact)
        self.digest = _digest(catalogue, scope)
        """Names the data and the span."""
        self._catalogue = catalogue
        self._popped = 0
        self._load(0, self._first_carry())

    @classmethod
    def open(cls, catalogue: Catalogue, start_ns: int, end_ns: int) -> RecordedMarket:
        """Open a span of a catalogue. Raises ValueError for an empty span, `DataError` where there is nothing in it."""
        if not 0 < start_ns < end_ns:
            raise ValueError(f"span: got {start_ns} to {end_ns}, expected two instants in ns since 1970, in order")
        return cls(catalogue, survey(catalogue, start_ns, end_ns))

    @property
    def start_ns(self) -> int:
        """The instant it begins."""
        return self.scope.start_ns

    @property
    def end_ns(self) -> int:
        """The instant it ends; no fact has it."""
        return self.scope.end_ns

    @property
    def refused_rows(self) -> int:
        """How many rows were skipped so far."""
        return self._maker.carry.refused_rows

    @property
    def refused(self) -> tuple[str, ...]:
        """The first reasons why rows were skipped."""
        return tuple(self._maker.carry.refused)

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What is not in the data and was assumed, in words, for the report."""
        scope = self.scope
        words: tuple[str, ...] = ()
        if scope.candles:
            words += assumptions.CANDLES
        if scope.fundings or any(series.base for series in scope.candles):
            words += assumptions.PERPS
        parts = (
            (scope.audited, (assumptions.AUDITS,)),
            (scope.twap_is_price, (assumptions.TWAP,)),
            (scope.lsts, (assumptions.STAKE,)),
            (set(scope.ratios) - set(scope.thin_ratios), (assumptions.RATIOS,)),
            (scope.thin_ratios, (assumptions.POOLED_RATIOS,)),
            (scope.pools, assumptions.POOLS),
        )
        return words + tuple(text for present, texts in parts if present for text in texts) + assumptions.ALWAYS

    def limits(self, limits: Limits | None = None) -> Limits:
        """The limits given, or the defaults, with ages that this data can meet: twice the coarsest step in use.

        Steps: the bars', an exchange's ratios', half an hour for whatever comes from pools, an hour where the funding
        records' TWAP is the price. Pools may be as old as they were (``pool_age_ns``): they speak when they change.
        """
        scope, limits = self.scope, limits or Limits()
        pooled = assumptions.IRREGULAR_NS if scope.pools or scope.thin_ratios else 0
        hourly = NS_PER_HOUR if scope.twap_is_price else 0
        age_ns = 2 * max(scope.bar_ns, scope.ratio_step_ns, pooled, hourly)
        return msgspec.structs.replace(
            limits,
            quote_age_ns=max(limits.quote_age_ns, age_ns),
            oracle_age_ns=max(limits.oracle_age_ns, age_ns),
            exit_age_ns=max(limits.exit_age_ns, age_ns),
        )

    # The source

    def peek_ns(self) -> int | None:
        """The instant of the next fact; None at the end."""
        while self._taken == len(self._facts):
            if self._window_end_ns >= self.end_ns:
                return None
            self._load(self._window + 1, self._maker.carry)
        return self._facts[self._taken].ts_ns

    def pop(self) -> Arrival:
        """Take the next fact. Raises IndexError at the end."""
        if self.peek_ns() is None:
            raise IndexError("the recorded market has ended: peek_ns() tells")
        self._taken += 1
        self._popped += 1
        return self._facts[self._taken - 1]

    # Recovery

    def state(self) -> RecordedPlace:
        """The place, as a copy of all that decides what comes next."""
        return RecordedPlace(
            digest=self.digest,
            popped=self._popped,
            window=self._window,
            taken=self._taken,
            carry=msgspec.msgpack.decode(self._carry_before, type=Carry),
            liquidity=msgspec.msgpack.decode(msgspec.msgpack.encode(self.liquidity.state), type=RecordedState),
        )

    def restore(self, state: Any) -> None:
        """Go to a saved place, a `RecordedPlace` or its plain data. Raises `DataError` for one in other data."""
        place = msgspec.convert(msgspec.to_builtins(state), RecordedPlace)
        if place.digest != self.digest:
            raise DataError(f"digest: got {place.digest}, expected {self.digest}: the data or the span is another")
        self._load(place.window, place.carry)
        if place.taken > len(self._facts):
            raise DataError(f"taken: got {place.taken}, expected at most {len(self._facts)} facts in the window")
        self._taken, self._popped = place.taken, place.popped
        self.liquidity.state = place.liquidity

    def cursor(self) -> Iterator[str | int]:
        """The place, and what our orders did to the market, for a state hash."""
        yield self.digest
        yield self._popped
        yield from self.liquidity.digest_items()

    # Inside

    def _first_carry(self) -> Carry:
        """What was known just before the start: the stake pools' rates and the perps' premiums."""
        carry = Carry(slot=self.scope.first_slot or 0)
        maker = FactMaker(self.scope, self.universe, carry, self._impact)
        maker.learn(stake_rows(self._catalogue, self.scope, None, self.start_ns))
        maker.learn(funding_before(self._catalogue, self.start_ns))
        return carry

    def _load(self, window: int, carry: Carry) -> None:
        """Make the facts of a window; ``carry`` is of its beginning."""
        self._window, self._taken = window, 0
        self._carry_before = msgspec.msgpack.encode(carry)
        self._maker = FactMaker(self.scope, self.universe, carry, self._impact)
        begin_ns = self.start_ns + window * WINDOW_NS
        self._window_end_ns = min(begin_ns + WINDOW_NS, self.end_ns)
        rows = window_rows(self._catalogue, self.scope, begin_ns, self._window_end_ns)
        self._facts: list[Arrival] = [fact for row in rows for fact in self._maker.facts(row)]


def _impact(scope: Scope) -> Impact:
    thin = {f"{token}/SOL": assumptions.THIN_LST_DEPTH_LAMPORTS for token in scope.thin_ratios}
    return msgspec.structs.replace(assumptions.IMPACT, depth_quote_atoms=assumptions.IMPACT.depth_quote_atoms | thin)


def _digest(catalogue: Catalogue, scope: Scope) -> str:
    """Names the data and the span: sha256 over the identities of all datasets."""
    identities = sorted(entry.identity for entry in catalogue.manifest.datasets)
    return hashlib.sha256(msgspec.json.encode((SCHEMA_VERSION, identities, scope.start_ns, scope.end_ns))).hexdigest()
