"""Opportunities that were not taken: why, and what each would have paid 1, 2, 4 and 8 slots later.

Each is followed from the moment it was first seen; why it was not taken may turn out later, and one that lands is
forgotten. A counterfactual sends the same capital through the same pools as they stood at the end of the later slot,
each hop spending all that the one before paid, less the same fees of the chain. Rent of new token accounts is left out:
it is paid once for all that follow. It knows nothing of our own landing luck, of rivals, or of what our swap would have
done to the pools.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct, field

from phantom_arbiter.core.units import MICROS_PER_USD

HORIZONS_SLOTS: Final = (1, 2, 4, 8)
MAX_OPEN: Final = 128
"""How many are followed at a time; others are only counted."""
MAX_CLOSED: Final = 100
MAX_REASONS: Final = 64
_NANO: Final = 1_000_000_000

Requote = Callable[[str, str, int], int | str]
"""What a pool pays now for an asset and its atoms: atoms, or why nothing. Arguments: pool, asset sold, atoms."""


class GraveSwap(Struct, frozen=True):
    """A swap of an opportunity as it was planned."""

    pool: str
    venue: str
    in_asset: str
    out_asset: str
    in_atoms: int


class Grave(Struct):
    """An opportunity not taken. ``net_micros`` is what it would have gained at once, after all costs;
    ``chain_micros`` what the chain would have taken, without rent. ``base_nanos``: billionths of a micro-dollar per
    atom of the base. ``reason`` is empty until it is known. ``would_micros`` has one number a horizon passed, None
    where ``lost`` says why it could not be quoted."""

    number: int
    ts_ns: int
    slot: int
    base: str
    swaps: list[GraveSwap]
    notional_micros: int
    net_micros: int
    chain_micros: int
    base_nanos: int
    reason: str = ""
    detail: str = ""
    would_micros: list[int | None] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    @property
    def capital_atoms(self) -> int:
        """What goes in, in atoms of the base."""
        return sum(swap.in_atoms for swap in self.swaps if swap.in_asset == self.base)


class ReasonSum(Struct):
    """All opportunities of one reason: how many, and for each horizon how many were followed and their sum."""

    count: int = 0
    followed: list[int] = field(default_factory=lambda: [0] * len(HORIZONS_SLOTS))
    would_micros: list[int] = field(default_factory=lambda: [0] * len(HORIZONS_SLOTS))


class GraveyardState(Struct):
    """Those still followed, by route; the last that are over; sums by reason since the start."""

    number: int = 0
    unfollowed: int = 0
    open: dict[str, Grave] = field(default_factory=dict)
    closed: list[Grave] = field(default_factory=list)
    reasons: dict[str, ReasonSum] = field(default_factory=dict)


def watch(state: GraveyardState, route: str, grave: Grave) -> None:
    """Follow an opportunity from now on. One on a route that is followed already is the same opportunity."""
    if route in state.open:
        return
    if len(state.open) >= MAX_OPEN:
        state.unfollowed += 1
        return
    state.number += 1
    grave.number = state.number
    state.open[route] = grave


def count(state: GraveyardState, reason: str) -> None:
    """Count what is too small to follow."""
    state.reasons.setdefault(reason, ReasonSum()).count += 1


def resolve(state: GraveyardState, route: str, reason: str, detail: str) -> None:
    """Say why it is not taken; the last word counts."""
    grave = state.open.get(route)
    if grave is not None:
        grave.reason, grave.detail = reason, detail


def forget(state: GraveyardState, route: str) -> None:
    """It was taken: nothing is left to regret."""
    state.open.pop(route, None)


def settle(state: GraveyardState, slot: int, requote: Requote) -> None:
    """Reckon every horizon that ended before ``slot``, with the pools as they stand before anything of it is known."""
    for route, grave in list(state.open.items()):
        while len(grave.would_micros) < len(HORIZONS_SLOTS):
            if grave.slot + HORIZONS_SLOTS[len(grave.would_micros)] >= slot:
                break
            _reckon(grave, requote)
        if grave.reason and len(grave.would_micros) == len(HORIZONS_SLOTS):
            _close(state, route)


def _reckon(grave: Grave, requote: Requote) -> None:
    paid = _paid_atoms(grave, requote)
    if isinstance(paid, str):
        grave.would_micros.append(None)
        grave.lost.append(paid)
        return
    gain = (paid - grave.capital_atoms) * grave.base_nanos // _NANO  # down: against us
    grave.would_micros.append(gain - grave.chain_micros)


def _paid_atoms(grave: Grave, requote: Requote) -> int | str:
    """What comes out in the base: hop by hop, parallel pools sharing what is there as they were planned to."""
    balances = {grave.base: grave.capital_atoms}
    swaps = list(grave.swaps)
    while swaps:
        pair = (swaps[0].in_asset, swaps[0].out_asset)
        hop = [swap for swap in swaps if (swap.in_asset, swap.out_asset) == pair]
        swaps = [swap for swap in swaps if swap not in hop]
        planned, there = sum(swap.in_atoms for swap in hop), balances.pop(pair[0], 0)
        for swap in hop:
            paid = requote(swap.pool, swap.in_asset, there * swap.in_atoms // planned)  # down: against us
            if isinstance(paid, str):
                return paid
            balances[pair[1]] = balances.get(pair[1], 0) + paid
    return balances.get(grave.base, 0)


def _close(state: GraveyardState, route: str) -> None:
    grave = state.open.pop(route)
    state.closed.append(grave)
    del state.closed[:-MAX_CLOSED]
    reason = grave.reason if grave.reason in state.reasons or len(state.reasons) < MAX_REASONS else "other"
    total = state.reasons.setdefault(reason, ReasonSum())
    total.count += 1
    for horizon, micros in enumerate(grave.would_micros):
        if micros is not None:
            total.followed[horizon] += 1
            total.would_micros[horizon] += micros


def rows(state: GraveyardState) -> list[dict[str, Any]]:
    """The newest, oldest first, JSON-ready; dollars, None where a horizon is not reached or could not be quoted."""
    decided = (grave for grave in state.open.values() if grave.reason)
    graves = sorted((*state.closed, *decided), key=lambda grave: grave.number)
    return [_row(grave) for grave in graves[-MAX_CLOSED:]]


def _row(grave: Grave) -> dict[str, Any]:
    hops: dict[tuple[str, str], int] = {}
    for swap in grave.swaps:
        pair = (swap.in_asset, swap.out_asset)
        hops[pair] = hops.get(pair, 0) + swap.in_atoms
    waiting = [None] * (len(HORIZONS_SLOTS) - len(grave.would_micros))
    return {
        "id": f"grave-{grave.number}",
        "ts_ns": grave.ts_ns,
        "base": grave.base,
        "route": [grave.base, *(out_asset for _, out_asset in hops)],
        "swaps": [
            {
                "pool": swap.pool,
                "venue": swap.venue,
                "in_asset": swap.in_asset,
                "out_asset": swap.out_asset,
                "share": swap.in_atoms / hops[swap.in_asset, swap.out_asset],
            }
            for swap in grave.swaps
        ],
        "size_usd": grave.notional_micros / MICROS_PER_USD,
        "net_usd": grave.net_micros / MICROS_PER_USD,
        "reason": grave.reason,
        "detail": grave.detail,
        "would_usd": [None if micros is None else micros / MICROS_PER_USD for micros in grave.would_micros] + waiting,
        "lost": list(grave.lost),
    }


def reason_rows(state: GraveyardState) -> list[dict[str, Any]]:
    """Sums by reason, the most frequent first; dollars, None where nothing was followed so far yet."""
    ordered = sorted(state.reasons.items(), key=lambda item: (-item[1].count, item[0]))
    return [
        {
            "reason": reason,
            "count": total.count,
            "would_usd": [
                micros / MICROS_PER_USD if followed else None
                for followed, micros in zip(total.followed, total.would_micros, strict=True)
            ],
        }
        for reason, total in ordered
    ]
