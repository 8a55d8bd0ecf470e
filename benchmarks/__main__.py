"""``python -m benchmarks [--only NAME] [--json FILE]``: one table, ours beside the peer's."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks import NAMES, Result


def table(results: Sequence[Result]) -> Table:
    """The results as they are printed; a figure whose results differ shows no ratio."""
    shown = Table("benchmark", "unit", title="Ours beside the peer's; a ratio above 1 means ours is better")
    shown.add_column("ours", justify="right")
    shown.add_column("peer")
    shown.add_column("peer's", justify="right")
    shown.add_column("ratio", justify="right")
    shown.add_column("result")
    for result in results:
        shown.add_row(
            result.name,
            result.unit,
            f"{result.ours:,.4g}",
            result.peer,
            f"{result.peer_value:,.4g}",
            "–" if result.ratio is None else f"{result.ratio:,.2f}×",
            "same" if result.same_result else "DIFFERS",
        )
    return shown


def main(arguments: Sequence[str] | None = None, names: Sequence[str] = NAMES) -> int:
    """Run the chosen benchmarks in turn: 0 if every result is the peer's, 1 if one differs, 2 on a wrong name."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Each benchmark beside its peer.")
    parser.add_argument("--only", metavar="NAME", action="append", help="run only this one; may be given again")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the results there as well")
    options = parser.parse_args(arguments)
    chosen: list[str] = options.only or list(names)
    unknown = [name for name in chosen if name not in names]
    if unknown:
        known = ", ".join(names) or "none yet"
        sys.stderr.write(f"--only {unknown[0]}: no such benchmark; the known ones are: {known}\n")
        return 2
    results: list[Result] = []
    for name in chosen:
        results += import_module(f"benchmarks.{name}").run()
    Console().print(table(results))
    if options.json is not None:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
    return 0 if all(result.same_result for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
