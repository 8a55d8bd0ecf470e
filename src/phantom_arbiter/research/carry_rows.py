"""What the carry lab reads: posted funding hours, jitoSOL's staking yield and the venue's borrow rate, as of each hour.

A value that belongs to an hour is the last one that had become known by then; nothing is interpolated.

    FOLDER/drift_funding_hourly/<MARKET>_1h.parquet            posted hours with their TWAPs
    FOLDER/solana_carry_rates/jitosol_staking_apy_1h.parquet   jitoSOL's yearly yield (a fraction)
    FOLDER/lst_stake_pool_rates/rates_per_epoch_named.parquet  jitoSOL's redemption rate once an epoch
    FOLDER/solana_carry_rates/drift_spot_USDC_lend_borrow_1h.parquet  what the venue charges for borrowed USDC
"""

from __future__ import annotations

import math
from bisect import bisect_right
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

import polars as pl
from msgspec import Struct

from phantom_arbiter.core.perp.reading import FundingHour
from phantom_arbiter.core.units import HOURS_PER_YEAR, NS_PER_HOUR
from phantom_arbiter.storage.dataset_map import Dataset
from phantom_arbiter.storage.mapping import map_rows, read_source
from phantom_arbiter.storage.schemas import DataError, kind_named, known_name
from phantom_arbiter.storage.validation import validate

HISTORIES: Final = {"drift-v2": "drift_funding_hourly"}
"""Venue -> the folder of its posted hours."""
STAKING_FILE: Final = "solana_carry_rates/jitosol_staking_apy_1h.parquet"
EPOCH_FILE: Final = "lst_stake_pool_rates/rates_per_epoch_named.parquet"
BORROW_FILE: Final = "solana_carry_rates/drift_spot_USDC_lend_borrow_1h.parquet"
ASSUMED_BORROW_APR: Final = 0.10
"""Charged where no borrow rate is known."""
FEWEST_HOURS: Final = 3
_SUFFIX: Final = "_1h.parquet"


class Known(Struct, frozen=True):
    """A value that steps: ``values[i]`` holds from ``ts_ns[i]`` on."""

    ts_ns: tuple[int, ...]
    values: tuple[float, ...]

    def at(self, now_ns: int) -> float | None:
        """The last value known at ``now_ns``; None before the first."""
        index = bisect_right(self.ts_ns, now_ns)
        return self.values[index - 1] if index else None


class CarryRows(Struct, frozen=True):
    """Hours in order, and for each what was known when it was posted: ``staking`` (continuous growth an hour) and
    ``borrow`` (fraction an hour). ``notes``: what the files lack and what was put in its place, in words."""

    hours: tuple[FundingHour, ...]
    staking: tuple[float, ...]
    borrow: tuple[float, ...]
    notes: tuple[str, ...] = ()


