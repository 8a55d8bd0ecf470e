"""What rows must be like to enter the catalogue, and where their series have holes.

Bad rows are left out and reported. A file of which more than `BAD_SHARE_LIMIT` is bad, or whose numbers are in another
unit than the schema's, is refused whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl
from msgspec import Struct

from phantom_arbiter.storage.mapping import ROW
from phantom_arbiter.storage.reports import BadRow, BadRows, Gaps
from phantom_arbiter.storage.schemas import Column, ColumnType, DataError, Kind, Sign

BAD_SHARE_LIMIT: Final = 0.05
ROWS_SHOWN: Final = 3
FIRST_TS_NS: Final = 1_230_768_000 * 10**9  # 2009-01-01, the year of the first chain
LAST_TS_NS: Final = 4_102_444_800 * 10**9  # 2100-01-01
HOUR_NS: Final = 3_600 * 10**9
RATE_RANGE: Final = (0.5, 10.0)
# No venue's cap is above 4 % an hour; of 23 perps over two years the median hour of the wildest is 0.006 %.
FUNDING_ROW_LIMIT: Final = 0.05
FUNDING_MEDIAN_LIMIT: Final = 0.0003
LENDING_MEDIAN_LIMIT: Final = 1.0
EXACT_PRICE_TOLERANCE: Final = 0.01


class NoRowsError(DataError):
    """A file of which no row is taken."""


class Check(Struct, frozen=True):
    """A reason to leave a row out: ``bad`` is true there; ``shows`` are the columns to report."""

    reason: str
    bad: pl.Expr
    shows: tuple[str, ...]


class Verdict(Struct, frozen=True):
    """The rows that are sound, in the file's order, and what was left out."""

    rows: pl.DataFrame
    bad: tuple[BadRows, ...]


def validate(rows: pl.DataFrame, kind: Kind, file: str) -> Verdict:
    """Sort the sound rows from the bad. Raises `DataError` where the file has to be refused."""
    if rows.is_empty():
        raise NoRowsError(f"{file}: no rows of it are taken, expected at least one")
    sound, bad_values = _leave_out(rows, (*_column_checks(kind), *_kind_checks(kind)))
    sound, bad_order = _leave_out(sound, _order_checks(kind))
    bad = (*bad_values, *bad_order)
    count = sum(group.count for group in bad)
    if count > BAD_SHARE_LIMIT * rows.height:
        share, limit = 100 * count / rows.height, 100 * BAD_SHARE_LIMIT
        reasons = "; ".join(_told(group) for group in bad)
        raise DataError(
            f"{file}: {count} of {rows.height} rows are bad ({share:.1f} %), expected at most {limit:.0f} %: {reasons}"
        )
    _refuse_other_units(sound, kind, file)
    return Verdict(sound, bad)


def find_gaps(rows: pl.DataFrame, kind: Kind) -> Gaps | None:
    """Holes: where a series' next row comes later than one and a half steps. None for kinds without a step."""
    if not kind.step:
        return None
    position, step, unit = (
        ("epoch", pl.lit(1), "epochs") if kind.step == "epoch" else ("ts_ns", pl.col(kind.step), "ns")
    )
    span = pl.col(position).diff().over(kind.series)
    holes = rows.sort(position, maintain_order=True).select(
        "instrument",
        span=span,
        after=pl.col("ts_ns").shift(1).over(kind.series),
        missing=(span / step).round().cast(pl.Int64) - 1,
        hole=span * 2 > step * 3,
    )
    holes = holes.filter("hole").sort("span", descending=True, maintain_order=True)
    if holes.is_empty():
        return Gaps(0, 0, unit)
    longest = holes.row(0, named=True)
    missing = int(holes["missing"].sum())
    return Gaps(holes.height, missing, unit, longest["span"], longest["instrument"], longest["after"])


def _leave_out(rows: pl.DataFrame, checks: Sequence[Check]) -> tuple[pl.DataFrame, tuple[BadRows, ...]]:
    """A row is reported under the first of the checks that it fails; a null is no failure unless it is checked for."""
    number = pl.coalesce(
        pl.when(check.bad.fill_null(value=False)).then(pl.lit(index)) for index, check in enumerate(checks)
    )
    judged = rows.with_columns(_check=number)
    failed = judged.filter(pl.col("_check").is_not_null())
    groups = []
    for index, check in enumerate(checks):
        group = failed.filter(pl.col("_check") == index)
        if group.height:
            first = tuple(
                BadRow(row[ROW], ", ".join(f"{name}={row[name]!r}" for name in check.shows))
                for row in group.head(ROWS_SHOWN).iter_rows(named=True)
            )
            groups.append(BadRows(check.reason, group.height, first))
    return judged.filter(pl.col("_check").is_null()).drop("_check"), tuple(groups)


def _told(group: BadRows) -> str:
    shown = "; ".join(f"row {bad.row}: {bad.value}" for bad in group.first)
    return f"{group.reason}: {group.count} ({shown})"


