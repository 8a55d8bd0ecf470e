"""What the kernel lends an engine, and what it expects of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from msgspec import Struct

from phantom_arbiter.core.commands import EngineId, Preview
from phantom_arbiter.core.events import Envelope, Fact
from phantom_arbiter.core.intents import Intent
from phantom_arbiter.core.orders import Order
from phantom_arbiter.core.portfolio import EngineBook
from phantom_arbiter.core.preview import Draft, HandCommand, Rejection
from phantom_arbiter.core.verdicts import Refused
from phantom_arbiter.core.view import MarketView


class VaultReader(Protocol):
    """The part of the vault an engine may read."""

    def available(self, engine: str, asset: str) -> int:
        """Free atoms of the engine."""

    def deployed(self, engine: str, asset: str) -> int:
        """Atoms in positions and at venues."""


class Desk(Struct):
    """What the kernel lends an engine: read-only but for the engine's own state.

    ``entries_allowed`` is False while paused or killed: entries would be refused, exits go on. ``orders`` holds the
    engine's open orders by id.
    """

    engine: EngineId
    view: MarketView
    book: EngineBook
    vault: VaultReader
    orders: dict[str, Order]
    entries_allowed: bool = True

    def available(self, asset: str) -> int:
        """Atoms of ``asset`` that this engine may still reserve."""
        return self.vault.available(self.engine, asset)

    def deployed(self, asset: str) -> int:
        """Atoms of ``asset`` that this engine holds in positions."""
        return self.vault.deployed(self.engine, asset)


class Subscriptions(Struct, frozen=True):
    """Which facts reach `decide`: quotes of these instruments, and every fact of these kinds.

    The engine's own order reports (through `on_order`) and ``TimerFired("tick")``, once a second, always reach it.
    """

    quotes: frozenset[str] = frozenset()
    kinds: tuple[type[Fact], ...] = ()


class Engine(Protocol):
    """An engine as the kernel sees it; `engines.base.BaseEngine` is the base of all."""

    @property
    def id(self) -> EngineId:
        """Which of the four it is."""

    config: Any
    state: Any

    def bind(self, desk: Desk) -> None:
        """Take the desk; rebuild caches from ``state``."""

    def subscriptions(self) -> Subscriptions:
        """What it wants to hear."""

    def decide(self, envelope: Envelope) -> Sequence[Intent]:
        """One fact in, intents out."""

    def on_order(self, order: Order) -> Sequence[Intent]:
        """One of its orders changed."""

    def on_refused(self, refused: Refused) -> None:
        """The gates refused one of its intents."""

    def close(self, position_id: str) -> Sequence[Intent]:
        """Leave a position, or all of them for ``*``."""

    def draft(self, request: Preview) -> Draft | Rejection:
        """What an act by hand would do now; the engine remembers its limits under the draft's hash."""

    def act(self, request: HandCommand) -> Sequence[Intent] | Rejection:
        """The intents of an act by hand that was previewed, on terms no worse than those shown; nothing changes yet."""

    def acted(self, request: HandCommand, intents: Sequence[Intent]) -> None:
        """Every gate approved those intents: the act has begun."""

    def unfinished(self) -> str:
        """What nobody would finish if the engine stopped now, and what to do; empty where nothing is half done."""

    def panel(self) -> dict[str, Any]:
        """What its page shows."""
