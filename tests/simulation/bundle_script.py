"""The scripted engine of `bundle_world`: the pools it knows and the cycles it proposes at random."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Final

from msgspec import Struct

from phantom_arbiter.core.desk import Subscriptions
from phantom_arbiter.core.intents import Cost, Intent, Policy, Purpose, Swap
from phantom_arbiter.core.streams import Stream
from phantom_arbiter.core.units import BPS
from phantom_arbiter.engines.base import BaseEngine
from phantom_arbiter.sim.market.exact_pools import EXACT_POOLS

PRICES: Final = {"SOL/USDC": 0.125, "PLOP/SOL": 0.0072, "PLOP/USDC": 0.0009, "SOL/jitoSOL": 1 / 1.297, "JUP/SOL": 1.6}
"""Second token's atoms for one atom of the first."""
CONSTANT: Final = {"cp-a": ("SOL", "USDC", 4e12), "cp-b": ("SOL", "USDC", 2e12), "cp-plop": ("PLOP", "USDC", 1e12)}
EXACT: Final = {
    spec.id: at for at, spec in enumerate(EXACT_POOLS) if f"{spec.asset_0}/{spec.asset_1}" in ("SOL/USDC", "PLOP/SOL")
}
"""A Whirlpool and a DLMM pair of SOL, PumpSwap's pool of PLOP."""
ROUTES: Final = (
    ("SOL", "USDC", "SOL"),
    ("SOL", "USDC", "SOL"),
    ("USDC", "SOL", "USDC"),
    ("SOL", "PLOP", "USDC", "SOL"),
)


class ScriptState(Struct):
    """How many cycles were proposed: the next one is drawn from it."""

    proposed: int = 0


class Script(BaseEngine):
    """Proposes a random cycle at every other tick."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.id = "arb"  # type: ignore[misc]
        self.config, self.state, self.seed = None, ScriptState(), seed

    def subscriptions(self) -> Subscriptions:
        return Subscriptions()

    def tick(self, now_ns: int) -> Sequence[Intent]:
        self.state.proposed += 1
        stream = Stream(self.seed, f"wish/{self.state.proposed}")
        return (random_cycle(stream, now_ns),) if stream.chance(500_000) else ()


@cache
def pool_names() -> dict[str, tuple[str, str]]:
    """Every pool and its two assets."""
    exact = {name: (EXACT_POOLS[at].asset_0, EXACT_POOLS[at].asset_1) for name, at in EXACT.items()}
    return exact | {name: (asset_0, asset_1) for name, (asset_0, asset_1, _) in CONSTANT.items()}


def price(asset_in: str, asset_out: str) -> float:
    """What an atom was worth at the start."""
    known = PRICES.get(f"{asset_in}/{asset_out}")
    return known if known is not None else 1.0 / PRICES[f"{asset_out}/{asset_in}"]


def random_cycle(stream: Stream, now_ns: int) -> Intent:
    """A cycle whose amounts rest on the prices of the start: some pay, some are short, some are below their minimum."""
    route, legs, used = ROUTES[stream.below(len(ROUTES))], list[Swap](), set[str]()
    capital = held = (1 + stream.below(8)) * 10 ** (9 if route[0] == "SOL" else 8)
    for asset_in, asset_out in pairwise(route):
        pair = {asset_in, asset_out}
        fitting = [pool for pool, assets in pool_names().items() if pair == set(assets) and pool not in used]
        chosen = [fitting.pop(stream.below(len(fitting))) for _ in range(min(1 + stream.below(2), len(fitting)))]
        used.update(chosen)
        hop = [_leg(stream, pool, asset_in, asset_out, held // len(chosen)) for pool in chosen]
        legs += hop
        held = sum(leg.expected_out_atoms for leg in hop) * (9_880 + stream.below(130)) // BPS
    return _intent(stream, tuple(legs), capital, now_ns)


def _leg(stream: Stream, pool: str, asset_in: str, asset_out: str, atoms: int) -> Swap:
    expected = int(atoms * price(asset_in, asset_out) * 0.996)
    least = expected * (9_700 + stream.below(310)) // BPS
    return Swap("SOL/USDC", pool, asset_in, asset_out, atoms, expected, least)


def _intent(stream: Stream, legs: tuple[Swap, ...], capital: int, now_ns: int) -> Intent:
    tip = 1_000 + stream.below(100_000) if stream.chance(600_000) else 0
    notional = int(capital * (0.125 if legs[0].in_asset == "SOL" else 1.0))
    return Intent(
        engine="arb",
        pod="cycle",
        purpose=Purpose.ENTRY,
        policy=Policy.ATOMIC,
        legs=legs,
        notional_micros=notional,
        edge_bps=10.0 * stream.below(3),
        cost=Cost(tip_micros=int(notional * stream.uniform() / 500)),
        expires_ns=now_ns + (stream.below(400) if stream.chance(100_000) else 2_000) * 10**6,
        reason="script",
        priority_lamports=10_000,
        tip_lamports=tip,
    )
