"""Meteora DAMM v2 (cp-amm): one price range, x·y = k inside it, in exact integers.

verified: program. The build of 2026-03 ran 24 swaps on a real pool (`tests/golden/onchain/meteora_damm_v2.py`) and
random states with linear and exponential fee schedules by slot and by time, the dynamic fee, both fee modes and both
fee versions; ours gave every output, every refusal and every state after the swap.

Sources: MeteoraAg/damm-v2, ``concentrated_liquidity.rs``, ``fee_time_scheduler.rs``, ``fee_math.rs``, ``state/fee.rs``.
Refused by `meteora_damm_v2_accounts`, as nothing here was verified for it: rate limiter, market-cap schedule,
compounding fees, Token-2022 mints. Not modelled: the whitelisted vault's early buying (before the activation point
every swap is refused), and a referral, which takes from the protocol's fee and changes no amount here.

Token 0 is token A. Liquidity is ``sqrt(a·b)·2^64``; square root prices are Q64.64 of B atoms per A atom.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from phantom_arbiter.core.units import BPS, MAX_U64
from phantom_arbiter.dex.pool import Segment, SwapQuote, SwapRefusal

FEE_SCALE: Final = 1_000_000_000
ONE_X64: Final = 1 << 64
_VOLATILITY_FEE_SCALE: Final = 100_000_000_000


class FeeSchedule(Struct, frozen=True, gc=False):
    """A base fee that falls from ``cliff_fee_e9`` once every ``period_points`` (seconds or slots), ``periods`` times.

    Linear: by ``reduction`` (1e-9) each time; exponential: by ``reduction`` bps of what is left. ``period_points`` 0: a
    constant fee.
    """

    exponential: bool
    cliff_fee_e9: int
    periods: int
    period_points: int
    reduction: int


class VolatilityFee(Struct, frozen=True, gc=False):
    """The dynamic fee's parameters and its state; accumulators are bin steps times 10,000."""

    max_accumulator: int
    control: int
    bin_step_bps: int
    bin_step_x64: int
    filter_period_s: int
    decay_period_s: int
    decay_bps: int
    last_update_s: int
    sqrt_price_reference_x64: int
    accumulator: int
    reference: int


class DammV2Pool(Struct, frozen=True, gc=False):
    """A pool's state; mints and vaults are raw addresses, reserves exclude every fee.

    ``fee_only_in_b``: the fee is always taken in token B, else from the output. ``activation_point`` is unix seconds
    when ``by_timestamp``, else a slot. ``max_fee_e9`` caps the schedule and the dynamic fee together.
    """

    token_a_mint: bytes
    token_b_mint: bytes
    token_a_vault: bytes
    token_b_vault: bytes
    liquidity: int
    sqrt_min_price_x64: int
    sqrt_max_price_x64: int
    sqrt_price_x64: int
    reserve_a_atoms: int
    reserve_b_atoms: int
    activation_point: int
    by_timestamp: bool
    fee_only_in_b: bool
    max_fee_e9: int
    schedule: FeeSchedule
    volatility: VolatilityFee | None


def quote(
    pool: DammV2Pool, amount_in_atoms: int, zero_for_one: bool, *, unix_time_s: int, slot: int
) -> SwapQuote | SwapRefusal:
    """The program's answer to an exact-in swap (token A in if ``zero_for_one``) at this time and slot."""
    if not 0 < amount_in_atoms <= MAX_U64:
        return SwapRefusal(f"amount_in_atoms is {amount_in_atoms}, expected 1 to 2^64 - 1")
    fee_e9 = trading_fee_e9(pool, unix_time_s=unix_time_s, slot=slot)
    if isinstance(fee_e9, SwapRefusal):
        return fee_e9
    fee_on_input = pool.fee_only_in_b and not zero_for_one
    fee_in = _fee_atoms(amount_in_atoms, fee_e9) if fee_on_input else 0
    moved = _move(pool, amount_in_atoms - fee_in, zero_for_one)
    if isinstance(moved, SwapRefusal):
        return moved
    out = moved[0]
    if fee_on_input:
        return SwapQuote(amount_in_atoms, out, fee_in)
    fee_out = _fee_atoms(out, fee_e9)
    return SwapQuote(amount_in_atoms, out - fee_out, 0, fee_out)


