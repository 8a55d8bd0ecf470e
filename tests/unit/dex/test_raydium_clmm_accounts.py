import os
import struct
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from phantom_arbiter.dex.addresses import base58
from phantom_arbiter.dex.pool import AccountError, SwapQuote
from phantom_arbiter.dex.raydium_accounts import AMM_CONFIG, POOL_STATE
from phantom_arbiter.dex.raydium_clmm import ClmmTick, apply, quote, sqrt_price_at_tick
from phantom_arbiter.dex.raydium_clmm_accounts import (
    CLMM_PROGRAM,
    TICK_ARRAY_STATE,
    clmm_pool,
    decode_clmm_config,
    decode_clmm_pool,
    decode_clmm_tick_array,
)

CHECKOUT = Path(__file__).resolve().parents[3]
FIXTURES = Path(os.environ.get("PHANTOM_FIXTURES_DIR") or CHECKOUT.parent / "shared" / "fixtures")
REAL_POOL = "Ds33rQ1d4AXwxqyeXX6Pc3G4pFNr6iWb3dd8YfBBQMPr"

KEYS = [bytes([number]) * 32 for number in range(1, 9)]  # pool, config, owner, mints, vaults, observation
POOL, CONFIG = base58(KEYS[0]), base58(KEYS[1])
ARRAY = "array"
NOW = 1_700_000_000


def pool_bytes(tick=0, price=None, spacing=10, bits=(511, 512), status=0, fee_on=0, dynamic=b"", opens=5) -> bytes:
    """Field by field in the program's order."""
    price = sqrt_price_at_tick(tick) if price is None else price
    return b"".join(
        (
            sha256(b"account:PoolState").digest()[:8],
            bytes([255]),
            *KEYS[1:],
            struct.pack("<BBH", 9, 6, spacing),
            (10**9).to_bytes(16, "little"),
            price.to_bytes(16, "little"),
            struct.pack("<iHH", tick, 1, 2),
            bytes(16 * 2),  # fee growth
            struct.pack("<QQ", 7, 8),  # protocol fees
            b"\1" * 64,  # amounts swapped, now spare
            bytes([status, fee_on]),
            bytes(6),
            bytes(169 * 3),
            sum(1 << bit for bit in bits).to_bytes(128, "little"),
            b"\1" * 32,  # total fees, now spare
            struct.pack("<QQQQ", 1, 2, opens, 600),
            dynamic.ljust(80, b"\0"),
            bytes(8 * 14 + 8 * 32),
        )
    )


def config_bytes(trade=2_500, protocol=120_000, fund=40_000, spacing=10) -> bytes:
    head = sha256(b"account:AmmConfig").digest()[:8] + bytes([255]) + struct.pack("<H", 3) + KEYS[2]
    return head + struct.pack("<IIHII", protocol, trade, spacing, fund, 0) + KEYS[3] + bytes(24)


def tick_bytes(index=0, net=0, gross=0, orders=0, filled=0) -> bytes:
    amounts = net.to_bytes(16, "little", signed=True) + gross.to_bytes(16, "little") + b"\2" * 80
    return struct.pack("<i", index) + amounts + struct.pack("<QQQ", 1, orders, filled) + b"\3" * 28


def array_bytes(start, ticks, spacing=10) -> bytes:
    """``ticks``: index → the bytes of a tick."""
    slots = b"".join(ticks.get(start + slot * spacing, bytes(168)) for slot in range(60))
    head = sha256(b"account:TickArrayState").digest()[:8] + KEYS[0] + struct.pack("<i", start)
    return head + slots + struct.pack("<BQ", len(ticks), 600) + bytes(107)


LOW = array_bytes(-600, {-300: tick_bytes(-300, 10**9, 10**9)})
HIGH = array_bytes(0, {300: tick_bytes(300, -(10**9), 10**9)})


def account(data=None):
    return decode_clmm_pool(POOL, pool_bytes() if data is None else data, CLMM_PROGRAM)


def assembled(pool=None, arrays=(LOW, HIGH), unix_s=NOW):
    pool = pool or account()
    config = decode_clmm_config(CONFIG, config_bytes(spacing=pool.tick_spacing), CLMM_PROGRAM)
    decoded = [decode_clmm_tick_array(ARRAY, data, CLMM_PROGRAM, pool) for data in arrays]
    return clmm_pool(pool, config, decoded, unix_s)


def test_lengths_and_discriminators():
    assert (len(pool_bytes()), len(config_bytes()), len(LOW)) == (1544, 117, 10_240)
    for known, name in ((POOL_STATE, "PoolState"), (AMM_CONFIG, "AmmConfig"), (TICK_ARRAY_STATE, "TickArrayState")):
        assert known == sha256(f"account:{name}".encode()).digest()[:8]


