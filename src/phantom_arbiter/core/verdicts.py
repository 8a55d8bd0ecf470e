"""The gates' answer. Only `core.safety` makes an `Approved`; a driver takes nothing else."""

from __future__ import annotations

from msgspec import Struct

from phantom_arbiter.core.intents import Intent


class GateResult(Struct, frozen=True, gc=False):
    """One gate's measurement. ``margin`` is how far inside the limit the value lies; negative: refused.

    ``unit`` names the unit of value, limit and margin (bps, lamports, usd_micros, ns, slots, count, text).
    """

    gate: str
    value: float
    limit: float
    margin: float
    unit: str
    message: str = ""

    @property
    def passed(self) -> bool:
        """Whether the gate lets the intent through."""
        return self.margin >= 0


class Refused(Struct, frozen=True):
    """The first gate that said no, with what would have to change."""

    intent: Intent
    result: GateResult
    ts_ns: int


class Approved(Struct, frozen=True):
    """An intent that passed every gate. ``order_id`` is its order; ``results`` are the margins it passed with."""

    order_id: str
    intent: Intent
    results: tuple[GateResult, ...]
    ts_ns: int


Verdict = Approved | Refused
