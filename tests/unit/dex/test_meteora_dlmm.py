import pytest
from msgspec.structs import replace

from phantom_arbiter.dex.meteora_dlmm import (
    MAX_BINS,
    Activation,
    Bin,
    BinArray,
    DlmmPool,
    FeeParameters,
    Volatility,
    apply,
    quote,
    segments,
    updated_references,
    with_arrays,
)
from phantom_arbiter.dex.pool import SwapQuote, SwapRefusal

ONE = 2**64
NOW = 1_000
FEES = FeeParameters(10, 10_000, 0, 40_000, 350_000, 30, 600, 5_000)
EMPTY = Bin(0, 0, ONE)


def array(index, bins):
    return BinArray(index, tuple(bins.get(70 * index + place, EMPTY) for place in range(70)))


def pool(bins, indices=(-1, 0), **changes):
    """Every price is 1, unless the bin tells another; active in bin 0, no volatility."""
    plain = DlmmPool(
        address=bytes(32),
        token_x_mint=bytes(32),
        token_y_mint=bytes(32),
        token_2022=False,
        fees=FEES,
        volatility=Volatility(0, 0, 0, 0),
        active_id=0,
        bitmap=sum(1 << index + 512 for index in indices),
        activation=None,
        arrays={},
    )
    return with_arrays(replace(plain, **changes), [array(index, bins) for index in indices])


def out(answer):
    assert isinstance(answer, SwapQuote), answer
    return answer.amount_out_atoms


def reason(answer):
    assert isinstance(answer, SwapRefusal), answer
    return answer.reason


