"""Any swaps in any order on any kind of pool: never free money, and the state after is the state before and the flows.

The machine trades through `dex.pools`, as the rest of the system does. It is the oracle of those kinds that no SDK and
no program answered for (INF), and of sequences, which single answers don't show.
"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from benchmarks.quote_cases import KINDS, MOMENT, make
from phantom_arbiter.dex.constant_product import ConstantProductPool
from phantom_arbiter.dex.marinade import MarinadePool
from phantom_arbiter.dex.meteora_damm_v2 import DammV2Pool
from phantom_arbiter.dex.meteora_dlmm import DlmmPool
from phantom_arbiter.dex.phoenix import PhoenixMarket
from phantom_arbiter.dex.pool import SwapQuote
from phantom_arbiter.dex.pools import Moment, PoolState, apply, quote, segments
from phantom_arbiter.dex.raydium_cpmm import CpmmPool
from phantom_arbiter.dex.sanctum_inf import InfPair
from phantom_arbiter.dex.stake_pool import StakePool
from tests.property import test_phoenix, test_stake_pool
from tests.unit.dex import test_marinade, test_sanctum_inf

NOW = Moment(MOMENT.slot, MOMENT.unix_time_s, 7)  # the epoch of the made-up stake pools
MADE = {kind: st.integers(0, 2**32).map(lambda seed, kind=kind: make(kind, Random(seed)).pool) for kind in KINDS}
POOLS = MADE | {
    "phoenix": test_phoenix.markets,
    "stake_pool": test_stake_pool.pools,
    "marinade": test_marinade.pools,
    "sanctum_inf": test_sanctum_inf.pairs,
}


def held(pool: PoolState) -> tuple[int, int] | None:
    """Tokens 0 and 1 in the pool, less what it has minted; None for a pool whose state doesn't count them."""
    match pool:
        case ConstantProductPool() | CpmmPool():
            return pool.reserve_0_atoms, pool.reserve_1_atoms
        case DammV2Pool():
            return pool.reserve_a_atoms, pool.reserve_b_atoms
        case DlmmPool():
            bins = [bin_ for array in pool.arrays.values() for bin_ in array.bins]
            return sum(bin_.amount_x_atoms for bin_ in bins), sum(bin_.amount_y_atoms for bin_ in bins)
        case StakePool():
            return pool.reserve_lamports, -pool.account.pool_token_supply_atoms
        case MarinadePool():
            lamports = pool.state.reserve_lamports + pool.sol_leg_lamports
            return lamports, pool.msol_leg_atoms - pool.state.msol_supply_atoms
        case InfPair():
            return pool.lst_0.reserves_atoms, pool.lst_1.reserves_atoms
    return None


def for_sale(market: PhoenixMarket) -> int:
    """Base atoms in the asks: what makers receive is not in the book."""
    return sum(order.base_lots for order in market.asks) * market.base_lot_atoms


class Trader(RuleBasedStateMachine):
    """One trader, alone with a pool; ``gained`` is what the trader has more of than at the start."""

    pools: st.SearchStrategy[PoolState]

    @initialize(data=st.data())
    def open(self, data: st.DataObject) -> None:
        self.pool = data.draw(self.pools)
        self.gained = [0, 0]

    @rule(down=st.booleans(), share=st.floats(0.0, 0.6), magnitude=st.integers(0, 40), sized=st.booleans())
    def swap(self, down: bool, share: float, magnitude: int, sized: bool) -> None:
        room = min(sum(part.capacity_atoms for part in segments(self.pool, down, NOW)), 2.0**62)
        self.trade(max(1, int(room * share)) if sized else 1 << magnitude, down)

    @rule(all_of_it=st.booleans())
    def swap_back(self, all_of_it: bool) -> None:
        """Sell what was bought."""
        token = 0 if self.gained[0] > 0 else 1
        if self.gained[token] > 0:
            self.trade(self.gained[token] if all_of_it else -(-self.gained[token] // 2), token == 0)

    def trade(self, amount: int, down: bool) -> None:
        answer = quote(self.pool, amount, down, NOW)
        if not isinstance(answer, SwapQuote):
            return
        assert 0 <= answer.amount_in_atoms <= amount
        assert answer.amount_out_atoms >= 0
        assert min(answer.input_fee_atoms, answer.output_fee_atoms) >= 0
        before, self.pool = self.pool, apply(self.pool, answer, down, NOW)
        self.gained[not down] -= answer.amount_in_atoms
        self.gained[down] += answer.amount_out_atoms
        check_flows(before, self.pool, answer, down)
        assert not (min(self.gained) >= 0 and max(self.gained) > 0), self.gained


def check_flows(before: PoolState, after: PoolState, answer: SwapQuote, down: bool) -> None:
    """What came in is there but for the fee, what is gone went out but for the fee."""
    if isinstance(before, PhoenixMarket) and isinstance(after, PhoenixMarket):
        assert down or for_sale(before) - for_sale(after) == answer.amount_out_atoms
        return
    old, new = held(before), held(after)
    if old is None or new is None:
        return
    came, went = new[not down] - old[not down], old[down] - new[down]
    assert answer.amount_in_atoms - answer.input_fee_atoms <= came <= answer.amount_in_atoms
    assert answer.amount_out_atoms <= went <= answer.amount_out_atoms + answer.output_fee_atoms


@pytest.mark.parametrize("kind", POOLS)
def test_no_sequence_of_swaps_is_free_money(kind: str) -> None:
    class OfKind(Trader):
        pools = POOLS[kind]

    run_state_machine_as_test(OfKind, settings=settings(max_examples=60, stateful_step_count=12, deadline=None))
