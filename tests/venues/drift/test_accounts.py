"""Velocity's accounts of 2026-08-08, byte for byte, and what is refused rather than guessed."""

from __future__ import annotations

import struct
from collections.abc import Callable
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phantom_arbiter.core.events import VenueStatus
from phantom_arbiter.core.perp.margin import MarginType, MarketMargin, StrictPrice, margin_ratio_bps
from phantom_arbiter.core.perp.profile import DRIFT_V2, VELOCITY, ContractTier
from phantom_arbiter.core.perp.spot import BorrowCurve, CollateralWeight, token_atoms, token_value_atoms
from phantom_arbiter.venues.drift.accounts import (
    OracleAccount,
    OracleGuardRails,
    decode_oracle,
    decode_perp_market,
    decode_spot_market,
    decode_state,
)
from phantom_arbiter.venues.wire import WireError

Decode = Callable[[bytes, str], object]
OWNER = VELOCITY.program
KINDS: list[tuple[str, str, Decode]] = [
    ("perp_market_0", "PerpMarket", decode_perp_market),
    ("spot_market_0", "SpotMarket", decode_spot_market),
    ("state", "State", decode_state),
    ("oracle_perp", "PythLazerOracle", decode_oracle),
]


def oracle_bytes(price: int = 7_634_075_573, exponent: int = -8) -> bytes:
    discriminator = sha256(b"account:PythLazerOracle").digest()[:8]
    return discriminator + struct.pack("<qQQi4xQ", price, 1_786_205_423_000_000, 438_024_291, exponent, 15_268_151)


def patched(data: bytes, offset: int, value: int, size: int) -> bytes:
    return data[:offset] + value.to_bytes(size, "little", signed=value < 0) + data[offset + size :]


def test_perp_market(account: Callable[[str], bytes]) -> None:
    market = decode_perp_market(account("perp_market_0"), OWNER)
    assert (market.market_index, market.name, market.status) == (0, "SOL-PERP", VenueStatus.LIVE)
    assert market.margin == MarketMargin(
        initial_bps=500,
        maintenance_bps=300,
        imf_e6=50,
        pnl_initial_bps=0,
        pnl_maintenance_bps=10_000,
        pnl_imf_e6=0,
        pnl_max_imbalance_atoms=0,
    )
    assert (market.liquidator_fee_ppm, market.insurance_liquidation_fee_ppm) == (7_500, 7_500)
    assert (market.tier, market.paused_operations, market.fee_adjustment_percent) == (ContractTier.B, 0, 0)
    assert (market.order_step_atoms, market.order_tick_px, market.min_order_atoms) == (10**7, 1_000, 10**7)
    assert (market.base_long_atoms, market.base_short_atoms) == (202_040_000_000, -236_170_000_000)
    assert (market.last_funding_rate_e9, market.last_funding_ts_ns) == (-1_165_333, 1_786_204_834 * 10**9)
    assert market.cumulative_funding_long_e9 == market.cumulative_funding_short_e9 == -2_337_636_903
    assert (market.mark_twap_px, market.oracle_px, market.oracle_twap_px) == (76_081_505, 76_343_548, 76_170_544)
    assert market.funding_period_ns == 3_600 * 10**9


def test_the_profile_is_what_the_chain_says(account: Callable[[str], bytes]) -> None:
    market = decode_perp_market(account("perp_market_0"), OWNER)
    assert (market.dead_zone_bps, market.ramp_e6) == (VELOCITY.dead_zone_bps, VELOCITY.ramp_e6)
    fees = decode_state(account("state"), OWNER).perp_fees_ppm
    assert fees[:6] == tuple((tier.taker_fee_ppm, tier.maker_rebate_ppm) for tier in VELOCITY.fee_tiers)
    assert fees[6:] == (fees[5],) * 4


def test_the_margin_goes_straight_into_the_mechanics(account: Callable[[str], bytes]) -> None:
    margin = decode_perp_market(account("perp_market_0"), OWNER).margin
    assert margin_ratio_bps(margin, 10 * 10**9, MarginType.INITIAL) == 500
    assert margin_ratio_bps(margin, 100_000 * 10**9, MarginType.INITIAL) == 558


def test_spot_market(account: Callable[[str], bytes]) -> None:
    market = decode_spot_market(account("spot_market_0"), OWNER)
    assert (market.market_index, market.name, market.decimals) == (0, "USDT", 6)
    assert market.mint == "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB"
    assert market.weight == CollateralWeight(10_000, 10_000, scale_start_atoms=400_000_000_000)
    assert market.borrow_curve == BorrowCurve(800_000, 52_500, 900_000, min_rate_e6=5_000)
    assert (market.deposit_interest_e10, market.borrow_interest_e10) == (10_000_000_526, 10_004_891_168)
    assert (market.insurance_factor_ppm, market.protocol_factor_ppm) == (50_000, 50_000)
    assert (market.oracle_px, market.status) == (999_260, VenueStatus.LIVE)


def test_a_balance_is_worth_what_the_program_said(account: Callable[[str], bytes]) -> None:
    # 2,000 USDT deposited: the real program's MarginCalculation said 1,998.520104
    market = decode_spot_market(account("spot_market_0"), OWNER)
    atoms = token_atoms(2_000 * 10**9, market.deposit_interest_e10, market.decimals, borrowed=False)
    price = StrictPrice(market.oracle_px, market.oracle_twap_5min_px)
    assert token_value_atoms(atoms, market.decimals, price) == 1_998_520_104


