"""The adaptive fee by hand: references, fees, the borders that a swap stops at, and what it leaves in the oracle."""

import pytest
from msgspec.structs import replace

from phantom_arbiter.dex.pool import SwapQuote, SwapRefusal
from phantom_arbiter.dex.tick_math import Q64, sqrt_price_at_tick
from phantom_arbiter.dex.whirlpool import (
    TickArray,
    Whirlpool,
    apply,
    first_fee_ppm,
    quote,
    segments,
    tick_array,
    with_tick_arrays,
)
from phantom_arbiter.dex.whirlpool_adaptive_fee import (
    MAX_STEPS,
    AdaptiveFee,
    fee_ppm_in,
    finished,
    started,
    steps,
    volatility_in,
)

NOW = 1_780_000_000
FEE = AdaptiveFee(
    trade_enabled_from_s=NOW - 10_000,
    filter_seconds=30,
    decay_seconds=600,
    reduction_bps=5_000,
    control_factor=4_000,
    max_volatility=30_000,
    tick_group_size=64,
    major_swap_ticks=100,
    reference_updated_s=NOW,
    major_swap_s=NOW - 100,
    volatility_reference=5_000,
    reference_group=7,
    volatility=15_001,
)
SPAN = 64 * 88
PLAIN = with_tick_arrays(
    Whirlpool(64, 3_000, 1_300, 10**12, Q64, 0),
    [TickArray(-2 * SPAN), TickArray(-SPAN), tick_array(0, [(128, -(10**12)), (640, 10**12)]), TickArray(SPAN)],
)
POOL = replace(PLAIN, adaptive_fee=FEE)


@pytest.mark.parametrize(
    ("seconds", "reference"),
    [
        (0, (7, 5_000, NOW)),  # within the filter period nothing changes
        (29, (7, 5_000, NOW)),
        (30, (-1, 7_500, NOW + 30)),  # then half of the volatility stays, rounded down
        (599, (-1, 7_500, NOW + 599)),
        (600, (-1, 0, NOW + 600)),  # then nothing
    ],
)
def test_the_references_by_the_seconds_since_the_last_update(seconds, reference):
    fee = started(FEE, -1, NOW + seconds)
    assert (fee.reference_group, fee.volatility_reference, fee.reference_updated_s) == reference
    assert (fee.volatility, fee.major_swap_s) == (FEE.volatility, FEE.major_swap_s)


def test_a_major_swap_holds_the_references_but_not_for_more_than_an_hour():
    busy = replace(FEE, major_swap_s=NOW + 3_600)
    assert started(busy, -1, NOW + 3_600) == busy
    busy = replace(FEE, major_swap_s=NOW + 3_601)
    assert started(busy, -1, NOW + 3_601) == replace(
        busy, reference_group=-1, volatility_reference=0, reference_updated_s=NOW + 3_601
    )


def test_times_at_which_the_program_refuses():
    early = started(replace(FEE, trade_enabled_from_s=NOW + 1), 0, NOW)
    assert early == SwapRefusal(f"trading starts at {NOW + 1}, it is {NOW}")
    assert started(FEE, 0, NOW - 1) == SwapRefusal(f"the last swap was at {NOW}, it is {NOW - 1}")
    assert started(replace(FEE, major_swap_s=NOW + 2), 0, NOW + 1) == SwapRefusal(
        f"the last swap was at {NOW + 2}, it is {NOW + 1}"
    )
    assert isinstance(quote(POOL, 1_000, True, NOW - 1), SwapRefusal)
    assert segments(POOL, True, None, NOW - 1) == ()
    assert first_fee_ppm(POOL, NOW - 1) == 3_000


@pytest.mark.parametrize(
    ("group", "volatility", "fee_ppm"),
    [
        (7, 5_000, 3_041),  # 4000·(5000·64)² / 1e13 = 40.96
        (8, 15_000, 3_369),  # 368.64
        (6, 15_000, 3_369),
        (9, 25_000, 4_024),  # 1024
        (10, 30_000, 4_475),  # 1474.56, as far as it goes
        (-90, 30_000, 4_475),
    ],
)
def test_the_fee_by_the_distance_from_the_reference_group(group, volatility, fee_ppm):
    assert volatility_in(FEE, group) == volatility
    assert fee_ppm_in(FEE, group, 3_000) == fee_ppm


def test_the_whole_fee_is_at_most_a_tenth():
    wild = replace(FEE, control_factor=99_999, max_volatility=500_000)
    assert fee_ppm_in(wild, 60, 60_000) == 100_000


def path(fee, tick, stops, zero_for_one, liquidity=1):
    taken = steps(
        fee, [(at, sqrt_price_at_tick(at), gained, 3_000, 0) for at, gained in stops], tick, liquidity, zero_for_one
    )
    return [(stop, price, gained, group) for stop, price, gained, _, group in taken]


def border(tick, group):
    return None, sqrt_price_at_tick(tick), None, group


def stop(tick, gained, group):
    return tick, sqrt_price_at_tick(tick), gained, group


