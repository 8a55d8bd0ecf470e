"""Recorded liquidity: the later quote, the pool's own curve, and impact that is ours and never helps us."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from phantom_arbiter.core.events import Envelope, OraclePosted, PoolUpdated, Quoted
from phantom_arbiter.core.intents import Side
from phantom_arbiter.dex.constant_product import ConstantProductPool, quote
from phantom_arbiter.dex.pool import SwapQuote
from phantom_arbiter.sim.fills import SwapFill
from phantom_arbiter.sim.liquidity import Impact, RecordedLiquidity, RecordedState
from tests.simulation.paper import DEEP, SECOND, START, UNIVERSE, USD, WHOLE, buy, order, sell

SHALLOW = Impact(depth_quote_atoms={"USDC": 1_000_000 * USD})
ROW = PoolUpdated("pool", "dex", "SOL", "USDC", 1_000 * WHOLE, 150_000 * USD, 25, 10_000, 0)


def market(*facts, impact: Impact = DEEP, half_spread_bps: int = 0) -> RecordedLiquidity:
    liquidity = RecordedLiquidity(UNIVERSE, half_spread_bps, impact)
    for fact in facts:
        liquidity.observe(Envelope(1, START, "t", fact))
    return liquidity


def quoted(bid: int, ask: int, instrument: str = "SOL/USDC") -> Quoted:
    return Quoted(instrument, bid * USD, ask * USD, 0)


def out(fill: SwapFill | str) -> int:
    assert isinstance(fill, SwapFill), fill
    return fill.out_atoms


def test_a_purchase_pays_the_ask_and_a_sale_gets_the_bid():
    liquidity = market(quoted(150, 160))
    assert out(liquidity.quote_swap(buy(1600), 1600 * USD, START)) == pytest.approx(10 * WHOLE, rel=1e-5)
    assert out(liquidity.quote_swap(sell(10), 10 * WHOLE, START)) == pytest.approx(1500 * USD, rel=1e-5)


def test_the_last_quote_counts():
    liquidity = market(quoted(150, 150), quoted(300, 300))
    assert out(liquidity.quote_swap(sell(10), 10 * WHOLE, START)) == pytest.approx(3000 * USD, rel=1e-5)


def test_a_close_without_a_spread_still_costs_the_half_spread():
    liquidity = market(quoted(100, 100), half_spread_bps=50)
    assert out(liquidity.quote_swap(sell(1), WHOLE, START)) == pytest.approx(99_500_000, rel=1e-5)
    wide = market(quoted(90, 110), half_spread_bps=50)
    assert out(wide.quote_swap(sell(1), WHOLE, START)) == pytest.approx(90 * USD, rel=1e-5)


def test_impact_is_fixed_plus_slope_times_share_of_depth():
    impact = replace(SHALLOW, fixed_ppm=500)
    liquidity = market(quoted(100, 100), impact=impact)
    # 10,000 of a depth of 1,000,000: 1 % and 5 bps.
    got = out(liquidity.quote_swap(buy(10_000), 10_000 * USD, START))
    assert got == pytest.approx(100 * WHOLE / 1.0105, rel=1e-6)


def test_more_size_never_gets_a_better_price():
    liquidity = market(quoted(100, 100), impact=SHALLOW)
    prices = [out(liquidity.quote_swap(sell(n), n * WHOLE, START)) / n for n in (1, 10, 100, 1_000, 100_000)]
    assert prices == sorted(prices, reverse=True)
    assert prices[-1] > 0


def test_two_halves_cost_as_much_as_the_whole_and_time_brings_depth_back():
    whole = market(quoted(100, 100), impact=SHALLOW)
    halves = market(quoted(100, 100), impact=SHALLOW)
    at_once = out(whole.swap(buy(20_000), 20_000 * USD, START))
    first = out(halves.swap(buy(10_000), 10_000 * USD, START))
    second = out(halves.swap(buy(10_000), 10_000 * USD, START))
    assert second < first
    assert first + second == pytest.approx(at_once, rel=2e-4)
    recovered = out(halves.quote_swap(buy(10_000), 10_000 * USD, START + 60 * SECOND))
    assert recovered == first


def test_our_purchase_does_not_raise_the_price_we_sell_at():
    liquidity = market(quoted(100, 100), impact=SHALLOW)
    before = out(liquidity.quote_swap(sell(10), 10 * WHOLE, START))
    liquidity.swap(buy(10_000), 10_000 * USD, START)
    assert out(liquidity.quote_swap(sell(10), 10 * WHOLE, START)) == before


def test_a_pool_row_quotes_its_own_curve():
    liquidity = market(ROW)
    exact = quote(ConstantProductPool(1_000 * WHOLE, 150_000 * USD, 25, 10_000), 10 * WHOLE, True)
    assert isinstance(exact, SwapQuote)
    fill = liquidity.quote_swap(sell(10, pool="pool"), 10 * WHOLE, START)
    assert fill == SwapFill(exact.amount_out_atoms, exact.input_fee_atoms)


def test_our_push_on_a_pool_stays_until_a_new_row_replaces_it():
    leg = sell(10, pool="pool")
    liquidity = market(ROW)
    first = out(liquidity.swap(leg, 10 * WHOLE, START))
    at_once = out(liquidity.quote_swap(leg, 10 * WHOLE, START))
    assert at_once < first
    assert out(liquidity.quote_swap(leg, 10 * WHOLE, START + 3_600 * SECOND)) == at_once
    liquidity.observe(Envelope(2, START, "t", ROW))
    assert out(liquidity.quote_swap(leg, 10 * WHOLE, START)) == first


@pytest.mark.parametrize(("resilience_ppm", "cheaper"), [(0, True), (1_000_000, False)])
def test_a_round_trip_pays_its_impact_unless_the_pool_is_closed(resilience_ppm, cheaper):
    liquidity = market(replace(ROW, fee_num=0), impact=replace(DEEP, resilience_ppm=resilience_ppm))
    usdc = out(liquidity.swap(sell(50, pool="pool"), 50 * WHOLE, START))
    back = out(liquidity.swap(buy(0, pool="pool"), usdc, START))
    loss_atoms = 50 * WHOLE - back
    assert loss_atoms >= 0
    assert (loss_atoms < 1_000) == cheaper


def test_refusals_say_why():
    liquidity = market(quoted(100, 100), ROW, impact=Impact(depth_quote_atoms={}))
    assert liquidity.swap(buy(1, pool="nowhere"), USD, START) == "pool nowhere was never seen"
    assert liquidity.swap(replace(buy(1, pool="pool"), out_asset="BONK"), USD, START) == (
        "pool pool does not trade USDC for BONK"
    )
    assert "no depth is known" in str(liquidity.swap(buy(1), USD, START))
    assert market().swap(buy(1), USD, START) == "no price was seen for SOL/USDC"
    assert market(quoted(100, 100)).swap(buy(0), 0, START) == "output is zero"
    assert market().perp(order(Side.BUY, WHOLE), WHOLE, START) == "no price was seen for SOL-PERP"


def test_a_perp_fills_at_its_quote_or_the_oracle_within_the_limit():
    oracle = OraclePosted("SOL-PERP", 150 * USD, 0, 0)
    assert market(oracle).perp(order(Side.SELL, WHOLE), WHOLE, START) == (WHOLE, pytest.approx(150 * USD, rel=1e-6))
    quotes = market(oracle, quoted(149, 151, "SOL-PERP"))
    assert quotes.perp(order(Side.BUY, WHOLE), WHOLE, START) == (WHOLE, pytest.approx(151 * USD, rel=1e-6))
    assert "beyond the limit" in str(quotes.perp(order(Side.BUY, WHOLE, limit_px=150 * USD), WHOLE, START))
    assert "beyond the limit" in str(quotes.perp(order(Side.SELL, WHOLE, limit_px=150 * USD), WHOLE, START))


def test_a_second_perp_order_pays_for_the_depth_the_first_one_took():
    liquidity = market(quoted(100, 100, "SOL-PERP"), impact=SHALLOW)
    costs = [liquidity.perp(order(Side.BUY, WHOLE * 100), WHOLE * 100, START)[1] for _ in range(2)]
    assert costs[1] > costs[0] > 10_000 * USD


def test_its_state_survives_a_crash():
    liquidity = market(quoted(100, 100), ROW, impact=SHALLOW)
    liquidity.swap(buy(10_000), 10_000 * USD, START)
    liquidity.swap(sell(10, pool="pool"), 10 * WHOLE, START)
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(liquidity.state), type=RecordedState)
    restored = RecordedLiquidity(UNIVERSE, 0, SHALLOW, stored)
    assert list(restored.digest_items()) == list(liquidity.digest_items())
    for leg, atoms in ((buy(1), USD), (sell(10, pool="pool"), WHOLE)):
        assert restored.quote_swap(leg, atoms, START) == liquidity.quote_swap(leg, atoms, START)
