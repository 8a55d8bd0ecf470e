"""The vault: every engine's capital, and the reservations that orders spend from.

A reservation is two-phase (TigerBeetle's pending transfers): `reserve` sets atoms aside, then exactly one of
`post` (spend at most that much), `void` or `expire` ends it. An order whose outcome is unknown is put on
`hold`, so its reservation cannot expire under it.

Every call that moves money returns the applied Transaction, for the journal. A refusal is a returned value and
changes nothing; an exception is a bug in the caller and changes nothing either. An id may be sent again: with
the same content it is answered Duplicate, with another it raises ConflictingIdError.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple, Self, TypeAlias

import msgspec

from phantom_arbiter.core.commands import ENGINE_IDS
from phantom_arbiter.core.ledger import (
    AVAILABLE,
    DEPLOYED,
    EXTERNAL,
    FEE,
    INCOME,
    MARKET,
    RENT,
    RESERVED,
    TREASURY,
    Account,
    Balance,
    ConflictingIdError,
    Duplicate,
    Ledger,
    LedgerState,
    Outcome,
    Posting,
    Shortfall,
    Transaction,
    fingerprint,
    move,
)
from phantom_arbiter.core.reservation import Reservation, Source, closing_id, opening_id

MAX_LIVE_RESERVATIONS: Final = 1_024

ENGINE_SCOPE: Final[dict[str, frozenset[Account]]] = {
    engine: frozenset({AVAILABLE[engine], DEPLOYED[engine], MARKET, RENT, *FEE.values(), *INCOME.values()})
    for engine in ENGINE_IDS
}
"""What an engine's own postings may touch: never another engine, the treasury, or a reserved bucket."""


class ReservationLimit(msgspec.Struct, frozen=True, tag=True):
    """Refused, nothing changed: as many reservations are open as the vault allows."""

    limit: int


class LiveReservations(msgspec.Struct, frozen=True, tag=True):
    """Refused, nothing changed: these reservations are still open."""

    ids: tuple[str, ...]


class Totals(NamedTuple):
    """What the house holds of one asset, in its atoms, by where it stands."""

    treasury_atoms: int
    available_atoms: int
    reserved_atoms: int
    deployed_atoms: int
    rent_atoms: int

    @property
    def held_atoms(self) -> int:
        """The sum: what wallet, token-account rent and venues must show together."""
        return sum(self)


class VaultState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The vault at rest, for the snapshot: the book, and the open reservations sorted by id."""

    ledger: LedgerState
    reservations: tuple[Reservation, ...]


class UnknownReservationError(LookupError):
    """No open reservation has this id, and none was resolved under it within the book's memory."""

    def __init__(self, reservation_id: str) -> None:
        super().__init__(f"reservation {reservation_id!r} is not open and not remembered as resolved")
        self.reservation_id = reservation_id


class ForeignAccountError(ValueError):
    """An engine's postings named an account outside its scope."""

    def __init__(self, engine: str, account: Account) -> None:
        super().__init__(f"engine {engine!r} may not post to {account.owner}:{account.bucket}")
        self.engine = engine
        self.account = account


Reserved: TypeAlias = Reservation | Duplicate | Shortfall | ReservationLimit