def apply(pool: DammV2Pool, swap: SwapQuote, zero_for_one: bool, *, unix_time_s: int) -> DammV2Pool:
    """The pool after the swap, its fee taken out of the reserves, as the program books it.

    Raises ValueError if the quote was made for another state.
    """
    net_in = swap.amount_in_atoms - swap.input_fee_atoms
    gross_out = swap.amount_out_atoms + swap.output_fee_atoms
    moved = _move(pool, net_in, zero_for_one)
    if isinstance(moved, SwapRefusal) or moved[0] != gross_out:
        raise ValueError(f"swap: {swap!r} is not an answer of this pool's state, which gives {moved!r}")
    change_a, change_b = (net_in, -gross_out) if zero_for_one else (-gross_out, net_in)
    volatility = pool.volatility
    return replace(
        pool,
        sqrt_price_x64=moved[1],
        reserve_a_atoms=pool.reserve_a_atoms + change_a,
        reserve_b_atoms=pool.reserve_b_atoms + change_b,
        volatility=volatility and _after_swap(volatility, pool.sqrt_price_x64, moved[1], unix_time_s),
    )


def segments(pool: DammV2Pool, zero_for_one: bool, *, unix_time_s: int, slot: int) -> tuple[Segment, ...]:
    """The pool as one stretch up to the range's end; nothing if it refuses every swap now."""
    fee_e9 = trading_fee_e9(pool, unix_time_s=unix_time_s, slot=slot)
    if isinstance(fee_e9, SwapRefusal) or pool.liquidity == 0:
        return ()
    kept = 1 - fee_e9 / FEE_SCALE
    reserve_a = pool.liquidity / pool.sqrt_price_x64
    reserve_b = pool.liquidity * pool.sqrt_price_x64 / 2**128
    if zero_for_one:
        capacity = pool.liquidity / pool.sqrt_min_price_x64 - reserve_a
        return (Segment(capacity, reserve_b * kept, reserve_a, 1.0),)
    capacity = pool.liquidity * (pool.sqrt_max_price_x64 - pool.sqrt_price_x64) / 2**128
    if pool.fee_only_in_b:
        return (Segment(capacity / kept, reserve_a * kept, reserve_b, kept),)
    return (Segment(capacity, reserve_a * kept, reserve_b, 1.0),)


