"""What the funding engine remembers: plain values, which snapshots carry."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct, field

from phantom_arbiter.engines.funding.carry import CarryHistory
from phantom_arbiter.engines.funding.saga import SagaState

NEVER_PX: Final = 2**63 - 1
"""A price that no quote reaches: nothing to guard."""


class StakingSeen(Struct):
    """A stake pool's first and last reading by epoch: total lamports and supply, from which the yield is measured."""

    first_epoch: int
    first_lamports: int
    first_supply_atoms: int
    epoch: int
    lamports: int
    supply_atoms: int


class Candidate(Struct, frozen=True):
    """A hedged position the engine weighs: ``market`` short against ``spot_leg``. Rates a year as fractions.

    ``funding_apr`` is expected to the horizon, ``net_apr`` after staking, borrow and the round trip of ``cost_bps``, on
    the capital it takes; ``net_micros`` is the same in millionths of a dollar over the horizon, at the size that the
    capital, the settings and the depth allow. ``edge_bps`` is gross of costs, of ``notional_micros``. ``enters``:
    whether the policy would enter, with ``why``. ``traded`` False: compared only, for the reason in ``why_not``.
    """

    market: str
    spot_leg: str
    collateral: Literal["wallet", "venue"]
    rate_apr: float | None = None
    funding_apr: float | None = None
    staking_apr: float = 0.0
    borrow_apr: float = 0.0
    cost_bps: float | None = None
    net_apr: float | None = None
    break_even_days: float | None = None
    liq_price: float | None = None
    traded: bool = False
    why_not: str = ""
    edge_bps: float = 0.0
    net_micros: int = 0
    cost_micros: int = 0
    notional_micros: int = 0
    enters: bool = False
    why: str = ""


class ShownLeg(Struct, frozen=True):
    """The worst price of a leg that a preview showed: ``limit_px`` of a perp order, of a swap ``min_out_atoms`` for
    ``in_atoms``."""

    instrument: str
    buys: bool
    limit_px: int = 0
    in_atoms: int = 0
    min_out_atoms: int = 0


class Shown(Struct, frozen=True):
    """A preview that was given: what the act under its hash may do."""

    hash: str
    act: str
    market: str
    size_atoms: int
    made_ns: int
    legs: tuple[ShownLeg, ...]


class FundingState(Struct):
    """What snapshots carry. What is held is read from the book, never remembered here.

    ``market`` and ``spot_leg`` are those of the position, or of the last one put forward. ``by_hand``: a person took
    it, so the carry policy leaves it alone. ``keep_margin``: a person deposited margin, so it is not brought home.
    """

    histories: dict[str, CarryHistory] = field(default_factory=dict)
    staking: dict[str, StakingSeen] = field(default_factory=dict)
    candidates: list[Candidate] = field(default_factory=list)
    candidates_ns: int = 0
    preference: str = ""
    market: str = ""
    spot_leg: str = ""
    by_hand: bool = False
    keep_margin: bool = False
    drafts: list[Shown] = field(default_factory=list)
    saga: SagaState | None = None
    matched_spot_atoms: int = 0
    matched_perp_atoms: int = 0
    """The legs as they last matched: while they are those, what opens between them is drift, not a trade."""
    closing: bool = False
    closing_why: str = ""
    exit_hours: int = 0
    """Posted hours in a row that asked to leave."""
    danger_px: dict[str, int] = field(default_factory=dict)
    """By instrument: the price from which the margin must be looked at at once."""
    next_look_ns: int = 0
    next_proposal_ns: int = 0
    cost_bps: float = 0.0
    """The last reckoned round trip."""
    decision: str = "waiting for the market"
    decided_ns: int = 0
