"""The built-in market over hours: it repeats, it recovers, its scenarios happen, and no-edge has none."""

from collections.abc import Iterator

import msgspec
import pytest

from phantom_arbiter.core.events import (
    FundingPosted,
    LinkChanged,
    OraclePosted,
    PoolAccountsRead,
    PoolUpdated,
    Quoted,
    StakePoolRead,
    TokenAudited,
    VenueStatus,
    VenueStatusChanged,
)
from phantom_arbiter.core.intents import PerpOrder, Side, Swap
from phantom_arbiter.core.units import EPOCH_NS, SLOT_NS
from phantom_arbiter.dex import pools as exact
from phantom_arbiter.dex.account_pools import PoolDecoder, UnreadablePool
from phantom_arbiter.dex.pool import SwapQuote
from phantom_arbiter.dex.pools import Moment, PoolState
from phantom_arbiter.runtime.ports import Arrival
from phantom_arbiter.sim.fills import SwapFill
from phantom_arbiter.sim.market.exact_pools import EXACT_POOLS
from phantom_arbiter.sim.market.source import DEFAULT_START_NS, BuiltinMarket
from phantom_arbiter.sim.market.state import BuiltinMarketState
from phantom_arbiter.sim.market.universe import POOLS, STAKE_POOLS

MINUTE_NS = 60 * 10**9
SELL = Swap("SOL/USDC", "raydium:SOL/USDC", "SOL", "USDC", 10**11, 0, 0)
SELL_EXACT = tuple(
    Swap(f"{spec.asset_0}/{spec.asset_1}", spec.id, spec.asset_0, spec.asset_1, 10**11, 0, 0) for spec in EXACT_POOLS
)
SHORT = PerpOrder("SOL-PERP", "drift", Side.SELL, 10**11, 125_000_000, 1)


def until(market: BuiltinMarket, minute: float) -> Iterator[Arrival]:
    """Facts up to that minute of a market with the default start."""
    end = DEFAULT_START_NS + int(minute * MINUTE_NS)
    while market.peek_ns() < end:
        yield market.pop()


def run(scenario: str, minutes: int, seed: int = 1) -> list[Arrival]:
    return list(until(BuiltinMarket(seed, scenario), minutes))


def minute_of(arrival: Arrival) -> float:
    return (arrival.ts_ns - DEFAULT_START_NS) / MINUTE_NS


def mid(body: Quoted) -> float:
    return (body.bid_px + body.ask_px) / 2


def test_same_seed_same_hour() -> None:
    one, two = BuiltinMarket(7, "volatile"), BuiltinMarket(7, "volatile")
    assert list(until(one, 60)) == list(until(two, 60))
    assert one.cursor() == two.cursor()
    assert one.state() == two.state()


@pytest.mark.parametrize(("seed", "scenario"), [(8, "calm"), (7, "no-edge")])
def test_other_seed_or_scenario_differs(seed: int, scenario: str) -> None:
    assert run("calm", 2, seed=7) != run(scenario, 2, seed=seed)