def test_the_fee_comes_off_the_input_rounded_up_and_the_output_is_rounded_down():
    # base fee: 10,000 · 10 · 10 = 1e6 of 1e9, 10 bps
    assert quote(pool({0: Bin(0, 10**6, ONE)}), 1_001, True, NOW, 0) == SwapQuote(1_001, 999, 2)
    assert out(quote(pool({0: Bin(0, 10**6, ONE * 3 // 2)}), 1_000, True, NOW, 0)) == 1_498
    assert out(quote(pool({0: Bin(10**6, 0, ONE * 3 // 2)}), 1_000, False, NOW, 0)) == 666


def test_a_drained_bin_costs_its_price_and_the_next_one_pays_for_volatility():
    state = pool({0: Bin(0, 1_000_000, ONE), -1: Bin(0, 5_000_000, ONE // 2)})
    # bin 0: 1,000,000 + ceil(1,000,000 / 999) = 1,001,002; bin −1: 40,000 · (10⁴ · 10)² / 1e11 = 4,000 more of 1e9
    fee = -(-1_000_000 * 1_004_000 // 10**9)
    assert quote(state, 2_001_002, True, NOW, 0) == SwapQuote(
        2_001_002, 1_000_000 + (1_000_000 - fee) // 2, 1_002 + fee, 0, 1
    )


def test_exactly_the_price_of_a_bin_leaves_it_empty_and_active():
    state = pool({0: Bin(0, 1_000_000, ONE), -1: Bin(0, 1_000_000, ONE)})
    answer = quote(state, 1_001_002, True, NOW, 0)
    assert answer == SwapQuote(1_001_002, 1_000_000, 1_002)
    after = apply(state, answer, True, NOW, 0)
    assert after.active_id == 0
    assert after.arrays[0].bins[0] == Bin(1_000_000, 0, ONE)


def test_the_fee_rate_is_capped_at_ten_percent_and_volatility_at_its_own():
    assert replace(FEES, base_fee_power=9).rate_e9(0) == 100_000_000
    state = pool({0: Bin(0, 10, ONE), -50: Bin(0, 10**9, ONE)})
    drained = out(quote(state, 10**6, True, NOW, 0))
    rate = FEES.rate_e9(350_000)
    left = 10**6 - 11
    assert drained == 10 + left - -(-left * rate // 10**9)


@pytest.mark.parametrize(
    ("elapsed_s", "expected"),
    [
        (-5, Volatility(20_001, 7, 9, 400)),
        (29, Volatility(20_001, 7, 9, 400)),
        (30, Volatility(20_001, 10_000, 0, 400)),
        (599, Volatility(20_001, 10_000, 0, 400)),
        (600, Volatility(20_001, 0, 0, 400)),
    ],
)
def test_references_are_kept_decayed_or_forgotten_by_the_time_since_the_last_swap(elapsed_s, expected):
    state = pool({}, volatility=Volatility(20_001, 7, 9, 400))
    assert updated_references(state, 400 + elapsed_s) == expected


def test_volatility_that_overflows_the_programs_u32_is_refused():
    state = pool({0: Bin(0, 100, ONE)}, volatility=Volatility(2**31, 0, 0, NOW - 100))
    assert "overflows u32" in reason(quote(state, 10, True, NOW, 0))
    assert segments(state, True, NOW, 0) == ()


def test_a_swap_leaves_its_bins_its_active_bin_its_volatility_and_its_time():
    state = pool({0: Bin(7, 1_000, ONE), -3: Bin(0, 1_000, ONE)}, volatility=Volatility(20_000, 0, 5, NOW - 100))
    answer = quote(state, 1_500, True, NOW, 0)
    after = apply(state, answer, True, NOW, 0)
    assert after.active_id == -3
    assert after.volatility == Volatility(40_000, 10_000, 0, NOW)
    moved = after.arrays[0].bins[0], after.arrays[-1].bins[67]
    assert sum(bin_.amount_x_atoms for bin_ in moved) == 7 + 1_500 - answer.input_fee_atoms
    assert sum(bin_.amount_y_atoms for bin_ in moved) == 2_000 - answer.amount_out_atoms
    assert state.arrays[0].bins[0] == Bin(7, 1_000, ONE)


def test_a_quote_of_another_state_direction_or_time_is_not_applied():
    state = pool({0: Bin(1_000, 1_000, ONE), -1: Bin(0, 10**6, ONE // 2)})
    answer = quote(state, 500, True, NOW, 0)
    with pytest.raises(ValueError, match="this state's own answer"):
        apply(apply(state, answer, True, NOW, 0), replace(answer, amount_in_atoms=900), True, NOW, 0)
    with pytest.raises(ValueError, match="this state's own answer"):
        apply(pool({}), answer, True, NOW, 0)


def test_a_bin_that_would_exceed_u64_is_not_applied():
    state = pool({0: Bin(2**64 - 1, 1_000, ONE)})
    with pytest.raises(ValueError, match="at most 2"):
        apply(state, quote(state, 500, True, NOW, 0), True, NOW, 0)


def test_arrays_without_liquidity_are_jumped_over_and_unknown_ones_are_not():
    bins = {0: Bin(0, 100, ONE), -150: Bin(0, 10**6, ONE)}
    far = pool(bins, indices=(-3, 0))
    answer = quote(far, 1_000, True, NOW, 0)
    assert answer.crossed == 150
    hole = replace(far, bitmap=far.bitmap | 1 << 511)
    assert "bin array -1 is not known" in reason(quote(hole, 1_000, True, NOW, 0))
    assert out(quote(hole, 50, True, NOW, 0)) == 49
    up = pool({141: Bin(10**6, 0, ONE)}, indices=(2,), active_id=5)
    assert quote(up, 1_000, False, NOW, 0).crossed == 136


def test_no_liquidity_and_the_bitmaps_end_are_refused():
    assert "no liquidity left" in reason(quote(pool({0: Bin(0, 10, ONE)}), 1_000, True, NOW, 0))
    outside = pool({}, active_id=70 * 512)
    assert "own bitmap" in reason(quote(outside, 1_000, True, NOW, 0))


@pytest.mark.parametrize("amount", [0, -1, 2**64])
def test_amounts_outside_of_u64_are_refused(amount):
    assert f"amount is {amount}" in reason(quote(pool({0: Bin(0, 10, ONE)}), amount, True, NOW, 0))


def test_an_output_of_zero_and_a_price_beyond_u64_are_refused():
    assert "output is zero" in reason(quote(pool({0: Bin(0, 10, ONE)}), 1, True, NOW, 0))
    dear = pool({0: Bin(0, 2**63, ONE // 4)})
    assert "overflows u64" in reason(quote(dear, 1_000, True, NOW, 0))


def test_fees_in_y_and_token_2022_are_refused():
    bins = {0: Bin(0, 10**6, ONE)}
    assert "collected in Y" in reason(quote(pool(bins, fees=replace(FEES, collect_fee_mode=1)), 1_000, True, NOW, 0))
    assert "Token-2022" in reason(quote(pool(bins, token_2022=True), 1_000, True, NOW, 0))


@pytest.mark.parametrize("by_time", [True, False])
def test_a_pair_before_its_activation_is_refused(by_time):
    state = pool({0: Bin(0, 10**6, ONE)}, activation=Activation(500, by_time))
    early, late = (499, 500) if by_time else (NOW, NOW)
    assert "not active" in reason(quote(state, 1_000, True, early, 499))
    assert segments(state, True, early, 499) == ()
    assert out(quote(state, 1_000, True, late, 500)) == 999


def test_limit_orders_are_filled_after_the_bins_own_liquidity_on_their_side_only():
    state = pool({0: Bin(10**6, 1_000, ONE, bids=(5,))})
    assert out(quote(state, 1_002, True, NOW, 0)) == 1_000
    assert out(quote(state, 1_004, True, NOW, 0)) == 1_002
    assert out(quote(state, 1_007, True, NOW, 0)) == 1_005
    assert isinstance(quote(state, 1_010, True, NOW, 0), SwapRefusal)
    assert out(quote(state, 1_004, False, NOW, 0)) == 1_002
    asks = pool({0: Bin(0, 0, ONE, asks=(60, 5))})
    assert out(quote(asks, 62, False, NOW, 0)) == 61


def test_old_counters_where_orders_may_be_are_refused_only_where_the_swap_needs_them():
    state = pool({0: Bin(0, 0, ONE), 1: Bin(500, 0, ONE, counters=True)})
    assert "limit orders" in reason(quote(state, 100, False, NOW, 0))


def test_more_bins_than_a_transaction_can_pay_for_are_refused():
    bins = {bin_id: Bin(10, 0, ONE) for bin_id in range(70 * 4)}
    state = pool(bins, indices=(0, 1, 2, 3))
    assert f"more than {MAX_BINS} bins" in reason(quote(state, 10**6, False, NOW, 0))
    assert len(segments(state, False, NOW, 0)) == MAX_BINS


def test_segments_are_the_bins_in_order_with_their_fees():
    state = pool({0: Bin(0, 1_000_000, ONE), -1: Bin(0, 5_000_000, ONE // 2)})
    first, second = segments(state, True, NOW, 0)
    assert (first.a, first.b, first.c) == (pytest.approx(0.999), 1, 0)
    assert first.capacity_atoms == pytest.approx(1_000_000 / 0.999)
    assert second.a == pytest.approx((1 - 0.001004) / 2)
    assert second.capacity_atoms * second.a == pytest.approx(5_000_000)
