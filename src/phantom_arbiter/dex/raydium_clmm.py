"""Raydium CLMM (concentrated liquidity) in the program's own integers: quote, the state after it, and its segments.

Verified: program. The binary of 2024-11 paid every measured swap to the unit. The program's source of 2026-07 does the
same steps for a pool without a dynamic fee, with the fee on the input and without limit orders. Those three have no
vectors: `raydium_clmm_accounts` refuses a pool with one of the first two, ``quote`` a swap that reaches a tick with
limit orders. Also refused: a swap that leaves the tick arrays given, or the pool's own bitmap of 1,024 arrays; and a
step to a tick that would take more than a u64: the binary fails there, the newer source and the SDK go on.

Not in a pool's accounts, so not in the answer: a Token-2022 mint's transfer fee, and a vault that holds too little.

Prices are square roots of token 1 atoms for one atom of token 0, in Q64.64. Per step between two initialized ticks:

    net in = floor(remaining · (10⁶ − fee) / 10⁶);   Δ0 = L·(√P_b − √P_a)/(√P_a·√P_b);   Δ1 = L·(√P_b − √P_a)

inputs rounded up, outputs down. A step that ends between ticks takes all that remains: what is not input is fee.
"""

from __future__ import annotations

from bisect import bisect_right
from operator import attrgetter
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from phantom_arbiter.core.units import MAX_U64
from phantom_arbiter.dex.pool import Segment, SwapQuote, SwapRefusal
from phantom_arbiter.dex.tick_math import tick_at_sqrt_price

MIN_TICK: Final = -443_636
MAX_TICK: Final = 443_636
MIN_SQRT_PRICE_X64: Final = 4_295_048_016
MAX_SQRT_PRICE_X64: Final = 79_226_673_521_066_979_257_578_248_091
FEE_DENOMINATOR: Final = 1_000_000
MAX_U128: Final = (1 << 128) - 1
Q64: Final = 1 << 64

# 1.0001^(−2^bit / 2) with 64 fractional bits for bit 0 to 18: the program's constants, coarser than Orca's.
_FACTORS_X64: Final = (
    0xFFFCB933BD6FB800,
    0xFFF97272373D4000,
    0xFFF2E50F5F657000,
    0xFFE5CACA7E10F000,
    0xFFCB9843D60F7000,
    0xFF973B41FA98E800,
    0xFF2EA16466C9B000,
    0xFE5DEE046A9A3800,
    0xFCBE86C7900BB000,
    0xF987A7253AC65800,
    0xF3392B0822BB6000,
    0xE7159475A2CAF000,
    0xD097F3BDFD2F2000,
    0xA9F746462D9F8000,
    0x70D869A156F31C00,
    0x31BE135F97ED3200,
    0x09AA508B5B85A500,
    0x005D6AF8DEDC582C,
    0x00002216E584F5FA,
)


def sqrt_price_at_tick(tick: int) -> int:
    """Q64.64 square root of 1.0001^tick in Raydium's table: each product rounded down, a positive tick by division.

    Raises ValueError outside ±443,636.
    """
    if not MIN_TICK <= tick <= MAX_TICK:
        raise ValueError(f"tick is {tick}, expected {MIN_TICK} to {MAX_TICK}")
    ratio, bits = Q64, abs(tick)
    for factor in _FACTORS_X64:
        if bits & 1:
            ratio = ratio * factor >> 64
        bits >>= 1
    return MAX_U128 // ratio if tick > 0 else ratio


class ClmmTick(Struct, frozen=True, gc=False):
    """An initialized tick. ``liquidity_net`` comes in when the price rises through it and goes out when it falls."""

    index: int
    sqrt_price_x64: int
    liquidity_net: int
    has_limit_orders: bool = False


