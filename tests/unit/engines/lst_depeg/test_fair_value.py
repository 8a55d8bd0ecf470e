"""Fair value: the program's rounding, the two redemptions, the break-even table, and what makes a reading stale."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.core.events import Envelope, FeesPosted
from phantom_arbiter.core.view import MarketView
from phantom_arbiter.engines.lst_depeg.fair_value import fair_value, learn_growth, redeemed_lamports
from phantom_arbiter.engines.lst_depeg.settings import LstConfig, TokenState
from tests.unit.engines.market_builder import HOUR, START_NS, UNIVERSE, WHOLE, stake_pool

CONFIG = LstConfig(claim_lag_ns=0)


def value(pool, atoms=100 * WHOLE, state=None, config=CONFIG, fees=None, age_ns=0):
    view = MarketView(UNIVERSE)
    envelope = Envelope(1, START_NS, "test", pool)
    view.fold(envelope)
    view.now_ns = START_NS + age_ns
    if fees is not None:
        view.fees = fees
    return fair_value(view, config, envelope, state or TokenState(), atoms)


def test_a_redemption_rounds_the_fee_up_and_the_payment_down():
    pool = stake_pool(rate=1.25)
    assert redeemed_lamports(pool, 1_000, 1_000) == 999 * 5 // 4
    assert redeemed_lamports(pool, 1_001, 1_000) == (1_001 - 2) * 5 // 4
    assert redeemed_lamports(pool, 1_001, 0) == 1_001 * 5 // 4


# F = 0.003 SOL over four transactions, r_e = 4 bps, f_w = 10 bps, k = 8 %, R = 1.24.
REFERENCE_FEES = FeesPosted(priority_micro_lamports=3_725_000, tip_floor_lamports=0)
TABLE = {
    10: {1: 8.5, 6: 9.0, 12: 9.5, 24: 10.6, 48: 12.8},
    100: {1: 6.3, 6: 6.8, 12: 7.3, 24: 8.4, 48: 10.6},
    1_000: {1: 6.1, 6: 6.6, 12: 7.1, 24: 8.2, 48: 10.4},
}


@pytest.mark.parametrize(("size", "hours", "bps"), [(q, h, bps) for q, row in TABLE.items() for h, bps in row.items()])
def test_the_break_even_discount_is_the_references_table(size, hours, bps):
    pool = stake_pool(rate=1.24, epoch_ends_ts_ns=START_NS + hours * HOUR)
    fair = value(pool, size * WHOLE, TokenState(growth=4e-4), fees=REFERENCE_FEES)
    assert fair.break_even_bps == pytest.approx(bps, abs=0.06)


def test_redeeming_at_once_counts_only_if_the_reserve_can_pay():
    free = {"instant_fee_ppm": 0}
    assert value(stake_pool(**free)).hold == pytest.approx(1.25, rel=1e-5)
    assert value(stake_pool(reserve_lamports=124 * WHOLE, **free)).instant == 0
    assert value(stake_pool(paused=True, **free)).instant == 0


@pytest.mark.parametrize(
    ("change", "age_ns", "word"),
    [
        ({"updated_epoch": 999}, 0, "epoch 999"),
        ({"paused": True}, 0, "paused"),
        ({"epoch_ends_ts_ns": START_NS + HOUR}, 2 * HOUR, "ended"),
        ({}, 7 * HOUR, "7 h ago"),
        ({}, HOUR, ""),
    ],
)
def test_a_stale_reading_says_why(change, age_ns, word):
    why_not = value(stake_pool(**change), age_ns=age_ns).why_not
    assert word in why_not
    assert bool(word) == bool(why_not)


def test_growth_is_learnt_from_epoch_to_epoch():
    state = TokenState()
    learn_growth(state, stake_pool(rate=1.25))
    assert state.growth == 0
    learn_growth(state, stake_pool(rate=1.3, updated_epoch=1_000))
    assert state.growth == 0  # the same epoch again tells nothing
    learn_growth(state, stake_pool(rate=1.251, updated_epoch=1_002))
    assert state.growth == pytest.approx(4e-4)
    learn_growth(state, stake_pool(rate=1.2, updated_epoch=1_003))
    assert state.growth == 0


@given(rate=st.floats(1.0, 2.0), atoms=st.integers(WHOLE, 10**6 * WHOLE), hours=st.integers(1, 48))
def test_holding_is_never_worth_more_than_the_pool_owes_without_a_reward(rate, atoms, hours):
    fair = value(stake_pool(rate=rate, epoch_ends_ts_ns=START_NS + hours * HOUR), atoms)
    assert fair.hold <= fair.rate
    assert fair.break_even_bps >= 10


def test_no_setting_holds_a_fair_value():
    names = {field.name for field in msgspec.structs.fields(LstConfig)}
    assert not {name for name in names if "fair" in name or "rate" in name}
