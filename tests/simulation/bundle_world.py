"""Atomic cycles over the real kernel and the paper driver, with a hostile chain and network, and a wallet of its own.

A scripted engine proposes cycles at random: two and three hops, splits over parallel pools, two base assets, with and
without a tip, some that spend more than they will be paid. Transactions drop, land late, fail, time out and lose to
rivals; pools move, fall silent, vanish, are rugged or frozen while an order is on its way; reports are doubled,
delayed, lost or told again; the process dies. `Wallet` is what an account on chain would hold: it takes each fill once,
as the driver first tells it, before the network has its way.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from heapq import heappop, heappush
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from phantom_arbiter.core.commands import Mode, StartEngine
from phantom_arbiter.core.events import (
    AccountRead,
    AnyFact,
    Commanded,
    Envelope,
    LegReport,
    LegStatus,
    OrderReported,
    PoolAccountsRead,
    PoolUpdated,
    Quoted,
    TimerFired,
    VenueStatus,
    VenueStatusChanged,
)
from phantom_arbiter.core.intents import Intent, Swap
from phantom_arbiter.core.kernel import Kernel
from phantom_arbiter.core.orders import TERMINAL, Dispatch
from phantom_arbiter.core.safety import GATES, UNFORCEABLE, SafetyConfig, SafetyGates
from phantom_arbiter.core.snapshot import KernelState, digest_items, restore, state_hash, take
from phantom_arbiter.core.streams import Stream
from phantom_arbiter.core.units import SLOT_NS
from phantom_arbiter.core.vault import VaultManager
from phantom_arbiter.dex import constant_product as cp
from phantom_arbiter.dex.addresses import SYSTEM_PROGRAM
from phantom_arbiter.dex.pool import SwapQuote
from phantom_arbiter.dex.pools import PoolState
from phantom_arbiter.sim.driver import DriverState, VirtualDriver
from phantom_arbiter.sim.driver_config import DriverConfig
from phantom_arbiter.sim.fills import SwapFill
from phantom_arbiter.sim.liquidity import Impact, RecordedLiquidity, RecordedState
from phantom_arbiter.sim.market.exact_book import ExactBook
from phantom_arbiter.sim.market.exact_pools import EXACT_POOLS, moment_at
from phantom_arbiter.sim.market.universe import universe
from tests.simulation.bundle_script import CONSTANT, EXACT, PRICES, Script, pool_names

UNIVERSE: Final = universe()
START_SLOT: Final = 4_418_064_000
HOSTILE: Final = DriverConfig(
    drop_ppm=80_000, failure_ppm=60_000, unknown_ppm=150_000, tail_ppm=60_000, tail_max_slots=60, unknown_ns=6 * 10**9
)
FORCED: Final = tuple(gate.name for gate in GATES if gate.name not in UNFORCEABLE)
SECOND: Final = 10**9


class Trouble(Struct, frozen=True):
    """What may go wrong, in parts per million of each report, step or order."""

    duplicate: int = 120_000
    delay: int = 80_000
    lose: int = 80_000
    restart: int = 8_000
    silence: int = 200_000
    vanish: int = 40_000


class Wallet:
    """What is really ours, from each order's end as the driver first tells it."""

    def __init__(self, balances: dict[str, int]) -> None:
        self.atoms = Counter(balances)
        self.intents: dict[str, Intent] = {}
        self.ended: set[str] = set()
        self.fills: Counter[tuple[str, int, int]] = Counter()
        self.seen: Counter[str] = Counter()

    def take(self, report: OrderReported) -> None:
        """Only the report that ends an order counts: then all its legs are filled, or none has traded."""
        intent, legs = self.intents[report.order_id], report.legs
        if not all(leg.status in TERMINAL for leg in legs):
            assert not report.chain_fees
            return
        assert report.order_id not in self.ended, "an order ended twice"
        assert [leg.leg for leg in legs] == list(range(len(intent.legs)))
        self.ended.add(report.order_id)
        filled = [leg.status is LegStatus.FILLED for leg in legs]
        assert all(filled) or not any(filled), "half-executed"
        if all(filled):
            self._fill(intent, legs)
        else:
            assert all(leg.in_atoms == leg.out_atoms == 0 for leg in legs)
            assert not (intent.tip_lamports and report.chain_fees), "a bundle that failed has paid"
            self.seen[legs[0].reason.split(":")[0]] += 1
        for fee in report.chain_fees:
            self.atoms[fee.asset] -= fee.atoms
        assert min(self.atoms.values()) >= 0

    def _fill(self, intent: Intent, legs: tuple[LegReport, ...]) -> None:
        base, inside = intent.legs[0].in_asset, Counter[str]()  # type: ignore[union-attr]
        for leg, report in zip(intent.legs, legs, strict=True):
            assert isinstance(leg, Swap)
            assert report.in_atoms == leg.in_atoms, "another amount than the fixed one"
            assert report.out_atoms >= leg.min_out_atoms
            if leg.in_asset != base:
                inside[leg.in_asset] -= report.in_atoms
                assert inside[leg.in_asset] >= 0, "spent what the transaction did not have"
            inside[leg.out_asset] += report.out_atoms
            self.atoms[leg.in_asset] -= report.in_atoms
            self.atoms[leg.out_asset] += report.out_atoms
            self.fills[leg.pool, report.in_atoms, report.out_atoms] += 1
        self.seen["filled"] += 1
        self.seen["filled, split"] += len({leg.out_asset for leg in intent.legs if isinstance(leg, Swap)}) < len(legs)
        self.seen["left over"] += any(atoms for asset, atoms in inside.items() if asset != base)


