"""Raydium CPMM: x·y = k with the fee on the input and a creator's fee on either side, in exact integers.

With rates in 1e-6, the creator's 0 where the pool has it switched off:

    creator's on the input:  fee = ceil(in · (trade + creator)); the creator's part is floor(fee · creator / both)
                             out = floor(reserve_out · (in − fee) / (reserve_in + in − fee))
    creator's on the output: fee = ceil(in · trade); swapped as `out` above; out = swapped − ceil(swapped · creator)

Of the trade fee the protocol and the fund get their shares, rounded down; with the creator's they stay in the vaults
and leave the reserves. The rest stays with the liquidity providers.

Verified: program (binary of 2025-02) without a creator's fee: every measured swap, and the state after it, to the unit.
With one, no binary at hand is new enough: the program's own source of 2025-12, compiled, agrees on output and reserves
after 300,000 random swaps; so does the sdk (raydium-sdk-v2 0.2.73) where the fee is on the output. On the input the SDK
still rounds each part up, as the program did until 2025-11: there it takes up to an atom more than this module.
That source refuses every swap of a pool whose two rates are 0; the binary and this module answer. Token-2022 mints
(they may take a transfer fee) are refused by `raydium_accounts`.
All amounts are atoms of their own token and fit in a u64, as they do on chain.
"""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from phantom_arbiter.core.units import MAX_U64
from phantom_arbiter.dex.pool import Segment, SwapQuote, SwapRefusal

FEE_DENOMINATOR: Final = 1_000_000
CreatorFeeOn = Literal[0, 1, 2]
"""Which token the creator's fee is taken in: 0 whichever comes in, 1 always token 0, 2 always token 1."""


class CpmmFees(Struct, frozen=True, gc=False):
    """Rates in 1e-6: of the input (creator's: or the output), and of the trade fee for the protocol and the fund.

    Raises ValueError for rates that are no fraction, or that together take more than there is.
    """

    trade_rate: int
    protocol_rate: int = 0
    fund_rate: int = 0
    creator_rate: int = 0
    creator_fee_on: CreatorFeeOn = 0

    def __post_init__(self) -> None:
        for of, rates in (
            ("input", (self.trade_rate, self.creator_rate)),
            ("trade fee", (self.protocol_rate, self.fund_rate)),
        ):
            if min(rates) < 0 or sum(rates) > FEE_DENOMINATOR:
                raise ValueError(f"rates of the {of} are {rates}, expected 0 to {FEE_DENOMINATOR} together")

    def output_rate(self, zero_for_one: bool) -> int:
        """What is taken of the output: the creator's fee where it is in that token alone."""
        return self.creator_rate if self.creator_fee_on == (2 if zero_for_one else 1) else 0

    def input_rate(self, zero_for_one: bool) -> int:
        """What is taken of the input: the trade fee, and the creator's where it isn't taken of the output."""
        return self.trade_rate + self.creator_rate - self.output_rate(zero_for_one)

    def kept(self, zero_for_one: bool) -> float:
        """The share of a small swap that all fees leave."""
        rates = self.input_rate(zero_for_one), self.output_rate(zero_for_one)
        return (1.0 - rates[0] / FEE_DENOMINATOR) * (1.0 - rates[1] / FEE_DENOMINATOR)


class CpmmPool(Struct, frozen=True, gc=False):
    """Tradable reserves (the vaults less all fees owed) and the fees. Raises ValueError for a reserve outside u64."""

    reserve_0_atoms: int
    reserve_1_atoms: int
    fees: CpmmFees

    def __post_init__(self) -> None:
        for name in ("reserve_0_atoms", "reserve_1_atoms"):
            value = getattr(self, name)
            if not 0 <= value <= MAX_U64:
                raise ValueError(f"{name} is {value}, expected 0 to 2^64 - 1")


def _reserves(pool: CpmmPool, zero_for_one: bool) -> tuple[int, int]:
    """(reserve in, reserve out) for the direction."""
    if zero_for_one:
        return pool.reserve_0_atoms, pool.reserve_1_atoms
    return pool.reserve_1_atoms, pool.reserve_0_atoms


