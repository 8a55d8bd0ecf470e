"""How much to put through a cycle: the closed form in floats, then exact integers around it.

Every amount returned is what the pools' own integer maths pay, hop by hop; the input never exceeds the limit.
"""

import math
from collections.abc import Sequence

import msgspec

from phantom_arbiter.dex.constant_product import ConstantProductPool, amount_in_for, quote, reserves
from phantom_arbiter.dex.pool import SwapQuote, SwapRefusal

MAX_STEPS = 24
LAST_REACH = 4
"""How many steps to either side are tried at the end: rounding makes the profit uneven from atom to atom."""

PoolHop = tuple[ConstantProductPool, bool]
"""A pool and whether its token 0 is sold."""


class SizedCycle(msgspec.Struct, frozen=True, gc=False):
    """Exact quotes of every hop; each hop's input is the output of the one before."""

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


def optimal_input(hops: Sequence[PoolHop]) -> float:
    """The input in atoms with the largest profit, 0.0 where none gains: x* = (√(ab) − b)/c.

    A hop pays a·x/(b + c·x) with a = γ·reserve_out, b = reserve_in, c = γ; hops compose to
    (a₁a₂, b₁b₂, b₂c₁ + c₂a₁) (reference/solana-and-dex.md §4).
    """
    a, b, c = 1.0, 1.0, 0.0
    for pool, zero_for_one in hops:
        reserve_in, reserve_out = reserves(pool, zero_for_one)
        keep = 1.0 - pool.fee_numerator / pool.fee_denominator
        a, b, c = a * keep * reserve_out, b * reserve_in, reserve_in * c + keep * a
    return (math.sqrt(a * b) - b) / c if a > b > 0.0 else 0.0


def quote_cycle(hops: Sequence[PoolHop], amount_in_atoms: int) -> SizedCycle | SwapRefusal:
    """The exact quotes of `amount_in_atoms` through all hops, or the first hop's refusal.

    Every hop is quoted on the state given: the pools of `hops` must differ.
    """
    quotes = []
    amount = amount_in_atoms
    for pool, zero_for_one in hops:
        answer = quote(pool, amount, zero_for_one)
        if isinstance(answer, SwapRefusal):
            return answer
        quotes.append(answer)
        amount = answer.amount_out_atoms
    return SizedCycle(tuple(quotes))


def size_cycle(hops: Sequence[PoolHop], limit_atoms: int) -> SizedCycle | SwapRefusal:
    """The most profitable exact cycle found around the closed form's optimum, input ≤ `limit_atoms`.

    The search steps in the amount that has the fewest atoms (its rounding shapes the profit), for at most
    `MAX_STEPS` steps. Refused where the closed form finds no gain or its input pays nothing out;
    where rounding eats the gain, the profit returned is negative.
    """
    start = min(int(optimal_input(hops)), limit_atoms)
    first = quote_cycle(hops, start)
    if isinstance(first, SwapRefusal):
        return first
    amounts = [first.amount_in_atoms, *(q.amount_out_atoms for q in first.quotes)]
    coarsest = amounts.index(min(amounts))
    at = centre = amounts[coarsest]
    best = _around(hops, coarsest, at, limit_atoms) or first
    finest = max(1, at >> 16)  # profit is flat at the optimum: a step of 2^-16 costs 2^-32 of it
    step = max(finest, at >> 6)
    for _ in range(MAX_STEPS):
        better = best
        reach = step if step > finest else LAST_REACH * finest
        for there in range(at - reach, at + reach + 1, step):
            tried = _around(hops, coarsest, there, limit_atoms) if there != at else None
            if tried is not None and tried.profit_atoms > better.profit_atoms:
                better, centre = tried, there
        if better is not best:
            best, at = better, centre
        elif step == finest:
            break
        else:
            step = max(finest, step >> 2)
    return best


def _around(hops: Sequence[PoolHop], at: int, amount_atoms: int, limit_atoms: int) -> SizedCycle | None:
    """The cycle that brings `amount_atoms` to hop `at` for the least input, or None."""
    start = _input_for(hops[:at], amount_atoms)
    if start is None or start > limit_atoms:
        return None
    sized = quote_cycle(hops, start)
    return sized if isinstance(sized, SizedCycle) else None


def _input_for(hops: Sequence[PoolHop], amount_out_atoms: int) -> int | None:
    """The smallest input whose quotes pay at least `amount_out_atoms` at the end, or None."""
    needed = amount_out_atoms
    for pool, zero_for_one in reversed(hops):
        answer = amount_in_for(pool, needed, zero_for_one)
        if isinstance(answer, SwapRefusal):
            return None
        needed = answer
    return needed if needed > 0 else None
