"""Random pools and swaps, each also as data that a peer's process can read: the same question for both.

``make(kind, random)`` gives a `Case`. Amounts go from one atom to the end of u64, many of them to the edge of a tick or
bin; fees from nothing to their maximum; liquidity of every magnitude, none at all included. Accounts are given as bytes
where the peer reads bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, Final, NamedTuple

from benchmarks import quote_accounts
from phantom_arbiter.core.units import BPS, MAX_U64
from phantom_arbiter.dex import constant_product, pools, pump_swap, raydium_cpmm, whirlpool
from phantom_arbiter.dex.pools import Moment, PoolState
from phantom_arbiter.dex.tick_math import MAX_TICK, MIN_TICK, sqrt_price_at_tick

MOMENT: Final = Moment(400_000_000, 1_784_000_000, 900)
SPACINGS: Final = (1, 2, 4, 8, 16, 64, 96, 128, 256, 32_896)


class Case(NamedTuple):
    """A swap to quote. ``wire`` says the same to a peer, numbers beyond 2^53 as text."""

    pool: PoolState
    amount_in_atoms: int
    zero_for_one: bool
    moment: Moment
    wire: dict[str, Any]


def make(kind: str, random: Random) -> Case:
    """A random swap on a random pool of that kind (a key of ``KINDS``)."""
    pool, wire, moment = KINDS[kind](random)
    zero_for_one = wire.get("zeroForOne", random.random() < 0.5)
    amount = _amount(random, [segment.capacity_atoms for segment in pools.segments(pool, zero_for_one, moment)])
    return Case(pool, amount, zero_for_one, moment, {"amount": str(amount), "zeroForOne": zero_for_one, **wire})


def spread(random: Random, highest: int) -> int:
    """A number of any magnitude up to a bound, 0 among them."""
    return random.randint(0, 1 << random.randint(0, highest.bit_length() - 1)) % (highest + 1)


def _amount(random: Random, capacities: list[float]) -> int:
    """Of any magnitude, a share of what the pool takes, or an atom or two beside the end of one of its segments."""
    way, room = random.random(), min(sum(capacities), float(MAX_U64 >> 1))
    if way < 0.2 or room < 4:
        return 1 + spread(random, MAX_U64 >> 2)
    if way < 0.5:
        edge = sum(capacities[: random.randint(1, len(capacities))])
        return max(1, min(int(edge) + random.randint(-2, 2), MAX_U64 >> 1))
    return 1 + int(room * random.random() ** random.choice((1, 4, 16)))


def _cpmm(random: Random) -> tuple[PoolState, dict[str, Any], Moment]:
    """The creator's fee is on the output: of one on the input the SDK rounds each part up, the program the sum."""
    reserves = 1 + spread(random, MAX_U64 >> 1), 1 + spread(random, MAX_U64 >> 1)
    trade = random.choice((1, 100, 2_500, 10_000, random.randint(1, 999_999)))
    protocol = random.choice((0, 120_000, random.randint(0, 10**6)))
    fund = random.choice((0, 40_000, random.randint(0, 10**6)))
    creator = min(random.choice((0, 500, 10_000, random.randint(0, 10**6))), 10**6 - trade)
    rates, zero_for_one = (trade, protocol, min(fund, 10**6 - protocol), creator), random.random() < 0.5
    pool = raydium_cpmm.CpmmPool(*reserves, raydium_cpmm.CpmmFees(*rates, 2 if zero_for_one else 1))
    wire = {"reserves": [str(atoms) for atoms in reserves], "rates": rates, "creatorOnInput": False}
    return pool, wire | {"zeroForOne": zero_for_one}, MOMENT