class ClmmPool(Struct, frozen=True, gc=False):
    """A pool and all its initialized ticks, ascending, in the arrays known without a gap around the price.

    ``fee_rate`` is in 1e-6 of the input. ``end_below`` and ``end_above`` say what lies past the lowest and the highest
    tick: the reason to refuse a swap that gets there.
    """

    fee_rate: int
    liquidity: int
    sqrt_price_x64: int
    tick_current: int
    ticks: tuple[ClmmTick, ...]
    end_below: str
    end_above: str


class _Walk(NamedTuple):
    """Where a swap ends. ``tick`` is None where the price decides."""

    amount_out: int
    fee: int
    crossed: int
    sqrt_price_x64: int
    tick: int | None
    liquidity: int


_INDEX = attrgetter("index")


def _step_down(net_in: int, liquidity: int, price: int, target: int) -> tuple[int, int, int] | None:
    """Token 0 in, ``net_in`` atoms after the fee: (price reached, in, out); None where the program fails."""
    product = liquidity * (price - target)
    amount_in = -(-(product << 64) // (price * target))
    if amount_in > MAX_U64:
        return None
    if amount_in <= net_in:
        return target, amount_in, product >> 64
    shifted = liquidity << 64
    reached = -(-shifted * price // (shifted + net_in * price))
    product = liquidity * (price - reached)
    return reached, -(-(product << 64) // (price * reached)), product >> 64


def _step_up(net_in: int, liquidity: int, price: int, target: int) -> tuple[int, int, int] | None:
    """Token 1 in, ``net_in`` atoms after the fee: (price reached, in, out); None where the program fails."""
    product = liquidity * (target - price)
    amount_in = -(-product >> 64)
    if amount_in > MAX_U64:
        return None
    if amount_in <= net_in:
        return target, amount_in, (product << 64) // (price * target)
    reached = price + (net_in << 64) // liquidity
    product = liquidity * (reached - price)
    return reached, -(-product >> 64), (product << 64) // (price * reached)


def _ahead(pool: ClmmPool, zero_for_one: bool) -> tuple[ClmmTick, ...]:
    """The ticks in the order a swap meets them: down from the current one, or up from the next."""
    split = bisect_right(pool.ticks, pool.tick_current, key=_INDEX)
    return pool.ticks[:split][::-1] if zero_for_one else pool.ticks[split:]


def _obstacle(pool: ClmmPool, amount_in_atoms: int, limit: int, zero_for_one: bool) -> str | None:
    if not 0 < amount_in_atoms <= MAX_U64:
        return f"amount is {amount_in_atoms}, expected 1 to 2^64 - 1"
    price = pool.sqrt_price_x64
    return None if (limit < price if zero_for_one else price < limit) else "the price is at the end of the range"


def _walk(pool: ClmmPool, amount_in_atoms: int, zero_for_one: bool) -> _Walk | str:
    """The swap step by step, or why it fails. Without a limit of the caller's the program sets one just inside of the
    range and refuses what is not filled by then."""
    limit = MIN_SQRT_PRICE_X64 + 1 if zero_for_one else MAX_SQRT_PRICE_X64 - 1
    obstacle = _obstacle(pool, amount_in_atoms, limit, zero_for_one)
    if obstacle is not None:
        return obstacle
    price, liquidity, remaining = pool.sqrt_price_x64, pool.liquidity, amount_in_atoms
    step, fee_rate = _step_down if zero_for_one else _step_up, pool.fee_rate
    kept = FEE_DENOMINATOR - fee_rate
    tick: int | None = pool.tick_current
    out = fees = crossed = 0
    for ahead in _ahead(pool, zero_for_one):
        at_tick = ahead.sqrt_price_x64
        target = max(at_tick, limit) if zero_for_one else min(at_tick, limit)
        if (target > price) if zero_for_one else (target < price):
            return f"tick {ahead.index} is behind the price: the pool's price and its current tick disagree"
        moved = step(remaining * kept // FEE_DENOMINATOR, liquidity, price, target)
        if moved is None or out + moved[2] > MAX_U64:
            return "an amount exceeds u64"
        reached, step_in, step_out = moved
        fee = -(-step_in * fee_rate // kept) if reached == target else remaining - step_in
        remaining -= step_in + fee
        if remaining < 0 or fee < 0:
            return "a step would take more than what remains of the input"
        out += step_out
        fees += fee
        if reached == at_tick:
            if ahead.has_limit_orders:
                return f"tick {ahead.index} holds limit orders, which nothing verifies"
            liquidity += -ahead.liquidity_net if zero_for_one else ahead.liquidity_net
            tick = ahead.index - 1 if zero_for_one else ahead.index
            crossed += 1
            if not 0 <= liquidity <= MAX_U128:
                return f"tick {ahead.index} would leave a liquidity of {liquidity}"
        elif reached != price:
            tick = None
        price = reached
        if remaining == 0:
            break
        if price == limit:
            return "the price reaches the end of the range"
    else:
        return pool.end_below if zero_for_one else pool.end_above
    return _Walk(out, fees, crossed, price, tick, liquidity) if out else "output is zero"


def quote(pool: ClmmPool, amount_in_atoms: int, zero_for_one: bool) -> SwapQuote | SwapRefusal:
    """The exact answer of the program to a swap of ``amount_in_atoms`` (token 0 in if ``zero_for_one``)."""
    walk = _walk(pool, amount_in_atoms, zero_for_one)
    if isinstance(walk, str):
        return SwapRefusal(walk)
    return SwapQuote(amount_in_atoms, walk.amount_out, walk.fee, crossed=walk.crossed)


def apply(pool: ClmmPool, swap: SwapQuote, zero_for_one: bool) -> ClmmPool:
    """The pool after the swap; its fees are owed apart and move no price.

    Raises ValueError if the pool does not give this quote (it was made for another state).
    """
    walk = _walk(pool, swap.amount_in_atoms, zero_for_one)
    if isinstance(walk, str) or walk.amount_out != swap.amount_out_atoms:
        pays = walk if isinstance(walk, str) else f"{walk.amount_out} atoms"
        raise ValueError(f"amount_out_atoms is {swap.amount_out_atoms}, expected this pool's quote: {pays}")
    tick = tick_at_sqrt_price(walk.sqrt_price_x64, sqrt_price_at_tick) if walk.tick is None else walk.tick
    return replace(pool, sqrt_price_x64=walk.sqrt_price_x64, tick_current=tick, liquidity=walk.liquidity)


def segments(pool: ClmmPool, zero_for_one: bool, most: int | None = None) -> tuple[Segment, ...]:
    """One segment for each stretch with liquidity, up to the end of the known ticks or a tick with limit orders; the
    first ``most`` (None: all).

    With s = √P at its start and γ = 1 − fee: token 0 in pays γ·L·s²·x/(L + γ·s·x), token 1 in pays
    γ·L·x/(L·s² + γ·s·x).
    """
    keep = 1.0 - pool.fee_rate / FEE_DENOMINATOR
    found, price, liquidity = [], pool.sqrt_price_x64, pool.liquidity
    for ahead in _ahead(pool, zero_for_one):
        lower, upper = (ahead.sqrt_price_x64, price) if zero_for_one else (price, ahead.sqrt_price_x64)
        if liquidity > 0 and lower < upper:
            root, deep = price / Q64, float(liquidity)
            if zero_for_one:
                net = deep * ((upper - lower) / Q64) / (lower / Q64 * root)
                found.append(Segment(net / keep, keep * deep * root * root, deep, keep * root))
            else:
                net = deep * ((upper - lower) / Q64)
                found.append(Segment(net / keep, keep * deep, deep * root * root, keep * root))
        if ahead.has_limit_orders or len(found) == most:
            break
        price = ahead.sqrt_price_x64
        liquidity += -ahead.liquidity_net if zero_for_one else ahead.liquidity_net
    return tuple(found)
