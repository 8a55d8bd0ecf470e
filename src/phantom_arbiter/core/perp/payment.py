"""What a perp position pays or receives for funding, exactly as Drift v2 and Velocity compute it."""

from __future__ import annotations

from typing import Final

_TO_QUOTE: Final = 10**6 * 10**3 * 10**3
"""PRICE_PRECISION · FUNDING_RATE_BUFFER · AMM_TO_QUOTE_PRECISION_RATIO."""


def funding_payment_atoms(base_atoms: int, index_from_e9: int, index_to_e9: int) -> int:
    """Quote atoms (1e6) that a position of ``base_atoms`` (1e9, signed, long positive) gets between two readings of
    its market's cumulative funding rate; positive: received. A positive rate: longs pay shorts.

    Source: drift protocol-v2 at 0ae3e3b1d, ``math/funding.rs::_calculate_funding_payment``: the magnitude
    ``|delta|·|base| / 1e6 / 1e3 / 1e3`` is divided toward zero, then signed. Dividing thrice toward zero is dividing
    once by the product. The truncation happens once per settlement, so it depends on how often one settles.
    """
    delta_e9 = index_to_e9 - index_from_e9
    magnitude = abs(delta_e9) * abs(base_atoms) // _TO_QUOTE
    return -magnitude if (base_atoms > 0) == (delta_e9 > 0) else magnitude
