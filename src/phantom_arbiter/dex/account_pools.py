"""A pool told by its accounts → the state to quote: all at once, or only what changed.

Token 0 and 1 of the state are the mints as the pool's accounts have them; that ``asset_0`` and ``asset_1`` of the fact
name them in this order is the duty of whoever wrote the list of pools.
"""

from __future__ import annotations

from msgspec import Struct

from phantom_arbiter.core.events import PoolAccountsRead
from phantom_arbiter.dex.account_assemblers import ASSEMBLERS
from phantom_arbiter.dex.pool import AccountError
from phantom_arbiter.dex.pool_accounts import PoolAccounts
from phantom_arbiter.dex.pools import Moment, PoolState


class UnreadablePool(Struct, frozen=True, gc=False):
    """A pool whose accounts do not decode at ``slot``, in words; it must not be traded until they do again."""

    pool: str
    slot: int
    reason: str


def moment_of(fact: PoolAccountsRead) -> Moment:
    """The chain's time that a pool is quoted at."""
    return Moment(fact.slot, fact.unix_time_s, fact.epoch)


def decode(fact: PoolAccountsRead) -> PoolState:
    """The state that a fact with all of the pool's accounts tells.

    Raises AccountError, which names the pool, the account and the field, for an unknown program, accounts that do not
    decode, one that is missing or that the pool does not use, and accounts that contradict each other.
    """
    return _decoded(PoolAccounts(fact.pool), fact)


def _decoded(accounts: PoolAccounts, fact: PoolAccountsRead) -> PoolState:
    try:
        return _assembled(accounts, fact)
    except AccountError as error:
        raise error.inside(f"pool {fact.pool}") from error


def _assembled(accounts: PoolAccounts, fact: PoolAccountsRead) -> PoolState:
    assembler = ASSEMBLERS.get(fact.program)
    if assembler is None:
        raise accounts.misfit("program", fact.program, f"one of {', '.join(ASSEMBLERS)}")
    accounts.told(fact.accounts)
    state = assembler(accounts, moment_of(fact))
    if accounts.left:
        raise accounts.misfit("accounts", sorted(accounts.left), "accounts that the pool uses")
    return state


class PoolDecoder:
    """Keeps the accounts of all pools, so that a fact may tell only those that changed and only those are decoded."""

    def __init__(self) -> None:
        self._pools: dict[tuple[str, str], PoolAccounts] = {}

    def read(self, fact: PoolAccountsRead) -> PoolState | UnreadablePool:
        """The pool's state after this fact, or why there is none.

        The same as `decode` of all accounts told so far of this pool and program. Accounts that do not decode are
        kept, too: the pool is back as soon as what follows makes them whole.
        """
        key = fact.program, fact.pool
        try:
            accounts = self._pools.get(key)
            if accounts is None:
                accounts = self._pools[key] = PoolAccounts(fact.pool)
            return _decoded(accounts, fact)
        except AccountError as error:
            return UnreadablePool(fact.pool, fact.slot, str(error))
