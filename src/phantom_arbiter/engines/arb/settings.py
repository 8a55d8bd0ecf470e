"""What the arb engine can be told, and what it remembers."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from phantom_arbiter.core.units import NS_PER_SECOND

Count = Annotated[int, Meta(ge=0, le=2**53)]
Bps = Annotated[int, Meta(ge=0, le=10_000)]


class ArbConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Settings. ``max_trade_usd_micros`` caps a trade and ``probe_usd_micros`` is the size of a probe.

    A probe is a candidate that would lose after costs, proposed small so that the edge gate's refusal is seen; one is
    made at most every ``probe_interval_ns``. After a proposal its route rests for ``cooldown_ns``. Cycles whose gross
    rate gains less than ``least_gross_bps`` are ignored. ``sol_reserve_lamports`` stay untouched by trades in SOL:
    they pay fees and rent.

    The tip is ``tip_share_bps`` of what a trade is expected to gain, from Jito's floor up to ``tip_cap_lamports``
    (landed tips of 2025-04-24: median 10,000, 75 % below 1,000,000, 95 % below 5,300,000;
    reference/trading-domain.md §2.2). ``p_fail_bps`` is how often a transaction fails (2 % dropped, 1 % on chain;
    §3.1 there). Compute units: Raydium CPMM takes 33.5 k, AMM v4 23 k (reference/solana-and-dex.md §1).

    A pool that says nothing for ``max_pool_age_slots`` (ten minutes) is left out: a feed speaks only when a pool
    changes, so a shorter silence is weak evidence.
    """

    base_assets: Annotated[tuple[str, ...], Meta(min_length=1, max_length=4)] = ("SOL", "USDC")
    max_trade_usd_micros: Count = 1_000_000_000
    probe_usd_micros: Count = 10_000_000
    probe_interval_ns: Count = 10 * NS_PER_SECOND
    cooldown_ns: Count = 2 * NS_PER_SECOND
    least_gross_bps: Bps = 1
    max_pool_age_slots: Count = 1_500
    expiry_slots: Annotated[int, Meta(ge=1, le=150)] = 4
    slippage_bps: Bps = 50
    sol_reserve_lamports: Count = 50_000_000
    tip_share_bps: Bps = 5_000
    tip_cap_lamports: Count = 2_000_000
    p_fail_bps: Annotated[int, Meta(ge=0, le=9_999)] = 300
    compute_units_per_swap: Count = 40_000


class ArbState(Struct):
    """Counts since the start, and when what may be proposed again. All integers, so that snapshots are exact.

    ``found`` cycles gain before the transaction's costs; ``fee_killed`` ones gain only before the pools' fees.
    ``cooldowns`` maps a route to the instant it may be proposed again. ``last_*`` tell of the last candidate; rates
    are products of the pools' marginal rates, at 1e6.
    """

    searches: int = 0
    found: int = 0
    fee_killed: int = 0
    proposed: int = 0
    probes: int = 0
    cooling: int = 0
    busy: int = 0
    stale_pools: int = 0
    unpriced: int = 0
    unfunded: int = 0
    landed: int = 0
    failed: int = 0
    unknown: int = 0
    next_probe_ns: int = 0
    cooldowns: dict[str, int] = field(default_factory=dict)
    last_route: str = ""
    last_ts_ns: int = 0
    last_net_rate_e6: int = 0
    last_gross_rate_e6: int = 0
