"""Constant-product pools with noise flow, and the arbitrageurs who pull them back to the fair price.

An arbitrageur trades when a pool's marginal price, fee included, beats the fair price by enough to pay for the
transaction, and up to the point where it no longer does: then no cycle through such pools gains. What prices and
ordinary trades open is closed within the slot, unseen, by those who sit in the same block. Only the gap of a whale is
seen by all: it stays `LIFE_SLOTS` (recorded gaps between venues: median 3 slots, a tenth longer than 26; calibration
key ``solana_dex_arb_SOL_pairs.life_slots`` has 75 % within 3 and 95 % within 60).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from msgspec import Struct

from phantom_arbiter.core.events import PoolUpdated, Quoted
from phantom_arbiter.core.instruments import Instrument
from phantom_arbiter.core.units import power_of_ten
from phantom_arbiter.dex.constant_product import ConstantProductPool, apply, quote
from phantom_arbiter.dex.pool import SwapQuote, SwapRefusal
from phantom_arbiter.sim.market.streams import BLOCK_SLOTS, FloatArray
from phantom_arbiter.sim.market.universe import POOLS, universe

FEE_SCALE: Final = 1_000_000
LIFE_SLOTS: Final = ((1, 1), (1, 1), (1, 2), (2, 2), (3, 3), (3, 3), (4, 5), (6, 8), (10, 25), (26, 60))
"""Tenths of the lives of gaps: each from the first to the second, evenly."""
ARBITRAGE_COST_USD: Final = 0.0005
"""What closing a gap costs an arbitrageur: one base fee and a little. Assumed."""
QUOTE_EVERY_SLOTS: Final = 3
WHALE_SHARE: Final = 1 / 1_000
WHALE_SIZES: Final = (1.0, 2.2)
"""A whale moves the price by the pool's fee and 2 bps, times a factor between these."""
SIZE_SIGMA: Final = 1.2

_UNIVERSE: Final = universe()
DECIMALS: Final = {symbol: asset.decimals for symbol, asset in _UNIVERSE.assets.items()}
POOL_INSTRUMENTS: Final = tuple(_UNIVERSE.instruments[f"{spec.base}/{spec.quote}"] for spec in POOLS)
DEEPEST: Final = {instrument.id: index for index, instrument in reversed(list(enumerate(POOL_INSTRUMENTS)))}
"""The first listed, and deepest, pool of each instrument."""
_QUOTED_BY: Final = {index: instrument for instrument, index in DEEPEST.items()}
ATOM_SCALES: Final = np.array([10.0 ** (DECIMALS[spec.quote] - DECIMALS[spec.base]) for spec in POOLS])
"""Price in quote atoms per base atom = price in whole units times this."""
_KEEP: Final = [1.0 - spec.fee_e6 / FEE_SCALE for spec in POOLS]
_MARGINS: Final = [2.0 * math.sqrt(ARBITRAGE_COST_USD / spec.side_usd) for spec in POOLS]
"""The gap that earns the cost: closing a gap g in a pool with S dollars a side gains S·g²/4."""
_LIVES: Final = np.array(LIFE_SLOTS)

Trade = tuple[int, bool, float, int]
"""Pool, whether base (token 0) goes in, the share of the input reserve that goes in, and for how many slots the gap
that it may open stays; 0: not a whale."""


class Flow(NamedTuple):
    """Noise trades by pool: how many a minute, and by how much the median one and a whale move the price."""

    rates: FloatArray
    median_moves: FloatArray
    whale_moves: FloatArray

    @staticmethod
    def of(rows: Sequence[tuple[float, int]]) -> Flow:
        """From trades a minute and the fee in 1e-6 of each pool."""
        return Flow(
            np.array([rate for rate, _ in rows]),
            np.array([(0.02 * fee_e6 / 100 + 0.05) * 1e-4 for _, fee_e6 in rows]),
            np.array([(fee_e6 / 100 + 2.0) * 1e-4 for _, fee_e6 in rows]),
        )


FLOW: Final = Flow.of([(spec.trades_per_minute, spec.fee_e6) for spec in POOLS])


def trade_block(rng: np.random.Generator, intensity: float, flow: Flow = FLOW) -> list[list[Trade]]:
    """The noise trades of a block by slot: Poisson in number, log-normal in size, now and then a whale."""
    counts = rng.poisson(flow.rates * intensity)
    pools = np.repeat(np.arange(len(counts)), counts)
    total = len(pools)
    slots = rng.integers(BLOCK_SLOTS, size=total)
    base_in = rng.random(total) < 0.5
    moves = flow.median_moves[pools] * np.exp(SIZE_SIGMA * rng.standard_normal(total))
    is_whale = rng.random(total) < WHALE_SHARE
    whales = flow.whale_moves[pools] * rng.uniform(*WHALE_SIZES, total)
    shares = np.where(is_whale, whales, np.minimum(moves, 0.05)) / 2.0
    tenths = _LIVES[rng.integers(len(_LIVES), size=total)]
    lives = np.where(is_whale, rng.integers(tenths[:, 0], tenths[:, 1] + 1), 0)
    trades: list[list[Trade]] = [[] for _ in range(BLOCK_SLOTS)]
    columns = (slots.tolist(), pools.tolist(), base_in.tolist(), shares.tolist(), lives.tolist())
    for slot, pool, side, share, life in zip(*columns, strict=True):
        trades[slot].append((pool, side, share, life))
    return trades


class PoolBookState(Struct):
    """Reserves per pool, and the slot until which a whale's gap is left open."""

    reserves: list[tuple[int, int]]
    due_slots: dict[int, int]


