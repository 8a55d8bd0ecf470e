"""Addresses with names, so that an instruction's accounts can be read."""

from __future__ import annotations

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from phantom_arbiter.venues.solana.instructions.order import MEMO_PROGRAM, TOKEN_2022_PROGRAM, TOKEN_PROGRAM, SwapOrder

KNOWN: dict[Pubkey, str] = {TOKEN_PROGRAM: "token", TOKEN_2022_PROGRAM: "token2022", MEMO_PROGRAM: "memo"}


def named(name: str) -> Pubkey:
    """The address of that name."""
    address = Pubkey.from_bytes(name.encode().ljust(32, b"\1"))
    KNOWN[address] = name
    return address


def accounts(instruction: Instruction, **more: Pubkey) -> str:
    """The accounts in order: ``!`` signs, ``*`` is written."""
    names = KNOWN | {address: name for name, address in more.items()}
    return " ".join(
        names.get(one.pubkey, str(one.pubkey)) + "!" * one.is_signer + "*" * one.is_writable
        for one in instruction.accounts
    )


def order(zero_for_one: bool, end: int | None = None) -> SwapOrder:
    """5 atoms in, at least 7 out."""
    return SwapOrder(named("payer"), named("source"), named("destination"), 5, 7, zero_for_one, end)


AMOUNTS = bytes((5, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0))
