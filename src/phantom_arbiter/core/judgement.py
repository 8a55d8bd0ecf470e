"""What a gate looks at, and how it answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from phantom_arbiter.core.intents import CollateralTransfer, Intent, PerpOrder, Swap
from phantom_arbiter.core.limits import Limits
from phantom_arbiter.core.situation import Situation
from phantom_arbiter.core.verdicts import GateResult


class Recent(NamedTuple):
    """What was approved lately: this engine's instants, and keys of orders with theirs."""

    approvals_ns: list[int]
    keys: dict[str, int]


class Judgement(NamedTuple):
    """Everything a gate may look at."""

    intent: Intent
    situation: Situation
    limits: Limits
    recent: Recent

    @property
    def now_ns(self) -> int:
        """The market's clock."""
        return self.situation.desk.view.now_ns

    @property
    def key(self) -> str:
        """What makes two orders the same: engine, pod and every leg's instrument, direction and size."""
        parts = [self.intent.engine, self.intent.pod, self.intent.purpose]
        for leg in self.intent.legs:
            match leg:
                case Swap():
                    parts.append(f"{leg.instrument}:{leg.pool}:{leg.in_asset}:{leg.in_atoms}")
                case PerpOrder():
                    parts.append(f"{leg.instrument}:{leg.side}:{leg.base_atoms}")
                case CollateralTransfer():
                    parts.append(f"{leg.venue}:{leg.asset}:{leg.atoms}")
        return "|".join(parts)


class Gate(NamedTuple):
    """A named check."""

    name: str
    check: Callable[[Judgement], GateResult]


def measure(gate: str, value: float, limit: float, unit: str, message: str, *, at_least: bool = False) -> GateResult:
    """Compare a value with its limit: by default at most, with ``at_least`` at least."""
    margin = value - limit if at_least else limit - value
    return GateResult(gate, value, limit, margin, unit, message)


def passed(gate: str, message: str = "") -> GateResult:
    return GateResult(gate, 0, 0, 0, "", message)


def refused(gate: str, message: str) -> GateResult:
    return GateResult(gate, 1, 0, -1, "", message)
