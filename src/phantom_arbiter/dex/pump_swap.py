"""PumpSwap (pump-amm): x·y = k with the fees on the quote side, in exact integers.

verified: sdk (@pump-fun/pump-swap-sdk 1.20.0: ``sellBaseInput``, ``buyQuoteInput``, ``computeFeesBps``, random states),
not the program: no build of it was at hand. A sale is the ``sell`` instruction, a purchase ``buy_exact_quote_in``:

    sale:     gross = floor(Q·x / (B + x)); out = gross − ceil(gross·fee) for each of the three fees
    purchase: net = floor(x·10⁴ / (10⁴ + fees)), less what the three fees, each rounded up, go beyond x;
              out = floor(B·(net − 1) / (Q + net − 1))

The fees (liquidity providers, protocol, coin creator) come from the pump-fees program's ``FeeConfig``: flat, or by
market cap for a pool that pump itself created (quoted in SOL). Token 0 is the base, token 1 the quote.
Refused by `pump_swap_accounts`, as nothing here was verified for it: virtual quote reserves (boost), mayhem mode,
cashback coins, pump's own pools in another quote than SOL (stable and exotic tiers), Token-2022 mints. A swap that pays
nothing is refused too: the SDK answers 0, what the program does is not known.
"""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from phantom_arbiter.core.units import BPS, MAX_U64
from phantom_arbiter.dex.pool import Segment, SwapQuote, SwapRefusal


class FeeRates(Struct, frozen=True, gc=False):
    """What a trade pays to each, in bps of the quote amount."""

    lp_bps: int
    protocol_bps: int
    creator_bps: int

    @property
    def total_bps(self) -> int:
        """All three together."""
        return self.lp_bps + self.protocol_bps + self.creator_bps


class FeeTier(Struct, frozen=True, gc=False):
    """The rates from a market cap (lamports of SOL for all base tokens) up to the next tier's."""

    from_market_cap: int
    rates: FeeRates


class PumpSwapPool(Struct, frozen=True, gc=False):
    """A pool's state; addresses are raw bytes, reserves are the vaults' amounts.

    ``tiers`` are sorted by market cap and not empty; the first also holds below its threshold. ``creator_bps`` is set
    when it replaces the tier's rate (0 where the pool has no coin creator).
    """

    base_mint: bytes
    quote_mint: bytes
    base_vault: bytes
    quote_vault: bytes
    base_reserve_atoms: int
    quote_reserve_atoms: int
    base_supply_atoms: int
    tiers: tuple[FeeTier, ...]
    creator_bps: int | None
    can_buy: bool
    can_sell: bool


def fee_rates(pool: PumpSwapPool) -> FeeRates:
    """The rates of the next trade, by the market cap before it: floor(quote reserve · supply / base reserve).

    Raises ZeroDivisionError for a pool without base tokens; `quote` refuses one before.
    """
    market_cap = pool.quote_reserve_atoms * pool.base_supply_atoms // pool.base_reserve_atoms
    rates = pool.tiers[0].rates
    for tier in pool.tiers[1:]:
        if market_cap < tier.from_market_cap:
            break
        rates = tier.rates
    return rates if pool.creator_bps is None else FeeRates(rates.lp_bps, rates.protocol_bps, pool.creator_bps)


def quote(pool: PumpSwapPool, amount_in_atoms: int, zero_for_one: bool) -> SwapQuote | SwapRefusal:
    """The answer to selling base tokens (``zero_for_one``) or buying them for an exact quote amount.

    A purchase's ``input_fee_atoms`` is all that does not trade, the few atoms of rounding that the SDK leaves over too.
    """
    if not 0 < amount_in_atoms <= MAX_U64:
        return SwapRefusal(f"amount_in_atoms is {amount_in_atoms}, expected 1 to 2^64 - 1")
    if pool.base_reserve_atoms == 0 or pool.quote_reserve_atoms == 0:
        return SwapRefusal("the pool is empty")
    if not (pool.can_sell if zero_for_one else pool.can_buy):
        return SwapRefusal("the program has this side disabled")
    reserve_in = pool.base_reserve_atoms if zero_for_one else pool.quote_reserve_atoms
    if reserve_in + amount_in_atoms > MAX_U64:
        return SwapRefusal("the swap would take a reserve beyond 2^64 - 1")
    answer = _sell(pool, amount_in_atoms) if zero_for_one else _buy(pool, amount_in_atoms)
    return answer if answer.amount_out_atoms > 0 else SwapRefusal("the swap would pay nothing")


def apply(pool: PumpSwapPool, swap: SwapQuote, zero_for_one: bool) -> PumpSwapPool:
    """The pool after the swap: the liquidity providers' fee stays in the quote reserve, the others leave.

    Raises ValueError if the quote was made for another state.
    """
    if quote(pool, swap.amount_in_atoms, zero_for_one) != swap:
        raise ValueError(f"swap: {swap!r} is not an answer of this pool's state")
    if zero_for_one:
        gross = swap.amount_out_atoms + swap.output_fee_atoms
        base, quoted = swap.amount_in_atoms, _fee_atoms(gross, fee_rates(pool).lp_bps) - gross
    else:
        lp_fee = _fee_atoms(_before_correction(pool, swap.amount_in_atoms), fee_rates(pool).lp_bps)
        base, quoted = -swap.amount_out_atoms, swap.amount_in_atoms - swap.input_fee_atoms + lp_fee
    return replace(
        pool,
        base_reserve_atoms=pool.base_reserve_atoms + base,
        quote_reserve_atoms=pool.quote_reserve_atoms + quoted,
    )


def segments(pool: PumpSwapPool, zero_for_one: bool) -> tuple[Segment, ...]:
    """The pool as one stretch; nothing if it refuses every swap."""
    allowed = pool.can_sell if zero_for_one else pool.can_buy
    if not allowed or pool.base_reserve_atoms == 0 or pool.quote_reserve_atoms == 0:
        return ()
    base, quoted, fee = pool.base_reserve_atoms, pool.quote_reserve_atoms, fee_rates(pool).total_bps / BPS
    if zero_for_one:
        return (Segment(float(MAX_U64 - base), quoted * (1 - fee), float(base), 1.0),)
    return (Segment(float(MAX_U64 - quoted), float(base), quoted * (1 + fee), 1.0),)


def _sell(pool: PumpSwapPool, base_in: int) -> SwapQuote:
    gross = pool.quote_reserve_atoms * base_in // (pool.base_reserve_atoms + base_in)
    fee = _fees_atoms(gross, fee_rates(pool))
    return SwapQuote(base_in, gross - fee, 0, fee)


def _buy(pool: PumpSwapPool, quote_in: int) -> SwapQuote:
    net = _before_correction(pool, quote_in)
    net -= max(net + _fees_atoms(net, fee_rates(pool)) - quote_in, 0)
    traded = max(net - 1, 0)  # the program keeps one atom back
    out = pool.base_reserve_atoms * traded // (pool.quote_reserve_atoms + traded)
    return SwapQuote(quote_in, out, quote_in - net)


def _before_correction(pool: PumpSwapPool, quote_in: int) -> int:
    return quote_in * BPS // (BPS + fee_rates(pool).total_bps)


def _fee_atoms(amount_atoms: int, bps: int) -> int:
    return -(-amount_atoms * bps // BPS)  # up, as the SDK


def _fees_atoms(amount_atoms: int, rates: FeeRates) -> int:
    return sum(_fee_atoms(amount_atoms, bps) for bps in (rates.lp_bps, rates.protocol_bps, rates.creator_bps))
