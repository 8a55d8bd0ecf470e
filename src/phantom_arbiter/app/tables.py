"""Reports as tables for people."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from phantom_arbiter.research.report import EngineReport, RunReport
from phantom_arbiter.storage.reports import FolderReport, ImportReport

CAUSES = ("price", "funding", "staking", "fees", "tips", "slippage", "borrow")


def print_report(console: Console, result: RunReport) -> None:
    """Engines as columns, what happened and P&L by cause as rows, "just hold" below."""
    table = Table(title=f"state {result.state_hash} · {result.facts:,} facts", title_justify="left")
    table.add_column("")
    for name in result.engines:
        table.add_column(name, justify="right")
    engines = list(result.engines.values())
    for label in ("facts", "intents", "approved"):
        table.add_row(label, *(f"{getattr(one, label):,}" for one in engines))
    table.add_row("refused by gate", *(_refusals(one) for one in engines))
    table.add_row("trades", *(f"{one.trades:,}" for one in engines), end_section=True)
    for cause in CAUSES:
        table.add_row(f"P&L {cause}, USD", *(f"{one.pnl.get(cause, 0.0):+,.2f}" for one in engines))
    table.add_row("P&L in all, USD", *(f"{one.pnl_total:+,.2f}" for one in engines), style="bold")
    table.add_row("starting capital's price, USD", *(f"{one.capital or 0.0:+,.2f}" for one in engines))
    table.add_row("max drawdown, USD", *(f"{one.max_drawdown:,.2f}" for one in engines))
    console.print(table)
    for name, engine in result.engines.items():
        if engine.remark:
            _line(console, f"{name}: {engine.remark}")
    for asset, usd in result.hold.items():
        console.print(f"just hold {asset}: " + (f"{usd:+,.2f} USD" if usd is not None else "no price known"))
    if result.skipped:
        _line(console, f"the folder lacks {len(result.skipped)} files of the map: {', '.join(result.skipped)}")


def _refusals(engine: EngineReport) -> str:
    return "\n".join(f"{gate} {count:,}" for gate, count in engine.refused.items()) or "-"


def print_import(console: Console, result: ImportReport | FolderReport) -> None:
    """What was imported, and what was wrong with it."""
    if isinstance(result, ImportReport):
        _print_files(console, (result,))
        return
    _print_files(console, result.imported)
    for name in ("unchanged", "skipped", "empty", "unmapped"):
        files = getattr(result, name)
        if files:
            _line(console, f"{name}: {', '.join(str(file) for file in files)}")


def _print_files(console: Console, files: tuple[ImportReport, ...]) -> None:
    table = Table("file", "kind", "rows", "bad", "gaps")
    for file in files:
        gaps = f"{file.gaps.count} (longest {file.gaps.longest} {file.gaps.unit})" if file.gaps is not None else "-"
        table.add_row(escape(file.source), file.kind, f"{file.rows:,}", f"{file.rows_bad:,}", gaps)
    console.print(table)
    for file in files:
        for bad in file.bad:
            first = bad.first[0]
            said = f"{file.source}: {bad.count} rows left out: {bad.reason}; first row {first.row}: {first.value}"
            _line(console, said)


def print_runs(console: Console, rows: list[tuple[str, str, str]]) -> None:
    """Runs, their market and how they ended."""
    if not rows:
        console.print("no runs yet: `phantom run` or `phantom replay` makes one")
        return
    table = Table("run", "market", "sealed")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    console.print(table)


def _line(console: Console, text: str) -> None:
    """A line as it is: brackets in a file's name are no markup, and nothing is broken at the edge."""
    console.print(text, markup=False, soft_wrap=True)
