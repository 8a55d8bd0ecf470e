"""What the LST engine is told, and what it remembers."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from phantom_arbiter.core.units import NS_PER_DAY, NS_PER_HOUR, NS_PER_MINUTE, NS_PER_SECOND

Lamports = Annotated[int, Meta(ge=0, le=2**63 - 1)]
PositiveLamports = Annotated[int, Meta(gt=0, le=2**63 - 1)]
Nanoseconds = Annotated[int, Meta(gt=0)]
Bps = Annotated[float, Meta(ge=0, le=10_000)]
Symbol = Annotated[str, Meta(min_length=1, max_length=20)]


class LstConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Settings. Discounts and bands are bps of the fair value; caps are bps of the engine's SOL.

    There is no fair value here and no place to put one: it is read from the stake pools.
    """

    tokens: Annotated[tuple[Symbol, ...], Meta(min_length=1, max_length=64)] = (
        "jitoSOL",
        "mSOL",
        "bSOL",
        "JupSOL",
        "BNSOL",
    )
    interest_bps: Bps = 10.0
    """From this discount on a candidate is put forward."""
    exit_band_bps: Bps = 5.0
    """Within this of the fair value the token has re-pegged."""
    black_swan_bps: Bps = 100.0
    """Beyond this discount a purchase waits for ``confirm_readings`` that agree."""
    max_discount_bps: Bps = 2_000.0
    """Beyond this the token is broken, not cheap."""
    confirm_readings: Annotated[int, Meta(gt=0, le=1_000)] = 5
    confirm_every_ns: Nanoseconds = 10 * NS_PER_SECOND
    won_share: Annotated[float, Meta(gt=0, le=1)] = 0.8
    """Once this share of the gap between the price paid and fair is won, the rest is not waited for."""
    max_hold_ns: Nanoseconds = 10 * NS_PER_DAY
    floor_bps: Bps = 50.0
    """After ``max_hold_ns`` the token is sold if the market pays this little below fair, all in."""
    hurdle_apr: Annotated[float, Meta(ge=0, le=10)] = 0.08
    claim_lag_ns: Annotated[int, Meta(ge=0)] = 2 * NS_PER_HOUR
    redeem_transactions: Annotated[int, Meta(ge=0, le=100)] = 4
    """What a redemption takes: withdraw stake, deactivate, withdraw, and one to spare."""
    risk_bps: Bps = 3.0
    """Kept back from a purchase's edge for what no price shows: an exploit, a wrong rate."""
    option_bps: Bps = 3.0
    """By how much a sale must beat redeeming: the market may yet come back whole."""
    token_cap_bps: Annotated[int, Meta(gt=0, le=10_000)] = 3_000
    total_cap_bps: Annotated[int, Meta(gt=0, le=10_000)] = 8_000
    min_buy_lamports: PositiveLamports = 500_000_000
    sol_reserve_lamports: Lamports = 100_000_000
    min_pool_lamports: Lamports = 100_000_000_000
    slippage_bps: Annotated[int, Meta(gt=0, le=1_000)] = 20
    max_reading_age_ns: Nanoseconds = 6 * NS_PER_HOUR
    compute_units: Annotated[int, Meta(gt=0, le=1_400_000)] = 200_000
    propose_every_ns: Nanoseconds = 5 * NS_PER_MINUTE
    look_every_ns: Nanoseconds = 5 * NS_PER_SECOND
    retry_every_ns: Nanoseconds = 30 * NS_PER_SECOND
    reentry_wait_ns: Nanoseconds = NS_PER_HOUR
    """After a person closed a position."""
    intent_life_ns: Nanoseconds = 20 * NS_PER_SECOND


class TokenState(Struct):
    """One token. The rate is kept as the two integers it was read as; ``growth`` is the last epoch's fraction."""

    epoch: int = -1
    total_lamports: int = 0
    supply_atoms: int = 0
    growth: float = 0.0
    confirmations: int = 0
    confirmed_ns: int = 0
    next_proposal_ns: int = 0
    next_exit_ns: int = 0
    proposed_seq: int = 0
    """The market's last word when something was proposed; until it speaks again nothing is. 0: ask again at once."""
    closing: bool = False
    account_open: bool = False
    """Whether a token account exists: the token was held before, so its rent is paid."""
    decision: str = "waiting for the stake pool and a market"
    decided_ns: int = 0


class LstState(Struct):
    """What snapshots carry. What is held is read from the book, never remembered here."""

    tokens: dict[str, TokenState] = field(default_factory=dict)
    next_look_ns: int = 0
