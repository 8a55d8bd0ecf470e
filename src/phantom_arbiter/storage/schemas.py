"""What the market-data catalogue holds: its kinds of rows, column by column, with units.

Every kind has ``instrument`` (what the row is about) and ``ts_ns`` (UTC, nanoseconds: when the row became known,
except a candle's, which is the bar's open). Rates are fractions, never percent; prices and sizes are float64 in whole
units. They become integers where they enter the kernel.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import polars as pl
from msgspec import Struct

SCHEMA_VERSION: Final = 1


class DataError(ValueError):
    """Market data or a map that can't be taken. The message names the file, the field, the value, what was expected."""


class ColumnType(StrEnum):
    """A column's type in the catalogue."""

    INT = "int64"
    FLOAT = "float64"
    TEXT = "string"
    BOOL = "bool"


POLARS_TYPES: Final[dict[ColumnType, type[pl.DataType]]] = {
    ColumnType.INT: pl.Int64,
    ColumnType.FLOAT: pl.Float64,
    ColumnType.TEXT: pl.String,
    ColumnType.BOOL: pl.Boolean,
}


class Sign(StrEnum):
    """Which numbers a column may hold; a float is finite in any case."""

    ANY = "any"
    POSITIVE = "positive"
    NOT_NEGATIVE = "not negative"


class Column(Struct, frozen=True):
    """A column: ``choices`` lists the only texts it may hold; a nullable column need not be mapped."""

    name: str
    type: ColumnType
    doc: str
    sign: Sign = Sign.ANY
    nullable: bool = False
    choices: tuple[str, ...] = ()


