"""Health, leverage and liquidation price equal the exact SDK's, and one log of the program itself in a simulated
validator: `MarginCalculation` of a refused order on Velocity's real accounts."""

from __future__ import annotations

import json
import os
from math import floor
from pathlib import Path
from typing import Any

import pytest

from phantom_arbiter.core.health import (
    COLLATERAL_WEIGHTS,
    PERP_MARGINS,
    Exposure,
    Holding,
    MarginAccount,
    assess,
    collateral_and_requirement,
    liquidation_px,
)
from phantom_arbiter.core.perp.margin import MarginType, MarketMargin, StrictPrice
from phantom_arbiter.core.perp.payment import funding_payment_atoms
from phantom_arbiter.core.perp.spot import token_atoms

CHECKOUT = Path(__file__).resolve().parents[2]
SAMPLES = Path(os.environ.get("PHANTOM_SAMPLES_DIR", CHECKOUT.parent / "shared" / "samples"))
USD, WHOLE = 10**6, 10**9


def vectors() -> list[dict[str, Any]]:
    paths = sorted(SAMPLES.glob("vectors_drift_sdk_*.json"))
    if not paths:
        pytest.skip(f"no SDK vectors in {SAMPLES} (PHANTOM_SAMPLES_DIR names the folder)")
    return [vector for path in paths for vector in json.loads(path.read_text())]


def account_of(given: dict[str, Any]) -> MarginAccount:
    px, base = given["price"] * USD, given["perp"] * WHOLE
    index = int(given["fundL"] if base > 0 else given["fundS"]) if "fundL" in given else 0
    exposure = Exposure(
        instrument="SOL-PERP",
        base_atoms=base,
        quote_atoms=-given["perp"] * given["entry"] * USD,
        oracle_px=px,
        funding_atoms=funding_payment_atoms(base, 0, index),
        margin=MarketMargin(initial_bps=500, maintenance_bps=300, imf_e6=given.get("imf", 0)),
    )
    holdings = (
        Holding("USDC", given["usdc"] * USD, 6, USD, COLLATERAL_WEIGHTS["USDC"]),
        Holding("SOL", given["sol"] * WHOLE, 9, px, COLLATERAL_WEIGHTS["SOL"]),
    )
    return MarginAccount(holdings, (exposure,))


def test_the_sdk_agrees():
    seen = set()
    for vector in vectors():
        account = account_of(vector["input"])
        margin = assess(account)
        for kind, name in ((MarginType.INITIAL, "Initial"), (MarginType.MAINTENANCE, "Maintenance")):
            there = vector[name]
            collateral, requirement = collateral_and_requirement(account, kind)
            assert (collateral, requirement) == (int(there["totalCollateral"]), int(there["marginRequirement"]))
            assert collateral - requirement == int(there["free"]), vector["name"]
        assert floor(margin.health + 0.5) == vector["health"]  # the SDK rounds, ours is cut to a hundredth
        assert floor(margin.leverage * 10_000) == int(vector["leverage_1e4"])
        assert liquidation_px(account, "SOL-PERP") == int(vector["liquidationPrice"])
        seen.add((vector["health"], liquidation_px(account, "SOL-PERP")))
    assert {(85, 174_757_281), (97, 1_153_846_153)} <= seen


def test_the_program_in_a_simulated_validator_agrees():
    """2,000 USDT at 0.999260 (0.999289 five minutes before), and two orders to sell 5,010 SOL at 76.340755."""
    usdt = token_atoms(2_000 * WHOLE, 10_000_000_526, 6, borrowed=False)
    quote = StrictPrice(999_260, 999_289)
    orders = Exposure(
        instrument="SOL-PERP",
        base_atoms=0,
        quote_atoms=0,
        oracle_px=76_340_755,
        margin=PERP_MARGINS["SOL-PERP"],
        open_asks_atoms=-5_010 * WHOLE,
        open_orders=2,
    )
    holding = Holding("USDT", usdt, 6, quote.px, COLLATERAL_WEIGHTS["USDT"], twap_px=quote.twap_px)
    account = MarginAccount((holding,), (orders,), quote=quote)
    assert collateral_and_requirement(account, MarginType.INITIAL) == (1_998_520_104, 19_109_782_419)
