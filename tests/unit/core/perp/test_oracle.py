"""Oracle rules: the program's order of faults, its limits to the unit, and what each fault still allows."""

from __future__ import annotations

import msgspec
import pytest

from phantom_arbiter.core.perp.oracle import (
    Act,
    OraclePrice,
    OracleValidity,
    allows,
    blocks_funding,
    is_too_divergent,
    mark_divergence_e6,
    oracle_validity,
)
from phantom_arbiter.core.perp.profile import DRIFT_V2, VELOCITY, ContractTier

ONE = 1_000_000
V = OracleValidity
GOOD = OraclePrice(34 * ONE, 10_000, 1)
"""Of the program's calculate_oracle_valid: a price of 34, sure to a cent."""
TWAP = 32 * ONE - 1_000


def validity(twap=TWAP, tier=ContractTier.B, **changes):
    return oracle_validity(msgspec.structs.replace(GOOD, **changes), twap, DRIFT_V2, tier)


def test_the_programs_own_vectors():
    assert validity() is V.VALID
    assert validity(delay_slots=11) is V.STALE_FOR_AMM
    assert validity(delay_slots=8, twap=21 * ONE) is V.VALID
    assert validity(delay_slots=8, twap=21 * ONE, confidence_px=ONE) is V.TOO_UNCERTAIN
    assert mark_divergence_e6(33 * ONE, 32 * ONE) == 30_303
    assert not is_too_divergent(30_303, DRIFT_V2)
    assert is_too_divergent(mark_divergence_e6(33 * ONE, 29 * ONE), DRIFT_V2)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"px": 0}, V.NON_POSITIVE),
        ({"px": -1}, V.NON_POSITIVE),
        ({"twap": 6 * 34 * ONE}, V.TOO_VOLATILE),
        ({"twap": 6 * 34 * ONE - 1}, V.VALID),  # the ratio is cut to 5
        ({"twap": 34 * ONE // 6}, V.TOO_VOLATILE),
        ({"twap": 34 * ONE // 6 + 1}, V.VALID),
        ({"twap": 0}, V.TOO_VOLATILE),
        ({"confidence_px": 680_033}, V.VALID),  # 2 % and a part that is cut off
        ({"confidence_px": 680_034}, V.TOO_UNCERTAIN),
        ({"delay_slots": 10}, V.VALID),
        ({"delay_slots": 120}, V.STALE_FOR_AMM),
        ({"delay_slots": 121}, V.STALE_FOR_MARGIN),
        ({"delay_slots": 360, "is_stable_coin": True}, V.STALE_FOR_AMM),
        ({"delay_slots": 361, "is_stable_coin": True}, V.STALE_FOR_MARGIN),
        ({"has_enough_points": False}, V.INSUFFICIENT_DATA_POINTS),
    ],
)
def test_each_limit_to_the_unit(changes, expected):
    assert validity(**changes) is expected


def test_the_worst_fault_is_told():
    faults = {"px": -5, "confidence_px": 10**9, "delay_slots": 500, "has_enough_points": False, "twap": 10**12}
    mend = [("px", 34 * ONE), ("twap", TWAP), ("confidence_px", 0), ("delay_slots", 50), ("has_enough_points", True)]
    told = [validity(**faults)]
    for field, value in mend:
        faults[field] = value
        told.append(validity(**faults))
    assert told == list(OracleValidity)[:6]


@pytest.mark.parametrize(("tier", "limit_e6"), [("A", 2), ("B", 2), ("C", 4), ("speculative", 20), ("isolated", 100)])
def test_a_tiers_confidence(tier, limit_e6):
    limit = 34 * ONE * limit_e6 // 100
    assert validity(tier=ContractTier(tier), confidence_px=limit) is V.VALID
    assert validity(tier=ContractTier(tier), confidence_px=limit + 34) is V.TOO_UNCERTAIN


ALLOWED = {
    Act.UPDATE_TWAP: "-VUSPAV",
    Act.TRIGGER_ORDER: "--USPAV",
    Act.LIQUIDATE: "--USPAV",
    Act.UPDATE_FUNDING: "---SPAV",
    Act.SETTLE_PNL: "---SPAV",
    Act.FILL_MATCH: "---SPAV",
    Act.MARGIN: "----PAV",
    Act.ORACLE_PRICE_ORDER: "----PAV",
    Act.FILL_AMM: "------V",
}
"""By act, the seven validities from the worst; a dash: refused. From is_oracle_valid_for_action."""


@pytest.mark.parametrize("act", Act)
def test_what_each_validity_allows(act):
    drift = [allows(found, act, DRIFT_V2) for found in OracleValidity]
    assert drift == [letter != "-" for letter in ALLOWED[act]]
    velocity = [allows(found, act, VELOCITY) for found in OracleValidity]
    assert velocity == (drift if act is not Act.FILL_MATCH else [letter != "-" for letter in ALLOWED[Act.MARGIN]])


def test_divergence_beyond_ten_percent_blocks_whatever_the_guard_rail_says():
    rails = msgspec.structs.replace(DRIFT_V2.guard_rails, mark_divergence_e6=1)
    strict = msgspec.structs.replace(DRIFT_V2, guard_rails=rails)
    assert [is_too_divergent(sign * 100_000, strict) for sign in (1, -1)] == [False, False]
    assert [is_too_divergent(sign * 100_001, strict) for sign in (1, -1)] == [True, True]
    assert mark_divergence_e6(30 * ONE, 31 * ONE) == -33_333  # toward zero


@pytest.mark.parametrize(
    ("found", "divergence", "age", "blocked"),
    [
        (V.VALID, 0, 0, False),
        (V.STALE_FOR_MARGIN, 0, 0, False),
        (V.TOO_UNCERTAIN, 0, 0, True),
        (V.VALID, 100_001, 0, True),
        (V.VALID, 0, 3_600, False),
        (V.VALID, 0, 3_601, True),
    ],
)
def test_what_blocks_an_hours_funding(found, divergence, age, blocked):
    assert blocks_funding(found, divergence, age, DRIFT_V2) is blocked
