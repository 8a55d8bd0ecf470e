"""Laws of a Raydium CLMM pool: more in is more out, splitting gains nothing, a round trip gains nothing."""

from hypothesis import assume, given
from hypothesis import strategies as st

from phantom_arbiter.dex.pool import SwapQuote
from phantom_arbiter.dex.raydium_clmm import (
    ClmmPool,
    ClmmTick,
    apply,
    quote,
    segments,
    sqrt_price_at_tick,
)


@st.composite
def pools(draw):
    """Positions on a grid of ticks; the price somewhere among them, sometimes right on a tick."""
    spacing = draw(st.sampled_from([1, 10, 60]))
    grid = st.integers(-300, 300)
    positions = draw(st.lists(st.tuples(grid, grid, st.integers(1, 2**58)), min_size=1, max_size=6))
    net: dict[int, int] = {}
    for one, other, liquidity in positions:
        low, high = sorted((one, other if other != one else one + 1))
        net[low * spacing] = net.get(low * spacing, 0) + liquidity
        net[high * spacing] = net.get(high * spacing, 0) - liquidity
    tick = draw(st.integers(min(net), max(net)))
    low, high = sqrt_price_at_tick(tick), sqrt_price_at_tick(tick + 1)
    price = draw(st.one_of(st.just(low), st.integers(low, high - 1)))
    if price == low and draw(st.booleans()):
        tick -= 1  # a swap came down to the tick and went through it
    ticks = tuple(ClmmTick(at, sqrt_price_at_tick(at), change) for at, change in sorted(net.items()))
    return ClmmPool(
        fee_rate=draw(st.sampled_from([0, 100, 2_500, 10_000, 999_999])),
        liquidity=active(ticks, tick),
        sqrt_price_x64=price,
        tick_current=tick,
        ticks=ticks,
        end_below="no more below",
        end_above="no more above",
    )


def active(ticks: tuple[ClmmTick, ...], tick_current: int) -> int:
    return sum(tick.liquidity_net for tick in ticks if tick.index <= tick_current)


amounts = st.integers(1, 2**60)


def out(pool: ClmmPool, amount: int, zero_for_one: bool) -> int | None:
    answer = quote(pool, amount, zero_for_one)
    return answer.amount_out_atoms if isinstance(answer, SwapQuote) else None


def within(pool: ClmmPool, zero_for_one: bool, share: float) -> int:
    """An amount that the pool can take: a share of all it has room for."""
    room = sum(segment.capacity_atoms for segment in segments(pool, zero_for_one))
    amount = int(room * share)
    assume(0 < amount < 2**63)
    return amount


shares = st.floats(1e-9, 0.999)


@given(pools(), shares, shares, st.booleans())
def test_more_in_is_not_less_out(pool, share, other, zero_for_one):
    less, more = sorted(within(pool, zero_for_one, part) for part in (share, other))
    small, large = out(pool, less, zero_for_one), out(pool, more, zero_for_one)
    if small is not None and large is not None:
        assert small <= large
    assert small is None or large is not None or quote(pool, more, zero_for_one).reason.startswith("no more")


@given(pools(), shares, shares, st.booleans())
def test_two_swaps_pay_no_more_than_one(pool, share, part, zero_for_one):
    amount = within(pool, zero_for_one, share)
    first = int(amount * part)
    whole, start = out(pool, amount, zero_for_one), quote(pool, first, zero_for_one)
    assume(whole is not None and isinstance(start, SwapQuote))
    rest = out(apply(pool, start, zero_for_one), amount - first, zero_for_one)
    assert start.amount_out_atoms + (rest or 0) <= whole


@given(pools(), shares, st.booleans())
def test_a_round_trip_gains_nothing(pool, share, zero_for_one):
    there = quote(pool, within(pool, zero_for_one, share), zero_for_one)
    assume(isinstance(there, SwapQuote))
    back = out(apply(pool, there, zero_for_one), there.amount_out_atoms, not zero_for_one)
    assert (back or 0) <= there.amount_in_atoms


@given(pools(), shares, st.booleans())
def test_the_state_after_is_a_sound_pool(pool, share, zero_for_one):
    swap = quote(pool, within(pool, zero_for_one, share), zero_for_one)
    assume(isinstance(swap, SwapQuote))
    after = apply(pool, swap, zero_for_one)
    assert after.liquidity == active(pool.ticks, after.tick_current)
    assert sqrt_price_at_tick(after.tick_current) <= after.sqrt_price_x64 <= sqrt_price_at_tick(after.tick_current + 1)
    assert (after.sqrt_price_x64 < pool.sqrt_price_x64) == zero_for_one
    passed = (min(pool.tick_current, after.tick_current), max(pool.tick_current, after.tick_current))
    assert swap.crossed == sum(passed[0] < tick.index <= passed[1] for tick in pool.ticks)
    assert (after.ticks, after.fee_rate) == (pool.ticks, pool.fee_rate)
    assert swap.input_fee_atoms * 1_000_000 >= swap.amount_in_atoms * pool.fee_rate - 1_000_000


@given(pools(), shares, st.booleans())
def test_the_segments_pay_what_the_quote_does_within_rounding(pool, share, zero_for_one):
    amount = within(pool, zero_for_one, share)
    left, screened, dearest = float(amount), 0.0, 0.0
    for segment in segments(pool, zero_for_one):
        used = min(left, segment.capacity_atoms)
        screened += segment.a * used / (segment.b + segment.c * used)
        keep = 1 - pool.fee_rate / 1_000_000
        dearest = max(dearest, segment.a / segment.b / keep)  # out for one atom of net input
        left -= used
    answer = quote(pool, amount, zero_for_one)
    paid = answer.amount_out_atoms if isinstance(answer, SwapQuote) else 0
    steps = len(pool.ticks) + 1
    assert abs(screened - paid) <= steps * (2 + 2 * dearest) + 1e-6 * screened


@given(pools(), amounts, st.booleans())
def test_any_amount_is_answered(pool, amount, zero_for_one):
    answer = quote(pool, amount, zero_for_one)
    if isinstance(answer, SwapQuote):
        assert answer.amount_out_atoms > 0
        assert 0 <= answer.input_fee_atoms <= answer.amount_in_atoms == amount
    else:
        assert answer.reason in {"output is zero", "no more below", "no more above"}
