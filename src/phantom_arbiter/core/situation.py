"""What the gates look at beside the intent: gathered by the kernel for each judgement."""

from __future__ import annotations

from msgspec import Struct

from phantom_arbiter.core.commands import KillLevel, Mode
from phantom_arbiter.core.desk import Desk
from phantom_arbiter.core.lifecycle import EngineStatus


class Situation(Struct):
    """The state an intent is judged in.

    ``equity_micros`` is the engine's own equity now (its starting capital at the price it began with; None: a price
    is missing), ``day_start_equity_micros`` that at the last UTC midnight (or its start) and ``peak_equity_micros`` its
    highest. The market's clock is ``desk.view.now_ns``.
    """

    desk: Desk
    mode: Mode
    status: EngineStatus
    kill: KillLevel | None
    equity_micros: int | None
    day_start_equity_micros: int
    peak_equity_micros: int
