"""From Loguru to the dashboard's log page, and what of a run is worth a line."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TYPE_CHECKING, Final, get_args

from loguru import logger

from phantom_arbiter.core.orders import Order, OrderStatus
from phantom_arbiter.core.outcome import Outcome
from phantom_arbiter.dashboard import rows

if TYPE_CHECKING:
    from loguru import Message

LEVELS: Final = frozenset(get_args(rows.LogLevel))


def attach(tell: Callable[[rows.LogEntry], None], now_ms: Callable[[], int]) -> int:
    """Send every record to ``tell`` with the market's time; returns the sink's id, for ``logger.remove``."""
    numbers = count(1)

    def sink(message: Message) -> None:
        record = message.record
        name = record["level"].name
        tell(
            rows.LogEntry(
                id=f"log-{next(numbers)}",
                ts=now_ms(),
                level=name if name in LEVELS else "INFO",  # type: ignore[arg-type]
                source=str(record["extra"].get("source", "app")),
                message=record["message"],
            )
        )

    return logger.add(sink, level="DEBUG", format="{message}", backtrace=False, diagnose=False)


def tell_outcome(outcome: Outcome) -> None:
    """A line for an engine's change of state, for every order that ended, and for the answer to a command."""
    for status in outcome.statuses:
        logger.bind(source=status.engine).info("{} is {}: {}", status.engine, status.status, status.reason)
    for order in outcome.orders:
        if not order.is_open:
            _tell_order(order)
    if outcome.command is not None and outcome.command.message:
        level = "INFO" if outcome.command.success else "WARNING"
        logger.bind(source="command").log(level, "{}: {}", outcome.command.code, outcome.command.message)


def _tell_order(order: Order) -> None:
    done = order.status is OrderStatus.DONE
    # Arb sends many orders a minute, most of which are beaten: not each is worth a person's attention.
    level = "DEBUG" if order.intent.engine == "arb" else "INFO" if done else "WARNING"
    why = "" if done else f" ({next((leg.reason for leg in order.legs if leg.reason), 'no reason given')})"
    line = f"{order.id} {order.intent.purpose} {order.status}{why}: {order.intent.reason}"
    logger.bind(source=order.intent.engine).log(level, "{}", line)
