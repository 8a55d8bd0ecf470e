"""Funding payments: the sign, the scale and the rounding of the program."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.core.perp.payment import funding_payment_atoms

SOL = 10**9
BASES = st.integers(-(10**15), 10**15)
INDICES = st.integers(-(10**12), 10**12)


@pytest.mark.parametrize(
    ("base_atoms", "to_e9", "payment"),
    [
        # The SDK's vector: the index rises by 0.05 quote per base, a short of 10 receives 0.5.
        (-10 * SOL, 50_000_000, 500_000),
        (10 * SOL, 50_000_000, -500_000),
        (-10 * SOL, -50_000_000, -500_000),
        (10 * SOL, -50_000_000, 500_000),
        (0, 50_000_000, 0),
        # 1.999… quote atoms, divided toward zero on both sides.
        (1_999_999_999, 1_000, -1),
        (-1_999_999_999, 1_000, 1),
    ],
)
def test_payment_of_known_cases(base_atoms, to_e9, payment):
    assert funding_payment_atoms(base_atoms, 0, to_e9) == payment


@given(BASES, INDICES, INDICES)
def test_what_the_short_receives_the_long_pays(base_atoms, from_e9, to_e9):
    long_side = funding_payment_atoms(base_atoms, from_e9, to_e9)
    assert funding_payment_atoms(-base_atoms, from_e9, to_e9) == -long_side


@given(BASES, INDICES, INDICES)
def test_three_truncating_divisions_equal_one(base_atoms, from_e9, to_e9):
    stepwise = abs(to_e9 - from_e9) * abs(base_atoms) // 10**6 // 10**3 // 10**3
    assert abs(funding_payment_atoms(base_atoms, from_e9, to_e9)) == stepwise
