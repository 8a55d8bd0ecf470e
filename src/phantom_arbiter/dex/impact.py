"""What a trade's own size does to a price of which only a depth is known. Integers; rounded against the trade."""

from __future__ import annotations

from typing import Final

from phantom_arbiter.core.units import Rounding, mul_div

PPM: Final = 1_000_000


def impacted_px(
    px: int,
    *,
    buys: bool,
    quote_atoms: int,
    depth_quote_atoms: int,
    used_quote_atoms: int = 0,
    fixed_ppm: int = 0,
    slope_ppm: int = PPM,
) -> int:
    """The average price of a trade of ``quote_atoms`` at ``px``, where ``used_quote_atoms`` of the depth are gone.

    With the default slope it is a constant-product pool's own impact, ``depth_quote_atoms`` (positive) being the
    reserve of its quote asset: N moves the average price by N / depth, the last atom's by twice that.
    """
    # The average over the stretch from `used` to `used + N` of a price that rises linearly with twice the slope.
    push_ppm = fixed_ppm + mul_div(2 * used_quote_atoms + quote_atoms, slope_ppm, depth_quote_atoms, Rounding.UP)
    if buys:
        return mul_div(px, PPM + push_ppm, PPM, Rounding.UP)
    # A sale falls as 1 / (1 + push): the same ratio as a purchase, and never to zero or below.
    return mul_div(px, PPM, PPM + push_ppm, Rounding.DOWN)
