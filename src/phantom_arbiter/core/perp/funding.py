"""Hourly funding exactly as Drift v2 and Velocity compute it: the rate, when it is due, its cap, and its running sum.

Sources, unless a function names another: drift protocol-v2 at 0ae3e3b1d (``programs/drift/src``) and, for what only
Velocity has, velocity-v1 at 016887df (``programs/velocity/src``). Prices are at 1e6, rates are quote per base an hour
at 1e9, base at 1e9, quote at 1e6. A positive rate: longs pay shorts. Divisions drop toward zero, as the programs' do.

How a bid and an ask become one sample of the mark TWAP, and the extra weight of a venue's own market maker in it, is
not here: the venue's TWAPs are read, not rebuilt.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from phantom_arbiter.core.perp.payment import funding_payment_atoms
from phantom_arbiter.core.perp.profile import ContractTier, VenueProfile
from phantom_arbiter.core.units import BPS, Rounding, mul_div

HOUR_S: Final = 3_600
DAY_S: Final = 86_400
PERIODS_PER_DAY: Final = 24
_RATE_BUFFER: Final = 1_000
_MILLION: Final = 1_000_000
_QUOTE_TO_RATE: Final = 10**12
"""QUOTE_TO_BASE_AMT_FUNDING_PRECISION: quote (1e6) over base (1e9) becomes a rate (1e9)."""
_BUDGET_SHARE: Final = 3


def hourly_rate_e9(mark_twap_px: int, oracle_twap_px: int, profile: VenueProfile, tier: ContractTier) -> int:
    """The rate of one hour from its closing TWAPs; positive: longs pay.

    Source: ``controller/funding.rs::update_funding_rate``; the dead zone and the ramp are Velocity's
    ``math/funding.rs::calculate_funding_premium_with_offset`` (Drift's zone is 0 and its ramp 1). Raises `ValueError`
    where a TWAP is not a price.
    """
    if oracle_twap_px <= 0 or mark_twap_px < 0:
        raise ValueError(f"TWAPs: got mark {mark_twap_px} and oracle {oracle_twap_px}, expected >= 0 and > 0")
    offset = oracle_twap_px // profile.offset_denominator
    dead_zone = oracle_twap_px * profile.dead_zone_bps // BPS
    premium = _ramped(mark_twap_px - oracle_twap_px, dead_zone, profile.ramp_e6)
    bound = oracle_twap_px // profile.clamp_denominators[tier]
    clamped = max(-bound, min(bound, premium + offset))
    return mul_div(clamped, _RATE_BUFFER, PERIODS_PER_DAY, Rounding.TRUNCATE)


def _ramped(spread_px: int, dead_zone_px: int, ramp_e6: int) -> int:
    if abs(spread_px) <= dead_zone_px:
        return 0
    excess = spread_px - dead_zone_px if spread_px > 0 else spread_px + dead_zone_px
    return mul_div(excess, ramp_e6, _MILLION, Rounding.TRUNCATE)


def seconds_until_due(now_s: int, last_update_s: int, period_s: int = HOUR_S) -> int:
    """Seconds until funding may be updated; 0: now. Unix seconds, ``period_s`` positive.

    Updates fall on the hour. One that came more than a third of a period late skips the next hour: its successor may
    come only on the hour after. Source: ``math/helpers.rs::on_the_hour_update``.
    """
    if period_s <= 0:
        raise ValueError(f"period_s: got {period_s}, expected a positive number of seconds")
    late_s = last_update_s % period_s
    wait_s = 2 * period_s - late_s if late_s > period_s // 3 else period_s - late_s
    return max(0, last_update_s + wait_s - now_s)


def is_due(now_s: int, last_update_s: int, period_s: int = HOUR_S) -> bool:
    """Whether funding may be updated at ``now_s``; see `seconds_until_due`."""
    return seconds_until_due(now_s, last_update_s, period_s) == 0


class MarketBook(Struct, frozen=True, gc=False):
    """A market's open interest in base atoms, signed: longs positive, shorts negative.

    ``net_with_amm_atoms`` is the users' net position that the venue's market maker is the other side of: their sum,
    but for what is not settled with the maker.
    """

    long_base_atoms: int
    short_base_atoms: int
    net_with_amm_atoms: int


class SideRates(Struct, frozen=True, gc=False):
    """The hour's rate as each side sees it, at 1e9, one sign: the payer's is whole, the receiver's may be capped."""

    long_e9: int
    short_e9: int


def side_rates(rate_e9: int, book: MarketBook, fee_pool_atoms: int) -> SideRates:
    """The rate of both sides. They differ only where the venue's market maker would pay more than a third of its fees.

    ``fee_pool_atoms`` (quote, not negative): on Drift what ``math/repeg.rs::calculate_fee_pool`` gives, on Velocity the
    maker's ``total_fee_minus_distributions``. Above a third of it the receivers share that third and what the payers
    pay, less one atom. Source: ``math/funding.rs`` (``calculate_funding_rate_long_short``,
    ``calculate_capped_funding_rate``, ``calculate_funding_rate_from_pnl_limit``).
    """
    if fee_pool_atoms < 0 or book.long_base_atoms < 0 or book.short_base_atoms > 0:
        raise ValueError(f"side_rates: got {book} and a fee pool of {fee_pool_atoms}, expected longs >= 0, shorts <= 0")
    budget = fee_pool_atoms // _BUDGET_SHARE
    if funding_payment_atoms(book.net_with_amm_atoms, 0, rate_e9) <= budget:
        return SideRates(rate_e9, rate_e9)
    if rate_e9 > 0:
        return SideRates(rate_e9, _affordable_rate_e9(rate_e9, budget, book.long_base_atoms, book.short_base_atoms))
    return SideRates(_affordable_rate_e9(rate_e9, budget, book.short_base_atoms, book.long_base_atoms), rate_e9)


def _affordable_rate_e9(rate_e9: int, budget_atoms: int, paying_base_atoms: int, receiving_base_atoms: int) -> int:
    if receiving_base_atoms == 0:
        return 0
    affordable = budget_atoms + abs(funding_payment_atoms(paying_base_atoms, 0, rate_e9))
    magnitude = max(0, affordable - 1) * _QUOTE_TO_RATE // abs(receiving_base_atoms)
    return magnitude if rate_e9 > 0 else -magnitude


class FundingIndex(Struct, frozen=True, gc=False):
    """A market's running sums of the rates of each side since its beginning, at 1e9."""

    long_e9: int = 0
    short_e9: int = 0

    def post(self, rates: SideRates) -> FundingIndex:
        """The index after one more hour. Source: ``controller/funding.rs::update_funding_rate``."""
        return FundingIndex(self.long_e9 + rates.long_e9, self.short_e9 + rates.short_e9)

    def side_e9(self, base_atoms: int) -> int:
        """The sum that counts for a position of ``base_atoms`` (signed, long positive); what it keeps as last settled.

        Source: ``controller/funding.rs::settle_funding_payment``: a position that is not long counts as short.
        """
        return self.long_e9 if base_atoms > 0 else self.short_e9

    def payment_atoms(self, base_atoms: int, settled_e9: int) -> int:
        """Quote atoms (1e6) that settling now gives a position whose side stood at ``settled_e9`` when it last settled.

        Positive: received. Truncated toward zero, once a settlement: who settles more often loses more dust, and pays
        less of it. Source: ``math/funding.rs::calculate_funding_payment``.
        """
        return funding_payment_atoms(base_atoms, settled_e9, self.side_e9(base_atoms))


def weighted_average(new: int, old: int, new_weight: int, old_weight: int) -> int:
    """Mean of two values, moved by one toward the heavier product: the program's bias against rounding to a standstill.

    Weights are seconds, not negative. Source: ``math/stats.rs::calculate_weighted_average`` without a given bias.
    """
    if new_weight == 0:
        return old
    if old_weight == 0:
        return new
    new_part, old_part = new * new_weight, old * old_weight
    mean = mul_div(new_part + old_part, 1, new_weight + old_weight, Rounding.TRUNCATE)
    bias = (old_part > new_part) - (old_part < new_part) if old_weight > 1 else 0
    return mean if mean == 0 and bias < 0 else mean + bias


def new_twap(value: int, now_s: int, last_twap: int, last_s: int, period_s: int) -> int:
    """A time-weighted mean over ``period_s`` after one more value, at the scale and sign of what is averaged.

    Source: ``math/stats.rs::calculate_new_twap``.
    """
    elapsed_s = max(0, now_s - last_s)
    return weighted_average(value, last_twap, elapsed_s, max(1, period_s - elapsed_s))


def new_24h_average_e9(rate_e9: int, now_s: int, last_average_e9: int, last_update_s: int) -> int:
    """A market's 24-hour mean rate after one more hour; positive: longs paid.

    Source: ``controller/funding.rs::update_funding_rate`` (``last_24h_avg_funding_rate``). Its one-unit bias makes it a
    statistic to show, not one to settle by.
    """
    return new_twap(rate_e9, now_s, last_average_e9, last_update_s, DAY_S)


def sanitized_px(px: int, twap_px: int, profile: VenueProfile, tier: ContractTier) -> int:
    """A price at 1e6 as a TWAP takes it in: no further from that TWAP than the tier allows; a TWAP of 0 allows all.

    Source: ``math/amm.rs::sanitize_new_price`` with ``PerpMarket::get_sanitize_clamp_denominator``.
    """
    if twap_px == 0:
        return px
    band = twap_px // profile.sanitize_denominators[tier]
    return max(twap_px - band, min(twap_px + band, px))


class Twap(Struct, frozen=True, gc=False):
    """A TWAP at 1e6 and when it was last written, in Unix seconds."""

    px: int
    updated_s: int


def mark_twap_restarts(mark: Twap, now_s: int, profile: VenueProfile, period_s: int = HOUR_S) -> bool:
    """Whether the venue's next update drops the mark TWAP and starts it again at the oracle TWAP, so that only the
    offset is charged. Never on Drift.

    Source: Velocity's ``MarketStats::reseed_mark_twap_from_oracle_if_stale``: older than three funding periods.
    """
    if profile.reseed_periods == 0:
        return False
    return now_s - mark.updated_s > max(profile.reseed_periods * period_s, HOUR_S)


class MarketNow(Struct, frozen=True, gc=False):
    """A market between two updates: its stored TWAPs, and mark and oracle price at this moment, all at 1e6."""

    mark: Twap
    oracle: Twap
    mark_px: int
    oracle_px: int


def predicted_rate_e9(market: MarketNow, now_s: int, profile: VenueProfile, tier: ContractTier) -> int:
    """The rate at 1e9 if the running hour closed at ``now_s``, before any cap; an estimate. Positive: longs would pay.

    Source: `hourly_rate_e9` over `projected_twaps_px`.
    """
    mark_twap_px, oracle_twap_px = projected_twaps_px(market, now_s, profile, tier)
    return hourly_rate_e9(mark_twap_px, oracle_twap_px, profile, tier)


def projected_twaps_px(market: MarketNow, now_s: int, profile: VenueProfile, tier: ContractTier) -> tuple[int, int]:
    """Mark and oracle TWAP at ``now_s`` as the SDK estimates them, at 1e6.

    Source: ``sdk/src/math`` (``calculateLiveMarkTwap`` and ``shrinkStaleTwaps`` in ``funding.ts``,
    ``calculateLiveOracleTwap`` in ``oracles.ts``). The stored mark always weighs a whole period, as there. Two things
    follow the program rather than the SDK: the oracle price is held to the tier's own band, and a mark that restarts
    equals the oracle.
    """
    mark, oracle = market.mark, market.oracle
    if now_s < max(mark.updated_s, oracle.updated_s):
        raise ValueError(f"now_s: got {now_s}, expected no time before the last update of the TWAPs")
    oracle_age_s = max(1, now_s - oracle.updated_s)
    bounded_px = sanitized_px(market.oracle_px, oracle.px, profile, tier)
    oracle_px = _mean(bounded_px, oracle_age_s, oracle.px, max(0, HOUR_S - oracle_age_s))
    if mark_twap_restarts(mark, now_s, profile):
        return oracle_px, oracle_px
    mark_px = _mean(market.mark_px, now_s - mark.updated_s, mark.px, HOUR_S)
    gap_s = mark.updated_s - oracle.updated_s
    if gap_s > 0:
        oracle_px = _mean(mark_px, gap_s, oracle_px, max(1, HOUR_S - (now_s - oracle.updated_s)))
    elif gap_s < 0:
        mark_px = _mean(oracle_px, -gap_s, mark_px, max(1, HOUR_S - (now_s - mark.updated_s)))
    return mark_px, oracle_px


def _mean(one_px: int, one_weight: int, other_px: int, other_weight: int) -> int:
    return (one_px * one_weight + other_px * other_weight) // (one_weight + other_weight)
