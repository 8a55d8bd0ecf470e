"""From engines' panels and verdicts to the rows of the four pages, and the perp market table."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from phantom_arbiter.core.events import (
    Envelope,
    FundingPosted,
    FundingSettled,
    PerpStatsRead,
    VenueStatus,
    VenueStatusChanged,
)
from phantom_arbiter.core.intents import Intent, Swap
from phantom_arbiter.core.kernel import Kernel
from phantom_arbiter.core.units import FUNDING_RATE_SCALE, HOURS_PER_YEAR, NS_PER_HOUR, power_of_ten
from phantom_arbiter.core.verdicts import Approved, Verdict
from phantom_arbiter.dashboard import panels, rows
from phantom_arbiter.dashboard.port import Unavailable

NS_PER_MS: Final = 1_000_000
PERP_VENUE: Final = "drift"
STALE_AFTER_NS: Final = 2 * NS_PER_HOUR
HOLD_DAYS: Final = 30.0
HISTORY_HOURS: Final = 168


def _fill_row(kind: type[Any], raw: dict[str, Any], **more: Any) -> Any:
    """A row from the keys of ``raw`` that it knows; the rest stays in the panel."""
    known = {name: raw[name] for name in kind.__struct_fields__ if name in raw}
    return msgspec.convert({**known, **more}, kind)


def engine_page(
    kernel: Kernel,
    engine: str,
    markets: panels.MarketsResponse | None,
    payments: tuple[panels.FundingPayment, ...] = (),
) -> panels.EnginePanel:
    """The page of one engine; ``markets`` and ``payments`` are the funding engine's."""
    raw, ts = kernel.engines[engine].panel(), kernel.view.now_ns // NS_PER_MS
    raw.pop("ts", None)
    match engine:
        case "funding":
            page: panels.FundingUpdate = _fill_row(panels.FundingUpdate, raw, ts=ts, panel=_rest(raw))
            cards = funding_cards(raw, markets)
            return msgspec.structs.replace(page, cards=cards, payments=payments, market_table=markets)
        case "lst":
            lst: panels.LstUpdate = _fill_row(panels.LstUpdate, raw, ts=ts, panel=_rest(raw))
            return lst
        case "scalp":
            return panels.ScalpUpdate(
                ts=ts, pods=_pods(raw), positions=_scalp_positions(kernel, raw), panel={"last": raw["last"]}
            )
        case _:
            return _arb_page(raw, ts)


def _rest(raw: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in raw.items() if isinstance(value, str | int | float | bool)}


def _pods(raw: dict[str, Any]) -> tuple[panels.ScalpPod, ...]:
    found = []
    for pod in raw["pods"]:
        held = {holding["filled"] for holding in raw["holdings"] if holding["pod"] == pod["name"]}
        found.append(
            panels.ScalpPod(
                id=pod["name"],
                token="all",
                instrument=pod["strategy"],
                status="in_position" if True in held else "signal" if held else "watching",
                trades=pod["trades"],
                wins=pod["won"],
                pnl_usd=pod["pnl_usd"],
                p_win=pod["wins"] / pod["trials"] if pod["trials"] else None,
                why_not=f"{pod['signals']} signals, {pod['trials']} trials, measured edge {pod['edge_bps']:+.1f} bps",
            )
        )
    return tuple(found)


def _scalp_positions(kernel: Kernel, raw: dict[str, Any]) -> tuple[panels.ScalpPosition, ...]:
    found = []
    for holding in raw["holdings"]:
        if not holding["filled"]:
            continue  # asked for, and not bought yet
        asset = kernel.universe.assets[holding["token"]]
        value = kernel.view.usd_micros(holding["token"], holding["atoms"])
        found.append(
            panels.ScalpPosition(
                id=holding["id"],
                pod=holding["pod"],
                token=holding["token"],
                instrument=holding["instrument"],
                size=holding["atoms"] / power_of_ten(asset.decimals),
                entry_price=holding["entry"],
                price=holding["price"],
                target_price=holding["target"],
                stop_price=holding["stop"],
                timeout_ts=holding["timeout_ns"] // NS_PER_MS,
                opened_ts=holding["opened_ns"] // NS_PER_MS,
                pnl_usd=value / 1e6 - holding["cost_usd"] if value is not None else None,
            )
        )
    return tuple(found)


def _arb_page(raw: dict[str, Any], ts: int) -> panels.ArbUpdate:
    return panels.ArbUpdate(
        ts=ts,
        pools=raw["pools"],
        cycles=raw["found"] + raw["fee_killed"],
        searches=raw["searches"],
        found=raw["found"],
        sent=raw["proposed"],
        landed=raw["landed"],
        failed=raw["failed"],
        panel=_rest(raw),
    )


