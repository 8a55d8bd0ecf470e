"""The pools the engine knows, of every type, and the search index over them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from phantom_arbiter.core.events import PoolAccountsRead, PoolUpdated
from phantom_arbiter.core.units import NS_PER_SECOND
from phantom_arbiter.core.view import MarketView
from phantom_arbiter.dex.account_pools import PoolDecoder, UnreadablePool, moment_of
from phantom_arbiter.dex.constant_product import ConstantProductPool
from phantom_arbiter.dex.pool import SwapRefusal
from phantom_arbiter.dex.pools import Moment, PoolState, quote
from phantom_arbiter.dex.routes import RouteIndex

PoolFact = PoolUpdated | PoolAccountsRead


class KnownPool(NamedTuple):
    """A pool's last state that could be read. ``exact``: told by its accounts."""

    pool: str
    venue: str
    asset_0: str
    asset_1: str
    state: PoolState
    slot: int
    exact: bool

    @property
    def label(self) -> str:
        """Its name for people: an address is long and says nothing of venue and pair."""
        if not self.exact:
            return self.pool
        return f"{self.venue}:{self.asset_0}/{self.asset_1} {self.pool[:4]}…{self.pool[-4:]}"

    def other(self, asset: str) -> str:
        """The pool's other asset."""
        return self.asset_1 if asset == self.asset_0 else self.asset_0


class PoolTable:
    """All pools of a market view, followed fact by fact; ``unreadable`` says why a pool is out."""

    def __init__(self, view: MarketView, bases: Sequence[str]) -> None:
        self.view = view
        self.index = RouteIndex(bases)
        self.unreadable: dict[str, str] = {}
        self.moment = Moment(view.slot, view.now_ns // NS_PER_SECOND, 0)
        self._pools: dict[str, KnownPool] = {}
        self._of_pair: dict[frozenset[str], list[str]] = {}
        self._decoder = PoolDecoder()
        for envelope in (*view.pools.values(), *view.account_pools.values()):
            body = envelope.body
            assert isinstance(body, PoolUpdated | PoolAccountsRead)
            self.follow(body, envelope.ts_ns)

    def __len__(self) -> int:
        return len(self._pools)

    def __getitem__(self, pool: str) -> KnownPool:
        return self._pools[pool]

    def __contains__(self, pool: str) -> bool:
        return pool in self._pools

    def follow(self, body: PoolFact, ts_ns: int) -> bool:
        """Take in a pool's new state; False where it cannot be read: then the pool is out until it can."""
        if isinstance(body, PoolAccountsRead):
            self.moment = moment_of(body)
            state = self._decoder.read(body)
            if isinstance(state, UnreadablePool):
                self._drop(body.pool, state.reason)
                return False
        else:
            self.moment = Moment(body.slot, ts_ns // NS_PER_SECOND, self.moment.epoch)
            state = ConstantProductPool(body.reserve_0_atoms, body.reserve_1_atoms, body.fee_num, body.fee_den)
        exact = isinstance(body, PoolAccountsRead)
        self._keep(KnownPool(body.pool, body.venue, body.asset_0, body.asset_1, state, body.slot, exact))
        return True

    def _keep(self, known: KnownPool) -> None:
        self.unreadable.pop(known.pool, None)
        if known.pool in self._pools:
            self.index.update(known.pool, known.state, self.moment)
        else:
            self.index.add(known.pool, known.asset_0, known.asset_1, known.state, self.moment)
            self._of_pair.setdefault(frozenset((known.asset_0, known.asset_1)), []).append(known.pool)
        self._pools[known.pool] = known

    def _drop(self, pool: str, why: str) -> None:
        self.unreadable[pool] = why
        if pool in self._pools:
            self.index.remove_until_updated(pool)

    def fresh(self, oldest_slot: int) -> list[KnownPool]:
        """The pools that can be read and are of ``oldest_slot`` or younger."""
        return [pool for pool in self._pools.values() if not any(self._left_out(pool, oldest_slot))]

    def parallel(self, asset_a: str, asset_b: str, oldest_slot: int) -> list[KnownPool]:
        """The fresh pools between two assets."""
        known = (self._pools[pool] for pool in self._of_pair.get(frozenset((asset_a, asset_b)), ()))
        return [pool for pool in known if not any(self._left_out(pool, oldest_slot))]

    def requote(self, pool: str, asset: str, atoms: int) -> int | str:
        """What a pool pays now for atoms of an asset, or why nothing."""
        if pool in self.unreadable:
            return f"{pool} cannot be read: {self.unreadable[pool]}"
        known = self._pools.get(pool)
        if known is None:
            return f"{pool} is not known"
        answer = quote(known.state, atoms, asset == known.asset_0, self.moment)
        return f"{pool}: {answer.reason}" if isinstance(answer, SwapRefusal) else answer.amount_out_atoms

    def venue_rows(self, oldest_slot: int) -> list[dict[str, Any]]:
        """By venue: how many pools, how many of them exact, ages in slots, and how many are left out and why."""
        rows: dict[str, dict[str, Any]] = {}
        for known in self._pools.values():
            age = max(0, self.view.slot - known.slot)
            row = rows.setdefault(known.venue, _empty_row(known.venue, age))
            row["pools"] += 1
            row["exact"] += known.exact
            row["youngest_slots"] = min(row["youngest_slots"], age)
            row["oldest_slots"] = max(row["oldest_slots"], age)
            for why in self._left_out(known, oldest_slot):
                row["left_out"] += 1
                row["why"] = row["why"] or why
        return [rows[venue] for venue in sorted(rows)]

    def _left_out(self, known: KnownPool, oldest_slot: int) -> Iterator[str]:
        if known.pool in self.unreadable:
            yield self.unreadable[known.pool]
        elif known.slot < oldest_slot:
            yield f"{known.pool} last spoke in slot {known.slot}"


def _empty_row(venue: str, age_slots: int) -> dict[str, Any]:
    ages = {"youngest_slots": age_slots, "oldest_slots": age_slots}
    return {"venue": venue, "pools": 0, "exact": 0, **ages, "left_out": 0, "why": ""}
