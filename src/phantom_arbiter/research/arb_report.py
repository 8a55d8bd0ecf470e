"""What the arb engine came to over recorded pools: what there was, what it took, what became of it, and why."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct

from phantom_arbiter.core.events import FeeKind
from phantom_arbiter.core.units import BPS, LAMPORTS_PER_SOL, MICROS_PER_USD, NS_PER_SECOND
from phantom_arbiter.engines.arb.logic import ArbEngine
from phantom_arbiter.research.arb_episodes import EpisodeSummary, PoolRows
from phantom_arbiter.research.arb_orders import LANDED, ArbFollower, ArbOrder
from phantom_arbiter.research.arb_words import Told, why

EXTREMES: Final = 5


class NotTaken(Struct, frozen=True):
    """Opportunities left for one reason, and what all that were followed would have paid 1, 2, 4 and 8 slots after
    they were first seen, USD; None where none could be quoted."""

    reason: str
    count: int
    would_usd: tuple[float | None, ...]


class Waterfall(Struct, frozen=True):
    """Landed orders in USD, each at the prices of the moment its end was told. ``gross`` is before the pools' fees;
    costs are positive. ``net_sol``: each net at its moment's price. ``left`` is what the ledger gained, whole units."""

    gross: float
    pool_fees: float
    base_fee: float
    priority: float
    tip: float
    rent: float
    net: float
    net_sol: float
    left: dict[str, float]


class Day(Struct, frozen=True):
    """A UTC day on which an order ended."""

    day: str
    sent: int
    landed: int
    net_usd: float
    net_sol: float


class Doubt(Struct, frozen=True):
    """Landed orders that met a row which may never have been a pool's state, out by more than the order gained
    (`arb_episodes.PoolRows`); ``net_usd`` is theirs."""

    rows: int
    half_rows: int
    orders: int
    net_usd: float


class SeedResult(Struct, frozen=True):
    """The same data and decisions with another luck in landing."""

    seed: int
    sent: int
    landed: int
    beaten: int
    net_usd: float
    net_sol: float


class Spread(Struct, frozen=True):
    """Net USD over the seeds; ``sd`` of the sample, 0 for one."""

    seeds: int
    mean: float
    sd: float
    least: float
    most: float


class ArbReplayReport(Struct, frozen=True):
    """A run, and the same run with other luck. ``found``: how often a searched cycle gained before the chain's costs;
    ``opportunities``: those that were followed, a gap counted once while it stands. ``refused``: proposals by gate,
    ``probes_refused``: probes, which are candidates known to lose. ``delay_slots``: median from decision to the market
    that an order met; ``hoped`` is the share that should have landed by their bids. ``best`` and ``worst`` are of the
    landed ones."""

    from_ns: int
    to_ns: int
    seed: int
    pool_rows: int
    pools: int
    episodes: EpisodeSummary
    searches: int
    found: int
    fee_killed: int
    opportunities: int
    not_taken: tuple[NotTaken, ...]
    proposed: int
    refused: dict[str, int]
    probes_refused: dict[str, int]
    sent: int
    outcomes: dict[str, int]
    still_out: int
    hoped: float | None
    hoped_usd: float
    delay_slots: float | None
    waterfall: Waterfall
    doubt: Doubt
    days: tuple[Day, ...]
    best: tuple[ArbOrder, ...]
    worst: tuple[ArbOrder, ...]
    seeds: tuple[SeedResult, ...]
    spread: Spread
    why: tuple[str, ...]
    assumptions: tuple[str, ...] = ()


class Recording(Struct, frozen=True):
    """What the data of a span are, whatever is done with them."""

    from_ns: int
    to_ns: int
    episodes: EpisodeSummary
    rows: PoolRows
    assumptions: tuple[str, ...]


def seed_result(seed: int, follower: ArbFollower) -> SeedResult:
    """A run in a line."""
    outcomes = Counter(order.outcome for order in follower.ended)
    landed = [order for order in follower.ended if order.outcome == LANDED]
    net, net_sol = _usd(sum(order.net_micros for order in landed)), _sol(landed)
    return SeedResult(seed, follower.sent, outcomes[LANDED], outcomes["beaten"], net, net_sol)


