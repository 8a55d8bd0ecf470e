"""The arb replay's report as tables for people."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table

from phantom_arbiter.core.units import MICROS_PER_USD, NS_PER_DAY, NS_PER_SECOND
from phantom_arbiter.research.arb_orders import ArbOrder
from phantom_arbiter.research.arb_report import ArbReplayReport


def print_arb(console: Console, report: ArbReplayReport) -> None:
    """From what there was to what was left, then why."""
    days = (report.to_ns - report.from_ns) / NS_PER_DAY
    title = (
        f"arb over {report.pools} pools, {report.pool_rows:,} rows, {days:,.1f} days from {_moment(report.from_ns)} "
        f"· seed {report.seed}"
    )
    _line(console, title)
    console.print(_funnel(report))
    if report.not_taken:
        console.print(_not_taken(report))
    console.print(_waterfall(report))
    if report.days:
        console.print(_days(report))
    for name, orders in (("biggest wins", report.best), ("biggest losses", report.worst)):
        _line(console, f"{name}: " + ("; ".join(_order(order) for order in orders) or "none"))
    _seeds(console, report)
    _doubt(console, report)
    for line in report.why:
        _line(console, f"· {line}")


def _funnel(report: ArbReplayReport) -> Table:
    episodes, outcomes = report.episodes, report.outcomes
    table = Table(show_header=False)
    table.add_column("")
    table.add_column("", justify="right")
    table.add_row("episodes in the data, same base token", f"{episodes.count:,}")
    table.add_row("  between a USDC and a USDT pool", f"{episodes.crossing:,}")
    if episodes.median_margin_usd is not None and episodes.median_gain_usd is not None:
        table.add_row("  the source's own margin, median row, USD", f"{episodes.median_margin_usd:,.4f}")
        table.add_row("  at the best size after pool fees, USD", f"{episodes.median_gain_usd:,.4f}")
    life = f"{episodes.life_slots(0.5)} · {episodes.life_slots(0.9)}"
    table.add_row("  life in slots, median · 90 %", life, end_section=True)
    table.add_row("searches", f"{report.searches:,}")
    table.add_row("  a cycle gained only before the pools' fees", f"{report.fee_killed:,}")
    table.add_row("  a cycle gained before the chain's costs", f"{report.found:,}")
    table.add_row("opportunities seen", f"{report.opportunities:,}")
    table.add_row("  proposed", f"{report.proposed:,}")
    for gate, count in report.refused.items():
        table.add_row(f"  refused by gate: {gate}", f"{count:,}")
    table.add_row("sent", f"{report.sent:,}", style="bold")
    for outcome, count in outcomes.items():
        table.add_row(f"  {outcome}", f"{count:,}")
    if report.still_out:
        table.add_row("  still out at the end", f"{report.still_out:,}")
    if report.hoped is not None:
        table.add_row("should have landed by their bids", f"{report.hoped:.0%}")
    return table


def _not_taken(report: ArbReplayReport) -> Table:
    table = Table(title="not taken, and what all of them would have paid, USD", title_justify="left")
    table.add_column("why")
    for name in ("count", "1 slot later", "2", "4", "8"):
        table.add_column(name, justify="right")
    for one in report.not_taken:
        would = ("-" if usd is None else f"{usd:+,.2f}" for usd in one.would_usd)
        table.add_row(one.reason, f"{one.count:,}", *would)
    return table


def _waterfall(report: ArbReplayReport) -> Table:
    fall = report.waterfall
    table = Table(title="landed", title_justify="left")
    table.add_column("")
    table.add_column("USD", justify="right")
    table.add_row("gross", f"{fall.gross:+,.4f}")
    for name in ("pool_fees", "base_fee", "priority", "tip", "rent"):
        table.add_row(name.replace("_", " "), f"{-getattr(fall, name):+,.4f}")
    table.add_row("net", f"{fall.net:+,.4f}", style="bold", end_section=True)
    table.add_row("net, SOL", f"{fall.net_sol:+,.6f}")
    table.add_row("quoted when sent", f"{report.hoped_usd:+,.4f}")
    for asset, amount in fall.left.items():
        table.add_row(f"the ledger's {asset}", f"{amount:+,.9f}")
    return table


def _days(report: ArbReplayReport) -> Table:
    table = Table("day", "sent", "landed", "net, USD", "net, SOL")
    for day in report.days:
        cells = (day.day, str(day.sent), str(day.landed), f"{day.net_usd:+,.4f}", f"{day.net_sol:+,.6f}")
        table.add_row(*cells)
    return table


def _order(order: ArbOrder) -> str:
    route = "→".join(dict.fromkeys(leg.in_asset for leg in order.legs))
    moment, base = _moment(order.landed_ns), order.legs[0].in_asset
    return (
        f"{order.net_micros / MICROS_PER_USD:+,.4f} USD of {order.size_micros / MICROS_PER_USD:,.2f}, "
        f"{route}→{base}, {moment}"
    )


def _seeds(console: Console, report: ArbReplayReport) -> None:
    spread = report.spread
    if spread.seeds > 1:
        losing = sum(one.net_usd < 0 for one in report.seeds)
        _line(
            console,
            f"{spread.seeds} seeds: {spread.mean:+,.4f} USD on average, standard deviation {spread.sd:,.4f}, from "
            f"{spread.least:+,.4f} to {spread.most:+,.4f}; {losing} lost",
        )


def _doubt(console: Console, report: ArbReplayReport) -> None:
    doubt = report.doubt
    if doubt.half_rows:
        _line(
            console,
            f"{doubt.half_rows:,} of {doubt.rows:,} rows of whole pools share one amount with a neighbour while the "
            "other differs: at least one of each two was read between two writes. Landed orders for which that is more "
            f"than they gained: {doubt.orders}, {doubt.net_usd:+,.4f} USD of the net.",
        )


def _moment(ts_ns: int) -> str:
    return datetime.fromtimestamp(ts_ns // NS_PER_SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _line(console: Console, text: str) -> None:
    console.print(text, markup=False, soft_wrap=True)