def trading_fee_e9(pool: DammV2Pool, *, unix_time_s: int, slot: int) -> int | SwapRefusal:
    """The fee a swap pays now, in 1e-9; it does not depend on the amount."""
    point = unix_time_s if pool.by_timestamp else slot
    if point < pool.activation_point:
        return SwapRefusal(f"the pool opens at {pool.activation_point}, it is {point}")
    base_e9 = _base_fee_e9(pool.schedule, point - pool.activation_point)
    volatility = pool.volatility
    if base_e9 is None or volatility is None:
        return SwapRefusal("the fee schedule has no value now") if base_e9 is None else min(base_e9, pool.max_fee_e9)
    if volatility.sqrt_price_reference_x64 == 0 and not _is_stale(volatility, unix_time_s):
        return SwapRefusal("the dynamic fee has no reference price")
    steps = volatility.accumulator * volatility.bin_step_bps
    total_e9 = base_e9 - (-steps * steps * volatility.control // _VOLATILITY_FEE_SCALE)  # up, as the program
    return SwapRefusal("the fee exceeds u64") if total_e9 > MAX_U64 else min(total_e9, pool.max_fee_e9)


def reserves_of_range(liquidity: int, sqrt_min_x64: int, sqrt_x64: int, sqrt_max_x64: int) -> tuple[int, int]:
    """(A, B) atoms that back the liquidity, both rounded up: what the program books for a pool it has not counted."""
    reserve_a = -(-liquidity * (sqrt_max_x64 - sqrt_x64) // (sqrt_max_x64 * sqrt_x64))
    reserve_b = -(-liquidity * (sqrt_x64 - sqrt_min_x64) >> 128)
    return reserve_a, reserve_b


def _fee_atoms(amount_atoms: int, fee_e9: int) -> int:
    return -(-amount_atoms * fee_e9 // FEE_SCALE)  # up, as the program


def _base_fee_e9(schedule: FeeSchedule, elapsed_points: int) -> int | None:
    if schedule.period_points == 0:
        return schedule.cliff_fee_e9
    passed = min(elapsed_points // schedule.period_points, schedule.periods)
    if not schedule.exponential:
        fee_e9 = schedule.cliff_fee_e9 - schedule.reduction * passed
        return fee_e9 if fee_e9 >= 0 else None
    if schedule.reduction > BPS:
        return None
    share = _power_x64(ONE_X64 - (schedule.reduction << 64) // BPS, passed)
    return share * schedule.cliff_fee_e9 >> 64 if share else None


def _power_x64(base_x64: int, exponent: int) -> int:
    """``base ** exponent`` in Q64.64 for a base of at most 1, each product rounded down."""
    result = ONE_X64
    while exponent:
        if exponent & 1:
            result = result * base_x64 >> 64
        base_x64 = base_x64 * base_x64 >> 64
        exponent >>= 1
    return result


def _move(pool: DammV2Pool, net_in: int, zero_for_one: bool) -> tuple[int, int] | SwapRefusal:
    """(Output atoms before any fee on it, next square root price)."""
    liquidity, price = pool.liquidity, pool.sqrt_price_x64
    if liquidity == 0:
        return SwapRefusal("the pool has no liquidity")
    if zero_for_one:
        reserve_in, reserve_out = pool.reserve_a_atoms, pool.reserve_b_atoms
        after = -(-liquidity * price // (liquidity + net_in * price))
        beyond = after < pool.sqrt_min_price_x64
        out = liquidity * (price - after) >> 128
    else:
        reserve_in, reserve_out = pool.reserve_b_atoms, pool.reserve_a_atoms
        after = price + (net_in << 128) // liquidity
        beyond = after > pool.sqrt_max_price_x64
        out = liquidity * (after - price) // (price * after)
    if beyond:
        return SwapRefusal("the swap would leave the pool's price range")
    if out > reserve_out or reserve_in + net_in > MAX_U64:
        return SwapRefusal("the swap would leave a reserve outside 0 to 2^64 - 1")
    return out, after


def _is_stale(volatility: VolatilityFee, unix_time_s: int) -> bool:
    return max(unix_time_s - volatility.last_update_s, 0) >= volatility.filter_period_s


def _distance(volatility: VolatilityFee, price_x64: int, other_x64: int) -> int:
    """How far two square root prices are apart, in bin steps of the price."""
    lower, upper = sorted((price_x64, other_x64))
    return ((upper << 64) // lower - ONE_X64) // volatility.bin_step_x64 * 2


def _after_swap(volatility: VolatilityFee, before_x64: int, after_x64: int, unix_time_s: int) -> VolatilityFee:
    anchor, reference = volatility.sqrt_price_reference_x64, volatility.reference
    if _is_stale(volatility, unix_time_s):
        decays = unix_time_s - volatility.last_update_s < volatility.decay_period_s
        anchor = before_x64
        reference = volatility.accumulator * volatility.decay_bps // BPS if decays else 0
    moved = _distance(volatility, before_x64, after_x64) > 0
    return replace(
        volatility,
        sqrt_price_reference_x64=anchor,
        reference=reference,
        accumulator=min(reference + _distance(volatility, after_x64, anchor) * BPS, volatility.max_accumulator),
        last_update_s=unix_time_s if moved else volatility.last_update_s,
    )
