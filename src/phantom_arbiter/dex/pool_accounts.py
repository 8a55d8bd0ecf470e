"""The accounts of one pool and what they decoded to: an assembler takes them by name, each is decoded once a change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import is_
from typing import TypeVar

from msgspec import Struct

from phantom_arbiter.core.events import AccountRead
from phantom_arbiter.core.fact_checks import MAX_POOL_ACCOUNTS
from phantom_arbiter.dex.addresses import SYSTEM_PROGRAM, address_bytes, base58, is_derived
from phantom_arbiter.dex.pool import AccountError

Value = TypeVar("Value")


class _Part(Struct, frozen=True):
    """What an account decoded to, and all that it was decoded from."""

    account: AccountRead
    context: object
    value: object


def exists(account: AccountRead) -> bool:
    """Whether the account is on chain: one that is not is told as empty, without lamports, of the system program."""
    return bool(account.data or account.lamports or account.owner != SYSTEM_PROGRAM)


class PoolAccounts:
    """All accounts of a pool as told last, by address. Raises AccountError for a name that is no address.

    ``pool`` is the main account's address; a pair inside of a larger pool appends ``:`` and its mints. An assembler
    calls `take`, `derived` and `rest` for accounts and `part` for what they say; `left` is what it did not ask for.
    """

    def __init__(self, pool: str) -> None:
        self.pool = pool
        self.main_address, *self.mints = pool.split(":")
        self.key = self.raw("pool", self.main_address)
        self.left: dict[str, AccountRead] = {}
        self._accounts: dict[str, AccountRead] = {}
        self._parts: dict[str, _Part] = {}
        self._joined: tuple[Sequence[object], object] | None = None
        self._derived: dict[tuple[bytes, tuple[bytes, ...]], str] = {}

    def told(self, accounts: Iterable[AccountRead]) -> None:
        """Take in accounts, new or changed, for the next assembly.

        Raises AccountError for too many of them, and forgets them all: the pool has to be told anew.
        """
        self._accounts.update((account.address, account) for account in accounts)
        count = len(self._accounts)
        if count > MAX_POOL_ACCOUNTS:
            self._accounts.clear()
            self._parts.clear()
            raise self.misfit("accounts", count, f"at most {MAX_POOL_ACCOUNTS}")
        self.left = dict(self._accounts)

    def misfit(self, field: str, value: object, expected: str) -> AccountError:
        """The error to raise where the accounts do not fit each other."""
        return AccountError("its accounts", field, value, expected)

    def raw(self, field: str, address: str) -> bytes:
        """An address as 32 bytes."""
        try:
            return address_bytes(address)
        except ValueError as error:
            raise self.misfit(field, address, "an address in base58") from error

    def take(self, field: str, address: str) -> AccountRead:
        """The account at an address that another account names as ``field``."""
        account = self.left.pop(address, None)
        if account is None:
            raise self.misfit(field, None, f"account {address}")
        return account

    def main(self) -> AccountRead:
        """The pool's main account."""
        return self.take("main account", self.main_address)

    def derived(self, field: str, program: bytes, *seeds: bytes) -> AccountRead:
        """The account whose address the program derives from these seeds."""
        known = self._derived.get((program, seeds))
        if known in self.left:
            return self.left.pop(known)
        for address in self.left:
            if is_derived(self.raw("address", address), program, seeds):
                self._derived[program, seeds] = address
                return self.left.pop(address)
        raise self.misfit(field, None, f"the address that {base58(program)} derives for it")

    def rest(self) -> list[AccountRead]:
        """All accounts that were not taken yet, in the order in which they were first told."""
        accounts = list(self.left.values())
        self.left.clear()
        return accounts

    def part(self, account: AccountRead, decode: Callable[[AccountRead], Value], context: object = None) -> Value:
        """``decode(account)``, or what it gave before for these bytes; ``context``: what else the answer depends on
        (an assembler must not ask for one account with two decoders and the same context).

        An AccountError gets the account's address.
        """
        known = self._parts.get(account.address)
        if known is None or known.context != context or known.account != account:
            try:
                known = _Part(account, context, decode(account))
            except AccountError as error:
                raise error.inside(account.address) from error
            self._parts[account.address] = known
        return known.value  # type: ignore[return-value]

    def joined(self, parts: Sequence[object], join: Callable[[], Value]) -> Value:
        """``join()``, or what it gave before for the same parts: it depends on nothing else."""
        if self._joined is None or len(self._joined[0]) != len(parts) or not all(map(is_, self._joined[0], parts)):
            self._joined = parts, join()
        return self._joined[1]  # type: ignore[return-value]
