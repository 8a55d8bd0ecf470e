import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.dex.meteora_dlmm import Activation, Bin, FeeParameters, Volatility, quote
from phantom_arbiter.dex.meteora_dlmm_accounts import ARRAY_SIZE, PAIR_SIZE, PROGRAM, decode_bin_array, decode_pool
from phantom_arbiter.dex.pool import AccountError, SwapRefusal
from tests.golden.onchain.meteora_dlmm import (
    PAIR_FIELDS,
    array_bytes,
    bitmap_bytes,
    decoded,
    fixture,
    key,
    pair_bytes,
    real_pool,
)

ADDRESS = bytes(range(32))
OTHER = "CAMMCzo5YL8w4VFF8KVHrK22GGUsp5VTaW7grrKgrWqK"
FORMS = {"B": 1, "H": 2, "I": 4, "i": 4, "q": 8, "Q": 8, "32s": 32, "128s": 128}
SAME_STATE = (
    "min_bin_id",
    "max_bin_id",
    "activation_type",
    "activation_point",
    "function_type",
    "pair_type",
    "version",
)
"""Fields of which another value in range may be the same state."""

READ = [
    offset + byte
    for name, (offset, form) in PAIR_FIELDS.items()
    for byte in range(FORMS[form])
    if name not in SAME_STATE
]
PAIR = pair_bytes(pair_type=3, token_x_mint=b"x" * 32, token_y_mint=b"y" * 32, bin_array_bitmap=bitmap_bytes(0))
ARRAY = array_bytes(0, ADDRESS, {3: {"amount_x": 5, "amount_y": 6}})
SDK = "meteora_dlmm_sdk/fixtures/"


def test_a_pair_is_read_field_by_field():
    pool = decode_pool(
        pair_bytes(
            base_factor=1,
            filter_period=2,
            decay_period=3,
            reduction_factor=4,
            variable_fee_control=5,
            max_volatility_accumulator=6,
            base_fee_power_factor=7,
            collect_fee_mode=1,
            volatility_accumulator=8,
            volatility_reference=9,
            index_reference=-10,
            last_update_timestamp=-11,
            pair_type=2,
            active_id=-12,
            bin_step=13,
            activation_type=1,
            activation_point=14,
            token_x_mint=b"x" * 32,
            token_y_mint=b"y" * 32,
            bin_array_bitmap=bitmap_bytes(-512, 3),
            token_mint_y_program_flag=1,
        ),
        PROGRAM,
        ADDRESS,
    )
    assert pool.fees == FeeParameters(13, 1, 7, 5, 6, 2, 3, 4, 1)
    assert pool.volatility == Volatility(8, 9, -10, -11)
    assert pool.activation == Activation(14, by_time=True)
    assert (pool.active_id, pool.bitmap, pool.token_2022) == (-12, 1 | 1 << 515, True)
    assert (pool.address, pool.token_x_mint, pool.token_y_mint) == (ADDRESS, b"x" * 32, b"y" * 32)


@pytest.mark.parametrize(("pair_type", "waits"), [(0, False), (1, True), (2, True), (3, False)])
def test_permission_and_customizable_pairs_wait_for_their_activation(pair_type, waits):
    pool = decode_pool(pair_bytes(pair_type=pair_type, activation_point=9), PROGRAM, ADDRESS)
    assert pool.activation == (Activation(9, by_time=False) if waits else None)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"status": 1}, "status"),
        ({"version": 2}, "version"),
        ({"pair_type": 4}, "pair_type"),
        ({"activation_type": 2}, "activation_type"),
        ({"bin_step": 0}, "bin_step"),
        ({"bin_step": 401}, "bin_step"),
        ({"collect_fee_mode": 2}, "collect_fee_mode"),
        ({"function_type": 3}, "function_type"),
        ({"base_fee_power_factor": 10}, "base_fee_power_factor"),
        ({"reduction_factor": 10_001}, "reduction_factor"),
        ({"token_mint_x_program_flag": 2}, "token_mint_x_program_flag"),
        ({"token_mint_y_program_flag": 2}, "token_mint_y_program_flag"),
        ({"active_id": 43_671}, "active_id"),
    ],
)
def test_a_pair_out_of_range_names_account_and_field(changes, field):
    with pytest.raises(AccountError, match=rf"LbPair {ADDRESS.hex()}: {field}: got") as error:
        decode_pool(pair_bytes(**changes), PROGRAM, ADDRESS)
    assert error.value.field == field


@pytest.mark.parametrize("size", [0, 7, PAIR_SIZE - 1, PAIR_SIZE + 1, ARRAY_SIZE])
def test_another_length_another_owner_and_another_kind_are_refused(size):
    with pytest.raises(AccountError, match="length"):
        decode_pool(PAIR.ljust(size, b"\0")[:size], PROGRAM, ADDRESS)
    with pytest.raises(AccountError, match="owner"):
        decode_pool(PAIR, OTHER, ADDRESS)
    with pytest.raises(AccountError, match="owner"):
        decode_bin_array(ARRAY, OTHER, ADDRESS)
    with pytest.raises(AccountError, match="discriminator"):
        decode_bin_array(PAIR[:8] + ARRAY[8:], PROGRAM, ADDRESS)


