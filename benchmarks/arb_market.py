"""The made-up market of `arb_search`: pools of four kinds over hubs and leaves, each told by a few numbers.

Liquidity is log-normal, fees run from 1 to 100 bp, prices differ from the fair ones by about 40 bp. In the arbitraged
market no pool is further from its fair price than its own fee, so that nobody gains; an event then moves one pool:
nine trades in ten by some 5 bp, one by some 30 bp (standard deviations). Most trades are small beside the pool and open
no cycle that gains; in a market of large trades alone half of them do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations
from random import Random
from typing import Final, NamedTuple

from phantom_arbiter.dex.constant_product import ConstantProductPool
from phantom_arbiter.dex.meteora_dlmm import Bin, BinArray, DlmmPool, FeeParameters, Volatility, with_arrays
from phantom_arbiter.dex.pools import Moment, PoolState
from phantom_arbiter.dex.tick_math import tick_at_sqrt_price
from phantom_arbiter.dex.whirlpool import Whirlpool, tick_array, with_tick_arrays

NOW: Final = Moment(0, 0, 0)
HUBS: Final = {"SOL": 1.0, "USDC": 1e3 / 150, "USDT": 1e3 / 150, "jitoSOL": 1.3}
"""What an atom of each base is worth in lamports."""
KINDS: Final = ("constant product", "whirlpool", "clmm", "dlmm")
SHARES: Final = (55, 20, 10, 15)
BINS: Final = 25
ARRAYS: Final = 2
"""Arrays of ticks known on either side."""
SMALL: Final = 0.0005
LARGE: Final = 0.003
LARGE_SHARE: Final = 0.1
"""How far trades move a pool (standard deviations of the logarithm of its price), and how many are large."""


class Spec(NamedTuple):
    """A pool: its kind and tokens, the fair price (atoms of token 1 for one of token 0), what one side holds in atoms
    of token 0 if spread over all prices, the fee as a fraction, and its distance from the fair price (a logarithm)."""

    kind: str
    token_0: str
    token_1: str
    price: float
    depth_atoms: float
    fee: float
    noise: float


def state(spec: Spec, noise: float) -> PoolState:
    """The pool at that distance from its fair price."""
    price = spec.price * math.exp(noise)
    if spec.kind == "constant product":
        root = math.exp(noise / 2)
        reserves = (int(spec.depth_atoms / root) + 1, int(spec.depth_atoms * spec.price * root) + 1)
        return ConstantProductPool(*reserves, round(spec.fee * 1e6), 1_000_000)
    if spec.kind == "dlmm":
        return _dlmm(spec, price)
    return _whirlpool(spec, price)


def _whirlpool(spec: Spec, price: float) -> Whirlpool:
    """Five positions around the fair price, each half as wide and as deep as the one before."""
    spacing, widest = (64, 40) if spec.kind == "whirlpool" else (10, 120)
    liquidity, center = spec.depth_atoms * math.sqrt(spec.price), math.log(spec.price) / math.log(1.0001)
    nets: dict[int, int] = {}
    root = int(math.sqrt(price) * 2**64)
    tick, active = tick_at_sqrt_price(root), 0
    for level in range(5):
        width, size = max(1, widest >> level), int(liquidity * 2**level) + 1
        lower, upper = ((round(center / spacing) + side) * spacing for side in (-width, width))
        nets[lower] = nets.get(lower, 0) + size
        nets[upper] = nets.get(upper, 0) - size
        active += size if lower <= tick < upper else 0
    span = 88 * spacing
    pool = Whirlpool(spacing, round(spec.fee * 1e6), 1_300, active, root, tick)
    return with_tick_arrays(
        pool,
        [
            tick_array(at * span, sorted(pair for pair in nets.items() if pair[0] // span == at))
            for at in range(tick // span - ARRAYS, tick // span + ARRAYS + 1)
        ],
    )


def _dlmm(spec: Spec, price: float) -> DlmmPool:
    """The same amount in each of the bins on either side of the price."""
    step = 5 if spec.fee < 0.001 else 20
    active = round(math.log(price) / math.log1p(step / 1e4))
    low = price / (1 + step / 1e4) ** active  # the grid is laid through the price, or pools would round it
    held = spec.depth_atoms * 4 / BINS
    arrays = []
    for index in range((active - BINS) // 70, (active + BINS) // 70 + 1):
        bins = []
        for number in range(70 * index, 70 * index + 70):
            rate = low * (1 + step / 1e4) ** number
            above, below = active <= number <= active + BINS, active - BINS <= number <= active
            bins.append(Bin(int(held) * above, int(held * rate) * below, int(rate * 2**64)))
        arrays.append(BinArray(index, tuple(bins)))
    fees = FeeParameters(step, max(1, round(spec.fee * 1e8 / step)), 0, 20_000, 350_000, 30, 600, 5_000)
    key = bytes(32)
    bitmap = sum(1 << array.index + 512 for array in arrays)
    return with_arrays(
        DlmmPool(key, key, key, False, fees, Volatility(0, 0, active, 0), active, bitmap, None, {}), arrays
    )


def worths(random: Random, tokens: int) -> dict[str, float]:
    """What an atom of each token is worth in lamports, the hubs first; the first that `specs` draws."""
    return HUBS | {f"T{number}": 10 ** random.uniform(-2, 1.5) for number in range(tokens - len(HUBS))}


def specs(random: Random, tokens: int, pools: int, hub_pools: int, *, arbitraged: bool) -> list[Spec]:
    """`hub_pools` pools between hubs, then the others: a token's pools are mostly with SOL, some with other tokens."""
    names = list(HUBS)
    worth = worths(random, tokens)
    leaves = list(worth)[len(HUBS) :]
    of_hubs = list(combinations(names, 2))
    pairs = [of_hubs[number % len(of_hubs)] for number in range(hub_pools)]
    while len(pairs) < pools:
        leaf = leaves[len(pairs) % len(leaves)] if len(pairs) < 2 * len(leaves) else random.choice(leaves)
        with_leaf = random.random() < 0.08
        other = random.choice(leaves) if with_leaf else random.choices(names, (60, 25, 9, 6))[0]
        if other != leaf:
            pairs.append((leaf, other))
    return [
        _spec(random, pair, worth, 3e12 if number < hub_pools else 5e10, arbitraged)
        for number, pair in enumerate(pairs)
    ]


def _spec(random: Random, pair: tuple[str, str], worth: dict[str, float], median: float, arbitraged: bool) -> Spec:
    token_0, token_1 = random.sample(pair, 2)
    fee = round(10 ** random.uniform(-4, -2), 6)
    noise = random.gauss(0.0, 0.004)
    if arbitraged:
        noise = max(-0.999 * fee, min(0.999 * fee, noise))
    kind = random.choices(KINDS, SHARES)[0]
    depth = random.lognormvariate(math.log(median), 1.5) / worth[token_0]
    return Spec(kind, token_0, token_1, worth[token_0] / worth[token_1], depth, fee, noise)


def shocks(
    random: Random, made: list[Spec], hub_pools: int, count: int, large_share: float = LARGE_SHARE
) -> Iterator[tuple[int, float]]:
    """Which pool a trade moves and where to: every other one is between hubs."""
    for number in range(count):
        at = random.randrange(hub_pools) if number % 2 == 0 else random.randrange(hub_pools, len(made))
        yield at, made[at].noise + random.gauss(0.0, LARGE if random.random() < large_share else SMALL)
