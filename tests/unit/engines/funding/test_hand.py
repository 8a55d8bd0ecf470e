"""Orders by hand: what a preview tells, what it binds, and what is refused in words."""

import msgspec
import pytest

from phantom_arbiter.core.commands import DriftDeposit, DriftWithdraw, LeavePosition, Preview, TakePosition
from phantom_arbiter.core.events import Commanded, VenueStatus, VenueStatusChanged
from phantom_arbiter.core.intents import CollateralTransfer, PerpOrder, Purpose, Side, Swap
from phantom_arbiter.core.preview import Draft, Rejection
from phantom_arbiter.core.verdicts import Approved, Refused
from phantom_arbiter.engines.funding import FundingConfig
from tests.unit.engines.funding.position import pass_hours, settle
from tests.unit.engines.funding.wider import hours, jito, wider
from tests.unit.engines.market_builder import SECOND, USD, WHOLE, hour, price, sol_pool, stats

BY_HAND = FundingConfig(enter="by_hand")
SOL = "SOL-PERP"


def flat(**kwargs):
    made = wider(config=BY_HAND, **kwargs)
    hours(made, 1, SOL=0.184, JUP=0.1)
    assert made.tick() == []
    return made


def take(made, size, market=SOL):
    """Preview a take; the order under its hash."""
    drafted = made.engine.draft(Preview("TAKE_POSITION", market, size))
    assert isinstance(drafted, Draft), drafted
    return TakePosition(market, size, drafted.hash)


def leave(made):
    drafted = made.engine.draft(Preview("LEAVE_POSITION", SOL))
    assert isinstance(drafted, Draft), drafted
    return LeavePosition(SOL, drafted.hash)


def submit(made, order):
    """Send an order through the command desk, which approves it; its intent."""
    (intent,) = made.post(Commanded("c1", order))
    assert isinstance(made.verdicts[-1], Approved), made.verdicts[-1]
    return intent


def taken(size=10.0, **kwargs):
    made = flat(**kwargs)
    submit(made, take(made, size))
    made.fill()
    made.tick()
    return made


def move(made, usd):
    made.show(*price(usd, 10.0), sol_pool(usd), *jito(usd), stats(usd, 10.0))


# A preview


def test_a_preview_tells_the_intent_the_account_before_and_after_and_what_is_received():
    made = flat()
    draft = made.engine.draft(Preview("TAKE_POSITION", SOL, 10.0))
    assert (draft.act, draft.market, draft.size_atoms) == ("TAKE_POSITION", SOL, 10 * WHOLE)
    assert (draft.min_atoms, draft.step_atoms) == (10_000_000, 10_000_000)
    assert 60 * WHOLE < draft.max_atoms < 66 * WHOLE
    assert draft.intent.purpose is Purpose.ENTRY
    assert [type(leg) for leg in draft.intent.legs] == [CollateralTransfer, PerpOrder, Swap]
    assert draft.words.startswith("You receive 0.0021 %/h (18.4 %/yr) at the last posted hour")
    assert "break-even in" in draft.words
    assert (draft.before.perp_atoms, draft.before.health) == (0, None)
    after = draft.after
    assert (after.perp_atoms, after.spot_atoms) == (-10 * WHOLE, pytest.approx(10 * WHOLE, abs=100))
    assert abs(after.delta_atoms) < 100
    assert 90 < after.health < 95
    assert after.liquidation_px / 1e6 == pytest.approx(145.8, abs=0.5)
    assert after.leverage == pytest.approx(2.0, rel=0.02)
    assert draft.net_apr > 0
    assert draft.break_even_days > 0
    assert draft.expires_ns == made.now_ns + BY_HAND.preview_life_ns


def test_the_account_after_is_measured_at_the_limit_with_the_fee():
    made = flat()
    draft = made.engine.draft(Preview("TAKE_POSITION", SOL, 10.0))
    deposit, short, _ = draft.intent.legs
    loss = 10 * WHOLE * 100 * USD // WHOLE - 10 * short.limit_px
    fee = 10 * short.limit_px * 35 // 100_000 + 1
    assert short.limit_px < 100 * USD
    assert draft.after.collateral_atoms == pytest.approx(deposit.atoms - loss - fee, abs=2)


