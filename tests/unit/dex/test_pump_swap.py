"""Answers of the SDK (@pump-fun/pump-swap-sdk 1.20.0) on written states, one by hand, and the edges of ours."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from phantom_arbiter.dex.pool import SwapQuote, SwapRefusal
from phantom_arbiter.dex.pump_swap import FeeRates, PumpSwapPool, apply, fee_rates, quote, segments
from phantom_arbiter.dex.pump_swap_accounts import (
    FEE_CONFIG_ADDRESS,
    FEE_PROGRAM_ID,
    PROGRAM_ID,
    decode_fee_config,
    decode_global_config,
    decode_pool,
    pump_swap_pool,
)
from tests.unit.dex.pump_swap_bytes import STRANGER, fees_bytes, global_bytes, pool_bytes

FLAT = (25, 5, 0)
TIERS = [(0, (2, 93, 30)), (420 * 10**9, (20, 5, 95)), (1_470 * 10**9, (20, 5, 90))]
BASE = 206_900_000_000_000
QUOTE = 85_000_000_000
SUPPLY = 10**15


def pool(
    quoted: int = QUOTE,
    base: int = BASE,
    *,
    flags: int = 0,
    configurable: int = 0,
    creator_fee_bps: int = 0,
    no_coin_creator: bool = False,
    stranger: bool = False,
) -> PumpSwapPool:
    fields: dict[str, bytes] = {"coin_creator": bytes(32)} if no_coin_creator else {}
    if stranger:
        fields["creator"] = STRANGER
    return pump_swap_pool(
        decode_pool(pool_bytes(creator_fee_bps=creator_fee_bps, **fields), PROGRAM_ID),
        decode_global_config(global_bytes(disable_flags=flags, configurable=configurable), PROGRAM_ID),
        decode_fee_config(fees_bytes(FLAT, TIERS), FEE_PROGRAM_ID, FEE_CONFIG_ADDRESS),
        base_reserve_atoms=base,
        quote_reserve_atoms=quoted,
        base_supply_atoms=SUPPLY,
    )


@pytest.mark.parametrize(
    ("quoted", "sell", "amount", "options", "out"),
    [
        (QUOTE, True, 10**9, {}, 405_687),
        (QUOTE, False, 10**9, {}, 2_376_453_692_329),
        (86_897_999_999, True, 10**9, {}, 414_747),  # one lamport below the second tier, then in it
        (86_898_000_000, True, 10**9, {}, 414_957),
        (304_142_999_999, True, 5 * 10**12, {}, 7_090_450_305),
        (304_143_000_000, True, 5 * 10**12, {}, 7_094_038_589),
        (QUOTE, True, 10**9, {"no_coin_creator": True}, 406_920),
        (QUOTE, False, 10**9, {"no_coin_creator": True}, 2_383_434_607_037),
        (QUOTE, True, 10**9, {"stranger": True}, 409_590),
        (QUOTE, False, 123_456_789, {"stranger": True}, 299_176_282_991),
        (QUOTE, True, 10**9, {"configurable": 1, "creator_fee_bps": 300}, 394_595),
        (QUOTE, False, 10**9, {"configurable": 1, "creator_fee_bps": 300}, 2_315_418_398_841),
        (QUOTE, True, 10**9, {"configurable": 0, "creator_fee_bps": 300}, 405_687),
        (QUOTE, True, 10**9, {"configurable": 1, "creator_fee_bps": 0}, 405_687),
        (QUOTE, True, 10**9, {"configurable": 1, "creator_fee_bps": 300, "no_coin_creator": True}, 406_920),
        (QUOTE, True, 12_500, {}, 2),
        (QUOTE, False, 1_003, {}, 2_404_908),
        (QUOTE, False, 6, {}, 4_868),
        (QUOTE, False, 5, {}, 2_434),
    ],
)
def test_quote_is_the_sdk_s(quoted, sell, amount, options, out):
    answer = quote(pool(quoted, **options), amount, sell)
    assert isinstance(answer, SwapQuote)
    assert answer.amount_out_atoms == out


def test_a_sale_by_hand():
    # gross = floor(85·10⁹·10⁹ / (206.9·10¹² + 10⁹)) = 410 824; fees 82.2, 3820.7 and 1232.5, each up: 83 + 3821 + 1233
    before = pool()
    assert quote(before, 10**9, True) == SwapQuote(10**9, 405_687, 0, 5_137)
    after = apply(before, SwapQuote(10**9, 405_687, 0, 5_137), True)
    assert after.base_reserve_atoms == BASE + 10**9
    assert after.quote_reserve_atoms == QUOTE - 410_824 + 83


def test_a_purchase_by_hand():
    # net = floor(10⁹·10⁴ / 10125) = 987 654 320; fees 197 530.9, 9 185 185.2 and 2 962 962.96, each up, sum 12 345 680
    before = pool()
    swap = quote(before, 10**9, False)
    assert swap == SwapQuote(10**9, 2_376_453_692_329, 12_345_680)
    after = apply(before, swap, False)
    assert after.base_reserve_atoms == BASE - 2_376_453_692_329
    assert after.quote_reserve_atoms == QUOTE + 987_654_320 + 197_531


def test_the_tier_is_that_of_the_market_cap_before_the_trade():
    assert fee_rates(pool()) == FeeRates(2, 93, 30)
    assert fee_rates(pool(86_898_000_000)) == FeeRates(20, 5, 95)
    assert fee_rates(pool(10**15)) == FeeRates(20, 5, 90)
    below_all = replace(pool(), tiers=pool().tiers[1:])
    assert fee_rates(below_all) == FeeRates(20, 5, 95)


@pytest.mark.parametrize(
    ("state", "amount", "sell", "reason"),
    [
        (pool(), 0, True, "amount_in_atoms"),
        (pool(), 2**64, True, "amount_in_atoms"),
        (pool(0), 10, True, "empty"),
        (pool(base=0), 10, False, "empty"),
        (pool(flags=8), 10**9, False, "disabled"),
        (pool(flags=16), 10**9, True, "disabled"),
        (pool(), 2**64 - 1, True, "beyond"),
        (pool(), 2_000, True, "nothing"),
        (pool(), 1, False, "nothing"),
        (pool(1), 2, False, "nothing"),
    ],
)
def test_refusals(state, amount, sell, reason):
    answer = quote(state, amount, sell)
    assert isinstance(answer, SwapRefusal)
    assert reason in answer.reason


def test_each_switch_closes_one_side_only():
    assert isinstance(quote(pool(flags=8), 10**9, True), SwapQuote)
    assert isinstance(quote(pool(flags=16), 10**9, False), SwapQuote)
    assert isinstance(quote(pool(flags=7), 10**9, False), SwapQuote)
    assert segments(pool(flags=8), False) == segments(pool(flags=16), True) == segments(pool(0), True) == ()


def test_apply_refuses_a_quote_of_another_state():
    swap = quote(pool(), 10**9, True)
    assert isinstance(swap, SwapQuote)
    with pytest.raises(ValueError, match="not an answer of this pool"):
        apply(pool(QUOTE + 10**9), swap, True)
