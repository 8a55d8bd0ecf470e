"""From exactly quoted swaps to an `Intent`: legs, edge, costs and the words that explain it."""

from __future__ import annotations

import math
from typing import NamedTuple

from phantom_arbiter.core.events import FeesPosted
from phantom_arbiter.core.instruments import Universe
from phantom_arbiter.core.intents import Cost, Intent, Policy, Purpose, Swap
from phantom_arbiter.core.reservation_plan import TOKEN_ACCOUNT_RENT_LAMPORTS
from phantom_arbiter.core.units import BPS, SLOT_NS, Rounding, mul_div
from phantom_arbiter.dex.pool import SwapQuote
from phantom_arbiter.engines.arb.costs import Bid, bid_for, compute_units
from phantom_arbiter.engines.arb.graveyard import Grave, GraveSwap
from phantom_arbiter.engines.arb.pools import KnownPool
from phantom_arbiter.engines.arb.settings import ArbConfig

_NANO = 1_000_000_000


class PlannedSwap(NamedTuple):
    """A swap of the route with its exact quote. ``hop`` counts from 0; parallel pools share one."""

    hop: int
    pool: KnownPool
    zero_for_one: bool
    quote: SwapQuote

    @property
    def in_asset(self) -> str:
        """What it sells."""
        return self.pool.asset_0 if self.zero_for_one else self.pool.asset_1

    @property
    def out_asset(self) -> str:
        """What it buys."""
        return self.pool.asset_1 if self.zero_for_one else self.pool.asset_0


class Values(NamedTuple):
    """Millionths of a dollar per atom of the base asset and per lamport: estimates for edge and cost, never fills."""

    base: float
    lamport: float


class Candidate(NamedTuple):
    """Exactly quoted swaps in order, the bid they would make, and whether it is proposed only as a probe."""

    swaps: tuple[PlannedSwap, ...]
    bid: Bid
    values: Values
    probe: bool

    @property
    def assets(self) -> tuple[str, ...]:
        """The assets along the route, first and last the same."""
        hops = {swap.hop: swap.out_asset for swap in self.swaps}
        return (self.swaps[0].in_asset, *hops.values())

    @property
    def capital_atoms(self) -> int:
        """What the first hop takes, in atoms of the base."""
        return sum(swap.quote.amount_in_atoms for swap in self.swaps if swap.hop == 0)

    @property
    def out_atoms(self) -> int:
        """What the last hop pays, in atoms of the base."""
        last = self.swaps[-1].hop
        return sum(swap.quote.amount_out_atoms for swap in self.swaps if swap.hop == last)

    @property
    def notional_micros(self) -> int:
        """The capital in millionths of a dollar, rounded up."""
        return math.ceil(self.capital_atoms * self.values.base)

    @property
    def net_micros(self) -> int:
        """What it would gain if it landed at once, in millionths of a dollar, rounded down."""
        profit = (self.out_atoms - self.capital_atoms) * self.values.base
        return math.floor(profit - self.bid.total_lamports * self.values.lamport)


