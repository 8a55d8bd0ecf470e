"""Small catalogues of recorded data, and what a market of them tells."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

from phantom_arbiter.app.recorded import RecordedMarket
from phantom_arbiter.core.events import Fact
from phantom_arbiter.runtime.ports import Arrival
from phantom_arbiter.storage.catalogue import Catalogue
from phantom_arbiter.storage.dataset_map import Dataset
from phantom_arbiter.storage.importer import import_file
from phantom_arbiter.storage.schemas import kind_named

START_NS = 1_744_588_800 * 10**9
"""2025-04-14."""
SECOND_NS = 10**9
BAR_NS = 300 * SECOND_NS
HOUR_NS = 3_600 * SECOND_NS
DAY_NS = 24 * HOUR_NS


F = TypeVar("F", bound=Fact)


class Recording:
    """Collects rows in the catalogue's own columns; `catalogue` imports them as they stand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: dict[str, list[dict[str, Any]]] = {}

    def add(self, kind: str, **row: Any) -> None:
        self.rows.setdefault(kind, []).append(row)

    def bars(
        self,
        instrument: str,
        prices: Sequence[float],
        *,
        first_ns: int = START_NS - 2 * BAR_NS,
        interval_ns: int = BAR_NS,
        venue: str = "binance",
    ) -> None:
        """Bars that open at a price, reach 2 below and 3 above (in per mille), and close 1 above or below it."""
        for index, price in enumerate(prices):
            row = {"open": price, "low": price * 0.998, "high": price * 1.003, "volume_base": 1.0}
            close = price * (1.001 if index % 2 else 0.999)
            ts_ns = first_ns + index * interval_ns
            names = {"instrument": instrument, "venue": venue, "interval_ns": interval_ns}
            self.add("candle", **names, ts_ns=ts_ns, close=close, **row)

    def funding(self, hours: int, *, oracle: float = 100.0, mark: float = 100.1, rate: float | None = None) -> None:
        """Hourly records of SOL-PERP from the start on, by Drift's formula or with one rate."""
        for hour in range(hours):
            hourly = (mark - oracle + oracle / 5_000) / 24 if rate is None else rate
            names = {"instrument": "SOL-PERP", "venue": "drift", "interval_ns": HOUR_NS}
            twaps = {"oracle_twap": oracle + hour, "mark_twap": mark + hour}
            self.add("funding", **names, ts_ns=START_NS + hour * HOUR_NS, rate_quote_per_base=hourly, **twaps)

    def stake(self, token: str, rate: float, epoch: int, ts_ns: int) -> None:
        self.add("stake_rate", instrument=token, ts_ns=ts_ns, epoch=epoch, rate=rate)

    def ratio(self, token: str, ratio: float, ts_ns: int, pool: str | None = None, slot: int | None = None) -> None:
        row = {"pool": pool, "slot": slot, "base_qty": None if pool is None else 2.5}
        venue = "binance" if pool is None else "whirlpool"
        self.add("lst_ratio", instrument=token, venue=venue, ts_ns=ts_ns, ratio=ratio, **row)

    def pool(self, name: str, base_qty: float, price: float, ts_ns: int, slot: int, **changes: Any) -> None:
        """A Raydium-like pool of SOL/USDC, unless changed."""
        row = {"dex": "raydium_amm_v4", "base": "SOL", "quote": "USDC", "fee_ppm": 2_500, "reserves": "exact"}
        row |= {"quote_qty": base_qty * price} | changes
        self.add("pool_state", instrument=name, slot=slot, ts_ns=ts_ns, base_qty=base_qty, price=price, **row)

    def until(self, known_ns: int, folder: Path) -> Recording:
        """What of it was known before an instant: a bar is known at its end."""
        cut = Recording(folder)
        for kind, rows in self.rows.items():
            cut.rows[kind] = [
                row for row in rows if row["ts_ns"] + (row["interval_ns"] if kind == "candle" else 0) <= known_ns
            ]
        return cut

    def catalogue(self) -> Catalogue:
        self.folder.mkdir(parents=True, exist_ok=True)
        for kind, rows in self.rows.items():
            if rows:
                path = self.folder / f"{kind}.parquet"
                frame = pl.DataFrame(rows, schema=kind_named(kind).polars_schema)
                frame.sort("ts_ns", maintain_order=True).write_parquet(path)
                import_file(self.folder / "catalogue", path, Dataset(path=path.name, kind=kind, units={"ts_ns": "ns"}))
        return Catalogue.open(self.folder / "catalogue")

    def market(self, hours: int = 6) -> RecordedMarket:
        return RecordedMarket.open(self.catalogue(), START_NS, START_NS + hours * HOUR_NS)


def drain(market: RecordedMarket, count: int | None = None) -> list[Arrival]:
    """The next facts, all of them unless counted."""
    told: list[Arrival] = []
    while market.peek_ns() is not None and (count is None or len(told) < count):
        told.append(market.pop())
    return told


def of(told: Sequence[Arrival], kind: type[F], subject: str = "") -> list[tuple[int, F]]:
    """Facts of a kind and subject, with their times."""
    names = ("instrument", "token", "pool", "venue")
    return [
        (arrival.ts_ns, arrival.body)
        for arrival in told
        if isinstance(arrival.body, kind)
        and (not subject or subject in [getattr(arrival.body, name, None) for name in names])
    ]