class VaultManager:
    """The ledger and the open reservations. Reads of one balance are O(1).

    Every `engine` argument must be one of ENGINE_IDS (ValueError otherwise); `atoms` are positive ints.
    """

    def __init__(self) -> None:
        self._ledger = Ledger()
        self._live: dict[str, Reservation] = {}
        self._no_expiry_before_ns: int | None = None  # a lower bound: lets `expire` answer most calls at once

    # Treasury: money in and out of the house, and to and from the engines

    def deposit(self, transaction_id: str, asset: str, atoms: int, *, ts_ns: int) -> Outcome:
        """External money into the treasury."""
        return self._transfer(transaction_id, "deposit", EXTERNAL, TREASURY, asset, atoms, ts_ns)

    def withdraw(self, transaction_id: str, asset: str, atoms: int, *, ts_ns: int) -> Outcome:
        """Treasury money out of the house."""
        return self._transfer(transaction_id, "withdraw", TREASURY, EXTERNAL, asset, atoms, ts_ns)

    def fund(self, transaction_id: str, engine: str, asset: str, atoms: int, *, ts_ns: int) -> Outcome:
        """Treasury to the engine's available bucket."""
        to_account = AVAILABLE[_known(engine)]
        return self._transfer(transaction_id, "fund", TREASURY, to_account, asset, atoms, ts_ns)

    def release(self, transaction_id: str, engine: str, asset: str, atoms: int, *, ts_ns: int) -> Outcome:
        """The engine's available bucket back to the treasury."""
        from_account = AVAILABLE[_known(engine)]
        return self._transfer(transaction_id, "release", from_account, TREASURY, asset, atoms, ts_ns)

    def reset(self, transaction_id: str, balances: Mapping[str, int], *, ts_ns: int) -> Outcome | LiveReservations:
        """Paper: close every account and start over with these treasury balances (atoms by asset, none negative).

        One balanced transaction, so the journal shows where the old numbers went.
        """
        for asset, atoms in balances.items():
            if type(atoms) is not int or atoms < 0:
                raise ValueError(f"balances[{asset!r}]: got {atoms!r}, expected a non-negative int of atoms")
        terms = fingerprint("reset", sorted(balances.items()))
        if self._ledger.recall(transaction_id, terms):
            return Duplicate(transaction_id)
        if self._live:
            return LiveReservations(tuple(sorted(self._live)))
        postings = [Posting(Account(row.owner, row.bucket), row.asset, -row.atoms) for row in self._ledger.balances()]
        for asset, atoms in sorted(balances.items()):
            postings += move(EXTERNAL, TREASURY, asset, atoms)
        return self._ledger.apply(Transaction(transaction_id, ts_ns, "reset", tuple(postings)), terms)

    def _transfer(
        self,
        transaction_id: str,
        kind: str,
        from_account: Account,
        to_account: Account,
        asset: str,
        atoms: int,
        ts_ns: int,
    ) -> Outcome:
        _require_positive(atoms)
        postings = move(from_account, to_account, asset, atoms)
        return self._ledger.apply(Transaction(transaction_id, ts_ns, kind, postings))

    # What happens to an engine outside of orders

    def record(
        self, transaction_id: str, kind: str, engine: str, postings: tuple[Posting, ...], *, ts_ns: int
    ) -> Outcome:
        """Book what no reservation covers: a funding payment, staking income, rent returned, a reconciliation.

        Raises ForeignAccountError for a posting outside the engine's scope, UnbalancedError.
        """
        _require_scope(engine, postings)
        return self._ledger.apply(Transaction(transaction_id, ts_ns, kind, postings))

    # Reservations

    def reserve(
        self,
        reservation_id: str,
        engine: str,
        asset: str,
        atoms: int,
        source: Source,
        expires_ns: int,
        *,
        ts_ns: int,
    ) -> Reserved:
        """Set atoms aside. The Reservation's `opening` is the transaction to journal.

        Duplicate means that this id was reserved before, open or not: it is no licence to send an order.
        """
        _require_positive(atoms)
        wanted = Reservation(reservation_id, _known(engine), asset, atoms, Source(source), ts_ns, expires_ns)
        terms = wanted.terms
        if self._was_reserved(reservation_id, terms):
            return Duplicate(opening_id(reservation_id))
        if len(self._live) >= MAX_LIVE_RESERVATIONS:
            return ReservationLimit(MAX_LIVE_RESERVATIONS)
        outcome = self._ledger.apply(wanted.opening, terms)
        if not isinstance(outcome, Transaction):
            return outcome
        self._live[reservation_id] = wanted
        if self._no_expiry_before_ns is None or expires_ns < self._no_expiry_before_ns:
            self._no_expiry_before_ns = expires_ns
        return wanted

    def _was_reserved(self, reservation_id: str, terms: int) -> bool:
        live = self._live.get(reservation_id)
        if live is None:
            if self._ledger.recall(opening_id(reservation_id), terms):
                return True
            if self._ledger.knows(closing_id(reservation_id)):
                raise ConflictingIdError(reservation_id, "was already reserved and resolved")
        elif live.terms != terms:
            raise ConflictingIdError(reservation_id)
        return live is not None

    def hold(self, reservation_id: str) -> Reservation:
        """The order's outcome is unknown: keep the reservation until it is posted or voided. Idempotent.

        Moves no money, so there is no transaction. Raises UnknownReservationError if it is not open.
        """
        reservation = self._live.get(reservation_id)
        if reservation is None:
            raise UnknownReservationError(reservation_id)
        held = msgspec.structs.replace(reservation, held=True)
        self._live[reservation_id] = held
        return held

    def post(self, reservation_id: str, spent_atoms: int, postings: tuple[Posting, ...], *, ts_ns: int) -> Outcome:
        """Spend `spent_atoms` of the reserved ones; the rest goes back to where it came from.

        `postings` are everything else: they take in the spent atoms (so they sum to +spent_atoms in the reserved
        asset, to zero in any other) and book proceeds and fees. All of it is one transaction. The Shortfall of
        the reserved bucket answers an attempt to draw more of the asset than was reserved, be it from the
        reservation or, past it, from the engine's own buckets. Raises ForeignAccountError, UnbalancedError,
        UnknownReservationError, ConflictingIdError (already resolved otherwise).
        """
        if type(spent_atoms) is not int or spent_atoms < 0:
            raise ValueError(f"spent_atoms: got {spent_atoms!r}, expected a non-negative int")
        return self._resolve(reservation_id, "post", spent_atoms, postings, ts_ns)

    def void(self, reservation_id: str, *, ts_ns: int) -> Outcome:
        """The order will not happen: all atoms go back. Also ends a held reservation."""
        return self._resolve(reservation_id, "void", 0, (), ts_ns)

    def expire(self, now_ns: int) -> dict[str, Transaction]:
        """Release what is due and not held: the expired ids, earliest first, each with its transaction."""
        if self._no_expiry_before_ns is None or now_ns < self._no_expiry_before_ns:
            return {}
        unheld = [reservation for reservation in self._live.values() if not reservation.held]
        due = sorted((r.expires_ns, r.id) for r in unheld if r.expires_ns <= now_ns)
        expired: dict[str, Transaction] = {}
        for _, reservation_id in due:
            outcome = self._resolve(reservation_id, "expire", 0, (), now_ns)
            if isinstance(outcome, Transaction):
                expired[reservation_id] = outcome
        self._no_expiry_before_ns = min((r.expires_ns for r in unheld if r.id not in expired), default=None)
        return expired

    def _resolve(
        self, reservation_id: str, kind: str, spent_atoms: int, postings: tuple[Posting, ...], ts_ns: int
    ) -> Outcome:
        reservation = self._live.get(reservation_id)
        if reservation is None:
            if self._ledger.recall(closing_id(reservation_id), fingerprint(kind, spent_atoms, postings)):
                return Duplicate(closing_id(reservation_id))
            raise UnknownReservationError(reservation_id)
        _require_scope(reservation.engine, postings)
        drawn_atoms = spent_atoms + reservation.drawn_past(postings)
        if drawn_atoms > reservation.atoms:
            return Shortfall(RESERVED[reservation.engine], reservation.asset, drawn_atoms, reservation.atoms)
        closing = reservation.closing(kind, spent_atoms, postings, ts_ns)
        outcome = self._ledger.apply(closing, fingerprint(kind, spent_atoms, postings))
        if isinstance(outcome, Transaction):
            del self._live[reservation_id]
        return outcome

    # Reads

    def available(self, engine: str, asset: str) -> int:
        """Atoms the engine is free to reserve."""
        return self._ledger.balance(AVAILABLE[_known(engine)], asset)

    def reserved(self, engine: str, asset: str) -> int:
        """Atoms set aside for the engine's open orders."""
        return self._ledger.balance(RESERVED[_known(engine)], asset)

    def deployed(self, engine: str, asset: str) -> int:
        """Atoms the engine has in positions and as collateral."""
        return self._ledger.balance(DEPLOYED[_known(engine)], asset)

    def balance(self, account: Account, asset: str) -> int:
        """Atoms on any account of the chart; for signs see `core.ledger`."""
        return self._ledger.balance(account, asset)

    def engine_assets(self, engine: str) -> dict[str, int]:
        """What the engine owns: available + reserved + deployed atoms, by asset, sorted by asset."""
        atoms_by_asset: dict[str, int] = {}
        for accounts in (AVAILABLE, RESERVED, DEPLOYED):
            for asset, atoms in self._ledger.assets(accounts[_known(engine)]).items():
                atoms_by_asset[asset] = atoms_by_asset.get(asset, 0) + atoms
        return dict(sorted(atoms_by_asset.items()))

    def totals(self, asset: str) -> Totals:
        """What the whole house holds of one asset."""
        balance = self._ledger.balance
        return Totals(
            treasury_atoms=balance(TREASURY, asset),
            available_atoms=sum(balance(account, asset) for account in AVAILABLE.values()),
            reserved_atoms=sum(balance(account, asset) for account in RESERVED.values()),
            deployed_atoms=sum(balance(account, asset) for account in DEPLOYED.values()),
            rent_atoms=balance(RENT, asset),
        )

    def balances(self) -> tuple[Balance, ...]:
        """All non-zero balances, sorted."""
        return self._ledger.balances()

    def reservation(self, reservation_id: str) -> Reservation | None:
        """The open reservation with this id."""
        return self._live.get(reservation_id)

    def reservations(self) -> tuple[Reservation, ...]:
        """All open reservations, sorted by id."""
        return tuple(self._live[reservation_id] for reservation_id in sorted(self._live))

    def recent(self) -> tuple[Transaction, ...]:
        """The latest transactions since start-up, newest last; not part of the state."""
        return self._ledger.recent()

    # Snapshot

    def state(self) -> VaultState:
        """The whole vault as plain data."""
        return VaultState(self._ledger.state(), self.reservations())

    @classmethod
    def from_state(cls, state: VaultState) -> Self:
        """The inverse of `state`. Raises ValueError if books and reservations contradict each other."""
        vault = cls()
        vault._ledger = Ledger.from_state(state.ledger)
        vault._live = {reservation.id: reservation for reservation in state.reservations}
        open_atoms: dict[tuple[str, str], int] = {}
        for reservation in state.reservations:
            key = (_known(reservation.engine), reservation.asset)
            open_atoms[key] = open_atoms.get(key, 0) + reservation.atoms
        booked = {(row.owner, row.asset): row.atoms for row in state.ledger.balances if row.bucket == "reserved"}
        if booked != open_atoms:
            raise ValueError(f"vault state: reserved balances {booked}, open reservations sum to {open_atoms}")
        vault._no_expiry_before_ns = min((r.expires_ns for r in state.reservations if not r.held), default=None)
        return vault

    def digest_items(self) -> Iterator[str | int]:
        """Integers and strings, in a fixed order, that tell two vaults apart: feed them to the state hash."""
        yield from self._ledger.digest_items()
        for r in self.reservations():
            yield from (r.id, r.engine, r.asset, r.atoms, r.source.value, r.reserved_ns, r.expires_ns, int(r.held))


def _known(engine: str) -> str:
    if engine not in AVAILABLE:
        raise ValueError(f"engine: got {engine!r}, expected one of {', '.join(ENGINE_IDS)}")
    return engine


def _require_positive(atoms: int) -> None:
    if type(atoms) is not int or atoms <= 0:
        raise ValueError(f"atoms: got {atoms!r}, expected a positive int")


def _require_scope(engine: str, postings: tuple[Posting, ...]) -> None:
    scope = ENGINE_SCOPE[_known(engine)]
    for posting in postings:
        if posting.account not in scope:
            raise ForeignAccountError(engine, posting.account)
