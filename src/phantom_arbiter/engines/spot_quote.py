"""What a spot swap would pay now: by a pool's own integer maths, or at the touch where no pool is known.

Shared by the engines that trade spot. Amounts are atoms; nothing here remembers anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from phantom_arbiter.core.events import PoolUpdated, Quoted
from phantom_arbiter.core.instruments import Instrument
from phantom_arbiter.core.intents import Swap
from phantom_arbiter.core.reservation_plan import BASE_FEE_LAMPORTS
from phantom_arbiter.core.units import BPS, Rounding, mul_div
from phantom_arbiter.core.view import MarketView
from phantom_arbiter.dex import constant_product as cp
from phantom_arbiter.dex.impact import impacted_px
from phantom_arbiter.dex.pool import SwapRefusal

MAX_ROUNDS: Final = 32
"""Each halves at least what is missing, for at most half the depth."""


class SwapQuote(Struct, frozen=True, gc=False):
    """A swap as it would be paid now.

    ``fee_atoms`` is in the input asset, inside ``in_atoms``. ``impact_atoms`` is in the output asset: what the
    pool's slope (at the touch: half the spread, and the slope of its depth) takes beyond the fee. ``pool`` is empty
    at the touch.
    """

    instrument: str
    pool: str
    in_asset: str
    out_asset: str
    in_atoms: int
    out_atoms: int
    fee_atoms: int
    impact_atoms: int

    def leg(self, slippage_bps: int, *, from_position: bool = False) -> Swap:
        """The swap as a leg that reverts when it pays more than ``slippage_bps`` less (rounded up, for us)."""
        least = mul_div(self.out_atoms, BPS - slippage_bps, BPS, Rounding.UP)
        return Swap(
            instrument=self.instrument,
            pool=self.pool,
            in_asset=self.in_asset,
            out_asset=self.out_asset,
            in_atoms=self.in_atoms,
            expected_out_atoms=self.out_atoms,
            min_out_atoms=least,
            from_position=from_position,
        )


def pools_between(view: MarketView, asset_a: str, asset_b: str) -> list[PoolUpdated]:
    """Every known pool of the two assets, in the order in which they became known."""
    pair = {asset_a, asset_b}
    pools = [envelope.body for envelope in view.pools.values()]
    return [pool for pool in pools if isinstance(pool, PoolUpdated) and {pool.asset_0, pool.asset_1} == pair]


def pool_maths(pool: PoolUpdated) -> cp.ConstantProductPool:
    """The reserves and fee in the form that `dex.constant_product` computes with."""
    return cp.ConstantProductPool(pool.reserve_0_atoms, pool.reserve_1_atoms, pool.fee_num, pool.fee_den)


def reserves_for(pool: PoolUpdated, in_asset: str) -> tuple[int, int]:
    """(reserve of ``in_asset``, reserve of the other) in atoms."""
    if pool.asset_0 == in_asset:
        return pool.reserve_0_atoms, pool.reserve_1_atoms
    return pool.reserve_1_atoms, pool.reserve_0_atoms


def sell_quote(
    view: MarketView, instrument: Instrument, pools: Iterable[PoolUpdated], in_asset: str, in_atoms: int
) -> SwapQuote | None:
    """The best swap of an exact input over ``pools``; at the touch where there is none; None where nothing pays."""
    candidates = list(pools)
    if not candidates:
        return _touch_exact_in(view, instrument, in_asset, in_atoms)
    quotes = [quoted for pool in candidates if (quoted := _pool_exact_in(instrument, pool, in_asset, in_atoms))]
    return max(quotes, key=lambda quoted: quoted.out_atoms, default=None)


def buy_quote(
    view: MarketView, instrument: Instrument, pools: Iterable[PoolUpdated], out_asset: str, out_atoms: int
) -> SwapQuote | None:
    """The cheapest swap that pays at least ``out_atoms``; at the touch where no pool is known; None if none can."""
    in_asset = instrument.quote if out_asset == instrument.base else instrument.base
    candidates = list(pools)
    if not candidates:
        return _touch_exact_out(view, instrument, in_asset, out_atoms)
    quotes = []
    for pool in candidates:
        needed = cp.amount_in_for(pool_maths(pool), out_atoms, pool.asset_0 == in_asset)
        if isinstance(needed, int) and (quoted := _pool_exact_in(instrument, pool, in_asset, needed)):
            quotes.append(quoted)
    return min(quotes, key=lambda quoted: quoted.in_atoms, default=None)


def transaction_fees(view: MarketView, compute_units: int) -> tuple[int, int]:
    """(base, priority) lamports of one transaction at the present fee market, rounded up."""
    priority = mul_div(view.fees.priority_micro_lamports, compute_units, 1_000_000, Rounding.UP)
    return BASE_FEE_LAMPORTS, priority


def _pool_exact_in(instrument: Instrument, pool: PoolUpdated, in_asset: str, in_atoms: int) -> SwapQuote | None:
    answer = cp.quote(pool_maths(pool), in_atoms, pool.asset_0 == in_asset)
    if isinstance(answer, SwapRefusal):
        return None
    reserve_in, reserve_out = reserves_for(pool, in_asset)
    at_mid = mul_div(in_atoms - answer.input_fee_atoms, reserve_out, reserve_in, Rounding.UP)
    out_asset = pool.asset_1 if pool.asset_0 == in_asset else pool.asset_0
    return SwapQuote(
        instrument=instrument.id,
        pool=pool.pool,
        in_asset=in_asset,
        out_asset=out_asset,
        in_atoms=in_atoms,
        out_atoms=answer.amount_out_atoms,
        fee_atoms=answer.input_fee_atoms,
        impact_atoms=at_mid - answer.amount_out_atoms,
    )


def _touch_px(instrument: Instrument, quote: Quoted, in_asset: str, in_atoms: int) -> int:
    """The average price of an exact input at the touch, with the impact on the quote's depth where it has one."""
    buys = in_asset == instrument.quote
    px = quote.ask_px if buys else quote.bid_px
    if not quote.depth_quote_atoms:
        return px
    value = in_atoms if buys else instrument.quote_atoms(in_atoms, px, Rounding.UP)
    return impacted_px(px, buys=buys, quote_atoms=value, depth_quote_atoms=quote.depth_quote_atoms)


