"""All pool types behind one set of functions: the search, the sizing and the simulator ask these and no module.

Each call goes to the module of the state's type, with what that program reads of the chain's time. Token 0 is sold
where ``zero_for_one``. Sources and what verified them stand in the modules.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from phantom_arbiter.core.units import BPS
from phantom_arbiter.dex import (
    constant_product,
    marinade,
    meteora_damm_v2,
    meteora_dlmm,
    phoenix,
    pump_swap,
    raydium_clmm,
    raydium_cpmm,
    sanctum_inf,
    stake_pool,
    whirlpool,
)
from phantom_arbiter.dex.pool import Segment, SwapQuote, SwapRefusal

PoolState = (
    constant_product.ConstantProductPool
    | raydium_cpmm.CpmmPool
    | whirlpool.Whirlpool
    | raydium_clmm.ClmmPool
    | meteora_dlmm.DlmmPool
    | meteora_damm_v2.DammV2Pool
    | pump_swap.PumpSwapPool
    | phoenix.PhoenixMarket
    | stake_pool.StakePool
    | marinade.MarinadePool
    | sanctum_inf.InfPair
)
"""Every state that can be quoted."""


class Moment(NamedTuple):
    """The chain's time as programs read it: slot, unix time in seconds, epoch."""

    slot: int
    unix_time_s: int
    epoch: int


class _Maths(NamedTuple):
    """One pool type: quote, apply and segments with the moment last (and of segments, how many), and the share γ of the
    input (or output) that the fee leaves."""

    quote: Callable[[Any, int, bool, Moment], SwapQuote | SwapRefusal]
    apply: Callable[[Any, SwapQuote, bool, Moment], Any]
    segments: Callable[[Any, bool, Moment, int | None], tuple[Segment, ...]]
    keep: Callable[[Any, bool, Moment], float]


def _dlmm_keep(pool: meteora_dlmm.DlmmPool, moment: Moment) -> float:
    volatility = meteora_dlmm.updated_references(pool, moment.unix_time_s)
    if isinstance(volatility, SwapRefusal):
        return 1.0
    return 1.0 - pool.fees.rate_e9(volatility.reference) / meteora_dlmm.FEE_PRECISION


def _damm_keep(pool: meteora_damm_v2.DammV2Pool, moment: Moment) -> float:
    fee_e9 = meteora_damm_v2.trading_fee_e9(pool, unix_time_s=moment.unix_time_s, slot=moment.slot)
    return 1.0 if isinstance(fee_e9, SwapRefusal) else 1.0 - fee_e9 / meteora_damm_v2.FEE_SCALE


def _stake_keep(pool: stake_pool.StakePool, zero_for_one: bool) -> float:
    fee = pool.account.sol_deposit_fee if zero_for_one else pool.account.sol_withdrawal_fee
    return 1.0 - fee.fraction


def _marinade_keep(pool: marinade.MarinadePool, zero_for_one: bool) -> float:
    return 1.0 if zero_for_one else 1.0 - marinade.unstake_fee_bps(pool.state, pool.sol_leg_lamports) / BPS


def _inf_keep(pair: sanctum_inf.InfPair, zero_for_one: bool) -> float:
    source, target = (pair.lst_0, pair.lst_1) if zero_for_one else (pair.lst_1, pair.lst_0)
    return 1.0 - (source.fee.in_nanos + target.fee.out_nanos) / sanctum_inf.NANOS


