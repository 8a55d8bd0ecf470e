"""What an exact pool pays for the first atom, and how much closes a gap: what arbitrageurs look at, in floats."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from phantom_arbiter.core.units import BPS
from phantom_arbiter.dex import pools
from phantom_arbiter.dex.meteora_dlmm import (
    BINS_PER_ARRAY,
    FEE_PRECISION,
    Bin,
    DlmmPool,
    updated_references,
)
from phantom_arbiter.dex.pool import Segment, SwapRefusal
from phantom_arbiter.dex.pools import Moment, PoolState
from phantom_arbiter.dex.stake_pool import STAKE_ACCOUNT_RENT_LAMPORTS, StakePool
from phantom_arbiter.dex.whirlpool import PPM, Whirlpool

SMALLEST_WITHDRAWAL_LAMPORTS: Final = 100_000_000
"""A stake pool's reserve that nobody bothers with."""
_NEAR_BINS: Final = 3
"""How far from the active bin one that pays is looked for: bins are filled without holes."""
_ANY_TIME: Final = Moment(0, 0, 0)

Rates = tuple[float, float]
"""What the first atom pays, fee included: token 1 for token 0, and token 0 for token 1; 0.0 where nothing."""


def marginal_rates(state: PoolState) -> Rates:
    """The rates of a state at any time: a DLMM pool's without its variable fee, which `closing_atoms` takes off.

    A stake pool's deposits never gain, so they have no rate here.
    """
    match state:
        case Whirlpool():
            price, kept = (state.sqrt_price_x64 / 2**64) ** 2, 1.0 - state.fee_ppm / PPM
            return price * kept, kept / price
        case DlmmPool():
            kept = 1.0 - state.fees.rate_e9(0) / FEE_PRECISION
            return _paying_bin(state, True)[1] * kept, _paying_bin(state, False)[1] * kept
        case StakePool():
            account = state.account
            if state.reserve_lamports - STAKE_ACCOUNT_RENT_LAMPORTS < SMALLEST_WITHDRAWAL_LAMPORTS:
                return 0.0, 0.0
            rate = account.total_lamports / account.pool_token_supply_atoms
            return 0.0, rate * (1.0 - account.sol_withdrawal_fee.fraction)
        case _:
            down, up = (pools.segments(state, zero_for_one, _ANY_TIME) for zero_for_one in (True, False))
            return (down[0].a / down[0].b if down else 0.0), (up[0].a / up[0].b if up else 0.0)


def closing_atoms(state: PoolState, zero_for_one: bool, worth: float, moment: Moment) -> float:
    """The input after which the output for one more atom falls to ``worth``; 0.0 where it is not above it.

    Of a DLMM pair no further than the bin arrays at its price: the rest is left to the next slot.
    """
    if isinstance(state, DlmmPool):
        if _dlmm_rate(state, zero_for_one, moment) <= worth:
            return 0.0
        near = {(state.active_id + distance) // BINS_PER_ARRAY for distance in (-_NEAR_BINS, _NEAR_BINS)}
        state = replace(state, arrays={at: array for at, array in state.arrays.items() if at in near})
    return _until(pools.segments(state, zero_for_one, moment), worth)


def _until(segments: Iterable[Segment], worth: float) -> float:
    total = 0.0
    for segment in segments:
        if segment.a <= worth * segment.b:
            break
        if segment.c:
            within = (math.sqrt(segment.a * segment.b / worth) - segment.b) / segment.c
            if within < segment.capacity_atoms:
                return total + within
        total += segment.capacity_atoms
    return total


def _dlmm_rate(state: DlmmPool, zero_for_one: bool, moment: Moment) -> float:
    """What the first atom pays at that time, with the variable fee of the bin that pays it."""
    volatility = updated_references(state, moment.unix_time_s)
    if isinstance(volatility, SwapRefusal):
        return 0.0
    bin_id, price = _paying_bin(state, zero_for_one)
    crossed = volatility.reference + abs(volatility.index_reference - bin_id) * BPS
    return price * (1.0 - state.fees.rate_e9(min(crossed, state.fees.max_volatility)) / FEE_PRECISION)


def _paying_bin(state: DlmmPool, zero_for_one: bool) -> tuple[int, float]:
    """The nearest bin that pays, and what it pays for an atom before the fee; 0.0 where none is near."""
    for distance in range(_NEAR_BINS):
        bin_id = state.active_id - distance if zero_for_one else state.active_id + distance
        found = _bin(state, bin_id)
        if found is not None and (found.amount_y_atoms if zero_for_one else found.amount_x_atoms):
            return bin_id, found.price_x64 / 2**64 if zero_for_one else 2**64 / found.price_x64
    return state.active_id, 0.0


def _bin(state: DlmmPool, bin_id: int) -> Bin | None:
    array = state.arrays.get(bin_id // BINS_PER_ARRAY)
    return array.bins[bin_id % BINS_PER_ARRAY] if array is not None else None
