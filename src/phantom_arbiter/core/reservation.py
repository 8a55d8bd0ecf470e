"""A reservation: atoms set aside for one order, and the two transactions that open and end it."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from phantom_arbiter.core.ledger import AVAILABLE, DEPLOYED, RESERVED, Account, Posting, Transaction, fingerprint, move


class Source(StrEnum):
    """The bucket a reservation is taken from, and its remainder goes back to."""

    AVAILABLE = "available"
    DEPLOYED = "deployed"


class Reservation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Atoms set aside for one order. It may expire once `expires_ns` has come, unless it is `held`."""

    id: str
    engine: str
    asset: str
    atoms: int
    source: Source
    reserved_ns: int
    expires_ns: int
    held: bool = False

    @property
    def source_account(self) -> Account:
        """The account it was drawn from."""
        return AVAILABLE[self.engine] if self.source is Source.AVAILABLE else DEPLOYED[self.engine]

    @property
    def opening(self) -> Transaction:
        """The transaction that set the atoms aside, for the journal."""
        return Transaction(
            id=opening_id(self.id),
            ts_ns=self.reserved_ns,
            kind="reserve",
            postings=move(self.source_account, RESERVED[self.engine], self.asset, self.atoms),
        )

    def closing(self, kind: str, spent_atoms: int, postings: tuple[Posting, ...], ts_ns: int) -> Transaction:
        """The transaction that ends it: all reserved atoms leave, what is not spent goes back to its source."""
        rest_atoms = self.atoms - spent_atoms
        own = [Posting(RESERVED[self.engine], self.asset, -self.atoms)]
        if rest_atoms:
            own.append(Posting(self.source_account, self.asset, rest_atoms))
        return Transaction(closing_id(self.id), ts_ns, kind, (*own, *postings))

    @property
    def terms(self) -> int:
        """What makes two requests the same: all but the time of asking and the hold."""
        return fingerprint("reserve", self.engine, self.asset, self.atoms, self.source, self.expires_ns)

    def drawn_past(self, postings: tuple[Posting, ...]) -> int:
        """Atoms of the reserved asset that `postings` take from the engine's own buckets instead."""
        return -sum(
            atoms
            for account, asset, atoms in postings
            if atoms < 0 and asset == self.asset and account.owner == self.engine
        )


def opening_id(reservation_id: str) -> str:
    """The id of the transaction that opens a reservation."""
    return f"{reservation_id}:reserve"


def closing_id(reservation_id: str) -> str:
    """The id of the transaction that resolves it: one id for post, void and expire, so only one can happen."""
    return f"{reservation_id}:resolve"
