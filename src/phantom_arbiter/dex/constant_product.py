"""Constant-product pools (x·y = k) whose whole fee stays in their reserves, in exact integers: Raydium AMM v4.

The program takes the fee from the input, rounded up, and pays the output rounded down:

    fee = ceil(amount_in · numerator / denominator)
    out = floor(reserve_out · (amount_in − fee) / (reserve_in + amount_in − fee))

Verified: program. The binary (2024-11, swap-only) paid every measured swap to the unit; not with an order book, whose
accounts `raydium_accounts` refuses. It rounds a fee below half an atom to nothing: for less than 200 atoms it pays a
little more than the quote, which is what the source of 2026-07 and the SDK answer.
All amounts are atoms of their own token and fit in a u64, as they do on chain.
"""

import msgspec

from phantom_arbiter.core.units import MAX_U64
from phantom_arbiter.dex.pool import Segment, SwapQuote, SwapRefusal

RAYDIUM_AMM_V4_FEE_NUMERATOR = 25
RAYDIUM_AMM_V4_FEE_DENOMINATOR = 10_000


class ConstantProductPool(msgspec.Struct, frozen=True, gc=False):
    """Tradable reserves and the fee on the input.

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


def _obstacle(amount_atoms: int, reserve_in: int, reserve_out: int) -> str | None:
    if amount_atoms <= 0:
        return "amount is not positive"
    if amount_atoms > MAX_U64:
        return "amount exceeds u64"
    return "pool is empty" if reserve_in == 0 or reserve_out == 0 else None


def quote(pool: ConstantProductPool, amount_in_atoms: int, zero_for_one: bool) -> SwapQuote | SwapRefusal:
    """The exact answer of the program to a swap of `amount_in_atoms` (token 0 in if `zero_for_one`)."""
    if zero_for_one:
        reserve_in, reserve_out = pool.reserve_0_atoms, pool.reserve_1_atoms
    else:
        reserve_in, reserve_out = pool.reserve_1_atoms, pool.reserve_0_atoms
    if amount_in_atoms <= 0 or not reserve_in or not reserve_out or reserve_in + amount_in_atoms > MAX_U64:
        return SwapRefusal(_obstacle(amount_in_atoms, reserve_in, reserve_out) or "reserve would exceed u64")
    fee = -(-amount_in_atoms * pool.fee_numerator // pool.fee_denominator)  # ceiling, as the program
    net = amount_in_atoms - fee
    if net == 0:
        return SwapRefusal("fee takes the whole amount")
    out = reserve_out * net // (reserve_in + net)  # floor, as the program
    if out == 0:
        return SwapRefusal("output is zero")
    return SwapQuote(amount_in_atoms, out, fee)


def amount_in_for(pool: ConstantProductPool, amount_out_atoms: int, zero_for_one: bool) -> int | SwapRefusal:
    """The smallest input in atoms whose quote pays at least `amount_out_atoms` (both divisions round up)."""
    reserve_in, reserve_out = reserves(pool, zero_for_one)
    obstacle = _obstacle(amount_out_atoms, reserve_in, reserve_out)
    if obstacle is not None:
        return SwapRefusal(obstacle)
    if amount_out_atoms >= reserve_out:
        return SwapRefusal("output exceeds the reserve")
    net = -(-amount_out_atoms * reserve_in // (reserve_out - amount_out_atoms))
    amount_in = -(-net * pool.fee_denominator // (pool.fee_denominator - pool.fee_numerator))
    if reserve_in + amount_in > MAX_U64:
        return SwapRefusal("reserve would exceed u64")
    return amount_in


def apply(pool: ConstantProductPool, swap: SwapQuote, zero_for_one: bool) -> ConstantProductPool:
    """The pool after the swap, the whole fee left in its reserves.

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


def segments(pool: ConstantProductPool, zero_for_one: bool) -> tuple[Segment, ...]:
    """The whole curve as one segment, up to what the reserve can take in; none for an empty pool."""
    reserve_in, reserve_out = reserves(pool, zero_for_one)
    if reserve_in == 0 or reserve_out == 0:
        return ()
    keep = 1.0 - pool.fee_numerator / pool.fee_denominator
    return (Segment(float(MAX_U64 - reserve_in), keep * reserve_out, float(reserve_in), keep),)