class PoolBook:
    """All pools, by index into ``POOLS``. ``changed`` collects, in order, whose reserves a fact has yet to show.

    Without ``gaps`` arbitrageurs close everything at once, for nothing.
    """

    def __init__(self, state: PoolBookState, gaps: bool) -> None:
        self.pools = [
            ConstantProductPool(base, quote_, spec.fee_e6, FEE_SCALE)
            for (base, quote_), spec in zip(state.reserves, POOLS, strict=True)
        ]
        self.changed: dict[int, None] = {}
        self._due = dict(state.due_slots)
        self._gaps = gaps
        margins = _MARGINS if gaps else [0.0] * len(POOLS)
        self._bounds = [(keep * (1.0 - gap), (1.0 + gap) / keep) for keep, gap in zip(_KEEP, margins, strict=True)]

    @staticmethod
    def opening_reserves(fair: Sequence[float], quote_usd: Sequence[float]) -> list[tuple[int, int]]:
        """Reserves of the listed depth at the fair prices (quote atoms per base atom)."""
        reserves = []
        for spec, price, usd in zip(POOLS, fair, quote_usd, strict=True):
            quote_atoms = spec.side_usd / usd * power_of_ten(DECIMALS[spec.quote])
            reserves.append((int(quote_atoms / price), int(quote_atoms)))
        return reserves

    def state(self) -> PoolBookState:
        """What to carry, but for ``changed``."""
        reserves = [(pool.reserve_0_atoms, pool.reserve_1_atoms) for pool in self.pools]
        return PoolBookState(reserves, dict(self._due))

    def quote(self, index: int, base_in: bool, in_atoms: int) -> SwapQuote | SwapRefusal:
        """What a swap would pay now."""
        return quote(self.pools[index], in_atoms, base_in)

    def swap(self, index: int, base_in: bool, in_atoms: int) -> SwapQuote | SwapRefusal:
        """Swap, and move the pool."""
        answer = quote(self.pools[index], in_atoms, base_in)
        if isinstance(answer, SwapQuote):
            self.pools[index] = apply(self.pools[index], answer, base_in)
            self.changed[index] = None
        return answer

    def trade(self, trade: Trade, slot: int) -> None:
        """A noise trade. The pool counts as changed even if it refused."""
        index, base_in, share, life_slots = trade
        pool = self.pools[index]
        reserve = pool.reserve_0_atoms if base_in else pool.reserve_1_atoms
        self.swap(index, base_in, int(reserve * share) + 1)
        self.changed[index] = None
        if life_slots and self._gaps:
            self._due.setdefault(index, slot + life_slots)

    def pull(self, index: int) -> None:
        """Take all liquidity out: a rug."""
        spec = POOLS[index]
        self.pools[index] = ConstantProductPool(0, 0, spec.fee_e6, FEE_SCALE)
        self._due.pop(index, None)
        self.changed[index] = None

    def arbitrage(self, slot: int, fair: list[float]) -> None:
        """Let arbitrageurs close every gap that pays, but for those of whales before their time.

        ``fair`` is each pool's fair price now, in quote atoms per base atom.
        """
        for index in [index for index, due in self._due.items() if due <= slot]:
            del self._due[index]
        due, bounds = self._due, self._bounds
        for index, pool in enumerate(self.pools):
            worth, quote_atoms = fair[index] * pool.reserve_0_atoms, pool.reserve_1_atoms
            low, high = bounds[index]
            if (quote_atoms > worth * high or quote_atoms < worth * low) and index not in due:
                self._close_gap(index, fair[index])

    def _close_gap(self, index: int, fair: float) -> None:
        """Trade to where the marginal price after the fee is fair; nothing where it is already."""
        pool, keep = self.pools[index], _KEEP[index]
        base, quote_atoms = pool.reserve_0_atoms, pool.reserve_1_atoms
        base_net = math.sqrt(base * quote_atoms * keep / fair) - base
        quote_net = math.sqrt(base * quote_atoms * keep * fair) - quote_atoms
        if base_net > 0.0:
            self.swap(index, True, int(base_net / keep))
        elif quote_net > 0.0:
            self.swap(index, False, int(quote_net / keep))

    def fact(self, index: int, slot: int) -> PoolUpdated:
        """The pool's reserves as a fact."""
        spec, pool = POOLS[index], self.pools[index]
        return PoolUpdated(
            *(spec.id, spec.venue, spec.base, spec.quote),
            *(pool.reserve_0_atoms, pool.reserve_1_atoms, spec.fee_e6, FEE_SCALE, slot),
        )

    def quoted(self, index: int, slot: int) -> Quoted | None:
        """Marginal bid and ask, fee included, rounded outwards; sizes move the price by about 10 bps. None: empty."""
        pool, instrument = self.pools[index], POOL_INSTRUMENTS[index]
        base, quote_atoms = pool.reserve_0_atoms, pool.reserve_1_atoms
        if base == 0 or quote_atoms == 0:
            return None
        keep = FEE_SCALE - POOLS[index].fee_e6
        scaled, per = _scaled(instrument, quote_atoms, base)
        bid = scaled * keep // (per * FEE_SCALE)
        ask = -(-scaled * FEE_SCALE // (per * keep))
        return Quoted(instrument.id, bid, ask, slot, base // 2_000, base // 2_000)

    def quoted_instrument(self, index: int) -> str | None:
        """The instrument whose quote this pool makes."""
        return _QUOTED_BY.get(index)


def _scaled(instrument: Instrument, quote_atoms: int, base_atoms: int) -> tuple[int, int]:
    """The price of the reserves as a fraction, at the instrument's scale."""
    scale = instrument.base_decimals + instrument.price_decimals - instrument.quote_decimals
    return quote_atoms * power_of_ten(scale), base_atoms
