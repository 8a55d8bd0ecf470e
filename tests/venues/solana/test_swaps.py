"""A pool's own account gives the addresses that its swaps need; who has no encoder, and what a swap is said to cost."""

from __future__ import annotations

import pytest
from solders.pubkey import Pubkey

from phantom_arbiter.core.events import AccountRead
from phantom_arbiter.dex import meteora_damm_v2_accounts, meteora_dlmm_accounts, raydium_clmm_accounts
from phantom_arbiter.dex.constant_product import ConstantProductPool
from phantom_arbiter.dex.pool import AccountError
from phantom_arbiter.dex.raydium_accounts import AMM_V4_PROGRAM, CPMM_PROGRAM
from phantom_arbiter.dex.raydium_clmm import ClmmPool
from phantom_arbiter.dex.whirlpool_accounts import PROGRAM_ID as WHIRLPOOL
from phantom_arbiter.venues.solana.swaps import NoEncoder, end_of, mint_in, mint_out, pool_keys, swap
from tests.golden.onchain.meteora_dlmm import pair_bytes
from tests.unit.dex import damm_v2_bytes
from tests.unit.dex.test_raydium_accounts import amm_bytes, cpmm_bytes
from tests.unit.dex.test_raydium_clmm_accounts import pool_bytes as clmm_bytes
from tests.unit.dex.test_whirlpool_accounts import pool_bytes as whirlpool_bytes
from tests.venues.solana.keys import named, order

POOL = named("pool")


def key(byte: int) -> Pubkey:
    return Pubkey.from_bytes(bytes([byte]) * 32)


def main(owner: str, data: bytes) -> AccountRead:
    return AccountRead(str(POOL), owner, 1, data)


def dlmm_bytes() -> bytes:
    """Reserves after the mints, the oracle before the bitmap."""
    data = bytearray(pair_bytes(token_x_mint=bytes(key(1)), token_y_mint=bytes(key(2))))
    data[152:216] = bytes(key(3)) + bytes(key(4))
    data[552:584] = bytes(key(5))
    return bytes(data)


def damm_bytes() -> bytes:
    data = bytearray(damm_v2_bytes.pool_bytes())
    data[168:296] = b"".join(bytes(key(number)) for number in (1, 2, 3, 4))
    return bytes(data)


ACCOUNTS = {
    "whirlpool": (main(WHIRLPOOL, whirlpool_bytes()), (1, 2, ord("v"), ord("w")), {"tick_spacing": 64}),
    "cpmm": (main(CPMM_PROGRAM, cpmm_bytes()), (6, 7, 3, 4), {"config": key(1), "observation": key(8)}),
    "amm v4": (main(AMM_V4_PROGRAM, amm_bytes()), (3, 4, 1, 2), {}),
    "clmm": (
        main(raydium_clmm_accounts.CLMM_PROGRAM, clmm_bytes(tick=7)),
        (4, 5, 6, 7),
        {"config": key(2), "observation": key(8), "tick": 7, "bitmap": 3 << 511},
    ),
    "dlmm": (main(meteora_dlmm_accounts.PROGRAM, dlmm_bytes()), (1, 2, 3, 4), {"oracle": key(5), "active_id": 0}),
    "damm v2": (main(meteora_damm_v2_accounts.PROGRAM_ID, damm_bytes()), (1, 2, 3, 4), {}),
}


@pytest.mark.parametrize("name", ACCOUNTS)
def test_the_addresses_in_a_pools_own_account(name: str) -> None:
    account, (mint_0, mint_1, vault_0, vault_1), more = ACCOUNTS[name]
    keys = pool_keys(account)
    assert (keys.pool, keys.mint_0, keys.mint_1) == (POOL, key(mint_0), key(mint_1))
    assert (keys.vault_0, keys.vault_1) == (key(vault_0), key(vault_1))
    assert {field: getattr(keys, field) for field in more} == more
    assert (mint_in(keys, True), mint_out(keys, True)) == (mint_out(keys, False), mint_in(keys, False))
    assert mint_in(keys, True) == keys.mint_0


@pytest.mark.parametrize("name", ACCOUNTS)
def test_a_swap_goes_to_the_pools_own_program(name: str) -> None:
    account, _, _ = ACCOUNTS[name]
    encoded = swap(account, pool_keys(account), order(True), 55_000)
    assert str(encoded.instruction.program_id) == account.owner
    assert encoded.compute_units == 55_000


@pytest.mark.parametrize("name", ACCOUNTS)
def test_a_pool_that_is_not_quoted_has_no_addresses(name: str) -> None:
    account, _, _ = ACCOUNTS[name]
    with pytest.raises(AccountError, match="length: got"):
        pool_keys(main(account.owner, account.data[:-1]))


def test_a_program_without_an_encoder_is_named() -> None:
    stranger = str(named("stranger"))
    with pytest.raises(NoEncoder, match=f"pool {POOL}: owner: got {stranger}, expected one of whirLb"):
        pool_keys(main(stranger, b""))


def test_where_a_swap_ends() -> None:
    assert end_of(ClmmPool(500, 1, 1 << 64, -7, (), "", "")) == -7
    assert end_of(ConstantProductPool(1, 1, 0, 1)) is None
