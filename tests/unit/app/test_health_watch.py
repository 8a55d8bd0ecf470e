"""Health alerts: when they begin, worsen, ease and pass, and that a health around a level does not flap."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.app.health_watch import HealthWatch
from phantom_arbiter.core.commands import Mode
from phantom_arbiter.dashboard import frames, rows
from phantom_arbiter.dashboard.frames import HealthAlert
from phantom_arbiter.dashboard.projector import Projector
from tests.unit.engines.market_builder import UNIVERSE


def told(*healths: float | None, liq_price: float | None = 144.6) -> list[HealthAlert | None]:
    watch = HealthWatch()
    return [watch.look(health, liq_price, at) for at, health in enumerate(healths)]


def levels(*healths: float | None) -> list[str]:
    return [alert.level if alert is not None else "" for alert in told(*healths)]


def test_it_begins_below_fifty_with_the_liquidation_price() -> None:
    nothing, alert = told(50.0, 49.4)
    assert nothing is None
    assert alert is not None
    assert (alert.level, alert.active, alert.health, alert.liq_price, alert.ts) == ("WARNING", True, 49, 144.6, 1)
    assert alert.message == "account health 49 of 100; liquidation at 144.60 USD"


def test_without_a_liquidation_price_none_is_told() -> None:
    (alert,) = told(15.0, liq_price=None)
    assert alert is not None
    assert (alert.message, alert.liq_price) == ("account health 15 of 100", None)


def test_it_worsens_below_twenty_and_eases_two_points_above() -> None:
    assert [level for level in levels(45.0, 20.0, 19.4, 20.4, 21.4, 22.0) if level] == [
        "WARNING",
        "WARNING",
        "CRITICAL",
        "CRITICAL",
        "CRITICAL",
        "WARNING",
    ]


@pytest.mark.parametrize(("passes", "at"), [(False, 51.9), (True, 52.0), (True, None)])
def test_it_passes_two_points_above_its_level_or_with_the_account(passes: bool, at: float | None) -> None:
    last = told(49.0, at)[-1]
    assert last is not None
    assert last.active is not passes
    if passes:
        assert (last.level, last.health, last.liq_price) == ("INFO", None, None)
        assert last.message == "account health is no longer low"


def test_from_critical_it_passes_at_once_when_health_is_restored() -> None:
    assert levels(15.0, 80.0, 80.0) == ["CRITICAL", "INFO", ""]


@pytest.mark.parametrize(("level", "low", "high"), [("WARNING", 49.6, 50.4), ("CRITICAL", 19.6, 20.4)])
def test_hovering_at_a_level_tells_it_once(level: str, low: float, high: float) -> None:
    first, *rest = levels(*[low, high] * 20)
    assert (first, set(rest)) == (level, {""})


def test_the_same_points_are_told_once_and_new_points_again() -> None:
    assert levels(40.0, 40.3, 39.0, 39.0) == ["WARNING", "", "WARNING", ""]


def test_seen_it_stays_acknowledged_while_its_level_stays_and_is_new_with_another() -> None:
    run = frames.RunInfo(version="0.1.0", run_id="r", mode=Mode.PAPER, started_ts=0)
    projector, watch = Projector(UNIVERSE, run, rows.MarketClock(0, "built-in", 1.0)), HealthWatch()
    seen = []
    for at, health in enumerate((49.0, 50.5, 48.0, 19.0, 21.0, 60.0, 49.0)):
        alert = watch.look(health, 144.6, at)
        if alert is not None:
            projector.alert(alert)
        if at in (0, 3):
            assert projector.acknowledge("health-funding")
        (row,) = projector.snapshot().alerts
        seen.append((row.level, row.acknowledged))
    assert seen == [
        ("WARNING", True),
        ("WARNING", True),
        ("WARNING", True),
        ("CRITICAL", True),
        ("CRITICAL", True),
        ("INFO", False),
        ("WARNING", False),
    ]


@given(st.lists(st.one_of(st.none(), st.floats(0.0, 100.0)), max_size=40))
def test_what_was_told_last_is_never_milder_than_the_level_nor_two_points_past_it(healths: list[float | None]) -> None:
    watch, level = HealthWatch(), "INFO"
    for health in healths:
        alert = watch.look(health, None, 0)
        level = alert.level if alert is not None else level
        if health is None or health >= 52:
            assert level == "INFO"
        elif health < 20:
            assert level == "CRITICAL"
        elif 22 <= health < 50:
            assert level == "WARNING"
