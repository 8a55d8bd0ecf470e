"""What the Arb page shows. Conventions as in `rows`; ages of pools are in slots.

``would_usd`` holds what something not taken would have paid net after 1, 2, 4 and 8 slots: quotes against the later
states, without our own luck in landing. None: not known yet, or never to be known.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import field

from phantom_arbiter.dashboard.rows import Row

Landing = Literal["landed", "beaten", "reverted", "dropped", "expired", "failed", "unknown"]
"""What became of a transaction that was sent."""


class ArbSwap(Row, frozen=True):
    """A swap of a route. Swaps with the same two assets are one hop through parallel pools; ``share`` is this one's
    part (0…1) of the hop's input. ``venue`` is empty where nobody named the pool's."""

    pool: str
    venue: str
    in_asset: str
    out_asset: str
    share: float


class WaterfallStep(Row, frozen=True):
    """A bar of the cost waterfall: gross edge first (positive), costs after it (negative), net last."""

    label: str
    usd: float


class ArbOpportunity(Row, frozen=True):
    """A cycle that was proposed. ``route`` lists the assets in order, first and last the same.

    ``net_usd`` is what it pays if it lands, ``expected_usd`` what it is worth before: the chance to fail counted, as
    the edge gate does. ``verdict``: "refused" carries the gate in ``reason``; "sent" the order in ``order_id``; later
    ones are what became of the order, with ``reason`` where it did not land and ``realised_usd``, net of all that was
    paid.
    """

    id: str
    ts: int
    route: tuple[str, ...]
    swaps: tuple[ArbSwap, ...]
    size_usd: float
    gross_bps: float
    net_bps: float
    net_usd: float
    expected_usd: float
    waterfall: tuple[WaterfallStep, ...]
    verdict: Literal["refused", "sent"] | Landing
    reason: str = ""
    order_id: str = ""
    realised_usd: float | None = None


class ArbVenue(Row, frozen=True):
    """A venue's pools: ``exact`` ones are decoded from account bytes. Ages are of the youngest and oldest state in use,
    None where none is. ``left_out``: too old or not decodable, ``why`` names the first reason."""

    venue: str
    pools: int
    exact: int
    youngest_slots: int | None
    oldest_slots: int | None
    left_out: int
    why: str = ""


class ArbReason(Row, frozen=True):
    """Why opportunities were not taken, how many, and what they would have paid together."""

    reason: str
    count: int
    would_usd: tuple[float | None, ...]


class ArbGrave(Row, frozen=True):
    """An opportunity that was not taken. ``net_usd`` is what it promised then; ``lost`` says why a number of
    ``would_usd`` will never be known."""

    id: str
    ts: int
    base: str
    route: tuple[str, ...]
    swaps: tuple[ArbSwap, ...]
    size_usd: float
    net_usd: float
    reason: str
    detail: str
    would_usd: tuple[float | None, ...]
    lost: tuple[str, ...] = ()


class ArbBest(Row, frozen=True):
    """The last candidate, at its marginal rate: after the pools' fees (net) and before (gross). ``route``: its base and
    the pools in order."""

    route: str
    net_bps: float
    gross_bps: float
    age_s: float


class ArbBound(Row, frozen=True):
    """What all pools together would pay one trader at once, without costs or limits: no trade is worth more than
    ``bound_usd``, one worth ``found_usd`` exists. ``age_slots``: when it was reckoned."""

    bound_usd: float
    found_usd: float
    age_slots: int


class ArbUpdate(Row, frozen=True):
    """The arb engine's page: counts since the start.

    ``outcomes`` counts what was sent by what became of it; ``hoped`` is the share (0…1) that should have landed by the
    bids made, None before any. ``ended`` transactions were seen to end since the application started; ``expected_usd``
    and ``realised_usd`` are their sums. ``search_us_*``: from a pool's fact to its verdict, of the last ones measured;
    None while nobody looks. ``graves`` are at most 100, newest last; ``unfollowed`` opportunities were one too many to
    be followed to a grave.
    """

    ts: int
    pools: int = 0
    searches: int = 0
    found: int = 0
    fee_killed: int = 0
    sent: int = 0
    landed: int = 0
    failed: int = 0
    unknown: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    hoped: float | None = None
    ended: int = 0
    expected_usd: float = 0.0
    realised_usd: float = 0.0
    search_us_p50: float | None = None
    search_us_p99: float | None = None
    best: ArbBest | None = None
    left_on_table: ArbBound | None = None
    venues: tuple[ArbVenue, ...] = ()
    reasons: tuple[ArbReason, ...] = ()
    graves: tuple[ArbGrave, ...] = ()
    unfollowed: int = 0
    panel: dict[str, Any] = field(default_factory=dict)