def report_of(
    recording: Recording,
    engine: ArbEngine,
    follower: ArbFollower,
    seeds: Sequence[SeedResult],
    in_units: Callable[[str, int], float],
) -> ArbReplayReport:
    """The report of the run of the first seed. ``in_units`` turns atoms of an asset into whole units."""
    state, panel = engine.state, engine.panel()
    landed = [order for order in follower.ended if order.outcome == LANDED]
    doubtful = [order for order in landed if _is_doubtful(order, recording.rows)]
    ranked = sorted(landed, key=lambda order: order.net_micros)
    losses = [order for order in ranked if order.net_micros < 0]
    not_taken = tuple(_not_taken(row) for row in panel["reasons"])
    delay = _median([order.delay_slots for order in follower.ended if order.landed_ns])
    doubt_usd = _usd(sum(order.net_micros for order in doubtful))
    again = _taken_again(follower.ended, recording.rows)
    told = Told(recording.episodes, landed, follower.ended, again, {one.reason: one.count for one in not_taken}, delay)
    return ArbReplayReport(
        from_ns=recording.from_ns,
        to_ns=recording.to_ns,
        seed=seeds[0].seed,
        pool_rows=recording.rows.count,
        pools=panel["pools"],
        episodes=recording.episodes,
        searches=state.searches,
        found=state.found,
        fee_killed=state.fee_killed,
        opportunities=state.graveyard.number,
        not_taken=not_taken,
        proposed=state.proposed,
        refused=_gates(follower, probes=False),
        probes_refused=_gates(follower, probes=True),
        sent=follower.sent,
        outcomes=dict(Counter(order.outcome for order in follower.ended).most_common()),
        still_out=follower.sent - len(follower.ended),
        hoped=panel["hoped"],
        hoped_usd=_usd(sum(order.hoped_micros for order in landed)),
        delay_slots=delay,
        waterfall=_waterfall(landed, in_units),
        doubt=Doubt(recording.rows.exact, recording.rows.half, len(doubtful), doubt_usd),
        days=_days(follower.ended),
        best=tuple(order for order in reversed(ranked[-EXTREMES:]) if order.net_micros > 0),
        worst=tuple(losses[:EXTREMES]),
        seeds=tuple(seeds),
        spread=_spread([one.net_usd for one in seeds]),
        why=why(told),
        assumptions=recording.assumptions,
    )


def _not_taken(row: dict[str, Any]) -> NotTaken:
    return NotTaken(row["reason"], row["count"], tuple(row["would_usd"]))


def _gates(follower: ArbFollower, *, probes: bool) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for (pod, gate), count in follower.refused.items():
        if (pod == "probe") is probes:
            counted[gate] += count
    return dict(counted.most_common())


def _is_doubtful(order: ArbOrder, rows: PoolRows) -> bool:
    gained_bps = order.gross_micros / order.size_micros * BPS
    return any(rows.doubt_bps(leg.pool, order.landed_ns) >= gained_bps for leg in order.legs)


def _taken_again(ended: Sequence[ArbOrder], rows: PoolRows) -> int:
    """How many orders reverted at a pool whose row had been traded with before, by us or by a rival who beat us."""
    taken: set[tuple[str, str, int]] = set()
    again = 0
    for order in sorted((order for order in ended if order.landed_ns), key=lambda order: order.landed_ns):
        used = {(pool, sold, rows.number(pool, order.landed_ns)) for pool, sold in order.swaps}
        again += order.outcome == "reverted" and not used.isdisjoint(taken)
        if order.outcome in (LANDED, "beaten"):
            taken |= used
    return again


def _waterfall(landed: Sequence[ArbOrder], in_units: Callable[[str, int], float]) -> Waterfall:
    chain: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for order in landed:
        chain.update(order.chain_micros)
        left.update(order.flows_atoms)
        left["SOL"] -= sum(order.chain_lamports.values())
    return Waterfall(
        gross=_usd(sum(order.gross_micros for order in landed)),
        pool_fees=_usd(sum(order.pool_fee_micros for order in landed)),
        base_fee=_usd(chain[FeeKind.BASE]),
        priority=_usd(chain[FeeKind.PRIORITY]),
        tip=_usd(chain[FeeKind.TIP]),
        rent=_usd(chain[FeeKind.RENT]),
        net=_usd(sum(order.net_micros for order in landed)),
        net_sol=_sol(landed),
        left={asset: in_units(asset, atoms) for asset, atoms in sorted(left.items()) if atoms},
    )


def _days(ended: Sequence[ArbOrder]) -> tuple[Day, ...]:
    by_day: dict[str, list[ArbOrder]] = {}
    for order in ended:
        moment = datetime.fromtimestamp(order.sent_ns // NS_PER_SECOND, UTC)
        by_day.setdefault(moment.date().isoformat(), []).append(order)
    return tuple(_day(day, orders) for day, orders in sorted(by_day.items()))


def _day(day: str, orders: list[ArbOrder]) -> Day:
    landed = [order for order in orders if order.outcome == LANDED]
    return Day(day, len(orders), len(landed), _usd(sum(order.net_micros for order in landed)), _sol(landed))


def _spread(nets: Sequence[float]) -> Spread:
    mean = sum(nets) / len(nets)
    variance = sum((net - mean) ** 2 for net in nets) / max(1, len(nets) - 1)
    return Spread(len(nets), mean, math.sqrt(variance), min(nets), max(nets))


def _median(values: Sequence[float]) -> float | None:
    return sorted(values)[len(values) // 2] if values else None


def _usd(micros: int) -> float:
    return micros / MICROS_PER_USD


def _sol(orders: Sequence[ArbOrder]) -> float:
    return sum(order.net_lamports for order in orders) / LAMPORTS_PER_SOL