def test_an_array_is_read_bin_by_bin():
    data = array_bytes(
        -2,
        ADDRESS,
        {
            -140: {"amount_x": 1, "amount_y": 2, "price": 3 << 64 | 4},
            -71: {"open_order_amount": 5, "processed_order_remaining_amount": 6},
            -72: {"open_order_amount": 7, "limit_order_ask_side": 1, "price": 9},
        },
    )
    array = decode_bin_array(data, PROGRAM, ADDRESS)
    assert array.index == -2
    assert array.bins[0] == Bin(1, 2, 3 << 64 | 4)
    assert array.bins[69].bids == (6, 5)
    assert array.bins[69].asks == ()
    assert array.bins[68] == Bin(0, 0, 9, asks=(7,))


def test_old_counters_in_the_place_of_orders_are_told_as_such():
    bins = {0: {"amount_y": 10, "open_order_amount": 5}}
    first = decode_bin_array(array_bytes(0, ADDRESS, bins, version=1), PROGRAM, ADDRESS).bins[0]
    assert (first.asks, first.bids, first.counters) == ((), (), True)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (ARRAY[:-1], "length"),
        (array_bytes(0, bytes(32)), "lb_pair"),
        (array_bytes(0, ADDRESS, version=0), "version"),
        (array_bytes(0, ADDRESS, version=3), "version"),
        (ARRAY[:15] + b"\x01" + ARRAY[16:], "index"),
        (array_bytes(0, ADDRESS, {1: {"limit_order_ask_side": 2}}), "limit_order_ask_side at byte 200"),
        (array_bytes(0, ADDRESS, {1: {"price": 0, "amount_x": 1}}), "price at byte 200"),
    ],
)
def test_an_array_that_is_not_right_names_account_and_field(data, field):
    with pytest.raises(AccountError, match=rf"BinArray of {ADDRESS.hex()}.*: {field}: got"):
        decode_bin_array(data, PROGRAM, ADDRESS)


@given(st.integers(0, PAIR_SIZE - 1), st.integers(1, 255))
def test_any_damage_to_a_pair_is_an_account_error_or_another_state(place, flip):
    damaged = bytearray(PAIR)
    damaged[place] ^= flip
    try:
        pool = decode_pool(bytes(damaged), PROGRAM, ADDRESS)
    except AccountError:
        return
    assert place not in range(8)
    assert pool != decode_pool(PAIR, PROGRAM, ADDRESS) or place not in READ


@given(st.integers(0, ARRAY_SIZE - 1), st.integers(1, 255))
def test_any_damage_to_an_array_is_an_account_error_or_another_state(place, flip):
    damaged = bytearray(ARRAY)
    damaged[place] ^= flip
    try:
        array = decode_bin_array(bytes(damaged), PROGRAM, ADDRESS)
    except AccountError:
        return
    read = (place - 56) % 144 < 32 or (place - 56) % 144 in (*range(112, 120), *range(128, 136))
    assert array != decode_bin_array(ARRAY, PROGRAM, ADDRESS) or place in range(16, 56) or not read
    # byte 16: another known version of an array without orders is the same state
    assert place not in (*range(8), *range(24, 56))


@given(st.binary(max_size=PAIR_SIZE + 9))
def test_noise_is_an_account_error(noise):
    with pytest.raises(AccountError):
        decode_pool(noise, PROGRAM, ADDRESS)
    with pytest.raises(AccountError):
        decode_bin_array(noise, PROGRAM, ADDRESS)


def test_the_real_pool_of_the_vectors_decodes():
    pool = real_pool()
    assert (pool.active_id, pool.fees.bin_step_bps, len(pool.arrays)) == (-25_369, 1, 47)
    orders = [bin_.bids for array in pool.arrays.values() for bin_ in array.bins if bin_.bids or bin_.asks]
    assert orders == [(2_009,), (12_545_529,)] or orders == [(12_545_529,), (2_009,)]


@pytest.mark.parametrize(
    ("name", "active_id", "refusal"),
    [
        ("EtAdVRLFH22rjWh3mcUasKFF27WtHhsaCvK27tPFFWig", 15, "may hold limit orders"),
        ("9t3EyC9FweyL7PBWvKz3mrXg8B9fwFc9SK3QxM4ENqhd", 0, "collected in Y"),
        ("B5Eia4cE71tKuEDaqPHucJLG2fxySKyKzLMewd2nUvoc", 0, "Token-2022"),
    ],
)
def test_the_sdks_pools_decode(name, active_id, refusal):
    files = [fixture(f"{SDK}{name}/{part}.bin").read_bytes() for part in ("lb_pair", "bin_array_1", "bin_array_2")]
    pool = decoded(files[0], files[1:], key(name))
    assert (pool.active_id, sorted(pool.arrays)) == (active_id, [-1, 0])
    answer = quote(pool, 1_000, False, 1_900_000_000, 10**9)
    assert isinstance(answer, SwapRefusal)
    assert refusal in answer.reason


def test_the_sdks_pool_with_holes_between_its_arrays_decodes():
    name = "FJbEo74c2W4QLBBVUfUvi8VBWXtMdJVPuFpq2f6UV1iB"
    folder = fixture(f"meteora_dlmm_sdk/artifacts/{name}")
    ours = [json.loads(path.read_text())["account"] for path in sorted(folder.glob("*.json"))]
    files = [base64.b64decode(one["data"][0]) for one in ours if one["owner"] == PROGRAM]
    [pair] = [data for data in files if len(data) == PAIR_SIZE]
    pool = decoded(pair, [data for data in files if len(data) == ARRAY_SIZE], key(name))
    assert sorted(pool.arrays) == [-3, -1, 0, 2]
    assert pool.bitmap == sum(1 << index + 512 for index in pool.arrays)
