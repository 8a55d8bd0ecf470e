"""What a snapshot keeps of the built-in market."""

from __future__ import annotations

from msgspec import Struct

from phantom_arbiter.core.events import AnyFact
from phantom_arbiter.sim.market.blocks import Carry
from phantom_arbiter.sim.market.exact_book import ExactBookState
from phantom_arbiter.sim.market.perps import PerpBookState
from phantom_arbiter.sim.market.pools import PoolBookState


class BuiltinMarketState(Struct):
    """Everything `BuiltinMarket.from_state` needs to go on with the same facts. Plain values, floats among them.

    ``slot`` is the last slot that was run, ``carry`` the outside world at the start of its block (drawn again from the
    seed), ``waiting`` the facts of that slot not yet taken, with their sources. ``quoted`` holds slot, bid and ask of
    each instrument's last quote; ``unquoted``, ``changed`` and ``exact_changed`` are the pools that quotes or facts
    have yet to show.
    """

    seed: int
    scenario: str
    start_ns: int
    slot: int
    popped: int
    carry: Carry
    block: int
    pools: PoolBookState
    exact: ExactBookState
    perps: PerpBookState
    changed: list[int]
    exact_changed: list[int]
    unquoted: list[int]
    quoted: dict[str, tuple[int, int, int]]
    wake_slot: int
    waiting: list[tuple[str, AnyFact]]
