"""Swap instructions account by account and byte by byte, as the programs' IDLs and sources have them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from phantom_arbiter.dex.whirlpool_accounts import IMMUTABLE_PROGRAM_ID, PROGRAM_ID
from phantom_arbiter.venues.solana.instructions import (
    meteora_damm_v2,
    meteora_dlmm,
    raydium_amm_v4,
    raydium_clmm,
    raydium_cpmm,
    whirlpool,
)
from phantom_arbiter.venues.solana.instructions.order import arrays_on_the_way, discriminator
from tests.venues.solana.keys import AMOUNTS, accounts, named, order

POOL = {name: named(name) for name in ("pool", "mint_0", "mint_1", "vault_0", "vault_1")}
CONFIG, OBSERVATION, ORACLE = named("config"), named("observation"), named("oracle")
CPMM = raydium_cpmm.CpmmKeys(**POOL, config=CONFIG, observation=OBSERVATION)
AMM_V4 = raydium_amm_v4.AmmV4Keys(**POOL)
DAMM_V2 = meteora_damm_v2.DammV2Keys(**POOL)


def clmm(tick: int, *starts: int) -> raydium_clmm.ClmmKeys:
    """A pool of spacing 10, so 600 ticks an array, with these arrays."""
    bitmap = sum(1 << start // 600 + 512 for start in starts)
    return raydium_clmm.ClmmKeys(
        **POOL, config=CONFIG, observation=OBSERVATION, tick_spacing=10, tick=tick, bitmap=bitmap
    )


def dlmm(active_id: int, *indices: int) -> meteora_dlmm.DlmmKeys:
    bitmap = sum(1 << index + 512 for index in indices)
    return meteora_dlmm.DlmmKeys(**POOL, oracle=ORACLE, active_id=active_id, bitmap=bitmap)


def whirl(
    first_down: int, first_up: int, program: str = PROGRAM_ID, *, has_oracle: bool = False
) -> whirlpool.WhirlpoolKeys:
    """A pool of spacing 64, so 5,632 ticks an array."""
    return whirlpool.WhirlpoolKeys(
        program=Pubkey.from_string(program),
        **POOL,
        tick_spacing=64,
        first_down=first_down,
        first_up=first_up,
        has_oracle=has_oracle,
    )


@pytest.mark.parametrize(
    ("name", "number"),
    [  # the IDLs' numbers
        ("swap", (248, 198, 158, 145, 225, 117, 135, 200)),
        ("swap2", (65, 75, 63, 76, 235, 91, 91, 136)),
        ("swap_v2", (43, 4, 237, 11, 26, 201, 30, 98)),
        ("swap_base_input", (143, 190, 90, 218, 196, 30, 51, 222)),
    ],
)
def test_discriminators(name: str, number: tuple[int, ...]) -> None:
    assert discriminator(name) == bytes(number)


@pytest.mark.parametrize("program", [PROGRAM_ID, IMMUTABLE_PROGRAM_ID])
def test_whirlpool(program: str) -> None:
    pool = whirl(0, 5_632, program)
    down, up = whirlpool.swap(pool, order(True)), whirlpool.swap(pool, order(False))
    starts = {f"array{start}": start for start in (0, -5_632, -11_264, 5_632, 11_264, 16_896)}
    arrays = {name: whirlpool.tick_array(pool.program, pool.pool, start) for name, start in starts.items()}
    oracle = Pubkey.find_program_address([b"oracle", bytes(pool.pool)], pool.program)[0]
    assert accounts(down, **arrays, oracle_of_pool=oracle) == (
        "token payer! pool* source* vault_0* destination* vault_1* array0* array-5632* array-11264* oracle_of_pool"
    )
    assert accounts(up, **arrays, oracle_of_pool=oracle) == (
        "token payer! pool* destination* vault_0* source* vault_1* array5632* array11264* array16896* oracle_of_pool"
    )
    assert (down.program_id, up.program_id) == (pool.program, pool.program)
    assert down.data == discriminator("swap") + AMOUNTS + bytes(16) + b"\x01\x01"
    assert up.data == discriminator("swap") + AMOUNTS + bytes(16) + b"\x01\x00"


def test_whirlpool_with_an_adaptive_fee_writes_its_oracle() -> None:
    pool = whirl(0, 5_632, has_oracle=True)
    assert [meta.is_writable for meta in whirlpool.swap(pool, order(True)).accounts][-1]
    assert whirlpool.swap(pool, order(True)).accounts[-1].pubkey == whirlpool.oracle(pool.program, pool.pool)


def test_whirlpool_at_the_ends_of_all_prices_names_the_last_array_again() -> None:
    pool = whirl(-444_928, 439_296)
    lowest = whirlpool.tick_array(pool.program, pool.pool, -444_928)
    highest = whirlpool.tick_array(pool.program, pool.pool, 439_296)
    assert whirlpool.swap_arrays(pool, True) == [lowest] * 3
    assert whirlpool.swap_arrays(pool, False) == [highest] * 3


def test_raydium_cpmm() -> None:
    head = "payer! GpMZbSM2GgvTKHJirzeGfMFoaZ8UR2X7F4v8vHTvxFbL config pool* source* destination* "
    down, up = raydium_cpmm.swap(CPMM, order(True)), raydium_cpmm.swap(CPMM, order(False))
    assert accounts(down) == head + "vault_0* vault_1* token token mint_0 mint_1 observation*"
    assert accounts(up) == head + "vault_1* vault_0* token token mint_1 mint_0 observation*"
    assert down.data == up.data == discriminator("swap_base_input") + AMOUNTS


def test_raydium_amm_v4() -> None:
    swap = raydium_amm_v4.swap(AMM_V4, order(True))
    assert accounts(swap) == (
        "token pool* 5Q544fKrFoe6tsEbD7S8EmxGTJYAKtTVhAW5Q5pge4j1 pool* vault_0* vault_1* "
        "pool* pool* pool* pool* pool* pool* pool* pool* source* destination* payer!"
    )
    assert len(swap.accounts) == 17
    assert swap.data == b"\x09" + AMOUNTS


def test_raydium_clmm() -> None:
    pool = clmm(50, -1_200, -600, 0, 600, 1_200, 3_000)
    arrays = {f"array{start}": raydium_clmm.tick_array(pool.pool, start) for start in (-1_200, -600, 0, 600, 1_200)}
    head = "payer! config pool* source* destination* "
    down, up = raydium_clmm.swap(pool, order(True, end=-100)), raydium_clmm.swap(pool, order(False, end=50))
    assert accounts(down, **arrays) == (
        head + "vault_0* vault_1* observation* token token2022 memo mint_0 mint_1 array0* array-600* array-1200*"
    )
    assert accounts(up, **arrays) == (
        head + "vault_1* vault_0* observation* token token2022 memo mint_1 mint_0 array0* array600*"
    )
    assert down.data == up.data == discriminator("swap_v2") + AMOUNTS + bytes(16) + b"\x01"


def test_raydium_clmm_starts_at_the_next_array_where_its_own_has_no_liquidity() -> None:
    pool = clmm(50, -1_200, 1_200)
    assert raydium_clmm.swap_arrays(pool, order(True)) == [raydium_clmm.tick_array(pool.pool, -1_200)]
    assert raydium_clmm.swap_arrays(pool, order(False)) == [raydium_clmm.tick_array(pool.pool, 1_200)]


def test_meteora_dlmm() -> None:
    pool = dlmm(-5, -3, -2, -1, 0, 1)
    program, authority = meteora_dlmm.PROGRAM, Pubkey.from_string("D1ZN9Wj1fRSUQfCjhvnu1hqDMT7hzjzBBpi12nVniYD6")
    arrays = {f"array{index}": meteora_dlmm.bin_array(pool.pool, index) for index in range(-3, 2)}
    head = (
        "pool* program vault_0* vault_1* source* destination* mint_0 mint_1 oracle* program payer! "
        "token token memo events program "
    )
    down = meteora_dlmm.swap(pool, order(True, end=-71))
    up = meteora_dlmm.swap(pool, order(False, end=-1))
    known = {"program": program, "events": authority} | arrays
    assert accounts(down, **known) == head + "array-1* array-2* array-3*"
    assert accounts(up, **known) == head + "array-1* array0*"
    assert down.data == up.data == discriminator("swap2") + AMOUNTS + bytes(4)


def test_meteora_damm_v2() -> None:
    authority = Pubkey.from_string("HLnpSz9h2S4hiLQ43rnSD9XkcUThA7B8hQMKmDaiTLcC")
    known = {"program": meteora_damm_v2.PROGRAM, "authority": authority, "events": meteora_damm_v2.EVENT_AUTHORITY}
    swap = meteora_damm_v2.swap(DAMM_V2, order(True))
    assert accounts(swap, **known) == (
        "authority pool* source* destination* vault_0* vault_1* mint_0 mint_1 payer! token token program events program"
    )
    assert swap.data == discriminator("swap") + AMOUNTS


@given(st.integers(0, 2**64), st.integers(-3, 70), st.integers(0, 70), st.booleans())
def test_arrays_lead_from_the_price_to_one_beyond_the_end(bitmap: int, first: int, reach: int, down: bool) -> None:
    last = first - reach if down else first + reach
    known = [bit for bit in range(65) if bitmap >> bit & 1]
    ahead = [bit for bit in known if bit <= first][::-1] if down else [bit for bit in known if bit >= first]
    way = [bit for bit in ahead if (bit >= last if down else bit <= last)]
    assert arrays_on_the_way(bitmap, first, last, down) == ahead[: len(way) + 1]
