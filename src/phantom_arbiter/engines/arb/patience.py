"""When a route may be proposed: it must have been seen before, and rests afterwards."""

from __future__ import annotations

from typing import Final

from phantom_arbiter.engines.arb.settings import ArbConfig, ArbState, Sighting
from phantom_arbiter.engines.arb.sizing import Route

MAX_COOLDOWNS: Final = 512
MAX_SIGHTINGS: Final = 64


def route_key(base: str, route: Route) -> str:
    """A route's name: its base, then each hop's pool with the direction."""
    return " ".join((base, *(f"{pool}{'>' if zero_for_one else '<'}" for pool, zero_for_one in route)))


def persists(state: ArbState, config: ArbConfig, base: str, route: Route, slot: int) -> bool:
    """Whether a route that gains was first seen long enough ago. One seen for the first time is remembered."""
    if not config.persist_slots:
        return True
    key = route_key(base, route)
    seen = state.sightings.get(key)
    if seen is None:
        if len(state.sightings) < MAX_SIGHTINGS:
            state.sightings[key] = Sighting(slot, base, list(route))
        return False
    return slot >= seen.slot + config.persist_slots


def due(state: ArbState, config: ArbConfig, slot: int) -> list[str]:
    """The routes seen long enough ago to be looked at again."""
    return [key for key, seen in state.sightings.items() if seen.slot + config.persist_slots <= slot]


def rests(state: ArbState, key: str, now_ns: int) -> bool:
    """Whether a route was proposed a moment ago."""
    return state.cooldowns.get(key, 0) > now_ns


def rest(state: ArbState, key: str, now_ns: int, until_ns: int) -> None:
    """Let a route rest; those that have rested are forgotten."""
    cooldowns = state.cooldowns
    cooldowns.pop(key, None)
    cooldowns[key] = until_ns
    while cooldowns and (len(cooldowns) > MAX_COOLDOWNS or next(iter(cooldowns.values())) <= now_ns):
        del cooldowns[next(iter(cooldowns))]
