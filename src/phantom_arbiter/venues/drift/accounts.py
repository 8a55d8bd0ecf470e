"""Velocity's on-chain accounts, from bytes: the parameters that margin, funding and oracle checks need.

Layouts: velocity-v1 ``programs/velocity/src/state/{perp_market,spot_market,state,pyth_lazer_oracle}.rs`` as of August
2026 (``repr(C)``, little-endian, 8 bytes of discriminator first). The program's accounts have no version field: their
length is their version, and a length that is not listed here is refused, not guessed (PerpMarket has since grown from
1,304 to 1,560 bytes, SpotMarket from 808 to 1,064). Drift v2's accounts are other layouts and are refused by owner.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from hashlib import sha256
from typing import Final, TypeVar

from msgspec import Struct

from phantom_arbiter.core.events import VenueStatus
from phantom_arbiter.core.perp.margin import MarketMargin
from phantom_arbiter.core.perp.profile import VELOCITY, ContractTier
from phantom_arbiter.core.perp.spot import BorrowCurve, CollateralWeight
from phantom_arbiter.core.units import BPS, NS_PER_SECOND, Rounding, mul_div, power_of_ten
from phantom_arbiter.dex.addresses import base58
from phantom_arbiter.venues.wire import WireError

_Entry = TypeVar("_Entry")

_DISCRIMINATOR: Final = 8
_PUBKEY: Final = 32
_STATUSES: Final = (
    VenueStatus.PAUSED,
    VenueStatus.LIVE,
    VenueStatus.REDUCE_ONLY,
    VenueStatus.PAUSED,
    VenueStatus.ABSENT,
)
"""Initialized, Active, ReduceOnly, Settlement, Delisted: Velocity's numbers, not Drift's."""
_TIERS: Final = tuple(ContractTier)
_ORACLE_SOURCES: Final = 16
_AMM_IMMEDIATE_FILL_PAUSED: Final = 0x80
_MILLIONTHS: Final = 10**6
_PX_DECIMALS: Final = 6
_RATE_STEP_E6: Final = 5_000
"""The minimal borrow rate counts half percents a year."""
_FEE_TIERS, _FEE_TIER_BYTES = 10, 32


class _Kind(Enum):
    """An account's name, whose hash is its discriminator, and its length."""

    PERP_MARKET = ("PerpMarket", 1_304)
    SPOT_MARKET = ("SpotMarket", 808)
    STATE = ("State", 1_752)
    ORACLE = ("PythLazerOracle", 48)


class PerpMarketAccount(Struct, frozen=True):
    """A perp market. Bases at 1e9, prices at 1e6, funding quote per base at 1e9 (positive: longs pay), fees ppm.

    ``base_long_atoms`` ≥ 0 ≥ ``base_short_atoms``; ``oracle`` is an address in base58.
    """

    market_index: int
    name: str
    status: VenueStatus
    paused_operations: int
    tier: ContractTier
    margin: MarketMargin
    liquidator_fee_ppm: int
    insurance_liquidation_fee_ppm: int
    fee_adjustment_percent: int
    dead_zone_bps: int
    ramp_e6: int
    oracle: str
    oracle_source: int
    base_long_atoms: int
    base_short_atoms: int
    max_open_interest_atoms: int
    cumulative_funding_long_e9: int
    cumulative_funding_short_e9: int
    last_funding_rate_e9: int
    last_funding_ts_ns: int
    funding_period_ns: int
    order_step_atoms: int
    order_tick_px: int
    min_order_atoms: int
    mark_twap_px: int
    oracle_px: int
    oracle_twap_px: int
    oracle_twap_5min_px: int


class SpotMarketAccount(Struct, frozen=True):
    """A spot market. Balances at 1e9 and interest at 1e10, together token amounts; prices at 1e6; factors ppm."""

    market_index: int
    name: str
    status: VenueStatus
    mint: str
    oracle: str
    oracle_source: int
    decimals: int
    deposit_balance: int
    borrow_balance: int
    deposit_interest_e10: int
    borrow_interest_e10: int
    weight: CollateralWeight
    borrow_curve: BorrowCurve
    insurance_factor_ppm: int
    protocol_factor_ppm: int
    liquidator_fee_ppm: int
    insurance_liquidation_fee_ppm: int
    max_deposits_atoms: int
    withdraw_guard_atoms: int
    oracle_px: int
    oracle_twap_px: int
    oracle_twap_5min_px: int
    last_interest_ts_ns: int