def test_a_pools_fields():
    pool = account()
    assert (pool.config, pool.mint_0, pool.mint_1) == tuple(map(base58, (KEYS[1], KEYS[3], KEYS[4])))
    assert (pool.vault_0, pool.vault_1) == (base58(KEYS[5]), base58(KEYS[6]))
    assert (pool.mint_0_decimals, pool.mint_1_decimals, pool.tick_spacing) == (9, 6, 10)
    assert (pool.liquidity, pool.sqrt_price_x64, pool.tick_current) == (10**9, 1 << 64, 0)
    assert (pool.tick_array_bitmap, pool.opens_unix_s) == (3 << 511, 5)


def test_a_configs_rates():
    config = decode_clmm_config(CONFIG, config_bytes(), CLMM_PROGRAM)
    assert (config.trade_fee_rate, config.protocol_fee_rate, config.fund_fee_rate) == (2_500, 120_000, 40_000)
    assert config.tick_spacing == 10


def test_a_real_pool_of_2024():
    path = FIXTURES / "mango_v4" / f"{REAL_POOL}.bin"
    if not path.exists():
        pytest.skip(f"no real pool: {path} is absent (PHANTOM_FIXTURES_DIR names the folder)")
    pool = decode_clmm_pool(REAL_POOL, path.read_bytes(), CLMM_PROGRAM)
    price = (pool.sqrt_price_x64 / 2**64) ** 2 * 10 ** (pool.mint_0_decimals - pool.mint_1_decimals)
    assert round(price, 2) == 83.55
    assert pool.mint_0 == "So11111111111111111111111111111111111111112"
    assert pool.mint_1 == "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"


def test_a_pool_is_assembled_and_quoted():
    pool = assembled()
    assert [tick.index for tick in pool.ticks] == [-300, 300]
    assert (pool.fee_rate, pool.end_below) == (2_500, "the pool's own bitmap ends")
    # net = floor(10000·0.9975) = 9975; out = floor(L·9975/(L + 9975)) = 9974
    assert quote(pool, 10_000, True) == SwapQuote(10_000, 9_974, 25)
    assert apply(pool, quote(pool, 10_000, True), True).tick_current == -1


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"status": 16}, "status: got 16"),
        ({"status": 255}, "status"),
        ({"fee_on": 1}, "fee_on: got 1"),
        ({"dynamic": b"\1"}, "dynamic_fee_info"),
        ({"dynamic": bytes(79) + b"\1"}, "dynamic_fee_info"),
        ({"spacing": 0}, "tick_spacing: got 0"),
        ({"spacing": 1_001}, "tick_spacing: got 1001"),
        ({"price": 4_295_048_015}, "sqrt_price_x64: got 4295048015"),
        ({"price": 1 << 127}, "sqrt_price_x64"),
        ({"tick": 1, "price": 1 << 64}, "tick_current: got 1"),
        ({"tick": -2, "price": 1 << 64}, "tick_current: got -2"),
        ({"tick": 443_636, "price": 1 << 64}, "tick_current: got 443636"),
    ],
)
def test_what_a_pool_may_not_be(change, named):
    with pytest.raises(AccountError, match=f"Raydium CLMM pool {POOL}: {named}"):
        account(pool_bytes(**change))


def test_a_pool_that_only_stops_liquidity_still_swaps_and_the_tick_below_an_edge_is_sound():
    assert account(pool_bytes(status=0b101111)).tick_current == 0
    assert account(pool_bytes(tick=-1, price=1 << 64)).tick_current == -1


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (config_bytes(trade=1_000_000), "trade_fee_rate: got 1000000"),
        (config_bytes(spacing=0), "tick_spacing: got 0"),
        (config_bytes()[:-1], "length: got 116"),
        (pool_bytes(), "length: got 1544"),
    ],
)
def test_what_a_config_may_not_be(data, named):
    with pytest.raises(AccountError, match=f"Raydium CLMM config {CONFIG}: {named}"):
        decode_clmm_config(CONFIG, data, CLMM_PROGRAM)


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (LOW + b"\0", "length: got 10241"),
        (b"\0" * 8 + LOW[8:], "discriminator: got '0000000000000000'"),
        (LOW[:8] + KEYS[1] + LOW[40:], f"pool_id: got '{CONFIG}'"),
        (array_bytes(-599, {}), "start_tick_index: got -599, expected a multiple of 600"),
        (array_bytes(0, {300: tick_bytes(290, 1, 1)}), r"ticks\[30\].tick: got 290, expected 300"),
        (array_bytes(0, {300: tick_bytes(300, -2, 1)}), r"ticks\[30\].liquidity_net: got -2, expected within ±1"),
        (array_bytes(443_400, {443_640: tick_bytes(443_640, 1, 1)}), r"ticks\[24\].tick: got 443640"),
    ],
)
def test_what_a_tick_array_may_not_be(data, named):
    with pytest.raises(AccountError, match=f"Raydium CLMM tick array {ARRAY}: {named}"):
        decode_clmm_tick_array(ARRAY, data, CLMM_PROGRAM, account())


