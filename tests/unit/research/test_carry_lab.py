"""The carry lab on made-up hours: what is earned and paid, from when on, and what may be known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phantom_arbiter.core.perp.reading import FundingHour
from phantom_arbiter.core.units import NS_PER_HOUR
from phantom_arbiter.engines.funding.policy import Policy
from phantom_arbiter.research.carry_lab import CHART_POINTS, CarryLabRequest, CarryLabResult, PolicyResult, compare
from phantom_arbiter.research.carry_rows import CarryRows
from phantom_arbiter.research.carry_run import CAUSES, CarryCosts, Spot
from phantom_arbiter.storage.schemas import DataError

START_NS = 1_744_588_800 * 10**9
FREE = CarryCosts(0.0, 0.0, 0.0, 0.0)


def rows(
    rates_e9: Sequence[int],
    *,
    oracle: Sequence[float] = (),
    mark: Sequence[float] = (),
    staking: float = 0.0,
    borrow: float = 0.0,
) -> CarryRows:
    """Hours at 100 USD unless said; ``staking`` and ``borrow`` an hour."""
    prices = list(oracle) or [100.0] * len(rates_e9)
    marks = list(mark) or prices
    hours = tuple(
        FundingHour(START_NS + index * NS_PER_HOUR, rate, round(price * 1e6), round(other * 1e6))
        for index, (rate, price, other) in enumerate(zip(rates_e9, prices, marks, strict=True))
    )
    return CarryRows(hours, (staking,) * len(hours), (borrow,) * len(hours))


def lab(
    given_rows: CarryRows, spot: Spot = Spot.SOL, costs: CarryCosts | None = None, **more: object
) -> CarryLabResult:
    request = CarryLabRequest(Path(), spot=spot, costs=costs or CarryCosts())
    return compare(given_rows, msgspec.structs.replace(request, **more))


def of(result: CarryLabResult, policy: Policy) -> PolicyResult:
    return next(one for one in result.policies if one.policy is policy)


# What is earned and paid


def test_hold_enters_after_the_first_hour_and_earns_from_the_second_on() -> None:
    hold = of(lab(rows([1_000_000, 2_000_000, -500_000]), costs=FREE), Policy.HOLD)
    assert hold.causes["funding"] == pytest.approx(100 * 0.002 - 100 * 0.0005)
    assert (hold.hours_in, hold.entries, hold.decision_count) == (2, 1, 1)
    assert hold.spans[0].from_ns == START_NS + NS_PER_HOUR
    assert hold.spans[0].to_ns == START_NS + 2 * NS_PER_HOUR
    assert hold.decisions[0].ts_ns == START_NS


def test_funding_is_whole_millionths_cut_off_each_hour() -> None:
    hold = of(lab(rows([0, 3, 3, 3, -3]), costs=FREE, notional_usd=50_000.0), Policy.HOLD)
    assert hold.series["funding"] == [0.0, 1e-6, 2e-6, 3e-6, 2e-6]  # 500 base · 3e-9 = 1.5e-6, cut to 1e-6


def test_a_round_trip_costs_what_is_said() -> None:
    for spot, bps in ((Spot.SOL, 19.0), (Spot.NATIVE, 19.0), (Spot.JITOSOL, 29.0)):
        result = lab(rows([0, 0, 0]), spot)
        hold = of(result, Policy.HOLD)
        assert result.round_trip_bps == pytest.approx(bps)
        assert hold.total == pytest.approx(-10_000 * bps / 1e4)
        assert hold.causes["perp_fees"] == pytest.approx(-7.0)
        assert hold.causes["swap_fees"] == pytest.approx(-(bps - 11.0))
        assert hold.causes["slippage"] == pytest.approx(-4.0)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(20.0, 500.0), min_size=3, max_size=60),
    st.sampled_from([Spot.SOL, Spot.NATIVE]),
    st.lists(st.floats(-0.01, 0.01), min_size=60, max_size=60),
)
def test_without_funding_one_earns_minus_the_costs_never_more(
    prices: list[float], spot: Spot, premiums: list[float]
) -> None:
    marks = [price * (1.0 + premium) for price, premium in zip(prices, premiums, strict=False)]
    result = lab(rows([0] * len(prices), oracle=prices, mark=marks), spot)
    for policy in result.policies:
        paid = sum(policy.causes[cause] for cause in ("perp_fees", "swap_fees", "slippage", "borrow", "basis"))
        assert policy.total == pytest.approx(paid)
        assert policy.total <= 0.0
    assert of(result, Policy.HOLD).total < 0.0
    assert of(result, Policy.SIGN_FLIP).total == 0.0
    assert of(result, Policy.HYSTERESIS).total == 0.0


def test_price_moves_cancel_and_a_premium_counts_only_against_us() -> None:
    prices = [100.0, 100.0, 180.0, 140.0]
    against = of(lab(rows([0] * 4, oracle=prices, mark=[100, 99, 180, 141]), costs=FREE), Policy.HOLD)
    assert against.causes["basis"] == pytest.approx(-100 * 1.0 - 100 * 1.0)
    assert against.basis_not_counted == 0.0
    favour = of(lab(rows([0] * 4, oracle=prices, mark=[100, 101, 180, 139]), costs=FREE), Policy.HOLD)
    assert favour.total == 0.0
    assert favour.basis_not_counted == pytest.approx(200.0)


def test_staking_accrues_at_the_price_of_its_hour_while_in() -> None:
    earned = of(lab(rows([0] * 4, oracle=[100, 100, 120, 90], staking=1e-3), Spot.JITOSOL, FREE), Policy.HOLD)
    assert earned.causes["staking"] == pytest.approx(100 * math.expm1(1e-3) * (100 + 120 + 90))
    plain = of(lab(rows([0] * 4, staking=1e-3), Spot.SOL, FREE), Policy.HOLD)
    assert plain.causes["staking"] == 0.0


def test_losses_beyond_the_margin_are_borrowed() -> None:
    hold = of(lab(rows([0] * 4, oracle=[100, 100, 140, 170], borrow=1e-3), costs=FREE), Policy.HOLD)
    assert hold.causes["borrow"] == pytest.approx(-100 * (170 - 150) * 1e-3)


def test_rates_are_those_known_when_the_hour_began() -> None:
    made = rows([0] * 4, oracle=[100, 100, 200, 200])
    told = CarryRows(made.hours, (0.0, 1e-3, 0.0, 0.0), (0.0, 1e-3, 0.0, 5e-3))
    hold = of(lab(told, Spot.JITOSOL, FREE), Policy.HOLD)
    assert hold.causes["staking"] == pytest.approx(100 * 200 * math.expm1(1e-3))
    assert hold.causes["borrow"] == pytest.approx(-100 * 50 * 1e-3)


def test_leaving_jitosol_is_paid_when_it_is_sold() -> None:
    hold = of(lab(rows([0] * 3, oracle=[100, 100, 300]), Spot.JITOSOL), Policy.HOLD)
    assert hold.series["swap_fees"] == pytest.approx([0.0, -4.0, -4.0 - 100 * 300 * 14e-4])


def test_just_holding_pays_its_swaps_and_compounds() -> None:
    jito, sol = lab(rows([0] * 4, oracle=[100, 110, 120, 132], staking=1e-3), Spot.SOL).holding
    assert (jito.name, sol.name) == ("jitoSOL", "SOL")
    assert sol.total == pytest.approx(100 * 22 - 100 * (110 + 132) * 5e-4)
    grown = 100 * 132 * math.exp(2e-3)
    assert jito.total == pytest.approx(grown - 11_000 - 11_000 * 5e-4 - grown * 15e-4)
    assert jito.total == pytest.approx(jito.price + jito.staking + jito.costs)
    assert [one.name for one in lab(rows([0] * 4), Spot.NATIVE, market="BTC-PERP").holding] == ["BTC"]


# What may be known


def test_the_hour_that_asked_for_the_entry_is_not_earned() -> None:
    flip = of(lab(rows([0, 5_000_000, 0, -4_000_000, -3_000_000]), costs=FREE), Policy.SIGN_FLIP)
    assert [decision.act for decision in flip.decisions] == ["enter", "leave"]
    assert flip.causes["funding"] == pytest.approx(-0.4)  # the loss that asked for the exit, not the gain
    assert flip.hours_in == 2


HISTORIES = st.lists(st.integers(-40_000_000, 40_000_000), min_size=12, max_size=60)


@settings(max_examples=30, deadline=None)
@given(HISTORIES, st.data())
def test_later_hours_change_nothing_before(history: list[int], data: st.DataObject) -> None:
    cut = data.draw(st.integers(3, len(history) - 2))
    other = history[:cut] + data.draw(
        st.lists(st.integers(-40_000_000, 40_000_000), min_size=len(history) - cut, max_size=len(history) - cut)
    )
    now = START_NS + cut * NS_PER_HOUR
    for one, two in zip(lab(rows(history)).policies, lab(rows(other)).policies, strict=True):
        for cause in CAUSES:
            assert one.series[cause][:cut] == two.series[cause][:cut]
        known = [[each for each in run.decisions if each.ts_ns < now] for run in (one, two)]
        assert known[0] == known[1]


@settings(max_examples=30, deadline=None)
@given(HISTORIES)
def test_the_last_hour_decides_nothing(history: list[int]) -> None:
    last = START_NS + (len(history) - 1) * NS_PER_HOUR
    for policy in lab(rows(history)).policies:
        assert all(decision.ts_ns < last for decision in policy.decisions)
        assert sum(policy.causes.values()) == pytest.approx(policy.total)
        assert policy.series["total"][-1] == pytest.approx(policy.total)


# What is told


def test_the_verdict_says_who_won_and_that_hysteresis_lost_to_hold() -> None:
    steady = [800_000 + 400_000 * (-1) ** index for index in range(400)]
    result = lab(rows(steady))
    assert [one.policy for one in result.policies] == list(Policy)
    assert result.ranking[0] is Policy.HOLD
    assert result.verdict[0].startswith("hold won with +")
    behind = of(result, Policy.HOLD).total - of(result, Policy.HYSTERESIS).total
    assert behind > 0
    assert any(line.startswith("hysteresis came to") and f"{behind:,.2f} USD" in line for line in result.verdict)


def test_losers_are_called_losers() -> None:
    verdict = lab(rows([-1_000_000] * 40), policies=(Policy.HOLD, Policy.SIGN_FLIP)).verdict
    assert verdict[0].startswith("sign-flip lost least, with +0.00 USD")
    assert any("Doing nothing earns 0.00 USD" in line for line in verdict)


def test_one_policy_alone_has_no_rival() -> None:
    result = lab(rows([9_000] * 10), policies=(Policy.HOLD,))
    assert [one.policy for one in result.policies] == [Policy.HOLD]
    assert result.verdict[0].startswith("hold came to")


def test_the_result_is_json_with_thinned_series() -> None:
    result = lab(rows([(-1) ** (index // 7) * 30_000_000 for index in range(1_200)]), Spot.JITOSOL)
    told = msgspec.json.decode(msgspec.json.encode(result))
    assert len(told["ts_ns"]) == CHART_POINTS
    assert told["ts_ns"][0] == START_NS
    assert told["ts_ns"][-1] == told["to_ns"]
    for policy in told["policies"]:
        assert set(policy["series"]) == {*CAUSES, "total"}
        assert all(len(series) == CHART_POINTS for series in policy["series"].values())
    flip = told["policies"][1]
    assert flip["decision_count"] == len(flip["decisions"]) > 100
    assert flip["decisions"][0]["enter"] is None
    assert any("29 bps a round trip" in note for note in told["notes"])


def test_progress_ends_at_the_last_hour() -> None:
    told: list[tuple[int, int]] = []
    compare(rows([0] * 120), CarryLabRequest(Path()), lambda _label, done, total: told.append((done, total)))
    assert told[0] == (0, 120)
    assert told[-1] == (120, 120)
    assert told == sorted(told)


@pytest.mark.parametrize("spot", [Spot.SOL, Spot.JITOSOL])
def test_sol_does_not_hedge_another_perp(spot: Spot) -> None:
    with pytest.raises(DataError, match=rf"spot: got '{spot.value}' for BTC-PERP, expected 'native'"):
        lab(rows([0] * 4), spot, market="BTC-PERP")
