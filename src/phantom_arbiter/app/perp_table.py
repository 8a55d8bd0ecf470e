"""The perp market table, the three best opportunities and the funding ledger, from what the kernel was told."""

from __future__ import annotations

from typing import Final

from phantom_arbiter.core.events import (
    Envelope,
    FundingPosted,
    FundingSettled,
    PerpStatsRead,
    VenueStatus,
    VenueStatusChanged,
)
from phantom_arbiter.core.kernel import Kernel
from phantom_arbiter.core.perp.rate import HourlyRate
from phantom_arbiter.core.units import NS_PER_HOUR, power_of_ten
from phantom_arbiter.dashboard import panels
from phantom_arbiter.dashboard.port import Unavailable

NS_PER_MS: Final = 1_000_000
PERP_VENUE: Final = "drift"
STALE_AFTER_NS: Final = 2 * NS_PER_HOUR
HISTORY_HOURS: Final = 720
"""Thirty days."""
HOLD_DAYS: Final = 30.0
BEST: Final = 3


def perp_markets(kernel: Kernel, history: dict[str, list[float]]) -> panels.MarketsResponse | Unavailable:
    """The perp market table from the last facts; a market without a posted rate is left out, never made up."""
    view = kernel.view
    found = [_perp_market(kernel, name, history.get(name, [])) for name in view.fundings]
    if not found:
        return Unavailable(code="no_funding_yet", reason="no funding rate was posted yet; the first comes on the hour")
    newest = max(envelope.ts_ns for envelope in view.perps.values()) if view.perps else view.now_ns
    status = view.venues.get(PERP_VENUE)
    age_ns = view.now_ns - newest
    open_interest = [market.oi for market in found if market.oi is not None]
    volumes = [market.volume_24h for market in found if market.volume_24h is not None]
    return panels.MarketsResponse(
        venue=panels.VenueInfo(
            name="drift-v2 (simulated)",
            program="",
            quote="USDC",
            status=status.status if status is not None else VenueStatus.ABSENT,
            reason=_venue_words(status),
        ),
        markets=tuple(found),
        stats=panels.DriftStats(
            total_oi=sum(open_interest) if open_interest else None,
            volume_24h=sum(volumes) if volumes else None,
            avg_funding=sum(market.rate for market in found) / len(found),
        ),
        as_of=newest // NS_PER_MS,
        age_ms=age_ns // NS_PER_MS,
        stale=age_ns > STALE_AFTER_NS,
        stale_reason="the feed has been silent" if age_ns > STALE_AFTER_NS else "",
    )


def _perp_market(kernel: Kernel, name: str, history: list[float]) -> panels.DriftMarket:
    view, instrument = kernel.view, kernel.universe.instruments[name]
    envelope, stats = view.fundings[name], view.perps.get(name)
    posted, read = envelope.body, stats.body if stats is not None else None
    assert isinstance(posted, FundingPosted)
    rate = HourlyRate.of_program(posted.rate_e9, posted.oracle_twap_px)
    oracle = view.oracle(name)
    price = instrument.price(oracle.px) if oracle is not None else None
    base, quote = power_of_ten(instrument.base_decimals), power_of_ten(instrument.quote_decimals)
    known = read if isinstance(read, PerpStatsRead) else None
    return panels.DriftMarket(
        symbol=name,
        rate=rate.fraction,
        apr=rate.apr,
        direction="longs" if rate.receiver == "longs" else "shorts",
        oi=known.open_interest_atoms / base * price if known is not None and price is not None else None,
        volume_24h=known.volume_24h_quote_atoms / quote if known is not None else None,
        mark_price=instrument.price(known.mark_px) if known is not None else None,
        oracle_price=price,
        next_funding_ts=known.next_funding_ts_ns // NS_PER_MS if known is not None else None,
        rate_ts=envelope.ts_ns // NS_PER_MS,
        history=tuple(history[-HISTORY_HOURS:]),
    )


def funding_payment(kernel: Kernel, envelope: Envelope, settled: FundingSettled) -> panels.FundingPayment:
    """A settlement as a row of the funding ledger: in a stable, so counted in dollars, at the last posted rate."""
    posted = kernel.view.fundings.get(settled.instrument)
    known = posted.body if posted is not None else None
    return panels.FundingPayment(
        id=f"payment-{envelope.seq}",
        ts=envelope.ts_ns // NS_PER_MS,
        instrument=settled.instrument,
        rate=hourly_fraction(known) if isinstance(known, FundingPosted) else None,
        amount_usd=settled.payment_atoms / power_of_ten(kernel.universe.assets[settled.asset].decimals),
    )


def hourly_fraction(posted: FundingPosted) -> float:
    """A posted rate as a fraction of notional an hour."""
    return HourlyRate.of_program(posted.rate_e9, posted.oracle_twap_px).fraction


def funding_cards(
    candidates: tuple[panels.FundingCandidate, ...], markets: panels.MarketsResponse | None
) -> tuple[panels.FundingCard, ...]:
    """The three best opportunities net of all costs, as the engine weighs them over thirty days.

    ``candidates`` come best first, what can be taken before the rest. One card a market: its best form. No card while
    the engine's own first choice has no posted rate to show: another market would stand in its place.
    """
    if markets is None:
        return ()
    rates = {market.symbol: market for market in markets.markets}
    first = next((candidate for candidate in candidates if candidate.traded), None)
    if first is not None and first.market not in rates:
        return ()
    cards: dict[str, panels.FundingCard] = {}
    for candidate in candidates:
        market = rates.get(candidate.market)
        if market is not None and candidate.net_apr is not None and candidate.market not in cards:
            cards[candidate.market] = _card(candidate, market, candidate.net_apr, markets.venue.status)
    return tuple(cards.values())[:BEST]


def _card(
    candidate: panels.FundingCandidate, market: panels.DriftMarket, net_apr: float, status: VenueStatus
) -> panels.FundingCard:
    why_not = candidate.why_not if status is VenueStatus.LIVE else f"the venue is {status}"
    return panels.FundingCard(
        symbol=candidate.market,
        side="short",
        rate=market.rate,
        apr=market.apr,
        net_apr=net_apr,
        break_even_days=candidate.break_even_days,
        cost_bps=candidate.cost_bps or 0.0,
        hold_days=HOLD_DAYS,
        available=not why_not,
        why_not=why_not,
    )


def _venue_words(status: VenueStatusChanged | None) -> str:
    """Why the venue is not simply open; empty where it is."""
    if status is None:
        return "no word of the venue"
    return "" if status.status is VenueStatus.LIVE else status.reason