def _column_checks(kind: Kind) -> list[Check]:
    checks = [check for column in kind.columns for check in _checks_of(column)]
    time = pl.col("ts_ns")
    outside = (time < FIRST_TS_NS) | (time >= LAST_TS_NS)
    return [Check("ts_ns: outside 2009..2100, expected another unit of time?", outside, ("ts_ns",)), *checks]


def _checks_of(column: Column) -> list[Check]:
    values, shows = pl.col(column.name), (column.name,)
    checks = []
    if not column.nullable:
        checks.append(Check(f"{column.name}: no value, or one that can't be read", values.is_null(), shows))
    if column.type is ColumnType.FLOAT:
        checks.append(Check(f"{column.name}: not a finite number", ~values.is_finite(), shows))
    if column.sign is not Sign.ANY:
        bad = values <= 0 if column.sign is Sign.POSITIVE else values < 0
        checks.append(Check(f"{column.name}: expected {column.sign}", bad, shows))
    if column.choices:
        expected = " or ".join(column.choices)
        checks.append(Check(f"{column.name}: expected {expected}", ~values.is_in(column.choices), shows))
    return checks


def _funding_per_hour() -> pl.Expr:
    fraction = pl.coalesce(pl.col("rate_fraction"), pl.col("rate_quote_per_base") / pl.col("oracle_twap"))
    return fraction * HOUR_NS / pl.col("interval_ns")


def _kind_checks(kind: Kind) -> list[Check]:
    col = pl.col
    outside_rates = f"outside {RATE_RANGE[0]:g}..{RATE_RANGE[1]:g} SOL per LST"
    checks: dict[str, list[Check]] = {
        "candle": [
            Check("high below low", col("high") < col("low"), ("high", "low")),
            *(
                Check(
                    f"{name} outside low..high",
                    (col(name) < col("low")) | (col(name) > col("high")),
                    (name, "low", "high"),
                )
                for name in ("open", "close")
            ),
        ],
        "funding": [
            Check(
                "no rate: expected rate_fraction, or rate_quote_per_base with oracle_twap",
                _funding_per_hour().is_null(),
                ("rate_fraction", "rate_quote_per_base", "oracle_twap"),
            ),
            Check(
                f"funding beyond {FUNDING_ROW_LIMIT:.0%} of the notional an hour",
                _funding_per_hour().abs() > FUNDING_ROW_LIMIT,
                ("rate_fraction", "rate_quote_per_base", "oracle_twap", "interval_ns"),
            ),
        ],
        "stake_rate": [Check(f"rate {outside_rates}", ~col("rate").is_between(*RATE_RANGE), ("rate",))],
        "lst_ratio": [
            Check(f"{name} {outside_rates}", ~col(name).is_between(*RATE_RANGE), (name,)) for name in ("ratio", "fair")
        ],
        "pool_state": [
            Check(
                "price is not quote_qty / base_qty",
                (col("reserves") == "exact")
                & ((col("quote_qty") / col("base_qty") / col("price") - 1).abs() > EXACT_PRICE_TOLERANCE),
                ("price", "quote_qty", "base_qty"),
            ),
        ],
        "arb_episode": [
            Check("pools of two base tokens", col("instrument") != col("sell_base"), ("instrument", "sell_base")),
        ],
        "quote": [Check("bid not below ask", col("bid") >= col("ask"), ("bid", "ask"))],
    }
    return checks.get(kind.name, [])


def _order_checks(kind: Kind) -> list[Check]:
    time = pl.col("ts_ns")
    before = time.cum_max().shift(1).over(kind.series)
    checks = [
        Check("time goes backward", time < before, ("ts_ns", *kind.series)),
        Check("repeats a row", ~pl.struct(kind.unique).is_first_distinct(), kind.unique),
    ]
    if kind.name == "candle":
        early = time - before < pl.col("interval_ns")
        checks.append(Check("bar begins before the one before it ends", early, ("ts_ns", "interval_ns")))
    if kind.name == "stake_rate":
        falls = pl.col("rate") < pl.col("rate").cum_max().shift(1).over(kind.series)
        checks.append(Check("rate below one before it", falls, ("instrument", "epoch", "rate")))
    return checks


def _refuse_other_units(rows: pl.DataFrame, kind: Kind, file: str) -> None:
    if kind.name == "funding":
        field, values, limit = "rate_fraction or rate_quote_per_base", _funding_per_hour(), FUNDING_MEDIAN_LIMIT
        expected = "a fraction of the notional an hour"
    elif kind.name == "lending_rate":
        field, values, limit = "borrow_rate", pl.col("borrow_rate"), LENDING_MEDIAN_LIMIT
        expected = "a fraction a year"
    else:
        return
    median = float(rows.select(values.abs().median()).item())
    if median > limit:
        raise DataError(
            f"{file}: {field}: the median is {median:.3g}, expected {expected} of at most {limit:g}: is it in percent?"
        )
