"""Orca Whirlpool and Raydium CLMM pools from a seed: random positions over the tick arrays around a random price."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from solders.pubkey import Pubkey

from phantom_arbiter.dex import raydium_accounts, raydium_clmm, raydium_clmm_accounts, tick_math, whirlpool_accounts
from phantom_arbiter.dex.whirlpool import TICKS_PER_ARRAY
from phantom_arbiter.venues.solana.instructions import raydium_clmm as clmm
from phantom_arbiter.venues.solana.instructions import whirlpool
from tests.svm.constant_pools import anchor_account
from tests.svm.pools import Placed, signed, unsigned, written
from tests.svm.world import World, address

DEEP = 10**18
ADAPTIVE_TIER = 1_024
FIXED_TICK_BYTES = 113
CLMM_TICK_BYTES = 168
CLMM_OBSERVATION_BYTES = 52_121


class Curve(NamedTuple):
    """Initialized ticks, each with (liquidity_net, liquidity_gross), and what holds at the current one."""

    spacing: int
    tick: int
    liquidity: int
    ticks: dict[int, tuple[int, int]]

    def array_starts(self, per_array: int) -> list[int]:
        """The arrays with initialized ticks, from the lowest to the highest, none left out."""
        span = per_array * self.spacing
        return list(range(min(self.ticks) // span * span, max(self.ticks) + 1, span))


def curve(random: Random, per_array: int) -> Curve:
    """Eight positions that reach up to an array and a half to each side; the first one holds the price."""
    spacing = random.choice((1, 8, 10, 64))
    furthest = min(200_000, 20_000 * spacing)  # inside of Raydium's own bitmap
    tick = random.randrange(-furthest, furthest)
    home, reach = tick // spacing, per_array * 3 // 2
    liquidity, ticks = 0, dict[int, tuple[int, int]]()
    for number in range(8):
        low = home - random.randrange(1, reach)
        high = home + random.randrange(1, reach) if number == 0 else low + random.randrange(1, reach)
        amount = int(10 ** random.uniform(9, 14))
        for at, net in ((low * spacing, amount), (high * spacing, -amount)):
            before = ticks.get(at, (0, 0))
            ticks[at] = before[0] + net, before[1] + amount
        liquidity += amount if low * spacing <= tick < high * spacing else 0
    return Curve(spacing, tick, liquidity, ticks)


def place_whirlpool(world: World, random: Random, mint_0: Pubkey, mint_1: Pubkey) -> Placed:
    """A pool of the program of 2024."""
    program = Pubkey.from_string(whirlpool_accounts.PROGRAM_ID)
    world.load("whirlpool", program)
    return _whirlpool(world, random, mint_0, mint_1, program)


def place_immutable_whirlpool(
    world: World, random: Random, mint_0: Pubkey, mint_1: Pubkey, tier: int | None = None
) -> Placed:
    """A pool of the immutable program of 2026; half of its arrays are dynamic. ``tier`` None: its tick spacing."""
    program = Pubkey.from_string(whirlpool_accounts.IMMUTABLE_PROGRAM_ID)
    world.load("whirlpool_immutable", program)
    return _whirlpool(world, random, mint_0, mint_1, program, tier)


def place_adaptive_whirlpool(world: World, random: Random, mint_0: Pubkey, mint_1: Pubkey) -> Placed:
    """The same with an oracle: an adaptive fee. Every third price is exactly its tick's, often a border of groups."""
    placed = place_immutable_whirlpool(world, random, mint_0, mint_1, ADAPTIVE_TIER)
    program, main = Pubkey.from_string(whirlpool_accounts.IMMUTABLE_PROGRAM_ID), placed.main()
    oracle = whirlpool.oracle(program, placed.pool)
    spacing, tick = int.from_bytes(main.data[41:43], "little"), int.from_bytes(main.data[81:85], "little", signed=True)
    world.put(oracle, program, oracle_account(random, placed.pool, spacing, tick, placed.moment.unix_time_s))
    if random.randrange(3) == 0:
        price = unsigned(tick_math.sqrt_price_at_tick(tick), 16)
        world.put(placed.pool, program, main.data[:65] + price + main.data[81:])
    return placed._replace(told=(*placed.told, oracle), written=(*placed.written, oracle))


