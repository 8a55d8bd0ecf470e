"""A cycle's legs → the plan of one transaction, each leg quoted once more on the pools as they are told now.

Legs have fixed amounts: each spends exactly its input. What an earlier leg paid for it is not counted here; where it
falls short, the token program refuses the transfer and the transaction reverts. What the cycle has to leave in the base
asset (that of the first leg's input) is the guard's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.pubkey import Pubkey
from solders.token.associated import get_associated_token_address

from phantom_arbiter.core.events import PoolAccountsRead
from phantom_arbiter.core.intents import Swap
from phantom_arbiter.dex.account_pools import moment_of
from phantom_arbiter.dex.compute_units import CREATE_UNITS, swap_units
from phantom_arbiter.dex.pool import AccountError, SwapRefusal
from phantom_arbiter.dex.pools import PoolState, apply, quote
from phantom_arbiter.venues.solana.instructions.order import SwapOrder
from phantom_arbiter.venues.solana.instructions.tokens import create_token_account
from phantom_arbiter.venues.solana.swaps import EncodedSwap, NoEncoder, end_of, mint_in, mint_out, pool_keys, swap
from phantom_arbiter.venues.solana.transaction import Guard, Tip, TransactionPlan, Unbuilt


class ToldPool(NamedTuple):
    """A pool's accounts, all of them, and the state they decode to."""

    fact: PoolAccountsRead
    state: PoolState


class Wallet(Struct, frozen=True):
    """Who trades, from associated token accounts. ``base_atoms``: what that of the base asset holds now; ``missing``:
    mints whose account is not there yet, to be made in the same transaction."""

    payer: Pubkey
    base_atoms: int
    missing: frozenset[Pubkey] = frozenset()


class Terms(Struct, frozen=True, gc=False):
    """What the cycle must earn in the base asset, and what it bids to land."""

    profit_atoms: int
    priority_lamports: int = 0
    tip: Tip | None = None


class _Encoded(NamedTuple):
    """A leg as an instruction, and the mints of its two sides."""

    swap: EncodedSwap
    sold: Pubkey
    bought: Pubkey


def plan_cycle(
    legs: Sequence[Swap],
    pools: Mapping[str, ToldPool],
    wallet: Wallet,
    terms: Terms,
    blockhash: Hash,
    lookup_tables: tuple[AddressLookupTableAccount, ...] = (),
) -> TransactionPlan | Unbuilt:
    """The transaction for these legs, or the first leg that no longer stands and why.

    No pool twice: the accounts that a second swap needs depend on what the first one does. No asset by two mints: one
    of them would be another token under a known name.
    """
    used: set[str] = set()
    mints: dict[str, Pubkey] = {}
    encoded: list[_Encoded] = []
    for number, leg in enumerate(legs):
        pool = pools.get(leg.pool)
        if pool is None or leg.pool in used:
            return Unbuilt(f"legs[{number}].pool: {leg.pool} is {'not told' if pool is None else 'used twice'}")
        used.add(leg.pool)
        step = _encoded(leg, pool, wallet.payer)
        if isinstance(step, Unbuilt):
            return Unbuilt(f"legs[{number}] on {leg.pool}: {step.reason}")
        encoded.append(step)
        for asset, mint in ((leg.in_asset, step.sold), (leg.out_asset, step.bought)):
            if mints.setdefault(asset, mint) != mint:
                return Unbuilt(f"legs[{number}] on {leg.pool}: {asset} is mint {mint}, before it was {mints[asset]}")
    if not encoded:
        return Unbuilt("there is no leg")
    created = [mint for mint in mints.values() if mint in wallet.missing]
    base = get_associated_token_address(wallet.payer, encoded[0].sold)
    return TransactionPlan(
        payer=wallet.payer,
        blockhash=blockhash,
        swaps=tuple(step.swap for step in encoded),
        guard=Guard(base, wallet.base_atoms + terms.profit_atoms),
        tip=terms.tip,
        priority_lamports=terms.priority_lamports,
        before=tuple(create_token_account(wallet.payer, mint) for mint in created),
        other_units=CREATE_UNITS * len(created),
        lookup_tables=lookup_tables,
    )


def _encoded(leg: Swap, pool: ToldPool, payer: Pubkey) -> _Encoded | Unbuilt:
    fact, moment = pool.fact, moment_of(pool.fact)
    sides = (leg.in_asset, leg.out_asset)
    zero_for_one = sides == (fact.asset_0, fact.asset_1)
    if not zero_for_one and sides != (fact.asset_1, fact.asset_0):
        return Unbuilt(f"it swaps {leg.in_asset} for {leg.out_asset}, the pool has {fact.asset_0} and {fact.asset_1}")
    answer = quote(pool.state, leg.in_atoms, zero_for_one, moment)
    if isinstance(answer, SwapRefusal):
        return Unbuilt(answer.reason)
    if answer.amount_in_atoms != leg.in_atoms:
        return Unbuilt(f"the pool takes {answer.amount_in_atoms} of {leg.in_atoms} atoms")
    if answer.amount_out_atoms < leg.min_out_atoms:
        return Unbuilt(f"the pool pays {answer.amount_out_atoms} atoms, {leg.min_out_atoms} are the least")
    after = apply(pool.state, answer, zero_for_one, moment)
    main = next((account for account in fact.accounts if account.address == fact.pool), None)
    if main is None:
        return Unbuilt("the pool's own account is not told")
    try:
        keys = pool_keys(main)
    except (AccountError, NoEncoder) as error:
        return Unbuilt(str(error))
    sold, bought = mint_in(keys, zero_for_one), mint_out(keys, zero_for_one)
    order = SwapOrder(
        payer=payer,
        source=get_associated_token_address(payer, sold),
        destination=get_associated_token_address(payer, bought),
        amount_in_atoms=leg.in_atoms,
        min_out_atoms=leg.min_out_atoms,
        zero_for_one=zero_for_one,
        end=end_of(after),
    )
    return _Encoded(swap(main, keys, order, swap_units(pool.state, answer.crossed)), sold, bought)
