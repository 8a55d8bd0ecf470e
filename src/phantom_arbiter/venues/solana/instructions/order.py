"""What every swap instruction is made from, and the account flags and discriminators they share."""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from msgspec import Struct
from solders.instruction import AccountMeta
from solders.pubkey import Pubkey

TOKEN_PROGRAM: Final = Pubkey.from_string("TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA")
TOKEN_2022_PROGRAM: Final = Pubkey.from_string("TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb")
MEMO_PROGRAM: Final = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
EVENT_SEED: Final = b"__event_authority"
"""Anchor's seed of the address that signs a program's events."""


class SwapOrder(Struct, frozen=True, gc=False):
    """An exact input into one pool: ``amount_in_atoms`` leave ``source``, at least ``min_out_atoms`` reach
    ``destination``, token accounts of ``payer``.

    ``end`` is the tick or bin where the quote ends. Raydium CLMM and Meteora DLMM want the arrays of ticks and bins on
    the way: all up to that one are handed over, and one beyond for a price that moved meanwhile. None: the quote ends
    in the array it begins in.
    """

    payer: Pubkey
    source: Pubkey
    destination: Pubkey
    amount_in_atoms: int
    min_out_atoms: int
    zero_for_one: bool
    end: int | None = None

    def amounts(self) -> bytes:
        """Input and least output as two u64, as every one of the programs reads them."""
        return self.amount_in_atoms.to_bytes(8, "little") + self.min_out_atoms.to_bytes(8, "little")


def discriminator(name: str) -> bytes:
    """The eight bytes that name an instruction of an Anchor program."""
    return sha256(f"global:{name}".encode()).digest()[:8]


def event_authority(program: Pubkey) -> Pubkey:
    """The address under which an Anchor program logs events by calling itself."""
    return Pubkey.find_program_address([EVENT_SEED], program)[0]


def read(address: Pubkey) -> AccountMeta:
    """An account that is only read."""
    return AccountMeta(address, is_signer=False, is_writable=False)


def write(address: Pubkey) -> AccountMeta:
    """An account that is written."""
    return AccountMeta(address, is_signer=False, is_writable=True)


def sign(address: Pubkey) -> AccountMeta:
    """A signer that the instruction only reads."""
    return AccountMeta(address, is_signer=True, is_writable=False)


def arrays_on_the_way(bitmap: int, first: int, last: int, downwards: bool) -> list[int]:
    """Bits set in ``bitmap`` from ``first`` to ``last`` in the swap's direction, and one beyond where there is one."""
    width = bitmap.bit_length()
    bits = range(min(first, width - 1), -1, -1) if downwards else range(max(first, 0), width)
    found: list[int] = []
    for bit in bits:
        if bitmap >> bit & 1:
            found.append(bit)
            if (bit < last) if downwards else (bit > last):
                break
    return found