def oracle_account(random: Random, pool: Pubkey, spacing: int, tick: int, now: int) -> bytes:
    """An oracle with random numbers, all such as the program lets an oracle have."""
    size = random.choice([size for size in (1, 2, 4, 5, 8, 16, 32, 64) if spacing % size == 0])
    filter_s, furthest = random.randrange(1, 60), random.choice((0, 5, 40))
    highest = int(furthest * 10_000 * random.random())
    constants = (
        (48, filter_s, 2),
        (50, filter_s + random.randrange(1, 600), 2),
        (52, random.randrange(10_000), 2),
        (54, random.choice((0, random.randrange(2_000), random.randrange(100_000))), 4),
        (58, highest, 4),
        (62, size, 2),
        (64, random.randrange(1, min(spacing * TICKS_PER_ARRAY, random.choice((64, 6_000)))), 2),
    )
    swapped = random.random() < 0.7
    ages = (82, random.randrange(4_000)), (90, random.choice((0, random.randrange(4_000))))
    volatility = (98, int(highest * random.random() ** 2), 4), (106, int(highest * random.random()), 4)
    variables = (*[(at, now - age, 8) for at, age in ages], *volatility) if swapped else ()
    group = tick // size + random.choice((0, random.randrange(-10, 11), random.randrange(-200, 201)))
    return written(
        whirlpool_accounts.ORACLE_BYTES,
        (0, anchor_account("Oracle")),
        (8, bytes(pool)),
        (40, unsigned(random.choice((0, now)))),
        *[(at, unsigned(value, length)) for at, value, length in (*constants, *variables)],
        (102, signed(group if swapped else 0)),
    )


