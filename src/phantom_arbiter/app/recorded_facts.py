"""From rows to facts, one row at a time: integers, spreads, and which of several prices counts now."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from msgspec import Struct, field

from phantom_arbiter.app.recorded_assumptions import (
    FEES,
    IRREGULAR_NS,
    LST_HALF_SPREAD_BPS,
    MAJOR_HALF_SPREAD_BPS,
    ORACLE_CONFIDENCE_BPS,
    PERP_VENUE,
    POOLED_LST_HALF_SPREAD_BPS,
    STAKE_SUPPLY_ATOMS,
    WITHDRAW_FEE_PPM,
    assumed_audit,
)
from phantom_arbiter.app.recorded_rows import BarClose, BorrowRow, FundingRow, Hour, PoolRow, RatioRow, Row, StakeRow
from phantom_arbiter.app.recorded_universe import Scope
from phantom_arbiter.core.events import (
    AnyFact,
    BorrowRatePosted,
    FundingPosted,
    LinkChanged,
    OraclePosted,
    PerpStatsRead,
    PoolUpdated,
    Quoted,
    StakePoolRead,
    VenueStatus,
    VenueStatusChanged,
)
from phantom_arbiter.core.fact_checks import check_fact
from phantom_arbiter.core.instruments import Universe
from phantom_arbiter.core.units import BPS, EPOCH_NS, FUNDING_RATE_SCALE, power_of_ten, slot_at
from phantom_arbiter.runtime.ports import Arrival
from phantom_arbiter.sim.liquidity import Impact

STAKE_FEED: Final = "stake-pools"
ASSUMED: Final = "assumed"
RECORDED: Final = "recorded"
MAX_REASONS: Final = 20
_PPB: Final = 1_000_000_000
_PPM: Final = 1_000_000
_PX_SCALE: Final = 1_000_000
_SPOT, _PERP, _POOL, _TWAP = range(4)
"""Sources of a base's price, the better first: one speaks only while those before it are silent."""


class StakeReading(Struct, gc=False):
    """The last rate of a stake pool, when it was read, and when its epoch should end."""

    epoch: int
    ts_ns: int
    total_lamports: int
    ends_ns: int


class Carry(Struct):
    """What rows leave behind for those that follow; plain data for a snapshot.

    ``spoken_until_ns`` is keyed by ``base:source``: until then that source counts as speaking. ``premium_ppb``: a
    perp's mark over its oracle, less one. ``refused`` holds the first reasons, ``refused_rows`` the number of rows.
    """

    slot: int = 0
    premium_ppb: dict[str, int] = field(default_factory=dict)
    oracle_px: dict[str, int] = field(default_factory=dict)
    spoken_until_ns: dict[str, int] = field(default_factory=dict)
    stake: dict[str, StakeReading] = field(default_factory=dict)
    refused_rows: int = 0
    refused: list[str] = field(default_factory=list)


