"""Atomic cycles: chains of swaps in one transaction that end in the asset they began with, the base.

Amounts are fixed, as they are in the instructions of our own transactions: each leg spends exactly its ``in_atoms``.
Legs that sell the base spend capital; the others spend what earlier legs of the transaction paid, and a shortfall
reverts it all. Parallel pools of one hop are legs of their own. What is left of an asset on the way stays with the
engine.
"""

from __future__ import annotations

from collections.abc import Iterator

from phantom_arbiter.core.intents import Intent, Policy, Swap
from phantom_arbiter.core.orders import Order
from phantom_arbiter.core.units import BPS


def is_cycle(intent: Intent) -> bool:
    """An atomic chain of swaps that ends in the asset it began with."""
    first, last = intent.legs[0], intent.legs[-1]
    return (
        intent.policy is Policy.ATOMIC
        and isinstance(first, Swap)
        and isinstance(last, Swap)
        and first.in_asset == last.out_asset
    )


def is_bundle(intent: Intent) -> bool:
    """Whether an intent's transactions travel as Jito bundles: with a tip, each included only if it succeeds, so that
    what fails pays nothing (reference/trading-domain.md §3.1)."""
    return intent.tip_lamports > 0


def expected_net_micros(intent: Intent) -> float:
    """What an intent is expected to earn, in millionths of a dollar: its gross edge times the chance to land, less its
    costs. A bundle that fails pays nothing, so its costs count only where it lands."""
    gross = intent.notional_micros * intent.edge_bps / BPS
    lands = 1 - intent.p_fail_bps / BPS
    return gross * lands - intent.cost.total_micros * (lands if is_bundle(intent) else 1.0)


def base_asset(intent: Intent) -> str:
    """The asset a cycle begins and ends in."""
    return next(_swaps(intent)).in_asset


def capital_atoms(intent: Intent) -> int:
    """What a cycle takes of its base."""
    base = base_asset(intent)
    return sum(leg.in_atoms for leg in _swaps(intent) if leg.in_asset == base)


def expected_atoms(intent: Intent) -> int:
    """What a cycle expects to end with in its base."""
    base = base_asset(intent)
    return sum(leg.expected_out_atoms for leg in _swaps(intent) if leg.out_asset == base)


def least_atoms(intent: Intent) -> int:
    """The least a cycle accepts in its base: the sum of the guards of the legs that pay it."""
    base = base_asset(intent)
    return sum(leg.min_out_atoms for leg in _swaps(intent) if leg.out_asset == base)


def spent_atoms(order: Order) -> int:
    """What a cycle's fills took of its base."""
    base = base_asset(order.intent)
    legs = zip(_swaps(order.intent), order.legs, strict=True)
    return sum(state.in_atoms for leg, state in legs if leg.in_asset == base)


def net_flows(order: Order) -> dict[str, int]:
    """What a cycle's fills came to, by asset: positive is received. The base's is the gain before the chain's fees."""
    flows: dict[str, int] = {}
    for leg, state in zip(_swaps(order.intent), order.legs, strict=True):
        flows[leg.in_asset] = flows.get(leg.in_asset, 0) - state.in_atoms
        flows[leg.out_asset] = flows.get(leg.out_asset, 0) + state.out_atoms
    return flows


def _swaps(intent: Intent) -> Iterator[Swap]:
    return (leg for leg in intent.legs if isinstance(leg, Swap))
