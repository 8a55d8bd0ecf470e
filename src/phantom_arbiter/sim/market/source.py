"""The built-in market: a source of facts, and the liquidity that simulated orders meet.

Time goes slot by slot. What happens outside (prices, noise trades, oracle posts) is drawn a minute ahead and does not
depend on us; pools and perp books are run only up to the last fact handed out, so an order never meets a state from
later than its own instant.
"""

from __future__ import annotations

from collections import deque
from copy import deepcopy
from typing import Final

from phantom_arbiter.core.events import (
    AnyFact,
    BorrowRatePosted,
    LinkChanged,
    VenueStatus,
    VenueStatusChanged,
)
from phantom_arbiter.core.intents import PerpOrder, Swap
from phantom_arbiter.core.units import NS_PER_SECOND, SLOT_NS, SLOTS_PER_EPOCH, power_of_ten, slot_at
from phantom_arbiter.dex.pool import SwapQuote, SwapRefusal
from phantom_arbiter.runtime.ports import Arrival
from phantom_arbiter.sim.fills import SwapFill, fill_of
from phantom_arbiter.sim.market.blocks import FEES_EVERY_SLOTS, Block, Carry, make_block
from phantom_arbiter.sim.market.exact_book import ExactBook
from phantom_arbiter.sim.market.exact_pools import EXACT_POOLS, STAKE_VENUE, moment_at
from phantom_arbiter.sim.market.memecoins import audit, rug_seconds
from phantom_arbiter.sim.market.perps import PerpBook, PerpNow
from phantom_arbiter.sim.market.places import place_of
from phantom_arbiter.sim.market.pools import DECIMALS, QUOTE_EVERY_SLOTS, PoolBook, PoolBookState
from phantom_arbiter.sim.market.scenarios import scenario_named
from phantom_arbiter.sim.market.stake_pools import UPDATE_LAG_SLOTS, is_cranked, read_stake_pool
from phantom_arbiter.sim.market.state import BuiltinMarketState
from phantom_arbiter.sim.market.streams import BLOCK_NS, BLOCK_SECONDS, BLOCK_SLOTS, SLOTS_PER_HOUR
from phantom_arbiter.sim.market.universe import (
    MEMECOINS,
    PERP_INDEX,
    PERP_VENUE,
    PERPS,
    POOL_VENUES,
    POOLS,
    STAKE_POOLS,
)

DEFAULT_START_NS: Final = 1_767_225_600 * NS_PER_SECOND
"""2026-01-01T00:00Z."""
STAKE_POOLS_EVERY_SLOTS: Final = 10 * BLOCK_SLOTS
BORROW_RATES_PPM: Final = {"USDC": 60_000, "USDT": 65_000, "SOL": 45_000}
FEEDS: Final = ("oracle", "pools", "perps", "stake-pools")
"""The links; with "network" also the sources of the facts. "pools" carries the quotes made from pools, too."""
SILENCED: Final = ("oracle", "pools")
"""What an outage takes down; the quotes of perps, which follow the oracle, fall silent with it."""