def test_a_swap_stops_at_borders_where_the_fee_changes_and_nowhere_else():
    # reference 7, three groups to each side: the fee changes from group 4 (tick 256) to group 10 (up to tick 704)
    down = [(576, 0), (-5_632, None)]
    assert path(FEE, 1_000, down, True) == [
        border(704, 15),
        border(640, 10),
        stop(576, 0, 9),
        border(512, 8),
        border(448, 7),
        border(384, 6),
        border(320, 5),
        border(256, 4),
        stop(-5_632, None, 3),
    ]
    up = [(320, 0), (5_631, None)]
    assert path(FEE, 0, up, False) == [
        border(256, 0),
        stop(320, 0, 4),
        *[border(64 * at, at - 1) for at in range(6, 12)],
        stop(5_631, None, 11),
    ]


def test_no_liquidity_or_no_control_factor_needs_no_stops():
    up = [(320, 0), (640, None)]
    whole = [stop(320, 0, 0), stop(640, None, 5)]
    assert path(FEE, 0, up, False, liquidity=0) == whole
    assert path(replace(FEE, control_factor=0), 0, up, False) == whole


def test_by_the_end_of_all_ticks_every_border_is_a_stop():
    edge = replace(FEE, reference_group=-6_930)  # three groups below lie beyond the lowest tick
    assert path(edge, -443_530, [(-443_636, None)], True) == [border(-443_584, -6_931), stop(-443_636, None, -6_932)]
    edge = replace(FEE, reference_group=6_930)
    assert path(edge, 443_530, [(443_636, None)], False) == [border(443_584, 6_930), stop(443_636, None, 6_931)]


@pytest.mark.parametrize(
    ("after", "group", "zero_for_one", "volatility"),
    [
        (sqrt_price_at_tick(512), 8, True, 15_000),  # down to the border of group 8: still in it
        (sqrt_price_at_tick(512) - 1, 7, True, 5_000),
        (sqrt_price_at_tick(512), 7, False, 5_000),  # up to the border of group 8: still in group 7
        (sqrt_price_at_tick(512) + 1, 7, False, 15_000),  # a step of many groups goes by where it ends
        (sqrt_price_at_tick(512), 7, True, 5_000),  # a step that the fee ate did not move, but began below the border
        (sqrt_price_at_tick(512), 8, False, 15_000),
    ],
)
def test_the_volatility_left_is_that_of_the_last_group(after, group, zero_for_one, volatility):
    left = finished(FEE, after, after, group, zero_for_one, NOW + 5)
    assert left == replace(FEE, volatility=volatility)


def test_a_major_swap_is_one_of_that_many_ticks():
    low, factor = sqrt_price_at_tick(300), sqrt_price_at_tick(100)
    enough = low * factor >> 64
    for prices, zero_for_one in (((low, enough), False), ((enough, low), True)):
        assert finished(FEE, *prices, 5, zero_for_one, NOW + 5).major_swap_s == NOW + 5
    assert finished(FEE, low, enough - 1, 5, False, NOW + 5).major_swap_s == FEE.major_swap_s


def test_a_small_swap_pays_the_fee_of_its_group():
    # group 0 is 7 from the reference: 30,000 of volatility, 4,475 ppm; net 995,525, of which roundings take one
    assert first_fee_ppm(POOL, NOW) == 4_475
    assert quote(POOL, 1_000_000, True, NOW) == SwapQuote(1_000_000, 995_524, 4_475)
    assert (
        quote(POOL, 1_000_000, False, NOW + 600) == quote(PLAIN, 1_000_000, False) == SwapQuote(10**6, 996_999, 3_000)
    )


def test_down_from_a_border_pays_the_fee_of_the_group_below():
    # one from the reference group 0: ⌈4000·(10000·64)² / 1e13⌉ = 164
    assert quote(POOL, 1_000_000, True, NOW + 600) == SwapQuote(1_000_000, 996_835, 3_164)


def test_a_swap_over_borders_counts_them_and_moves_the_oracle():
    swap = quote(POOL, 5 * 10**9, False, NOW + 600)  # half a percent up: two groups beyond none, at 10 ** 12
    after = apply(POOL, swap, False, NOW + 600)
    assert (swap.crossed, after.tick // 64) == (1, 1)
    assert after.adaptive_fee == replace(
        FEE, reference_updated_s=NOW + 600, volatility_reference=0, reference_group=0, volatility=10_000
    )
    assert 3_000 * 5 * 10**3 < swap.input_fee_atoms < 3_164 * 5 * 10**3


def test_a_swap_of_more_steps_than_a_transaction_has_room_for_is_refused():
    fine = replace(FEE, tick_group_size=1, max_volatility=10**7, reference_group=0)
    far = 10**12 * sqrt_price_at_tick(MAX_STEPS - 5) // Q64 - 10**12
    deep = replace(with_tick_arrays(PLAIN, [TickArray(0), TickArray(SPAN)]), adaptive_fee=fine)
    assert quote(deep, far, False, NOW).crossed == MAX_STEPS - 6
    refused = quote(deep, far * 11 // 10, False, NOW)
    assert refused.reason.startswith(
        "the known tick arrays or the steps of one transaction end before the input does: "
    )
    assert len(segments(deep, False, None, NOW)) == MAX_STEPS


def test_a_quote_of_another_time_does_not_apply():
    swap = quote(POOL, 10**6, True, NOW)
    with pytest.raises(ValueError, match="swap: got 995524 atoms out, expected 996835"):
        apply(POOL, swap, True, NOW + 600)
    with pytest.raises(ValueError, match="the last swap was at"):
        apply(POOL, swap, True, NOW - 1)