def test_a_preview_changes_nothing_but_what_it_keeps_and_is_repeatable():
    made = flat()
    before = msgspec.json.encode(made.engine.state)
    first = made.engine.draft(Preview("TAKE_POSITION", SOL, 10.0))
    again = made.engine.draft(Preview("TAKE_POSITION", SOL, 10.0))
    assert first == again
    assert len(first.hash) == 16
    assert len(made.engine.state.drafts) == 1
    made.engine.state.drafts = []
    assert msgspec.json.encode(made.engine.state) == before


def test_the_last_eight_previews_are_kept():
    made = flat()
    hashes = [made.engine.draft(Preview("TAKE_POSITION", SOL, float(size))).hash for size in range(1, 11)]
    assert len(set(hashes)) == 10
    assert [shown.hash for shown in made.engine.state.drafts] == hashes[2:]


# Taking


def test_a_previewed_take_opens_at_limits_no_looser_than_shown_and_is_marked():
    made = flat()
    draft = made.engine.draft(Preview("TAKE_POSITION", SOL, 10.0))
    move(made, 99.9)
    intent = submit(made, TakePosition(SOL, 10.0, draft.hash))
    shown_short, shown_buy = draft.intent.legs[1:]
    _, short, buy = intent.legs
    assert short.limit_px == shown_short.limit_px, "a fall: the fresh limit would be looser"
    assert buy.min_out_atoms * shown_buy.in_atoms >= shown_buy.min_out_atoms * buy.in_atoms
    made.fill()
    panel = made.engine.panel()
    assert (panel["market"], panel["by_hand"]) == (SOL, True)
    assert panel["spot_sol"] == pytest.approx(10, abs=1e-6)
    assert panel["positions"][0]["opened_ts"] > 0


def test_a_market_that_moved_beyond_what_was_shown_is_not_traded():
    made = flat()
    draft = made.engine.draft(Preview("TAKE_POSITION", SOL, 10.0))
    for usd in (99.0, 101.0):
        move(made, usd)
        before = msgspec.json.encode(made.engine.state)
        refused = made.engine.act(TakePosition(SOL, 10.0, draft.hash))
        assert refused.code == "stale_preview"
        assert "the market moved" in refused.message
        assert msgspec.json.encode(made.engine.state) == before


def test_a_preview_is_spent_once_used_and_dies_of_age():
    made = flat()
    draft = made.engine.draft(Preview("TAKE_POSITION", SOL, 10.0))
    made.now_ns += BY_HAND.preview_life_ns + SECOND
    made.tick()
    old = made.engine.act(TakePosition(SOL, 10.0, draft.hash))
    assert (old.code, "at most 1800 s" in old.message) == ("stale_preview", True)
    made = flat()
    order = take(made, 10.0)
    submit(made, order)
    made.fill()
    spent = made.engine.act(order)
    assert (spent.code, "unknown or used" in spent.message) == ("stale_preview", True)


@pytest.mark.parametrize(
    ("order", "says"),
    [
        (TakePosition(SOL, 10.0, "nobody"), "'nobody'"),
        (TakePosition(SOL, 10.01, "HASH"), "size"),
        (TakePosition("JUP-PERP", 10.0, "HASH"), "SOL-PERP"),
        (LeavePosition(SOL, "HASH"), "LEAVE_POSITION"),
    ],
)
def test_a_hash_binds_act_market_and_size(order, says):
    made = flat()
    draft = made.engine.draft(Preview("TAKE_POSITION", SOL, 10.0))
    if order.preview_hash == "HASH":
        order = msgspec.structs.replace(order, preview_hash=draft.hash)
    refused = made.engine.act(order)
    assert refused.code == "stale_preview"
    assert says in refused.message


