"""Rows to facts: bars, premiums, the hourly TWAP, pools, LSTs."""

from __future__ import annotations

from pathlib import Path

import pytest

from phantom_arbiter.core.events import (
    BorrowRatePosted,
    Envelope,
    FundingPosted,
    OraclePosted,
    PerpStatsRead,
    PoolUpdated,
    Quoted,
)
from phantom_arbiter.core.intents import Swap
from phantom_arbiter.core.view import MarketView
from phantom_arbiter.engines.spot_quote import sell_quote
from phantom_arbiter.sim.liquidity import SwapFill
from tests.unit.app.recording import BAR_NS, HOUR_NS, SECOND_NS, START_NS, Recording, drain, of


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    return Recording(tmp_path)


def test_a_bar_is_told_by_its_close_alone_when_it_ends(recording: Recording) -> None:
    recording.bars("SOL/USDT", [100.0, 200.0], first_ns=START_NS)
    told = of(drain(recording.market(1)), Quoted, "SOL/USDC")
    assert [(ts_ns - START_NS) // SECOND_NS for ts_ns, _ in told] == [300, 600]
    mids = [(quote.bid_px + quote.ask_px) / 2e6 for _, quote in told]
    assert mids == pytest.approx([99.9, 200.2], rel=1e-9)
    assert told[0][1].ask_px - told[0][1].bid_px == 2 * 9_990


def test_each_series_is_told_at_its_own_pace(recording: Recording) -> None:
    recording.bars("SOL/USDT", [100.0] * 12, first_ns=START_NS)
    recording.bars("SOL-PERP", [101.0] * 60, first_ns=START_NS, interval_ns=BAR_NS // 5, venue="binance_usdm")
    told = drain(recording.market(1))
    assert [ts_ns for ts_ns, _ in of(told, Quoted, "SOL-PERP")][:3] == [START_NS + n * BAR_NS // 5 for n in (1, 2, 3)]
    spots = [ts_ns for ts_ns, _ in of(told, OraclePosted) if (ts_ns - START_NS) % BAR_NS == 0]
    assert spots[:2] == [START_NS + BAR_NS, START_NS + 2 * BAR_NS]


def test_the_oracle_is_the_spot_price_and_the_perp_carries_the_last_premium(recording: Recording) -> None:
    recording.bars("SOL/USDT", [100.0] * 100)
    recording.funding(3, oracle=100.0, mark=99.5)
    told = drain(recording.market(3))
    spot, oracle = of(told, Quoted, "SOL/USDC"), of(told, OraclePosted, "SOL-PERP")
    assert [(ts_ns, (quote.bid_px + quote.ask_px) // 2) for ts_ns, quote in spot] == [(t, o.px) for t, o in oracle]
    assert oracle[0][1].conf_px == 50_050
    first, *_, last = [quote for _, quote in of(told, Quoted, "SOL-PERP")]
    assert first.bid_px < 100_100_000 < first.ask_px
    assert (last.bid_px + last.ask_px) / 2 == pytest.approx(oracle[-1][1].px * (101.5 / 102), rel=1e-6)


def test_perp_bars_quote_the_perp_and_where_spot_is_silent_also_the_oracle(recording: Recording) -> None:
    minutes, minute_ns = 240, BAR_NS // 5
    recording.bars("SOL-PERP", [100.0] * minutes, interval_ns=minute_ns, venue="binance_usdm")
    recording.bars("SOL-PERP", [500.0] * 80, venue="hyperliquid")
    recording.bars("SOL/USDT", [200.0] * 20)
    recording.funding(3, oracle=100.0, mark=99.5)
    told = drain(recording.market(3))
    last_of_each_instant = dict(of(told, Quoted, "SOL-PERP"))
    assert max(quote.ask_px for quote in last_of_each_instant.values()) < 101_000_000
    oracles = of(told, OraclePosted, "SOL-PERP")
    hour = [oracle.px for ts_ns, oracle in oracles if ts_ns < START_NS + HOUR_NS]
    assert min(hour) > 190_000_000
    silent = [oracle.px for ts_ns, oracle in oracles if ts_ns > START_NS + 2 * HOUR_NS]
    assert len(silent) == 59
    premium = 101.5 / 102
    assert silent[-1] == pytest.approx(99.9e6 / premium, rel=1e-6)


def test_without_bars_the_hourly_twap_is_the_price(recording: Recording) -> None:
    recording.funding(4, oracle=100.0, mark=100.1)
    told = drain(recording.market(6))
    oracles = of(told, OraclePosted, "SOL-PERP")
    assert [(ts_ns - START_NS, oracle.px) for ts_ns, oracle in oracles] == [
        (hour * HOUR_NS, (100 + hour) * 1_000_000) for hour in range(4)
    ]
    perp = of(told, Quoted, "SOL-PERP")[1][1]
    assert (perp.bid_px + perp.ask_px) / 2 == pytest.approx(101.1e6, abs=2)
    assert len(of(told, Quoted, "SOL/USDC")) == 4
    at_once = [type(arrival.body).__name__ for arrival in told if arrival.ts_ns == START_NS + HOUR_NS]
    assert at_once == ["Quoted", "OraclePosted", "Quoted", "FundingPosted", "PerpStatsRead"]


def test_the_twap_steps_in_only_once_the_bars_have_been_silent_for_two_of_them(recording: Recording) -> None:
    recording.bars("SOL/USDT", [200.0] * 18)
    recording.funding(5)
    told = of(drain(recording.market(5)), OraclePosted, "SOL-PERP")
    twaps = [(ts_ns - START_NS) // HOUR_NS for ts_ns, oracle in told if oracle.px < 150_000_000]
    assert twaps == [2, 3, 4]


def test_funding_is_the_record_in_integers_and_the_mark_belongs_to_the_oracle_of_now(recording: Recording) -> None:
    recording.bars("SOL/USDT", [200.0] * 100)
    recording.funding(3)
    told = drain(recording.market(3))
    for hour, (ts_ns, posted) in enumerate(of(told, FundingPosted)):
        row = recording.rows["funding"][hour]
        assert ts_ns == row["ts_ns"]
        assert posted.rate_e9 == round(row["rate_quote_per_base"] * 1e9)
        assert (posted.oracle_twap_px, posted.mark_twap_px) == ((100 + hour) * 10**6, round(row["mark_twap"] * 1e6))
    ts_ns, stats = of(told, PerpStatsRead)[1]
    oracle = [body for at_ns, body in of(told, OraclePosted) if at_ns <= ts_ns][-1]
    assert stats.mark_px == pytest.approx(oracle.px * 101.1 / 101, abs=2)
    assert stats.next_funding_ts_ns == ts_ns + HOUR_NS


def test_a_price_in_tether_is_told_in_usdc_at_a_scale_that_holds_it(recording: Recording) -> None:
    recording.bars("BONK/USDT", [0.0000123] * 20)
    recording.bars("USDC/USDT", [0.9999] * 20)
    market = recording.market(1)
    told = drain(market)
    bonk = market.universe.instruments["BONK/USDC"]
    assert (bonk.quote, market.universe.assets["BONK"].decimals) == ("USDC", 5)
    _, quote = of(told, Quoted, "BONK/USDC")[0]
    assert bonk.price(quote.bid_px + quote.ask_px) / 2 == pytest.approx(0.0000123 * 1.001, rel=1e-7)
    assert (quote.ask_px - quote.bid_px) / quote.bid_px == pytest.approx(10e-4, rel=1e-3)
    assert "BONK/USDT" not in market.universe.instruments
    assert len(of(told, Quoted, "USDC/USDT")) == len(of(told, Quoted, "BONK/USDC"))


def test_an_exact_pool_has_its_reserves_and_a_bound_never_more_than_was_there(recording: Recording) -> None:
    recording.pool("deep", 1_000.0, 150.0, START_NS, 900)
    bound = {"dex": "whirlpool", "fee_ppm": 400, "reserves": "lower_bound"}
    recording.pool("thick quote", 2.0, 151.0, START_NS + SECOND_NS, 902, quote_qty=310.0, **bound)
    recording.pool("thick base", 2.0, 151.0, START_NS + 2 * SECOND_NS, 904, quote_qty=290.0, **bound)
    told = drain(recording.market(1))
    exact, quote, base = [pool for _, pool in of(told, PoolUpdated)]
    assert (exact.reserve_0_atoms, exact.reserve_1_atoms) == (10**12, 150_000 * 10**6)
    assert (exact.exact, exact.fee_num / exact.fee_den, exact.slot) == (True, 0.0025, 900)
    assert (quote.reserve_0_atoms, quote.reserve_1_atoms) == (2 * 10**9, 302 * 10**6)
    assert base.reserve_1_atoms == pytest.approx(290 * 10**6, abs=1)
    assert base.reserve_1_atoms / base.reserve_0_atoms == pytest.approx(0.151, rel=1e-6)
    assert not quote.exact


def test_cheap_pools_give_the_price_of_sol_and_other_facts_carry_their_slot(recording: Recording) -> None:
    recording.pool("deep", 1_000.0, 150.0, START_NS, 900)
    recording.pool("cheap", 2.0, 151.0, START_NS + SECOND_NS, 902, fee_ppm=100)
    recording.pool("tether", 2.0, 140.0, START_NS + SECOND_NS, 902, fee_ppm=100, quote="USDT")
    recording.ratio("mSOL", 1.2, START_NS + 3 * SECOND_NS, pool="p", slot=905)
    recording.bars("JUP/USDT", [0.5] * 10)
    told = drain(recording.market(1))
    assert [quote.ask_px + quote.bid_px for _, quote in of(told, Quoted, "SOL/USDC")] == [302_000_000]
    assert [oracle.px for _, oracle in of(told, OraclePosted)] == [151_000_000]
    assert not of(told, Quoted, "SOL-PERP")
    slots = [(ts_ns - START_NS, quote.slot) for ts_ns, quote in of(told, Quoted, "JUP/USDC")]
    assert slots[:2] == [(0, 900), (300 * SECOND_NS, 905)]
    _, ratio = of(told, Quoted, "mSOL/SOL")[0]
    assert (ratio.bid_px, ratio.ask_px, ratio.ask_atoms) == (1_196_400_000, 1_203_600_000, 2_500_000_000)


def test_an_exchanges_ratio_bounces_by_twice_rolls_half_spread_and_that_of_pools_by_their_fee(
    recording: Recording,
) -> None:
    recording.ratio("BNSOL", 1.0, START_NS)
    recording.ratio("mSOL", 1.0, START_NS, pool="p", slot=905)
    told = drain(recording.market(1))
    halves = {name: of(told, Quoted, f"{name}/SOL")[0][1].ask_px - 10**9 for name in ("BNSOL", "mSOL")}
    assert halves == {"BNSOL": 1_600_000, "mSOL": 3_000_000}


def test_a_quote_carries_the_depth_that_its_fills_meet(recording: Recording) -> None:
    recording.bars("WIF/USDT", [0.4] * 20)
    recording.ratio("BNSOL", 1.05, START_NS)
    recording.ratio("mSOL", 1.2, START_NS, pool="p", slot=905)
    market = recording.market(1)
    told = drain(market)
    depths = {name: of(told, Quoted, name)[0][1].depth_quote_atoms for name in ("WIF/USDC", "BNSOL/SOL", "mSOL/SOL")}
    assert depths == {"WIF/USDC": 10**12, "BNSOL/SOL": 10_000 * 10**9, "mSOL/SOL": 1_000 * 10**9}
    view = MarketView(market.universe)
    for seq, arrival in enumerate(told):
        envelope = Envelope(seq + 1, arrival.ts_ns, arrival.source, arrival.body)
        market.liquidity.observe(envelope)
        view.fold(envelope)
    for in_asset, out_asset, atoms in (("SOL", "BNSOL", 300 * 10**9), ("BNSOL", "SOL", 70 * 10**9)):
        quoted = sell_quote(view, market.universe.instruments["BNSOL/SOL"], [], in_asset, atoms)
        assert quoted is not None
        assert market.liquidity.quote_swap(quoted.leg(1), atoms, START_NS + HOUR_NS) == SwapFill(quoted.out_atoms, 0)
        assert (quoted.in_asset, quoted.out_asset) == (in_asset, out_asset)


def test_borrow_rates_round_up_and_only_the_perp_venue_counts(recording: Recording) -> None:
    recording.bars("SOL/USDT", [100.0] * 20)
    for venue, rate in (("drift", 0.0500001), ("kamino", 0.9)):
        names = {"instrument": "USDC", "venue": venue, "interval_ns": HOUR_NS, "lend_rate": 0.01}
        recording.add("lending_rate", **names, ts_ns=START_NS + HOUR_NS // 2, borrow_rate=rate)
    told = of(drain(recording.market(1)), BorrowRatePosted)
    assert [body for _, body in told] == [BorrowRatePosted("drift", "USDC", 50_001)]


def test_recorded_prices_and_pools_fill_orders(recording: Recording) -> None:
    recording.bars("WIF/USDT", [0.4] * 20)
    recording.pool("deep", 1_000.0, 150.0, START_NS + SECOND_NS, 900)
    market = recording.market(1)
    for seq, arrival in enumerate(drain(market)):
        market.liquidity.observe(Envelope(seq + 1, arrival.ts_ns, arrival.source, arrival.body))
    bought = market.liquidity.swap(Swap("WIF/USDC", "", "USDC", "WIF", 10**9, 1, 0), 10**9, START_NS + HOUR_NS)
    assert isinstance(bought, SwapFill)
    assert 0.99 < bought.out_atoms / (10**9 / 0.4) < 0.9999
    swapped = market.liquidity.swap(Swap("SOL/USDC", "deep", "SOL", "USDC", 10**9, 1, 0), 10**9, START_NS + HOUR_NS)
    assert isinstance(swapped, SwapFill)
    assert 149_000_000 < swapped.out_atoms < 150_000_000