def _touch_exact_in(view: MarketView, instrument: Instrument, in_asset: str, in_atoms: int) -> SwapQuote | None:
    quote = view.quote(instrument.id)
    if quote is None or in_atoms <= 0:
        return None
    px, twice_mid = _touch_px(instrument, quote, in_asset, in_atoms), quote.bid_px + quote.ask_px
    if in_asset == instrument.quote:
        out_asset, out = instrument.base, instrument.base_atoms(in_atoms, px, Rounding.DOWN)
        lost = mul_div(out, 2 * px - twice_mid, twice_mid, Rounding.UP)
    else:
        out_asset, out = instrument.quote, instrument.quote_atoms(in_atoms, px, Rounding.DOWN)
        lost = mul_div(out, twice_mid - 2 * px, 2 * px, Rounding.UP) if out else 0
    return SwapQuote(instrument.id, "", in_asset, out_asset, in_atoms, out, 0, lost) if out > 0 else None


def _touch_exact_out(view: MarketView, instrument: Instrument, in_asset: str, out_atoms: int) -> SwapQuote | None:
    """The input grows until it pays its own impact too; None above half the depth."""
    quote = view.quote(instrument.id)
    if quote is None:
        return None
    buys = in_asset == instrument.quote
    value = instrument.quote_atoms(out_atoms, quote.ask_px, Rounding.UP) if buys else out_atoms
    if 2 * value > quote.depth_quote_atoms > 0:
        return None
    convert = instrument.quote_atoms if buys else instrument.base_atoms
    needed = 0
    for _ in range(MAX_ROUNDS):
        wanted = convert(out_atoms, _touch_px(instrument, quote, in_asset, needed), Rounding.UP)
        if wanted <= needed:
            return _touch_exact_in(view, instrument, in_asset, needed)
        needed = wanted
    return None
