"""What the paper driver assumes about the chain and the perp venue, each number with its source."""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta, Struct

from phantom_arbiter.core.reservation_plan import BASE_FEE_LAMPORTS, TOKEN_ACCOUNT_RENT_LAMPORTS
from phantom_arbiter.core.units import NS_PER_DAY, NS_PER_HOUR

_NS_PER_MS: Final = 1_000_000

Ppm = Annotated[int, Meta(ge=0, le=1_000_000)]
Span = Annotated[int, Meta(ge=0, le=366 * NS_PER_DAY)]
Count = Annotated[int, Meta(ge=0, le=10_000)]
Amount = Annotated[int, Meta(ge=0, le=2**53)]
Health = Annotated[int, Meta(ge=0, le=100)]


class DriverConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Defaults. "Assumed" marks a judgement that recorded live landings should replace.

    Landing: build and sign ``build_ns`` ± ``build_spread_ns`` (assumed), submit round trip ``submit_ns`` (assumed),
    then the leader's slot ``leader_slots`` + a geometric number with success ``leader_success_ppm``; ``tail_ppm`` of
    transactions instead wait a uniform ``tail_min_slots`` to ``tail_max_slots`` (assumed). ``drop_ppm`` never land
    (2 % behind a staked connection or landing service, assumed) and expire with the blockhash after 150 slots (Solana).
    ``failure_ppm`` land and fail for reasons that no price explains (assumed). ``notify_ns`` from the slot to our
    knowledge of it: one slot for "confirmed" (assumed). ``unknown_ppm`` time out first; their end is told
    ``unknown_ns`` later (assumed).

    Competition: an atomic cycle that would gain meets ``rivals`` who saw the same gap. Each bids an even random share
    of the gain; unless our tip's share of it is the highest, a rival's copy of the transaction executes first and ours
    fails (assumed).

    Bundles: what carries a tip travels as a Jito bundle. It is included only if it succeeds: beaten, reverted, failed
    or dropped it pays nothing at all. Without a tip it is an ordinary transaction, and pays base and priority fee when
    it fails on chain.

    Chain fees: 5,000 lamports a transaction (Solana); ``bids_paid`` False waives the intent's priority fee and tip.
    ``token_account_lamports``: (165 + 128) bytes at 6,960 lamports. Nothing refunds it yet.

    Perps: taker fee 3.5 bps, Drift's and Velocity's first tier. ``partial_ppm`` of orders fill only
    ``partial_min_ppm`` to ``partial_max_ppm`` of their size at once (assumed); the rest is tried ``rest_slots`` later:
    Drift's and Velocity's auctions last five slots. Liquidation fee 1.5 % = 0.75 % liquidator + 0.75 % insurance
    (Velocity's SOL-PERP account, 2026-08-08). Withdrawals must leave a health of 80 (the house's rule).

    Settlement: the venue settles funding lazily, on the next action on the position; so that reports show what was
    paid, a position also settles once ``settle_min_atoms`` ($1) or ``settle_max_ns`` (a day) have gathered. Realised
    P&L moves to the collateral with the very fill (or liquidation) that realises it, whatever its size. Unrealised P&L
    is never settled while the position is open: margin and health count it, but a loss bears no interest and a profit
    cannot be withdrawn. At Drift P&L stays with the position until an instruction of its own settles it. Interest on
    negative collateral is charged at least every ``interest_ns``, at ``borrow_ppm_per_year`` (assumed) until the venue
    posts its rate.
    """

    build_ns: Span = 80 * _NS_PER_MS
    build_spread_ns: Span = 40 * _NS_PER_MS
    submit_ns: Span = 60 * _NS_PER_MS
    leader_slots: Count = 1
    leader_success_ppm: Ppm = 550_000
    tail_ppm: Ppm = 20_000
    tail_min_slots: Count = 10
    tail_max_slots: Count = 150
    drop_ppm: Ppm = 20_000
    blockhash_slots: Count = 150
    failure_ppm: Ppm = 10_000
    rivals: Count = 2
    notify_ns: Span = 400 * _NS_PER_MS
    unknown_ppm: Ppm = 5_000
    unknown_ns: Span = 30_000 * _NS_PER_MS
    base_fee_lamports: Amount = BASE_FEE_LAMPORTS
    bids_paid: bool = True
    token_account_lamports: Amount = TOKEN_ACCOUNT_RENT_LAMPORTS
    taker_fee_ppm: Ppm = 350
    partial_ppm: Ppm = 100_000
    partial_min_ppm: Ppm = 300_000
    partial_max_ppm: Ppm = 900_000
    rest_slots: Count = 5
    liquidation_fee_ppm: Ppm = 15_000
    withdrawal_min_health: Health = 80
    settle_min_atoms: Amount = 1_000_000
    settle_max_ns: Span = NS_PER_DAY
    interest_ns: Span = NS_PER_HOUR
    borrow_ppm_per_year: Ppm = 100_000


IDEAL: Final = DriverConfig(
    build_ns=0,
    build_spread_ns=0,
    submit_ns=0,
    leader_slots=0,
    leader_success_ppm=1_000_000,
    tail_ppm=0,
    drop_ppm=0,
    failure_ppm=0,
    rivals=0,
    notify_ns=0,
    unknown_ppm=0,
    base_fee_lamports=0,
    bids_paid=False,
    token_account_lamports=0,
    taker_fee_ppm=0,
    partial_ppm=0,
)
"""No delay, no fees, no failures: for twins that must trade alike. What a fill costs is the liquidity's alone."""
