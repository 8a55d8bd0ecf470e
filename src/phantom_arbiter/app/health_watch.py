"""When a low account health is worth an alert: two levels, each left a little above where it begins.

A health that hovers around a level would otherwise begin and end its alert at every look.
"""

from __future__ import annotations

from typing import Final, Literal

from phantom_arbiter.dashboard.frames import HealthAlert

HEALTH_WARNING: Final = 50.0
HEALTH_CRITICAL: Final = 20.0
LEAVE_ABOVE: Final = 2.0
"""Points above its level at which an alert is over, or no longer critical."""
ALERT_ID: Final = "health-funding"

Level = Literal["WARNING", "CRITICAL"]


class HealthWatch:
    """Remembers what was told of one account."""

    def __init__(self) -> None:
        self._told: tuple[Level, int] | None = None

    def look(self, health: float | None, liq_price: float | None, ts_ms: int) -> HealthAlert | None:
        """The alert to tell: one that begins, changes its level or its whole points, or passes; None: nothing new.

        ``health`` 0 to 100, None without an account: nothing is low then. ``liq_price`` in USD.
        """
        level = _level(health, self._told[0] if self._told is not None else None)
        now = (level, round(health)) if level is not None and health is not None else None
        if now == self._told:
            return None
        self._told = now
        if now is None:
            return _alert(ts_ms, "account health is no longer low")
        words = f"account health {now[1]} of 100"
        if liq_price is not None:
            words += f"; liquidation at {liq_price:,.2f} USD"
        return _alert(ts_ms, words, now, liq_price)


def _level(health: float | None, before: Level | None) -> Level | None:
    if health is None:
        return None
    if health < HEALTH_CRITICAL + (LEAVE_ABOVE if before == "CRITICAL" else 0.0):
        return "CRITICAL"
    if health < HEALTH_WARNING + (LEAVE_ABOVE if before is not None else 0.0):
        return "WARNING"
    return None


def _alert(
    ts_ms: int, message: str, now: tuple[Level, int] | None = None, liq_price: float | None = None
) -> HealthAlert:
    return HealthAlert(
        id=ALERT_ID,
        ts=ts_ms,
        level=now[0] if now is not None else "INFO",
        source="funding",
        message=message,
        health=now[1] if now is not None else None,
        liq_price=liq_price,
        active=now is not None,
    )
