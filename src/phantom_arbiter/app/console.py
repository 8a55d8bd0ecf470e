"""What the command line writes: results to stdout, everything else to stderr."""

from __future__ import annotations

import sys
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from phantom_arbiter.app import tables
from phantom_arbiter.core.units import NS_PER_SECOND
from phantom_arbiter.research.report import RunReport

errors = Console(stderr=True, highlight=False)
out = Console(highlight=False)


def say(text: str, style: str = "") -> None:
    """A line for people, on stderr; nothing in it is markup, and it is not broken."""
    errors.print(Text(text, style), soft_wrap=True)


def progress_bar() -> Progress:
    """A bar on stderr, where that is a terminal."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
        disable=not errors.is_terminal,
    )


def print_result(result: RunReport, as_json: bool) -> None:
    """A report as JSON or as tables, and what it rests on."""
    if as_json:
        print_json(result)
    else:
        tables.print_report(out, result)
    for note in result.assumptions:
        say(note, "dim")
    if result.limits:
        say(
            "How old data may be: " + ", ".join(f"{name} {_age(name, age)}" for name, age in result.limits.items()),
            "dim",
        )
    if result.refused_rows:
        say(f"{result.refused_rows} rows of the data were not sound and were left out.", "yellow")


def _age(name: str, age: int) -> str:
    return f"{age // NS_PER_SECOND} s" if name.endswith("_ns") else str(age)


def print_json(value: Any) -> None:
    """One object on one line."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
