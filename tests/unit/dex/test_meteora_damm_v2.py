"""Swaps of the program itself (build of 2026-03, run in a local SVM) on written states, and the edges of ours."""

from __future__ import annotations

import pytest

from phantom_arbiter.dex.meteora_damm_v2 import DammV2Pool, apply, quote, segments, trading_fee_e9
from phantom_arbiter.dex.meteora_damm_v2_accounts import PROGRAM_ID, decode_pool
from phantom_arbiter.dex.pool import SwapQuote, SwapRefusal
from tests.unit.dex.damm_v2_bytes import DYNAMIC, pool_bytes

LINEAR = {
    "cliff_fee_numerator": 50_000_000,
    "number_of_period": 100,
    "period_frequency": 60,
    "fee_reduction_factor": 400_000,
}
EXPONENTIAL = LINEAR | {"base_fee_mode": 1, "fee_reduction_factor": 265}
IN = 10**9

# fields, unix time, slot, A to B, amount in, the program's output (None: refused)
MEASURED: list[tuple[dict[str, int], int, int, bool, int, int | None]] = [
    ({}, 1_000, 0, True, IN, 996_503_496),
    ({}, 1_000, 0, False, IN, 996_503_496),
    ({"collect_fee_mode": 1}, 1_000, 0, False, IN, 996_505_985),
    ({"collect_fee_mode": 1}, 1_000, 0, True, IN, 996_503_496),
    ({"collect_fee_mode": 1}, 1_000, 0, False, 1, 0),
    ({}, 1_000, 0, True, 3 * 10**12, 748_125_000_000),
    ({}, 1_000, 0, True, 3 * 10**12 + 1, None),
    ({}, 1_000, 0, False, 3 * 10**12, 748_125_000_000),
    ({}, 1_000, 0, False, 3 * 10**12 + 4, None),
    ({}, 999, 10**6, True, IN, None),
    (LINEAR, 1_000, 0, True, IN, 949_050_949),
    (LINEAR, 1_059, 0, True, IN, 949_050_949),
    (LINEAR, 1_060, 0, True, IN, 949_450_549),
    (LINEAR, 99_999, 0, True, IN, 989_010_989),
    (LINEAR | {"activation_type": 0}, 5, 1_600, False, IN, 953_046_953),
    (LINEAR | {"fee_reduction_factor": 600_000}, 99_999, 0, True, IN, None),
    (EXPONENTIAL, 1_000, 0, True, IN, 949_050_949),
    (EXPONENTIAL, 1_660, 0, False, IN, 961_827_671),
    (EXPONENTIAL, 99_999, 0, True, IN, 995_595_887),
    (EXPONENTIAL | {"fee_reduction_factor": 10_000}, 1_060, 0, True, IN, None),
    ({"cliff_fee_numerator": 700_000_000}, 1_000, 0, True, IN, 299_700_299),
    ({"cliff_fee_numerator": 700_000_000, "fee_version": 0}, 1_000, 0, True, IN, 499_500_499),
    (DYNAMIC, 1_000, 0, True, IN, 996_417_542),
    (DYNAMIC | {"volatility_accumulator": 3_000_001}, 1_000, 0, True, 10**12, 498_706_979_500),
    (DYNAMIC | {"sqrt_price_reference": 0, "last_update_timestamp": 995}, 1_000, 0, True, IN, None),
    ({"layout_version": 1, "token_a_amount": IN, "token_b_amount": IN}, 1_000, 0, True, IN, 996_503_496),
    ({"layout_version": 1, "token_a_amount": IN, "token_b_amount": IN // 10}, 1_000, 0, True, IN, None),
]

# unix time, A to B, amount in, output, then the program's state: sqrt price, last update, reference, volatility
MEASURED_DYNAMIC = [
    (1_000, True, IN, 996_417_542, 18_428_315_757_951_600_016, 1_000, 1_700_000, 1_500_000),
    (1_109, False, 5 * 10**10, 47_495_902_857, 19_369_081_277_395_029_196, 1_109, 11_500_000, 1_500_000),
    (1_110, False, 5 * 10**10, 47_495_902_857, 19_369_081_277_395_029_196, 1_110, 10_000_000, 0),
    (1_005, False, 4 * 10**7, 39_894_962, 18_447_481_943_472_499_998, 990, 1_500_000, 1_500_000),
]


def pool(**fields: int) -> DammV2Pool:
    return decode_pool(pool_bytes(**fields), PROGRAM_ID)


@pytest.mark.parametrize(("fields", "unix_time_s", "slot", "a_to_b", "amount", "out"), MEASURED)
def test_quote_is_the_program_s(fields, unix_time_s, slot, a_to_b, amount, out):
    answer = quote(pool(**fields), amount, a_to_b, unix_time_s=unix_time_s, slot=slot)
    assert out == (answer.amount_out_atoms if isinstance(answer, SwapQuote) else None)


@pytest.mark.parametrize(
    ("unix_time_s", "a_to_b", "amount", "out", "price", "last_update_s", "accumulator", "reference"), MEASURED_DYNAMIC
)
def test_dynamic_fee_after_a_swap_is_the_program_s(
    unix_time_s, a_to_b, amount, out, price, last_update_s, accumulator, reference
):
    before = pool(**DYNAMIC)
    swap = quote(before, amount, a_to_b, unix_time_s=unix_time_s, slot=0)
    assert isinstance(swap, SwapQuote)
    after = apply(before, swap, a_to_b, unix_time_s=unix_time_s)
    volatility = after.volatility
    assert (swap.amount_out_atoms, after.sqrt_price_x64) == (out, price)
    assert volatility is not None
    assert (volatility.last_update_s, volatility.accumulator, volatility.reference) == (
        last_update_s,
        accumulator,
        reference,
    )
    assert volatility.sqrt_price_reference_x64 == 2**64


@pytest.mark.parametrize(
    ("mode", "a_to_b", "fee", "on_input", "reserve_a", "reserve_b"),
    [
        (0, True, 2_497_503, False, 751_000_000_000, 749_000_999_001),
        (0, False, 2_497_503, False, 749_000_999_001, 751_000_000_000),
        (1, True, 2_497_503, False, 751_000_000_000, 749_000_999_001),
        (1, False, 2_500_000, True, 749_003_494_015, 750_997_500_000),
    ],
)
def test_fee_side_and_the_program_s_reserves_after(mode, a_to_b, fee, on_input, reserve_a, reserve_b):
    before = pool(collect_fee_mode=mode)
    swap = quote(before, IN, a_to_b, unix_time_s=1_000, slot=0)
    assert isinstance(swap, SwapQuote)
    fees = (fee, 0) if on_input else (0, fee)
    assert (swap.input_fee_atoms, swap.output_fee_atoms, swap.amount_in_atoms) == (*fees, IN)
    after = apply(before, swap, a_to_b, unix_time_s=1_000)
    assert (after.reserve_a_atoms, after.reserve_b_atoms) == (reserve_a, reserve_b)


def test_apply_refuses_a_quote_of_another_state():
    swap = quote(pool(), IN, True, unix_time_s=1_000, slot=0)
    assert isinstance(swap, SwapQuote)
    with pytest.raises(ValueError, match="not an answer of this pool"):
        apply(pool(sqrt_price=2**65), swap, True, unix_time_s=1_000)


@pytest.mark.parametrize("amount", [0, -1, 2**64])
def test_amount_must_be_a_positive_u64(amount):
    answer = quote(pool(), amount, True, unix_time_s=1_000, slot=0)
    assert isinstance(answer, SwapRefusal)
    assert str(amount) in answer.reason


def test_empty_pool_is_refused_and_has_no_segment():
    empty = pool(liquidity=0)
    assert quote(empty, IN, True, unix_time_s=1_000, slot=0) == SwapRefusal("the pool has no liquidity")
    assert segments(empty, True, unix_time_s=1_000, slot=0) == ()


def test_a_fee_beyond_u64_is_refused():
    wild = DYNAMIC | {"variable_fee_control": 2**32 - 1, "bin_step": 80, "volatility_accumulator": 2**32 - 1}
    assert trading_fee_e9(pool(**wild), unix_time_s=1_000, slot=0) == SwapRefusal("the fee exceeds u64")


def test_no_segment_before_the_pool_opens():
    assert segments(pool(), True, unix_time_s=999, slot=10**9) == ()


def test_segment_ends_with_the_range():
    (segment,) = segments(pool(), True, unix_time_s=1_000, slot=0)
    assert segment.capacity_atoms == pytest.approx(3 * 10**12)
    (segment,) = segments(pool(collect_fee_mode=1), False, unix_time_s=1_000, slot=0)
    assert segment.capacity_atoms == pytest.approx(3 * 10**12 / 0.9975)
