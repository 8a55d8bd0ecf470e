"""Who fills a simulated order: the protocol that the built-in market and recorded data share, and recorded data.

Recorded prices do not answer to our trades, so `RecordedLiquidity` adds what they would have done, against us: each
fill pays its impact, what we took is missing for our next order in the same direction, and the opposite direction does
not profit from it (resilience ρ = 1 for pools that arbitrage keeps in line). What we took from a quote comes back with
time; a pool stays as we left it until its next row, or a gap that nobody closed would pay again and again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from msgspec import Struct, field

from phantom_arbiter.core.events import Envelope, OraclePosted, PoolAccountsRead, PoolUpdated, Quoted
from phantom_arbiter.core.instruments import Instrument, Universe
from phantom_arbiter.core.intents import PerpOrder, Side, Swap
from phantom_arbiter.core.units import BPS, NS_PER_SECOND, Rounding, mul_div
from phantom_arbiter.dex.constant_product import ConstantProductPool, quote
from phantom_arbiter.dex.impact import PPM, impacted_px
from phantom_arbiter.dex.pool import SwapRefusal
from phantom_arbiter.sim.account_liquidity import AccountPool, AccountPools
from phantom_arbiter.sim.account_liquidity import digest_items as account_digest_items
from phantom_arbiter.sim.fills import SwapFill, fill_of


class Liquidity(Protocol):
    """Fills orders against the market as it stands at ``now_ns``; a string says why it cannot."""

    def swap(self, leg: Swap, in_atoms: int, now_ns: int) -> SwapFill | str:
        """Execute: the market moves."""

    def quote_swap(self, leg: Swap, in_atoms: int, now_ns: int) -> SwapFill | str:
        """What `swap` would pay, without moving the market."""

    def perp(self, leg: PerpOrder, base_atoms: int, now_ns: int) -> tuple[int, int] | str:
        """Execute a perp order: (base filled, quote value of the fills), both unsigned."""


class Impact(Struct, frozen=True, forbid_unknown_fields=True):
    """How far a trade of N pushes its average price: ``fixed_ppm + slope_ppm · N / depth``, in parts per million.

    ``depth_quote_atoms`` maps an instrument, or a quote asset as the fallback, to the depth in quote atoms. With a
    slope of 1,000,000 (default) and the pool's reserve as depth, it is a constant-product pool's own impact. Calibrate
    by quoting two sizes. ``recovery_ns``: the time in which what we took of a quote comes back, linearly (10 slots,
    assumed). ``resilience_ppm``: how much of our push a trade in the opposite direction does not see (all of it).
    """

    depth_quote_atoms: dict[str, int]
    fixed_ppm: int = 0
    slope_ppm: int = PPM
    recovery_ns: int = 4 * NS_PER_SECOND
    resilience_ppm: int = PPM

    def depth_of(self, instrument: Instrument) -> int:
        """The depth of an instrument, 0 where none is known."""
        return self.depth_quote_atoms.get(instrument.id, self.depth_quote_atoms.get(instrument.quote, 0))


class Push(Struct, gc=False):
    """What we did to a pool: changes of its two reserves since its last row."""

    change_0_atoms: int
    change_1_atoms: int


class Taken(Struct, gc=False):
    """How much depth, in quote atoms, we took from one side of an instrument by ``ts_ns``."""

    quote_atoms: int
    ts_ns: int


class RecordedState(Struct):
    """What recorded data said last, and what we did to it. ``taken`` is keyed by ``instrument:side``."""

    quotes: dict[str, Quoted] = field(default_factory=dict)
    oracles: dict[str, OraclePosted] = field(default_factory=dict)
    pools: dict[str, PoolUpdated] = field(default_factory=dict)
    pushes: dict[str, Push] = field(default_factory=dict)
    taken: dict[str, Taken] = field(default_factory=dict)
    account_pools: dict[str, AccountPool] = field(default_factory=dict)


class RecordedLiquidity:
    """Fills at the last recorded pool row or quote, never better than ``half_spread_bps`` off the middle.

    A swap with a pool quotes constant product on its row, or exactly on its accounts (`sim.account_liquidity`). One
    without, and every perp order, pays the quote's bid or ask (a perp without quotes: the oracle) plus `Impact`.
    State: `state`, hand it back in to go on after a crash.
    """

    def __init__(
        self, universe: Universe, half_spread_bps: int, impact: Impact, state: RecordedState | None = None
    ) -> None:
        self.universe = universe
        self.half_spread_bps = half_spread_bps
        self.impact = impact
        self.state = state if state is not None else RecordedState()
        self._account_pools = AccountPools(self.state.account_pools)

    def observe(self, envelope: Envelope) -> None:
        """Take in a market fact. A pool's new row replaces what we did to the old one."""
        body = envelope.body
        match body:
            case Quoted():
                self.state.quotes[body.instrument] = body
            case OraclePosted():
                self.state.oracles[body.instrument] = body
            case PoolUpdated():
                self.state.pools[body.pool] = body
                self.state.pushes.pop(body.pool, None)
            case PoolAccountsRead():
                self._account_pools.observe(body, envelope.ts_ns)
            case _:
                pass

    def digest_items(self) -> Iterator[str | int]:
        """Integers and strings that tell two states apart: what we did to the market, in a fixed order."""
        for pool, push in sorted(self.state.pushes.items()):
            yield from (pool, push.change_0_atoms, push.change_1_atoms)
        for side, taken in sorted(self.state.taken.items()):
            yield from (side, taken.quote_atoms, taken.ts_ns)
        yield from account_digest_items(self.state.account_pools)

    def swap(self, leg: Swap, in_atoms: int, now_ns: int) -> SwapFill | str:
        """Execute: leaves a push on the pool, or depth taken from the quote."""
        if leg.pool in self._account_pools:
            return self._account_pools.swap(leg, in_atoms, now_ns)
        fill = self.quote_swap(leg, in_atoms, now_ns)
        if isinstance(fill, str):
            return fill
        if leg.pool:
            self._push(leg, in_atoms, fill.out_atoms)
        else:
            instrument = self.universe.instruments[leg.instrument]
            buys = leg.in_asset == instrument.quote
            self._take(instrument, buys, in_atoms if buys else fill.out_atoms, now_ns)
        return fill

    def quote_swap(self, leg: Swap, in_atoms: int, now_ns: int) -> SwapFill | str:
        """What `swap` would pay now."""
        if leg.pool in self._account_pools:
            return self._account_pools.quote(leg, in_atoms, now_ns)
        return self._quote_pool(leg, in_atoms) if leg.pool else self._quote_price(leg, in_atoms, now_ns)

    def perp(self, leg: PerpOrder, base_atoms: int, now_ns: int) -> tuple[int, int] | str:
        """Fill the whole order at its average price, or none of it beyond the limit."""
        instrument = self.universe.instruments[leg.instrument]
        buys = leg.side is Side.BUY
        touch = self._touch_px(instrument, buys)
        if isinstance(touch, str):
            return touch
        rough_atoms = instrument.quote_atoms(base_atoms, touch, Rounding.UP)
        px = self._impacted_px(instrument, touch, buys, rough_atoms, now_ns)
        if isinstance(px, str):
            return px
        if (px > leg.limit_px) if buys else (px < leg.limit_px):
            return f"price {px} is beyond the limit {leg.limit_px}"
        quote_atoms = instrument.quote_atoms(base_atoms, px, Rounding.UP if buys else Rounding.DOWN)
        self._take(instrument, buys, quote_atoms, now_ns)
        return base_atoms, quote_atoms

    # Pools

    def _quote_pool(self, leg: Swap, in_atoms: int) -> SwapFill | str:
        row = self.state.pools.get(leg.pool)
        if row is None:
            return f"pool {leg.pool} was never seen"
        if {leg.in_asset, leg.out_asset} != {row.asset_0, row.asset_1}:
            return f"pool {leg.pool} does not trade {leg.in_asset} for {leg.out_asset}"
        zero_for_one = leg.in_asset == row.asset_0
        reserve_0, reserve_1 = self._reserves(row, zero_for_one)
        answer = quote(ConstantProductPool(reserve_0, reserve_1, row.fee_num, row.fee_den), in_atoms, zero_for_one)
        return answer.reason if isinstance(answer, SwapRefusal) else fill_of(answer, in_atoms)

    def _reserves(self, row: PoolUpdated, zero_for_one: bool) -> tuple[int, int]:
        """The reserves we face: our own push helps no trade against it but for ``1 − ρ``."""
        push = self.state.pushes.get(row.pool)
        if push is None:
            return row.reserve_0_atoms, row.reserve_1_atoms
        along = (push.change_0_atoms > 0) == zero_for_one
        felt_ppm = PPM if along else PPM - self.impact.resilience_ppm
        into, out = (Rounding.UP, Rounding.DOWN) if zero_for_one else (Rounding.DOWN, Rounding.UP)
        change_0 = mul_div(push.change_0_atoms, felt_ppm, PPM, into)
        change_1 = mul_div(push.change_1_atoms, felt_ppm, PPM, out)
        return row.reserve_0_atoms + change_0, row.reserve_1_atoms + change_1

    def _push(self, leg: Swap, in_atoms: int, out_atoms: int) -> None:
        row = self.state.pools[leg.pool]
        zero_for_one = leg.in_asset == row.asset_0
        reserve_0, reserve_1 = self._reserves(row, zero_for_one)
        change_0, change_1 = (in_atoms, -out_atoms) if zero_for_one else (-out_atoms, in_atoms)
        self.state.pushes[leg.pool] = Push(
            reserve_0 + change_0 - row.reserve_0_atoms, reserve_1 + change_1 - row.reserve_1_atoms
        )

    # Quotes

    def _quote_price(self, leg: Swap, in_atoms: int, now_ns: int) -> SwapFill | str:
        instrument = self.universe.instruments.get(leg.instrument)
        if instrument is None or {leg.in_asset, leg.out_asset} != {instrument.base, instrument.quote}:
            return f"{leg.instrument} does not trade {leg.in_asset} for {leg.out_asset}"
        buys = leg.in_asset == instrument.quote
        touch = self._touch_px(instrument, buys)
        if isinstance(touch, str):
            return touch
        quote_atoms = in_atoms if buys else instrument.quote_atoms(in_atoms, touch, Rounding.UP)
        px = self._impacted_px(instrument, touch, buys, quote_atoms, now_ns)
        if isinstance(px, str):
            return px
        convert = instrument.base_atoms if buys else instrument.quote_atoms
        out_atoms = convert(in_atoms, px, Rounding.DOWN)
        return SwapFill(out_atoms, 0) if out_atoms > 0 else "output is zero"

    def _touch_px(self, instrument: Instrument, buys: bool) -> int | str:
        last = self.state.quotes.get(instrument.id)
        if last is not None:
            bid, ask = last.bid_px, last.ask_px
        elif instrument.id in self.state.oracles:
            bid = ask = self.state.oracles[instrument.id].px
        else:
            return f"no price was seen for {instrument.id}"
        if buys:
            return max(ask, mul_div(bid + ask, BPS + self.half_spread_bps, 2 * BPS, Rounding.UP))
        return min(bid, mul_div(bid + ask, BPS - self.half_spread_bps, 2 * BPS, Rounding.DOWN))

    def _impacted_px(self, instrument: Instrument, px: int, buys: bool, quote_atoms: int, now_ns: int) -> int | str:
        depth = self.impact.depth_of(instrument)
        if depth <= 0:
            return f"no depth is known for {instrument.id} or in {instrument.quote}"
        return impacted_px(
            px,
            buys=buys,
            quote_atoms=quote_atoms,
            depth_quote_atoms=depth,
            used_quote_atoms=self._used(instrument, buys, now_ns),
            fixed_ppm=self.impact.fixed_ppm,
            slope_ppm=self.impact.slope_ppm,
        )

    def _used(self, instrument: Instrument, buys: bool, now_ns: int) -> int:
        taken = self.state.taken.get(_side_key(instrument, buys))
        if taken is None:
            return 0
        return mul_div(taken.quote_atoms, self._left_ppm(taken.ts_ns, now_ns), PPM, Rounding.UP)

    def _take(self, instrument: Instrument, buys: bool, quote_atoms: int, now_ns: int) -> None:
        used = self._used(instrument, buys, now_ns)
        self.state.taken[_side_key(instrument, buys)] = Taken(used + quote_atoms, now_ns)

    def _left_ppm(self, since_ns: int, now_ns: int) -> int:
        recovery_ns = self.impact.recovery_ns
        remaining_ns = recovery_ns - (now_ns - since_ns)
        return mul_div(PPM, remaining_ns, recovery_ns, Rounding.UP) if remaining_ns > 0 else 0


def _side_key(instrument: Instrument, buys: bool) -> str:
    return f"{instrument.id}:{Side.BUY.value if buys else Side.SELL.value}"
