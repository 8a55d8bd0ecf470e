"""From engines' panels and verdicts to the rows of the four pages."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from phantom_arbiter.app.arb_page import arb_page
from phantom_arbiter.app.perp_table import funding_cards
from phantom_arbiter.core.intents import Swap
from phantom_arbiter.core.kernel import Kernel
from phantom_arbiter.core.units import power_of_ten
from phantom_arbiter.core.verdicts import Approved, Verdict
from phantom_arbiter.dashboard import panels

NS_PER_MS: Final = 1_000_000


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
            cards = funding_cards(page.candidates, markets)
            return msgspec.structs.replace(page, cards=cards, payments=payments, market_table=markets)
        case "lst":
            lst: panels.LstUpdate = _fill_row(panels.LstUpdate, raw, ts=ts, panel=_rest(raw))
            return lst
        case "scalp":
            return panels.ScalpUpdate(
                ts=ts, pods=_pods(raw), positions=_scalp_positions(kernel, raw), panel={"last": raw["last"]}
            )
        case _:
            return arb_page(raw, ts)


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
