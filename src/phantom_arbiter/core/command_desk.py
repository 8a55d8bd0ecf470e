"""What commands do to the kernel: one method each, and one answer."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, Protocol

import msgspec

from phantom_arbiter.core import hand_desk
from phantom_arbiter.core.commands import (
    Act,
    ClosePosition,
    DriftDeposit,
    DriftWithdraw,
    Kill,
    KillLevel,
    LeavePosition,
    Mode,
    PauseEngine,
    Preview,
    ResetKill,
    ResetPaper,
    StartEngine,
    StopEngine,
    TakePosition,
    UpdateConfig,
)
from phantom_arbiter.core.desk import Desk
from phantom_arbiter.core.events import Commanded
from phantom_arbiter.core.lifecycle import ACTIVE, EngineStatus
from phantom_arbiter.core.outcome import CommandOutcome
from phantom_arbiter.core.verdicts import Refused, Verdict


class Commandable(hand_desk.HandKernel, Protocol):
    """What commands act on: the kernel."""

    mode: Mode
    kill: KillLevel | None
    desks: dict[str, Desk]

    def set_status(self, engine: str, status: EngineStatus, reason: str) -> None:
        """Move an engine along its life cycle."""

    def refresh_routes(self) -> None:
        """Rebuild who hears what."""


class CommandDesk:
    """Carries out commands on the kernel that owns it."""

    def __init__(self, kernel: Commandable) -> None:
        self._kernel = kernel

    def handle(self, fact: Commanded) -> CommandOutcome:
        """Do what was asked, or say why not."""
        if isinstance(fact.command, Preview):
            code, message, previewed = hand_desk.preview(self._kernel, fact.command)
            return CommandOutcome(fact.command_id, code == "ok", code, message, previewed)
        code, message = self._dispatch(fact.command, fact.command_id)
        return CommandOutcome(fact.command_id, code == "ok", code, message)

    def _dispatch(self, command: Act, command_id: str) -> tuple[str, str]:
        match command:
            case StartEngine():
                return self._start(command)
            case StopEngine():
                return self._stop(command.engine)
            case PauseEngine():
                return self._pause(command.engine)
            case ClosePosition():
                return self._close(command, command_id)
            case UpdateConfig():
                return self._configure(command)
            case Kill():
                return self._kill(command.level)
            case ResetKill():
                return self._reset_kill()
            case TakePosition() | LeavePosition() | DriftDeposit() | DriftWithdraw():
                return hand_desk.act(self._kernel, command, command_id)
            case ResetPaper():
                return "not_here", "paper is reset by the application, between two runs"

    def _start(self, command: StartEngine) -> tuple[str, str]:
        kernel, engine = self._kernel, command.engine
        if command.mode is not kernel.mode:
            return "wrong_mode", f"this run is {kernel.mode}; {command.mode} is not available in it"
        status = kernel.records[engine].status
        if status is EngineStatus.PAUSED:
            kernel.set_status(engine, EngineStatus.RUNNING, "resumed by command")
            return "ok", f"{engine} resumed"
        if status is not EngineStatus.STOPPED:
            return "already_running", f"{engine} is {status}; one loop is enough"
        kernel.set_status(engine, EngineStatus.STARTING, "started by command")
        kernel.set_status(engine, EngineStatus.RUNNING, "ready")
        return "ok", f"{engine} started in {kernel.mode}"

    def _stop(self, engine: str) -> tuple[str, str]:
        kernel = self._kernel
        if kernel.records[engine].status not in ACTIVE:
            return "not_running", f"{engine} is {kernel.records[engine].status}"
        kernel.set_status(engine, EngineStatus.STOPPING, "stopped by command")
        kernel.set_status(engine, EngineStatus.STOPPED, "stopped")
        open_orders, unfinished = len(kernel.desks[engine].orders), kernel.engines[engine].unfinished()
        left = f"{open_orders} orders are still being settled" if open_orders else "it keeps what it holds"
        return "ok", f"{engine} stopped; {left}{f'; {unfinished}' if unfinished else ''}"

    def _pause(self, engine: str) -> tuple[str, str]:
        kernel = self._kernel
        if kernel.records[engine].status is not EngineStatus.RUNNING:
            return "not_running", f"{engine} is {kernel.records[engine].status}"
        kernel.set_status(engine, EngineStatus.PAUSED, "paused by command")
        return "ok", f"{engine} paused: no new entries, exits go on"

    def _close(self, command: ClosePosition, command_id: str) -> tuple[str, str]:
        kernel = self._kernel
        if kernel.records[command.engine].status not in ACTIVE:
            return "not_running", f"{command.engine} is stopped: start or pause it to let it close positions"
        intents = [
            msgspec.structs.replace(intent, command_id=command_id)
            for intent in kernel.engines[command.engine].close(command.id)
        ]
        if not intents:
            return "unknown_position", f"{command.engine} holds no position {command.id!r} that it could close now"
        refused = [verdict for verdict in kernel.submit(intents) if isinstance(verdict, Refused)]
        if refused:
            result = refused[0].result
            if len(refused) < len(intents):
                return "partly_refused", f"{len(refused)} of {len(intents)} closing orders refused: {result.message}"
            return result.gate, result.message
        return "ok", f"closing {command.id}"

    def _configure(self, command: UpdateConfig) -> tuple[str, str]:
        engine = self._kernel.engines[command.engine]
        known = msgspec.structs.asdict(engine.config)
        for key in command.config:
            if key not in known:
                near = get_close_matches(key, known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(sorted(known))}"
                return "unknown_key", f"config.{key}: no such setting of {command.engine}{hint}"
        try:
            changed: Any = msgspec.convert({**known, **command.config}, type(engine.config))
        except msgspec.ValidationError as error:
            return "bad_value", f"config of {command.engine}: {error}"
        engine.config = changed
        engine.bind(self._kernel.desks[command.engine])
        self._kernel.refresh_routes()
        return "ok", f"{command.engine}: {', '.join(command.config)} set"

    def _kill(self, level: KillLevel) -> tuple[str, str]:
        kernel = self._kernel
        kernel.kill = level
        kernel.refresh_routes()
        if level is not KillLevel.FLATTEN:
            return "ok", "no engine enters anything new; orders that are out finish within a minute"
        verdicts = self.flatten()
        refused = [verdict for verdict in verdicts if isinstance(verdict, Refused)]
        if refused:
            return (
                "partly_refused",
                f"{len(refused)} of {len(verdicts)} closing orders refused: {refused[0].result.message}",
            )
        return "ok", f"entries halted, {len(verdicts)} closing orders sent; what stays open is asked for again"

    def flatten(self) -> list[Verdict]:
        """Ask every engine, stopped ones too, to close all it holds; what it is closing already it leaves out."""
        kernel = self._kernel
        return [verdict for engine in kernel.engines.values() for verdict in kernel.submit(engine.close("*"))]

    def _reset_kill(self) -> tuple[str, str]:
        self._kernel.kill = None
        self._kernel.refresh_routes()
        return "ok", "the kill switch is released"
