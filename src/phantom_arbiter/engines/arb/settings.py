"""What the arb engine can be told, and what it remembers."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from phantom_arbiter.core.units import NS_PER_SECOND
from phantom_arbiter.engines.arb.graveyard import GraveyardState

Count = Annotated[int, Meta(ge=0, le=2**53)]
Bps = Annotated[int, Meta(ge=0, le=10_000)]


class ArbConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Settings. ``max_trade_usd_micros`` caps a trade and ``probe_usd_micros`` is the size of a probe.

    Cycles start in one of ``base_assets`` and have at most ``max_hops`` hops. A probe is a candidate that would lose
    after costs, proposed small so that the edge gate's refusal is seen; one is made at most every
    ``probe_interval_ns``. After a proposal its route rests for ``cooldown_ns``. Cycles whose gross rate gains less than
    ``least_gross_bps`` are ignored. ``sol_reserve_lamports`` stay untouched by trades in SOL: they pay fees and rent.

    An opportunity must still be there ``persist_slots`` after it was first seen: within a slot one pool's update comes
    before another's, and between the two lies a gap that never was. A pool that says nothing for
    ``max_pool_age_slots`` (ten minutes) is left out: a feed speaks only when a pool changes, so a shorter silence is
    weak evidence. Amounts are fixed: a hop that pays less than the next one spends reverts all, which costs a bundle
    nothing. The last hop may pay up to ``slippage_bps`` less than quoted, but no less than break-even.

    The tip is ``tip_share_bps`` of what a trade gains after its other costs, from Jito's floor up to
    ``tip_cap_lamports``, far above what is usual (landed tips of 2025-04-24: median 10,000, 99 % below 8,300,000;
    reference/trading-domain.md §2.2): a cap that binds loses the largest gaps. Against ``rivals`` who each bid an even
    random share of the gain, a share s wins with probability s^rivals, so that rivals/(rivals + 1) earns most: two
    thirds against two (assumed). ``p_fail_bps`` is how often a transaction fails for other reasons (2 % dropped, 1 % on
    chain; §3.1 there).
    """

    base_assets: Annotated[tuple[str, ...], Meta(min_length=1, max_length=4)] = ("SOL", "USDC", "USDT", "jitoSOL")
    max_hops: Annotated[int, Meta(ge=2, le=4)] = 4
    max_trade_usd_micros: Count = 1_000_000_000
    probe_usd_micros: Count = 10_000_000
    probe_interval_ns: Count = 10 * NS_PER_SECOND
    cooldown_ns: Count = 2 * NS_PER_SECOND
    least_gross_bps: Bps = 1
    persist_slots: Annotated[int, Meta(ge=0, le=150)] = 1
    max_pool_age_slots: Count = 1_500
    expiry_slots: Annotated[int, Meta(ge=1, le=150)] = 4
    slippage_bps: Bps = 50
    sol_reserve_lamports: Count = 50_000_000
    tip_share_bps: Bps = 6_667
    tip_cap_lamports: Count = 100_000_000
    rivals: Annotated[int, Meta(ge=0, le=100)] = 2
    p_fail_bps: Annotated[int, Meta(ge=0, le=9_999)] = 300


class Sighting(Struct):
    """A cycle that gains, seen first in ``slot``: its base, and each hop's pool and direction."""

    slot: int
    base: str
    hops: list[tuple[str, bool]]


class ArbState(Struct):
    """Counts since the start, and when what may be proposed again. All integers, so that snapshots are exact.

    ``found`` cycles gain before the transaction's costs; ``fee_killed`` ones gain only before the pools' fees;
    ``proposed`` ones passed the gates.
    ``sightings`` by route wait to be seen again. ``cooldowns`` maps a route to the instant it may be proposed again,
    ``sent`` the pools of an order to its route. ``open_accounts`` are the assets whose token account is there already.
    ``outcomes`` counts how orders ended, ``hoped_bps`` sums the chances to land that they were proposed with.
    ``last_*`` tell of the last candidate; rates are products of the pools' marginal rates, at 1e6.
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
    unreadable: int = 0
    unknown: int = 0
    hoped_bps: int = 0
    next_probe_ns: int = 0
    sightings: dict[str, Sighting] = field(default_factory=dict)
    cooldowns: dict[str, int] = field(default_factory=dict)
    sent: dict[str, str] = field(default_factory=dict)
    open_accounts: list[str] = field(default_factory=list)
    outcomes: dict[str, int] = field(default_factory=dict)
    graveyard: GraveyardState = field(default_factory=GraveyardState)
    last_route: str = ""
    last_ts_ns: int = 0
    last_net_rate_e6: int = 0
    last_gross_rate_e6: int = 0