class Kind(Struct, frozen=True):
    """A kind of rows.

    ``series``: the columns that name one series, in which time may not go back. ``unique``: the columns that may not
    repeat. ``step``: the column that gives a series' expected step in ns, or ``epoch`` (step 1), or empty: no gaps.
    """

    name: str
    doc: str
    columns: tuple[Column, ...]
    series: tuple[str, ...]
    unique: tuple[str, ...]
    step: str = ""

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns in their order."""
        return tuple(column.name for column in self.columns)

    @property
    def polars_schema(self) -> pl.Schema:
        """The kind's schema in polars' terms."""
        return pl.Schema({column.name: POLARS_TYPES[column.type] for column in self.columns})


def _text(name: str, doc: str, *choices: str, nullable: bool = False) -> Column:
    return Column(name, ColumnType.TEXT, doc, nullable=nullable, choices=choices)


def _int(name: str, doc: str, sign: Sign = Sign.NOT_NEGATIVE, *, nullable: bool = False) -> Column:
    return Column(name, ColumnType.INT, doc, sign, nullable)


def _float(name: str, doc: str, sign: Sign = Sign.POSITIVE, *, nullable: bool = False) -> Column:
    return Column(name, ColumnType.FLOAT, doc, sign, nullable)


_TS = _int("ts_ns", "UTC, ns since 1970: when the row became known", Sign.POSITIVE)
_VENUE = _text("venue", "where it was observed, such as binance, drift, hyperliquid")
_SLOT = _int("slot", "Solana slot")

CANDLE = Kind(
    "candle",
    "Bars of a traded price.",
    (
        _text("instrument", 'spot "SOL/USDT", perp "SOL-PERP"'),
        _VENUE,
        _int("ts_ns", "UTC, ns since 1970: the bar's open; the bar is known at ts_ns + interval_ns", Sign.POSITIVE),
        _int("interval_ns", "length of the bar, ns", Sign.POSITIVE),
        *(_float(name, "quote units per base unit") for name in ("open", "high", "low", "close")),
        _float("volume_base", "traded base units", Sign.NOT_NEGATIVE, nullable=True),
    ),
    series=("instrument", "venue", "interval_ns"),
    unique=("instrument", "venue", "interval_ns", "ts_ns"),
    step="interval_ns",
)
FUNDING = Kind(
    "funding",
    "Funding settlements; positive: longs pay shorts. Either rate_quote_per_base with oracle_twap, or rate_fraction.",
    (
        _text("instrument", 'perp "SOL-PERP"'),
        _VENUE,
        _TS,
        _int("interval_ns", "the time the rate is for, ns", Sign.POSITIVE),
        _float("rate_quote_per_base", "quote units per base unit per interval", Sign.ANY, nullable=True),
        _float("rate_fraction", "fraction of the notional per interval", Sign.ANY, nullable=True),
        _float("oracle_twap", "quote units per base unit", nullable=True),
        _float("mark_twap", "quote units per base unit", nullable=True),
    ),
    series=("instrument", "venue"),
    unique=("instrument", "venue", "ts_ns"),
    step="interval_ns",
)
LENDING_RATE = Kind(
    "lending_rate",
    "What a venue pays for and charges on a token, averaged over the interval that ends at ts_ns.",
    (
        _text("instrument", 'token symbol "SOL"'),
        _VENUE,
        _TS,
        _int("interval_ns", "the time averaged over, ns", Sign.POSITIVE),
        _float("lend_rate", "fraction a year, paid to lenders", Sign.NOT_NEGATIVE, nullable=True),
        _float("borrow_rate", "fraction a year, paid by borrowers", Sign.NOT_NEGATIVE),
    ),
    series=("instrument", "venue"),
    unique=("instrument", "venue", "ts_ns"),
    step="interval_ns",
)
STAKE_RATE = Kind(
    "stake_rate",
    "Redemption rates of stake pools, once an epoch.",
    (
        _text("instrument", 'LST symbol "jitoSOL"'),
        _TS,
        _int("epoch", "Solana epoch"),
        _float("rate", "SOL per LST"),
    ),
    series=("instrument",),
    unique=("instrument", "epoch"),
    step="epoch",
)
LST_RATIO = Kind(
    "lst_ratio",
    "Market prices of an LST in SOL.",
    (
        _text("instrument", 'LST symbol "mSOL"'),
        _text("venue", "exchange or DEX"),
        _text("pool", "pool address, null on an exchange", nullable=True),
        _TS,
        _int("slot", "Solana slot, null on an exchange", nullable=True),
        _float("ratio", "SOL per LST"),
        _float("fair", "redemption rate known at the time, SOL per LST", nullable=True),
        _int("lag_slots", "age of the SOL price that the ratio rests on", nullable=True),
        _float("base_qty", "LST units that the pool offers", nullable=True),
    ),
    series=("instrument", "venue", "pool"),
    unique=("instrument", "venue", "pool", "ts_ns", "ratio"),
)
POOL_STATE = Kind(
    "pool_state",
    "Liquidity of a pool after a transaction. Several rows of a slot stand in the source's order.",
    (
        _text("instrument", "pool address"),
        _text("dex", "program"),
        _text("base", "symbol of the base token"),
        _text("quote", "symbol of the quote token"),
        _SLOT,
        _TS,
        _float("base_qty", "base units"),
        _float("quote_qty", "quote units"),
        _float("price", "quote units per base unit"),
        _int("fee_ppm", "swap fee, parts per million of the input"),
        _text("reserves", "exact: the pool's reserves; lower_bound: what the tick range holds", "exact", "lower_bound"),
    ),
    series=("instrument",),
    unique=("instrument", "slot", "base_qty", "quote_qty"),
)
ARB_EPISODE = Kind(
    "arb_episode",
    "Moments at which two pools of the same base token stood apart, as the source's scanner saw them.",
    (
        _text("instrument", "symbol of the base token, as the buy pool has it"),
        _text("sell_base", "symbol of the base token in the sell pool: the same"),
        _SLOT,
        _TS,
        *(
            column
            for leg in ("buy", "sell")
            for column in (
                _text(f"{leg}_pool", "pool address"),
                _float(f"{leg}_base_qty", "base units in the pool"),
                _float(f"{leg}_quote_qty", "quote units in the pool"),
                _float(f"{leg}_price", "quote units per base unit"),
                _int(f"{leg}_fee_ppm", "swap fee, parts per million of the input"),
                _int(f"{leg}_update_slot", "slot of the pool's last change"),
            )
        ),
        _float("arb_base_qty", "base units that the source would trade"),
        _float("quote_margin", "what the source reckons to keep, quote units", Sign.ANY),
        _float("gross_spread_bps", "sell price over buy price, before fees", Sign.ANY),
    ),
    series=("buy_pool", "sell_pool"),
    unique=("slot", "buy_pool", "sell_pool"),
)
SWAP = Kind(
    "swap",
    "Swaps of a launched token, in the order of seq.",
    (
        _text("instrument", "mint address"),
        _text("venue", "router or pool program"),
        _TS,
        _int("seq", "number of the swap within the token"),
        _int("age_s", "seconds since the token's creation", nullable=True),
        _text("side", "the trader's side", "buy", "sell"),
        _float("price_sol", "SOL per token"),
        _float("sol", "SOL units"),
        _float("tokens", "token units"),
        _int("trader_id", "trader, numbered within the token", nullable=True),
        Column("clean", ColumnType.BOOL, "price, sol and tokens agree"),
    ),
    series=("instrument",),
    unique=("instrument", "seq"),
)
QUOTE = Kind(
    "quote",
    "Best bid and ask at every change, by the local clock of whoever recorded it.",
    (
        _text("instrument", 'spot "BTC/USDT", perp "BTC-PERP"'),
        _VENUE,
        _TS,
        _float("bid", "quote units per base unit"),
        _float("bid_qty", "base units", Sign.NOT_NEGATIVE),
        _float("ask", "quote units per base unit"),
        _float("ask_qty", "base units", Sign.NOT_NEGATIVE),
    ),
    series=("instrument", "venue"),
    unique=("instrument", "venue", "ts_ns", "bid", "bid_qty", "ask", "ask_qty"),
)

KINDS: Final[dict[str, Kind]] = {
    kind.name: kind
    for kind in (
        CANDLE, FUNDING, LENDING_RATE, STAKE_RATE, LST_RATIO, POOL_STATE, ARB_EPISODE, SWAP, QUOTE,
    )
}  # fmt: skip


def known_name(name: str, known: Iterable[str], what: str) -> str:
    """``name`` if it is one of ``known``; otherwise a `DataError` that offers the nearest."""
    names = sorted(known)
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}?" if near else f"expected one of {', '.join(names)}"
    raise DataError(f"{what}: unknown name {name!r}; {hint}")


def kind_named(name: str) -> Kind:
    """The kind of that name. Raises `DataError` with the nearest name where there is none."""
    return KINDS[known_name(name, KINDS, "kind")]
