"""The exact pools at work: gaps close, whales' stay for a while, and a state goes on where it was."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from phantom_arbiter.dex import pools
from phantom_arbiter.dex.account_pools import PoolDecoder
from phantom_arbiter.dex.pool import SwapQuote, SwapRefusal
from phantom_arbiter.dex.stake_pool import StakePool
from phantom_arbiter.sim.market.exact_book import FLOW, ExactBook, ExactBookState
from phantom_arbiter.sim.market.exact_pools import EXACT_POOLS, moment_at
from phantom_arbiter.sim.market.exact_rates import closing_atoms, marginal_rates
from phantom_arbiter.sim.market.pools import trade_block
from tests.unit.sim.market.test_account_writers import SLOT, price_of

FAIR = [price_of(spec) for spec in EXACT_POOLS]
INDICES = range(len(EXACT_POOLS))
STAKE = next(index for index, spec in enumerate(EXACT_POOLS) if spec.program == "spl_stake_pool")
PUMP = next(index for index, spec in enumerate(EXACT_POOLS) if spec.program == "pump_swap")
TRADED = [index for index in INDICES if index != STAKE]


def opened(*, gaps: bool = True) -> ExactBook:
    return ExactBook.opening(FAIR, SLOT, gaps)


def busy(book: ExactBook, slots: int = 150, seed: int = 1) -> list[float]:
    """A block of noise and moving prices; the last fair prices."""
    rng = np.random.default_rng(seed)
    trades, fair = trade_block(rng, 2.0, FLOW), list(FAIR)
    for at in range(slots):
        fair = [price * float(np.exp(0.0003 * rng.standard_normal())) for price in fair]
        for trade in trades[at]:
            book.trade(trade, SLOT + at, fair)
        book.arbitrage(SLOT + at, fair)
    return fair


def best_gain(book: ExactBook, index: int, fair: float, slot: int) -> float:
    """What the best of both directions gains at the fair price, as a fraction of the input, for a tiny swap."""
    moment, gains = moment_at(slot), []
    for zero_for_one, worth in ((True, fair), (False, 1 / fair)):
        segments = pools.segments(book.pools[index], zero_for_one, moment)
        gains.append(segments[0].a / segments[0].b / worth - 1 if segments else -1.0)
    return max(gains)


@pytest.mark.parametrize("seed", range(3))
def test_without_gaps_no_pool_pays_more_than_the_fair_price(seed):
    book = opened(gaps=False)
    fair = busy(book, seed=seed)
    gains = [best_gain(book, index, fair[index], SLOT + 149) for index in TRADED]
    assert max(gains) < 1e-9


@pytest.mark.parametrize("index", TRADED)
@pytest.mark.parametrize("move", [0.97, 1.03])
def test_arbitrage_brings_a_pool_to_where_it_no_longer_pays_and_no_further(index, move):
    book = opened()
    fair = [price * move for price in FAIR]
    before = best_gain(book, index, fair[index], SLOT)
    for _ in range(2):  # a DLMM pair moves by the bin arrays at its price
        book.arbitrage(SLOT, fair)
    after = best_gain(book, index, fair[index], SLOT)
    assert before > 0.02
    assert -0.003 < after < 1e-4  # within a bin's step, and the cost of a transaction
    assert list(book.changed) == list(dict.fromkeys([*book.changed, index]))


def test_a_whales_gap_stays_for_its_time():
    book, index = opened(), TRADED[0]
    book.trade((index, True, 0.004, 5), SLOT, FAIR)
    gap = best_gain(book, index, FAIR[index], SLOT)
    assert gap > 1e-3
    for slot in range(SLOT, SLOT + 5):
        book.arbitrage(slot, FAIR)
        assert best_gain(book, index, FAIR[index], slot) == gap
    book.arbitrage(SLOT + 5, FAIR)
    assert best_gain(book, index, FAIR[index], SLOT + 5) < 1e-4


def test_what_a_stake_pools_reserve_holds_is_withdrawn_while_its_token_is_cheap():
    book = opened()
    cheap = [price * 1.002 if index == STAKE else price for index, price in enumerate(FAIR)]  # jitoSOL 20 bps down
    book.arbitrage(SLOT, cheap)
    assert book.pools[STAKE].reserve_lamports < 110_000_000
    book.trade((STAKE, True, 0.001, 0), SLOT + 1, cheap)
    assert list(book.changed) == [STAKE]
    deposited = book.pools[STAKE].reserve_lamports
    book.arbitrage(SLOT + 1, cheap)
    assert book.pools[STAKE].reserve_lamports < 110_000_000 < deposited


def test_a_stake_pool_is_refused_between_the_epochs_end_and_its_crank():
    book, epoch = opened(), moment_at(SLOT).epoch
    later = moment_at(SLOT)._replace(epoch=epoch + 1)
    assert isinstance(book.quote(STAKE, True, 10**9, later), SwapRefusal)
    book.crank({"jitoSOL": 1_297_500_000}, epoch + 1)
    answer = book.quote(STAKE, True, 10**9, later)
    assert isinstance(answer, SwapQuote)
    assert answer.amount_out_atoms == 10**18 // 1_297_500_000
    book.changed.clear()
    book.crank({"jitoSOL": 1_297_500_000}, epoch + 1)
    assert not book.changed


def test_a_pulled_pool_refuses_everything():
    book = opened()
    book.pull(PUMP)
    assert book.quote(PUMP, True, 10**9, moment_at(SLOT)) == SwapRefusal("the pool is empty")
    book.arbitrage(SLOT, FAIR)
    assert list(book.changed) == [PUMP]


def test_facts_tell_what_changed_and_decode_to_the_book():
    book, decoder = opened(), PoolDecoder()
    for index in INDICES:
        assert decoder.read(book.fact(index, SLOT, everything=True)) == book.pools[index]
    busy(book)
    told = [(index, book.fact(index, SLOT + 150, everything=False)) for index in book.changed]
    assert len(told) == len(EXACT_POOLS)
    for index, fact in told:
        assert decoder.read(fact) == book.pools[index]
        assert sum(len(account.data) for account in fact.accounts) < 60_000
    assert [len(fact.accounts) for index, fact in told if EXACT_POOLS[index].program == "whirlpool"] == [1, 1]


def test_a_state_goes_on_where_it_was_with_facts_yet_to_tell():
    book = opened()
    busy(book)
    for index in list(book.changed)[:3]:
        book.fact(index, SLOT + 150, everything=False)
        del book.changed[index]
    book.trade((TRADED[0], True, 0.004, 5), SLOT + 150, FAIR)
    stored = msgspec.msgpack.encode(book.state())
    again = ExactBook.from_state(msgspec.msgpack.decode(stored, type=ExactBookState), list(book.changed), gaps=True)
    assert again.pools == book.pools
    assert again.cursor() == book.cursor()
    for each in (book, again):
        busy(each, seed=2)
    assert again.cursor() == book.cursor()
    facts = [[each.fact(index, SLOT + 300, everything=False) for index in each.changed] for each in (book, again)]
    assert facts[0] == facts[1]


def test_the_cursor_tells_states_apart():
    book = opened()
    before = book.cursor()
    book.swap(STAKE, True, 10**9, moment_at(SLOT))
    assert [one == other for one, other in zip(before, book.cursor(), strict=True)].count(False) == 1


def pays(state, zero_for_one: bool) -> float:
    """What the first atom pays by the segments."""
    first = pools.segments(state, zero_for_one, moment_at(SLOT))[0]
    return first.a / first.b


@pytest.mark.parametrize("index", TRADED)
@pytest.mark.parametrize("zero_for_one", [True, False])
def test_closing_stops_where_the_next_atom_is_worth_what_was_asked(index, zero_for_one):
    state, moment = opened().pools[index], moment_at(SLOT)
    first = pays(state, zero_for_one)
    atoms = closing_atoms(state, zero_for_one, first * 0.99, moment)
    moved = pools.quote(state, int(atoms) + 10, zero_for_one, moment)
    assert isinstance(moved, SwapQuote)
    after = pays(pools.apply(state, moved, zero_for_one, moment), zero_for_one)
    # A bin further is 20 bps down; PumpSwap leaves a part of its fee in the pool, a hundred-thousandth here.
    assert first * 0.988 < after <= first * 0.99 * (1 + 2e-5)
    assert marginal_rates(state)[not zero_for_one] == pytest.approx(first, rel=1e-9)
    assert closing_atoms(state, zero_for_one, first * 1.001, moment) == 0.0


def test_nobody_deposits_with_a_stake_pool_for_a_gain():
    state = opened().pools[STAKE]
    assert isinstance(state, StakePool)
    assert marginal_rates(state)[0] == 0.0
