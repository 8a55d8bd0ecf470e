"""What a broken line does to a body: it ends early, or one byte is another."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from phantom_arbiter.venues.wire import WireError

damages = st.tuples(st.booleans(), st.integers(0, 10**6), st.integers(0, 255))


def survives(parse: Callable[[bytes], object], body: bytes, damage: tuple[bool, int, int]) -> bool:
    """Parse the damaged body; whether it was refused as it should. Any other exception passes through."""
    cut, place, byte = damage
    at = place % len(body)
    damaged = body[:at] if cut else body[:at] + bytes([byte]) + body[at + 1 :]
    try:
        parse(damaged)
    except WireError:
        return True
    return not cut
