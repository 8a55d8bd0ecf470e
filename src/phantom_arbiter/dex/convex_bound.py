"""What all pools together would pay one trader who could use them all at once: a bound, never an order.

The problem: trade through every pool so that nothing of any token is missing and what is left over of the bases is
worth most. No count of swaps, no costs, no limit of capital. Its dual (Diamandis, Angeris and others, "An efficient
algorithm for optimal routing through constant function market makers", 2023) has one price for each token, and any
prices that value the bases at least as given bound what can be won; `convex_kernel.py` lowers the bound price by price.
The report tells how far the best trade found falls short of it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from phantom_arbiter.dex.pools import Moment, PoolState
from phantom_arbiter.dex.sizing import paying_segments
from phantom_arbiter.dex.split import marginal_pieces

PASSES: Final = ((1e-3, 1.6), (1e-4, 1.3), (1e-5, 1.0))
"""One after the other: the relative width that constant prices are given (the bound itself is taken without), and how
far each step goes of what would settle its price (successive over-relaxation; its exponent, as prices are ratios)."""
SWEEPS: Final = 300
TOLERANCE: Final = 1e-9
"""Of the root of a price: one that moves less counts as settled."""
LEAST_ROOT: Final = 1e-6
"""Of a token's first √price: what nobody can use falls no further, so that prices stay above zero."""
BALANCING_ROUNDS: Final = 200
SHORT_TOLERANCE: Final = 1e-9
"""Of what is put in of a token: a trade that is shorter of any token does not count."""

Floats = NDArray[np.float64]


class PlacedPool(NamedTuple):
    """A pool and the names of its two tokens."""

    token_0: str
    token_1: str
    pool: PoolState


class ConvexBound(msgspec.Struct, frozen=True, gc=False):
    """In the unit of the bases' values. No trade is worth more than ``bound``; one worth ``found`` exists (in floats).

    ``sweeps``: how often all prices were settled.
    """

    bound: float
    found: float
    sweeps: int

    @property
    def gap(self) -> float:
        """How much of the bound is not known to be there; where both are one, a rounding of floats, of either sign."""
        return self.bound - self.found


class _Net(NamedTuple):
    """An atom's worth by token, 0 for what is no base; then the pools as `convex_kernel` describes them."""

    worth: Floats
    raw: Floats
    start: NDArray[np.int32]
    ends: NDArray[np.int32]
    near_start: NDArray[np.int32]
    near: NDArray[np.int32]
    root: Floats
    floor: Floats


def convex_bound(
    pools: Sequence[PlacedPool], values: Mapping[str, float], moment: Moment, *, compiled: bool = True
) -> ConvexBound:
    """The bound over all pools; ``values``: each base's worth per atom, any one unit for all.

    Pools that no path joins to a base are left out. ``compiled=False`` runs the plain-Python twin. Raises
    ValueError for a value that is not positive.
    """
    if any(not 0.0 < value < float("inf") for value in values.values()):
        raise ValueError(f"values are {dict(values)}, expected positive numbers")
    from phantom_arbiter.dex import convex_kernel  # here: importing numba takes half a second

    net = _laid_out(pools, values, moment)
    if net is None:
        return ConvexBound(0.0, 0.0, 0)
    kernels: list[Callable[..., Any]] = [
        kernel if compiled else kernel.py_func
        for kernel in (convex_kernel.soften, convex_kernel.descend, convex_kernel.dual_value, convex_kernel.trade)
    ]
    soften, descend, dual_value, trade = kernels
    soft, trades = np.zeros((len(net.raw), 5)), np.zeros((len(net.ends), 2))
    bound, found, sweeps = float("inf"), 0.0, 0
    for width, overshoot in PASSES:
        soften(net.raw, net.start, width, soft)
        sweeps += descend(SWEEPS, TOLERANCE, overshoot, soft, *net[2:])
        bound = min(bound, dual_value(net.raw, net.start, net.ends, net.root))
        trade(net.raw, soft, net.start, net.ends, net.root, trades)
        found = max(found, _feasible_value(net, trades))
    return ConvexBound(bound, found, sweeps)


