"""One assembler a program: the accounts of a pool → its state.

An assembler finds each account by the address that the pool's main account names, or by what the account says of
itself (tick and bin arrays, stake pools), and asks for all that a first swap in either direction reads. What it does
not take is refused by `account_pools`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar

from msgspec.structs import replace

from phantom_arbiter.core.events import AccountRead
from phantom_arbiter.core.fact_checks import MAX_POOL_ACCOUNTS
from phantom_arbiter.dex import (
    account_windows,
    marinade,
    meteora_damm_v2_accounts,
    meteora_dlmm,
    meteora_dlmm_accounts,
    phoenix,
    pump_swap_accounts,
    raydium_accounts,
    raydium_clmm,
    raydium_clmm_accounts,
    sanctum_inf,
    stake_pool,
    stake_pool_accounts,
    whirlpool_accounts,
)
from phantom_arbiter.dex.addresses import SYSTEM_PROGRAM, address_bytes, base58, is_derived
from phantom_arbiter.dex.constant_product import ConstantProductPool
from phantom_arbiter.dex.meteora_damm_v2 import DammV2Pool
from phantom_arbiter.dex.pool_accounts import PoolAccounts, exists
from phantom_arbiter.dex.pools import Moment, PoolState
from phantom_arbiter.dex.pump_swap import PumpSwapPool
from phantom_arbiter.dex.raydium_cpmm import CpmmPool
from phantom_arbiter.dex.whirlpool import TICKS_PER_ARRAY, TickArray, Whirlpool, first_array

Assembler = Callable[[PoolAccounts, Moment], PoolState]
_Array = TypeVar("_Array")

_TOKEN_PROGRAM: Final = address_bytes(stake_pool_accounts.TOKEN_PROGRAM)
_TOKEN_ACCOUNT_PROGRAM: Final = address_bytes("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
_MARINADE: Final = address_bytes(marinade.MARINADE_PROGRAM)


def _whirlpool(accounts: PoolAccounts, _: Moment) -> Whirlpool:
    """Tick arrays that do not exist yet are told as accounts that are not on chain."""
    account = accounts.part(
        accounts.main(), lambda read: whirlpool_accounts.decode_pool(read.data, read.owner, accounts.key)
    )

    def array(read: AccountRead) -> TickArray:
        if exists(read):
            return whirlpool_accounts.decode_tick_array(read.data, read.owner, account)
        return TickArray(_start_of_missing(accounts, read, account))

    fixed = (account.owner, account.pool.tick_spacing)
    fee = None
    if account.has_oracle:
        oracle = accounts.derived("oracle", address_bytes(account.owner), b"oracle", account.address)
        fee = accounts.part(
            oracle, lambda read: whirlpool_accounts.decode_oracle(read.data, read.owner, account), fixed
        )
    arrays = [accounts.part(read, array, fixed) for read in accounts.rest()]
    _require(accounts, "tick array", account_windows.whirlpool_starts(account.pool, 1), (a.start_tick for a in arrays))
    known = accounts.joined(arrays, lambda: whirlpool_accounts.with_arrays(account, arrays).known)
    return replace(account.pool, known=known, adaptive_fee=fee)


def _start_of_missing(accounts: PoolAccounts, read: AccountRead, account: whirlpool_accounts.WhirlpoolAccount) -> int:
    """The start tick of an array that is not on chain: out of its address, from the price outwards."""
    address, program = accounts.raw("address", read.address), address_bytes(account.owner)
    home, span = first_array(account.pool, True), account.pool.tick_spacing * TICKS_PER_ARRAY
    for distance in range(0, (MAX_POOL_ACCOUNTS + 1) * span, span):
        for start in (home - distance, home + distance):
            if is_derived(address, program, (b"tick_array", account.address, str(start).encode())):
                return start
    raise accounts.misfit("accounts", read.address, "accounts of the pool (it is not on chain, and no tick array)")


def _raydium_cpmm(accounts: PoolAccounts, moment: Moment) -> CpmmPool:
    pool = accounts.part(
        accounts.main(), lambda read: raydium_accounts.decode_cpmm_pool(read.address, read.data, read.owner)
    )
    config = accounts.part(
        accounts.take("config", pool.config),
        lambda read: raydium_accounts.decode_cpmm_config(read.address, read.data, read.owner),
    )
    atoms_0 = _token_atoms(accounts, "vault_0", pool.vault_0, pool.mint_0)
    atoms_1 = _token_atoms(accounts, "vault_1", pool.vault_1, pool.mint_1)
    return raydium_accounts.cpmm_pool(pool, config, atoms_0, atoms_1, moment.unix_time_s)


def _raydium_amm_v4(accounts: PoolAccounts, _: Moment) -> ConstantProductPool:
    pool = accounts.part(
        accounts.main(), lambda read: raydium_accounts.decode_amm_v4_pool(read.address, read.data, read.owner)
    )
    coin_atoms = _token_atoms(accounts, "coin_vault", pool.coin_vault, pool.coin_mint)
    pc_atoms = _token_atoms(accounts, "pc_vault", pool.pc_vault, pool.pc_mint)
    return raydium_accounts.amm_v4_reserves(pool, coin_atoms, pc_atoms)


def _raydium_clmm(accounts: PoolAccounts, moment: Moment) -> raydium_clmm.ClmmPool:
    pool = accounts.part(
        accounts.main(), lambda read: raydium_clmm_accounts.decode_clmm_pool(read.address, read.data, read.owner)
    )
    config = accounts.part(
        accounts.take("config", pool.config),
        lambda read: raydium_clmm_accounts.decode_clmm_config(read.address, read.data, read.owner),
    )

    def array(read: AccountRead) -> raydium_clmm_accounts.ClmmTickArray:
        return raydium_clmm_accounts.decode_clmm_tick_array(read.address, read.data, read.owner, pool)

    arrays = [accounts.part(read, array, pool.tick_spacing) for read in accounts.rest()]
    _require(accounts, "tick array", account_windows.clmm_starts(pool, 1), (array.start_tick for array in arrays))
    return raydium_clmm_accounts.clmm_pool(pool, config, arrays, moment.unix_time_s)


def _meteora_dlmm(accounts: PoolAccounts, _: Moment) -> meteora_dlmm.DlmmPool:
    pair = accounts.part(
        accounts.main(), lambda read: meteora_dlmm_accounts.decode_pool(read.data, read.owner, accounts.key)
    )

    def array(read: AccountRead) -> meteora_dlmm.BinArray:
        return meteora_dlmm_accounts.decode_bin_array(read.data, read.owner, accounts.key)

    arrays = [accounts.part(read, array) for read in accounts.rest()]
    _require(accounts, "bin array", account_windows.dlmm_indices(pair, 1), (array.index for array in arrays))
    return meteora_dlmm.with_arrays(pair, arrays)


def _meteora_damm_v2(accounts: PoolAccounts, _: Moment) -> DammV2Pool:
    return accounts.part(accounts.main(), lambda read: meteora_damm_v2_accounts.decode_pool(read.data, read.owner))


def _pump_swap(accounts: PoolAccounts, _: Moment) -> PumpSwapPool:
    pool, (base_vault, quote_vault, base_mint) = accounts.part(accounts.main(), _pump_pool)
    config = accounts.part(
        accounts.take("global config", pump_swap_accounts.GLOBAL_CONFIG_ADDRESS),
        lambda read: pump_swap_accounts.decode_global_config(read.data, read.owner),
    )
    fees = accounts.part(
        accounts.take("fee config", pump_swap_accounts.FEE_CONFIG_ADDRESS),
        lambda read: pump_swap_accounts.decode_fee_config(read.data, read.owner, read.address),
    )
    return pump_swap_accounts.pump_swap_pool(
        pool,
        config,
        fees,
        base_reserve_atoms=accounts.part(
            accounts.take("base vault", base_vault),
            lambda read: pump_swap_accounts.decode_vault(read.data, read.owner, pool.base_mint),
            pool.base_mint,
        ),
        quote_reserve_atoms=accounts.part(
            accounts.take("quote vault", quote_vault),
            lambda read: pump_swap_accounts.decode_vault(read.data, read.owner, pool.quote_mint),
            pool.quote_mint,
        ),
        base_supply_atoms=accounts.part(
            accounts.take("base mint", base_mint),
            lambda read: pump_swap_accounts.decode_supply(read.data, read.owner),
        ),
    )


def _pump_pool(read: AccountRead) -> tuple[pump_swap_accounts.PoolAccount, tuple[str, str, str]]:
    pool = pump_swap_accounts.decode_pool(read.data, read.owner)
    return pool, (base58(pool.base_vault), base58(pool.quote_vault), base58(pool.base_mint))


def _phoenix(accounts: PoolAccounts, _: Moment) -> phoenix.PhoenixMarket:
    return accounts.part(accounts.main(), lambda read: phoenix.decode_phoenix_market(read.data, read.owner))


def _spl_stake_pool(accounts: PoolAccounts, _: Moment) -> stake_pool.StakePool:
    account = accounts.part(accounts.main(), _stake_pool_account)
    reserve = accounts.take("reserve_stake", account.reserve_stake)
    accounts.part(reserve, lambda read: stake_pool_accounts.check_reserve_stake(read.data, read.owner))
    return stake_pool.StakePool(account, reserve.lamports)


def _stake_pool_account(read: AccountRead) -> stake_pool_accounts.StakePoolAccount:
    return stake_pool_accounts.decode_stake_pool(read.data, read.owner)


def _marinade(accounts: PoolAccounts, _: Moment) -> marinade.MarinadePool:
    """The treasury's account is told as not on chain where it does not exist."""
    state = accounts.part(accounts.main(), lambda read: marinade.decode_marinade_state(read.data, read.owner))
    treasury = accounts.take("treasury_msol_account", state.treasury_msol_account)
    if exists(treasury):
        accounts.part(treasury, lambda read: _balance(read, state.msol_mint), state.msol_mint)
    sol_leg = accounts.derived("liq_pool.sol_leg", _MARINADE, accounts.key, b"liq_sol")
    if sol_leg.owner != SYSTEM_PROGRAM:
        raise accounts.misfit("liq_pool.sol_leg.owner", sol_leg.owner, SYSTEM_PROGRAM)
    return marinade.MarinadePool(
        state=state,
        sol_leg_lamports=sol_leg.lamports,
        msol_leg_atoms=_token_atoms(accounts, "liq_pool.msol_leg", state.msol_leg, state.msol_mint),
        msol_mint_supply_atoms=accounts.part(
            accounts.take("msol_mint", state.msol_mint),
            lambda read: stake_pool_accounts.decode_mint_supply(read.data, read.owner),
        ),
        treasury_takes_cut=exists(treasury),
    )