@pytest.mark.parametrize("taken", [0, 1, 150, 4_321, 9_999])
def test_restores_in_the_middle(taken: int) -> None:
    """Wherever it stands, also with orders of ours under way, the remainder is the same."""
    market = BuiltinMarket(3)
    for count in range(taken):
        market.pop()
        if count % 1_000 == 77:
            market.swap(SELL, 10**11, market.peek_ns())
            market.swap(SELL_EXACT[count // 1_000 % len(SELL_EXACT)], 10**11, market.peek_ns())
            market.perp(SHORT, 10**11, market.peek_ns())
    encoded = msgspec.msgpack.encode(market.state())
    restored = BuiltinMarket.from_state(msgspec.msgpack.decode(encoded, type=BuiltinMarketState))
    assert restored.cursor() == market.cursor()
    for _ in range(3):
        for _ in range(2_000):
            assert restored.pop() == market.pop()
        now = market.peek_ns()
        for sale in (SELL, *SELL_EXACT):
            assert restored.swap(sale, 10**11, now) == market.swap(sale, 10**11, now)
        assert restored.perp(SHORT, 10**11, now) == market.perp(SHORT, 10**11, now)
    assert restored.cursor() == market.cursor()
    assert all(type(value) is int for value in market.cursor())


def test_restores_between_our_swap_and_its_fact() -> None:
    """In a quiet slot our swap brings the next fact forward."""
    market = BuiltinMarket(3)
    while market.peek_ns() < market.cursor()[0] * SLOT_NS + 3 * SLOT_NS:
        market.pop()
    natural, now = market.peek_ns(), market.cursor()[0] * SLOT_NS
    assert isinstance(market.swap(SELL_EXACT[1], 10**11, now), SwapFill)
    market.swap(SELL, 10**11, now)
    restored = BuiltinMarket.from_state(market.state())
    assert restored.peek_ns() == market.peek_ns() == now + SLOT_NS < natural
    assert [restored.pop() for _ in range(1_000)] == [market.pop() for _ in range(1_000)]


def test_a_state_is_not_touched_by_what_follows() -> None:
    market = BuiltinMarket(3)
    list(until(market, 2))
    state = market.state()
    before = msgspec.msgpack.encode(state)
    list(until(market, 4))
    market.perp(SHORT, 10**11, market.peek_ns())
    assert msgspec.msgpack.encode(state) == before


# What can be earned ------------------------------------------------------------------------------------------------


class Venues:
    """Pools as the facts show them, and whether two of a pair can be traded against each other for a gain."""

    def __init__(self) -> None:
        self.sides: dict[tuple[str, str], dict[str, tuple[float, float]]] = {}

    def fold(self, body: PoolUpdated) -> float:
        """Take in an update; the best gain of a two-hop cycle through its pool, as a fraction (negative: none)."""
        pair = self.sides.setdefault((body.asset_0, body.asset_1), {})
        keep = 1.0 - body.fee_num / body.fee_den
        price = body.reserve_1_atoms / body.reserve_0_atoms
        pair[body.pool] = (price * keep, price / keep)
        bid, ask = max(side[0] for side in pair.values()), min(side[1] for side in pair.values())
        return bid / ask - 1.0


def gains_by_slot(arrivals: list[Arrival]) -> dict[int, float]:
    """The best two-hop gain at the end of every slot that updated a pool."""
    venues, gains = Venues(), {}
    current: dict[str, float] = {}
    for arrival in arrivals:
        if isinstance(arrival.body, PoolUpdated) and arrival.body.reserve_0_atoms:
            current[f"{arrival.body.asset_0}/{arrival.body.asset_1}"] = venues.fold(arrival.body)
            gains[arrival.ts_ns] = max(current.values())
    return gains


def test_no_edge_leaves_no_cycle() -> None:
    gains = gains_by_slot(run("no-edge", 30))
    assert len(gains) > 3_000
    assert max(gains.values()) < 1e-9


class ExactPools:
    """The pools told by accounts, as anybody who hears the facts knows them."""

    def __init__(self) -> None:
        self.decoder = PoolDecoder()
        self.pools: dict[str, tuple[PoolState, Moment]] = {}

    def fold(self, body: PoolAccountsRead) -> None:
        state = self.decoder.read(body)
        assert not isinstance(state, UnreadablePool), state.reason
        self.pools[body.pool] = (state, Moment(body.slot, body.unix_time_s, body.epoch))

    def pays(self, index: int, zero_for_one: bool) -> float:
        """What a millionth of its depth pays for each atom, 0.0 where it is refused."""
        state, moment = self.pools[EXACT_POOLS[index].id]
        first = exact.segments(state, zero_for_one, moment)
        price = first[0].a / first[0].b if zero_for_one and first else 1.0
        atoms = int(EXACT_POOLS[index].side_1_atoms / price / 1e6)
        answer = exact.quote(state, atoms, zero_for_one, moment)
        return answer.amount_out_atoms / atoms if isinstance(answer, SwapQuote) else 0.0


def test_facts_of_exact_pools_are_the_market_that_answers() -> None:
    market, heard = BuiltinMarket(5), ExactPools()
    for arrival in until(market, 20):
        if isinstance(arrival.body, PoolAccountsRead):
            heard.fold(arrival.body)
    assert heard.pools.keys() == {spec.id for spec in EXACT_POOLS}
    now_ns = market.cursor()[0] * SLOT_NS
    now = Moment(now_ns // SLOT_NS, now_ns // 10**9, now_ns // EPOCH_NS)
    for sale in SELL_EXACT:
        answer = exact.quote(heard.pools[sale.pool][0], 10**9, True, now)
        assert isinstance(answer, SwapQuote)
        fill = SwapFill(answer.amount_out_atoms, answer.input_fee_atoms, answer.output_fee_atoms)
        assert market.quote_swap(sale, 10**9, now_ns) == fill


def test_no_edge_leaves_no_cycle_between_exact_pools_and_the_others() -> None:
    heard, venues, gains = ExactPools(), Venues(), []
    slot = 0
    for arrival in until(BuiltinMarket(1, "no-edge"), 15):
        if slot and arrival.ts_ns > slot and len(heard.pools) == len(EXACT_POOLS):
            gains.append(_exact_gain(heard, venues))
        slot = arrival.ts_ns
        if isinstance(arrival.body, PoolAccountsRead):
            heard.fold(arrival.body)
        elif isinstance(arrival.body, PoolUpdated):
            venues.fold(arrival.body)
    assert len(gains) > 1_500
    assert max(gains) < 1e-6


def _exact_gain(heard: ExactPools, venues: Venues) -> float:
    """The best two-hop gain with an exact pool in it: token 0 there, token 1 here, and the other way."""
    gains = []
    for index, spec in enumerate(EXACT_POOLS):
        sides = venues.sides.get((spec.asset_0, spec.asset_1))
        turned = venues.sides.get((spec.asset_1, spec.asset_0), {})
        prices = [*(sides or {}).values(), *((1 / ask, 1 / bid) for bid, ask in turned.values())]
        others = [at for at, other in enumerate(EXACT_POOLS) if other.asset_1 == spec.asset_1 and at != index]
        bids = [bid for bid, _ in prices] + [heard.pays(at, True) for at in others if EXACT_POOLS[at].asset_0 == "SOL"]
        asks = [ask for _, ask in prices]
        down, up = heard.pays(index, True), heard.pays(index, False)
        gains += [down / min(asks) - 1.0, up * max(bids) - 1.0]
    return max(gains)


def test_calm_leaves_cycles_every_few_minutes_that_close_again() -> None:
    """Cycles of two hops alone: about one in six minutes; those of three come on top."""
    gains = gains_by_slot(run("calm", 120, seed=2))
    worth = [ts_ns for ts_ns, gain in gains.items() if gain > 1e-4]
    begins = [ts_ns for before, ts_ns in zip([0, *worth], worth, strict=False) if ts_ns > before + SLOT_NS]
    assert 10 <= len(begins) <= 50
    assert len({ts_ns // (30 * MINUTE_NS) for ts_ns in begins}) == 4
    assert len(worth) < len(gains) / 50


def test_funding_by_scenario() -> None:
    def sol_rates(scenario: str, minutes: int) -> list[float]:
        posted = [arrival.body for arrival in run(scenario, minutes) if isinstance(arrival.body, FundingPosted)]
        return [body.rate_e9 / body.oracle_twap_px / 1e3 for body in posted if body.instrument == "SOL-PERP"]

    calm = sol_rates("calm", 241)
    assert len(calm) == 5
    assert 0.05 < sum(calm) / len(calm) * 8_766 < 0.40
    no_edge = sol_rates("no-edge", 121)
    assert abs(sum(no_edge) / len(no_edge)) * 8_766 < 0.02


# Scenarios ---------------------------------------------------------------------------------------------------------


def test_first_hour_shows_an_lst_below_its_rate() -> None:
    rates = {pool.asset.symbol: pool.rate_e9 for pool in STAKE_POOLS}
    deepest = 0.0
    for arrival in run("calm", 60):
        body = arrival.body
        if isinstance(body, Quoted) and body.instrument.endswith("SOL/SOL"):
            deepest = min(deepest, body.ask_px / rates[body.instrument.removesuffix("/SOL")] - 1.0)
    assert -0.006 < deepest < -0.0022


def test_lst_depeg_and_recovery() -> None:
    prices = [
        (minute_of(arrival), mid(arrival.body) / 1.401e9 - 1.0)
        for arrival in run("lst-depeg", 150)
        if isinstance(arrival.body, Quoted) and arrival.body.instrument == "mSOL/SOL"
    ]
    assert min(price for _, price in prices) == pytest.approx(-0.1417, abs=0.01)
    assert all(price > -0.008 for minute, price in prices if minute < 60 or minute > 142)


def test_flash_crash() -> None:
    oracle = {
        minute_of(arrival): arrival.body.px
        for arrival in run("flash-crash", 110)
        if isinstance(arrival.body, OraclePosted) and arrival.body.instrument == "SOL-PERP"
    }
    at_hour = next(px for minute, px in oracle.items() if minute >= 60)
    bottom = min(px for minute, px in oracle.items() if 60 < minute < 75)
    last = list(oracle.values())[-1]
    assert bottom / at_hour == pytest.approx(0.85, abs=0.03)
    assert bottom * 1.03 < last < at_hour * 0.97


def test_rug_cannot_be_sold_and_is_audited_too_late() -> None:
    market = BuiltinMarket(1, "rug")
    sell = Swap("PLOP/SOL", "pumpswap:PLOP/SOL", "PLOP", "SOL", 10**9, 0, 0)
    before = list(until(market, 39.99))
    assert not isinstance(market.quote_swap(sell, 10**9, market.peek_ns()), str)
    after = list(until(market, 42))
    assert market.swap(sell, 10**9, market.peek_ns()) == "pumpswap:PLOP/SOL: pool is empty"
    audits = [(a.body.sell_simulated, a.body.liquidity_usd_micros > 0) for a in before + after if _audits(a, "PLOP")]
    assert audits[:40] == [(True, True)] * 40
    assert audits[40:] == [(False, False)] * 2
    emptied = [a for a in after if isinstance(a.body, PoolUpdated) and a.body.reserve_0_atoms == 0]
    assert {a.body.pool for a in emptied} == {p.id for p in POOLS if p.base == "PLOP"}  # type: ignore[union-attr]
    assert len(emptied) == 2
    assert not any(isinstance(a.body, Quoted) and a.body.instrument == "PLOP/SOL" for a in after if a not in emptied)


def _audits(arrival: Arrival, token: str) -> bool:
    return isinstance(arrival.body, TokenAudited) and arrival.body.token == token


def test_venue_pause() -> None:
    market = BuiltinMarket(1, "venue-pause")
    list(until(market, 59.99))
    assert not isinstance(market.perp(SHORT, 10**9, market.peek_ns() - 1), str)
    paused = list(until(market, 239.99))
    assert market.perp(SHORT, 10**9, market.peek_ns() - 1) == "venue drift is paused"
    resumed = list(until(market, 241))
    assert not isinstance(market.perp(SHORT, 10**9, market.peek_ns()), str)
    statuses = [a.body.status for a in paused + resumed if isinstance(a.body, VenueStatusChanged)]
    assert statuses == [VenueStatus.PAUSED, VenueStatus.LIVE]
    assert not any(map(_needs_the_venue, paused))
    assert any(map(_needs_the_venue, resumed))


def _needs_the_venue(arrival: Arrival) -> bool:
    body = arrival.body
    return isinstance(body, FundingPosted) or (isinstance(body, Quoted) and body.instrument.endswith("-PERP"))


def test_squeeze_raises_sol_while_the_venue_is_paused() -> None:
    market = BuiltinMarket(1, "squeeze")
    before, raised = list(until(market, 39)), list(until(market, 62))
    assert 1.44 < _sol_oracle_px(raised) / _sol_oracle_px(before) < 1.46
    assert [a.body.status for a in raised if isinstance(a.body, VenueStatusChanged)] == [VenueStatus.PAUSED]


def _sol_oracle_px(arrivals: list[Arrival]) -> int:
    """The last one."""
    oracles = [a.body for a in arrivals if isinstance(a.body, OraclePosted)]
    return [oracle.px for oracle in oracles if oracle.instrument == "SOL-PERP"][-1]


def test_feed_outage() -> None:
    market = BuiltinMarket(1, "feed-outage")
    list(until(market, 30))
    before = market._pools.pools[0]
    down = list(until(market, 36.99))
    links = [(a.body.feed, a.body.up) for a in down if isinstance(a.body, LinkChanged)]
    assert links == [("oracle", False), ("pools", False)]
    assert not any(isinstance(a.body, OraclePosted | PoolUpdated | Quoted) for a in down)
    assert market._pools.pools[0] != before  # trading went on
    fill = market.swap(SELL, 10**11, market.peek_ns() - 1)
    assert not isinstance(fill, str)
    up = list(until(market, 37.001))
    assert {a.body.pool for a in up if isinstance(a.body, PoolUpdated)} == {pool.id for pool in POOLS}
    assert [a.body.up for a in up if isinstance(a.body, LinkChanged)] == [True, True]


def test_epoch_boundary() -> None:
    """The reading turns stale at the boundary, and grows five minutes later."""
    market = BuiltinMarket(1, start_ns=DEFAULT_START_NS + EPOCH_NS - 5 * MINUTE_NS)
    reads = []
    while market.peek_ns() < DEFAULT_START_NS + EPOCH_NS + 6 * MINUTE_NS:
        body = market.pop().body
        if isinstance(body, StakePoolRead) and body.token == "jitoSOL":
            reads.append((body.epoch - body.updated_epoch, body.total_lamports * 10_000 // body.supply_atoms))
    assert reads == [(0, 12_970), (1, 12_970), (0, 12_973)]
