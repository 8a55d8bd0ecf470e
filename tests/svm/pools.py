"""Pools written into a `World` as account bytes: what a swap on the real program needs, and the fact that tells it."""

from __future__ import annotations

from typing import NamedTuple

from solders.pubkey import Pubkey

from phantom_arbiter.core.events import AccountRead, PoolAccountsRead
from phantom_arbiter.dex.account_pools import decode
from phantom_arbiter.dex.addresses import SYSTEM_PROGRAM
from phantom_arbiter.dex.compute_units import swap_units
from phantom_arbiter.dex.pools import Moment, PoolState
from phantom_arbiter.venues.solana.instructions.order import SwapOrder
from phantom_arbiter.venues.solana.swaps import EncodedSwap, pool_keys, swap
from tests.svm.world import World


class Placed(NamedTuple):
    """A pool in the world. ``program`` names its decoder, ``told`` are the accounts that its fact has, ``written`` all
    that a swap may change."""

    world: World
    program: str
    pool: Pubkey
    mint_0: Pubkey
    mint_1: Pubkey
    told: tuple[Pubkey, ...]
    written: tuple[Pubkey, ...]
    moment: Moment

    def main(self) -> AccountRead:
        return self.world.read(self.pool)

    def fact(self) -> PoolAccountsRead:
        """The pool's accounts as they are now; one that is not on chain is told as such."""
        svm = self.world.svm
        accounts = [
            self.world.read(at) if svm.get_account(at) else AccountRead(str(at), SYSTEM_PROGRAM, 0, b"")
            for at in self.told
        ]
        return PoolAccountsRead(
            pool=str(self.pool),
            program=self.program,
            venue=self.program,
            asset_0="ZERO",
            asset_1="ONE",
            slot=self.moment.slot,
            unix_time_s=self.moment.unix_time_s,
            epoch=self.moment.epoch,
            accounts=tuple(accounts),
        )

    def state(self) -> PoolState:
        return decode(self.fact())

    def swap(self, order: SwapOrder, crossed: int = 0) -> EncodedSwap:
        main = self.main()
        return swap(main, pool_keys(main), order, swap_units(self.state(), crossed))


def written(size: int, *fields: tuple[int, bytes]) -> bytes:
    """Account bytes with each field at its offset."""
    data = bytearray(size)
    for offset, value in fields:
        data[offset : offset + len(value)] = value
    return bytes(data)


def unsigned(value: int, size: int = 8) -> bytes:
    return value.to_bytes(size, "little")


def signed(value: int, size: int = 4) -> bytes:
    return value.to_bytes(size, "little", signed=True)