@pytest.mark.parametrize("orders", [{"orders": 1}, {"filled": 1}])
def test_limit_orders_are_marked_even_without_liquidity(orders):
    data = array_bytes(0, {10: tick_bytes(10, **orders), 20: tick_bytes(20)})
    decoded = decode_clmm_tick_array(ARRAY, data, CLMM_PROGRAM, account())
    assert decoded.ticks == (ClmmTick(10, sqrt_price_at_tick(10), 0, True),)


def test_other_owners_are_refused():
    for decode, data in ((decode_clmm_pool, pool_bytes()), (decode_clmm_config, config_bytes())):
        with pytest.raises(AccountError, match=f"owner: got '{POOL}', expected '?{CLMM_PROGRAM}"):
            decode(POOL, data, POOL)
    with pytest.raises(AccountError, match="owner"):
        decode_clmm_tick_array(ARRAY, LOW, POOL, account())


def test_arrays_are_used_up_to_the_first_one_missing():
    wide = account(pool_bytes(bits=(100, 511, 512, 513)))
    pool = assembled(wide)
    assert pool.end_below == f"the tick array that starts at {(100 - 512) * 600} is not known"
    assert pool.end_above == "the tick array that starts at 600 is not known"
    assert [tick.index for tick in assembled(wide, (LOW,)).ticks] == []  # the current array itself is missing
    assert assembled(account(pool_bytes(bits=(511,)))).ticks == assembled().ticks[:1]  # not in the bitmap: not used
    empty = assembled(wide, (LOW, HIGH, array_bytes(600, {})))
    assert empty.end_above == "the tick array that starts at 600 is empty: the program fails on it"


def test_the_bitmap_of_a_wide_spacing_is_the_whole_range():
    low = array_bytes(-900, {-300: tick_bytes(-300, 10**9, 10**9)}, spacing=15)
    pool = assembled(account(pool_bytes(spacing=15, bits=(511,))), (low,))
    assert (pool.end_below, pool.end_above) == ("no liquidity further out", "no liquidity further out")
    outside = assembled(account(pool_bytes(tick=400_000, spacing=1)), ())
    assert outside.end_below == "the price is outside of the pool's own tick array bitmap"


def test_accounts_of_different_pools_do_not_mix():
    pool, config = account(), decode_clmm_config(CONFIG, config_bytes(), CLMM_PROGRAM)
    array = decode_clmm_tick_array(ARRAY, LOW, CLMM_PROGRAM, pool)
    with pytest.raises(AccountError, match="config: got"):
        clmm_pool(pool, replace(config, address=POOL), [array], NOW)
    with pytest.raises(AccountError, match="config: got"):
        clmm_pool(pool, replace(config, tick_spacing=60), [array], NOW)
    with pytest.raises(AccountError, match="tick array array: pool_id: got 'another'"):
        clmm_pool(pool, config, [replace(array, pool="another")], NOW)
    with pytest.raises(AccountError, match="open_time: got 5, expected before now, 5"):
        clmm_pool(pool, config, [array], 5)


READ = [*range(8), *range(9, 41), *range(73, 201), *range(233, 273), *range(904, 1032), *range(1080, 1088)]


@given(st.sampled_from(READ), st.integers(1, 255))
def test_a_damaged_byte_that_is_read_is_seen(offset, mask):
    damaged = bytearray(pool_bytes())
    damaged[offset] ^= mask
    try:
        seen = account(bytes(damaged))
    except AccountError:
        seen = None
    assert seen != account()


@given(st.sampled_from([pool_bytes(), config_bytes(), LOW]), st.data())
def test_damage_raises_nothing_but_account_error(data, draw):
    damaged = bytearray(data)
    for offset in draw.draw(st.lists(st.integers(0, len(data) - 1), max_size=5)):
        damaged[offset] = draw.draw(st.integers(0, 255))
    cut = bytes(damaged[: draw.draw(st.integers(len(data) - 5, len(data)))])
    pool = account()
    for decode in (
        lambda: decode_clmm_pool(POOL, cut, CLMM_PROGRAM),
        lambda: decode_clmm_config(CONFIG, cut, CLMM_PROGRAM),
        lambda: decode_clmm_tick_array(ARRAY, cut, CLMM_PROGRAM, pool),
    ):
        try:
            decoded = decode()
        except AccountError:
            continue
        assert len(cut) == len(data)
        assert decoded.address in {POOL, CONFIG, ARRAY}
