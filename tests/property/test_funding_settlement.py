"""Over random books: what longs pay, shorts receive, less what a cap withholds and less the dust of truncation."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from phantom_arbiter.core.perp.funding import FundingIndex, MarketBook, SideRates, hourly_rate_e9, side_rates
from phantom_arbiter.core.perp.profile import DRIFT_V2, VELOCITY, ContractTier

ATOMS = 10**12
"""Base at 1e9 times rate at 1e9, over quote at 1e6."""
MAX_HOURS = 24


class Holder(NamedTuple):
    """Signed base atoms, and in which of the hours it settles (bit by bit)."""

    base_atoms: int
    settles: int


class Hour(NamedTuple):
    """What the market saw in an hour."""

    mark_twap_px: int
    oracle_twap_px: int
    fee_pool_atoms: int


class Outcome(NamedTuple):
    """Of a run: each holder's payments in order, and the rates of each hour, before and after the cap."""

    payments: list[list[int]]
    rates: list[int]
    sides: list[SideRates]


bases = st.integers(-(10**15), 10**15).filter(bool)
holders = st.lists(st.builds(Holder, bases, st.integers(0, 2**MAX_HOURS - 1)), min_size=1, max_size=12)
prices = st.integers(1, 10**11)
hours = st.lists(st.builds(Hour, prices, prices, st.integers(0, 10**13)), min_size=1, max_size=MAX_HOURS)
profiles = st.sampled_from([DRIFT_V2, VELOCITY])
tiers = st.sampled_from(ContractTier)


def book_of(everyone: list[Holder]) -> MarketBook:
    longs = sum(max(0, one.base_atoms) for one in everyone)
    shorts = sum(min(0, one.base_atoms) for one in everyone)
    return MarketBook(longs, shorts, longs + shorts)


def run(everyone: list[Holder], seen: list[Hour], rate_of: Callable[[Hour], int]) -> Outcome:
    """All hours over one book; each holder settles when it likes, and all do at the end."""
    book, index = book_of(everyone), FundingIndex()
    settled_e9 = [0] * len(everyone)
    outcome = Outcome([[] for _ in everyone], [], [])
    for number, hour in enumerate(seen):
        rate = rate_of(hour)
        sides = side_rates(rate, book, hour.fee_pool_atoms)
        index = index.post(sides)
        outcome.rates.append(rate)
        outcome.sides.append(sides)
        is_last = number == len(seen) - 1
        for who, holder in enumerate(everyone):
            if is_last or holder.settles >> number & 1:
                outcome.payments[who].append(index.payment_atoms(holder.base_atoms, settled_e9[who]))
                settled_e9[who] = index.side_e9(holder.base_atoms)
    return outcome


def owed(base_atoms: int, rate_e9: int) -> Fraction:
    """Exactly what a position receives for an hour: longs pay a positive rate."""
    return Fraction(-base_atoms * rate_e9, ATOMS)


@settings(max_examples=150, deadline=None)
@given(holders, hours, profiles, tiers)
def test_each_settlement_drops_less_than_an_atom_toward_zero(everyone, seen, profile, tier):
    outcome = run(everyone, seen, lambda hour: hourly_rate_e9(hour.mark_twap_px, hour.oracle_twap_px, profile, tier))
    for holder, payments in zip(everyone, outcome.payments, strict=True):
        waiting, number = Fraction(0), 0
        for hour, sides in enumerate(outcome.sides):
            waiting += owed(holder.base_atoms, sides.long_e9 if holder.base_atoms > 0 else sides.short_e9)
            if hour == len(seen) - 1 or holder.settles >> hour & 1:
                assert payments[number] == int(waiting)
                assert 0 <= abs(waiting) - abs(payments[number]) < 1
                waiting, number = Fraction(0), number + 1
        assert number == len(payments)


@settings(max_examples=150, deadline=None)
@given(holders, hours, profiles, tiers)
def test_longs_pay_what_shorts_receive_less_the_cap_and_the_dust(everyone, seen, profile, tier):
    """And the market maker, who is the other side of the imbalance, pays its budget and an atom at most."""
    outcome = run(everyone, seen, lambda hour: hourly_rate_e9(hour.mark_twap_px, hour.oracle_twap_px, profile, tier))
    book = book_of(everyone)
    withheld = maker = Fraction(0)
    for hour, rate, sides in zip(seen, outcome.rates, outcome.sides, strict=True):
        paid_out = owed(book.long_base_atoms, sides.long_e9) + owed(book.short_base_atoms, sides.short_e9)
        budget = hour.fee_pool_atoms // 3
        assert paid_out < budget + 1
        receivers = book.short_base_atoms if rate > 0 else book.long_base_atoms
        if sides.long_e9 != sides.short_e9 and receivers:
            assert paid_out > budget - 2 - Fraction(abs(receivers), ATOMS)  # the cap takes no more than it must
        kept = owed(book.net_with_amm_atoms, rate) - paid_out
        assert kept >= 0
        withheld += kept
        maker -= owed(book.net_with_amm_atoms, rate)
    received = sum(sum(payments) for payments in outcome.payments)
    settlements = sum(len(payments) for payments in outcome.payments)
    assert abs(received + withheld + maker) < settlements


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 10**15), st.integers(0, 2**24 - 1)), min_size=1, max_size=8), hours, tiers)
def test_a_balanced_book_is_zero_sum_and_never_capped(pairs, seen, tier):
    everyone = [Holder(sign * base, settles) for base, settles in pairs for sign in (1, -1)]
    outcome = run(everyone, seen, lambda hour: hourly_rate_e9(hour.mark_twap_px, hour.oracle_twap_px, DRIFT_V2, tier))
    assert outcome.sides == [SideRates(rate, rate) for rate in outcome.rates]
    for longs, shorts in zip(outcome.payments[::2], outcome.payments[1::2], strict=True):
        assert [-payment for payment in longs] == shorts


@settings(max_examples=100)
@given(st.integers(1, 10**15), st.integers(-(10**10), 10**10), st.integers(-(10**15), 0), st.integers(0, 10**12))
def test_a_positive_rate_takes_from_longs_and_gives_to_shorts(longs, rate, shorts, fee_pool):
    index = FundingIndex().post(side_rates(rate, MarketBook(longs, shorts, longs + shorts), fee_pool))
    long_side, short_side = index.payment_atoms(longs, 0), index.payment_atoms(shorts, 0)
    if rate > 0:
        assert long_side <= 0 <= short_side
    else:
        assert short_side <= 0 <= long_side
    assert index.payment_atoms(longs, index.long_e9) == 0


@settings(max_examples=100)
@given(bases, st.lists(st.integers(-(10**10), 10**10), min_size=1, max_size=48))
def test_settling_often_or_once_differs_by_less_than_an_atom_a_settlement(base, rates):
    index, often, settled = FundingIndex(), 0, 0
    for rate in rates:
        index = index.post(SideRates(rate, rate))
        often += index.payment_atoms(base, settled)
        settled = index.side_e9(base)
    assert abs(often - index.payment_atoms(base, 0)) <= len(rates)
