"""What a step of the kernel brings about, and the plain records it keeps beside the books."""

from __future__ import annotations

from msgspec import Struct, field

from phantom_arbiter.core.ledger import Transaction
from phantom_arbiter.core.lifecycle import EngineStatus
from phantom_arbiter.core.orders import Dispatch, Order
from phantom_arbiter.core.preview import Previewed
from phantom_arbiter.core.verdicts import Verdict


class CommandOutcome(Struct, frozen=True):
    """The answer to a command. Success means accepted; what follows comes as order updates. ``previewed`` answers
    PREVIEW."""

    command_id: str
    success: bool
    code: str
    message: str
    previewed: Previewed | None = None


class StatusChange(Struct, frozen=True):
    """An engine moved along its life cycle."""

    engine: str
    status: EngineStatus
    reason: str


class Outcome(Struct):
    """What one step brought about, in order. The shell journals it, then sends the dispatches."""

    verdicts: list[Verdict]
    dispatches: list[Dispatch]
    orders: list[Order]
    statuses: list[StatusChange]
    transactions: list[Transaction]
    command: CommandOutcome | None = None


class EngineRecord(Struct):
    """What the kernel keeps about an engine beside its own state and book."""

    status: EngineStatus = EngineStatus.STOPPED
    orders: int = 0
    facts: int = 0
    intents: int = 0
    approved: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    day: int = -1
    day_start_equity_micros: int = 0
    day_start_pnl_micros: dict[str, int] = field(default_factory=dict)


class Benchmark(Struct):
    """What "just hold" began with: the house's equity, SOL in USD and jitoSOL in SOL, when all were first known."""

    start_equity_micros: int = 0
    start_sol_usd: float = 0.0
    start_jitosol_rate: float = 0.0
