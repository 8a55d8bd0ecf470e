"""Facts: everything the kernel can learn, in the past tense, as frozen structs.

``Envelope`` adds the order (``seq``), the only time there is (``ts_ns``), the source and the cause. Market facts name
their subject in ``instrument``, ``pool`` or ``token``. Prices ``px`` are integers at the instrument's scale
(`core.instruments`), sizes are atoms. A fact that is not sound (crossed, not positive, unordered) is refused where it
enters, by `core.fact_checks`; NaN cannot occur, since no market fact holds a float.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct, field

from phantom_arbiter.core.commands import Command


class Fact(Struct, frozen=True, tag=True, tag_field="kind", forbid_unknown_fields=True):
    """The base of all facts; the tag is the class name."""


class Quoted(Fact, frozen=True, gc=False):
    """Best bid and ask of an instrument. ``bid_px <= ask_px``; sizes 0 where unknown.

    ``depth_quote_atoms``: where the source tells, or assumes, how the price answers to size: the reserve on each side
    of the constant-product pool that answers like it (`dex.impact`). 0: unknown.
    """

    instrument: str
    bid_px: int
    ask_px: int
    slot: int
    bid_atoms: int = 0
    ask_atoms: int = 0
    depth_quote_atoms: int = 0


class OraclePosted(Fact, frozen=True, gc=False):
    """An oracle's price of a base asset in USD, on the scale of the perp ``instrument``; ``conf_px`` is one sigma."""

    instrument: str
    px: int
    conf_px: int
    slot: int


class PerpStatsRead(Fact, frozen=True, gc=False):
    """State of a perp market: mark, open interest and 24 h volume in base atoms and quote atoms."""

    instrument: str
    mark_px: int
    open_interest_atoms: int
    volume_24h_quote_atoms: int
    next_funding_ts_ns: int


class FundingPosted(Fact, frozen=True, gc=False):
    """An hour's funding rate. ``rate_e9``: quote units per base unit per hour at 1e9; positive: longs pay shorts.

    TWAPs are integers at 1e6. The cumulative index of a market is the sum of its rates.
    """

    instrument: str
    rate_e9: int
    oracle_twap_px: int
    mark_twap_px: int
    slot: int


class BorrowRatePosted(Fact, frozen=True, gc=False):
    """What a venue charges for a borrowed asset: parts per million a year."""

    venue: str
    asset: str
    rate_ppm_per_year: int


class PoolUpdated(Fact, frozen=True, gc=False):
    """A constant-product pool's reserves, net of what belongs to the protocol.

    ``fee_num / fee_den`` is taken of the input, rounded up. ``exact`` is False where the source gives a lower bound.
    """

    pool: str
    venue: str
    asset_0: str
    asset_1: str
    reserve_0_atoms: int
    reserve_1_atoms: int
    fee_num: int
    fee_den: int
    slot: int
    exact: bool = True


class AccountRead(Struct, frozen=True, gc=False):
    """An account as the chain holds it; ``address`` and ``owner`` in base58."""

    address: str
    owner: str
    lamports: int
    data: bytes


class PoolAccountsRead(Fact, frozen=True, gc=False):
    """Accounts of a pool that is quoted exactly (`dex.account_pools` decodes them), as ``slot`` showed them.

    All that the pool needs at first, later those that changed; the view keeps them together. ``program`` names the
    decoder. ``unix_time_s`` and ``epoch`` are the chain's clock at ``slot``.
    """

    pool: str
    program: str
    venue: str
    asset_0: str
    asset_1: str
    slot: int
    unix_time_s: int
    epoch: int
    accounts: tuple[AccountRead, ...]


class StakePoolRead(Fact, frozen=True, gc=False):
    """A stake pool: redemption rate = ``total_lamports / supply_atoms``; fees in parts per million.

    ``reserve_lamports`` bounds an instant redemption. ``updated_epoch < epoch`` means the rate is stale.
    """

    token: str
    total_lamports: int
    supply_atoms: int
    updated_epoch: int
    epoch: int
    epoch_ends_ts_ns: int
    withdraw_fee_ppm: int
    instant_fee_ppm: int
    reserve_lamports: int
    paused: bool = False


class TokenAudited(Fact, frozen=True, gc=False):
    """What a token-safety check found. ``sell_simulated`` is None where no sale could be tried."""

    token: str
    mint_authority: bool
    freeze_authority: bool
    transfer_fee_bps: int
    liquidity_usd_micros: int
    top_holders_bps: int
    holders: int
    age_ns: int
    lp_burned_bps: int
    sell_simulated: bool | None = None


