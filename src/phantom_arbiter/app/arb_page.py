"""From the arb engine's panel and verdicts to the rows of the Arb page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from phantom_arbiter.core.cycles import expected_net_micros
from phantom_arbiter.core.intents import Intent, Swap
from phantom_arbiter.core.units import BPS, MICROS_PER_USD
from phantom_arbiter.core.verdicts import Approved, Verdict
from phantom_arbiter.core.view import MarketView
from phantom_arbiter.dashboard.arb_rows import (
    ArbBest,
    ArbBound,
    ArbGrave,
    ArbOpportunity,
    ArbReason,
    ArbSwap,
    ArbUpdate,
    ArbVenue,
    WaterfallStep,
)

NS_PER_MS: Final = 1_000_000
MAX_GRAVES: Final = 100
COUNTS: Final = ("pools", "searches", "found", "fee_killed", "landed", "failed", "unknown")


def arb_page(raw: dict[str, Any], ts: int) -> ArbUpdate:
    """The engine's panel as a page; what was measured outside of the engine is the caller's to add."""
    graves = [{**grave, "ts": grave["ts_ns"] // NS_PER_MS} for grave in raw["graves"][-MAX_GRAVES:]]
    return ArbUpdate(
        ts=ts,
        **{name: raw[name] for name in COUNTS},
        sent=raw["proposed"],
        outcomes=raw["outcomes"],
        hoped=raw["hoped"],
        unfollowed=raw["unfollowed"],
        best=msgspec.convert(raw["best"], ArbBest | None),
        left_on_table=msgspec.convert(raw["left_on_table"], ArbBound | None),
        venues=msgspec.convert(raw["venues"], tuple[ArbVenue, ...]),
        reasons=msgspec.convert(raw["reasons"], tuple[ArbReason, ...]),
        graves=msgspec.convert(graves, tuple[ArbGrave, ...]),
        panel={key: value for key, value in raw.items() if isinstance(value, str | int | float | bool)},
    )


def opportunity(row_id: str, verdict: Verdict, view: MarketView, ts_ns: int) -> ArbOpportunity:
    """A verdict as a row of the tape, with its route and its cost waterfall."""
    intent = verdict.intent
    swaps = [leg for leg in intent.legs if isinstance(leg, Swap)]
    gross, size = intent.notional_micros * intent.edge_bps / BPS, intent.notional_micros
    net = gross - intent.cost.total_micros
    if isinstance(verdict, Approved):
        said = {"verdict": "sent", "reason": intent.reason, "order_id": verdict.order_id}
    else:
        said = {"verdict": "refused", "reason": f"{verdict.result.gate}: {verdict.result.message}"}
    return ArbOpportunity(
        id=row_id,
        ts=ts_ns // NS_PER_MS,
        route=route_of(swaps),
        swaps=swap_rows(swaps, view),
        size_usd=size / MICROS_PER_USD,
        gross_bps=intent.edge_bps,
        net_bps=net / size * BPS if size else 0.0,
        net_usd=net / MICROS_PER_USD,
        expected_usd=expected_net_micros(intent) / MICROS_PER_USD,
        waterfall=_waterfall(intent, gross, net),
        **said,  # type: ignore[arg-type]
    )


def route_of(swaps: Sequence[Swap]) -> tuple[str, ...]:
    """The assets in order, first and last the same; parallel swaps are one step of it."""
    hops = dict.fromkeys((leg.in_asset, leg.out_asset) for leg in swaps)
    return (swaps[0].in_asset, *(out_asset for _, out_asset in hops))


def swap_rows(swaps: Sequence[Swap], view: MarketView) -> tuple[ArbSwap, ...]:
    """The legs of a cycle, each with its part of its hop's input."""
    hop_atoms: dict[tuple[str, str], int] = {}
    for leg in swaps:
        hop_atoms[leg.in_asset, leg.out_asset] = hop_atoms.get((leg.in_asset, leg.out_asset), 0) + leg.in_atoms
    return tuple(
        ArbSwap(
            pool=leg.pool or leg.instrument,
            venue=view.pool_venue(leg.pool) or "",
            in_asset=leg.in_asset,
            out_asset=leg.out_asset,
            share=leg.in_atoms / (hop_atoms[leg.in_asset, leg.out_asset] or 1),
        )
        for leg in swaps
    )


def _waterfall(intent: Intent, gross: float, net: float) -> tuple[WaterfallStep, ...]:
    """Every cost of a cycle has its bar, also where it is nothing; what a cycle never pays has one only if it does."""
    cost = intent.cost
    always = (
        ("pool fees", cost.pool_fee_micros),
        ("base fee", cost.base_fee_micros),
        ("priority", cost.priority_micros),
        ("tip", cost.tip_micros),
        ("rent", cost.rent_micros),
    )
    other = cost.total_micros - sum(micros for _, micros in always)
    parts = (*always, ("other", other)) if other else always
    return (
        WaterfallStep(label="gross", usd=gross / MICROS_PER_USD),
        *(WaterfallStep(label=label, usd=-micros / MICROS_PER_USD) for label, micros in parts),
        WaterfallStep(label="net", usd=net / MICROS_PER_USD),
    )