_MATHS: Final[dict[type, _Maths]] = {
    constant_product.ConstantProductPool: _Maths(
        lambda pool, atoms, down, _: constant_product.quote(pool, atoms, down),
        lambda pool, swap, down, _: constant_product.apply(pool, swap, down),
        lambda pool, down, _, __: constant_product.segments(pool, down),
        lambda pool, _, __: 1.0 - pool.fee_numerator / pool.fee_denominator,
    ),
    raydium_cpmm.CpmmPool: _Maths(
        lambda pool, atoms, down, _: raydium_cpmm.quote(pool, atoms, down),
        lambda pool, swap, down, _: raydium_cpmm.apply(pool, swap, down),
        lambda pool, down, _, __: raydium_cpmm.segments(pool, down),
        lambda pool, down, _: pool.fees.kept(down),
    ),
    whirlpool.Whirlpool: _Maths(
        lambda pool, atoms, down, now: whirlpool.quote(pool, atoms, down, now.unix_time_s),
        lambda pool, swap, down, now: whirlpool.apply(pool, swap, down, now.unix_time_s),
        lambda pool, down, now, most: whirlpool.segments(pool, down, most, now.unix_time_s),
        lambda pool, _, now: 1.0 - whirlpool.first_fee_ppm(pool, now.unix_time_s) / whirlpool.PPM,
    ),
    raydium_clmm.ClmmPool: _Maths(
        lambda pool, atoms, down, _: raydium_clmm.quote(pool, atoms, down),
        lambda pool, swap, down, _: raydium_clmm.apply(pool, swap, down),
        lambda pool, down, _, most: raydium_clmm.segments(pool, down, most),
        lambda pool, _, __: 1.0 - pool.fee_rate / raydium_clmm.FEE_DENOMINATOR,
    ),
    meteora_dlmm.DlmmPool: _Maths(
        lambda pool, atoms, down, now: meteora_dlmm.quote(pool, atoms, down, now.unix_time_s, now.slot),
        lambda pool, swap, down, now: meteora_dlmm.apply(pool, swap, down, now.unix_time_s, now.slot),
        lambda pool, down, now, most: meteora_dlmm.segments(pool, down, now.unix_time_s, now.slot, most),
        lambda pool, _, now: _dlmm_keep(pool, now),
    ),
    meteora_damm_v2.DammV2Pool: _Maths(
        lambda pool, atoms, down, now: meteora_damm_v2.quote(
            pool, atoms, down, unix_time_s=now.unix_time_s, slot=now.slot
        ),
        lambda pool, swap, down, now: meteora_damm_v2.apply(pool, swap, down, unix_time_s=now.unix_time_s),
        lambda pool, down, now, _: meteora_damm_v2.segments(pool, down, unix_time_s=now.unix_time_s, slot=now.slot),
        lambda pool, _, now: _damm_keep(pool, now),
    ),
    pump_swap.PumpSwapPool: _Maths(
        lambda pool, atoms, down, _: pump_swap.quote(pool, atoms, down),
        lambda pool, swap, down, _: pump_swap.apply(pool, swap, down),
        lambda pool, down, _, __: pump_swap.segments(pool, down),
        lambda pool, _, __: 1.0 - pump_swap.fee_rates(pool).total_bps / BPS if pool.base_reserve_atoms else 1.0,
    ),
    phoenix.PhoenixMarket: _Maths(
        lambda pool, atoms, down, now: phoenix.quote(pool, atoms, down, now.slot, now.unix_time_s),
        lambda pool, swap, down, now: phoenix.apply(pool, swap, down, now.slot, now.unix_time_s),
        lambda pool, down, now, most: phoenix.segments(pool, down, now.slot, now.unix_time_s, most),
        lambda pool, _, __: 1.0 - pool.taker_fee_bps / BPS,
    ),
    stake_pool.StakePool: _Maths(
        lambda pool, atoms, down, now: stake_pool.quote(pool, atoms, down, now.epoch),
        lambda pool, swap, down, _: stake_pool.apply(pool, swap, down),
        lambda pool, down, now, _: (
            () if pool.account.last_update_epoch < now.epoch else stake_pool.segments(pool, down)
        ),
        lambda pool, down, _: _stake_keep(pool, down),
    ),
    marinade.MarinadePool: _Maths(
        lambda pool, atoms, down, _: marinade.quote(pool, atoms, down),
        lambda pool, swap, down, _: marinade.apply(pool, swap, down),
        lambda pool, down, _, __: marinade.segments(pool, down),
        lambda pool, down, _: _marinade_keep(pool, down),
    ),
    sanctum_inf.InfPair: _Maths(
        lambda pool, atoms, down, now: sanctum_inf.quote(pool, atoms, down, now.epoch),
        lambda pool, swap, down, _: sanctum_inf.apply(pool, swap, down),
        lambda pool, down, now, _: sanctum_inf.segments(pool, down, now.epoch),
        lambda pool, down, _: _inf_keep(pool, down),
    ),
}


def quote(pool: PoolState, amount_in_atoms: int, zero_for_one: bool, moment: Moment) -> SwapQuote | SwapRefusal:
    """The program's exact answer to a swap of ``amount_in_atoms``, or why there is none."""
    return _MATHS[type(pool)].quote(pool, amount_in_atoms, zero_for_one, moment)


def apply(pool: PoolState, swap: SwapQuote, zero_for_one: bool, moment: Moment) -> PoolState:
    """The pool after a swap that it quoted. Raises ValueError for a quote of another state."""
    state: PoolState = _MATHS[type(pool)].apply(pool, swap, zero_for_one, moment)
    return state


def segments(pool: PoolState, zero_for_one: bool, moment: Moment, most: int | None = None) -> tuple[Segment, ...]:
    """The pool's answer in floats, for screening; empty where it would refuse every amount.

    ``most``, at least 1, asks for the first ones only (None: all): of a long list, those are soon made.
    """
    return _MATHS[type(pool)].segments(pool, zero_for_one, moment, most)[:most]


def keep(pool: PoolState, zero_for_one: bool, moment: Moment) -> float:
    """γ, what the fee leaves of a small swap, as a fraction; for telling gross from net, not for quotes."""
    return _MATHS[type(pool)].keep(pool, zero_for_one, moment)
