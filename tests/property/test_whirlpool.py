"""Whirlpools made of random positions: what must hold for every swap, whatever the ticks."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from phantom_arbiter.dex.pool import SwapQuote
from phantom_arbiter.dex.tick_math import sqrt_price_at_tick, tick_at_sqrt_price
from phantom_arbiter.dex.whirlpool import Whirlpool, apply, quote, segments, tick_array, with_tick_arrays

Position = tuple[int, int, int]  # lower tick, upper tick, liquidity


def liquidity_at(positions: list[Position], tick: int) -> int:
    return sum(liquidity for lower, upper, liquidity in positions if lower <= tick < upper)


def pool_of(spacing: int, fee_ppm: int, sqrt_price_x64: int, positions: list[Position]) -> Whirlpool:
    """A pool with these positions that knows four tick arrays on either side."""
    nets: dict[int, int] = {}
    for lower, upper, liquidity in positions:
        nets[lower] = nets.get(lower, 0) + liquidity
        nets[upper] = nets.get(upper, 0) - liquidity
    tick, span = tick_at_sqrt_price(sqrt_price_x64), 88 * spacing
    pool = Whirlpool(spacing, fee_ppm, 1_300, liquidity_at(positions, tick), sqrt_price_x64, tick)
    home = tick // span
    return with_tick_arrays(
        pool,
        [
            tick_array(at * span, sorted((tick, net) for tick, net in nets.items() if tick // span == at))
            for at in range(home - 4, home + 5)
        ],
    )


@st.composite
def pools(draw: st.DrawFn) -> tuple[Whirlpool, list[Position]]:
    spacing = draw(st.sampled_from([1, 8, 64, 128]))
    center = draw(st.integers(-100_000, 100_000))
    edge = st.integers(-200, 200).map(lambda at: (center // spacing + at) * spacing)
    sizes = st.integers(1, 10**15)
    drawn = draw(st.lists(st.tuples(edge, edge, sizes), min_size=1, max_size=8))
    positions = [(min(a, b), max(a, b), size) for a, b, size in drawn if a != b]
    low, high = sqrt_price_at_tick(center), sqrt_price_at_tick(center + 1)
    return pool_of(
        spacing, draw(st.sampled_from([0, 100, 3_000, 60_000])), draw(st.integers(low, high)), positions
    ), positions


amounts = st.integers(1, 40).flatmap(lambda bits: st.integers(1, 2**bits))


@given(pools(), amounts, amounts, st.booleans())
def test_more_in_is_never_less_out_and_a_split_never_pays_more(made, first, second, down):
    pool, _ = made
    part, whole = quote(pool, first, down), quote(pool, first + second, down)
    assume(isinstance(whole, SwapQuote))
    assert isinstance(part, SwapQuote)
    assert part.amount_out_atoms <= whole.amount_out_atoms
    rest = quote(apply(pool, part, down), second, down)
    if isinstance(rest, SwapQuote):
        assert part.amount_out_atoms + rest.amount_out_atoms <= whole.amount_out_atoms


@given(pools(), amounts, st.booleans())
def test_there_and_back_is_no_free_money(made, amount, down):
    pool, _ = made
    there = quote(pool, amount, down)
    assume(isinstance(there, SwapQuote) and there.amount_out_atoms > 0)
    back = quote(apply(pool, there, down), there.amount_out_atoms, not down)
    if isinstance(back, SwapQuote):
        assert back.amount_out_atoms <= amount


@given(pools(), amounts, st.booleans())
def test_the_state_after_a_swap_is_where_its_flows_lead(made, amount, down):
    pool, positions = made
    swap = quote(pool, amount, down)
    assume(isinstance(swap, SwapQuote))
    after = apply(pool, swap, down)
    assert after.liquidity == liquidity_at(positions, after.tick)
    assert after.sqrt_price_x64 <= pool.sqrt_price_x64 if down else after.sqrt_price_x64 >= pool.sqrt_price_x64
    at = tick_at_sqrt_price(after.sqrt_price_x64)
    assert after.tick == at or (after.tick == at - 1 and sqrt_price_at_tick(at) == after.sqrt_price_x64)
    assert replace(after, liquidity=0, sqrt_price_x64=0, tick=0, protocol_fee_owed_a_atoms=0) == replace(
        pool, liquidity=0, sqrt_price_x64=0, tick=0, protocol_fee_owed_b_atoms=after.protocol_fee_owed_b_atoms
    )
    owed = (after.protocol_fee_owed_a_atoms, after.protocol_fee_owed_b_atoms)
    assert owed[down] == 0
    steps = swap.crossed + 1
    assert swap.input_fee_atoms * 13 // 100 - steps <= owed[not down] <= swap.input_fee_atoms * 13 // 100


@given(pools(), amounts, st.booleans())
def test_segments_answer_as_the_program_within_its_roundings(made, amount, down):
    pool, _ = made
    swap = quote(pool, amount, down)
    assume(isinstance(swap, SwapQuote))
    rest, out, best = float(swap.amount_in_atoms), 0.0, 0.0
    for segment in segments(pool, down):
        taken = min(rest, segment.capacity_atoms)
        out += segment.a * taken / (segment.b + segment.c * taken)
        best = max(best, segment.a / segment.b)
        rest -= taken
    noise = 1e-9 * out + 1e-6
    assert swap.amount_out_atoms <= out + noise
    # a step rounds its input, its fee and its output once each; a price step of 2^-64 is worth L/2^64 atoms, below one
    assert swap.amount_out_atoms >= out - (swap.crossed + 1) * (3 * best + 2) - noise
