"""Recorded pools that are told by their accounts, and what our own swaps do to them.

A pool answers as its last fact has it, at the chain's time of the swap. What we sold into it since then comes before a
further sale in the same direction: that pays ``quote(before + amount) - quote(before)``, less one atom for what the two
rounded down, and never more than it would alone. The opposite direction does not see it, so that no round trip gains
from its own push; the pool's next fact, of a market that never met us, ends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from phantom_arbiter.core.events import PoolAccountsRead
from phantom_arbiter.core.intents import Swap
from phantom_arbiter.core.units import NS_PER_SECOND, slot_at
from phantom_arbiter.dex.account_pools import PoolDecoder, UnreadablePool
from phantom_arbiter.dex.pool import SwapQuote, SwapRefusal
from phantom_arbiter.dex.pools import Moment, PoolState, quote
from phantom_arbiter.sim.fills import SwapFill, fill_of


class AccountPool(Struct):
    """All accounts of a pool as told last at ``ts_ns``, and what we sold into it since, by token."""

    fact: PoolAccountsRead
    ts_ns: int
    sold_0_atoms: int = 0
    sold_1_atoms: int = 0


class AccountPools:
    """Quotes and swaps on ``pools``, a dict that is the caller's to keep; a string says why not."""

    def __init__(self, pools: dict[str, AccountPool]) -> None:
        self._pools = pools
        self._decoder = PoolDecoder()
        self._read: dict[str, tuple[PoolAccountsRead, PoolState | UnreadablePool]] = {}

    def __contains__(self, pool: str) -> bool:
        return pool in self._pools

    def observe(self, fact: PoolAccountsRead, ts_ns: int) -> None:
        """Take in a fact. Accounts that it leaves out stay as they were told before."""
        known = self._pools.get(fact.pool)
        if known is not None:
            accounts = {account.address: account for account in (*known.fact.accounts, *fact.accounts)}
            fact = replace(fact, accounts=tuple(accounts.values()))
        self._pools[fact.pool] = AccountPool(fact, ts_ns)

    def quote(self, leg: Swap, in_atoms: int, now_ns: int) -> SwapFill | str:
        """What `swap` would pay now."""
        pool = self._pools[leg.pool]
        fact = pool.fact
        if {leg.in_asset, leg.out_asset} != {fact.asset_0, fact.asset_1}:
            return f"pool {leg.pool} does not trade {leg.in_asset} for {leg.out_asset}"
        state = self._state(fact)
        if isinstance(state, UnreadablePool):
            return state.reason
        zero_for_one = leg.in_asset == fact.asset_0
        before_atoms = pool.sold_0_atoms if zero_for_one else pool.sold_1_atoms
        return _quote_after(state, before_atoms, in_atoms, zero_for_one, _moment(pool, now_ns))

    def swap(self, leg: Swap, in_atoms: int, now_ns: int) -> SwapFill | str:
        """Execute: what goes in is remembered until the pool's next fact."""
        fill = self.quote(leg, in_atoms, now_ns)
        pool = self._pools[leg.pool]
        if isinstance(fill, str):
            return fill
        if leg.in_asset == pool.fact.asset_0:
            pool.sold_0_atoms += in_atoms
        else:
            pool.sold_1_atoms += in_atoms
        return fill

    def _state(self, fact: PoolAccountsRead) -> PoolState | UnreadablePool:
        """Decoded when it is first asked for: most facts are followed by no swap of ours."""
        known = self._read.get(fact.pool)
        if known is None or known[0] is not fact:
            known = self._read[fact.pool] = (fact, self._decoder.read(fact))
        return known[1]


def digest_items(pools: Mapping[str, AccountPool]) -> Iterator[str | int]:
    """Integers and strings that tell two states apart: which fact each pool stands at, and what we did to it."""
    for name, pool in sorted(pools.items()):
        yield from (name, pool.fact.slot, pool.ts_ns, pool.sold_0_atoms, pool.sold_1_atoms)


def _quote_after(
    state: PoolState, before_atoms: int, in_atoms: int, zero_for_one: bool, moment: Moment
) -> SwapFill | str:
    whole = quote(state, before_atoms + in_atoms, zero_for_one, moment)
    if isinstance(whole, SwapRefusal):
        return whole.reason
    if not before_atoms:
        return fill_of(whole, in_atoms)
    first = quote(state, before_atoms, zero_for_one, moment)
    alone = quote(state, in_atoms, zero_for_one, moment)
    if isinstance(first, SwapRefusal):
        return first.reason
    if isinstance(alone, SwapRefusal):
        return alone.reason
    out_atoms = min(whole.amount_out_atoms - first.amount_out_atoms - 1, alone.amount_out_atoms)
    if out_atoms <= 0:
        return "output is zero"
    fee_in = max(0, whole.input_fee_atoms - first.input_fee_atoms)
    fee_out = max(0, whole.output_fee_atoms - first.output_fee_atoms)
    rest = SwapQuote(whole.amount_in_atoms - before_atoms, out_atoms, fee_in, fee_out)
    return fill_of(rest, in_atoms)


def _moment(pool: AccountPool, now_ns: int) -> Moment:
    """The chain's clock at ``now_ns``: the fact's, and as much later. The epoch is what the fact says."""
    fact = pool.fact
    slots, seconds = slot_at(now_ns) - slot_at(pool.ts_ns), (now_ns - pool.ts_ns) // NS_PER_SECOND
    return Moment(fact.slot + slots, fact.unix_time_s + seconds, fact.epoch)
