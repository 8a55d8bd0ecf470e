"""Raydium CPMM and AMM v4 pools from a seed."""

from __future__ import annotations

import hashlib
from random import Random

from solders.pubkey import Pubkey

from phantom_arbiter.dex import raydium_accounts
from phantom_arbiter.venues.solana.instructions import raydium_amm_v4, raydium_cpmm
from phantom_arbiter.venues.solana.instructions.order import TOKEN_PROGRAM
from tests.svm.pools import Placed, unsigned, written
from tests.svm.world import World, address


def anchor_account(name: str) -> bytes:
    """The eight bytes that begin an Anchor program's account."""
    return hashlib.sha256(f"account:{name}".encode()).digest()[:8]


def place_cpmm(world: World, random: Random, mint_0: Pubkey, mint_1: Pubkey) -> Placed:
    """A pool with random reserves, fees owed and fee rate."""
    program = raydium_cpmm.PROGRAM
    world.load("raydium_cpmm", program)
    pool, config, vault_0, vault_1, observation = (address(random.getrandbits(64)) for _ in range(5))
    authority, bump = Pubkey.find_program_address([b"vault_and_lp_mint_auth_seed"], program)
    owed = [random.randrange(10**6) for _ in range(4)]
    places = (8, config), (72, vault_0), (104, vault_1), (168, mint_0), (200, mint_1), (296, observation)
    keys = [(offset, bytes(key)) for offset, key in (*places, (232, TOKEN_PROGRAM), (264, TOKEN_PROGRAM))]
    world.put(
        pool,
        program,
        written(
            raydium_accounts.CPMM_POOL_BYTES,
            (0, raydium_accounts.POOL_STATE),
            *keys,
            (328, bytes([bump, 0, 9, 9, 6])),
            (333, unsigned(10**12)),
            *[(341 + 8 * place, unsigned(atoms)) for place, atoms in enumerate(owed)],
        ),
    )
    rates = (12, random.choice((100, 2_500, 10_000))), (20, 120_000), (28, 40_000)
    mark = (0, raydium_accounts.AMM_CONFIG)
    data = written(raydium_accounts.CPMM_CONFIG_BYTES, mark, *[(offset, unsigned(rate)) for offset, rate in rates])
    world.put(config, program, data)
    world.put(observation, program, written(4_075, (0, anchor_account("ObservationState")), (11, bytes(pool))))
    world.put_tokens(vault_0, mint_0, authority, random.randrange(10**9, 10**15))
    world.put_tokens(vault_1, mint_1, authority, random.randrange(10**9, 10**15))
    told = (pool, config, vault_0, vault_1)
    moment = world.at(1_000, 1_780_000_000)
    return Placed(world, "raydium_cpmm", pool, mint_0, mint_1, told, (*told, observation), moment)


def place_amm_v4(world: World, random: Random, mint_0: Pubkey, mint_1: Pubkey) -> Placed:
    """A swap-only pool with random reserves."""
    program = raydium_amm_v4.PROGRAM
    world.load("raydium_amm_v4", program)
    pool, vault_0, vault_1 = (address(random.getrandbits(64)) for _ in range(3))
    numbers = [(0, raydium_accounts.SWAP_ONLY), (8, 254), (16, 7), (24, 3), (32, 9), (40, 6), (48, 1)]
    numbers += [(120, 10**9), (128, 5), (136, 10_000), (144, 25), (152, 10_000), (160, 12), (168, 100)]
    numbers += [(176, 25), (184, 10_000), (192, random.randrange(1, 10**6)), (200, random.randrange(1, 10**6))]
    keys = (336, vault_0), (368, vault_1), (400, mint_0), (432, mint_1)
    places = [(offset, unsigned(value)) for offset, value in numbers] + [(offset, bytes(key)) for offset, key in keys]
    world.put(pool, program, written(raydium_accounts.AMM_V4_BYTES, *places))
    world.put_tokens(vault_0, mint_0, raydium_amm_v4.AUTHORITY, random.randrange(10**9, 10**15))
    world.put_tokens(vault_1, mint_1, raydium_amm_v4.AUTHORITY, random.randrange(10**9, 10**15))
    told = (pool, vault_0, vault_1)
    return Placed(world, "raydium_amm_v4", pool, mint_0, mint_1, told, told, world.at(1_000, 1_780_000_000))
