import os
from contextlib import suppress
from pathlib import Path
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.dex.pool import AccountError, SwapQuote
from phantom_arbiter.dex.tick_math import sqrt_price_at_tick
from phantom_arbiter.dex.whirlpool import TickArray, quote, tick_array
from phantom_arbiter.dex.whirlpool_accounts import (
    IMMUTABLE_PROGRAM_ID,
    PROGRAM_ID,
    decode_oracle,
    decode_pool,
    decode_tick_array,
    with_arrays,
)
from phantom_arbiter.dex.whirlpool_adaptive_fee import AdaptiveFee

FIXTURES = Path(os.environ.get("PHANTOM_FIXTURES_DIR") or Path(__file__).resolve().parents[4] / "shared" / "fixtures")
REAL_POOL = FIXTURES / "mango_v4" / "83v8iPyZihDEjDdY8RdZddyZNyUtXngz69Lgo9Kt5d6d.bin"
ADDRESS, OTHER = bytes(range(32)), bytes(32)
SPAN = 64 * 88
TICKS = {-64: (500, 500), 0: (0, 40), 64: (-500, 500)}  # liquidity_net, liquidity_gross


def pool_bytes(spacing=64, tier=64, fee=3_000, protocol_fee=1_300, liquidity=10**9, price=None, tick=5, mints=(1, 2)):
    head = bytes((63, 149, 209, 12, 225, 128, 99, 9)) + b"c" * 32 + b"\xff"
    numbers = pack("<HHHH", spacing, tier, fee, protocol_fee) + liquidity.to_bytes(16, "little")
    price = sqrt_price_at_tick(tick) if price is None else price
    state = price.to_bytes(16, "little") + pack("<iQQ", tick, 7, 8)
    tokens = bytes([mints[0]]) * 32 + b"v" * 32 + bytes(16) + bytes([mints[1]]) * 32 + b"w" * 32 + bytes(16)
    return head + numbers + state + tokens + bytes(8 + 384)


def fixed_bytes(start=0, ticks=TICKS, address=ADDRESS):
    cells = b""
    for place in range(88):
        net, gross = ticks.get(start + place * 64, (0, 0))
        cells += bytes([gross > 0]) + net.to_bytes(16, "little", signed=True) + gross.to_bytes(16, "little") + bytes(80)
    return bytes((69, 97, 189, 190, 110, 7, 66, 187)) + pack("<i", start) + cells + address


def dynamic_bytes(start=0, ticks=TICKS, address=ADDRESS, tail=b""):
    bitmap, cells = 0, b""
    for place in range(88):
        net, gross = ticks.get(start + place * 64, (0, 0))
        bitmap |= (gross > 0) << place
        cells += bytes([gross > 0])
        if gross:
            cells += net.to_bytes(16, "little", signed=True) + gross.to_bytes(16, "little") + bytes(80)
    mark = bytes((17, 216, 246, 142, 225, 199, 218, 56))
    return mark + pack("<i", start) + address + bitmap.to_bytes(16, "little") + cells + tail


def oracle_bytes(
    constants=(30, 600, 5_000, 4_000, 350_000, 64, 64), variables=(1_800, 1_900, 10_000, -3, 20_000), address=ADDRESS
):
    mark = bytes((139, 194, 131, 179, 140, 179, 229, 244))
    head = mark + address + pack("<Q", 1_700)
    return head + pack("<HHHIIHH", *constants) + bytes(16) + pack("<QQIiI", *variables) + bytes(16 + 128)


ACCOUNT = decode_pool(pool_bytes(), PROGRAM_ID, ADDRESS)


def changed(data, at, value):
    return data[:at] + bytes([value]) + data[at + 1 :]


def test_the_real_pool_of_sol_and_usdc():
    if not REAL_POOL.exists():
        pytest.skip(f"no real pool: {FIXTURES} has none (PHANTOM_FIXTURES_DIR names the folder)")
    account = decode_pool(REAL_POOL.read_bytes(), PROGRAM_ID, ADDRESS)
    pool = account.pool
    assert (pool.tick_spacing, pool.fee_ppm, pool.protocol_fee_bps, pool.tick) == (1, 100, 300, -27_647)
    assert (pool.sqrt_price_x64 / 2**64) ** 2 * 1_000 == pytest.approx(63.0, abs=0.01)
    known = with_arrays(account, [TickArray(-27_720 + 88 * at) for at in (-2, -1, 0, 1, 2)])
    # 1e6·0.06300679·0.9999 / (1 + 999900·0.2510115 / 3236145213) = 62995.6
    assert quote(known, 1_000_000, True) == SwapQuote(1_000_000, 62_995, 100)