class FactMaker:
    """Makes facts of rows. A row whose facts are not sound is counted, kept as a reason, and skipped whole."""

    def __init__(self, scope: Scope, universe: Universe, carry: Carry, impact: Impact) -> None:
        self.scope = scope
        self.universe = universe
        self.carry = carry
        self._impact = impact
        self._perps = {*scope.fundings, *(series.target for series in scope.candles if series.is_perp)}
        self._makers: dict[type[Row], Callable[[Any], list[tuple[str, AnyFact]]]] = {
            Hour: self._hour,
            StakeRow: self._stake,
            PoolRow: self._pool,
            BarClose: self._bar,
            RatioRow: self._ratio,
            BorrowRow: self._borrow,
            FundingRow: self._funding,
        }

    def facts(self, row: Row) -> list[Arrival]:
        """The facts of a row, in order, at the row's time."""
        ts_ns = row.ts_ns
        try:
            told = self._makers[type(row)](row)
            for _, fact in told:
                check_fact(fact)
        except ValueError as error:
            self._refuse(row, error)
            return []
        return [Arrival(ts_ns, source, fact) for source, fact in told]

    def learn(self, rows: Iterable[StakeRow | FundingRow]) -> None:
        """Take in what was known before the start, without telling it."""
        for row in rows:
            try:
                if isinstance(row, StakeRow):
                    self._learn_stake(row)
                else:
                    self._learn_premium(row)
            except ValueError as error:
                self._refuse(row, error)

    def _refuse(self, row: Row, error: ValueError) -> None:
        self.carry.refused_rows += 1
        if len(self.carry.refused) < MAX_REASONS:
            self.carry.refused.append(f"{type(row).__name__} at {row.ts_ns}: {error}")

    # What is assumed, and what was last read

    def _hour(self, row: Hour) -> list[tuple[str, AnyFact]]:
        told: list[tuple[str, AnyFact]] = []
        if row.number == 0:
            venues = {pool.dex for pool in self.scope.pools} | ({PERP_VENUE} if self.scope.fundings else set())
            told += [(RECORDED, VenueStatusChanged(venue, VenueStatus.LIVE, RECORDED)) for venue in sorted(venues)]
            feeds = venues | {series.venue for series in self.scope.candles} | {STAKE_FEED}
            told += [(RECORDED, LinkChanged(feed, True, RECORDED)) for feed in sorted(feeds)]
        if row.number % 24 == 0:
            told.append((ASSUMED, FEES))
            told += [(ASSUMED, assumed_audit(token)) for token in self.scope.audited]
        told += [(STAKE_FEED, _stake_read(token, reading)) for token, reading in sorted(self.carry.stake.items())]
        return told

    def _stake(self, row: StakeRow) -> list[tuple[str, AnyFact]]:
        return [(STAKE_FEED, self._learn_stake(row))]

    def _learn_stake(self, row: StakeRow) -> StakePoolRead:
        before = self.carry.stake.get(row.token)
        lasts_ns = EPOCH_NS
        if before is not None and row.epoch > before.epoch:
            lasts_ns = (row.ts_ns - before.ts_ns) // (row.epoch - before.epoch)
        reading = StakeReading(row.epoch, row.ts_ns, round(row.rate * STAKE_SUPPLY_ATOMS), row.ts_ns + lasts_ns)
        read = _stake_read(row.token, reading)
        check_fact(read)
        self.carry.stake[row.token] = reading
        return read

    # Prices

    def _bar(self, row: BarClose) -> list[tuple[str, AnyFact]]:
        series = self.scope.candles[row.series]
        quoted = self._quoted(series.target, row.px, series.half_spread_bps, self._slot(row.ts_ns))
        if not series.base:
            return [(series.venue, quoted)]
        hold_ns = 2 * series.interval_ns
        if not series.is_perp:
            return self._priced(series.base, _SPOT, row.px, row.ts_ns, hold_ns, series.venue)
        premium = self.carry.premium_ppb.get(series.target, 0)
        px = row.px * _PPB // (_PPB + premium)
        return [(series.venue, quoted), *self._priced(series.base, _PERP, px, row.ts_ns, hold_ns, series.venue)]

    def _priced(
        self, base: str, rank: int, px: int, ts_ns: int, hold_ns: int, source: str
    ) -> list[tuple[str, AnyFact]]:
        """The facts of a price (USD at 1e6) of a perp's base: spot, oracle, and the perp where no bars quote it."""
        perp, slot, spoken = f"{base}-PERP", self._slot(ts_ns), self.carry.spoken_until_ns
        quoted = self._quoted(f"{base}/USDC", px, MAJOR_HALF_SPREAD_BPS, slot)
        spoken[f"{base}:{rank}"] = ts_ns + hold_ns
        if any(spoken.get(f"{base}:{better}", 0) >= ts_ns for better in range(rank)):
            return []
        self.carry.oracle_px[perp] = px
        conf_px = -(-px * ORACLE_CONFIDENCE_BPS // BPS)
        told: list[tuple[str, AnyFact]] = [(source, quoted), (source, OraclePosted(perp, px, conf_px, slot))]
        if perp in self._perps and spoken.get(f"{base}:{_PERP}", 0) < ts_ns:
            told.append((source, self._quoted(perp, self._mark_px(perp, px), MAJOR_HALF_SPREAD_BPS, slot)))
        return told

    def _mark_px(self, perp: str, oracle_px: int) -> int:
        return oracle_px * (_PPB + self.carry.premium_ppb.get(perp, 0)) // _PPB

    def _ratio(self, row: RatioRow) -> list[tuple[str, AnyFact]]:
        instrument = self.universe.instruments[f"{row.token}/SOL"]
        offered = 0 if row.base_qty is None else int(row.base_qty * power_of_ten(instrument.base_decimals))
        slot = self._slot(row.ts_ns, row.slot)
        px = instrument.px_from_float(row.ratio)
        half_spread_bps = LST_HALF_SPREAD_BPS if row.base_qty is None else POOLED_LST_HALF_SPREAD_BPS
        return [(row.venue, self._quoted(instrument.id, px, half_spread_bps, slot, offered))]

    def _pool(self, row: PoolRow) -> list[tuple[str, AnyFact]]:
        """The state; both reserves at the row's price and never above its quantities where these are a bound."""
        base_scale = power_of_ten(self.universe.assets[row.base].decimals)
        quote_scale = power_of_ten(self.universe.assets[row.quote].decimals)
        base_atoms, quote_atoms = round(row.base_qty * base_scale), round(row.quote_qty * quote_scale)
        if not row.exact:
            base_qty = min(row.base_qty, row.quote_qty / row.price)
            base_atoms, quote_atoms = int(base_qty * base_scale), int(base_qty * row.price * quote_scale)
        if base_atoms <= 0 or quote_atoms <= 0:
            raise ValueError(f"reserves of {row.address}: got {base_atoms}, {quote_atoms}, expected positive integers")
        pool = PoolUpdated(
            pool=row.address,
            venue=row.dex,
            asset_0=row.base,
            asset_1=row.quote,
            reserve_0_atoms=base_atoms,
            reserve_1_atoms=quote_atoms,
            fee_num=row.fee_ppm,
            fee_den=_PPM,
            slot=self._slot(row.ts_ns, row.slot),
            exact=row.exact,
        )
        check_fact(pool)
        if row.address not in self.scope.reference_pools:
            return [(row.dex, pool)]
        px = round(row.price * _PX_SCALE)
        return [(row.dex, pool), *self._priced(row.base, _POOL, px, row.ts_ns, 2 * IRREGULAR_NS, row.dex)]

    # The perp venue

    def _borrow(self, row: BorrowRow) -> list[tuple[str, AnyFact]]:
        rate_ppm = -int(-row.borrow_rate * _PPM // 1)
        return [(PERP_VENUE, BorrowRatePosted(PERP_VENUE, row.asset, rate_ppm))]

    def _funding(self, row: FundingRow) -> list[tuple[str, AnyFact]]:
        """The hour's rate; before it its TWAP as the price, where no other is; after it the mark of now."""
        base = row.instrument.removesuffix("-PERP")
        posted = self._learn_premium(row)
        hold_ns = 2 * row.interval_ns
        told = self._priced(base, _TWAP, posted.oracle_twap_px, row.ts_ns, hold_ns, PERP_VENUE)
        mark_px = self._mark_px(row.instrument, self.carry.oracle_px[row.instrument])
        stats = PerpStatsRead(row.instrument, mark_px, 0, 0, row.ts_ns + row.interval_ns)
        return [*told, (PERP_VENUE, posted), (PERP_VENUE, stats)]

    def _learn_premium(self, row: FundingRow) -> FundingPosted:
        if row.rate is None or row.oracle_twap is None or row.mark_twap is None:
            got = f"rate {row.rate}, TWAPs {row.oracle_twap} and {row.mark_twap}"
            raise ValueError(f"funding of {row.instrument}: got {got}, expected all three in quote units")
        posted = FundingPosted(
            instrument=row.instrument,
            rate_e9=round(row.rate * FUNDING_RATE_SCALE),
            oracle_twap_px=round(row.oracle_twap * _PX_SCALE),
            mark_twap_px=round(row.mark_twap * _PX_SCALE),
            slot=self._slot(row.ts_ns),
        )
        check_fact(posted)
        premium = (posted.mark_twap_px - posted.oracle_twap_px) * _PPB // posted.oracle_twap_px
        self.carry.premium_ppb[row.instrument] = premium
        return posted

    def _quoted(self, name: str, px: int, half_spread_bps: int, slot: int, ask_atoms: int = 0) -> Quoted:
        """Bid and ask around a price, the half spread rounded up, with the depth that fills will meet."""
        if px <= 0:
            raise ValueError(f"price of {name}: got {px}, expected a positive integer at its scale")
        half_px = -(-px * half_spread_bps // BPS)
        depth = self._impact.depth_of(self.universe.instruments[name])
        return Quoted(name, px - half_px, px + half_px, slot, 0, ask_atoms, depth)

    def _slot(self, ts_ns: int, recorded: int | None = None) -> int:
        """A row's own slot; for others the last recorded one, or one reckoned from the time where none ever was."""
        if recorded is not None:
            self.carry.slot = max(self.carry.slot, recorded)
            return recorded
        return self.carry.slot if self.scope.first_slot is not None else slot_at(ts_ns)


def _stake_read(token: str, reading: StakeReading) -> StakePoolRead:
    return StakePoolRead(
        token=token,
        total_lamports=reading.total_lamports,
        supply_atoms=STAKE_SUPPLY_ATOMS,
        updated_epoch=reading.epoch,
        epoch=reading.epoch,
        epoch_ends_ts_ns=reading.ends_ns,
        withdraw_fee_ppm=WITHDRAW_FEE_PPM,
        instant_fee_ppm=WITHDRAW_FEE_PPM,
        reserve_lamports=0,
    )