class Truth(RecordedLiquidity):
    """Liquidity that remembers what traded, ours and rivals'."""

    def __init__(self, state: RecordedState, traded: Counter[tuple[str, int, int]]) -> None:
        super().__init__(UNIVERSE, 0, Impact(depth_quote_atoms={}), state)
        self.traded = traded

    def swap(self, leg: Swap, in_atoms: int, now_ns: int) -> SwapFill | str:
        fill = super().swap(leg, in_atoms, now_ns)
        assert isinstance(fill, SwapFill)
        self.traded[leg.pool, in_atoms, fill.out_atoms] += 1
        return fill


@cache
def _opening() -> tuple[PoolState, ...]:
    moment = moment_at(START_SLOT)
    return tuple(spec.open(PRICES[f"{spec.asset_0}/{spec.asset_1}"], moment) for spec in EXACT_POOLS)


class BundleWorld:
    """One seed's run."""

    def __init__(self, seed: int, *, trouble: Trouble | None = None, driver: DriverConfig = HOSTILE) -> None:
        self.seed, self.stream = seed, Stream(seed, "bundle")
        self.trouble, self.driver_config = trouble or Trouble(), driver
        self.now_ns, self.seq, self.told, self.restarts = START_SLOT * SLOT_NS, 0, 0, 0
        self.later: list[tuple[int, int, list[OrderReported]]] = []
        self.seen: Counter[str] = Counter()
        self.book = ExactBook(_opening(), gaps=True)
        self.constant = {
            name: cp.ConstantProductPool(int(side / PRICES[f"{a}/{b}"]), int(side), 2_500, 1_000_000)
            for name, (a, b, side) in CONSTANT.items()
        }
        self.gone: dict[str, int] = {}
        self.wallet = Wallet({"SOL": 300 * SECOND, "USDC": 20_000 * 10**6, "PLOP": 0})
        self.kernel = self._kernel(VaultManager())
        for asset, atoms in self.wallet.atoms.items():
            if atoms:
                self.kernel.vault.deposit(f"in-{asset}", asset, atoms, ts_ns=self.now_ns)
                self.kernel.vault.fund(f"fund-{asset}", "arb", asset, atoms, ts_ns=self.now_ns)
        self.truth = Truth(RecordedState(), Counter())
        self.driver = VirtualDriver(UNIVERSE, self.truth, driver, seed)
        for venue in ("orca", "meteora", "pumpswap", "dex"):
            self.feed(VenueStatusChanged(venue, VenueStatus.LIVE, "test"))
        self.feed(Quoted("SOL/USDC", 125_000_000, 125_000_000, START_SLOT))
        self.feed(Quoted("PLOP/SOL", 720_000_000, 720_000_000, START_SLOT))
        for name in pool_names():
            self.tell(name, everything=True)
        self.feed(Commanded("start", StartEngine("arb")))

    # The market

    def market(self) -> None:
        """A slot of trades by others, told unless the feed is silent; pools vanish and come back."""
        slot = self.now_ns // SLOT_NS
        for name in pool_names():
            if name in self.gone:
                if slot >= self.gone[name]:
                    del self.gone[name]
                    self.tell(name, everything=True)
            elif self.stream.chance(150_000):
                self._trade(name, slot)
                if not self.stream.chance(self.trouble.silence):
                    self.tell(name, everything=False)
        if self.stream.chance(self.trouble.vanish):
            self.vanish()

    def _trade(self, name: str, slot: int) -> None:
        zero_for_one, share = self.stream.chance(500_000), 10 ** (-4.0 + 1.7 * self.stream.uniform())
        if name in self.constant:
            pool = self.constant[name]
            answer = cp.quote(pool, int(cp.reserves(pool, zero_for_one)[0] * share), zero_for_one)
            assert isinstance(answer, SwapQuote)
            self.constant[name] = cp.apply(pool, answer, zero_for_one)
        else:
            fair = [PRICES[f"{spec.asset_0}/{spec.asset_1}"] for spec in EXACT_POOLS]
            self.book.trade((EXACT[name], zero_for_one, share, 0), slot, fair)

    def tell(self, name: str, *, everything: bool) -> None:
        """A pool's fact, as it is now."""
        slot = self.now_ns // SLOT_NS
        if name in self.constant:
            pool, (asset_0, asset_1, _) = self.constant[name], CONSTANT[name]
            reserves = (pool.reserve_0_atoms, pool.reserve_1_atoms, pool.fee_numerator, pool.fee_denominator)
            self.feed(PoolUpdated(name, "dex", asset_0, asset_1, *reserves, slot))
        else:
            self.feed(self.book.fact(EXACT[name], slot, everything=everything))

    def vanish(self) -> None:
        """A pool goes while an order through it is under way, if there is one: closed, rugged or frozen."""
        orders, slot = self.kernel.orders.values(), self.now_ns // SLOT_NS
        under_way = [leg.pool for order in orders for leg in order.intent.legs if isinstance(leg, Swap)]
        candidates = [name for name in under_way or pool_names() if name not in self.gone]
        if not candidates:
            return
        name = candidates[self.stream.below(len(candidates))]
        self.gone[name] = slot + 3 + self.stream.below(20)
        if name in self.constant:
            asset_0, asset_1, _ = CONSTANT[name]
            self.seen["rugged"] += 1
            self.feed(PoolUpdated(name, "dex", asset_0, asset_1, 0, 0, 2_500, 1_000_000, slot))
        else:
            told = self.book.fact(EXACT[name], slot, everything=True)
            self.feed(replace(told, accounts=(self._broken(told),)))

    def _broken(self, told: PoolAccountsRead) -> AccountRead:
        vault = told.accounts[-2]
        if told.program != "pump_swap" or self.stream.chance(300_000):
            self.seen["closed"] += 1
            return AccountRead(told.pool, SYSTEM_PROGRAM, 0, b"")
        if self.stream.chance(500_000):
            self.seen["frozen"] += 1
            return replace(vault, data=vault.data[:108] + b"\2" + vault.data[109:])
        self.seen["rugged"] += 1
        return replace(vault, data=vault.data[:64] + bytes(8) + vault.data[72:])

    # The network and time

    def feed(self, body: AnyFact) -> None:
        """One fact through the kernel; its dispatches go to the driver; perhaps the process dies after it."""
        self.seq += 1
        envelope = Envelope(self.seq, self.now_ns, "test", body)
        outcome = self.kernel.step(envelope)
        if not isinstance(body, OrderReported | Commanded):
            self.driver.observe(envelope)
        for dispatch in outcome.dispatches if outcome is not None else ():
            self._submit(dispatch)
        for asset, atoms in self.wallet.atoms.items():
            assert self.kernel.vault.available("arb", asset) <= atoms, "the ledger offers what is not there"
        if self.stream.chance(self.trouble.restart):
            self.restart()

    def _submit(self, dispatch: Dispatch) -> None:
        self.wallet.intents[dispatch.approved.order_id] = dispatch.approved.intent
        self.driver.submit(dispatch, self.now_ns)

    def slot(self, *, proposing: bool = True) -> None:
        """A slot: what the driver does and the network brings, the market, and the script's tick."""
        end_ns = self.now_ns + SLOT_NS
        while True:
            due_ns = self.driver.due_ns()
            next_ns = min(due_ns if due_ns is not None else end_ns, self.later[0][0] if self.later else end_ns)
            if next_ns >= end_ns:
                break
            self.now_ns = max(self.now_ns, next_ns)
            if self.later and self.later[0][0] <= self.now_ns:
                self._deliver(heappop(self.later)[2])
            for arrival in self.driver.pop(self.now_ns):
                assert isinstance(arrival.body, OrderReported)
                self.wallet.take(arrival.body)
                self._through_network(arrival.body)
        self.now_ns = end_ns
        self.market()
        if proposing:
            self.feed(TimerFired("tick"))
        if self.quiet:
            self.agree()

    def _through_network(self, report: OrderReported) -> None:
        trouble, draw = self.trouble, self.stream.below(1_000_000)
        if draw < trouble.duplicate:
            self.seen["doubled"] += 1
            self._deliver([report, report])
            self._hold(report, 1 + self.stream.below(5_000))
        elif draw < trouble.duplicate + trouble.delay:
            self.seen["delayed"] += 1
            self._hold(report, 100 + self.stream.below(10_000))
        elif draw < trouble.duplicate + trouble.delay + trouble.lose:
            self.seen["lost"] += 1
            if any(leg.status in TERMINAL for leg in report.legs):
                self._hold(report, 15_000)  # asked for again
        else:
            self._deliver([report])

    def _deliver(self, reports: list[OrderReported]) -> None:
        for report in reports:
            self.feed(report)

    def _hold(self, report: OrderReported, ms: int) -> None:
        self.told += 1
        heappush(self.later, (self.now_ns + ms * 10**6, self.told, [report]))

    def restart(self) -> None:
        """The process dies and comes back from bytes: kernel, engine, driver and liquidity."""
        before = state_hash(digest_items(self.kernel), self.driver.digest_items(), self.truth.digest_items())
        kernel = msgspec.msgpack.decode(msgspec.msgpack.encode(take(self.kernel)), type=KernelState)
        driver = msgspec.msgpack.decode(msgspec.msgpack.encode(self.driver.state()), type=DriverState)
        market = msgspec.msgpack.decode(msgspec.msgpack.encode(self.truth.state), type=RecordedState)
        self.kernel = self._kernel(VaultManager())
        restore(self.kernel, kernel)
        self.truth = Truth(market, self.truth.traded)
        self.driver = VirtualDriver.from_state(UNIVERSE, self.truth, self.driver_config, self.seed, driver)
        after = state_hash(digest_items(self.kernel), self.driver.digest_items(), self.truth.digest_items())
        assert after == before
        self.restarts += 1

    def _kernel(self, vault: VaultManager) -> Kernel:
        gates = SafetyGates(SafetyConfig(force_open=FORCED))
        return Kernel(UNIVERSE, [Script(self.seed)], vault, gates, Mode.PAPER)

    # Holding it against the wallet

    @property
    def quiet(self) -> bool:
        """Nothing is under way anywhere."""
        return not self.kernel.orders and not self.later and self.driver.due_ns() is None

    def agree(self) -> None:
        """The ledger is the wallet, to the atom; nothing is reserved; every fill of ours is a trade of the market."""
        vault, sums = self.kernel.vault, Counter[str]()
        assert {asset: vault.available("arb", asset) for asset in self.wallet.atoms} == dict(self.wallet.atoms)
        for row in vault.balances():
            sums[row.asset] += row.atoms
        assert set(sums.values()) <= {0}
        assert vault.reservations() == ()
        assert self.wallet.ended == self.wallet.intents.keys()
        assert self.wallet.fills <= self.truth.traded


def run(seed: int, *, slots: int = 40, trouble: Trouble | None = None, driver: DriverConfig = HOSTILE) -> BundleWorld:
    """Cycles for some slots, then silence until all is over."""
    world = BundleWorld(seed, trouble=trouble, driver=driver)
    for _ in range(slots):
        world.slot()
    for _ in range(2_000):
        if world.quiet:
            break
        world.slot(proposing=False)
    assert world.quiet
    world.agree()
    return world
