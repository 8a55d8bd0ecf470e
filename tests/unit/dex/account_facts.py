"""A whole fact of each program: made up account by account, and the real pools of the fixtures."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

from solders.pubkey import Pubkey

from phantom_arbiter.core.events import AccountRead, PoolAccountsRead
from phantom_arbiter.dex import (
    marinade,
    meteora_damm_v2_accounts,
    meteora_dlmm_accounts,
    phoenix,
    pump_swap_accounts,
    raydium_accounts,
    raydium_clmm_accounts,
    sanctum_inf,
    stake_pool_accounts,
    whirlpool_accounts,
)
from phantom_arbiter.dex.addresses import SYSTEM_PROGRAM, address_bytes, base58
from tests.golden.onchain.meteora_dlmm import array_bytes, bitmap_bytes, fixture, pair_bytes, reference
from tests.unit.dex import damm_v2_bytes, pump_swap_bytes
from tests.unit.dex import test_marinade as marinade_bytes
from tests.unit.dex import test_phoenix as phoenix_bytes
from tests.unit.dex import test_raydium_accounts as raydium_bytes
from tests.unit.dex import test_raydium_clmm_accounts as clmm_bytes
from tests.unit.dex import test_sanctum_inf as inf_bytes
from tests.unit.dex import test_stake_pool_accounts as stake_bytes
from tests.unit.dex import test_whirlpool_accounts as whirlpool_bytes

TOKEN = stake_pool_accounts.TOKEN_PROGRAM
STRANGER = base58(b"\x63" * 32)
JUPSOL = "jupSoLaHXQiZZTSfEWMTRRgpnyFm8f6sZdosWBjx93v"
INF_POOL = "AYhux5gJzCoeoc1PoJ1VxwPDe22RwcvpHviLDD1oCGvW"
MARINADE_POOL = "8szGkuLTAux9XMgZ2vtY39jVSowEcpBfFfD8hXSEqdGC"
SPAN_OF_WHIRLPOOL = whirlpool_bytes.SPAN
SLOT, UNIX_S, EPOCH = 300_000_000, 1_783_662_993, 7


def fact(program: str, pool: str, *accounts: AccountRead, epoch: int = EPOCH) -> PoolAccountsRead:
    return PoolAccountsRead(pool, program, "venue", "A", "B", SLOT, UNIX_S, epoch, accounts)


def account(address: str | bytes, owner: str, data: bytes, lamports: int = 2_039_280) -> AccountRead:
    return AccountRead(address if isinstance(address, str) else base58(address), owner, lamports, data)


def absent(address: str) -> AccountRead:
    """An account that is not on chain."""
    return AccountRead(address, SYSTEM_PROGRAM, 0, b"")


def token(address: str | bytes, mint: bytes, atoms: int) -> AccountRead:
    return account(address, TOKEN, pump_swap_bytes.vault_bytes(atoms, mint=mint))


def derived(program: str, *seeds: bytes) -> str:
    return str(Pubkey.find_program_address(list(seeds), Pubkey.from_string(program))[0])


def whirlpool_array(pool: str, start: int) -> str:
    return derived(whirlpool_accounts.PROGRAM_ID, b"tick_array", address_bytes(pool), str(start).encode())


def whirlpool() -> PoolAccountsRead:
    """Three arrays: one fixed, one dynamic, one that is not on chain."""
    pool, span, owner = base58(whirlpool_bytes.ADDRESS), whirlpool_bytes.SPAN, whirlpool_accounts.PROGRAM_ID
    arrays = (
        account(whirlpool_array(pool, 0), owner, whirlpool_bytes.fixed_bytes(0)),
        account(whirlpool_array(pool, -span), owner, whirlpool_bytes.dynamic_bytes(-span)),
        absent(whirlpool_array(pool, span)),
    )
    return fact("whirlpool", pool, account(pool, owner, whirlpool_bytes.pool_bytes()), *arrays)


def adaptive_whirlpool() -> PoolAccountsRead:
    """The same with an oracle, told last."""
    made, owner, tier = whirlpool(), whirlpool_accounts.PROGRAM_ID, 1_025
    main, *arrays = made.accounts
    oracle = account(derived(owner, b"oracle", whirlpool_bytes.ADDRESS), owner, whirlpool_bytes.oracle_bytes())
    told = account(main.address, owner, whirlpool_bytes.pool_bytes(tier=tier))
    return fact("whirlpool", made.pool, told, *arrays, oracle)


def raydium_cpmm(creator_rate: int = 0, creator_fee_on: int = 0) -> PoolAccountsRead:
    keys, owner = raydium_bytes.KEYS, raydium_accounts.CPMM_PROGRAM
    main = raydium_bytes.cpmm_bytes(side=creator_fee_on, enabled=int(creator_rate > 0))
    accounts = (
        account(keys[10], owner, main),
        account(keys[0], owner, raydium_bytes.config_bytes(creator=creator_rate)),
        token(keys[2], keys[5], 10**12),
        token(keys[3], keys[6], 10**11),
    )
    return fact("raydium_cpmm", base58(keys[10]), *accounts)


def raydium_amm_v4() -> PoolAccountsRead:
    keys = raydium_bytes.KEYS
    accounts = (
        account(keys[10], raydium_accounts.AMM_V4_PROGRAM, raydium_bytes.amm_bytes()),
        token(keys[0], keys[2], 10**12),
        token(keys[1], keys[3], 10**11),
    )
    return fact("raydium_amm_v4", base58(keys[10]), *accounts)


def raydium_clmm() -> PoolAccountsRead:
    owner = raydium_clmm_accounts.CLMM_PROGRAM
    accounts = (
        account(clmm_bytes.POOL, owner, clmm_bytes.pool_bytes()),
        account(clmm_bytes.CONFIG, owner, clmm_bytes.config_bytes()),
        account(b"\x21" * 32, owner, clmm_bytes.LOW),
        account(b"\x22" * 32, owner, clmm_bytes.HIGH),
    )
    return fact("raydium_clmm", clmm_bytes.POOL, *accounts)


def meteora_dlmm() -> PoolAccountsRead:
    owner, pool = meteora_dlmm_accounts.PROGRAM, bytes(range(32))
    accounts = (
        account(pool, owner, pair_bytes(pair_type=3, bin_array_bitmap=bitmap_bytes(-1, 0, 4))),
        account(b"\x31" * 32, owner, array_bytes(-1, pool, {-3: {"amount_y": 10**9}})),
        account(b"\x32" * 32, owner, array_bytes(0, pool, {3: {"amount_x": 10**9}})),
    )
    return fact("meteora_dlmm", base58(pool), *accounts)


def meteora_damm_v2() -> PoolAccountsRead:
    pool = account(b"\x41" * 32, meteora_damm_v2_accounts.PROGRAM_ID, damm_v2_bytes.pool_bytes(**damm_v2_bytes.DYNAMIC))
    return fact("meteora_damm_v2", pool.address, pool)


def pump_swap() -> PoolAccountsRead:
    owner, fees = pump_swap_accounts.PROGRAM_ID, pump_swap_bytes.fees_bytes((25, 5, 0), [(0, (2, 93, 30))])
    accounts = (
        account(b"\x51" * 32, owner, pump_swap_bytes.pool_bytes()),
        account(pump_swap_accounts.GLOBAL_CONFIG_ADDRESS, owner, pump_swap_bytes.global_bytes()),
        account(pump_swap_accounts.FEE_CONFIG_ADDRESS, pump_swap_accounts.FEE_PROGRAM_ID, fees),
        token(b"\x0b" * 32, pump_swap_bytes.BASE_MINT, 10**12),
        token(b"\x0c" * 32, pump_swap_accounts.WRAPPED_SOL, 10**11),
        account(pump_swap_bytes.BASE_MINT, TOKEN, pump_swap_bytes.mint_bytes(10**15)),
    )
    return fact("pump_swap", base58(b"\x51" * 32), *accounts)


def phoenix_market() -> PoolAccountsRead:
    pool = account(b"\x61" * 32, phoenix.PHOENIX_PROGRAM, phoenix_bytes.account_bytes(phoenix_bytes.BOOK))
    return fact("phoenix", pool.address, pool)


def spl_stake_pool() -> PoolAccountsRead:
    data = stake_bytes.pool_bytes()
    reserve = stake_pool_accounts.decode_stake_pool(data, stake_pool_accounts.SANCTUM_SPL_PROGRAM).reserve_stake
    state = struct.pack("<I", 1).ljust(stake_pool_accounts.STAKE_ACCOUNT_BYTES, b"\0")
    accounts = (
        account(b"\x71" * 32, stake_pool_accounts.SANCTUM_SPL_PROGRAM, data),
        account(reserve, stake_pool_accounts.STAKE_PROGRAM, state, 10**12),
    )
    return fact("spl_stake_pool", base58(b"\x71" * 32), *accounts)


def marinade_pool(treasury_exists: bool = True) -> PoolAccountsRead:
    data = bytearray(marinade_bytes.state_bytes())
    keys = {8: b"\x81" * 32, 104: b"\x82" * 32, 420: b"\x83" * 32}  # mint, treasury, leg
    for offset, key in keys.items():
        data[offset : offset + 32] = key
    state = marinade.decode_marinade_state(bytes(data), marinade.MARINADE_PROGRAM)
    assert [state.msol_mint, state.treasury_msol_account, state.msol_leg] == [base58(key) for key in keys.values()]
    treasury = token(b"\x82" * 32, b"\x81" * 32, 5) if treasury_exists else absent(base58(b"\x82" * 32))
    leg = derived(marinade.MARINADE_PROGRAM, address_bytes(MARINADE_POOL), b"liq_sol")
    accounts = (
        account(MARINADE_POOL, marinade.MARINADE_PROGRAM, bytes(data)),
        account(leg, SYSTEM_PROGRAM, b"", 30_000 * 10**9),
        token(b"\x83" * 32, b"\x81" * 32, 10**12),
        account(b"\x81" * 32, TOKEN, pump_swap_bytes.mint_bytes(10**15)),
        treasury,
    )
    return fact("marinade", MARINADE_POOL, *accounts)


def inf_reserves(mint: str) -> str:
    program = "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL"
    return derived(program, address_bytes(INF_POOL), address_bytes(TOKEN), address_bytes(mint))


def sanctum_pair() -> PoolAccountsRead:
    """jupSOL and wrapped SOL."""
    stake_pool = stake_bytes.pool_bytes()
    owner = stake_pool_accounts.SANCTUM_SPL_MULTI_PROGRAM
    mints = (stake_pool_accounts.decode_stake_pool(stake_pool, owner).pool_mint, sanctum_inf.WRAPPED_SOL_MINT)
    calculators = (inf_bytes.SPL, sanctum_inf.WRAPPED_SOL_CALCULATOR)
    state = struct.pack("<QI3B97x", 10**12, 10**8, 2, 0, 0) + address_bytes(sanctum_inf.FLAT_SLAB_PROGRAM)
    entries = [
        bytes(8) + struct.pack("<Q", 10**11) + address_bytes(mint) + address_bytes(calculator)
        for mint, calculator in zip(mints, calculators, strict=True)
    ]
    fees = [address_bytes(mint) + struct.pack("<2i", 1_000, 2_000) for mint in mints]
    accounts = (
        account(INF_POOL, sanctum_inf.INF_PROGRAM, state.ljust(240, b"\0")),
        account(sanctum_inf.LST_LIST_ADDRESS, sanctum_inf.INF_PROGRAM, b"".join(entries)),
        account(sanctum_inf.FLAT_SLAB_ADDRESS, sanctum_inf.FLAT_SLAB_PROGRAM, bytes(32) + b"".join(fees)),
        *(token(inf_reserves(mint), address_bytes(mint), 10**12) for mint in mints),
        account(b"\x91" * 32, owner, stake_pool),
    )
    return fact("sanctum_inf", ":".join((INF_POOL, *mints)), *accounts)


MADE: Mapping[str, PoolAccountsRead] = {
    made.program: made
    for made in (
        whirlpool(),
        raydium_cpmm(),
        raydium_amm_v4(),
        raydium_clmm(),
        meteora_dlmm(),
        meteora_damm_v2(),
        pump_swap(),
        phoenix_market(),
        spl_stake_pool(),
        marinade_pool(),
        sanctum_pair(),
    )
}
"""By program."""


def stored(path: Path) -> AccountRead:
    """An account as the command-line tool writes it."""
    told = json.loads(path.read_bytes())
    read = told["account"]
    return AccountRead(told["pubkey"], read["owner"], read["lamports"], base64.b64decode(read["data"][0]))


def stored_stake(name: str) -> AccountRead:
    return stored(fixture(f"stake_pools/{name}.json"))


def real_whirlpool() -> PoolAccountsRead:
    """SOL/USDC, of which no tick array was kept: they are told as not on chain."""
    pool = "83v8iPyZihDEjDdY8RdZddyZNyUtXngz69Lgo9Kt5d6d"
    data = fixture(f"mango_v4/{pool}.bin").read_bytes()
    arrays = [absent(whirlpool_array(pool, -27_720 + 88 * at)) for at in (-2, -1, 0, 1, 2)]
    return fact("whirlpool", pool, account(pool, whirlpool_accounts.PROGRAM_ID, data), *arrays)


def real_dlmm() -> PoolAccountsRead:
    facts, pair, arrays = reference()
    owner, pool = meteora_dlmm_accounts.PROGRAM, facts["pool"]
    reads = [account(told["pubkey"], owner, data) for told, data in zip(facts["binArraysB64"], arrays, strict=True)]
    return fact("meteora_dlmm", pool, account(pool, owner, pair), *reads)


def real_dlmm_with_holes() -> PoolAccountsRead:
    pool = "FJbEo74c2W4QLBBVUfUvi8VBWXtMdJVPuFpq2f6UV1iB"
    reads = [stored(path) for path in sorted(fixture(f"meteora_dlmm_sdk/artifacts/{pool}").glob("*.json"))]
    return fact("meteora_dlmm", pool, *(read for read in reads if read.owner == meteora_dlmm_accounts.PROGRAM))


def real_sdk_dlmm(pool: str) -> PoolAccountsRead:
    """A pair and the two bin arrays that the SDK keeps of it."""
    owner = meteora_dlmm_accounts.PROGRAM
    files = {
        name: fixture(f"meteora_dlmm_sdk/fixtures/{pool}/{name}.bin").read_bytes()
        for name in ("lb_pair", "bin_array_1", "bin_array_2")
    }
    pair, *arrays = files.values()
    reads = [account(bytes((at,)) * 32, owner, data) for at, data in enumerate(arrays, 1)]
    return fact("meteora_dlmm", pool, account(pool, owner, pair), *reads)


def real_damm_v2() -> PoolAccountsRead:
    pool = "8Pm2kZpnxD3hoMmt4bjStX2Pw2Z9abpbHzZxMPqxPmie"
    data = fixture(f"meteora_zap_program/damm_v2_pool_{pool}.bin").read_bytes()
    return fact("meteora_damm_v2", pool, account(pool, meteora_damm_v2_accounts.PROGRAM_ID, data))


def real_pump_swap() -> PoolAccountsRead:
    """A pool made up with the real fee configuration."""
    told = json.loads(fixture("pump_swap_sdk/fee_config_mainnet_slot445186127.json").read_bytes())
    fees = account(told["pubkey"], told["owner"], base64.b64decode(told["data_base64"]))
    made = MADE["pump_swap"]
    return fact("pump_swap", made.pool, *(fees if read.address == fees.address else read for read in made.accounts))


def real_blaze() -> PoolAccountsRead:
    pool = stored_stake("blaze-pool")
    return fact("spl_stake_pool", pool.address, pool, stored_stake("blaze-reserves"), epoch=561)


def real_marinade() -> PoolAccountsRead:
    """The treasury's account was not kept."""
    state = stored_stake("marinade-state")
    treasury = marinade.decode_marinade_state(state.data, state.owner).treasury_msol_account
    names = ("marinade-liq-pool-sol-leg", "marinade-liq-pool-msol-leg", "msol-mint")
    return fact("marinade", state.address, state, *map(stored_stake, names), absent(treasury))