def test_state(account: Callable[[str], bytes]) -> None:
    state = decode_state(account("state"), OWNER)
    assert state.guard_rails == OracleGuardRails(
        mark_oracle_divergence_ppm=100_000,
        oracle_twap_5min_divergence_ppm=500_000,
        stale_for_amm_slots=10,
        stale_for_margin_slots=120,
        confidence_max_ppm=20_000,
        too_volatile_ratio=5,
    )
    assert (state.status, state.exchange_status) == (VenueStatus.LIVE, 0)
    assert (state.number_of_markets, state.number_of_spot_markets) == (4, 2)
    assert (state.liquidation_margin_buffer_bps, state.min_perp_auction_slots) == (200, 5)


@pytest.mark.parametrize(
    ("bits", "status"), [(0x80, VenueStatus.LIVE), (0x02, VenueStatus.PAUSED), (0xFF, VenueStatus.PAUSED)]
)
def test_a_halted_exchange(account: Callable[[str], bytes], bits: int, status: VenueStatus) -> None:
    assert decode_state(patched(account("state"), 1_366, bits, 1), OWNER).status is status


def test_oracles(account: Callable[[str], bytes]) -> None:
    sol = decode_oracle(account("oracle_perp"), OWNER)
    assert sol == OracleAccount(7_634_075_573, -8, 15_268_151, 1_786_205_423 * 10**9, 438_024_291)
    assert (sol.px, sol.confidence_px) == (76_340_755, 152_681)
    usdt = decode_oracle(account("oracle_spot"), OWNER)
    assert (usdt.px, usdt.exponent, usdt.posted_slot) == (999_289, -8, 438_024_296)


@pytest.mark.parametrize(("exponent", "px"), [(-8, 76_340_755), (-6, 7_634_075_573), (-3, 7_634_075_573_000)])
def test_an_oracle_price_at_any_exponent(exponent: int, px: int) -> None:
    assert decode_oracle(oracle_bytes(exponent=exponent), OWNER).px == px


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (oracle_bytes(price=0), "price: got 0, expected a price above zero"),
        (oracle_bytes(price=-5), "price: got -5, expected a price above zero"),
        (oracle_bytes(exponent=13), "exponent: got 13, expected -18 to 12"),
    ],
)
def test_an_oracle_without_a_price(data: bytes, message: str) -> None:
    with pytest.raises(WireError) as refused:
        decode_oracle(data, OWNER)
    assert message in str(refused.value)


@pytest.mark.parametrize(("name", "kind", "decode"), KINDS)
def test_what_is_not_the_account_is_refused(
    account: Callable[[str], bytes], name: str, kind: str, decode: Decode
) -> None:
    data = account(name)
    refusals = [
        (data, DRIFT_V2.program, f"account {kind}: owner: got '{DRIFT_V2.program}', expected Velocity's program"),
        (data[:-1], OWNER, f"account {kind}: length: got {len(data) - 1}, expected {len(data)} bytes"),
        (data + bytes(256), OWNER, f"account {kind}: length: got {len(data) + 256}, expected {len(data)} bytes"),
        (b"", OWNER, f"account {kind}: length: got 0"),
        (b"12345678" + data[8:], OWNER, f"account {kind}: discriminator: got '3132333435363738', expected '"),
    ]
    for given_data, owner, message in refusals:
        with pytest.raises(WireError) as refused:
            decode(given_data, owner)
        assert message.replace("expected '", "expected ") in str(refused.value)


@pytest.mark.parametrize(
    ("offset", "size", "value", "message"),
    [
        (620, 4, 501, "margin_ratio_maintenance: got 501, expected 1 to 500"),
        (616, 4, 0, "margin_ratio_initial: got 0"),
        (628, 4, 10_001, "unrealized_pnl_maintenance_asset_weight: got 10001"),
        (642, 1, 5, "status: got 5, expected 0 to 4"),
        (644, 1, 6, "contract_tier: got 6, expected 0 to 5"),
        (673, 1, 16, "oracle_source: got 16"),
        (56, 16, 1, "base_asset_amount_short: got 1"),
        (784, 8, 0, "funding_period: got 0"),
        (424, 1, 0xFF, "name: got b"),
    ],
)
def test_a_perp_market_out_of_range(
    account: Callable[[str], bytes], offset: int, size: int, value: int, message: str
) -> None:
    with pytest.raises(WireError) as refused:
        decode_perp_market(patched(account("perp_market_0"), offset, value, size), OWNER)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("offset", "size", "value", "message"),
    [
        (656, 4, 10_001, "initial_asset_weight: got 10001, expected 0 to 10000"),
        (668, 4, 9_999, "maintenance_liability_weight: got 9999"),
        (684, 4, 900_000, "borrow rates: got 'optimal_utilization_e6: got 900000"),
        (696, 4, 20, "decimals: got 20"),
        (328, 16, 0, "cumulative_deposit_interest: got 0"),
    ],
)
def test_a_spot_market_out_of_range(
    account: Callable[[str], bytes], offset: int, size: int, value: int, message: str
) -> None:
    with pytest.raises(WireError) as refused:
        decode_spot_market(patched(account("spot_market_0"), offset, value, size), OWNER)
    assert message in str(refused.value)


@given(place=st.integers(0, 10**6), byte=st.integers(0, 255), cut=st.booleans())
def test_damage_is_refused_or_read_and_nothing_else(
    account: Callable[[str], bytes], place: int, byte: int, cut: bool
) -> None:
    for name, _, decode in KINDS:
        data = account(name)
        at = place % len(data)
        damaged = data[:at] if cut else data[:at] + bytes([byte]) + data[at + 1 :]
        try:
            decode(damaged, OWNER)
        except WireError:
            continue
        assert not cut
