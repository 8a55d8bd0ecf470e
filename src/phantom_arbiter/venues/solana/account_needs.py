"""Which accounts a pool needs beside its main one: what to fetch and to subscribe to, out of the main account's bytes.

As the price moves, the tick and bin arrays around it are others: ask again after each change of the main account.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from solders.pubkey import Pubkey
from solders.token.associated import get_associated_token_address

from phantom_arbiter.core.events import AccountRead
from phantom_arbiter.dex import account_windows, marinade, sanctum_inf, whirlpool_accounts
from phantom_arbiter.dex.addresses import address_bytes, base58
from phantom_arbiter.dex.meteora_dlmm_accounts import decode_pool as decode_dlmm
from phantom_arbiter.dex.pump_swap_accounts import FEE_CONFIG_ADDRESS, GLOBAL_CONFIG_ADDRESS
from phantom_arbiter.dex.pump_swap_accounts import decode_pool as decode_pump
from phantom_arbiter.dex.raydium_accounts import decode_amm_v4_pool, decode_cpmm_pool
from phantom_arbiter.dex.raydium_clmm_accounts import decode_clmm_pool
from phantom_arbiter.dex.stake_pool_accounts import decode_stake_pool
from phantom_arbiter.venues.solana.discovery import PoolListing
from phantom_arbiter.venues.solana.instructions import meteora_dlmm, raydium_clmm, whirlpool

_MARINADE: Final = Pubkey.from_string(marinade.MARINADE_PROGRAM)


def main_address(listing: PoolListing) -> str:
    """The address of a pool's main account."""
    return listing.pool.partition(":")[0]


def accounts_needed(listing: PoolListing, main: AccountRead) -> tuple[str, ...]:
    """The addresses beside the main account, each once. Raises AccountError where its bytes do not decode."""
    return tuple(dict.fromkeys(_NEEDS[listing.program](listing, main)))


def _whirlpool(_: PoolListing, main: AccountRead) -> Iterable[str]:
    account = whirlpool_accounts.decode_pool(main.data, main.owner, address_bytes(main.address))
    program, pool = Pubkey.from_string(account.owner), Pubkey.from_bytes(account.address)
    arrays = [str(whirlpool.tick_array(program, pool, at)) for at in account_windows.whirlpool_starts(account.pool)]
    return [*arrays, str(whirlpool.oracle(program, pool))] if account.has_oracle else arrays


def _raydium_cpmm(_: PoolListing, main: AccountRead) -> Iterable[str]:
    pool = decode_cpmm_pool(main.address, main.data, main.owner)
    return pool.config, pool.vault_0, pool.vault_1


def _raydium_amm_v4(_: PoolListing, main: AccountRead) -> Iterable[str]:
    pool = decode_amm_v4_pool(main.address, main.data, main.owner)
    return pool.coin_vault, pool.pc_vault


def _raydium_clmm(_: PoolListing, main: AccountRead) -> Iterable[str]:
    pool = decode_clmm_pool(main.address, main.data, main.owner)
    key = Pubkey.from_string(main.address)
    return pool.config, *(str(raydium_clmm.tick_array(key, at)) for at in account_windows.clmm_starts(pool))


def _meteora_dlmm(_: PoolListing, main: AccountRead) -> Iterable[str]:
    pair = decode_dlmm(main.data, main.owner, address_bytes(main.address))
    key = Pubkey.from_string(main.address)
    return [str(meteora_dlmm.bin_array(key, at)) for at in account_windows.dlmm_indices(pair)]


def _pump_swap(_: PoolListing, main: AccountRead) -> Iterable[str]:
    pool = decode_pump(main.data, main.owner)
    own = (base58(key) for key in (pool.base_vault, pool.quote_vault, pool.base_mint))
    return GLOBAL_CONFIG_ADDRESS, FEE_CONFIG_ADDRESS, *own


def _nothing(_: PoolListing, __: AccountRead) -> Iterable[str]:
    return ()


def _spl_stake_pool(_: PoolListing, main: AccountRead) -> Iterable[str]:
    return (decode_stake_pool(main.data, main.owner).reserve_stake,)


def _marinade(_: PoolListing, main: AccountRead) -> Iterable[str]:
    state = marinade.decode_marinade_state(main.data, main.owner)
    seeds = [address_bytes(main.address), b"liq_sol"]
    sol_leg = str(Pubkey.find_program_address(seeds, _MARINADE)[0])
    return sol_leg, state.msol_leg, state.msol_mint, state.treasury_msol_account


def _sanctum_inf(listing: PoolListing, _: AccountRead) -> Iterable[str]:
    pool, *mints = map(Pubkey.from_string, listing.pool.split(":"))
    reserves = (str(get_associated_token_address(pool, mint)) for mint in mints)
    return sanctum_inf.LST_LIST_ADDRESS, sanctum_inf.FLAT_SLAB_ADDRESS, *reserves, *listing.stake_pools


_NEEDS: Final[Mapping[str, Callable[[PoolListing, AccountRead], Iterable[str]]]] = {
    "whirlpool": _whirlpool,
    "raydium_cpmm": _raydium_cpmm,
    "raydium_amm_v4": _raydium_amm_v4,
    "raydium_clmm": _raydium_clmm,
    "meteora_dlmm": _meteora_dlmm,
    "meteora_damm_v2": _nothing,
    "pump_swap": _pump_swap,
    "phoenix": _nothing,
    "spl_stake_pool": _spl_stake_pool,
    "marinade": _marinade,
    "sanctum_inf": _sanctum_inf,
}
