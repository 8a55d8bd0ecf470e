"""Constant-product pools (x·y = k) in exact integers: Raydium CPMM and Raydium AMM v4.

Both programs take the fee from the input, rounded up, and pay the output rounded down:

    fee = ceil(amount_in · numerator / denominator)
    out = floor(reserve_out · (amount_in − fee) / (reserve_in + amount_in − fee))

Checked vector by vector against the programs themselves in `tests/golden/test_constant_product.py`.
All amounts are atoms of their own token and fit in a u64, as they do on chain.
"""

from typing import Literal

import msgspec

from phantom_arbiter.core.units import BPS, MAX_U64

RAYDIUM_CPMM_FEE_DENOMINATOR = 1_000_000
RAYDIUM_AMM_V4_FEE_NUMERATOR = 25
RAYDIUM_AMM_V4_FEE_DENOMINATOR = 10_000

RefusalReason = Literal[
    "amount is not positive",
    "amount exceeds u64",
    "pool is empty",
    "fee takes the whole amount",
    "output is zero",
    "output exceeds the reserve",
    "reserve would exceed u64",
]


class ConstantProductPool(msgspec.Struct, frozen=True, gc=False):
    """Tradable reserves (fees owed to the protocol already taken off) and the fee on the input.

    Raises ValueError for a reserve outside u64 or a fee outside [0, 1).
    """

    reserve_0_atoms: int
    reserve_1_atoms: int
    fee_numerator: int
    fee_denominator: int

    def __post_init__(self) -> None:
        for name in ("reserve_0_atoms", "reserve_1_atoms"):
            value = getattr(self, name)
            if not 0 <= value <= MAX_U64:
                raise ValueError(f"{name} is {value}, expected 0 to 2^64 - 1")
        if not 0 <= self.fee_numerator < self.fee_denominator:
            fee = f"{self.fee_numerator}/{self.fee_denominator}"
            raise ValueError(f"fee is {fee}, expected a fraction of at least 0 and below 1")


class Quote(msgspec.Struct, frozen=True, gc=False):
    """What one swap pays. `fee_atoms` is in the input token and part of `amount_in_atoms`.

    `price_impact_bps` is how far the execution price, fee apart, is below the price before the swap,
    rounded up.
    """

    amount_in_atoms: int
    amount_out_atoms: int
    fee_atoms: int
    price_impact_bps: int


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """A swap that the pool cannot do, with the reason."""

    reason: RefusalReason


def raydium_cpmm_pool(reserve_0_atoms: int, reserve_1_atoms: int, trade_fee_rate: int) -> ConstantProductPool:
    """A Raydium CPMM pool: reserves are vault − protocol − fund − creator fees, the rate is in 1e-6."""
    return ConstantProductPool(reserve_0_atoms, reserve_1_atoms, trade_fee_rate, RAYDIUM_CPMM_FEE_DENOMINATOR)


def raydium_amm_v4_pool(
    coin_vault_atoms: int, pc_vault_atoms: int, need_take_pnl_coin_atoms: int, need_take_pnl_pc_atoms: int
) -> ConstantProductPool:
    """A swap-only Raydium AMM v4 pool: reserves are vault − need_take_pnl, the fee is 25 bps."""
    return ConstantProductPool(
        coin_vault_atoms - need_take_pnl_coin_atoms,
        pc_vault_atoms - need_take_pnl_pc_atoms,
        RAYDIUM_AMM_V4_FEE_NUMERATOR,
        RAYDIUM_AMM_V4_FEE_DENOMINATOR,
    )


def reserves(pool: ConstantProductPool, zero_for_one: bool) -> tuple[int, int]:
    """(reserve in, reserve out) in atoms for the direction."""
    if zero_for_one:
        return pool.reserve_0_atoms, pool.reserve_1_atoms
    return pool.reserve_1_atoms, pool.reserve_0_atoms


def _obstacle(amount_atoms: int, reserve_in: int, reserve_out: int) -> RefusalReason | None:
    if amount_atoms <= 0:
        return "amount is not positive"
    if amount_atoms > MAX_U64:
        return "amount exceeds u64"
    return "pool is empty" if reserve_in == 0 or reserve_out == 0 else None


def quote(pool: ConstantProductPool, amount_in_atoms: int, zero_for_one: bool) -> Quote | Refusal:
    """The exact answer of the program to a swap of `amount_in_atoms` (token 0 in if `zero_for_one`)."""
    reserve_in, reserve_out = reserves(pool, zero_for_one)
    obstacle = _obstacle(amount_in_atoms, reserve_in, reserve_out)
    if obstacle is not None:
        return Refusal(obstacle)
    if reserve_in + amount_in_atoms > MAX_U64:
        return Refusal("reserve would exceed u64")
    fee = -(-amount_in_atoms * pool.fee_numerator // pool.fee_denominator)  # ceiling, as the program
    net = amount_in_atoms - fee
    if net == 0:
        return Refusal("fee takes the whole amount")
    out = reserve_out * net // (reserve_in + net)  # floor, as the program
    if out == 0:
        return Refusal("output is zero")
    impact_bps = -(-BPS * net // (reserve_in + net))  # ceiling, against us
    return Quote(amount_in_atoms, out, fee, impact_bps)


def amount_in_for(pool: ConstantProductPool, amount_out_atoms: int, zero_for_one: bool) -> int | Refusal:
    """The smallest input in atoms whose quote pays at least `amount_out_atoms` (both divisions round up)."""
    reserve_in, reserve_out = reserves(pool, zero_for_one)
    obstacle = _obstacle(amount_out_atoms, reserve_in, reserve_out)
    if obstacle is not None:
        return Refusal(obstacle)
    if amount_out_atoms >= reserve_out:
        return Refusal("output exceeds the reserve")
    net = -(-amount_out_atoms * reserve_in // (reserve_out - amount_out_atoms))
    amount_in = -(-net * pool.fee_denominator // (pool.fee_denominator - pool.fee_numerator))
    if reserve_in + amount_in > MAX_U64:
        return Refusal("reserve would exceed u64")
    return amount_in


def apply(pool: ConstantProductPool, swap: Quote, zero_for_one: bool) -> ConstantProductPool:
    """The pool after the swap, the whole fee left in its reserves.

    The programs set a part of the fee aside for the protocol: the next account update brings that.
    Raises ValueError if the quote is larger than the pool (it was made for another state).
    """
    sign = 1 if zero_for_one else -1
    change_0, change_1 = (
        (swap.amount_in_atoms, swap.amount_out_atoms) if zero_for_one else (swap.amount_out_atoms, swap.amount_in_atoms)
    )
    return ConstantProductPool(
        pool.reserve_0_atoms + sign * change_0,
        pool.reserve_1_atoms - sign * change_1,
        pool.fee_numerator,
        pool.fee_denominator,
    )
