"""From an exactly quoted cycle to an `Intent`: legs, edge, costs and the words that explain it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from phantom_arbiter.core.events import FeesPosted, PoolUpdated
from phantom_arbiter.core.instruments import Universe
from phantom_arbiter.core.intents import Cost, Intent, Policy, Purpose, Swap
from phantom_arbiter.core.units import BPS, SLOT_NS, Rounding, mul_div
from phantom_arbiter.dex.sizing import SizedCycle
from phantom_arbiter.engines.arb.costs import Bid, bid_for
from phantom_arbiter.engines.arb.settings import ArbConfig

Step = tuple[PoolUpdated, bool]
"""A pool of the route and whether its asset 0 is sold."""


class Values(NamedTuple):
    """Millionths of a dollar per atom of the base asset and per lamport: estimates for edge and cost, never fills."""

    base: float
    lamport: float


class Candidate(NamedTuple):
    """A cycle with exact quotes, the bid it would make, and whether it is proposed only as a probe."""

    steps: tuple[Step, ...]
    sized: SizedCycle
    bid: Bid
    values: Values
    probe: bool


def pool_fee_atoms(sized: SizedCycle) -> int:
    """What the pools keep, in atoms of the base: each hop's share of its input, of the cycle's input, rounded up."""
    return sum(mul_div(sized.amount_in_atoms, q.fee_atoms, q.amount_in_atoms, Rounding.UP) for q in sized.quotes)


def candidate_of(
    steps: tuple[Step, ...], sized: SizedCycle, values: Values, fees: FeesPosted, config: ArbConfig, *, probe: bool
) -> Candidate:
    """Put a bid to an exactly quoted cycle: what it gains rounds down, what it pays rounds up."""
    pool_fees = pool_fee_atoms(sized)
    lamports_per_atom = values.base / values.lamport
    gross = math.floor((sized.profit_atoms + pool_fees) * lamports_per_atom)
    bid = bid_for(gross, math.ceil(pool_fees * lamports_per_atom), len(steps), fees, config)
    return Candidate(steps, sized, bid, values, probe)


def assets_of(steps: Sequence[Step]) -> tuple[str, ...]:
    """The assets along the route, first and last the same."""
    sold = [pool.asset_0 if zero_for_one else pool.asset_1 for pool, zero_for_one in steps]
    return (*sold, sold[0])


def instrument_of(pool: PoolUpdated, universe: Universe) -> str:
    """The id of the pair that a pool trades, as the universe spells it."""
    turned = f"{pool.asset_1}/{pool.asset_0}"
    return turned if turned in universe.instruments else f"{pool.asset_0}/{pool.asset_1}"


def intent_of(candidate: Candidate, universe: Universe, config: ArbConfig, now_ns: int) -> Intent:
    """The intent of a candidate. Estimates round against it: notional and costs up, profit down.

    The edge is gross: profit after price impact and before the pools' fees, which stand among the costs.
    """
    sized, values, bid = candidate.sized, candidate.values, candidate.bid
    notional = math.ceil(sized.amount_in_atoms * values.base)
    profit = math.floor(sized.profit_atoms * values.base)
    pool_fees = math.ceil(pool_fee_atoms(sized) * values.base)
    cost = Cost(
        pool_fee_micros=pool_fees,
        base_fee_micros=math.ceil(bid.base_lamports * values.lamport),
        priority_micros=math.ceil(bid.priority_lamports * values.lamport),
        tip_micros=math.ceil(bid.tip_lamports * values.lamport),
    )
    edge_bps = (profit + pool_fees) / notional * BPS
    return Intent(
        engine="arb",
        pod="probe" if candidate.probe else "cycle",
        purpose=Purpose.ENTRY,
        policy=Policy.ATOMIC,
        legs=_legs(candidate, universe, config),
        notional_micros=notional,
        edge_bps=edge_bps,
        cost=cost,
        expires_ns=now_ns + config.expiry_slots * SLOT_NS,
        reason=_reason(candidate, edge_bps, cost.total_micros / notional * BPS),
        priority_lamports=bid.priority_lamports,
        tip_lamports=bid.tip_lamports,
        p_fail_bps=config.p_fail_bps,
    )


def _legs(candidate: Candidate, universe: Universe, config: ArbConfig) -> tuple[Swap, ...]:
    assets = assets_of(candidate.steps)
    last = len(candidate.steps) - 1
    legs = []
    for index, ((pool, _), quote) in enumerate(zip(candidate.steps, candidate.sized.quotes, strict=True)):
        expected = quote.amount_out_atoms
        least = mul_div(expected, BPS - config.slippage_bps, BPS, Rounding.UP)
        if index == last:
            least = max(least, min(expected, _break_even_atoms(candidate)))
        legs.append(
            Swap(
                instrument=instrument_of(pool, universe),
                pool=pool.pool,
                in_asset=assets[index],
                out_asset=assets[index + 1],
                in_atoms=quote.amount_in_atoms,
                expected_out_atoms=expected,
                min_out_atoms=least,
            )
        )
    return tuple(legs)


def _break_even_atoms(candidate: Candidate) -> int:
    """What the last hop must pay so that nothing is lost, the chain's fees and the tip included."""
    values = candidate.values
    return candidate.sized.amount_in_atoms + math.ceil(candidate.bid.total_lamports * values.lamport / values.base)


def _reason(candidate: Candidate, edge_bps: float, cost_bps: float) -> str:
    route = "→".join(assets_of(candidate.steps))
    pools = ", ".join(pool.pool for pool, _ in candidate.steps)
    what = "probe: costs exceed the edge" if candidate.probe else "cycle"
    return f"{what}: {route} through {pools}; {edge_bps:.1f} bps gross, {edge_bps - cost_bps:.1f} bps net"
