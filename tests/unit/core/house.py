"""A real kernel around a small engine that asks for what a test tells it to, and the calls that core tests repeat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from phantom_arbiter.core.commands import ENGINE_IDS, Command, EngineId, Mode, StartEngine
from phantom_arbiter.core.desk import Subscriptions
from phantom_arbiter.core.events import (
    AnyFact,
    Commanded,
    Envelope,
    Fee,
    LegReport,
    LegStatus,
    OraclePosted,
    OrderReported,
    PoolUpdated,
    Quoted,
    TimerFired,
    VenueStatus,
    VenueStatusChanged,
)
from phantom_arbiter.core.instruments import SOL, USDC, Asset, Universe, perp, spot
from phantom_arbiter.core.intents import CollateralTransfer, Cost, Intent, Leg, PerpOrder, Policy, Purpose, Side, Swap
from phantom_arbiter.core.kernel import Kernel
from phantom_arbiter.core.orders import Order
from phantom_arbiter.core.outcome import CommandOutcome, Outcome
from phantom_arbiter.core.safety import SafetyConfig, SafetyGates
from phantom_arbiter.core.vault import VaultManager
from phantom_arbiter.core.verdicts import Approved, Refused, Verdict
from phantom_arbiter.engines.base import BaseEngine

USD = 10**6
WHOLE = 10**9
SECOND = 10**9
START_NS = 1_700_000_000 * SECOND
VENUE = "velocity"
BONK = Asset("BONK", 5, "bonk")
UNIVERSE = Universe.of(
    (SOL, USDC, BONK),
    (
        spot(SOL, USDC, 6),
        spot(BONK, USDC, 10),
        perp("SOL", USDC, min_base_atoms=10_000_000, step_base_atoms=1_000_000),
    ),
)
SOL_PX = 150 * USD


class PuppetConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Two settings to change."""

    lookback: int = 10
    threshold_bps: float = 5.0


class PuppetState(Struct):
    """How many facts and order changes it heard."""

    facts: int = 0
    changes: int = 0


class Puppet(BaseEngine):
    """Hears SOL's quotes and ticks; hands out ``wishes`` at the next one, ``exits`` when asked to close."""

    config: PuppetConfig
    state: PuppetState

    def __init__(self, engine: EngineId) -> None:
        super().__init__()
        self.id = engine  # type: ignore[misc]
        self.config = PuppetConfig()
        self.state = PuppetState()
        self.wishes: list[Intent] = []
        self.exits: list[Intent] = []
        self.half_done = ""
        self.refused: list[Refused] = []

    def subscriptions(self) -> Subscriptions:
        """SOL's quotes."""
        return Subscriptions(quotes=frozenset({"SOL/USDC"}))

    def decide(self, envelope: Envelope) -> Sequence[Intent]:
        """What a test asked for, once."""
        self.state.facts += 1
        wishes, self.wishes = self.wishes, []
        return wishes

    def on_order(self, order: Order) -> Sequence[Intent]:
        """Count."""
        self.state.changes += 1
        return ()

    def on_refused(self, refused: Refused) -> None:
        """Keep."""
        self.refused.append(refused)

    def unfinished(self) -> str:
        """What a test says."""
        return self.half_done

    def close(self, position_id: str) -> Sequence[Intent]:
        """The exits that are not under way."""
        under_way = {order.intent.position_id for order in self.desk.orders.values()}
        return [intent for intent in self.exits if intent.position_id not in under_way]


