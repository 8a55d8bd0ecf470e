"""From legs to a plan: direction, accounts and guard, and why a leg no longer stands. The programs' own answers to such
plans are in ``tests/svm``."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from solders.hash import Hash
from solders.pubkey import Pubkey
from solders.token.associated import get_associated_token_address

from phantom_arbiter.core.events import AccountRead, PoolAccountsRead
from phantom_arbiter.core.intents import Swap
from phantom_arbiter.dex.compute_units import CREATE_UNITS
from phantom_arbiter.dex.constant_product import ConstantProductPool
from phantom_arbiter.dex.raydium_accounts import CPMM_PROGRAM
from phantom_arbiter.venues.solana.cycle import Terms, ToldPool, Wallet, plan_cycle
from phantom_arbiter.venues.solana.instructions.tokens import create_token_account
from phantom_arbiter.venues.solana.swaps import pool_keys
from phantom_arbiter.venues.solana.transaction import Guard, Tip, TransactionPlan, Unbuilt
from tests.unit.dex.test_raydium_accounts import cpmm_bytes
from tests.venues.solana.keys import named

PAYER, BLOCKHASH = named("payer"), Hash.default()
ADDRESSES = [str(named(name)) for name in ("first pool", "second pool")]


def told(address: str, reserves: tuple[int, int]) -> ToldPool:
    """A CPMM pool without a fee; as bytes only its own account, which is all that a plan reads."""
    main = AccountRead(address, CPMM_PROGRAM, 1, cpmm_bytes())
    fact = PoolAccountsRead(address, "raydium_cpmm", "raydium", "SOL", "USDC", 5, 1_780_000_000, 0, (main,))
    return ToldPool(fact, ConstantProductPool(*reserves, 0, 10_000))


POOLS = {ADDRESSES[0]: told(ADDRESSES[0], (10**6, 2 * 10**6)), ADDRESSES[1]: told(ADDRESSES[1], (10**6, 10**6))}
FIRST = Swap("SOL/USDC", ADDRESSES[0], "SOL", "USDC", 1_000, 1_998, 1_998)
SECOND = Swap("SOL/USDC", ADDRESSES[1], "USDC", "SOL", 1_998, 1_994, 1_990)
WALLET, TERMS = Wallet(PAYER, 50_000), Terms(990, 700, Tip(named("tip account"), 9))


def mint(number: int) -> Pubkey:
    """Mint 0 or 1 of `cpmm_bytes`."""
    keys = pool_keys(POOLS[ADDRESSES[0]].fact.accounts[0])
    return (keys.mint_0, keys.mint_1)[number]


def planned(*legs: Swap, wallet: Wallet = WALLET) -> TransactionPlan:
    plan = plan_cycle(legs, POOLS, wallet, TERMS, BLOCKHASH)
    assert isinstance(plan, TransactionPlan), plan
    return plan


def test_legs_become_swaps_in_their_order_and_direction() -> None:
    plan = planned(FIRST, SECOND)
    sol, usdc = (get_associated_token_address(PAYER, mint(number)) for number in (0, 1))
    amounts = [bytes(one.instruction.data[8:]) for one in plan.swaps]
    assert amounts == [
        leg.in_atoms.to_bytes(8, "little") + leg.min_out_atoms.to_bytes(8, "little") for leg in (FIRST, SECOND)
    ]
    between = [[meta.pubkey for meta in one.instruction.accounts[4:6]] for one in plan.swaps]
    assert between == [[sol, usdc], [usdc, sol]]
    assert plan.guard == Guard(sol, 50_990)
    assert (plan.payer, plan.tip, plan.priority_lamports) == (PAYER, TERMS.tip, 700)
    assert (plan.before, plan.other_units) == ((), 0)


def test_only_accounts_that_are_missing_and_needed_are_made() -> None:
    plan = planned(FIRST, SECOND, wallet=Wallet(PAYER, 50_000, frozenset({mint(1), named("elsewhere")})))
    assert plan.before == (create_token_account(PAYER, mint(1)),)
    assert plan.other_units == CREATE_UNITS


@pytest.mark.parametrize(
    ("leg", "reason"),
    [
        (replace(FIRST, pool="unknown"), "legs[0].pool: unknown is not told"),
        (replace(FIRST, out_asset="USDT"), "swaps SOL for USDT, the pool has SOL and USDC"),
        (replace(FIRST, in_atoms=0), "amount is not positive"),
        (replace(FIRST, min_out_atoms=1_999), "the pool pays 1998 atoms, 1999 are the least"),
    ],
)
def test_a_leg_that_no_longer_stands_says_why(leg: Swap, reason: str) -> None:
    answer = plan_cycle((leg, SECOND), POOLS, WALLET, TERMS, BLOCKHASH)
    assert isinstance(answer, Unbuilt)
    assert reason in answer.reason


def test_no_legs_and_a_pool_that_is_used_twice() -> None:
    assert plan_cycle((), POOLS, WALLET, TERMS, BLOCKHASH) == Unbuilt("there is no leg")
    again = replace(SECOND, pool=ADDRESSES[0])
    twice = plan_cycle((FIRST, again), POOLS, WALLET, TERMS, BLOCKHASH)
    assert twice == Unbuilt(f"legs[1].pool: {ADDRESSES[0]} is used twice")


def test_another_token_under_a_known_name() -> None:
    data = bytearray(cpmm_bytes())
    data[168:200] = bytes(named("fake"))
    pool = POOLS[ADDRESSES[1]]
    fake = replace(pool.fact, accounts=(replace(pool.fact.accounts[0], data=bytes(data)),))
    told = POOLS | {ADDRESSES[1]: ToldPool(fake, pool.state)}
    answer = plan_cycle((FIRST, SECOND), told, WALLET, TERMS, BLOCKHASH)
    assert isinstance(answer, Unbuilt)
    assert f"SOL is mint {named('fake')}, before it was {mint(0)}" in answer.reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"accounts": ()}, "the pool's own account is not told"),
        ({"owner": str(named("stranger"))}, "owner: got"),
        ({"data": b""}, "length: got 0, expected 637 bytes"),
    ],
)
def test_a_pool_that_has_no_instruction_says_why(change: dict[str, object], reason: str) -> None:
    pool = POOLS[ADDRESSES[0]]
    main = replace(pool.fact.accounts[0], **{key: value for key, value in change.items() if key != "accounts"})
    fact = replace(pool.fact, accounts=change.get("accounts", (main,)))
    answer = plan_cycle((FIRST,), {ADDRESSES[0]: ToldPool(fact, pool.state)}, WALLET, TERMS, BLOCKHASH)
    assert isinstance(answer, Unbuilt)
    assert reason in answer.reason