def pool_fee_atoms(candidate: Candidate) -> int:
    """What the pools keep, in atoms of the base: each swap's share of the capital times its fee, rounded up."""
    capital, total = candidate.capital_atoms, 0
    through: dict[int, int] = {}
    for swap in candidate.swaps:
        through[swap.hop] = through.get(swap.hop, 0) + swap.quote.amount_in_atoms
    for swap in candidate.swaps:
        quote = swap.quote
        total += -(-capital * quote.input_fee_atoms // through[swap.hop])
        gross = quote.amount_out_atoms + quote.output_fee_atoms
        total += -(-capital * quote.amount_in_atoms * quote.output_fee_atoms // (through[swap.hop] * gross))
    return total


def candidate_of(
    swaps: tuple[PlannedSwap, ...],
    values: Values,
    fees: FeesPosted,
    new_accounts: int,
    survive_bps: int,
    config: ArbConfig,
    *,
    probe: bool = False,
) -> Candidate:
    """Put a bid to exactly quoted swaps: what they gain rounds down, what they pay rounds up.

    ``new_accounts``: how many token accounts the transaction has to make. ``survive_bps``: as of `costs.bid_for`.
    """
    unpriced = Candidate(swaps, Bid(0, 0, 0, 0, 0, 0, 0), values, probe)
    profit = math.floor((unpriced.out_atoms - unpriced.capital_atoms) * values.base / values.lamport)
    units = compute_units(((swap.pool.state, swap.quote) for swap in swaps), new_accounts)
    rent = new_accounts * TOKEN_ACCOUNT_RENT_LAMPORTS
    return unpriced._replace(bid=bid_for(profit, units, rent, survive_bps, fees, config))


def instrument_of(pool: KnownPool, universe: Universe) -> str:
    """The id of the pair that a pool trades, as the universe spells it."""
    turned = f"{pool.asset_1}/{pool.asset_0}"
    return turned if turned in universe.instruments else f"{pool.asset_0}/{pool.asset_1}"


def intent_of(candidate: Candidate, universe: Universe, config: ArbConfig, now_ns: int) -> Intent:
    """The intent of a candidate. Estimates round against it: notional and costs up, profit down.

    The edge is gross: profit after price impact and before the pools' fees, which stand among the costs.
    """
    values, bid, notional = candidate.values, candidate.bid, candidate.notional_micros
    profit = math.floor((candidate.out_atoms - candidate.capital_atoms) * values.base)
    pool_fees = math.ceil(pool_fee_atoms(candidate) * values.base)
    cost = Cost(
        pool_fee_micros=pool_fees,
        base_fee_micros=math.ceil(bid.base_lamports * values.lamport),
        priority_micros=math.ceil(bid.priority_lamports * values.lamport),
        tip_micros=math.ceil(bid.tip_lamports * values.lamport),
        rent_micros=math.ceil(bid.rent_lamports * values.lamport),
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
        p_fail_bps=BPS - bid.win_bps,
    )


def _legs(candidate: Candidate, universe: Universe, config: ArbConfig) -> tuple[Swap, ...]:
    """A hop on the way must pay what the next one spends, so it may not pay less; the last hop's guard is shared."""
    last, total = candidate.swaps[-1].hop, candidate.out_atoms
    guard = max(mul_div(total, BPS - config.slippage_bps, BPS, Rounding.UP), _break_even_atoms(candidate))
    return tuple(
        Swap(
            instrument=instrument_of(swap.pool, universe),
            pool=swap.pool.pool,
            in_asset=swap.in_asset,
            out_asset=swap.out_asset,
            in_atoms=swap.quote.amount_in_atoms,
            expected_out_atoms=swap.quote.amount_out_atoms,
            min_out_atoms=(
                mul_div(swap.quote.amount_out_atoms, min(guard, total), total, Rounding.UP)
                if swap.hop == last
                else swap.quote.amount_out_atoms
            ),
        )
        for swap in candidate.swaps
    )


def _break_even_atoms(candidate: Candidate) -> int:
    """What the last hop must pay so that nothing is lost, the chain's fees and the tip included."""
    values = candidate.values
    return candidate.capital_atoms + math.ceil(candidate.bid.total_lamports * values.lamport / values.base)


def _reason(candidate: Candidate, edge_bps: float, cost_bps: float) -> str:
    route = "→".join(candidate.assets)
    pools = ", ".join(swap.pool.label for swap in candidate.swaps)
    what = "probe: costs exceed the edge" if candidate.probe else "cycle"
    return f"{what}: {route} through {pools}; {edge_bps:.1f} bps gross, {edge_bps - cost_bps:.1f} bps net"


def grave_of(candidate: Candidate, ts_ns: int, slot: int) -> Grave:
    """The candidate as an opportunity to follow."""
    chain_lamports = candidate.bid.total_lamports - candidate.bid.rent_lamports
    swaps = [
        GraveSwap(swap.pool.pool, swap.pool.venue, swap.in_asset, swap.out_asset, swap.quote.amount_in_atoms)
        for swap in candidate.swaps
    ]
    return Grave(
        number=0,
        ts_ns=ts_ns,
        slot=slot,
        base=candidate.swaps[0].in_asset,
        swaps=swaps,
        notional_micros=candidate.notional_micros,
        net_micros=candidate.net_micros,
        chain_micros=math.ceil(chain_lamports * candidate.values.lamport),
        base_nanos=int(candidate.values.base * _NANO),
    )
