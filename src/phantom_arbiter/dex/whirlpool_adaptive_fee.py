"""Orca Whirlpool's adaptive fee: a fee that rises with the tick groups that swaps cross, and falls with time.

Ticks are taken in groups of ``tick_group_size``. A swap starts with the references of the last one, or, if enough
seconds passed since, with new ones (`started`). In each group, with d its distance from the reference group:

    volatility = min(reference + 10⁴·d, max_volatility)
    fee = min(base fee + ⌈control_factor · (volatility · tick_group_size)² / 10¹³⌉, 100,000 ppm)

So a swap stops at every border between groups (`steps`). It goes to the next tick at once where the fee stays as it is:
where it cannot rise further, where there is no liquidity, and where the control factor is 0.

Source: the program's ``fee_rate_manager`` and ``oracle``. Verified: program (the immutable one), by swaps one after the
other with the clock moving between them, and the oracle's variables after each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from phantom_arbiter.dex.pool import SwapRefusal
from phantom_arbiter.dex.tick_math import sqrt_price_at_tick, tick_at_sqrt_price

MAX_TOTAL_FEE_PPM: Final = 100_000
MAX_STEPS: Final = 160
"""Steps of one swap that are looked at: at 8,800 compute units each, no transaction has room for more."""
VOLATILITY_OF_ONE_GROUP: Final = 10_000
REDUCTION_SCALE: Final = 10_000
MAX_REFERENCE_AGE_SECONDS: Final = 3_600
CONTROL_SCALE: Final = 100_000
_FEE_SCALE: Final = CONTROL_SCALE * VOLATILITY_OF_ONE_GROUP**2

TickStop = tuple[int, int, int | None, int, int]
"""Where a step of a swap ends: its tick, its root price (Q64.64), the liquidity gained by crossing it (None: nothing is
crossed), the step's fee in ppm and its tick group (0 without an adaptive fee)."""
Stop = tuple[int | None, int, int | None, int, int]
"""The same; without a tick at a border of tick groups where the program looks for none."""


class AdaptiveFee(Struct, frozen=True, gc=False):
    """A pool's oracle: constants, from ``filter_seconds`` on, and what swaps leave, from ``reference_updated_s`` on.

    ``reduction_bps`` of the volatility stay as the next reference. Times are unix seconds; volatilities have 10,000 for
    one tick group. Swaps begin at ``trade_enabled_from_s``.
    """

    trade_enabled_from_s: int
    filter_seconds: int
    decay_seconds: int
    reduction_bps: int
    control_factor: int
    max_volatility: int
    tick_group_size: int
    major_swap_ticks: int
    reference_updated_s: int = 0
    major_swap_s: int = 0
    volatility_reference: int = 0
    reference_group: int = 0
    volatility: int = 0


def started(fee: AdaptiveFee, tick: int, unix_time_s: int) -> AdaptiveFee | SwapRefusal:
    """The references that a swap at this time goes by; ``tick`` is the pool's.

    Within ``filter_seconds`` of the last update or major swap they stay; up to ``decay_seconds`` a part of the
    volatility stays; then, and an hour after the last update in any case, none does.
    """
    if unix_time_s < fee.trade_enabled_from_s:
        return SwapRefusal(f"trading starts at {fee.trade_enabled_from_s}, it is {unix_time_s}")
    latest = max(fee.reference_updated_s, fee.major_swap_s)
    if unix_time_s < latest:
        return SwapRefusal(f"the last swap was at {latest}, it is {unix_time_s}")
    quiet, kept = unix_time_s - latest, 0
    if unix_time_s - fee.reference_updated_s <= MAX_REFERENCE_AGE_SECONDS:
        if quiet < fee.filter_seconds:
            return fee
        if quiet < fee.decay_seconds:
            kept = fee.volatility * fee.reduction_bps // REDUCTION_SCALE
    group = tick // fee.tick_group_size
    return replace(fee, reference_group=group, volatility_reference=kept, reference_updated_s=unix_time_s)


def volatility_in(fee: AdaptiveFee, group: int) -> int:
    """The volatility of a swap that is in this tick group; ``fee`` as `started`."""
    distance = abs(group - fee.reference_group)
    return min(fee.volatility_reference + distance * VOLATILITY_OF_ONE_GROUP, fee.max_volatility)


def fee_ppm_in(fee: AdaptiveFee, group: int, base_fee_ppm: int) -> int:
    """What a step in this tick group pays, in millionths of its input; rounded up, as the program does."""
    crossed = volatility_in(fee, group) * fee.tick_group_size
    return min(base_fee_ppm - (-fee.control_factor * crossed * crossed // _FEE_SCALE), MAX_TOTAL_FEE_PPM)


def steps(fee: AdaptiveFee, stops: Iterable[TickStop], tick: int, liquidity: int, zero_for_one: bool) -> Iterator[Stop]:
    """The path of a swap cut at the borders of tick groups, each step with its own fee.

    ``fee`` as `started`; ``tick`` and ``liquidity`` are the pool's; ``stops`` is its path, with the base fee.
    """
    size, group = fee.tick_group_size, tick // fee.tick_group_size
    lowest, highest = _changing_groups(fee)
    for stop, target, gained, base_fee_ppm, _ in stops:
        while liquidity and fee.control_factor:
            border = _border(group, lowest, highest, zero_for_one)
            if border is None or not _is_before(border * size, stop, zero_for_one):
                break
            yield None, sqrt_price_at_tick(border * size), None, fee_ppm_in(fee, group, base_fee_ppm), group
            group = border - zero_for_one
        yield stop, target, gained, fee_ppm_in(fee, group, base_fee_ppm), group
        liquidity += gained or 0
        group = stop // size - zero_for_one  # every tick with liquidity is a border of groups


def _changing_groups(fee: AdaptiveFee) -> tuple[int, int]:
    """The lowest and highest group before the volatility can rise no further."""
    reach = -((fee.volatility_reference - fee.max_volatility) // VOLATILITY_OF_ONE_GROUP)
    return fee.reference_group - reach, fee.reference_group + reach


def _border(group: int, lowest: int, highest: int, zero_for_one: bool) -> int | None:
    """The group that starts at the next border where the fee may change, in the direction of the swap; None: none."""
    if zero_for_one:
        return None if group < lowest else min(group, highest + 1)
    return None if group > highest else max(group + 1, lowest)


def _is_before(tick: int, stop: int, zero_for_one: bool) -> bool:
    return tick > stop if zero_for_one else tick < stop


def finished(
    fee: AdaptiveFee, before_x64: int, after_x64: int, group: int, zero_for_one: bool, unix_time_s: int
) -> AdaptiveFee:
    """The oracle after a swap from one root price to another, with its last step begun in ``group``; ``fee`` as
    `started`."""
    tick = tick_at_sqrt_price(after_x64)
    reached, past = divmod(tick, fee.tick_group_size)
    if zero_for_one:
        group = min(group, reached)
    else:
        on_border = past == 0 and after_x64 == sqrt_price_at_tick(tick)
        group = max(group, reached - on_border)
    low, high = sorted((before_x64, after_x64))
    is_major = high >= low * sqrt_price_at_tick(fee.major_swap_ticks) >> 64
    return replace(
        fee, volatility=volatility_in(fee, group), major_swap_s=unix_time_s if is_major else fee.major_swap_s
    )
