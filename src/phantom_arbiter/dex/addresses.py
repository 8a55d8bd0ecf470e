"""Solana addresses: base58 text and 32 bytes, and whether one is a program's derived address.

Source: the address derivation of Solana's SDK (``Pubkey::create_program_address``): the SHA-256 of the seeds, a bump,
the program and a marker. The program's own choice is the highest bump whose hash is no point of the curve. A check of
an address that somebody gives needs no curve: another bump's hash that equals it would be a broken SHA-256.
"""

from __future__ import annotations

import hashlib
from itertools import product
from typing import Final

SYSTEM_PROGRAM: Final = "1" * 32
ADDRESS_BYTES: Final = 32

_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUES: Final = {letter: value for value, letter in enumerate(_ALPHABET)}
_PAIRS: Final = tuple("".join(pair) for pair in product(_ALPHABET, repeat=2))
_MARKER: Final = b"ProgramDerivedAddress"
_BUMPS: Final = range(255, 255 - 32, -1)
"""Each bump fails with probability one half; a 33rd is never reached."""


def base58(raw: bytes) -> str:
    """Bytes as Solana writes addresses: a "1" for each leading zero byte."""
    number, pairs = int.from_bytes(raw, "big"), []
    while number:
        number, pair = divmod(number, 58 * 58)
        pairs.append(_PAIRS[pair])
    text = "".join(reversed(pairs)).lstrip("1")
    return "1" * (len(raw) - len(raw.lstrip(b"\0"))) + text


def address_bytes(address: str) -> bytes:
    """The 32 bytes of an address in base58. Raises ValueError for anything else."""
    if not ADDRESS_BYTES <= len(address) <= 44 or not _VALUES.keys() >= set(address):
        raise ValueError(f"address: got {address!r}, expected 32 to 44 letters of base58")
    number = 0
    for letter in address:
        number = number * 58 + _VALUES[letter]
    size = (number.bit_length() + 7) // 8 + len(address) - len(address.lstrip("1"))
    if size != ADDRESS_BYTES:
        raise ValueError(f"address: got {address!r} of {size} bytes, expected {ADDRESS_BYTES}")
    return number.to_bytes(ADDRESS_BYTES, "big")


def is_derived(address: bytes, program: bytes, seeds: tuple[bytes, ...]) -> bool:
    """Whether ``address`` is the one that ``program`` derives from ``seeds``."""
    head, tail = b"".join(seeds), program + _MARKER
    return any(hashlib.sha256(head + bytes((bump,)) + tail).digest() == address for bump in _BUMPS)