class House:
    """A funded kernel with puppets for all four engines, ``funding`` running, a market, and a clock."""

    def __init__(self, *, safety: SafetyConfig | None = None, usdc: int = 10_000, sol: int = 20) -> None:
        self.vault = VaultManager()
        for engine in ENGINE_IDS:
            for asset, atoms in (("USDC", usdc * USD), ("SOL", sol * WHOLE)):
                if atoms:
                    self.vault.deposit(f"in {engine} {asset}", asset, atoms, ts_ns=0)
                    self.vault.fund(f"fund {engine} {asset}", engine, asset, atoms, ts_ns=0)
        self.puppets = {engine: Puppet(engine) for engine in ENGINE_IDS}
        self.kernel = Kernel(UNIVERSE, list(self.puppets.values()), self.vault, SafetyGates(safety), Mode.PAPER)
        self.seq, self.now_ns = 0, START_NS
        self.market()
        self.command(StartEngine("funding"))
        self.tick()

    @property
    def puppet(self) -> Puppet:
        return self.puppets["funding"]

    @property
    def book(self) -> Any:
        return self.kernel.desks["funding"].book

    def feed(self, body: AnyFact, *, after_ns: int = SECOND // 10) -> Outcome | None:
        """One fact, a tenth of a second later."""
        self.seq += 1
        self.now_ns += after_ns
        return self.kernel.step(Envelope(self.seq, self.now_ns, "test", body))

    def market(self, px: int = SOL_PX) -> None:
        """Everything an order may need to see, now."""
        for venue in (VENUE, "dex"):
            self.feed(VenueStatusChanged(venue, VenueStatus.LIVE, "test"))
        self.feed(OraclePosted("SOL-PERP", px, 10_000, 0))
        self.feed(Quoted("SOL-PERP", px, px, 0))
        self.feed(Quoted("BONK/USDC", 100_000, 100_000, 0))
        self.feed(PoolUpdated("pool", "dex", "SOL", "USDC", 10**14, 10**11 * px // USD, 25, 10_000, 0))
        self.feed(Quoted("SOL/USDC", px, px, 0))

    def tick(self, seconds: float = 1) -> Outcome | None:
        """The timer, on a whole second."""
        self.now_ns += round(seconds * SECOND)
        self.now_ns -= self.now_ns % SECOND
        return self.feed(TimerFired("tick"), after_ns=0)

    def command(self, command: Command, command_id: str = "c") -> CommandOutcome:
        """Carry out a command and return the answer."""
        outcome = self.feed(Commanded(command_id, command))
        assert outcome is not None
        assert outcome.command is not None
        return outcome.command

    def ask(self, *intents: Intent, engine: str = "funding") -> Outcome:
        """Let a puppet wish at the next quote."""
        self.puppets[engine].wishes = list(intents)
        outcome = self.feed(Quoted("SOL/USDC", SOL_PX, SOL_PX, 0))
        assert outcome is not None
        return outcome

    def verdict(self, wish: Intent) -> Verdict:
        """What became of one wish."""
        (verdict,) = self.ask(wish).verdicts
        return verdict

    def order(self, wish: Intent) -> Order:
        """An approved order, by wish."""
        verdict = self.verdict(wish)
        assert isinstance(verdict, Approved), verdict
        return self.kernel.orders[verdict.order_id]

    def refusal(self, wish: Intent) -> Refused:
        """A refusal, by wish."""
        verdict = self.verdict(wish)
        assert isinstance(verdict, Refused), verdict
        return verdict

    def report(
        self,
        order: Order | str,
        status: LegStatus,
        in_atoms: int = 0,
        out_atoms: int = 0,
        *,
        leg: int = 0,
        fees: tuple[Fee, ...] = (),
        chain_fees: tuple[Fee, ...] = (),
    ) -> Outcome | None:
        """One report of one leg."""
        order_id = order if isinstance(order, str) else order.id
        report = LegReport(leg, status, in_atoms, out_atoms, fees)
        return self.feed(OrderReported(order_id, (report,), chain_fees))

    def sums(self) -> dict[str, int]:
        """The sum of all accounts, per asset; zero where the ledger balances."""
        total: dict[str, int] = {}
        for row in self.kernel.vault.balances():
            total[row.asset] = total.get(row.asset, 0) + row.atoms
        return total


def intent(*legs: Leg, engine: str = "funding", **changes: Any) -> Intent:
    """An entry that passes every gate, unless ``changes`` or the legs spoil it."""
    fields: dict[str, Any] = {
        "pod": "",
        "purpose": Purpose.ENTRY,
        "policy": Policy.SEQUENTIAL,
        "notional_micros": 150 * USD,
        "edge_bps": 100.0,
        "cost": Cost(pool_fee_micros=1_000),
        "expires_ns": 2**62,
        "reason": "test",
    }
    return Intent(engine=engine, legs=legs, **(fields | changes))


def buy(usdc: int = 150, *, expected: int | None = None, minimum: int | None = None, pool: str = "") -> Swap:
    """Whole USDC into SOL at 150."""
    expected = usdc * WHOLE // 150 if expected is None else expected
    return Swap(
        "SOL/USDC", pool, "USDC", "SOL", usdc * USD, expected, expected * 995 // 1000 if minimum is None else minimum
    )


def sell(lamports: int = WHOLE, *, from_position: bool = True) -> Swap:
    """SOL into USDC at 150."""
    expected = lamports * 150 // 1_000
    return Swap("SOL/USDC", "", "SOL", "USDC", lamports, expected, expected * 9 // 10, from_position)


def deposit(usdc: int) -> CollateralTransfer:
    """Whole USDC to the venue; negative: back."""
    return CollateralTransfer(VENUE, "USDC", usdc * USD)


def perp_order(side: Side, base_atoms: int = WHOLE, **changes: Any) -> PerpOrder:
    """A SOL perp order at the oracle, half a percent of tolerance."""
    limit = SOL_PX * (1_005 if side is Side.BUY else 995) // 1_000
    fields: dict[str, Any] = {"base_atoms": base_atoms, "expected_px": SOL_PX, "limit_px": limit}
    return PerpOrder(instrument="SOL-PERP", venue=VENUE, side=side, **(fields | changes))