@pytest.mark.parametrize(
    ("market", "size", "code", "says"),
    [
        ("DOGE-PERP", 1.0, "unknown_market", "SOL-PERP, JUP-PERP, BTC-PERP"),
        ("SOL/USDC", 1.0, "unknown_market", "SOL-PERP"),
        ("BTC-PERP", 1.0, "not_hedgeable", "no spot market"),
        (SOL, 0.0, "bad_size", "above 0"),
        (SOL, -1.0, "bad_size", "got -1.0"),
        (SOL, float("nan"), "bad_size", "got nan"),
        (SOL, float("inf"), "bad_size", "got inf"),
        (SOL, 1e30, "bad_size", "at most 1e12"),
        (SOL, None, "bad_size", "got None"),
        (SOL, 0.009, "below_minimum", "at least 0.01"),
        (SOL, 1_000.0, "above_maximum", "expected at most 63"),
        ("JUP-PERP", 0.5, "below_minimum", "at least 1"),
    ],
)
def test_a_size_or_market_that_will_not_do_is_refused_with_what_would(market, size, code, says):
    made = flat()
    before = msgspec.json.encode(made.engine.state)
    refused = made.engine.draft(Preview("TAKE_POSITION", market, size))
    assert isinstance(refused, Rejection)
    assert refused.code == code
    assert says in refused.message
    assert refused.message.split(":")[0] in ("market", "size")
    assert msgspec.json.encode(made.engine.state) == before


def test_the_largest_size_a_preview_names_is_one_it_takes():
    made = flat()
    most = made.engine.draft(Preview("TAKE_POSITION", SOL, 1.0)).max_atoms
    submit(made, take(made, most / WHOLE))
    above = flat().engine.draft(Preview("TAKE_POSITION", SOL, (most + 10_000_000) / WHOLE))
    assert above.code == "above_maximum"


def test_a_size_is_a_decimal_and_rounds_down_to_the_step():
    assert flat().engine.draft(Preview("TAKE_POSITION", SOL, 0.29)).size_atoms == 290_000_000  # 0.29·1e9 is below it
    assert flat().engine.draft(Preview("TAKE_POSITION", SOL, 1.239)).size_atoms == 1_230_000_000


def test_one_position_at_a_time_and_it_can_be_added_to():
    made = taken(10.0)
    other = made.engine.draft(Preview("TAKE_POSITION", "JUP-PERP", 100.0))
    assert (other.code, "SOL-PERP is held" in other.message) == ("position_held", True)
    more = made.engine.draft(Preview("TAKE_POSITION", SOL, 5.0))
    assert more.before.perp_atoms == -10 * WHOLE
    assert more.after.perp_atoms == -15 * WHOLE
    assert more.intent.legs[0].atoms == pytest.approx(250 * USD, rel=0.01), "what backs the first ten is not free"
    submit(made, TakePosition(SOL, 5.0, more.hash))
    made.fill()
    panel = made.engine.panel()
    assert panel["perp_sol"] == -15
    assert panel["health"] > 90


def test_margin_that_is_there_is_used_and_a_partial_fill_is_hedged_alike():
    made = flat()
    submit(made, DriftDeposit(1_000.0))
    made.fill()
    intent = submit(made, take(made, 10.0))
    assert [type(leg) for leg in intent.legs] == [PerpOrder, Swap]
    made.fill(share=0.5)
    panel = made.engine.panel()
    assert panel["perp_sol"] == -5
    assert panel["spot_sol"] == pytest.approx(5, abs=1e-6)


def test_while_an_order_is_under_way_nothing_else_is_taken():
    made = flat()
    submit(made, take(made, 10.0))
    assert made.engine.draft(Preview("TAKE_POSITION", SOL, 1.0)).code == "busy"


@pytest.mark.parametrize("act", [take, leave])
def test_an_act_that_a_gate_refuses_changes_nothing_and_its_preview_can_be_used_again(act):
    made = taken()
    order = act(made, 1.0) if act is take else act(made)
    before = msgspec.json.encode(made.engine.state)
    made.post(VenueStatusChanged("drift", VenueStatus.PAUSED, "test"), Commanded("c2", order))
    assert isinstance(made.verdicts[-1], Refused)
    assert msgspec.json.encode(made.engine.state) == before
    assert not made.engine.panel()["closing"]
    made.post(VenueStatusChanged("drift", VenueStatus.LIVE, "test"))
    submit(made, order)
    assert made.engine.panel()["closing"] is (act is leave)
    assert order.preview_hash not in {shown.hash for shown in made.engine.state.drafts}


