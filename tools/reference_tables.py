"""Writes the tables of the reference from the code, between ``<!-- table: NAME -->`` and ``<!-- end -->``.

``python tools/reference_tables.py`` in a checkout rewrites docs/reference.md and docs/reference/configuration.md;
tests/unit/test_docs.py fails where they are out of date.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, get_args

import msgspec
from msgspec import Struct, inspect

from phantom_arbiter.config import Config
from phantom_arbiter.core import events
from phantom_arbiter.core.limits import Limits
from phantom_arbiter.core.safety import ENTRY_ONLY, GATES, UNFORCEABLE
from phantom_arbiter.dashboard.frames import ServerFrame
from phantom_arbiter.dashboard.openapi import API
from phantom_arbiter.dashboard.requests import Auth, NotAvailable, WireAction
from phantom_arbiter.engines.scalp.settings import PodConfig
from phantom_arbiter.runtime.sequencer import JOURNALED
from phantom_arbiter.sim.market.scenarios import SCENARIOS
from phantom_arbiter.storage.schemas import KINDS

ROOT: Final = Path(__file__).resolve().parents[1]
PAGES: Final = ("docs/reference.md", "docs/reference/configuration.md")
MEANINGS: Final[dict[str, dict[str, str]]] = tomllib.loads(
    (ROOT / "tools/setting_meanings.toml").read_text(encoding="utf-8")
)
LISTS: Final[dict[str, type[Struct]]] = {"scalp.pods": PodConfig}
_BLOCK: Final = re.compile(r"(<!-- table: ([\w.]+) -->\n).*?(<!-- end -->)", re.DOTALL)

# Which limits a gate holds an intent against. Gates that are not named have none.
GATE_LIMITS: Final[dict[str, tuple[str, ...]]] = {
    "duplicate": ("duplicate_ns",),
    "rate": ("orders_per_second", "orders_per_minute", "orders_per_hour", "open_orders"),
    "staleness": ("quote_age_ns", "oracle_age_ns", "pool_age_ns", "exit_age_ns"),
    "confidence": ("oracle_confidence_bps",),
    "price_band": ("major_band_bps", "lst_premium_bps", "meme_band_bps"),
    "notional": ("order_notional_micros", "engine_notional_micros"),
    "sol_reserve": ("sol_reserve_lamports",),
    "slippage": ("slippage_bps", "exit_slippage_bps"),
    "edge": ("min_net_micros", "min_net_bps"),
    "health": ("open_health",),
    "withdrawal": ("withdraw_health",),
    "daily_loss": ("daily_loss_bps",),
    "drawdown": ("drawdown_bps",),
    "concentration": ("asset_share_bps",),
    "token_safety": (
        "token_liquidity_micros",
        "token_liquidity_orders",
        "token_top_holders_bps",
        "token_holders",
        "token_lp_burned_bps",
        "token_age_ns",
    ),
}


def render(text: str) -> str:
    """The page with every table made anew. Raises KeyError for a table that nobody makes."""
    return _BLOCK.sub(lambda block: f"{block[1]}{TABLES[block[2]]()}{block[3]}", text)


def sections() -> dict[str, type[Struct]]:
    """Every table of the configuration file and its struct; ``root`` is the file's top."""
    found: dict[str, type[Struct]] = {"root": Config}

    def walk(kind: type[Struct], prefix: str) -> None:
        for known in _fields(kind):
            if isinstance(known.type, inspect.StructType):
                name = f"{prefix}{known.name}"
                found[name] = known.type.cls
                walk(known.type.cls, f"{name}.")

    walk(Config, "")
    return found | LISTS


def keys(kind: type[Struct]) -> list[inspect.Field]:
    """The keys that a section holds itself, without its sub-sections."""
    return [known for known in _fields(kind) if not isinstance(known.type, inspect.StructType)]


def _fields(kind: type[Struct]) -> tuple[inspect.Field, ...]:
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    return info.fields


def _configuration() -> str:
    parts = []
    for name, kind in sections().items():
        found = keys(kind)
        if not found:
            continue
        title = "Top of the file" if name == "root" else f"`[[{name}]]`" if name in LISTS else f"`[{name}]`"
        rows = ((f"`{known.name}`", _default(known), _range(known.type), MEANINGS[name][known.name]) for known in found)
        parts.append(f"## {title}\n\n{_table(('Key', 'Default', 'Range', 'Meaning'), rows)}")
        if name == "root":
            parts.append(f"## `[capital.ENGINE]`\n\n```toml\n{_capital()}```\n")
    return "\n".join(parts)


def _capital() -> str:
    amounts = Config().capital.items()
    return "\n".join(
        f"[capital.{engine}]\n" + "".join(f'{asset} = "{amount}"\n' for asset, amount in held.items())
        for engine, held in amounts
    )


def _default(known: inspect.Field) -> str:
    value = known.default_factory() if known.default_factory is not msgspec.NODEFAULT else known.default
    if value is msgspec.NODEFAULT:
        return "required"
    if known.name in ("capital", "pods"):
        return "see below" if known.name == "capital" else "two pods"
    human = _human(known.name, value)
    return f"`{_toml(value)}`" + (f" ({human})" if human else "")


