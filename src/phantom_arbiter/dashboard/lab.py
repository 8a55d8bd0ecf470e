"""The Lab page's answer: funding policies over recorded hours. Dollars; ``ts`` in milliseconds."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from phantom_arbiter.dashboard.rows import Row

PolicyName = Literal["hold", "sign-flip", "hysteresis"]
SpotName = Literal["sol", "jitosol", "native"]


class LabQuery(Struct, frozen=True):
    """What to run: a market and its spot leg, over a span (None: all there is)."""

    market: str
    spot: str
    notional_usd: int
    from_ts: int | None
    to_ts: int | None


class LabSpan(Row, frozen=True):
    """In position from the first to the last hour that was earned."""

    from_ts: int
    to_ts: int


class LabDecision(Row, frozen=True):
    """A decision with its numbers. Rates are fractions an hour; ``enter`` and ``leave``: the band, None where none."""

    ts: int
    act: str
    why: str
    rate: float
    mean: float
    enter: float | None
    leave: float | None
    cost: float


class LabPolicy(Row, frozen=True):
    """What a policy came to. ``series``: running totals by cause, and ``total``, at `CarryLabResponse.ts`."""

    policy: PolicyName
    total_usd: float
    causes: dict[str, float]
    basis_not_counted_usd: float
    return_apr: float
    max_drawdown_usd: float
    hours_in: int
    entries: int
    decision_count: int
    decisions: tuple[LabDecision, ...]
    spans: tuple[LabSpan, ...]
    series: dict[str, tuple[float, ...]]


class LabHolding(Row, frozen=True):
    """The same notional simply held."""

    name: str
    total_usd: float
    price_usd: float
    staking_usd: float
    costs_usd: float
    series: tuple[float, ...]


class CarryLabResponse(Row, frozen=True):
    """``GET /api/lab/funding``. Policies hold first; ``ranking`` best first; ``verdict`` and ``notes`` in words.

    ``markets``: what else there are hours of.
    """

    venue: str
    market: str
    spot: SpotName
    from_ts: int
    to_ts: int
    hours: int
    notional_usd: float
    capital_usd: float
    round_trip_bps: float
    policies: tuple[LabPolicy, ...]
    ranking: tuple[PolicyName, ...]
    verdict: tuple[str, ...]
    holding: tuple[LabHolding, ...]
    ts: tuple[int, ...]
    notes: tuple[str, ...]
    markets: tuple[str, ...]