def quote(pool: CpmmPool, amount_in_atoms: int, zero_for_one: bool) -> SwapQuote | SwapRefusal:
    """The exact answer of the program to a swap of ``amount_in_atoms`` (token 0 in if ``zero_for_one``)."""
    # The most common pool by far: here stands what `_reserves` and the rates' methods say, without the calls.
    reserve_in, reserve_out = pool.reserve_0_atoms, pool.reserve_1_atoms
    if not zero_for_one:
        reserve_in, reserve_out = reserve_out, reserve_in
    if amount_in_atoms <= 0:
        return SwapRefusal("amount is not positive")
    if not reserve_in or not reserve_out:
        return SwapRefusal("pool is empty")
    if reserve_in + amount_in_atoms > MAX_U64:
        return SwapRefusal("reserve would exceed u64")
    fees = pool.fees
    output_rate = fees.creator_rate if fees.creator_fee_on == (2 if zero_for_one else 1) else 0
    input_rate = fees.trade_rate + fees.creator_rate - output_rate
    fee = -(-amount_in_atoms * input_rate // FEE_DENOMINATOR)  # ceiling, as the program
    net = amount_in_atoms - fee
    out = reserve_out * net // (reserve_in + net)  # floor, as the program
    creator_fee = -(-out * output_rate // FEE_DENOMINATOR)  # ceiling, as the program
    if out == creator_fee:
        return SwapRefusal("output is zero")
    return SwapQuote(amount_in_atoms, out - creator_fee, fee, creator_fee)


def apply(pool: CpmmPool, swap: SwapQuote, zero_for_one: bool) -> CpmmPool:
    """The pool after the swap: what is owed to protocol, fund and creator has left the reserves.

    Raises ValueError if the quote was made for another state.
    """
    if quote(pool, swap.amount_in_atoms, zero_for_one) != swap:
        raise ValueError(f"swap: {swap!r} is not an answer of this pool's state")
    fees, creator_fee, rate = pool.fees, 0, pool.fees.input_rate(zero_for_one)
    if rate > fees.trade_rate:  # the creator's is in it
        creator_fee = swap.input_fee_atoms * fees.creator_rate // rate  # floor, as the program
    trade_fee = swap.input_fee_atoms - creator_fee
    shares = (trade_fee * rate // FEE_DENOMINATOR for rate in (fees.protocol_rate, fees.fund_rate))  # floors, likewise
    came = swap.amount_in_atoms - creator_fee - sum(shares)
    went = swap.amount_out_atoms + swap.output_fee_atoms
    change_0, change_1 = (came, -went) if zero_for_one else (-went, came)
    return replace(
        pool, reserve_0_atoms=pool.reserve_0_atoms + change_0, reserve_1_atoms=pool.reserve_1_atoms + change_1
    )


def segments(pool: CpmmPool, zero_for_one: bool) -> tuple[Segment, ...]:
    """The whole curve as one segment, up to what the reserve can take in; none for an empty pool."""
    reserve_in, reserve_out = _reserves(pool, zero_for_one)
    if reserve_in == 0 or reserve_out == 0:
        return ()
    kept_in = 1.0 - pool.fees.input_rate(zero_for_one) / FEE_DENOMINATOR
    return (
        Segment(float(MAX_U64 - reserve_in), pool.fees.kept(zero_for_one) * reserve_out, float(reserve_in), kept_in),
    )


def amount_in_for(pool: CpmmPool, amount_out_atoms: int, zero_for_one: bool) -> int | SwapRefusal:
    """The smallest input in atoms whose quote pays at least ``amount_out_atoms`` (all divisions round up)."""
    reserve_in, reserve_out = _reserves(pool, zero_for_one)
    kept_in = FEE_DENOMINATOR - pool.fees.input_rate(zero_for_one)
    kept_out = FEE_DENOMINATOR - pool.fees.output_rate(zero_for_one)
    if amount_out_atoms <= 0 or not kept_in or not kept_out:
        return SwapRefusal("no amount pays that")
    swapped = -(-amount_out_atoms * FEE_DENOMINATOR // kept_out)
    if swapped >= reserve_out:
        return SwapRefusal("output exceeds the reserve")
    net = -(-swapped * reserve_in // (reserve_out - swapped))
    amount_in = -(-net * FEE_DENOMINATOR // kept_in)
    return amount_in if reserve_in + amount_in <= MAX_U64 else SwapRefusal("reserve would exceed u64")
