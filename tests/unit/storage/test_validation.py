"""Which rows are left out, which files are refused, and what the message says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from phantom_arbiter.storage.dataset_map import Dataset
from phantom_arbiter.storage.reports import BadRow
from phantom_arbiter.storage.schemas import DataError


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"close": float("nan")}, "close: not a finite number"),
        ({"high": float("inf")}, "high: not a finite number"),
        ({"open": None}, "open: no value, or one that can't be read"),
        ({"low": 0.0}, "low: expected positive"),
        ({"low": -5.0}, "low: expected positive"),
        ({"volume": -1.0}, "volume_base: expected not negative"),
        ({"high": 1.0}, "high below low"),
        ({"close": 150.0}, "close outside low..high"),
        ({"open": 1.0}, "open outside low..high"),
        ({"symbol": "SOLEUR"}, "instrument: no value, or one that can't be read"),
    ],
)
def test_a_bad_candle_is_left_out_and_reported(foreign: Any, values: dict[str, Any], reason: str) -> None:
    report = foreign.bring(foreign.with_value(foreign.candles(), 7, **values))
    assert (report.rows_read, report.rows_bad, report.rows) == (40, 1, 39)
    (bad,) = report.bad
    assert (bad.reason, bad.count, bad.first[0].row) == (reason, 1, 7)


def test_the_report_shows_the_values_of_the_first_bad_rows(foreign: Any) -> None:
    rows = foreign.candles(200)
    for row in (3, 9, 27, 81):
        rows = foreign.with_value(rows, row, high=1.0)
    (bad,) = foreign.bring(rows).bad
    assert bad.count == 4
    assert [first.row for first in bad.first] == [3, 9, 27]
    assert bad.first[0] == BadRow(3, "high=1.0, low=102.0")


def test_a_repeated_row_is_left_out(foreign: Any) -> None:
    rows = foreign.candles()
    report = foreign.bring(pl.concat([rows[:20], rows[19:]]))
    assert [(bad.reason, bad.count, bad.first[0].row) for bad in report.bad] == [("repeats a row", 1, 20)]
    assert report.rows == 40


def test_time_that_goes_backward_is_left_out(foreign: Any) -> None:
    rows = foreign.with_value(foreign.candles(), 30, ts=foreign.START - timedelta(hours=1))
    (bad,) = foreign.bring(rows).bad
    assert (bad.reason, bad.count, bad.first[0].row) == ("time goes backward", 1, 30)


def test_a_bar_inside_the_one_before_is_left_out(foreign: Any) -> None:
    rows = foreign.with_value(foreign.candles(), 30, ts=foreign.START + timedelta(minutes=146))
    report = foreign.bring(rows)
    assert [bad.reason for bad in report.bad] == ["bar begins before the one before it ends"]


def test_more_than_a_twentieth_of_bad_rows_refuses_the_file(foreign: Any) -> None:
    rows = foreign.candles()
    for row in (1, 2):
        rows = foreign.with_value(rows, row, high=1.0)
    assert foreign.bring(rows).rows == 38
    rows = foreign.with_value(rows, 3, high=1.0)
    with pytest.raises(
        DataError, match=r"candles\.parquet: 3 of 40 rows are bad \(7\.5 %\), expected at most 5 %: high"
    ):
        foreign.bring(rows)


def test_a_file_without_rows_is_refused(foreign: Any) -> None:
    with pytest.raises(DataError, match=r"candles\.parquet: no rows of it are taken"):
        foreign.bring(foreign.candles()[:0])


def test_a_wrong_unit_of_time_is_refused(foreign: Any) -> None:
    rows = foreign.candles().with_columns(pl.col("ts").dt.epoch("s"))
    sound = foreign.bring(rows, foreign.candle_map(units={"ts_ns": "s"}))
    assert sound.first_ts_ns == foreign.START_NS
    for unit in ("ms", "ns"):
        with pytest.raises(DataError, match=r"ts_ns: outside 2009\.\.2100, expected another unit of time\?"):
            foreign.bring(rows, foreign.candle_map(units={"ts_ns": unit}))


def test_nanoseconds_taken_for_seconds_do_not_wrap_around(foreign: Any) -> None:
    rows = foreign.candles().with_columns(pl.col("ts").dt.epoch("ns"))
    with pytest.raises(DataError, match=r"ts_ns: outside 2009\.\.2100"):
        foreign.bring(rows, foreign.candle_map(units={"ts_ns": "s"}))


def test_funding_in_percent_is_refused(foreign: Any) -> None:
    assert foreign.bring(foreign.funding(), foreign.funding_map()).rows == 48
    expected = r"funding\.parquet: rate_fraction or rate_quote_per_base: the median is 0\.00125, expected a fraction"
    with pytest.raises(DataError, match=expected):
        foreign.bring(foreign.funding(factor=100.0), foreign.funding_map())


def test_a_quote_rate_taken_for_a_fraction_is_refused(foreign: Any) -> None:
    rows = pl.DataFrame({"rate_fraction": [0.8] * 30}).insert_column(0, foreign.times(30, timedelta(hours=1)))
    with pytest.raises(DataError, match="funding beyond 5% of the notional an hour: 30"):
        foreign.bring(rows, foreign.funding_map())


def test_funding_without_a_rate_is_refused(foreign: Any) -> None:
    with pytest.raises(DataError, match="no rate: expected rate_fraction, or rate_quote_per_base with oracle_twap"):
        foreign.bring(foreign.funding().drop("oracle_twap"), foreign.funding_map())


def test_lending_rates_in_percent_are_refused(foreign: Any) -> None:
    rows = pl.DataFrame({"borrow_rate": [7.5] * 30}).insert_column(0, foreign.times(30, timedelta(hours=1)))
    constants = {"instrument": "SOL", "venue": "drift", "interval_ns": foreign.HOUR_NS}
    fields = {"path": "lend.parquet", "kind": "lending_rate", "columns": {"ts_ns": "ts"}, "constants": constants}
    with pytest.raises(DataError, match=r"lend\.parquet: borrow_rate: the median is 7\.5, expected a fraction a year"):
        foreign.bring(rows, Dataset(**fields))
    assert foreign.bring(rows, Dataset(**fields, units={"borrow_rate": "percent_to_fraction"})).rows == 30


@pytest.mark.parametrize(
    ("row", "rate", "reason"),
    [
        (5, 0.4, "rate outside 0.5..10 SOL per LST"),
        (5, 10.5, "rate outside 0.5..10 SOL per LST"),
        (20, 1.005, "rate below one before it"),
    ],
)
def test_a_redemption_rate_out_of_range_or_falling_is_left_out(
    foreign: Any, row: int, rate: float, reason: str
) -> None:
    rows = pl.DataFrame({"epoch": range(700, 740), "rate": [1.0 + index / 1000 for index in range(40)]})
    rows = rows.insert_column(0, foreign.times(40, timedelta(days=2)))
    constants = {"instrument": "jitoSOL"}
    dataset = Dataset(path="rates.parquet", kind="stake_rate", columns={"ts_ns": "ts"}, constants=constants)
    assert foreign.bring(rows, dataset).rows == 40
    report = foreign.bring(foreign.with_value(rows, row, rate=rate), dataset)
    assert [(bad.reason, bad.count, bad.first[0].row) for bad in report.bad] == [(reason, 1, row)]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"base_qty": 0.0}, "base_qty: expected positive"),
        ({"quote_qty": -1.0}, "quote_qty: expected positive"),
        ({"price": 140.0}, "price is not quote_qty / base_qty"),
        ({"reserves": "guess"}, "reserves: expected exact or lower_bound"),
    ],
)
def test_a_bad_pool_state_is_left_out(foreign: Any, values: dict[str, Any], reason: str) -> None:
    count = 30
    base = [100.0 + index for index in range(count)]
    rows = pl.DataFrame(
        {"slot": range(count), "base_qty": base, "quote_qty": [150.0 * qty for qty in base], "price": [150.0] * count}
    )
    rows = rows.insert_column(0, foreign.times(count)).with_columns(pl.lit("exact").alias("reserves"))
    names = {"instrument": "pool", "dex": "raydium_amm_v4", "base": "SOL", "quote": "USDC", "fee_ppm": 2500}
    dataset = Dataset(path="pools.parquet", kind="pool_state", columns={"ts_ns": "ts"}, constants=names)
    report = foreign.bring(foreign.with_value(rows, 5, **values), dataset)
    assert [(bad.reason, bad.first[0].row) for bad in report.bad] == [(reason, 5)]


def test_a_crossed_quote_is_left_out(foreign: Any) -> None:
    rows = pl.DataFrame({"bid": [99.0] * 30, "ask": [99.5] * 30, "bid_qty": [1.0] * 30, "ask_qty": [0.0] * 30})
    rows = rows.insert_column(0, foreign.times(30))
    names = {"instrument": "BTC/USDT", "venue": "binance"}
    dataset = Dataset(path="quotes.parquet", kind="quote", columns={"ts_ns": "ts"}, constants=names)
    report = foreign.bring(foreign.with_value(rows, 4, ask=98.0), dataset)
    assert [(bad.reason, bad.first[0].value) for bad in report.bad] == [("bid not below ask", "bid=99.0, ask=98.0")]


def test_gaps_are_counted_and_the_longest_is_named(foreign: Any) -> None:
    sol, bonk = foreign.candles(40), foreign.candles(40, "BONKUSDT")
    report = foreign.bring(pl.concat([sol[:10], sol[11:], bonk[:20], bonk[24:]]))
    gaps = report.gaps
    assert (gaps.count, gaps.missing, gaps.unit) == (2, 5, "ns")
    assert (gaps.longest, gaps.longest_in) == (25 * foreign.MINUTE_NS, "BONK/USDT")
    assert gaps.longest_after_ts_ns == foreign.START_NS + 19 * 5 * foreign.MINUTE_NS


def test_jitter_of_a_minute_is_no_gap(foreign: Any) -> None:
    rows = foreign.with_value(foreign.funding(), 9, ts=foreign.START + timedelta(hours=9, seconds=65))
    assert foreign.bring(rows, foreign.funding_map()).gaps.count == 0
