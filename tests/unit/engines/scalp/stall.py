"""A real kernel with the scalp engine in it, one token quoted in USDC, and a tape to play."""

from __future__ import annotations

from typing import Any

from phantom_arbiter.core.commands import Mode, StartEngine
from phantom_arbiter.core.events import (
    AnyFact,
    Commanded,
    Envelope,
    LegReport,
    LegStatus,
    OraclePosted,
    OrderReported,
    Quoted,
    TimerFired,
    TokenAudited,
)
from phantom_arbiter.core.instruments import SOL, USDC, Asset, Universe, perp, spot
from phantom_arbiter.core.intents import Intent, Purpose, Swap
from phantom_arbiter.core.kernel import Kernel
from phantom_arbiter.core.orders import Order
from phantom_arbiter.core.outcome import Outcome
from phantom_arbiter.core.safety import SafetyConfig, SafetyGates
from phantom_arbiter.core.vault import VaultManager
from phantom_arbiter.core.verdicts import Verdict
from phantom_arbiter.engines.scalp.logic import ScalpEngine
from phantom_arbiter.engines.scalp.settings import PodConfig, ScalpConfig, Strategy

USD = 10**6
WHOLE = 10**9
SECOND = 10**9
START_NS = 1_700_000_000 * SECOND
BONK = Asset("BONK", 5)
WIF = Asset("WIF", 6)
BONK_USDC = spot(BONK, USDC, 13)
UNIVERSE = Universe.of(
    (SOL, USDC, BONK, WIF),
    (spot(SOL, USDC, 6), BONK_USDC, spot(WIF, USDC, 8), perp("SOL", USDC, min_base_atoms=1, step_base_atoms=1)),
)
SURGE = PodConfig("surge", Strategy.MOMENTUM)
SNAPBACK = PodConfig("snapback", Strategy.MEAN_REVERSION, target_bps=200, stop_bps=200)
CONFIG = ScalpConfig(pods=(SURGE,), lookback_samples=10)
START_PX = 10**8  # 0.00001 USD at 13 decimals


def sound(token: str = "BONK") -> TokenAudited:
    """An audit that finds nothing."""
    return TokenAudited(token, False, False, 0, 10**6 * USD, 1_000, 10_000, 100 * 86_400 * SECOND, 10_000, True)


class Stall:
    """The engine running with its edge gate forced open, SOL at 150, and 10,000 USDC."""

    def __init__(self, config: ScalpConfig = CONFIG, *, force: bool = True, audited: bool = True) -> None:
        vault = VaultManager()
        for asset, atoms in (("USDC", 10_000 * USD), ("SOL", 20 * WHOLE)):
            vault.deposit(f"in {asset}", asset, atoms, ts_ns=0)
            vault.fund(f"fund {asset}", "scalp", asset, atoms, ts_ns=0)
        self.engine = ScalpEngine(config)
        gates = SafetyGates(SafetyConfig(force_open=("edge",) if force else ()))
        self.kernel = Kernel(UNIVERSE, [self.engine], vault, gates, Mode.PAPER)
        self.vault = vault
        self.seq, self.now_ns, self.px = 0, START_NS, {"BONK/USDC": START_PX, "WIF/USDC": 35_000_000}
        self.intents: list[Intent] = []
        self.verdicts: list[Verdict] = []
        if audited:
            for token in ("BONK", "WIF"):
                self.feed(sound(token))
        self.command(StartEngine("scalp"))
        self.play(0)

    @property
    def state(self) -> Any:
        return self.engine.state

    @property
    def lots(self) -> Any:
        return self.kernel.desks["scalp"].book.lots

    def feed(self, body: AnyFact) -> Outcome | None:
        """One fact, now."""
        self.seq += 1
        outcome = self.kernel.step(Envelope(self.seq, self.now_ns, "test", body))
        if outcome is not None:
            self.verdicts += outcome.verdicts
            self.intents += [verdict.intent for verdict in outcome.verdicts]
        return outcome

    def command(self, command: Any) -> Any:
        """A command's answer."""
        outcome = self.feed(Commanded("c", command))
        assert outcome is not None
        return outcome.command

    def play(self, *bps: float, instrument: str = "BONK/USDC", tick: bool = True) -> list[Intent]:
        """One second each: a quote that moved by so many bps, then the timer; the intents since."""
        known = len(self.intents)
        for move in bps:
            self.now_ns += SECOND
            self.feed(OraclePosted("SOL-PERP", 150 * USD, 0, 0))
            self.px[instrument] = round(self.px[instrument] * (1 + move / 10_000))
            for name, px in self.px.items():
                self.feed(Quoted(name, px - px // 20_000, px + px // 20_000, 0))
            if tick:
                self.feed(TimerFired("tick"))
        return self.intents[known:]

    def warm(self, instrument: str = "BONK/USDC", count: int = 12) -> None:
        """Enough small moves for the pods to know what is ordinary."""
        self.play(*[5 if index % 2 else -5 for index in range(count)], instrument=instrument)

    def order(self) -> Order:
        """The one open order."""
        (order,) = self.kernel.orders.values()
        return order

    def fill(self, *, out_bps: int = 10_000) -> Order:
        """Fill the one open order at so much of its expectation."""
        order = self.order()
        leg = order.intent.legs[0]
        assert isinstance(leg, Swap)
        out = leg.expected_out_atoms * out_bps // 10_000
        self.feed(OrderReported(order.id, (LegReport(0, LegStatus.FILLED, leg.in_atoms, out),)))
        return order

    def fail(self) -> Order:
        """Reject the one open order."""
        order = self.order()
        self.feed(OrderReported(order.id, (LegReport(0, LegStatus.REJECTED, reason="test"),)))
        return order

    def enter(self) -> str:
        """Warm up, surge, and fill the entry; the position id."""
        self.warm()
        (entry,) = self.play(60)
        assert entry.purpose is Purpose.ENTRY
        self.fill()
        assert entry.position_id in self.lots
        return entry.position_id
