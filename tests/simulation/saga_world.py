"""The funding engine over the real kernel and the paper driver, with a hostile network between them, and the truth.

Each seed draws its own trouble: transactions that drop, fail, time out or fill in part (the driver's own), reports that
are doubled, delayed, lost or told again, restarts from the state's bytes, price jumps, and commands in the middle.
`Truth` counts what really traded, where it trades, so that the engine's figures can be held against it.
"""

from __future__ import annotations

from collections import Counter
from heapq import heappop, heappush
from typing import Any, Final

import msgspec
from msgspec import Struct

from phantom_arbiter.core.commands import ClosePosition, Command, Kill, KillLevel, Mode, PauseEngine, StartEngine
from phantom_arbiter.core.events import (
    AnyFact,
    Commanded,
    Envelope,
    FundingSettled,
    Liquidated,
    OraclePosted,
    OrderReported,
    PerpStatsRead,
    PnlSettled,
    Quoted,
    StakePoolRead,
    TimerFired,
    VenueStatus,
    VenueStatusChanged,
)
from phantom_arbiter.core.intents import PerpOrder, Purpose, Swap, size_atoms
from phantom_arbiter.core.kernel import Kernel
from phantom_arbiter.core.orders import TERMINAL, Order
from phantom_arbiter.core.safety import SafetyGates
from phantom_arbiter.core.snapshot import KernelState, digest_items, restore, state_hash, take
from phantom_arbiter.core.streams import Stream
from phantom_arbiter.core.units import NS_PER_HOUR, Rounding
from phantom_arbiter.core.vault import VaultManager
from phantom_arbiter.engines.funding import FundingConfig, FundingEngine
from phantom_arbiter.engines.funding.account import Holdings, read_holdings
from phantom_arbiter.engines.funding.saga import SagaState
from phantom_arbiter.sim.driver import DriverState, VirtualDriver
from phantom_arbiter.sim.driver_config import DriverConfig
from phantom_arbiter.sim.fills import SwapFill
from phantom_arbiter.sim.liquidity import Impact, RecordedLiquidity
from tests.unit.engines.market_builder import START_NS, UNIVERSE

USD: Final = 10**6
SECOND: Final = 10**9
MARKET: Final = "SOL-PERP"
PERP: Final = UNIVERSE.instruments[MARKET]
LIMIT_S: Final = 1_200
"""Every saga, its close and the way home of the margin must be over by then."""
NOT_OF_THE_MARKET: Final = (OrderReported, Commanded, FundingSettled, PnlSettled, Liquidated)
LARGEST_DUST: Final = 200_000_000
"""Above the band of any position that the capital here allows."""
RATE: Final = (5, 4)
"""One jitoSOL redeems for 1.25 SOL."""
HOSTILE: Final = DriverConfig(
    drop_ppm=40_000,
    failure_ppm=60_000,
    unknown_ppm=60_000,
    tail_ppm=40_000,
    partial_ppm=350_000,
    partial_min_ppm=100_000,
)


class Trouble(Struct, frozen=True):
    """What may go wrong, in parts per million of each report or step."""

    duplicate: int = 120_000
    delay: int = 80_000
    lose: int = 80_000
    restart: int = 15_000
    no_taker: int = 125_000


class Truth(RecordedLiquidity):
    """Liquidity that remembers what the engine's swaps really traded, in base atoms (an LST at its rate); in one of
    eight instants nobody trades the perp, so that the rest of a partial fill expires."""

    spot_base_atoms = 0

    def __init__(self, seed: int, refuses_ppm: int) -> None:
        self.seed, self.refuses_ppm = seed, refuses_ppm
        super().__init__(UNIVERSE, 1, Impact(depth_quote_atoms={"USDC": 100_000_000 * USD}))
        self.tokens: Counter[str] = Counter()

    def swap(self, leg: Swap, in_atoms: int, now_ns: int) -> SwapFill | str:
        fill = super().swap(leg, in_atoms, now_ns)
        assert isinstance(fill, SwapFill)
        token, atoms = (leg.out_asset, fill.out_atoms) if leg.in_asset == "USDC" else (leg.in_asset, -in_atoms)
        self.tokens[token] += atoms
        self.spot_base_atoms += atoms * RATE[0] // RATE[1] if token == "jitoSOL" else atoms
        return fill

    def perp(self, leg: PerpOrder, base_atoms: int, now_ns: int) -> tuple[int, int] | str:
        if Stream(self.seed, f"taker/{now_ns}").chance(self.refuses_ppm):
            return "nobody took the other side"
        return super().perp(leg, base_atoms, now_ns)


