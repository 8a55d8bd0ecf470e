"""The exact pools of the built-in market, as a table: who trades what, how deep, and their state at the start.

They are told by account bytes and quoted as the programs quote. Depths, widths and rates of trades are round figures of
the right order, our own estimates. Prices here are token-1 atoms for one atom of token 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Final

from msgspec import Struct

from phantom_arbiter.core.units import BPS, LAMPORTS_PER_SOL, SLOT_NS, SLOTS_PER_EPOCH
from phantom_arbiter.dex import meteora_dlmm, whirlpool
from phantom_arbiter.dex.addresses import address_bytes, base58
from phantom_arbiter.dex.meteora_damm_v2 import DammV2Pool, FeeSchedule, reserves_of_range
from phantom_arbiter.dex.meteora_damm_v2_accounts import MAX_SQRT_PRICE_X64, MIN_SQRT_PRICE_X64
from phantom_arbiter.dex.meteora_dlmm import BINS_PER_ARRAY, BITMAP_ARRAYS, Bin, BinArray, DlmmPool
from phantom_arbiter.dex.pools import Moment, PoolState
from phantom_arbiter.dex.pump_swap import FeeRates, FeeTier, PumpSwapPool
from phantom_arbiter.dex.pump_swap_accounts import WRAPPED_SOL
from phantom_arbiter.dex.stake_pool import STAKE_ACCOUNT_RENT_LAMPORTS, StakePool
from phantom_arbiter.dex.stake_pool_accounts import SPL_STAKE_POOL_PROGRAM, Fee, StakePoolAccount
from phantom_arbiter.dex.tick_math import tick_at_sqrt_price
from phantom_arbiter.dex.whirlpool import TICKS_PER_ARRAY, Whirlpool, tick_array, with_tick_arrays
from phantom_arbiter.sim.market.account_writers import (
    AccountWriter,
    DammWriter,
    DlmmWriter,
    PumpSwapWriter,
    StakePoolWriter,
    WhirlpoolWriter,
    raw_address,
)
from phantom_arbiter.sim.market.universe import LST_INDEX, STAKE_POOLS, universe

STAKE_VENUE: Final = "stake-pool"
_ASSETS: Final = universe().assets
_TICKS_PER_LOG: Final = 1.0 / math.log(1.0001)
_NO_FEE: Final = Fee(0, 0)

Opening = Callable[[str, float, float, Moment], PoolState]
"""From the pool's name, its price, the token-1 atoms on a side of it, and the chain's time."""


class ExactPoolSpec(Struct, frozen=True):
    """A pool. ``side_1_atoms``: the token-1 reserve of the constant-product pool that is as deep near the price;
    ``fee_e6`` sizes the noise trades; ``trades_per_minute`` of them come on average."""

    program: str
    venue: str
    asset_0: str
    asset_1: str
    side_1_atoms: float
    fee_e6: int
    trades_per_minute: float
    writer: AccountWriter
    opening: Opening

    @property
    def id(self) -> str:
        """The address of the main account."""
        return self.writer.address

    def open(self, price: float, moment: Moment) -> PoolState:
        """The state at the start."""
        return self.opening(self.writer.address, price, self.side_1_atoms, moment)


def moment_at(slot: int) -> Moment:
    """The chain's clock in the simulation."""
    return Moment(slot, slot * SLOT_NS // 1_000_000_000, slot // SLOTS_PER_EPOCH)


def _mint(symbol: str) -> bytes:
    """A token's mint: its own, or a made-up one of a token that exists only here."""
    mint = _ASSETS[symbol].mint
    return address_bytes(mint) if mint else raw_address(f"mint/{symbol}")


def _whirlpool(spacing: int, fee_ppm: int, positions: tuple[tuple[float, float], ...]) -> Opening:
    """``positions``: how far up and down each reaches, as a logarithm of the price, and its share of the depth."""

    def opening(_: str, price: float, side_1_atoms: float, __: Moment) -> Whirlpool:
        root = math.sqrt(price)
        sqrt_price_x64 = int(root * 2**64)
        tick = tick_at_sqrt_price(sqrt_price_x64)
        nets: dict[int, int] = {}
        for reach, share in positions:
            added, width = int(side_1_atoms / root * share), math.ceil(reach * _TICKS_PER_LOG)
            low, high = (tick - width) // spacing * spacing, -(-(tick + width) // spacing) * spacing
            nets[low], nets[high] = nets.get(low, 0) + added, nets.get(high, 0) - added
        liquidity = sum(net for at, net in nets.items() if at <= tick)
        pool = Whirlpool(spacing, fee_ppm, 1_300, liquidity, sqrt_price_x64, tick)
        return with_tick_arrays(pool, _tick_arrays(nets, spacing))

    return opening


def _tick_arrays(nets: dict[int, int], spacing: int) -> list[whirlpool.TickArray]:
    """Every array between the outermost ticks and one beyond on each side, so that the price never leaves them."""
    span = spacing * TICKS_PER_ARRAY
    first, last = (min(nets) // span - 1) * span, (max(nets) // span + 1) * span
    return [
        tick_array(start, [(tick, nets[tick]) for tick in sorted(nets) if start <= tick < start + span and nets[tick]])
        for start in range(first, last + 1, span)
    ]


def _dlmm(mints: tuple[str, str], step_bps: int, base_factor: int, reach: float) -> Opening:
    """The same value in each bin as far as ``reach`` up and down, a logarithm of the price.

    A step of more than twice the fee would leave gaps of its own: two bins that both pay more than the fair price.
    """

    def opening(address: str, price: float, side_1_atoms: float, moment: Moment) -> DlmmPool:
        step = math.log1p(step_bps / BPS)
        active = round(math.log(price) / step)
        ids = range(active - int(reach / step), active + int(reach / step) + 1)
        fees = meteora_dlmm.FeeParameters(step_bps, base_factor, 0, 20_000, 250_000, 30, 600, 5_000)
        bins = {bin_id: _bin(bin_id, active, step_bps, side_1_atoms * step / 2) for bin_id in ids}
        arrays = [
            BinArray(index, tuple(bins.get(at, Bin(0, 0, 0)) for at in range(index * BINS_PER_ARRAY, (index + 1) * 70)))
            for index in range(ids[0] // BINS_PER_ARRAY, ids[-1] // BINS_PER_ARRAY + 1)
        ]
        pool = DlmmPool(
            address=address_bytes(address),
            token_x_mint=_mint(mints[0]),
            token_y_mint=_mint(mints[1]),
            token_2022=False,
            fees=fees,
            volatility=meteora_dlmm.Volatility(0, 0, active, moment.unix_time_s),
            active_id=active,
            bitmap=sum(1 << array.index + BITMAP_ARRAYS for array in arrays),
            activation=None,
            arrays={},
        )
        return meteora_dlmm.with_arrays(pool, arrays)

    return opening


def _bin(bin_id: int, active: int, step_bps: int, value_atoms: float) -> Bin:
    """Y below the active bin, X above it, half of each in it."""
    price_x64 = _bin_price_x64(bin_id, step_bps)
    share_y = 1.0 if bin_id < active else 0.5 if bin_id == active else 0.0
    x_atoms = value_atoms * (1.0 - share_y) / (price_x64 / 2**64)
    return Bin(int(x_atoms), int(value_atoms * share_y), price_x64)


@cache
def _bin_price_x64(bin_id: int, step_bps: int) -> int:
    """Rounded down; the program's own way of raising to a power may differ in the last digits."""
    up, down = (BPS + step_bps, BPS) if bin_id >= 0 else (BPS, BPS + step_bps)
    price_x64: int = (up ** abs(bin_id) << 64) // down ** abs(bin_id)
    return price_x64


def _damm(mints: tuple[str, str], fee_e9: int) -> Opening:
    """A pool over all prices, at a constant fee on the output."""

    def opening(address: str, price: float, side_1_atoms: float, _: Moment) -> DammV2Pool:
        sqrt_price_x64 = int(math.sqrt(price) * 2**64)
        liquidity = (int(side_1_atoms) << 128) // sqrt_price_x64
        reserves = reserves_of_range(liquidity, MIN_SQRT_PRICE_X64, sqrt_price_x64, MAX_SQRT_PRICE_X64)
        return DammV2Pool(
            *(_mint(mints[0]), _mint(mints[1]), raw_address(f"{address}/a"), raw_address(f"{address}/b")),
            *(liquidity, MIN_SQRT_PRICE_X64, MAX_SQRT_PRICE_X64, sqrt_price_x64, *reserves),
            activation_point=0,
            by_timestamp=True,
            fee_only_in_b=False,
            max_fee_e9=990_000_000,
            schedule=FeeSchedule(False, fee_e9, 0, 0, 0),
            volatility=None,
        )

    return opening


def _pump_swap(base: str, rates: FeeRates, supply_atoms: int) -> Opening:
    def opening(address: str, price: float, side_1_atoms: float, _: Moment) -> PumpSwapPool:
        return PumpSwapPool(
            *(_mint(base), WRAPPED_SOL, raw_address(f"{address}/base"), raw_address(f"{address}/quote")),
            base_reserve_atoms=int(side_1_atoms / price),
            quote_reserve_atoms=int(side_1_atoms),
            base_supply_atoms=supply_atoms,
            tiers=(FeeTier(0, rates),),
            creator_bps=0,
            can_buy=True,
            can_sell=True,
        )

    return opening


def _stake_pool(token: str, reserve_sol: int) -> Opening:
    """The stake pool behind a liquid staking token; what its reserve holds at the start can be withdrawn at once."""

    def opening(address: str, _: float, __: float, moment: Moment) -> StakePool:
        spec = STAKE_POOLS[LST_INDEX[token]]
        supply_atoms = spec.supply_tokens * LAMPORTS_PER_SOL
        total_lamports = spec.supply_tokens * spec.rate_e9
        authority = base58(raw_address(f"{address}/authority"))
        account = StakePoolAccount(
            *(SPL_STAKE_POOL_PROGRAM, authority, authority, authority, 255, authority),
            reserve_stake=base58(raw_address(f"{address}/reserve")),
            pool_mint=base58(_mint(token)),
            manager_fee_account=authority,
            total_lamports=total_lamports,
            pool_token_supply_atoms=supply_atoms,
            last_update_epoch=moment.epoch,
            lockup_until_s=0,
            lockup_until_epoch=0,
            lockup_custodian=authority,
            epoch_fee=_NO_FEE,
            next_epoch_fee=None,
            preferred_deposit_validator=None,
            preferred_withdraw_validator=None,
            stake_deposit_fee=_NO_FEE,
            stake_withdrawal_fee=_NO_FEE,
            next_stake_withdrawal_fee=None,
            stake_referral_percent=0,
            sol_deposit_authority=None,
            sol_deposit_fee=_NO_FEE,
            sol_referral_percent=0,
            sol_withdraw_authority=None,
            sol_withdrawal_fee=Fee(spec.instant_fee_ppm, 1_000_000),
            next_sol_withdrawal_fee=None,
            last_epoch_pool_token_supply_atoms=supply_atoms,
            last_epoch_total_lamports=total_lamports,
        )
        return StakePool(account, reserve_sol * LAMPORTS_PER_SOL + STAKE_ACCOUNT_RENT_LAMPORTS)

    return opening


def _key(name: str) -> bytes:
    return raw_address(f"pool/{name}")


_USDC, _SOL = 1e6, 1e9
_WIDE: Final = ((0.01, 0.2), (0.04, 0.3), (0.15, 0.3), (1.1, 0.2))
_NARROW: Final = ((0.0005, 0.4), (0.003, 0.3), (0.02, 0.2), (0.1, 0.1))

EXACT_POOLS: Final = (
    ExactPoolSpec(
        *("whirlpool", "orca", "SOL", "USDC", 15e6 * _USDC, 500, 8.0),
        WhirlpoolWriter(_key("whirlpool SOL/USDC"), _mint("SOL"), _mint("USDC")),
        _whirlpool(8, 500, _WIDE),
    ),
    ExactPoolSpec(
        *("meteora_dlmm", "meteora", "SOL", "USDC", 6e6 * _USDC, 1_500, 5.0),
        DlmmWriter(_key("dlmm SOL/USDC")),
        _dlmm(("SOL", "USDC"), 25, 6_000, 0.45),
    ),
    ExactPoolSpec(
        *("whirlpool", "orca", "SOL", "jitoSOL", 80_000 * _SOL, 100, 3.0),
        WhirlpoolWriter(_key("whirlpool SOL/jitoSOL"), _mint("SOL"), _mint("jitoSOL")),
        _whirlpool(1, 100, _NARROW),
    ),
    ExactPoolSpec(
        *("spl_stake_pool", STAKE_VENUE, "SOL", "jitoSOL", 80_000 * _SOL, 1_000, 2.0),
        StakePoolWriter(_key("stake pool jitoSOL")),
        _stake_pool("jitoSOL", 200),
    ),
    ExactPoolSpec(
        *("meteora_damm_v2", "meteora", "JUP", "SOL", 8_000 * _SOL, 2_500, 3.0),
        DammWriter(_key("damm JUP/SOL")),
        _damm(("JUP", "SOL"), 2_500_000),
    ),
    ExactPoolSpec(
        *("pump_swap", "pumpswap", "PLOP", "SOL", 3_000 * _SOL, 3_000, 5.0),
        PumpSwapWriter(_key("pump PLOP/SOL")),
        _pump_swap("PLOP", FeeRates(20, 10, 0), 10**15),
    ),
)
EXACT_INDEX: Final = {spec.id: index for index, spec in enumerate(EXACT_POOLS)}
