"""Commands: each does the whole of what was asked, or nothing and says why."""

from __future__ import annotations

import pytest

from phantom_arbiter.core.commands import (
    ClosePosition,
    Kill,
    KillLevel,
    Mode,
    PauseEngine,
    ResetKill,
    ResetPaper,
    StartEngine,
    StopEngine,
    UpdateConfig,
)
from phantom_arbiter.core.events import Commanded, LegStatus, Quoted
from phantom_arbiter.core.intents import Purpose
from phantom_arbiter.core.lifecycle import EngineStatus
from phantom_arbiter.core.snapshot import digest_items, state_hash
from phantom_arbiter.core.verdicts import Approved, Refused
from tests.unit.core.house import SOL_PX, USD, WHOLE, House, PuppetConfig, buy, intent, sell


def status(house: House, engine: str = "funding") -> EngineStatus:
    return house.kernel.records[engine].status


def holding(house: House, position_id: str = "p") -> None:
    """One SOL under a position id, and the wish to sell it ready."""
    order = house.order(intent(buy(), position_id=position_id, pod=position_id))
    house.report(order, LegStatus.FILLED, 150 * USD, WHOLE)
    house.puppet.exits.append(intent(sell(), purpose=Purpose.EXIT, position_id=position_id, pod=position_id))


def test_starting_twice_is_refused_and_one_quote_is_decided_once() -> None:
    house = House()
    answer = house.command(StartEngine("funding"))
    assert (answer.success, answer.code) == (False, "already_running")
    facts = house.puppet.state.facts
    house.feed(Quoted("SOL/USDC", SOL_PX, SOL_PX, 0))
    assert house.puppet.state.facts == facts + 1


def test_stop_then_start_runs_one_loop() -> None:
    house = House()
    for _ in range(3):
        assert house.command(StopEngine("funding")).success
        assert house.command(StartEngine("funding")).success
    facts = house.puppet.state.facts
    house.feed(Quoted("SOL/USDC", SOL_PX, SOL_PX, 0))
    assert house.puppet.state.facts == facts + 1


def test_stop_means_stopped() -> None:
    house = House()
    outcome = house.feed(Commanded("c-9", StopEngine("funding")))
    assert outcome is not None
    assert [change.status for change in outcome.statuses] == [EngineStatus.STOPPING, EngineStatus.STOPPED]
    facts = house.puppet.state.facts
    house.puppet.wishes = [intent(buy())]
    assert house.feed(Quoted("SOL/USDC", SOL_PX, SOL_PX, 0)) is None
    house.tick()
    assert house.puppet.state.facts == facts
    assert house.kernel.orders == {}
    assert house.command(StopEngine("funding")).code == "not_running"


def test_stop_says_what_is_still_being_settled_and_settles_it() -> None:
    house = House()
    order = house.order(intent(buy()))
    assert "1 orders are still being settled" in house.command(StopEngine("funding")).message
    house.report(order, LegStatus.FILLED, 150 * USD, WHOLE)
    assert house.vault.deployed("funding", "SOL") == WHOLE


def test_stop_says_what_nobody_will_finish() -> None:
    house = House()
    house.puppet.half_done = "a hedge is half done"
    assert (
        house.command(StopEngine("funding")).message == "funding stopped; it keeps what it holds; a hedge is half done"
    )


def test_a_paused_engine_hears_exits_and_enters_nothing() -> None:
    house = House()
    holding(house)
    assert house.command(PauseEngine("funding")).success
    assert house.kernel.desks["funding"].entries_allowed is False
    entry, leave = house.ask(intent(buy(160)), *house.puppet.exits).verdicts
    assert isinstance(entry, Refused)
    assert isinstance(leave, Approved)
    assert house.command(PauseEngine("funding")).code == "not_running"
    assert house.command(StartEngine("funding")).message == "funding resumed"
    assert house.kernel.desks["funding"].entries_allowed is True


def test_live_is_another_run() -> None:
    house = House()
    house.command(StopEngine("funding"))
    assert house.command(StartEngine("funding", Mode.LIVE)).code == "wrong_mode"
    assert status(house) is EngineStatus.STOPPED


def test_the_answer_carries_the_commands_id() -> None:
    assert House().command(PauseEngine("funding"), "abc").command_id == "abc"


# Configuration


def test_settings_are_changed_and_the_routes_follow() -> None:
    house = House()
    assert house.command(UpdateConfig("funding", {"lookback": 20})).success
    assert house.puppet.config == PuppetConfig(lookback=20)


def test_an_unknown_setting_names_the_nearest_and_nothing_is_half_applied() -> None:
    house = House()
    answer = house.command(UpdateConfig("funding", {"threshold_bps": 9.0, "lokback": 20}))
    assert (answer.success, answer.code) == (False, "unknown_key")
    assert "lokback" in answer.message
    assert "'lookback'" in answer.message
    assert house.puppet.config == PuppetConfig()
    assert "known: lookback, threshold_bps" in house.command(UpdateConfig("funding", {"zzz": 1})).message


