from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.core.events import FeesPosted
from phantom_arbiter.engines.arb.costs import bid_for
from phantom_arbiter.engines.arb.settings import ArbConfig

QUIET = FeesPosted(priority_micro_lamports=10_000, tip_floor_lamports=1_000)


def test_a_bid_by_hand():
    # 2 hops: 80,000 CU at 10,000 micro-lamports = 800; 0.97·1,000,000 − 200,000 − 5,000 − 800 = 764,200; half is tip
    bid = bid_for(1_000_000, 200_000, 2, QUIET, ArbConfig())
    assert bid == (5_000, 800, 382_100, 382_100)
    assert bid.total_lamports == 387_900


def test_the_cap_holds():
    assert bid_for(10**10, 0, 2, QUIET, ArbConfig()).tip_lamports == 2_000_000


def test_a_losing_cycle_bids_the_floor():
    bid = bid_for(-50_000, 0, 3, QUIET, ArbConfig())
    assert bid.tip_lamports == 1_000
    assert bid.expected_lamports < 0


def test_the_floor_is_never_below_jitos_minimum():
    silent = FeesPosted(priority_micro_lamports=0, tip_floor_lamports=0)
    assert bid_for(0, 0, 2, silent, ArbConfig()).tip_lamports == 1_000
    busy = FeesPosted(priority_micro_lamports=0, tip_floor_lamports=40_000)
    assert bid_for(0, 0, 2, busy, ArbConfig()).tip_lamports == 40_000


@given(
    st.integers(-(10**12), 10**12),
    st.integers(0, 10**10),
    st.integers(2, 3),
    st.builds(FeesPosted, st.integers(0, 10**7), st.integers(0, 10**6)),
    st.builds(ArbConfig, tip_share_bps=st.integers(0, 10_000), p_fail_bps=st.integers(0, 9_999)),
)
def test_a_tip_above_the_floor_never_makes_the_expected_value_negative(gross, pool_fees, hops, fees, config):
    bid = bid_for(gross, pool_fees, hops, fees, config)
    floor = max(1_000, fees.tip_floor_lamports)
    assert bid.tip_lamports >= floor
    assert bid.tip_lamports <= max(floor, config.tip_cap_lamports)
    if bid.tip_lamports > floor:
        assert bid.expected_lamports >= 0
