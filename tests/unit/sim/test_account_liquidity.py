"""Recorded pools told by accounts: exact at first, against us after our own push, refused when not readable."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from phantom_arbiter.core.events import AccountRead, Envelope, PoolAccountsRead
from phantom_arbiter.core.intents import Swap
from phantom_arbiter.core.units import SLOT_NS
from phantom_arbiter.dex import pools
from phantom_arbiter.dex.addresses import SYSTEM_PROGRAM
from phantom_arbiter.sim.fills import SwapFill
from phantom_arbiter.sim.liquidity import Impact, RecordedLiquidity, RecordedState
from phantom_arbiter.sim.market.exact_pools import EXACT_POOLS, ExactPoolSpec, moment_at
from phantom_arbiter.sim.market.universe import universe
from tests.unit.sim.market.test_account_writers import SLOT, fact, opened, price_of

NOW = SLOT * SLOT_NS
EACH = pytest.mark.parametrize("spec", EXACT_POOLS, ids=lambda spec: f"{spec.program} {spec.asset_1}")


def leg(spec: ExactPoolSpec, zero_for_one: bool) -> Swap:
    assets = (spec.asset_0, spec.asset_1) if zero_for_one else (spec.asset_1, spec.asset_0)
    return Swap("SOL/USDC", spec.id, *assets, 0, 0, 0)


def recorded(*told: PoolAccountsRead, state: RecordedState | None = None) -> RecordedLiquidity:
    liquidity = RecordedLiquidity(universe(), 0, Impact(depth_quote_atoms={}), state)
    for body in told:
        liquidity.observe(Envelope(1, NOW, "test", body))
    return liquidity


def whole(spec: ExactPoolSpec) -> PoolAccountsRead:
    return fact(spec, spec.writer.accounts(opened(spec)))


def amount(spec: ExactPoolSpec, zero_for_one: bool, share: float) -> int:
    return int(spec.side_1_atoms * share / (price_of(spec) if zero_for_one else 1.0))


@EACH
@pytest.mark.parametrize("zero_for_one", [True, False])
def test_a_pool_that_we_left_alone_is_exact_at_the_chains_time(spec, zero_for_one):
    liquidity, atoms = recorded(whole(spec)), amount(spec, zero_for_one, 1e-4)
    exact = pools.quote(opened(spec), atoms, zero_for_one, moment_at(SLOT + 5))
    fill = liquidity.quote_swap(leg(spec, zero_for_one), atoms, NOW + 5 * SLOT_NS)
    assert fill == SwapFill(exact.amount_out_atoms, exact.input_fee_atoms, exact.output_fee_atoms)


@EACH
@settings(max_examples=25, deadline=None)
@given(
    zero_for_one=st.booleans(),
    shares=st.lists(st.floats(1e-7, 0.02), min_size=1, max_size=4),
    wait_slots=st.integers(0, 100),
)
def test_a_round_trip_never_gains_and_more_never_pays_better(spec, zero_for_one, shares, wait_slots):
    liquidity, paid_atoms, got_atoms, now_ns = recorded(whole(spec)), 0, 0, NOW
    for share in shares:
        atoms = amount(spec, zero_for_one, share)
        alone = recorded(whole(spec)).quote_swap(leg(spec, zero_for_one), atoms, now_ns)
        fill = liquidity.swap(leg(spec, zero_for_one), atoms, now_ns)
        if isinstance(fill, str):
            continue
        assert isinstance(alone, SwapFill)
        assert fill.out_atoms <= alone.out_atoms
        paid_atoms, got_atoms, now_ns = paid_atoms + atoms, got_atoms + fill.out_atoms, now_ns + wait_slots * SLOT_NS
    back = liquidity.swap(leg(spec, not zero_for_one), got_atoms, now_ns)
    assert isinstance(back, str) or back.out_atoms <= paid_atoms


def test_a_second_sale_never_pays_more_than_it_would_alone():
    """A lamport buys many atoms of a young token: what rounding takes of both quotes, their difference may not show."""
    spec = next(spec for spec in EXACT_POOLS if spec.program == "pump_swap")
    liquidity, sale = recorded(whole(spec)), leg(spec, False)
    alone = liquidity.quote_swap(sale, 124_646, NOW)
    liquidity.swap(sale, 268_459, NOW)
    second = liquidity.quote_swap(sale, 124_646, NOW)
    assert isinstance(alone, SwapFill)
    assert isinstance(second, SwapFill)
    assert second.out_atoms <= alone.out_atoms


def test_the_pools_next_fact_ends_our_push():
    spec = EXACT_POOLS[0]
    liquidity, sale = recorded(whole(spec)), leg(spec, True)
    first = liquidity.swap(sale, 10**12, NOW)
    second = liquidity.swap(sale, 10**12, NOW)
    assert isinstance(first, SwapFill)
    assert isinstance(second, SwapFill)
    assert second.out_atoms < first.out_atoms
    state = opened(spec)
    liquidity.observe(Envelope(2, NOW + SLOT_NS, "test", fact(spec, spec.writer.changed(state, state), SLOT + 1)))
    assert liquidity.swap(sale, 10**12, NOW + SLOT_NS) == first


@EACH
def test_a_pool_that_vanishes_or_breaks_is_refused_until_it_is_told_again(spec):
    liquidity, told, sale = recorded(whole(spec)), whole(spec), leg(spec, False)
    atoms = amount(spec, False, 1e-4)
    good = liquidity.quote_swap(sale, atoms, NOW)
    main = told.accounts[0] if spec.program != "pump_swap" else told.accounts[-1]
    for broken in (
        AccountRead(main.address, SYSTEM_PROGRAM, 0, b""),
        replace(main, data=main.data[:-1]),
        replace(main, owner="1" * 32),
    ):
        liquidity.observe(Envelope(2, NOW, "test", replace(told, accounts=(broken,))))
        refusal = liquidity.swap(sale, atoms, NOW)
        assert isinstance(refusal, str)
        assert spec.id in refusal
    liquidity.observe(Envelope(3, NOW, "test", replace(told, accounts=(main,))))
    assert liquidity.quote_swap(sale, atoms, NOW) == good


def test_refusals_say_why():
    stake = next(spec for spec in EXACT_POOLS if spec.program == "spl_stake_pool")
    liquidity = recorded(whole(stake))
    assert "does not trade" in str(liquidity.quote_swap(Swap("x", stake.id, "USDC", "SOL", 1, 0, 0), 1, NOW))
    liquidity.observe(Envelope(2, NOW, "test", replace(whole(stake), epoch=moment_at(SLOT).epoch + 1)))
    assert "not updated in epoch" in str(liquidity.quote_swap(leg(stake, True), 10**9, NOW))
    assert "the reserve pays at most" in str(recorded(whole(stake)).quote_swap(leg(stake, False), 10**13, NOW))
    assert liquidity.quote_swap(Swap("x", "elsewhere", "USDC", "SOL", 1, 0, 0), 1, NOW) == (
        "pool elsewhere was never seen"
    )


def test_the_state_is_plain_data_to_go_on_from():
    specs = EXACT_POOLS[:3]
    liquidity = recorded(*map(whole, specs))
    liquidity.swap(leg(specs[0], True), 10**12, NOW)
    liquidity.swap(leg(specs[1], False), 10**9, NOW)
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(liquidity.state), type=RecordedState)
    again = recorded(state=stored)
    before = list(again.digest_items())
    assert before == list(liquidity.digest_items())
    assert {type(item) for item in before} == {int, str}
    for spec in specs:
        for zero_for_one in (True, False):
            sale, atoms = leg(spec, zero_for_one), amount(spec, zero_for_one, 1e-3)
            assert again.swap(sale, atoms, NOW) == liquidity.swap(sale, atoms, NOW)
    assert before != list(again.digest_items()) == list(liquidity.digest_items())
