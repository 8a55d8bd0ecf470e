"""``phantom backtest funding``: the carry lab at the command line."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from phantom_arbiter.app.console import out, print_json, progress_bar, say
from phantom_arbiter.app.lab import data_folder
from phantom_arbiter.core.units import NS_PER_DAY
from phantom_arbiter.engines.funding.policy import Policy
from phantom_arbiter.research.carry_lab import CarryLabRequest, CarryLabResult, run_carry_lab
from phantom_arbiter.research.carry_run import CAUSES, Spot


class CarryArguments(NamedTuple):
    """The arguments as given; instants UTC ns, None where not."""

    venue: str
    market: str
    policy: str
    spot: str | None
    notional_usd: float
    data: Path | None
    from_ns: int | None
    to_ns: int | None
    json: bool


def run_and_print(arguments: CarryArguments) -> int:
    """Run the policies asked for, with a bar, and print a table or one JSON object."""
    request = CarryLabRequest(
        data=arguments.data or data_folder(),
        venue=arguments.venue,
        market=arguments.market,
        policies=tuple(Policy) if arguments.policy == "all" else (Policy(arguments.policy),),
        spot=Spot(arguments.spot) if arguments.spot else None,
        from_ns=arguments.from_ns,
        to_ns=arguments.to_ns,
        notional_usd=arguments.notional_usd,
    )
    with progress_bar() as bar:
        task = bar.add_task(request.market, total=None)

        def progress(_label: str, done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        result = run_carry_lab(request, progress)
    if arguments.json:
        print_json(result)
        return 0
    print_carry(out, result)
    for note in result.notes:
        say(note, "dim")
    return 0


def print_carry(console: Console, result: CarryLabResult) -> None:
    """Policies as columns, hold first, causes as rows, what just holding gave, and the verdict in words."""
    days = (result.to_ns - result.from_ns) / NS_PER_DAY
    title = (
        f"{result.market} on {result.venue}, spot leg {result.spot.value}: {result.hours:,} hours, {days:,.0f} days"
        f" · {result.notional_usd:,.0f} USD notional, {result.capital_usd:,.0f} USD with margin"
    )
    console.print(title, markup=False, soft_wrap=True)
    table = Table()
    table.add_column("USD")
    for policy in result.policies:
        table.add_column(policy.policy.value, justify="right")
    for holding in result.holding:
        table.add_column(f"just hold {holding.name}", justify="right", style="dim")
    blank = [""] * len(result.holding)
    for cause in CAUSES:
        held = [f"{holding.staking:+,.2f}" if cause == "staking" else "" for holding in result.holding]
        table.add_row(cause.replace("_", " "), *(f"{one.causes[cause]:+,.2f}" for one in result.policies), *held)
    table.add_row("price", *("" for _ in result.policies), *(f"{one.price:+,.2f}" for one in result.holding))
    costs = [f"{one.costs:+,.2f}" for one in result.holding]
    table.add_row("buying and selling", *("" for _ in result.policies), *costs, end_section=True)
    totals = [
        f"{total:+,.2f}" for total in [one.total for one in result.policies] + [one.total for one in result.holding]
    ]
    table.add_row("total", *totals, style="bold")
    table.add_row("a year, on capital", *(f"{one.return_apr:+.2%}" for one in result.policies), *blank)
    table.add_row("max drawdown", *(f"{one.max_drawdown:,.2f}" for one in result.policies), *blank)
    table.add_row("hours in position", *(f"{one.hours_in:,}" for one in result.policies), *blank)
    table.add_row("times entered", *(f"{one.entries:,}" for one in result.policies), *blank)
    table.add_row("premium not counted", *(f"{one.basis_not_counted:+,.2f}" for one in result.policies), *blank)
    console.print(table)
    for line in result.verdict:
        console.print(line, markup=False, soft_wrap=True)
