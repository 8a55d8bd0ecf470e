"""Profiles: every tier has every number, and the numbers that differ between the venues."""

from __future__ import annotations

import pytest

from phantom_arbiter.core.perp.profile import DRIFT_V2, PROFILES, VELOCITY, ContractTier


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_every_table_has_every_tier(profile):
    for table in (profile.clamp_denominators, profile.sanitize_denominators, profile.confidence_multipliers):
        assert set(table) == set(ContractTier)
        assert min(table.values()) > 0


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_fee_tiers_rise_in_volume_fall_in_fee_and_end_unbounded(profile):
    bounds = [tier.below_volume_usd for tier in profile.fee_tiers]
    fees = [tier.taker_fee_ppm for tier in profile.fee_tiers]
    assert bounds[-1] == 0
    assert bounds[:-1] == sorted(set(bounds[:-1]))
    assert fees == sorted(fees, reverse=True)
    assert all(tier.maker_rebate_ppm < tier.taker_fee_ppm for tier in profile.fee_tiers)


def test_what_velocity_changed():
    assert (DRIFT_V2.offset_denominator, VELOCITY.offset_denominator) == (5_000, 3_333)
    assert (DRIFT_V2.dead_zone_bps, VELOCITY.dead_zone_bps) == (0, 5)
    assert (DRIFT_V2.reseed_periods, VELOCITY.reseed_periods) == (0, 3)
    assert (DRIFT_V2.quote, VELOCITY.quote) == ("USDC", "USDT")
    assert DRIFT_V2.program != VELOCITY.program


def test_profiles_go_by_their_name_and_only_the_paused_one_refuses_orders():
    assert {name: profile.name for name, profile in PROFILES.items()} == {
        "drift-v2": "drift-v2",
        "velocity": "velocity",
    }
    assert "2026-04-01" in DRIFT_V2.live_refused
    assert VELOCITY.live_refused == ""


def test_guard_rails_are_the_programs_defaults():
    rails = VELOCITY.guard_rails
    assert rails == DRIFT_V2.guard_rails
    assert (rails.stale_for_amm_slots, rails.stale_for_margin_slots) == (10, 120)
    assert (rails.confidence_max_e6, rails.too_volatile_ratio, rails.mark_divergence_e6) == (20_000, 5, 100_000)
