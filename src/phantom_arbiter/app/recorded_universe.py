"""What a catalogue holds for a span: which series are told, and the assets and instruments that they speak of."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

import polars as pl
from msgspec import Struct

from phantom_arbiter.app.recorded_assumptions import (
    HALF_SPREAD_BPS,
    LST_HALF_SPREAD_BPS,
    MAJOR_HALF_SPREAD_BPS,
    MAX_CANDLE_NS,
    PERP_BASES,
    PERP_CANDLE_VENUE,
    PERP_VENUE,
    REFERENCE_FEE_PPM,
)
from phantom_arbiter.core.instruments import (
    SOL,
    STABLE_ASSETS,
    USDC,
    USDT,
    Asset,
    Instrument,
    Universe,
    perp,
    spot,
)
from phantom_arbiter.sim.market.universe import PERPS, STAKE_POOLS, TOKENS
from phantom_arbiter.storage.catalogue import Catalogue
from phantom_arbiter.storage.schemas import DataError

MAIN_LSTS: Final = ("jitoSOL", "mSOL", "bSOL", "JupSOL", "BNSOL")
_KNOWN: Final = {asset.symbol: asset for asset in (USDT, *(t.asset for t in TOKENS), *(p.asset for p in STAKE_POOLS))}
_KNOWN_PERPS: Final = {spec.instrument.id: spec.instrument for spec in PERPS}
_PRICE_DECIMALS: Final = 6
_LST_PRICE_DECIMALS: Final = 9


class CandleSeries(Struct, frozen=True, gc=False):
    """A series of bars and what it prices. ``instrument`` is the catalogue's name, ``target`` the universe's.

    ``base`` is set where the series is also a price of a perp's base; ``first_ts_ns`` and ``last_ts_ns`` are opens.
    """

    instrument: str
    venue: str
    interval_ns: int
    target: str
    price_decimals: int
    half_spread_bps: int
    base: str
    first_ts_ns: int
    last_ts_ns: int

    @property
    def is_perp(self) -> bool:
        """Whether it prices a perp."""
        return self.target.endswith("-PERP")


class PoolSeries(Struct, frozen=True, gc=False):
    """A pool that has states in the span."""

    address: str
    dex: str
    base: str
    quote: str


class Scope(Struct, frozen=True):
    """What is told of a span. Tuples are sorted; ``candles`` have the spots first, whose price comes before a perp's.

    ``lsts``: tokens whose stake pools are told; ``ratios``: those with a market;
    ``thin_ratios``: those of them read from pools. ``ratio_step_ns``: the step of an exchange's ratios, 0 where there
    are none. ``first_slot`` is the least slot recorded in the span, None where none was.
    """

    start_ns: int
    end_ns: int
    candles: tuple[CandleSeries, ...]
    fundings: tuple[str, ...]
    lsts: tuple[str, ...]
    ratios: tuple[str, ...]
    thin_ratios: tuple[str, ...]
    ratio_step_ns: int
    pools: tuple[PoolSeries, ...]
    reference_pools: frozenset[str]
    first_slot: int | None

    @property
    def bar_ns(self) -> int:
        """The longest bar in use."""
        return max((series.interval_ns for series in self.candles), default=0)

    @property
    def twap_is_price(self) -> bool:
        """Whether some perp has funding records that no single series of bars accompanies throughout."""
        return any(
            not any(series.base and f"{series.base}-PERP" == name and self._covers(series) for series in self.candles)
            for name in self.fundings
        )

    def _covers(self, series: CandleSeries) -> bool:
        slack_ns, first_told_ns = 2 * series.interval_ns, series.first_ts_ns + series.interval_ns
        told_until_ns = series.last_ts_ns + 2 * series.interval_ns
        return first_told_ns <= self.start_ns + slack_ns and told_until_ns >= self.end_ns - slack_ns

    @property
    def audited(self) -> tuple[str, ...]:
        """Tokens that need an audit to be traded: all with a spot price but majors, stables and LSTs."""
        spots = {series.target.partition("/")[0] for series in self.candles if not series.is_perp}
        apart = {token for token in spots if token in PERP_BASES or token in STABLE_ASSETS or _is_staked(token)}
        return tuple(sorted(spots - apart))


def survey(catalogue: Catalogue, start_ns: int, end_ns: int) -> Scope:
    """Look through a catalogue for what [start_ns, end_ns) can be told of. Raises `DataError` where that is nothing."""
    funding = catalogue.series("funding", start_ns=start_ns, end_ns=end_ns).filter(pl.col("venue") == PERP_VENUE)
    fundings = tuple(funding.select(pl.col("instrument").unique().sort()).collect()["instrument"])
    perp_bases = {*PERP_BASES, *(name.removesuffix("-PERP") for name in fundings)}
    candles = _candles(catalogue, perp_bases, start_ns, end_ns)
    ratios, pools = _ratios(catalogue, start_ns, end_ns), _pools(catalogue, start_ns, end_ns)
    if not candles and not fundings and not ratios.height and not pools.height:
        raise DataError(f"no bars up to 5 minutes, funding of {PERP_VENUE}, LST ratios or pool states in the span")
    markets = {*MAIN_LSTS, *ratios["instrument"], *pools["base"], *pools["quote"]}
    slots = pl.concat((ratios["slot"], pools["slot"])).drop_nulls().to_list()
    return Scope(
        start_ns=start_ns,
        end_ns=end_ns,
        candles=candles,
        fundings=fundings,
        lsts=tuple(sorted(markets & set(catalogue.instruments("stake_rate")))),
        ratios=tuple(ratios["instrument"]),
        thin_ratios=tuple(ratios.filter("thin")["instrument"]),
        ratio_step_ns=int(max(ratios["step_ns"].drop_nulls(), default=0)),
        pools=tuple(PoolSeries(*row) for row in pools.select("instrument", "dex", "base", "quote").iter_rows()),
        reference_pools=_reference_pools(pools),
        first_slot=min(slots, default=None),
    )


def _ratios(catalogue: Catalogue, start_ns: int, end_ns: int) -> pl.DataFrame:
    """Each LST with ratios: whether some are of pools, the usual step of an exchange's, the least slot."""
    rows = catalogue.series("lst_ratio", start_ns=start_ns, end_ns=end_ns)
    of_exchange = pl.col("ts_ns").filter(pl.col("pool").is_null())
    return (
        rows.group_by("instrument")
        .agg(
            pl.col("pool").is_not_null().any().alias("thin"),
            of_exchange.diff().median().alias("step_ns"),
            pl.col("slot").min(),
        )
        .sort("instrument")
        .collect()
    )


