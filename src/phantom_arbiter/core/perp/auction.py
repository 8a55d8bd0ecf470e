"""The price of an order's auction at a slot, exactly as Drift v2 and Velocity compute it (both are the same here).

Source: drift protocol-v2 at 0ae3e3b1d, ``math/auction.rs``, unless a function names another. Prices are at 1e6.
Prediction markets' limit of one dollar is not here.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from phantom_arbiter.core.intents import Side
from phantom_arbiter.core.units import Rounding, mul_div

DERIVE_PRICE_FRACTION: Final = 200
"""Half a percent, ``AUCTION_DERIVE_PRICE_FRACTION``."""
MAX_DURATION_SLOTS: Final = 255


class Auction(Struct, frozen=True, gc=False):
    """An auction that runs from ``start`` to ``end`` over ``duration_slots`` after ``slot``.

    ``start`` and ``end`` are prices for `fixed_px`, signed offsets from the oracle for `oracle_offset_px`; both at 1e6.
    """

    side: Side
    start: int
    end: int
    slot: int
    duration_slots: int
    tick_px: int = 1

    def __post_init__(self) -> None:
        """Refuse what no order can carry."""
        if not 0 <= self.duration_slots <= MAX_DURATION_SLOTS:
            raise ValueError(f"duration_slots: got {self.duration_slots}, expected 0 to {MAX_DURATION_SLOTS}")
        if self.tick_px <= 0:
            raise ValueError(f"tick_px: got {self.tick_px}, expected a positive price step")


def fixed_px(auction: Auction, slot: int) -> int:
    """The price at ``slot`` of an auction between two prices: at most for a buyer, at least for a seller.

    Source: ``calculate_auction_price_for_fixed_auction``. Raises `ValueError` where the program fails: a negative
    price, or an auction that runs against its own side (a buyer's falling, a seller's rising).
    """
    rises = auction.end >= auction.start if auction.side is Side.BUY else auction.end <= auction.start
    if min(auction.start, auction.end) < 0 or (auction.duration_slots > 0 and not rises):
        raise ValueError(f"auction: got {auction.start} to {auction.end} for a {auction.side}, expected it to give way")
    return on_tick_px(_at(auction, slot), auction.tick_px, auction.side)


def oracle_offset_px(auction: Auction, slot: int, oracle_px: int) -> int:
    """The price at ``slot`` of an auction between two offsets from the oracle; at least one tick.

    Source: ``calculate_auction_price_for_oracle_offset_auction``. The oracle must be valid for an oracle-priced order.
    """
    return on_tick_px(max(oracle_px + _at(auction, slot), auction.tick_px), auction.tick_px, auction.side)


def is_complete(auction: Auction, slot: int) -> bool:
    """Whether the auction is over at ``slot``: one slot after it reached its end. Source: ``is_auction_complete``."""
    return auction.duration_slots == 0 or _elapsed(auction, slot) > auction.duration_slots


def default_ends_px(oracle_px: int, side: Side, limit_px: int = 0) -> tuple[int, int]:
    """Start and end price of the auction of an order that names none; ``limit_px`` 0: no limit.

    Without a limit, or with one that is worse than the oracle: from the oracle to half a percent beyond it, but not
    beyond the limit. With a better limit: from half a percent before the better of limit and oracle, to the limit.
    Source: ``calculate_auction_prices``. Raises `ValueError` where a price is not one.
    """
    if oracle_px <= 0 or limit_px < 0:
        raise ValueError(f"auction: got oracle {oracle_px} and limit {limit_px}, expected prices")
    worse, better = (max, min) if side is Side.BUY else (min, max)
    sign = 1 if side is Side.BUY else -1
    far_px = oracle_px + sign * (oracle_px // DERIVE_PRICE_FRACTION)
    if limit_px == 0:
        return oracle_px, far_px
    if worse(limit_px, oracle_px) == limit_px:
        return oracle_px, better(limit_px, far_px)
    before = (px - sign * (px // DERIVE_PRICE_FRACTION) for px in (limit_px, oracle_px))
    return better(before), limit_px


def on_tick_px(px: int, tick_px: int, side: Side) -> int:
    """A price on the tick: down for a buyer, up for a seller. Source: ``math/orders.rs::standardize_price``."""
    return px // tick_px * tick_px if side is Side.BUY else -(-px // tick_px) * tick_px


def _at(auction: Auction, slot: int) -> int:
    """Start, plus the share of the way that has passed, toward zero: on both sides the same."""
    elapsed = min(_elapsed(auction, slot), auction.duration_slots)
    if auction.duration_slots == 0:
        return auction.end
    way = auction.end - auction.start
    return auction.start + mul_div(way, elapsed, auction.duration_slots, Rounding.TRUNCATE)


def _elapsed(auction: Auction, slot: int) -> int:
    if slot < auction.slot:
        raise ValueError(f"slot: got {slot}, expected none before the order's own, {auction.slot}")
    return slot - auction.slot
