"""When a transaction lands, if it does. One stream per transaction, so one order's luck never shifts another's."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from phantom_arbiter.core.streams import Stream
from phantom_arbiter.core.units import SLOT_NS, slot_at
from phantom_arbiter.sim.driver_config import DriverConfig

BEATEN: Final = "beaten"
"""A rival bid a larger share of the gap."""
REVERTED: Final = "reverted"
"""It met its slot's market, and a leg was refused: an amount below its minimum, an empty or paused pool, margin."""
DROPPED: Final = "dropped"
"""It never reached a leader before its blockhash died."""
EXPIRED: Final = "expired"
"""Its time was over before it was sent, or before the rest of it found a taker."""
FAILED: Final = "failed"
"""The program failed for a reason that no price explains."""
# Whatever does not fill says why in a reason that begins with one of these words and a colon: they are counted by it.

_PPM: Final = 1_000_000


class Fate(Struct, frozen=True, gc=False):
    """What the chain has in store: sent at ``sent_ns``, executed at ``land_ns``; the blockhash dies at ``dead_ns``.
    ``rival_ppm`` is the share of a gap's gain that the highest of its rivals bids."""

    sent_ns: int
    land_ns: int
    dead_ns: int
    lands: bool
    fails: bool
    times_out: bool
    rival_ppm: int


def draw_fate(config: DriverConfig, seed: int, key: str, now_ns: int) -> Fate:
    """The fate of transaction ``key``. The same eight draws in any configuration (common random numbers): a longer
    delay, a higher probability or more rivals in ``config`` never make the same transaction land earlier or fail
    less."""
    stream = Stream(seed, f"landing/{key}")
    jitter_ns = round((2.0 * stream.uniform() - 1.0) * config.build_spread_ns)
    wait = _geometric(stream.uniform(), config.leader_success_ppm, config.blockhash_slots)
    in_tail = stream.chance(config.tail_ppm)
    tail_slots = config.tail_min_slots + stream.below(max(1, config.tail_max_slots - config.tail_min_slots + 1))
    dropped = stream.chance(config.drop_ppm)
    fails = stream.chance(config.failure_ppm)
    times_out = stream.chance(config.unknown_ppm)
    highest = stream.uniform() ** (1.0 / config.rivals) if config.rivals else 0.0
    sent_ns = now_ns + max(0, config.build_ns + jitter_ns)
    received_ns = sent_ns + config.submit_ns
    slots = config.leader_slots + (max(wait, tail_slots) if in_tail else wait)
    return Fate(
        sent_ns=sent_ns,
        land_ns=(slot_at(received_ns) + slots) * SLOT_NS if slots else received_ns,
        dead_ns=(slot_at(received_ns) + config.blockhash_slots) * SLOT_NS,
        lands=not dropped and slots <= config.blockhash_slots,
        fails=fails,
        times_out=times_out,
        rival_ppm=int(highest * _PPM),
    )


def _geometric(u: float, success_ppm: int, limit: int) -> int:
    """Failures before the first success, by inversion of P(at least j) = (1 − p)^j; at most ``limit``."""
    miss = 1.0 - success_ppm / _PPM
    survival, failures = miss, 0
    while failures < limit and survival > 1.0 - u:
        survival *= miss
        failures += 1
    return failures
