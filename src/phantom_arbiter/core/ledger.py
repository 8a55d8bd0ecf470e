"""The double-entry book: integer balances per account and asset, changed only by balanced transactions.

Signs: a posting of +atoms adds to its account. An account the house holds (treasury, engines, rent) is
positive by what it holds. `fees` grow positive as they are paid; `income`, `market` and `external` are the
other side, so income earned and deposits made stand there as negative numbers (the beancount convention).
Atoms of different assets are never added: every check and every read is per asset.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, Final, NamedTuple, Self, TypeAlias

import msgspec

from phantom_arbiter.core.commands import ENGINE_IDS
from phantom_arbiter.core.events import FeeKind

INCOMES: Final = ("trading", "funding", "staking")

MAX_ATOMS: Final = 2**63 - 1
MAX_ASSET_LENGTH: Final = 44  # a base58 mint address; symbols are shorter
RECENT_TRANSACTIONS: Final = 1_000

REMEMBERED_IDS: Final = 8_192
"""How many applied transaction ids the book remembers to recognise a duplicate.

A duplicate is a retried command or a repeated report. A reservation uses two ids, so the memory covers the
last 4,096 of them. The gates let each of four engines place 60 orders a minute, so even at that limit it
reaches back 17 minutes, while a Solana transaction can land for 150 slots, about one minute, after its
blockhash. An order whose outcome is open for longer is a live reservation, and those are never forgotten.
"""


class Account(NamedTuple):
    """One line of the chart of accounts: an owner and one of its buckets."""

    owner: str
    bucket: str


TREASURY: Final = Account("treasury", "cash")
RENT: Final = Account("rent", "receivable")
MARKET: Final = Account("market", "conversion")
EXTERNAL: Final = Account("external", "flows")

AVAILABLE: Final[dict[str, Account]] = {engine: Account(engine, "available") for engine in ENGINE_IDS}
RESERVED: Final[dict[str, Account]] = {engine: Account(engine, "reserved") for engine in ENGINE_IDS}
DEPLOYED: Final[dict[str, Account]] = {engine: Account(engine, "deployed") for engine in ENGINE_IDS}
FEE: Final[dict[str, Account]] = {
    kind.value: RENT if kind is FeeKind.RENT else Account("fees", kind.value) for kind in FeeKind
}
"""Where each kind of fee goes. Rent is a deposit that comes back, so it stays an asset of the house."""
INCOME: Final[dict[str, Account]] = {name: Account("income", name) for name in INCOMES}

HELD_ACCOUNTS: Final = frozenset(
    {TREASURY, RENT, *AVAILABLE.values(), *RESERVED.values(), *DEPLOYED.values()},
)
"""What the house holds. These balances are never negative; their sum is wallet plus venue balances."""

CHART: Final = HELD_ACCOUNTS | {MARKET, EXTERNAL, *FEE.values(), *INCOME.values()}
"""Every account there is. A posting to any other is an error."""


class Posting(NamedTuple):
    """A change of one account by signed atoms of one asset."""

    account: Account
    asset: str
    atoms: int


class Balance(NamedTuple):
    """A non-zero balance as a flat row, for the dashboard and the snapshot."""

    owner: str
    bucket: str
    asset: str
    atoms: int


class UnbalancedError(ValueError):
    """The postings of one asset do not sum to zero; `residue_atoms` is what they sum to."""

    def __init__(self, transaction_id: str, asset: str, residue_atoms: int) -> None:
        super().__init__(f"transaction {transaction_id!r}: {asset} sums to {residue_atoms:+d} atoms, expected 0")
        self.asset = asset
        self.residue_atoms = residue_atoms


class ConflictingIdError(ValueError):
    """An id was used again for something else."""

    def __init__(self, conflicting_id: str, why: str = "was already used with a different content") -> None:
        super().__init__(f"id {conflicting_id!r} {why}")
        self.conflicting_id = conflicting_id


class Shortfall(msgspec.Struct, frozen=True, tag=True):
    """Refused, nothing changed: `account` holds `free_atoms`, `wanted_atoms` were to be drawn from it."""

    account: Account
    asset: str
    wanted_atoms: int
    free_atoms: int

    @property
    def engine(self) -> str:
        """The owner of the account that fell short: an engine id, "treasury" or "rent"."""
        return self.account.owner


class Duplicate(msgspec.Struct, frozen=True, tag=True):
    """This id was applied before with the same content. Nothing changed; there is nothing to journal."""

    id: str


class Transaction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Postings that are applied together or not at all, and sum to zero for each asset.

    Raises UnbalancedError, or ValueError for an unknown account, a bad asset name, or atoms that are not a
    plain int within ±MAX_ATOMS (a float or a fixed-width integer would lose atoms silently).
    """

    id: str
    ts_ns: int
    kind: str
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        residues: dict[str, int] = {}
        for index, (account, asset, atoms) in enumerate(self.postings):
            if account not in CHART:
                raise ValueError(f"postings[{index}].account: {account!r} is not in the chart of accounts")
            if not 0 < len(asset) <= MAX_ASSET_LENGTH:
                raise ValueError(f"postings[{index}].asset: {asset!r}, expected 1 to {MAX_ASSET_LENGTH} characters")
            if type(atoms) is not int or abs(atoms) > MAX_ATOMS:
                raise ValueError(f"postings[{index}].atoms: {atoms!r}, expected an int within ±{MAX_ATOMS}")
            residues[asset] = residues.get(asset, 0) + atoms
        for asset, residue_atoms in residues.items():
            if residue_atoms:
                raise UnbalancedError(self.id, asset, residue_atoms)