def _sanctum_inf(accounts: PoolAccounts, _: Moment) -> sanctum_inf.InfPair:
    """The pair of the two mints that the pool's name appends to the address of INF's state."""
    if len(accounts.mints) != 2:
        raise accounts.misfit("pool", accounts.pool, "INF's pool state and two mints, with colons between")
    accounts.part(accounts.main(), lambda read: sanctum_inf.decode_inf_pool_state(read.data, read.owner))
    listed = accounts.part(
        accounts.take("LST list", sanctum_inf.LST_LIST_ADDRESS),
        lambda read: {state.mint: state for state in sanctum_inf.decode_lst_states(read.data, read.owner)},
    )
    fees = accounts.part(
        accounts.take("flat slab", sanctum_inf.FLAT_SLAB_ADDRESS),
        lambda read: {fee.mint: fee for fee in sanctum_inf.decode_slab_fees(read.data, read.owner)},
    )
    reserves = {mint: _inf_reserves(accounts, mint) for mint in accounts.mints}
    stake_pools = [accounts.part(read, _stake_pool_account) for read in accounts.rest()]
    by_mint = {pool.pool_mint: pool for pool in stake_pools}
    _require(accounts, "stake pool of", {*accounts.mints} - {sanctum_inf.WRAPPED_SOL_MINT}, by_mint)
    if len(by_mint) != len(stake_pools) or not {*accounts.mints} >= by_mint.keys():
        raise accounts.misfit("stake pools", sorted(by_mint), f"one of each of {accounts.mints}")
    lst_0, lst_1 = (
        sanctum_inf.InfLst(
            _of_mint(accounts, "LST list", listed, mint),
            _of_mint(accounts, "flat slab", fees, mint),
            reserves[mint],
            by_mint.get(mint),
        )
        for mint in accounts.mints
    )
    return sanctum_inf.InfPair(lst_0, lst_1)