def real_sanctum_pair() -> PoolAccountsRead:
    """jupSOL and wrapped SOL: the slab and the reserves of SOL were not kept and are made up."""
    mints = (JUPSOL, sanctum_inf.WRAPPED_SOL_MINT)
    fees = [address_bytes(mint) + struct.pack("<2i", 0, 1_000_000) for mint in mints]
    accounts = (
        *map(stored_stake, ("pool-state", "lst-state-list", "jupsol-reserves", "jupsol-pool")),
        account(sanctum_inf.FLAT_SLAB_ADDRESS, sanctum_inf.FLAT_SLAB_PROGRAM, bytes(32) + b"".join(fees)),
        token(inf_reserves(mints[1]), address_bytes(mints[1]), 10**12),
    )
    return fact("sanctum_inf", ":".join((INF_POOL, *mints)), *accounts, epoch=0)


REAL: Mapping[str, Callable[[], PoolAccountsRead]] = {
    "whirlpool SOL/USDC": real_whirlpool,
    "dlmm SOL/USDC": real_dlmm,
    "dlmm with holes": real_dlmm_with_holes,
    "damm v2 SOL/USDC": real_damm_v2,
    "pump swap with real fees": real_pump_swap,
    "blaze": real_blaze,
    "marinade": real_marinade,
    "jupSOL in INF": real_sanctum_pair,
}
"""Each skips its test where the fixtures are absent."""