def _laid_out(pools: Sequence[PlacedPool], values: Mapping[str, float], moment: Moment) -> _Net | None:
    """The arrays, prices started from the bases outwards along the pools' own; None where no pool joins a base."""
    curves = [
        (placed, [marginal_pieces(paying_segments((placed.pool, down), moment)) for down in (True, False)])
        for placed in pools
    ]
    prices = _first_prices(
        [(placed, [side[0][0] if side else None for side in sides]) for placed, sides in curves], values
    )
    index = {token: number for number, token in enumerate(prices)}
    joined = [(placed, sides) for placed, sides in curves if placed.token_0 in index]
    if not joined:
        return None
    ends, pieces, start = [], [], [0]
    for placed, sides in joined:
        both = index[placed.token_0], index[placed.token_1]
        for (token_in, token_out), side in zip((both, both[::-1]), sides, strict=True):
            ends.append((token_in, token_out))
            pieces += side
            start.append(len(pieces))
    of_token = np.array(ends, np.int32)
    near_start = np.concatenate(([0], np.cumsum(np.bincount(of_token.ravel(), minlength=len(index)))))
    root = np.sqrt(np.array(list(prices.values()), np.float64))
    worth = np.array([values.get(token, 0.0) for token in prices], np.float64)
    return _Net(
        worth,
        np.array(pieces, np.float64).reshape(-1, 3),
        np.array(start, np.int32),
        of_token,
        near_start.astype(np.int32),
        (np.argsort(of_token.ravel(), kind="stable") // 2).astype(np.int32),
        root,
        np.where(worth > 0.0, np.sqrt(worth), root * LEAST_ROOT),
    )


def _first_prices(
    sides: Sequence[tuple[PlacedPool, list[float | None]]], values: Mapping[str, float]
) -> dict[str, float]:
    """A price for every token that a pool joins to a base, from the first pool's s that reaches it."""
    touching: dict[str, list[tuple[str, float]]] = {}
    for (token_0, token_1, _), (down, up) in sides:
        if down is None and up is None:
            continue
        square = down * down if down is not None else 0.0
        other = up * up if up is not None else 0.0
        worth_1 = (square / other) ** 0.5 if square and other else square or 1.0 / other  # atoms of 0 for one of 1
        touching.setdefault(token_0, []).append((token_1, worth_1))
        touching.setdefault(token_1, []).append((token_0, 1.0 / worth_1))
    prices = {token: value for token, value in values.items() if token in touching}
    reached = list(prices)
    for token in reached:
        for other_token, worth in touching[token]:
            if other_token not in prices:
                prices[other_token] = prices[token] * worth
                reached.append(other_token)
    return prices


def _feasible_value(net: _Net, trades: Floats) -> float:
    """The worth of a share of these trades that leaves no token short; a share of a trade pays at least that share.

    Each round takes back what puts in more of a token than the others pay, and what buys more of it than is used.
    """
    token_in, token_out, count = net.ends[:, 0], net.ends[:, 1], len(net.root)
    share, middle = np.ones(len(trades)), net.worth == 0.0
    for number in range(BALANCING_ROUNDS):
        paid, used = _flows(trades, share, net.ends, count)
        share *= _ratio(paid, used)[token_in]
        if number < BALANCING_ROUNDS // 2:
            paid, used = _flows(trades, share, net.ends, count)
            share *= np.where(middle, _ratio(used, paid), 1.0)[token_out]
    paid, used = _flows(trades, share, net.ends, count)
    if np.any(used - paid > SHORT_TOLERANCE * used):
        return 0.0
    return max(0.0, float(np.sum(net.worth * (paid - used))))


def _flows(trades: Floats, share: Floats, ends: NDArray[np.int32], count: int) -> tuple[Floats, Floats]:
    """Of each token: what the trades pay, what they use."""
    paid = np.bincount(ends[:, 1], share * trades[:, 1], minlength=count)
    used = np.bincount(ends[:, 0], share * trades[:, 0], minlength=count)
    return np.asarray(paid, np.float64), np.asarray(used, np.float64)


def _ratio(one: Floats, other: Floats) -> Floats:
    return np.minimum(1.0, np.divide(one, other, out=np.ones_like(one), where=other > 0.0))