def opportunity(number: int, verdict: Verdict, ts_ns: int) -> panels.ArbOpportunity:
    """An arb verdict as a row of the tape, with its cost waterfall."""
    intent = verdict.intent
    swaps = [leg for leg in intent.legs if isinstance(leg, Swap)]
    approved = isinstance(verdict, Approved)
    gross, size = intent.notional_micros * intent.edge_bps / 10_000, intent.notional_micros
    net = gross - intent.cost.total_micros
    return panels.ArbOpportunity(
        id=f"arb-{number}",
        ts=ts_ns // NS_PER_MS,
        route=(swaps[0].in_asset, *(leg.out_asset for leg in swaps)),
        pools=tuple(leg.pool for leg in swaps),
        size_usd=size / 1e6,
        gross_bps=intent.edge_bps,
        net_bps=net / size * 10_000 if size else 0.0,
        net_usd=net / 1e6,
        waterfall=_waterfall(intent, gross, net),
        verdict="sent" if approved else "refused",
        reason=intent.reason if isinstance(verdict, Approved) else f"{verdict.result.gate}: {verdict.result.message}",
        order_id=verdict.order_id if isinstance(verdict, Approved) else "",
    )


def _waterfall(intent: Intent, gross: float, net: float) -> tuple[panels.WaterfallStep, ...]:
    cost = intent.cost
    parts = (
        ("pool fees", cost.pool_fee_micros),
        ("base fee", cost.base_fee_micros),
        ("priority", cost.priority_micros),
        ("tip", cost.tip_micros),
        ("rent", cost.rent_micros),
        ("slippage", cost.slippage_micros),
    )
    steps = [panels.WaterfallStep(label="gross", usd=gross / 1e6)]
    steps += [panels.WaterfallStep(label=label, usd=-micros / 1e6) for label, micros in parts if micros]
    return (*steps, panels.WaterfallStep(label="net", usd=net / 1e6))


def _break_even_share(kernel: Kernel, name: str, cost_bps: float) -> float | None:
    """p* = (stop + cost) / (target + stop): the share of target hits that pays for the rest and for the costs."""
    for pod in kernel.engines["scalp"].panel()["pods"]:
        if pod["name"] == name:
            return float((pod["stop_bps"] + cost_bps) / (pod["target_bps"] + pod["stop_bps"]))
    return None


def scalp_signal(number: int, kernel: Kernel, verdict: Verdict, ts_ns: int) -> panels.ScalpSignal | None:
    """A scalp entry's verdict as a signal row; None for exits."""
    intent = verdict.intent
    leg = intent.legs[0]
    if intent.purpose != "entry" or not isinstance(leg, Swap):
        return None
    cost_bps = intent.cost.total_micros / intent.notional_micros * 10_000
    outcome = "sent" if isinstance(verdict, Approved) else f"{verdict.result.gate}: {verdict.result.message}"
    return panels.ScalpSignal(
        id=f"signal-{number}",
        ts=ts_ns // NS_PER_MS,
        pod=intent.pod,
        token=leg.out_asset,
        instrument=leg.instrument,
        price=kernel.view.mid(leg.instrument) or 0.0,
        strength=intent.edge_bps,
        expectancy_bps=intent.edge_bps - cost_bps,
        p_win=None,
        p_star=_break_even_share(kernel, intent.pod, cost_bps),
        verdict=outcome,
    )


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
    rate = hourly_fraction(posted)
    oracle = view.oracle(name)
    price = instrument.price(oracle.px) if oracle is not None else None
    base, quote = power_of_ten(instrument.base_decimals), power_of_ten(instrument.quote_decimals)
    known = read if isinstance(read, PerpStatsRead) else None
    return panels.DriftMarket(
        symbol=name,
        rate=rate,
        apr=rate * HOURS_PER_YEAR,
        direction="shorts" if rate >= 0 else "longs",
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
    """A posted rate as a fraction of notional an hour: quote per base over the oracle TWAP."""
    return posted.rate_e9 / FUNDING_RATE_SCALE / (posted.oracle_twap_px / 1e6)


def funding_cards(raw: dict[str, Any], markets: panels.MarketsResponse | None) -> tuple[panels.FundingCard, ...]:
    """The three best markets net of the engine's reckoned round trip, over thirty days at the posted rate.

    What can be taken comes first: a better rate that nobody can trade helps nobody.
    """
    if markets is None:
        return ()
    cost_bps = float(raw.get("cost_bps") or 0.0)
    cards = [_card(market, cost_bps, markets.venue.status) for market in markets.markets]
    return tuple(sorted(cards, key=lambda card: (card.available, card.net_apr), reverse=True)[:3])


def _card(market: panels.DriftMarket, cost_bps: float, status: VenueStatus) -> panels.FundingCard:
    receives = abs(market.apr)
    traded = market.symbol == "SOL-PERP" and market.direction == "shorts"
    why_not = "" if traded else "this version hedges a SOL short only"
    if status is not VenueStatus.LIVE:
        why_not = f"the venue is {status}"
    side: rows.Direction = "short" if market.direction == "shorts" else "long"
    return panels.FundingCard(
        symbol=market.symbol,
        side=side,
        rate=market.rate,
        apr=market.apr,
        net_apr=receives - cost_bps / 10_000 * 365.25 / HOLD_DAYS,
        break_even_days=cost_bps / 10_000 / receives * 365.25 if receives and cost_bps else None,
        cost_bps=cost_bps,
        hold_days=HOLD_DAYS,
        available=not why_not,
        why_not=why_not,
    )


def _venue_words(status: VenueStatusChanged | None) -> str:
    """Why the venue is not simply open; empty where it is."""
    if status is None:
        return "no word of the venue"
    return "" if status.status is VenueStatus.LIVE else status.reason
