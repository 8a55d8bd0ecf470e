"""Instructions of the SPL Token and Associated Token programs that go around swaps; ``hold_at_least`` is the guard."""

from __future__ import annotations

from typing import Final

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.system_program import TransferParams, transfer
from solders.token.associated import get_associated_token_address

from phantom_arbiter.venues.solana.instructions.order import TOKEN_PROGRAM, read, sign, write

ASSOCIATED_PROGRAM: Final = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
WRAPPED_SOL: Final = Pubkey.from_string("So11111111111111111111111111111111111111112")

_CREATE_IDEMPOTENT: Final = b"\x01"
_TRANSFER: Final = b"\x03"
_CLOSE_ACCOUNT: Final = b"\x09"
_SYNC_NATIVE: Final = b"\x11"


def create_token_account(payer: Pubkey, mint: Pubkey) -> Instruction:
    """The payer's associated token account, made unless it is there already; its rent comes from ``payer``."""
    accounts = [
        AccountMeta(payer, is_signer=True, is_writable=True),
        write(get_associated_token_address(payer, mint)),
        read(payer),
        read(mint),
        read(SYSTEM_PROGRAM),
        read(TOKEN_PROGRAM),
    ]
    return Instruction(ASSOCIATED_PROGRAM, _CREATE_IDEMPOTENT, accounts)


def wrap(payer: Pubkey, lamports: int) -> tuple[Instruction, ...]:
    """``lamports`` of SOL into the payer's wrapped SOL account, which is made unless it is there."""
    account = get_associated_token_address(payer, WRAPPED_SOL)
    return (
        create_token_account(payer, WRAPPED_SOL),
        transfer(TransferParams(from_pubkey=payer, to_pubkey=account, lamports=lamports)),
        Instruction(TOKEN_PROGRAM, _SYNC_NATIVE, [write(account)]),
    )


def unwrap(payer: Pubkey) -> Instruction:
    """All of the payer's wrapped SOL, and the account's rent, back into SOL; the account is gone."""
    account = get_associated_token_address(payer, WRAPPED_SOL)
    return Instruction(TOKEN_PROGRAM, _CLOSE_ACCOUNT, [write(account), write(payer), sign(payer)])


def hold_at_least(owner: Pubkey, account: Pubkey, atoms: int) -> Instruction:
    """Fails, and with it the whole transaction, unless the token account holds ``atoms`` at this place.

    A transfer of ``atoms`` from the account to itself: the token program moves nothing, but checks the balance first.
    It needs no program of our own and knows nothing of how the atoms came in.
    """
    data = _TRANSFER + atoms.to_bytes(8, "little")
    return Instruction(TOKEN_PROGRAM, data, [write(account), write(account), sign(owner)])
