"""Scalp on the real kernel: entries by signal and budget, exits by target, stop, time and hand, until they succeed."""

from __future__ import annotations

from math import exp, log

import msgspec
import pytest

from phantom_arbiter.core.commands import (
    ClosePosition,
    Kill,
    KillLevel,
    PauseEngine,
    StartEngine,
    StopEngine,
    UpdateConfig,
)
from phantom_arbiter.core.intents import Intent, Purpose, Swap
from phantom_arbiter.core.snapshot import take
from phantom_arbiter.core.verdicts import Approved, Refused
from phantom_arbiter.engines.scalp.settings import ScalpConfig, ScalpState
from tests.unit.engines.scalp.stall import BONK_USDC, CONFIG, SECOND, SNAPBACK, START_PX, SURGE, USD, Stall, sound

MINUTE = 60


def swap(intent: Intent) -> Swap:
    (leg,) = intent.legs
    assert isinstance(leg, Swap)
    return leg


# Prices of small tokens


def test_two_percent_above_a_hundred_thousandth_is_0_0000102() -> None:
    px = BONK_USDC.px_from_float(0.00001)
    assert BONK_USDC.price(px * 102 // 100) == 0.0000102


def test_a_token_at_a_hundred_millionth_keeps_six_digits() -> None:
    assert START_PX == 10**8
    tiny = msgspec.structs.replace(BONK_USDC, price_decimals=15)
    px = tiny.px_from_float(1.234567e-8)
    assert px == 12_345_670
    assert tiny.price(px) == pytest.approx(1.234567e-8, rel=1e-9)


def test_levels_shown_are_the_entrys_price_moved_by_target_and_stop() -> None:
    stall = Stall()
    position_id = stall.enter()
    (shown,) = stall.engine.panel()["holdings"]
    assert shown["id"] == position_id
    assert shown["target"] == pytest.approx(shown["entry"] * exp(0.03))
    assert shown["stop"] == pytest.approx(shown["entry"] * exp(-0.015))
    assert shown["entry"] == pytest.approx(0.00001, rel=0.02)


# Entries


def test_a_surge_is_bought_for_the_pods_trade_size() -> None:
    stall = Stall()
    stall.warm()
    (entry,) = stall.play(60)
    leg = swap(entry)
    assert (entry.pod, entry.purpose, leg.in_asset, leg.out_asset) == ("surge", Purpose.ENTRY, "USDC", "BONK")
    assert leg.in_atoms == entry.notional_micros == 100 * USD
    assert leg.min_out_atoms >= leg.expected_out_atoms * 99 // 100
    assert entry.cost.slippage_micros > 0


def test_a_fall_is_no_surge_and_an_ordinary_move_no_signal() -> None:
    stall = Stall()
    stall.warm()
    assert stall.play(3, -60) == []


def test_without_a_record_the_edge_gate_refuses_and_the_trial_is_followed_all_the_same() -> None:
    stall = Stall(force=False)
    stall.warm()
    stall.play(60)
    (verdict,) = stall.verdicts
    assert isinstance(verdict, Refused)
    assert verdict.result.gate == "edge"
    assert verdict.intent.edge_bps == 0.0
    stall.play(320)
    stats = stall.state.pods["surge"]
    assert (stats.trials, stats.wins) == (1, 1)
    assert stats.sum_bps == pytest.approx(10_000 * log(1.032), rel=0.01)


def test_a_pod_trades_by_itself_once_its_trials_have_shown_an_edge() -> None:
    stall = Stall(msgspec.structs.replace(CONFIG, signal_gap_ns=SECOND), force=False)
    stall.warm()
    for _ in range(30):
        stall.play(60, 320, *[5, -5] * 20)
        if any(isinstance(verdict, Approved) for verdict in stall.verdicts):
            break
    approved = next(verdict for verdict in stall.verdicts if isinstance(verdict, Approved))
    assert approved.intent.edge_bps > 10
    assert stall.state.pods["surge"].trials >= 1


def test_a_token_without_an_audit_is_refused_by_the_gate_not_the_engine() -> None:
    stall = Stall(audited=False)
    stall.warm()
    stall.play(60)
    (verdict,) = stall.verdicts
    assert isinstance(verdict, Refused)
    assert verdict.result.gate == "token_safety"


def test_a_flawed_token_is_refused() -> None:
    stall = Stall()
    stall.feed(msgspec.structs.replace(sound(), mint_authority=True))
    stall.warm()
    stall.play(60)
    (verdict,) = stall.verdicts
    assert isinstance(verdict, Refused)
    assert verdict.result.gate == "token_safety"


def test_an_entry_that_was_refused_or_failed_frees_its_place() -> None:
    stall = Stall(audited=False)
    stall.warm()
    stall.play(60)
    assert len(stall.state.holdings) == 1
    stall.play(*[0] * 12)
    assert stall.state.holdings == {}
    stall = Stall()
    stall.warm()
    stall.play(60)
    stall.fail()
    assert stall.state.holdings == {}


def test_a_pods_budget_is_the_most_it_may_have_in_positions() -> None:
    pod = msgspec.structs.replace(SURGE, budget_micros=150 * USD)
    stall = Stall(msgspec.structs.replace(CONFIG, pods=(pod,)))
    stall.enter()
    stall.warm("WIF/USDC")
    assert stall.play(60, instrument="WIF/USDC") == []
    roomy = Stall(msgspec.structs.replace(CONFIG, pods=(msgspec.structs.replace(SURGE, budget_micros=200 * USD),)))
    roomy.enter()
    roomy.warm("WIF/USDC")
    assert [intent.pod for intent in roomy.play(60, instrument="WIF/USDC")] == ["surge"]


def test_one_token_is_held_once() -> None:
    stall = Stall(msgspec.structs.replace(CONFIG, signal_gap_ns=SECOND))
    stall.enter()
    assert stall.play(*[5, -5] * 10, 60) == []


def test_a_pod_that_lost_its_days_allowance_waits_for_the_next_day() -> None:
    pod = msgspec.structs.replace(SURGE, max_loss_bps=1, budget_micros=1_000 * USD)
    stall = Stall(msgspec.structs.replace(CONFIG, pods=(pod,)))
    stall.enter()
    stall.play(-200)
    stall.fill(out_bps=9_900)
    assert stall.state.pods["surge"].day_pnl_micros < -USD
    stall.warm("WIF/USDC")
    assert stall.play(60, instrument="WIF/USDC") == []
    stall.now_ns += 86_400 * SECOND
    stall.play(0)
    stall.warm("WIF/USDC", count=14)
    assert len(stall.play(60, instrument="WIF/USDC")) == 1


def test_capital_that_is_not_there_is_not_asked_for() -> None:
    pod = msgspec.structs.replace(SURGE, trade_micros=30_000 * USD, budget_micros=10**12)
    stall = Stall(msgspec.structs.replace(CONFIG, pods=(pod,)))
    stall.warm()
    assert stall.play(60) == []
    assert stall.state.holdings == {}


def test_pods_of_one_tape_share_its_memory() -> None:
    stall = Stall(msgspec.structs.replace(CONFIG, pods=(SURGE, SNAPBACK)))
    stall.warm()
    (entry,) = stall.play(-60)
    assert entry.pod == "snapback"


def test_a_gap_in_the_data_starts_the_tape_again() -> None:
    stall = Stall()
    stall.warm()
    stall.now_ns += 11 * MINUTE * SECOND
    assert stall.play(60) == []
    assert stall.state.tapes["BONK/USDC"].samples == 0


# Exits


@pytest.mark.parametrize(("move", "why"), [(320, "target"), (-160, "stop")])
def test_a_position_is_left_at_its_level(move: int, why: str) -> None:
    stall = Stall()
    position_id = stall.enter()
    (leave,) = stall.play(move)
    assert (leave.purpose, leave.position_id) == (Purpose.EXIT, position_id)
    assert why in leave.reason
    assert swap(leave).in_atoms == stall.lots[position_id].atoms
    stall.fill()
    assert stall.lots == {}
    assert stall.state.holdings == {}
    assert (stall.state.pods["surge"].pnl_micros > 0) is (why == "target")


def test_a_position_is_left_at_its_time_even_if_no_quote_comes() -> None:
    stall = Stall()
    stall.enter()
    assert stall.play(*[0] * (5 * MINUTE - 2)) == []
    (leave,) = stall.play(0, 0)
    assert "time-out" in leave.reason


def test_a_failed_sale_keeps_the_position_and_tries_again_wider() -> None:
    stall = Stall()
    position_id = stall.enter()
    (first,) = stall.play(-160)
    tolerated = []
    for attempt, slippage_bps in enumerate((300, 1_000, 5_000, 5_000), start=1):
        order = stall.fail()
        assert position_id in stall.lots, "the position is given up only by a report"
        assert position_id in stall.state.holdings
        leg = swap(order.intent)
        tolerated.append(round((1 - leg.min_out_atoms / leg.expected_out_atoms) * 10_000))
        assert tolerated[-1] == slippage_bps
        assert stall.play(0, 0, 0) == [], "not before the retry is due"
        (again,) = stall.play(0, 0, 0)
        assert f"attempt {attempt + 1}" in again.reason
    stall.fill(out_bps=6_000)
    assert (stall.lots, stall.state.holdings) == ({}, {})
    assert swap(first).from_position


def test_a_sale_under_way_is_not_sent_twice() -> None:
    stall = Stall()
    stall.enter()
    assert len(stall.play(-160, 0, 0, 0, 0, 0, 0, 0, -100)) == 1


def test_pause_lets_exits_through_and_no_entries() -> None:
    stall = Stall()
    stall.enter()
    stall.command(PauseEngine("scalp"))
    stall.warm("WIF/USDC")
    assert stall.play(60, instrument="WIF/USDC") == []
    (leave,) = stall.play(-200)
    assert leave.purpose is Purpose.EXIT


def test_a_fill_that_came_while_it_was_stopped_is_a_position_after_the_restart() -> None:
    stall = Stall()
    stall.warm()
    (entry,) = stall.play(60)
    stall.command(StopEngine("scalp"))
    stall.fill()
    stall.play(*[0] * 30)
    stall.command(StartEngine("scalp"))
    stall.play(0)
    assert stall.state.holdings[entry.position_id].filled
    (leave,) = stall.play(-200)
    assert leave.position_id == entry.position_id


def test_a_sale_that_came_while_it_was_stopped_frees_the_pod() -> None:
    stall = Stall()
    stall.enter()
    stall.play(-160)
    stall.command(StopEngine("scalp"))
    stall.fill()
    stall.command(StartEngine("scalp"))
    stall.play(0)
    assert stall.state.holdings == {}


# Closing by hand, and the kill switch


def test_closing_by_hand_is_retried_when_it_fails_on_chain() -> None:
    stall = Stall()
    position_id = stall.enter()
    assert stall.command(ClosePosition("scalp", position_id)).success
    stall.fail()
    (again,) = stall.play(0, 0, 0, 0, 0, 0)
    assert again.purpose is Purpose.EXIT


def test_a_close_that_was_refused_is_not_done_later() -> None:
    stall = Stall()
    position_id = stall.enter()
    stall.now_ns += 3_601 * SECOND - 1
    stall.state.holdings[position_id].timeout_ns = 2**62
    answer = stall.command(ClosePosition("scalp", position_id))
    assert (answer.success, answer.code) == (False, "staleness")
    assert stall.play(*[0] * 20) == []


def test_closing_what_is_not_held_says_so() -> None:
    stall = Stall()
    stall.enter()
    assert stall.command(ClosePosition("scalp", "surge-99")).code == "unknown_position"


@pytest.mark.parametrize("stopped", [False, True])
def test_flatten_closes_all_even_after_a_failed_sale(stopped: bool) -> None:
    stall = Stall()
    stall.enter()
    if stopped:
        stall.command(StopEngine("scalp"))
    assert stall.command(Kill(KillLevel.FLATTEN)).success
    stall.fail()
    stall.play(*[0] * 10)
    stall.fill()
    assert stall.lots == {}
    stall.play(*[0] * 10)
    assert stall.kernel.orders == {}


# Settings and state


def test_a_setting_is_changed_by_command_and_the_pods_stay() -> None:
    stall = Stall()
    assert stall.command(UpdateConfig("scalp", {"signal_gap_ns": SECOND})).success
    assert stall.engine.config == msgspec.structs.replace(CONFIG, signal_gap_ns=SECOND)
    pods = [{"name": "slow", "strategy": "mean_reversion", "trade_micros": 50 * USD}]
    assert stall.command(UpdateConfig("scalp", {"pods": pods})).success
    assert stall.engine.config.pods[0].trade_micros == 50 * USD
    assert set(stall.state.pods) == {"surge", "slow"}


@pytest.mark.parametrize(
    "change",
    [{"pods": []}, {"pods": [{"name": "a", "strategy": "hope"}]}, {"trial_memory": 2}, {"exit_slippage_bps": [0]}],
)
def test_a_bad_setting_is_refused(change: dict[str, object]) -> None:
    stall = Stall()
    assert stall.command(UpdateConfig("scalp", change)).code == "bad_value"
    assert stall.engine.config == CONFIG


def test_pods_have_different_names() -> None:
    with pytest.raises(ValueError, match="names must differ"):
        ScalpConfig(pods=(SURGE, SURGE))


def test_the_state_survives_a_snapshot() -> None:
    stall = Stall()
    stall.enter()
    blob = msgspec.msgpack.encode(take(stall.kernel).engine_states["scalp"])
    assert msgspec.msgpack.decode(blob, type=ScalpState) == stall.state
