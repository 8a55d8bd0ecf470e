"""Orca Whirlpool: concentrated liquidity between ticks, as the program swaps an exact input without a price limit.

Verified: program (the binaries under both ids), by swaps in both directions across ticks and up to the end of the tick
arrays; with an adaptive fee (`whirlpool_adaptive_fee`) too, on the immutable one. Transfer fees of Token-2022 mints are
outside of this module: the amounts here are what the pool receives and sends.

A swap sees three tick arrays of 88 ticks each, in its direction, from the one that the current tick is in (for B → A:
the one that holds the next usable tick). If it would leave them it is refused. It may end early only at the lowest or
highest price of all: then ``amount_in_atoms`` of the quote is what the program takes, less than what was offered.

In each step between two ticks, or borders of tick groups (L liquidity, √P Q64.64), with
``net`` = ⌊remaining·(10⁶ − fee) / 10⁶⌋:

    A → B  √P' = ⌈L·2⁶⁴·√P / (L·2⁶⁴ + net·√P)⌉   in = ⌈L·2⁶⁴·(√P − √P') / (√P·√P')⌉   out = ⌊L·(√P − √P') / 2⁶⁴⌋
    B → A  √P' = √P + ⌊net·2⁶⁴ / L⌋   in = ⌈L·(√P' − √P) / 2⁶⁴⌉   out = ⌊L·2⁶⁴·(√P' − √P) / (√P·√P')⌋

The fee is ⌈in·fee / (10⁶ − fee)⌉ in a step that reaches its tick, else all that remains.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import chain, islice

from msgspec import Struct
from msgspec.structs import replace

from phantom_arbiter.core.units import BPS, MAX_U64
from phantom_arbiter.dex import whirlpool_adaptive_fee
from phantom_arbiter.dex.pool import Segment, SwapQuote, SwapRefusal
from phantom_arbiter.dex.tick_math import (
    MAX_SQRT_PRICE_X64,
    MAX_TICK,
    MIN_SQRT_PRICE_X64,
    MIN_TICK,
    Q64,
    sqrt_price_at_tick,
    tick_at_sqrt_price,
)
from phantom_arbiter.dex.whirlpool_adaptive_fee import AdaptiveFee, Stop, TickStop

TICKS_PER_ARRAY = 88
ARRAYS_PER_SWAP = 3
MAX_FEE_PPM = 60_000
MAX_PROTOCOL_FEE_BPS = 2_500
PPM = 1_000_000
MAX_U128 = (1 << 128) - 1
_U192 = 1 << 192


class TickArray(Struct, frozen=True, gc=False):
    """The initialized ticks of one array, ascending, each with its price and the liquidity that it adds upwards.

    An array whose account does not exist yet has no ticks; the program swaps through it.
    """

    start_tick: int
    ticks: tuple[int, ...] = ()
    sqrt_prices_x64: tuple[int, ...] = ()
    liquidity_nets: tuple[int, ...] = ()


class KnownTicks(Struct, frozen=True, gc=False):
    """The initialized ticks of all arrays that are known, joined in ascending order."""

    starts: frozenset[int] = frozenset()
    ticks: tuple[int, ...] = ()
    sqrt_prices_x64: tuple[int, ...] = ()
    liquidity_nets: tuple[int, ...] = ()


class Whirlpool(Struct, frozen=True, gc=False):
    """A pool of tokens A and B; ``sqrt_price_x64`` is the root of B atoms for one atom of A. A swap of A is 0 → 1.

    ``fee_ppm``, and more with an adaptive fee, is taken from the input; ``protocol_fee_bps`` of that is owed to the
    protocol, the rest to positions. ``tick`` is the one at or below the price, or one less after a swap that went down
    onto an initialized tick.
    """

    tick_spacing: int
    fee_ppm: int
    protocol_fee_bps: int
    liquidity: int
    sqrt_price_x64: int
    tick: int
    protocol_fee_owed_a_atoms: int = 0
    protocol_fee_owed_b_atoms: int = 0
    known: KnownTicks = KnownTicks()
    adaptive_fee: AdaptiveFee | None = None


class _Swap(Struct, frozen=True, gc=False):
    """What a swap moved; ``tick`` is None where the price stopped between two ticks of the path. ``group`` is the tick
    group of the last step."""

    in_atoms: int
    out_atoms: int
    fee_atoms: int
    protocol_fee_atoms: int
    crossed: int
    sqrt_price_x64: int
    liquidity: int
    tick: int | None
    group: int


def tick_array(start_tick: int, ticks: Iterable[tuple[int, int]]) -> TickArray:
    """An array from its initialized ticks, ascending: (tick, liquidity_net). ValueError for a tick out of range."""
    pairs = tuple(ticks)
    return TickArray(
        start_tick,
        tuple(tick for tick, _ in pairs),
        tuple(sqrt_price_at_tick(tick) for tick, _ in pairs),
        tuple(net for _, net in pairs),
    )


def with_tick_arrays(pool: Whirlpool, arrays: Iterable[TickArray]) -> Whirlpool:
    """The pool knowing these arrays and no others.

    Raises ValueError for an array that no pool of this tick spacing has, for ticks that it cannot hold, or for one
    array given twice.
    """
    spacing, span = pool.tick_spacing, pool.tick_spacing * TICKS_PER_ARRAY
    ordered = sorted(arrays, key=lambda array: array.start_tick)
    for array in ordered:
        start = array.start_tick
        if start % span or not MIN_TICK - span < start <= MAX_TICK:
            raise ValueError(f"start_tick is {start}, expected a multiple of {span} within ±{MAX_TICK}")
        if any(not start <= tick < start + span or tick % spacing for tick in array.ticks):
            raise ValueError(f"array {start} has ticks {array.ticks}, expected multiples of {spacing} inside of it")
        if any(low >= high for low, high in zip(array.ticks, array.ticks[1:], strict=False)):
            raise ValueError(f"array {start} has ticks {array.ticks}, expected them ascending")
    starts = frozenset(array.start_tick for array in ordered)
    if len(starts) != len(ordered):
        raise ValueError(f"tick arrays start at {[array.start_tick for array in ordered]}, expected each only once")
    known = KnownTicks(
        starts,
        tuple(chain.from_iterable(array.ticks for array in ordered)),
        tuple(chain.from_iterable(array.sqrt_prices_x64 for array in ordered)),
        tuple(chain.from_iterable(array.liquidity_nets for array in ordered)),
    )
    return replace(pool, known=known)


def first_array(pool: Whirlpool, zero_for_one: bool) -> int:
    """Start tick of the array that a swap begins in; it needs this one and up to two further in its direction."""
    span = pool.tick_spacing * TICKS_PER_ARRAY
    start = pool.tick // span * span
    if not zero_for_one and pool.tick + pool.tick_spacing >= start + span:
        return start + span
    return start


def _last_array(pool: Whirlpool, first: int, zero_for_one: bool) -> int:
    span = pool.tick_spacing * TICKS_PER_ARRAY
    step, last = -span if zero_for_one else span, first
    for _ in range(ARRAYS_PER_SWAP - 1):
        if last + step not in pool.known.starts:
            break
        last += step
    return last


def _stops(pool: Whirlpool, zero_for_one: bool) -> Iterator[TickStop]:
    """The path of a swap, at the base fee: initialized ticks, at last the end of its arrays.

    Nothing if the first array is unknown.
    """
    known, first, fee_ppm = pool.known, first_array(pool, zero_for_one), pool.fee_ppm
    if first not in known.starts:
        return
    last = _last_array(pool, first, zero_for_one)
    above = bisect_right(known.ticks, pool.tick)
    if zero_for_one:
        for index in range(above - 1, -1, -1):
            if known.ticks[index] < last:
                break
            yield known.ticks[index], known.sqrt_prices_x64[index], -known.liquidity_nets[index], fee_ppm, 0
        end = max(last, MIN_TICK)
    else:
        end = last + pool.tick_spacing * TICKS_PER_ARRAY - 1
        final = last + pool.tick_spacing * (TICKS_PER_ARRAY - 1)
        for index in range(above, len(known.ticks)):
            if known.ticks[index] > end:
                break
            yield known.ticks[index], known.sqrt_prices_x64[index], known.liquidity_nets[index], fee_ppm, 0
            if known.ticks[index] == final:  # beyond an array's 88th tick the program wants the next array at once
                return
        end = min(end, MAX_TICK)
    yield end, sqrt_price_at_tick(end), None, fee_ppm, 0


def _path(pool: Whirlpool, zero_for_one: bool, fee: AdaptiveFee | None) -> Iterator[Stop]:
    """The steps that a swap can make; ``fee`` is what `_started` gives."""
    stops = _stops(pool, zero_for_one)
    if fee is None:
        return stops
    cut = whirlpool_adaptive_fee.steps(fee, stops, pool.tick, pool.liquidity, zero_for_one)
    return islice(cut, whirlpool_adaptive_fee.MAX_STEPS)


def _started(pool: Whirlpool, unix_time_s: int) -> AdaptiveFee | SwapRefusal | None:
    fee = pool.adaptive_fee
    return None if fee is None else whirlpool_adaptive_fee.started(fee, pool.tick, unix_time_s)


def _step_down(net: int, liquidity: int, price: int, target: int) -> tuple[int, int, int] | None:
    """A → B with ``net`` atoms after the fee: (price reached, in, out); None where the program overflows."""
    product = liquidity * (price - target)
    if product >= _U192:
        return None
    reached = target
    amount_in = -(-(product << 64) // (price * target))
    if amount_in > net:
        if net and liquidity * price >= _U192:
            return None
        reached = -(-(liquidity * price << 64) // ((liquidity << 64) + price * net)) if net else price
        if reached != target:
            amount_in = -(-(liquidity * (price - reached) << 64) // (price * reached))
    return reached, amount_in, liquidity * (price - reached) >> 64


def _step_up(net: int, liquidity: int, price: int, target: int) -> tuple[int, int, int] | None:
    """B → A with ``net`` atoms after the fee: (price reached, in, out); None where the program overflows."""
    reached = target
    amount_in = -(-liquidity * (target - price) >> 64)
    if amount_in > net:
        reached = price + (net << 64) // liquidity
        if reached != target:
            amount_in = -(-liquidity * (reached - price) >> 64)
    product = liquidity * (reached - price)
    if product >= _U192:
        return None
    return reached, amount_in, (product << 64) // (price * reached)


def _overflow(what: str) -> SwapRefusal:
    return SwapRefusal(f"{what} is beyond the program's numbers")


def _march(
    pool: Whirlpool, amount_in_atoms: int, zero_for_one: bool, fee_now: AdaptiveFee | None
) -> _Swap | SwapRefusal:
    step, limit = (_step_down, MIN_SQRT_PRICE_X64) if zero_for_one else (_step_up, MAX_SQRT_PRICE_X64)
    remaining, price, liquidity = amount_in_atoms, pool.sqrt_price_x64, pool.liquidity
    protocol_fee_bps = pool.protocol_fee_bps
    tick: int | None = pool.tick
    out = fees = protocol_fees = crossed = group = 0
    for stop, target, gained, fee_ppm, group in _path(pool, zero_for_one, fee_now):  # noqa: B007
        kept_ppm = PPM - fee_ppm
        moved = step(remaining * kept_ppm // PPM, liquidity, price, target)
        if moved is None or moved[1] > MAX_U64 or moved[2] > MAX_U64:
            return _overflow("an amount of a step")
        reached, step_in, step_out = moved
        at_stop = reached == target
        fee = -(-step_in * fee_ppm // kept_ppm) if at_stop else remaining - step_in
        remaining -= step_in + fee
        if remaining < 0 or fee < 0:
            return _overflow("what remains of the input")
        out += step_out
        fees += fee
        protocol_fees += fee * protocol_fee_bps // BPS
        if at_stop and stop is not None:
            tick = stop - 1 if zero_for_one else stop
            if gained is not None:
                liquidity += gained
                crossed += 1
                if not 0 <= liquidity <= MAX_U128:
                    return _overflow(f"liquidity beyond tick {stop}")
        elif reached != price:
            tick = None
            crossed += at_stop
        price = reached
        if not remaining or price == limit:
            break
    if remaining and price != limit:
        ends = "known tick arrays" if fee_now is None else "known tick arrays or the steps of one transaction"
        return SwapRefusal(f"the {ends} end before the input does: {remaining} atoms remain")
    if out > MAX_U64:
        return _overflow("the output")
    return _Swap(amount_in_atoms - remaining, out, fees, protocol_fees, crossed, price, liquidity, tick, group)


def _swap(
    pool: Whirlpool, amount_in_atoms: int, zero_for_one: bool, fee_now: AdaptiveFee | SwapRefusal | None
) -> _Swap | SwapRefusal:
    """``fee_now`` is what `_started` gives."""
    if not 0 < amount_in_atoms <= MAX_U64:
        return SwapRefusal(f"amount_in_atoms is {amount_in_atoms}, expected 1 to 2^64 - 1")
    if pool.sqrt_price_x64 == (MIN_SQRT_PRICE_X64 if zero_for_one else MAX_SQRT_PRICE_X64):
        return SwapRefusal("the price is at the end of the range")
    first = first_array(pool, zero_for_one)
    if first not in pool.known.starts:
        return SwapRefusal(f"the tick array that starts at {first} is not known")
    if isinstance(fee_now, SwapRefusal):
        return fee_now
    return _march(pool, amount_in_atoms, zero_for_one, fee_now)


def quote(pool: Whirlpool, amount_in_atoms: int, zero_for_one: bool, unix_time_s: int = 0) -> SwapQuote | SwapRefusal:
    """The program's exact answer to a swap of ``amount_in_atoms`` (A → B if ``zero_for_one``).

    ``amount_in_atoms`` of the answer is smaller than what was offered only where the range of prices ends. Only an
    adaptive fee reads the time; its borders between tick groups count as crossed, too.
    """
    swap = _swap(pool, amount_in_atoms, zero_for_one, _started(pool, unix_time_s))
    if isinstance(swap, SwapRefusal):
        return swap
    return SwapQuote(swap.in_atoms, swap.out_atoms, swap.fee_atoms, 0, swap.crossed)


def apply(pool: Whirlpool, swap: SwapQuote, zero_for_one: bool, unix_time_s: int = 0) -> Whirlpool:
    """The pool after the swap. Raises ValueError if the quote was made for another state.

    The ticks stay as they are: a swap changes only what they keep of fees and rewards, which no quote needs. Where the
    range of prices ended the swap, the price stays at the last liquidity; the program's goes on to the end.
    """
    if swap.amount_in_atoms == swap.amount_out_atoms == 0:  # no liquidity from here to the end
        return pool
    fee_now = _started(pool, unix_time_s)
    moved = _swap(pool, swap.amount_in_atoms, zero_for_one, fee_now)
    if isinstance(moved, SwapRefusal):
        raise ValueError(f"swap: got a quote that this pool refuses ({moved.reason}), expected one made for it")
    if (moved.in_atoms, moved.out_atoms) != (swap.amount_in_atoms, swap.amount_out_atoms):
        raise ValueError(f"swap: got {swap.amount_out_atoms} atoms out, expected {moved.out_atoms} for this pool")
    prices = pool.sqrt_price_x64, moved.sqrt_price_x64
    return replace(
        pool,
        liquidity=moved.liquidity,
        sqrt_price_x64=moved.sqrt_price_x64,
        tick=tick_at_sqrt_price(moved.sqrt_price_x64) if moved.tick is None else moved.tick,
        protocol_fee_owed_a_atoms=pool.protocol_fee_owed_a_atoms + zero_for_one * moved.protocol_fee_atoms,
        protocol_fee_owed_b_atoms=pool.protocol_fee_owed_b_atoms + (not zero_for_one) * moved.protocol_fee_atoms,
        adaptive_fee=whirlpool_adaptive_fee.finished(fee_now, *prices, moved.group, zero_for_one, unix_time_s)
        if isinstance(fee_now, AdaptiveFee)
        else None,
    )


def first_fee_ppm(pool: Whirlpool, unix_time_s: int) -> int:
    """What a small swap pays now, in millionths of its input; the base fee where none is answered."""
    fee_now = _started(pool, unix_time_s)
    if not isinstance(fee_now, AdaptiveFee):
        return pool.fee_ppm
    return whirlpool_adaptive_fee.fee_ppm_in(fee_now, pool.tick // fee_now.tick_group_size, pool.fee_ppm)


def segments(pool: Whirlpool, zero_for_one: bool, most: int | None = None, unix_time_s: int = 0) -> tuple[Segment, ...]:
    """One segment for each stretch of constant liquidity and fee ahead, as far as the known arrays of one swap reach;
    the first ``most`` (None: all).

    With g = 1 − fee and s the root price: A → B answers g·s²·x / (1 + g·s/L·x), B → A answers g·x / (s² + g·s/L·x).
    """
    fee_now = _started(pool, unix_time_s)
    if isinstance(fee_now, SwapRefusal):
        return ()
    found: list[Segment] = []
    price, liquidity = pool.sqrt_price_x64, pool.liquidity
    for _, target, gained, fee_ppm, _ in _path(pool, zero_for_one, fee_now):
        if liquidity and price != target:
            root, kept = price / Q64, 1.0 - fee_ppm / PPM
            product = liquidity * abs(target - price)
            slope = kept * root / liquidity
            if zero_for_one:
                found.append(Segment((product << 64) / (price * target) / kept, kept * root * root, 1.0, slope))
            else:
                found.append(Segment(product / Q64 / kept, kept, root * root, slope))
            if len(found) == most:
                break
        price, liquidity = target, liquidity + (gained or 0)
    return tuple(found)
