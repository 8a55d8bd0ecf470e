"""Integer money: scales, and divisions that name their rounding.

Amounts are integers of an asset's smallest unit (``_atoms``; SOL's are lamports). A price ``px`` is an integer at its
instrument's own scale: quote units per one whole base unit, times ``10**price_decimals``. USD figures that cross
module borders are integers of a millionth of a dollar (``_micros``).
"""

from __future__ import annotations

from enum import Enum
from typing import Final

NS_PER_SECOND: Final = 1_000_000_000
NS_PER_MINUTE: Final = 60 * NS_PER_SECOND
NS_PER_HOUR: Final = 3_600 * NS_PER_SECOND
NS_PER_DAY: Final = 24 * NS_PER_HOUR
HOURS_PER_YEAR: Final = 24 * 365.25
"""Drift's SDK and Velocity's documents annualise an hourly rate with this many hours."""

SLOT_NS: Final = 400_000_000
SLOTS_PER_EPOCH: Final = 432_000
EPOCH_NS: Final = SLOT_NS * SLOTS_PER_EPOCH

LAMPORTS_PER_SOL: Final = 1_000_000_000
MICROS_PER_USD: Final = 1_000_000
BPS: Final = 10_000
FUNDING_RATE_SCALE: Final = 1_000_000_000
"""Drift's funding rate: quote units per base unit per hour, times 1e9."""

MAX_U64: Final = 2**64 - 1


class Rounding(Enum):
    """How a division drops its remainder."""

    DOWN = "toward minus infinity"
    UP = "toward plus infinity"
    TRUNCATE = "toward zero"


def mul_div(value: int, numerator: int, denominator: int, rounding: Rounding) -> int:
    """``value * numerator / denominator`` in exact integers; ``denominator`` must be positive."""
    if denominator <= 0:
        raise ValueError(f"denominator: got {denominator}, expected a positive integer")
    product = value * numerator
    if rounding is Rounding.DOWN:
        return product // denominator
    if rounding is Rounding.UP:
        return -(-product // denominator)
    return product // denominator if product >= 0 else -(-product // denominator)


_POWERS: Final[tuple[int, ...]] = tuple(10**exponent for exponent in range(40))


def power_of_ten(exponent: int) -> int:
    """``10**exponent`` as an integer, for 0 to 39."""
    return _POWERS[exponent]


def slot_at(ts_ns: int) -> int:
    """The slot that holds the instant ``ts_ns`` when every slot lasts ``SLOT_NS`` (the simulation's clock)."""
    return ts_ns // SLOT_NS
