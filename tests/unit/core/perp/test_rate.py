"""One signed type for a rate, from four units."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.core.perp.rate import MAX_E12, HourlyRate, RateError


def test_the_four_units_agree():
    # 0.01 quote per base an hour at 100 a base: 0.01 % an hour.
    expected = HourlyRate(10**8)
    assert HourlyRate.of_program(10_000_000, 100_000_000) == expected
    assert HourlyRate.of_quote_per_base(Decimal("0.01"), Decimal(100)) == expected
    assert HourlyRate.of_percent(Decimal("0.01")) == expected
    assert HourlyRate.of_fraction(Decimal("0.0001")) == expected
    assert expected.fraction == 1e-4
    assert expected.apr == pytest.approx(0.8766)


@pytest.mark.parametrize(("e12", "receiver"), [(1, "shorts"), (-1, "longs"), (0, "nobody")])
def test_a_positive_rate_pays_shorts(e12, receiver):
    assert HourlyRate(e12).receiver == receiver


def test_a_programs_rate_is_truncated_toward_zero():
    assert HourlyRate.of_program(2, 3_000_000_000).e12 == 0
    assert HourlyRate.of_program(-5, 3_000_000).e12 == -1_666
    assert HourlyRate.of_program(5, 3_000_000).e12 == 1_666


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_number_is_refused(text):
    bad = Decimal(text)
    for read in (HourlyRate.of_percent, HourlyRate.of_fraction):
        with pytest.raises(RateError, match="finite"):
            read(bad)
    with pytest.raises(RateError, match="finite"):
        HourlyRate.of_quote_per_base(bad, Decimal(1))
    with pytest.raises(RateError, match="oracle TWAP"):
        HourlyRate.of_quote_per_base(Decimal(1), bad)


def test_a_mistaken_unit_is_refused():
    assert HourlyRate(MAX_E12).e12 == -HourlyRate(-MAX_E12).e12
    for e12 in (MAX_E12 + 1, -MAX_E12 - 1):
        with pytest.raises(RateError, match="wrong unit"):
            HourlyRate(e12)
    with pytest.raises(RateError, match="wrong unit"):
        HourlyRate.of_fraction(Decimal("0.0126"))  # a clamped hour, told in percent
    for twap in (0, -1):
        with pytest.raises(RateError, match="oracle_twap_px"):
            HourlyRate.of_program(1, twap)
        with pytest.raises(RateError, match="oracle TWAP"):
            HourlyRate.of_quote_per_base(Decimal(1), Decimal(twap))


@given(st.integers(-MAX_E12, MAX_E12), st.integers(-MAX_E12, MAX_E12))
def test_rates_are_ordered_by_what_longs_pay(one, other):
    assert (HourlyRate(one) < HourlyRate(other)) == (one < other)
