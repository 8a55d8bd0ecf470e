"""Random streams whose whole state is one counter, for runs that must repeat to the bit.

Value ``n`` of a stream is SplitMix64's output function at ``key + n * GOLDEN`` (Steele, Lea and Flood, OOPSLA 2014);
the key is the BLAKE2b hash of seed and name. Streams of different names are independent, and adding one changes no
other. Pure integers but for `Stream.uniform` and `Stream.normal`.
"""

from __future__ import annotations

import math
from hashlib import blake2b
from typing import Final

_MASK: Final = 2**64 - 1
_GOLDEN: Final = 0x9E3779B97F4A7C15


class Stream:
    """The stream ``name`` of ``seed``; ``counter`` is how many 64-bit values were drawn, and the state to keep."""

    __slots__ = ("_key", "counter", "name", "seed")

    def __init__(self, seed: int, name: str, counter: int = 0) -> None:
        if counter < 0:
            raise ValueError(f"counter of stream {name!r}: got {counter}, expected zero or more")
        self.seed = seed
        self.name = name
        self.counter = counter
        self._key = int.from_bytes(blake2b(f"{seed}/{name}".encode(), digest_size=8).digest(), "little")

    def next_u64(self) -> int:
        """The next value, 0 to 2^64 - 1."""
        self.counter += 1
        mixed = (self._key + self.counter * _GOLDEN) & _MASK
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return mixed ^ (mixed >> 31)

    def uniform(self) -> float:
        """A float from 0 to below 1, with 53 random bits."""
        return (self.next_u64() >> 11) * 2.0**-53

    def below(self, n: int) -> int:
        """An integer from 0 to below ``n`` (at most 2^64), by the high half of a product: its bias is below n / 2^64.

        Raises ValueError for ``n`` outside 1 to 2^64.
        """
        if not 1 <= n <= _MASK + 1:
            raise ValueError(f"n: got {n}, expected 1 to 2^64")
        return (self.next_u64() * n) >> 64

    def chance(self, ppm: int) -> bool:
        """True ``ppm`` times in a million; always draws one value, so the stream does not depend on ``ppm``."""
        return self.below(1_000_000) < ppm

    def normal(self) -> float:
        """A standard normal deviate (Box and Muller 1958); draws two values."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self.uniform()))
        return radius * math.cos(2.0 * math.pi * self.uniform())