class OracleGuardRails(Struct, frozen=True, gc=False):
    """When a price may not be used. Ages are slots; ``too_volatile_ratio``: highest over lowest of price and TWAP."""

    mark_oracle_divergence_ppm: int
    oracle_twap_5min_divergence_ppm: int
    stale_for_amm_slots: int
    stale_for_margin_slots: int
    confidence_max_ppm: int
    too_volatile_ratio: int


class StateAccount(Struct, frozen=True):
    """The exchange. ``perp_fees_ppm``: taker fee and maker rebate of each tier, from the smallest volume up.

    ``status`` is paused while any flow but the AMM's immediate fills is halted; ``exchange_status`` has the bits.
    """

    status: VenueStatus
    exchange_status: int
    guard_rails: OracleGuardRails
    perp_fees_ppm: tuple[tuple[int, int], ...]
    number_of_markets: int
    number_of_spot_markets: int
    liquidation_margin_buffer_bps: int
    min_perp_auction_slots: int


class OracleAccount(Struct, frozen=True, gc=False):
    """A price: ``price · 10**exponent`` ± ``confidence · 10**exponent``, published and posted at these times."""

    price: int
    exponent: int
    confidence: int
    publish_ts_ns: int
    posted_slot: int

    @property
    def px(self) -> int:
        """USD at 1e6, truncated as the program does."""
        return self._scaled(self.price)

    @property
    def confidence_px(self) -> int:
        """USD at 1e6, truncated."""
        return self._scaled(self.confidence)

    def _scaled(self, value: int) -> int:
        shift = self.exponent + _PX_DECIMALS
        if shift >= 0:
            return value * power_of_ten(shift)
        return mul_div(value, 1, power_of_ten(-shift), Rounding.TRUNCATE)


class _Bytes:
    """An account's bytes with its kind checked; reads name their field, so that a refusal can."""

    def __init__(self, kind: _Kind, data: bytes, owner: str) -> None:
        self.kind, self.length = kind.value
        if owner != VELOCITY.program:
            raise self.misfit("owner", owner, f"Velocity's program {VELOCITY.program}")
        if len(data) != self.length:
            raise self.misfit("length", len(data), f"{self.length} bytes, the one layout known")
        expected = sha256(f"account:{self.kind}".encode()).digest()[:_DISCRIMINATOR]
        if data[:_DISCRIMINATOR] != expected:
            raise self.misfit("discriminator", data[:_DISCRIMINATOR].hex(), expected.hex())
        self._data = data

    def misfit(self, field: str, value: object, expected: str) -> WireError:
        return WireError(f"account {self.kind}", field, value, expected)

    def unsigned(self, offset: int, size: int) -> int:
        return int.from_bytes(self._data[offset : offset + size], "little")

    def signed(self, offset: int, size: int) -> int:
        return int.from_bytes(self._data[offset : offset + size], "little", signed=True)

    def within(self, field: str, offset: int, size: int, low: int, high: int) -> int:
        value = self.signed(offset, size) if low < 0 else self.unsigned(offset, size)
        if not low <= value <= high:
            raise self.misfit(field, value, f"{low} to {high}")
        return value

    def one_of(self, field: str, offset: int, entries: Sequence[_Entry]) -> _Entry:
        return entries[self.within(field, offset, 1, 0, len(entries) - 1)]

    def time_ns(self, field: str, offset: int) -> int:
        return self.within(field, offset, 8, 0, 4_000_000_000) * NS_PER_SECOND

    def pubkey(self, offset: int) -> str:
        return base58(self._data[offset : offset + _PUBKEY])

    def name(self, offset: int) -> str:
        raw = self._data[offset : offset + 32].rstrip(b" \0")
        text = raw.decode("ascii", "replace")
        if not text or not text.isascii() or not text.isprintable():
            raise self.misfit("name", raw, "printable ASCII")
        return text


