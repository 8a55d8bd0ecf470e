"""The thresholds of the gates, with the defaults of the design's reference. Engines' own settings are not here."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from phantom_arbiter.core.units import NS_PER_HOUR, NS_PER_SECOND

NonNegative = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(gt=0)]
Bps = Annotated[int, Meta(ge=0, le=100_000)]
HealthPoints = Annotated[float, Meta(ge=0, le=100)]


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """Units are last in each name; ``_micros`` are millionths of a dollar, ``_bps`` hundredths of a percent."""

    duplicate_ns: Positive = 2 * NS_PER_SECOND
    orders_per_second: Positive = 5
    orders_per_minute: Positive = 60
    orders_per_hour: Positive = 600
    open_orders: Positive = 16
    quote_age_ns: Positive = 10 * NS_PER_SECOND
    oracle_age_ns: Positive = 10 * NS_PER_SECOND
    pool_age_ns: Positive = NS_PER_HOUR
    exit_age_ns: Positive = NS_PER_HOUR
    oracle_confidence_bps: Bps = 200
    major_band_bps: Bps = 100
    lst_premium_bps: Bps = 50
    meme_band_bps: Bps = 500
    order_notional_micros: Positive = 100_000_000_000
    engine_notional_micros: Positive = 1_000_000_000_000
    sol_reserve_lamports: NonNegative = 50_000_000
    slippage_bps: Bps = 100
    exit_slippage_bps: Bps = 5_000
    min_net_micros: NonNegative = 1_000
    min_net_bps: Annotated[float, Meta(ge=0, le=10_000)] = 0.1
    open_health: HealthPoints = 60
    withdraw_health: HealthPoints = 80
    daily_loss_bps: Bps = 200
    drawdown_bps: Bps = 1_000
    asset_share_bps: Bps = 9_500
    token_liquidity_micros: NonNegative = 50_000_000_000
    token_liquidity_orders: Positive = 200
    token_top_holders_bps: Bps = 3_000
    token_holders: NonNegative = 500
    token_lp_burned_bps: Bps = 9_000
    token_age_ns: NonNegative = 24 * NS_PER_HOUR
