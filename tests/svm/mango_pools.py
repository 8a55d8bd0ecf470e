"""Real SOL/USDC pools of Orca and Raydium out of ``PHANTOM_FIXTURES_DIR``: their own bytes, which came without tick
arrays. Orca's are not on chain, as its program allows; Raydium's get one tick each that changes nothing."""

from __future__ import annotations

from solders.pubkey import Pubkey

from phantom_arbiter.dex import account_windows, raydium_accounts, raydium_clmm_accounts, whirlpool_accounts
from phantom_arbiter.venues.solana.instructions import raydium_clmm as clmm
from phantom_arbiter.venues.solana.instructions import whirlpool
from tests.golden.onchain.meteora_dlmm import fixture
from tests.svm.constant_pools import anchor_account
from tests.svm.pools import Placed, unsigned, written
from tests.svm.tick_pools import CLMM_OBSERVATION_BYTES, DEEP, Curve, clmm_array
from tests.svm.world import World

WHIRLPOOL = Pubkey.from_string("83v8iPyZihDEjDdY8RdZddyZNyUtXngz69Lgo9Kt5d6d")
CLMM = Pubkey.from_string("Ds33rQ1d4AXwxqyeXX6Pc3G4pFNr6iWb3dd8YfBBQMPr")
UNIX_S = 1_780_000_000
IDLE_TICK = 0, 10


def place_real_whirlpool(world: World) -> Placed:
    """On the program of 2024."""
    program = Pubkey.from_string(whirlpool_accounts.PROGRAM_ID)
    world.load("whirlpool", program)
    world.put(WHIRLPOOL, program, fixture(f"mango_v4/{WHIRLPOOL}.bin").read_bytes())
    main = world.read(WHIRLPOOL)
    keys = whirlpool.keys(main)
    pool = whirlpool_accounts.decode_pool(main.data, main.owner, bytes(WHIRLPOOL)).pool
    arrays = [whirlpool.tick_array(program, WHIRLPOOL, start) for start in account_windows.whirlpool_starts(pool)]
    for vault, mint in ((keys.vault_0, keys.mint_0), (keys.vault_1, keys.mint_1)):
        world.put_tokens(vault, mint, WHIRLPOOL, DEEP)
    told, changed = (WHIRLPOOL, *arrays), (WHIRLPOOL, keys.vault_0, keys.vault_1)
    return Placed(world, "whirlpool", WHIRLPOOL, keys.mint_0, keys.mint_1, told, changed, world.at(1_000, UNIX_S))


def place_real_clmm(world: World) -> Placed:
    """Four arrays each way by its own bitmap, of which three are told; its config with a fee of 0.05 %."""
    program = clmm.PROGRAM
    world.load("raydium_clmm", program)
    world.put(CLMM, program, fixture(f"mango_v4/{CLMM}.bin").read_bytes())
    main = world.read(CLMM)
    keys = clmm.keys(main)
    account = raydium_clmm_accounts.decode_clmm_pool(main.address, main.data, main.owner)
    starts, spacing = account_windows.clmm_starts(account, 4), account.tick_spacing
    shape = Curve(spacing, account.tick_current, account.liquidity, {at + 30 * spacing: IDLE_TICK for at in starts})
    arrays = [clmm.tick_array(CLMM, start) for start in starts]
    for start, at in zip(starts, arrays, strict=True):
        world.put(at, program, clmm_array(CLMM, start, shape))
    rates = [(43, unsigned(120_000, 4)), (47, unsigned(500, 4)), (51, unsigned(spacing, 2)), (53, unsigned(40_000, 4))]
    mark = (0, raydium_accounts.AMM_CONFIG)
    world.put(keys.config, program, written(raydium_clmm_accounts.CONFIG_BYTES, mark, *rates))
    observation = (0, anchor_account("ObservationState")), (9, bytes(CLMM))
    world.put(keys.observation, program, written(CLMM_OBSERVATION_BYTES, *observation))
    for vault, mint in ((keys.vault_0, keys.mint_0), (keys.vault_1, keys.mint_1)):
        world.put_tokens(vault, mint, CLMM, DEEP)
    told = (CLMM, keys.config, *[clmm.tick_array(CLMM, start) for start in account_windows.clmm_starts(account)])
    changed = (CLMM, *arrays, keys.vault_0, keys.vault_1, keys.observation)
    return Placed(world, "raydium_clmm", CLMM, keys.mint_0, keys.mint_1, told, changed, world.at(1_000, UNIX_S))