def decode_perp_market(data: bytes, owner: str) -> PerpMarketAccount:
    """A ``PerpMarket`` account; a wrong owner, length, discriminator or a value out of range is a `WireError`."""
    account = _Bytes(_Kind.PERP_MARKET, data, owner)
    return PerpMarketAccount(
        market_index=account.unsigned(640, 2),
        name=account.name(424),
        status=account.one_of("status", 642, _STATUSES),
        paused_operations=account.unsigned(645, 1),
        tier=account.one_of("contract_tier", 644, _TIERS),
        margin=_market_margin(account),
        liquidator_fee_ppm=account.within("liquidator_fee", 608, 4, 0, _MILLIONTHS),
        insurance_liquidation_fee_ppm=account.within("if_liquidation_fee", 612, 4, 0, _MILLIONTHS),
        fee_adjustment_percent=account.within("fee_adjustment", 648, 2, -100, 100),
        dead_zone_bps=account.within("funding_clamp_threshold", 536, 4, 0, BPS),
        ramp_e6=account.within("funding_ramp_slope", 540, 4, 0, 100 * _MILLIONTHS),
        oracle=account.pubkey(312),
        oracle_source=account.within("oracle_source", 673, 1, 0, _ORACLE_SOURCES - 1),
        base_long_atoms=account.within("base_asset_amount_long", 40, 16, 0, 2**127 - 1),
        base_short_atoms=account.within("base_asset_amount_short", 56, 16, -(2**127), 0),
        max_open_interest_atoms=account.unsigned(152, 16),
        cumulative_funding_long_e9=account.signed(184, 16),
        cumulative_funding_short_e9=account.signed(200, 16),
        last_funding_rate_e9=account.signed(496, 8),
        last_funding_ts_ns=account.time_ns("last_funding_rate_ts", 520),
        funding_period_ns=account.within("funding_period", 784, 8, 1, 86_400) * NS_PER_SECOND,
        order_step_atoms=account.within("order_step_size", 544, 8, 1, 2**63),
        order_tick_px=account.within("order_tick_size", 552, 8, 1, 2**63),
        min_order_atoms=account.unsigned(792, 8),
        mark_twap_px=account.within("last_mark_price_twap", 680, 8, 1, 2**63),
        oracle_px=account.within("last_oracle_price", 848, 8, 1, 2**63 - 1),
        oracle_twap_px=account.within("last_oracle_price_twap", 872, 8, 1, 2**63 - 1),
        oracle_twap_5min_px=account.within("last_oracle_price_twap_5min", 880, 8, 1, 2**63 - 1),
    )


def _market_margin(account: _Bytes) -> MarketMargin:
    initial_bps = account.within("margin_ratio_initial", 616, 4, 1, BPS)
    return MarketMargin(
        initial_bps=initial_bps,
        maintenance_bps=account.within("margin_ratio_maintenance", 620, 4, 1, initial_bps),
        imf_e6=account.within("imf_factor", 600, 4, 0, _MILLIONTHS),
        pnl_initial_bps=account.within("unrealized_pnl_initial_asset_weight", 624, 4, 0, BPS),
        pnl_maintenance_bps=account.within("unrealized_pnl_maintenance_asset_weight", 628, 4, 0, BPS),
        pnl_imf_e6=account.within("unrealized_pnl_imf_factor", 604, 4, 0, _MILLIONTHS),
        pnl_max_imbalance_atoms=account.unsigned(560, 8),
    )


def decode_spot_market(data: bytes, owner: str) -> SpotMarketAccount:
    """A ``SpotMarket`` account; a wrong owner, length, discriminator or a value out of range is a `WireError`."""
    account = _Bytes(_Kind.SPOT_MARKET, data, owner)
    return SpotMarketAccount(
        market_index=account.unsigned(700, 2),
        name=account.name(136),
        status=account.one_of("status", 704, _STATUSES),
        mint=account.pubkey(72),
        oracle=account.pubkey(40),
        oracle_source=account.within("oracle_source", 703, 1, 0, _ORACLE_SOURCES - 1),
        decimals=account.within("decimals", 696, 4, 0, 19),
        deposit_balance=account.unsigned(296, 16),
        borrow_balance=account.unsigned(312, 16),
        deposit_interest_e10=account.within("cumulative_deposit_interest", 328, 16, 1, 2**127),
        borrow_interest_e10=account.within("cumulative_borrow_interest", 344, 16, 1, 2**127),
        weight=_collateral_weight(account),
        borrow_curve=_borrow_curve(account),
        insurance_factor_ppm=account.within("insurance_fund.total_factor", 272, 4, 0, _MILLIONTHS),
        protocol_factor_ppm=account.within("protocol_fee_factor", 796, 4, 0, _MILLIONTHS),
        liquidator_fee_ppm=account.within("liquidator_fee", 676, 4, 0, _MILLIONTHS),
        insurance_liquidation_fee_ppm=account.within("if_liquidation_fee", 680, 4, 0, _MILLIONTHS),
        max_deposits_atoms=account.unsigned(552, 8),
        withdraw_guard_atoms=account.unsigned(544, 8),
        oracle_px=account.within("last_oracle_price", 456, 8, 1, 2**63 - 1),
        oracle_twap_px=account.within("last_oracle_price_twap", 480, 8, 1, 2**63 - 1),
        oracle_twap_5min_px=account.within("last_oracle_price_twap_5min", 488, 8, 1, 2**63 - 1),
        last_interest_ts_ns=account.time_ns("last_interest_ts", 584),
    )


