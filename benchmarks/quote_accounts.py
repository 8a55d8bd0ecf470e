"""Random account bytes of pools that keep their ticks, bins or fee schedule in them: what ours and the peer decode.

Offsets are those of the programs' layouts; fields that no quote reads stay zero.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from random import Random
from struct import pack, pack_into
from typing import Any, Final

from phantom_arbiter.core.units import BPS, MAX_U64
from phantom_arbiter.dex import meteora_damm_v2_accounts as damm_accounts
from phantom_arbiter.dex import meteora_dlmm_accounts as dlmm_accounts
from phantom_arbiter.dex import raydium_clmm_accounts as clmm_accounts
from phantom_arbiter.dex.addresses import base58
from phantom_arbiter.dex.meteora_damm_v2 import DammV2Pool, reserves_of_range
from phantom_arbiter.dex.meteora_dlmm import BINS_PER_ARRAY, DlmmPool, with_arrays
from phantom_arbiter.dex.pools import Moment
from phantom_arbiter.dex.raydium_accounts import AMM_CONFIG, POOL_STATE
from phantom_arbiter.dex.raydium_clmm import MAX_TICK, MIN_TICK, ClmmPool, sqrt_price_at_tick

NOW_S: Final = 1_784_000_000
SLOT: Final = 400_000_000
MOMENT: Final = Moment(SLOT, NOW_S, 900)
POOL_KEY: Final = bytes(range(32))
CONFIG_KEY: Final = b"\5" * 32
PUMP_BASE_MINT: Final = b"\7" * 32
PUMP_AUTHORITY: Final = bytes.fromhex("5ad2fc0f58a2e13dff1ce0096cc49b1e4ec1a1894e30bd849af7e259706c5a52")
"""pump's authority for pools of that mint: whoever made such a pool, pump's own fee tiers hold."""


def random_nets(
    random: Random, starts: Sequence[int], spacing: int, tick: int, lowest: int, highest: int
) -> tuple[list[tuple[int, int]], int]:
    """Initialized ticks with their net liquidity, ascending, in the arrays from the first of ``starts`` to the last,
    and the liquidity at ``tick``. Some stretches have none."""
    step = starts[1] - starts[0] if len(starts) > 1 else spacing
    first, last = max(starts[0], lowest), min(starts[-1] + step - 1, highest)
    grid = range(-(-first // spacing) * spacing, last + 1, spacing)
    density, bits = random.random() ** 2, random.choice((20, 40, 50, 64, 90))
    nets: list[tuple[int, int]] = []
    liquidity = active = 0
    for at in grid:
        if random.random() > density and len(nets) != 0:
            continue
        after = 0 if random.random() < 0.1 else random.getrandbits(random.randint(1, bits))
        if after != liquidity:
            nets.append((at, after - liquidity))
        liquidity = after
        if at <= tick:
            active = after
    return nets, active


def clmm(random: Random) -> tuple[ClmmPool, dict[str, Any], Moment]:
    """A Raydium CLMM pool, its configuration and five arrays around its price."""
    spacing = random.choice((1, 10, 60, 120))
    span = spacing * clmm_accounts.TICKS_PER_ARRAY
    reach = min(MAX_TICK, span * 500)
    tick = random.choice((random.randint(-10_000, 10_000), random.randint(-reach, reach - 1)))
    starts = [at * span for at in range(tick // span - 2, tick // span + 3) if -reach <= at * span <= reach - span]
    nets, liquidity = random_nets(random, starts, spacing, tick, MIN_TICK, MAX_TICK)
    low, high = sqrt_price_at_tick(tick), sqrt_price_at_tick(tick + 1)
    price = random.choice((low, random.randrange(low, high)))
    by_start = {start: [(at, net) for at, net in nets if start <= at < start + span] for start in starts}
    bits = sum(1 << start // span + 512 for start in starts if by_start[start])
    pool = bytearray(POOL_STATE.ljust(clmm_accounts.POOL_BYTES, b"\0"))
    pool[9:41] = CONFIG_KEY
    pack_into("<H16s16si", pool, 235, spacing, liquidity.to_bytes(16, "little"), price.to_bytes(16, "little"), tick)
    pool[904:1032] = bits.to_bytes(128, "little")
    config = bytearray(AMM_CONFIG.ljust(clmm_accounts.CONFIG_BYTES, b"\0"))
    pack_into("<IIHI", config, 43, 120_000, random.choice((0, 100, 2_500, 10_000, 500_000)), spacing, 40_000)
    arrays = [_clmm_array(start, by_start[start], spacing) for start in starts if by_start[start]]
    account = clmm_accounts.decode_clmm_pool(base58(POOL_KEY), bytes(pool), clmm_accounts.CLMM_PROGRAM)
    terms = clmm_accounts.decode_clmm_config(account.config, bytes(config), clmm_accounts.CLMM_PROGRAM)
    decoded = [clmm_accounts.decode_clmm_tick_array("", data, clmm_accounts.CLMM_PROGRAM, account) for data in arrays]
    wire = {"pool": _text(pool), "config": _text(config), "arrays": [_text(data) for data in arrays]}
    return clmm_accounts.clmm_pool(account, terms, decoded, NOW_S), wire, MOMENT


def _clmm_array(start: int, nets: list[tuple[int, int]], spacing: int) -> bytes:
    data = bytearray(clmm_accounts.TICK_ARRAY_STATE.ljust(clmm_accounts.TICK_ARRAY_BYTES, b"\0"))
    data[8:40] = POOL_KEY
    pack_into("<i", data, 40, start)
    for at, net in nets:
        place = 44 + 168 * ((at - start) // spacing)
        pack_into("<i", data, place, at)
        data[place + 4 : place + 20] = net.to_bytes(16, "little", signed=True)
        data[place + 20 : place + 36] = abs(net).to_bytes(16, "little")
    data[10_124] = len(nets)
    return bytes(data)


def dlmm(random: Random) -> tuple[DlmmPool, dict[str, Any], Moment]:
    """A Meteora DLMM pair without limit orders and the three bin arrays around its active bin."""
    step = random.choice((1, 2, 5, 10, 25, 80, 100, 250, 400))
    active = random.randint(-20_000 // step, 20_000 // step)
    indices = range(active // BINS_PER_ARRAY - 1, active // BINS_PER_ARRAY + 2)
    filter_s = random.randint(0, 60)
    pair = bytearray(dlmm_accounts.PAIR_DISCRIMINATOR.ljust(dlmm_accounts.PAIR_SIZE, b"\0"))
    fees = (random.choice((0, random.randint(1, 65_535))), filter_s, filter_s + random.randint(0, 600))
    control = random.choice((0, random.randint(0, 2_000_000)))
    pack_into("<HHHHIIii", pair, 8, *fees, random.randint(0, BPS), control, 400_000, -43_670, 43_670)
    moved, kept = random.randint(0, 400_000), random.randint(0, 400_000)
    pack_into("<IIi4xq", pair, 40, moved, kept, active + random.randint(-40, 40), NOW_S - random.randint(0, 900))
    pack_into("<iH", pair, 76, active, step)
    pair[88:152] = b"\1" * 32 + b"\2" * 32
    pair[584:712] = sum(1 << index + 512 for index in indices).to_bytes(128, "little")
    pair[882] = 1
    highest, empty = 10 ** random.randint(1, 15), random.random() * 0.9
    arrays = []
    for index in indices:
        data = bytearray(dlmm_accounts.ARRAY_DISCRIMINATOR.ljust(dlmm_accounts.ARRAY_SIZE, b"\0"))
        pack_into("<qB7x32s", data, 8, index, 2, POOL_KEY)
        for place in range(BINS_PER_ARRAY):
            bin_id = index * BINS_PER_ARRAY + place
            filled = random.random() > empty
            x = random.randint(0, highest) if filled and bin_id >= active else 0
            y = random.randint(0, highest) if filled and bin_id <= active else 0
            price = int((1 + step / BPS) ** bin_id * 2**64).to_bytes(16, "little")
            pack_into("<QQ16s", data, 56 + 144 * place, x, y, price)
        arrays.append(bytes(data))
    bare = dlmm_accounts.decode_pool(bytes(pair), dlmm_accounts.PROGRAM, POOL_KEY)
    decoded = [dlmm_accounts.decode_bin_array(data, dlmm_accounts.PROGRAM, POOL_KEY) for data in arrays]
    wire = {"pair": _text(pair), "arrays": [_text(data) for data in arrays], "unixTimeS": NOW_S}
    return with_arrays(bare, decoded), wire, MOMENT


def damm_v2(random: Random) -> tuple[DammV2Pool, dict[str, Any], Moment]:
    """A Meteora DAMM v2 pool with any schedule, with or without a dynamic fee."""
    low, price, high = sorted(
        random.randint(damm_accounts.MIN_SQRT_PRICE_X64, damm_accounts.MAX_SQRT_PRICE_X64)
        if random.random() < 0.1
        else random.randint(2**55, 2**73)
        for _ in range(3)
    )
    liquidity = random.getrandbits(random.randint(66, 126))
    while max(reserves_of_range(liquidity, low, price, high)) > MAX_U64 >> 1:
        liquidity >>= 8
    by_time, exponential = random.random() < 0.5, random.random() < 0.5
    point = NOW_S if by_time else SLOT
    periods, cliff = random.choice((0, random.randint(1, 1_000))), random.randint(0, 500_000_000)
    # A schedule may not end at nothing: the program makes no such pool.
    most = 50_000 // max(periods, 50) if exponential else cliff // max(periods, 1)
    reduction = random.randint(0, most)
    data = bytearray(bytes((241, 154, 109, 4, 17, 177, 109, 188)).ljust(damm_accounts.POOL_BYTES, b"\0"))
    pack_into("<Q", data, 8, cliff)
    data[16] = exponential
    pack_into("<HQQ", data, 22, periods, random.randint(0, 5_000) if periods else 0, reduction)
    data[48] = 20
    if random.random() < 0.5:
        data[56:72] = pack("<B7xII", 1, 14_460_000, random.randint(0, 10_000))
        pack_into("<HHHHQ", data, 72, 1, 10, 120, 5_000, NOW_S - random.randint(0, 300))
        for offset, value in ((88, 1_844_674_407_370_955), (104, price), (120, random.randint(0, 14_460_000))):
            data[offset : offset + 16] = value.to_bytes(16, "little")
    for offset, value in ((360, liquidity), (424, low), (440, high), (456, price)):
        data[offset : offset + 16] = value.to_bytes(16, "little")
    pack_into("<QB", data, 472, point - random.randint(0, 2_000_000), by_time)
    data[484], data[486] = random.random() < 0.5, random.random() < 0.5
    wire = {"pool": _text(data), "point": str(point)}
    return damm_accounts.decode_pool(bytes(data), damm_accounts.PROGRAM_ID), wire, MOMENT


def _text(data: bytes | bytearray) -> str:
    return b64encode(data).decode()
