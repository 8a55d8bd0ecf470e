from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.core.events import FeesPosted
from phantom_arbiter.dex.pool import SwapQuote
from phantom_arbiter.dex.raydium_cpmm import CpmmFees, CpmmPool
from phantom_arbiter.engines.arb.costs import Bid, bid_for, compute_units, survive_bps
from phantom_arbiter.engines.arb.settings import ArbConfig

QUIET = FeesPosted(priority_micro_lamports=10_000, tip_floor_lamports=1_000)
POOL = CpmmPool(10**9, 10**9, CpmmFees(2_500))


def test_units_are_those_of_the_swaps_and_of_new_accounts():
    swaps = [(POOL, SwapQuote(1, 1, 0)), (POOL, SwapQuote(1, 1, 0, crossed=2))]
    assert compute_units(swaps, 0) == 6_000 + 2 * 55_000
    assert compute_units(swaps, 2) == 6_000 + 2 * 55_000 + 2 * 30_000


def test_a_bid_by_hand():
    # 80,000 CU at 10,000 micro-lamports = 800; 1,000,000 − 5,000 − 800 = 994,200; two thirds of it are the tip, and win
    # with 0.6667² · 0.97 = 43.1 %; 0.431 · 331,367 left
    bid = bid_for(1_000_000, 80_000, 0, 10_000, QUIET, ArbConfig())
    assert bid == Bid(5_000, 800, 0, 662_833, 994_200, 4_311, 142_852)
    assert bid.total_lamports == 668_633


def test_rent_is_a_cost():
    assert bid_for(3_000_000, 0, 2_039_280, 10_000, QUIET, ArbConfig()).gain_lamports == 3_000_000 - 5_000 - 2_039_280


def test_the_cap_holds_and_costs_chances():
    bid = bid_for(10**10, 0, 0, 10_000, QUIET, ArbConfig())
    assert bid.tip_lamports == 100_000_000
    assert bid.win_bps == 0, "a hundredth of the gain wins against nobody"
    assert bid_for(10**10, 0, 0, 10_000, QUIET, ArbConfig(rivals=0)).win_bps == 9_700


def test_a_losing_cycle_bids_the_floor():
    bid = bid_for(-50_000, 80_000, 0, 10_000, QUIET, ArbConfig())
    assert bid.tip_lamports == 1_000
    assert bid.expected_lamports < 0


def test_the_floor_is_never_below_jitos_minimum():
    silent = FeesPosted(priority_micro_lamports=0, tip_floor_lamports=0)
    assert bid_for(0, 0, 0, 10_000, silent, ArbConfig()).tip_lamports == 1_000
    busy = FeesPosted(priority_micro_lamports=0, tip_floor_lamports=40_000)
    assert bid_for(0, 0, 0, 10_000, busy, ArbConfig()).tip_lamports == 40_000


def test_two_thirds_earn_most_against_two_rivals():
    at = {share: bid_for(10**7, 0, 0, 10_000, QUIET, ArbConfig(tip_share_bps=share)) for share in
          range(500, 10_000, 500)}  # fmt: skip
    best = max(at, key=lambda share: at[share].expected_lamports)
    assert best == 6_500
    usual = bid_for(10**7, 0, 0, 10_000, QUIET, ArbConfig())
    assert usual.expected_lamports >= at[best].expected_lamports


@given(
    st.integers(-(10**12), 10**12),
    st.integers(0, 1_400_000),
    st.sampled_from([0, 2_039_280]),
    st.builds(FeesPosted, st.integers(0, 10**7), st.integers(0, 10**6)),
    st.builds(
        ArbConfig,
        tip_share_bps=st.integers(0, 10_000),
        p_fail_bps=st.integers(0, 9_999),
        rivals=st.integers(0, 5),
        tip_cap_lamports=st.integers(0, 10**9),
    ),
)
def test_the_tip_never_makes_the_expected_value_negative(profit, units, rent, fees, config):
    bid = bid_for(profit, units, rent, 10_000, fees, config)
    floor = max(1_000, fees.tip_floor_lamports)
    assert floor <= bid.tip_lamports <= max(floor, config.tip_cap_lamports)
    assert 0 <= bid.win_bps <= 10_000 - config.p_fail_bps
    assert bid.gain_lamports == profit - bid.total_lamports + bid.tip_lamports
    if bid.gain_lamports >= floor:
        assert bid.expected_lamports >= 0
    else:
        assert bid.expected_lamports < 0


def test_what_is_gone_when_ours_lands_is_no_chance():
    whole, half = (bid_for(1_000_000, 80_000, 0, survives, QUIET, ArbConfig()) for survives in (10_000, 5_000))
    assert half.win_bps == whole.win_bps // 2
    assert half.tip_lamports == whole.tip_lamports, "whoever is there bids as before"


def test_how_often_gaps_last_is_learned_from_how_orders_ended():
    assert survive_bps({}) == 5_000
    assert survive_bps({"landed": 5, "beaten": 5, "failed": 90, "dropped": 9}) == 7_500
    assert survive_bps({"landed": 1, "reverted": 89}) == 600
