"""What was read of a perp venue at one moment: its status and its markets, whoever told it."""

from __future__ import annotations

from msgspec import Struct

from phantom_arbiter.core.events import VenueStatus
from phantom_arbiter.core.perp.rate import HourlyRate


class MarketReading(Struct, frozen=True):
    """One perp market. Prices are USD at 1e6; open interest and volume millionths of a dollar. None: not told.

    ``rate_is_estimate``: the running hour's estimate, not the last posted hour.
    """

    symbol: str
    rate: HourlyRate
    rate_is_estimate: bool
    mark_px: int | None
    oracle_px: int | None
    open_interest_micros: int | None
    volume_24h_micros: int | None
    next_funding_ts_ns: int | None
    status: VenueStatus


class VenueReading(Struct, frozen=True):
    """All markets of a venue as one answer told them. ``as_of_ns``: the venue's own time where told, else ours."""

    venue: str
    title: str
    program: str
    quote: str
    status: VenueStatus
    reason: str
    markets: tuple[MarketReading, ...]
    as_of_ns: int


class FundingHour(Struct, frozen=True, order=True):
    """A posted hour: settlement time, the rate, and the TWAPs it came from (USD at 1e6)."""

    ts_ns: int
    rate_e9: int
    oracle_twap_px: int
    mark_twap_px: int
