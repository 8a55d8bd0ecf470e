"""Where an LST trades against SOL now: the mid, the size worth buying, and exact quotes."""

from __future__ import annotations

import math
from collections.abc import Iterable

from phantom_arbiter.core.events import PoolUpdated, Quoted
from phantom_arbiter.core.instruments import Instrument
from phantom_arbiter.core.view import MarketView
from phantom_arbiter.engines.spot_quote import SwapQuote, reserves_for, sell_quote


def pools_of(view: MarketView, pool_ids: Iterable[str], min_lamports: int) -> list[PoolUpdated]:
    """The pools with at least ``min_lamports`` of SOL in reserve: a puddle's price is no market price."""
    known = (view.pool(pool_id) for pool_id in pool_ids)
    return [pool for pool in known if pool is not None and reserves_for(pool, "SOL")[0] >= max(1, min_lamports)]


def pool_mid(pool: PoolUpdated) -> float:
    """Lamports per atom between the reserves, before any fee; infinite for a pool without tokens."""
    lamports, atoms = reserves_for(pool, "SOL")
    return lamports / atoms if atoms else math.inf


def touch_mid(view: MarketView, instrument: Instrument) -> float | None:
    """Lamports per atom by the last quote's middle, or None."""
    mid = view.mid(instrument.id)
    return None if mid is None else mid * 10.0 ** (instrument.quote_decimals - instrument.base_decimals)


def market_mid(view: MarketView, instrument: Instrument, pools: list[PoolUpdated]) -> float | None:
    """The lowest pool's mid, where a purchase would go; the touch's where no pool is known."""
    if pools:
        return min(pool_mid(pool) for pool in pools)
    return touch_mid(view, instrument)


def last_word(view: MarketView, instrument: Instrument, pools: list[PoolUpdated]) -> int:
    """The ``seq`` of the newest fact that prices the token; 0 where there is none."""
    told = [view.quotes.get(instrument.id), *(view.pools.get(pool.pool) for pool in pools)]
    return max((envelope.seq for envelope in told if envelope is not None), default=0)


def worthwhile_lamports(pool: PoolUpdated, value: float) -> float:
    """The input at which the marginal all-in price reaches ``value`` (lamports per atom), 0 where it is beyond.

    Δ* = (√(x·y·(1−φ)·V) − x) / (1−φ), with x the SOL reserve and y the token's (reference/trading-domain.md §1.5).
    """
    lamports, atoms = reserves_for(pool, "SOL")
    keep = 1.0 - pool.fee_num / pool.fee_den
    return max(0.0, (math.sqrt(float(lamports) * atoms * keep * value) - lamports) / keep)


def worthwhile_at_touch(quote: Quoted, per_px: float, value: float, impacts: int) -> float:
    """The input whose net result is largest at a quote that tells its depth D, 0 where every input loses.

    A token is worth ``value`` lamports an atom (``per_px``: what one step of the price is) and ``impacts`` (k) is how
    often the way in and out pays half the spread h and the impact N / D: N·(V/mid − 1 − k·(h + N/D)) is largest at
    N = D·(V/mid − 1 − k·h) / 2k.
    """
    mid, half = (quote.bid_px + quote.ask_px) / 2.0, (quote.ask_px - quote.bid_px) / (quote.ask_px + quote.bid_px)
    edge = value / (mid * per_px) - 1.0 - impacts * half
    return max(0.0, quote.depth_quote_atoms * edge / (2 * impacts))


def buy(view: MarketView, instrument: Instrument, pools: list[PoolUpdated], lamports: int) -> SwapQuote | None:
    """The purchase for exactly ``lamports``: an LST is priced in SOL and paid in SOL."""
    return sell_quote(view, instrument, pools, "SOL", lamports)


def sell(view: MarketView, instrument: Instrument, pools: list[PoolUpdated], atoms: int) -> SwapQuote | None:
    """The sale of exactly ``atoms``."""
    return sell_quote(view, instrument, pools, instrument.base, atoms)
