"""Commands: what a person, the socket or the command line can ask the kernel for.

Refused while decoding: an unknown action or field, a number out of range. Engine ids: funding, lst, scalp, arb.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

EngineId = Literal["funding", "lst", "scalp", "arb"]
ENGINE_IDS: tuple[EngineId, ...] = ("funding", "lst", "scalp", "arb")

Name = Annotated[str, Meta(min_length=1, max_length=64)]
Atoms = Annotated[int, Meta(gt=0, le=2**63 - 1)]


class Mode(StrEnum):
    """Where orders go. Backtest and replay run as paper."""

    PAPER = "paper"
    LIVE = "live"


class KillLevel(StrEnum):
    """``pause``: no new entries; ``cancel``: also cancel what is open; ``flatten``: also close every position."""

    PAUSE = "pause"
    CANCEL = "cancel"
    FLATTEN = "flatten"


class Action(Struct, frozen=True, tag_field="action", forbid_unknown_fields=True):
    """The base of all commands."""


class StartEngine(Action, frozen=True, tag="START_ENGINE"):
    """Start an engine; starting one that runs is refused."""

    engine: EngineId
    mode: Mode = Mode.PAPER


class StopEngine(Action, frozen=True, tag="STOP_ENGINE"):
    """Stop an engine; it keeps what it holds and makes no further order."""

    engine: EngineId


class PauseEngine(Action, frozen=True, tag="PAUSE_ENGINE"):
    """No new entries; exits go on."""

    engine: EngineId


class ClosePosition(Action, frozen=True, tag="CLOSE_POSITION"):
    """Ask an engine to leave one of its positions."""

    engine: EngineId
    id: Name


class ResetPaper(Action, frozen=True, tag="RESET_PAPER"):
    """Paper only: start over with these balances, in whole units of each asset as decimal strings."""

    balances: dict[Name, Annotated[str, Meta(max_length=40)]]


class UpdateConfig(Action, frozen=True, tag="UPDATE_CONFIG"):
    """Change settings of one engine; unknown keys are refused and nothing is half-applied."""

    engine: EngineId
    config: dict[Name, Any]


class Kill(Action, frozen=True, tag="KILL"):
    """The kill switch. It latches: it survives a restart until it is reset."""

    level: KillLevel


class ResetKill(Action, frozen=True, tag="RESET_KILL"):
    """Release the kill latch. Engines stay as they are."""


Size = Annotated[float, Meta(gt=0, le=1e12)]
"""In whole units, above zero."""
HandAct = Literal["TAKE_POSITION", "LEAVE_POSITION", "DRIFT_DEPOSIT", "DRIFT_WITHDRAW"]


class Preview(Action, frozen=True, tag="PREVIEW"):
    """What an act by hand would do: before and after, costs, and the gate that would refuse it. Changes nothing.

    ``size`` is in base units for TAKE_POSITION, in quote units for DRIFT_DEPOSIT and DRIFT_WITHDRAW; LEAVE_POSITION
    takes none.
    """

    of: HandAct
    market: Name
    size: Size | None = None


class TakePosition(Action, frozen=True, tag="TAKE_POSITION"):
    """Open (or add to) a hedged funding position that was previewed; ``size`` in base units."""

    market: Name
    size: Size
    preview_hash: Name


class LeavePosition(Action, frozen=True, tag="LEAVE_POSITION"):
    """Leave a hedged funding position that was previewed: both legs, and the margin comes home."""

    market: Name
    preview_hash: Name


class DriftDeposit(Action, frozen=True, tag="DRIFT_DEPOSIT"):
    """Move ``amount`` quote units of the funding engine's free capital to the perp venue."""

    amount: Size


class DriftWithdraw(Action, frozen=True, tag="DRIFT_WITHDRAW"):
    """Move ``amount`` quote units back; refused where health would fall below 80."""

    amount: Size


Act = (
    StartEngine
    | StopEngine
    | PauseEngine
    | ClosePosition
    | ResetPaper
    | UpdateConfig
    | Kill
    | ResetKill
    | TakePosition
    | LeavePosition
    | DriftDeposit
    | DriftWithdraw
)
Command = Act | Preview
"""An act changes something; a preview only tells."""
