"""The carry lab on the real history equals a recomputation by hand that shares no line with it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from phantom_arbiter.engines.funding.policy import Policy
from phantom_arbiter.research.carry_lab import CarryLabRequest, run_carry_lab
from phantom_arbiter.research.carry_run import Spot
from tests.realdata.carry_by_hand import totals
from tests.realdata.spans import data_folder

pytestmark = pytest.mark.realdata


@pytest.mark.parametrize(
    ("market", "spot", "until", "best"),
    [
        ("SOL-PERP", Spot.SOL, "2025-12-01", Policy.HYSTERESIS),
        ("SOL-PERP", Spot.JITOSOL, "2025-12-01", Policy.HYSTERESIS),
        ("BTC-PERP", Spot.NATIVE, "2025-10-01", Policy.HOLD),
    ],
)
def test_totals_are_those_worked_out_by_hand(market: str, spot: Spot, until: str, best: Policy) -> None:
    to_ns = round(datetime.fromisoformat(until).replace(tzinfo=UTC).timestamp()) * 10**9
    result = run_carry_lab(CarryLabRequest(data_folder(), market=market, spot=spot, to_ns=to_ns))
    by_hand = totals(str(data_folder()), market, spot.value, until)
    assert [one.policy for one in result.policies] == list(Policy)
    assert {one.policy.value: one.total for one in result.policies} == pytest.approx(by_hand, rel=1e-9)
    assert result.ranking[0] is best
    assert result.ranking[-1] is Policy.SIGN_FLIP
    assert sum(one.decision_count for one in result.policies) > 80