def read_rows(
    folder: Path, venue: str, market: str, from_ns: int | None, to_ns: int | None, *, staking: bool
) -> CarryRows:
    """The posted hours in [from, to) and their rates. Raises `DataError` naming the file and what is known instead."""
    hours, notes = _read_hours(folder, venue, market)
    inside = tuple(
        hour for hour in hours if (from_ns is None or from_ns <= hour.ts_ns) and (to_ns is None or hour.ts_ns < to_ns)
    )
    if len(inside) < FEWEST_HOURS:
        raise DataError(
            f"{market}: {len(inside)} posted hours in the span asked for, expected at least {FEWEST_HOURS}; "
            f"the file has {_day(hours[0].ts_ns)} to {_day(hours[-1].ts_ns)}"
        )
    late = sum(later.ts_ns - hour.ts_ns > 3 * NS_PER_HOUR // 2 for hour, later in pairwise(inside))
    if late:
        notes.append(f"{late} gaps of more than an hour and a half between posted hours: what they paid is not known")
    borrow, borrow_note = _read_borrow(folder, inside[0].ts_ns)
    yields, staking_notes = _read_staking(folder, inside) if staking else ((0.0,) * len(inside), [])
    rates = tuple(borrow.at(hour.ts_ns) for hour in inside)
    return CarryRows(
        hours=inside,
        staking=yields,
        borrow=tuple((ASSUMED_BORROW_APR if rate is None else rate) / HOURS_PER_YEAR for rate in rates),
        notes=(*notes, *borrow_note, *staking_notes),
    )


def known_markets(folder: Path, venue: str) -> list[str]:
    """Markets of which the folder has hours."""
    return sorted(path.name.removesuffix(_SUFFIX) for path in (folder / HISTORIES[venue]).glob(f"*{_SUFFIX}"))


def _read_hours(folder: Path, venue: str, market: str) -> tuple[list[FundingHour], list[str]]:
    if venue not in HISTORIES:
        raise DataError(f"venue: got {venue!r}, expected one with posted hours: {', '.join(HISTORIES)}")
    if not folder.is_dir():
        raise DataError(f"{folder}: no such folder; name the data by --data or PHANTOM_DATA_DIR")
    markets = known_markets(folder, venue)
    if not markets:
        raise DataError(f"{folder}: no posted hours, expected files {HISTORIES[venue]}/<MARKET>{_SUFFIX}")
    known = ", ".join(f"{name} ({HISTORIES[venue]}/{name}{_SUFFIX})" for name in markets)
    if market not in markets:
        raise DataError(f"market: got {market!r}, expected one of {known}")
    name = f"{HISTORIES[venue]}/{market}{_SUFFIX}"
    rows, left_out = _sound(folder, _funding(name, market))
    if rows["oracle_twap"].null_count() or rows["mark_twap"].null_count():
        raise DataError(f"{name}: hours without oracle or mark TWAP, expected both in each")
    hours = [
        FundingHour(ts_ns, round(rate * 1e9), round(oracle * 1e6), round(mark * 1e6))
        for ts_ns, rate, oracle, mark in rows.select(
            "ts_ns", "rate_quote_per_base", "oracle_twap", "mark_twap"
        ).iter_rows()
    ]
    return hours, [f"{name}: {left_out} rows were not sound and were left out"] if left_out else []


def _funding(path: str, market: str) -> Dataset:
    return Dataset(
        path=path,
        kind="funding",
        columns={
            "ts_ns": "ts",
            "rate_quote_per_base": "funding_rate_quote_per_base",
            "oracle_twap": "oracle_price_twap",
            "mark_twap": "mark_price_twap",
        },
        constants={"instrument": market, "venue": "drift", "interval_ns": NS_PER_HOUR},
    )


def _sound(folder: Path, dataset: Dataset) -> tuple[pl.DataFrame, int]:
    """The file's rows that the catalogue's rules take, and how many they do not."""
    kind = kind_named(dataset.kind)
    source = read_source(folder / dataset.path)
    mapped = map_rows(source, dataset, kind, dataset.path)
    rows = validate(mapped, kind, dataset.path).rows.sort("ts_ns")
    return rows, mapped.height - rows.height


def _read_borrow(folder: Path, first_ns: int) -> tuple[Known, list[str]]:
    if not (folder / BORROW_FILE).is_file():
        return Known((), ()), [f"{BORROW_FILE}: not there: borrowed USDC is charged {ASSUMED_BORROW_APR:.0%} a year"]
    dataset = Dataset(
        path=BORROW_FILE,
        kind="lending_rate",
        columns={"ts_ns": "ts", "lend_rate": "avg_lending_rate", "borrow_rate": "avg_borrowing_rate"},
        constants={"instrument": "USDC", "venue": "drift", "interval_ns": NS_PER_HOUR},
        units={"lend_rate": "percent_to_fraction", "borrow_rate": "percent_to_fraction"},
        shift_ns=NS_PER_HOUR,
    )
    rows, _ = _sound(folder, dataset)
    known = Known(tuple(rows["ts_ns"]), tuple(rows["borrow_rate"]))
    early = (
        [] if known.at(first_ns) is not None else [f"{BORROW_FILE}: starts later; {ASSUMED_BORROW_APR:.0%} till then"]
    )
    return known, early


def _read_staking(folder: Path, hours: tuple[FundingHour, ...]) -> tuple[tuple[float, ...], list[str]]:
    """jitoSOL's growth an hour: the posted yearly yield, before its first row the growth over the last whole epoch."""
    posted, epochs = _posted_yield(folder), _epoch_yield(folder)
    if not posted.ts_ns and not epochs.ts_ns:
        raise DataError(f"{folder}: no yield of jitoSOL, expected {STAKING_FILE} or {EPOCH_FILE}")
    notes, rates = [], []
    for hour in hours:
        rate = posted.at(hour.ts_ns)
        rates.append(epochs.at(hour.ts_ns) if rate is None else rate)
    lacking = sum(posted.at(hour.ts_ns) is None for hour in hours)
    if lacking:
        notes.append(
            f"jitoSOL's yield: the growth over the last whole epoch for the first {lacking} hours, then posted"
        )
    missing = sum(rate is None for rate in rates)
    if missing:
        notes.append(f"jitoSOL's yield: unknown for the first {missing} hours and counted as zero")
    return tuple(0.0 if rate is None else rate / HOURS_PER_YEAR for rate in rates), notes


def _posted_yield(folder: Path) -> Known:
    """ln(1 + APY) a year, from the end of the hour that the row averages."""
    if not (folder / STAKING_FILE).is_file():
        return Known((), ())
    source = read_source(folder / STAKING_FILE)
    known_name("avg_apy", source.columns, STAKING_FILE)
    rows = source.sort("ts").select(pl.col("ts").dt.epoch("ns"), "avg_apy").drop_nulls()
    if rows.is_empty() or not rows["avg_apy"].is_between(0.0, 1.0).all():
        raise DataError(f"{STAKING_FILE}: avg_apy: expected fractions a year from 0 to 1")
    return Known(tuple(ts + NS_PER_HOUR for ts in rows["ts"]), tuple(math.log1p(apy) for apy in rows["avg_apy"]))


def _epoch_yield(folder: Path) -> Known:
    """ln(rate/rate before) a year, from when the later rate was read."""
    if not (folder / EPOCH_FILE).is_file():
        return Known((), ())
    dataset = Dataset(
        path=EPOCH_FILE,
        kind="stake_rate",
        columns={"instrument": "pool", "ts_ns": "ts", "rate": "price"},
        filters={"pool": "jitoSOL"},
    )
    rows, _ = _sound(folder, dataset)
    times, rates = rows["ts_ns"].to_list(), rows["rate"].to_list()
    years = [(later - ts) / NS_PER_HOUR / HOURS_PER_YEAR for ts, later in pairwise(times)]
    growth = [math.log(rate / before) / span for (before, rate), span in zip(pairwise(rates), years, strict=True)]
    return Known(tuple(times[1:]), tuple(growth))


def _day(ts_ns: int) -> str:
    return datetime.fromtimestamp(ts_ns / 1e9, UTC).strftime("%Y-%m-%d")
