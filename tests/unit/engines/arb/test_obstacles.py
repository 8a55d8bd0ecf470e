import pytest

from phantom_arbiter.core.events import TokenAudited, VenueStatus, VenueStatusChanged
from phantom_arbiter.engines.arb.obstacles import obstacle_of


def audited(**changes):
    fields = {
        "token": "BONK", "mint_authority": True, "freeze_authority": True, "transfer_fee_bps": 0,
        "liquidity_usd_micros": 0, "top_holders_bps": 10_000, "holders": 1, "age_ns": 0, "lp_burned_bps": 0,
    }  # fmt: skip
    return TokenAudited(**(fields | changes))


def test_what_is_not_kept_needs_no_good_name(house):
    house.feed(audited(sell_simulated=True))
    assert obstacle_of(house.kernel.view, ["raydium"], ["SOL", "BONK", "SOL"]) is None


def test_a_token_nobody_audited_is_no_obstacle(house):
    assert obstacle_of(house.kernel.view, ["raydium"], ["SOL", "BONK", "SOL"]) is None


@pytest.mark.parametrize(
    ("fact", "reason"),
    [
        (audited(transfer_fee_bps=1), "taxed"),
        (audited(sell_simulated=False), "frozen"),
        (VenueStatusChanged("raydium", VenueStatus.PAUSED, "test"), "paused"),
        (VenueStatusChanged("raydium", VenueStatus.REDUCE_ONLY, "test"), "paused"),
    ],
)
def test_what_stands_against_a_cycle(house, fact, reason):
    house.feed(fact)
    found = obstacle_of(house.kernel.view, ["raydium"], ["SOL", "BONK", "SOL"])
    assert found.reason == reason
    assert "raydium" in found.detail or "BONK" in found.detail


def test_a_venue_nobody_spoke_of_is_an_obstacle(house):
    assert obstacle_of(house.kernel.view, ["orca"], []).reason == "paused"