@pytest.mark.parametrize("program", [PROGRAM_ID, IMMUTABLE_PROGRAM_ID])
def test_a_pool_and_both_kinds_of_arrays(program):
    account = decode_pool(pool_bytes(), program, ADDRESS)
    assert (account.address, account.owner) == (ADDRESS, program)
    assert (account.token_a_mint, account.token_b_mint) == (b"\x01" * 32, b"\x02" * 32)
    assert (account.token_a_vault, account.token_b_vault) == (b"v" * 32, b"w" * 32)
    pool = account.pool
    assert (pool.fee_ppm, pool.protocol_fee_bps, pool.liquidity, pool.tick) == (3_000, 1_300, 10**9, 5)
    assert (pool.protocol_fee_owed_a_atoms, pool.protocol_fee_owed_b_atoms) == (7, 8)
    for array_bytes in (fixed_bytes, dynamic_bytes):
        below, home = (decode_tick_array(array_bytes(start), program, account) for start in (-SPAN, 0))
        assert below == tick_array(-SPAN, [(-64, 500)])
        assert home == tick_array(0, [(0, 0), (64, -500)])
        assert with_arrays(account, [home, below]).known.ticks == (-64, 0, 64)


def test_the_tick_may_be_one_below_the_price_that_a_swap_down_left():
    assert decode_pool(pool_bytes(tick=4, price=sqrt_price_at_tick(5)), PROGRAM_ID, ADDRESS).pool.tick == 4


@pytest.mark.parametrize(
    ("data", "owner", "field"),
    [
        (pool_bytes(), "11111111111111111111111111111111", "owner"),
        (pool_bytes()[:-1], PROGRAM_ID, "length"),
        (pool_bytes() + b"\0", PROGRAM_ID, "length"),
        (b"", PROGRAM_ID, "length"),
        (changed(pool_bytes(), 0, 0), PROGRAM_ID, "discriminator"),
        (pool_bytes(spacing=0, tier=0), PROGRAM_ID, "tick_spacing"),
        (pool_bytes(fee=60_001), PROGRAM_ID, "fee_rate"),
        (pool_bytes(protocol_fee=2_501), PROGRAM_ID, "protocol_fee_rate"),
        (pool_bytes(price=0), PROGRAM_ID, "sqrt_price"),
        (pool_bytes(tick=6, price=sqrt_price_at_tick(5)), PROGRAM_ID, "tick_current_index"),
        (pool_bytes(tick=4, price=sqrt_price_at_tick(5) + 1), PROGRAM_ID, "tick_current_index"),
        (pool_bytes(mints=(2, 2)), PROGRAM_ID, "token_mint_b"),
    ],
)
def test_pools_that_are_refused(data, owner, field):
    with pytest.raises(AccountError, match=rf"^Whirlpool pool: {field}: got ") as refused:
        decode_pool(data, owner, ADDRESS)
    assert refused.value.field == field


def test_the_tier_tells_whether_there_is_an_oracle():
    assert not ACCOUNT.has_oracle
    assert decode_pool(pool_bytes(tier=1_025), PROGRAM_ID, ADDRESS).has_oracle


def test_an_oracle_field_by_field():
    assert decode_oracle(oracle_bytes(), PROGRAM_ID, ACCOUNT) == AdaptiveFee(
        trade_enabled_from_s=1_700,
        filter_seconds=30,
        decay_seconds=600,
        reduction_bps=5_000,
        control_factor=4_000,
        max_volatility=350_000,
        tick_group_size=64,
        major_swap_ticks=64,
        reference_updated_s=1_800,
        major_swap_s=1_900,
        volatility_reference=10_000,
        reference_group=-3,
        volatility=20_000,
    )


@pytest.mark.parametrize(
    ("data", "owner", "field"),
    [
        (oracle_bytes(), IMMUTABLE_PROGRAM_ID, "owner"),
        (oracle_bytes()[:-1], PROGRAM_ID, "length"),
        (changed(oracle_bytes(), 0, 0), PROGRAM_ID, "discriminator"),
        (oracle_bytes(address=OTHER), PROGRAM_ID, "whirlpool"),
        (oracle_bytes(constants=(0, 600, 5_000, 4_000, 350_000, 64, 64)), PROGRAM_ID, "filter_period"),
        (oracle_bytes(constants=(30, 30, 5_000, 4_000, 350_000, 64, 64)), PROGRAM_ID, "decay_period"),
        (oracle_bytes(constants=(30, 600, 10_000, 4_000, 350_000, 64, 64)), PROGRAM_ID, "reduction_factor"),
        (oracle_bytes(constants=(30, 600, 5_000, 100_000, 1, 64, 64)), PROGRAM_ID, "adaptive_fee_control_factor"),
        (oracle_bytes(constants=(30, 600, 5_000, 4_000, 2**26, 64, 64)), PROGRAM_ID, "max_volatility_accumulator"),
        (oracle_bytes(constants=(30, 600, 5_000, 4_000, 350_000, 0, 64)), PROGRAM_ID, "tick_group_size"),
        (oracle_bytes(constants=(30, 600, 5_000, 4_000, 350_000, 128, 64)), PROGRAM_ID, "tick_group_size"),
        (oracle_bytes(constants=(30, 600, 5_000, 4_000, 350_000, 64, 0)), PROGRAM_ID, "major_swap_threshold_ticks"),
        (oracle_bytes(constants=(30, 600, 5_000, 4_000, 350_000, 64, 5_633)), PROGRAM_ID, "major_swap_threshold_ticks"),
        (oracle_bytes(variables=(1, 1, 350_001, 0, 0)), PROGRAM_ID, "volatility_reference"),
        (oracle_bytes(variables=(1, 1, 0, 0, 350_001)), PROGRAM_ID, "volatility_accumulator"),
        (oracle_bytes(variables=(1, 1, 0, 6_932, 0)), PROGRAM_ID, "tick_group_index_reference"),
        (oracle_bytes(variables=(1, 1, 0, -6_934, 0)), PROGRAM_ID, "tick_group_index_reference"),
    ],
)
def test_oracles_that_are_refused(data, owner, field):
    with pytest.raises(AccountError, match=rf"^Whirlpool oracle: {field}: got "):
        decode_oracle(data, owner, ACCOUNT)


