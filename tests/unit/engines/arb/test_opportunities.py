"""What the engine waits for, leaves, spreads and buries: opportunities from first sight to their end."""

import pytest

from phantom_arbiter.core.events import (
    LegReport,
    LegStatus,
    LinkChanged,
    OrderReported,
    PoolUpdated,
    TokenAudited,
    VenueStatus,
    VenueStatusChanged,
)
from phantom_arbiter.core.units import LAMPORTS_PER_SOL, NS_PER_SECOND, SLOT_NS
from phantom_arbiter.core.verdicts import Approved, Refused
from phantom_arbiter.engines.arb.settings import ArbConfig
from tests.unit.engines.arb.conftest import gap, report


def graves(house):
    return [(grave["reason"], grave["would_usd"]) for grave in house.engine.panel()["graves"]]


def test_a_gap_must_still_be_there_in_a_later_slot(make_house):
    house = make_house(config=ArbConfig())
    assert gap(house) == []
    assert house.engine.state.proposed == 0
    (verdict,) = house.sol_usdc("third", 150.0, fee_bps=100)
    assert isinstance(verdict, Approved)
    assert {leg.pool for leg in verdict.intent.legs} == {"ray", "orca"}
    assert house.engine.state.sightings == {}


def test_a_gap_between_two_facts_of_one_slot_was_never_there(make_house):
    house = make_house(config=ArbConfig())
    gap(house)
    assert house.sol_usdc("ray", 149.3, after_ns=0) == []
    assert house.sol_usdc("orca", 149.3) == []
    assert house.engine.state.proposed == 0
    ((reason, would),) = graves(house)
    assert reason == "vanished"
    for _ in range(9):
        house.sol_usdc("orca", 149.3)
    ((reason, would),) = graves(house)
    assert all(usd < 0 for usd in would), "later it would have paid the pools' fees for nothing"


def test_what_rests_on_a_stale_pool_is_buried(make_house):
    house = make_house(config=ArbConfig(max_pool_age_slots=10, persist_slots=0))
    house.sol_usdc("orca", 149.3)
    house.sol_usdc("ray", 150.7, after_ns=20 * SLOT_NS)
    ((reason, _),) = graves(house)
    assert reason == "stale"


def test_what_the_chain_would_take_is_buried_and_probed(make_house):
    house = make_house(config=ArbConfig(persist_slots=0, max_trade_usd_micros=230_000))
    (verdict,) = gap(house)
    assert isinstance(verdict, Refused)
    assert verdict.intent.pod == "probe"
    ((reason, _),) = graves(house)
    assert reason == "costs"


def test_what_no_transaction_could_carry_is_only_counted(make_house):
    house = make_house(config=ArbConfig(persist_slots=0, max_trade_usd_micros=100_000))
    gap(house)
    assert graves(house) == []
    assert house.engine.panel()["reasons"] == [{"reason": "dust", "count": 1, "would_usd": [None] * 4}]


def test_a_rival_who_was_faster_is_remembered_with_what_he_left(house):
    (verdict,) = gap(house)
    lost = tuple(LegReport(i, LegStatus.REJECTED, reason="beaten: a rival bid 80 %") for i in range(2))
    house.feed(OrderReported(verdict.order_id, lost))
    assert house.engine.state.outcomes == {"beaten": 1}
    for _ in range(12):
        house.sol_usdc("orca", 150.7)
    graves_now = house.engine.panel()["graves"]
    assert graves_now[0]["reason"] == "beaten"
    assert graves_now[0]["detail"] == "beaten: a rival bid 80 %"
    assert None not in graves_now[0]["would_usd"]
    assert house.engine.state.sent == {}


def test_what_landed_is_in_no_grave(house):
    (verdict,) = gap(house)
    house.feed(report(verdict.order_id, LegStatus.FILLED, verdict.intent.legs))
    for _ in range(12):
        house.sol_usdc("orca", 150.7)
    assert graves(house) == []
    assert house.engine.state.graveyard.open == {}


