"""BaseEngine: the life cycle that all engines share, and the one place to subclass.

An engine is a decision: `decide` takes one fact and returns intents. It reads the market, its own book and its vault
through the `Desk` the kernel lends it, and keeps what it must remember in ``state``, a struct that snapshots carry.
It reads no clock and does no I/O, so paper, backtest and live run the very same object.

``await engine.start()`` asks the running application for it; with none running it says how to get one.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any, ClassVar, Final, Protocol

from phantom_arbiter.core.commands import EngineId, Mode, Preview
from phantom_arbiter.core.desk import Desk, Subscriptions, VaultReader
from phantom_arbiter.core.events import Envelope, TimerFired
from phantom_arbiter.core.intents import Intent
from phantom_arbiter.core.lifecycle import LIFE_CYCLE, EngineStatus
from phantom_arbiter.core.orders import Order
from phantom_arbiter.core.preview import Draft, HandCommand, Rejection
from phantom_arbiter.core.verdicts import Refused

__all__ = [
    "HOST",
    "LIFE_CYCLE",
    "BaseEngine",
    "Desk",
    "EngineStatus",
    "Host",
    "NoHostError",
    "Subscriptions",
    "VaultReader",
]


class Host(Protocol):
    """What runs engines: the application sets itself in `HOST`."""

    async def start_engine(self, engine: EngineId, mode: Mode, config: Any) -> None:
        """Start an engine with these settings, or raise with the reason."""

    async def stop_engine(self, engine: EngineId) -> None:
        """Stop an engine; returns when it is stopped."""


HOST: Final[ContextVar[Host | None]] = ContextVar("phantom_arbiter_host", default=None)


class NoHostError(RuntimeError):
    """No application runs in this context."""


class BaseEngine:
    """The base of all engines. Subclasses set ``id`` and implement `subscriptions` and `decide`.

    ``state`` must be a mutable msgspec Struct of plain values: it is what snapshots carry. Derived caches are rebuilt
    in `bind`, which runs at the start and after a restore.
    """

    id: ClassVar[EngineId]
    config: Any
    state: Any

    def __init__(self, *, live_mode: bool = False) -> None:
        self.live_mode = live_mode
        self._desk: Desk | None = None

    @property
    def desk(self) -> Desk:
        """The desk; raises when the engine is not bound to a kernel."""
        if self._desk is None:
            raise NoHostError(f"engine {self.id}: not bound to a kernel; run it with `phantom run`")
        return self._desk

    def bind(self, desk: Desk) -> None:
        """Take the desk. Override to rebuild caches from ``state``, calling this first."""
        self._desk = desk

    def subscriptions(self) -> Subscriptions:
        """What this engine wants to hear."""
        raise TypeError(f"{type(self).__name__} must say what it subscribes to")

    def decide(self, envelope: Envelope) -> Sequence[Intent]:
        """One fact in, intents out. Deterministic; changes nothing but ``state``. A ``TimerFired`` is the tick."""
        if type(envelope.body) is TimerFired:
            return self.tick(envelope.ts_ns)
        return ()

    def tick(self, now_ns: int) -> Sequence[Intent]:
        """Once a second of market time: what does not hang on a single fact. Subclasses may override."""
        del now_ns
        return ()

    def on_order(self, order: Order) -> Sequence[Intent]:
        """One of this engine's orders changed. Subclasses may override."""
        del order
        return ()

    def on_refused(self, refused: Refused) -> None:
        """The gates refused one of this engine's intents: for the record, not to ask again. Subclasses may override."""
        del refused

    def close(self, position_id: str) -> Sequence[Intent]:
        """Leave a position at once because a person asked (or the kill switch: ``"*"`` means all of them)."""
        del position_id
        return ()

    def draft(self, request: Preview) -> Draft | Rejection:
        """What an act by hand would do. Only one that takes orders by hand overrides this, `act`, `acted`."""
        return Rejection("not_available", f"{self.id}: {request.of} is not offered; this engine acts by itself")

    def act(self, request: HandCommand) -> Sequence[Intent] | Rejection:
        """The intents of an act by hand that was previewed; ``state`` stays as it is until `acted`."""
        del request
        return Rejection("not_available", f"{self.id} takes no orders by hand")

    def acted(self, request: HandCommand, intents: Sequence[Intent]) -> None:
        """The gates approved the intents of an act by hand: what it changes beside the orders."""
        del request, intents

    def unfinished(self) -> str:
        """What nobody would finish if this engine stopped now; empty where nothing is half done."""
        return ""

    def panel(self) -> dict[str, Any]:
        """What the engine's page shows: JSON-ready values. Rates and prices as floats, ages in seconds."""
        return {}

    async def start(self) -> None:
        """Start this engine in the running application; raises `NoHostError` when there is none."""
        await self._host().start_engine(self.id, Mode.LIVE if self.live_mode else Mode.PAPER, self.config)

    async def stop(self) -> None:
        """Stop this engine in the running application."""
        await self._host().stop_engine(self.id)

    def _host(self) -> Host:
        host = HOST.get()
        if host is None:
            raise NoHostError(
                "no Phantom Arbiter application runs here: start one with `phantom run`, or open one in code with "
                "`async with phantom_arbiter.app.running.running(): ...`"
            )
        return host
