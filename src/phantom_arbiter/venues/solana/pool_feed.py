"""From account reads to facts: a state machine without I/O, driven by whoever fetches and subscribes.

The driver fetches and subscribes to what `PoolFeed.ask` names, hands every answer to `take`, and passes what `facts`
gives to the kernel. A fact holds what changed of one pool in one slot. A slot's accounts come one by one, so a slot is
told when a later one begins, or when the driver says that it is whole: then no pool is half in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from phantom_arbiter.core.events import AccountRead, PoolAccountsRead
from phantom_arbiter.core.fact_checks import MAX_POOL_ACCOUNTS
from phantom_arbiter.dex.pool import AccountError
from phantom_arbiter.dex.pools import Moment
from phantom_arbiter.venues.solana.account_needs import accounts_needed, main_address
from phantom_arbiter.venues.solana.accounts_wire import AccountsAt
from phantom_arbiter.venues.solana.chain_clock import CLOCK_ADDRESS, decode_clock
from phantom_arbiter.venues.solana.discovery import PoolListing

NEVER: Final = -1


class Refused(Struct, frozen=True, gc=False):
    """An account read that was not taken in, and why."""

    address: str
    slot: int
    reason: str


class SilentPool(Struct, frozen=True, gc=False):
    """A pool that was not told for ``age_slots``, or never (None); ``reason`` says what it waits for, if anything."""

    pool: str
    age_slots: int | None
    reason: str


class _Pool:
    """What the feed keeps of a pool: all ``accounts`` that it ever needed, the main one first; ``untold``: those of
    them that no fact held yet."""

    def __init__(self, listing: PoolListing) -> None:
        self.listing = listing
        self.main = main_address(listing)
        self.accounts: dict[str, None] = {}
        self.untold: dict[str, None] = {}
        self.told_slot = NEVER
        self.problem = ""


class PoolFeed:
    """The accounts of all listed pools as read last, each with its slot; ``slot`` is the newest of all."""

    def __init__(self, listings: Iterable[PoolListing]) -> None:
        self.slot = NEVER
        self._pools = {listing.pool: _Pool(listing) for listing in listings}
        self._waiting = dict(self._pools)
        self._users: dict[str, list[_Pool]] = {}
        self._reads: dict[str, tuple[int, AccountRead]] = {}
        self._touched: dict[int, dict[str, AccountRead | None]] = {}
        self._moment: Moment | None = None
        self._to_ask: dict[str, None] = {CLOCK_ADDRESS: None}
        for pool in self._pools.values():
            self._need(pool, (pool.main,))

    def ask(self) -> tuple[str, ...]:
        """Addresses to fetch and to subscribe to that were not asked for before."""
        asked, self._to_ask = tuple(self._to_ask), {}
        return asked

    def ask_again(self) -> None:
        """After a lost connection nothing is subscribed: the next `ask` names every account."""
        self._to_ask = dict.fromkeys((CLOCK_ADDRESS, *self._users))

    def accounts_of(self, pool: str) -> tuple[str, ...]:
        """The addresses of a pool's accounts, for fetching them anew."""
        return tuple(self._pools[pool].accounts)

    def take(self, at: AccountsAt) -> tuple[Refused, ...]:
        """Take in accounts as one slot shows them. What is older than what is known is refused, as are strangers."""
        return tuple([refused for read in at.accounts if (refused := self._take(at.slot, read)) is not None])

    def facts(self, through_slot: int | None = None) -> list[PoolAccountsRead]:
        """The pools that changed, slot by slot, up to ``through_slot``: by default the last one before `slot`.

        A pool is told whole at first, when all of its accounts are known, later by its changes. One that was read
        anew and did not change is told by its main account: its state is true at that slot, too. Nothing is told
        before the chain's clock is known.
        """
        last = self.slot - 1 if through_slot is None else through_slot
        told: list[PoolAccountsRead] = []
        for slot in sorted(slot for slot in self._touched if slot <= last):
            reads = self._touched.pop(slot)
            users = {pool.listing.pool: pool for address in reads for pool in self._users.get(address, ())}
            told += self._fact_of_each(users.values(), slot, reads)
        return told + self._first_facts(last)

    def silent(self, slots: int) -> tuple[SilentPool, ...]:
        """Pools that were not told for more than ``slots``, or never."""
        found = []
        for pool in self._pools.values():
            age = None if pool.told_slot == NEVER else max(0, self.slot - pool.told_slot)
            if age is None or age > slots:
                found.append(SilentPool(pool.listing.pool, age, self._waits_for(pool)))
        return tuple(found)

    def _need(self, pool: _Pool, addresses: Iterable[str]) -> None:
        for address in addresses:
            pool.accounts[address] = pool.untold[address] = None
            if address not in self._users:
                self._to_ask[address] = None
            self._users.setdefault(address, []).append(pool)

    def _take(self, slot: int, read: AccountRead) -> Refused | None:
        users = self._users.get(read.address, [])
        if not users and read.address != CLOCK_ADDRESS:
            return Refused(read.address, slot, "no listed pool needs it")
        known_slot, known = self._reads.get(read.address, (NEVER, None))
        if slot < known_slot:
            return Refused(read.address, slot, f"older than what slot {known_slot} showed")
        if read.address == CLOCK_ADDRESS:
            try:
                self._moment = decode_clock(read)
            except AccountError as error:
                return Refused(read.address, slot, str(error))
        self._reads[read.address] = slot, read
        self.slot = max(self.slot, slot)
        touched = self._touched.setdefault(slot, {})
        if read != known:
            touched[read.address] = read
            for pool in users:
                if read.address == pool.main:
                    self._follow(pool, read)
        else:
            touched.setdefault(read.address, None)
        return None

    def _follow(self, pool: _Pool, main: AccountRead) -> None:
        """The main account changed: what it needs now joins what the pool needed before."""
        try:
            needed = accounts_needed(pool.listing, main)
        except AccountError as error:
            pool.problem = str(error)
            return
        new = [address for address in needed if address not in pool.accounts]
        if len(pool.accounts) + len(new) > MAX_POOL_ACCOUNTS:
            pool.problem = f"needs more than {MAX_POOL_ACCOUNTS} accounts, with those that it needed before"
            return
        pool.problem = ""
        self._need(pool, new)

    def _fact_of_each(
        self, pools: Iterable[_Pool], slot: int, reads: dict[str, AccountRead | None]
    ) -> Iterator[PoolAccountsRead]:
        """Facts of one slot. A pool that is not told yet has this slot in its first fact."""
        for pool in pools:
            if pool.listing.pool in self._waiting:
                continue
            known = {address: self._reads[address] for address in pool.accounts if address in self._reads}
            accounts = [
                changed
                for address, (read_slot, read) in known.items()
                if (changed := reads.get(address) or (read if address in pool.untold and read_slot <= slot else None))
            ]
            if accounts:
                yield self._told(pool, slot, accounts)
            elif all(read_slot >= slot for read_slot, _ in known.values()):
                yield self._told(pool, slot, [known[pool.main][1]])

    def _first_facts(self, last: int) -> list[PoolAccountsRead]:
        """The pools of which everything is known, all of it from slots that are whole."""
        if self._moment is None:
            return []
        told = []
        for name, pool in list(self._waiting.items()):
            known = [self._reads[address] for address in pool.accounts if address in self._reads]
            slot = max((read_slot for read_slot, _ in known), default=NEVER)
            if len(known) == len(pool.accounts) and not pool.problem and slot <= last:
                del self._waiting[name]
                told.append(self._told(pool, slot, [read for _, read in known]))
        return told

    def _told(self, pool: _Pool, slot: int, accounts: Sequence[AccountRead]) -> PoolAccountsRead:
        assert self._moment is not None  # the first fact of all waits for the clock
        pool.told_slot = max(pool.told_slot, slot)  # an account of an earlier slot may come late
        for account in accounts:
            pool.untold.pop(account.address, None)
        listing, (_, unix_time_s, epoch) = pool.listing, self._moment
        return PoolAccountsRead(
            listing.pool,
            listing.program,
            listing.venue,
            listing.asset_0,
            listing.asset_1,
            pool.told_slot,
            unix_time_s,
            epoch,
            tuple(accounts),
        )

    def _waits_for(self, pool: _Pool) -> str:
        missing = [address for address in pool.accounts if address not in self._reads]
        if pool.problem or not missing:
            return pool.problem or ("" if self._moment is not None else "the chain's clock")
        return f"{len(missing)} accounts, the first of them {missing[0]}"