def test_a_bad_value_is_refused_and_nothing_is_half_applied() -> None:
    house = House()
    answer = house.command(UpdateConfig("funding", {"threshold_bps": 9.0, "lookback": "long"}))
    assert (answer.success, answer.code) == (False, "bad_value")
    assert "lookback" in answer.message
    assert house.puppet.config == PuppetConfig()


@pytest.mark.parametrize(
    "command",
    [
        StartEngine("funding"),
        UpdateConfig("funding", {"lokback": 1}),
        UpdateConfig("funding", {"lookback": "x"}),
        ClosePosition("funding", "nothing"),
        StopEngine("arb"),
        PauseEngine("arb"),
        ResetPaper({}),
    ],
)
def test_a_refused_command_leaves_no_trace(command: object) -> None:
    house = House()
    before = state_hash(digest_items(house.kernel))
    assert not house.command(command).success  # type: ignore[arg-type]
    house.kernel.seq -= 1
    assert state_hash(digest_items(house.kernel)) == before


# Closing


def test_closing_a_position_sends_its_exit_with_the_commands_id() -> None:
    house = House()
    holding(house)
    house.puppet.exits[0] = intent(sell(), purpose=Purpose.EXIT, position_id="p")
    assert house.command(ClosePosition("funding", "p"), "abc").success
    (order,) = house.kernel.orders.values()
    assert (order.intent.command_id, order.intent.purpose) == ("abc", Purpose.EXIT)
    assert house.command(ClosePosition("funding", "p")).code == "unknown_position"


def test_a_refused_close_says_which_gate() -> None:
    house = House()
    house.puppet.exits = [intent(sell(), purpose=Purpose.EXIT, position_id="p")]
    answer = house.command(ClosePosition("funding", "p"))
    assert (answer.success, answer.code) == (False, "capital")


def test_a_stopped_engine_closes_nothing_by_itself() -> None:
    house = House()
    holding(house)
    house.command(StopEngine("funding"))
    assert house.command(ClosePosition("funding", "p")).code == "not_running"


# The kill switch


def test_kill_pause_halts_entries_of_all_engines_and_reset_releases_them() -> None:
    house = House()
    house.command(StartEngine("arb"))
    assert house.command(Kill(KillLevel.PAUSE)).success
    assert not any(desk.entries_allowed for desk in house.kernel.desks.values())
    assert isinstance(house.verdict(intent(buy())), Refused)
    house.command(PauseEngine("arb"))
    house.command(StartEngine("arb"))
    assert house.kernel.desks["arb"].entries_allowed is False, "starting does not release the latch"
    assert house.command(ResetKill()).success
    assert house.kernel.desks["arb"].entries_allowed is True


def test_flatten_sends_the_exit_of_every_position() -> None:
    house = House()
    holding(house, "p")
    holding(house, "q")
    answer = house.command(Kill(KillLevel.FLATTEN))
    assert answer.success
    assert "2 closing orders sent" in answer.message
    for order in list(house.kernel.orders.values()):
        house.report(order, LegStatus.FILLED, WHOLE, 150 * USD)
    assert house.vault.deployed("funding", "SOL") == 0
    assert house.book.lots == {}


def test_flatten_closes_what_a_stopped_engine_holds() -> None:
    house = House()
    holding(house)
    house.command(StopEngine("funding"))
    assert "1 closing orders sent" in house.command(Kill(KillLevel.FLATTEN)).message
    (order,) = house.kernel.orders.values()
    house.report(order, LegStatus.FILLED, WHOLE, 150 * USD)
    assert house.vault.deployed("funding", "SOL") == 0


def test_flatten_that_cannot_close_everything_says_so() -> None:
    house = House()
    holding(house)
    house.puppet.exits.append(intent(sell(2 * WHOLE), purpose=Purpose.EXIT, position_id="x", pod="x"))
    answer = house.command(Kill(KillLevel.FLATTEN))
    assert (answer.success, answer.code) == (False, "partly_refused")
    assert "1 of 2" in answer.message
    assert house.kernel.kill is KillLevel.FLATTEN


def test_an_exit_that_failed_under_flatten_is_asked_for_again() -> None:
    house = House()
    holding(house)
    house.command(Kill(KillLevel.FLATTEN))
    (order,) = house.kernel.orders.values()
    house.report(order, LegStatus.REJECTED)
    for _ in range(6):
        house.tick()
    (again,) = house.kernel.orders.values()
    assert again is not order
    house.report(again, LegStatus.FILLED, WHOLE, 150 * USD)
    assert house.vault.deployed("funding", "SOL") == 0
