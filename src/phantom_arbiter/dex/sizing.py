"""How much to put through a cycle of any pools: the optimum in floats, then exact integers around it.

Every amount returned is what the pools' own integer maths pay, hop by hop; the input never exceeds the limit.
"""

import math
from collections.abc import Sequence
from typing import Final

import msgspec

from phantom_arbiter.dex import constant_product, raydium_cpmm
from phantom_arbiter.dex.constant_product import ConstantProductPool
from phantom_arbiter.dex.pool import Segment, SwapQuote, SwapRefusal
from phantom_arbiter.dex.pools import Moment, PoolState, quote, segments
from phantom_arbiter.dex.raydium_cpmm import CpmmPool

FINE_ATOMS: Final = 1 << 24
"""Where no amount of a cycle is below this, an atom of any is too little to search for: the input is only trimmed."""
MAX_STEPS: Final = 24
LAST_REACH: Final = 4
"""How many steps to either side are tried at the end: rounding makes the profit uneven from atom to atom."""
SHRINKS: Final = (40, 30, 20, 10)
"""Where the first input is refused, it is tried again less 2^-40 … 2^-10 of itself: an optimum where the liquidity
ends lies, in floats, a few atoms to either side of the end."""
MAX_TRIM_QUOTES: Final = 48
TRIM_SHIFT: Final = 30
"""Spare input is looked for down to 2^-30 of the input where there is no closed form."""

PoolHop = tuple[PoolState, bool]
"""A pool and whether its token 0 is sold."""


class SizedCycle(msgspec.Struct, frozen=True, gc=False):
    """Exact quotes of every hop; each hop's input is the output of the one before (less where the pool takes less)."""

    quotes: tuple[SwapQuote, ...]

    @property
    def amount_in_atoms(self) -> int:
        """Input of the first hop."""
        return self.quotes[0].amount_in_atoms

    @property
    def amount_out_atoms(self) -> int:
        """Output of the last hop, in the same token as the input."""
        return self.quotes[-1].amount_out_atoms

    @property
    def profit_atoms(self) -> int:
        """Output less input, before any cost of the transaction; negative for a loss."""
        return self.amount_out_atoms - self.amount_in_atoms


class _Place:
    """How far a march has come on one hop's curve."""

    def __init__(self, curve: tuple[Segment, ...]) -> None:
        self.curve = curve
        self.index = 0
        self.used = 0.0

    def ended(self) -> bool:
        return self.index == len(self.curve)

    def advance(self, amount_in: float, *, to_end: bool) -> None:
        self.used += amount_in
        if to_end:
            self.index, self.used = self.index + 1, 0.0


def paying_segments(hop: PoolHop, moment: Moment, most: int | None = None) -> tuple[Segment, ...]:
    """The hop's segments, all or the first ``most``, without those that hold or pay nothing (the fee takes all)."""
    pool, zero_for_one = hop
    curve = segments(pool, zero_for_one, moment, most)
    return tuple([part for part in curve if part.capacity_atoms > 0.0 and part.a > 0.0 and part.b > 0.0])


def optimal_input(hops: Sequence[PoolHop], moment: Moment) -> float:
    """The input in atoms with the largest profit, 0.0 where none gains.

    Marches along the hops' segments together: on each stretch all hops are a·x/(b + c·x), which compose to
    (a₁a₂, b₁b₂, b₂c₁ + c₂a₁), so that its optimum is x* = (√(ab) − b)/c (reference/solana-and-dex.md §4). Where that
    lies beyond the stretch, the segment that ends first is left behind. One segment each is the closed form.
    """
    places = [_Place(paying_segments(hop, moment)) for hop in hops]
    total = 0.0
    while not any(place.ended() for place in places):
        inputs, best, room, first_to_end = _stretch(places)
        if best <= room:
            return total + best
        total += room
        for number, (place, (a, b, c)) in enumerate(zip(places, inputs, strict=True)):
            place.advance(a * room / (b + c * room), to_end=number == first_to_end)
    return total


def _stretch(places: list[_Place]) -> tuple[list[tuple[float, float, float]], float, float, int]:
    """From here on: each hop's input as a form of the cycle's, the cycle's best input, how far all segments last,
    and the hop whose segment ends first."""
    a, b, c = 1.0, 1.0, 0.0
    inputs, room, first_to_end = [], math.inf, 0
    for number, place in enumerate(places):
        segment = place.curve[place.index]
        inputs.append((a, b, c))
        left = segment.capacity_atoms - place.used
        if a > c * left and left * b / (a - c * left) < room:
            room, first_to_end = max(0.0, left * b / (a - c * left)), number
        base = segment.b + segment.c * place.used
        a, b, c = a * segment.a * (segment.b / base), b * base, base * c + segment.c * a
    if a <= b:
        return inputs, 0.0, room, first_to_end
    return inputs, (math.sqrt(a * b) - b) / c if c > 0.0 else math.inf, room, first_to_end


def quote_cycle(hops: Sequence[PoolHop], amount_in_atoms: int, moment: Moment) -> SizedCycle | SwapRefusal:
    """The exact quotes of ``amount_in_atoms`` through all hops, or the first hop's refusal.

    Every hop is quoted on the state given: the pools of ``hops`` must differ.
    """
    quotes: list[SwapQuote] = []
    amount = amount_in_atoms
    for pool, zero_for_one in hops:
        answer = quote(pool, amount, zero_for_one, moment)
        if isinstance(answer, SwapRefusal):
            return answer
        if answer.amount_out_atoms == 0:
            return SwapRefusal(f"hop {len(quotes) + 1} pays nothing for {amount} atoms")
        quotes.append(answer)
        amount = answer.amount_out_atoms
    return SizedCycle(tuple(quotes))


