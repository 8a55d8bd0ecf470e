"""Orders by hand, from the command to the gates: what an act would do, and the act itself.

All of them are the funding engine's: it is the one whose positions a person may open.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from phantom_arbiter.core.commands import DriftDeposit, DriftWithdraw, LeavePosition, Preview, TakePosition
from phantom_arbiter.core.desk import Engine
from phantom_arbiter.core.intents import Intent
from phantom_arbiter.core.lifecycle import ACTIVE
from phantom_arbiter.core.outcome import EngineRecord
from phantom_arbiter.core.preview import HandCommand, Previewed, Rejection
from phantom_arbiter.core.verdicts import GateResult, Refused, Verdict

ENGINE: Final = "funding"


class HandKernel(Protocol):
    """What orders by hand need of the kernel."""

    engines: dict[str, Engine]
    records: dict[str, EngineRecord]

    def submit(self, intents: Sequence[Intent]) -> list[Verdict]:
        """Put intents before the gates."""

    def measure(self, intent: Intent) -> tuple[tuple[GateResult, ...], GateResult | None]:
        """What the gates would say; nothing is approved."""


def preview(kernel: HandKernel, command: Preview) -> tuple[str, str, Previewed | None]:
    """Code and message of the answer, and the preview itself. A refusing gate is part of the preview, not an error."""
    draft = kernel.engines[ENGINE].draft(command)
    if isinstance(draft, Rejection):
        return draft.code, draft.message, None
    gates, refused = kernel.measure(draft.intent)
    return "ok", draft.words, Previewed(draft, gates, refused)


def act(kernel: HandKernel, command: HandCommand, command_id: str) -> tuple[str, str]:
    """Carry out a previewed act: "ok" once every intent passed the gates, else the gate that refused; the engine
    begins with it only then, so a refused act changes nothing and its preview may be used again."""
    status = kernel.records[ENGINE].status
    if status not in ACTIVE:
        return "not_running", f"the funding engine is {status}: start it, so that somebody guards the position"
    intents = kernel.engines[ENGINE].act(command)
    if isinstance(intents, Rejection):
        return intents.code, intents.message
    asked = [msgspec.structs.replace(intent, command_id=command_id) for intent in intents]
    for verdict in kernel.submit(asked):
        if isinstance(verdict, Refused):
            return verdict.result.gate, verdict.result.message
    kernel.engines[ENGINE].acted(command, asked)
    return "ok", _accepted(command)


def _accepted(command: HandCommand) -> str:
    match command:
        case TakePosition():
            return f"taking {command.size:g} {command.market}: the legs follow"
        case LeavePosition():
            return f"leaving {command.market}: the legs follow"
        case DriftDeposit():
            return f"depositing {command.amount:g}"
        case DriftWithdraw():
            return f"withdrawing {command.amount:g}"
