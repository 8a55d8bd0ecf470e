"""A cycle whose hops may each use several parallel pools of one token pair, within one transaction.

The search over sets of pools is in floats (`split_kernel.py`); the amounts returned are the pools' own integers. A
transaction's legs have fixed inputs, so each stage's inputs are worked out from what the stage before exactly pays.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from phantom_arbiter.dex.pool import Segment, SwapQuote, SwapRefusal
from phantom_arbiter.dex.pools import Moment
from phantom_arbiter.dex.sizing import PoolHop, SizedCycle, least_input, paying_segments, quote_or_less, size_near

MAX_SWAPS: Final = 5
"""What a transaction holds, about."""
MAX_SEGMENTS: Final = 64
"""Of each pool: a split that goes further is undersized, never oversized."""
MAX_POOLS: Final = 8
"""Over all stages; the search tries their subsets."""

Stages = Sequence[Sequence[PoolHop]]
"""For each hop of the cycle its candidate pools; no pool may stand there twice."""


class SplitLeg(msgspec.Struct, frozen=True, gc=False):
    """One swap: the ``pool``-th candidate of the ``stage``-th hop, with its fixed input and what it exactly pays."""

    stage: int
    pool: int
    quote: SwapQuote


class SplitCycle(msgspec.Struct, frozen=True, gc=False):
    """The swaps in stage order. Each stage's inputs sum to what the stage before pays, or less where its pools end."""

    legs: tuple[SplitLeg, ...]

    @property
    def amount_in_atoms(self) -> int:
        """Inputs of the first stage."""
        return sum(leg.quote.amount_in_atoms for leg in self.legs if leg.stage == 0)

    @property
    def amount_out_atoms(self) -> int:
        """Outputs of the last stage, in the same token as the input."""
        return sum(leg.quote.amount_out_atoms for leg in self.legs if leg.stage == self.legs[-1].stage)

    @property
    def profit_atoms(self) -> int:
        """Output less input, before any cost of the transaction; negative for a loss."""
        return self.amount_out_atoms - self.amount_in_atoms


def split_cycle(
    stages: Stages,
    limit_atoms: int,
    moment: Moment,
    *,
    cost_per_swap_atoms: int = 0,
    max_swaps: int = MAX_SWAPS,
    compiled: bool = True,
) -> SplitCycle | SwapRefusal:
    """The best set of at most ``max_swaps`` pools and its exact legs, input ≤ ``limit_atoms``.

    A set is worth its profit less ``cost_per_swap_atoms`` for every swap, in atoms of the base: a further swap must
    earn its keep. Never worth less, roundings aside, than the best cycle of one pool a stage as `size_cycle` sizes it.
    Refused where no set gains. ``compiled=False`` runs the plain-Python twin. Raises ValueError for a stage without
    pools, more stages than swaps, or more than ``MAX_POOLS`` pools.
    """
    if not stages or not all(stages) or len(stages) > max_swaps:
        raise ValueError(f"stages have {[len(stage) for stage in stages]} pools, expected 1 to {max_swaps} with pools")
    hops = [hop for stage in stages for hop in stage]
    if len(hops) > MAX_POOLS:
        raise ValueError(f"stages have {len(hops)} pools, expected at most {MAX_POOLS}")
    together, single = _search(stages, hops, (limit_atoms, max_swaps, cost_per_swap_atoms), moment, compiled=compiled)
    found = []
    if single.any():
        found += _unsplit(stages, single, limit_atoms, moment)
    if (together != single).any():
        found += _exact(stages, together, limit_atoms, moment)
    if not found:
        return SwapRefusal("no set of pools gains")
    return max(found, key=lambda cycle: cycle.profit_atoms - cost_per_swap_atoms * len(cycle.legs))


def _search(
    stages: Stages, hops: list[PoolHop], terms: tuple[int, int, int], moment: Moment, *, compiled: bool
) -> NDArray[np.float64]:
    """Input atoms of every pool, in floats: in the best set, and in the best set of one pool a stage."""
    from phantom_arbiter.dex import split_kernel  # here: importing numba takes half a second

    pieces, piece_start = [], [0]
    for hop in hops:
        pieces += marginal_pieces(paying_segments(hop, moment, MAX_SEGMENTS))
        piece_start.append(len(pieces))
    stage_start = np.cumsum([0, *(len(stage) for stage in stages)], dtype=np.int32)
    amounts, values = np.zeros((2, len(hops))), np.zeros(2)
    search = split_kernel.best_split if compiled else split_kernel.best_split.py_func
    limit_atoms, max_swaps, cost_per_swap_atoms = terms
    search(
        np.array(pieces, np.float64).reshape(-1, 3), np.array(piece_start, np.int32), stage_start,
        float(limit_atoms), max_swaps, float(cost_per_swap_atoms), amounts, values,
    )  # fmt: skip
    return amounts


