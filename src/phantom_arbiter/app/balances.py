"""A paper run's starting balances shared out over the engines."""

from __future__ import annotations

import re
from decimal import ROUND_DOWN, Decimal
from typing import Final

from phantom_arbiter.config import AMOUNT

_SHARE: Final = Decimal("0.000001")
"""Six decimals, as many as USDC has."""


def share_out(capital: dict[str, dict[str, str]], balances: dict[str, str]) -> dict[str, dict[str, str]]:
    """``balances`` over the engines that hold each asset now, in the proportion of ``capital``; the last gets what
    rounding leaves. Raises ValueError naming the asset, the value and what was expected."""
    shared: dict[str, dict[str, str]] = {engine: {} for engine in capital}
    known = sorted({asset for amounts in capital.values() for asset, amount in amounts.items() if Decimal(amount)})
    for asset, amount in balances.items():
        if asset not in known:
            raise ValueError(f"balances.{asset}: no engine trades it; known: {', '.join(known)}")
        if not re.fullmatch(AMOUNT, amount):
            raise ValueError(f"balances.{asset}: got {amount!r}, expected a decimal number such as 60 or 0.5")
        _share(asset, Decimal(amount), capital, shared)
    if not any(Decimal(amount) for amount in balances.values()):
        raise ValueError("balances: got nothing, expected an amount of at least one asset")
    return shared


def _share(asset: str, total: Decimal, capital: dict[str, dict[str, str]], shared: dict[str, dict[str, str]]) -> None:
    holders = {engine: Decimal(amounts.get(asset, "0")) for engine, amounts in capital.items()}
    holders = {engine: held for engine, held in holders.items() if held}
    whole, left = sum(holders.values()), total
    *others, last = holders
    for engine in others:
        share = (total * holders[engine] / whole).quantize(_SHARE, ROUND_DOWN)
        shared[engine][asset], left = f"{share:f}", left - share
    shared[last][asset] = f"{left:f}"
