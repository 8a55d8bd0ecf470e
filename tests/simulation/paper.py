"""A small world for the paper driver: two assets, a perp, one venue, and the calls that tests repeat."""

from __future__ import annotations

from typing import Any

from phantom_arbiter.core.events import (
    AnyFact,
    Envelope,
    FeeKind,
    LegReport,
    LegStatus,
    OraclePosted,
    OrderReported,
    PoolUpdated,
    Quoted,
    VenueStatus,
    VenueStatusChanged,
)
from phantom_arbiter.core.instruments import SOL, USDC, Asset, Universe, perp, spot
from phantom_arbiter.core.intents import CollateralTransfer, Cost, Intent, Leg, PerpOrder, Policy, Purpose, Side, Swap
from phantom_arbiter.core.orders import Dispatch, LegPlan
from phantom_arbiter.core.verdicts import Approved
from phantom_arbiter.runtime.ports import Arrival
from phantom_arbiter.sim.driver import VirtualDriver
from phantom_arbiter.sim.driver_config import IDEAL, DriverConfig
from phantom_arbiter.sim.liquidity import Impact, Liquidity, RecordedLiquidity

USD = 10**6
WHOLE = 10**9
SECOND = 10**9
START = 1_700_000_000 * SECOND
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
DEEP = Impact(depth_quote_atoms={"USDC": 10**15})
QUIET = DriverConfig(drop_ppm=0, failure_ppm=0, unknown_ppm=0, tail_ppm=0, partial_ppm=0)
"""Delays and fees, but no bad luck."""


class World:
    """A driver, its market, and a clock that only moves forward."""

    def __init__(
        self,
        config: DriverConfig = IDEAL,
        *,
        seed: int = 7,
        impact: Impact = DEEP,
        half_spread_bps: int = 0,
        liquidity: Liquidity | None = None,
        price: int = 150,
    ) -> None:
        self.now_ns = START
        self.seq = 0
        self.seed = seed
        self.config = config
        self.liquidity = liquidity if liquidity is not None else RecordedLiquidity(UNIVERSE, half_spread_bps, impact)
        self.driver = VirtualDriver(UNIVERSE, self.liquidity, config, seed)
        self.post(VenueStatusChanged(VENUE, VenueStatus.LIVE, "test"))
        self.post(Quoted("BONK/USDC", 100_000, 100_000, 0))
        self.price(price * USD)

    def post(self, body: AnyFact) -> None:
        """Let the driver see a fact now."""
        self.seq += 1
        self.driver.observe(Envelope(self.seq, self.now_ns, "test", body))

    def price(self, px: int) -> None:
        """Put quote and oracle of SOL at ``px`` (1e6)."""
        self.post(Quoted("SOL/USDC", px, px, 0))
        self.post(Quoted("SOL-PERP", px, px, 0))
        self.post(OraclePosted("SOL-PERP", px, 0, 0))

    def pool(self, sol_whole: int, usdc_whole: int, fee_num: int = 25) -> None:
        """Publish a constant-product SOL/USDC pool named ``pool``."""
        self.post(PoolUpdated("pool", "dex", "SOL", "USDC", sol_whole * WHOLE, usdc_whole * USD, fee_num, 10_000, 0))

    def pass_time(self, duration_ns: int) -> list[AnyFact]:
        """Move the clock on; returns what the driver said meanwhile."""
        self.now_ns += duration_ns
        return [arrival.body for arrival in self.driver.pop(self.now_ns)]

    def submit(self, order: Intent, order_id: str = "o-1", plans: tuple[LegPlan, ...] = ()) -> None:
        """Send all legs of an atomic intent, or the first of a sequential one."""
        legs = order.legs if order.policy is Policy.ATOMIC else order.legs[:1]
        plans = plans or tuple(LegPlan(index, _size(leg)) for index, leg in enumerate(legs))
        self.driver.submit(Dispatch(Approved(order_id, order, (), self.now_ns), plans), self.now_ns)

    def run(self, order: Intent, order_id: str = "o-1") -> list[AnyFact]:
        """Submit and wait five minutes."""
        self.submit(order, order_id)
        return self.pass_time(300 * SECOND)

    def end(self, order: Intent, order_id: str = "o-1") -> OrderReported:
        """Submit, wait, and return the last report."""
        return reports(self.run(order, order_id))[-1]

    def deposit(self, usdc: int, engine: str = "funding") -> OrderReported:
        """Put whole USDC at the venue."""
        return self.end(intent(transfer(usdc * USD), engine=engine), f"deposit-{self.now_ns}")


def _size(leg: Leg) -> int:
    match leg:
        case Swap():
            return leg.in_atoms
        case PerpOrder():
            return leg.base_atoms
        case CollateralTransfer():
            return abs(leg.atoms)


def intent(*legs: Leg, engine: str = "funding", policy: Policy = Policy.SEQUENTIAL, **changes: Any) -> Intent:
    """An entry that never expires."""
    fields: dict[str, Any] = {
        "purpose": Purpose.ENTRY,
        "notional_micros": 0,
        "edge_bps": 0.0,
        "cost": Cost(),
        "expires_ns": 2**62,
        "reason": "test",
    }
    return Intent(engine=engine, pod="", policy=policy, legs=legs, **(fields | changes))


def buy(usdc: int, *, pool: str = "", minimum: int = 0) -> Swap:
    """Whole USDC into SOL."""
    return Swap("SOL/USDC", pool, "USDC", "SOL", usdc * USD, 0, minimum)


def sell(sol: int, *, pool: str = "", minimum: int = 0) -> Swap:
    """Whole SOL into USDC."""
    return Swap("SOL/USDC", pool, "SOL", "USDC", sol * WHOLE, 0, minimum)


def order(side: Side, base_atoms: int, *, limit_px: int = 0, reduce_only: bool = False) -> PerpOrder:
    """A perp order; without a limit it takes any price."""
    limit_px = limit_px or (10**15 if side is Side.BUY else 1)
    return PerpOrder("SOL-PERP", VENUE, side, base_atoms, 0, limit_px, reduce_only)


def transfer(atoms: int) -> CollateralTransfer:
    """USDC atoms in, negative out."""
    return CollateralTransfer(VENUE, "USDC", atoms)


def reports(facts: list[AnyFact]) -> list[OrderReported]:
    """The order reports among the facts."""
    return [fact for fact in facts if isinstance(fact, OrderReported)]


def leg_of(report: OrderReported) -> LegReport:
    """The only leg of a report."""
    assert len(report.legs) == 1
    return report.legs[0]


def statuses(facts: list[AnyFact]) -> list[LegStatus]:
    """The states the first leg went through."""
    return [report.legs[0].status for report in reports(facts)]


def paid(report: OrderReported) -> dict[FeeKind, int]:
    """Chain fees by kind."""
    return {fee.kind: fee.atoms for fee in report.chain_fees}


def bodies(arrivals: list[Arrival]) -> list[AnyFact]:
    """The facts of some arrivals."""
    return [arrival.body for arrival in arrivals]