def _amm_v4(random: Random) -> tuple[PoolState, dict[str, Any], Moment]:
    reserves = [1 + spread(random, MAX_U64 >> 1) for _ in range(2)]
    owed = [spread(random, 10**6) for _ in range(2)]
    vaults = [atoms + pnl for atoms, pnl in zip(reserves, owed, strict=True)]
    return (
        constant_product.raydium_amm_v4_pool(*vaults, *owed),
        {"reserves": [str(atoms) for atoms in reserves]},
        MOMENT,
    )


def _whirlpool(random: Random) -> tuple[PoolState, dict[str, Any], Moment]:
    spacing = random.choice(SPACINGS)
    span = spacing * whirlpool.TICKS_PER_ARRAY
    tick = random.choice((random.randint(-40_000, 40_000), random.randint(MIN_TICK, MAX_TICK - 1)))
    home = tick // span
    starts = [at * span for at in range(home - 2, home + 3) if MIN_TICK - span < at * span <= MAX_TICK]
    nets, liquidity = quote_accounts.random_nets(random, starts, spacing, tick, MIN_TICK, MAX_TICK)
    low, high = sqrt_price_at_tick(tick), sqrt_price_at_tick(tick + 1)
    price = random.choice((low, random.randrange(low, high)))
    bare = whirlpool.Whirlpool(spacing, random.choice((0, 100, 3_000, 10_000, 60_000)), 1_300, liquidity, price, tick)
    arrays = [
        whirlpool.tick_array(start, [(at, net) for at, net in nets if start <= at < start + span]) for start in starts
    ]
    wire = {
        "spacing": spacing,
        "fee": bare.fee_ppm,
        "liquidity": str(liquidity),
        "price": str(price),
        "tick": tick,
        "arrays": [
            [array.start_tick, [[at, str(net)] for at, net in zip(array.ticks, array.liquidity_nets, strict=True)]]
            for array in arrays
        ],
    }
    return whirlpool.with_tick_arrays(bare, arrays), wire, MOMENT


def _pump_swap(random: Random) -> tuple[PoolState, dict[str, Any], Moment]:
    base, quoted = (1 + spread(random, MAX_U64 >> 1) for _ in range(2))
    supply = base + spread(random, MAX_U64 - base)
    cap = quoted * supply // base
    thresholds = sorted({0, spread(random, 2 * cap), spread(random, 2 * cap), cap})
    tiers = [(threshold, [random.randint(0, 3_000) for _ in range(3)]) for threshold in thresholds]
    if random.random() < 0.1:
        tiers = [(0, [0, 0, 0])]
    creator = random.choice((None, 0, random.randint(1, BPS - 6_000)))
    pool = pump_swap.PumpSwapPool(
        base_mint=quote_accounts.PUMP_BASE_MINT,
        quote_mint=b"\1" * 32,
        base_vault=b"\2" * 32,
        quote_vault=b"\3" * 32,
        base_reserve_atoms=base,
        quote_reserve_atoms=quoted,
        base_supply_atoms=supply,
        tiers=tuple(pump_swap.FeeTier(threshold, pump_swap.FeeRates(*rates)) for threshold, rates in tiers),
        creator_bps=creator,
        can_buy=True,
        can_sell=True,
    )
    wire = {
        "base": str(base),
        "quote": str(quoted),
        "supply": str(supply),
        "tiers": [[str(threshold), rates] for threshold, rates in tiers],
        "creatorBps": creator,
        "mint": quote_accounts.PUMP_BASE_MINT.hex(),
        "authority": quote_accounts.PUMP_AUTHORITY.hex(),
    }
    return pool, wire, MOMENT


KINDS: Final[dict[str, Callable[[Random], tuple[PoolState, dict[str, Any], Moment]]]] = {
    "whirlpool": _whirlpool,
    "raydium_clmm": quote_accounts.clmm,
    "raydium_cpmm": _cpmm,
    "raydium_amm_v4": _amm_v4,
    "meteora_dlmm": quote_accounts.dlmm,
    "meteora_damm_v2": quote_accounts.damm_v2,
    "pump_swap": _pump_swap,
}