class BuiltinMarket:
    """A `MarketSource` and a `Liquidity`. ``start_ns`` must be on a whole minute; raises ValueError otherwise."""

    def __init__(self, seed: int, scenario: str = "calm", start_ns: int = DEFAULT_START_NS) -> None:
        if start_ns < 0 or start_ns % BLOCK_NS:
            raise ValueError(f"start_ns: got {start_ns}, expected a whole minute in nanoseconds since 1970")
        self._set(seed, scenario, start_ns)
        self._slot = self._start_slot - 1
        self._carry = Carry.first(self._start_slot)
        self._block = self._draw(self._start_slot // BLOCK_SLOTS)
        usd = self._block.usd
        opening = PoolBook.opening_reserves(self._block.fair[0], [usd[pool.quote] for pool in POOLS])
        self._pools = PoolBook(PoolBookState(opening, {}), gaps=self._scenario.edges)
        self._exact = ExactBook.opening(self._block.exact_fair[0], self._start_slot, gaps=self._scenario.edges)
        self._perps = PerpBook.opening([self._perp_now(index, 0) for index in range(len(PERPS))], self._start_slot)

    def _set(self, seed: int, scenario: str, start_ns: int) -> None:
        self._seed = seed
        self._scenario = scenario_named(scenario)
        self._start_ns = start_ns
        self._start_slot = slot_at(start_ns)
        self._rugs = rug_seconds(seed, self._scenario)
        self._popped = 0
        self._wake_slot = 0
        self._queue: deque[tuple[str, AnyFact]] = deque()
        self._unquoted: dict[int, None] = {}
        self._quoted: dict[str, tuple[int, int, int]] = {}

    # The source ---------------------------------------------------------------------------------------------------

    def peek_ns(self) -> int:
        """The instant of the next fact; there always is one."""
        return (self._slot if self._queue else self._next_slot()) * SLOT_NS

    def pop(self) -> Arrival:
        """Take the next fact, running the market up to it."""
        while not self._queue:
            self._run(self._next_slot())
        self._popped += 1
        source, fact = self._queue.popleft()
        return Arrival(self._slot * SLOT_NS, source, fact)

    def _next_slot(self) -> int:
        """The next slot that has facts; each block's first slot has."""
        end = self._block.first_slot + BLOCK_SLOTS
        silent = self._within(self._scenario.feeds_down, self._slot)
        for slot in range(self._slot + 1, end):
            if (slot % FEES_EVERY_SLOTS == 0) if silent else self._is_busy(slot):
                return slot
        return end

    def _is_busy(self, slot: int) -> bool:
        at = slot - self._block.first_slot
        due = slot % FEES_EVERY_SLOTS == 0 or slot == self._wake_slot
        return due or bool(self._block.trades[at]) or bool(self._block.posts[at])

    def _run(self, last: int) -> None:
        """Run every slot up to ``last`` in which something happens, at most into the next block's first slot."""
        for slot in range(self._slot + 1, last + 1):
            if slot == self._block.first_slot + BLOCK_SLOTS:
                self._carry = self._block.after
                self._block = self._draw(slot // BLOCK_SLOTS)
            if self._is_busy(slot):
                self._slot = slot
                self._run_slot(slot, slot - self._block.first_slot)

    def _draw(self, number: int) -> Block:
        return make_block(self._seed, self._scenario, self._carry, number, self._start_slot)

    def _run_slot(self, slot: int, at: int) -> None:
        posts = self._block.posts[at]
        if slot % BLOCK_SLOTS == 0:
            if self._starts(slot):
                posts = list(range(len(PERPS)))
                self._pools.changed.update(dict.fromkeys(range(len(POOLS))))
                self._exact.changed.update(dict.fromkeys(range(len(EXACT_POOLS))))
            self._run_minute(slot)
        for trade in self._block.trades[at]:
            self._pools.trade(trade, slot)
        self._pools.arbitrage(slot, self._block.fair[at])
        self._run_exact_pools(slot, at)
        silent = self._within(self._scenario.feeds_down, slot)
        if slot % FEES_EVERY_SLOTS == 0:
            self._emit("network", self._block.fees[at // FEES_EVERY_SLOTS])
        self._tell_pools(slot, silent)
        self._tell_exact_pools(slot, silent)
        self._tell_oracles(posts, slot, at, silent)

    def _run_exact_pools(self, slot: int, at: int) -> None:
        """Their trades come in slots that are busy anyway, so that all else goes as it would without them."""
        fair = self._block.exact_fair[at]
        for trade in self._block.exact_trades[at]:
            self._exact.trade(trade, slot, fair)
        self._exact.arbitrage(slot, fair)

    # The facts of a slot --------------------------------------------------------------------------------------------

    def _emit(self, source: str, fact: AnyFact) -> None:
        self._queue.append((source, fact))

    def _starts(self, slot: int) -> bool:
        """Whether feeds start or come back in this slot: then everything is told."""
        down = self._scenario.feeds_down
        return slot == self._start_slot or (down is not None and self._seconds(slot) == down[1])

    def _seconds(self, slot: int) -> int:
        """Seconds since the start, of a block's first slot."""
        return (slot - self._start_slot) // BLOCK_SLOTS * BLOCK_SECONDS

    def _within(self, span: tuple[int, int] | None, slot: int) -> bool:
        return span is not None and span[0] <= self._seconds(slot) < span[1]

    def _tell_pools(self, slot: int, silent: bool) -> None:
        pools = self._pools
        changed = list(pools.changed)
        pools.changed.clear()
        if silent:
            return
        for index in changed:
            self._emit("pools", pools.fact(index, slot))
            if pools.quoted_instrument(index) is not None:
                self._unquoted[index] = None
        for index in list(self._unquoted):
            self._tell_quote(index, slot)

    def _tell_exact_pools(self, slot: int, silent: bool) -> None:
        if silent:
            return  # what changed meanwhile is told, with all the rest, when the feeds are back
        everything = slot % BLOCK_SLOTS == 0 and self._starts(slot)
        for index in self._exact.changed:
            self._emit("pools", self._exact.fact(index, slot, everything=everything))
        self._exact.changed.clear()

    def _tell_quote(self, index: int, slot: int) -> None:
        """Quote a pool's instrument if the last quote is old enough and another."""
        instrument = self._pools.quoted_instrument(index) or ""
        last = self._quoted.get(instrument, (0, 0, 0))
        if slot - last[0] < QUOTE_EVERY_SLOTS:
            return
        del self._unquoted[index]
        quoted = self._pools.quoted(index, slot)
        if quoted is not None and (quoted.bid_px, quoted.ask_px) != last[1:]:
            self._quoted[instrument] = (slot, quoted.bid_px, quoted.ask_px)
            self._emit("pools", quoted)

    def _tell_oracles(self, posts: list[int], slot: int, at: int, silent: bool) -> None:
        paused = self._within(self._scenario.perp_paused, slot)
        for index in posts:
            now = self._perp_now(index, at)
            posted = self._perps.post_oracle(index, now, slot)
            if not silent:
                self._emit("oracle", posted)
            if not silent and not paused:
                self._emit("perps", self._perps.quote(index, now, slot))

    def _perp_now(self, index: int, at: int) -> PerpNow:
        return PerpNow(self._block.oracle_usd[index][at], self._block.premium_bps[index][at])

    # The facts of a minute ------------------------------------------------------------------------------------------

    def _run_minute(self, slot: int) -> None:
        seconds = self._seconds(slot)
        if slot == self._start_slot:
            for venue in (*POOL_VENUES, STAKE_VENUE, PERP_VENUE):
                self._emit("network", VenueStatusChanged(venue, VenueStatus.LIVE, "start of the market"))
            for feed in FEEDS:
                self._emit("network", LinkChanged(feed, True, "start of the market"))
        self._change_status(seconds)
        for symbol in (symbol for symbol, at in self._rugs.items() if at == seconds):
            for index in (index for index, pool in enumerate(POOLS) if pool.base == symbol):
                self._pools.pull(index)
            for index in (index for index, pool in enumerate(EXACT_POOLS) if pool.asset_0 == symbol):
                self._exact.pull(index)
        self._tell_perps(slot)
        self._tell_stake_pools(slot)
        if is_cranked(slot, self._start_slot):
            rates_e9 = {spec.asset.symbol: self._block.rates_e9[index] for index, spec in enumerate(STAKE_POOLS)}
            self._exact.crank(rates_e9, slot // SLOTS_PER_EPOCH)
        for symbol in DECIMALS if slot == self._start_slot else MEMECOINS:
            gone = self._rugs.get(symbol, seconds + 1) <= seconds
            self._emit("network", audit(symbol, self._liquidity_usd(symbol), seconds * NS_PER_SECOND, gone))

    def _change_status(self, seconds: int) -> None:
        paused, down = self._scenario.perp_paused, self._scenario.feeds_down
        if paused is not None and seconds == paused[0]:
            self._emit("network", VenueStatusChanged(PERP_VENUE, VenueStatus.PAUSED, "the venue paused its program"))
        if paused is not None and seconds == paused[1]:
            self._emit("network", VenueStatusChanged(PERP_VENUE, VenueStatus.LIVE, "the venue resumed"))
        for feed in SILENCED if down is not None and seconds in down else ():
            up = down is not None and seconds == down[1]
            self._emit("network", LinkChanged(feed, up, "reconnected" if up else "no data from the provider"))

    def _tell_perps(self, slot: int) -> None:
        block = self._block
        hourly = slot % SLOTS_PER_HOUR == 0 or slot == self._start_slot
        paused = self._within(self._scenario.perp_paused, slot)
        for index in range(len(PERPS)):
            now = self._perp_now(index, 0)
            self._emit("perps", self._perps.stats(index, now, slot, block.interest[index], block.volatility))
            if hourly and not paused:
                self._emit("perps", self._perps.funding(index, slot))
        for asset, rate in BORROW_RATES_PPM.items() if hourly else ():
            self._emit("perps", BorrowRatePosted(PERP_VENUE, asset, rate))

    def _tell_stake_pools(self, slot: int) -> None:
        cranked = slot % SLOTS_PER_EPOCH == UPDATE_LAG_SLOTS
        if slot % STAKE_POOLS_EVERY_SLOTS == 0 or cranked or slot == self._start_slot:
            for index in range(len(STAKE_POOLS)):
                rate_e9 = self._block.rates_e9[index]
                self._emit("stake-pools", read_stake_pool(index, rate_e9, slot, self._start_slot))

    def _liquidity_usd(self, symbol: str) -> float:
        """Both sides of all pools that pair the token as base, in dollars."""
        sides = (
            pool.reserve_1_atoms / power_of_ten(DECIMALS[spec.quote]) * self._block.usd[spec.quote]
            for pool, spec in zip(self._pools.pools, POOLS, strict=True)
            if symbol == spec.base
        )
        return 2.0 * sum(sides)

    # Liquidity ------------------------------------------------------------------------------------------------------

    def quote_swap(self, leg: Swap, in_atoms: int, now_ns: int) -> SwapFill | str:
        """What `swap` would pay, without moving the market."""
        self._catch_up(now_ns)
        place = place_of(leg)
        if isinstance(place, str):
            return place
        if place.exact:
            answer = self._exact.quote(*place[1:], in_atoms, moment_at(slot_at(now_ns)))
        else:
            answer = self._pools.quote(*place[1:], in_atoms)
        return _fill(leg, answer, in_atoms)

    def swap(self, leg: Swap, in_atoms: int, now_ns: int) -> SwapFill | str:
        """Execute against ``leg.pool``, or the deepest pool of the instrument where it names none; the pool moves.

        ``min_out_atoms`` is the caller's to hold the answer of `quote_swap` against.
        """
        self._catch_up(now_ns)
        place = place_of(leg)
        if isinstance(place, str):
            return place
        if place.exact:
            answer = self._exact.swap(*place[1:], in_atoms, moment_at(slot_at(now_ns)))
        else:
            answer = self._pools.swap(*place[1:], in_atoms)
        if isinstance(answer, SwapQuote) and self._wake_slot <= self._slot:
            self._wake_slot = max(self._slot, slot_at(now_ns)) + 1
        return _fill(leg, answer, in_atoms)

    def perp(self, leg: PerpOrder, base_atoms: int, now_ns: int) -> tuple[int, int] | str:
        """Execute around the mark with impact by depth: (base filled, quote value), both unsigned."""
        index = PERP_INDEX.get(leg.instrument)
        if index is None or leg.venue != PERP_VENUE:
            return f"no perp market {leg.instrument} at {leg.venue}"
        if self._within(self._scenario.perp_paused, slot_at(now_ns)):
            return f"venue {leg.venue} is paused"
        at = min(max(slot_at(now_ns) - self._block.first_slot, 0), BLOCK_SLOTS - 1)
        return self._perps.fill(index, self._perp_now(index, at), leg, base_atoms, now_ns)

    def _catch_up(self, now_ns: int) -> None:
        """Run the market up to ``now_ns``: in an outage slots run without facts."""
        if not self._queue:
            self._run(min(slot_at(now_ns), self._next_slot() - 1))

    # Recovery -------------------------------------------------------------------------------------------------------

    def cursor(self) -> tuple[int, ...]:
        """Where the market stands, in integers, for a state hash: slot, facts taken, each pool's reserves or hash."""
        reserves = (atoms for pool in self._pools.pools for atoms in (pool.reserve_0_atoms, pool.reserve_1_atoms))
        return (self._slot, self._popped, *reserves, *self._exact.cursor())

    def state(self) -> BuiltinMarketState:
        """A copy of everything that decides what comes next."""
        return BuiltinMarketState(
            seed=self._seed,
            scenario=self._scenario.name,
            start_ns=self._start_ns,
            slot=self._slot,
            popped=self._popped,
            carry=deepcopy(self._carry),
            block=self._block.first_slot // BLOCK_SLOTS,
            pools=self._pools.state(),
            exact=self._exact.state(),
            perps=deepcopy(self._perps.state),
            changed=list(self._pools.changed),
            exact_changed=list(self._exact.changed),
            unquoted=list(self._unquoted),
            quoted=dict(self._quoted),
            wake_slot=self._wake_slot,
            waiting=list(self._queue),
        )

    @classmethod
    def from_state(cls, state: BuiltinMarketState) -> BuiltinMarket:
        """The market that goes on from ``state`` with the facts the original would have told."""
        market = cls.__new__(cls)
        market._set(state.seed, state.scenario, state.start_ns)
        market._slot, market._popped, market._wake_slot = state.slot, state.popped, state.wake_slot
        market._carry = deepcopy(state.carry)
        market._block = market._draw(state.block)
        market._pools = PoolBook(state.pools, gaps=market._scenario.edges)
        market._pools.changed.update(dict.fromkeys(state.changed))
        market._exact = ExactBook.from_state(state.exact, state.exact_changed, gaps=market._scenario.edges)
        market._perps = PerpBook(deepcopy(state.perps))
        market._unquoted = dict.fromkeys(state.unquoted)
        market._quoted = dict(state.quoted)
        market._queue = deque(state.waiting)
        return market


def _fill(leg: Swap, answer: SwapQuote | SwapRefusal, in_atoms: int) -> SwapFill | str:
    if isinstance(answer, SwapRefusal):
        return f"{leg.pool or leg.instrument}: {answer.reason}"
    return fill_of(answer, in_atoms)
