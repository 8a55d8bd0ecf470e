"""One v0 transaction of swaps with fixed amounts: it pays at least the profit, or all of it reverts.

Its instructions, in order: compute limit and price, what must be there first (``before``), the swaps, the tip, the
guard, and what comes last (``after``). The guard is `hold_at_least` on the account of the base asset: the token program
refuses a transfer from an account to itself of more than it holds, and a refused instruction reverts the transaction
and leaves only the base fee and the priority fee to pay. The tip goes with the rest: Jito counts it only if it lands.

The guard needs the balance before: what reaches the account from elsewhere in the meantime weakens it by that much, and
what leaves it makes it revert. So no two transactions of one base account at a time, unless each has an account of its
own. A guard by the last swap's least output alone would do for one path, but not for parallel pools in the last hop.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import Instruction
from solders.message import CompileError, MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer

from phantom_arbiter.core.units import LAMPORTS_PER_SOL, MAX_U64
from phantom_arbiter.dex.compute_units import TRANSACTION_UNITS
from phantom_arbiter.venues.solana.instructions.tokens import hold_at_least
from phantom_arbiter.venues.solana.swaps import EncodedSwap

MAX_TRANSACTION_BYTES: Final = 1_232
MAX_ACCOUNT_LOCKS: Final = 64
MAX_COMPUTE_UNITS: Final = 1_400_000
_SIGNATURE_BYTES: Final = 65
"""The count of signatures, and the payer's."""
_MICRO: Final = 1_000_000


class Guard(Struct, frozen=True, gc=False):
    """The payer's token account of the base asset, and the atoms it must hold after the swaps."""

    account: Pubkey
    at_least_atoms: int


class Tip(Struct, frozen=True, gc=False):
    """A transfer of SOL to one of the block engine's tip accounts."""

    account: Pubkey
    lamports: int


class TransactionPlan(Struct, frozen=True):
    """What the transaction does; ``payer`` owns the token accounts and signs alone.

    ``priority_lamports`` is the most to pay for the compute units asked for. ``before`` and ``after`` go around the
    swaps, and ``other_units`` is what those two take.
    """

    payer: Pubkey
    blockhash: Hash
    swaps: tuple[EncodedSwap, ...]
    guard: Guard
    tip: Tip | None = None
    priority_lamports: int = 0
    before: tuple[Instruction, ...] = ()
    after: tuple[Instruction, ...] = ()
    other_units: int = 0
    lookup_tables: tuple[AddressLookupTableAccount, ...] = ()


class Built(Struct, frozen=True):
    """The message to sign, and what it takes: bytes signed and all, accounts locked, the compute limit it asks for."""

    message: MessageV0
    size_bytes: int
    account_locks: int
    compute_units: int


class Unbuilt(Struct, frozen=True, gc=False):
    """Why there is no transaction; numbers where a limit was passed."""

    reason: str


def build(plan: TransactionPlan) -> Built | Unbuilt:
    """The message of the plan, or the limit of the network that it does not fit."""
    obstacle = _obstacle(plan)
    if obstacle is not None:
        return Unbuilt(obstacle)
    units = compute_units(plan)
    if units > MAX_COMPUTE_UNITS:
        return Unbuilt(f"the swaps need {units} compute units, a transaction has {MAX_COMPUTE_UNITS}")
    try:
        message = MessageV0.try_compile(plan.payer, _instructions(plan, units), plan.lookup_tables, plan.blockhash)
    except CompileError as error:
        return Unbuilt(f"the accounts do not fit into a message: {error}")
    built = Built(message, _SIGNATURE_BYTES + len(to_bytes_versioned(message)), account_locks(message), units)
    return _within_limits(built)


def compute_units(plan: TransactionPlan) -> int:
    """The compute limit to ask for: what each part takes at most."""
    swaps = sum(swap.compute_units for swap in plan.swaps)
    return swaps + plan.other_units + TRANSACTION_UNITS


def account_locks(message: MessageV0) -> int:
    """How many accounts the transaction locks, those of lookup tables included."""
    looked_up = [len(table.writable_indexes) + len(table.readonly_indexes) for table in message.address_table_lookups]
    return len(message.account_keys) + sum(looked_up)


def _obstacle(plan: TransactionPlan) -> str | None:
    if not plan.swaps:
        return "there is no swap"
    if not 0 < plan.guard.at_least_atoms <= MAX_U64:
        return f"the guard asks for {plan.guard.at_least_atoms} atoms, expected 1 to 2^64 - 1 (0 lets all pass)"
    if not 0 <= plan.priority_lamports <= LAMPORTS_PER_SOL:
        return f"the priority fee is {plan.priority_lamports} lamports, expected 0 to a whole SOL"
    tip = plan.tip
    if tip is not None:
        if not 0 < tip.lamports <= MAX_U64:
            return f"the tip is {tip.lamports} lamports, expected 1 to 2^64 - 1"
        for table in plan.lookup_tables:
            if tip.account in table.addresses:
                return f"lookup table {table.key} has tip account {tip.account}: a tip from a table does not count"
    return None


def _instructions(plan: TransactionPlan, units: int) -> list[Instruction]:
    price = plan.priority_lamports * _MICRO // units  # down: never more than the bid
    tips = [] if plan.tip is None else [_tip(plan.payer, plan.tip)]
    return [
        set_compute_unit_limit(units),
        set_compute_unit_price(price),
        *plan.before,
        *[swap.instruction for swap in plan.swaps],
        *tips,
        hold_at_least(plan.payer, plan.guard.account, plan.guard.at_least_atoms),
        *plan.after,
    ]


def _tip(payer: Pubkey, tip: Tip) -> Instruction:
    return transfer(TransferParams(from_pubkey=payer, to_pubkey=tip.account, lamports=tip.lamports))


def _within_limits(built: Built) -> Built | Unbuilt:
    if built.size_bytes > MAX_TRANSACTION_BYTES:
        return Unbuilt(f"the transaction has {built.size_bytes} bytes, {MAX_TRANSACTION_BYTES} are allowed")
    if built.account_locks > MAX_ACCOUNT_LOCKS:
        return Unbuilt(f"the transaction locks {built.account_locks} accounts, {MAX_ACCOUNT_LOCKS} are allowed")
    signatures = built.message.header.num_required_signatures
    if signatures != 1:
        return Unbuilt(f"the transaction wants {signatures} signatures, expected the payer's alone")
    return built