def _pools(catalogue: Catalogue, start_ns: int, end_ns: int) -> pl.DataFrame:
    """Each pool with states: what it is, its fee, the least slot."""
    rows = catalogue.series("pool_state", start_ns=start_ns, end_ns=end_ns)
    names = ("instrument", "dex", "base", "quote")
    return rows.group_by(names).agg(pl.col("fee_ppm").min(), pl.col("slot").min()).sort(names).collect()


def _reference_pools(pools: pl.DataFrame) -> frozenset[str]:
    """The pools that give SOL's price: the cheap ones, or all SOL/USDC pools where there are no cheap ones."""
    of_sol = pools.filter((pl.col("base") == "SOL") & (pl.col("quote") == "USDC"))
    cheap = of_sol.filter(pl.col("fee_ppm") <= REFERENCE_FEE_PPM)
    return frozenset((cheap if cheap.height else of_sol)["instrument"])


def _candles(catalogue: Catalogue, perp_bases: set[str], start_ns: int, end_ns: int) -> tuple[CandleSeries, ...]:
    """Of each instrument the series with the shortest bars; of two alike the one in USDC, then the first venue's."""
    rows = catalogue.series("candle", start_ns=start_ns - 2 * MAX_CANDLE_NS, end_ns=end_ns)
    found = (
        rows.filter(pl.col("interval_ns") <= MAX_CANDLE_NS)
        .group_by("interval_ns", "instrument", "venue")
        .agg(pl.col("open").first(), pl.col("ts_ns").min().alias("first"), pl.col("ts_ns").max().alias("last"))
        .sort("interval_ns", "instrument", "venue")
        .collect()
    )
    chosen: dict[str, CandleSeries] = {}
    for interval_ns, instrument, venue, price, first, last in found.iter_rows():
        target = _target(instrument, venue, perp_bases)
        if target and target not in chosen:
            base = target.partition("/")[0].removesuffix("-PERP")
            of_perp = base in perp_bases
            decimals = _PRICE_DECIMALS if of_perp else max(_PRICE_DECIMALS, min(15, 8 - math.floor(math.log10(price))))
            chosen[target] = CandleSeries(
                instrument=instrument,
                venue=venue,
                interval_ns=interval_ns,
                target=target,
                price_decimals=decimals,
                half_spread_bps=_half_spread_bps(base),
                base=base if of_perp else "",
                first_ts_ns=first,
                last_ts_ns=last,
            )
    return tuple(sorted(chosen.values(), key=lambda series: (series.is_perp, series.target)))


