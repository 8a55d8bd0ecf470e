"""What all decoders of account bytes share: the checks of a whole account, and two readers of its fields."""

from __future__ import annotations

from collections.abc import Collection

from phantom_arbiter.dex.addresses import base58
from phantom_arbiter.dex.pool import AccountError


def check_account(
    account: str,
    data: bytes,
    owner: str,
    *,
    owners: Collection[str],
    lengths: Collection[int],
    discriminators: Collection[bytes] = (b"",),
) -> None:
    """Raises AccountError, which names the ``account``, unless owner, length and first bytes are among these."""
    if owner not in owners:
        raise AccountError(account, "owner", owner, " or ".join(sorted(owners)))
    if len(data) not in lengths:
        raise AccountError(account, "length", len(data), " or ".join(map(str, sorted(lengths))) + " bytes")
    if not data.startswith(tuple(discriminators)):
        expected = " or ".join(sorted(known.hex() for known in discriminators))
        raise AccountError(account, "discriminator", data[:8].hex(), expected)


def within(account: str, field: str, value: int, low: int, high: int) -> int:
    """The value of a field; raises AccountError unless it is ``low`` to ``high``."""
    if not low <= value <= high:
        raise AccountError(account, field, value, f"{low} to {high}")
    return value


class AccountBytes:
    """The bytes of one account, read little-endian; ``account`` is its kind and address, for the errors.

    Raises AccountError for another owner, length or discriminator (the first eight bytes, where the program has them).
    """

    def __init__(
        self, account: str, data: bytes, owner: str, *, program: str, length: int, discriminator: bytes = b""
    ) -> None:
        check_account(account, data, owner, owners=(program,), lengths=(length,), discriminators=(discriminator,))
        self._account, self._data = account, data

    def expect(self, field: str, value: object, holds: bool, expected: str) -> None:
        """Raise AccountError for ``field`` unless it ``holds``."""
        if not holds:
            raise AccountError(self._account, field, value, expected)

    def uint(self, offset: int, size: int) -> int:
        """An unsigned integer of ``size`` bytes."""
        return int.from_bytes(self._data[offset : offset + size], "little")

    def sint(self, offset: int, size: int) -> int:
        """A signed integer of ``size`` bytes."""
        return int.from_bytes(self._data[offset : offset + size], "little", signed=True)

    def address(self, offset: int) -> str:
        """A public key in base58."""
        return base58(self._data[offset : offset + 32])


class AccountReader:
    """Reads an account's bytes in order; `AccountError` names the field where they end or do not fit."""

    def __init__(self, account: str, data: bytes, owner: str, owners: frozenset[str], lengths: frozenset[int]) -> None:
        check_account(account, data, owner, owners=owners, lengths=lengths)
        self.account, self.offset, self._data = account, 0, data

    def misfit(self, field: str, value: object, expected: str) -> AccountError:
        """The error to raise for a field."""
        return AccountError(self.account, field, value, expected)

    def raw(self, field: str, size: int) -> bytes:
        """The next ``size`` bytes."""
        piece = self._data[self.offset : self.offset + size]
        if len(piece) < size:
            raise self.misfit(field, f"{len(piece)} bytes", f"{size} bytes at offset {self.offset}")
        self.offset += size
        return piece

    def unsigned(self, field: str, size: int = 8) -> int:
        """The next little-endian integer, not negative."""
        return int.from_bytes(self.raw(field, size), "little")

    def signed(self, field: str, size: int) -> int:
        """The next little-endian integer in two's complement."""
        return int.from_bytes(self.raw(field, size), "little", signed=True)

    def flag(self, field: str) -> bool:
        """The next byte, 0 or 1."""
        value = self.unsigned(field, 1)
        if value > 1:
            raise self.misfit(field, value, "0 or 1")
        return value == 1

    def expect(self, field: str, size: int, value: int) -> None:
        """The next integer must be ``value``."""
        read = self.unsigned(field, size)
        if read != value:
            raise self.misfit(field, read, str(value))

    def address(self, field: str) -> str:
        """The next 32 bytes in base58."""
        return base58(self.raw(field, 32))

    def optional_address(self, field: str) -> str | None:
        """Borsh's ``Option<Pubkey>``."""
        return self.address(field) if self.flag(field) else None
