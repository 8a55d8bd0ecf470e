"""The life of an engine, as a table."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class EngineStatus(StrEnum):
    """Where an engine's life stands."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    FAULTED = "faulted"


E = EngineStatus

LIFE_CYCLE: Final[dict[EngineStatus, frozenset[EngineStatus]]] = {
    E.STOPPED: frozenset({E.STARTING}),
    E.STARTING: frozenset({E.RUNNING, E.STOPPING, E.FAULTED}),
    E.RUNNING: frozenset({E.PAUSED, E.STOPPING, E.FAULTED}),
    E.PAUSED: frozenset({E.RUNNING, E.STOPPING, E.FAULTED}),
    E.STOPPING: frozenset({E.STOPPED, E.FAULTED}),
    E.FAULTED: frozenset({E.STOPPING, E.STOPPED}),
}

ACTIVE: Final = frozenset({E.RUNNING, E.PAUSED})
"""Engines in these states see facts; a paused one may only reduce what it holds."""
