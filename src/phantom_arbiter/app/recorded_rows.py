"""Rows of a catalogue as one stream in time order: each at the instant from which it was known, never before."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from operator import itemgetter
from typing import NamedTuple

import polars as pl

from phantom_arbiter.app.recorded_assumptions import PERP_VENUE, STAKE_EVERY_NS
from phantom_arbiter.app.recorded_universe import Scope
from phantom_arbiter.core.units import NS_PER_DAY
from phantom_arbiter.storage.catalogue import Catalogue


class Hour(NamedTuple):
    """Every hour from the start, numbered from 0: what is assumed, and what was last read, is told again."""

    ts_ns: int
    number: int


class StakeRow(NamedTuple):
    """A stake pool's rate, in SOL per token."""

    ts_ns: int
    token: str
    epoch: int
    rate: float


class PoolRow(NamedTuple):
    """A pool's state; ``exact`` is False where it is a lower bound. Quantities in whole units."""

    ts_ns: int
    address: str
    dex: str
    base: str
    quote: str
    slot: int
    base_qty: float
    quote_qty: float
    price: float
    fee_ppm: int
    exact: bool


class BarClose(NamedTuple):
    """A bar's close, at its end; ``series`` indexes the scope's candles, ``px`` is 0 where it fits no scale."""

    ts_ns: int
    series: int
    px: int


class RatioRow(NamedTuple):
    """An LST's market price in SOL."""

    ts_ns: int
    token: str
    venue: str
    slot: int | None
    ratio: float
    base_qty: float | None


class BorrowRow(NamedTuple):
    """What a venue charges on an asset: a fraction a year."""

    ts_ns: int
    asset: str
    borrow_rate: float


class FundingRow(NamedTuple):
    """A funding record of the perp venue; floats as recorded, None where the source has none."""

    ts_ns: int
    instrument: str
    interval_ns: int
    rate: float | None
    oracle_twap: float | None
    mark_twap: float | None


Row = Hour | StakeRow | PoolRow | BarClose | RatioRow | BorrowRow | FundingRow


def window_rows(catalogue: Catalogue, scope: Scope, start_ns: int, end_ns: int) -> list[Row]:
    """Everything known at an instant in [start_ns, end_ns), in the order of time; at one instant in the order of the
    kinds here, so that funding finds the prices of its hour."""
    streams: tuple[Iterable[Row], ...] = (
        _hours(scope, start_ns, end_ns),
        stake_rows(catalogue, scope, start_ns, end_ns),
        _pool_rows(catalogue, start_ns, end_ns),
        _bar_closes(catalogue, scope, start_ns, end_ns),
        _ratio_rows(catalogue, start_ns, end_ns),
        _borrow_rows(catalogue, start_ns, end_ns),
        funding_rows(catalogue, start_ns, end_ns),
    )
    return list(heapq.merge(*streams, key=itemgetter(0)))


def _hours(scope: Scope, start_ns: int, end_ns: int) -> Iterable[Hour]:
    first = -(-(start_ns - scope.start_ns) // STAKE_EVERY_NS)
    last = -(-(end_ns - scope.start_ns) // STAKE_EVERY_NS)
    return [Hour(scope.start_ns + number * STAKE_EVERY_NS, number) for number in range(first, last)]


def stake_rows(catalogue: Catalogue, scope: Scope, start_ns: int | None, end_ns: int) -> list[StakeRow]:
    """Rates of the scope's stake pools that became known in the window; from the beginning where it has no start."""
    rows = catalogue.series("stake_rate", instruments=scope.lsts, start_ns=start_ns, end_ns=end_ns)
    return list(map(StakeRow._make, rows.select("ts_ns", "instrument", "epoch", "rate").collect().iter_rows()))


def funding_rows(catalogue: Catalogue, start_ns: int, end_ns: int) -> list[FundingRow]:
    """Funding records of the perp venue."""
    rows = catalogue.series("funding", start_ns=start_ns, end_ns=end_ns).filter(pl.col("venue") == PERP_VENUE)
    columns = ("ts_ns", "instrument", "interval_ns", "rate_quote_per_base", "oracle_twap", "mark_twap")
    return list(map(FundingRow._make, rows.select(columns).collect().iter_rows()))


def funding_before(catalogue: Catalogue, start_ns: int) -> list[FundingRow]:
    """The records of the day before."""
    return funding_rows(catalogue, start_ns - NS_PER_DAY, start_ns)


def _pool_rows(catalogue: Catalogue, start_ns: int, end_ns: int) -> list[PoolRow]:
    rows = catalogue.series("pool_state", start_ns=start_ns, end_ns=end_ns)
    columns = ("ts_ns", "instrument", "dex", "base", "quote", "slot", "base_qty", "quote_qty", "price", "fee_ppm")
    frame = rows.select(*columns, pl.col("reserves") == "exact").collect()
    return list(map(PoolRow._make, frame.iter_rows()))


def _ratio_rows(catalogue: Catalogue, start_ns: int, end_ns: int) -> list[RatioRow]:
    rows = catalogue.series("lst_ratio", start_ns=start_ns, end_ns=end_ns)
    frame = rows.select("ts_ns", "instrument", "venue", "slot", "ratio", "base_qty").collect()
    return list(map(RatioRow._make, frame.iter_rows()))


def _borrow_rows(catalogue: Catalogue, start_ns: int, end_ns: int) -> list[BorrowRow]:
    rows = catalogue.series("lending_rate", start_ns=start_ns, end_ns=end_ns).filter(pl.col("venue") == PERP_VENUE)
    return list(map(BorrowRow._make, rows.select("ts_ns", "instrument", "borrow_rate").collect().iter_rows()))


def _bar_closes(catalogue: Catalogue, scope: Scope, start_ns: int, end_ns: int) -> list[BarClose]:
    """The close of each bar that ends in the window, at the instant it ends: what it did before that is not told."""
    if not scope.candles:
        return []
    chosen = pl.DataFrame(
        {
            "instrument": [series.instrument for series in scope.candles],
            "venue": [series.venue for series in scope.candles],
            "interval_ns": [series.interval_ns for series in scope.candles],
            "series": range(len(scope.candles)),
            "scale": [10.0**series.price_decimals for series in scope.candles],
        }
    )
    names = chosen["instrument"].to_list()
    bars = catalogue.series("candle", instruments=names, start_ns=start_ns - scope.bar_ns, end_ns=end_ns).collect()
    bars = bars.join(chosen, on=("instrument", "venue", "interval_ns"), how="inner", maintain_order="left")
    closes = bars.select(
        (pl.col("ts_ns") + pl.col("interval_ns")).alias("end_ns"),
        "series",
        (pl.col("close") * pl.col("scale")).round().cast(pl.Int64, strict=False).fill_null(0).alias("px"),
    )
    told = closes.filter((pl.col("end_ns") >= start_ns) & (pl.col("end_ns") < end_ns))
    return list(map(BarClose._make, told.sort("end_ns", "series").iter_rows()))