def marginal_pieces(curve: Iterable[Segment]) -> list[tuple[float, float, float]]:
    """The curve as `split_kernel` describes it, held to marginal prices that never improve."""
    found, last = [], 0.0
    for segment in curve:
        start = max(last, math.sqrt(segment.b / segment.a))
        weight = math.sqrt(segment.a * segment.b) / segment.c if segment.c > 0.0 else math.inf
        end = start + segment.capacity_atoms / weight
        found.append((start, end, weight) if end > start else (start, start, segment.capacity_atoms))
        last = end
    return found


def _unsplit(stages: Stages, amounts: NDArray[np.float64], limit_atoms: int, moment: Moment) -> list[SplitCycle]:
    """The best cycle of one pool a stage, exactly; nothing where it is refused."""
    shares = [stage[0] for stage in _shares(stages, amounts)]
    places = [at for at, _ in shares]
    hops = [stage[at] for stage, at in zip(stages, places, strict=True)]
    sized = size_near(hops, shares[0][1], limit_atoms, moment)
    if not isinstance(sized, SizedCycle):
        return []
    legs = enumerate(zip(places, sized.quotes, strict=True))
    return [SplitCycle(tuple(SplitLeg(stage, at, answer) for stage, (at, answer) in legs))]


def _shares(stages: Stages, amounts: NDArray[np.float64]) -> list[list[tuple[int, float]]]:
    """For each stage the pools in use, with their inputs in floats."""
    ends = np.cumsum([0, *(len(stage) for stage in stages)])
    parts = [amounts[first:last].tolist() for first, last in pairwise(ends)]
    return [[(at, amount) for at, amount in enumerate(part) if amount > 0.0] for part in parts]


def _exact(stages: Stages, amounts: NDArray[np.float64], limit_atoms: int, moment: Moment) -> list[SplitCycle]:
    """The split in integers, trimmed; nothing where a pool refuses its share."""
    legs: list[SplitLeg] = []
    shares = _shares(stages, amounts)
    total = min(limit_atoms, int(sum(amount for _, amount in shares[0])))
    for stage, share in enumerate(shares):
        whole = sum(amount for _, amount in share)
        inputs = {at: int(total * (amount / whole)) for at, amount in share}
        answers = _quoted(stages[stage], inputs, total, moment)
        if answers is None:
            return []
        legs += [SplitLeg(stage, at, answer) for at, answer in answers.items()]
        total = sum(answer.amount_out_atoms for answer in answers.values())
    found = SplitCycle(tuple(legs))
    trimmed = _trimmed(stages, found, moment)
    return [found if trimmed is None or trimmed.profit_atoms < found.profit_atoms else trimmed]


def _quoted(
    pools: Sequence[PoolHop], inputs: dict[int, int], total_atoms: int, moment: Moment
) -> dict[int, SwapQuote] | None:
    """Quotes of these inputs, the largest with what they leave of the total; None where none pays.

    A share that rounds to nothing, or is refused as too small to pay, is left out and goes to the largest.
    """
    largest = max(inputs, key=lambda at: inputs[at])
    answers: dict[int, SwapQuote] = {}
    for at, amount in inputs.items():
        answer = quote_or_less(pools[at], amount, moment) if at != largest else None
        if isinstance(answer, SwapQuote):
            answers[at] = answer
    rest = total_atoms - sum(answer.amount_in_atoms for answer in answers.values())
    answer = quote_or_less(pools[largest], rest, moment)
    if isinstance(answer, SwapRefusal):
        return None
    return dict(sorted({**answers, largest: answer}.items()))


def _trimmed(stages: Stages, cycle: SplitCycle, moment: Moment) -> SplitCycle | None:
    """The same output for less input: from the last stage back, each leg pays just what the next stage needs."""
    least: list[dict[int, int]] = []
    needed = cycle.amount_out_atoms
    for stage in reversed(range(len(stages))):
        legs = [leg for leg in cycle.legs if leg.stage == stage]
        spare = sum(leg.quote.amount_out_atoms for leg in legs) - needed
        largest = max(legs, key=lambda leg: leg.quote.amount_out_atoms)
        inputs = {}
        for leg in legs:
            wanted = leg.quote.amount_out_atoms - (spare if leg is largest else 0)
            answer = least_input(stages[stage][leg.pool], leg.quote, max(1, wanted), moment)
            inputs[leg.pool] = answer.amount_in_atoms
        least.append(inputs)
        needed = sum(inputs.values())
    found: list[SplitLeg] = []
    total = needed
    for stage, inputs in enumerate(reversed(least)):
        answers = _quoted(stages[stage], inputs, total, moment)
        if answers is None:
            return None
        found += [SplitLeg(stage, at, answer) for at, answer in answers.items()]
        total = sum(answer.amount_out_atoms for answer in answers.values())
    return SplitCycle(tuple(found))
