"""A real kernel with one engine in it, and a market made by hand: what engine tests repeat.

Facts posted with `Bench.post` go through the kernel, so intents meet the real gates and fills the real books. Prices,
pools and readings are repeated at each tick, as a feed would, so that nothing is stale unless a test wants it.
"""

from __future__ import annotations

from phantom_arbiter.core.commands import Mode
from phantom_arbiter.core.desk import Desk
from phantom_arbiter.core.events import (
    AnyFact,
    Envelope,
    FundingPosted,
    LegReport,
    LegStatus,
    OraclePosted,
    OrderReported,
    PerpStatsRead,
    PoolUpdated,
    Quoted,
    StakePoolRead,
    TimerFired,
    VenueStatus,
    VenueStatusChanged,
)
from phantom_arbiter.core.instruments import SOL, USDC, Asset, Universe, perp, spot
from phantom_arbiter.core.intents import CollateralTransfer, Intent, PerpOrder, Swap
from phantom_arbiter.core.kernel import Kernel, Outcome
from phantom_arbiter.core.lifecycle import EngineStatus
from phantom_arbiter.core.orders import Dispatch
from phantom_arbiter.core.safety import SafetyGates
from phantom_arbiter.core.units import EPOCH_NS, NS_PER_SECOND, Rounding
from phantom_arbiter.core.vault import VaultManager
from phantom_arbiter.core.verdicts import Verdict
from phantom_arbiter.engines.base import BaseEngine

USD = 10**6
WHOLE = 10**9
SECOND = NS_PER_SECOND
HOUR = 3_600 * SECOND
START_NS = 1_000 * EPOCH_NS
LSTS = tuple(Asset(symbol, 9) for symbol in ("jitoSOL", "mSOL"))
UNIVERSE = Universe.of(
    (SOL, USDC, *LSTS),
    (
        spot(SOL, USDC, 6),
        *(spot(lst, SOL, 9) for lst in LSTS),
        *(spot(lst, USDC, 6) for lst in LSTS),
        perp("SOL", USDC, min_base_atoms=10_000_000, step_base_atoms=10_000_000),
    ),
)


class Bench:
    """A running engine. ``market`` holds what each tick repeats; ``intents`` and ``verdicts`` all there ever were."""

    def __init__(self, engine: BaseEngine, universe: Universe = UNIVERSE, **whole_units: float) -> None:
        self.engine, self.universe = engine, universe
        vault = VaultManager()
        for symbol, amount in whole_units.items():
            atoms = round(amount * 10 ** universe.assets[symbol].decimals)
            vault.deposit(f"in-{symbol}", symbol, atoms, ts_ns=START_NS)
            vault.fund(f"fund-{symbol}", engine.id, symbol, atoms, ts_ns=START_NS)
        self.kernel = Kernel(universe, [engine], vault, SafetyGates(), Mode.PAPER)
        self.kernel.set_status(engine.id, EngineStatus.STARTING, "test")
        self.kernel.set_status(engine.id, EngineStatus.RUNNING, "test")
        self.kernel._out = None
        self.now_ns, self.seq = START_NS, 0
        self.market: dict[object, AnyFact] = {}
        self.intents: list[Intent] = []
        self.verdicts: list[Verdict] = []
        self.dispatches: list[Dispatch] = []
        for venue in ("drift", "orca"):
            self.post(VenueStatusChanged(venue, VenueStatus.LIVE, "test"))

    @property
    def desk(self) -> Desk:
        """The engine's desk."""
        return self.kernel.desks[self.engine.id]

    def post(self, *facts: AnyFact) -> list[Intent]:
        """Let the kernel take facts now; returns the intents they brought about."""
        known = len(self.intents)
        for fact in facts:
            self.seq += 1
            self._take(self.kernel.step(Envelope(self.seq, self.now_ns, "test", fact)))
        return self.intents[known:]

    def show(self, *facts: AnyFact) -> list[Intent]:
        """Post market facts and repeat them at every later tick."""
        for fact in facts:
            subject = getattr(fact, "pool", None) or getattr(fact, "token", None) or getattr(fact, "instrument", None)
            self.market[type(fact), subject] = fact
        return self.post(*facts)

    def tick(self, seconds: float = 1) -> list[Intent]:
        """Let time pass, repeat the market and fire the timer; returns the intents."""
        self.now_ns += round(seconds * SECOND)
        return self.post(*self.market.values(), TimerFired("tick"))

    def ask(self, intents: object) -> None:
        """Judge intents that no fact called for."""
        assert isinstance(intents, list | tuple)
        self.kernel.submit(intents)
        self._take(self.kernel.outcome())
        self.kernel._out = None

    def fill(self, *, reject: tuple[type, ...] = (), share: float = 1.0) -> None:
        """Answer every waiting dispatch, and those that follow, at the expected prices.

        Legs of the types in ``reject`` are rejected; perp orders fill ``share`` of their size, and the rest expires.
        """
        while self.dispatches:
            dispatch = self.dispatches.pop(0)
            self.now_ns += SECOND
            for plan in dispatch.plans:
                leg = dispatch.approved.intent.legs[plan.leg]
                reports = _answers(self.universe, plan.leg, leg, plan.size_atoms, reject, share)
                for report in reports:
                    self.post(OrderReported(dispatch.approved.order_id, (report,)))

    def _take(self, outcome: Outcome | None) -> None:
        if outcome is None:
            return
        self.verdicts += outcome.verdicts
        self.intents += [verdict.intent for verdict in outcome.verdicts]
        self.dispatches += outcome.dispatches