# A position by hand


def test_a_position_by_hand_is_guarded_and_not_closed_by_the_policy():
    made = taken()
    pass_hours(made, -1.0, 60)
    assert made.tick() == []
    assert "left only by hand" in made.engine.panel()["decision"]
    move(made, 142)
    (topped,) = made.tick(10)
    assert isinstance(topped.legs[0], CollateralTransfer)
    assert "adding margin" in topped.reason


def test_a_position_by_hand_ends_by_hand_and_the_mark_with_it():
    made = taken()
    draft = made.engine.draft(Preview("LEAVE_POSITION", SOL))
    assert (draft.after.perp_atoms, draft.after.spot_atoms, draft.after.health) == (0, 0, 100.0)
    assert draft.size_atoms == pytest.approx(10 * WHOLE, abs=100)
    assert draft.words.startswith("Left by hand: cover 10.00 SOL-PERP")
    assert "you no longer receive 0.0021 %/h" in draft.words
    cover, sale = submit(made, LeavePosition(SOL, draft.hash)).legs
    assert (cover.side, cover.reduce_only, sale.from_position) == (Side.BUY, True, True)
    made.fill()
    settle(made)
    made.tick()
    made.fill()
    made.tick()
    panel = made.engine.panel()
    assert (panel["market"], panel["by_hand"], panel["spot_sol"], panel["perp_sol"]) == (None, False, 0, 0)
    assert made.desk.book.collateral_atoms("drift", "USDC") == 0


def test_leaving_is_bound_to_its_preview_too():
    made = taken()
    draft = made.engine.draft(Preview("LEAVE_POSITION", SOL))
    move(made, 101)
    assert made.engine.act(LeavePosition(SOL, draft.hash)).code == "stale_preview"
    assert not made.engine.state.closing
    assert flat().engine.draft(Preview("LEAVE_POSITION", SOL)).code == "no_position"


def test_by_hand_the_engine_opens_nothing_itself():
    made = flat()
    for _ in range(4):
        assert made.tick(900) == []
    assert "entries are by hand" in made.engine.panel()["decision"]
    assert made.engine.panel()["candidates"]


# Deposit and withdraw


def test_a_deposit_moves_free_capital_and_stays_until_a_position_was_closed():
    made = wider()
    made.market.clear()
    made.show(*price(100, -15.0), sol_pool(100), stats(100, -15.0))
    made.post(hour(-0.5))
    submit(made, DriftDeposit(500.0))
    made.fill()
    assert made.desk.book.collateral_atoms("drift", "USDC") == 500 * USD
    for _ in range(3):
        assert all(intent.purpose is Purpose.ENTRY for intent in made.tick(1_000))  # none brings the margin home
    refused = made.engine.act(DriftDeposit(9_501.0))
    assert (refused.code, "at most 9,500.00" in refused.message) == ("above_maximum", True)


def test_a_withdrawal_never_pushes_health_below_eighty():
    made = taken()
    draft = made.engine.draft(Preview("DRIFT_WITHDRAW", SOL, 1.0))
    most = draft.max_atoms / USD
    assert draft.before.health > draft.after.health > 80
    refused = made.engine.act(DriftWithdraw(most + 0.01))
    assert refused.code == "health_floor"
    assert f"at most {most:,.2f}" in refused.message
    submit(made, DriftWithdraw(most))
    made.fill()
    assert made.engine.panel()["health"] == pytest.approx(80, abs=0.02)


@pytest.mark.parametrize("amount", [0.0, -1.0, float("nan"), 1e30, 1e-9])
def test_an_amount_that_is_none_is_refused(amount):
    made = taken()
    before = msgspec.json.encode(made.engine.state)
    for order in (DriftDeposit(amount), DriftWithdraw(amount)):
        refused = made.engine.act(order)
        assert isinstance(refused, Rejection)
        assert refused.message.startswith("amount: got")
    assert msgspec.json.encode(made.engine.state) == before
