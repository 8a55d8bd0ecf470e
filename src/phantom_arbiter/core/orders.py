"""The life of an order, as tables.

A leg goes NEW → SENT → ACCEPTED → PARTIAL → FILLED | REJECTED | EXPIRED | UNKNOWN; UNKNOWN is not an end: it keeps its
reservation until a later report proves what happened. Reports are cumulative, so a repeated or late one changes
nothing. An order's status follows from its legs.

A leg that hedges another one is sent although that one filled only in part. Such an order ends PARTIAL, not DONE: it is
smaller than what was approved, however well it is hedged.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct

from phantom_arbiter.core.events import Fee, LegReport, LegStatus
from phantom_arbiter.core.intents import Intent, Policy, hedged_leg
from phantom_arbiter.core.verdicts import Approved

S = LegStatus

LEG_TRANSITIONS: Final[dict[LegStatus, frozenset[LegStatus]]] = {
    S.NEW: frozenset({S.SENT, S.ACCEPTED, S.PARTIAL, S.FILLED, S.REJECTED, S.EXPIRED, S.UNKNOWN}),
    S.SENT: frozenset({S.ACCEPTED, S.PARTIAL, S.FILLED, S.REJECTED, S.EXPIRED, S.UNKNOWN}),
    S.ACCEPTED: frozenset({S.PARTIAL, S.FILLED, S.REJECTED, S.EXPIRED, S.UNKNOWN}),
    S.PARTIAL: frozenset({S.PARTIAL, S.FILLED, S.EXPIRED, S.UNKNOWN}),
    S.UNKNOWN: frozenset({S.PARTIAL, S.FILLED, S.REJECTED, S.EXPIRED}),
    S.FILLED: frozenset(),
    S.REJECTED: frozenset(),
    S.EXPIRED: frozenset(),
}
"""From → to; a report may overtake those before it. EXPIRED after PARTIAL keeps what was filled: the rest expired."""

TERMINAL: Final = frozenset({S.FILLED, S.REJECTED, S.EXPIRED})


class OrderStatus(StrEnum):
    """What an order amounts to."""

    OPEN = "open"
    DONE = "done"
    PARTIAL = "partial"
    FAILED = "failed"
    UNKNOWN = "unknown"


class LegState(Struct):
    """One leg of the plan: its cumulative fills and fees."""

    status: LegStatus = LegStatus.NEW
    size_atoms: int = 0
    in_atoms: int = 0
    out_atoms: int = 0
    fees: tuple[Fee, ...] = ()
    reason: str = ""

    @property
    def is_out(self) -> bool:
        """Whether it was sent and has not ended; it is out before the first report of it."""
        return self.size_atoms > 0 if self.status is S.NEW else self.status not in TERMINAL

    def moves_to(self, status: LegStatus) -> bool:
        """Whether the table allows this step."""
        return status in LEG_TRANSITIONS[self.status]


class LegPlan(Struct, frozen=True):
    """A leg to send now, with its size (input atoms of a swap or transfer, base atoms of a perp order)."""

    leg: int
    size_atoms: int


class Dispatch(Struct, frozen=True):
    """Legs of an approved intent for a driver to send: all of them (ATOMIC) or the next one (SEQUENTIAL)."""

    approved: Approved
    plans: tuple[LegPlan, ...]


class Order(Struct):
    """An approved intent and what became of it."""

    id: str
    intent: Intent
    created_ns: int
    legs: list[LegState]
    updated_ns: int = 0
    chain_fees: tuple[Fee, ...] = ()
    signature: str = ""

    @property
    def status(self) -> OrderStatus:
        """Derived from the legs. Legs never sent after a failure count as failed."""
        states = [leg.status for leg in self.legs]
        if S.UNKNOWN in states:
            return OrderStatus.UNKNOWN
        if all(state is S.FILLED for state in states):
            return OrderStatus.DONE
        stopped = any(state in (S.REJECTED, S.EXPIRED) for state in states)
        waiting = any(leg.is_out for leg in self.legs)
        if waiting or not stopped:
            return OrderStatus.OPEN
        return OrderStatus.PARTIAL if any(leg.in_atoms for leg in self.legs) else OrderStatus.FAILED

    @property
    def is_open(self) -> bool:
        """Whether more can still happen."""
        return self.status in (OrderStatus.OPEN, OrderStatus.UNKNOWN)

    def next_leg(self) -> int | None:
        """The leg to send now under SEQUENTIAL: the first that was not sent, once all before it are filled.

        Of the leg it hedges it is enough that it ended with anything filled.
        """
        if self.intent.policy is not Policy.SEQUENTIAL:
            return None
        for index, leg in enumerate(self.legs):
            if leg.status is S.NEW:
                return index if not leg.size_atoms and self._may_follow(index) else None
        return None

    def _may_follow(self, index: int) -> bool:
        hedged = hedged_leg(self.intent.legs[index])
        return all(
            leg.status is S.FILLED or (earlier == hedged and leg.status in TERMINAL and leg.in_atoms > 0)
            for earlier, leg in enumerate(self.legs[:index])
        )


class LegDelta(Struct, frozen=True):
    """What a report adds to a leg: the new fills and fees, and whether the leg ended with it."""

    leg: int
    in_atoms: int
    out_atoms: int
    fees: tuple[Fee, ...]
    ended: bool


def apply_report(state: LegState, report: LegReport) -> LegDelta | None:
    """Move a leg by one report; None where it tells nothing new (a duplicate, or older than what is known).

    Raises `ValueError` for a report that contradicts the record: fills that shrink, or a step the table forbids.
    """
    if report.in_atoms < state.in_atoms or report.out_atoms < state.out_atoms:
        if report.status in TERMINAL:
            raise ValueError(f"leg {report.leg}: fills fell from {state.in_atoms} to {report.in_atoms}")
        return None
    same_fills = report.in_atoms == state.in_atoms and report.out_atoms == state.out_atoms
    if same_fills and report.status in (state.status, S.PARTIAL):  # after UNKNOWN, an old PARTIAL proves nothing
        return None
    if state.status in TERMINAL or not state.moves_to(report.status):
        if same_fills:
            return None
        raise ValueError(f"leg {report.leg}: {state.status} cannot become {report.status}")
    delta = LegDelta(
        leg=report.leg,
        in_atoms=report.in_atoms - state.in_atoms,
        out_atoms=report.out_atoms - state.out_atoms,
        fees=subtract_fees(report.fees, state.fees),
        ended=report.status in TERMINAL,
    )
    state.status, state.reason = report.status, report.reason
    state.in_atoms, state.out_atoms = report.in_atoms, report.out_atoms
    state.fees = add_fees(state.fees, delta.fees)
    return delta


def subtract_fees(now: tuple[Fee, ...], before: tuple[Fee, ...]) -> tuple[Fee, ...]:
    """The fees that came on top since the last report (both cumulative per kind and asset; one left out stands)."""
    known = {(fee.kind, fee.asset): fee.atoms for fee in before}
    fresh = (Fee(fee.kind, fee.asset, fee.atoms - known.get((fee.kind, fee.asset), 0)) for fee in now)
    return tuple(fee for fee in fresh if fee.atoms > 0)


def add_fees(before: tuple[Fee, ...], more: tuple[Fee, ...]) -> tuple[Fee, ...]:
    """The sum per kind and asset, in the order in which they were first told."""
    total = {(fee.kind, fee.asset): fee.atoms for fee in before}
    for fee in more:
        total[fee.kind, fee.asset] = total.get((fee.kind, fee.asset), 0) + fee.atoms
    return tuple(Fee(kind, asset, atoms) for (kind, asset), atoms in total.items())
