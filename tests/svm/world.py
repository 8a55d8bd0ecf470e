"""A small chain in memory with the real programs: LiteSVM, accounts written by hand, and a wallet made for the test.

``PHANTOM_PROGRAMS_DIR`` names a folder with the programs' binaries, under these names: ``whirlpool.so``,
``whirlpool_immutable.so``, ``raydium_cpmm.so``, ``raydium_amm_v4.so``, ``raydium_clmm.so``, ``meteora_dlmm.so``,
``meteora_damm_v2.so``, ``jupiter_v6.so``. A test whose program is not there is skipped.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest
from solders.account import Account
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import to_bytes_versioned
from solders.pubkey import Pubkey
from solders.token.associated import get_associated_token_address
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata, TransactionMetadata

from phantom_arbiter.core.events import AccountRead
from phantom_arbiter.dex.pools import Moment
from phantom_arbiter.venues.solana.instructions.order import TOKEN_PROGRAM
from phantom_arbiter.venues.solana.instructions.tokens import WRAPPED_SOL
from phantom_arbiter.venues.solana.transaction import Built, Unbuilt

PROGRAMS = os.environ.get("PHANTOM_PROGRAMS_DIR", "")
TOKEN_ACCOUNT_BYTES = 165
MINT_BYTES = 82
SOL_ATOMS = 10**13


class Landed(NamedTuple):
    """How a transaction ended: the error in words where it failed, and what it took."""

    error: str
    compute_units: int
    logs: tuple[str, ...]


def address(number: int) -> Pubkey:
    """A made-up address."""
    return Pubkey.from_bytes(b"test" + number.to_bytes(28, "big"))


def token_account(mint: Pubkey, owner: Pubkey, atoms: int, rent: int) -> bytes:
    """An SPL token account; wrapped SOL's are native."""
    native = struct.pack("<IQ", 1, rent) if mint == WRAPPED_SOL else bytes(12)
    head = bytes(mint) + bytes(owner) + atoms.to_bytes(8, "little") + bytes(36) + b"\x01" + native
    return head.ljust(TOKEN_ACCOUNT_BYTES, b"\0")


def mint_account(decimals: int) -> bytes:
    """An SPL mint with nobody's authority."""
    return struct.pack("<I32sQBBI32s", 0, bytes(32), 10**18, decimals, 1, 0, bytes(32))


class World:
    """The chain; ``payer`` is the wallet's address."""

    def __init__(self) -> None:
        self.svm = LiteSVM().with_transaction_history(0)
        self._wallet = Keypair()
        self.payer = self._wallet.pubkey()
        self._rent = self.svm.minimum_balance_for_rent_exemption(TOKEN_ACCOUNT_BYTES)
        self.svm.airdrop(self.payer, SOL_ATOMS)

    def load(self, name: str, program: Pubkey) -> None:
        """Add a program from the folder, or skip the test."""
        path = Path(PROGRAMS) / f"{name}.so"
        if not PROGRAMS or not path.is_file():
            pytest.skip(f"no program {name}.so: PHANTOM_PROGRAMS_DIR names the folder, now {PROGRAMS or 'not set'}")
        self.svm.add_program_from_file(program, path)

    def at(self, slot: int, unix_time_s: int) -> Moment:
        """Set the clock."""
        clock = self.svm.get_clock()
        clock.slot, clock.unix_timestamp = slot, unix_time_s
        self.svm.set_clock(clock)
        return Moment(slot, unix_time_s, clock.epoch)

    def put(self, at: Pubkey, owner: Pubkey, data: bytes) -> None:
        """Write an account, rent paid."""
        lamports = self.svm.minimum_balance_for_rent_exemption(len(data))
        self.svm.set_account(at, Account(lamports, data, owner))

    def put_mint(self, mint: Pubkey, decimals: int) -> None:
        self.put(mint, TOKEN_PROGRAM, mint_account(decimals))

    def put_tokens(self, at: Pubkey, mint: Pubkey, owner: Pubkey, atoms: int) -> None:
        """Write a token account."""
        data = token_account(mint, owner, atoms, self._rent)
        lamports = self._rent + (atoms if mint == WRAPPED_SOL else 0)
        self.svm.set_account(at, Account(lamports, data, TOKEN_PROGRAM))

    def give(self, mint: Pubkey, atoms: int) -> Pubkey:
        """The wallet's own token account, holding exactly that."""
        own = get_associated_token_address(self.payer, mint)
        self.put_tokens(own, mint, self.payer, atoms)
        return own

    def atoms(self, at: Pubkey) -> int:
        """The balance of a token account."""
        account = self.svm.get_account(at)
        assert account is not None
        return int.from_bytes(account.data[64:72], "little")

    def lamports(self, at: Pubkey) -> int:
        return self.svm.get_balance(at) or 0

    def read(self, at: Pubkey) -> AccountRead:
        """The account as a fact would tell it."""
        account = self.svm.get_account(at)
        assert account is not None
        return AccountRead(str(at), str(account.owner), account.lamports, bytes(account.data))

    def save(self, addresses: Iterable[Pubkey]) -> dict[Pubkey, Account | None]:
        """Accounts as they are now, for `restore`."""
        return {at: self.svm.get_account(at) for at in addresses}

    def restore(self, saved: dict[Pubkey, Account | None]) -> None:
        for at, account in saved.items():
            self.svm.set_account(at, account or Account(0, b"", Pubkey.default()))

    def send(self, built: Built | Unbuilt) -> Landed:
        """Sign with the wallet and run."""
        assert isinstance(built, Built), built
        signature = self._wallet.sign_message(to_bytes_versioned(built.message))
        transaction = VersionedTransaction.populate(built.message, [signature])
        assert len(bytes(transaction)) == built.size_bytes
        done = self.svm.send_transaction(transaction)
        if isinstance(done, FailedTransactionMetadata):
            told = done.meta()
            return Landed(str(done.err()), told.compute_units_consumed(), tuple(told.logs()))
        assert isinstance(done, TransactionMetadata)
        return Landed("", done.compute_units_consumed(), tuple(done.logs()))
