"""The messages of the WebSocket, client to server: ``{"id", "action", …}``, decoded strictly.

``AUTH`` comes first and is answered by a SNAPSHOT. The kernel's commands are those of `core.commands`; the actions
of the contract that this build does not offer are decoded too, so that they get a plain answer.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from phantom_arbiter.core.commands import (
    Action,
    Command,
    EngineId,
    Kill,
    Name,
    PauseEngine,
    ResetKill,
    ResetPaper,
    StartEngine,
    StopEngine,
    UpdateConfig,
)

Size = Annotated[float, Meta(gt=0)]


class Auth(Action, frozen=True, tag="AUTH"):
    """The per-start token; the first message, within 5 s."""

    token: Annotated[str, Meta(min_length=1, max_length=128)]


class ClosePositionRequest(Action, frozen=True, tag="CLOSE_POSITION"):
    """Ask an engine to leave one of its positions. On the wire ``id`` is the command's own, hence ``position_id``."""

    engine: EngineId
    position_id: Name


class TakePosition(Action, frozen=True, tag="TAKE_POSITION"):
    """Open a funding position that was previewed."""

    market: Name
    size: Size
    preview_hash: Name


class LeavePosition(Action, frozen=True, tag="LEAVE_POSITION"):
    """Leave a funding position that was previewed."""

    market: Name
    preview_hash: Name


class Preview(Action, frozen=True, tag="PREVIEW"):
    """Before and after of an act."""

    of: Name
    market: Name
    size: Size | None = None


class ArmLive(Action, frozen=True, tag="ARM_LIVE"):
    """Allow an engine to trade with real money for a while."""

    engine: EngineId
    confirmation: Name


class DisarmLive(Action, frozen=True, tag="DISARM_LIVE"):
    """Take that back."""


class DriftDeposit(Action, frozen=True, tag="DRIFT_DEPOSIT"):
    """Move collateral to the perp venue."""

    amount: Size


class DriftWithdraw(Action, frozen=True, tag="DRIFT_WITHDRAW"):
    """Move collateral back."""

    amount: Size


class AckAlert(Action, frozen=True, tag="ACK_ALERT"):
    """Mark an alert as seen."""

    alert_id: Name


NotAvailable = TakePosition | LeavePosition | Preview | ArmLive | DisarmLive | DriftDeposit | DriftWithdraw | AckAlert
WireAction = (
    StartEngine
    | StopEngine
    | PauseEngine
    | ClosePositionRequest
    | ResetPaper
    | UpdateConfig
    | Kill
    | ResetKill
    | NotAvailable
)
"""Every action a client may send after AUTH; on the wire each carries an ``id`` beside these fields."""


class CommandRequest(Struct, frozen=True):
    """A command with the client's own id for it."""

    id: str
    command: Command