class SagaWorld:
    """One seed's run. ``naked_micros_s`` is the true integral of |delta|·oracle beyond the band."""

    def __init__(
        self,
        seed: int,
        *,
        trouble: Trouble | None = None,
        config: FundingConfig | None = None,
        driver: DriverConfig = HOSTILE,
    ) -> None:
        self.seed, self.stream, self.trouble = seed, Stream(seed, "saga"), trouble or Trouble()
        spot_leg = "jitosol" if self.stream.below(8) == 0 else "base"
        self.config = config or FundingConfig(policy="hold", spot_leg=spot_leg)
        self.driver_config, self.px = driver, 150 * USD
        self.now_ns, self.seq, self.told = START_NS, 0, 0
        self.later: list[tuple[int, int, list[AnyFact]]] = []
        self.truth, self.seen = Truth(seed, self.trouble.no_taker), Counter[str]()
        self.kernel = self._kernel(VaultManager())
        for asset, atoms in (("USDC", 10_000 * USD), ("SOL", SECOND)):
            self.kernel.vault.deposit(f"in-{asset}", asset, atoms, ts_ns=self.now_ns)
            self.kernel.vault.fund(f"fund-{asset}", "funding", asset, atoms, ts_ns=self.now_ns)
        self.driver = VirtualDriver(UNIVERSE, self.truth, driver, seed)
        self.sagas: dict[str, SagaState] = {}
        self.naked_micros_s, self.restarts, self.settles_ns = 0, 0, 0
        self.feed(VenueStatusChanged("drift", VenueStatus.LIVE, "test"))
        self.show()
        self.feed(Commanded("start", StartEngine("funding")))

    # The market, the network and time

    def show(self, jump_bps: int = 0) -> None:
        """The market moves a little (and by ``jump_bps``), and says so; the perp stands 10 bps over."""
        self.px += self.px * jump_bps // 10_000 + (self.stream.below(61) - 30) * self.px // 200_000
        mark, now_ns = self.px + self.px // 1_000, self.now_ns
        if not hasattr(self, "driver"):
            return
        self.feed(OraclePosted(MARKET, self.px, self.px // 5_000, 0))
        self.feed(Quoted(MARKET, mark - mark // 20_000, mark + mark // 20_000, 0))
        self.feed(Quoted("SOL/USDC", self.px - self.px // 20_000, self.px + self.px // 20_000, 0))
        if self.config.spot_leg == "jitosol":
            lst = self.px * RATE[0] // RATE[1]
            self.feed(Quoted("jitoSOL/USDC", lst - lst // 20_000, lst + lst // 20_000, 0))
        if self.seq < 20:
            self.feed(PerpStatsRead(MARKET, mark, 10**15, 10**15, now_ns + NS_PER_HOUR))
            supply = 10**7 * SECOND
            staked = supply * RATE[0] // RATE[1]
            ends_ns = now_ns + 24 * NS_PER_HOUR
            self.feed(StakePoolRead("jitoSOL", staked, supply, 1_000, 1_000, ends_ns, 1_000, 1_000, 3_000 * SECOND))

    def feed(self, body: AnyFact) -> None:
        """One fact through the kernel; its dispatches go to the driver; perhaps the process dies after it."""
        self.seq += 1
        envelope = Envelope(self.seq, self.now_ns, "test", body)
        outcome = self.kernel.step(envelope)
        if not isinstance(body, NOT_OF_THE_MARKET):
            self.driver.observe(envelope)
        if outcome is not None:
            for dispatch in outcome.dispatches:
                self.driver.submit(dispatch, self.now_ns)
            self._keep(outcome.orders)
        if self.stream.chance(self.trouble.restart):
            self.restart()

    def command(self, command: Command) -> None:
        self.told += 1
        self.feed(Commanded(f"c-{self.told}", command))

    def second(self) -> None:
        """A second: what the driver does and the network brings, then the market and the tick."""
        tick_ns = self.now_ns - self.now_ns % SECOND + SECOND
        while True:
            due_ns = self.driver.due_ns()
            next_ns = min(due_ns if due_ns is not None else tick_ns, self.later[0][0] if self.later else tick_ns)
            if next_ns >= tick_ns:
                break
            self._pass_to(next_ns)
            if self.later and self.later[0][0] <= self.now_ns:
                for fact in heappop(self.later)[2]:
                    self.feed(fact)
            else:
                self._through_network([arrival.body for arrival in self.driver.pop(self.now_ns)])
        self._pass_to(tick_ns)
        self.show()
        self.feed(TimerFired("tick"))
        if self.quiet:
            self.agree()

    def restart(self) -> None:
        """The process dies and comes back from bytes: the same hash, a new kernel, engine and driver."""
        before = state_hash(digest_items(self.kernel), self.driver.digest_items())
        kernel = msgspec.msgpack.decode(msgspec.msgpack.encode(take(self.kernel)), type=KernelState)
        driver = msgspec.msgpack.decode(msgspec.msgpack.encode(self.driver.state()), type=DriverState)
        self.kernel = self._kernel(VaultManager())
        restore(self.kernel, kernel)
        self.driver = VirtualDriver.from_state(UNIVERSE, self.truth, self.driver_config, self.seed, driver)
        assert state_hash(digest_items(self.kernel), self.driver.digest_items()) == before
        self.restarts += 1

    def _kernel(self, vault: VaultManager) -> Kernel:
        return Kernel(UNIVERSE, [FundingEngine(config=self.config)], vault, SafetyGates(), Mode.PAPER)

    def _through_network(self, facts: list[AnyFact]) -> None:
        """Deliver what the driver said at one instant, or not quite. What a venue settled never overtakes what it
        settled before: that comes from its own record, in its order."""
        reports = [fact for fact in facts if isinstance(fact, OrderReported)]
        trouble, draw = self.trouble, self.stream.below(1_000_000)
        settles = len(reports) < len(facts)
        if settles and self.settles_ns > self.now_ns:
            return self._hold(facts, 0)
        if not reports or draw >= trouble.duplicate + trouble.delay + trouble.lose:
            return self._deliver(facts)
        if draw < trouble.duplicate:
            self._deliver(facts)
            self._deliver([*reports])
            self.seen["doubled"] += 1
            self._hold([*reports], 1 + self.stream.below(5_000))
        elif draw < trouble.duplicate + trouble.delay:
            self.seen["delayed"] += 1
            self._hold(facts, 100 + self.stream.below(10_000))
        elif settles or any(leg.status in TERMINAL for r in reports for leg in r.legs):
            self.seen["lost, asked for again"] += 1
            self._hold(facts, 15_000)
        else:
            self.seen["lost"] += 1
        return None

    def _deliver(self, facts: list[AnyFact]) -> None:
        for fact in facts:
            self.feed(fact)

    def _hold(self, facts: list[AnyFact], ms: int) -> None:
        self.told += 1
        due_ns = self.now_ns + ms * 10**6
        if any(not isinstance(fact, OrderReported) for fact in facts):
            due_ns = self.settles_ns = max(due_ns, self.settles_ns)
        heappush(self.later, (due_ns, self.told, facts))

    # Holding it against the truth

    @property
    def engine(self) -> FundingEngine:
        engine = self.kernel.engines["funding"]
        assert isinstance(engine, FundingEngine)
        return engine

    @property
    def held(self) -> Holdings:
        return read_holdings(self.kernel.desks["funding"], self.config, PERP)

    @property
    def true_delta_atoms(self) -> int:
        return self.truth.spot_base_atoms + self.driver.base_atoms("funding", "drift", MARKET)

    @property
    def dust(self) -> int:
        """The perp's step, or the band on what is held."""
        size = max(self.held.spot_base_atoms, abs(self.held.perp_atoms))
        return max(PERP.step_base_atoms, size * self.config.band_bps // 10_000)

    @property
    def quiet(self) -> bool:
        """Nothing is under way anywhere."""
        return not self.kernel.orders and not self.later and self.driver.due_ns() is None

    @property
    def settled(self) -> bool:
        saga = self.engine.state.saga
        return self.quiet and (saga is None or saga.ended_ns > 0)

    def agree(self) -> None:
        """What the books say is what the venue holds and what the swaps really traded; the ledger sums to zero."""
        desk, sums = self.kernel.desks["funding"], Counter[str]()
        assert desk.book.perp_base_atoms(MARKET) == self.driver.base_atoms("funding", "drift", MARKET)
        assert desk.book.collateral_atoms("drift", "USDC") == self.driver.collateral_atoms("funding", "drift", "USDC")
        lots = Counter({lot.asset: lot.atoms for lot in desk.book.lots.values()})
        assert +lots == +self.truth.tokens
        assert {asset: self.kernel.vault.deployed("funding", asset) for asset in lots} == dict(lots)
        for row in self.kernel.vault.balances():
            sums[row.asset] += row.atoms
        assert set(sums.values()) <= {0}
        assert self.kernel.vault.reservations() == ()

    def _pass_to(self, now_ns: int) -> None:
        elapsed_ns, delta = now_ns - self.now_ns, abs(self.true_delta_atoms)
        if delta > LARGEST_DUST:
            self.naked_micros_s += PERP.quote_atoms(delta, self.px, Rounding.DOWN) * elapsed_ns // SECOND
        self.now_ns = now_ns

    def _keep(self, orders: list[Order]) -> None:
        saga = self.engine.state.saga
        if saga is not None:
            self.sagas[saga.id] = saga
        for order in orders:
            assert all(leg.in_atoms <= leg.size_atoms for leg in order.legs), "more than was sent"
            if order.id not in self.kernel.orders:
                mends = "mend " if order.intent.purpose is Purpose.REBALANCE else ""
                for leg, state in zip(order.intent.legs, order.legs, strict=True):
                    scaled = " in part" if 0 < state.size_atoms < size_atoms(leg) else ""
                    self.seen[f"{mends}{type(leg).__name__} {state.status}{scaled}"] += 1


def act(world: SagaWorld, at_s: int) -> None:
    """One thing that a person or the market does in the middle, at random."""
    choice = world.stream.below(10)
    if choice == 0:
        world.command(Kill(KillLevel.CANCEL))
    elif choice == 1:
        world.command(Kill(KillLevel.FLATTEN))
    elif choice == 2:
        world.command(PauseEngine("funding"))
    elif choice == 3:
        world.feed(VenueStatusChanged("drift", VenueStatus.REDUCE_ONLY, "test"))
    elif choice < 6:
        world.show(jump_bps=(40 + world.stream.below(80)) * (1 if world.stream.below(2) else -1))
    elif choice < 9 and at_s > 5:
        world.command(ClosePosition("funding", MARKET))


def run(seed: int, **changes: Any) -> SagaWorld:
    """A whole run: an entry, something in the middle, often a close, until all is quiet."""
    world = SagaWorld(seed, **changes)
    middle, close = 1 + world.stream.below(12), world.stream.below(4) > 0
    for at_s in range(LIMIT_S):
        world.second()
        if at_s == middle:
            act(world, at_s)
        if at_s <= middle or not world.settled:
            continue
        if close:
            world.command(ClosePosition("funding", MARKET))
            close = False
        elif not world.engine.state.closing and (world.held.flat or world.kernel.kill is not KillLevel.FLATTEN):
            return world
    raise AssertionError(f"seed {seed}: not over after {LIMIT_S} s: {world.engine.state.decision}")
