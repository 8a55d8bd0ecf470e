import msgspec
import pytest

from phantom_arbiter.engines.arb import graveyard
from phantom_arbiter.engines.arb.graveyard import Grave, GraveSwap, GraveyardState

USDC_NANOS = 10**9


def grave(slot=100, *, chain=1_000, amounts=(600, 400)):
    """SOL-free: USDC through two parallel pools into X and back through a third."""
    first, second = amounts
    swaps = [
        GraveSwap("a", "orca", "USDC", "X", first * 1_000),
        GraveSwap("b", "ray", "USDC", "X", second * 1_000),
        GraveSwap("c", "met", "X", "USDC", 900_000),
    ]
    return Grave(0, 1, slot, "USDC", swaps, 10**6, 5_000, chain, USDC_NANOS)


def pays(**rates):
    """Pools that pay so many parts per thousand, whatever the amount."""

    def requote(pool, asset, atoms):
        rate = rates[pool]
        return rate if isinstance(rate, str) else atoms * rate // 1_000

    return requote


@pytest.fixture
def state():
    return GraveyardState()


def test_each_horizon_is_reckoned_with_the_pools_at_its_end(state):
    graveyard.watch(state, "r", grave())
    graveyard.resolve(state, "r", "vanished", "")
    graveyard.settle(state, 101, pays(a=0, b=0, c=0))
    assert state.open["r"].would_micros == [], "slot 101 is not over"
    graveyard.settle(state, 102, pays(a=900, b=900, c=1_200))  # 1,000,000 → 900,000 → 1,080,000
    assert state.open["r"].would_micros == [79_000]
    graveyard.settle(state, 105, pays(a=900, b=900, c=1_100))
    assert state.open["r"].would_micros == [79_000, -11_000, -11_000]
    graveyard.settle(state, 109, pays(a=1_000, b=1_000, c=1_000))
    assert not state.open
    assert state.closed[0].would_micros == [79_000, -11_000, -11_000, -1_000]


def test_parallel_pools_share_what_is_there_as_planned(state):
    graveyard.watch(state, "r", grave(amounts=(750, 250)))
    graveyard.settle(state, 102, pays(a=1_000, b=0, c=1_000))
    assert state.open["r"].would_micros == [750_000 - 1_000_000 - 1_000]


def test_what_cannot_be_quoted_is_said_and_not_summed(state):
    graveyard.watch(state, "r", grave())
    graveyard.resolve(state, "r", "paused", "orca is paused")
    graveyard.settle(state, 103, pays(a=1_000, b="b: the pool is empty", c=1_000))
    graveyard.settle(state, 200, pays(a=1_000, b=1_000, c=1_001))
    (row,) = graveyard.rows(state)
    assert row["would_usd"] == [None, None, 0.0, 0.0]
    assert row["lost"] == ["b: the pool is empty"] * 2
    assert (row["reason"], row["detail"]) == ("paused", "orca is paused")
    assert row["route"] == ["USDC", "X", "USDC"]
    assert [swap["share"] for swap in row["swaps"]] == [0.6, 0.4, 1.0]
    (total,) = graveyard.reason_rows(state)
    assert total == {"reason": "paused", "count": 1, "would_usd": [None, None, 0.0, 0.0]}


def test_it_is_not_shown_nor_closed_before_its_reason_is_known(state):
    graveyard.watch(state, "r", grave())
    graveyard.settle(state, 500, pays(a=1_000, b=1_000, c=1_000))
    assert len(state.open["r"].would_micros) == 4
    assert graveyard.rows(state) == []
    graveyard.resolve(state, "r", "beaten", "beaten: a rival bid more")
    graveyard.settle(state, 501, pays())
    assert [row["reason"] for row in graveyard.rows(state)] == ["beaten"]


def test_one_that_landed_is_forgotten(state):
    graveyard.watch(state, "r", grave())
    graveyard.forget(state, "r")
    graveyard.settle(state, 500, pays())
    assert graveyard.rows(state) == graveyard.reason_rows(state) == []


def test_the_same_route_is_the_same_opportunity_while_it_is_followed(state):
    graveyard.watch(state, "r", grave())
    graveyard.resolve(state, "r", "costs", "")
    graveyard.watch(state, "r", grave(slot=104))
    assert state.open["r"].slot == 100
    graveyard.resolve(state, "r", "beaten", "")
    graveyard.settle(state, 500, pays(a=1_000, b=1_000, c=1_000))
    assert list(state.reasons) == ["beaten"]


def test_everything_is_bounded(state):
    for number in range(graveyard.MAX_OPEN + 5):
        graveyard.watch(state, f"r{number}", grave())
        graveyard.resolve(state, f"r{number}", f"reason {number}", "")
    assert (len(state.open), state.unfollowed) == (graveyard.MAX_OPEN, 5)
    graveyard.settle(state, 500, pays(a=1_000, b=1_000, c=1_000))
    assert (len(state.open), len(state.closed)) == (0, graveyard.MAX_CLOSED)
    assert len(state.reasons) == graveyard.MAX_REASONS + 1
    assert state.reasons["other"].count == graveyard.MAX_OPEN - graveyard.MAX_REASONS
    assert len(graveyard.rows(state)) == graveyard.MAX_CLOSED


def test_the_state_survives_a_snapshot(state):
    graveyard.watch(state, "r", grave())
    graveyard.settle(state, 102, pays(a=1_000, b="gone", c=1_000))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=GraveyardState) == state