def _whirlpool(
    world: World, random: Random, mint_0: Pubkey, mint_1: Pubkey, program: Pubkey, tier: int | None = None
) -> Placed:
    """Three arrays each way; some have no ticks and are not on chain."""
    shape = curve(random, TICKS_PER_ARRAY)
    spacing, tick = shape.spacing, shape.tick
    config, vault_0, vault_1 = (address(random.getrandbits(64)) for _ in range(3))
    tier = tier or spacing
    seeds = [b"whirlpool", bytes(config), bytes(mint_0), bytes(mint_1), unsigned(tier, 2)]
    pool, bump = Pubkey.find_program_address(seeds, program)
    low, high = tick_math.sqrt_price_at_tick(tick), tick_math.sqrt_price_at_tick(tick + 1)
    keys = (8, config), (101, mint_0), (133, vault_0), (181, mint_1), (213, vault_1)
    numbers = (41, spacing, 2), (43, tier, 2), (45, random.choice((100, 400, 3_000)), 2), (47, 1_300, 2)
    data = written(
        whirlpool_accounts.POOL_BYTES,
        (0, anchor_account("Whirlpool")),
        (40, bytes([bump])),
        *[(offset, bytes(key)) for offset, key in keys],
        *[(offset, unsigned(value, size)) for offset, value, size in numbers],
        (49, unsigned(shape.liquidity, 16)),
        (65, unsigned(random.randrange(low, high), 16)),
        (81, signed(tick)),
    )
    world.put(pool, program, data)
    span = spacing * TICKS_PER_ARRAY
    starts = [(tick // span + step) * span for step in range(-2, 4)]
    arrays = [whirlpool.tick_array(program, pool, start) for start in starts]
    for start, at in zip(starts, arrays, strict=True):
        if any(start <= known < start + span for known in shape.ticks):
            dynamic = str(program) == whirlpool_accounts.IMMUTABLE_PROGRAM_ID and random.random() < 0.5
            world.put(at, program, (_dynamic_array if dynamic else _fixed_array)(pool, start, shape))
    world.put_tokens(vault_0, mint_0, pool, DEEP)
    world.put_tokens(vault_1, mint_1, pool, DEEP)
    written_by_swap = (pool, *arrays, vault_0, vault_1)
    moment = world.at(1_000, 1_780_000_000)
    return Placed(world, "whirlpool", pool, mint_0, mint_1, (pool, *arrays), written_by_swap, moment)


def _fixed_array(pool: Pubkey, start: int, shape: Curve) -> bytes:
    ticks = [
        (12 + place * FIXED_TICK_BYTES, b"\x01" + signed(net, 16) + unsigned(gross, 16))
        for place, (net, gross) in _places(shape, start, TICKS_PER_ARRAY)
    ]
    size = whirlpool_accounts.FIXED_ARRAY_BYTES
    return written(size, (0, anchor_account("TickArray")), (8, signed(start)), *ticks, (size - 32, bytes(pool)))


def _dynamic_array(pool: Pubkey, start: int, shape: Curve) -> bytes:
    """A byte for each place, and a tick after it where there is one."""
    known = dict(_places(shape, start, TICKS_PER_ARRAY))
    head = anchor_account("DynamicTickArray") + signed(start) + bytes(pool)
    cells = [
        b"\x01" + signed(known[place][0], 16) + unsigned(known[place][1], 16) + bytes(80) if place in known else b"\0"
        for place in range(TICKS_PER_ARRAY)
    ]
    return head + unsigned(sum(1 << place for place in known), 16) + b"".join(cells)


def place_clmm(world: World, random: Random, mint_0: Pubkey, mint_1: Pubkey) -> Placed:
    """A Raydium CLMM pool, its arrays with liquidity and their bits."""
    program = clmm.PROGRAM
    world.load("raydium_clmm", program)
    shape = curve(random, raydium_clmm_accounts.TICKS_PER_ARRAY)
    config, vault_0, vault_1, observation = (address(random.getrandbits(64)) for _ in range(4))
    seeds = [b"pool", bytes(config), bytes(mint_0), bytes(mint_1)]
    pool, bump = Pubkey.find_program_address(seeds, program)
    span = raydium_clmm_accounts.TICKS_PER_ARRAY * shape.spacing
    starts = sorted({at // span * span for at in shape.ticks})
    arrays = [clmm.tick_array(pool, start) for start in starts]
    bitmap = sum(1 << start // span + 512 for start in starts)
    low, high = raydium_clmm.sqrt_price_at_tick(shape.tick), raydium_clmm.sqrt_price_at_tick(shape.tick + 1)
    keys = (9, config), (73, mint_0), (105, mint_1), (137, vault_0), (169, vault_1), (201, observation)
    data = written(
        raydium_clmm_accounts.POOL_BYTES,
        (0, raydium_accounts.POOL_STATE),
        (8, bytes([bump])),
        *[(offset, bytes(key)) for offset, key in keys],
        (233, bytes((9, 6))),
        (235, unsigned(shape.spacing, 2)),
        (237, unsigned(shape.liquidity, 16)),
        (253, unsigned(random.randrange(low, high), 16)),
        (269, signed(shape.tick)),
        (904, unsigned(bitmap, 128)),
    )
    world.put(pool, program, data)
    rates = (43, 120_000), (47, random.choice((100, 500, 2_500))), (53, 40_000)
    rate_fields = [(offset, unsigned(rate, 4)) for offset, rate in rates]
    spacing_field, mark = (51, unsigned(shape.spacing, 2)), (0, raydium_accounts.AMM_CONFIG)
    world.put(config, program, written(raydium_clmm_accounts.CONFIG_BYTES, mark, *rate_fields, spacing_field))
    world.put(
        observation, program, written(CLMM_OBSERVATION_BYTES, (0, anchor_account("ObservationState")), (9, bytes(pool)))
    )
    for start, at in zip(starts, arrays, strict=True):
        world.put(at, program, clmm_array(pool, start, shape))
    world.put_tokens(vault_0, mint_0, pool, DEEP)
    world.put_tokens(vault_1, mint_1, pool, DEEP)
    written_by_swap = (pool, *arrays, vault_0, vault_1, observation)
    moment = world.at(1_000, 1_780_000_000)
    return Placed(world, "raydium_clmm", pool, mint_0, mint_1, (pool, config, *arrays), written_by_swap, moment)


def clmm_array(pool: Pubkey, start: int, shape: Curve) -> bytes:
    """A Raydium tick array with the curve's ticks in it."""
    per_array = raydium_clmm_accounts.TICKS_PER_ARRAY
    found = list(_places(shape, start, per_array))
    ticks = [
        (44 + place * CLMM_TICK_BYTES, signed(start + place * shape.spacing) + signed(net, 16) + unsigned(gross, 16))
        for place, (net, gross) in found
    ]
    head = (0, raydium_clmm_accounts.TICK_ARRAY_STATE), (8, bytes(pool)), (40, signed(start))
    count = (44 + per_array * CLMM_TICK_BYTES, bytes([len(found)]))
    return written(raydium_clmm_accounts.TICK_ARRAY_BYTES, *head, *ticks, count)


def _places(shape: Curve, start: int, per_array: int) -> Iterator[tuple[int, tuple[int, int]]]:
    """The array's initialized ticks by their place in it."""
    for place in range(per_array):
        known = shape.ticks.get(start + place * shape.spacing)
        if known is not None:
            yield place, known