class VenueStatus(StrEnum):
    """What a venue lets us do."""

    LIVE = "live"
    REDUCE_ONLY = "reduce_only"
    PAUSED = "paused"
    ABSENT = "absent"
    THIN = "thin"


class VenueStatusChanged(Fact, frozen=True, gc=False):
    """A venue's status, with the reason in words."""

    venue: str
    status: VenueStatus
    reason: str


class LinkChanged(Fact, frozen=True, gc=False):
    """A feed came up or went down."""

    feed: str
    up: bool
    reason: str


class FeesPosted(Fact, frozen=True, gc=False):
    """What landing costs now: priority fee in micro-lamports per compute unit, Jito's tip floor in lamports."""

    priority_micro_lamports: int
    tip_floor_lamports: int


class LegStatus(StrEnum):
    """Where a leg stands. The order of life is in `core.orders`."""

    NEW = "new"
    SENT = "sent"
    ACCEPTED = "accepted"
    PARTIAL = "partial"
    FILLED = "filled"
    REJECTED = "rejected"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class FeeKind(StrEnum):
    """What a fee was for; also the ledger's fee accounts."""

    SWAP = "swap"
    PERP = "perp"
    BASE = "base"
    PRIORITY = "priority"
    TIP = "tip"
    RENT = "rent"
    BORROW = "borrow"


class Fee(Struct, frozen=True, gc=False):
    """A fee in atoms of ``asset``. ``SWAP`` fees are inside the amounts swapped: told for the record, never debited."""

    kind: FeeKind
    asset: str
    atoms: int


class LegReport(Struct, frozen=True, gc=False):
    """What became of one leg so far: cumulative, so that a repeated report changes nothing.

    Swap and transfer: ``in_atoms`` spent, ``out_atoms`` received. Perp: ``in_atoms`` is the base filled and
    ``out_atoms`` the quote value of the fills, both unsigned.
    """

    leg: int
    status: LegStatus
    in_atoms: int = 0
    out_atoms: int = 0
    fees: tuple[Fee, ...] = ()
    reason: str = ""


class OrderReported(Fact, frozen=True):
    """A driver's word on an order: one or more legs at once.

    ``chain_fees`` are those of the one transaction that carried these legs, told once, in the report that ends them.
    """

    order_id: str
    legs: tuple[LegReport, ...]
    chain_fees: tuple[Fee, ...] = ()
    slot: int = 0
    signature: str = ""


class FundingSettled(Fact, frozen=True, gc=False):
    """A venue settled funding on a position: ``payment_atoms`` of ``asset``, positive when received."""

    engine: str
    instrument: str
    asset: str
    payment_atoms: int
    base_atoms: int
    index_from_e9: int
    index_to_e9: int


class PnlSettled(Fact, frozen=True, gc=False):
    """A venue moved profit or loss, or charged interest: ``payment_atoms`` positive when received."""

    engine: str
    instrument: str
    asset: str
    payment_atoms: int
    cause: FeeKind | None = None


class Liquidated(Fact, frozen=True, gc=False):
    """A venue closed ``base_atoms`` of a position by force for ``quote_atoms``, and took ``fee_atoms``."""

    engine: str
    instrument: str
    base_atoms: int
    quote_atoms: int
    fee_atoms: int


class BalanceRead(Fact, frozen=True, gc=False):
    """A balance read at its source (wallet or venue account), to hold the ledger against."""

    account: str
    asset: str
    atoms: int


class TimerFired(Fact, frozen=True, gc=False):
    """A timer came due; engines tick on ``tick``."""

    name: str


class Commanded(Fact, frozen=True):
    """A person or program asked for something."""

    command_id: str
    command: Command


AnyFact = (
    Quoted
    | OraclePosted
    | PerpStatsRead
    | FundingPosted
    | BorrowRatePosted
    | PoolUpdated
    | PoolAccountsRead
    | StakePoolRead
    | TokenAudited
    | VenueStatusChanged
    | LinkChanged
    | FeesPosted
    | OrderReported
    | FundingSettled
    | PnlSettled
    | Liquidated
    | BalanceRead
    | TimerFired
    | Commanded
)
"""The union the journal decodes."""


class Envelope(Struct, frozen=True):
    """A fact in its place. ``seq`` counts from 1 without gaps; ``ts_ns`` never falls; ``cause`` is the ``seq`` or
    command id that brought it about, empty where nothing did."""

    seq: int
    ts_ns: int
    source: str
    body: AnyFact
    cause: str = field(default="")
