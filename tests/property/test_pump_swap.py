"""PumpSwap for any state: monotone, split ≤ whole, no free money, reserves that add up, segments that agree."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from phantom_arbiter.dex.pool import SwapQuote
from phantom_arbiter.dex.pump_swap import FeeRates, FeeTier, PumpSwapPool, apply, fee_rates, quote, segments


@st.composite
def pools(draw: st.DrawFn, *, tiers: int = 3) -> PumpSwapPool:
    base, quoted = draw(st.integers(1, 2**60)), draw(st.integers(1, 2**60))
    bps = st.integers(0, 3_000)
    rates = [FeeRates(draw(bps), draw(bps), draw(bps)) for _ in range(tiers)]
    supply = draw(st.integers(base, 2**62))
    first = quoted * supply // base
    caps = (0, first, first + 10**9)
    return PumpSwapPool(
        base_mint=b"a" * 32,
        quote_mint=b"b" * 32,
        base_vault=b"c" * 32,
        quote_vault=b"d" * 32,
        base_reserve_atoms=base,
        quote_reserve_atoms=quoted,
        base_supply_atoms=supply,
        tiers=tuple(FeeTier(cap, rate) for cap, rate in zip(caps, rates, strict=False)),
        creator_bps=draw(st.sampled_from([None, 0, 300])),
        can_buy=True,
        can_sell=True,
    )


def swap(pool: PumpSwapPool, amount: int, sell: bool) -> SwapQuote | None:
    answer = quote(pool, amount, sell)
    return answer if isinstance(answer, SwapQuote) else None


amounts = st.integers(1, 2**59)


@given(pools(), amounts, st.integers(0, 2**40), st.booleans())
def test_more_in_pays_at_most_rounding_less(pool, amount, more, sell):
    """Three roundings move by one atom each, so a sale's output or a purchase's net may fall by two, and no more."""
    less, whole = swap(pool, amount, sell), swap(pool, amount + more, sell)
    assume(less is not None and whole is not None)
    slack = 2 if sell else 2 + 2 * -(-pool.base_reserve_atoms // pool.quote_reserve_atoms)
    assert less.amount_out_atoms <= whole.amount_out_atoms + slack


@given(pools(tiers=1), amounts, amounts, st.booleans())
def test_two_swaps_never_beat_one_but_for_what_the_first_leaves(pool, first, second, sell):
    """Without a providers' fee, which would deepen the pool for the second, only roundings may differ."""
    others = pool.tiers[0].rates
    pool = replace(pool, tiers=(FeeTier(0, FeeRates(0, others.protocol_bps, others.creator_bps)),))
    whole, one = swap(pool, first + second, sell), swap(pool, first, sell)
    assume(whole is not None and one is not None)
    two = swap(apply(pool, one, sell), second, sell)
    slack = 2 if sell else 2 + 2 * -(-pool.base_reserve_atoms // pool.quote_reserve_atoms)
    assert two is None or one.amount_out_atoms + two.amount_out_atoms <= whole.amount_out_atoms + slack


@given(pools(), amounts, st.booleans())
def test_no_round_trip_pays(pool, amount, sell):
    there = swap(pool, amount, sell)
    assume(there is not None)
    back = swap(apply(pool, there, sell), there.amount_out_atoms, not sell)
    assert back is None or back.amount_out_atoms <= amount


@given(pools(), amounts, st.booleans())
def test_the_state_after_is_the_state_before_and_the_flows(pool, amount, sell):
    answer = swap(pool, amount, sell)
    assume(answer is not None)
    then = apply(pool, answer, sell)
    change_base = then.base_reserve_atoms - pool.base_reserve_atoms
    change_quote = then.quote_reserve_atoms - pool.quote_reserve_atoms
    assert change_base == (amount if sell else -answer.amount_out_atoms)
    if sell:
        assert -change_quote <= answer.amount_out_atoms + answer.output_fee_atoms
        assert -change_quote >= answer.amount_out_atoms
    else:
        assert answer.amount_in_atoms - answer.input_fee_atoms <= change_quote <= amount
    product = pool.base_reserve_atoms * pool.quote_reserve_atoms
    assert then.base_reserve_atoms * then.quote_reserve_atoms >= product


@given(pools(), amounts, st.booleans())
def test_segments_agree_within_rounding(pool, amount, sell):
    (segment,) = segments(pool, sell)
    answer = quote(pool, amount, sell)
    out = answer.amount_out_atoms if isinstance(answer, SwapQuote) else 0
    assume(amount <= segment.capacity_atoms)
    screened = segment.a * amount / (segment.b + segment.c * amount)
    # A sale rounds its output four times; a purchase its net amount as often and keeps one atom back.
    lost = 4 if sell else 1 + 5 * pool.base_reserve_atoms / pool.quote_reserve_atoms
    assert screened * (1 - 1e-9) - lost <= out <= screened * (1 + 1e-9) + 1


def test_the_market_cap_picks_the_tier():
    rates = tuple(FeeTier(cap, FeeRates(cap, 0, 0)) for cap in (10, 20, 30))
    for supply, paid in ((0, 10), (19, 10), (20, 20), (29, 20), (30, 30), (10**6, 30)):
        seen = PumpSwapPool(b"", b"", b"", b"", 1, 1, supply, rates, None, True, True)
        assert fee_rates(seen).lp_bps == paid