@pytest.mark.parametrize(
    ("data", "owner", "field"),
    [
        (fixed_bytes(), IMMUTABLE_PROGRAM_ID, "owner"),
        (fixed_bytes()[:-1], PROGRAM_ID, "length"),
        (dynamic_bytes()[:147], PROGRAM_ID, "length"),
        (dynamic_bytes()[:-1], PROGRAM_ID, "length"),
        (dynamic_bytes(tail=bytes(10_000)), PROGRAM_ID, "length"),
        (b"", PROGRAM_ID, "discriminator"),
        (pool_bytes(), PROGRAM_ID, "discriminator"),
        (fixed_bytes(address=OTHER), PROGRAM_ID, "whirlpool"),
        (dynamic_bytes(address=OTHER), PROGRAM_ID, "whirlpool"),
        (fixed_bytes(start=64), PROGRAM_ID, "start_tick_index"),
        (fixed_bytes(start=79 * SPAN), PROGRAM_ID, "start_tick_index"),
        (fixed_bytes(start=-80 * SPAN), PROGRAM_ID, "start_tick_index"),
        (fixed_bytes(start=-79 * SPAN, ticks={-443_648: (1, 1)}), PROGRAM_ID, r"ticks\[20\], its tick"),
        (fixed_bytes(ticks={64: (-501, 500)}), PROGRAM_ID, r"ticks\[1\].liquidity_gross"),
        (changed(fixed_bytes(), 12 + 113 * 5, 1), PROGRAM_ID, r"ticks\[5\].liquidity_gross"),
        (changed(fixed_bytes(), 12 + 113 * 5, 2), PROGRAM_ID, r"ticks\[5\].initialized"),
        (changed(dynamic_bytes(), 44, 1), PROGRAM_ID, r"ticks\[1\]"),
        (changed(dynamic_bytes(), 44 + 11, 1), PROGRAM_ID, "tick_bitmap"),
        (dynamic_bytes(tail=b"\0\1"), PROGRAM_ID, "bytes after the ticks"),
    ],
)
def test_arrays_that_are_refused(data, owner, field):
    with pytest.raises(AccountError, match=rf"^Whirlpool tick array: {field}: got "):
        decode_tick_array(data, owner, ACCOUNT)


def test_zeros_may_follow_the_ticks_of_a_dynamic_array():
    assert decode_tick_array(dynamic_bytes(tail=bytes(112)), PROGRAM_ID, ACCOUNT) == tick_array(0, [(0, 0), (64, -500)])


damages = st.tuples(st.integers(0, 9_999), st.integers(1, 255))


@given(damages)
def test_a_damaged_pool_is_refused_or_another_pool(damage):
    at, flip = damage[0] % 245, damage[1]
    data = pool_bytes()
    try:
        damaged = decode_pool(changed(data, at, data[at] ^ flip), PROGRAM_ID, ADDRESS)
    except AccountError:
        return
    unread = 8 <= at < 41 or 165 <= at < 181  # the config and its bump; growth of fees
    assert (damaged == ACCOUNT) == unread


@pytest.mark.parametrize("array_bytes", [fixed_bytes, dynamic_bytes])
@given(damage=damages, cut=st.integers(0, 200))
def test_a_damaged_array_raises_only_account_errors(array_bytes, damage, cut):
    data = array_bytes()
    at = damage[0] % len(data)
    with suppress(AccountError):
        decode_tick_array(changed(data, at, data[at] ^ damage[1]), PROGRAM_ID, ACCOUNT)
    with pytest.raises(AccountError):
        decode_tick_array(data[: len(data) - 1 - cut * len(data) // 201], PROGRAM_ID, ACCOUNT)


@given(st.binary(max_size=700), st.sampled_from([b"", pool_bytes()[:8], fixed_bytes()[:8], dynamic_bytes()[:8]]))
def test_any_bytes_raise_only_account_errors(data, mark):
    with pytest.raises(AccountError):
        decode_tick_array(mark + data, PROGRAM_ID, ACCOUNT)
    with pytest.raises(AccountError):
        decode_pool(mark + data, PROGRAM_ID, ADDRESS)