def _toml(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case StrEnum():
            return f'"{value.value}"'
        case str():
            return f'"{value}"'
        case tuple():
            return f"[{', '.join(_toml(one) for one in value)}]"
        case _:
            return str(value)


def _human(name: str, value: Any) -> str:
    """A number in the unit a person thinks in; empty where the plain number says it."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value:
        return ""
    if name.endswith("_ns"):
        return _span(int(value))
    scales = {
        "_micros": ("${:,.10g}", 1e6),
        "_lamports": ("{:g} SOL", 1e9),
        "_bps": ("{:g} %", 1e2),
        "_ppm": ("{:g} %", 1e4),
    }
    for ending, (form, scale) in scales.items():
        if name.endswith(ending):
            return form.format(value / scale)
    return ""


def _span(ns: int) -> str:
    for unit, size in (("d", 86_400 * 10**9), ("h", 3_600 * 10**9), ("min", 60 * 10**9), ("s", 10**9)):
        if ns >= size and ns % size == 0:
            return f"{ns // size} {unit}"
    return f"{ns / 10**6:g} ms"


def _range(kind: inspect.Type) -> str:
    match kind:
        case inspect.IntType() | inspect.FloatType():
            lower = "" if kind.ge is None else f"≥ {kind.ge:,g}"
            lower = lower if kind.gt is None else f"> {kind.gt:,g}"
            upper = "" if kind.le is None or kind.le > 10**12 else f"≤ {kind.le:,g}"
            upper = upper if kind.lt is None else f"< {kind.lt:,g}"
            return ", ".join(part for part in (lower, upper) if part) or "any"
        case inspect.EnumType():
            return ", ".join(f'`"{one.value}"`' for one in kind.cls)
        case inspect.VarTupleType():
            return f"{kind.min_length or 0} to {kind.max_length} entries" if kind.max_length else "a list"
        case inspect.BoolType():
            return "true, false"
        case inspect.DictType():
            return "tables"
        case inspect.StrType() if kind.max_length:
            return f"{kind.min_length or 0} to {kind.max_length} characters"
        case _:
            return "text"


def _scenarios() -> str:
    return _table(("Name", "What happens"), ((f"`{one.name}`", one.about) for one in SCENARIOS.values()))


def _gates() -> str:
    limits = Limits()
    rows = []
    for number, gate in enumerate(GATES, 1):
        held = "; ".join(_limit(name, getattr(limits, name)) for name in GATE_LIMITS.get(gate.name, ()))
        notes = [
            text
            for text, on in (("entries only", gate.name in ENTRY_ONLY), ("never forced", gate.name in UNFORCEABLE))
            if on
        ]
        rows.append((str(number), f"`{gate.name}`", _first(gate.check), held or "–", ", ".join(notes) or "–"))
    return _table(("", "Gate", "What it looks at", "Limits and defaults", "Notes"), rows)


def _limit(name: str, value: Any) -> str:
    return f"`{name}` {_human(name, value) or f'{value:,g}'}"


def _facts() -> str:
    rows = (
        (
            f"`{kind.__name__}`",
            _first(kind),
            ", ".join(f"`{name}`" for name in kind.__struct_fields__),
            "yes" if kind in JOURNALED else "no",
        )
        for kind in get_args(events.AnyFact)
    )
    return _table(("Fact", "What it says", "Fields", "Always journaled"), rows)


def _kinds() -> str:
    rows = (
        (
            f"`{kind.name}`",
            kind.doc,
            ", ".join(f"`{column.name}`" + ("?" if column.nullable else "") for column in kind.columns),
        )
        for kind in KINDS.values()
    )
    return _table(("Kind", "What a row is", "Columns (? may be null)"), rows)


def _actions() -> str:
    refused = get_args(NotAvailable)
    rows = (
        (f"`{kind.__struct_config__.tag}`", _params(kind), _first(kind), "no" if kind in refused else "yes")
        for kind in (Auth, *get_args(WireAction))
    )
    return _table(("Action", "Fields beside `id`", "What it asks", "Works today"), rows)


def _params(kind: type[Struct]) -> str:
    return ", ".join(f"`{name}`" for name in kind.__struct_fields__) or "–"


def _messages() -> str:
    return _table(
        ("Type", "When"), ((f"`{kind.__struct_config__.tag}`", _first(kind)) for kind in get_args(ServerFrame))
    )


def _routes() -> str:
    rows = (
        (f"`GET {route.path}`", route.summary, ", ".join(f"`{one.name}`" for one in route.parameters) or "–")
        for route in API
    )
    return _table(("Route", "Answer", "Parameters"), rows)


def _first(thing: Any) -> str:
    """The first paragraph of a docstring in one line, reStructuredText's code marks as Markdown's."""
    text = " ".join((thing.__doc__ or "").split("\n\n")[0].split())
    return text.replace("``", "`").replace("|", "\\|")


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = tuple(head)
    return "\n".join((_row(head), _row("---" for _ in head), *map(_row, rows))) + "\n"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


TABLES: Final[dict[str, Callable[[], str]]] = {
    "configuration": _configuration,
    "scenarios": _scenarios,
    "gates": _gates,
    "facts": _facts,
    "kinds": _kinds,
    "actions": _actions,
    "messages": _messages,
    "routes": _routes,
}


def stale(root: Path = ROOT) -> Iterator[tuple[Path, str]]:
    """Pages whose tables are not what the code says now, each with what it should be."""
    for name in PAGES:
        text = (root / name).read_text(encoding="utf-8")
        fresh = render(text)
        if fresh != text:
            yield root / name, fresh


def main() -> int:
    """Rewrite what is stale."""
    for path, fresh in stale():
        path.write_text(fresh, encoding="utf-8")
        sys.stdout.write(f"{path.relative_to(ROOT)}: rewritten\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
