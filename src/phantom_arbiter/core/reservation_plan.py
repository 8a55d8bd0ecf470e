"""What an intent must have set aside before its first leg is sent: one plan for the capital gate and the ledger."""

from __future__ import annotations

from typing import Final, NamedTuple

from phantom_arbiter.core.cycles import base_asset, capital_atoms, is_cycle
from phantom_arbiter.core.intents import CollateralTransfer, Intent, Policy, Purpose, Swap
from phantom_arbiter.core.reservation import Source

BASE_FEE_LAMPORTS: Final = 5_000
"""Per signature; Solana's fixed base fee."""
TOKEN_ACCOUNT_RENT_LAMPORTS: Final = 2_039_280
"""A token account's rent: (165 + 128) bytes at 6,960 lamports a byte."""


class Need(NamedTuple):
    """One reservation an intent needs: the leg it serves (-1: the transactions' own fees)."""

    leg: int
    asset: str
    atoms: int
    source: Source


def takes_position(intent: Intent, leg: Swap) -> bool:
    """Whether a swap's input comes out of a position rather than free capital."""
    return leg.from_position or intent.purpose is Purpose.EXIT


def chain_fee_lamports(intent: Intent) -> int:
    """The most an intent's transactions can cost in fees, tips and rent."""
    transactions = 1 if intent.policy is Policy.ATOMIC else len(intent.legs)
    bought = [leg.out_asset for leg in intent.legs if isinstance(leg, Swap) and not takes_position(intent, leg)]
    new_accounts = len(set(bought))
    each = BASE_FEE_LAMPORTS + intent.priority_lamports + intent.tip_lamports
    return transactions * each + new_accounts * TOKEN_ACCOUNT_RENT_LAMPORTS


def reservation_plan(intent: Intent) -> list[Need]:
    """Everything to set aside before the first leg is sent. Withdrawals are reserved when they are sent."""
    needs: list[Need] = []
    if is_cycle(intent):
        needs.append(Need(0, base_asset(intent), capital_atoms(intent), Source.AVAILABLE))
    for index, leg in enumerate(intent.legs if not needs else ()):
        if isinstance(leg, Swap):
            source = Source.DEPLOYED if takes_position(intent, leg) else Source.AVAILABLE
            needs.append(Need(index, leg.in_asset, leg.in_atoms, source))
        elif isinstance(leg, CollateralTransfer) and leg.atoms > 0:
            needs.append(Need(index, leg.asset, leg.atoms, Source.AVAILABLE))
    needs.append(Need(-1, "SOL", chain_fee_lamports(intent), Source.AVAILABLE))
    return needs


def reservation_id(order_id: str, leg: int) -> str:
    """The reservation of a leg, or of the chain fees for -1."""
    return f"{order_id}:{'fees' if leg < 0 else leg}"