def _collateral_weight(account: _Bytes) -> CollateralWeight:
    maintenance_bps = account.within("maintenance_asset_weight", 660, 4, 0, BPS)
    debt_maintenance_bps = account.within("maintenance_liability_weight", 668, 4, BPS, 10 * BPS)
    return CollateralWeight(
        initial_bps=account.within("initial_asset_weight", 656, 4, 0, maintenance_bps),
        maintenance_bps=maintenance_bps,
        debt_initial_bps=account.within("initial_liability_weight", 664, 4, debt_maintenance_bps, 10 * BPS),
        debt_maintenance_bps=debt_maintenance_bps,
        imf_e6=account.within("imf_factor", 672, 4, 0, _MILLIONTHS),
        scale_start_atoms=account.unsigned(736, 8),
    )


def _borrow_curve(account: _Bytes) -> BorrowCurve:
    try:
        return BorrowCurve(
            optimal_utilization_e6=account.unsigned(684, 4),
            optimal_rate_e6=account.unsigned(688, 4),
            max_rate_e6=account.unsigned(692, 4),
            min_rate_e6=account.unsigned(744, 1) * _RATE_STEP_E6,
        )
    except ValueError as error:
        raise account.misfit("borrow rates", str(error), "a curve the program can follow") from error


def decode_state(data: bytes, owner: str) -> StateAccount:
    """The ``State`` account; a wrong owner, length, discriminator or a value out of range is a `WireError`."""
    account = _Bytes(_Kind.STATE, data, owner)
    exchange_status = account.unsigned(1_366, 1)
    halted = exchange_status & ~_AMM_IMMEDIATE_FILL_PAUSED
    return StateAccount(
        status=VenueStatus.PAUSED if halted else VenueStatus.LIVE,
        exchange_status=exchange_status,
        guard_rails=OracleGuardRails(
            mark_oracle_divergence_ppm=account.within("mark_oracle_percent_divergence", 1_288, 8, 1, _MILLIONTHS),
            oracle_twap_5min_divergence_ppm=account.within(
                "oracle_twap_5min_percent_divergence", 1_296, 8, 1, _MILLIONTHS
            ),
            stale_for_amm_slots=account.within("slots_before_stale_for_amm", 1_304, 8, 1, 2**31),
            stale_for_margin_slots=account.within("slots_before_stale_for_margin", 1_312, 8, 1, 2**31),
            confidence_max_ppm=account.within("confidence_interval_max_size", 1_320, 8, 1, _MILLIONTHS),
            too_volatile_ratio=account.within("too_volatile_ratio", 1_328, 8, 2, 1_000),
        ),
        perp_fees_ppm=tuple(_fee_ppm(account, 552 + tier * _FEE_TIER_BYTES) for tier in range(_FEE_TIERS)),
        number_of_markets=account.unsigned(1_358, 2),
        number_of_spot_markets=account.unsigned(1_360, 2),
        liquidation_margin_buffer_bps=account.within("liquidation_margin_buffer_ratio", 1_352, 4, 0, BPS),
        min_perp_auction_slots=account.unsigned(1_363, 1),
    )


def _fee_ppm(account: _Bytes, offset: int) -> tuple[int, int]:
    """Taker fee rounded up, maker rebate down: against us where a tier is no whole millionth."""
    taker, maker = (account.unsigned(offset + at, 4) for at in (0, 8))
    taker_of, maker_of = (account.within("fee denominator", offset + at, 4, 1, 2**31) for at in (4, 12))
    return mul_div(taker, _MILLIONTHS, taker_of, Rounding.UP), mul_div(maker, _MILLIONTHS, maker_of, Rounding.DOWN)


def decode_oracle(data: bytes, owner: str) -> OracleAccount:
    """A ``PythLazerOracle`` account; a wrong owner, length, discriminator or a price below one is a `WireError`."""
    account = _Bytes(_Kind.ORACLE, data, owner)
    price = account.signed(8, 8)
    if price <= 0:
        raise account.misfit("price", price, "a price above zero")
    return OracleAccount(
        price=price,
        exponent=account.within("exponent", 32, 4, -18, 12),
        confidence=account.unsigned(40, 8),
        publish_ts_ns=account.within("publish_time", 16, 8, 1, 4 * 10**15) * 1_000,
        posted_slot=account.unsigned(24, 8),
    )
