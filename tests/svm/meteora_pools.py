"""Real Meteora pools out of ``PHANTOM_FIXTURES_DIR``, their vaults filled."""

from __future__ import annotations

from solders.pubkey import Pubkey

from phantom_arbiter.dex.meteora_dlmm import BINS_PER_ARRAY
from phantom_arbiter.venues.solana.instructions import meteora_damm_v2, meteora_dlmm
from tests.golden.onchain.meteora_damm_v2 import POOL
from tests.golden.onchain.meteora_dlmm import fixture, reference
from tests.svm.constant_pools import anchor_account
from tests.svm.pools import Placed, unsigned, written
from tests.svm.world import World

DEEP = 10**16
ORACLE_SAMPLES = 100
ACTIVATED_UNIX_S = 1_754_986_927
"""A moment just after the DAMM v2 pool was activated, when its fee still falls."""


def place_dlmm(world: World) -> Placed:
    """The SOL/USDC pair of step 1 with the 6 bin arrays around its price."""
    program = meteora_dlmm.PROGRAM
    world.load("meteora_dlmm", program)
    facts, pair, arrays = reference()
    pool = Pubkey.from_string(facts["pool"])
    world.put(pool, program, pair)
    keys = meteora_dlmm.keys(world.read(pool))
    home = keys.active_id // BINS_PER_ARRAY
    near = [data for data in arrays if -3 <= int.from_bytes(data[8:16], "little", signed=True) - home <= 3]
    known = [meteora_dlmm.bin_array(pool, int.from_bytes(data[8:16], "little", signed=True)) for data in near]
    for at, data in zip(known, near, strict=True):
        world.put(at, program, data)
    oracle = (0, anchor_account("Oracle")), (16, unsigned(1)), (24, unsigned(ORACLE_SAMPLES))
    world.put(keys.oracle, program, written(32 + 32 * ORACLE_SAMPLES, *oracle))
    for vault, mint in ((keys.vault_0, keys.mint_0), (keys.vault_1, keys.mint_1)):
        world.put_tokens(vault, mint, pool, DEEP)
    written_by_swap = (pool, *known, keys.vault_0, keys.vault_1, keys.oracle)
    moment = world.at(400_000_000, int(facts["clockTs"]))
    return Placed(world, "meteora_dlmm", pool, keys.mint_0, keys.mint_1, (pool, *known), written_by_swap, moment)


def place_damm_v2(world: World) -> Placed:
    """The SOL/USDC pool."""
    program = meteora_damm_v2.PROGRAM
    world.load("meteora_damm_v2", program)
    path = fixture(f"meteora_zap_program/{POOL.name}")
    pool = Pubkey.from_string(path.stem.rpartition("_")[2])
    world.put(pool, program, path.read_bytes())
    keys = meteora_damm_v2.keys(world.read(pool))
    for vault, mint in ((keys.vault_0, keys.mint_0), (keys.vault_1, keys.mint_1)):
        world.put_tokens(vault, mint, meteora_damm_v2.AUTHORITY, DEEP)
    moment = world.at(400_000_000, ACTIVATED_UNIX_S)
    written_by_swap = (pool, keys.vault_0, keys.vault_1)
    return Placed(world, "meteora_damm_v2", pool, keys.mint_0, keys.mint_1, (pool,), written_by_swap, moment)
