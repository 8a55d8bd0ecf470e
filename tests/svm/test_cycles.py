"""Whole cycles on the real programs: the profit is the one predicted, or all of it reverts."""

from __future__ import annotations

from random import Random

import pytest
from msgspec.structs import replace
from solders.address_lookup_table_account import ID as TABLE_PROGRAM
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.pubkey import Pubkey

from phantom_arbiter.core.events import AccountRead
from phantom_arbiter.core.intents import Swap
from phantom_arbiter.dex.pool import SwapQuote
from phantom_arbiter.dex.pools import quote
from phantom_arbiter.venues.solana.cycle import Terms, ToldPool, Wallet, plan_cycle
from phantom_arbiter.venues.solana.instructions.tokens import WRAPPED_SOL, unwrap, wrap
from phantom_arbiter.venues.solana.transaction import Built, Tip, TransactionPlan, build
from tests.svm.constant_pools import place_amm_v4, place_cpmm
from tests.svm.meteora_pools import place_damm_v2, place_dlmm
from tests.svm.pools import Placed
from tests.svm.tick_pools import place_clmm, place_immutable_whirlpool
from tests.svm.world import World, address

pytestmark = pytest.mark.programs

SOL = 10**9
START = 7 * SOL
TIP = Tip(address(77), 1_000_000)
BASE_FEE = 5_000
PRIORITY = 40_000
USDC = Pubkey.from_string("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v")


class Market:
    """Two real SOL/USDC pools with far apart prices, and a wallet with wrapped SOL: buy SOL where it is cheap."""

    def __init__(self) -> None:
        self.world = World()
        self.world.put_mint(WRAPPED_SOL, 9)
        self.world.put_mint(USDC, 6)
        self.dear, self.cheap = place_damm_v2(self.world), place_dlmm(self.world)
        self.dear = self.dear._replace(moment=self.cheap.moment)  # one clock
        self.sol, self.usdc = self.world.give(WRAPPED_SOL, START), self.world.give(USDC, 0)
        self.world.svm.airdrop(TIP.account, SOL)

    def told(self, *pools: Placed) -> dict[str, ToldPool]:
        return {str(pool.pool): ToldPool(pool.fact(), pool.state()) for pool in pools}

    def legs(self, sold: int) -> tuple[tuple[Swap, Swap], int]:
        """Sell SOL for USDC, all of that for SOL, and the profit in lamports."""
        first = paid(self.dear, sold, True)
        second = paid(self.cheap, first, False)
        legs = (
            leg(self.dear, "ZERO", "ONE", sold, first),
            leg(self.cheap, "ONE", "ZERO", first, second),
        )
        return legs, second - sold

    def plan(
        self,
        legs: tuple[Swap, ...],
        terms: Terms,
        wallet: Wallet | None = None,
        tables: tuple[AddressLookupTableAccount, ...] = (),
    ) -> TransactionPlan:
        """The plan; the wallet's base balance is what it holds now."""
        told = self.told(self.dear, self.cheap)
        wallet = wallet or Wallet(self.world.payer, self.world.atoms(self.sol))
        plan = plan_cycle(legs, told, wallet, terms, self.world.svm.latest_blockhash(), tables)
        assert isinstance(plan, TransactionPlan), plan
        return plan

    def everything(self) -> dict[str, AccountRead]:
        """Every account that the cycle may change, but for what pays the fees."""
        accounts = {*self.dear.written, *self.cheap.written, self.sol, self.usdc, TIP.account}
        return {str(at): self.world.read(at) for at in accounts}


@pytest.fixture
def market() -> Market:
    return Market()


def paid(pool: Placed, amount: int, zero_for_one: bool) -> int:
    answer = quote(pool.state(), amount, zero_for_one, pool.moment)
    assert isinstance(answer, SwapQuote), answer
    return answer.amount_out_atoms


def leg(pool: Placed, sold: str, bought: str, amount: int, out: int) -> Swap:
    return Swap("SOL/USDC", str(pool.pool), sold, bought, amount, out, out)