def _target(instrument: str, venue: str, perp_bases: set[str]) -> str:
    """The universe's name for a series; empty where it is not told: other quotes, and perps of other venues."""
    base, _, quote = instrument.partition("/")
    if not quote:
        told = venue == PERP_CANDLE_VENUE and base.removesuffix("-PERP") in perp_bases
        return instrument if told else ""
    if quote not in STABLE_ASSETS:
        return ""
    return instrument if base in STABLE_ASSETS else f"{base}/USDC"


def _half_spread_bps(token: str) -> int:
    if token in PERP_BASES or token in STABLE_ASSETS:
        return MAJOR_HALF_SPREAD_BPS
    return LST_HALF_SPREAD_BPS if _is_staked(token) else HALF_SPREAD_BPS


def _is_staked(token: str) -> bool:
    return token == "WBETH" or (token != "SOL" and token.endswith("SOL"))


def universe_of(scope: Scope) -> Universe:
    """Assets and instruments of a scope; SOL, USDC, USDT, SOL/USDC and SOL-PERP are always among them."""
    spots = {"SOL/USDC": _PRICE_DECIMALS}
    perps = {"SOL-PERP", *scope.fundings, *(f"{series.base}-PERP" for series in scope.candles if series.base)}
    for series in scope.candles:
        if series.is_perp:
            spots[f"{series.base}/USDC"] = _PRICE_DECIMALS
        else:
            spots[series.target] = series.price_decimals
    for name in scope.fundings:
        spots[f"{name.removesuffix('-PERP')}/USDC"] = _PRICE_DECIMALS
    for token in {*scope.lsts, *scope.ratios}:
        spots[f"{token}/SOL"] = _LST_PRICE_DECIMALS
    for pool in scope.pools:
        spots.setdefault(f"{pool.base}/{pool.quote}", _PRICE_DECIMALS)
    symbols = {symbol for name in spots for symbol in name.split("/")}
    assets = {symbol: _asset(symbol) for symbol in sorted({*symbols, "SOL", "USDC", "USDT"})}
    return Universe.of(tuple(assets.values()), (*_spots(spots, assets), *(_perp(name) for name in sorted(perps))))


def _spots(spots: dict[str, int], assets: dict[str, Asset]) -> Iterable[Instrument]:
    for name, decimals in sorted(spots.items()):
        base, _, quote = name.partition("/")
        yield spot(assets[base], assets[quote], decimals)


def _asset(symbol: str) -> Asset:
    """A known token, or one of 9 decimals where it is staked SOL, else of 6."""
    known = {"SOL": SOL, "USDC": USDC, **_KNOWN}.get(symbol)
    return known if known is not None else Asset(symbol, 9 if symbol.endswith("SOL") else 6)


def _perp(name: str) -> Instrument:
    known = _KNOWN_PERPS.get(name)
    if known is not None:
        return known
    return perp(name.removesuffix("-PERP"), USDC, min_base_atoms=1_000_000, step_base_atoms=1_000_000)
