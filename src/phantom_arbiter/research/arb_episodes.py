"""What the data themselves say of gaps between pools: episodes, and rows that never were a pool's state."""

from __future__ import annotations

from bisect import bisect_right
from typing import Final

import polars as pl
from msgspec import Struct

from phantom_arbiter.core.instruments import STABLE_ASSETS
from phantom_arbiter.core.units import BPS
from phantom_arbiter.storage.catalogue import Catalogue

_PAIR: Final = ("buy_pool", "sell_pool")
_PPM: Final = 1_000_000


class EpisodeSummary(Struct, frozen=True):
    """Episodes of a span: maximal runs of slots in which the source saw one pair of pools apart, both with one base
    token. ``crossing`` of them lie between a USDC and a USDT pool; ``stable_pools``: pools of stable against stable.

    A life is counted in slots, first and last included; ``lives`` holds (slots, episodes) sorted. Margins are what the
    source reckoned to keep in each of its ``rows``, gains what the two pools of a row would have given at the best
    size after their fees and before the chain's costs, both USD; ``closed_gain_usd`` sums the best row of each episode
    that does not cross.
    """

    rows: int
    count: int
    crossing: int
    stable_pools: int
    lives: tuple[tuple[int, int], ...]
    least_margin_usd: float | None
    median_margin_usd: float | None
    median_gain_usd: float | None
    largest_gain_usd: float | None
    closed_gain_usd: float

    def life_slots(self, share: float) -> int:
        """The shortest life that this share of episodes does not exceed; 0 without episodes."""
        counted = 0
        for slots, episodes in self.lives:
            counted += episodes
            if counted >= share * self.count:
                return slots
        return 0

    def over_within(self, slots: int) -> float:
        """The share of episodes that lived at most so long."""
        return sum(episodes for life, episodes in self.lives if life <= slots) / max(1, self.count)


def episodes_of(catalogue: Catalogue, start_ns: int, end_ns: int) -> EpisodeSummary:
    """Count the episodes of [start_ns, end_ns). A pair bought and sold the other way round is another pair."""
    rows = catalogue.series("arb_episode", start_ns=start_ns, end_ns=end_ns)
    seen = rows.select("slot", *_PAIR, "quote_margin", _gain().alias("gain")).sort(*_PAIR, "slot").collect()
    pools = catalogue.series("pool_state").select("instrument", "base", "quote").unique("instrument").collect()
    runs = _runs(seen, pools.select("instrument", "quote"))
    stable = pools.filter(pl.col("base").is_in(STABLE_ASSETS) & pl.col("quote").is_in(STABLE_ASSETS))
    margins, gains = seen["quote_margin"], seen["gain"]
    return EpisodeSummary(
        rows=seen.height,
        count=runs.height,
        crossing=runs.filter("crosses").height,
        stable_pools=stable.height,
        lives=tuple(runs.group_by("life").len().sort("life").iter_rows()),
        least_margin_usd=_number(margins.min()),
        median_margin_usd=_number(margins.median()),
        median_gain_usd=_number(gains.median()),
        largest_gain_usd=_number(gains.max()),
        closed_gain_usd=float(runs.filter(~pl.col("crosses"))["gain"].sum()),
    )


def _runs(seen: pl.DataFrame, quotes: pl.DataFrame) -> pl.DataFrame:
    """A row an episode: its life, its best gain, whether its pools have different quotes."""
    begins = (pl.col("slot") - pl.col("slot").shift(1).over(_PAIR)).fill_null(2) > 1
    runs = seen.group_by(begins.cum_sum().alias("run"), maintain_order=True).agg(
        *(pl.col(pool).first() for pool in _PAIR),
        (pl.col("slot").last() - pl.col("slot").first() + 1).alias("life"),
        pl.col("gain").max(),
    )
    for pool in _PAIR:
        runs = runs.join(quotes, left_on=pool, right_on="instrument", how="left", suffix="_sold")
    return runs.with_columns((pl.col("quote") != pl.col("quote_sold")).alias("crosses"))


def _gain() -> pl.Expr:
    """The most that buying at one constant-product pool and selling at the other can give, in quote units.

    With γ = 1 − fee, an input d pays A·d/(B + C·d): A = γ₁·γ₂·base₁·quote₂, B = base₂·quote₁, C = γ₁·(base₂ +
    γ₂·base₁). That less d is greatest at d = (√(A·B) − B)/C, and is there (√A − √B)²/C. Each pool counts with the
    smaller of its two sides at its price, which for whole pools are the same.
    """
    (base_1, quote_1, keep_1), (base_2, quote_2, keep_2) = _side("buy"), _side("sell")
    a, b, c = keep_1 * keep_2 * base_1 * quote_2, base_2 * quote_1, keep_1 * (base_2 + keep_2 * base_1)
    return pl.when(a > b).then((a.sqrt() - b.sqrt()) ** 2 / c).otherwise(0.0)


def _side(leg: str) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    price = pl.col(f"{leg}_price")
    base = pl.min_horizontal(pl.col(f"{leg}_base_qty"), pl.col(f"{leg}_quote_qty") / price)
    return base, base * price, 1 - pl.col(f"{leg}_fee_ppm") / _PPM


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


class PoolRows:
    """When each pool's rows came, and which of them may never have been a state of it.

    A swap changes both amounts of a whole pool. So of two neighbouring rows with one amount alike and the other not, at
    least one was read between the program's writes to the two vaults, and nobody could ever trade with it; which of
    them is not said. ``exact`` counts rows of whole pools, ``half`` those that have such a neighbour.
    """

    def __init__(self, catalogue: Catalogue, start_ns: int, end_ns: int) -> None:
        rows = catalogue.series("pool_state", start_ns=start_ns, end_ns=end_ns)
        whole = pl.col("reserves") == "exact"
        found = rows.select("instrument", "ts_ns", whole, pl.when(whole).then(_half_bps()).otherwise(0.0).alias("half"))
        frame = found.collect()
        self._known: dict[str, tuple[list[int], list[float]]] = {
            str(pool): (seen["ts_ns"].to_list(), seen["half"].to_list())
            for (pool,), seen in frame.partition_by("instrument", as_dict=True, maintain_order=True).items()
        }
        self.count = frame.height
        self.exact = frame.filter("reserves").height
        self.half = frame.filter(pl.col("half") > 0).height

    def number(self, pool: str, ts_ns: int) -> int:
        """The number, from 1, of a pool's row that counts at an instant; 0 before the first."""
        return bisect_right(self._known[pool][0], ts_ns) if pool in self._known else 0

    def doubt_bps(self, pool: str, ts_ns: int) -> float:
        """By how much the amounts of the row that counts at an instant differ from a neighbour that doubts it."""
        number = self.number(pool, ts_ns)
        return self._known[pool][1][number - 1] if number else 0.0


def _half_bps() -> pl.Expr:
    def against(step: int) -> pl.Expr:
        base, quote = (
            (pl.col(name).shift(step).over("instrument") / pl.col(name) - 1).abs() for name in ("base_qty", "quote_qty")
        )
        return pl.when((base == 0) != (quote == 0)).then(base + quote).otherwise(0.0).fill_null(0.0)

    return pl.max_horizontal(against(1), against(-1)) * BPS