@pytest.mark.parametrize("sold", [SOL // 1000, SOL, 5 * SOL])
def test_a_cycle_earns_what_was_predicted_to_the_lamport(market: Market, sold: int) -> None:
    legs, profit = market.legs(sold)
    assert profit > 0
    before = market.world.lamports(market.world.payer), market.world.lamports(TIP.account)
    built = build(market.plan(legs, Terms(profit, PRIORITY, TIP)))
    landed = market.world.send(built)
    assert landed.error == "", landed.logs
    assert isinstance(built, Built)
    assert (market.world.atoms(market.sol), market.world.atoms(market.usdc)) == (START + profit, 0)
    assert market.world.lamports(TIP.account) == before[1] + TIP.lamports
    fees = before[0] - TIP.lamports - market.world.lamports(market.world.payer)
    assert BASE_FEE < fees <= BASE_FEE + PRIORITY
    assert landed.compute_units <= built.compute_units


def test_one_lamport_more_than_there_is_reverts_everything(market: Market) -> None:
    legs, profit = market.legs(SOL)
    before, payer = market.everything(), market.world.lamports(market.world.payer)
    landed = market.world.send(build(market.plan(legs, Terms(profit + 1, 0, TIP))))
    assert "insufficient funds" in landed.logs[-3]
    assert market.everything() == before
    assert market.world.lamports(market.world.payer) == payer - BASE_FEE


def test_a_leg_that_spends_more_than_came_in_reverts_everything(market: Market) -> None:
    legs, _ = market.legs(SOL)
    dearer = leg(market.cheap, "ONE", "ZERO", legs[1].in_atoms + 1, legs[1].min_out_atoms)
    before = market.everything()
    assert market.world.send(build(market.plan((legs[0], dearer), Terms(1)))).error
    assert market.everything() == before


def test_a_pool_that_moved_meanwhile_reverts_everything(market: Market) -> None:
    legs, profit = market.legs(SOL)
    built = build(market.plan(legs, Terms(profit, 0, TIP)))
    rival = leg(market.dear, "ZERO", "ONE", SOL, 1)
    assert market.world.send(build(market.plan((rival,), Terms(-SOL)))).error == ""
    market.world.give(WRAPPED_SOL, START)
    market.world.give(USDC, 0)
    before = market.everything()
    assert market.world.send(built).error
    assert market.everything() == before


def test_a_lookup_table_makes_the_same_cycle_smaller(market: Market) -> None:
    legs, profit = market.legs(SOL)
    plan = market.plan(legs, Terms(profit, PRIORITY, TIP))
    plain = build(plan)
    table = put_table(market.world, [*market.dear.written, *market.cheap.written])
    small = build(market.plan(legs, Terms(profit, PRIORITY, TIP), tables=(table,)))
    assert isinstance(plain, Built)
    assert isinstance(small, Built)
    assert small.size_bytes < plain.size_bytes - 200
    assert small.account_locks == plain.account_locks
    assert market.world.send(small).error == ""
    assert market.world.atoms(market.sol) == START + profit


def put_table(world: World, addresses: list[Pubkey]) -> AddressLookupTableAccount:
    """An active lookup table: 1, no end, extended in slot 0 from 0, no authority."""
    head = (1).to_bytes(4, "little") + b"\xff" * 8
    at = address(99)
    world.put(at, TABLE_PROGRAM, head.ljust(56, b"\0") + b"".join(bytes(one) for one in addresses))
    return AddressLookupTableAccount(at, addresses)


def test_a_token_account_that_is_missing_is_made_on_the_way(market: Market) -> None:
    legs, profit = market.legs(SOL)
    market.world.restore({market.usdc: None})
    wallet = Wallet(market.world.payer, START, frozenset({USDC}))
    built = build(market.plan(legs, Terms(profit), wallet))
    assert market.world.send(built).error == ""
    assert (market.world.atoms(market.sol), market.world.atoms(market.usdc)) == (START + profit, 0)


def test_plain_sol_is_wrapped_before_and_unwrapped_after(market: Market) -> None:
    legs, profit = market.legs(SOL)
    market.world.restore({market.sol: None})
    payer, before = market.world.payer, market.world.lamports(market.world.payer)
    plan = market.plan(legs, Terms(profit), Wallet(payer, SOL))
    wrapped = replace(plan, before=wrap(payer, SOL), after=(unwrap(payer),), other_units=60_000)
    assert market.world.send(build(wrapped)).error == ""
    assert market.world.lamports(payer) == before + profit - BASE_FEE
    assert market.world.svm.get_account(market.sol) is None


@pytest.mark.parametrize("seed", [1, 2, 5, 6])
def test_four_programs_in_one_transaction_pay_what_was_predicted(seed: int) -> None:
    world, random, sold = World(), Random(seed), 10**7
    mint_0, mint_1 = sorted((address(1), address(2)), key=bytes)
    world.put_mint(mint_0, 9)
    world.put_mint(mint_1, 6)
    places = place_cpmm, place_immutable_whirlpool, place_clmm, place_amm_v4
    pools = [place(world, random, mint_0, mint_1) for place in places]
    zero, one = world.give(mint_0, 10**9), world.give(mint_1, 10**9)
    legs, gained = [], {True: 0, False: 0}
    for number, pool in enumerate(pools):
        down = number % 2 == 0
        out = paid(pool, sold, down)
        legs.append(leg(pool, *(("ZERO", "ONE") if down else ("ONE", "ZERO")), sold, out))
        gained[down] -= sold
        gained[not down] += out
    told = {str(pool.pool): ToldPool(pool.fact(), pool.state()) for pool in pools}
    plan = plan_cycle(legs, told, Wallet(world.payer, 10**9), Terms(gained[True]), world.svm.latest_blockhash())
    assert isinstance(plan, TransactionPlan), plan
    table = put_table(world, [at for pool in pools for at in pool.written])
    landed = world.send(build(replace(plan, lookup_tables=(table,))))
    assert landed.error == "", landed.logs[-4:]
    assert (world.atoms(zero), world.atoms(one)) == (10**9 + gained[True], 10**9 + gained[False])