def _answers(
    universe: Universe, index: int, leg: object, size: int, reject: tuple[type, ...], share: float
) -> list[LegReport]:
    sent = LegReport(index, LegStatus.SENT)
    if isinstance(leg, reject):
        return [sent, LegReport(index, LegStatus.REJECTED, reason="test")]
    match leg:
        case Swap():
            out = leg.expected_out_atoms * size // leg.in_atoms
            return [sent, LegReport(index, LegStatus.FILLED, size, out)]
        case CollateralTransfer():
            return [sent, LegReport(index, LegStatus.FILLED, size, size)]
        case PerpOrder():
            step = universe.instruments[leg.instrument].step_base_atoms
            filled = int(size * share) // step * step
            value = universe.instruments[leg.instrument].quote_atoms(filled, leg.expected_px, Rounding.DOWN)
            if filled == size:
                return [sent, LegReport(index, LegStatus.FILLED, filled, value)]
            part = LegReport(index, LegStatus.PARTIAL, filled, value)
            return [sent, part, LegReport(index, LegStatus.EXPIRED, filled, value)]
    raise TypeError(f"no answer for {leg!r}")


def price(usd: float, premium_bps: float = 0.0, base: str = "SOL") -> list[AnyFact]:
    """A base at a price: oracle, perp (one basis point wide) and spot quote, all at a millionth of a dollar."""
    px = round(usd * USD)
    mark = round(px * (1 + premium_bps / 10_000))
    return [
        OraclePosted(f"{base}-PERP", px, px // 5_000, 0),
        Quoted(f"{base}-PERP", mark - mark // 20_000, mark + mark // 20_000, 0),
        Quoted(f"{base}/USDC", px - px // 20_000, px + px // 20_000, 0),
    ]


def sol_pool(usd: float, sol: int = 100_000, fee_bps: int = 4) -> PoolUpdated:
    """A deep SOL/USDC pool at a price."""
    return PoolUpdated("orca:SOL/USDC", "orca", "SOL", "USDC", sol * WHOLE, round(sol * usd * USD), fee_bps, 10_000, 0)


def stats(usd: float, premium_bps: float, base: str = "SOL") -> PerpStatsRead:
    """The perp market's mark."""
    mark = round(usd * USD * (1 + premium_bps / 10_000))
    return PerpStatsRead(f"{base}-PERP", mark, 10**12, 10**12, START_NS + HOUR)


def hour(apr: float, usd: float = 100.0, base: str = "SOL") -> FundingPosted:
    """A posted hour at a yearly rate: positive, longs pay shorts."""
    rate = apr / (24 * 365.25) * usd
    return FundingPosted(f"{base}-PERP", round(rate * 1e9), round(usd * USD), round(usd * USD), 0)


def stake_pool(token: str = "jitoSOL", rate: float = 1.25, **changes: int | bool) -> StakePoolRead:
    """A fresh reading with a day to the epoch's end: 10 bps to withdraw, 10 bps at once."""
    supply = 10**7 * WHOLE
    fields: dict[str, int | bool] = {
        "updated_epoch": 1_000,
        "epoch": 1_000,
        "epoch_ends_ts_ns": START_NS + 24 * HOUR,
        "withdraw_fee_ppm": 1_000,
        "instant_fee_ppm": 1_000,
        "reserve_lamports": 3_000 * WHOLE,
    }
    return StakePoolRead(
        token=token, total_lamports=round(rate * 10**7) * WHOLE, supply_atoms=supply, **(fields | changes)
    )  # type: ignore[arg-type]


def lst_pool(price_sol: float, token: str = "jitoSOL", tokens: int = 30_000, fee_bps: int = 1) -> PoolUpdated:
    """A pool of an LST against SOL at a price."""
    lamports = round(tokens * price_sol * WHOLE)
    return PoolUpdated(f"orca:{token}/SOL", "orca", token, "SOL", tokens * WHOLE, lamports, fee_bps, 10_000, 0)