def _inf_reserves(accounts: PoolAccounts, mint: str) -> int:
    """Atoms in the token account that the pool state has of a mint."""
    seeds = (accounts.key, _TOKEN_PROGRAM, accounts.raw("mint", mint))
    account = accounts.derived(f"reserves of {mint}", _TOKEN_ACCOUNT_PROGRAM, *seeds)
    return accounts.part(account, lambda read: _balance(read, mint), mint)


def _of_mint(accounts: PoolAccounts, field: str, rows: Mapping[str, _Array], mint: str) -> _Array:
    row = rows.get(mint)
    if row is None:
        raise accounts.misfit(field, sorted(rows), f"an entry of mint {mint}")
    return row


def _token_atoms(accounts: PoolAccounts, field: str, address: str, mint: str) -> int:
    return accounts.part(accounts.take(field, address), lambda read: _balance(read, mint), mint)


def _balance(read: AccountRead, mint: str) -> int:
    return stake_pool_accounts.decode_token_balance(read.data, read.owner, mint)


def _require(accounts: PoolAccounts, field: str, needed: Iterable[object], given: Iterable[object]) -> None:
    """Every needed one was given, and none twice."""
    known = list(given)
    for wanted in needed:
        if wanted not in known:
            raise accounts.misfit(f"{field} {wanted}", None, "its account, which the first swap reads")
    if len(set(known)) != len(known):
        raise accounts.misfit(f"{field}s", sorted(map(str, known)), "each only once")


ASSEMBLERS: Final[Mapping[str, Assembler]] = {
    "whirlpool": _whirlpool,
    "raydium_cpmm": _raydium_cpmm,
    "raydium_amm_v4": _raydium_amm_v4,
    "raydium_clmm": _raydium_clmm,
    "meteora_dlmm": _meteora_dlmm,
    "meteora_damm_v2": _meteora_damm_v2,
    "pump_swap": _pump_swap,
    "phoenix": _phoenix,
    "spl_stake_pool": _spl_stake_pool,
    "marinade": _marinade,
    "sanctum_inf": _sanctum_inf,
}
"""By the program's name in a fact."""