Outcome: TypeAlias = Transaction | Duplicate | Shortfall


class LedgerState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A book at rest: sorted balances, the number of transactions ever applied, remembered ids oldest first."""

    balances: tuple[Balance, ...]
    applied_count: int
    remembered: tuple[tuple[str, int], ...]


def move(from_account: Account, to_account: Account, asset: str, atoms: int) -> tuple[Posting, Posting]:
    """The two postings that carry atoms of one asset from one account to another."""
    return Posting(from_account, asset, -atoms), Posting(to_account, asset, atoms)


def fingerprint(*content: Any) -> int:
    """64 bits of BLAKE2b over the msgpack form: the same content gives the same number in every process."""
    return int.from_bytes(blake2b(msgspec.msgpack.encode(content), digest_size=8).digest(), "big")


class Ledger:
    """All balances, the memory of applied ids, and the tail of recent transactions."""

    def __init__(self) -> None:
        self._balances: dict[Account, dict[str, int]] = {account: {} for account in sorted(CHART)}
        self._applied_count = 0
        self._remembered: dict[str, int] = {}
        self._recent: deque[Transaction] = deque(maxlen=RECENT_TRANSACTIONS)

    def apply(self, transaction: Transaction, terms: int | None = None) -> Outcome:
        """Apply all postings, or none.

        `terms` is the fingerprint of what was asked for, where the same request could lead to different
        postings later; without it the transaction's own content decides what counts as a duplicate. The
        time stamp never does: a retry comes later. Returns the transaction, Duplicate, or the Shortfall of
        the first held account that would go below zero. Raises ConflictingIdError, and OverflowError for a
        balance beyond ±MAX_ATOMS.
        """
        if terms is None:
            terms = fingerprint(transaction.kind, transaction.postings)
        if self.recall(transaction.id, terms):
            return Duplicate(transaction.id)
        after: dict[tuple[Account, str], int] = {}
        for account, asset, atoms in transaction.postings:
            before_atoms = after.get((account, asset), self.balance(account, asset))
            after[account, asset] = before_atoms + atoms
        for (account, asset), atoms in after.items():
            if atoms < 0 and account in HELD_ACCOUNTS:
                free_atoms = self.balance(account, asset)
                return Shortfall(account, asset, wanted_atoms=free_atoms - atoms, free_atoms=free_atoms)
            if abs(atoms) > MAX_ATOMS:
                raise OverflowError(f"{account}, {asset}: balance {atoms} is beyond ±{MAX_ATOMS}")
        self._commit(transaction, terms, after)
        return transaction

    def _commit(self, transaction: Transaction, terms: int, after: dict[tuple[Account, str], int]) -> None:
        for (account, asset), atoms in after.items():
            if atoms:
                self._balances[account][asset] = atoms
            else:
                self._balances[account].pop(asset, None)
        self._applied_count += 1
        self._remembered[transaction.id] = terms
        while len(self._remembered) > REMEMBERED_IDS:
            del self._remembered[next(iter(self._remembered))]
        self._recent.append(transaction)

    def recall(self, transaction_id: str, terms: int) -> bool:
        """Whether this id was applied with these terms. Raises ConflictingIdError if with other terms."""
        known = self._remembered.get(transaction_id)
        if known is not None and known != terms:
            raise ConflictingIdError(transaction_id)
        return known is not None

    def knows(self, transaction_id: str) -> bool:
        """Whether this id is remembered, whatever its content."""
        return transaction_id in self._remembered

    def balance(self, account: Account, asset: str) -> int:
        """Atoms of one asset on one account. KeyError for an account that is not in the chart."""
        return self._balances[account].get(asset, 0)

    def assets(self, account: Account) -> dict[str, int]:
        """A copy of one account's non-zero balances by asset."""
        return dict(self._balances[account])

    def balances(self) -> tuple[Balance, ...]:
        """All non-zero balances, sorted by owner, bucket and asset."""
        return tuple(
            Balance(*account, asset, atoms)
            for account, holdings in self._balances.items()
            for asset, atoms in sorted(holdings.items())
        )

    def recent(self) -> tuple[Transaction, ...]:
        """The last RECENT_TRANSACTIONS applied since start-up, newest last: for display, not part of the state."""
        return tuple(self._recent)

    def state(self) -> LedgerState:
        """The book as plain data, the same for the same history."""
        return LedgerState(self.balances(), self._applied_count, tuple(self._remembered.items()))

    @classmethod
    def from_state(cls, state: LedgerState) -> Self:
        """The inverse of `state`. Raises ValueError if the balances are not those of a book that balances."""
        opening = Transaction(
            id="",
            ts_ns=0,
            kind="restore",
            postings=tuple(Posting(Account(row.owner, row.bucket), row.asset, row.atoms) for row in state.balances),
        )
        ledger = cls()
        outcome = ledger.apply(opening)
        if outcome is not opening:
            raise ValueError(f"ledger state: a held balance is negative: {outcome}")
        ledger._applied_count = state.applied_count
        ledger._remembered = dict(state.remembered)
        ledger._recent.clear()
        return ledger

    def digest_items(self) -> Iterator[str | int]:
        """Integers and strings that tell two books apart: the history's length, then every balance.

        The remembered ids are left out: they follow from the history, whose length and result are in.
        """
        yield self._applied_count
        for row in self.balances():
            yield from row