def size_cycle(hops: Sequence[PoolHop], limit_atoms: int, moment: Moment) -> SizedCycle | SwapRefusal:
    """The most profitable exact cycle found around the floats' optimum, input ≤ ``limit_atoms``.

    Where an amount is coarse, the search steps by the input that moves it by an atom (its rounding shapes the profit),
    for at most ``MAX_STEPS`` rounds. The input is trimmed to the least that pays as much. Refused where
    the floats find no gain or their input pays nothing out; where rounding eats the gain, the profit returned is
    negative.
    """
    return size_near(hops, optimal_input(hops, moment), limit_atoms, moment)


def size_near(
    hops: Sequence[PoolHop], optimum_atoms: float, limit_atoms: int, moment: Moment
) -> SizedCycle | SwapRefusal:
    """`size_cycle` where the floats' optimum is known."""
    best = _first(hops, min(int(optimum_atoms), limit_atoms), moment)
    if isinstance(best, SwapRefusal):
        return best
    start = best.amount_in_atoms
    coarsest = min(start, *(answer.amount_out_atoms for answer in best.quotes))
    if coarsest >= FINE_ATOMS:
        return _trimmed(hops, best, moment)
    finest = max(-(-start // coarsest), start >> 16)  # the profit is flat there: a step of 2^-16 costs 2^-32 of it
    step = max(finest, start >> 6)
    for _ in range(MAX_STEPS):
        last = step == finest
        better = _best_near(hops, best, step, limit_atoms, moment, last=last)
        if better is best and last:
            break
        if better is best:
            step = max(finest, step >> 2)
        best = better
    return best


def _first(hops: Sequence[PoolHop], amount_atoms: int, moment: Moment) -> SizedCycle | SwapRefusal:
    """The cycle at that input, or a little less where the pools end before it."""
    found = quote_cycle(hops, amount_atoms, moment)
    for amount in _a_little_less(amount_atoms):
        if isinstance(found, SizedCycle):
            break
        found = quote_cycle(hops, amount, moment)
    return found


def _a_little_less(amount_atoms: int) -> list[int]:
    return [amount_atoms - max(1, amount_atoms >> shift) for shift in SHRINKS] if amount_atoms > 1 else []


def quote_or_less(hop: PoolHop, amount_atoms: int, moment: Moment) -> SwapQuote | SwapRefusal:
    """The quote of that input, or of a little less where the pool ends before it; a refusal where none pays out."""
    found = _first((hop,), amount_atoms, moment)
    return found if isinstance(found, SwapRefusal) else found.quotes[0]


def _best_near(
    hops: Sequence[PoolHop], best: SizedCycle, step: int, limit_atoms: int, moment: Moment, *, last: bool
) -> SizedCycle:
    """The best of ``best`` and its neighbours a step away; in the last rounds more of them, each trimmed."""
    centre = best.amount_in_atoms
    reach = step * (LAST_REACH if last else 1)
    for amount in range(max(1, centre - reach), min(limit_atoms, centre + reach) + 1, step):
        tried = quote_cycle(hops, amount, moment)
        if isinstance(tried, SwapRefusal):
            continue
        if last:
            tried = _trimmed(hops, tried, moment)
        if tried.profit_atoms > best.profit_atoms:
            best = tried
    return best


def _trimmed(hops: Sequence[PoolHop], sized: SizedCycle, moment: Moment) -> SizedCycle:
    """The same output for the least input: no hop is paid for what rounding takes away."""
    needed = sized.amount_out_atoms
    for hop, answer in zip(reversed(hops), reversed(sized.quotes), strict=True):
        needed = least_input(hop, answer, needed, moment).amount_in_atoms
    found = quote_cycle(hops, needed, moment)
    return found if isinstance(found, SizedCycle) and found.profit_atoms > sized.profit_atoms else sized


def least_input(hop: PoolHop, enough: SwapQuote, wanted_out_atoms: int, moment: Moment) -> SwapQuote:
    """The quote of the smallest input that pays at least ``wanted_out_atoms``, which ``enough`` does.

    Constant product: the closed form. Others: ever longer steps down from ``enough``, then halving, to an atom or 2^-30
    of the input; at most ``MAX_TRIM_QUOTES`` quotes in all. The answer always pays enough.
    """
    pool, zero_for_one = hop
    if isinstance(pool, ConstantProductPool | CpmmPool):
        if isinstance(pool, CpmmPool):
            amount = raydium_cpmm.amount_in_for(pool, wanted_out_atoms, zero_for_one)
        else:
            amount = constant_product.amount_in_for(pool, wanted_out_atoms, zero_for_one)
        found = amount if isinstance(amount, SwapRefusal) else quote(pool, amount, zero_for_one, moment)
        return found if isinstance(found, SwapQuote) and found.amount_out_atoms >= wanted_out_atoms else enough
    spare = enough.amount_out_atoms - wanted_out_atoms + 1
    finest = max(1, enough.amount_in_atoms >> TRIM_SHIFT)
    step = max(finest, spare * enough.amount_in_atoms // enough.amount_out_atoms)
    too_little, galloping = 0, True
    for _ in range(MAX_TRIM_QUOTES):
        between = enough.amount_in_atoms - too_little
        if between <= finest:
            break
        amount = enough.amount_in_atoms - (min(step, between - 1) if galloping else between // 2)
        found = quote(pool, amount, zero_for_one, moment)
        if isinstance(found, SwapQuote) and found.amount_out_atoms >= wanted_out_atoms:
            enough, step = found, 2 * step
        else:
            too_little, galloping = amount, False
    return enough