def test_a_gates_refusal_is_a_reason(make_house):
    house = make_house()
    house.feed(LinkChanged("pools", False, "down"))
    (verdict,) = gap(house)
    assert isinstance(verdict, Refused)
    ((reason, _),) = graves(house)
    assert reason == f"gate: {verdict.result.gate}"
    assert (house.engine.state.proposed, house.engine.panel()["hoped"]) == (0, None)
    assert house.engine.state.sent == {}


def test_a_taxed_token_is_left_alone(make_house):
    house = make_house()
    house.feed(TokenAudited("BONK", True, False, 100, 0, 0, 0, 0, 0))
    house.sol_usdc("sol-usdc", 149.3)
    house.pool("bonk-usdc", "BONK", "USDC", 10**11 * 10**5, 1_500_000 * 10**6)
    assert house.pool("bonk-sol", "BONK", "SOL", 10**11 * 10**5, 10_300 * LAMPORTS_PER_SOL) == []
    ((reason, _),) = graves(house)
    assert reason == "taxed"


def test_the_rent_of_a_new_token_account_is_paid_once(make_house):
    house = make_house()
    house.sol_usdc("sol-usdc", 149.3)
    house.pool("bonk-usdc", "BONK", "USDC", 10**11 * 10**5, 1_500_000 * 10**6)
    (verdict,) = house.pool("bonk-sol", "BONK", "SOL", 10**11 * 10**5, 10_300 * LAMPORTS_PER_SOL)
    assert verdict.intent.cost.rent_micros == pytest.approx(2_039_280 * 0.15, abs=1)
    house.feed(report(verdict.order_id, LegStatus.FILLED, verdict.intent.legs))
    assert house.engine.state.open_accounts == ["BONK"]
    (again,) = house.pool(
        "bonk-sol", "BONK", "SOL", 10**11 * 10**5, 10_300 * LAMPORTS_PER_SOL, after_ns=3 * NS_PER_SECOND
    )
    assert again.intent.cost.rent_micros == 0


def test_parallel_pools_share_a_hop_where_that_earns_more(make_house):
    house = make_house(start=False)
    house.sol_usdc("dear", 150.9, sol=80_000)
    house.sol_usdc("cheap 2", 149.3, sol=3_000)
    house.start()
    (verdict,) = house.sol_usdc("cheap 1", 149.3, sol=3_000)
    assert isinstance(verdict, Approved)
    pools = [leg.pool for leg in verdict.intent.legs]
    assert sorted(pools) == ["cheap 1", "cheap 2", "dear"]
    capital = sum(leg.in_atoms for leg in verdict.intent.legs if leg.in_asset == verdict.intent.legs[0].in_asset)
    assert verdict.intent.notional_micros >= capital * (1.0 if verdict.intent.legs[0].in_asset == "USDC" else 0.15)
    order = house.kernel.orders[verdict.order_id]
    house.feed(report(verdict.order_id, LegStatus.FILLED, verdict.intent.legs))
    assert order.status == "done"
    assert house.engine.state.outcomes == {"landed": 1}


def test_a_hop_is_not_spread_to_a_paused_venue(make_house):
    house = make_house(start=False)
    house.sol_usdc("dear", 150.9, sol=80_000)
    house.feed(VenueStatusChanged("orca", VenueStatus.LIVE, "test"))
    paused = PoolUpdated("cheap 2", "orca", "SOL", "USDC", 3_000 * 10**9, 447_900 * 10**6, 25, 10_000, house.slot)
    house.feed(paused)
    house.feed(VenueStatusChanged("orca", VenueStatus.PAUSED, "test"))
    house.start()
    (verdict,) = house.sol_usdc("cheap 1", 149.3, sol=3_000)
    assert sorted(leg.pool for leg in verdict.intent.legs) == ["cheap 1", "dear"]


def test_a_pool_that_cannot_be_read_any_more_ends_what_rests_on_it(make_house):
    house = make_house(config=ArbConfig())
    gap(house)
    assert len(house.engine.state.sightings) == 1
    table = house.engine._pools()
    table.unreadable["orca"] = "the account is damaged"
    table.index.remove_until_updated("orca")
    verdicts = house.sol_usdc("third", 150.0, fee_bps=100)
    assert all(verdict.intent.pod == "probe" for verdict in verdicts)
    ((reason, _),) = graves(house)
    assert reason == "vanished"
