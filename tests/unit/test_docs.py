"""The documents say what the code does: tables, paths, links, commands and settings in them are held against it."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import CycloptsError

from phantom_arbiter.cli import app
from phantom_arbiter.config import parse
from phantom_arbiter.core.limits import Limits
from phantom_arbiter.core.safety import GATES
from tools import reference_tables

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")))
LARGEST_IMAGE = 250_000
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
PATH = re.compile(r"`([\w./-]+\.(?:py|svelte|ts|toml|md))`")


def blocks(page: Path, language: str) -> Iterator[str]:
    for found, text in BLOCK.findall(page.read_text(encoding="utf-8")):
        if found == language:
            yield text


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def commands() -> list[str]:
    """Every ``phantom …`` line of a shell block, and every one in code marks of a table."""
    lines = [line for page in PAGES for text in blocks(page, "sh") for line in text.splitlines()]
    return sorted({line.split("#")[0].rstrip(" &") for line in lines if line.startswith("phantom ")})


def test_the_tables_of_the_reference_are_up_to_date() -> None:
    late = [str(path.relative_to(ROOT)) for path, _ in reference_tables.stale(ROOT)]
    assert late == [], "run: python tools/reference_tables.py"


def test_a_table_that_was_changed_by_hand_is_made_anew() -> None:
    page = "before\n<!-- table: scenarios -->\nnonsense\n<!-- end -->\nafter\n"
    fresh = reference_tables.render(page)
    assert "nonsense" not in fresh
    assert "| `calm` |" in fresh
    assert reference_tables.render(fresh) == fresh


def test_every_setting_has_a_meaning_and_every_meaning_a_setting() -> None:
    known = {
        (section, key.name)
        for section, kind in reference_tables.sections().items()
        for key in reference_tables.keys(kind)
    }
    meant = {(section, key) for section, texts in reference_tables.MEANINGS.items() for key in texts}
    assert meant == known


def test_every_limit_belongs_to_one_gate() -> None:
    held = [name for names in reference_tables.GATE_LIMITS.values() for name in names]
    assert sorted(held) == sorted(Limits.__struct_fields__)
    assert set(reference_tables.GATE_LIMITS) <= {gate.name for gate in GATES}


def test_the_number_of_gates_is_right() -> None:
    for name in ("README.md", "CHANGELOG.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert {int(number) for number in re.findall(r"(\d+) (?:safety )?gates", text)} == {len(GATES)}, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    lost = []
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        name, _, anchor = target.partition("#")
        if "://" in target:
            continue
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            lost.append(target)
    assert lost == []


def test_every_file_of_the_brief_map_exists() -> None:
    rows = [line.split("|")[2] for line in (ROOT / "docs/brief-map.md").read_text("utf-8").splitlines() if "|" in line]
    named = [path for row in rows for path in PATH.findall(row)]
    assert len(named) > 40
    assert [path for path in named if not (ROOT / path).is_file()] == []


@pytest.mark.parametrize("line", commands())
def test_every_command_in_the_documents_is_understood(line: str) -> None:
    app.parse_args(shlex.split(line)[1:], exit_on_error=False, print_error=False)


def test_a_command_that_does_not_exist_would_be_found() -> None:
    with pytest.raises(CycloptsError):
        app.parse_args(["replay", "--hour", "6"], exit_on_error=False, print_error=False)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_setting_in_the_documents_is_accepted(page: Path) -> None:
    for text in blocks(page, "toml"):
        parse(tomllib.loads(text), page.name)


def test_the_screenshot_is_small_enough() -> None:
    assert 0 < (ROOT / "docs/images/overview.png").stat().st_size < LARGEST_IMAGE
