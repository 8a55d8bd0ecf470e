import pytest

from phantom_arbiter.engines.arb import patience
from phantom_arbiter.engines.arb.settings import ArbConfig, ArbState

ROUTE = [("a", True), ("b", False)]


@pytest.fixture
def state():
    return ArbState()


def test_a_route_is_named_by_its_base_pools_and_directions():
    assert patience.route_key("SOL", ROUTE) == "SOL a> b<"


def test_a_route_must_be_seen_again_after_its_time(state):
    config = ArbConfig(persist_slots=2)
    assert not patience.persists(state, config, "SOL", ROUTE, 10)
    assert not patience.persists(state, config, "SOL", ROUTE, 11)
    assert patience.due(state, config, 11) == []
    assert patience.due(state, config, 12) == ["SOL a> b<"]
    assert patience.persists(state, config, "SOL", ROUTE, 12)


def test_without_patience_nothing_is_remembered(state):
    assert patience.persists(state, ArbConfig(persist_slots=0), "SOL", ROUTE, 10)
    assert state.sightings == {}


def test_sightings_are_bounded(state):
    for number in range(100):
        patience.persists(state, ArbConfig(), "SOL", [(str(number), True)], 10)
    assert len(state.sightings) == patience.MAX_SIGHTINGS


def test_cooldowns_are_bounded_and_forgotten(state):
    for number in range(700):
        patience.rest(state, f"route {number}", number, number + 1_000)
    assert len(state.cooldowns) <= patience.MAX_COOLDOWNS
    assert patience.rests(state, "route 699", 1_698)
    assert not patience.rests(state, "route 699", 1_699)
    patience.rest(state, "late", 5_000, 6_000)
    assert list(state.cooldowns) == ["late"]
