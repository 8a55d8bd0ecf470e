"""A real kernel with the arb engine in it, and short ways to feed it."""

import pytest

from phantom_arbiter.core.commands import Mode, StartEngine
from phantom_arbiter.core.events import (
    Commanded,
    Envelope,
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
from phantom_arbiter.core.kernel import Kernel
from phantom_arbiter.core.safety import SafetyGates
from phantom_arbiter.core.units import LAMPORTS_PER_SOL, SLOT_NS
from phantom_arbiter.core.vault import VaultManager
from phantom_arbiter.engines.arb.logic import ArbEngine
from phantom_arbiter.engines.arb.settings import ArbConfig

BONK = Asset("BONK", 5)
UNIVERSE = Universe.of(
    (SOL, USDC, BONK),
    (
        spot(SOL, USDC, 6),
        spot(BONK, USDC, 10),
        spot(BONK, SOL, 12),
        perp("SOL", USDC, min_base_atoms=1, step_base_atoms=1),
    ),
)
START_NS = 1_700_000_000 * 10**9
USDC_ATOMS = 10**6


class House:
    """A paper kernel with funds, SOL at 150 USD, the arb engine running, and a clock of 400 ms a fact.

    Without settings of its own the engine does not wait to see a gap again, so that one fact is enough.
    """

    def __init__(self, *, sol=20, usdc=3_000, config=None, start=True):
        self.vault = VaultManager()
        self.engine = ArbEngine(config=config or ArbConfig(persist_slots=0))
        for asset, atoms in (("SOL", sol * LAMPORTS_PER_SOL), ("USDC", usdc * USDC_ATOMS)):
            if atoms:
                self.vault.deposit(f"deposit {asset}", asset, atoms, ts_ns=0)
                self.vault.fund(f"fund {asset}", "arb", asset, atoms, ts_ns=0)
        self.kernel = Kernel(UNIVERSE, [self.engine], self.vault, SafetyGates(), Mode.PAPER)
        self.seq = 0
        self.now_ns = START_NS
        self.feed(VenueStatusChanged("raydium", VenueStatus.LIVE, "test"))
        self.feed(OraclePosted("SOL-PERP", 150 * 10**6, 10**4, self.slot))
        self.feed(Quoted("BONK/USDC", 149_999, 150_001, self.slot))
        if start:
            self.start()

    @property
    def slot(self):
        return self.now_ns // SLOT_NS

    def start(self):
        self.feed(Commanded("c1", StartEngine("arb")))

    def feed(self, body, *, after_ns=SLOT_NS):
        self.seq += 1
        self.now_ns += after_ns
        return self.kernel.step(Envelope(self.seq, self.now_ns, "test", body))

    def pool(self, name, asset_0, asset_1, reserve_0, reserve_1, *, fee_bps=25, after_ns=SLOT_NS):
        """Feed a pool's state; the verdicts it led to."""
        slot = (self.now_ns + after_ns) // SLOT_NS
        fact = PoolUpdated(name, "raydium", asset_0, asset_1, reserve_0, reserve_1, fee_bps, 10_000, slot)
        outcome = self.feed(fact, after_ns=after_ns)
        return outcome.verdicts if outcome is not None else []

    def sol_usdc(self, name, price, *, sol=50_000, fee_bps=25, after_ns=SLOT_NS):
        """A SOL/USDC pool of that many SOL at a price in USD."""
        reserves = (sol * LAMPORTS_PER_SOL, round(sol * price * USDC_ATOMS))
        return self.pool(name, "SOL", "USDC", *reserves, fee_bps=fee_bps, after_ns=after_ns)


def gap(house, *, cheap=149.3, dear=150.7):
    """Two pools with a gap between them; the verdicts on the second."""
    house.sol_usdc("orca", cheap)
    return house.sol_usdc("ray", dear)


def report(order_id, status, legs, **more):
    """A report of all legs at once; fills are as they were expected."""
    reports = tuple(
        LegReport(i, status, leg.in_atoms, leg.expected_out_atoms)
        if status is LegStatus.FILLED
        else LegReport(i, status)
        for i, leg in enumerate(legs)
    )
    return OrderReported(order_id, reports, **more)


@pytest.fixture
def make_house():
    """Build a `House` of other means or settings."""
    return House


@pytest.fixture
def house():
    return House()
