"""sim.market.source: the stream of facts and the orders that meet it."""

import pytest

from phantom_arbiter.core.events import Envelope, PoolUpdated
from phantom_arbiter.core.fact_checks import check_fact
from phantom_arbiter.core.intents import PerpOrder, Side, Swap
from phantom_arbiter.core.units import SLOT_NS
from phantom_arbiter.core.view import MarketView
from phantom_arbiter.runtime.ports import Arrival, MarketSource
from phantom_arbiter.sim.liquidity import Liquidity, SwapFill
from phantom_arbiter.sim.market.exact_pools import STAKE_VENUE
from phantom_arbiter.sim.market.source import DEFAULT_START_NS, BuiltinMarket
from phantom_arbiter.sim.market.universe import PERPS, POOL_VENUES, POOLS, STAKE_POOLS, universe

MINUTE_NS = 60 * 10**9
SELL = Swap("SOL/USDC", "orca:SOL/USDC", "SOL", "USDC", 10**12, 0, 0)
BUY = Swap("SOL/USDC", "orca:SOL/USDC", "USDC", "SOL", 10**11, 0, 0)


def take(market: BuiltinMarket, minutes: float) -> list[Arrival]:
    """The facts of the next minutes."""
    end = market.peek_ns() + int(minutes * MINUTE_NS)
    arrivals = []
    while market.peek_ns() < end:
        due = market.peek_ns()
        arrivals.append(market.pop())
        assert arrivals[-1].ts_ns == due
    return arrivals


def test_plugs_into_the_kernel() -> None:
    market = BuiltinMarket(1)
    source: MarketSource = market
    liquidity: Liquidity = market
    assert source.peek_ns() == DEFAULT_START_NS
    assert isinstance(liquidity.quote_swap(SELL, 10**9, DEFAULT_START_NS), SwapFill)


def test_everything_is_told_in_the_first_slot() -> None:
    market, view = BuiltinMarket(1), MarketView(universe())
    for arrival in take(market, 0.005):
        view.fold(Envelope(1, arrival.ts_ns, arrival.source, arrival.body))
    assert set(view.pools) == {pool.id for pool in POOLS}
    assert set(view.quotes) == set(universe().instruments)
    assert set(view.oracles) == set(view.perps) == set(view.fundings) == {perp.instrument.id for perp in PERPS}
    assert set(view.stake_pools) == {pool.asset.symbol for pool in STAKE_POOLS}
    assert set(view.audits) == set(universe().assets)
    assert {venue for venue, status in view.venues.items() if status.status == "live"} == {
        *POOL_VENUES,
        STAKE_VENUE,
        "drift",
    }
    assert {feed for feed, link in view.links.items() if link.up} == {"oracle", "pools", "perps", "stake-pools"}
    assert ("drift", "USDC") in view.borrow_rates
    assert all(view.usd_price(symbol) is not None for symbol in universe().assets)


def test_facts_are_sound_and_in_order() -> None:
    arrivals = take(BuiltinMarket(2), 15)
    assert [arrival.ts_ns for arrival in arrivals] == sorted(arrival.ts_ns for arrival in arrivals)
    for arrival in arrivals:
        check_fact(arrival.body)
        if isinstance(arrival.body, PoolUpdated):
            assert arrival.body.reserve_0_atoms > 0
            assert arrival.body.reserve_1_atoms > 0
        slot = getattr(arrival.body, "slot", None)
        assert slot is None or slot * SLOT_NS == arrival.ts_ns


def test_our_swap_moves_the_pool_and_is_told_in_the_next_slot() -> None:
    market = BuiltinMarket(1)
    take(market, 0.1)
    now = market.peek_ns() - 1
    expected = market.quote_swap(SELL, 10**10, now)
    untouched = market._pools.pools[0].reserve_0_atoms
    assert market.swap(SELL, 10**10, now) == expected
    assert isinstance(expected, SwapFill)
    assert expected.input_fee_atoms == 4_000_000  # 4 bps of 10 SOL
    assert market.quote_swap(SELL, 10**10, now) != expected
    moved = market._pools.pools[0].reserve_0_atoms
    told = [a for a in take(market, 0.01) if isinstance(a.body, PoolUpdated) and a.body.pool == "orca:SOL/USDC"]
    assert told[0].ts_ns == now // SLOT_NS * SLOT_NS + SLOT_NS
    assert moved - untouched == 10**10
    assert told[0].body.reserve_0_atoms == pytest.approx(moved, abs=3 * 10**9)  # type: ignore[union-attr]


def test_arbitrageurs_push_our_impact_back() -> None:
    market = BuiltinMarket(1)
    take(market, 1)
    before = market.quote_swap(SELL, 10**9, market.peek_ns())
    market.swap(SELL, 10**12, market.peek_ns() - 1)
    after = market.quote_swap(SELL, 10**9, market.peek_ns())
    take(market, 1)
    later = market.quote_swap(SELL, 10**9, market.peek_ns())
    assert isinstance(before, SwapFill)
    assert isinstance(after, SwapFill)
    assert isinstance(later, SwapFill)
    assert after.out_atoms < before.out_atoms * 0.985
    assert later.out_atoms == pytest.approx(before.out_atoms, rel=0.005)


def test_a_round_trip_loses() -> None:
    market = BuiltinMarket(1)
    now = market.peek_ns()
    sold = market.swap(SELL, 10**12, now)
    assert isinstance(sold, SwapFill)
    back = market.swap(BUY, sold.out_atoms, now)
    assert isinstance(back, SwapFill)
    assert 0.998 * 10**12 < back.out_atoms < 0.9995 * 10**12


def test_no_pool_named_means_the_deepest() -> None:
    market = BuiltinMarket(1)
    anywhere = Swap("SOL/USDC", "", "SOL", "USDC", 10**9, 0, 0)
    assert market.quote_swap(anywhere, 10**9, 0) == market.quote_swap(SELL, 10**9, 0)


@pytest.mark.parametrize(
    ("leg", "reason"),
    [
        (Swap("SOL/USDC", "orca:NONE", "SOL", "USDC", 1, 0, 0), "no pool orca:NONE"),
        (Swap("SOL/NONE", "", "SOL", "NONE", 1, 0, 0), "no pool SOL/NONE"),
        (Swap("SOL/USDC", "orca:SOL/USDC", "SOL", "USDT", 1, 0, 0), "pool orca:SOL/USDC does not trade SOL for USDT"),
    ],
)
def test_swaps_that_make_no_sense(leg: Swap, reason: str) -> None:
    market = BuiltinMarket(1)
    assert market.quote_swap(leg, 10**9, 0) == market.swap(leg, 10**9, 0) == reason
    assert market.swap(SELL, 0, 0) == "orca:SOL/USDC: amount is not positive"


def test_perp_orders_fill_around_the_mark() -> None:
    market = BuiltinMarket(1)
    now = market.peek_ns()
    short = PerpOrder("SOL-PERP", "drift", Side.SELL, 10**10, 125_000_000, 120_000_000)
    filled = market.perp(short, 10**10, now)
    assert not isinstance(filled, str)
    assert filled[0] == 10**10
    assert filled[1] / 10**7 == pytest.approx(125.0, rel=0.002)
    assert market.perp(PerpOrder("SOL-PERP", "hyperliquid", Side.BUY, 1, 1, 1), 10**9, now) == (
        "no perp market SOL-PERP at hyperliquid"
    )


def test_start_must_be_a_whole_minute() -> None:
    with pytest.raises(ValueError, match="start_ns: got 1, expected a whole minute"):
        BuiltinMarket(1, start_ns=1)
