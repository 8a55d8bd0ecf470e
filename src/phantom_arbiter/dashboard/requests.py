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
    DriftDeposit,
    DriftWithdraw,
    EngineId,
    Kill,
    LeavePosition,
    Name,
    PauseEngine,
    Preview,
    ResetKill,
    ResetPaper,
    StartEngine,
    StopEngine,
    TakePosition,
    UpdateConfig,
)


class Auth(Action, frozen=True, tag="AUTH"):
    """The per-start token; the first message, within 5 s."""

    token: Annotated[str, Meta(min_length=1, max_length=128)]


class ClosePositionRequest(Action, frozen=True, tag="CLOSE_POSITION"):
    """Ask an engine to leave one of its positions. On the wire ``id`` is the command's own, hence ``position_id``."""

    engine: EngineId
    position_id: Name


class ArmLive(Action, frozen=True, tag="ARM_LIVE"):
    """Allow an engine to trade with real money for a while."""

    engine: EngineId
    confirmation: Name


class DisarmLive(Action, frozen=True, tag="DISARM_LIVE"):
    """Take that back."""


class AckAlert(Action, frozen=True, tag="ACK_ALERT"):
    """Mark an alert as seen."""

    alert_id: Name


NotAvailable = ArmLive | DisarmLive
WireAction = (
    StartEngine
    | StopEngine
    | PauseEngine
    | ClosePositionRequest
    | ResetPaper
    | UpdateConfig
    | Kill
    | ResetKill
    | Preview
    | TakePosition
    | LeavePosition
    | DriftDeposit
    | DriftWithdraw
    | AckAlert
    | NotAvailable
)
"""Every action a client may send after AUTH; on the wire each carries an ``id`` beside these fields."""


class CommandRequest(Struct, frozen=True):
    """A command with the client's own id for it. `AckAlert` is the dashboard's own; the kernel never sees it."""

    id: str
    command: Command | AckAlert
